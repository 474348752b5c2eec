//! The control registers that parameters are derived from, read once.

use super::tcr::LOWER;
use super::{TG0_4K, TG1_4K, decode_tg0, decode_tg1, tcr};
use crate::bits::Pattern;
use crate::feature::Feature;
use crate::layout::sysreg::{SysReg, hcr_el2, tcr_el1, vtcr_el2};
use crate::pe::Pe;
use crate::regime::{Granule, Regime, SecurityState, VaRange};

/// The control registers of a translation, as far as they are in effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Controls<'a> {
    pub(super) pe: &'a Pe,
    /// Implemented physical address size, in bits.
    pub(super) pa_max: u32,
    pub(super) regime: Regime,
    pub(super) security: SecurityState,
    pub(super) range: VaRange,
    /// Stage 2 belongs to the regime: EL1&0 with EL2 enabled.
    pub(super) nested: bool,
    /// HCR_EL2, which stage 1 heeds where it is nested.
    pub(super) hcr: u64,
    /// SCTLR_ELx.
    pub(super) sctlr: u64,
    /// TCR_ELx's fields for the half, in the [places](tcr::LOWER) of TCR_EL1's for TTBR0.
    pub(super) tcr: u64,
    /// Stage 1's granule.
    pub(super) granule: Granule,
    /// TCR2_ELx, 0 where it is not in effect.
    pub(super) tcr2: u64,
    /// VTCR_EL2.
    pub(super) vtcr: u64,
    /// The granule of stage 2 that VTCR_EL2 selects.
    pub(super) s2_granule: Granule,
}

impl<'a> Controls<'a> {
    /// Those of `regime` for `va`.
    #[must_use]
    #[inline(always)]
    pub fn new(pe: &'a Pe, regime: Regime, security: SecurityState, va: u64) -> Self {
        let registers = registers(regime);
        let range = VaRange::of(regime, va);
        let hcr = pe.hcr();
        let tcr = tcr::read(regime, range, hcr, pe.regs.get(registers.tcr));
        let vtcr = pe.regs.get(SysReg::VtcrEl2);
        Self {
            pe,
            pa_max: pe.pa_max(),
            regime,
            security,
            range,
            nested: regime == Regime::El10 && pe.el2_enabled(),
            hcr,
            sctlr: pe.regs.get(registers.sctlr),
            tcr,
            granule: match range {
                VaRange::Lower => decode_tg0(pe, LOWER.tg.get(tcr)),
                VaRange::Upper => decode_tg1(pe, LOWER.tg.get(tcr)),
            },
            tcr2: pe.effective_tcr2(regime),
            vtcr,
            s2_granule: decode_tg0(pe, vtcr_el2::TG0.get(vtcr)),
        }
    }

    /// Whether they are the commonest: those of a Non-secure EL1&0 with 4K granules, without anything that gives tables
    /// another shape, descriptors another format, or stage 1 to another level.
    #[must_use]
    #[inline(always)]
    pub const fn are_usual(&self) -> bool {
        matches!((self.regime, self.security), (Regime::El10, SecurityState::NonSecure))
            && self.pe.has(Feature::Tgran4k)
            && LOWER.tg.get(self.tcr) == if matches!(self.range, VaRange::Lower) { TG0_4K } else { TG1_4K }
            && USUAL_TCR.matches(self.tcr)
            && self.tcr2 == 0
            && USUAL_HCR.matches(self.hcr)
            && USUAL_VTCR.matches(self.vtcr)
    }

    /// The same controls, with what makes them usual said in constants, for the compiler to see.
    #[must_use]
    #[inline(always)]
    pub const fn usual(&self) -> Self {
        Self {
            regime: Regime::El10,
            security: SecurityState::NonSecure,
            granule: Granule::K4,
            s2_granule: Granule::K4,
            tcr: USUAL_TCR.applied(self.tcr),
            tcr2: 0,
            hcr: USUAL_HCR.applied(self.hcr),
            vtcr: USUAL_VTCR.applied(self.vtcr),
            ..*self
        }
    }

    /// The processing element.
    #[inline(always)]
    pub const fn pe(&self) -> &'a Pe {
        self.pe
    }
}

