//! What a test asks about its outcomes.

use super::layout::Layout;
use super::program::register;
use super::record::{Op, Pte, Record, Value};
use crate::machine::explore::{Observable, Observed};
use crate::machine::local::Fault;
use crate::outcome::FaultCode;
use crate::scenario::ScenarioError;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use serde::Deserialize;

/// A condition.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Fields")]
pub enum Condition {
    /// All of these.
    All(Vec<Self>),
    /// One of these.
    Any(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// A register of a thread holds a value.
    Reg(usize, String, Value),
    /// A page holds a value.
    Mem(String, Value),
    /// A descriptor has a value.
    PteMem(String, Value),
    /// A thread has had a fault.
    Fault(FaultAtom),
}

/// A fault that is asked about; what is null does not matter.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultAtom {
    /// The thread.
    pub thread: usize,
    /// The operation.
    pub label: Option<String>,
    /// The address.
    pub on: Option<On>,
    /// The fault.
    pub kind: Option<Kind>,
}

/// The address of a fault.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct On {
    /// A name.
    pub va: Option<String>,
}

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs)]
pub enum Kind {
    Translation,
    AccessFlag,
    Permission,
}

/// A condition as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    all: Option<Vec<Condition>>,
    any: Option<Vec<Condition>>,
    not: Option<Box<Condition>>,
    reg: Option<(usize, String)>,
    mem: Option<String>,
    ptemem: Option<String>,
    eq: Option<Value>,
    fault: Option<FaultAtom>,
}

impl TryFrom<Fields> for Condition {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Self, &'static str> {
        let Fields { all, any, not, reg, mem, ptemem, eq, fault } = fields;
        match (all, any, not, reg, mem, ptemem, eq, fault) {
            (Some(all), None, None, None, None, None, None, None) => Ok(Self::All(all)),
            (None, Some(any), None, None, None, None, None, None) => Ok(Self::Any(any)),
            (None, None, Some(not), None, None, None, None, None) => Ok(Self::Not(not)),
            (None, None, None, Some((thread, reg)), None, None, Some(eq), None) => Ok(Self::Reg(thread, reg, eq)),
            (None, None, None, None, Some(mem), None, Some(eq), None) => Ok(Self::Mem(mem, eq)),
            (None, None, None, None, None, Some(pte), Some(eq), None) => Ok(Self::PteMem(pte, eq)),
            (None, None, None, None, None, None, None, Some(fault)) => Ok(Self::Fault(fault)),
            _ => Err("a condition is one of all, any, not, fault, or one of reg, mem, ptemem with eq"),
        }
    }
}

impl Condition {
    /// Calls `each` with every atom.
    pub fn atoms<'a>(&'a self, each: &mut impl FnMut(&'a Self)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.atoms(each)),
            Self::Not(part) => part.atoms(each),
            _ => each(self),
        }
    }
}

/// A condition on what is observed in the end.
#[derive(Clone, Debug)]
pub enum Predicate {
    /// All of these.
    All(Vec<Self>),
    /// One of these.
    Any(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// An observation is this value.
    Equal(usize, u64),
    /// Among the faults observed is one like this.
    Fault {
        /// Which observation.
        at: usize,
        /// The instructions that it may be of.
        pcs: Option<Vec<u16>>,
        /// The address.
        va: Option<u64>,
        /// The fault.
        kind: Option<Kind>,
    },
}

impl Predicate {
    /// A test's condition, with what must be observed for it.
    pub(super) fn new(record: &Record, layout: &Layout) -> Result<(Self, Vec<Observable>), ScenarioError> {
        let mut seen = Vec::new();
        let predicate = build(&record.condition, record, layout, &mut seen);
        Ok((predicate.map_err(|error| error.within("condition"))?, seen))
    }

