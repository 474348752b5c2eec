//! Makes a case one that a VM can ask. The guest's code must be mapped by the very registers that the case is about,
//! and it must not change the answer: it goes to the half of the address space that the case does not ask about, or
//! where there is but one, below an entry of the first table that is free.

use super::guest::PAGE;
use super::{Level, Walker};
use crate::access::{Op, OpKind};
use crate::at::{self, Answer, Outcome};
use crate::bits::{align_down, bit, bits, mask};
use crate::choice::Choices;
use crate::env::{Env, Fetch};
use crate::feature::{Feature, Features};
use crate::layout::sysreg::{SysReg, hcr_el2, sctlr_el1, tcr_el1, tcr_el2};
use crate::memory::Reply;
use crate::pe::Pe;
use crate::regime::{Granule, Regime, SecurityState};
use crate::scenario::Case;
use crate::scenario::build::Tables;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::convert::Infallible;

/// What a VM is, as far as translation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// As what its code runs.
    pub level: Level,
    /// What it implements.
    pub features: Features,
    /// The size of its physical addresses as its ID registers say it, in bits.
    pub pa_bits: u8,
    /// The size of the addresses that KVM translates for it, in bits.
    pub ipa_bits: u8,
    /// How its hardware chooses where the architecture lets it.
    pub choices: Choices,
    /// Who walks for it.
    pub walker: Walker,
}

/// A case that a VM can ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fit {
    /// The question, on the VM as it is: with its features, and with the tables of the guest's code.
    pub case: Case,
    /// The physical address of the page with the guest's code.
    pub code: u64,
    /// The virtual address of that page.
    pub pc: u64,
    /// Whether the guest's data, [`DATA`] beyond its code, is mapped too: then one run asks about many addresses.
    pub data: bool,
    /// The pages of 4 KB that must be memory.
    pub pages: BTreeSet<u64>,
    /// Whether it is a case of somebody's, which may lead a machine anywhere: see `settle`.
    pub given: bool,
}

/// Where the guest's code, its data and its tables may be: areas of [`AREA`] bytes.
const PLACES: [u64; 4] = [0x2000_0000, 0x3000_0000, 0x6000_0000, 0x1_0000_0000];
/// The size of such an area.
pub const AREA: u64 = 0x8_0000;
/// The data, behind the code; the largest granule has 64 KB.
pub const DATA: u64 = 0x1_0000;
/// The size of the data.
pub const DATA_SIZE: u64 = 0x1_0000;
/// The tables, behind the data.
const TABLES: u64 = 0x2_0000;

/// The registers that a VM at EL1 takes from a case.
pub const EL1_REGISTERS: [SysReg; 10] = [
    SysReg::SctlrEl1,
    SysReg::TcrEl1,
    SysReg::Tcr2El1,
    SysReg::Ttbr0El1,
    SysReg::Ttbr1El1,
    SysReg::MairEl1,
    SysReg::PirEl1,
    SysReg::Pire0El1,
    SysReg::PorEl0,
    SysReg::PorEl1,
];

/// Those that it takes at virtual EL2 as well.
pub const EL2_REGISTERS: [SysReg; 14] = [
    SysReg::HcrEl2,
    SysReg::HcrxEl2,
    SysReg::SctlrEl2,
    SysReg::TcrEl2,
    SysReg::Tcr2El2,
    SysReg::Ttbr0El2,
    SysReg::Ttbr1El2,
    SysReg::MairEl2,
    SysReg::PirEl2,
    SysReg::Pire0El2,
    SysReg::PorEl2,
    SysReg::VtcrEl2,
    SysReg::VttbrEl2,
    SysReg::S2pirEl2,
];

/// What the guest's code needs to know of a regime.
struct Control {
    sctlr: SysReg,
    tcr: SysReg,
    ttbr: [SysReg; 2],
    mair: SysReg,
    tcr2: Option<SysReg>,
    pir: SysReg,
    por: SysReg,
}

