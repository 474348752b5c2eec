//! A world whose writes stay beside memory, so that many questions can be asked of one memory that none of them
//! changes.

use crate::bits::align_down;
use crate::env::{Env, Fetch};
use crate::memory::{Memory, Reply};
use alloc::vec::Vec;
use core::convert::Infallible;

pub(super) struct Overlay<'a> {
    memory: &'a Memory,
    pub(super) reads: u32,
    /// In order; the last write to an address counts.
    pub(super) writes: Vec<(u64, u64)>,
}

impl<'a> Overlay<'a> {
    pub(super) const fn new(memory: &'a Memory) -> Self {
        Self { memory, reads: 0, writes: Vec::new() }
    }
}

impl Env for Overlay<'_> {
    type Stop = Infallible;

    fn read(&mut self, fetch: Fetch) -> Result<Reply, Infallible> {
        self.reads = self.reads.saturating_add(1);
        let first = align_down(fetch.address.address, 3);
        Ok(self.memory.read(first, fetch.wide).map(|stored| {
            let word = |address: u64, stored: u128| {
                let written = self.writes.iter().rev().find(|(place, _)| *place == address);
                written.map_or(stored & u128::from(u64::MAX), |(_, word)| u128::from(*word))
            };
            let low = word(first, stored);
            if fetch.wide { word(first | 8, stored >> 64) << 64 | low } else { low }
        }))
    }

    fn compare_and_swap(&mut self, fetch: Fetch, expected: u128, new: u128) -> Result<Reply, Infallible> {
        let found = self.read(fetch)?;
        if found == Ok(expected) {
            self.writes.extend(fetch.words(new).map(|(address, word)| (align_down(address, 3), word)));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::{FullAddress, PaSpace};
    use crate::memory::ExternalAbort;
    use crate::step::Place;

    #[test]
    fn writes_are_seen_again_and_leave_memory_alone() {
        let mut memory: Memory = [(0x1000, 5)].into_iter().collect();
        memory.set_abort(Some((0x2000, 0x2fff)));
        let before = memory.clone();
        let mut world = Overlay::new(&memory);
        let fetch =
            |address| Fetch { address: FullAddress::new(PaSpace::NonSecure, address), place: Place::S1, wide: false };
        assert_eq!(world.compare_and_swap(fetch(0x1000), 4, 9), Ok(Ok(5)), "the swap is refused");
        assert_eq!(world.compare_and_swap(fetch(0x1000), 5, 6), Ok(Ok(5)));
        assert_eq!(world.compare_and_swap(fetch(0x1000), 6, 7), Ok(Ok(6)));
        assert_eq!(world.read(fetch(0x1000)), Ok(Ok(7)));
        assert_eq!(world.compare_and_swap(fetch(0x2000), 0, 1), Ok(Err(ExternalAbort)));
        assert_eq!((world.reads, world.writes), (5, alloc::vec![(0x1000, 6), (0x1000, 7)]));
        assert_eq!(memory, before);
    }
}
