//! What the raw control bits come to: the only place, with `params`, where they are read. Inlined where a whole AT
//! instruction asks, which is most of what it costs beside the walk.

use crate::feature::Feature;
use crate::layout::Field;
use crate::layout::sysreg::{SysReg, hcr_el2, hcrx_el2, scr_el3, tcr_el3, tcr2_el1, tcr2_el2, vtcr_el2};
use crate::pe::Pe;
use crate::regime::{Regime, SecurityState};

impl Pe {
    /// Whether the feature is implemented.
    #[must_use]
    #[inline(always)]
    pub const fn has(&self, feature: Feature) -> bool {
        self.features.has(feature)
    }

    /// Implemented physical address size in bits (`AArch64.PAMax`), kept to what the architecture knows: 32 to 56.
    #[must_use]
    #[inline(always)]
    pub const fn pa_max(&self) -> u32 {
        let bits = if self.pa_bits < 32 { 32 } else { self.pa_bits as u32 };
        if bits > 56 { 56 } else { bits }
    }

    /// The raw value of HCR_EL2, 0 where EL2 is not implemented.
    #[must_use]
    #[inline(always)]
    pub const fn hcr(&self) -> u64 {
        if self.has(Feature::El2) { self.regs.get(SysReg::HcrEl2) } else { 0 }
    }

    #[inline(always)]
    pub(crate) const fn scr(&self) -> u64 {
        self.regs.get(SysReg::ScrEl3)
    }

    /// `HaveSecureState`.
    #[must_use]
    #[inline(always)]
    pub const fn has_secure_state(&self) -> bool {
        self.has(Feature::El3) && (!self.has(Feature::Rme) || self.has(Feature::Sel2))
    }

    /// `IsSecureEL2Enabled`.
    #[must_use]
    #[inline(always)]
    pub const fn secure_el2_enabled(&self) -> bool {
        self.has(Feature::El2) && self.has(Feature::Sel2) && self.has(Feature::El3) && scr_el3::EEL2.is_set(self.scr())
    }

    /// `EL2Enabled`: whether EL2 exists in the current Security state.
    #[must_use]
    #[inline(always)]
    pub const fn el2_enabled(&self) -> bool {
        self.has(Feature::El2)
            && (!self.has(Feature::El3) || scr_el3::NS.is_set(self.scr()) || self.secure_el2_enabled())
    }

    /// `EffectiveSCR_EL3_NS`.
    #[must_use]
    #[inline(always)]
    pub const fn effective_ns(&self) -> bool {
        !self.has(Feature::El3) || !self.has_secure_state() || scr_el3::NS.is_set(self.scr())
    }

    /// `SecurityStateAtEL`. {NSE, NS} = {1, 0} is reserved, and so is Secure state where `FEAT_RME` comes without
    /// `FEAT_SEL2`: both read as Non-secure here.
    #[must_use]
    #[inline(always)]
    pub const fn security_state(&self, el: u8) -> SecurityState {
        if el == 3 {
            return if self.has(Feature::Rme) { SecurityState::Root } else { SecurityState::Secure };
        }
        let nse = self.has(Feature::Rme) && scr_el3::NSE.is_set(self.scr());
        match (nse, self.effective_ns()) {
            (false, false) => SecurityState::Secure,
            (true, true) => SecurityState::Realm,
            _ => SecurityState::NonSecure,
        }
    }

    /// {NSE, NS} = {1, 0}: reserved.
    #[must_use]
    pub const fn reserved_world(&self) -> bool {
        self.has(Feature::Rme) && scr_el3::NSE.is_set(self.scr()) && !self.effective_ns()
    }

    /// `ELIsInHost(EL2)`: EL2 uses the EL2&0 regime.
    #[must_use]
    #[inline(always)]
    pub const fn el2_is_host(&self) -> bool {
        self.has(Feature::Vhe) && self.el2_enabled() && hcr_el2::E2H.is_set(self.hcr())
    }

    /// `ELIsInHost(EL0)`: EL0 uses the EL2&0 regime.
    #[must_use]
    #[inline(always)]
    pub const fn el0_is_host(&self) -> bool {
        self.el2_is_host() && hcr_el2::TGE.is_set(self.hcr())
    }

    /// `TranslationRegime`.
    #[must_use]
    #[inline(always)]
    pub const fn translation_regime(&self, el: u8) -> Regime {
        match el {
            0 if self.el0_is_host() => Regime::El20,
            0 | 1 => Regime::El10,
            2 if self.el2_is_host() => Regime::El20,
            2 => Regime::El2,
            _ => Regime::El3,
        }
    }

    /// `IsHCRXEL2Enabled`.
    #[must_use]
    #[inline(always)]
    pub const fn hcrx_enabled(&self) -> bool {
        self.has(Feature::Hcx) && (!self.has(Feature::El3) || scr_el3::HXEn.is_set(self.scr())) && self.el2_enabled()
    }

    /// `IsTCR2EL1Enabled`.
    #[must_use]
    #[inline(always)]
    pub const fn tcr2_el1_enabled(&self) -> bool {
        let hcrx = self.regs.get(SysReg::HcrxEl2);
        self.has(Feature::Tcr2)
            && (!self.has(Feature::El3) || scr_el3::TCR2En.is_set(self.scr()))
            && (!self.el2_enabled() || (self.hcrx_enabled() && hcrx_el2::TCR2En.is_set(hcrx)))
    }