impl Control {
    const fn of(pe: &Pe, regime: Regime) -> Self {
        match regime {
            Regime::El10 => Self {
                sctlr: SysReg::SctlrEl1,
                tcr: SysReg::TcrEl1,
                ttbr: [SysReg::Ttbr0El1, SysReg::Ttbr1El1],
                mair: SysReg::MairEl1,
                tcr2: if pe.tcr2_el1_enabled() { Some(SysReg::Tcr2El1) } else { None },
                pir: SysReg::PirEl1,
                por: SysReg::PorEl1,
            },
            _ => Self {
                sctlr: SysReg::SctlrEl2,
                tcr: SysReg::TcrEl2,
                ttbr: [SysReg::Ttbr0El2, SysReg::Ttbr1El2],
                mair: SysReg::MairEl2,
                tcr2: if pe.tcr2_el2_enabled() { Some(SysReg::Tcr2El2) } else { None },
                pir: SysReg::PirEl2,
                por: SysReg::PorEl2,
            },
        }
    }
}

/// The case as a VM can ask it.
///
/// # Errors
/// Why no VM can: the reason, and after a colon what of this case.
pub fn fit(case: &Case, limits: &Limits) -> Result<Fit, String> {
    let case = adapt(case, limits)?;
    let fit = complete(place_code(case)?, limits)?;
    Ok(Fit { given: true, ..fit })
}

/// The same question on the VM's own processor.
fn adapt(case: &Case, limits: &Limits) -> Result<Case, String> {
    let OpKind::At(_) = case.op.kind() else {
        return Err(format!("it is no AT instruction: {}", case.op.name()));
    };
    let pe = &case.pe;
    if pe.el != limits.level.el() {
        return Err(format!("it executes elsewhere: at EL{}, and the VM at {}", pe.el, limits.level.title()));
    }
    if pe.security_state(pe.el) != SecurityState::NonSecure {
        return Err("VMs are Non-secure".into());
    }
    let hcr = if pe.features.has(Feature::El2) { pe.regs.get(SysReg::HcrEl2) } else { 0 };
    let mut adapted = case.clone();
    match limits.level {
        Level::El1 => {
            let decide = [hcr_el2::VM, hcr_el2::DC, hcr_el2::TGE, hcr_el2::AT, hcr_el2::NV, hcr_el2::NV1, hcr_el2::NV2];
            let traps = pe.features.has(Feature::El2) && pe.regs.get(SysReg::HfgitrEl2) != 0;
            if traps || decide.iter().any(|field| field.is_set(hcr)) {
                return Err(
                    "EL2 has a say in it, and a VM's EL2 is KVM's: stage 2, traps, nested virtualization".into()
                );
            }
            if !pe.tcr2_el1_enabled() {
                adapted.pe.regs.set(SysReg::Tcr2El1, 0);
            }
        }
        Level::Vel2 | Level::Vel2Nvhe if hcr_el2::E2H.is_set(hcr) != (limits.level == Level::Vel2) => {
            return Err(format!("HCR_EL2.E2H is not that of {}", limits.level.title()));
        }
        Level::Vel2 | Level::Vel2Nvhe if !limits.features.has(Feature::Nv) => {
            let nested = [hcr_el2::NV, hcr_el2::NV1, hcr_el2::NV2];
            let hcr = nested.into_iter().fold(hcr, |hcr, field| field.set(hcr, 0));
            adapted.pe.regs.set(SysReg::HcrEl2, hcr.into());
        }
        Level::Vel2 | Level::Vel2Nvhe => {}
    }
    let loaded = |register: &SysReg| {
        EL1_REGISTERS.contains(register) || limits.level.el() == 2 && EL2_REGISTERS.contains(register)
    };
    for register in SysReg::ALL.iter().copied().filter(|register| !loaded(register)) {
        adapted.pe.regs.set(register, 0);
    }
    (adapted.pe.features, adapted.pe.pa_bits) = (limits.features, limits.pa_bits);
    adapted.pe.choices = limits.choices;
    Ok(adapted)
}

