//! How a command ends.

use crate::style;
use std::fmt::Display;
use std::io;

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Answered.
    Answered = 0,
    /// An architectural fault, or a difference, where that counts as failure.
    Fault = 1,
    /// A command that makes no sense.
    Usage = 2,
    /// Input that cannot be read.
    BadInput = 3,
    /// Something needed is not available.
    Unavailable = 4,
    /// An exploration that ended early.
    Incomplete = 5,
}

/// Why a command could not answer.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// A command that makes no sense, and what would.
    pub fn usage(message: impl Display, hint: impl Display) -> Self {
        Self { exit: Exit::Usage, message: message.to_string(), hint: Some(hint.to_string()) }
    }

    /// Input that cannot be read: where, and what is wrong with it.
    pub fn bad_input(place: impl Display, problem: impl Display) -> Self {
        Self { exit: Exit::BadInput, message: format!("{place}: {problem}"), hint: None }
    }

    /// Something that is not available.
    pub fn unavailable(message: impl Display) -> Self {
        Self { exit: Exit::Unavailable, message: message.to_string(), hint: None }
    }

    /// The same failure, with advice.
    pub fn with_hint(self, hint: impl Display) -> Self {
        Self { hint: Some(hint.to_string()), ..self }
    }

    /// Says what went wrong on standard error.
    pub fn report(self) -> Exit {
        let error = style::ERROR;
        if !self.message.is_empty() {
            anstream::eprintln!("{error}error:{error:#} {}", self.message);
        }
        if let Some(hint) = self.hint {
            anstream::eprintln!("\n{hint}");
        }
        self.exit
    }
}

/// Writing an answer failed. That its reader has gone away is no failure.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { exit: Exit::Answered, message: String::new(), hint: None };
        }
        Self::unavailable(format_args!("cannot write the answer: {error}"))
    }
}
