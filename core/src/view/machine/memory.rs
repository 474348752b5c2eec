//! The words of memory that matter: those that walks read and programs access.

use super::{Names, Replay};
use crate::access::{Op, OpKind};
use crate::at;
use crate::env::{Direct, Traced};
use crate::machine::program::{Instr, Operand, Target};
use crate::machine::{Actor, Machine};
use crate::memory::Memory;
use crate::pe::Pe;
use crate::regime::Stage;
use crate::step::{Event, Place, Step};
use crate::view::{fields, words};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The words of memory that matter in a replay.
#[derive(Clone, Debug, Default)]
pub struct Words(BTreeMap<u64, Option<Role>>);

/// The descriptor that a word is.
#[derive(Clone, Debug)]
struct Role {
    place: Place,
    pe: Pe,
    steps: Vec<Step>,
}

/// A word at a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its physical address.
    pub address: u64,
    /// Its name, or its address as a number.
    pub name: String,
    /// What it is read as: `stage 1 L0`.
    pub role: Option<String>,
    /// The stage, if it is a descriptor.
    pub stage: Option<Stage>,
    /// What it holds.
    pub value: u64,
    /// What that is called, if it has a name.
    pub named: Option<String>,
    /// What that means, if it is a descriptor.
    pub meaning: Option<String>,
    /// What it held before the last step, if that changed it.
    pub was: Option<u64>,
}

impl Words {
    /// Finds them: every address that the programs translate is walked in memory as it is at each position.
    #[must_use]
    pub fn of(replay: &Replay) -> Self {
        let mut found = Self::default();
        let machine = &replay.subject.machine;
        for (number, position) in replay.positions.iter().enumerate() {
            let changed = number.checked_sub(1).and_then(|step| replay.moments.get(step));
            if changed.is_some_and(|moment| moment.wrote.is_empty()) {
                continue;
            }
            found.walk(machine, &replay.world.memory(position.state));
        }
        // what the host has taken away leads somewhere, too
        let mut whole = machine.memory.clone();
        machine.backing.iter().for_each(|page| whole.write(page.entry, page.descriptor));
        found.walk(machine, &whole);
        for moment in &replay.moments {
            if let Some(walk) = moment.walk {
                let walks = replay.world.walks();
                found.add(walks.pe(walks.get(walk.node).root.context), &walks.steps(walk.node));
            }
            moment.wrote.iter().for_each(|word| _ = found.0.entry(word.address).or_default());
        }
        let direct = machine.actors.iter().flat_map(|actor| &actor.program).filter_map(|instr| match instr {
            Instr::Access(access) => match access.target {
                Target::Pa(address) => Some(address & !7),
                Target::Va(_) => None,
            },
            _ => None,
        });
        direct.for_each(|address| _ = found.0.entry(address).or_default());
        machine.backing.iter().for_each(|page| _ = found.0.entry(page.entry & !7).or_default());
        found
    }

    fn walk(&mut self, machine: &Machine, memory: &Memory) {
        for (pe, op, va) in machine.actors.iter().flat_map(|actor| translations(machine, actor)) {
            let mut memory = memory.clone();
            let mut direct = Direct::new(&mut memory);
            let mut traced = Traced::new(&mut direct);
            let output = match at::execute(&pe, op, va, &mut traced) {
                Ok(answer) => answer.output,
                Err(never) => match never {},
            };
            self.add(&pe, &traced.into_steps());
            if let (Some(output), OpKind::Access(_)) = (output, op.kind()) {
                self.0.entry(output.address.address & !7).or_default();
            }
        }
    }

    fn add(&mut self, pe: &Pe, steps: &[Step]) {
        for step in steps {
            if let Event::Read { physical, .. } = step.event {
                let role = self.0.entry(physical.address & !7).or_default();
                role.get_or_insert_with(|| Role { place: step.place, pe: pe.clone(), steps: steps.to_vec() });
            }
        }
    }

    /// What they hold at a position.
    #[must_use]
    pub fn at(&self, replay: &Replay, position: usize) -> Vec<Word> {
        let Some(state) = replay.positions.get(position).map(|position| position.state) else { return Vec::new() };
        let step = position.checked_sub(1).and_then(|step| replay.moments.get(step));
        let names = &replay.subject.names;
        let word = |(&address, role): (&u64, &Option<Role>)| {
            let value = replay.world.word(state, address);
            let wrote = step.and_then(|moment| moment.wrote.iter().find(|word| word.address == address));
            Word {
                address,
                name: names.address(address),
                role: role.as_ref().map(Role::text),
                stage: role.as_ref().and_then(|role| role.place.stage),
                value,
                named: names.get(value).map(Into::into),
                meaning: role.as_ref().map(|role| role.meaning(names, value)),
                was: wrote.map(|word| word.old),
            }
        };
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_by_key(|(address, role)| {
            let place = role.as_ref().map(|role| (role.place.stage == Some(Stage::S2), role.place.level));
            (place.is_none(), place, **address)
        });
        all.into_iter().map(word).collect()
    }
}

impl Role {
    fn text(&self) -> String {
        let stage = self.place.stage.map_or("", words::stage);
        format!("{stage} {}", self.place.level.map_or_else(String::new, words::level))
    }

    /// A descriptor in a few words: `page old, read-only`.
    fn meaning(&self, names: &Names, value: u64) -> String {
        let decoded = fields::descriptor(&self.pe, &self.steps, self.place, value.into());
        let kind = decoded.title.split(' ').next().unwrap_or_default().to_lowercase();
        let field = |name: &str| decoded.fields.iter().find(|held| held.field.name == name);
        let address = field("NextTable").or_else(|| field("OA")).map(|held| held.value << held.field.low);
        let Some(address) = address else { return kind };
        let mut text = format!("{kind} {}", names.address(address));
        let is = |name: &str, test: fn(u64) -> bool| field(name).is_some_and(|held| test(held.value));
        if kind != "table" {
            if is("AF", |flag| flag == 0) {
                text += ", AF = 0";
            }
            if is("AP[2:1]", |ap| ap & 2 != 0) || is("S2AP", |ap| ap & 2 == 0) {
                text += ", read-only";
            }
            if is("DBM", |dbm| dbm == 1) {
                text += ", DBM";
            }
        }
        text
    }
}

/// What an actor's program translates: in which context, by which instruction, at which address.
fn translations(machine: &Machine, actor: &Actor) -> Vec<(Pe, Op, u64)> {
    let mut found = Vec::new();
    for instr in &actor.program {
        let (op, va) = match *instr {
            Instr::At { op, va } => (op, va),
            Instr::Access(access) => match access.target {
                Target::Va(va) => (access.op(), va),
                Target::Pa(_) => continue,
            },
            _ => continue,
        };
        let addresses = match va {
            Operand::Value(va) => Vec::from([va]),
            Operand::Reg(_) => actor.vas.clone(),
        };
        let by_hypervisor = actor.emulated.clone().unwrap_or_else(|| Pe { el: 2, ..actor.pe.clone() });
        let emulated = machine.emulation != crate::machine::Emulation::Hardware || actor.host;
        let at = matches!(instr, Instr::At { .. });
        for va in addresses {
            found.push((if at && emulated { by_hypervisor.clone() } else { actor.pe.clone() }, op, va));
        }
    }
    found
}
