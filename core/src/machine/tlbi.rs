//! TLB invalidation: what an instruction names, and which of the cached translations it reaches.

use crate::params::Tags;
use crate::regime::Regime;

/// A TLBI instruction, for the EL1&0 regime of the VMID that executes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tlbi {
    /// What it names.
    pub scope: Scope,
    /// Inner Shareable: for all PEs; otherwise for the one that executes it.
    pub broadcast: bool,
}

/// What a TLBI instruction invalidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// VAE1, VAAE1, VALE1, VAALE1 and their ranges: stage 1 and combined entries of an address.
    Va {
        /// The first address.
        va: u64,
        /// How many pages of 4 KB from there.
        pages: u64,
        /// The ASID; `None`: every one.
        asid: Option<u16>,
        /// Last-level entries alone, so that what is cached of tables stays.
        last_level: bool,
    },
    /// ASIDE1: what is not global, of an ASID.
    Asid(u16),
    /// VMALLE1: all of stage 1.
    Vmall,
    /// IPAS2E1, IPAS2LE1 and their ranges: stage 2's own entries of an address. What combines both stages stays.
    Ipas2 {
        /// The first address.
        ipa: u64,
        /// How many pages of 4 KB from there.
        pages: u64,
        /// Last-level entries alone.
        last_level: bool,
    },
    /// VMALLS12E1: all of both stages.
    Vmalls12,
}

/// What a cached translation is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// Stage 1, or both stages in one: an address, as far as the walk has got.
    Combined {
        /// The regime.
        regime: Regime,
        /// The address spaces it belongs to.
        tags: Tags,
        /// The address.
        va: u64,
        /// Its leaf has been read: it is a last-level entry.
        leaf: bool,
        /// That leaf serves every ASID.
        global: bool,
    },
    /// Stage 2 alone.
    Stage2 {
        /// The guest it belongs to.
        vmid: Option<u16>,
        /// The address.
        ipa: u64,
        /// Its leaf has been read.
        leaf: bool,
    },
}

impl Tlbi {
    /// Whether the instruction, executed under `vmid`, invalidates an entry.
    #[must_use]
    pub fn reaches(&self, vmid: Option<u16>, entry: &Entry) -> bool {
        match *entry {
            Entry::Combined { regime, tags, va, leaf, global } => {
                regime == Regime::El10 && tags.vmid == vmid && self.reaches_stage1(tags.asid, va, leaf, global)
            }
            Entry::Stage2 { vmid: owner, ipa, leaf } => owner == vmid && self.reaches_stage2(ipa, leaf),
        }
    }

    fn reaches_stage1(&self, owner: Option<u16>, va: u64, leaf: bool, global: bool) -> bool {
        match self.scope {
            Scope::Va { va: first, pages, asid, last_level } => {
                let own = asid.is_none() || global || owner == asid;
                own && within(va, first, pages) && (leaf || !last_level)
            }
            Scope::Asid(asid) => !global && owner == Some(asid),
            Scope::Vmall | Scope::Vmalls12 => true,
            Scope::Ipas2 { .. } => false,
        }
    }

    const fn reaches_stage2(&self, ipa: u64, leaf: bool) -> bool {
        match self.scope {
            Scope::Ipas2 { ipa: first, pages, last_level } => within(ipa, first, pages) && (leaf || !last_level),
            Scope::Vmalls12 => true,
            _ => false,
        }
    }
}

/// Whether an address is in the pages from `first` on. Bits 63:56 of a VA may hold a tag, and no TLBI names them.
const fn within(address: u64, first: u64, pages: u64) -> bool {
    const PAGE: u64 = (1 << 56) - (1 << 12);
    let offset = (address & PAGE).wrapping_sub(first & PAGE);
    offset >> 12 < pages
}
