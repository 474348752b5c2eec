//! The descent through the tables, which both stages share: `AArch64.S1Walk` and `AArch64.S2Walk`.

use super::update::Update;
use super::word::Word;
use super::{Halt, Walk, aside, fault, gpc};
use crate::addr::{FullAddress, PaSpace};
use crate::env::{Env, Fetch};
use crate::layout::descriptor;
use crate::outcome::{FaultCode, FaultRecord};
use crate::params::{DescriptorType, FINAL_LEVEL, Geometry, GpcParams, Index};
use crate::rule::Rule;
use crate::step::{Event, Place, Step};

/// What a stage's descent needs to know of its stage. Copied where it is passed out of the way, so that the walk keeps
/// it in registers.
pub(super) trait Lookup<E: Env, D: Word>: Copy {
    /// Where the steps belong.
    fn place(&self) -> Place;

    /// A fault of this stage.
    fn fault(&self, code: FaultCode, level: i8) -> FaultRecord;

    /// The physical address of the descriptor at `entry`: in stage 1, stage 2's answer.
    fn locate(&mut self, env: &mut E, entry: Entry, access: EntryAccess) -> Walk<FullAddress, E>;

    /// The address space of the next table.
    fn table_space(&self, descriptor: D, space: PaSpace) -> PaSpace;

    /// Takes what a table descriptor says besides the next table's address.
    fn enter_table(&mut self, descriptor: D);

    /// The address space of a leaf's output.
    fn leaf_space(&self, descriptor: D, space: PaSpace) -> PaSpace;

    /// Whether a leaf's Contiguous bit counts, as far as the stage has a say.
    fn heeds_contiguous(&self) -> bool;

    /// Whether a leaf asks for a memory encryption context that it may not have.
    #[inline(always)]
    fn denies_context(&self, _descriptor: D, _space: PaSpace) -> bool {
        false
    }
}

/// Ends a descent in a fault of its stage.
#[inline(always)]
fn fail<E: Env, D: Word, L: Lookup<E, D>>(
    lookup: L,
    env: &mut E,
    level: Option<i8>,
    rule: Rule,
    code: FaultCode,
) -> Halt<E::Stop> {
    aside(env, move |env| {
        let place = level.map_or(lookup.place(), |level| lookup.place().at(level));
        let record = lookup.fault(code, level.unwrap_or(0));
        fault(env, place, rule, record)
    })
}

/// A descriptor's place in the stage's own output space.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub address: FullAddress,
    pub level: i8,
    /// It is in the first table.
    pub first: bool,
}

/// What for a descriptor's address is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryAccess {
    Read,
    Update,
}

/// A stage's walk, compiled for either format, and once more for the usual case: the commonest tables, in Non-secure
/// state, with nothing optional.
pub(super) trait Stage<E: Env> {
    type Output;

    fn walk<D: Word, const USUAL: bool>(self, env: &mut E, descent: Descent<'_>) -> Walk<Self::Output, E>;
}

/// A stage begins its walk.
pub(super) const fn start_event(input: u64, geometry: &Geometry, ttbr: u128, table: FullAddress) -> Event {
    Event::Start {
        input,
        granule: geometry.granule,
        ia_size: geometry.ia_size as u8,
        oa_size: geometry.oa_size as u8,
        level: geometry.start_level,
        ttbr,
        table,
    }
}

/// Where a descent starts, and how it reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Descent<'a> {
    pub geometry: Geometry,
    pub table: FullAddress,
    /// Granule protection, where it is checked.
    pub gpc: Option<&'a GpcParams>,
    pub big_endian: bool,
    /// Hardware sets the access flag, so that a clear one is no fault.
    pub ha: bool,
    /// And sets it in tables.
    pub haft: bool,
    /// The rule for a first table that is out of range.
    pub base_rule: Rule,
    /// This is the usual case.
    pub usual: bool,
}

/// A leaf, and where it was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf<D> {
    pub descriptor: D,
    pub entry: Entry,
    /// Where the descriptor is in memory.
    pub physical: FullAddress,
    /// The output address.
    pub output: FullAddress,
}

/// A table on the way.
#[derive(Clone, Copy)]
struct Table {
    base: FullAddress,
    index: Index,
}

/// How far a descent has come: a descriptor to read.
struct At {
    table: Table,
    entry: Entry,
}

