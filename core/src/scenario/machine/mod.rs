//! Scenarios of several vCPUs: a whole [`Machine`], and what to look at in the end, as JSON that people write.
//!
//! Every number is text, in hexadecimal, or the name of one in `names`; programs are [assembly](asm). Only what
//! differs from the defaults is written.
//!
//! ```
//! # use stagewalk::scenario::machine::Scenario;
//! let scenario: Scenario = r#"{
//!     "name": "message-passing",
//!     "names": {"data": "0x1000", "flag": "0x2000"},
//!     "actors": [
//!         {"name": "writer", "program": ["STR 0x1, pa:data", "STR 0x1, pa:flag"]},
//!         {"name": "reader", "program": ["LDR X0, pa:flag", "LDR X1, pa:data"]}
//!     ],
//!     "observe": {"flag": "reader.X0", "data": "reader.X1"}
//! }"#.parse()?;
//! assert_eq!(scenario.machine.actors.len(), 2);
//! # Ok::<(), stagewalk::scenario::ScenarioError>(())
//! ```

pub mod asm;
mod found;
mod observe;
mod policies;
mod read;
pub mod stories;
mod symbols;
#[cfg(test)]
mod tests;
mod tree;
mod write;

pub use found::Found;
pub use observe::Watched;
pub use policies::HARDWARE;
pub use symbols::Symbols;

use crate::machine::program::Instr;
use crate::machine::{Actor, Emulation, Machine, Policy};
use crate::params::Tags;
use crate::pe::Pe;
use crate::regime::Regime;
use crate::scenario::ScenarioError;
use crate::scenario::names::Named;
use alloc::string::String;
use alloc::vec::Vec;
use asm::{Context, Labels};
use core::str::FromStr;
use tree::{At, Tree};

/// A machine, what its numbers are called, and what to look at in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// A short name, for commands and links.
    pub name: String,
    /// The name in words.
    pub title: String,
    /// What it shows.
    pub about: String,
    /// The machine.
    pub machine: Machine,
    /// Names of addresses, descriptors and pages.
    pub symbols: Symbols,
    /// The labels of each actor's program.
    pub labels: Vec<Labels>,
    /// What to look at in the end.
    pub observe: Vec<Watched>,
    /// The outcomes to expect, by policy, or of [`HARDWARE`].
    pub expect: Vec<(String, Vec<String>)>,
}

impl Scenario {
    /// A machine without names and without anything to look at.
    #[must_use]
    pub fn new(name: &str, machine: Machine) -> Self {
        Self {
            name: name.into(),
            title: String::new(),
            about: String::new(),
            labels: machine.actors.iter().map(|_| Labels::new()).collect(),
            machine,
            symbols: Symbols::default(),
            observe: Vec::new(),
            expect: Vec::new(),
        }
    }

    /// Reads a scenario from JSON text, in UTF-8.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn from_slice(text: &[u8]) -> Result<Self, ScenarioError> {
        let tree: Tree = serde_json::from_slice(text)?;
        read::scenario(&At::root(&tree)).map_err(|wrong| wrong.locate(text))
    }

    /// The scenario as a JSON value.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The scenario as JSON text that reads well: an instruction a line.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The same scenario where a hypervisor emulates AT under a policy, or, without one, hardware executes it.
    #[must_use]
    pub fn under(&self, policy: Option<Policy>) -> Self {
        let mut scenario = self.clone();
        let (instruction_first, host_covered) = match self.machine.emulation {
            Emulation::Software { instruction_first, host_covered, .. } => (instruction_first, host_covered),
            Emulation::Hardware => (false, true),
        };
        scenario.machine.emulation = match policy {
            Some(policy) => Emulation::Software { policy, instruction_first, host_covered },
            None => Emulation::Hardware,
        };
        scenario
    }

    /// What an architecture without any hypervisor allows: the scenario with every AT executed by hardware, those of
    /// the host as a PE in the guest's context would.
    #[must_use]
    pub fn reference(&self) -> Self {
        let mut reference = self.under(None);
        for actor in &mut reference.machine.actors {
            let asks = actor.program.iter().any(|instr| matches!(instr, Instr::At { .. }));
            if actor.host && asks {
                actor.host = false;
                actor.pe = actor.emulated.take().unwrap_or_else(|| Pe { el: 2, ..actor.pe.clone() });
            }
        }
        reference
    }

    /// What its emulation is called: a policy, or [`HARDWARE`].
    #[must_use]
    pub fn emulation_name(&self) -> &'static str {
        match self.machine.emulation {
            Emulation::Hardware => HARDWARE,
            Emulation::Software { policy, .. } => policy.text(),
        }
    }

    /// What an actor's program refers to, to write its instructions.
    #[must_use]
    pub fn context(&self, actor: usize) -> Context<'_> {
        let labels = self.labels.get(actor).map_or(&[][..], Vec::as_slice);
        let asid = self.machine.actors.get(actor).map_or(0, own_asid);
        Context { symbols: &self.symbols, labels, asid }
    }
}

/// The ASID that an actor begins with.
fn own_asid(actor: &Actor) -> u16 {
    Tags::new(&actor.pe, Regime::El10).asid.unwrap_or_default()
}

impl FromStr for Scenario {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, ScenarioError> {
        Self::from_slice(text.as_bytes())
    }
}
