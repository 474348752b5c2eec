//! Steps as text, short enough for a link: `0.1.1:2.0!` is a step of actor 0, one of actor 1, the third choice of
//! actor 1, and actor 0 leaving the guest to pause.

use super::{MOST_ACTORS, Transition};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// Steps, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace(pub Vec<Transition>);

/// What is no trace: the step, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceError {
    /// The number of the step, from 1.
    pub step: usize,
    /// Its text.
    pub text: String,
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Transition { actor, choice }) in self.0.iter().enumerate() {
            let dot = if at == 0 { "" } else { "." };
            match *choice {
                0 => write!(f, "{dot}{actor}")?,
                Transition::LEAVE => write!(f, "{dot}{actor}!")?,
                choice => write!(f, "{dot}{actor}:{choice}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Trace {
    type Err = TraceError;

    fn from_str(text: &str) -> Result<Self, TraceError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        let steps = text.split('.').enumerate();
        let read = |(at, step): (usize, &str)| {
            transition(step).ok_or_else(|| TraceError { step: at + 1, text: String::from(step) })
        };
        steps.map(read).collect::<Result<_, _>>().map(Self)
    }
}

fn transition(step: &str) -> Option<Transition> {
    let (actor, choice) = match step.strip_suffix('!') {
        Some(actor) => (actor, Transition::LEAVE),
        None => match step.split_once(':') {
            Some((actor, choice)) => (actor, choice.parse().ok().filter(|&choice| choice != Transition::LEAVE)?),
            None => (step, 0),
        },
    };
    let actor = actor.parse().ok().filter(|&actor| usize::from(actor) < MOST_ACTORS)?;
    Some(Transition { actor, choice })
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, text } = self;
        write!(
            f,
            "step {step}: `{text}` is not a step: expected an actor's number, and its choice if not the first, "
        )?;
        f.write_str("as in `0.1:2`")
    }
}

impl core::error::Error for TraceError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_trace_is_read_as_it_was_written() {
        for text in ["", "0", "0.1.1:2.0", "4!.3:65534.0!"] {
            assert_eq!(text.parse::<Trace>().expect(text).to_string(), text);
        }
        for (text, step) in [("5", 1), ("0.", 2), ("0..1", 2), ("0.x", 2), ("0.1:", 2), ("0:65535", 1), ("0.1.-1", 3)] {
            assert_eq!(text.parse::<Trace>().expect_err(text).step, step, "{text}");
        }
    }
}
