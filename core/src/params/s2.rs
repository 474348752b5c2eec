//! Stage-2 parameters.

use super::{BaseFormat, Geometry, MecParams, Shape, decode_tg0, effective_ds, geometry};
use crate::addr::PaSpace;
use crate::feature::Feature;
use crate::layout::sysreg::{SysReg, hcr_el2, sctlr_el2, vstcr_el2, vtcr_el2, vttbr_el2_d128};
use crate::pe::Pe;
use crate::regime::{Granule, SecurityState};

/// Stage-2 translation parameters (`S2TTWParams`), with what else of the control registers stage 2 heeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct S2Params {
    /// Stage 2 is on: HCR_EL2.VM or HCR_EL2.DC.
    pub enabled: bool,
    /// Translation granule.
    pub granule: Granule,
    /// T0SZ, as in the register.
    pub t0sz: u64,
    /// SL0, as in the register.
    pub sl0: u64,
    /// SL2, as it counts.
    pub sl2: bool,
    /// PS, as in the register.
    pub ps: u64,
    /// The base register's value: VTTBR_EL2, or VSTTBR_EL2 for a Secure IPA.
    pub ttbr: u128,
    /// The base register's name.
    pub ttbr_register: SysReg,
    /// The address space of the tables.
    pub table_space: PaSpace,
    /// The address space of the output, where descriptors do not say.
    pub output_space: PaSpace,
    /// Inner cacheability of walks.
    pub irgn: u64,
    /// Outer cacheability of walks.
    pub orgn: u64,
    /// Shareability of walks (and, with DS = 1, of leaves).
    pub sh: u64,
    /// Descriptors are big-endian.
    pub ee: bool,
    /// Stage-1 walks may not touch Device memory.
    pub ptw: bool,
    /// Stage 2 decides memory attributes (`FEAT_S2FWB`).
    pub fwb: bool,
    /// Hardware sets the access flag.
    pub ha: bool,
    /// Hardware keeps the dirty state.
    pub hd: bool,
    /// 52-bit addresses with 4K or 16K granules.
    pub ds: bool,
    /// Descriptors have 128 bits.
    pub d128: bool,
    /// How many levels the first table skips, with 128-bit descriptors.
    pub skl: u64,
    /// Permissions are indirect.
    pub s2pie: bool,
    /// Overlays count.
    pub s2poe: bool,
    /// S2PIR_EL2.
    pub s2pir: u64,
    /// S2POR_EL1.
    pub s2por: u64,
    /// 64-bit leaves have an AssuredOnly bit.
    pub assured_only: bool,
    /// Guarded control stacks of privileged levels must be in AssuredOnly memory (VTCR_EL2.GCSH).
    pub assured_stacks: bool,
    /// The first table of TTBR0 must be in TopLevel0 memory.
    pub tl0: bool,
    /// The first table of TTBR1 must be in TopLevel1 memory.
    pub tl1: bool,
    /// Hardware sets the access flag in tables too.
    pub haft: bool,
    /// HCR_EL2.CD: data accesses are Non-cacheable.
    pub cd: bool,
    /// HCR_EL2.ID: instruction fetches are Non-cacheable.
    pub id: bool,
    /// Execute-never distinguishes EL1 and EL0 (`FEAT_XNX`).
    pub xnx: bool,
    /// Memory encryption contexts.
    pub mec: MecParams,
}

/// Stage 2 of the EL1&0 regime. In Secure state a Secure and a Non-secure IPA have tables of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage2 {
    own: S2Params,
    non_secure: Option<S2Params>,
}

impl Stage2 {
    /// Stage 2 in a Security state (`AArch64.GetS2TTWParams`).
    #[must_use]
    pub fn new(pe: &Pe, security: SecurityState) -> Self {
        let space = security.pa_space();
        let non_secure = (space == PaSpace::Secure).then(|| S2Params::new(pe, security, PaSpace::NonSecure));
        Self { own: S2Params::new(pe, security, space), non_secure }
    }

    /// The parameters for an IPA of the Security state's own address space.
    #[must_use]
    pub const fn own(&self) -> &S2Params {
        &self.own
    }

