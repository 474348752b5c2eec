//! Writing a case as JSON: what differs from the defaults, every number a `0x` string.

use super::Case;
use super::number::Hex;
use crate::choice::Choice;
use crate::feature::Feature;
use serde::ser::{Serialize, SerializeMap, Serializer};

impl Serialize for Case {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pe = &self.pe;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        if !self.about.is_empty() {
            map.serialize_entry("about", &self.about)?;
        }
        map.serialize_entry("op", self.op.name())?;
        map.serialize_entry("el", &pe.el)?;
        map.serialize_entry("va", &Hex::from(self.va))?;
        map.serialize_entry("pa_bits", &pe.pa_bits)?;
        let absent = Feature::ALL.iter().filter(|&&feature| !pe.features.has(feature));
        map.serialize_entry("features", &Entries(|| absent.clone().map(|feature| (feature.name(), false))))?;
        map.serialize_entry(
            "choices",
            &Entries(|| pe.choices.changed().map(|choice| (choice.name(), choice_value(self, choice)))),
        )?;
        let pstate = [("PAN", pe.pan), ("UAO", pe.uao)];
        let set = || pstate.into_iter().filter(|(_, set)| *set).map(|(name, set)| (name, u8::from(set)));
        map.serialize_entry("pstate", &Entries(set))?;
        let registers = || pe.regs.iter_nonzero().map(|(register, value)| (register.name(), Hex(value)));
        map.serialize_entry("regs", &Entries(registers))?;
        let words = || self.memory.words().map(|(address, word)| (Hex::from(address), Hex::from(word)));
        map.serialize_entry("mem", &Entries(words))?;
        if let Some((low, high)) = self.memory.abort() {
            map.serialize_entry("abort", &[Hex::from(low), Hex::from(high)])?;
        }
        map.end()
    }
}

/// A JSON object of what a function lists.
struct Entries<F>(F);

impl<F: Fn() -> I, I: Iterator<Item = (K, V)>, K: Serialize, V: Serialize> Serialize for Entries<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0())
    }
}

/// The JSON value of a choice: true or false where these are the alternatives, else a number or a name.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum ChoiceValue {
    Bool(bool),
    Number(u64),
    Name(&'static str),
}

fn choice_value(case: &Case, choice: Choice) -> ChoiceValue {
    let text = case.pe.choices.value(choice);
    match (text.parse(), text.parse()) {
        (Ok(value), _) => ChoiceValue::Bool(value),
        (_, Ok(number)) => ChoiceValue::Number(number),
        _ => ChoiceValue::Name(text),
    }
}
