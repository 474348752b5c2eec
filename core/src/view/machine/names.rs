//! What addresses and values are called.

use super::Subject;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};

/// Names of addresses and values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(BTreeMap<u64, String>);

impl<N: Into<String>> FromIterator<(N, u64)> for Names {
    /// The first of several names of one value is kept.
    fn from_iter<I: IntoIterator<Item = (N, u64)>>(names: I) -> Self {
        let mut all = BTreeMap::new();
        for (name, value) in names {
            all.entry(value).or_insert_with(|| name.into());
        }
        Self(all)
    }
}

impl Names {
    /// The name of exactly this value.
    #[must_use]
    pub fn get(&self, value: u64) -> Option<&str> {
        self.0.get(&value).map(String::as_str)
    }

    /// A value: its name, or a number.
    #[must_use]
    pub fn value(&self, value: u64) -> String {
        self.get(value).map_or_else(|| number(value), ToString::to_string)
    }

    /// An address: its name, or that of its page and the offset, or a number.
    #[must_use]
    pub fn address(&self, address: u64) -> String {
        let page = address & !0xfff;
        match (self.get(address), self.get(page)) {
            (Some(name), _) => name.into(),
            (None, Some(name)) if page != 0 => format!("{name} + {:#x}", address - page),
            _ => format!("{address:#x}"),
        }
    }

    /// All of them, by value.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &str)> {
        self.0.iter().map(|(&value, name)| (value, name.as_str()))
    }
}

/// A number as people read it: small ones are counts.
#[must_use]
pub fn number(value: u64) -> String {
    if value < 10 { format!("{value}") } else { format!("{value:#x}") }
}

impl Subject {
    /// What an actor is called.
    #[must_use]
    pub fn actor(&self, actor: usize) -> &str {
        self.machine.actors.get(actor).map_or("", |actor| actor.name.as_str())
    }

    /// An instruction as it is written; beyond the program's end there is none.
    #[must_use]
    pub fn instr(&self, actor: usize, pc: u16) -> &str {
        self.programs.get(actor).and_then(|program| program.get(usize::from(pc))).map_or("", String::as_str)
    }
}

#[cfg(feature = "json")]
impl From<&crate::scenario::machine::Scenario> for Subject {
    fn from(scenario: &crate::scenario::machine::Scenario) -> Self {
        let lines = |(number, actor): (usize, &crate::machine::Actor)| {
            let context = scenario.context(number);
            actor.program.iter().map(|instr| context.text(instr).to_string()).collect()
        };
        Self {
            machine: scenario.machine.clone(),
            names: scenario.symbols.iter().collect(),
            programs: scenario.machine.actors.iter().enumerate().map(lines).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_called_by_its_page_where_it_has_no_name() {
        let names: Names = [("table", 0x1000), ("again", 0x1000), ("entry", 0x1008)].into_iter().collect();
        assert_eq!(names.address(0x1008), "entry");
        assert_eq!(names.address(0x1010), "table + 0x10");
        assert_eq!(names.address(0x2010), "0x2010");
        assert_eq!(names.value(0x1000), "table");
        assert_eq!((names.value(3), names.value(0x30)), ("3".into(), "0x30".into()));
    }
}
