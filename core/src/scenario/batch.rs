//! What `stagewalk batch` says of a case.

use super::{Expect, Run};
use alloc::string::String;
use serde::Serialize;

/// An answer, as one JSON object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and nearly always the large one")]
pub enum Answer<I> {
    /// What became of the case.
    Answered {
        /// The case's own name.
        id: I,
        /// In the vectors' shape.
        #[serde(flatten)]
        expect: Expect,
    },
    /// The case has no answer.
    Unanswered {
        /// The case's own name.
        id: I,
        /// In a word.
        status: &'static str,
        /// What it asks for.
        reason: String,
    },
}

/// The answer to a case that is called `id`.
pub fn answer<I>(id: I, run: &Run) -> Answer<I> {
    Answer::Answered { id, expect: run.to_expect() }
}
