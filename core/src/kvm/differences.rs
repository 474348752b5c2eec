//! The known differences themselves, each with its row.

use super::combine;
use super::rows::Row;
use crate::at::{Outcome, Par};
use crate::bits::{align_down, bits, mask};
use crate::choice::Choice;
use crate::feature::Feature;
use crate::layout::sysreg::{SysReg, hcr_el2, par_el1_success, sctlr_el1, tcr_el1, tcr_el2, vtcr_el2};
use crate::outcome::FaultCode;
use crate::regime::{Granule, Regime, Stage};
use crate::scenario::{Case, Run};
use crate::step::{Event, Purpose};
use alloc::vec::Vec;

/// A known difference.
pub(super) struct Difference {
    pub row: Row,
    /// Whose it is.
    pub who: Who,
    /// The case that the machine seems to answer.
    pub case: fn(&mut Case),
    /// The answer that the machine gives where the model gives this.
    pub run: fn(&Case, &mut Run),
    pub changes_case: bool,
}

const fn as_if(row: Row, who: Who, case: fn(&mut Case)) -> Difference {
    Difference { row, who, case, run: |_, _| {}, changes_case: true }
}

const fn instead(row: Row, who: Who, run: fn(&Case, &mut Run)) -> Difference {
    Difference { row, who, case: |_| {}, run, changes_case: false }
}

/// Whose a difference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Qemu,
    Linux,
    Both,
}

const QEMU: Who = Who::Qemu;
const LINUX: Who = Who::Linux;
const BOTH: Who = Who::Both;

/// All of them. Where several apply, their changes are made in this order.
pub(super) static DIFFERENCES: [Difference; 32] = [
    as_if(4, QEMU, |case| recode(case, 9, 0)),
    as_if(4, LINUX, |case| recode(case, 9, 8)),
    as_if(7, BOTH, without_dirty_state),
    as_if(11, QEMU, with_caches),
    as_if(12, QEMU, |case| set(case, SysReg::HcrEl2, |hcr| hcr_el2::TGE.set(hcr, 0))),
    as_if(13, LINUX, |case| set(case, SysReg::HcrEl2, |hcr| hcr_el2::PTW.set(hcr, 0))),
    as_if(14, QEMU, with_low_outputs),
    as_if(17, LINUX, with_address_in_range),
    as_if(2, BOTH, with_sizes_that_fault),
    as_if(21, BOTH, with_nothing_for_reserved_codes),
    as_if(22, LINUX, |case| case.pe.choices = case.pe.choices.with(Choice::AfUpdateOnPermissionFault, 1)),
    as_if(23, LINUX, with_hidden_features),
    as_if(24, BOTH, with_large_blocks),
    as_if(26, LINUX, with_less_of_tcr_el2),
    as_if(28, BOTH, |case| case.pe.choices = case.pe.choices.with(Choice::BlockNtFaults, 0)),
    as_if(18, BOTH, |case| change_leaf(case, 1 << 7, is_indirect)),
    as_if(20, QEMU, |case| change_leaf(case, 1 << 52, |_| true)),
    instead(1, LINUX, |case, run| refuse(case, run, 0)),
    instead(2, LINUX, at_start_level),
    instead(3, QEMU, reserved_shareability_as_it_stands),
    as_if(3, LINUX, |case| case.pe.choices = case.pe.choices.with(Choice::ReservedSh, 2)),
    instead(5, LINUX, silent_abort),
    instead(6, LINUX, stage1_level),
    instead(8, QEMU, |_, run| run.writes.clear()),
    instead(9, LINUX, without_bit_11),
    instead(11, LINUX, |case, run| without_xs(run, !caches(case))),
    instead(15, LINUX, |case, run| without_xs(run, caches(case))),
    instead(25, LINUX, transient_write_back),
    instead(15, LINUX, shareability_of_0x40),
    instead(29, BOTH, reserved_attribute_as_it_stands),
    instead(27, LINUX, forced_write_back),
    instead(30, LINUX, combine::halves),
];

fn set(case: &mut Case, register: SysReg, change: impl Fn(u64) -> u64) {
    let value = change(case.pe.regs.get(register));
    case.pe.regs.set(register, value.into());
}

pub(super) fn regime(case: &Case) -> Regime {
    crate::at::scope(&case.pe, case.op).0
}

