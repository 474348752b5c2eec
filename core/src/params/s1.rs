//! Stage-1 parameters of the four regimes.

use super::controls::registers;
use super::tcr::LOWER;
use super::{BaseFormat, Controls, Geometry, MecParams, Shape, effective_ds, geometry};
use crate::choice::Choice;
use crate::feature::Feature;
use crate::layout::Field;
use crate::layout::sysreg::{SysReg, hcr_el2, scr_el3, sctlr_el1, tcr_el1, tcr2_el1, ttbr0_el1_d128};
use crate::pe::Pe;
use crate::regime::{Granule, Regime, SecurityState, VaRange};

/// Stage-1 translation parameters (`S1TTWParams`), with what else of the control registers stage 1 heeds: the registers
/// of one translation, read once, of which each parameter is asked when it is needed.
#[derive(Clone, Copy, Debug)]
pub struct S1Params<'a> {
    pe: &'a Pe,
    pa_max: u32,
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
    /// 52-bit addresses with 4K or 16K granules.
    pub ds: bool,
    /// Descriptors have 128 bits.
    pub d128: bool,
    /// AttrIndx has four bits.
    pub aie: bool,
    /// HCR_EL2, 0 where it has no say.
    hcr: u64,
    sctlr: u64,
    /// TCR_ELx's fields for the half, in the places of TCR_EL1's for TTBR0.
    tcr: u64,
    tcr2: u64,
    /// MAIR_ELx.
    pub mair: u64,
}

impl<'a> S1Params<'a> {
    /// The parameters of `regime` for `va` (`AArch64.GetS1TTWParams`).
    #[must_use]
    pub fn new(pe: &'a Pe, regime: Regime, security: SecurityState, va: u64) -> Self {
        Self::of(&Controls::new(pe, regime, security, va))
    }

    /// The parameters that control registers come to.
    #[must_use]
    #[inline(always)]
    pub fn of(controls: &Controls<'a>) -> Self {
        let Controls { pe, pa_max, regime, security, range, nested, granule, hcr, sctlr, tcr, tcr2, .. } = *controls;
        let hcr = if nested { hcr } else { 0 };
        Self {
            pe,
            pa_max,
            regime,
            security,
            range,
            enabled: sctlr_el1::M.is_set(sctlr) && !hcr_el2::DC.is_set(hcr) && !hcr_el2::TGE.is_set(hcr),
            nested,
            granule,
            ds: effective_ds(pe.features, granule, LOWER.ds.is_set(tcr)),
            d128: regime != Regime::El2 && tcr2_el1::D128.is_set(tcr2) && pe.has(Feature::D128),
            aie: tcr2_el1::AIE.is_set(tcr2) && pe.has(Feature::Aie),
            hcr,
            sctlr,
            tcr,
            tcr2,
            mair: pe.regs.get(registers(regime).mair),
        }
    }

    #[inline(always)]
    const fn has(&self, feature: Feature) -> bool {
        self.pe.has(feature)
    }

    /// A field of TCR2_ELx that comes with a feature.
    #[inline(always)]
    const fn extended(&self, feature: Feature, field: Field) -> bool {
        field.is_set(self.tcr2) && self.has(feature)
    }

    /// TxSZ, as in the register.
    #[must_use]
    #[inline(always)]
    pub const fn txsz(&self) -> u64 {
        LOWER.t0sz.get(self.tcr)
    }

    /// PS or IPS, as in the register.
    #[must_use]
    #[inline(always)]
    pub const fn ps(&self) -> u64 {
        LOWER.ps.get(self.tcr)
    }

    /// The base register's name.
    #[must_use]
    #[inline(always)]
    pub const fn ttbr_register(&self) -> SysReg {
        let [ttbr0, ttbr1] = registers(self.regime).ttbr;
        if matches!(self.range, VaRange::Upper) { ttbr1 } else { ttbr0 }
    }

    /// The base register's value.
    #[must_use]
    #[inline(always)]
    pub const fn ttbr(&self) -> u128 {
        self.pe.regs.get128(self.ttbr_register())
    }

    /// Inner cacheability of walks.
    #[must_use]
    #[inline(always)]
    pub const fn irgn(&self) -> u64 {
        LOWER.irgn.get(self.tcr)
    }

    /// Outer cacheability of walks.
    #[must_use]
    #[inline(always)]
    pub const fn orgn(&self) -> u64 {
        LOWER.orgn.get(self.tcr)
    }

    /// Shareability of walks (and, with DS = 1, of leaves).
    #[must_use]
    #[inline(always)]
    pub const fn sh(&self) -> u64 {
        LOWER.sh.get(self.tcr)
    }

    /// Top byte ignored.
    #[must_use]
    #[inline(always)]
    pub const fn tbi(&self) -> bool {
        LOWER.tbi.is_set(self.tcr)
    }

    /// Top byte ignored for data only.
    #[must_use]
    #[inline(always)]
    pub const fn tbid(&self) -> bool {
        LOWER.tbid.is_set(self.tcr) && self.has(Feature::Pauth)
    }

