//! One actor by itself: a program that asks questions, of which the answers alone decide how it goes on.

use super::cells::Cells;
use super::intern::{Id, Interner};
use super::local::{Fault, Local, Phase, Said, Stage, Update, Wants};
use super::program::{BarrierType, Condition, Data, Domain, Instr, MemoryAccess, Operand, Target, Then};
use super::roots::{at_root, emulated};
use super::walks::{Root, Walks};
use super::{Actor, Machine};
use crate::access::Op;
use crate::at::{Answer, Outcome};
use crate::env::Ask;
use crate::memory::ExternalAbort;
use crate::outcome::FaultCode;
use alloc::vec::Vec;

/// A local state with what follows from it.
#[derive(Clone, Debug)]
pub struct Node {
    /// What the actor does next.
    pub wants: Wants,
    /// The step before is not over without this one.
    pub at_once: bool,
    /// It is between two instructions, or trapped and not yet at work: where a request to pause is taken.
    pub boundary: bool,
    /// A hardware walk is under way.
    pub hardware_walk: bool,
    /// A software walk is under way.
    pub software_walk: bool,
    next: Vec<(Said, Id)>,
}

/// All the local states of one actor that have come up.
#[derive(Clone, Debug)]
pub struct Thread {
    actor: usize,
    locals: Interner<Local>,
    nodes: Vec<Node>,
}

/// What a thread needs to know of the world.
pub struct Surroundings<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// Its walks.
    pub walks: &'a mut Walks,
    /// Its memory.
    pub cells: &'a mut Cells,
}

impl Thread {
    /// The thread of an actor, and its first local state.
    pub fn new(actor: usize, around: &mut Surroundings<'_>) -> (Self, Id) {
        let own = &around.machine.actors[actor];
        let first = Local {
            pc: 0,
            phase: Phase::Ready,
            context: around.walks.context(&own.pe),
            next_context: None,
            x: own.regs,
            equal: false,
            par: None,
            faults: Vec::new(),
            invalidated: false,
        };
        let mut thread = Self { actor, locals: Interner::default(), nodes: Vec::new() };
        let id = thread.keep(first, around);
        (thread, id)
    }

    /// A local state.
    pub fn local(&self, id: Id) -> &Local {
        self.locals.get(id)
    }

    /// What follows from a local state.
    #[inline]
    pub fn node(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    /// The local state after an answer.
    #[inline]
    pub fn next(&mut self, id: Id, said: Said, around: &mut Surroundings<'_>) -> Id {
        match self.nodes[id as usize].next.iter().find(|(other, _)| *other == said) {
            Some(&(_, next)) => next,
            None => self.find_next(id, said, around),
        }
    }

    #[cold]
    fn find_next(&mut self, id: Id, said: Said, around: &mut Surroundings<'_>) -> Id {
        let mut local = self.locals.get(id).clone();
        let actor = &around.machine.actors[self.actor];
        Step { actor, local: &mut local, around }.take(self.nodes[id as usize].wants, said);
        let next = self.keep(local, around);
        self.nodes[id as usize].next.push((said, next));
        next
    }

    fn keep(&mut self, local: Local, around: &mut Surroundings<'_>) -> Id {
        let id = self.locals.intern(local);
        if id as usize == self.nodes.len() {
            let mut local = self.locals.get(id).clone();
            let actor = &around.machine.actors[self.actor];
            let wants = Step { actor, local: &mut local, around }.wants();
            let node = Node {
                wants,
                at_once: matches!(local.phase, Phase::Accessing(_)),
                boundary: matches!(local.phase, Phase::Ready | Phase::Ended | Phase::Emulating(Stage::Trapped)),
                hardware_walk: matches!(local.phase, Phase::Walking(_)),
                software_walk: matches!(
                    local.phase,
                    Phase::Emulating(Stage::Walking(_) | Stage::Checked(_) | Stage::Leaving(_))
                        | Phase::Resolving { emulating: true, .. }
                ),
                next: Vec::new(),
            };
            self.nodes.push(node);
        }
        id
    }
}

/// One step of an actor: its local state, and what it needs to know.
pub(super) struct Step<'a, 'b> {
    pub actor: &'a Actor,
    pub local: &'a mut Local,
    pub around: &'a mut Surroundings<'b>,
}

impl Step<'_, '_> {
    pub(super) fn value(&self, operand: Operand) -> u64 {
        match operand {
            Operand::Value(value) => value,
            Operand::Reg(reg) => self.local.x.get(usize::from(reg)).copied().unwrap_or_default(),
        }
    }