/// SCTLR, TCR, TCR2, PIR and PIRE0 of the stage 1 that is asked about.
pub(super) fn registers(case: &Case) -> [SysReg; 5] {
    if regime(case) == Regime::El10 {
        [SysReg::SctlrEl1, SysReg::TcrEl1, SysReg::Tcr2El1, SysReg::PirEl1, SysReg::Pire0El1]
    } else {
        [SysReg::SctlrEl2, SysReg::TcrEl2, SysReg::Tcr2El2, SysReg::PirEl2, SysReg::Pire0El2]
    }
}

/// Indirect permissions: one code for another.
fn recode(case: &mut Case, code: u64, other: u64) {
    if !is_indirect(case) {
        return;
    }
    let [.., pir, pire0] = registers(case);
    for register in [pir, pire0] {
        recode_register(case, register, code, other);
    }
}

fn recode_register(case: &mut Case, register: SysReg, code: u64, other: u64) {
    set(case, register, |value| {
        (0..16).fold(0, |all, i| {
            let nibble = bits(value, 4 * i + 3, 4 * i);
            all | (if nibble == code { other } else { nibble }) << (4 * i)
        })
    });
}

fn without_dirty_state(case: &mut Case) {
    let field = if regime(case) == Regime::El2 { tcr_el2::HD } else { tcr_el1::HD };
    let [_, tcr, ..] = registers(case);
    set(case, tcr, |value| field.set(value, 0));
}

fn with_caches(case: &mut Case) {
    let [sctlr, ..] = registers(case);
    set(case, sctlr, |value| sctlr_el1::C.set(value, 1));
}

fn caches(case: &Case) -> bool {
    let [sctlr, ..] = registers(case);
    sctlr_el1::C.is_set(case.pe.regs.get(sctlr))
}

/// Address bits from 48 up, of every descriptor of stage 1, where the size of outputs is less than 52 bits.
fn with_low_outputs(case: &mut Case) {
    let regime = regime(case);
    let [_, tcr, ..] = registers(case);
    let tcr = case.pe.regs.get(tcr);
    let (size, ds) = if regime == Regime::El2 { (tcr_el2::PS, tcr_el2::DS) } else { (tcr_el1::IPS, tcr_el1::DS) };
    if size.get(tcr) >= 6 {
        return;
    }
    let starts = case.trace().steps;
    let granule = starts.iter().find_map(|step| match (step.place.stage, step.event) {
        (Some(Stage::S1), Event::Start { granule, .. }) => Some(granule),
        _ => None,
    });
    let high = match granule {
        Some(Granule::K64) => mask(15, 12),
        Some(_) if ds.is_set(tcr) => mask(49, 48) | mask(9, 8),
        _ => return,
    };
    // each descriptor that is corrected may lead to another
    for _ in 0..4 {
        for address in stage1_reads(case) {
            clear(case, address, high);
        }
    }
}

/// A TxSZ beyond its limits faults.
fn with_sizes_that_fault(case: &mut Case) {
    let choices = case.pe.choices.with(Choice::TxszAboveMaxFaults, 1);
    case.pe.choices = choices.with(Choice::TxszBelowMinFaults, 1);
}

/// PAN looks at what EL0 may do, and not at its code.
fn with_nothing_for_reserved_codes(case: &mut Case) {
    if !is_indirect(case) {
        return;
    }
    for code in [4, 11, 13, 15] {
        let [.., pire0] = registers(case);
        recode_register(case, pire0, code, 0);
    }
}

/// What the processor has and the kernel hides from a guest hypervisor, whose registers it uses all the same.
pub(super) fn with_hidden_features(case: &mut Case) {
    if case.pe.el == 2 {
        let hidden = [Feature::Lva, Feature::Lpa, Feature::Lpa2, Feature::Ttst];
        case.pe.features = hidden.into_iter().fold(case.pe.features, |features, hidden| features.with(hidden));
        case.pe.pa_bits = 52;
    }
}

