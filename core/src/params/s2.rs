//! Stage-2 parameters.

use super::{BaseFormat, Controls, Geometry, MecParams, Shape, decode_tg0, effective_ds, geometry};
use crate::addr::PaSpace;
use crate::feature::Feature;
use crate::layout::sysreg::{SysReg, hcr_el2, sctlr_el2, vstcr_el2, vtcr_el2, vttbr_el2_d128};
use crate::pe::Pe;
use crate::regime::{Granule, Regime, SecurityState};

/// Stage-2 translation parameters (`S2TTWParams`), with what else of the control registers stage 2 heeds: the registers
/// of one translation, read once, of which each parameter is asked when it is needed.
#[derive(Clone, Copy, Debug)]
pub struct S2Params<'a> {
    pe: &'a Pe,
    pa_max: u32,
    security: SecurityState,
    /// The IPA is Secure: VSTCR_EL2 and VSTTBR_EL2 are in charge.
    secure_ipa: bool,
    /// Stage 2 is on: HCR_EL2.VM or HCR_EL2.DC.
    pub enabled: bool,
    /// Translation granule.
    pub granule: Granule,
    /// 52-bit addresses with 4K or 16K granules.
    pub ds: bool,
    /// Descriptors have 128 bits.
    pub d128: bool,
    hcr: u64,
    vtcr: u64,
    /// VTCR_EL2, or for a Secure IPA VSTCR_EL2, which keeps TG0, T0SZ, SL0 and SL2 in the same places.
    tcr: u64,
}

/// Stage 2 of the EL1&0 regime. In Secure state a Secure and a Non-secure IPA have tables of their own.
#[derive(Clone, Copy, Debug)]
pub struct Stage2<'a> {
    own: S2Params<'a>,
    non_secure: Option<S2Params<'a>>,
}

impl<'a> Stage2<'a> {
    /// Stage 2 in a Security state (`AArch64.GetS2TTWParams`).
    #[must_use]
    #[inline(always)]
    pub fn of(controls: &Controls<'a>) -> Self {
        let space = controls.security.pa_space();
        let secure = space == PaSpace::Secure;
        let non_secure = if secure { Some(S2Params::of(controls, PaSpace::NonSecure)) } else { None };
        Self { own: S2Params::of(controls, space), non_secure }
    }

    /// The parameters for an IPA of the Security state's own address space.
    #[must_use]
    pub const fn own(&self) -> &S2Params<'a> {
        &self.own
    }

    /// In Secure state, those for a Non-secure IPA.
    #[must_use]
    pub const fn non_secure(&self) -> Option<&S2Params<'a>> {
        self.non_secure.as_ref()
    }

    /// Whether it translates at all.
    #[must_use]
    pub const fn enabled(&self) -> bool {
        self.own.enabled
    }

    /// Whether every IPA has the same parameters.
    #[must_use]
    pub const fn has_one_space(&self) -> bool {
        self.non_secure.is_none()
    }

    /// The parameters for an IPA in `space`.
    #[must_use]
    pub const fn params(&self, space: PaSpace) -> &S2Params<'a> {
        match (&self.non_secure, space) {
            (Some(params), PaSpace::NonSecure) => params,
            _ => &self.own,
        }
    }
}

impl<'a> S2Params<'a> {
    /// The parameters for an IPA in `ipa_space` (`AArch64.NSS2TTWParams`, `AArch64.SS2TTWParams`,
    /// `AArch64.RLS2TTWParams`).
    #[must_use]
    pub fn new(pe: &'a Pe, security: SecurityState, ipa_space: PaSpace) -> Self {
        Self::of(&Controls::new(pe, Regime::El10, security, 0), ipa_space)
    }

    /// The parameters that control registers come to.
    #[must_use]
    #[inline(always)]
    pub fn of(controls: &Controls<'a>, ipa_space: PaSpace) -> Self {
        let Controls { pe, pa_max, security, hcr, vtcr, .. } = *controls;
        let secure_ipa = ipa_space == PaSpace::Secure;
        let (tcr, granule) = if secure_ipa {
            let vstcr = pe.regs.get(SysReg::VstcrEl2);
            (vstcr, decode_tg0(pe, vtcr_el2::TG0.get(vstcr)))
        } else {
            (vtcr, controls.s2_granule)
        };
        let ds = effective_ds(pe.features, granule, vtcr_el2::DS.is_set(vtcr));
        let d128 = vtcr_el2::D128.is_set(vtcr) && pe.has(Feature::D128);
        let enabled = hcr_el2::VM.is_set(hcr) || hcr_el2::DC.is_set(hcr);
        Self { pe, pa_max, security, secure_ipa, enabled, granule, ds, d128, hcr, vtcr, tcr }
    }

