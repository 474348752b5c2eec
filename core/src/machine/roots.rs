//! Which walks an actor may yet begin, so that its TLB may hold them.

use super::intern::Id;
use super::local::{Local, Phase};
use super::policy::Emulation;
use super::program::{Instr, Operand, Target, Then};
use super::walks::{Root, Walks};
use super::{Actor, Machine};
use crate::access::Op;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// What an actor may translate from an instruction of its program on.
type Translations = Box<[(Op, u64)]>;

/// The walks that actors may begin.
#[derive(Clone, Debug)]
pub struct Roots {
    /// For each actor and each instruction, and for the end of the program.
    ahead: Vec<Vec<Translations>>,
    known: BTreeMap<Key, Box<[Id]>>,
}

/// All that decides which walks an actor may begin: itself, where it is, and its translation contexts.
pub type Key = (usize, Option<u16>, Id, Option<Id>);

impl Roots {
    /// Works out what the programs may translate.
    pub fn new(machine: &Machine) -> Self {
        let ahead = machine.actors.iter().map(|actor| ahead(machine, actor)).collect();
        Self { ahead, known: BTreeMap::new() }
    }

    /// What decides which walks an actor may begin in a local state.
    pub fn key(&self, actor: usize, local: &Local) -> Key {
        let nothing = |pc: &u16| self.ahead[actor].get(usize::from(*pc)).is_none_or(|ahead| ahead.is_empty());
        let pc = Some(local.pc).filter(|pc| local.phase != Phase::Ended && !nothing(pc));
        (actor, pc, local.context, local.next_context)
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

    fn work_out(&self, (actor, pc, context, next): Key, machine: &Machine, walks: &mut Walks) -> Box<[Id]> {
        let Some(ahead) = pc.and_then(|pc| self.ahead[actor].get(usize::from(pc))) else { return Box::default() };
        let contexts = [Some(context), next];
        let mut roots = Vec::new();
        for &(op, va) in ahead {
            for context in contexts.into_iter().flatten() {
                roots.push(walks.begin(Root { context, op, va }));
                let own = &machine.actors[actor];
                if let (Some(pe), crate::access::OpKind::At(_)) = (&own.emulated, op.kind()) {
                    let context = walks.context(pe);
                    roots.push(walks.begin(Root { context, op, va }));
                }
            }
        }
        roots.sort_unstable();
        roots.dedup();
        roots.into_boxed_slice()
    }
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
            return sets.into_iter().map(Vec::into_boxed_slice).collect();
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
