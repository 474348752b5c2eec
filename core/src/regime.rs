//! Exception levels, security states and translation regimes.

use crate::addr::PaSpace;
use core::fmt;

/// A Security state (`SecurityState` in the pseudocode).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecurityState {
    /// Secure.
    Secure,
    /// Non-secure.
    NonSecure,
    /// Root: EL3 with `FEAT_RME`.
    Root,
    /// Realm (`FEAT_RME`).
    Realm,
}

impl SecurityState {
    /// The physical address space a translation in this state starts in.
    #[must_use]
    pub const fn pa_space(self) -> PaSpace {
        match self {
            Self::Secure => PaSpace::Secure,
            Self::NonSecure => PaSpace::NonSecure,
            Self::Root => PaSpace::Root,
            Self::Realm => PaSpace::Realm,
        }
    }
}

impl fmt::Display for SecurityState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pa_space().fmt(f)
    }
}

/// A stage-1 translation regime whose tables are AArch64 ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Regime {
    /// EL1&0: two VA ranges, and the only one with a stage 2.
    El10,
    /// EL2&0 (`HCR_EL2.E2H` = 1): two VA ranges.
    El20,
    /// EL2 (`HCR_EL2.E2H` = 0): one VA range.
    El2,
    /// EL3: one VA range.
    El3,
}

impl Regime {
    /// Whether the regime also translates EL0's accesses, and so has two VA ranges (`HasUnprivileged`).
    #[must_use]
    pub const fn has_unprivileged(self) -> bool {
        matches!(self, Self::El10 | Self::El20)
    }

    /// The manual's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::El10 => "EL1&0",
            Self::El20 => "EL2&0",
            Self::El2 => "EL2",
            Self::El3 => "EL3",
        }
    }
}

impl fmt::Display for Regime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A half of the VA space, chosen by VA bit 55 in the regimes that have two (`VARange`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VaRange {
    /// TTBR0's: bit 55 is 0, and the whole space of the EL2 and EL3 regimes.
    Lower,
    /// TTBR1's: bit 55 is 1.
    Upper,
}

/// A translation stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Stage 1: virtual address to intermediate (or, with no stage 2, physical) address.
    S1,
    /// Stage 2: intermediate physical address to physical address.
    S2,
}

/// A translation granule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Granule {
    /// 4 KB.
    K4,
    /// 16 KB.
    K16,
    /// 64 KB.
    K64,
}

impl Granule {
    /// log2 of the granule's size in bytes (`TGxGranuleBits`): 12, 14 or 16.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::K4 => 12,
            Self::K16 => 14,
            Self::K64 => 16,
        }
    }

    /// The usual name: `4K`, `16K`, `64K`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::K4 => "4K",
            Self::K16 => "16K",
            Self::K64 => "64K",
        }
    }
}
