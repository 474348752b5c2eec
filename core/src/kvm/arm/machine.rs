//! A VM with one vCPU that answers cases.

use super::sys::{self, Mapping};
use super::vm::{self, Core, Exit, Vcpu, Vm, failed};
use crate::access::Op;
use crate::at::{Answer, Exception, Outcome, Par, Written};
use crate::bits::align_down;
use crate::choice::Choices;
use crate::feature::{Feature, Features};
use crate::kvm::fit::{AREA, DATA, DATA_SIZE, EL1_REGISTERS, EL2_REGISTERS};
use crate::kvm::random::{RAM, RAM_SIZE};
use crate::kvm::settle::settle;
use crate::kvm::{Fit, Level, Limits, Problem, Walker, guest};
use crate::layout::sysreg::SysReg;
use crate::preset::pa_bits_from_mmfr0;
use crate::scenario::Run;
use std::collections::BTreeMap;
use std::format;
use std::sync::Arc;
use std::vec::Vec;

/// How long a guest may take for an answer, in seconds.
const PATIENCE: u32 = 20;
/// How much memory the VM gets at a time: to make a slot takes Linux long, and many cases have their tables close
/// together.
const PIECE: u64 = 0x10_0000;
/// PSTATE: the Exception level's own stack pointer, interrupts masked.
const MASKED: u64 = 0x3c0 | 1;
const PAN: u64 = 1 << 22;

/// A VM that answers cases.
#[derive(Debug)]
pub struct Machine {
    vcpu: Vcpu,
    vm: Vm,
    memory: Memory,
    level: Level,
    limits: Limits,
    /// What the registers hold, as far as it is known.
    held: Vec<(SysReg, u64)>,
}

/// The VM's memory, by where it begins.
#[derive(Debug, Default)]
struct Memory {
    slots: BTreeMap<u64, (u32, Arc<Mapping>)>,
    /// The words that are not 0 for a case's sake.
    written: Vec<u64>,
    code: Option<u64>,
}

impl Machine {
    /// A VM whose code runs at this level.
    ///
    /// # Errors
    /// Why there is none.
    pub fn new(level: Level) -> Result<Self, Problem> {
        let kvm = vm::kvm()?;
        let (vm, mut vcpus) = Vm::new(&kvm, level, 1)?;
        let vcpu = vcpus.pop().ok_or_else(|| Problem::Failed("no vCPU".into()))?;
        let limits = limits(&vcpu, level, vm::ipa_bits(&kvm));
        Ok(Self { vcpu, vm, memory: Memory::default(), level, limits, held: Vec::new() })
    }

