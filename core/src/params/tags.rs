//! To whom a TLB entry belongs: what tells translations of different address spaces and guests apart.

use crate::layout::sysreg::{SysReg, tcr_el1, ttbr0_el1, vtcr_el2, vttbr_el2};
use crate::pe::Pe;
use crate::regime::Regime;

/// The identifiers under which translations of a regime are cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tags {
    /// The ASID, in a regime that has two VA ranges. With 8-bit ASIDs the high byte is 0.
    pub asid: Option<u16>,
    /// The VMID, in the EL1&0 regime where EL2 is enabled. With 8-bit VMIDs the high byte is 0.
    pub vmid: Option<u16>,
}

impl Tags {
    /// What the registers say of a regime. Under `FEAT_ASID2` with TCR2_ELx.A2 each half has an ASID of its own: taken
    /// is the one that TCR_ELx.A1 selects, as without.
    #[must_use]
    pub fn new(pe: &Pe, regime: Regime) -> Self {
        let asid = |tcr, ttbr0, ttbr1| {
            let tcr = pe.regs.get(tcr);
            let base = pe.regs.get(if tcr_el1::A1.is_set(tcr) { ttbr1 } else { ttbr0 });
            narrowed(ttbr0_el1::ASID.get(base), tcr_el1::AS.is_set(tcr))
        };
        let asid = match regime {
            Regime::El10 => Some(asid(SysReg::TcrEl1, SysReg::Ttbr0El1, SysReg::Ttbr1El1)),
            Regime::El20 => Some(asid(SysReg::TcrEl2, SysReg::Ttbr0El2, SysReg::Ttbr1El2)),
            Regime::El2 | Regime::El3 => None,
        };
        let vmid = (regime == Regime::El10 && pe.el2_enabled()).then(|| {
            let wide = vtcr_el2::VS.is_set(pe.regs.get(SysReg::VtcrEl2));
            narrowed(vttbr_el2::VMID.get(pe.regs.get(SysReg::VttbrEl2)), wide)
        });
        Self { asid, vmid }
    }
}

const fn narrowed(identifier: u64, wide: bool) -> u16 {
    if wide { identifier as u16 } else { identifier as u16 & 0xff }
}
