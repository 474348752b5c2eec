//! A litmus test as it is written: the schema, and nothing of what it means.

use super::super::error::ScenarioError;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::condition::Condition;

pub use super::op::{
    Access, Address, Alu, Barrier, BarrierType, Br, By, Cmp, Csel, Deps, Domain, Flags, Function, Isb, Mov, Op, Ord,
    Tlbi, TlbiKind,
};
pub use super::value::{Bit, Descriptor, Named, Pte, Value};

/// What becomes of a test's condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Some outcome satisfies it.
    Allowed,
    /// None does.
    Forbidden,
    /// All do, where the test asks for that.
    Required,
}

/// What a test asks of its outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Quantifier {
    /// Whether some outcome satisfies the condition.
    #[serde(rename = "exists")]
    Exists,
    /// The same question; the answer expected is no.
    #[serde(rename = "~exists")]
    NotExists,
    /// Whether all do.
    #[serde(rename = "forall")]
    ForAll,
}

/// A test.
#[derive(Clone, Debug)]
pub struct Record {
    /// What it is called.
    pub name: String,
    /// The verdict published for PEs without `FEAT_ETS2`.
    pub verdict: Option<Verdict>,
    /// The verdict published for PEs with it.
    pub verdict_ets2: Option<Verdict>,
    /// What it asks.
    pub quantifier: Quantifier,
    /// How the test is classed, as its authors found it.
    pub class: String,
    /// The same, more closely.
    pub subclass: String,
    /// Straight-line code, and walks update no descriptors.
    pub core: bool,
    /// What the test needs.
    pub features: Vec<String>,
    /// Which instructions make a difference: without these the verdict is another.
    pub teeth: Vec<String>,
    /// The programs.
    pub threads: Vec<Vec<Op>>,
    /// How everything begins.
    pub init: Init,
    /// What threads do about faults, by their numbers.
    pub fault_handlers: BTreeMap<usize, FaultHandler>,
    /// What is asked about.
    pub condition: Condition,
}

/// The record before its parts are read: each is read on its own, so that an error can say where it is.
#[derive(Deserialize)]
struct Parts {
    name: String,
    verdict: Option<Verdict>,
    verdict_ets2: Option<Verdict>,
    quantifier: Quantifier,
    #[serde(default)]
    class: Option<String>,
    #[serde(default)]
    subclass: Option<String>,
    #[serde(default)]
    core: bool,
    #[serde(default)]
    features: Option<Vec<String>>,
    #[serde(default)]
    teeth: Option<Vec<String>>,
    threads: Vec<Vec<Json>>,
    #[serde(default)]
    init: Json,
    #[serde(default)]
    fault_handlers: Option<BTreeMap<String, Json>>,
    condition: Json,
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    /// What is wrong with it, and in which field.
    pub fn from_json(json: Json) -> Result<Self, ScenarioError> {
        let parts: Parts = serde_json::from_value(json)?;
        let mut threads = Vec::new();
        for (thread, ops) in parts.threads.into_iter().enumerate() {
            let read = |(at, op)| read(op, format_args!("threads[{thread}][{at}]"));
            threads.push(ops.into_iter().enumerate().map(read).collect::<Result<Vec<Op>, _>>()?);
        }
        let mut fault_handlers = BTreeMap::new();
        for (thread, handler) in parts.fault_handlers.unwrap_or_default() {
            let place = alloc::format!("fault_handlers.{thread}");
            let number = thread_number(&thread, threads.len()).map_err(|error| error.within(&place))?;
            fault_handlers.insert(number, read(handler, place)?);
        }
        let init = if parts.init.is_null() { Init::default() } else { read(parts.init, "init")? };
        Ok(Self {
            name: parts.name,
            verdict: parts.verdict,
            verdict_ets2: parts.verdict_ets2,
            quantifier: parts.quantifier,
            class: parts.class.unwrap_or_default(),
            subclass: parts.subclass.unwrap_or_default(),
            core: parts.core,
            features: parts.features.unwrap_or_default(),
            teeth: parts.teeth.unwrap_or_default(),
            threads,
            init,
            fault_handlers,
            condition: read(parts.condition, "condition")?,
        })
    }

    /// The verdict published for PEs with `FEAT_ETS2`, or with early translation.
    #[must_use]
    pub fn published(&self, early: bool) -> Option<Verdict> {
        if early { self.verdict } else { self.verdict_ets2.or(self.verdict) }
    }
}

/// Reads a part of a record, any error marked with its place.
pub(super) fn read<T: DeserializeOwned>(json: Json, place: impl core::fmt::Display) -> Result<T, ScenarioError> {
    serde_json::from_value(json).map_err(|error| ScenarioError::from(error).within(place))
}

/// A thread that is named by its number.
pub(super) fn thread_number(text: &str, threads: usize) -> Result<usize, ScenarioError> {
    let number = text.parse().ok().filter(|number| *number < threads);
    number.ok_or_else(|| ScenarioError::new(format_args!("`{text}` is not a thread; there are {threads}, from 0 on")))
}

/// How everything begins.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Init {
    pub regs: BTreeMap<String, BTreeMap<String, Value>>,
    pub mem: BTreeMap<String, Value>,
    pub ptes: BTreeMap<String, Descriptor>,
    pub s2ptes: BTreeMap<String, Descriptor>,
    pub asid: BTreeMap<String, u16>,
    pub hw_update: Vec<Vec<HwUpdate>>,
    /// What a record may say besides.
    pub note: Option<IgnoredAny>,
}

/// What hardware updates in descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HwUpdate {
    /// The access flag.
    Ha,
    /// The dirty state.
    Hd,
}

/// What a thread does about a fault.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultHandler {
    /// Registers that it sets.
    #[serde(default)]
    pub set: BTreeMap<String, Value>,
    /// Where it returns to.
    #[serde(default)]
    pub then: FaultThen,
}

/// Where a fault handler returns to.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultThen {
    /// Nowhere.
    #[default]
    Stop,
    /// The next operation.
    Next,
    /// The same one.
    Retry,
}
