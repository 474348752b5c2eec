//! Parameters of granule protection checks.

use crate::feature::Feature;
use crate::layout::sysreg::{SysReg, gpccr_el3, gptbr_el3};
use crate::pe::Pe;

/// GPCCR_EL3 and GPTBR_EL3, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GpcParams {
    /// The configuration is neither reserved nor inconsistent (`GPCRegistersConsistent`).
    pub consistent: bool,
    /// Size of the protected physical address space, in bits.
    pub pps: u32,
    /// log2 of the granule size.
    pub granule: u32,
    /// log2 of what a level 0 entry covers.
    pub level0: u32,
    /// The level 0 table, as written.
    pub base: u64,
    /// GPI 8 (Secure) is valid: `FEAT_SEL2`.
    pub secure: bool,
}

impl GpcParams {
    /// The configuration, when checks are on.
    #[must_use]
    #[inline(always)]
    pub fn new(pe: &Pe) -> Option<Self> {
        let on = gpccr_el3::GPC.is_set(pe.regs.get(SysReg::GpccrEl3)) && pe.has(Feature::Rme);
        if on { Some(Self::of(pe)) } else { None }
    }

    #[cold]
    fn of(pe: &Pe) -> Self {
        let gpccr = pe.regs.get(SysReg::GpccrEl3);
        let pps = match gpccr_el3::PPS.get(gpccr) {
            0 => 32,
            1 => 36,
            2 => 40,
            3 => 42,
            4 => 44,
            5 => 48,
            _ => 52,
        };
        let granule = match gpccr_el3::PGS.get(gpccr) {
            0b00 => Some(12),
            0b10 => Some(14),
            0b01 => Some(16),
            _ => None,
        };
        // Reserved sizes count as the smallest.
        let level0 = match gpccr_el3::L0GPTSZ.get(gpccr) {
            4 => 34,
            6 => 36,
            9 => 39,
            _ => 30,
        };
        let sh = gpccr_el3::SH.get(gpccr);
        let non_cacheable = gpccr_el3::ORGN.get(gpccr) == 0 && gpccr_el3::IRGN.get(gpccr) == 0;
        let consistent = gpccr_el3::PPS.get(gpccr) != 0b111
            && pps <= pe.pa_max()
            && granule.is_some()
            && sh != 0b01
            && !(non_cacheable && sh != 0b10);
        Self {
            consistent,
            pps,
            granule: granule.unwrap_or(12),
            level0,
            base: gptbr_el3::BADDR.get(pe.regs.get(SysReg::GptbrEl3)) << 12,
            secure: pe.has(Feature::Sel2),
        }
    }
}