    #[inline(always)]
    const fn has(&self, feature: Feature) -> bool {
        self.pe.has(feature)
    }

    /// T0SZ, as in the register.
    #[must_use]
    #[inline(always)]
    pub const fn t0sz(&self) -> u64 {
        vtcr_el2::T0SZ.get(self.tcr)
    }

    /// SL0, as in the register.
    #[must_use]
    #[inline(always)]
    pub const fn sl0(&self) -> u64 {
        vtcr_el2::SL0.get(self.tcr)
    }

    /// SL2, as it counts.
    #[must_use]
    #[inline(always)]
    pub const fn sl2(&self) -> bool {
        let lpa2 = vtcr_el2::DS.is_set(self.vtcr) && self.has(Feature::Lpa2);
        lpa2 && matches!(self.granule, Granule::K4) && vtcr_el2::SL2.is_set(self.tcr)
    }

    /// PS, as in the register.
    #[must_use]
    #[inline(always)]
    pub const fn ps(&self) -> u64 {
        vtcr_el2::PS.get(self.vtcr)
    }

    /// The base register's name.
    #[must_use]
    #[inline(always)]
    pub const fn ttbr_register(&self) -> SysReg {
        if self.secure_ipa { SysReg::VsttbrEl2 } else { SysReg::VttbrEl2 }
    }

    /// The base register's value: VTTBR_EL2, or VSTTBR_EL2 for a Secure IPA.
    #[must_use]
    #[inline(always)]
    pub const fn ttbr(&self) -> u128 {
        self.pe.regs.get128(self.ttbr_register())
    }

    /// The address space of the tables.
    #[must_use]
    #[inline(always)]
    pub const fn table_space(&self) -> PaSpace {
        self.spaces().0
    }

    /// The address space of the output, where descriptors do not say.
    #[must_use]
    #[inline(always)]
    pub const fn output_space(&self) -> PaSpace {
        self.spaces().1
    }

    /// Shareability of leaves with DS = 1.
    #[must_use]
    #[inline(always)]
    pub const fn sh(&self) -> u64 {
        vtcr_el2::SH0.get(self.vtcr)
    }

    /// Descriptors are big-endian.
    #[must_use]
    #[inline(always)]
    pub const fn ee(&self) -> bool {
        sctlr_el2::EE.is_set(self.pe.regs.get(SysReg::SctlrEl2))
    }

    /// Stage-1 walks may not touch Device memory.
    #[must_use]
    #[inline(always)]
    pub const fn ptw(&self) -> bool {
        hcr_el2::PTW.is_set(self.hcr) && !hcr_el2::TGE.is_set(self.hcr)
    }

    /// Stage 2 decides memory attributes (`FEAT_S2FWB`).
    #[must_use]
    #[inline(always)]
    pub const fn fwb(&self) -> bool {
        hcr_el2::FWB.is_set(self.hcr) && self.has(Feature::S2fwb)
    }

    /// Hardware sets the access flag.
    #[must_use]
    #[inline(always)]
    pub const fn ha(&self) -> bool {
        vtcr_el2::HA.is_set(self.vtcr) && self.has(Feature::Hafdbs)
    }

    /// Hardware keeps the dirty state.
    #[must_use]
    #[inline(always)]
    pub const fn hd(&self) -> bool {
        vtcr_el2::HD.is_set(self.vtcr) && self.has(Feature::Hafdbs)
    }

    /// How many levels the first table skips, with 128-bit descriptors.
    #[must_use]
    #[inline(always)]
    pub const fn skl(&self) -> u64 {
        if self.d128 { vttbr_el2_d128::SKL.get128(self.ttbr()) } else { 0 }
    }

    /// Permissions are indirect.
    #[must_use]
    #[inline(always)]
    pub const fn s2pie(&self) -> bool {
        self.d128 || (vtcr_el2::S2PIE.is_set(self.vtcr) && self.has(Feature::S2pie))
    }

    /// Overlays count.
    #[must_use]
    #[inline(always)]
    pub const fn s2poe(&self) -> bool {
        vtcr_el2::S2POE.is_set(self.vtcr) && self.has(Feature::S2poe) && self.s2pie()
    }