/// A case whose guest code has its place.
pub(super) struct Placed {
    pub case: Case,
    pub code: u64,
    pub pc: u64,
    pub data: bool,
}

/// Maps the guest's code where the case leaves room.
pub(super) fn place_code(mut case: Case) -> Result<Placed, String> {
    let area = |base: &u64| *base..*base + AREA;
    let used = |base: &u64| case.memory.words().any(|(address, _)| area(base).contains(&address));
    let code = PLACES.into_iter().find(|base| !used(base)).ok_or("its memory leaves no room for the guest's code")?;
    let running = case.pe.translation_regime(case.pe.el);
    let (asked, _) = at::scope(&case.pe, case.op);
    let control = Control::of(&case.pe, running);
    let sctlr = case.pe.regs.get(control.sctlr);
    if asked != running {
        // What the code runs in is not what is asked about: it needs no tables.
        case.pe.regs.set(control.sctlr, sctlr_el1::M.set(sctlr, 0).into());
    }
    if asked != running || !sctlr_el1::M.is_set(sctlr) {
        return Ok(Placed { case, code, pc: code, data: true });
    }
    let leaves = [leaf(&case.pe, running, &control, false)?, leaf(&case.pe, running, &control, true).unwrap_or(0)];
    let data = leaves[1] != 0;
    let pc = if running == Regime::El2 {
        below_a_free_entry(&mut case, code, leaves)?
    } else {
        in_the_other_half(&mut case, &control, code, leaves)?
    };
    Ok(Placed { case, code, pc, data })
}

/// Maps the code, and the data where it can be.
fn map(tables: &mut Tables, granule: Granule, pc: u64, code: u64, [leaf, data]: [u64; 2]) {
    tables.map(pc, code, 3, leaf);
    if data != 0 {
        tables.map_pages(pc + DATA, code + DATA, DATA_SIZE >> granule.bits(), data);
    }
}

/// Attributes of a page that this regime executes, or that it reads and writes, whatever else its registers say.
fn leaf(pe: &Pe, regime: Regime, control: &Control, data: bool) -> Result<u64, String> {
    const AF: u64 = 1 << 10;
    const INNER_SHAREABLE: u64 = 0b11 << 8;
    const READ_ONLY: u64 = 0b10 << 6;
    const ONE: u64 = 1 << 6;
    const UXN: u64 = 1 << 54;
    const PXN: u64 = 1 << 53;
    let mair = pe.regs.get(control.mair).to_le_bytes();
    let kind = |wanted: fn(&u8) -> bool| mair.iter().position(wanted);
    let index = kind(|&byte| byte == 0xff).or_else(|| kind(|&byte| byte >> 4 != 0 && byte & 15 != 0)).unwrap_or(0);
    let common = AF | (index as u64) << 2 | if asks_for_long(pe, regime) { 0 } else { INNER_SHAREABLE };
    let tcr2 = control.tcr2.map_or(0, |register| pe.regs.get(register));
    let nibble = |register: SysReg, wanted: &[u64]| {
        let value = pe.regs.get(register);
        wanted.iter().find_map(|&code| (0..16).find(|&i| bits(value, 4 * i + 3, 4 * i) == code))
    };
    let overlay = if bit(tcr2, 3) && pe.has(Feature::S1poe) {
        let index = nibble(control.por, if data { &[7, 5] } else { &[7, 3, 2, 6] }).filter(|&index| index < 8);
        u64::from(index.ok_or("no overlay lets its code execute")?) << 60
    } else {
        0
    };
    if bit(tcr2, 1) && pe.has(Feature::S1pie) {
        let index = nibble(control.pir, if data { &[12, 5, 14, 7, 6] } else { &[10, 3, 2, 14, 7] });
        let index = index.ok_or("no permission of PIR lets its code execute")?;
        let index = u64::from(index);
        let spread = (index & 1) << 6 | (index >> 1 & 1) << 51 | (index >> 2 & 1) << 53 | (index >> 3) << 54;
        return Ok(common | overlay | spread);
    }
    let direct = match (regime, data) {
        (Regime::El2, false) => READ_ONLY | ONE,
        (Regime::El2, true) => ONE | UXN,
        (_, false) => READ_ONLY | UXN,
        (_, true) => UXN | PXN,
    };
    Ok(common | overlay | direct)
}

