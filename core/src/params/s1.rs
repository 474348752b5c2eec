//! Stage-1 parameters of the four regimes.

use super::{BaseFormat, Geometry, MecParams, Shape, decode_tg0, decode_tg1, effective_ds, geometry};
use crate::choice::Choice;
use crate::feature::Feature;
use crate::layout::Field;
use crate::layout::sysreg::{SysReg, hcr_el2, scr_el3, sctlr_el1, tcr_el1, tcr_el2, tcr2_el1, ttbr0_el1_d128};
use crate::pe::Pe;
use crate::regime::{Granule, Regime, SecurityState, VaRange};

/// Stage-1 translation parameters (`S1TTWParams`), with what else of the control registers stage 1 heeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct S1Params {
    /// The regime.
    pub regime: Regime,
    /// Its Security state.
    pub security: SecurityState,
    /// The half of the VA space, hence the TTBR.
    pub range: VaRange,
    /// Stage 1 is on (`AArch64.S1Enabled`).
    pub enabled: bool,
    /// Stage 2 belongs to the regime: EL1&0 with EL2 enabled.
    pub nested: bool,
    /// Translation granule.
    pub granule: Granule,
    /// TxSZ, as in the register.
    pub txsz: u64,
    /// PS or IPS, as in the register.
    pub ps: u64,
    /// The base register's value.
    pub ttbr: u128,
    /// The base register's name.
    pub ttbr_register: SysReg,
    /// Inner cacheability of walks.
    pub irgn: u64,
    /// Outer cacheability of walks.
    pub orgn: u64,
    /// Shareability of walks (and, with DS = 1, of leaves).
    pub sh: u64,
    /// Top byte ignored.
    pub tbi: bool,
    /// Top byte ignored for data only.
    pub tbid: bool,
    /// Bits 59:56 of a VA hold a tag that is not part of the address.
    pub mtx: bool,
    /// Walks through this TTBR are disabled.
    pub epd: bool,
    /// EL0 may not use this half.
    pub e0pd: bool,
    /// Hierarchical permissions are disabled.
    pub hpd: bool,
    /// Descriptors are big-endian.
    pub ee: bool,
    /// Writable memory is not executable.
    pub wxn: bool,
    /// Secure instruction fetches from Non-secure memory are forbidden.
    pub sif: bool,
    /// PAN also looks at EL0 execute permission.
    pub epan: bool,
    /// HCR_EL2.DC: stage 1 off means cacheable.
    pub dc: bool,
    /// HCR_EL2.DCT: and tagged.
    pub dct: bool,
    /// The EL1 tables have the format of EL2's (HCR_EL2.{NV, NV1}).
    pub nv1: bool,
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
    /// Contiguous bits in the first table do not count, with 128-bit descriptors.
    pub disch: bool,
    /// Permissions are indirect.
    pub pie: bool,
    /// Overlays count for the privileged level.
    pub poe: bool,
    /// Overlays count for EL0.
    pub e0poe: bool,
    /// PIR_ELx.
    pub pir: u64,
    /// PIRE0_ELx.
    pub pire0: u64,
    /// POR_ELx.
    pub por: u64,
    /// POR_EL0.
    pub por_el0: u64,
    /// Bit 52 of a 64-bit descriptor is Protected, not Contiguous.
    pub pnch: bool,
    /// Hardware sets the access flag in tables too.
    pub haft: bool,
    /// AttrIndx has four bits.
    pub aie: bool,
    /// MAIR_ELx.
    pub mair: u64,
    /// MAIR2_ELx.
    pub mair2: u64,
    /// SCTLR_ELx.C: data accesses may be cacheable.
    pub dcache: bool,
    /// SCTLR_ELx.I: instruction fetches may be cacheable.
    pub icache: bool,
    /// The shareability of the output is stage 2's to make effective.
    pub keep_raw_shareability: bool,
    /// Memory encryption contexts.
    pub mec: MecParams,
}

/// Where a TCR keeps the fields of one VA range.
struct TcrFields {
    t0sz: Field,
    tg: Field,
    irgn: Field,
    orgn: Field,
    sh: Field,
    tbi: Field,
    tbid: Field,
    hpd: Field,
    mtx: Field,
    ps: Field,
    ha: Field,
    hd: Field,
    ds: Field,
    two_ranges: Option<(Field, Field)>,
}

