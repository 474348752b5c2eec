//! What an instruction does to memory and registers, in words.

use super::moment::Wrote;
use super::telling::Step;
use super::walks;
use crate::machine::local::Wants;
use crate::machine::program::{Data, Instr, MemoryAccess, Operand, Reg};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

impl Step<'_> {
    /// The words of memory and the registers that change.
    pub fn effects(&self) -> Vec<String> {
        let word = |word: &Wrote| self.writes(word.address, word.old, word.new);
        self.wrote.iter().map(word).chain(self.registers()).collect()
    }

    /// The registers that change.
    pub fn registers(&self) -> Vec<String> {
        let regs = (0..).zip(self.was.x.iter().zip(&self.is.x)).filter(|(_, (old, new))| old != new);
        regs.map(|(reg, _)| self.register(reg)).collect()
    }

    fn register(&self, reg: Reg) -> String {
        let value = self.is.x.get(usize::from(reg)).copied().unwrap_or_default();
        format!("X{reg} = {}", self.names.value(value))
    }

    fn value(&self, operand: Operand) -> u64 {
        match operand {
            Operand::Value(value) => value,
            Operand::Reg(reg) => self.was.x.get(usize::from(reg)).copied().unwrap_or_default(),
        }
    }

    fn writes(&self, address: u64, old: u64, new: u64) -> String {
        let name = self.names.address(address);
        let [was, is] = [old, new].map(|value| self.names.value(value));
        if old == new {
            return format!("writes {name} = {is}, as it was");
        }
        format!("writes {name} = {is}, where {was} was")
    }

    /// What follows, in the same step, from a hardware walk that has come to an address, and the registers that change.
    pub fn accessed(&self, node: u32) -> Vec<String> {
        let access = match (self.instr(), walks::accessible(self.world, node)) {
            (Some(Instr::Access(access)), Some(pa)) => Some(self.accesses(&access, pa)),
            _ => None,
        };
        access.into_iter().chain(self.registers()).collect()
    }

    /// An access to a physical address.
    pub fn accesses(&self, access: &MemoryAccess, pa: u64) -> String {
        let old = self.world.word(self.before, pa);
        let new = self.wrote.iter().find(|word| word.address == pa).map_or(old, |word| word.new);
        let name = self.names.address(pa);
        let [was, is] = [old, new].map(|value| self.names.value(value));
        match access.data {
            Data::Load if access.exclusive => format!("reads {name} = {was}, and watches it"),
            Data::Load => format!("reads {name} = {was}"),
            Data::Store(_) => match access.status.and_then(|reg| self.is.x.get(usize::from(reg))) {
                None => self.writes(pa, old, new),
                Some(0) => format!("{}: nobody has since it was read", self.writes(pa, old, new)),
                Some(_) => format!("does not write {name}"),
            },
            Data::CompareAndSwap { expected, .. } if self.value(expected) != old => {
                format!("finds {name} = {was}, not {}: unchanged", self.names.value(self.value(expected)))
            }
            _ => format!("reads {name} = {was} and writes {is}, in one step"),
        }
    }

    /// What an instruction does that accesses nothing.
    pub fn computes(&self, instr: &Instr) -> String {
        match *instr {
            Instr::Tlbi(tlbi) => {
                let whose = if tlbi.broadcast { "on every vCPU" } else { "on this vCPU alone" };
                format!("{whose}; complete when the DSB after it is")
            }
            Instr::Dsb(..) if self.wants == Wants::Complete => "the TLBIs before it are complete".into(),
            Instr::Dsb(..) => "completes no TLBI".into(),
            Instr::Isb => "synchronizes its context".into(),
            Instr::Eret => "returns from an exception, and synchronizes its context".into(),
            Instr::Msr(..) => "in effect at the next context synchronization, if not before".into(),
            Instr::MrsPar(reg) => match self.was.par {
                Some(par) => format!("X{reg} = {:#x}, {}", par as u64, walks::par(self.names, par)),
                None => self.register(reg),
            },
            Instr::Mov(reg, _) | Instr::Alu(_, reg, ..) | Instr::Csel(_, reg, ..) => self.register(reg),
            Instr::Cmp(..) => if self.is.equal { "equal" } else { "not equal" }.to_string(),
            Instr::Branch(..) if self.is.pc == self.was.pc.saturating_add(1) => "not taken".into(),
            Instr::Branch(..) => "taken".into(),
            Instr::Access(_) | Instr::At { .. } | Instr::Dmb(..) => String::new(),
        }
    }
}
