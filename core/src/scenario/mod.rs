//! Scenarios: a whole machine state with one question to it, as JSON. The format is that of the conformance vectors:
//! one object with the instruction, the registers and the memory, of which only what differs from the defaults is
//! written.
//!
//! ```
//! # use stagewalk::scenario::Case;
//! let case: Case = r#"{"op": "S1E1R", "el": 1, "va": "0x4008_0123"}"#.parse()?;
//! assert_eq!(case.run().reads, 0); // the MMU is off: nothing to walk
//! # Ok::<(), stagewalk::scenario::ScenarioError>(())
//! ```

use crate::access::Op;
use crate::at::{self, Answer};
use crate::env::Traced;
use crate::memory::Memory;
use crate::pe::Pe;
use crate::step::Step;
use alloc::string::String;
use alloc::vec::Vec;
use core::str::FromStr;
use serde::de::{Deserialize, IgnoredAny};

pub mod batch;
pub mod build;
pub mod dump;
mod error;
pub mod examples;
pub mod expect;
pub mod litmus;
pub mod machine;
pub mod names;
pub mod number;
mod overlay;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use error::ScenarioError;
pub use expect::{Difference, Expect};
pub use read::parse_address;

use overlay::Overlay;
use read::Document;

/// A machine state and the instruction or access that asks it for a translation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What the case is called.
    pub id: String,
    /// What the case shows, in words.
    pub about: String,
    /// The instruction or access.
    pub op: Op,
    /// Its address operand.
    pub va: u64,
    /// Registers, PSTATE, features and choices.
    pub pe: Pe,
    /// Physical memory.
    pub memory: Memory,
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The result, the fault and the output.
    pub answer: Answer,
    /// Physical reads of the walks.
    pub reads: u32,
    /// Descriptor updates, in order: physical address, and the doubleword as stored.
    pub writes: Vec<(u64, u64)>,
    /// What happened, step by step; empty unless traced.
    pub steps: Vec<Step>,
}

impl Case {
    /// `op` at `va` on a machine with every register and all memory 0.
    #[must_use]
    pub fn new(op: Op, va: u64) -> Self {
        Self { id: String::new(), about: String::new(), op, va, pe: Pe::default(), memory: Memory::new() }
    }

    /// Reads a case from a JSON value.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_json(value: &serde_json::Value) -> Result<Self, ScenarioError> {
        Ok(Self::deserialize(value)?)
    }

    /// The case as a JSON value.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Reads a case from JSON text, in UTF-8.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn from_slice(text: &[u8]) -> Result<Self, ScenarioError> {
        Ok(serde_json::from_slice::<Document<IgnoredAny>>(text)?.case)
    }

    /// Reads a case from JSON text, and what the text expects of it.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn with_expect(text: &[u8]) -> Result<(Self, Option<Expect>), ScenarioError> {
        let Document { case, expect } = serde_json::from_slice(text)?;
        Ok((case, expect))
    }

    /// Executes the case, on a machine of its own: the case does not change.
    #[must_use]
    pub fn run(&self) -> Run {
        run(&self.pe, self.op, self.va, &self.memory)
    }

    /// Executes the case, and keeps the steps.
    #[must_use]
    pub fn trace(&self) -> Run {
        let mut world = Overlay::new(&self.memory);
        let mut traced = Traced::new(&mut world);
        let Ok(answer) = at::execute(&self.pe, self.op, self.va, &mut traced);
        let steps = traced.into_steps();
        Run { answer, reads: world.reads, writes: world.writes, steps }
    }
}

impl FromStr for Case {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, ScenarioError> {
        Self::from_slice(text.as_bytes())
    }
}

/// Executes `op` at `va`; descriptor updates are in the result and not in `memory`.
#[must_use]
pub fn run(pe: &Pe, op: Op, va: u64, memory: &Memory) -> Run {
    let mut world = Overlay::new(memory);
    let Ok(answer) = at::execute(pe, op, va, &mut world);
    Run { answer, reads: world.reads, writes: world.writes, steps: Vec::new() }
}
