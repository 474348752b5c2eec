//! A scenario as it is written.

use super::super::super::error::ScenarioError;
use super::super::record::{Barrier, Isb, read};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use serde::Deserialize;
use serde_json::Value as Json;

/// A scenario.
#[derive(Clone, Debug)]
pub struct Parts {
    pub name: String,
    pub threads: Vec<Vec<Step>>,
    pub init: Init,
    pub observe: Vec<String>,
    pub actors: Vec<Acts>,
    pub variants: BTreeMap<String, Variant>,
    pub reference_hw: Option<Vec<String>>,
    pub policies: BTreeMap<String, Policy>,
}

#[derive(Deserialize)]
struct Raw {
    name: String,
    threads: Vec<Vec<Json>>,
    init: Json,
    observe: Option<Vec<String>>,
    actors: Option<Vec<Acts>>,
    variants: Option<BTreeMap<String, Variant>>,
    reference_hw: Option<Vec<String>>,
    policies: Option<BTreeMap<String, Policy>>,
}

impl Parts {
    /// Reads a scenario.
    pub fn read(json: Json) -> Result<Self, ScenarioError> {
        let raw: Raw = serde_json::from_value(json)?;
        let mut threads = Vec::new();
        for (thread, steps) in raw.threads.into_iter().enumerate() {
            let one = |(at, step)| read(step, format_args!("threads[{thread}][{at}]"));
            threads.push(steps.into_iter().enumerate().map(one).collect::<Result<Vec<Step>, _>>()?);
        }
        let most = crate::machine::MOST_ACTORS;
        if threads.is_empty() || threads.len() > most {
            let problem = format_args!("threads: {} of them; expected 1 to {most}", threads.len());
            return Err(ScenarioError::new(problem));
        }
        Ok(Self {
            name: raw.name,
            threads,
            init: read(raw.init, "init")?,
            observe: raw.observe.unwrap_or_default(),
            actors: raw.actors.unwrap_or_default(),
            variants: raw.variants.unwrap_or_default(),
            reference_hw: raw.reference_hw,
            policies: raw.policies.unwrap_or_default(),
        })
    }
}

/// One operation of a thread.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Step {
    At(At),
    MrsPar(MrsPar),
    CondFlag(Load),
    Ldr(Load),
    Str(Store),
    Dsb(Barrier),
    Dmb(Barrier),
    Isb(Isb),
    Tlbi(Tlbi),
}

impl Step {
    /// Whether an AT instruction sets the access flag.
    pub const fn af_update(&self) -> Option<bool> {
        match self {
            Self::At(at) => Some(at.af_update),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct At {
    /// There is one address, whatever it is called.
    #[serde(rename = "va")]
    _va: Option<String>,
    #[serde(default)]
    pub af_update: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MrsPar {
    pub dst: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    pub cell: String,
    pub dst: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub cell: String,
    pub val: Word,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tlbi {
    pub kind: TlbiKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlbiKind {
    Va,
    Vale,
    Vmall,
    Vmalls12,
    Local,
}

/// What a cell holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected [\"T\", page], [\"L\", page, af], \"I\", a page or a number")]
pub enum Word {
    Int(u64),
    Text(String),
    Leaf(L, String, super::super::record::Bit),
    Table(T, String),
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub enum L {
    L,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub enum T {
    T,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Init {
    pub cells: BTreeMap<String, Word>,
    #[serde(default)]
    pub s2: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Acts {
    Vcpu,
    Host,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Variant {
    pub options: Options,
    #[serde(default)]
    pub policies: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    pub epoch: bool,
    pub check_before_cas: Option<Check>,
    pub host_covered: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { epoch: false, check_before_cas: None, host_covered: true }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    Split,
    Atomic,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Policy {
    pub outcomes: Vec<String>,
    #[serde(default)]
    pub extra: Vec<String>,
}
