//! Values and descriptors, as they are written.

use alloc::string::String;
use serde::Deserialize;

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