/// TCR_EL1, and TCR_EL2 with E2H = 1: the range of TTBR0.
const LOWER: TcrFields = TcrFields {
    t0sz: tcr_el1::T0SZ,
    tg: tcr_el1::TG0,
    irgn: tcr_el1::IRGN0,
    orgn: tcr_el1::ORGN0,
    sh: tcr_el1::SH0,
    tbi: tcr_el1::TBI0,
    tbid: tcr_el1::TBID0,
    hpd: tcr_el1::HPD0,
    mtx: tcr_el1::MTX0,
    two_ranges: Some((tcr_el1::EPD0, tcr_el1::E0PD0)),
    ..SHARED
};

/// The same: the range of TTBR1.
const UPPER: TcrFields = TcrFields {
    t0sz: tcr_el1::T1SZ,
    tg: tcr_el1::TG1,
    irgn: tcr_el1::IRGN1,
    orgn: tcr_el1::ORGN1,
    sh: tcr_el1::SH1,
    tbi: tcr_el1::TBI1,
    tbid: tcr_el1::TBID1,
    hpd: tcr_el1::HPD1,
    mtx: tcr_el1::MTX1,
    two_ranges: Some((tcr_el1::EPD1, tcr_el1::E0PD1)),
    ..SHARED
};

const SHARED: TcrFields = TcrFields { ps: tcr_el1::IPS, ha: tcr_el1::HA, hd: tcr_el1::HD, ds: tcr_el1::DS, ..SINGLE };

/// TCR_EL2 with E2H = 0, and TCR_EL3: one range.
const SINGLE: TcrFields = TcrFields {
    t0sz: tcr_el2::T0SZ,
    tg: tcr_el2::TG0,
    irgn: tcr_el2::IRGN0,
    orgn: tcr_el2::ORGN0,
    sh: tcr_el2::SH0,
    tbi: tcr_el2::TBI,
    tbid: tcr_el2::TBID,
    hpd: tcr_el2::HPD,
    mtx: tcr_el2::MTX,
    ps: tcr_el2::PS,
    ha: tcr_el2::HA,
    hd: tcr_el2::HD,
    ds: tcr_el2::DS,
    two_ranges: None,
};

/// TCR_EL2 of the EL2 regime while HCR_EL2.E2H is 1, which takes an implementation without `FEAT_VHE`: the pseudocode
/// still looks for HA, HD and DS where E2H = 1 puts them.
const SINGLE_E2H: TcrFields = TcrFields { ha: SHARED.ha, hd: SHARED.hd, ds: SHARED.ds, ..SINGLE };

/// The fields of a TCR that one VA range heeds.
struct Tcr {
    txsz: u64,
    tg: u64,
    irgn: u64,
    orgn: u64,
    sh: u64,
    ps: u64,
    tbi: bool,
    tbid: bool,
    hpd: bool,
    mtx: bool,
    ha: bool,
    hd: bool,
    ds: bool,
    epd: bool,
    e0pd: bool,
}

impl TcrFields {
    /// The fields of a value. Inlined for each table, so that the positions are constants.
    #[inline(always)]
    const fn read(&self, tcr: u64) -> Tcr {
        let (epd, e0pd) = match self.two_ranges {
            Some((epd, e0pd)) => (epd.is_set(tcr), e0pd.is_set(tcr)),
            None => (false, false),
        };
        Tcr {
            txsz: self.t0sz.get(tcr),
            tg: self.tg.get(tcr),
            irgn: self.irgn.get(tcr),
            orgn: self.orgn.get(tcr),
            sh: self.sh.get(tcr),
            ps: self.ps.get(tcr),
            tbi: self.tbi.is_set(tcr),
            tbid: self.tbid.is_set(tcr),
            hpd: self.hpd.is_set(tcr),
            mtx: self.mtx.is_set(tcr),
            ha: self.ha.is_set(tcr),
            hd: self.hd.is_set(tcr),
            ds: self.ds.is_set(tcr),
            epd,
            e0pd,
        }
    }
}