const USUAL_TCR: Pattern = Pattern { mask: tcr_el1::DS.mask(), value: 0 };
const USUAL_HCR: Pattern = Pattern {
    mask: hcr_el2::DC.mask() | hcr_el2::TGE.mask() | hcr_el2::NV.mask() | hcr_el2::NV1.mask() | hcr_el2::DCT.mask(),
    value: 0,
};
const USUAL_VTCR: Pattern = Pattern {
    mask: vtcr_el2::TG0.mask()
        | vtcr_el2::DS.mask()
        | vtcr_el2::D128.mask()
        | vtcr_el2::S2PIE.mask()
        | vtcr_el2::S2POE.mask()
        | vtcr_el2::AssuredOnly.mask()
        | vtcr_el2::TL0.mask()
        | vtcr_el2::TL1.mask()
        | vtcr_el2::GCSH.mask()
        | vtcr_el2::HAFT.mask(),
    value: vtcr_el2::TG0.set(0, TG0_4K),
};

impl VaRange {
    /// The half `va` is in (`AArch64.GetVARange`): bit 55 decides, where a regime has two halves.
    #[must_use]
    pub const fn of(regime: Regime, va: u64) -> Self {
        if regime.has_unprivileged() && crate::bits::bit(va, 55) { Self::Upper } else { Self::Lower }
    }
}

/// The registers of a regime.
pub(super) struct Registers {
    tcr: SysReg,
    sctlr: SysReg,
    pub mair: SysReg,
    pub mair2: SysReg,
    pub ttbr: [SysReg; 2],
    pub pir: SysReg,
    pub pire0: Option<SysReg>,
    pub por: SysReg,
}

/// SCTLR_EL1 shares its M, C, I, WXN, EE and EPAN bits with the others.
#[inline(always)]
pub(super) const fn registers(regime: Regime) -> Registers {
    use SysReg as R;
    match regime {
        Regime::El10 => Registers {
            tcr: R::TcrEl1,
            sctlr: R::SctlrEl1,
            mair: R::MairEl1,
            mair2: R::Mair2El1,
            ttbr: [R::Ttbr0El1, R::Ttbr1El1],
            pir: R::PirEl1,
            pire0: Some(R::Pire0El1),
            por: R::PorEl1,
        },
        Regime::El20 | Regime::El2 => Registers {
            tcr: R::TcrEl2,
            sctlr: R::SctlrEl2,
            mair: R::MairEl2,
            mair2: R::Mair2El2,
            ttbr: [R::Ttbr0El2, R::Ttbr1El2],
            pir: R::PirEl2,
            pire0: if regime.has_unprivileged() { Some(R::Pire0El2) } else { None },
            por: R::PorEl2,
        },
        Regime::El3 => Registers {
            tcr: R::TcrEl3,
            sctlr: R::SctlrEl3,
            mair: R::MairEl3,
            mair2: R::Mair2El3,
            ttbr: [R::Ttbr0El3, R::Ttbr0El3],
            pir: R::PirEl3,
            pire0: None,
            por: R::PorEl3,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_controls_usual_is_what_is_said_of_them() {
        const HALF: u64 = 1 << 55;
        let (mut usual, mut other) = (0, 0);
        for register in [SysReg::TcrEl1, SysReg::Tcr2El1, SysReg::HcrEl2, SysReg::VtcrEl2, SysReg::ScrEl3] {
            for bit in 0..64 {
                for (va, tg1) in [(0, 0), (HALF, 0b10), (HALF, 0b01)] {
                    let mut pe = Pe::default();
                    pe.regs.set(SysReg::ScrEl3, 1 | 1 << 43);
                    pe.regs.set(SysReg::TcrEl1, tcr_el1::TG1.set(0, tg1).into());
                    pe.regs.set(register, pe.regs.get128(register) ^ 1 << bit);
                    let controls = Controls::new(&pe, Regime::El10, pe.security_state(1), va);
                    if controls.are_usual() {
                        assert_eq!(controls.usual(), controls, "bit {bit} of {}", register.name());
                        usual += 1;
                    } else {
                        other += 1;
                    }
                }
            }
        }
        assert!(usual > 500 && other > 300, "{usual} and {other}");
    }
}
