//! What of both stages' input checks and first tables does not depend on the address: worked out once.

use super::{AccessDescriptor, AccessType, attr, perm};
use crate::addr::{FullAddress, PaSpace};
use crate::bits::mask;
use crate::choice::Choice;
use crate::feature::Feature;
use crate::outcome::MemAttrs;
use crate::params::{Geometry, GpcParams, Pattern, S1Params, S2Params, Stage2};
use crate::pe::Pe;
use crate::regime::{SecurityState, VaRange};
use crate::rule::Rule;

/// Stage 1, for one half of the VA space.
#[derive(Clone, Copy, Debug)]
pub(super) struct S1Start {
    pub geometry: Geometry,
    pub table: FullAddress,
    /// The walk is the usual one.
    pub usual: bool,
    /// Permissions are the usual ones.
    pub direct: bool,
    /// Attributes of descriptor reads.
    pub walk_attrs: MemAttrs,
    /// VA bits that must all equal the bit that chose the range.
    sign: u64,
    /// What they are when they do.
    signed: u64,
    /// Not every address faults.
    pub open: bool,
    /// The rule by which every address faults, before the range check.
    pub faults: Option<Rule>,
    /// And after it.
    pub denied: Option<Rule>,
}

impl S1Start {
    pub fn new(pe: &Pe, params: &S1Params, gpc: Option<&GpcParams>, access: AccessDescriptor) -> Self {
        let geometry = params.geometry(pe);
        let address = geometry.table_base(params.ttbr, params.base_format());
        let below = params.txsz < params.min_txsz(pe);
        let above = params.txsz > params.max_txsz(pe);
        let txsz_faults = below && (pe.has(Feature::Lva) || pe.choices.is(Choice::TxszBelowMinFaults))
            || above && pe.choices.is(Choice::TxszAboveMaxFaults);
        let top = params.addr_top(access.kind == AccessType::Fetch);
        // The tag in bits 59:56 is not part of the address (MTX).
        let tag = if params.mtx { mask(59, 56) } else { 0 };
        let sign = mask(top, geometry.ia_size) & !tag;
        let faults = txsz_faults.then_some(Rule::S1TxSz);
        let denied = match (access.el == 0 && params.e0pd, params.epd) {
            (true, _) => Some(Rule::S1E0pd),
            (false, true) => Some(Rule::S1Epd),
            (false, false) => None,
        };
        let attrs = attr::walk_attrs(pe, params.sh, params.irgn, params.orgn);
        Self {
            geometry,
            usual: geometry.is_usual()
                && access.security == SecurityState::NonSecure
                && gpc.is_none()
                && !params.ee
                && !params.haft
                && !params.pnch,
            direct: access.security == SecurityState::NonSecure && params.is_usual(),
            walk_attrs: if params.dcache { attrs } else { attr::normal_non_cacheable(attrs.xs) },
            table: FullAddress::new(params.security.pa_space(), address),
            sign,
            signed: if params.range == VaRange::Upper { sign } else { 0 },
            open: faults.is_none() && denied.is_none(),
            faults,
            denied,
        }
    }

    /// The shape of the tables, and the first one's address.
    pub const fn tables(&self) -> (&Geometry, u64) {
        (&self.geometry, self.table.address)
    }

    /// `AArch64.VAIsOutOfRange`.
    #[inline(always)]
    pub const fn out_of_range(&self, va: u64) -> bool {
        va & self.sign != self.signed
    }
}

/// Stage 2.
#[derive(Clone, Copy, Debug)]
pub(super) enum S2Start {
    /// Every address faults, by this rule.
    Faults(Rule),
    Tables(S2Tables),
}

/// Stage 2's tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct S2Tables {
    pub geometry: Geometry,
    pub table: FullAddress,
    /// The walk is the usual one, and so are permissions.
    pub usual: bool,
    /// Leaves that let stage-1 descriptors be read, without further checks.
    pub readable: Pattern,
    /// Leaves that permit the access.
    pub permitted: Pattern,
    /// Pages of the usual walk that are [readable](Self::readable).
    pub readable_page: Pattern,
    /// And [permitted](Self::permitted).
    pub permitted_page: Pattern,
}

impl S2Start {
    fn new(pe: &Pe, params: &S2Params, gpc: Option<&GpcParams>, access: AccessDescriptor) -> Self {
        let below = params.t0sz < params.min_txsz(pe);
        let above = params.t0sz > params.max_txsz(pe);
        let txsz_faults = below && (pe.has(Feature::Lpa) || pe.choices.is(Choice::TxszBelowMinFaults))
            || above && pe.choices.is(Choice::TxszAboveMaxFaults);
        match params.start_level(pe) {
            _ if txsz_faults => Self::Faults(Rule::S2TxSz),
            None => Self::Faults(Rule::S2StartLevel),
            Some(level) if !params.start_level_consistent(pe, level) => Self::Faults(Rule::S2StartInconsistent),
            Some(level) => {
                let geometry = params.geometry(pe, level);
                let address = geometry.table_base(params.ttbr, params.base_format());
                let direct = access.security == SecurityState::NonSecure && params.is_usual();
                let usual = geometry.is_usual() && direct && gpc.is_none() && !params.ee && !params.haft;
                let table = FullAddress::new(params.table_space, address);
                let (readable, permitted) = if direct {
                    (perm::plainly_readable(params), perm::plainly_permitted(access))
                } else {
                    (Pattern::NONE, Pattern::NONE)
                };
                let page = geometry.plain_page();
                let (readable_page, permitted_page) = (page.and(readable), page.and(permitted));
                Self::Tables(S2Tables { geometry, table, usual, readable, permitted, readable_page, permitted_page })
            }
        }
    }
}

/// The starts of stage 2's tables: in Secure state a Non-secure IPA has its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct S2Starts {
    own: S2Start,
    non_secure: Option<S2Start>,
}

impl S2Starts {
    pub fn new(pe: &Pe, stage2: &Stage2, gpc: Option<&GpcParams>, access: AccessDescriptor) -> Self {
        Self {
            own: S2Start::new(pe, stage2.own(), gpc, access),
            non_secure: stage2.non_secure().map(|params| S2Start::new(pe, params, gpc, access)),
        }
    }

    /// The shape of the tables for the Security state's own IPAs, and the first one's address.
    pub const fn tables(&self) -> Option<(&Geometry, u64)> {
        match &self.own {
            S2Start::Faults(_) => None,
            S2Start::Tables(S2Tables { geometry, table, .. }) => Some((geometry, table.address)),
        }
    }

    /// The start for the Security state's own IPAs.
    pub const fn own(&self) -> &S2Start {
        &self.own
    }

    /// The start for an IPA in `space`.
    #[inline]
    pub const fn of(&self, space: PaSpace) -> &S2Start {
        match (&self.non_secure, space) {
            (Some(start), PaSpace::NonSecure) => start,
            _ => &self.own,
        }
    }
}
