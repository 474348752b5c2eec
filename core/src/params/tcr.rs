//! Where TCR_ELx keeps what one half of the VA space heeds.

use crate::layout::Field;
use crate::layout::sysreg::{hcr_el2, tcr_el1, tcr_el2};
use crate::regime::{Regime, VaRange};

/// Where a TCR keeps the fields of one VA range.
pub(super) struct TcrFields {
    pub t0sz: Field,
    pub tg: Field,
    pub irgn: Field,
    pub orgn: Field,
    pub sh: Field,
    pub tbi: Field,
    pub tbid: Field,
    pub hpd: Field,
    pub mtx: Field,
    pub ps: Field,
    pub ha: Field,
    pub hd: Field,
    pub ds: Field,
    /// EPD and E0PD, in a regime that has two.
    two_ranges: Option<(Field, Field)>,
}

/// TCR_EL1, and TCR_EL2 with E2H = 1: the range of TTBR0.
pub(super) const LOWER: TcrFields = TcrFields {
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

/// The fields of a TCR's value that count for a range, in the places of [`LOWER`].
#[inline(always)]
pub(super) const fn read(regime: Regime, range: VaRange, hcr: u64, tcr: u64) -> u64 {
    match (regime.has_unprivileged(), range) {
        (true, VaRange::Lower) => LOWER.read(tcr),
        (true, VaRange::Upper) => UPPER.read(tcr),
        (false, _) if matches!(regime, Regime::El2) && hcr_el2::E2H.is_set(hcr) => SINGLE_E2H.read(tcr),
        (false, _) => SINGLE.read(tcr),
    }
}

impl TcrFields {
    /// Inlined for each table, so that the places are constants, and fields that are moved by the same distance move
    /// together.
    #[inline(always)]
    const fn read(&self, tcr: u64) -> u64 {
        let read = LOWER.t0sz.set(0, self.t0sz.get(tcr));
        let read = LOWER.tg.set(read, self.tg.get(tcr));
        let read = LOWER.irgn.set(read, self.irgn.get(tcr));
        let read = LOWER.orgn.set(read, self.orgn.get(tcr));
        let read = LOWER.sh.set(read, self.sh.get(tcr));
        let read = LOWER.tbi.set(read, self.tbi.get(tcr));
        let read = LOWER.tbid.set(read, self.tbid.get(tcr));
        let read = LOWER.hpd.set(read, self.hpd.get(tcr));
        let read = LOWER.mtx.set(read, self.mtx.get(tcr));
        let read = LOWER.ps.set(read, self.ps.get(tcr));
        let read = LOWER.ha.set(read, self.ha.get(tcr));
        let read = LOWER.hd.set(read, self.hd.get(tcr));
        let read = LOWER.ds.set(read, self.ds.get(tcr));
        match self.two_ranges {
            Some((epd, e0pd)) => tcr_el1::E0PD0.set(tcr_el1::EPD0.set(read, epd.get(tcr)), e0pd.get(tcr)),
            None => read,
        }
    }
}
