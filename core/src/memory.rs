//! Sparse physical memory: doublewords that read 0 until written, and ranges that abort.

use crate::bits::{align_down, bits};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;

/// The memory system's answer to a descriptor access: the descriptor as stored, least significant byte first, or an
/// External abort.
pub type Reply = Result<u128, ExternalAbort>;

/// A synchronous External abort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExternalAbort;

/// Physical memory to read descriptors from.
pub trait Physical {
    /// The descriptor of 64 bits (`wide`: of 128) at `address`, which is a multiple of its size.
    ///
    /// # Errors
    /// [`ExternalAbort`] where the memory system gives no answer.
    fn read(&self, address: u64, wide: bool) -> Reply;

    /// The doublewords that lie side by side in storage from `address` on, at most `most` of them: a table in one
    /// piece, where it is in one. Empty where there is nothing to lend, or a read would abort.
    fn words(&self, address: u64, most: usize) -> &[u64] {
        let _ = (address, most);
        &[]
    }
}

const LINE_WORDS: usize = 8;
type Line = [u64; LINE_WORDS];

/// Physical memory, in 64-bit words stored least significant byte first.
///
/// The physical address spaces share it: what tells them apart is the granule protection check, not storage.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    lines: BTreeMap<u64, Box<Line>>,
    abort: Option<(u64, u64)>,
}

impl Memory {
    /// Memory that reads 0 everywhere.
    #[must_use]
    pub const fn new() -> Self {
        Self { lines: BTreeMap::new(), abort: None }
    }

    /// Makes descriptor accesses that touch `low..=high` abort.
    pub const fn set_abort(&mut self, range: Option<(u64, u64)>) {
        self.abort = range;
    }

    /// The range that aborts, inclusive.
    #[must_use]
    pub const fn abort(&self) -> Option<(u64, u64)> {
        self.abort
    }

    /// The doubleword (`wide`: the two doublewords) at `address`, rounded down to a multiple of 8, as a walk reads it.
    ///
    /// # Errors
    /// [`ExternalAbort`] where it touches the aborting range.
    pub fn read(&self, address: u64, wide: bool) -> Reply {
        let last = address | if wide { 15 } else { 7 };
        match self.abort {
            Some((low, high)) if align_down(address, 3) <= high && last >= low => Err(ExternalAbort),
            _ if wide => Ok(u128::from(self.word(address | 8)) << 64 | u128::from(self.word(address))),
            _ => Ok(u128::from(self.word(address))),
        }
    }

    /// The doubleword at `address`, whether or not a walk could read it.
    #[must_use]
    pub fn word(&self, address: u64) -> u64 {
        self.lines.get(&(address >> 6)).map_or(0, |line| line[slot(address)])
    }

    /// Stores a doubleword at `address`, rounded down to a multiple of 8.
    pub fn write(&mut self, address: u64, word: u64) {
        self.lines.entry(address >> 6).or_default()[slot(address)] = word;
    }

    /// Every doubleword that is not 0, in address order.
    pub fn words(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.lines.iter().flat_map(|(&line, words)| {
            words
                .iter()
                .enumerate()
                .filter(|(_, word)| **word != 0)
                .map(move |(i, &word)| (line << 6 | (i as u64) << 3, word))
        })
    }
}

/// What was never written is lent from here.
static ZEROS: [u64; 512] = [0; 512];

impl Physical for Memory {
    fn read(&self, address: u64, wide: bool) -> Reply {
        Self::read(self, address, wide)
    }

    /// The rest of a line, or zeros up to the next line. A line that the aborting range touches is not lent.
    fn words(&self, address: u64, most: usize) -> &[u64] {
        let line = address >> 6;
        let held: &[u64] = match self.lines.range(line..).next() {
            Some((&at, words)) if at == line => &words[slot(address)..],
            Some((&at, _)) => {
                &ZEROS[..ZEROS.len().min(usize::try_from((at << 3) - (address >> 3)).unwrap_or(usize::MAX))]
            }
            None => &ZEROS,
        };
        let held = &held[..held.len().min(most)];
        let end = address.saturating_add(8 * held.len() as u64);
        match self.abort {
            Some((low, high)) if align_down(address, 6) <= high && end | 63 >= low => &[],
            _ => held,
        }
    }
}

/// Equal memories read alike: a word written as 0 is a word never written.
impl PartialEq for Memory {
    fn eq(&self, other: &Self) -> bool {
        self.abort == other.abort && self.words().eq(other.words())
    }
}

impl Eq for Memory {}

impl FromIterator<(u64, u64)> for Memory {
    fn from_iter<I: IntoIterator<Item = (u64, u64)>>(words: I) -> Self {
        let mut memory = Self::new();
        for (address, word) in words {
            memory.write(address, word);
        }
        memory
    }
}

const fn slot(address: u64) -> usize {
    bits(address, 5, 3) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_and_the_rest_is_zero() {
        let memory: Memory = [(0x1000, 7), (!7, 9), (0x1008, 0)].into_iter().collect();
        assert_eq!(memory.read(0x1003, false), Ok(7));
        assert_eq!(memory.read(0x1010, false), Ok(0));
        assert_eq!(memory.words().collect::<alloc::vec::Vec<_>>(), [(0x1000, 7), (!7, 9)]);
    }

    #[test]
    fn memories_that_read_alike_are_equal() {
        let mut memory = Memory::new();
        memory.write(0x1000, 0);
        assert_eq!(memory, Memory::new());
        memory.write(0x1000, 1);
        assert_ne!(memory, Memory::new());
    }

    #[test]
    fn any_touched_byte_of_the_range_aborts() {
        let mut memory = Memory::new();
        memory.set_abort(Some((0x1004, 0x100b)));
        assert_eq!(memory.read(0xff8, false), Ok(0));
        assert_eq!(memory.read(0x1000, false), Err(ExternalAbort));
        assert_eq!(memory.read(0xff0, true), Ok(0));
        assert_eq!(memory.read(0x1008, false), Err(ExternalAbort));
        assert_eq!(memory.read(0x1010, false), Ok(0));
    }
}