    /// Bits 59:56 of a VA hold a tag that is not part of the address.
    #[must_use]
    #[inline(always)]
    pub const fn mtx(&self) -> bool {
        LOWER.mtx.is_set(self.tcr) && self.has(Feature::Mte4)
    }

    /// Walks through this TTBR are disabled.
    #[must_use]
    #[inline(always)]
    pub const fn epd(&self) -> bool {
        tcr_el1::EPD0.is_set(self.tcr)
    }

    /// EL0 may not use this half.
    #[must_use]
    #[inline(always)]
    pub const fn e0pd(&self) -> bool {
        tcr_el1::E0PD0.is_set(self.tcr) && self.has(Feature::E0pd)
    }

    /// Hierarchical permissions are disabled.
    #[must_use]
    #[inline(always)]
    pub const fn hpd(&self) -> bool {
        LOWER.hpd.is_set(self.tcr) && self.has(Feature::Hpds)
    }

    /// Descriptors are big-endian.
    #[must_use]
    #[inline(always)]
    pub const fn ee(&self) -> bool {
        sctlr_el1::EE.is_set(self.sctlr)
    }

    /// Writable memory is not executable.
    #[must_use]
    #[inline(always)]
    pub const fn wxn(&self) -> bool {
        sctlr_el1::WXN.is_set(self.sctlr)
    }

    /// Secure instruction fetches from Non-secure memory are forbidden.
    #[must_use]
    #[inline(always)]
    pub const fn sif(&self) -> bool {
        self.pe.has_secure_state() && scr_el3::SIF.is_set(self.pe.scr())
    }

    /// PAN also looks at EL0 execute permission.
    #[must_use]
    #[inline(always)]
    pub const fn epan(&self) -> bool {
        self.regime.has_unprivileged() && sctlr_el1::EPAN.is_set(self.sctlr) && self.has(Feature::Pan3)
    }

    /// HCR_EL2.DC: stage 1 off means cacheable.
    #[must_use]
    #[inline(always)]
    pub const fn dc(&self) -> bool {
        hcr_el2::DC.is_set(self.hcr)
    }

    /// HCR_EL2.DCT: and tagged.
    #[must_use]
    #[inline(always)]
    pub const fn dct(&self) -> bool {
        hcr_el2::DCT.is_set(self.hcr) && self.has(Feature::Mte2)
    }

    /// The EL1 tables have the format of EL2's (HCR_EL2.{NV, NV1}): {0, 1} is CONSTRAINED UNPREDICTABLE.
    #[must_use]
    #[inline(always)]
    pub const fn nv1(&self) -> bool {
        let reserved = !hcr_el2::NV.is_set(self.hcr);
        hcr_el2::NV1.is_set(self.hcr) && !(reserved && self.pe.choices.is(Choice::Nv0Nv11BehavesAs00))
    }

    /// Hardware sets the access flag.
    #[must_use]
    #[inline(always)]
    pub const fn ha(&self) -> bool {
        LOWER.ha.is_set(self.tcr) && self.has(Feature::Hafdbs)
    }

    /// Hardware keeps the dirty state.
    #[must_use]
    #[inline(always)]
    pub const fn hd(&self) -> bool {
        LOWER.hd.is_set(self.tcr) && self.has(Feature::Hafdbs)
    }

    /// How many levels the first table skips, with 128-bit descriptors.
    #[must_use]
    #[inline(always)]
    pub const fn skl(&self) -> u64 {
        if self.d128 { ttbr0_el1_d128::SKL.get128(self.ttbr()) } else { 0 }
    }

    /// Contiguous bits in the first table do not count, with 128-bit descriptors.
    #[must_use]
    #[inline(always)]
    pub const fn disch(&self) -> bool {
        let disch = if matches!(self.range, VaRange::Upper) { tcr2_el1::DisCH1 } else { tcr2_el1::DisCH0 };
        self.d128 && disch.is_set(self.tcr2)
    }

    /// Permissions are indirect.
    #[must_use]
    #[inline(always)]
    pub const fn pie(&self) -> bool {
        self.d128 || self.extended(Feature::S1pie, tcr2_el1::PIE)
    }

    /// Overlays count for the privileged level.
    #[must_use]
    #[inline(always)]
    pub const fn poe(&self) -> bool {
        self.extended(Feature::S1poe, tcr2_el1::POE)
    }

    /// Overlays count for EL0.
    #[must_use]
    #[inline(always)]
    pub const fn e0poe(&self) -> bool {
        self.regime.has_unprivileged() && self.extended(Feature::S1poe, tcr2_el1::E0POE) && !self.nv1()
    }

    /// PIR_ELx.
    #[must_use]
    #[inline(always)]
    pub const fn pir(&self) -> u64 {
        if self.has(Feature::S1pie) { self.pe.regs.get(registers(self.regime).pir) } else { 0 }
    }

