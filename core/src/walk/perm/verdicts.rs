//! Permission checks of an AT instruction, worked out in advance: which combinations of the bits that decide them pass.
//!
//! Nothing is decided here. Every entry is what the check itself says of a descriptor with those bits, so a walk that
//! finds its answer here need not ask; what is not found to pass here is checked as ever.

use super::s1::TableLimits;
use crate::addr::PaSpace;
use crate::bits::bits;
use crate::layout::descriptor::s1;
use crate::params::S1Params;
use crate::regime::SecurityState;
use crate::step::AccessRights;
use crate::walk::word::Word;
use crate::walk::{AccessDescriptor, AccessType, Context};

/// One bit for each of 1024 combinations.
#[derive(Clone, Copy, Debug)]
struct Passing([u64; 16]);

impl Passing {
    const NOTHING: Self = Self([0; 16]);

    fn of(mut passes: impl FnMut(Key) -> bool) -> Self {
        let mut set = Self::NOTHING;
        for key in Key::all() {
            set.0[key.word] |= u64::from(passes(key)) << key.bit;
        }
        set
    }

    #[inline(always)]
    const fn has(&self, key: Key) -> bool {
        self.0[key.word & 0xf] >> (key.bit & 63) & 1 != 0
    }
}

/// The bits of a descriptor, and of the tables on the way, that decide: bits 54:51, of which Contiguous does not count,
/// choose a word; AP\[2:1\] and the tables' limits a bit of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    word: usize,
    bit: u64,
}

impl Key {
    #[inline(always)]
    const fn new(leaf: u64, tables: TableLimits) -> Self {
        Self { word: bits(leaf, 54, 51) as usize, bit: bits(leaf, 7, 6) | tables.bits() << 2 }
    }

    /// How many there are.
    const COUNT: usize = 1024;

    /// Its place among all.
    #[inline(always)]
    const fn index(self) -> usize {
        (self.word & 0xf) << 6 | (self.bit & 63) as usize
    }

    fn all() -> impl Iterator<Item = Self> {
        (0..16).flat_map(|word| (0..64).map(move |bit| Self { word, bit }))
    }

    /// A leaf and tables with these bits.
    const fn stands_for(self) -> (u64, TableLimits) {
        let leaf = (self.word as u64) << 51 | bits(self.bit, 1, 0) << 6;
        (leaf | s1::AF.mask() | 0b11, TableLimits::from_bits(bits(self.bit, 5, 2)))
    }
}

/// The verdicts for one access.
#[derive(Clone, Copy, Debug)]
pub(in crate::walk) struct Verdicts {
    s1: Passing,
    s1_rights: [AccessRights; Key::COUNT],
}

impl Verdicts {
    /// What passes, and what is granted then, where the bits of the keys are all that decides; nothing where more does.
    pub fn new(context: &Context<'_>) -> Self {
        let access = context.access;
        let simple = access.kind == AccessType::At && access.security == SecurityState::NonSecure;
        let mut s1_rights = [AccessRights::default(); Key::COUNT];
        let s1 = if simple && s1_is_simple(&context.s1, access) {
            Passing::of(|key| {
                let (leaf, tables) = key.stands_for();
                let (pe, params) = (context.pe, &context.s1);
                let permissions = super::s1_permissions(pe, params, access, tables, leaf, PaSpace::NonSecure);
                s1_rights[key.index()] = permissions.granted();
                super::s1_check(pe, params, access, &permissions, || false).is_ok()
            })
        } else {
            Passing::NOTHING
        };
        Self { s1, s1_rights }
    }

    /// Whether stage 1 is known to permit the access through a leaf.
    #[inline(always)]
    pub fn s1_passes(&self, leaf: impl Word, tables: TableLimits) -> bool {
        is_known(leaf) && self.s1.has(Key::new(leaf.low(), tables))
    }

    /// What stage 1 grants through a leaf by which it is known to permit the access.
    #[inline(always)]
    pub fn s1_rights(&self, leaf: impl Word, tables: TableLimits) -> AccessRights {
        self.s1_rights[Key::new(leaf.low(), tables).index()]
    }
}

/// Whether leaves like this one are in the tables: of 64 bits, with no access flag to set.
#[inline(always)]
fn is_known<D: Word>(leaf: D) -> bool {
    !D::WIDE && leaf.accessed()
}

/// Whether nothing but AP, DBM, PXN, UXN (or PIIndex, nDirty) and the tables' limits decides.
const fn s1_is_simple(params: &S1Params, access: AccessDescriptor) -> bool {
    !params.d128 && !(if access.el == 0 { params.e0poe() } else { params.poe() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_that_of_what_it_stands_for() {
        for key in Key::all() {
            let (leaf, tables) = key.stands_for();
            assert_eq!(Key::new(leaf, tables), key);
        }
    }
}
