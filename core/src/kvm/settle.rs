//! Given cases, which may lead a machine anywhere: that its answer depends on the case alone.

use super::fit::{Fit, Limits, walk};
use super::rows::variants;
use crate::at;
use crate::bits::align_down;
use crate::layout::sysreg::{SysReg, hcr_el2, vtcr_el2};
use crate::outcome::FaultRecord;
use crate::regime::Regime;
use crate::scenario::Case;
use alloc::format;
use alloc::string::String;

/// Whether Linux's walk of stage 2 gives answers that depend on the case alone.
fn can_be_walked(case: &Case) -> Result<(), String> {
    let hcr = case.pe.regs.get(SysReg::HcrEl2);
    if at::scope(&case.pe, case.op).0 != Regime::El10 || !(hcr_el2::VM.is_set(hcr) || hcr_el2::DC.is_set(hcr)) {
        return Ok(());
    }
    let vtcr = case.pe.regs.get(SysReg::VtcrEl2);
    let size = 64 - vtcr_el2::T0SZ.get(vtcr) as i64;
    let start = vtcr_el2::SL0.get(vtcr) as i64;
    let (granule, level, least) = match vtcr_el2::TG0.get(vtcr) {
        0b00 => (12, 2 - start, if start == 2 { 43 } else { 0 }),
        0b10 => (14, 3 - start, if start == 2 { 41 } else { 0 }),
        _ => (16, 3 - start, if start == 2 { 43 } else { 0 }),
    };
    let first = size - ((3 - level) * (granule - 3) + granule);
    let deepest = if granule == 12 { 0 } else { 1 };
    if !(25..=48).contains(&size) || level < deepest || size < least || !(1..=granule + 1).contains(&first) {
        return Err("Linux's walk refuses its VTCR_EL2, and executes the instruction again, for ever".into());
    }
    within_stage2(case, walk(case).1.fault)
}

/// Whether stage 2 is asked about its own range alone.
fn within_stage2(case: &Case, fault: Option<FaultRecord>) -> Result<(), String> {
    let size = 64 - vtcr_el2::T0SZ.get(case.pe.regs.get(SysReg::VtcrEl2));
    let fault = fault.filter(|fault| fault.second_stage);
    if fault.is_some_and(|fault| fault.ipa.address >> size != 0) {
        return Err("what Linux answers beyond stage 2's range is an accident (row 17)".into());
    }
    Ok(())
}

/// Makes sure of a given case, when the VM's registers are known, that the machine's answer depends on it alone: there
/// is memory where the machine's walk goes by one of the known differences, words of 0, as the model sees it.
///
/// # Errors
/// Why it cannot be so.
pub(super) fn settle(fit: &mut Fit, limits: &Limits) -> Result<(), String> {
    if limits.walker.linux {
        can_be_walked(&fit.case)?;
    }
    for (row, case) in variants(&fit.case, limits.walker) {
        let (reads, answer) = walk(&case);
        if limits.walker.linux {
            within_stage2(&case, answer.fault)?;
        }
        let aborts = |page: u64| case.memory.abort().is_some_and(|(low, high)| low <= page | 0xfff && high >= page);
        for address in reads {
            let page = align_down(address, 12);
            if fit.pages.contains(&page) || aborts(page) {
                continue;
            }
            // beyond 48 bits QEMU's and KVM's idea of an address part, and the guest does not come back
            if page >= 1 << limits.ipa_bits.min(48) {
                return Err(format!("the machine's walk leads to where no memory can be: {page:#x} (row {row})"));
            }
            fit.pages.insert(page);
        }
    }
    Ok(())
}
