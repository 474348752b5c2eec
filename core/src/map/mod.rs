//! Everything that a stage's tables map, or both stages together, in maximal ranges: what `ptdump` shows of a machine.
//!
//! There is no second translation here. `scan` follows the tables' shape, which is `params::Geometry`'s, from table to
//! table; where a table is, and what a leaf grants, it asks the [walk](crate::walk), once for each table and once for
//! each kind of leaf on the same path.

mod ask;
mod known;
mod scan;
mod stage;
mod window;
mod words;

use crate::access::Op;
use crate::addr::{FullAddress, PaSpace};
use crate::at;
use crate::memory::Physical;
use crate::outcome::MemAttrs;
use crate::pe::Pe;
use crate::regime::{Regime, SecurityState};
use crate::step::AccessRights;
use core::ops::RangeInclusive;
use stage::{Nested, Stage};

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
    /// Memory encryption context (`FEAT_MEC`).
    pub mecid: u16,
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
            mecid: stage2.mecid,
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
            Scope::Stage1(_) | Scope::Both => window::stage1(pe, scope, memory, &within),
            Scope::Stage2(space) => window::stage2(pe, space, memory, &within).flatten().into_iter().collect(),
        };
        let both = scope == Scope::Both;
        let nested = both.then(|| Nested::new(pe, scope.security(pe).pa_space(), memory)).flatten();
        Self { stage: Stage::new(scans), nested, effort: u64::MAX }
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
        self.nested.as_ref().and_then(Nested::position).or_else(|| self.stage.position())
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