    /// What it is.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// Executes a case. The case becomes what it really was: a register that does not take a value is as it took it.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn run(&mut self, fit: &mut Fit) -> Result<Run, Problem> {
        self.prepare(fit)?;
        let entry = guest::entry(fit.case.op).ok_or_else(|| Problem::Unfit("no AT instruction".into()))?;
        self.vcpu.set_core(Core::X(0), fit.case.va)?;
        let number = self.go(fit, entry)?;
        let result = self.outcome(number)?;
        let memory = &self.memory;
        let words = fit.case.memory.words();
        let writes = words.filter_map(|(address, word)| {
            let now = memory.read(address)?;
            (now != word).then_some((address, now))
        });
        let writes = writes.collect();
        Ok(Run { answer: Answer { result, fault: None, output: None }, reads: 0, writes, steps: Vec::new() })
    }

    /// Executes `op` at many addresses on a case's machine, in few runs, and gives PAR_EL1 for each.
    ///
    /// # Errors
    /// Why there is no answer; an instruction that takes an exception ends it all.
    pub fn run_many(&mut self, fit: &Fit, op: Op, addresses: &[u64]) -> Result<Vec<u64>, Problem> {
        let mut fit = fit.clone();
        fit.case.op = op;
        if !fit.data {
            return Err(Problem::Unfit("its registers leave the guest no data".into()));
        }
        let entry = guest::batch_entry(op).ok_or_else(|| Problem::Unfit("no AT instruction".into()))?;
        // One by itself, which also forgets what was cached of the tables before.
        self.run(&mut fit)?;
        let swap = self.is_big_endian(&fit);
        let order = |word: u64| if swap { word.swap_bytes() } else { word };
        let mut answers = Vec::with_capacity(addresses.len());
        for some in addresses.chunks(DATA_SIZE as usize / 8) {
            for (place, &va) in (fit.code + DATA..).step_by(8).zip(some) {
                self.memory.write(place, order(va));
            }
            self.vcpu.set_core(Core::X(1), fit.pc + DATA)?;
            self.vcpu.set_core(Core::X(2), some.len() as u64)?;
            let number = self.go(&fit, entry)?;
            if number != guest::END {
                return Err(Problem::Failed(format!("an instruction took an exception: vector {number:#x}")));
            }
            let places = (fit.code + DATA..).step_by(8).take(some.len());
            answers.extend(places.map(|place| order(self.memory.read(place).unwrap_or(0))));
        }
        Ok(answers)
    }

    fn is_big_endian(&self, fit: &Fit) -> bool {
        let register = if self.level == Level::El1 { SysReg::SctlrEl1 } else { SysReg::SctlrEl2 };
        crate::layout::sysreg::sctlr_el1::EE.is_set(fit.case.pe.regs.get(register))
    }

    /// Memory and registers.
    fn prepare(&mut self, fit: &mut Fit) -> Result<(), Problem> {
        let second: &[SysReg] = if self.level == Level::El1 { &[] } else { &EL2_REGISTERS };
        for &register in EL1_REGISTERS.iter().chain(second) {
            self.load(fit, register)?;
        }
        if fit.given {
            settle(fit, &self.limits).map_err(Problem::Unfit)?;
        }
        self.memory.fit(&mut self.vm, fit)?;
        self.memory.load(fit, self.level);
        for (_, id) in vm::VBAR.iter().filter(|(el, _)| *el == self.level.el()) {
            self.vcpu.set_id(*id, fit.pc)?;
        }
        Ok(())
    }

    /// Sets a register, unless it holds the value, and takes back what it makes of it.
    fn load(&mut self, fit: &mut Fit, register: SysReg) -> Result<(), Problem> {
        let value = fit.case.pe.regs.get(register);
        if self.held.contains(&(register, value)) {
            return Ok(());
        }
        self.held.retain(|(held, _)| *held != register);
        if !self.vcpu.set(register, value) {
            // a register that does not exist reads 0 in the case's own terms
            return if value == 0 || self.vcpu.get(register).is_none() && !matters(register, &self.limits) {
                fit.case.pe.regs.set(register, 0);
                Ok(())
            } else {
                Err(Problem::Unfit(format!(
                    "a register of the VM does not take its value: {}, {value:#x}",
                    register.name()
                )))
            };
        }
        let now = self.vcpu.get(register).unwrap_or(value);
        if now == value {
            self.held.push((register, value));
        } else {
            fit.case.pe.regs.set(register, now.into());
        }
        Ok(())
    }

    /// Runs the guest's code from `entry` to a BRK, and gives its number.
    fn go(&mut self, fit: &Fit, entry: u64) -> Result<u32, Problem> {
        let pan = if fit.case.pe.pan { PAN } else { 0 };
        self.vcpu.set_core(Core::Pstate, MASKED | u64::from(self.level.el()) << 2 | pan)?;
        self.vcpu.set_core(Core::Pc, fit.pc + entry)?;
        sys::alarm(PATIENCE);
        let exit = self.vcpu.run();
        sys::alarm(0);
        match exit {
            Exit::Brk(number) => Ok(number),
            Exit::Interrupted => Err(Problem::Failed("the guest did not end".into())),
            Exit::Fault => Err(Problem::Failed("the guest touched memory that the host lacks".into())),
            Exit::Other(what) => Err(failed("the guest stopped", what)),
        }
    }

    /// What the guest came to, when it ended by the BRK of this number.
    fn outcome(&self, number: u32) -> Result<Outcome, Problem> {
        if number == guest::END {
            let value = self.vcpu.core(Core::X(0))?;
            return Ok(Outcome::Par(Par { value: value.into(), unknown: 0 }));
        }
        let [esr, far] =
            if self.level == Level::El1 { [SysReg::EsrEl1, SysReg::FarEl1] } else { [SysReg::EsrEl2, SysReg::FarEl2] };
        let value = |register| self.vcpu.get(register).unwrap_or(0);
        if value(esr) >> 26 == 0 {
            return Ok(Outcome::Undefined);
        }
        let written = |register| Written { register, value: value(register), unknown: 0 };
        Ok(Outcome::Exception(Exception { el: self.level.el(), registers: [written(esr), written(far)].into() }))
    }
}

/// Whether a register that the vCPU does not have would matter, were it there.
fn matters(register: SysReg, limits: &Limits) -> bool {
    let has = |feature| limits.features.has(feature);
    match register {
        SysReg::Tcr2El1 | SysReg::Tcr2El2 => has(Feature::Tcr2),
        SysReg::PirEl1 | SysReg::Pire0El1 | SysReg::PirEl2 | SysReg::Pire0El2 => has(Feature::S1pie),
        SysReg::PorEl0 | SysReg::PorEl1 | SysReg::PorEl2 => has(Feature::S1poe),
        SysReg::S2pirEl2 => has(Feature::S2pie),
        SysReg::HcrxEl2 => has(Feature::Hcx),
        _ => true,
    }
}

