//! Translation parameters: what the registers say about one translation, decoded once (`S1TTWParams`, `S2TTWParams`).

mod controls;
mod geometry;
mod gpc;
mod mec;
mod s1;
mod s2;
mod tags;
mod tcr;
pub mod virtual_el2;

pub use controls::Controls;
pub use geometry::{BaseFormat, DescriptorType, FINAL_LEVEL, Geometry, Index, Shape};
pub use gpc::GpcParams;
pub use mec::MecParams;
pub use s1::S1Params;
pub use s2::{S2Params, Stage2};
pub use tags::Tags;

use crate::choice::Choice;
use crate::feature::{Feature, Features};
use crate::pe::Pe;
use crate::regime::Granule;

/// TG0 and TG1 of the 4K granule.
const TG0_4K: u64 = 0b00;
const TG1_4K: u64 = 0b10;

/// TCR_ELx.TG0, VTCR_EL2.TG0 and VSTCR_EL2.TG0 (`AArch64.S1DecodeTG0`, `AArch64.S2DecodeTG0`).
#[inline(always)]
const fn decode_tg0(pe: &Pe, tg0: u64) -> Granule {
    match tg0 {
        TG0_4K => implemented(pe, Granule::K4),
        0b01 => implemented(pe, Granule::K64),
        0b10 => implemented(pe, Granule::K16),
        _ => reserved_granule(pe),
    }
}

/// TCR_ELx.TG1 (`AArch64.S1DecodeTG1`).
#[inline(always)]
const fn decode_tg1(pe: &Pe, tg1: u64) -> Granule {
    match tg1 {
        TG1_4K => implemented(pe, Granule::K4),
        0b11 => implemented(pe, Granule::K64),
        0b01 => implemented(pe, Granule::K16),
        _ => reserved_granule(pe),
    }
}

/// A granule, or what selecting it selects where it is not implemented.
#[inline(always)]
const fn implemented(pe: &Pe, granule: Granule) -> Granule {
    let feature = match granule {
        Granule::K4 => Feature::Tgran4k,
        Granule::K16 => Feature::Tgran16k,
        Granule::K64 => Feature::Tgran64k,
    };
    if pe.has(feature) { granule } else { reserved_granule(pe) }
}

const fn reserved_granule(pe: &Pe) -> Granule {
    match pe.choices.get(Choice::ReservedTg) {
        1 => Granule::K16,
        2 => Granule::K64,
        _ => Granule::K4,
    }
}

/// The DS bit as it counts: 52-bit addresses with the 4K and 16K granules need `FEAT_LPA2`.
const fn effective_ds(features: Features, granule: Granule, ds: bool) -> bool {
    ds && !matches!(granule, Granule::K64) && features.has(Feature::Lpa2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_granule_that_is_not_implemented_selects_the_chosen_one() {
        let mut pe = Pe::default();
        assert_eq!(
            [0, 1, 2, 3].map(|tg0| decode_tg0(&pe, tg0)),
            [Granule::K4, Granule::K64, Granule::K16, Granule::K4]
        );
        assert_eq!(
            [2, 3, 1, 0].map(|tg1| decode_tg1(&pe, tg1)),
            [Granule::K4, Granule::K64, Granule::K16, Granule::K4]
        );
        pe.features = pe.features.without(Feature::Tgran16k);
        assert_eq!((decode_tg0(&pe, 2), decode_tg1(&pe, 1)), (Granule::K4, Granule::K4));
        pe.choices = pe.choices.with(Choice::ReservedTg, 2);
        assert_eq!(
            (decode_tg0(&pe, 2), decode_tg0(&pe, 3), decode_tg0(&pe, 0)),
            (Granule::K64, Granule::K64, Granule::K4)
        );
    }
}