    /// S2PIR_EL2.
    #[must_use]
    #[inline(always)]
    pub const fn s2pir(&self) -> u64 {
        if self.has(Feature::S2pie) { self.pe.regs.get(SysReg::S2pirEl2) } else { 0 }
    }

    /// S2POR_EL1.
    #[must_use]
    #[inline(always)]
    pub const fn s2por(&self) -> u64 {
        self.pe.regs.get(SysReg::S2porEl1)
    }

    /// 64-bit leaves have an AssuredOnly bit.
    #[must_use]
    #[inline(always)]
    pub const fn assured_only(&self) -> bool {
        vtcr_el2::AssuredOnly.is_set(self.vtcr) && self.has(Feature::The) && !self.d128
    }

    /// Guarded control stacks of privileged levels must be in AssuredOnly memory (VTCR_EL2.GCSH).
    #[must_use]
    #[inline(always)]
    pub const fn assured_stacks(&self) -> bool {
        vtcr_el2::GCSH.is_set(self.vtcr) && self.has(Feature::Gcs)
    }

    /// The first table of TTBR0 must be in TopLevel0 memory.
    #[must_use]
    #[inline(always)]
    pub const fn tl0(&self) -> bool {
        vtcr_el2::TL0.is_set(self.vtcr) && self.has(Feature::The)
    }

    /// The first table of TTBR1 must be in TopLevel1 memory.
    #[must_use]
    #[inline(always)]
    pub const fn tl1(&self) -> bool {
        vtcr_el2::TL1.is_set(self.vtcr) && self.has(Feature::The)
    }

    /// Hardware sets the access flag in tables too.
    #[must_use]
    #[inline(always)]
    pub const fn haft(&self) -> bool {
        vtcr_el2::HAFT.is_set(self.vtcr) && self.has(Feature::Haft) && self.ha()
    }

    /// HCR_EL2.CD: data accesses are Non-cacheable.
    #[must_use]
    #[inline(always)]
    pub const fn cd(&self) -> bool {
        hcr_el2::CD.is_set(self.hcr)
    }

    /// HCR_EL2.ID: instruction fetches are Non-cacheable.
    #[must_use]
    #[inline(always)]
    pub const fn id(&self) -> bool {
        hcr_el2::ID.is_set(self.hcr)
    }

    /// Execute-never distinguishes EL1 and EL0 (`FEAT_XNX`).
    #[must_use]
    #[inline(always)]
    pub const fn xnx(&self) -> bool {
        self.has(Feature::Xnx)
    }

    /// Memory encryption contexts.
    #[must_use]
    #[inline(always)]
    pub fn mec(&self) -> MecParams {
        MecParams::stage2(self.pe)
    }
    #[inline(always)]
    const fn spaces(&self) -> (PaSpace, PaSpace) {
        spaces(self.security, self.secure_ipa, self.vtcr, self.pe.regs.get(SysReg::VstcrEl2))
    }

    /// Whether permissions are the commonest: direct, with no say for `FEAT_THE`.
    #[must_use]
    #[inline(always)]
    pub const fn is_usual(&self) -> bool {
        !self.d128 && !self.s2pie() && !self.assured_only() && !self.tl0() && !self.tl1()
    }

    /// The same parameters, with what makes permissions usual said in constants, for the compiler to see.
    #[must_use]
    #[inline(always)]
    pub const fn usual(&self) -> Self {
        let unusual = vtcr_el2::S2PIE.mask()
            | vtcr_el2::S2POE.mask()
            | vtcr_el2::AssuredOnly.mask()
            | vtcr_el2::TL0.mask()
            | vtcr_el2::TL1.mask();
        Self { d128: false, vtcr: self.vtcr & !unusual, ..*self }
    }

    /// The smallest T0SZ (`AArch64.S2MinTxSZ`), for an AArch64 EL1.
    #[must_use]
    #[inline(always)]
    pub fn min_txsz(&self) -> u64 {
        let narrow = self.has(Feature::Lpa) && self.granule != Granule::K64 && !self.ds;
        let most = match (self.d128, narrow) {
            (true, _) => 56,
            (false, true) => 48,
            (false, false) => 52,
        };
        64 - u64::from(self.pa_max).min(most)
    }

    /// The largest T0SZ (`AArch64.MaxTxSZ`).
    #[must_use]
    #[inline(always)]
    pub const fn max_txsz(&self) -> u64 {
        geometry::max_txsz(self.pe, self.granule)
    }

