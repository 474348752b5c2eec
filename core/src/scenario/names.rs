//! The names a scenario may use, found fast and refused kindly.

use super::error::suggestion;
use crate::access::Op;
use crate::choice::Choice;
use crate::feature::Feature;
use crate::layout::sysreg::SysReg;
use alloc::string::String;
use core::fmt;
use core::marker::PhantomData;
use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

/// A closed set of names.
pub trait Named: Copy + 'static {
    /// What one of them is, with its article: `a system register`.
    const WHAT: &'static str;
    /// All of them.
    const ALL: &'static [Self];

    /// The manual's name.
    fn text(self) -> &'static str;

    /// The one called `name`.
    fn find(name: &str) -> Option<Self>;
}

/// A hash table of names, made when compiling: the position of each name in its list, 255 for an empty slot.
struct Index([u8; Self::SLOTS]);

impl Index {
    const SLOTS: usize = 256;
    const EMPTY: u8 = 255;

    /// Half full at most, so that a search is short and always ends.
    const fn new(names: &[&str]) -> Self {
        assert!(names.len() <= Self::SLOTS / 2);
        let mut slots = [Self::EMPTY; Self::SLOTS];
        let mut position = 0;
        while position < names.len() {
            let mut slot = hash(names[position]);
            while slots[slot] != Self::EMPTY {
                slot = (slot + 1) % Self::SLOTS;
            }
            slots[slot] = position as u8;
            position += 1;
        }
        Self(slots)
    }

    fn find<T: Named>(&self, name: &str) -> Option<T> {
        let mut slot = hash(name);
        loop {
            // an empty slot's 255 is no position
            let known = *T::ALL.get(usize::from(self.0[slot]))?;
            if known.text() == name {
                return Some(known);
            }
            slot = (slot + 1) % Self::SLOTS;
        }
    }
}

/// FNV-1a, folded to a slot.
const fn hash(name: &str) -> usize {
    let name = name.as_bytes();
    let mut hash = 0x811c_9dc5_u32;
    let mut i = 0;
    while i < name.len() {
        hash = (hash ^ name[i] as u32).wrapping_mul(0x0100_0193);
        i += 1;
    }
    ((hash >> 8 ^ hash) & 0xff) as usize
}

/// The index of a list whose items have a constant `name`.
macro_rules! index {
    ($all:expr) => {{
        const NAMES: [&str; $all.len()] = {
            let mut names = [""; $all.len()];
            let mut i = 0;
            while i < names.len() {
                names[i] = $all[i].name();
                i += 1;
            }
            names
        };
        static INDEX: Index = Index::new(&NAMES);
        &INDEX
    }};
}

impl Named for SysReg {
    const WHAT: &'static str = "a system register";
    const ALL: &'static [Self] = Self::ALL;

    fn text(self) -> &'static str {
        self.name()
    }

    fn find(name: &str) -> Option<Self> {
        index!(SysReg::ALL).find(name).or_else(|| Self::from_name(name))
    }
}

impl Named for Feature {
    const WHAT: &'static str = "a feature";
    const ALL: &'static [Self] = Self::ALL;

    fn text(self) -> &'static str {
        self.name()
    }

    fn find(name: &str) -> Option<Self> {
        index!(Feature::ALL).find(name)
    }
}

impl Named for Choice {
    const WHAT: &'static str = "a choice";
    const ALL: &'static [Self] = Self::ALL;

    fn text(self) -> &'static str {
        self.name()
    }

    fn find(name: &str) -> Option<Self> {
        Self::from_name(name)
    }
}

impl Named for Op {
    const WHAT: &'static str = "an AT instruction or access";
    const ALL: &'static [Self] = &Self::ALL;

    fn text(self) -> &'static str {
        self.name()
    }

    fn find(name: &str) -> Option<Self> {
        Self::from_name(name)
    }
}

/// The one called `name`.
///
/// # Errors
/// A sentence that names `name`, what it should have been, and the nearest known name.
pub fn lookup<T: Named>(name: &str) -> Result<T, String> {
    T::find(name).ok_or_else(|| {
        let nearest = suggestion(name, T::ALL.iter().map(|known| known.text()));
        alloc::format!("`{name}` is not {}{nearest}", T::WHAT)
    })
}

/// A name, as a key or a value of JSON. Errors begin with the place it was expected at.
pub(crate) struct Name<T> {
    within: &'static str,
    what: PhantomData<T>,
}

impl<T> Name<T> {
    /// A name in the field called `within`.
    pub(crate) const fn within(within: &'static str) -> Self {
        Self { within, what: PhantomData }
    }
}

impl<'de, T: Named> DeserializeSeed<'de> for Name<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<T: Named> Visitor<'_> for Name<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name of {}", T::WHAT)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<T, E> {
        lookup(name).map_err(|problem| E::custom(format_args!("{}: {problem}", self.within)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found() {
        fn all<T: Named + PartialEq>() -> bool {
            T::ALL.iter().all(|&known| T::find(known.text()) == Some(known))
        }
        assert_eq!(SysReg::find("TCR_EL4").or(SysReg::find("")), None);
        assert!(all::<SysReg>() && all::<Feature>() && all::<Choice>() && all::<Op>());
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_nearest() {
        let refusal = lookup::<SysReg>("SCTRL_EL1").unwrap_err();
        assert_eq!(refusal, "`SCTRL_EL1` is not a system register; did you mean SCTLR_EL1?");
        assert_eq!(lookup::<Feature>("FEAT_SVE2p1").unwrap_err(), "`FEAT_SVE2p1` is not a feature");
        assert_eq!(lookup("tcr_el1"), Ok(SysReg::TcrEl1));
        assert_eq!(lookup("AT S1E1R"), Ok(Op::S1E1R));
    }
}
