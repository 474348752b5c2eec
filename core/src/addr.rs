//! Addresses, each kind a type of its own: a virtual address cannot be walked as a physical one by mistake.

use core::fmt;

/// A physical address space: which of the (up to four) copies of physical memory an access means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum PaSpace {
    /// Secure.
    Secure = 0,
    /// Non-secure.
    #[default]
    NonSecure = 1,
    /// Root (`FEAT_RME`).
    Root = 2,
    /// Realm (`FEAT_RME`).
    Realm = 3,
}

/// An output address of a stage: an address of at most 56 bits in a physical (or intermediate) address space.
/// `FullAddress` in the pseudocode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FullAddress {
    /// The address space.
    pub space: PaSpace,
    /// Byte address, bits 55:0.
    pub address: u64,
}

impl FullAddress {
    /// `address` in `space`.
    #[must_use]
    pub const fn new(space: PaSpace, address: u64) -> Self {
        Self { space, address }
    }
}

impl fmt::Display for FullAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x} ({})", self.address, self.space)
    }
}

impl fmt::Display for PaSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secure => "Secure",
            Self::NonSecure => "Non-secure",
            Self::Root => "Root",
            Self::Realm => "Realm",
        })
    }
}