    /// The input address size in bits that T0SZ gives when it is kept within its bounds.
    #[must_use]
    #[inline(always)]
    pub fn ia_size(&self) -> u32 {
        64 - self.t0sz().min(self.max_txsz()).max(self.min_txsz()) as u32
    }

    /// The level the walk starts at (`AArch64.S2StartLevel`): SL2 and SL0 name it, `None` where they name none or one
    /// that is not implemented (`AArch64.S2InvalidSL`). With 128-bit descriptors the IPA size decides.
    #[must_use]
    #[inline(always)]
    pub fn start_level(&self) -> Option<i8> {
        if self.d128 {
            return Some(geometry::start_level(self.granule, true, self.ia_size()) + self.skl() as i8);
        }
        match (self.granule, self.sl2(), self.sl0()) {
            (Granule::K4, false, 0b00) => Some(2),
            (Granule::K4, false, 0b01) => Some(1),
            (Granule::K4, false, 0b10) if self.pa_max >= 44 => Some(0),
            (Granule::K4, false, 0b11) if self.has(Feature::Ttst) => Some(3),
            (Granule::K4, true, 0b00) => Some(-1),
            (Granule::K16 | Granule::K64, _, 0b00) => Some(3),
            (Granule::K16 | Granule::K64, _, 0b01) => Some(2),
            (Granule::K16, _, 0b10) if self.pa_max >= 42 => Some(1),
            (Granule::K64, _, 0b10) if self.pa_max >= 44 => Some(1),
            (Granule::K16, _, 0b11) if self.ds => Some(0),
            _ => None,
        }
    }

    /// Whether a start level fits the input size, sixteen concatenated tables at most
    /// (the opposite of `AArch64.S2InconsistentSL`).
    #[must_use]
    #[inline(always)]
    pub fn start_level_consistent(&self, start_level: i8) -> bool {
        if self.d128 {
            return true;
        }
        let stride = geometry::stride(self.granule, false);
        let levels = u32::from((geometry::FINAL_LEVEL - start_level).unsigned_abs());
        let least = levels * stride + self.granule.bits() + 1;
        (least..=least + stride - 1 + 4).contains(&self.ia_size())
    }

    /// The shape of the tables, from a start level.
    #[must_use]
    #[inline(always)]
    pub fn geometry(&self, start_level: i8) -> Geometry {
        let shape = Shape {
            granule: self.granule,
            ds: self.ds,
            d128: self.d128,
            ia_size: self.ia_size(),
            pa_max: self.pa_max,
            ps: self.ps(),
            no_contiguous: false,
        };
        Geometry::new(self.pe, &shape, start_level)
    }

    /// How the base register holds the first table's address.
    #[must_use]
    #[inline(always)]
    pub const fn base_format(&self) -> BaseFormat {
        match (self.d128, self.table_space()) {
            (false, _) => BaseFormat::Bits64,
            (true, PaSpace::Secure) => BaseFormat::Wide64,
            (true, _) => BaseFormat::Wide128,
        }
    }
}

/// The address spaces of the tables and of the output (`AArch64.SS2InitialTTWState`, `AArch64.SS2OutputPASpace`).
#[inline(always)]
const fn spaces(security: SecurityState, secure_ipa: bool, vtcr: u64, vstcr: u64) -> (PaSpace, PaSpace) {
    match security {
        SecurityState::Secure => {}
        SecurityState::Realm => return (PaSpace::Realm, PaSpace::Realm),
        SecurityState::NonSecure => return (PaSpace::NonSecure, PaSpace::NonSecure),
        // Root has no stage 2: only an access as EL0 from EL3 gets here, and the pseudocode's output is Non-secure.
        SecurityState::Root => return (PaSpace::Root, PaSpace::NonSecure),
    }
    const fn space(non_secure: bool) -> PaSpace {
        if non_secure { PaSpace::NonSecure } else { PaSpace::Secure }
    }
    let (sw, sa) = (vstcr_el2::SW.is_set(vstcr), vstcr_el2::SA.is_set(vstcr));
    let (nsw, nsa) = (vtcr_el2::NSW.is_set(vtcr), vtcr_el2::NSA.is_set(vtcr));
    if secure_ipa { (space(sw), space(sw || sa)) } else { (space(nsw), space(sw || sa || nsw || nsa)) }
}