impl VaRange {
    /// The half `va` is in (`AArch64.GetVARange`): bit 55 decides, where a regime has two halves.
    #[must_use]
    pub const fn of(regime: Regime, va: u64) -> Self {
        if regime.has_unprivileged() && crate::bits::bit(va, 55) { Self::Upper } else { Self::Lower }
    }
}

impl S1Params {
    /// The parameters of `regime` for `va` (`AArch64.GetS1TTWParams`).
    #[must_use]
    pub fn new(pe: &Pe, regime: Regime, security: SecurityState, va: u64) -> Self {
        let range = VaRange::of(regime, va);
        let Registers { tcr, sctlr, mair, mair2, ttbr: [ttbr0, ttbr1], pir, pire0, por } = registers(regime);
        let (tcr, sctlr) = (pe.regs.get(tcr), pe.regs.get(sctlr));
        let (tcr, ttbr_register) = match (regime.has_unprivileged(), range) {
            (true, VaRange::Lower) => (LOWER.read(tcr), ttbr0),
            (true, VaRange::Upper) => (UPPER.read(tcr), ttbr1),
            (false, _) if regime == Regime::El2 && hcr_el2::E2H.is_set(pe.hcr()) => (SINGLE_E2H.read(tcr), ttbr0),
            (false, _) => (SINGLE.read(tcr), ttbr0),
        };
        let granule = match range {
            VaRange::Lower => decode_tg0(pe, tcr.tg),
            VaRange::Upper => decode_tg1(pe, tcr.tg),
        };
        let nested = regime == Regime::El10 && pe.el2_enabled();
        let hcr = if nested { pe.hcr() } else { 0 };
        let mtx = tcr.mtx && pe.has(Feature::Mte4);
        let nv1 = nested && nv1(pe, hcr);
        let tcr2 = pe.effective_tcr2(regime);
        let extended = |feature, field: Field| pe.has(feature) && field.is_set(tcr2);
        let d128 = regime != Regime::El2 && extended(Feature::D128, tcr2_el1::D128);
        let ha = tcr.ha && pe.has(Feature::Hafdbs);
        let ttbr = pe.regs.get128(ttbr_register);
        let disch = if range == VaRange::Upper { tcr2_el1::DisCH1 } else { tcr2_el1::DisCH0 };
        Self {
            regime,
            security,
            range,
            enabled: sctlr_el1::M.is_set(sctlr) && !hcr_el2::DC.is_set(hcr) && !hcr_el2::TGE.is_set(hcr),
            nested,
            granule,
            txsz: tcr.txsz,
            ps: tcr.ps,
            ttbr,
            ttbr_register,
            irgn: tcr.irgn,
            orgn: tcr.orgn,
            sh: tcr.sh,
            tbi: tcr.tbi,
            tbid: tcr.tbid && pe.has(Feature::Pauth),
            mtx,
            epd: tcr.epd,
            e0pd: tcr.e0pd && pe.has(Feature::E0pd),
            hpd: tcr.hpd && pe.has(Feature::Hpds),
            ee: sctlr_el1::EE.is_set(sctlr),
            wxn: sctlr_el1::WXN.is_set(sctlr),
            sif: pe.has_secure_state() && scr_el3::SIF.is_set(pe.scr()),
            epan: regime.has_unprivileged() && pe.has(Feature::Pan3) && sctlr_el1::EPAN.is_set(sctlr),
            dc: hcr_el2::DC.is_set(hcr),
            dct: pe.has(Feature::Mte2) && hcr_el2::DCT.is_set(hcr),
            nv1,
            ha,
            hd: tcr.hd && pe.has(Feature::Hafdbs),
            ds: effective_ds(pe, granule, tcr.ds),
            d128,
            skl: if d128 { ttbr0_el1_d128::SKL.get128(ttbr) } else { 0 },
            disch: d128 && disch.is_set(tcr2),
            pie: d128 || extended(Feature::S1pie, tcr2_el1::PIE),
            poe: extended(Feature::S1poe, tcr2_el1::POE),
            e0poe: regime.has_unprivileged() && !nv1 && extended(Feature::S1poe, tcr2_el1::E0POE),
            pir: if pe.has(Feature::S1pie) { pe.regs.get(pir) } else { 0 },
            pire0: match pire0 {
                Some(pire0) if pe.has(Feature::S1pie) && !nv1 => pe.regs.get(pire0),
                _ => 0,
            },
            por: pe.regs.get(por),
            por_el0: pe.regs.get(SysReg::PorEl0),
            pnch: !d128 && extended(Feature::The, tcr2_el1::PnCH),
            haft: ha && extended(Feature::Haft, tcr2_el1::HAFT),
            aie: extended(Feature::Aie, tcr2_el1::AIE),
            mair: pe.regs.get(mair),
            mair2: pe.regs.get(mair2),
            dcache: sctlr_el1::C.is_set(sctlr),
            icache: sctlr_el1::I.is_set(sctlr),
            keep_raw_shareability: hcr_el2::VM.is_set(hcr) && !pe.choices.is(Choice::EffectiveShareabilityBeforeStage2),
            mec: MecParams::stage1(pe, regime, range),
        }
    }