/// Only the address in the descriptor is checked, and not the output, which in a block may be larger.
fn with_large_blocks(case: &mut Case) {
    let [sctlr, tcr, ..] = registers(case);
    let field = if regime(case) == Regime::El2 { tcr_el2::PS } else { tcr_el1::IPS };
    let size = [32, 36, 40, 42, 44, 48, 52, 56][field.get(case.pe.regs.get(tcr)) as usize];
    let fault = case.run().answer.fault;
    let Some(&leaf) = stage1_reads(case).last() else { return };
    if fault.is_none_or(|fault| fault.second_stage || fault.code != FaultCode::AddressSize) {
        return;
    }
    let word = case.memory.word(leaf);
    let word = if sctlr_el1::EE.is_set(case.pe.regs.get(sctlr)) { word.swap_bytes() } else { word };
    if word & mask(47, size) == 0 {
        let most = if case.pe.pa_bits >= 52 { 6 } else { 5 };
        set(case, tcr, |value| field.set(value, most));
    }
}

/// Where E2H = 0, Linux makes a TCR_EL1 of TCR_EL2 for the processor, and leaves things out.
fn with_less_of_tcr_el2(case: &mut Case) {
    if regime(case) == Regime::El2 {
        set(case, SysReg::TcrEl2, |tcr| {
            [tcr_el2::HPD, tcr_el2::HA, tcr_el2::HD].into_iter().fold(tcr, |tcr, field| field.set(tcr, 0))
        });
    }
}

/// Transient Write-Back memory that stage 2 makes Write-Through.
fn transient_write_back(case: &Case, run: &mut Run) {
    if !crate::at::scope(&case.pe, case.op).1 {
        return;
    }
    let Some(par) = success(run) else { return };
    let value = par.value as u64;
    let attr = par_el1_success::ATTR.get(value);
    if attr >> 4 == 0 {
        return;
    }
    let still = |nibble: u64| if (1..4).contains(&nibble) { nibble | 4 } else { nibble };
    par.value = par_el1_success::ATTR.set(value, still(attr >> 4) << 4 | still(attr & 15)).into();
}

/// FWB with MemAttr 0b110: Write-Back, but with the allocation hints of stage 1.
fn forced_write_back(case: &Case, run: &mut Run) {
    let word = run.steps.iter().rev().find_map(|step| match (step.place.stage, step.event) {
        (Some(Stage::S2), Event::Read { value, .. }) => Some(value as u64),
        _ => None,
    });
    let forces =
        hcr_el2::FWB.is_set(case.pe.regs.get(SysReg::HcrEl2)) && word.is_some_and(|word| bits(word, 4, 2) == 6);
    let both = crate::at::scope(&case.pe, case.op).1;
    if let Some(par) = success(run).filter(|_| forces && both) {
        par.value = par_el1_success::ATTR.set(par.value as u64, 0xff).into();
    }
}

/// Linux knows of no memory whose XS is 0.
fn without_xs(run: &mut Run, applies: bool) {
    let Some(par) = success(run).filter(|_| applies) else { return };
    let value = par.value as u64;
    let other = match par_el1_success::ATTR.get(value) {
        0x40 => 0x44,
        0xa0 => 0xaa,
        device if device >> 4 == 0 => device & !1,
        _ => return,
    };
    par.value = par_el1_success::ATTR.set(value, other).into();
}

/// What stage 2 does not look at: of the address where stage 1 is off, else of the output in the last descriptor.
fn with_address_in_range(case: &mut Case) {
    let [sctlr, ..] = registers(case);
    let hcr = case.pe.regs.get(SysReg::HcrEl2);
    let off = !sctlr_el1::M.is_set(case.pe.regs.get(sctlr)) || hcr_el2::DC.is_set(hcr) || hcr_el2::TGE.is_set(hcr);
    let size = 64 - vtcr_el2::T0SZ.get(case.pe.regs.get(SysReg::VtcrEl2)) as u32;
    if regime(case) == Regime::El10 && !hcr_el2::VM.is_set(hcr) && !hcr_el2::DC.is_set(hcr) {
        return;
    }
    if off && regime(case) == Regime::El10 {
        case.va &= mask(size - 1, 0);
    } else if regime(case) == Regime::El10
        && let Some(&address) = stage1_reads(case).last()
    {
        clear(case, address, mask(47, size));
    }
}

fn is_indirect(case: &Case) -> bool {
    let [_, _, tcr2, ..] = registers(case);
    let enabled = if regime(case) == Regime::El10 { case.pe.tcr2_el1_enabled() } else { case.pe.tcr2_el2_enabled() };
    enabled && case.pe.has(Feature::S1pie) && case.pe.regs.get(tcr2) & 2 != 0
}

