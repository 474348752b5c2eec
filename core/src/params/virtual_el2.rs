//! A guest's hypervisor runs at a *virtual* EL2, which is EL1. What an AT instruction of its translates is found out by
//! loading EL1's registers with those that the instruction is about, and executing the real one.
//!
//! | trapped instruction | virtual HCR_EL2 | EL1's registers get | HCR_EL2.{NV, NV1} |
//! | --- | --- | --- | --- |
//! | AT S1E2x | E2H = 0 | virtual EL2's | 1, 1: tables in the format of EL2 |
//! | AT S1E2x | E2H = 1 | virtual EL2's | 0, 0 |
//! | AT S1E0x, S1E1x | {E2H, TGE} ≠ {1, 1} | virtual EL1's | its virtual NV, NV1 |
//! | AT S1E0x, S1E1x | {E2H, TGE} = {1, 1} | virtual EL2's | its virtual NV, NV1 |
//!
//! TGE is 0 for the instruction itself.

use crate::access::{Op, OpKind};
use crate::layout::sysreg::{SysReg, hcr_el2, tcr_el1, tcr_el2};
use crate::pe::Pe;

/// Registers of EL1, and those of EL2 that stand in for them.
const PAIRS: [(SysReg, SysReg); 8] = [
    (SysReg::SctlrEl1, SysReg::SctlrEl2),
    (SysReg::Ttbr0El1, SysReg::Ttbr0El2),
    (SysReg::Ttbr1El1, SysReg::Ttbr1El2),
    (SysReg::MairEl1, SysReg::MairEl2),
    (SysReg::Mair2El1, SysReg::Mair2El2),
    (SysReg::PirEl1, SysReg::PirEl2),
    (SysReg::Pire0El1, SysReg::Pire0El2),
    (SysReg::PorEl1, SysReg::PorEl2),
];

/// What a host executes at EL2 for an AT instruction trapped from a guest's hypervisor: the registers, and the
/// instruction. `host` has the host's own EL2 registers, stage 2 for the guest among them; `guest` those of the guest
/// as it sees itself.
///
/// `None` where one instruction does not do: AT S12Ex needs the guest's own stage 2 besides, and AT S1E3x has no EL3.
#[must_use]
pub fn load(host: &Pe, guest: &Pe, op: Op) -> Option<(Pe, Op)> {
    let OpKind::At(at) = op.kind() else { return None };
    let op = match op {
        Op::S1E2R => Op::S1E1R,
        Op::S1E2W => Op::S1E1W,
        Op::S1E2A => Op::S1E1A,
        _ if at.both_stages || at.el == 3 => return None,
        other => other,
    };
    let hcr = guest.regs.get(SysReg::HcrEl2);
    let [e2h, tge] = [hcr_el2::E2H, hcr_el2::TGE].map(|field| field.is_set(hcr));
    let about_el2 = at.el == 2 || e2h && tge;
    let nested = match (at.el, e2h) {
        (2, false) => [1, 1],
        (2, true) => [0, 0],
        _ => [hcr_el2::NV.get(hcr), hcr_el2::NV1.get(hcr)],
    };

    let mut pe = Pe { el: 2, ..guest.clone() };
    for register in SysReg::ALL.iter().copied().filter(|register| is_hosts(*register)) {
        pe.regs.set(register, host.regs.get128(register));
    }
    let own = host.regs.get(SysReg::HcrEl2);
    let own = hcr_el2::NV1.set(hcr_el2::NV.set(hcr_el2::TGE.set(own, 0), nested[0]), nested[1]);
    pe.regs.set(SysReg::HcrEl2, own.into());
    if about_el2 {
        for (el1, el2) in PAIRS {
            pe.regs.set(el1, guest.regs.get128(el2));
        }
        let tcr = guest.regs.get(SysReg::TcrEl2);
        pe.regs.set(SysReg::TcrEl1, if e2h { tcr } else { two_ranges(tcr) }.into());
        pe.regs.set(SysReg::Tcr2El1, guest.regs.get128(SysReg::Tcr2El2));
    }
    Some((pe, op))
}