    /// Whether permissions are the commonest: direct, without overlays.
    #[must_use]
    pub const fn is_usual(&self) -> bool {
        !self.pie && !self.poe && !self.e0poe
    }

    /// The same parameters, with what makes permissions usual said in constants, for the compiler to see.
    #[must_use]
    #[inline(always)]
    pub const fn usual(&self) -> Self {
        Self { pie: false, poe: false, e0poe: false, ..*self }
    }

    /// The smallest TxSZ (`AArch64.S1MinTxSZ`).
    #[must_use]
    pub const fn min_txsz(&self, pe: &Pe) -> u64 {
        if self.d128 && pe.has(Feature::Lva3) {
            return if self.regime.has_unprivileged() { 9 } else { 8 };
        }
        let wide = self.ds || (pe.has(Feature::Lva) && matches!(self.granule, Granule::K64));
        if wide { 12 } else { 16 }
    }

    /// The largest TxSZ (`AArch64.MaxTxSZ`).
    #[must_use]
    pub const fn max_txsz(&self, pe: &Pe) -> u64 {
        geometry::max_txsz(pe, self.granule)
    }

    /// The input address size in bits that TxSZ gives when it is kept within its bounds.
    #[must_use]
    pub fn ia_size(&self, pe: &Pe) -> u32 {
        64 - self.txsz.clamp(self.min_txsz(pe), self.max_txsz(pe)) as u32
    }

    /// The shape of the tables.
    #[must_use]
    pub fn geometry(&self, pe: &Pe) -> Geometry {
        let ia_size = self.ia_size(pe);
        let start = geometry::start_level(self.granule, self.d128, ia_size) + self.skl as i8;
        let shape = Shape {
            granule: self.granule,
            ds: self.ds,
            d128: self.d128,
            ia_size,
            ps: self.ps,
            no_contiguous: self.pnch,
        };
        Geometry::new(pe, &shape, start)
    }

    /// How the base register holds the first table's address.
    #[must_use]
    pub const fn base_format(&self) -> BaseFormat {
        match (self.d128, self.regime) {
            (false, _) => BaseFormat::Bits64,
            (true, Regime::El3) => BaseFormat::Wide64,
            (true, _) => BaseFormat::Wide128,
        }
    }

    /// The most significant VA bit that is part of the address (`AArch64.AddrTop`).
    #[must_use]
    pub const fn addr_top(&self, fetch: bool) -> u32 {
        if self.tbi && !(self.tbid && fetch) { 55 } else { 63 }
    }
}

/// The registers of a regime.
struct Registers {
    tcr: SysReg,
    sctlr: SysReg,
    mair: SysReg,
    mair2: SysReg,
    ttbr: [SysReg; 2],
    pir: SysReg,
    pire0: Option<SysReg>,
    por: SysReg,
}

/// SCTLR_EL1 shares its M, C, I, WXN, EE and EPAN bits with the others.
const fn registers(regime: Regime) -> Registers {
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

/// HCR_EL2.NV1 as it counts: {NV, NV1} = {0, 1} is CONSTRAINED UNPREDICTABLE.
const fn nv1(pe: &Pe, hcr: u64) -> bool {
    if hcr_el2::NV1.is_set(hcr) && !hcr_el2::NV.is_set(hcr) {
        return !pe.choices.is(Choice::Nv0Nv11BehavesAs00);
    }
    hcr_el2::NV1.is_set(hcr)
}
