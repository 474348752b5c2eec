//! What one actor holds at a position, and what the last step changed of it.

use super::tlb::{self, TlbView};
use super::{Lane, Replay, number, walks};
use crate::machine::program::{Data, Instr, Reg};
use crate::machine::{Actor, State};
use crate::view::words;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// An actor at a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorView {
    /// What it is called.
    pub name: String,
    /// It is the host.
    pub host: bool,
    /// What it is doing.
    pub lane: Lane,
    /// Its program.
    pub program: Vec<Line>,
    /// The general registers that its program uses.
    pub regs: Vec<Register>,
    /// PAR_EL1, once written.
    pub par: Option<Register>,
    /// The exceptions that nobody resolved.
    pub faults: Vec<String>,
    /// How many of them are new.
    pub new_faults: usize,
    /// What its TLB may hold.
    pub tlb: TlbView,
}

/// A line of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The instruction.
    pub text: String,
    /// It is the one executed next, or now.
    pub here: bool,
}

/// A register and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: u128,
    /// What the value is, in words or as a number.
    pub text: String,
    /// The last step wrote it.
    pub changed: bool,
}

impl Replay {
    /// What an actor holds at a position.
    #[must_use]
    pub fn actor(&self, position: usize, actor: usize) -> Option<ActorView> {
        let now = self.positions.get(position)?;
        let before = position.checked_sub(1).and_then(|before| self.positions.get(before));
        let was = before.map_or(now.state, |before| before.state);
        let own = self.subject.machine.actors.get(actor)?;
        let (old, local) = (self.world.local(was, actor), self.world.local(now.state, actor));
        let lane = now.lanes.get(actor)?.clone();
        let ended = lane.doing == super::Doing::Ended;
        let lines = (0..own.program.len()).map(|pc| Line {
            text: self.subject.instr(actor, pc as u16).to_string(),
            here: !ended && usize::from(local.pc) == pc,
        });
        let par = local.par.map(|value| Register {
            name: "PAR_EL1".into(),
            value,
            text: walks::par(&self.subject.names, value),
            changed: old.par != local.par,
        });
        let fault = |fault: &crate::machine::local::Fault| {
            let what = fault.record.as_ref().map_or_else(|| "an exception".into(), words::fault);
            let va = self.subject.names.address(fault.va);
            format!("{what}: {va}, at {}", self.subject.instr(actor, fault.pc))
        };
        Some(ActorView {
            name: own.name.clone(),
            host: own.host,
            lane,
            program: lines.collect(),
            regs: self.regs(own, actor, was, now.state),
            par,
            faults: local.faults.iter().map(fault).collect(),
            new_faults: local.faults.len().saturating_sub(old.faults.len()),
            tlb: tlb::view(self, was, now.state, actor),
        })
    }

    fn regs(&self, own: &Actor, actor: usize, was: State, now: State) -> Vec<Register> {
        let (old, new) = (&self.world.local(was, actor).x, &self.world.local(now, actor).x);
        let mut used: BTreeSet<Reg> = own.program.iter().filter_map(written).collect();
        used.extend(own.handler.sets.iter().map(|&(reg, _)| reg));
        used.extend((0_u8..).zip(&own.regs).filter(|(_, value)| **value != 0).map(|(reg, _)| reg));
        let register = |reg: Reg| {
            let (was, value) = (old.get(usize::from(reg))?, *new.get(usize::from(reg))?);
            let text = self.subject.names.get(value).map_or_else(|| number(value), Into::into);
            Some(Register { name: format!("X{reg}"), value: value.into(), text, changed: *was != value })
        };
        used.into_iter().filter_map(register).collect()
    }
}

/// The register that an instruction writes.
fn written(instr: &Instr) -> Option<Reg> {
    match *instr {
        Instr::Access(access) => match access.data {
            Data::Store(_) => access.status,
            _ => access.dst,
        },
        Instr::MrsPar(reg) | Instr::Mov(reg, _) | Instr::Alu(_, reg, ..) | Instr::Csel(_, reg, ..) => Some(reg),
        _ => None,
    }
}