    /// In Secure state, those for a Non-secure IPA.
    #[must_use]
    pub const fn non_secure(&self) -> Option<&S2Params> {
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
    pub const fn params(&self, space: PaSpace) -> &S2Params {
        match (&self.non_secure, space) {
            (Some(params), PaSpace::NonSecure) => params,
            _ => &self.own,
        }
    }
}

impl S2Params {
    /// The parameters for an IPA in `ipa_space` (`AArch64.NSS2TTWParams`, `AArch64.SS2TTWParams`,
    /// `AArch64.RLS2TTWParams`).
    #[must_use]
    pub fn new(pe: &Pe, security: SecurityState, ipa_space: PaSpace) -> Self {
        let (hcr, vtcr, vstcr) = (pe.hcr(), pe.regs.get(SysReg::VtcrEl2), pe.regs.get(SysReg::VstcrEl2));
        // VSTCR_EL2 keeps TG0, T0SZ, SL0 and SL2 where VTCR_EL2 keeps them.
        let secure_ipa = ipa_space == PaSpace::Secure;
        let (tcr, ttbr_register) = if secure_ipa { (vstcr, SysReg::VsttbrEl2) } else { (vtcr, SysReg::VttbrEl2) };
        let granule = decode_tg0(pe, vtcr_el2::TG0.get(tcr));
        let ds = vtcr_el2::DS.is_set(vtcr);
        let d128 = pe.has(Feature::D128) && vtcr_el2::D128.is_set(vtcr);
        let ha = pe.has(Feature::Hafdbs) && vtcr_el2::HA.is_set(vtcr);
        let s2pie = d128 || (pe.has(Feature::S2pie) && vtcr_el2::S2PIE.is_set(vtcr));
        let the = pe.has(Feature::The);
        let ttbr = pe.regs.get128(ttbr_register);
        let (table_space, output_space) = spaces(security, ipa_space, vtcr, vstcr);
        Self {
            enabled: hcr_el2::VM.is_set(hcr) || hcr_el2::DC.is_set(hcr),
            granule,
            t0sz: vtcr_el2::T0SZ.get(tcr),
            sl0: vtcr_el2::SL0.get(tcr),
            sl2: granule == Granule::K4 && pe.has(Feature::Lpa2) && ds && vtcr_el2::SL2.is_set(tcr),
            ps: vtcr_el2::PS.get(vtcr),
            ttbr,
            ttbr_register,
            table_space,
            output_space,
            irgn: vtcr_el2::IRGN0.get(vtcr),
            orgn: vtcr_el2::ORGN0.get(vtcr),
            sh: vtcr_el2::SH0.get(vtcr),
            ee: sctlr_el2::EE.is_set(pe.regs.get(SysReg::SctlrEl2)),
            ptw: hcr_el2::PTW.is_set(hcr) && !hcr_el2::TGE.is_set(hcr),
            fwb: pe.has(Feature::S2fwb) && hcr_el2::FWB.is_set(hcr),
            ha,
            hd: pe.has(Feature::Hafdbs) && vtcr_el2::HD.is_set(vtcr),
            ds: effective_ds(pe, granule, ds),
            d128,
            skl: if d128 { vttbr_el2_d128::SKL.get128(ttbr) } else { 0 },
            s2pie,
            s2poe: s2pie && pe.has(Feature::S2poe) && vtcr_el2::S2POE.is_set(vtcr),
            s2pir: if pe.has(Feature::S2pie) { pe.regs.get(SysReg::S2pirEl2) } else { 0 },
            s2por: pe.regs.get(SysReg::S2porEl1),
            assured_only: the && !d128 && vtcr_el2::AssuredOnly.is_set(vtcr),
            assured_stacks: pe.has(Feature::Gcs) && vtcr_el2::GCSH.is_set(vtcr),
            tl0: the && vtcr_el2::TL0.is_set(vtcr),
            tl1: the && vtcr_el2::TL1.is_set(vtcr),
            haft: pe.has(Feature::Haft) && ha && vtcr_el2::HAFT.is_set(vtcr),
            cd: hcr_el2::CD.is_set(hcr),
            id: hcr_el2::ID.is_set(hcr),
            xnx: pe.has(Feature::Xnx),
            mec: MecParams::stage2(pe),
        }
    }

    /// Whether permissions are the commonest: direct, with no say for `FEAT_THE`.
    #[must_use]
    pub const fn is_usual(&self) -> bool {
        !self.d128 && !self.s2pie && !self.assured_only && !self.tl0 && !self.tl1
    }