/// Whether SH has left the descriptor for address bits.
fn long(pe: &Pe, regime: Regime) -> bool {
    pe.has(Feature::Lpa2) && asks_for_long(pe, regime)
}

/// Whether it has if the processor can do that: it may where the VM's own features say otherwise.
fn asks_for_long(pe: &Pe, regime: Regime) -> bool {
    match regime {
        Regime::El10 => tcr_el1::DS.is_set(pe.regs.get(SysReg::TcrEl1)),
        Regime::El20 => tcr_el1::DS.is_set(pe.regs.get(SysReg::TcrEl2)),
        _ => tcr_el2::DS.is_set(pe.regs.get(SysReg::TcrEl2)),
    }
}

fn big_endian(pe: &Pe, control: &Control) -> bool {
    sctlr_el1::EE.is_set(pe.regs.get(control.sctlr))
}

/// In the half that is not asked about: the code's own tables of three levels.
fn in_the_other_half(case: &mut Case, control: &Control, code: u64, leaves: [u64; 2]) -> Result<u64, String> {
    const SIZE: u32 = 39;
    if !case.pe.has(Feature::Tgran4k) {
        return Err("its code is mapped with the 4K granule, which the VM lacks".into());
    }
    let upper = !bit(case.va, 55);
    let pc = if upper { mask(63, SIZE) | 0x4000_0000 } else { 0x4000_0000 };
    let tcr = case.pe.regs.get(control.tcr);
    let sets = if upper {
        [
            (tcr_el1::T1SZ, 64 - u64::from(SIZE)),
            (tcr_el1::TG1, 0b10),
            (tcr_el1::EPD1, 0),
            (tcr_el1::SH1, 0b11),
            (tcr_el1::ORGN1, 1),
            (tcr_el1::IRGN1, 1),
        ]
    } else {
        [
            (tcr_el1::T0SZ, 64 - u64::from(SIZE)),
            (tcr_el1::TG0, 0b00),
            (tcr_el1::EPD0, 0),
            (tcr_el1::SH0, 0b11),
            (tcr_el1::ORGN0, 1),
            (tcr_el1::IRGN0, 1),
        ]
    };
    let tcr = sets.into_iter().fold(tcr, |tcr, (field, value)| field.set(tcr, value));
    case.pe.regs.set(control.tcr, tcr.into());
    case.pe.regs.set(control.ttbr[usize::from(upper)], (code + TABLES).into());
    let mut tables = Tables::new(Granule::K4, SIZE, code + TABLES);
    map(&mut tables, Granule::K4, pc, code, leaves);
    store(case, control, &tables, |address| address);
    Ok(pc)
}

fn store(case: &mut Case, control: &Control, tables: &Tables, place: impl Fn(u64) -> u64) {
    let mut words = crate::memory::Memory::new();
    tables.store(&mut words, place);
    let swap = big_endian(&case.pe, control);
    for (address, word) in words.words() {
        case.memory.write(address, if swap { word.swap_bytes() } else { word });
    }
}

