//! A litmus test as it is written: the schema, and nothing of what it means.

use super::super::error::ScenarioError;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::condition::Condition;

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

/// One operation of a thread.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
#[allow(missing_docs)] // the variants are the instructions' names
#[rustfmt::skip]
pub enum Op {
    Ldr(Access), Str(Access), Swp(Access), Cas(Access), Ldset(Access), Ldclr(Access), Ldadd(Access),
    Dmb(Barrier), Dsb(Barrier), Isb(Isb), Tlbi(Tlbi),
    Mov(Mov), Alu(Alu), Cmp(Cmp), Csel(Csel), Br(Br),
}

impl Op {
    /// The access that it makes, if it does.
    #[must_use]
    pub const fn access(&self) -> Option<&Access> {
        match self {
            Self::Ldr(access) | Self::Str(access) | Self::Swp(access) | Self::Cas(access) => Some(access),
            Self::Ldset(access) | Self::Ldclr(access) | Self::Ldadd(access) => Some(access),
            _ => None,
        }
    }

    /// Whether it reads memory.
    #[must_use]
    pub const fn reads(&self) -> bool {
        self.access().is_some() && !matches!(self, Self::Str(_))
    }

    /// Whether it may write memory.
    #[must_use]
    pub const fn writes(&self) -> bool {
        self.access().is_some() && !matches!(self, Self::Ldr(_))
    }

    /// The registers that it writes.
    pub fn written(&self) -> impl Iterator<Item = &str> {
        let dst = match self {
            Self::Mov(op) => Some(&op.dst),
            Self::Alu(op) => Some(&op.dst),
            Self::Csel(op) => Some(&op.dst),
            _ => self.access().and_then(|access| access.dst.as_ref()),
        };
        let status = self.access().and_then(|access| access.status.as_ref());
        [dst, status].into_iter().flatten().map(String::as_str)
    }

    /// The values that it takes.
    pub fn operands(&self) -> impl Iterator<Item = &Value> {
        let pair = match self {
            Self::Mov(op) => [Some(&op.val), None],
            Self::Alu(op) => [Some(&op.a), Some(&op.b)],
            Self::Cmp(op) => [Some(&op.a), Some(&op.b)],
            Self::Csel(op) => [Some(&op.a), Some(&op.b)],
            Self::Br(op) => [op.a.as_ref(), None],
            _ => self.access().map_or([None, None], |access| [access.val.as_ref(), access.expect.as_ref()]),
        };
        pair.into_iter().flatten()
    }
}

/// A load, a store or an atomic.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // the fields are the schema's
pub struct Access {
    pub at: Address,
    #[serde(default)]
    pub dst: Option<String>,
    pub val: Option<Value>,
    pub expect: Option<Value>,
    pub ord: Option<Ord>,
    pub label: Option<String>,
    #[serde(default)]
    pub deps: Deps,
    #[serde(default)]
    pub excl: bool,
    pub status: Option<String>,
}

/// Acquire and release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Ord {
    Acq,
    Rel,
    AcqRel,
}

/// Where an access goes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Address {
    /// Through a name's mapping.
    Va(String),
    /// To a name's last-level descriptor.
    Pte(String),
    /// To the address that a register holds.
    Reg(String),
}

/// Dependencies, as numbers of earlier operations of the same thread.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Deps {
    pub addr: Vec<usize>,
    pub data: Vec<usize>,
    pub ctrl: Vec<usize>,
}

/// A DMB or DSB.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Barrier {
    #[serde(default)]
    pub dom: Domain,
    #[serde(default)]
    pub ty: BarrierType,
    pub label: Option<String>,
    #[serde(default)]
    pub deps: Deps,
}

/// For whom a barrier orders.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Domain {
    #[default]
    Sy,
    Osh,
    Ish,
    Nsh,
}

/// What a barrier orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum BarrierType {
    #[default]
    Full,
    Ld,
    St,
}

/// An ISB, or an exception return in its place.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Isb {
    pub by: Option<By>,
    pub label: Option<String>,
    #[serde(default)]
    pub deps: Deps,
}

/// What synchronizes the context.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum By {
    Isb,
    Eret,
}

/// A TLBI.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Tlbi {
    pub kind: TlbiKind,
    #[serde(default)]
    pub bcast: bool,
    pub va: Option<String>,
    pub ipa: Option<String>,
    pub asid: Option<u16>,
    #[serde(default)]
    pub all_asid: bool,
    #[serde(default)]
    pub last: bool,
    pub label: Option<String>,
    #[serde(default)]
    pub deps: Deps,
}

/// What a TLBI names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum TlbiKind {
    Va,
    Vmall,
    Asid,
    Ipas2,
    Vmalls12,
}

/// MOV.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Mov {
    pub dst: String,
    pub val: Value,
    pub label: Option<String>,
    #[serde(default)]
    pub deps: Deps,
}

/// Arithmetic.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Alu {
    #[serde(rename = "fn")]
    pub function: Function,
    pub dst: String,
    pub a: Value,
    pub b: Value,
    pub label: Option<String>,
    #[serde(default)]
    pub deps: Deps,
}

/// What arithmetic does.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
#[rustfmt::skip]
pub enum Function { Add, Sub, And, Orr, Eor, Bic, Lsl, Lsr }

/// CMP.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Cmp {
    pub a: Value,
    pub b: Value,
    pub label: Option<String>,
    #[serde(default)]
    pub deps: Deps,
}

/// CSEL.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Csel {
    pub cond: Flags,
    pub dst: String,
    pub a: Value,
    pub b: Value,
    pub label: Option<String>,
    #[serde(default)]
    pub deps: Deps,
}

/// A branch.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Br {
    #[serde(default)]
    pub cond: Option<Flags>,
    pub a: Option<Value>,
    pub target: u16,
    pub label: Option<String>,
    #[serde(default)]
    pub deps: Deps,
}

/// A condition on the flags, or on an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Flags {
    Al,
    Eq,
    Ne,
    Z,
    Nz,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a number, or an object of one of int, reg, va, pte")]
pub enum Value {
    /// A number.
    Int(u64),
    /// Anything else, or a number once more.
    Named(Named),
}

/// A value by its kind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Named {
    /// A number.
    Int(u64),
    /// What a register holds.
    Reg(String),
    /// The virtual address of a name.
    Va(String),
    /// A descriptor, or the address of one.
    Pte(Pte),
}

/// A descriptor, or the address of one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a descriptor {valid, af, db, dbm, el0, oa}, or a name")]
pub enum Pte {
    /// The address of a name's last-level descriptor.
    Address(String),
    /// A descriptor.
    Descriptor(Descriptor),
}

/// A last-level descriptor. `oa` is absent, or null, or the name of a page.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Descriptor {
    pub valid: Bit,
    pub af: Bit,
    pub db: Bit,
    pub dbm: Bit,
    pub el0: Bit,
    pub oa: Option<String>,
}

/// 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub struct Bit(pub bool);

impl TryFrom<u64> for Bit {
    type Error = String;

    fn try_from(value: u64) -> Result<Self, String> {
        if value > 1 { Err(alloc::format!("{value} is not a bit; expected 0 or 1")) } else { Ok(Self(value == 1)) }
    }
}

impl Default for Descriptor {
    fn default() -> Self {
        let (set, clear) = (Bit(true), Bit(false));
        Self { valid: set, af: set, db: set, dbm: clear, el0: set, oa: None }
    }
}

impl Descriptor {
    /// The descriptor of a name that a test says nothing about.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self { oa: Some(name.into()), ..Self::default() }
    }
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