/// Whether a register is the host's while the guest's are loaded: those of EL2 and EL3.
fn is_hosts(register: SysReg) -> bool {
    register.name().ends_with("_EL2") || register.name().ends_with("_EL3")
}

/// TCR_EL2, where EL2 has one range of addresses, as a TCR_EL1 whose upper range is off.
const fn two_ranges(tcr: u64) -> u64 {
    // T0SZ, IRGN0, ORGN0, SH0 and TG0 have the same places.
    let mut two = tcr & 0xff3f;
    two = tcr_el1::EPD1.set(two, 1);
    two = tcr_el1::IPS.set(two, tcr_el2::PS.get(tcr));
    two = tcr_el1::TBI0.set(two, tcr_el2::TBI.get(tcr));
    two = tcr_el1::HA.set(two, tcr_el2::HA.get(tcr));
    two = tcr_el1::HD.set(two, tcr_el2::HD.get(tcr));
    two = tcr_el1::HPD0.set(two, tcr_el2::HPD.get(tcr));
    two = tcr_el1::TBID0.set(two, tcr_el2::TBID.get(tcr));
    two = tcr_el1::TCMA0.set(two, tcr_el2::TCMA.get(tcr));
    two = tcr_el1::DS.set(two, tcr_el2::DS.get(tcr));
    tcr_el1::MTX0.set(two, tcr_el2::MTX.get(tcr))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(hcr: u128) -> Pe {
        let mut pe = Pe::default();
        for (register, value) in [
            (SysReg::HcrEl2, hcr),
            (SysReg::Ttbr0El1, 0x1000),
            (SysReg::Ttbr0El2, 0x2000),
            (SysReg::TcrEl1, 0x19),
            (SysReg::TcrEl2, 0x5_3518),
        ] {
            pe.regs.set(register, value);
        }
        pe
    }

    /// Which base register, which TCR_EL1, and {TGE, NV, NV1}.
    fn loaded(hcr: u128, op: Op) -> (u64, u64, [u64; 3]) {
        let mut host = Pe::default();
        host.regs.set(SysReg::HcrEl2, 1 | 1 << 27);
        let (pe, _) = load(&host, &guest(hcr), op).expect("an instruction that does");
        let own = pe.regs.get(SysReg::HcrEl2);
        assert!(hcr_el2::VM.is_set(own) && pe.el == 2);
        let bits = [hcr_el2::TGE, hcr_el2::NV, hcr_el2::NV1].map(|field| field.get(own));
        (pe.regs.get(SysReg::Ttbr0El1), pe.regs.get(SysReg::TcrEl1), bits)
    }

    #[test]
    fn the_instruction_and_virtual_hcr_decide_what_is_loaded() {
        const E2H: u128 = 1 << 34;
        const TGE: u128 = 1 << 27;
        const NESTED: u128 = 0b11 << 42;
        let converted = 0x5_0080_3518;
        assert_eq!(loaded(0, Op::S1E2R), (0x2000, converted, [0, 1, 1]));
        assert_eq!(loaded(E2H, Op::S1E2W), (0x2000, 0x5_3518, [0, 0, 0]));
        assert_eq!(loaded(0, Op::S1E1R), (0x1000, 0x19, [0, 0, 0]));
        assert_eq!(loaded(E2H | NESTED, Op::S1E0R), (0x1000, 0x19, [0, 1, 1]));
        assert_eq!(loaded(E2H | TGE, Op::S1E1R), (0x2000, 0x5_3518, [0, 0, 0]));
        assert_eq!(loaded(E2H | TGE | NESTED, Op::S1E1RP), (0x2000, 0x5_3518, [0, 1, 1]));
    }

    #[test]
    fn what_one_instruction_does_not_do_is_not_loaded() {
        for op in [Op::S12E1R, Op::S1E3R, Op::Ldr] {
            assert_eq!(load(&Pe::default(), &guest(0), op), None);
        }
        assert_eq!(load(&Pe::default(), &guest(0), Op::S1E2A).map(|(_, op)| op), Some(Op::S1E1A));
    }
}