/// Where the descriptors of stage 1 are that the walk reads, in order.
fn stage1_reads(case: &Case) -> Vec<u64> {
    let steps = case.trace().steps;
    let reads = steps.iter().filter(|step| step.place.stage == Some(Stage::S1));
    let reads = reads.filter_map(|step| match step.event {
        Event::Read { physical, .. } => Some(align_down(physical.address, 3)),
        _ => None,
    });
    reads.collect()
}

/// Clears bits of a descriptor of stage 1.
fn clear(case: &mut Case, address: u64, bits: u64) {
    let [sctlr, ..] = registers(case);
    let bits = if sctlr_el1::EE.is_set(case.pe.regs.get(sctlr)) { bits.swap_bytes() } else { bits };
    case.memory.write(address, case.memory.word(address) & !bits);
}

/// Clears bits of the last descriptor of stage 1.
fn change_leaf(case: &mut Case, bits: u64, when: fn(&Case) -> bool) {
    if let Some(&address) = stage1_reads(case).last().filter(|_| when(case)) {
        clear(case, address, bits);
    }
}

/// The level is 0 because nothing was walked: a fault of stage 1, before any read.
fn is_refused(run: &Run) -> bool {
    let early = run.reads == 0 && matches!(run.answer.result, Outcome::Par(_));
    early && run.answer.fault.is_some_and(|fault| !fault.second_stage && fault.code == FaultCode::Translation)
}

fn fail(run: &mut Run, status: u64) {
    const FAULT: u64 = 1 << 11 | 1;
    run.answer.result = Outcome::Par(Par { value: (FAULT | status << 1).into(), unknown: mask(63, 48).into() });
}

/// A tag in an address whose top byte counts.
fn refuse(case: &Case, run: &mut Run, status: u64) {
    let extended = ((case.va << 8) as i64 >> 8) as u64;
    if is_refused(run) && (extended != case.va || regime(case) == Regime::El2) {
        fail(run, status);
    }
}

/// Linux counts the levels before it looks whether it may walk.
fn at_start_level(case: &Case, run: &mut Run) {
    if !is_refused(run) {
        return;
    }
    let [_, tcr, ..] = registers(case);
    let tcr = case.pe.regs.get(tcr);
    let upper = regime(case) != Regime::El2 && bits(case.va, 55, 55) == 1;
    let (txsz, granule) = if upper {
        (tcr_el1::T1SZ.get(tcr), [16, 14, 12, 16][tcr_el1::TG1.get(tcr) as usize])
    } else {
        (tcr_el1::T0SZ.get(tcr), [12, 16, 14, 16][tcr_el1::TG0.get(tcr) as usize])
    };
    let size = 64 - txsz;
    // An address range of less than a page makes it count beyond what an int holds.
    let levels = size.wrapping_sub(1 + granule) / (granule - 3);
    let level = 3_i32.wrapping_sub(levels as i32);
    let base: i32 = if level < 0 { 0b10_1100 } else { 0b00_0100 };
    fail(run, (base.wrapping_add(level) & 0x3f) as u64);
}

pub(super) fn success(run: &mut Run) -> Option<&mut Par> {
    match &mut run.answer.result {
        Outcome::Par(par) if par.value & 1 == 0 => Some(par),
        _ => None,
    }
}

/// SH = 0b01 where the model has chosen for it.
fn reserved_shareability_as_it_stands(case: &Case, run: &mut Run) {
    let choose = |value| {
        let mut chosen = case.clone();
        chosen.pe.choices = chosen.pe.choices.with(Choice::ReservedSh, value);
        chosen.run().answer.result
    };
    if choose(0) != choose(1)
        && let Some(par) = success(run)
    {
        par.value = u128::from(par_el1_success::SH.set(par.value as u64, 0b01));
    }
}

/// The last descriptor of stage 1, as it is read.
pub(super) fn stage1_leaf(case: &Case, run: &Run) -> Option<u64> {
    let [sctlr, ..] = registers(case);
    let swap = sctlr_el1::EE.is_set(case.pe.regs.get(sctlr));
    run.steps.iter().rev().find_map(|step| match (step.place.stage, step.event) {
        (Some(Stage::S1), Event::Read { physical, .. }) => {
            let word = case.memory.word(physical.address);
            Some(if swap { word.swap_bytes() } else { word })
        }
        _ => None,
    })
}

