//! Bit ranges, written as the manual writes them: `bits(value, high, low)` is `value<high:low>`.

/// A mask of the bits `high..=low`. Empty when `high < low`; bits from 64 up do not exist.
#[must_use]
#[inline(always)]
pub const fn mask(high: u32, low: u32) -> u64 {
    if high < low || low > 63 {
        return 0;
    }
    let above = if high >= 63 { u64::MAX } else { (1 << (high + 1)) - 1 };
    above & (u64::MAX << low)
}

/// `value<high:low>`, shifted down to bit 0.
#[must_use]
#[inline(always)]
pub const fn bits(value: u64, high: u32, low: u32) -> u64 {
    if low > 63 || high < low { 0 } else { value >> low & mask(high - low, 0) }
}

/// `value<n>`.
#[must_use]
#[inline(always)]
pub const fn bit(value: u64, n: u32) -> bool {
    n < 64 && value >> n & 1 == 1
}

/// `value` with its low `n` bits cleared: the largest multiple of 2^n not above it.
#[must_use]
#[inline(always)]
pub const fn align_down(value: u64, n: u32) -> u64 {
    if n > 63 { 0 } else { value & (u64::MAX << n) }
}

/// What some bits of a word must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The bits.
    pub mask: u64,
    /// Their values.
    pub value: u64,
}

impl Pattern {
    /// No word is like that.
    pub const NONE: Self = Self { mask: 0, value: u64::MAX };

    /// Whether a word is like that.
    #[must_use]
    #[inline(always)]
    pub const fn matches(self, word: u64) -> bool {
        word & self.mask == self.value
    }

    /// A word that [matches](Self::matches), with what that means said in constants, for the compiler to see.
    #[must_use]
    #[inline(always)]
    pub const fn applied(self, word: u64) -> u64 {
        word & !self.mask | self.value
    }

    /// A word is like both, which do not contradict each other.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { mask: self.mask | other.mask, value: self.value | other.value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_cover_the_whole_word_and_nothing_outside_it() {
        assert_eq!(mask(63, 0), u64::MAX);
        assert_eq!(mask(47, 12), 0x0000_ffff_ffff_f000);
        assert_eq!(mask(3, 4), 0);
        assert_eq!(mask(70, 60), 0xf000_0000_0000_0000);
        assert_eq!(mask(70, 64), 0);
    }

    #[test]
    fn ranges_shift_down() {
        assert_eq!(bits(0x1234_5678, 15, 8), 0x56);
        assert_eq!(bits(u64::MAX, 63, 63), 1);
        assert_eq!(bits(u64::MAX, 64, 64), 0);
        assert!(bit(1 << 63, 63) && !bit(u64::MAX, 64));
        assert_eq!(align_down(0x1fff, 12), 0x1000);
        assert_eq!(align_down(u64::MAX, 64), 0);
    }
}
