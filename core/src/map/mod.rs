//! Everything that a stage's tables map, or both stages together, in maximal ranges: what `ptdump` shows of a machine.
//!
//! There is no second translation here. [`scan`] follows the tables' shape, which is [`Geometry`]'s, from table to
//! table; where a table is, and what a leaf grants, it asks the [walk](crate::walk), once for each table and once for
//! each kind of leaf on the same path.

mod ask;
mod known;
mod scan;
mod words;

use crate::access::Op;
use crate::addr::{FullAddress, PaSpace};
use crate::at;
use crate::bits::mask;
use crate::memory::Physical;
use crate::outcome::MemAttrs;
use crate::params::S1Params;
use crate::pe::Pe;
use crate::regime::{Regime, SecurityState, VaRange};
use crate::step::AccessRights;
use alloc::vec::Vec;
use ask::Asker;
use core::ops::RangeInclusive;
use scan::Scan;

/// Whose mappings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A regime's stage 1: from virtual addresses to its output. Where the regime has a stage 2, the output is an IPA,
    /// and stage 2 translates the addresses of the tables.
    Stage1(Regime),
    /// Stage 2 alone, from intermediate addresses of this space, with the attributes that it gives to what stage 1 has
    /// made Normal Write-Back, Non-shareable and not assured.
    Stage2(PaSpace),
    /// Both stages of the EL1&0 regime: from virtual to physical addresses.
    Both,
}

impl Scope {
    /// What an operation translates through.
    #[must_use]
    pub fn of(pe: &Pe, op: Op) -> Self {
        match at::scope(pe, op) {
            (_, true) => Self::Both,
            (regime, false) => Self::Stage1(regime),
        }
    }

    /// Stage 2 of the current Security state; `None` where EL2 is not enabled, so that there is none.
    #[must_use]
    pub fn stage2(pe: &Pe) -> Option<Self> {
        pe.el2_enabled().then(|| Self::Stage2(pe.security_state(1).pa_space()))
    }

    const fn regime(self) -> Regime {
        match self {
            Self::Stage1(regime) => regime,
            Self::Stage2(_) | Self::Both => Regime::El10,
        }
    }

    const fn security(self, pe: &Pe) -> SecurityState {
        pe.security_state(match self.regime() {
            Regime::El10 => 1,
            Regime::El20 | Regime::El2 => 2,
            Regime::El3 => 3,
        })
    }
}

/// A descriptor that maps memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Leaf {
    /// Its lookup level.
    pub level: i8,
    /// log2 of what it maps, in bytes, its contiguous neighbours included.
    pub size: u8,
    /// Whether it is one of a contiguous set.
    pub contiguous: bool,
}

/// All that is the same throughout a range.
///
/// Rights are what AT, for reads and writes, and instruction fetches find at the regime's Exception levels, with
/// PSTATE.PAN = 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Memory attributes of data accesses.
    pub attrs: MemAttrs,
    /// Memory attributes of instruction fetches, where anybody may execute.
    pub fetched: Option<MemAttrs>,
    /// What the privileged level may do.
    pub privileged: AccessRights,
    /// What EL0 may do, in a regime that translates its accesses.
    pub unprivileged: Option<AccessRights>,
    /// Stage 1's leaves; `None` where stage 1 is off, or not asked.
    pub stage1: Option<Leaf>,
    /// Stage 2's leaves; `None` where stage 2 is off, or not asked.
    pub stage2: Option<Leaf>,
    /// nG: TLB entries belong to an ASID.
    pub not_global: bool,
    /// GP: guarded for branch target identification.
    pub guarded: bool,
    /// Hardware has no access flag left to set.
    pub accessed: bool,
    /// The first write makes hardware record it in the dirty state.
    pub clean: bool,
    /// The stage-1 mapping is assured (`FEAT_THE`).
    pub assured: bool,
}

impl Kind {
    /// What becomes of stage 1's kind after stage 2's.
    fn then(self, stage2: &Self) -> Self {
        let both = |a: AccessRights, b: AccessRights| AccessRights {
            read: a.read && b.read,
            write: a.write && b.write,
            execute: a.execute && b.execute,
        };
        let privileged = both(self.privileged, stage2.privileged);
        let unprivileged = self.unprivileged.zip(stage2.unprivileged).map(|(a, b)| both(a, b));
        let anyone = |right: fn(AccessRights) -> bool| right(privileged) || unprivileged.is_some_and(right);
        let (writable, executable) = (anyone(|rights| rights.write), anyone(|rights| rights.execute));
        Self {
            attrs: stage2.attrs,
            fetched: stage2.fetched.filter(|_| executable),
            privileged,
            unprivileged,
            stage2: stage2.stage2,
            accessed: self.accessed && stage2.accessed,
            clean: writable && (self.clean || stage2.clean),
            assured: false,
            ..self
        }
    }
}

