//! Permission checks of an AT instruction, worked out in advance: which combinations of the bits that decide them pass.
//!
//! Nothing is decided here. Every entry is what the check itself says of a descriptor with those bits, so a walk that
//! finds its answer here need not ask; what is not found to pass here is checked as ever.

use super::s1::TableLimits;
use crate::addr::PaSpace;
use crate::bits::bits;
use crate::layout::descriptor::{s1, s2};
use crate::outcome::MemAttrs;
use crate::params::{S1Params, S2Params};
use crate::regime::SecurityState;
use crate::walk::word::Word;
use crate::walk::{AccessDescriptor, AccessType, Context, attr};

/// One bit for each of 512 combinations.
#[derive(Clone, Copy, Debug)]
struct Passing([u64; 8]);

impl Passing {
    const NOTHING: Self = Self([0; 8]);

    fn of(passes: impl Fn(u64) -> bool) -> Self {
        let mut set = Self::NOTHING;
        for key in 0..512 {
            set.0[(key >> 6) as usize] |= u64::from(passes(key)) << (key & 63);
        }
        set
    }

    #[inline(always)]
    const fn has(&self, key: u64) -> bool {
        self.0[(key >> 6 & 7) as usize] >> (key & 63) & 1 != 0
    }
}

/// The verdicts for one access.
#[derive(Clone, Copy, Debug)]
pub(in crate::walk) struct Verdicts {
    s1: Passing,
    s2_output: Passing,
    s2_descriptor: Passing,
}

impl Verdicts {
    /// What passes, where the bits of the keys are all that decides; nothing where more does.
    pub fn new(context: &Context<'_>) -> Self {
        let access = context.access;
        let simple = access.kind == AccessType::At && access.security == SecurityState::NonSecure;
        let s1 = if simple && s1_is_simple(&context.s1, access) {
            Passing::of(|key| {
                let (leaf, tables) = s1_bits(key);
                let permissions = super::s1_permissions(context, tables, leaf, PaSpace::NonSecure);
                super::s1_check(context, &permissions, || false).is_ok()
            })
        } else {
            Passing::NOTHING
        };
        let passing = |access: AccessDescriptor, s1_attrs: MemAttrs| match &context.s2 {
            Some(stage2) if simple && s2_is_simple(stage2.own(), access) => Passing::of(|key| {
                let (params, leaf) = (stage2.own(), s2_bits(key));
                let permissions = super::s2_permissions(params, access, leaf);
                let device = attr::s2_is_device(params, &s1_attrs, leaf);
                let target = super::Target { device, space: PaSpace::NonSecure, s1assured: false };
                super::s2_check(context.pe, params, access, &permissions, &target).is_ok()
            }),
            _ => Passing::NOTHING,
        };
        // Whether stage 1 makes the output Device matters to instruction fetches alone.
        let walk_attrs = context.s1_start.walk_attrs;
        Self {
            s1,
            s2_output: passing(access, walk_attrs),
            s2_descriptor: passing(access.for_descriptor(None), walk_attrs),
        }
    }

    /// Whether stage 1 is known to permit the access through a leaf.
    #[inline(always)]
    pub fn s1_passes(&self, leaf: impl Word, tables: TableLimits) -> bool {
        is_known(leaf) && self.s1.has(s1_key(leaf.low(), tables))
    }

    /// Whether stage 2 is known to permit the access itself through a leaf.
    #[inline(always)]
    pub fn s2_output_passes(&self, leaf: impl Word) -> bool {
        is_known(leaf) && self.s2_output.has(s2_key(leaf.low()))
    }

    /// Whether stage 2 is known to permit the read of a stage-1 descriptor through a leaf.
    #[inline(always)]
    pub fn s2_descriptor_passes(&self, leaf: impl Word) -> bool {
        is_known(leaf) && self.s2_descriptor.has(s2_key(leaf.low()))
    }
}

/// Whether leaves like this one are in the tables: of 64 bits, with no access flag to set.
#[inline(always)]
fn is_known<D: Word>(leaf: D) -> bool {
    !D::WIDE && leaf.accessed()
}

/// Whether nothing but AP, DBM, PXN, UXN (or PIIndex, nDirty) and the tables' limits decides.
const fn s1_is_simple(params: &S1Params, access: AccessDescriptor) -> bool {
    !params.d128 && !(if access.el == 0 { params.e0poe } else { params.poe })
}

/// Whether nothing but S2AP, DBM, XN and MemAttr decides.
const fn s2_is_simple(params: &S2Params, access: AccessDescriptor) -> bool {
    let first_table_matters = matches!(access.kind, AccessType::Ttw) && (params.tl0 || params.tl1);
    !params.d128 && !params.s2pie && !params.assured_only && !first_table_matters
}

/// AP\[2:1\] in 1:0, DBM in 2, PXN and UXN in 4:3, and the tables' limits in 8:5.
#[inline(always)]
const fn s1_key(leaf: u64, tables: TableLimits) -> u64 {
    bits(leaf, 7, 6) | bits(leaf, 51, 51) << 2 | bits(leaf, 54, 53) << 3 | tables.bits() << 5
}

const fn s1_bits(key: u64) -> (u64, TableLimits) {
    let leaf = bits(key, 1, 0) << 6 | bits(key, 2, 2) << 51 | bits(key, 4, 3) << 53;
    (leaf | s1::AF.mask() | 0b11, TableLimits::from_bits(bits(key, 8, 5)))
}

/// MemAttr in 3:0, S2AP in 5:4, DBM in 6, XN in 8:7.
#[inline(always)]
const fn s2_key(leaf: u64) -> u64 {
    bits(leaf, 7, 2) | bits(leaf, 51, 51) << 6 | bits(leaf, 54, 53) << 7
}

const fn s2_bits(key: u64) -> u64 {
    bits(key, 5, 0) << 2 | bits(key, 6, 6) << 51 | bits(key, 8, 7) << 53 | s2::AF.mask() | 0b11
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_bits_are_each_others_opposite() {
        for key in 0..512 {
            let (leaf, tables) = s1_bits(key);
            assert_eq!(s1_key(leaf, tables), key);
            assert_eq!(s2_key(s2_bits(key)), key);
        }
    }
}
