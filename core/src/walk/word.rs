//! A descriptor in hand: fields by name, whichever of the two formats it has.

use crate::layout::Field;
use crate::layout::descriptor::{s1, s1_d128, s2, s2_d128};

/// A descriptor of 64 or 128 bits, in the regime's byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub bits: u128,
    /// 128 bits (`FEAT_D128`).
    pub wide: bool,
}

impl Word {
    /// A field that the formats keep in different places.
    #[inline(always)]
    const fn pick(self, narrow: Field, wide: Field) -> u64 {
        if self.wide { wide.get128(self.bits) } else { narrow.get(self.low()) }
    }

    /// Bits 63:0, where both formats keep AF, SH, nG, the dirty state and the low bits of the output address.
    #[inline(always)]
    pub const fn low(self) -> u64 {
        self.bits as u64
    }

    #[inline(always)]
    pub const fn with(self, mask: u64) -> Self {
        Self { bits: self.bits | mask as u128, ..self }
    }

    #[inline(always)]
    pub const fn without(self, mask: u64) -> Self {
        Self { bits: self.bits & !(mask as u128), ..self }
    }

    #[inline(always)]
    pub const fn is_set(self, narrow: Field, wide: Field) -> bool {
        self.pick(narrow, wide) != 0
    }

    /// AF, in the same place everywhere.
    #[inline(always)]
    pub const fn accessed(self) -> bool {
        s1::AF.is_set(self.low())
    }

    #[inline(always)]
    pub const fn s1_ns(self) -> bool {
        self.is_set(s1::NS, s1_d128::NS)
    }

    #[inline(always)]
    pub const fn s1_ns_table(self) -> bool {
        self.is_set(s1::NS_TABLE, s1_d128::NS_TABLE)
    }

    #[inline(always)]
    pub const fn s1_nse(self) -> bool {
        s1::NSE.is_set(self.low())
    }

    /// AttrIndx, four bits with AIE.
    #[inline(always)]
    pub const fn attr_index(self, aie: bool) -> u32 {
        let high = aie && self.is_set(s1::ATTR_INDX3, s1_d128::ATTR_INDX3);
        s1::ATTR_INDX.get(self.low()) as u32 | (high as u32) << 3
    }

    #[inline(always)]
    pub const fn s1_pi_index(self) -> u32 {
        (if self.wide { s1_d128::PI_INDEX.get128(self.bits) } else { s1::pi_index(self.low()) }) as u32
    }

    #[inline(always)]
    pub const fn s1_po_index(self) -> u32 {
        self.pick(s1::PO_INDEX, s1_d128::PO_INDEX) as u32
    }

    /// The Protected bit; a 64-bit descriptor has one only while PnCH takes Contiguous's place.
    #[inline(always)]
    pub const fn protected(self, pnch: bool) -> bool {
        if self.wide { s1_d128::PROTECTED.get128(self.bits) != 0 } else { pnch && s1::PROTECTED.is_set(self.low()) }
    }

    #[inline(always)]
    pub const fn disch(self) -> bool {
        self.wide && s1_d128::DISCH.get128(self.bits) != 0
    }

    #[inline(always)]
    pub const fn s2_ns(self) -> bool {
        self.is_set(s2::NS, s2_d128::NS)
    }

    #[inline(always)]
    pub const fn s2_pi_index(self) -> u32 {
        (if self.wide { s2_d128::PI_INDEX.get128(self.bits) } else { s2::pi_index(self.low()) }) as u32
    }

    #[inline(always)]
    pub const fn s2_po_index(self) -> u32 {
        self.pick(s2::PO_INDEX, s2_d128::PO_INDEX) as u32
    }

    /// The AssuredOnly bit; a 64-bit descriptor has one only where VTCR_EL2 says so.
    #[inline(always)]
    pub const fn assured_only(self, enabled: bool) -> bool {
        (self.wide || enabled) && self.is_set(s2::ASSURED_ONLY, s2_d128::ASSURED_ONLY)
    }
}