/// Input addresses that lie side by side, as their outputs do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first input address. Where the top byte is ignored, or holds a tag, it is as if sign-extended.
    pub input: u64,
    /// How many bytes: never 0, and at most 2^56.
    pub size: u64,
    /// The first output address.
    pub output: FullAddress,
    /// What holds for all of it.
    pub kind: Kind,
}

impl Range {
    /// The last input address.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.input.wrapping_add(self.size.wrapping_sub(1))
    }

    /// The output address for an input address, if it is in the range.
    #[must_use]
    pub const fn output_of(&self, input: u64) -> Option<FullAddress> {
        let offset = input.wrapping_sub(self.input);
        if offset < self.size {
            Some(FullAddress::new(self.output.space, self.output.address.wrapping_add(offset)))
        } else {
            None
        }
    }
}

/// A range under construction, with the number of the kind it began with: equal numbers mean equal kinds.
#[derive(Clone, Copy, Debug)]
struct Piece {
    range: Range,
    number: u64,
}

impl Piece {
    /// Takes in what follows, if it continues the range.
    #[inline]
    fn take_in(&mut self, next: &Self) -> bool {
        let (range, next_range) = (&mut self.range, &next.range);
        let joins = range.input.wrapping_add(range.size) == next_range.input
            && range.output.address.wrapping_add(range.size) == next_range.output.address
            && next_range.input != 0
            && range.output.space == next_range.output.space
            && (self.number == next.number || range.kind == next_range.kind);
        if joins {
            range.size = range.size.wrapping_add(next_range.size);
        }
        joins
    }
}

/// Joins pieces as they come; hands out a range when the next piece does not continue it.
#[inline]
fn merged(pending: &mut Option<Piece>, mut next: impl FnMut() -> Option<Piece>) -> Option<Range> {
    loop {
        let Some(piece) = next() else { return pending.take().map(|last| last.range) };
        let joined = pending.as_mut().is_some_and(|range| range.take_in(&piece));
        if !joined && let Some(done) = pending.replace(piece) {
            return Some(done.range);
        }
    }
}

/// The windows of one stage, one after another.
#[derive(Debug)]
struct Stage<'a, M> {
    scans: Vec<Scan<'a, M>>,
    current: usize,
    pending: Option<Piece>,
}

impl<M: Physical> Stage<'_, M> {
    #[inline]
    fn next(&mut self, effort: &mut u64) -> Option<Range> {
        let Self { scans, current, pending } = self;
        merged(pending, || {
            loop {
                let scan = scans.get_mut(*current)?;
                match scan.next(effort) {
                    Some(piece) => return Some(piece),
                    None if *effort == 0 => return None,
                    None => *current += 1,
                }
            }
        })
    }

    /// Where the stage has got to.
    fn position(&self) -> Option<u64> {
        self.scans.get(self.current).map(Scan::position)
    }
}

/// Stage 2 of what stage 1 maps: a range of stage 1's that is under way, and where stage 2 is in it.
#[derive(Debug)]
struct Nested<'a, M> {
    own: Option<Scan<'a, M>>,
    /// In Secure state: for Non-secure output of stage 1.
    non_secure: Option<Scan<'a, M>>,
    range: Option<Range>,
    /// How many pieces there have been.
    number: u64,
    pending: Option<Piece>,
}

impl<'a, M: Physical> Nested<'a, M> {
    /// `None` where there is no stage 2.
    fn new(pe: &'a Pe, space: PaSpace, memory: &'a M) -> Option<Self> {
        let scan = |space| stage2(pe, space, memory, &(0..=u64::MAX));
        let non_secure = if space == PaSpace::Secure { scan(PaSpace::NonSecure)? } else { None };
        Some(Self { own: scan(space)?, non_secure, range: None, number: 0, pending: None })
    }

    /// Stage 2 for an output of stage 1.
    const fn scan(&mut self, output: FullAddress) -> Option<&mut Scan<'a, M>> {
        match (&mut self.non_secure, output.space) {
            (Some(scan), PaSpace::NonSecure) => Some(scan),
            _ => self.own.as_mut(),
        }
    }

    fn next(&mut self, stage1: &mut Stage<'_, M>, effort: &mut u64) -> Option<Range> {
        let mut pending = self.pending.take();
        let next = merged(&mut pending, || self.piece(stage1, effort));
        self.pending = pending;
        next
    }

    fn piece(&mut self, stage1: &mut Stage<'_, M>, effort: &mut u64) -> Option<Piece> {
        loop {
            let Some(outer) = self.range else {
                let range = stage1.next(effort)?;
                if let Some(scan) = self.scan(range.output) {
                    scan.restart(&range);
                    self.range = Some(range);
                }
                continue;
            };
            if let Some(Piece { range: inner, .. }) = self.scan(outer.output).and_then(|scan| scan.next(effort)) {
                self.number = self.number.wrapping_add(1);
                let offset = inner.input.wrapping_sub(outer.output.address);
                let (input, kind) = (outer.input.wrapping_add(offset), outer.kind.then(&inner.kind));
                return Some(Piece { range: Range { input, kind, ..inner }, number: self.number });
            }
            if *effort == 0 {
                return None;
            }
            self.range = None;
        }
    }
}

