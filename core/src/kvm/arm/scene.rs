//! What the stories need: a VM of several vCPUs, whose tables are three: the first two in memory that the guest may
//! write, the last one in memory of its own, so that it can be withheld.

use super::machine::limits;
use super::sys::Mapping;
use super::vm::{self, Core, Exit, VBAR, Vcpu, Vm, failed};
use crate::access::Op;
use crate::kvm::fit::{AREA, DATA, EL1_REGISTERS, EL2_REGISTERS};
use crate::kvm::{Fit, Level, Problem, Told, fit, guest};
use crate::layout::sysreg::{SysReg, hcr_el2, hcrx_el2};
use crate::scenario::Case;
use std::format;
use std::string::String;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use std::vec::Vec;

/// The address that is asked about: entries 0, 0x91 and 0x145 of its tables.
pub const VA: u64 = 0x1234_5000;
/// The first table.
const ROOT: u64 = 0x4000_0000;
/// The last table, and one that can take its place.
pub const LAST: u64 = 0x4010_0000;
const OTHER: u64 = 0x4011_0000;
/// What each maps the address to.
const PAGES: [u64; 2] = [0x8000_0000, 0x9000_0000];
/// The second table, within the guest's data: after three areas of 16 KB for the vCPUs' own.
const SECOND: u64 = DATA + 0xf000;
const TABLE: u64 = 3;
const LEAF: u64 = 0b11 << 8 | 1 << 10 | 1 << 53 | 1 << 54 | 3;

/// How many vCPUs there are.
pub const CREW: usize = 3;

/// A VM on which stories are told, one after another: to make one with a virtual EL2, and to take it down, takes
/// seconds.
#[derive(Debug)]
pub struct Scene {
    pub(super) level: Level,
    vm: Vm,
    pub(super) vcpus: Vec<Vcpu>,
    pub(super) fit: Fit,
    code: Arc<Mapping>,
    /// The slot of the last table, if it has one.
    slot: Option<u32>,
    /// The words of the last table.
    pub(super) last: Vec<u64>,
}

impl Scene {
    /// A VM at this level.
    ///
    /// # Errors
    /// Why there is none.
    pub fn new(level: Level) -> Result<Self, Problem> {
        let kvm = vm::kvm()?;
        let (mut vm, vcpus) = Vm::new(&kvm, level, CREW as u64)?;
        let first = vcpus.first().ok_or_else(|| Problem::Failed("no vCPU".into()))?;
        let limits = limits(first, level, vm::ipa_bits(&kvm));
        let mut case = Case::new(Op::S1E1R, VA);
        case.pe.el = level.el();
        case.pe.features = limits.features;
        for (register, value) in [
            (SysReg::SctlrEl1, 0x30d0_1985_u64),
            (SysReg::TcrEl1, 5 << 32 | 0x8080_3519),
            (SysReg::MairEl1, 0xff),
            (SysReg::Ttbr0El1, ROOT),
            (SysReg::SctlrEl2, 0x30c5_0830),
            (SysReg::HcrEl2, hcr_el2::RW.mask() | if level == Level::Vel2 { hcr_el2::E2H.mask() } else { 0 }),
            (SysReg::HcrxEl2, hcrx_el2::TCR2En.mask()),
        ] {
            case.pe.regs.set(register, value.into());
        }
        if level == Level::El1 {
            case.pe.regs.set(SysReg::HcrEl2, 0);
        }
        // The tables must be there for the case to fit; the second one has its place where the code has got its own.
        let place = fit(&case, &limits).map_err(Problem::Unfit)?;
        let second = place.code + SECOND;
        case.memory.write(ROOT, second | TABLE);
        case.memory.write(LAST + 0x145 * 8, PAGES[0] | LEAF);
        let mut fit = fit(&case, &limits).map_err(Problem::Unfit)?;
        fit.case.memory.write(second + 0x91 * 8, LAST | TABLE);
        let code = map(&mut vm, fit.code, AREA)?;
        for (place, pair) in (0..).step_by(8).zip(guest::page(level).chunks(2)) {
            code.write(place, pair.iter().rev().fold(0, |word, &half| word << 32 | u64::from(half)));
        }
        let mut scene = Self { level, vm, vcpus, fit, code, slot: None, last: Vec::new() };
        let root = map(&mut scene.vm, ROOT, 0x1_0000)?;
        let other = map(&mut scene.vm, OTHER, 0x1_0000)?;
        other.write(0x145 * 8, PAGES[1] | LEAF);
        for (address, word) in scene.fit.case.memory.words() {
            if (scene.fit.code..scene.fit.code + AREA).contains(&address) {
                scene.code.write(address - scene.fit.code, word);
            } else if address == ROOT {
                root.write(0, word);
            }
        }
        scene.last = std::vec![0; 512];
        scene.last[0x145] = PAGES[0] | LEAF;
        for vcpu in &scene.vcpus {
            load(vcpu, &scene.fit, level)?;
        }
        Ok(scene)
    }

    /// Begins a story: the tables are as they were, and the last one has no memory.
    pub(super) fn begin(&mut self) -> Result<(), Problem> {
        if let Some(slot) = self.slot.take() {
            self.vm.remove(slot)?;
        }
        self.code.write(SECOND + 0x91 * 8, LAST | TABLE);
        Ok(())
    }

