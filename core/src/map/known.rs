//! What kinds of leaf come to, asked once for each.

use super::Kind;
use crate::addr::PaSpace;
use alloc::boxed::Box;

/// What tells one kind of leaf from another on the same path: the level, and the descriptor without its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub bits: u128,
    pub level: i8,
}

/// What the leaves of a key come to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// Nothing where they fault.
    pub found: Option<(Kind, PaSpace)>,
    /// Their Contiguous bit counts.
    pub contiguous: bool,
    /// A number that nothing else has that was asked.
    pub number: u64,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The path it is about, counted from 1.
    path: u64,
    key: Key,
    known: Known,
}

const SLOTS: usize = 64;
const EMPTY: Slot =
    Slot { path: 0, key: Key { bits: 0, level: 0 }, known: Known { found: None, contiguous: false, number: 0 } };

/// A small memory: a kind may push another one out.
#[derive(Debug)]
pub(super) struct Kinds {
    slots: Box<[Slot; SLOTS]>,
    path: u64,
    number: u64,
}

impl Kinds {
    /// Numbers kinds from `number` on.
    pub fn new(number: u64) -> Self {
        Self { slots: Box::new([EMPTY; SLOTS]), path: 1, number }
    }

    /// Forgets everything: the path is another one.
    pub const fn forget(&mut self) {
        self.path = self.path.wrapping_add(1);
    }

    /// A number for something new.
    pub const fn number(&mut self) -> u64 {
        self.number = self.number.wrapping_add(1);
        self.number
    }

    /// What leaves of this key come to, asked if it is not known.
    #[inline(always)]
    pub fn of(&mut self, key: Key, ask: impl FnOnce() -> Option<(Kind, PaSpace)>) -> &Known {
        let mixed = (key.bits as u64 ^ (key.bits >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let index = (mixed >> 58) as usize % SLOTS;
        let slot = &self.slots[index];
        if slot.path != self.path || slot.key != key {
            let number = self.number();
            self.slots[index] = Slot { path: self.path, key, known: learn(number, ask) };
        }
        &self.slots[index].known
    }
}

#[cold]
#[inline(never)]
fn learn(number: u64, ask: impl FnOnce() -> Option<(Kind, PaSpace)>) -> Known {
    let found = ask();
    let leaf = found.and_then(|(kind, _)| kind.stage1.or(kind.stage2));
    Known { found, contiguous: leaf.is_some_and(|leaf| leaf.contiguous), number }
}
