//! Litmus tests for translation: small programs with a question about how they may end, and a published answer.
//!
//! A test names addresses; here they get real ones, with real tables and descriptors, and its threads become the
//! programs of a [`Machine`], which is explored. What it may come to decides the verdict, without knowing what was
//! published.

mod condition;
mod layout;
mod op;
mod order;
mod program;
pub mod record;
pub mod software;
mod value;
mod verdict;

pub use condition::{Condition, Predicate};
pub use layout::Layout;
pub use order::Beyond;
pub use record::{Record, Verdict};
pub use software::Scenario;
pub use verdict::{Answer, Options, PolicyAnswer, answer};

use super::ScenarioError;
use crate::machine::Machine;
use crate::machine::explore::Observable;

/// A line of a file of tests.
#[derive(Clone, Debug)]
pub enum Test {
    /// A program with a published verdict.
    Litmus(Record),
    /// A scenario of an AT instruction that is emulated by a walk in software.
    SoftwareWalk(Scenario),
}

impl Test {
    /// Reads a test from JSON text.
    ///
    /// # Errors
    /// What is wrong with it, and in which field.
    pub fn from_slice(text: &[u8]) -> Result<Self, ScenarioError> {
        let json: serde_json::Value = serde_json::from_slice(text)?;
        let kind = json.get("kind").and_then(serde_json::Value::as_str);
        if kind == Some("software-walk") || json.get("policies").is_some() {
            return Ok(Self::SoftwareWalk(Scenario::from_json(json)?));
        }
        Ok(Self::Litmus(Record::from_json(json)?))
    }

    /// What the test is called.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Litmus(record) => &record.name,
            Self::SoftwareWalk(scenario) => &scenario.name,
        }
    }
}

/// A test as a machine, with what must be observed of it for the condition.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The machine.
    pub machine: Machine,
    /// Where the names of the test are.
    pub layout: Layout,
    /// What must be observed in the end.
    pub observables: alloc::vec::Vec<Observable>,
    /// The condition on that.
    pub predicate: Predicate,
}

impl Record {
    /// The test as a machine. `early`: without `FEAT_ETS2`.
    ///
    /// # Errors
    /// What of the test cannot be laid out, and where it says so.
    pub fn subject(&self, early: bool) -> Result<Subject, ScenarioError> {
        let layout = Layout::new(self)?;
        let machine = program::machine(self, &layout, early)?;
        let (predicate, observables) = Predicate::new(self, &layout)?;
        Ok(Subject { machine, layout, observables, predicate })
    }
}
