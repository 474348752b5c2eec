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

/// The answer to a case that is called `id`: what is `unmodelled` in it, or else what it comes to.
pub fn answer<I>(id: I, unmodelled: Option<&'static str>, run: impl FnOnce() -> Run) -> Answer<I> {
    match unmodelled {
        None => Answer::Answered { id, expect: run().to_expect() },
        Some(reason) => Answer::Unanswered { id, status: "unsupported", reason: reason.into() },
    }
}
