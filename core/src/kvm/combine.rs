//! How Linux combines the attributes of both stages where Arm leaves them open, or where XS is 0.

use super::differences::{regime, registers, stage1_leaf, success, told_shareability};
use crate::bits::bits;
use crate::layout::sysreg::{SysReg, hcr_el2, par_el1_success, sctlr_el1};
use crate::regime::{Regime, Stage};
use crate::scenario::{Case, Run};
use crate::step::Event;

const NON_CACHEABLE: u64 = 0b0100;
const WRITE_THROUGH: u64 = 0b1000;
const WRITE_BACK: u64 = 0b1100;
const OUTER_SHAREABLE: u64 = 0b10;
const INNER_SHAREABLE: u64 = 0b11;

/// An attribute of stage 1 that is reserved or whose XS is 0, or one of stage 2 that is reserved: Linux combines the
/// halves of the bytes, whatever they mean together.
pub(super) fn halves(case: &Case, run: &mut Run) {
    if !crate::at::scope(&case.pe, case.op).1 {
        return;
    }
    let hcr = case.pe.regs.get(SysReg::HcrEl2);
    let Some(second) = stage2_leaf(case, run) else { return };
    let memattr = bits(second, 5, 2);
    let forced = hcr_el2::FWB.is_set(hcr);
    let (first, first_sh) = stage1(case, run, hcr);
    let open = if forced { memattr & 0b111 == 0b100 || memattr == 0b1101 } else { memattr & 3 == 0 && memattr != 0 };
    let unusual = if first >> 4 == 0 { first & 3 != 0 } else { first & 15 == 0 };
    let Some(par) = success(run).filter(|_| open || unusual) else { return };
    let mut attr = if forced { force(first, memattr & 0b111) } else { combine(first, memattr) };
    if hcr_el2::CD.is_set(hcr) && attr >> 4 != 0 {
        attr = 0x44;
    }
    let second_sh = if attr >> 4 == 0 || attr == 0x44 { OUTER_SHAREABLE } else { told_shareability(second) };
    let either = |sh| first_sh == sh || second_sh == sh;
    let sh = [OUTER_SHAREABLE, INNER_SHAREABLE].into_iter().find(|&sh| either(sh)).unwrap_or(0);
    let value = par_el1_success::ATTR.set(par.value as u64, attr);
    par.value = par_el1_success::SH.set(value, sh).into();
}

/// The attribute and the shareability that Linux's stage 1 ends with.
fn stage1(case: &Case, run: &Run, hcr: u64) -> (u64, u64) {
    let [sctlr, ..] = registers(case);
    let sctlr = case.pe.regs.get(sctlr);
    let Some(leaf) = stage1_leaf(case, run) else {
        return if hcr_el2::DC.is_set(hcr) { (0xff, 0) } else { (0, OUTER_SHAREABLE) };
    };
    let mair = if regime(case) == Regime::El10 { SysReg::MairEl1 } else { SysReg::MairEl2 };
    let attr = case.pe.regs.get(mair) >> (8 * bits(leaf, 4, 2)) & 0xff;
    let attr = if attr >> 4 != 0 && !sctlr_el1::C.is_set(sctlr) { 0x44 } else { attr };
    let sh = if attr >> 4 == 0 || attr == 0x44 { OUTER_SHAREABLE } else { told_shareability(leaf) };
    (attr, sh)
}

/// With HCR_EL2.FWB.
fn force(first: u64, memattr: u64) -> u64 {
    match memattr {
        0b101 if first >> 4 != 0 => 0x44,
        0b110 => 0xff,
        0b000..=0b011 => first.min(memattr << 2),
        _ => first,
    }
}

fn combine(first: u64, memattr: u64) -> u64 {
    let second = match (memattr >> 2, memattr & 3) {
        (0, device) => device << 2,
        (1, 0) => 0xff,
        (_, 0) => 0x44,
        (outer, inner) => outer << 6 | inner << 2,
    };
    if first >> 4 == 0 || second >> 4 == 0 {
        return first.min(second);
    }
    half(first >> 4, second >> 4) << 4 | half(first & 15, second & 15)
}

/// One half of the byte. Of stage 1's, allocation hints and Transient stay, where they mean anything.
fn half(first: u64, second: u64) -> u64 {
    let hints = first & 3;
    let (kind, transient) = match first >> 2 {
        0 if hints != 0 => (WRITE_THROUGH, Some(0)),
        1 if hints != 0 => (WRITE_BACK, Some(NON_CACHEABLE)),
        1 => (NON_CACHEABLE, None),
        2 => (WRITE_THROUGH, None),
        // 0b0000 too, which no cacheable memory is
        _ => (WRITE_BACK, None),
    };
    let second = second & 0b1100;
    if kind == NON_CACHEABLE || second == NON_CACHEABLE {
        return NON_CACHEABLE;
    }
    hints
        | transient.unwrap_or(if kind == WRITE_THROUGH || second == WRITE_THROUGH { WRITE_THROUGH } else { WRITE_BACK })
}

/// The last descriptor of stage 2, as it is read.
fn stage2_leaf(case: &Case, run: &Run) -> Option<u64> {
    let swap = sctlr_el1::EE.is_set(case.pe.regs.get(SysReg::SctlrEl2));
    run.steps.iter().rev().find_map(|step| match (step.place.stage, step.event) {
        (Some(Stage::S2), Event::Read { physical, .. }) => {
            let word = case.memory.word(physical.address);
            Some(if swap { word.swap_bytes() } else { word })
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_combined_as_was_measured() {
        let write_back = 0b1111;
        assert_eq!(combine(0x40, write_back), 0x4c);
        assert_eq!(combine(0xf0, write_back), 0xfc);
        assert_eq!([combine(0xf4, 0b1100), combine(0xa4, 0b1000)], [0x44, 0x44]);
        assert_eq!(combine(0x01, 0b0001), 0x01);
        assert_eq!([force(0x61, 0b100), force(0x40, 0b110), force(0x40, 0b101)], [0x61, 0xff, 0x44]);
    }
}
