//! What an exploration found, in words.

use super::Scenario;
use crate::machine::explore::Explorer;
use crate::machine::trace::Trace;
use alloc::string::String;
use alloc::vec::Vec;

/// An outcome that an exploration found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The outcome in words: see [`Scenario::outcome`].
    pub outcome: String,
    /// Whether all actors came to their end.
    pub ended: bool,
    /// In how many different states.
    pub states: u64,
    /// Steps that lead there, as few as any.
    pub trace: Trace,
    /// The numbers of the explorer's outcomes that it stands for.
    pub numbers: Vec<usize>,
}

impl Scenario {
    /// What an exploration of the scenario has found so far, sorted; outcomes of equal text are one.
    pub fn found(&self, explorer: &mut Explorer) -> Vec<Found> {
        let mut all: Vec<Found> = Vec::new();
        for number in 0..explorer.outcomes().len() {
            let outcome = &explorer.outcomes()[number];
            let (ended, states, witness) = (outcome.ended, outcome.states, outcome.witness);
            let text = self.outcome(&outcome.observed, ended);
            match all.iter_mut().find(|found| found.outcome == text) {
                Some(found) => {
                    found.states += states;
                    found.numbers.push(number);
                }
                None => {
                    let trace = Trace(explorer.trace(witness));
                    all.push(Found { outcome: text, ended, states, trace, numbers: Vec::from([number]) });
                }
            }
        }
        all.sort_by(|a, b| a.outcome.cmp(&b.outcome));
        all
    }
}