    /// The same parameters, with what makes permissions usual said in constants, for the compiler to see.
    #[must_use]
    #[inline(always)]
    pub const fn usual(&self) -> Self {
        Self { d128: false, s2pie: false, s2poe: false, assured_only: false, tl0: false, tl1: false, ..*self }
    }

    /// The smallest T0SZ (`AArch64.S2MinTxSZ`), for an AArch64 EL1.
    #[must_use]
    pub fn min_txsz(&self, pe: &Pe) -> u64 {
        let narrow = pe.has(Feature::Lpa) && self.granule != Granule::K64 && !self.ds;
        let most = match (self.d128, narrow) {
            (true, _) => 56,
            (false, true) => 48,
            (false, false) => 52,
        };
        64 - u64::from(pe.pa_max()).min(most)
    }

    /// The largest T0SZ (`AArch64.MaxTxSZ`).
    #[must_use]
    pub const fn max_txsz(&self, pe: &Pe) -> u64 {
        geometry::max_txsz(pe, self.granule)
    }

    /// The input address size in bits that T0SZ gives when it is kept within its bounds.
    #[must_use]
    pub fn ia_size(&self, pe: &Pe) -> u32 {
        64 - self.t0sz.min(self.max_txsz(pe)).max(self.min_txsz(pe)) as u32
    }

    /// The level the walk starts at (`AArch64.S2StartLevel`): SL2 and SL0 name it, `None` where they name none or one
    /// that is not implemented (`AArch64.S2InvalidSL`). With 128-bit descriptors the IPA size decides.
    #[must_use]
    pub fn start_level(&self, pe: &Pe) -> Option<i8> {
        if self.d128 {
            return Some(geometry::start_level(self.granule, true, self.ia_size(pe)) + self.skl as i8);
        }
        match (self.granule, self.sl2, self.sl0) {
            (Granule::K4, false, 0b00) => Some(2),
            (Granule::K4, false, 0b01) => Some(1),
            (Granule::K4, false, 0b10) if pe.pa_max() >= 44 => Some(0),
            (Granule::K4, false, 0b11) if pe.has(Feature::Ttst) => Some(3),
            (Granule::K4, true, 0b00) => Some(-1),
            (Granule::K16 | Granule::K64, _, 0b00) => Some(3),
            (Granule::K16 | Granule::K64, _, 0b01) => Some(2),
            (Granule::K16, _, 0b10) if pe.pa_max() >= 42 => Some(1),
            (Granule::K64, _, 0b10) if pe.pa_max() >= 44 => Some(1),
            (Granule::K16, _, 0b11) if self.ds => Some(0),
            _ => None,
        }
    }

    /// Whether a start level fits the input size, sixteen concatenated tables at most
    /// (the opposite of `AArch64.S2InconsistentSL`).
    #[must_use]
    pub fn start_level_consistent(&self, pe: &Pe, start_level: i8) -> bool {
        if self.d128 {
            return true;
        }
        let stride = geometry::stride(self.granule, false);
        let levels = u32::from((geometry::FINAL_LEVEL - start_level).unsigned_abs());
        let least = levels * stride + self.granule.bits() + 1;
        (least..=least + stride - 1 + 4).contains(&self.ia_size(pe))
    }

    /// The shape of the tables, from a start level.
    #[must_use]
    pub fn geometry(&self, pe: &Pe, start_level: i8) -> Geometry {
        let shape = Shape {
            granule: self.granule,
            ds: self.ds,
            d128: self.d128,
            ia_size: self.ia_size(pe),
            ps: self.ps,
            no_contiguous: false,
        };
        Geometry::new(pe, &shape, start_level)
    }

    /// How the base register holds the first table's address.
    #[must_use]
    pub const fn base_format(&self) -> BaseFormat {
        match (self.d128, self.table_space) {
            (false, _) => BaseFormat::Bits64,
            (true, PaSpace::Secure) => BaseFormat::Wide64,
            (true, _) => BaseFormat::Wide128,
        }
    }
}

/// The address spaces of the tables and of the output (`AArch64.SS2InitialTTWState`, `AArch64.SS2OutputPASpace`).
const fn spaces(security: SecurityState, ipa_space: PaSpace, vtcr: u64, vstcr: u64) -> (PaSpace, PaSpace) {
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
    match ipa_space {
        PaSpace::Secure => (space(sw), space(sw || sa)),
        _ => (space(nsw), space(sw || sa || nsw || nsa)),
    }
}