    fn set(&mut self, reg: u8, value: u64) {
        if let Some(place) = self.local.x.get_mut(usize::from(reg)) {
            *place = value;
        }
    }

    pub(super) fn instr(&self) -> Option<Instr> {
        self.actor.program.get(usize::from(self.local.pc)).copied()
    }

    fn holds(&self, condition: Condition) -> bool {
        match condition {
            Condition::Always => true,
            Condition::Equal => self.local.equal,
            Condition::NotEqual => !self.local.equal,
            Condition::Zero(reg) => self.value(Operand::Reg(reg)) == 0,
            Condition::NotZero(reg) => self.value(Operand::Reg(reg)) != 0,
        }
    }

    /// What the actor does next.
    fn wants(&mut self) -> Wants {
        match self.local.phase {
            Phase::Ended => Wants::Nothing,
            Phase::Ready => self.instr().map_or(Wants::Nothing, |instr| self.instr_wants(instr)),
            Phase::Walking(node) => self.walk_wants(node),
            Phase::Accessing(pa) => match self.instr() {
                Some(Instr::Access(access)) => self.access_wants(&access, pa),
                _ => Wants::Own,
            },
            Phase::Resolving { backing, .. } => match self.around.machine.backing.get(usize::from(backing)) {
                Some(backing) => Wants::Write(self.around.cells.place(backing.entry, false), backing.descriptor.into()),
                None => Wants::Own,
            },
            Phase::Emulating(stage) => self.emulation_wants(stage),
        }
    }

    fn instr_wants(&mut self, instr: Instr) -> Wants {
        match instr {
            Instr::Access(access) => match access.target {
                Target::Pa(pa) => self.access_wants(&access, pa),
                Target::Va(va) => {
                    let root = self.root(access.op(), self.value(va));
                    self.translate(root, !access.address_dependency)
                }
            },
            Instr::At { .. } if self.emulated() => Wants::Own,
            Instr::At { op, va } => {
                let (root, _) = self.at_root(op, self.value(va));
                self.translate(root, true)
            }
            Instr::Dsb(domain, BarrierType::Full) if self.local.invalidated && completes(domain) => Wants::Complete,
            Instr::Isb => Wants::Synchronize { returns: false },
            Instr::Eret => Wants::Synchronize { returns: true },
            Instr::Tlbi(tlbi) => Wants::Invalidate(tlbi),
            _ => Wants::Own,
        }
    }

    fn emulated(&self) -> bool {
        emulated(self.around.machine, self.actor)
    }

    const fn root(&self, op: Op, va: u64) -> Root {
        Root { context: self.local.context, op, va }
    }

    /// The walk of an AT instruction, and whether it can be executed at all.
    pub(super) fn at_root(&mut self, op: Op, va: u64) -> (Root, bool) {
        at_root(self.actor, self.emulated(), self.root(op, va), self.around.walks)
    }

    fn translate(&mut self, root: Root, early: bool) -> Wants {
        let machine = self.around.machine;
        if machine.stepwise && !machine.tlb {
            let node = self.around.walks.begin(root);
            if self.around.walks.get(node).ask().is_some() {
                return self.walk_wants(node);
            }
        }
        let next = self.local.next_context.filter(|_| root.context == self.local.context);
        Wants::Translate { root, next: next.map(|context| Root { context, ..root }), early }
    }

