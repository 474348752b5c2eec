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

/// A copy of `$all` in the order of the names, made when compiling, so that looking a name up is a binary search.
macro_rules! sorted_by_name {
    ($type:ty, $all:expr) => {{
        const SORTED: [$type; $all.len()] = {
            let mut sorted = [$all[0]; $all.len()];
            let mut i = 0;
            while i < sorted.len() {
                sorted[i] = $all[i];
                let mut j = i;
                while j > 0 && is_before(sorted[j].name(), sorted[j - 1].name()) {
                    let moved = sorted[j];
                    sorted[j] = sorted[j - 1];
                    sorted[j - 1] = moved;
                    j -= 1;
                }
                i += 1;
            }
            sorted
        };
        &SORTED
    }};
}

/// Byte order, in a form that constants can use.
const fn is_before(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut i = 0;
    while i < a.len() && i < b.len() {
        if a[i] != b[i] {
            return a[i] < b[i];
        }
        i += 1;
    }
    a.len() < b.len()
}

fn search<T: Copy>(sorted: &[T], text: impl Fn(T) -> &'static str, name: &str) -> Option<T> {
    sorted.binary_search_by(|&known| text(known).cmp(name)).ok().map(|i| sorted[i])
}

impl Named for SysReg {
    const WHAT: &'static str = "a system register";
    const ALL: &'static [Self] = Self::ALL;

    fn text(self) -> &'static str {
        self.name()
    }

    fn find(name: &str) -> Option<Self> {
        search(sorted_by_name!(SysReg, SysReg::ALL), Self::name, name).or_else(|| Self::from_name(name))
    }
}

impl Named for Feature {
    const WHAT: &'static str = "a feature";
    const ALL: &'static [Self] = Self::ALL;

    fn text(self) -> &'static str {
        self.name()
    }

    fn find(name: &str) -> Option<Self> {
        search(sorted_by_name!(Feature, Feature::ALL), Self::name, name)
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
