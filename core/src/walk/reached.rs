//! A leaf of stage 2, as far as those that translate by it mind.

use crate::addr::{FullAddress, PaSpace};
use crate::bits::bits;
use crate::layout::descriptor;

/// A leaf that permits the access.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    pub address: FullAddress,
    /// The address space of the IPA.
    pub ipa_space: PaSpace,
    /// Bits 63:0 of the leaf, where its memory attributes are.
    pub low: u64,
    /// Only the MMU may write to the output.
    pub mro: bool,
    /// Memory encryption context.
    pub mecid: u16,
}

/// The same of the usual walk, where everything else is always the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain {
    pub address: u64,
    pub low: u64,
}

impl From<Plain> for Reached {
    #[inline(always)]
    fn from(Plain { address, low }: Plain) -> Self {
        let space = PaSpace::NonSecure;
        Self { address: FullAddress::new(space, address), ipa_space: space, low, mro: false, mecid: 0 }
    }
}

impl Reached {
    /// What of it is not always the same in the usual walk.
    #[inline(always)]
    pub const fn plain(self) -> Plain {
        Plain { address: self.address.address, low: self.low }
    }

    /// What an address is without a stage 2: where it was.
    pub const fn unmoved(address: FullAddress) -> Self {
        Self { address, ipa_space: address.space, low: 0, mro: false, mecid: 0 }
    }

    /// How many combinations there are of what decides memory attributes.
    pub const ATTRS: usize = 128;

    /// Bits 11:2 of the leaf, among which is what decides memory attributes.
    #[inline(always)]
    pub const fn attr_bits(self) -> u32 {
        bits(self.low, 11, 2) as u32
    }

    /// What decides memory attributes: MemAttr in bits 3:0, SH in bits 5:4, FnXS in bit 6.
    pub const fn attrs(self) -> usize {
        use descriptor::s2::{FNXS, MEM_ATTR, SH};
        (MEM_ATTR.get(self.low) | SH.get(self.low) << 4 | FNXS.get(self.low) << 6) as usize
    }

    /// The bits of a leaf with these [`Reached::attrs`].
    pub const fn bits(attrs: usize) -> u64 {
        use descriptor::s2::{FNXS, MEM_ATTR, SH};
        let attrs = attrs as u64;
        FNXS.set(SH.set(MEM_ATTR.set(0, attrs), attrs >> 4), attrs >> 6)
    }
}