    pub(super) fn walk_wants(&mut self, node: Id) -> Wants {
        match self.around.walks.get(node).ask() {
            None => Wants::Own,
            Some(Ask::Read(fetch)) => Wants::Read(self.around.cells.place(fetch.address.address, fetch.wide)),
            Some(Ask::CompareAndSwap { fetch, expected, new }) => {
                let place = self.around.cells.place(fetch.address.address, fetch.wide);
                Wants::Update(place, Update::CompareAndSwap(expected, new))
            }
        }
    }

    fn access_wants(&mut self, access: &MemoryAccess, pa: u64) -> Wants {
        let place = self.around.cells.place(pa, false);
        match access.data {
            Data::Load if access.exclusive => Wants::LoadExclusive(place),
            Data::Load => Wants::Read(place),
            Data::Store(value) if access.status.is_some() => Wants::StoreExclusive(place, self.value(value)),
            Data::Store(value) => Wants::Write(place, self.value(value).into()),
            Data::Swap(value) => Wants::Update(place, Update::Swap(self.value(value))),
            Data::CompareAndSwap { expected, new } => {
                let (expected, new) = (self.value(expected).into(), self.value(new).into());
                Wants::Update(place, Update::CompareAndSwap(expected, new))
            }
            Data::Set(value) => Wants::Update(place, Update::Set(self.value(value))),
            Data::Clear(value) => Wants::Update(place, Update::Clear(self.value(value))),
            Data::Add(value) => Wants::Update(place, Update::Add(self.value(value))),
        }
    }

    /// Goes on with an answer.
    fn take(&mut self, wanted: Wants, said: Said) {
        match self.local.phase {
            Phase::Ended => {}
            Phase::Ready => match self.instr() {
                Some(Instr::At { .. }) if self.emulated() => self.local.phase = Phase::Emulating(Stage::Trapped),
                Some(instr) => self.execute(instr, wanted, said),
                None => self.local.phase = Phase::Ended,
            },
            Phase::Walking(node) => self.walked(node, said),
            Phase::Accessing(_) => match self.instr() {
                Some(Instr::Access(access)) => self.accessed(&access, said),
                _ => self.advance(),
            },
            Phase::Resolving { emulating: true, .. } => {
                self.restart();
            }
            Phase::Resolving { emulating: false, .. } => self.local.phase = Phase::Ready,
            Phase::Emulating(stage) => self.emulated_step(stage, wanted, said),
        }
    }

    fn execute(&mut self, instr: Instr, wanted: Wants, said: Said) {
        match (instr, wanted) {
            (Instr::Access(_) | Instr::At { .. }, Wants::Translate { .. }) => self.translated(said),
            (Instr::Access(access), _) => match access.target {
                Target::Pa(_) => self.accessed(&access, said),
                // A walk of which every descriptor is a step: this was the first.
                Target::Va(va) => self.walk_from(self.root(access.op(), self.value(va)), said),
            },
            (Instr::At { op, va }, _) => {
                let (root, _) = self.at_root(op, self.value(va));
                self.walk_from(root, said);
            }
            (Instr::Msr(register, value), _) => {
                let value = self.value(value).into();
                let written = self.local.next_context.unwrap_or(self.local.context);
                let mut pe = self.around.walks.pe(written).clone();
                pe.regs.set(register, value);
                self.local.next_context = Some(self.around.walks.context(&pe));
                self.advance();
            }
            (Instr::Isb | Instr::Eret, _) => {
                self.synchronize();
                self.advance();
            }
            (Instr::Tlbi(_), _) => {
                self.local.invalidated = true;
                self.advance();
            }
            (Instr::Dsb(..), Wants::Complete) => {
                self.local.invalidated = false;
                self.advance();
            }
            _ => self.compute(instr),
        }
    }

