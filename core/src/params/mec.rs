//! Memory encryption contexts of one stage (`FEAT_MEC`).

use crate::addr::PaSpace;
use crate::feature::Feature;
use crate::layout::sysreg::{SysReg, mecid_p0_el2, sctlr2_el2, sctlr2_el3, tcr2_el2};
use crate::pe::Pe;
use crate::regime::{Regime, VaRange};

/// The contexts that a stage gives to Realm memory. All are 0 while contexts are disabled (`EMEC`).
///
/// As in the pseudocode, neither `SCR_EL3.MECEn` nor an implemented MECID width below 16 bits has a say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MecParams {
    primary: u16,
    alternate: u16,
    off: u16,
    alternate_faults: bool,
}

impl MecParams {
    /// Stage 1's (`AArch64.S1OutputMECID`, `AArch64.S1DisabledOutputMECID`, `AArch64.S1AMECFault`).
    pub(super) fn stage1(pe: &Pe, regime: Regime, range: VaRange) -> Self {
        let mecid = |register| mecid(pe, register);
        if !enabled(pe, regime) {
            return Self::default();
        }
        let (primary, alternate, off, allowed) = match (regime, range) {
            // No leaf of these regimes has an AMEC bit.
            (Regime::El10, _) => (SysReg::VmecidPEl2, SysReg::VmecidPEl2, Some(SysReg::VmecidPEl2), None),
            (Regime::El3, _) => (SysReg::MecidRlAEl3, SysReg::MecidRlAEl3, None, None),
            (Regime::El20, VaRange::Upper) => {
                (SysReg::MecidP1El2, SysReg::MecidA1El2, Some(SysReg::MecidP0El2), Some(tcr2_el2::AMEC1))
            }
            (Regime::El20 | Regime::El2, _) => {
                (SysReg::MecidP0El2, SysReg::MecidA0El2, Some(SysReg::MecidP0El2), Some(tcr2_el2::AMEC0))
            }
        };
        Self {
            primary: mecid(primary),
            alternate: mecid(alternate),
            off: off.map_or(0, mecid),
            alternate_faults: allowed.is_some_and(|allowed| !allowed.is_set(pe.effective_tcr2(regime))),
        }
    }

    /// Stage 2's (`AArch64.S2OutputMECID`). A stage 2 that is off leaves stage 1's.
    pub(super) fn stage2(pe: &Pe) -> Self {
        if !enabled(pe, Regime::El10) {
            return Self::default();
        }
        let (primary, alternate) = (mecid(pe, SysReg::VmecidPEl2), mecid(pe, SysReg::VmecidAEl2));
        Self { primary, alternate, off: 0, alternate_faults: false }
    }

    /// The context of a leaf's output in `space`, by its AMEC bit.
    #[must_use]
    #[inline(always)]
    pub const fn of_leaf(&self, space: PaSpace, amec: bool) -> u16 {
        match (space, amec) {
            (PaSpace::Realm, false) => self.primary,
            (PaSpace::Realm, true) => self.alternate,
            _ => 0,
        }
    }

    /// The context of stage 1's output in `space` while stage 1 is off.
    #[must_use]
    pub const fn of_disabled(&self, space: PaSpace) -> u16 {
        if matches!(space, PaSpace::Realm) { self.off } else { 0 }
    }

    /// The context in which stage 1's descriptors in `space` are read, where stage 2 is off (`AArch64.TTWalkMECID`, for
    /// the EL1&0 regime: another has no stage 2 to tell).
    #[must_use]
    pub const fn of_walk(&self, space: PaSpace) -> u16 {
        self.of_leaf(space, false)
    }

    /// Whether a leaf may not have this AMEC bit.
    #[must_use]
    #[inline(always)]
    pub const fn denies(&self, space: PaSpace, amec: bool) -> bool {
        matches!(space, PaSpace::Realm) && amec && self.alternate_faults
    }
}

/// `EMEC`, as it counts in a regime.
const fn enabled(pe: &Pe, regime: Regime) -> bool {
    pe.has(Feature::Mec)
        && match regime {
            Regime::El3 => sctlr2_el3::EMEC.is_set(pe.regs.get(SysReg::Sctlr2El3)),
            _ => sctlr2_el2::EMEC.is_set(pe.effective_sctlr2_el2()),
        }
}

