//! The operations of a thread, as they are written.

use super::value::Value;
use alloc::string::String;
use alloc::vec::Vec;
use serde::Deserialize;

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