impl Descent<'_> {
    /// The usual case, with what makes it usual said in constants.
    #[inline(always)]
    pub fn walk_usual<E: Env, S: Stage<E>>(self, stage: S, env: &mut E) -> Walk<S::Output, E> {
        let geometry = self.geometry.usual();
        let table = FullAddress::new(PaSpace::NonSecure, self.table.address);
        let usual = Descent { geometry, table, gpc: None, big_endian: false, haft: false, usual: true, ..self };
        stage.walk::<u64, true>(env, usual)
    }

    /// Any case.
    #[inline(always)]
    pub fn walk_any<E: Env, S: Stage<E>>(self, stage: S, env: &mut E) -> Walk<S::Output, E> {
        if self.geometry.d128 { stage.walk::<u128, false>(env, self) } else { stage.walk::<u64, false>(env, self) }
    }

    /// Walks from the first table to a leaf for `ia`, and makes the checks that come before permissions.
    #[inline(always)]
    pub fn run<E: Env, D: Word, L: Lookup<E, D>>(&self, lookup: &mut L, env: &mut E, ia: u64) -> Walk<Leaf<D>, E> {
        let (geometry, start) = (&self.geometry, self.geometry.start_level);
        let table = Table { base: self.table, index: geometry.first_index() };
        let mut at = At { table, entry: self.entry(table, ia, start, true) };
        if !self.usual && start > FINAL_LEVEL + 1 {
            return Err(fail(*lookup, env, None, Rule::StartLevelReserved, FaultCode::Translation));
        }
        if geometry.out_of_range(at.entry.address.address) {
            return Err(fail(*lookup, env, None, self.base_rule, FaultCode::AddressSize));
        }
        if self.usual {
            // Level after level, so that each is a constant to the compiler.
            if start <= 0
                && let Some(leaf) = self.look_up(lookup, env, ia, &mut at, 0)?
            {
                return Ok(leaf);
            }
            if start <= 1
                && let Some(leaf) = self.look_up(lookup, env, ia, &mut at, 1)?
            {
                return Ok(leaf);
            }
            if start <= 2
                && let Some(leaf) = self.look_up(lookup, env, ia, &mut at, 2)?
            {
                return Ok(leaf);
            }
            at.entry.level = FINAL_LEVEL;
        }
        loop {
            let level = if self.usual { FINAL_LEVEL } else { at.entry.level };
            if let Some(leaf) = self.look_up(lookup, env, ia, &mut at, level)? {
                return Ok(leaf);
            }
        }
    }

    /// One lookup: a leaf, or a step on to the next table.
    #[inline(always)]
    fn look_up<E: Env, D: Word, L: Lookup<E, D>>(
        &self,
        lookup: &mut L,
        env: &mut E,
        ia: u64,
        At { table, entry }: &mut At,
        level: i8,
    ) -> Walk<Option<Leaf<D>>, E> {
        let geometry = &self.geometry;
        let physical = lookup.locate(env, Entry { level, ..*entry }, EntryAccess::Read)?;
        let mut descriptor = self.read(lookup, env, physical, ia, *entry, *table)?;
        // A table descriptor that changes while hardware sets its access flag is decoded again.
        loop {
            let levels = match descriptor.kind(geometry, level) {
                DescriptorType::Table(levels) => levels,
                DescriptorType::Leaf => {
                    let output = self.leaf(lookup, env, ia, descriptor, level, table.base.space)?;
                    return Ok(Some(Leaf { descriptor, entry: *entry, physical, output }));
                }
                DescriptorType::Invalid => {
                    return Err(fail(*lookup, env, Some(level), Rule::DescriptorInvalid, FaultCode::Translation));
                }
            };
            let space = lookup.table_space(descriptor, table.base.space);
            let base = FullAddress::new(space, geometry.next_table(descriptor.low()));
            env.note(|| Step {
                place: lookup.place().at(level),
                rule: Rule::DescriptorTable,
                event: Event::Table { next: base },
            });
            let next = Table { base, index: geometry.index(level + levels, levels) };
            let next_entry = self.entry(next, ia, level + levels, false);
            if geometry.out_of_range(next_entry.address.address) {
                return Err(fail(*lookup, env, Some(level), Rule::TableAddressSize, FaultCode::AddressSize));
            }
            if levels > 1 && geometry.nt_faults(descriptor.low()) {
                return Err(fail(*lookup, env, Some(level), Rule::TableNt, FaultCode::Translation));
            }
            if self.haft
                && !descriptor.accessed()
                && let Some(changed) = self.mark_table(lookup, env, descriptor, *entry)?
            {
                descriptor = changed;
                continue;
            }
            lookup.enter_table(descriptor);
            (*table, *entry) = (next, next_entry);
            return Ok(None);
        }
    }

    #[inline(always)]
    fn entry(&self, table: Table, ia: u64, level: i8, first: bool) -> Entry {
        let address = self.geometry.entry_address(table.base.address, ia, table.index);
        Entry { address: FullAddress::new(table.base.space, address), level, first }
    }

    /// `FetchDescriptor`: one descriptor, in the regime's byte order.
    #[inline(always)]
    fn read<E: Env, D: Word, L: Lookup<E, D>>(
        &self,
        lookup: &L,
        env: &mut E,
        physical: FullAddress,
        ia: u64,
        entry: Entry,
        table: Table,
    ) -> Walk<D, E> {
        let place = lookup.place().at(entry.level);
        gpc::check(self.gpc, env, place, physical, || lookup.fault(FaultCode::GpcfOnWalk, entry.level))?;
        let fetch = Fetch { address: physical, place, wide: D::WIDE };
        let Ok(bits) = env.read(fetch).map_err(Halt::Stop)? else {
            return Err(aborted(*lookup, env, physical, entry.level));
        };
        let descriptor = D::from_memory(bits, self.big_endian);
        env.note(|| Step {
            place,
            rule: Rule::DescriptorRead,
            event: Event::Read {
                descriptor: entry.address,
                physical,
                table: table.base.address,
                input: ia,
                index_high: table.index.high as u8,
                index_low: table.index.low as u8,
                value: descriptor.bits(),
                wide: D::WIDE,
            },
        });
        Ok(descriptor)
    }

    /// With HAFT, sets the access flag of a table descriptor; answers with the descriptor if it has changed meanwhile.
    #[cold]
    fn mark_table<E: Env, D: Word, L: Lookup<E, D>>(
        &self,
        lookup: &mut L,
        env: &mut E,
        old: D,
        entry: Entry,
    ) -> Walk<Option<D>, E> {
        let physical = lookup.locate(env, entry, EntryAccess::Update)?;
        let fetch = Fetch { address: physical, place: lookup.place().at(entry.level), wide: D::WIDE };
        let new = old.with(descriptor::s1::AF.mask());
        let update = Update { fetch, old, new, big_endian: self.big_endian, rule: Rule::TableAccessFlag };
        update.swap(self.gpc, env, lookup.fault(FaultCode::SyncExternalOnWalk, entry.level))
    }

    /// The leaf's output address, after the checks on the leaf that come before its permissions, in order.
    #[inline(always)]
    fn leaf<E: Env, D: Word, L: Lookup<E, D>>(
        &self,
        lookup: &L,
        env: &mut E,
        ia: u64,
        descriptor: D,
        level: i8,
        space: PaSpace,
    ) -> Walk<FullAddress, E> {
        let geometry = &self.geometry;
        let contiguous = descriptor.contiguous() && geometry.contiguous_counts(level) && lookup.heeds_contiguous();
        let size = geometry.leaf_size(level, contiguous);
        let address = if contiguous {
            seldom(geometry.output_address(descriptor.low(), ia, size))
        } else {
            geometry.output_address(descriptor.low(), ia, geometry.leaf_size(level, false))
        };
        let output = FullAddress::new(lookup.leaf_space(descriptor, space), address);
        env.note(|| {
            let event = Event::Leaf { output, size: size as u8, contiguous };
            Step { place: lookup.place().at(level), rule: Rule::DescriptorLeaf, event }
        });
        let (code, rule) = if contiguous && geometry.contiguous_faults(size) {
            (FaultCode::Translation, Rule::LeafContiguous)
        } else if level < FINAL_LEVEL && geometry.nt_faults(descriptor.low()) {
            (FaultCode::Translation, Rule::LeafNt)
        } else if lookup.denies_context(descriptor, output.space) {
            (FaultCode::Translation, Rule::LeafAlternateContext)
        } else if geometry.out_of_range(output.address) {
            (FaultCode::AddressSize, Rule::LeafAddressSize)
        } else if !descriptor.accessed() && !self.ha {
            (FaultCode::AccessFlag, Rule::LeafAccessFlag)
        } else {
            return Ok(output);
        };
        Err(fail(*lookup, env, Some(level), rule, code))
    }
}

/// An output that is seldom enough for the walk to bet on the other, whose size it knows before it knows the leaf.
#[cold]
#[inline(never)]
const fn seldom(output: u64) -> u64 {
    output
}

/// An External abort on a descriptor.
#[inline(always)]
fn aborted<E: Env, D: Word, L: Lookup<E, D>>(
    lookup: L,
    env: &mut E,
    physical: FullAddress,
    level: i8,
) -> Halt<E::Stop> {
    aside(env, move |env| {
        let record = lookup.fault(FaultCode::SyncExternalOnWalk, level);
        let record = FaultRecord { paddress: physical, ..record };
        fault(env, lookup.place().at(level), Rule::DescriptorAbort, record)
    })
}
