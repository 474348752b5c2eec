//! Stage-2 parameters.

use super::{Geometry, decode_tg0, effective_ds, geometry};
use crate::feature::Feature;
use crate::layout::sysreg::{SysReg, hcr_el2, sctlr_el2, vtcr_el2};
use crate::pe::Pe;
use crate::regime::Granule;

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
    /// VTTBR_EL2.
    pub vttbr: u64,
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
    /// HCR_EL2.CD: data accesses are Non-cacheable.
    pub cd: bool,
    /// HCR_EL2.ID: instruction fetches are Non-cacheable.
    pub id: bool,
    /// Execute-never distinguishes EL1 and EL0 (`FEAT_XNX`).
    pub xnx: bool,
}

impl S2Params {
    /// The parameters of stage 2 (`AArch64.NSS2TTWParams`).
    #[must_use]
    pub fn new(pe: &Pe) -> Self {
        let (hcr, vtcr) = (pe.hcr(), pe.regs.get(SysReg::VtcrEl2));
        let granule = decode_tg0(pe, vtcr_el2::TG0.get(vtcr));
        let ds = vtcr_el2::DS.is_set(vtcr);
        Self {
            enabled: hcr_el2::VM.is_set(hcr) || hcr_el2::DC.is_set(hcr),
            granule,
            t0sz: vtcr_el2::T0SZ.get(vtcr),
            sl0: vtcr_el2::SL0.get(vtcr),
            sl2: granule == Granule::K4 && pe.has(Feature::Lpa2) && ds && vtcr_el2::SL2.is_set(vtcr),
            ps: vtcr_el2::PS.get(vtcr),
            vttbr: pe.regs.get(SysReg::VttbrEl2),
            irgn: vtcr_el2::IRGN0.get(vtcr),
            orgn: vtcr_el2::ORGN0.get(vtcr),
            sh: vtcr_el2::SH0.get(vtcr),
            ee: sctlr_el2::EE.is_set(pe.regs.get(SysReg::SctlrEl2)),
            ptw: hcr_el2::PTW.is_set(hcr) && !hcr_el2::TGE.is_set(hcr),
            fwb: pe.has(Feature::S2fwb) && hcr_el2::FWB.is_set(hcr),
            ha: pe.has(Feature::Hafdbs) && vtcr_el2::HA.is_set(vtcr),
            hd: pe.has(Feature::Hafdbs) && vtcr_el2::HD.is_set(vtcr),
            ds: effective_ds(pe, granule, ds),
            cd: hcr_el2::CD.is_set(hcr),
            id: hcr_el2::ID.is_set(hcr),
            xnx: pe.has(Feature::Xnx),
        }
    }

    /// The smallest T0SZ (`AArch64.S2MinTxSZ`), for 64-bit descriptors and an AArch64 EL1.
    #[must_use]
    pub fn min_txsz(&self, pe: &Pe) -> u64 {
        let narrow = pe.has(Feature::Lpa) && self.granule != Granule::K64 && !self.ds;
        64 - u64::from(pe.pa_max()).min(if narrow { 48 } else { 52 })
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

    /// The level SL2 and SL0 name (`AArch64.S2StartLevel`), `None` where they name none or one that is not implemented
    /// (`AArch64.S2InvalidSL`).
    #[must_use]
    pub const fn start_level(&self, pe: &Pe) -> Option<i8> {
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
        let stride = geometry::stride(self.granule);
        let levels = u32::from((geometry::FINAL_LEVEL - start_level).unsigned_abs());
        let least = levels * stride + self.granule.bits() + 1;
        (least..=least + stride - 1 + 4).contains(&self.ia_size(pe))
    }

    /// The shape of the tables, from a start level.
    #[must_use]
    pub fn geometry(&self, pe: &Pe, start_level: i8) -> Geometry {
        Geometry::new(pe, self.granule, self.ds, self.ia_size(pe), self.ps, start_level)
    }
}
