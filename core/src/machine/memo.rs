//! Results worked out once.

use super::intern::{Id, Interner};
use alloc::vec::Vec;
use core::hash::Hash;

/// Numbers by what they were worked out from.
#[derive(Clone, Debug)]
pub(super) struct Memo<K> {
    keys: Interner<K>,
    values: Vec<Id>,
}

impl<K> Default for Memo<K> {
    fn default() -> Self {
        Self { keys: Interner::default(), values: Vec::new() }
    }
}

impl<K: Hash + Eq> Memo<K> {
    /// The result, if it has been worked out.
    pub fn get(&self, key: &K) -> Option<Id> {
        self.keys.find(key).map(|at| self.values[at as usize])
    }

    /// Keeps a result.
    pub fn insert(&mut self, key: K, value: Id) {
        if self.keys.intern(key) as usize == self.values.len() {
            self.values.push(value);
        }
    }
}