    /// Gives the last table its memory.
    pub(super) fn give(&mut self, mapping: &Arc<Mapping>) -> Result<(), Problem> {
        self.slot = Some(self.vm.add(LAST, mapping)?);
        Ok(())
    }

    /// New memory for the last table, with its words.
    pub(super) fn present(&mut self) -> Result<Arc<Mapping>, Problem> {
        let mapping = Arc::new(Mapping::new(0x1_0000).map_err(|error| failed("memory", error))?);
        for (place, &word) in (0..).step_by(8).zip(&self.last) {
            mapping.write(place, word);
        }
        self.give(&mapping)?;
        Ok(mapping)
    }

    /// Points the second table to the other last table, as the host.
    pub(super) fn rewrite(&self) {
        self.code.write(SECOND + 0x91 * 8, OTHER | TABLE);
    }

    /// The word at `offset` of the guest's data.
    pub(super) fn data(&self) -> Arc<Mapping> {
        self.code.clone()
    }

    /// Sets a vCPU to execute the AT by itself.
    pub(super) fn set_out(&self, vcpu: &Vcpu) -> Result<(), Problem> {
        let entry = guest::entry(self.fit.case.op).unwrap_or_default();
        self.start(vcpu, entry, &[(0, VA)])
    }

    /// Sets a vCPU to point the second table to the other last table, and to forget the old translation.
    pub(super) fn set_out_to_rewrite(&self, vcpu: &Vcpu) -> Result<(), Problem> {
        let place = self.fit.pc + SECOND + 0x91 * 8;
        self.start(vcpu, guest::REWRITE, &[(3, place), (4, OTHER | TABLE)])
    }

    pub(super) fn start(&self, vcpu: &Vcpu, entry: u64, registers: &[(u8, u64)]) -> Result<(), Problem> {
        start(vcpu, self.level, self.fit.pc + entry, registers)
    }

    /// PAR_EL1 where the last table, or the other, is used.
    pub(super) fn expected(&self, other: bool) -> u64 {
        let mut case = self.fit.case.clone();
        if other {
            case.memory.write(self.fit.code + SECOND + 0x91 * 8, OTHER | TABLE);
            case.memory.write(OTHER + 0x145 * 8, PAGES[1] | LEAF);
        }
        match case.run().answer.result {
            crate::at::Outcome::Par(par) => par.value as u64,
            _ => 0,
        }
    }
}

/// Sets a vCPU to run from `pc`.
pub fn start(vcpu: &Vcpu, level: Level, pc: u64, registers: &[(u8, u64)]) -> Result<(), Problem> {
    for &(register, value) in registers {
        vcpu.set_core(Core::X(register), value)?;
    }
    vcpu.set_core(Core::Pstate, 0x3c1 | u64::from(level.el()) << 2)?;
    vcpu.set_core(Core::Pc, pc)
}

/// New memory for a VM.
pub fn map(vm: &mut Vm, guest: u64, size: u64) -> Result<Arc<Mapping>, Problem> {
    let mapping = Arc::new(Mapping::new(size).map_err(|error| failed("memory", error))?);
    vm.add(guest, &mapping)?;
    Ok(mapping)
}

fn load(vcpu: &Vcpu, fit: &Fit, level: Level) -> Result<(), Problem> {
    let second: &[SysReg] = if level == Level::El1 { &[] } else { &EL2_REGISTERS };
    for &register in EL1_REGISTERS.iter().chain(second) {
        let value = fit.case.pe.regs.get(register);
        if !vcpu.set(register, value) && value != 0 {
            return Err(Problem::Unfit(format!("the VM has no {}", register.name())));
        }
    }
    for (_, id) in VBAR.iter().filter(|(el, _)| *el == level.el()) {
        vcpu.set_id(*id, fit.pc)?;
    }
    Ok(())
}

/// PAR_EL1 without what the architecture leaves open: its top byte where it tells a fault, and bits 10:9.
pub const fn plain(par: u64) -> u64 {
    if par & 1 == 1 { par & 0xffff_ffff_ffff } else { par & !0x600 }
}

/// PAR_EL1 after a run that ended as it should.
pub fn par(vcpu: &Vcpu, exit: &Exit) -> Result<u64, Problem> {
    if *exit != Exit::Brk(guest::END) {
        return Err(Problem::Failed(format!("the guest ended otherwise: {exit:?}")));
    }
    vcpu.core(Core::X(0))
}

/// What happens, with the time since the beginning.
pub struct Log {
    start: Instant,
    events: Mutex<Vec<(u64, String)>>,
}

impl Log {
    pub fn new() -> Self {
        Self { start: Instant::now(), events: Mutex::default() }
    }

    pub fn say(&self, what: impl Into<String>) {
        let time = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        if let Ok(mut events) = self.events.lock() {
            events.push((time, what.into()));
        }
    }

    pub fn told(self, story: &'static str, level: Level, as_expected: bool) -> Told {
        Told { story, level, events: self.events.into_inner().unwrap_or_default(), as_expected }
    }
}
