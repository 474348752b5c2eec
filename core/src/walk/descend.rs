//! The descent through the tables, which both stages share: `AArch64.S1Walk` and `AArch64.S2Walk`.

mod usual;

pub(super) use usual::usual;

use super::update::Update;
use super::word::Word;
use super::{Halt, Walk, aside, fault, gpc, stop};
use crate::addr::{FullAddress, PaSpace};
use crate::bits::align_down;
use crate::env::{Env, Fetch};
use crate::layout::descriptor;
use crate::outcome::{FaultCode, FaultRecord};
use crate::params::{DescriptorType, FINAL_LEVEL, Geometry, GpcParams, Index};
use crate::pe::Pe;
use crate::rule::Rule;
use crate::step::{Event, Place, Read, Start, Step};
use alloc::boxed::Box;

/// What a stage's descent needs to know of its stage. Copied where it is passed out of the way, so that the walk keeps
/// it in registers.
pub(super) trait Lookup<E: Env, D: Word>: Copy {
    /// What the stage makes of a leaf.
    type Output;

    /// What of it is not always the same in the usual walk. The usual walk passes nothing but words: what has bits to
    /// spare would share its place with a halt, and where pointers have 32 bits, be taken to pieces for that.
    type Plain;

    /// Whether finding where a descriptor is takes so little that there may be code for every level.
    fn is_lean(&self) -> bool;

    /// That of an output.
    fn plain(output: Self::Output) -> Self::Plain;

    /// Its tables.
    fn descent(&self) -> Descent<'_>;

    /// Where the steps belong.
    fn place(&self) -> Place;

    /// A fault of this stage.
    fn fault(&self, code: FaultCode, level: i8) -> FaultRecord;

    /// The physical address of the descriptor at `entry`: in stage 1, stage 2's answer.
    fn locate(&mut self, env: &mut E, entry: Entry, access: EntryAccess) -> Walk<FullAddress, E>;

    /// The same to read in the usual walk.
    fn locate_plain(&mut self, env: &mut E, address: u64, level: i8) -> Walk<u64, E>;

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

    /// What comes after the descent. `None` when a hardware update has found the leaf changed, and the walk must start
    /// again.
    fn finish(self, env: &mut E, leaf: Leaf<D>) -> Walk<Option<Self::Output>, E>;

    /// Tells somebody who takes records of a table of the usual walk, or keeps it to tell later. If that cannot be,
    /// nothing is told.
    fn record_table(&mut self, env: &mut E, read: Read, level: i8, index_high: u8) -> bool;

    /// Tells what was kept of the tables above a level, where the usual walk ends or is left.
    fn tell_kept(&self, env: &mut E, level: i8);

    /// Whether a descriptor at the final level of the usual walk is a page with nothing to be said against it.
    fn is_plain_page(&self, geometry: &Geometry, descriptor: D) -> bool;

    /// Tells somebody who takes records of a [plain page](Self::is_plain_page), whose index begins at this bit of the
    /// input address, and of what was kept. If it cannot be told in a record, nothing is told.
    fn record_page(&self, env: &mut E, leaf: Leaf<D>, index_high: u8) -> bool;

    /// [`Self::finish`] for a plain page.
    fn finish_plain(self, leaf: Leaf<D>) -> Self::Plain;
}

/// Ends a descent in a fault of its stage.
#[inline(always)]
fn fail<E: Env, D: Word, L: Lookup<E, D>>(
    lookup: L,
    env: &mut E,
    level: Option<i8>,
    rule: Rule,
    code: FaultCode,
) -> Box<Halt<E::Stop>> {
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
}

/// What for a descriptor's address is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryAccess {
    Read,
    Update,
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

/// The same of the usual walk.
#[inline(always)]
pub(super) const fn start_record(geometry: &Geometry, ttbr: u128, table: u64) -> Start {
    let Geometry { ia_size, oa_size, start_level: level, .. } = *geometry;
    Start { ia_size: ia_size as u8, oa_size: oa_size as u8, level, ttbr, table }
}

/// Where a descent starts, and how it reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Descent<'a> {
    pub pe: &'a Pe,
    pub geometry: &'a Geometry,
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
#[derive(Clone, Copy)]
struct At {
    table: Table,
    entry: Entry,
}

