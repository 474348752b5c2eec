//! What of both stages' input checks and first tables does not depend on the address: worked out once.

use super::perm::{self, TableLimits};
use super::{AccessDescriptor, AccessType};
use crate::addr::{FullAddress, PaSpace};
use crate::bits::{Pattern, mask};
use crate::choice::Choice;
use crate::feature::Feature;
use crate::params::{Geometry, GpcParams, S1Params, S2Params, Stage2};
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
    /// Leaves that permit the access, without further checks.
    permitted: Pattern,
    /// And what the tables on the way must not limit then.
    unlimited: TableLimits,
    /// VA bits that must all equal the bit that chose the range.
    sign: u64,
    /// What they are when they do.
    signed: u64,
    /// Not every address faults.
    pub open: bool,
}

impl S1Start {
    #[inline(always)]
    pub fn new(pe: &Pe, params: &S1Params, gpc: Option<&GpcParams>, access: AccessDescriptor) -> Self {
        let geometry = params.geometry();
        let address = geometry.table_base(params.ttbr(), params.base_format());
        let top = params.addr_top(access.kind == AccessType::Fetch);
        // The tag in bits 59:56 is not part of the address (MTX).
        let tag = if params.mtx() { mask(59, 56) } else { 0 };
        let sign = u64::MAX << (geometry.ia_size & 63) & mask(top, 0) & !tag;
        let direct = access.security == SecurityState::NonSecure && params.is_usual();
        let none = (Pattern::NONE, TableLimits::default());
        let (permitted, unlimited) = if direct { perm::s1_plainly_permitted(pe, params, access) } else { none };
        Self {
            geometry,
            usual: geometry.is_usual()
                && access.security == SecurityState::NonSecure
                && gpc.is_none()
                && !params.ee()
                && !params.haft()
                && !params.pnch(),
            permitted,
            unlimited,
            table: FullAddress::new(params.security.pa_space(), address),
            sign,
            signed: if params.range == VaRange::Upper { sign } else { 0 },
            open: !txsz_faults(pe, params) && !e0pd(params, access) && !params.epd(),
        }
    }

    /// Whether a leaf is found to permit the access by no more than a look at it, and at the tables' limits.
    #[inline(always)]
    pub const fn permits(&self, leaf: u64, tables: TableLimits) -> bool {
        self.permitted.matches(leaf) && !tables.has(self.unlimited)
    }

    /// The shape of the tables, and the first one's address.
    pub const fn tables(&self) -> (&Geometry, u64) {
        (&self.geometry, self.table.address)
    }

    /// The rule by which `va` faults before any walk, if it does.
    pub fn refusal(&self, pe: &Pe, params: &S1Params<'_>, access: AccessDescriptor, va: u64) -> Option<Rule> {
        if txsz_faults(pe, params) {
            Some(Rule::S1TxSz)
        } else if self.out_of_range(va) {
            Some(Rule::S1VaRange)
        } else if e0pd(params, access) {
            Some(Rule::S1E0pd)
        } else {
            params.epd().then_some(Rule::S1Epd)
        }
    }

    /// `AArch64.VAIsOutOfRange`.
    #[inline(always)]
    pub const fn out_of_range(&self, va: u64) -> bool {
        va & self.sign != self.signed
    }
}

/// TxSZ beyond its bounds, where that faults.
#[inline(always)]
fn txsz_faults(pe: &Pe, params: &S1Params<'_>) -> bool {
    let below = params.txsz() < params.min_txsz();
    let above = params.txsz() > params.max_txsz();
    below && (pe.has(Feature::Lva) || pe.choices.is(Choice::TxszBelowMinFaults))
        || above && pe.choices.is(Choice::TxszAboveMaxFaults)
}

/// EL0 may not use this half.
#[inline(always)]
const fn e0pd(params: &S1Params<'_>, access: AccessDescriptor) -> bool {
    access.el == 0 && params.e0pd()
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
    /// Permissions are the usual ones.
    pub direct: bool,
    /// Pages of the usual walk that let stage-1 descriptors be read, without further checks.
    pub readable_page: Pattern,
    /// Pages of the usual walk that permit the access.
    pub permitted_page: Pattern,
}

impl S2Start {
    #[inline(always)]
    fn new(pe: &Pe, params: &S2Params, gpc: Option<&GpcParams>, access: AccessDescriptor) -> Self {
        let below = params.t0sz() < params.min_txsz();
        let above = params.t0sz() > params.max_txsz();
        let txsz_faults = below && (pe.has(Feature::Lpa) || pe.choices.is(Choice::TxszBelowMinFaults))
            || above && pe.choices.is(Choice::TxszAboveMaxFaults);
        match params.start_level() {
            _ if txsz_faults => Self::Faults(Rule::S2TxSz),
            None => Self::Faults(Rule::S2StartLevel),
            Some(level) if !params.start_level_consistent(level) => Self::Faults(Rule::S2StartInconsistent),
            Some(level) => {
                let geometry = params.geometry(level);
                let address = geometry.table_base(params.ttbr(), params.base_format());
                let direct = access.security == SecurityState::NonSecure && params.is_usual();
                let usual = geometry.is_usual() && direct && gpc.is_none() && !params.ee() && !params.haft();
                let table = FullAddress::new(params.table_space(), address);
                let page = geometry.plain_page();
                let readable_page = page.and(perm::plainly_readable(params));
                let permitted_page = page.and(perm::plainly_permitted(access));
                Self::Tables(S2Tables { geometry, table, usual, direct, readable_page, permitted_page })
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
    #[inline(always)]
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
