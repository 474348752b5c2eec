//! Writing a scenario: what differs from the defaults, and names where numbers have them.

use super::read::blank;
use super::{HARDWARE, Scenario, Symbols, observe};
use crate::choice::Choice;
use crate::feature::Feature;
use crate::layout::sysreg::SysReg;
use crate::machine::Emulation;
use crate::machine::program::{Handler, Then};
use crate::pe::Pe;
use crate::scenario::names::Named;
use alloc::string::String;
use alloc::vec::Vec;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A JSON object, in the order of its fields.
struct Object<K, V>(Vec<(K, V)>);

impl<K: Serialize, V: Serialize> Serialize for Object<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

type Texts = Object<String, String>;

impl Serialize for Scenario {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let machine = &self.machine;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        for (field, text) in [("title", &self.title), ("about", &self.about)] {
            if !text.is_empty() {
                map.serialize_entry(field, text)?;
            }
        }
        let names = self.symbols.iter().map(|(name, value)| (name, alloc::format!("{value:#x}")));
        map.serialize_entry("names", &Object(names.collect()))?;
        let first = machine.actors.first().map_or_else(Pe::default, |actor| actor.pe.clone());
        map.serialize_entry("pa_bits", &first.pa_bits)?;
        let absent = Feature::ALL.iter().filter(|&&feature| !first.features.has(feature));
        map.serialize_entry("features", &Object(absent.map(|feature| (feature.name(), false)).collect()))?;
        let choices = first.choices.changed().map(|choice: Choice| (choice.name(), first.choices.value(choice)));
        map.serialize_entry("choices", &Object(choices.collect()))?;
        let common = self.common();
        map.serialize_entry("regs", &self.registers(common.iter().copied()))?;
        let words = machine.memory.words();
        let words = words.map(|(address, word)| (self.symbols.text(address), self.symbols.text(word)));
        map.serialize_entry("memory", &Object(words.collect()))?;
        let actors = (0..machine.actors.len()).map(|at| ActorText { scenario: self, at, common: &common });
        map.serialize_entry("actors", &actors.collect::<Vec<_>>())?;
        let backing = machine.backing.iter().map(|page| {
            let parts = [("ipa", page.ipa), ("entry", page.entry), ("descriptor", page.descriptor)];
            Object(parts.map(|(name, value)| (name, self.symbols.text(value))).into())
        });
        map.serialize_entry("backing", &backing.collect::<Vec<_>>())?;
        match machine.emulation {
            Emulation::Hardware => map.serialize_entry("emulation", HARDWARE)?,
            Emulation::Software { policy, instruction_first, host_covered } => {
                let fields = EmulationText { policy: policy.text(), instruction_first, host_covered };
                map.serialize_entry("emulation", &fields)?;
            }
        }
        for (name, set) in [("tlb", machine.tlb), ("early", machine.early), ("stepwise", machine.stepwise)] {
            map.serialize_entry(name, &set)?;
        }
        let observe = self.observe.iter().map(|watched| (watched.label.clone(), observe::text(watched, self)));
        map.serialize_entry("observe", &Object(observe.collect()))?;
        if !self.expect.is_empty() {
            map.serialize_entry("expect", &Object(self.expect.clone()))?;
        }
        map.end()
    }
}

#[derive(serde::Serialize)]
struct EmulationText {
    policy: &'static str,
    instruction_first: bool,
    host_covered: bool,
}

impl Scenario {
    /// The registers that hold the same in all actors.
    fn common(&self) -> Vec<(SysReg, u128)> {
        let Some((first, others)) = self.machine.actors.split_first() else { return Vec::new() };
        let same = |&(register, value): &(SysReg, u128)| others.iter().all(|o| o.pe.regs.get128(register) == value);
        first.pe.regs.iter_nonzero().filter(same).collect()
    }

    fn registers(&self, regs: impl Iterator<Item = (SysReg, u128)>) -> Texts {
        Object(regs.map(|(register, value)| (register.name().into(), self.number(value))).collect())
    }
}

struct ActorText<'a> {
    scenario: &'a Scenario,
    at: usize,
    common: &'a [(SysReg, u128)],
}

impl Serialize for ActorText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { scenario, at, common } = *self;
        let actor = &scenario.machine.actors[at];
        let symbols = &scenario.symbols;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &actor.name)?;
        if actor.host {
            map.serialize_entry("host", &true)?;
        }
        map.serialize_entry("el", &actor.pe.el)?;
        if actor.pe.pan || actor.pe.uao {
            map.serialize_entry("pstate", &pstate(&actor.pe))?;
        }
        let own = actor.pe.regs.iter_nonzero().filter(|pair| !common.contains(pair));
        map.serialize_entry("regs", &scenario.registers(own))?;
        let set = actor.regs.iter().enumerate().filter(|(_, value)| **value != 0);
        let set = set.map(|(reg, &value)| (alloc::format!("X{reg}"), symbols.text(value)));
        map.serialize_entry("x", &Object(set.collect()))?;
        if !actor.vas.is_empty() {
            map.serialize_entry("addresses", &actor.vas.iter().map(|&va| symbols.text(va)).collect::<Vec<_>>())?;
        }
        map.serialize_entry("program", &scenario.context(at).lines(&actor.program))?;
        if actor.handler != Handler::default() {
            map.serialize_entry("handler", &HandlerText { scenario, at, symbols })?;
        }
        if let Some(emulated) = &actor.emulated {
            map.serialize_entry("emulated", &ContextText { scenario, from: &actor.pe, to: emulated })?;
        }
        if let Some(guest) = &actor.guest {
            map.serialize_entry("guest", &ContextText { scenario, from: &blank(&actor.pe), to: guest })?;
        }
        map.end()
    }
}

fn pstate(pe: &Pe) -> Object<&'static str, u8> {
    Object([("PAN", u8::from(pe.pan)), ("UAO", u8::from(pe.uao))].into())
}

struct HandlerText<'a> {
    scenario: &'a Scenario,
    at: usize,
    symbols: &'a Symbols,
}

impl Serialize for HandlerText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let handler = &self.scenario.machine.actors[self.at].handler;
        let labels = self.scenario.context(self.at).labels;
        let set = handler.sets.iter().map(|&(reg, value)| (alloc::format!("X{reg}"), self.symbols.text(value)));
        let then = match handler.then {
            Then::End => "end",
            Then::Next => "next",
            Then::Again => "again",
            Then::Goto(at) => labels.iter().find(|(_, label)| *label == at).map_or("end", |(name, _)| name),
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("set", &Object(set.collect()))?;
        map.serialize_entry("then", then)?;
        map.end()
    }
}

struct ContextText<'a> {
    scenario: &'a Scenario,
    from: &'a Pe,
    to: &'a Pe,
}

impl Serialize for ContextText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (own, other) = (&self.from.regs, &self.to.regs);
        let changed = SysReg::ALL.iter().map(|&register| (register, other.get128(register)));
        let changed = changed.filter(|&(register, value)| own.get128(register) != value);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("el", &self.to.el)?;
        if (self.to.pan, self.to.uao) != (self.from.pan, self.from.uao) {
            map.serialize_entry("pstate", &pstate(self.to))?;
        }
        map.serialize_entry("regs", &self.scenario.registers(changed))?;
        map.end()
    }
}