    /// An instruction that concerns nobody else.
    fn compute(&mut self, instr: Instr) {
        match instr {
            Instr::MrsPar(dst) => self.set(dst, self.local.par.unwrap_or_default() as u64),
            Instr::Mov(dst, value) => self.set(dst, self.value(value)),
            Instr::Alu(alu, dst, a, b) => self.set(dst, alu.apply(self.value(a), self.value(b))),
            Instr::Cmp(a, b) => self.local.equal = self.value(a) == self.value(b),
            Instr::Csel(condition, dst, a, b) => self.set(dst, self.value(if self.holds(condition) { a } else { b })),
            Instr::Branch(condition, target) if self.holds(condition) => {
                self.local.pc = target;
                return;
            }
            _ => {}
        }
        self.advance();
    }

    pub(super) fn advance(&mut self) {
        self.local.phase = Phase::Ready;
        self.local.pc = self.local.pc.saturating_add(1);
    }

    fn synchronize(&mut self) {
        self.local.context = self.local.next_context.take().unwrap_or(self.local.context);
    }

    fn walk_from(&mut self, root: Root, said: Said) {
        let node = self.around.walks.begin(root);
        self.walked(node, said);
    }

    /// A translation has been chosen.
    fn translated(&mut self, said: Said) {
        let Ok(node) = said else { return self.advance() };
        self.hardware(node as Id);
    }

    fn walked(&mut self, node: Id, said: Said) {
        let next = self.around.walks.answer(node, said.map_err(|_| ExternalAbort));
        self.hardware(next);
    }

    /// A hardware walk has come to a node.
    fn hardware(&mut self, node: Id) {
        match self.around.walks.get(node).end().cloned() {
            None => self.local.phase = Phase::Walking(node),
            Some(answer) => self.finish(&answer, false),
        }
    }

    pub(super) fn finish(&mut self, answer: &Answer, emulating: bool) {
        match (&answer.result, &answer.output) {
            (Outcome::Par(par), _) => {
                self.local.par = Some(par.value);
                self.advance();
            }
            (Outcome::Performed, Some(output)) => self.local.phase = Phase::Accessing(output.address.address),
            _ => match self.backing(answer) {
                Some(backing) => self.local.phase = Phase::Resolving { backing, emulating },
                None => self.fault(answer),
            },
        }
    }

    /// The page whose absence made a walk fail, if the host has it: the stage-2 fault is the host's to resolve.
    pub(super) fn backing(&self, answer: &Answer) -> Option<u16> {
        let fault = answer.fault.filter(|fault| fault.second_stage && fault.code == FaultCode::Translation)?;
        let mut pages = self.around.machine.backing.iter();
        pages.position(|page| page.ipa >> 12 == fault.ipa.address >> 12).and_then(|at| u16::try_from(at).ok())
    }

    fn fault(&mut self, answer: &Answer) {
        let va = match self.instr() {
            Some(Instr::At { va, .. } | Instr::Access(MemoryAccess { target: Target::Va(va), .. })) => self.value(va),
            _ => 0,
        };
        let fault = Fault { pc: self.local.pc, va, record: answer.fault };
        // A loop that faults again and again is one state: each fault is kept once.
        if !self.local.faults.contains(&fault) {
            self.local.faults.push(fault);
        }
        let handler = &self.actor.handler;
        for &(reg, value) in &handler.sets {
            self.set(reg, value);
        }
        self.synchronize();
        match handler.then {
            Then::End => self.local.phase = Phase::Ended,
            Then::Next => self.advance(),
            Then::Again => self.local.phase = Phase::Ready,
            Then::Goto(pc) => {
                self.local.phase = Phase::Ready;
                self.local.pc = pc;
            }
        }
    }

    fn accessed(&mut self, access: &MemoryAccess, said: Said) {
        let value = said.unwrap_or_default() as u64;
        if let Some(status) = access.status {
            self.set(status, value);
        } else if let Some(dst) = access.dst {
            self.set(dst, value);
        }
        self.advance();
    }
}

/// Whether a DSB for a domain completes TLBIs that were broadcast.
const fn completes(domain: Domain) -> bool {
    !matches!(domain, Domain::NonShareable)
}