    /// Whether it holds of what was observed.
    #[must_use]
    pub fn holds(&self, observed: &[Observed]) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(observed)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(observed)),
            Self::Not(part) => !part.holds(observed),
            Self::Equal(at, value) => observed.get(*at) == Some(&Observed::Value((*value).into())),
            Self::Fault { at, pcs, va, kind } => match observed.get(*at) {
                Some(Observed::Faults(faults)) => faults.iter().any(|fault| {
                    pcs.as_ref().is_none_or(|pcs| pcs.contains(&fault.pc))
                        && va.is_none_or(|va| va == fault.va)
                        && kind.is_none_or(|kind| Some(kind) == kind_of(fault))
                }),
                _ => false,
            },
        }
    }
}

fn kind_of(fault: &Fault) -> Option<Kind> {
    match fault.record?.code {
        FaultCode::Translation => Some(Kind::Translation),
        FaultCode::AccessFlag => Some(Kind::AccessFlag),
        FaultCode::Permission => Some(Kind::Permission),
        _ => None,
    }
}

type Built = Result<Predicate, ScenarioError>;

fn build(condition: &Condition, record: &Record, layout: &Layout, seen: &mut Vec<Observable>) -> Built {
    let mut all = |parts: &[Condition]| -> Result<Vec<Predicate>, ScenarioError> {
        parts.iter().map(|part| build(part, record, layout, seen)).collect()
    };
    Ok(match condition {
        Condition::All(parts) => Predicate::All(all(parts)?),
        Condition::Any(parts) => Predicate::Any(all(parts)?),
        Condition::Not(part) => Predicate::Not(Box::new(build(part, record, layout, seen)?)),
        Condition::Reg(thread, reg, value) => {
            let ops = thread_of(record, *thread)?;
            let value = layout.constant(value, ops.iter().any(|op| loads_stage2(op, reg, layout)))?;
            Predicate::Equal(see(seen, Observable::Reg(*thread as u8, register(reg)?)), value)
        }
        Condition::Mem(name, value) => {
            let value = layout.constant(value, false)?;
            Predicate::Equal(see(seen, Observable::Word(layout.pa(name)?)), value)
        }
        Condition::PteMem(name, value) => {
            let value = layout.constant(value, layout.is_stage2(name))?;
            Predicate::Equal(see(seen, Observable::Word(layout.entry(name)?)), value)
        }
        Condition::Fault(fault) => {
            let ops = thread_of(record, fault.thread)?;
            let labelled = |label: &String| {
                let has = |op: &Op| op.access().is_some_and(|access| access.label.as_ref() == Some(label));
                let at = ops.iter().enumerate().filter(|(_, op)| has(op));
                at.map(|(at, _)| at as u16).collect()
            };
            let va = fault.on.as_ref().and_then(|on| on.va.as_deref());
            Predicate::Fault {
                at: see(seen, Observable::Faults(fault.thread as u8)),
                pcs: fault.label.as_ref().map(labelled),
                va: va.map(|va| layout.va(va)).transpose()?,
                kind: fault.kind,
            }
        }
    })
}

fn thread_of(record: &Record, thread: usize) -> Result<&[Op], ScenarioError> {
    let ops = record.threads.get(thread).map(Vec::as_slice);
    ops.ok_or_else(|| ScenarioError::new(format_args!("there is no thread {thread}")))
}

/// Whether an operation loads a stage-2 descriptor into a register.
fn loads_stage2(op: &Op, reg: &str, layout: &Layout) -> bool {
    op.access().is_some_and(|access| {
        matches!(&access.at, super::record::Address::Pte(name) if layout.is_stage2(name))
            && access.dst.as_deref() == Some(reg)
    })
}

fn see(seen: &mut Vec<Observable>, observable: Observable) -> usize {
    seen.iter().position(|known| *known == observable).unwrap_or_else(|| {
        seen.push(observable);
        seen.len() - 1
    })
}

/// Every descriptor that a value is.
pub(super) const fn descriptor(value: &Value) -> Option<&super::record::Descriptor> {
    match value {
        Value::Named(super::record::Named::Pte(Pte::Descriptor(descriptor))) => Some(descriptor),
        _ => None,
    }
}