/// Everything that is mapped, in ascending order of input addresses, found as it is asked for: in memory there is one
/// range, and a place in each table on the way to it.
#[derive(Debug)]
pub struct Ranges<'a, M> {
    stage: Stage<'a, M>,
    nested: Option<Nested<'a, M>>,
    effort: u64,
}

impl<'a, M: Physical> Ranges<'a, M> {
    /// What `scope` maps from these input addresses, with the tables as `memory` holds them: nothing is written, and
    /// updates that hardware would make to one descriptor are not seen by the walk for another.
    #[must_use]
    pub fn new(pe: &'a Pe, scope: Scope, memory: &'a M, within: RangeInclusive<u64>) -> Self {
        let scans = match scope {
            Scope::Stage1(_) | Scope::Both => stage1(pe, scope, memory, &within),
            Scope::Stage2(space) => stage2(pe, space, memory, &within).flatten().into_iter().collect(),
        };
        let both = scope == Scope::Both;
        let nested = both.then(|| Nested::new(pe, scope.security(pe).pa_space(), memory)).flatten();
        Self { stage: Stage { scans, current: 0, pending: None }, nested, effort: u64::MAX }
    }

    /// Ends after looking at this many descriptors. Tables may be shared, and even contain themselves, so that a few
    /// pages of memory can map, or fail to map, everything there is.
    #[must_use]
    pub fn with_effort(self, descriptors: u64) -> Self {
        Self { effort: descriptors, ..self }
    }

    /// The input address from which on nothing has been looked at, if the effort came to its end before the tables did.
    #[must_use]
    pub fn stopped_at(&self) -> Option<u64> {
        if self.effort > 0 {
            return None;
        }
        match &self.nested {
            Some(Nested { own, non_secure, range: Some(range), .. }) => {
                let scan = non_secure.as_ref().filter(|_| range.output.space == PaSpace::NonSecure).or(own.as_ref());
                let done = scan.map_or(0, |scan| scan.position().wrapping_sub(range.output.address));
                Some(range.input.wrapping_add(done))
            }
            _ => self.stage.position(),
        }
    }
}

impl<M: Physical> Iterator for Ranges<'_, M> {
    type Item = Range;

    #[inline]
    fn next(&mut self) -> Option<Range> {
        let Self { stage, nested, effort } = self;
        match nested {
            None => stage.next(effort),
            Some(nested) => nested.next(stage, effort),
        }
    }
}

/// The windows of stage 1: a half of the address space each, or all of it.
fn stage1<'a, M: Physical>(pe: &'a Pe, scope: Scope, memory: &'a M, within: &RangeInclusive<u64>) -> Vec<Scan<'a, M>> {
    let (regime, security) = (scope.regime(), scope.security(pe));
    let halves: &[u64] = if regime.has_unprivileged() { &[0, 1 << 55] } else { &[0] };
    let window = |&half: &u64| {
        let params = S1Params::new(pe, regime, security, half);
        let asker = Asker::stage1(pe, params, security);
        let geometry = params.geometry(pe);
        if params.enabled {
            let below = mask(geometry.ia_size - 1, 0);
            let all = if params.range == VaRange::Upper { !below..=u64::MAX } else { 0..=below };
            return Scan::new(memory, asker, Some(geometry), &all, within);
        }
        // With stage 1 off there are no halves: bit 55 is an address bit like others, where there are so many.
        let limit = mask(pe.pa_max() - 1, 0);
        let all = match half {
            0 if halves.len() > 1 => 0..=limit.min(mask(54, 0)),
            _ if half > limit => return None,
            0 => 0..=limit,
            _ if params.tbi => half | mask(63, 56)..=u64::MAX,
            _ => half..=limit,
        };
        Scan::new(memory, asker, None, &all, within)
    };
    halves.iter().filter_map(window).collect()
}

/// The window of stage 2: `None` where there is no stage 2, and nothing in it where its registers rule out any tables.
fn stage2<'a, M: Physical>(
    pe: &'a Pe,
    space: PaSpace,
    memory: &'a M,
    within: &RangeInclusive<u64>,
) -> Option<Option<Scan<'a, M>>> {
    let security = pe.security_state(1);
    let s1 = S1Params::new(pe, Regime::El10, security, 0);
    let asker = Asker::stage2(pe, s1, security, space);
    let params = asker.stage2_params(space)?;
    let (geometry, size) = match (params.enabled, params.start_level(pe)) {
        (false, _) => (None, pe.pa_max()),
        (true, Some(level)) => (Some(params.geometry(pe, level)), params.ia_size(pe)),
        (true, None) => return Some(None),
    };
    Some(Scan::new(memory, asker, geometry, &(0..=mask(size - 1, 0)), within))
}
