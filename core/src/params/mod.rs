//! Translation parameters: what the registers say about one translation, decoded once (`S1TTWParams`, `S2TTWParams`).

mod geometry;
mod gpc;
mod s1;
mod s2;

pub use geometry::{BaseFormat, DescriptorType, FINAL_LEVEL, Geometry, Shape, Usual};
pub use gpc::GpcParams;
pub use s1::S1Params;
pub use s2::{S2Params, Stage2};

use crate::choice::Choice;
use crate::feature::Feature;
use crate::pe::Pe;
use crate::regime::Granule;

/// TCR_ELx.TG0, VTCR_EL2.TG0 and VSTCR_EL2.TG0 (`AArch64.S1DecodeTG0`).
const fn decode_tg0(pe: &Pe, tg0: u64) -> Granule {
    match tg0 {
        0b00 => Granule::K4,
        0b01 => Granule::K64,
        0b10 => Granule::K16,
        _ => reserved_granule(pe),
    }
}

/// TCR_ELx.TG1 (`AArch64.S1DecodeTG1`).
const fn decode_tg1(pe: &Pe, tg1: u64) -> Granule {
    match tg1 {
        0b10 => Granule::K4,
        0b11 => Granule::K64,
        0b01 => Granule::K16,
        _ => reserved_granule(pe),
    }
}

const fn reserved_granule(pe: &Pe) -> Granule {
    match pe.choices.get(Choice::ReservedTg) {
        1 => Granule::K16,
        2 => Granule::K64,
        _ => Granule::K4,
    }
}

/// The DS bit as it counts: 52-bit addresses with the 4K and 16K granules need `FEAT_LPA2`.
const fn effective_ds(pe: &Pe, granule: Granule, ds: bool) -> bool {
    ds && !matches!(granule, Granule::K64) && pe.has(Feature::Lpa2)
}