    /// `IsTCR2EL2Enabled`.
    #[must_use]
    pub const fn tcr2_el2_enabled(&self) -> bool {
        self.has(Feature::Tcr2) && (!self.has(Feature::El3) || scr_el3::TCR2En.is_set(self.scr())) && self.el2_enabled()
    }

    /// SCTLR2_EL2 as it counts (`IsSCTLR2EL2Enabled`): 0 where it is not implemented or not enabled.
    #[must_use]
    pub const fn effective_sctlr2_el2(&self) -> u64 {
        let granted = !self.has(Feature::El3) || scr_el3::SCTLR2En.is_set(self.scr());
        if self.has(Feature::Sctlr2) && granted && self.el2_enabled() { self.regs.get(SysReg::Sctlr2El2) } else { 0 }
    }

    /// TCR2_ELx as it counts in a regime: 0 where it is not implemented or not enabled. For EL3, TCR_EL3's bits of the
    /// same meaning, moved to TCR2's places.
    #[must_use]
    #[inline(always)]
    pub const fn effective_tcr2(&self, regime: Regime) -> u64 {
        match regime {
            Regime::El10 if self.tcr2_el1_enabled() => self.regs.get(SysReg::Tcr2El1),
            Regime::El20 | Regime::El2 if self.tcr2_el2_enabled() => self.regs.get(SysReg::Tcr2El2),
            Regime::El3 => {
                let tcr = self.regs.get(SysReg::TcrEl3);
                let mut tcr2 = tcr2_el1::PIE.set(0, tcr_el3::PIE.get(tcr));
                tcr2 = tcr2_el1::POE.set(tcr2, tcr_el3::POE.get(tcr));
                tcr2 = tcr2_el1::AIE.set(tcr2, tcr_el3::AIE.get(tcr));
                tcr2 = tcr2_el1::D128.set(tcr2, tcr_el3::D128.get(tcr));
                tcr2 = tcr2_el1::DisCH0.set(tcr2, tcr_el3::DisCH0.get(tcr));
                tcr2 = tcr2_el1::PnCH.set(tcr2, tcr_el3::PnCH.get(tcr));
                tcr2_el1::HAFT.set(tcr2, tcr_el3::HAFT.get(tcr))
            }
            _ => 0,
        }
    }

    /// `AArch64.isPARFormatD128`. The bits are read raw: the format can be 128 bits wide while walks are not.
    #[must_use]
    #[inline(always)]
    pub const fn par_format_d128(&self, regime: Regime, stage1_only: bool) -> bool {
        let told = match regime {
            Regime::El2 => false,
            Regime::El3 => tcr_el3::D128.is_set(self.regs.get(SysReg::TcrEl3)),
            Regime::El20 => tcr2_el2::D128.is_set(self.regs.get(SysReg::Tcr2El2)),
            Regime::El10 => {
                if stage1_only || !self.stage2_on() {
                    tcr2_el1::D128.is_set(self.regs.get(SysReg::Tcr2El1))
                } else {
                    vtcr_el2::D128.is_set(self.regs.get(SysReg::VtcrEl2))
                }
            }
        };
        told && self.has(Feature::D128)
    }

    /// Stage 2 is on: EL2 is enabled, with HCR_EL2.VM or HCR_EL2.DC.
    #[inline(always)]
    pub(crate) const fn stage2_on(&self) -> bool {
        let hcr = self.hcr();
        (hcr_el2::VM.is_set(hcr) || hcr_el2::DC.is_set(hcr)) && self.el2_enabled()
    }

    /// Whether a bit of HFGITR_EL2 traps EL1 to EL2 (`FEAT_FGT`).
    #[must_use]
    pub const fn fine_grained_trap(&self, bit: Field) -> bool {
        let enabled = self.has(Feature::Fgt) && (!self.has(Feature::El3) || scr_el3::FGTEn.is_set(self.scr()));
        self.el2_enabled() && enabled && bit.is_set(self.regs.get(SysReg::HfgitrEl2))
    }

    /// `AArch64.IsUnprivAccessPriv`: whether LDTR, STTR and GCSSTTR act as LDR, STR and GCSSTR.
    #[must_use]
    pub const fn unprivileged_access_is_privileged(&self) -> bool {
        let hcr = self.hcr();
        match self.el {
            0 => false,
            _ if self.uao => true,
            1 => {
                let nested = self.el2_enabled() && self.has(Feature::Nv);
                nested && hcr_el2::NV.is_set(hcr) && hcr_el2::NV1.is_set(hcr)
            }
            2 => !(self.has(Feature::Vhe) && hcr_el2::E2H.is_set(hcr) && hcr_el2::TGE.is_set(hcr)),
            _ => true,
        }
    }
}

/// Bits of TCR2_EL1 that TCR2_EL2 holds in the same place, so that one table serves both.
const _: () = assert!(tcr2_el1::PIE.mask() == tcr2_el2::PIE.mask() && tcr2_el1::D128.mask() == tcr2_el2::D128.mask());
