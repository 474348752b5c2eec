//! A leaf of stage 1, as far as those that translate by it mind.

use crate::addr::{FullAddress, PaSpace};
use crate::outcome::AddressDescriptor;
use crate::walk::{AttrBits, Context};

/// Where a leaf that permits the access maps an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mapped {
    pub address: FullAddress,
    /// What decides the memory attributes.
    pub attrs: AttrBits,
    /// The mapping is assured (`FEAT_THE`).
    pub assured: bool,
    /// Memory encryption context.
    pub mecid: u16,
}

/// The same of the usual walk, where everything else is always the same.
#[derive(Clone, Copy, Debug)]
pub(in crate::walk) struct Plain {
    pub address: u64,
    pub attrs: AttrBits,
}

impl From<Plain> for Mapped {
    #[inline(always)]
    fn from(Plain { address, attrs }: Plain) -> Self {
        Self { address: FullAddress::new(PaSpace::NonSecure, address), attrs, assured: false, mecid: 0 }
    }
}

impl Mapped {
    #[inline(always)]
    pub(super) const fn plain(self) -> Plain {
        Plain { address: self.address.address, attrs: self.attrs }
    }

    /// The output with its memory attributes.
    #[inline(always)]
    pub fn describe(&self, context: &Context<'_>) -> AddressDescriptor {
        let Self { address, attrs, assured, mecid } = *self;
        let attrs = context.s1_attrs(attrs);
        AddressDescriptor { address, attrs, s1assured: assured, s2fs1mro: false, mecid }
    }
}
