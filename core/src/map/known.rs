//! What kinds of leaf come to, asked once for each.

use super::Kind;
use crate::addr::PaSpace;
use alloc::boxed::Box;

/// What the leaves of a kind come to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// Nothing where they fault.
    pub found: Option<(Kind, PaSpace)>,
    /// The bits of the output address that descriptors hold elsewhere than in place, and so all of them alike.
    pub base: u64,
    /// The bits of the address that tell the members of a contiguous set apart.
    pub members: u64,
    /// A number that nothing else has that was asked.
    pub number: u64,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The descriptor without its address.
    bits: u128,
    /// The path and the level it is about.
    place: u64,
    known: Known,
}

const SLOTS: usize = 64;
const EMPTY: Slot = Slot { bits: 0, place: 0, known: Known { found: None, base: 0, members: 0, number: 0 } };

/// A small memory: a kind may push another one out.
#[derive(Debug)]
pub(super) struct Kinds {
    slots: Box<[Slot; SLOTS]>,
    /// How many paths there have been, from 1 on.
    paths: u64,
    number: u64,
}

impl Kinds {
    /// Numbers kinds from `number` on.
    pub fn new(number: u64) -> Self {
        Self { slots: Box::new([EMPTY; SLOTS]), paths: 1, number }
    }

    /// Forgets everything: the path is another one.
    pub const fn forget(&mut self) {
        self.paths = self.paths.wrapping_add(1);
    }

    /// A number for something new.
    pub const fn number(&mut self) -> u64 {
        self.number = self.number.wrapping_add(1);
        self.number
    }

    #[inline(always)]
    const fn place(&self, level: i8) -> u64 {
        self.paths << 4 | (level as u64 & 0xf)
    }

    /// What leaves at `level` with these bits besides their address come to, if it is known.
    #[inline(always)]
    pub fn get(&self, bits: u128, level: i8) -> Option<&Known> {
        let slot = &self.slots[index(bits)];
        (slot.bits == bits && slot.place == self.place(level)).then_some(&slot.known)
    }

    /// Learns it.
    pub fn learn(&mut self, bits: u128, level: i8, known: Known) {
        self.slots[index(bits)] = Slot { bits, place: self.place(level), known };
    }
}

#[inline(always)]
const fn index(bits: u128) -> usize {
    let mixed = (bits as u64 ^ (bits >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 58) as usize % SLOTS
}
