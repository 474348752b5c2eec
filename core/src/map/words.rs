//! Descriptors as memory stores them, many at a time.

use core::iter::zip;

/// How a table stores its descriptors: of 128 bits, big-endian.
pub(super) trait Format {
    /// Doublewords in a descriptor.
    const WORDS: usize;
    /// The doubleword of a descriptor that holds its Valid bit, and that bit.
    const VALID: (usize, u64);

    /// The first descriptor.
    fn first(words: &[u64]) -> u128;
}

/// 64 bits, little-endian.
pub(super) struct Narrow;
/// 64 bits, big-endian.
pub(super) struct NarrowBig;
/// 128 bits, little-endian.
pub(super) struct Wide;
/// 128 bits, big-endian.
pub(super) struct WideBig;

/// The low bit of a doubleword whose bytes are swapped.
const SWAPPED: u64 = 1_u64.swap_bytes();

impl Format for Narrow {
    const WORDS: usize = 1;
    const VALID: (usize, u64) = (0, 1);

    #[inline(always)]
    fn first(words: &[u64]) -> u128 {
        words.first().copied().unwrap_or(0).into()
    }
}

impl Format for NarrowBig {
    const WORDS: usize = 1;
    const VALID: (usize, u64) = (0, SWAPPED);

    #[inline(always)]
    fn first(words: &[u64]) -> u128 {
        words.first().copied().unwrap_or(0).swap_bytes().into()
    }
}

impl Format for Wide {
    const WORDS: usize = 2;
    const VALID: (usize, u64) = (0, 1);

    #[inline(always)]
    fn first(words: &[u64]) -> u128 {
        match *words {
            [low, high, ..] => u128::from(high) << 64 | u128::from(low),
            _ => 0,
        }
    }
}

impl Format for WideBig {
    const WORDS: usize = 2;
    const VALID: (usize, u64) = (1, SWAPPED);

    #[inline(always)]
    fn first(words: &[u64]) -> u128 {
        Wide::first(words).swap_bytes()
    }
}

/// How many at a time: enough for the processor to compare them side by side.
const CHUNK: usize = 8;

/// How many invalid descriptors there are at the beginning.
#[inline]
pub(super) fn invalid<F: Format>(words: &[u64]) -> usize {
    let (which, valid) = F::VALID;
    let mut left = words;
    if F::WORDS == 1 {
        while let Some((chunk, rest)) = left.split_first_chunk::<CHUNK>() {
            if chunk.iter().fold(0, |all, word| all | word) & valid != 0 {
                break;
            }
            left = rest;
        }
    }
    let rest = left.chunks_exact(F::WORDS).take_while(|words| words.get(which).is_some_and(|word| word & valid == 0));
    (words.len() - left.len()) / F::WORDS + rest.count()
}

/// How many descriptors at the beginning are the first one, `descriptor`, with `size` added each time; at most `most`.
#[inline]
pub(super) fn alike<F: Format>(words: &[u64], descriptor: u128, size: u64, most: u64) -> usize {
    let words = &words[..words.len().min(usize::try_from(most).unwrap_or(usize::MAX).saturating_mul(F::WORDS))];
    let (mut expected, mut left) = (descriptor as u64, words);
    if F::VALID == Narrow::VALID && F::WORDS == 1 {
        while let Some((chunk, rest)) = left.split_first_chunk::<CHUNK>() {
            let differences = zip(chunk, 0..).map(|(word, step)| word ^ size.wrapping_mul(step).wrapping_add(expected));
            if differences.clone().fold(0, |all, difference| all | difference) != 0 {
                // Which is the first is found out without a branch for each.
                let differ =
                    zip(differences, 0..).fold(0, |bits, (differs, step)| bits | u32::from(differs != 0) << step);
                return words.len() - left.len() + differ.trailing_zeros() as usize;
            }
            expected = expected.wrapping_add(size.wrapping_mul(CHUNK as u64));
            left = rest;
        }
    }
    let expected = (descriptor & !u128::from(u64::MAX)) | u128::from(expected);
    let steps = left.chunks_exact(F::WORDS).zip(0_u64..);
    let is_next =
        |&(words, step): &(&[u64], u64)| F::first(words) == expected.wrapping_add(u128::from(size.wrapping_mul(step)));
    (words.len() - left.len()) / F::WORDS + steps.take_while(is_next).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn runs_end_where_they_do() {
        for length in 1..40 {
            let mut words: Vec<u64> = (0..length).map(|i| 0x4000_0703 + (i << 12)).collect();
            words.extend([0x4000_0703, 0, 0]);
            let most = |most| alike::<Narrow>(&words, 0x4000_0703, 0x1000, most);
            assert_eq!(
                (most(u64::MAX), most(length), most(3)),
                (length as usize, length as usize, 3.min(length as usize))
            );
            let big: Vec<u64> = words.iter().map(|word| word.swap_bytes()).collect();
            assert_eq!(alike::<NarrowBig>(&big, 0x4000_0703, 0x1000, u64::MAX), length as usize);
            let wide: Vec<u64> = words.iter().flat_map(|&word| [word, 7]).collect();
            assert_eq!(alike::<Wide>(&wide, 7 << 64 | 0x4000_0703, 0x1000, u64::MAX), length as usize);
            let wide: Vec<u64> = words.iter().flat_map(|&word| [7_u64.swap_bytes(), word.swap_bytes()]).collect();
            assert_eq!(alike::<WideBig>(&wide, 7 << 64 | 0x4000_0703, 0x1000, u64::MAX), length as usize);
        }
    }

    #[test]
    fn invalid_descriptors_are_counted() {
        for length in 0..40 {
            let mut words = [u64::MAX - 1].repeat(length);
            words.push(1);
            assert_eq!(invalid::<Narrow>(&words), length);
            let big: Vec<u64> = words.iter().map(|word| word.swap_bytes()).collect();
            assert_eq!(invalid::<NarrowBig>(&big), length);
            let wide: Vec<u64> = words.iter().flat_map(|&word| [word, 1]).collect();
            assert_eq!(invalid::<Wide>(&wide), length);
            let wide: Vec<u64> = words.iter().flat_map(|&word| [u64::MAX, word.swap_bytes()]).collect();
            assert_eq!(invalid::<WideBig>(&wide), length);
        }
    }
}
