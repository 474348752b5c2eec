//! A descriptor in hand: fields by name, whichever of the two formats it has.

use crate::layout::Field;
use crate::layout::descriptor::{s1, s1_d128, s2, s2_d128};
use crate::params::{DescriptorType, Geometry};

/// A descriptor in the regime's byte order: of 64 bits, or of 128 (`FEAT_D128`). The walk is compiled for either.
pub(super) trait Word: Copy + Eq {
    /// 128 bits.
    const WIDE: bool;

    /// The descriptor in bits of memory, least significant byte first unless `big_endian`.
    fn from_memory(bits: u128, big_endian: bool) -> Self;

    /// The same, back.
    fn to_memory(self, big_endian: bool) -> u128 {
        Self::from_memory(self.bits(), big_endian).bits()
    }

    /// All bits.
    fn bits(self) -> u128;

    /// Bits 63:0, where both formats keep AF, SH, nG, the dirty state and the low bits of the output address.
    fn low(self) -> u64;

    /// The descriptor with the bits of `mask` set.
    fn with(self, mask: u64) -> Self;

    /// The descriptor with the bits of `mask` clear.
    fn without(self, mask: u64) -> Self;

    /// A field that the formats keep in different places.
    fn pick(self, narrow: Field, wide: Field) -> u64;

    /// What it is at its level.
    fn kind(self, geometry: &Geometry, level: i8) -> DescriptorType;

    #[inline(always)]
    fn is_set(self, narrow: Field, wide: Field) -> bool {
        self.pick(narrow, wide) != 0
    }

    /// AF, in the same place everywhere.
    #[inline(always)]
    fn accessed(self) -> bool {
        s1::AF.is_set(self.low())
    }

    /// The Contiguous bit.
    #[inline(always)]
    fn contiguous(self) -> bool {
        self.is_set(s1::CONTIGUOUS, s1_d128::CONTIGUOUS)
    }

    #[inline(always)]
    fn s1_ns(self) -> bool {
        self.is_set(s1::NS, s1_d128::NS)
    }

    #[inline(always)]
    fn s1_ns_table(self) -> bool {
        self.is_set(s1::NS_TABLE, s1_d128::NS_TABLE)
    }

    #[inline(always)]
    fn s1_nse(self) -> bool {
        s1::NSE.is_set(self.low())
    }

    /// The fourth bit of AttrIndx, which counts with AIE.
    #[inline(always)]
    fn attr_index3(self) -> bool {
        self.is_set(s1::ATTR_INDX3, s1_d128::ATTR_INDX3)
    }

    #[inline(always)]
    fn s1_pi_index(self) -> u32 {
        (if Self::WIDE { s1_d128::PI_INDEX.get128(self.bits()) } else { s1::pi_index(self.low()) }) as u32
    }

    #[inline(always)]
    fn s1_po_index(self) -> u32 {
        self.pick(s1::PO_INDEX, s1_d128::PO_INDEX) as u32
    }

    /// The Protected bit; a 64-bit descriptor has one only while PnCH takes Contiguous's place.
    #[inline(always)]
    fn protected(self, pnch: bool) -> bool {
        (Self::WIDE || pnch) && self.is_set(s1::PROTECTED, s1_d128::PROTECTED)
    }

    #[inline(always)]
    fn disch(self) -> bool {
        Self::WIDE && s1_d128::DISCH.get128(self.bits()) != 0
    }

    /// AMEC, in the same place in both stages.
    #[inline(always)]
    fn amec(self) -> bool {
        self.is_set(s1::AMEC, s1_d128::AMEC)
    }

    #[inline(always)]
    fn s2_ns(self) -> bool {
        self.is_set(s2::NS, s2_d128::NS)
    }

    #[inline(always)]
    fn s2_pi_index(self) -> u32 {
        (if Self::WIDE { s2_d128::PI_INDEX.get128(self.bits()) } else { s2::pi_index(self.low()) }) as u32
    }

    #[inline(always)]
    fn s2_po_index(self) -> u32 {
        self.pick(s2::PO_INDEX, s2_d128::PO_INDEX) as u32
    }

    /// The AssuredOnly bit; a 64-bit descriptor has one only where VTCR_EL2 says so.
    #[inline(always)]
    fn assured_only(self, enabled: bool) -> bool {
        (Self::WIDE || enabled) && self.is_set(s2::ASSURED_ONLY, s2_d128::ASSURED_ONLY)
    }
}

impl Word for u64 {
    const WIDE: bool = false;

    #[inline(always)]
    fn from_memory(bits: u128, big_endian: bool) -> Self {
        if big_endian { (bits as Self).swap_bytes() } else { bits as Self }
    }

    #[inline(always)]
    fn bits(self) -> u128 {
        self.into()
    }

    #[inline(always)]
    fn low(self) -> u64 {
        self
    }

    #[inline(always)]
    fn with(self, mask: u64) -> Self {
        self | mask
    }

    #[inline(always)]
    fn without(self, mask: u64) -> Self {
        self & !mask
    }

    #[inline(always)]
    fn pick(self, narrow: Field, _wide: Field) -> u64 {
        narrow.get(self)
    }

    #[inline(always)]
    fn kind(self, geometry: &Geometry, level: i8) -> DescriptorType {
        geometry.narrow_type(self, level)
    }
}

impl Word for u128 {
    const WIDE: bool = true;

    #[inline(always)]
    fn from_memory(bits: u128, big_endian: bool) -> Self {
        if big_endian { bits.swap_bytes() } else { bits }
    }

    #[inline(always)]
    fn bits(self) -> u128 {
        self
    }

    #[inline(always)]
    fn low(self) -> u64 {
        self as u64
    }

    #[inline(always)]
    fn with(self, mask: u64) -> Self {
        self | Self::from(mask)
    }

    #[inline(always)]
    fn without(self, mask: u64) -> Self {
        self & !Self::from(mask)
    }

    #[inline(always)]
    fn pick(self, _narrow: Field, wide: Field) -> u64 {
        wide.get128(self)
    }

    #[inline(always)]
    fn kind(self, geometry: &Geometry, level: i8) -> DescriptorType {
        geometry.wide_type(self, level)
    }
}