/// What a vCPU is, by its ID registers.
pub fn limits(vcpu: &Vcpu, level: Level, ipa_bits: u32) -> Limits {
    let read = |register| vcpu.get(register).unwrap_or(0);
    let announced = Features::from_id_registers(&read).without(Feature::El3);
    let features = if level == Level::El1 { announced.without(Feature::El2) } else { announced.with(Feature::El2) };
    Limits {
        level,
        features: features.closed(),
        pa_bits: pa_bits_from_mmfr0(read(SysReg::IdAa64Mmfr0El1)),
        ipa_bits: ipa_bits as u8,
        choices: Choices::from_id_registers(&read),
        walker: Walker { qemu: vcpu.is_emulated(), linux: level != Level::El1 },
    }
}

impl Memory {
    /// Gives the VM the memory that a case needs, and none where the case has none.
    fn fit(&mut self, vm: &mut Vm, fit: &Fit) -> Result<(), Problem> {
        if let Some((low, high)) = fit.case.memory.abort() {
            let size = sys::page_size();
            if low % size != 0 || high.wrapping_add(1) % size != 0 {
                return Err(Problem::Unfit("what aborts is not whole pages of the host".into()));
            }
            let aborting = self.slots.range(..=high).filter(|(start, (_, memory))| *start + memory.size() > low);
            for start in aborting.map(|(&start, _)| start).collect::<Vec<_>>() {
                self.forget(vm, start)?;
            }
        }
        let free = |&(start, size): &(u64, u64)| {
            let aborts = |(low, high)| low < start + size && high >= start;
            Vm::has_room(start, size) && !fit.case.memory.abort().is_some_and(aborts)
        };
        for &page in &fit.pages {
            if self.place(page).is_some() {
                continue;
            }
            let pieces = [(RAM, RAM_SIZE), (page - page % PIECE, PIECE), (fit.code, AREA)];
            let mut pieces = pieces.into_iter().filter(|(start, size)| (*start..start + size).contains(&page));
            let (start, size) = pieces.find(free).unwrap_or((page - page % sys::page_size(), sys::page_size()));
            let overlapped: Vec<u64> = self.slots.range(start..start + size).map(|(&start, _)| start).collect();
            for start in overlapped {
                self.forget(vm, start)?;
            }
            // The random cases' memory may come in a block, as a real guest's may.
            let mapping = if start == RAM { Mapping::new(size) } else { Mapping::sparse(size) };
            let mapping = Arc::new(mapping.map_err(|error| failed("memory", error))?);
            let slot = vm.add(start, &mapping)?;
            self.slots.insert(start, (slot, mapping));
        }
        Ok(())
    }

    fn forget(&mut self, vm: &mut Vm, start: u64) -> Result<(), Problem> {
        if let Some((slot, _)) = self.slots.remove(&start) {
            vm.remove(slot)?;
        }
        self.code = self.code.filter(|&code| code != start);
        Ok(())
    }

    /// The case's words, and the guest's code.
    fn load(&mut self, fit: &Fit, level: Level) {
        for address in core::mem::take(&mut self.written) {
            self.write(address, 0);
        }
        if self.code != Some(fit.code) {
            for (offset, pair) in (0..).step_by(8).zip(guest::page(level).chunks(2)) {
                if let Some(former) = self.code {
                    self.write(former + offset, 0);
                }
                let word = pair.iter().rev().fold(0, |word, &half| word << 32 | u64::from(half));
                self.write(fit.code + offset, word);
            }
            self.code = Some(fit.code);
        }
        for (address, word) in fit.case.memory.words() {
            self.write(address, word);
            self.written.push(address);
        }
    }

    fn place(&self, address: u64) -> Option<(&Mapping, u64)> {
        let (start, (_, mapping)) = self.slots.range(..=address).next_back()?;
        let offset = address - start;
        (offset < mapping.size()).then_some((mapping, offset))
    }

    fn read(&self, address: u64) -> Option<u64> {
        let (mapping, offset) = self.place(align_down(address, 3))?;
        Some(mapping.read(offset))
    }

    fn write(&self, address: u64, word: u64) {
        if let Some((mapping, offset)) = self.place(align_down(address, 3)) {
            mapping.write(offset, word);
        }
    }
}