/// SH of a descriptor, reserved as Non-shareable.
pub(super) fn told_shareability(leaf: u64) -> u64 {
    match bits(leaf, 9, 8) {
        0b01 => 0b00,
        sh => sh,
    }
}

/// Non-cacheable memory whose XS is 0 does not become Outer Shareable.
fn shareability_of_0x40(case: &Case, run: &mut Run) {
    let leaf = stage1_leaf(case, run);
    if let (Some(leaf), Some(par)) = (leaf, success(run))
        && par_el1_success::ATTR.get(par.value as u64) == 0x40
    {
        let sh = told_shareability(table_shareability(case).map_or(leaf, |sh| sh << 8));
        par.value = par_el1_success::SH.set(par.value as u64, sh).into();
    }
}

/// SH of TCR, where TCR has it and not the descriptor.
fn table_shareability(case: &Case) -> Option<u64> {
    let [_, tcr, ..] = registers(case);
    let tcr = case.pe.regs.get(tcr);
    let (ds, sh) = match regime(case) {
        Regime::El2 => (tcr_el2::DS, tcr_el2::SH0),
        _ if bits(case.va, 55, 55) == 1 => (tcr_el1::DS, tcr_el1::SH1),
        _ => (tcr_el1::DS, tcr_el1::SH0),
    };
    (case.pe.has(Feature::Lpa2) && ds.is_set(tcr)).then(|| sh.get(tcr))
}

/// An attribute of MAIR that is reserved.
fn reserved_attribute_as_it_stands(case: &Case, run: &mut Run) {
    let choose = |value| {
        let mut chosen = case.clone();
        chosen.pe.choices = chosen.pe.choices.with(Choice::ReservedMair, value);
        chosen.run().answer.result
    };
    let leaf = stage1_leaf(case, run);
    let mair = if regime(case) == Regime::El10 { SysReg::MairEl1 } else { SysReg::MairEl2 };
    let mair = case.pe.regs.get(mair);
    if let (Some(leaf), Some(par)) = (leaf, success(run))
        && choose(0) != choose(2)
    {
        let index = bits(leaf, 4, 2) as u32;
        let attr = bits(mair, 8 * index + 7, 8 * index);
        let value = par_el1_success::ATTR.set(par.value as u64, attr);
        let device = attr >> 4 == 0;
        let sh = if device { 0b10 } else { told_shareability(leaf) };
        par.value = par_el1_success::SH.set(value, sh).into();
    }
}

/// An External abort of the walk at this level.
fn aborted_at(run: &Run) -> Option<i8> {
    let fault = run.answer.fault?;
    (fault.code == FaultCode::SyncExternalOnWalk).then_some(fault.level)
}

fn silent_abort(_: &Case, run: &mut Run) {
    if let Some(level) = aborted_at(run) {
        fail(run, 0b01_0100 | level as u64 & 3);
    }
}

/// The level at which the walk of stage 1 was, in place of that of stage 2.
fn stage1_level(_: &Case, run: &mut Run) {
    let Some(fault) = run.answer.fault.filter(|fault| fault.s2fs1walk) else { return };
    let level = run.steps.iter().rev().find_map(|step| match step.place.purpose {
        Purpose::Descriptor(level) | Purpose::Update(level) => Some(level),
        Purpose::Output => None,
    });
    if let (Some(level), Outcome::Par(par)) = (level, &mut run.answer.result)
        && fault.level >= 0
    {
        // it is added to a Permission fault, and put into others; and -1 is all ones
        let permission = fault.code == FaultCode::Permission && level < 0;
        let status = if permission { 0b00_1011 } else { u128::from(level as u8 & 0x3f) };
        let old = if permission { par.value & !0x7e } else { par.value & !0b110 };
        par.value = old | status << 1;
    }
}

fn without_bit_11(case: &Case, run: &mut Run) {
    let both = crate::at::scope(&case.pe, case.op).1;
    if both && let Some(par) = success(run) {
        par.value &= !(1 << 11);
    }
}