/// A descriptor that was read.
#[derive(Clone, Copy)]
struct Found<D> {
    descriptor: D,
    physical: FullAddress,
}

/// Walks from the first table to a leaf for `ia`, makes the checks that come before permissions, and finishes.
#[inline(always)]
pub(super) fn any<E: Env, D: Word, L: Lookup<E, D>>(mut lookup: L, env: &mut E, ia: u64) -> Walk<Option<L::Output>, E> {
    let unmoved = lookup;
    let descent = unmoved.descent();
    let at = descent.first(ia);
    if descent.geometry.start_level > FINAL_LEVEL + 1 {
        return Err(fail(lookup, env, None, Rule::StartLevelReserved, FaultCode::Translation));
    }
    if descent.geometry.out_of_range(at.entry.address.address) {
        return Err(fail(lookup, env, None, descent.base_rule, FaultCode::AddressSize));
    }
    let found = descent.read(&mut lookup, env, ia, at)?;
    descent.go_on(lookup, env, ia, at, found)
}

impl Descent<'_> {
    /// The descent from a descriptor on, whatever it is.
    fn go_on<E: Env, D: Word, L: Lookup<E, D>>(
        &self,
        mut lookup: L,
        env: &mut E,
        ia: u64,
        mut at: At,
        mut found: Found<D>,
    ) -> Walk<Option<L::Output>, E> {
        loop {
            if let Some(leaf) = self.look_up(&mut lookup, env, ia, &mut at, found)? {
                return lookup.finish(env, leaf);
            }
            found = self.read(&mut lookup, env, ia, at)?;
        }
    }

    /// One lookup: a leaf, or a step on to the next table.
    #[inline(always)]
    fn look_up<E: Env, D: Word, L: Lookup<E, D>>(
        &self,
        lookup: &mut L,
        env: &mut E,
        ia: u64,
        at: &mut At,
        Found { mut descriptor, physical }: Found<D>,
    ) -> Walk<Option<Leaf<D>>, E> {
        let (geometry, At { table, entry }) = (self.geometry, *at);
        let level = entry.level;
        // A table descriptor that changes while hardware sets its access flag is decoded again.
        loop {
            let levels = match descriptor.kind(geometry, level) {
                DescriptorType::Table(levels) => levels,
                DescriptorType::Leaf => {
                    let output = self.leaf(lookup, env, ia, descriptor, entry)?;
                    return Ok(Some(Leaf { descriptor, entry, physical, output }));
                }
                DescriptorType::Invalid => {
                    return Err(fail(*lookup, env, Some(level), Rule::DescriptorInvalid, FaultCode::Translation));
                }
            };
            let next = self.next(lookup, env, ia, descriptor, table.base.space, (level, levels));
            if geometry.out_of_range(next.entry.address.address) {
                return Err(fail(*lookup, env, Some(level), Rule::TableAddressSize, FaultCode::AddressSize));
            }
            if levels > 1 && geometry.nt_faults(self.pe, descriptor.low()) {
                return Err(fail(*lookup, env, Some(level), Rule::TableNt, FaultCode::Translation));
            }
            if self.haft
                && !descriptor.accessed()
                && let Some(changed) = self.mark_table(lookup, env, descriptor, entry)?
            {
                descriptor = changed;
                continue;
            }
            lookup.enter_table(descriptor);
            *at = next;
            return Ok(None);
        }
    }

    /// Where a table descriptor at a level leads, so many levels on.
    #[inline(always)]
    fn next<E: Env, D: Word, L: Lookup<E, D>>(
        &self,
        lookup: &L,
        env: &mut E,
        ia: u64,
        descriptor: D,
        space: PaSpace,
        (level, levels): (i8, i8),
    ) -> At {
        let address = self.geometry.next_table(descriptor.low());
        let base = FullAddress::new(lookup.table_space(descriptor, space), address);
        env.note(|| Step {
            place: lookup.place().at(level),
            rule: Rule::DescriptorTable,
            event: Event::Table { next: base },
        });
        let table = Table { base, index: self.geometry.index(level + levels, levels) };
        At { table, entry: self.entry(table, ia, level + levels) }
    }

    /// Where a descent starts.
    #[inline(always)]
    fn first(&self, ia: u64) -> At {
        let table = Table { base: self.table, index: self.geometry.first_index() };
        At { table, entry: self.entry(table, ia, self.geometry.start_level) }
    }

    /// Where a descent is, in the usual case, that has come to a descriptor at this address.
    #[inline(always)]
    fn at(&self, address: FullAddress, level: i8) -> At {
        let table = if level == self.geometry.start_level {
            Table { base: self.table, index: self.geometry.first_index() }
        } else {
            let base = align_down(address.address, self.geometry.granule.bits());
            Table { base: FullAddress::new(address.space, base), index: self.geometry.index(level, 1) }
        };
        At { table, entry: Entry { address, level } }
    }

    #[inline(always)]
    fn entry(&self, table: Table, ia: u64, level: i8) -> Entry {
        let address = self.geometry.entry_address(table.base.address, ia, table.index);
        Entry { address: FullAddress::new(table.base.space, address), level }
    }

    /// `FetchDescriptor`: one descriptor, in the regime's byte order.
    #[inline(always)]
    fn read<E: Env, D: Word, L: Lookup<E, D>>(
        &self,
        lookup: &mut L,
        env: &mut E,
        ia: u64,
        at: At,
    ) -> Walk<Found<D>, E> {
        let (entry, level) = (at.entry, at.entry.level);
        let physical = lookup.locate(env, entry, EntryAccess::Read)?;
        let place = lookup.place().at(level);
        gpc::check(self.gpc, env, place, physical, || lookup.fault(FaultCode::GpcfOnWalk, level))?;
        let fetch = Fetch { address: physical, place, wide: D::WIDE };
        let Ok(bits) = env.read(fetch).map_err(stop)? else {
            return Err(aborted(*lookup, env, physical, level));
        };
        let found = Found { descriptor: D::from_memory(bits, self.big_endian), physical };
        self.tell_read(env, ia, at, place, found);
        Ok(found)
    }

    #[inline(always)]
    fn tell_read<E: Env, D: Word>(
        &self,
        env: &mut E,
        ia: u64,
        At { table, entry }: At,
        place: Place,
        Found { descriptor, physical }: Found<D>,
    ) {
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

    /// A leaf's output, and log2 of the size of what it maps.
    #[inline(always)]
    fn output<E: Env, D: Word, L: Lookup<E, D>>(
        &self,
        lookup: &L,
        env: &mut E,
        ia: u64,
        descriptor: D,
        Entry { address, level }: Entry,
        contiguous: bool,
    ) -> (FullAddress, u32) {
        let size = self.geometry.leaf_size(level, contiguous);
        let space = lookup.leaf_space(descriptor, address.space);
        let output = FullAddress::new(space, self.geometry.output_address(descriptor.low(), ia, size));
        env.note(|| {
            let event = Event::Leaf { output, size: size as u8, contiguous };
            Step { place: lookup.place().at(level), rule: Rule::DescriptorLeaf, event }
        });
        (output, size)
    }

    /// A leaf's output, after the checks on the leaf that come before its permissions, in order.
    #[inline(always)]
    fn leaf<E: Env, D: Word, L: Lookup<E, D>>(
        &self,
        lookup: &L,
        env: &mut E,
        ia: u64,
        descriptor: D,
        entry: Entry,
    ) -> Walk<FullAddress, E> {
        let (geometry, level) = (self.geometry, entry.level);
        let contiguous = descriptor.contiguous() && geometry.contiguous_counts(level) && lookup.heeds_contiguous();
        let (output, size) = self.output(lookup, env, ia, descriptor, entry, contiguous);
        let (code, rule) = if contiguous && geometry.contiguous_faults(self.pe, size) {
            (FaultCode::Translation, Rule::LeafContiguous)
        } else if level < FINAL_LEVEL && geometry.nt_faults(self.pe, descriptor.low()) {
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

/// An External abort on a descriptor.
#[inline(always)]
fn aborted<E: Env, D: Word, L: Lookup<E, D>>(
    lookup: L,
    env: &mut E,
    physical: FullAddress,
    level: i8,
) -> Box<Halt<E::Stop>> {
    aside(env, move |env| {
        let record = lookup.fault(FaultCode::SyncExternalOnWalk, level);
        let record = FaultRecord { paddress: physical, ..record };
        fault(env, lookup.place().at(level), Rule::DescriptorAbort, record)
    })
}
