//! Which walks an actor may yet begin, so that its TLB may hold them.

use super::intern::Id;
use super::local::{Local, Phase};
use super::policy::Emulation;
use super::program::{Instr, Operand, Target, Then};
use super::walks::{Root, Walks};
use super::{Actor, Machine};
use crate::access::{Op, OpKind};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// What an actor may translate.
type Translations = Vec<(Op, u64)>;

/// The walks that actors may begin.
#[derive(Clone, Debug)]
pub struct Roots {
    /// The sets of translations that there are; the first is empty.
    sets: Vec<Translations>,
    /// For each actor, each instruction and the end of the program, the number of what may be translated.
    ahead: Vec<Vec<u16>>,
    known: BTreeMap<Key, Box<[Id]>>,
}

/// All that decides which walks an actor may begin: itself, what it may translate, and its translation contexts.
pub type Key = (usize, u16, Id, Option<Id>);

impl Roots {
    /// Works out what the programs may translate. `forgetful`: from where they are, and not from their beginning.
    pub fn new(machine: &Machine, forgetful: bool) -> Self {
        let mut roots = Self { sets: Vec::from([Vec::new()]), ahead: Vec::new(), known: BTreeMap::new() };
        for actor in &machine.actors {
            let mut ahead = ahead(machine, actor);
            if !forgetful {
                let whole = ahead.first().cloned().unwrap_or_default();
                ahead.fill(whole);
            }
            let numbers = ahead.into_iter().map(|set| roots.number(set)).collect();
            roots.ahead.push(numbers);
        }
        roots
    }

    fn number(&mut self, set: Translations) -> u16 {
        let known = self.sets.iter().position(|other| *other == set);
        known.unwrap_or_else(|| {
            self.sets.push(set);
            self.sets.len() - 1
        }) as u16
    }

    /// What decides which walks an actor may begin in a local state.
    pub fn key(&self, actor: usize, local: &Local) -> Key {
        let ahead = &self.ahead[actor];
        // Beyond the end of a program nothing comes any more.
        let at = usize::from(local.pc).min(ahead.len() - 1);
        let set = if local.phase == Phase::Ended { 0 } else { ahead.get(at).copied().unwrap_or_default() };
        (actor, set, local.context, local.next_context)
    }

    /// The walks that each actor may begin.
    pub fn of<'a>(
        &mut self,
        locals: impl Iterator<Item = &'a Local>,
        machine: &Machine,
        walks: &mut Walks,
    ) -> Vec<Box<[Id]>> {
        let mut all = Vec::new();
        for (actor, local) in locals.enumerate() {
            let key = self.key(actor, local);
            if !self.known.contains_key(&key) {
                let roots = self.work_out(key, machine, walks);
                self.known.insert(key, roots);
            }
            all.extend(self.known.get(&key).cloned());
        }
        all
    }

    fn work_out(&self, (actor, set, context, next): Key, machine: &Machine, walks: &mut Walks) -> Box<[Id]> {
        let contexts = [Some(context), next];
        let own = &machine.actors[actor];
        let mut roots = Vec::new();
        for &(op, va) in self.sets.get(usize::from(set)).into_iter().flatten() {
            for context in contexts.into_iter().flatten() {
                let root = Root { context, op, va };
                let root = match op.kind() {
                    OpKind::At(_) => at_root(own, emulated(machine, own), root, walks).0,
                    OpKind::Access(_) => root,
                };
                roots.push(walks.begin(root));
            }
        }
        roots.sort_unstable();
        roots.dedup();
        roots.into_boxed_slice()
    }
}

/// Whether the hypervisor executes an actor's AT instructions. The host's own are always walks in software.
pub fn emulated(machine: &Machine, actor: &Actor) -> bool {
    actor.host || machine.emulation != Emulation::Hardware
}

/// The walk of an AT instruction in an actor's own context, or in what the hypervisor loads for it; and whether the
/// instruction can be executed there. For a guest's hypervisor whose instructions are not emulated it is as if hardware
/// did, at EL1, what the host would do.
pub fn at_root(actor: &Actor, emulated: bool, own: Root, walks: &mut Walks) -> (Root, bool) {
    if !emulated && actor.guest.is_none() {
        return (own, true);
    }
    let mut loaded = actor.loaded(walks.pe(own.context), own.op);
    if !emulated && loaded.executes {
        loaded.pe.el = 1;
    }
    (Root { context: walks.context(&loaded.pe), op: loaded.op, va: own.va }, loaded.executes)
}

/// For each instruction what may be translated from there on.
fn ahead(machine: &Machine, actor: &Actor) -> Vec<Translations> {
    let length = actor.program.len();
    let mut sets: Vec<Vec<(Op, u64)>> = alloc::vec![Vec::new(); length + 1];
    let own: Vec<Vec<(Op, u64)>> = actor.program.iter().map(|instr| translations(machine, actor, instr)).collect();
    loop {
        let mut grown = false;
        for at in (0..length).rev() {
            let mut set = own[at].clone();
            for next in successors(actor, at) {
                set.extend(sets.get(next).into_iter().flatten());
            }
            set.sort_unstable_by_key(|&(op, va)| (op as u8, va));
            set.dedup();
            grown |= set.len() != sets[at].len();
            sets[at] = set;
        }
        if !grown {
            return sets;
        }
    }
}

fn successors(actor: &Actor, at: usize) -> impl Iterator<Item = usize> {
    let branch = match actor.program[at] {
        Instr::Branch(_, target) => Some(usize::from(target)),
        _ => None,
    };
    let handler = match actor.handler.then {
        Then::Goto(target) => Some(usize::from(target)),
        _ => None,
    };
    [Some(at + 1), branch, handler].into_iter().flatten()
}

fn translations(machine: &Machine, actor: &Actor, instr: &Instr) -> Vec<(Op, u64)> {
    let (op, va) = match *instr {
        Instr::Access(access) => match access.target {
            Target::Va(va) => (access.op(), va),
            Target::Pa(_) => return Vec::new(),
        },
        Instr::At { op, va } if may_execute(machine, actor) => (op, va),
        _ => return Vec::new(),
    };
    match va {
        Operand::Value(va) => Vec::from([(op, va)]),
        Operand::Reg(_) => actor.vas.iter().map(|&va| (op, va)).collect(),
    }
}

/// Whether hardware ever executes an AT instruction of this actor, be it for the hypervisor.
const fn may_execute(machine: &Machine, actor: &Actor) -> bool {
    match machine.emulation {
        Emulation::Hardware => !actor.host,
        Emulation::Software { instruction_first, .. } => instruction_first && !actor.host,
    }
}
