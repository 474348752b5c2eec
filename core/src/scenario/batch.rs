//! What `stagewalk batch` says of a case.

#[cfg(feature = "kvm")]
use super::number::Hex;
use super::{Expect, Run};
use alloc::string::String;
#[cfg(feature = "kvm")]
use alloc::vec::Vec;
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

/// What a real machine says of a case: the vectors' shape, without the fields that hardware cannot tell.
#[cfg(feature = "kvm")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MachineAnswer<I> {
    /// The case's own name.
    id: I,
    status: super::expect::Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    par: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<super::expect::Taken>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    writes: Vec<(Hex, Hex)>,
    /// The fields of the shape that are missing because nothing tells them.
    untold: [&'static str; 4],
}

#[cfg(feature = "kvm")]
impl<I> MachineAnswer<I> {
    /// The machine's answer to a case that is called `id`.
    #[must_use]
    pub fn new(id: I, run: &Run) -> Self {
        let Expect { status, par, exception, writes, .. } = run.to_expect();
        Self { id, status, par, exception, writes, untold: ["par_ignore", "fault", "output", "reads"] }
    }
}

/// The answer to a case that is called `id`.
pub fn answer<I>(id: I, run: &Run) -> Answer<I> {
    Answer::Answered { id, expect: run.to_expect() }
}