/// Below an entry of the first table that is free and that the question does not read.
fn below_a_free_entry(case: &mut Case, code: u64, leaves: [u64; 2]) -> Result<u64, String> {
    let control = Control::of(&case.pe, Regime::El2);
    let tcr = case.pe.regs.get(SysReg::TcrEl2);
    let granule = match tcr_el2::TG0.get(tcr) {
        0b00 => Granule::K4,
        0b01 => Granule::K64,
        0b10 => Granule::K16,
        _ => return Err("its granule is reserved".into()),
    };
    let size = 64 - tcr_el2::T0SZ.get(tcr) as u32;
    let high_base = asks_for_long(&case.pe, Regime::El2) && bits(case.pe.regs.get(SysReg::Ttbr0El2), 5, 2) != 0;
    if long(&case.pe, Regime::El2) || high_base || !(25..=48).contains(&size) {
        return Err("its address range has no room for the guest's code".into());
    }
    let first_read = |case: &Case, op: Op, va: u64| {
        let asked = Case { op, va, memory: crate::memory::Memory::new(), ..case.clone() };
        reads(&asked).first().copied()
    };
    let own = first_read(case, case.op, case.va);
    for slot in 0..16 {
        let pc = slot << (size - 4);
        let Some(entry) = first_read(case, Op::Fetch, pc) else { continue };
        if Some(entry) == own || case.memory.word(entry) != 0 {
            continue;
        }
        let fresh = code + TABLES;
        let mut tables = Tables::new(granule, size, fresh);
        map(&mut tables, granule, pc, code, leaves);
        let root = fresh..fresh + (1 << granule.bits());
        if tables.tables().len() < 2 {
            return Err("its first table has no room for the guest's code".into());
        }
        store(case, &control, &tables, |address| if root.contains(&address) { entry } else { address });
        return Ok(pc);
    }
    Err("its first table has no room for the guest's code".into())
}

/// The pages that it takes; and makes sure that the code can execute.
pub(super) fn complete(placed: Placed, limits: &Limits) -> Result<Fit, String> {
    let Placed { case, code, pc, data } = placed;
    let fetch = Case { op: Op::Fetch, va: pc, ..case.clone() };
    let fetched = fetch.run();
    let output = fetched.answer.output.map(|output| output.address.address);
    if fetched.answer.result != Outcome::Performed || output != Some(code) {
        let why = fetched.answer.fault.map_or_else(|| "it is elsewhere".to_string(), |fault| fault.to_string());
        return Err(format!("the guest's code cannot execute: {why}"));
    }
    let aborts = |page: u64| case.memory.abort().is_some_and(|(low, high)| low <= page | 0xfff && high >= page);
    let words = case.memory.words().map(|(address, _)| address);
    let touched: Vec<u64> = words.chain(reads(&case)).map(|address| align_down(address, 12)).collect();
    let pages: BTreeSet<u64> = touched.iter().copied().filter(|&page| !aborts(page)).chain([code]).collect();
    let limit = 1 << limits.ipa_bits.min(52);
    if let Some(beyond) = touched.iter().find(|&&page| page >= limit) {
        return Err(format!("its tables are beyond a VM's memory, which ends at {limit:#x}: {beyond:#x}"));
    }
    if case.memory.abort().is_some_and(|(low, high)| low & (PAGE - 1) != 0 || high.wrapping_add(1) & (PAGE - 1) != 0) {
        return Err("what aborts is not whole pages".into());
    }
    Ok(Fit { case, code, pc, data, pages, given: false })
}

/// The physical addresses that a case's walk reads, in order.
pub(super) fn reads(case: &Case) -> Vec<u64> {
    walk(case).0
}

/// The same, and the answer.
pub(super) fn walk(case: &Case) -> (Vec<u64>, Answer) {
    struct Reads<'a>(&'a Case, Vec<u64>);
    impl Env for Reads<'_> {
        type Stop = Infallible;

        fn read(&mut self, fetch: Fetch) -> Result<Reply, Infallible> {
            self.1.push(fetch.address.address);
            Ok(self.0.memory.read(fetch.address.address, fetch.wide))
        }

        fn compare_and_swap(&mut self, fetch: Fetch, _: u128, _: u128) -> Result<Reply, Infallible> {
            self.read(fetch)
        }
    }
    let mut world = Reads(case, Vec::new());
    let Ok(answer) = at::execute(&case.pe, case.op, case.va, &mut world);
    (world.1, answer)
}