    /// PIRE0_ELx.
    #[must_use]
    #[inline(always)]
    pub const fn pire0(&self) -> u64 {
        match registers(self.regime).pire0 {
            Some(pire0) if self.has(Feature::S1pie) && !self.nv1() => self.pe.regs.get(pire0),
            _ => 0,
        }
    }

    /// POR_ELx.
    #[must_use]
    #[inline(always)]
    pub const fn por(&self) -> u64 {
        self.pe.regs.get(registers(self.regime).por)
    }

    /// POR_EL0.
    #[must_use]
    #[inline(always)]
    pub const fn por_el0(&self) -> u64 {
        self.pe.regs.get(SysReg::PorEl0)
    }

    /// Bit 52 of a 64-bit descriptor is Protected, not Contiguous.
    #[must_use]
    #[inline(always)]
    pub const fn pnch(&self) -> bool {
        self.extended(Feature::The, tcr2_el1::PnCH) && !self.d128
    }

    /// Hardware sets the access flag in tables too.
    #[must_use]
    #[inline(always)]
    pub const fn haft(&self) -> bool {
        self.extended(Feature::Haft, tcr2_el1::HAFT) && self.ha()
    }

    /// MAIR2_ELx.
    #[must_use]
    #[inline(always)]
    pub const fn mair2(&self) -> u64 {
        self.pe.regs.get(registers(self.regime).mair2)
    }

    /// SCTLR_ELx.C: data accesses may be cacheable.
    #[must_use]
    #[inline(always)]
    pub const fn dcache(&self) -> bool {
        sctlr_el1::C.is_set(self.sctlr)
    }

    /// SCTLR_ELx.I: instruction fetches may be cacheable.
    #[must_use]
    #[inline(always)]
    pub const fn icache(&self) -> bool {
        sctlr_el1::I.is_set(self.sctlr)
    }

    /// The shareability of the output is stage 2's to make effective.
    #[must_use]
    #[inline(always)]
    pub const fn keep_raw_shareability(&self) -> bool {
        hcr_el2::VM.is_set(self.hcr) && !self.pe.choices.is(Choice::EffectiveShareabilityBeforeStage2)
    }

    /// Memory encryption contexts.
    #[must_use]
    #[inline(always)]
    pub fn mec(&self) -> MecParams {
        MecParams::stage1(self.pe, self.regime, self.range)
    }
    /// Whether permissions are the commonest: direct, without overlays.
    #[must_use]
    #[inline(always)]
    pub const fn is_usual(&self) -> bool {
        !self.pie() && !self.poe() && !self.e0poe()
    }

    /// The same parameters, with what makes permissions usual said in constants, for the compiler to see.
    #[must_use]
    #[inline(always)]
    pub const fn usual(&self) -> Self {
        let indirect = tcr2_el1::PIE.mask() | tcr2_el1::POE.mask() | tcr2_el1::E0POE.mask();
        Self { d128: false, tcr2: self.tcr2 & !indirect, ..*self }
    }

    /// The smallest TxSZ (`AArch64.S1MinTxSZ`).
    #[must_use]
    #[inline(always)]
    pub const fn min_txsz(&self) -> u64 {
        if self.d128 && self.has(Feature::Lva3) {
            return if self.regime.has_unprivileged() { 9 } else { 8 };
        }
        let wide = self.ds || (self.has(Feature::Lva) && matches!(self.granule, Granule::K64));
        if wide { 12 } else { 16 }
    }

    /// The largest TxSZ (`AArch64.MaxTxSZ`).
    #[must_use]
    #[inline(always)]
    pub const fn max_txsz(&self) -> u64 {
        geometry::max_txsz(self.pe, self.granule)
    }

    /// The input address size in bits that TxSZ gives when it is kept within its bounds.
    #[must_use]
    #[inline(always)]
    pub fn ia_size(&self) -> u32 {
        64 - self.txsz().clamp(self.min_txsz(), self.max_txsz()) as u32
    }

    /// The shape of the tables.
    #[must_use]
    #[inline(always)]
    pub fn geometry(&self) -> Geometry {
        let ia_size = self.ia_size();
        let start = geometry::start_level(self.granule, self.d128, ia_size) + self.skl() as i8;
        let shape = Shape {
            granule: self.granule,
            ds: self.ds,
            d128: self.d128,
            ia_size,
            pa_max: self.pa_max,
            ps: self.ps(),
            no_contiguous: self.pnch(),
        };
        Geometry::new(self.pe, &shape, start)
    }

    /// How the base register holds the first table's address.
    #[must_use]
    #[inline(always)]
    pub const fn base_format(&self) -> BaseFormat {
        match (self.d128, self.regime) {
            (false, _) => BaseFormat::Bits64,
            (true, Regime::El3) => BaseFormat::Wide64,
            (true, _) => BaseFormat::Wide128,
        }
    }

    /// The most significant VA bit that is part of the address (`AArch64.AddrTop`).
    #[must_use]
    #[inline(always)]
    pub const fn addr_top(&self, fetch: bool) -> u32 {
        if self.tbi() && !(self.tbid() && fetch) { 55 } else { 63 }
    }
}
