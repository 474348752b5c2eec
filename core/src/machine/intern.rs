//! Values kept once: each gets a number, equal values the same one, so that a state of the machine is a few numbers.

use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

/// A number that [`Interner::get`] turns back into the value.
pub type Id = u32;

const VACANT: Id = Id::MAX;

/// Multiply-and-rotate hashing: fast on short keys, the same on every machine, and not meant to resist anybody.
#[derive(Clone, Copy, Default)]
pub(super) struct Mix(u64);

impl Mix {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
}

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(value.into());
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(value.into());
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(Self::FACTOR).rotate_left(29);
    }

    // A usize is hashed as 64 bits wherever it has fewer.
    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        let mixed = self.0.wrapping_mul(Self::FACTOR);
        mixed ^ mixed >> 32
    }
}

pub(super) fn hash<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut mix = Mix::default();
    value.hash(&mut mix);
    mix.finish()
}

/// An open hash table of numbers; what they stand for is kept elsewhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    slots: Vec<(u32, Id)>,
    used: usize,
}

impl Index {
    /// The number among those of this hash that `is`, or, as an error, where it would be put.
    #[inline]
    pub fn find(&self, hash: u64, mut is: impl FnMut(Id) -> bool) -> Result<Id, usize> {
        let last = self.slots.len().wrapping_sub(1);
        let tag = (hash >> 32) as u32;
        let mut at = hash as usize & last;
        while let Some(&(other, id)) = self.slots.get(at) {
            if id == VACANT {
                return Err(at);
            }
            if other == tag && is(id) {
                return Ok(id);
            }
            at = (at + 1) & last;
        }
        Err(0)
    }

    /// The number that a search for this hash comes upon first; [`Id::MAX`] if none.
    #[inline]
    pub fn glance(&self, hash: u64) -> Id {
        self.slots.get(hash as usize & self.slots.len().wrapping_sub(1)).map_or(VACANT, |(_, id)| *id)
    }

    /// Puts a number where [`Index::find`] said. `rehash` gives the hash of a number put before.
    pub fn put(&mut self, at: usize, hash: u64, id: Id, rehash: impl Fn(Id) -> u64) {
        if 4 * (self.used + 1) > 3 * self.slots.len() {
            self.grow(rehash);
            let Err(at) = self.find(hash, |_| false) else { return };
            self.slots[at] = ((hash >> 32) as u32, id);
        } else {
            self.slots[at] = ((hash >> 32) as u32, id);
        }
        self.used += 1;
    }

    #[cold]
    fn grow(&mut self, rehash: impl Fn(Id) -> u64) {
        let size = (2 * self.slots.len()).max(16);
        let old = core::mem::replace(&mut self.slots, alloc::vec![(0, VACANT); size]);
        for (tag, id) in old.into_iter().filter(|(_, id)| *id != VACANT) {
            if let Err(at) = self.find(rehash(id), |_| false) {
                self.slots[at] = (tag, id);
            }
        }
    }

    /// Bytes it takes.
    pub const fn bytes(&self) -> usize {
        self.slots.len() * size_of::<(u32, Id)>()
    }
}

/// Values of one type, each kept once.
#[derive(Clone, Debug)]
pub struct Interner<T> {
    items: Vec<T>,
    index: Index,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { items: Vec::new(), index: Index::default() }
    }
}

impl<T: Hash + Eq> Interner<T> {
    /// The value's number: a new one if no equal value has been seen.
    pub fn intern(&mut self, value: T) -> Id {
        let hash = hash(&value);
        match self.index.find(hash, |id| self.items[id as usize] == value) {
            Ok(id) => id,
            Err(at) => {
                let id = self.items.len() as Id;
                self.items.push(value);
                self.index.put(at, hash, id, |id| self::hash(&self.items[id as usize]));
                id
            }
        }
    }

    /// The number of an equal value, if it has one.
    #[must_use]
    pub fn find(&self, value: &T) -> Option<Id> {
        self.index.find(hash(value), |id| self.items[id as usize] == *value).ok()
    }

    /// The value of a number that this interner gave.
    #[must_use]
    pub fn get(&self, id: Id) -> &T {
        &self.items[id as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_get_one_number_and_different_ones_their_own() {
        let mut interner = Interner::default();
        let ids: Vec<Id> = (0..5000u64).map(|n| interner.intern(n * 7)).collect();
        assert!(ids.iter().enumerate().all(|(n, &id)| *interner.get(id) == n as u64 * 7));
        assert!((0..5000u64).all(|n| interner.intern(n * 7) == ids[n as usize]));
        assert_eq!(interner.items.len(), 5000);
    }
}