/// The MECID that a register holds; they all hold it in the same place.
const fn mecid(pe: &Pe, register: SysReg) -> u16 {
    mecid_p0_el2::MECID.get(pe.regs.get(register)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::sysreg::scr_el3;

    const MECIDS: [SysReg; 7] = [
        SysReg::MecidP0El2,
        SysReg::MecidA0El2,
        SysReg::MecidP1El2,
        SysReg::MecidA1El2,
        SysReg::VmecidPEl2,
        SysReg::VmecidAEl2,
        SysReg::MecidRlAEl3,
    ];

    /// Realm state with every context enabled; the registers hold 1 to 7, in order.
    fn realm() -> Pe {
        let mut pe = Pe::default();
        let world = scr_el3::NS.mask() | scr_el3::NSE.mask();
        pe.regs.set(SysReg::ScrEl3, (world | scr_el3::SCTLR2En.mask() | scr_el3::TCR2En.mask()).into());
        pe.regs.set(SysReg::Sctlr2El2, sctlr2_el2::EMEC.mask().into());
        pe.regs.set(SysReg::Sctlr2El3, sctlr2_el3::EMEC.mask().into());
        pe.regs.set(SysReg::Tcr2El2, (tcr2_el2::AMEC0.mask() | tcr2_el2::AMEC1.mask()).into());
        for (register, mecid) in MECIDS.into_iter().zip(1..) {
            pe.regs.set(register, mecid);
        }
        pe
    }

    /// The contexts of a leaf whose AMEC is 0, of one whose AMEC is 1, and with stage 1 off.
    fn contexts(mec: MecParams) -> [u16; 3] {
        let realm = PaSpace::Realm;
        [mec.of_leaf(realm, false), mec.of_leaf(realm, true), mec.of_disabled(realm)]
    }

    #[test]
    fn regime_range_and_amec_choose_the_register() {
        let pe = realm();
        let stage1 = |regime, range| contexts(MecParams::stage1(&pe, regime, range));
        assert_eq!(stage1(Regime::El2, VaRange::Lower), [1, 2, 1]);
        assert_eq!(stage1(Regime::El20, VaRange::Lower), [1, 2, 1]);
        assert_eq!(stage1(Regime::El20, VaRange::Upper), [3, 4, 1]);
        assert_eq!(stage1(Regime::El10, VaRange::Upper), [5, 5, 5]);
        assert_eq!(stage1(Regime::El3, VaRange::Lower), [7, 7, 0]);
        assert_eq!(contexts(MecParams::stage2(&pe)), [5, 6, 0]);
    }

    #[test]
    fn only_realm_memory_has_a_context() {
        let mec = MecParams::stage1(&realm(), Regime::El2, VaRange::Lower);
        for space in [PaSpace::Secure, PaSpace::NonSecure, PaSpace::Root] {
            assert_eq!((mec.of_leaf(space, true), mec.of_disabled(space)), (0, 0));
        }
    }

    #[test]
    fn contexts_must_be_enabled() {
        let mut pe = realm();
        let scr = pe.regs.get128(SysReg::ScrEl3);
        pe.regs.set(SysReg::ScrEl3, scr_el3::SCTLR2En.set128(scr, 0));
        let stage1 = |pe: &Pe, regime| MecParams::stage1(pe, regime, VaRange::Lower);
        let off = MecParams::default();
        assert_eq!((stage1(&pe, Regime::El2), stage1(&pe, Regime::El10), MecParams::stage2(&pe)), (off, off, off));
        assert_ne!(stage1(&pe, Regime::El3), off);
        pe.features = pe.features.without(Feature::Mec);
        assert_eq!(stage1(&pe, Regime::El3), off);
    }

    #[test]
    fn each_range_allows_its_alternate_context() {
        let mut pe = realm();
        pe.regs.set(SysReg::Tcr2El2, tcr2_el2::AMEC0.mask().into());
        let denies = |regime, range, amec| MecParams::stage1(&pe, regime, range).denies(PaSpace::Realm, amec);
        assert!(!denies(Regime::El20, VaRange::Lower, true) && !denies(Regime::El2, VaRange::Lower, true));
        assert!(denies(Regime::El20, VaRange::Upper, true) && !denies(Regime::El20, VaRange::Upper, false));
        assert!(!denies(Regime::El10, VaRange::Upper, true) && !denies(Regime::El3, VaRange::Lower, true));
        assert!(!MecParams::stage1(&pe, Regime::El20, VaRange::Upper).denies(PaSpace::NonSecure, true));
    }
}
