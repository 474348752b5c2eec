//! The descent through the tables, which both stages share: `AArch64.S1Walk` and `AArch64.S2Walk`.

use super::update::Update;
use super::word::Word;
use super::{Context, Walk, fault, gpc};
use crate::addr::{FullAddress, PaSpace};
use crate::env::{Env, Fetch};
use crate::layout::descriptor;
use crate::outcome::{FaultCode, FaultRecord};
use crate::params::{DescriptorType, FINAL_LEVEL, Geometry};
use crate::rule::Rule;
use crate::step::{Event, Place, Purpose, Step};

/// What a stage's descent needs to know of its stage.
pub(super) trait Lookup<E: Env> {
    /// Where the steps belong.
    fn place(&self) -> Place;

    /// A fault of this stage.
    fn fault(&self, code: FaultCode, level: i8) -> FaultRecord;

    /// The physical address of the descriptor at `entry`: in stage 1, stage 2's answer.
    fn locate(&mut self, env: &mut E, entry: Entry, access: EntryAccess) -> Walk<FullAddress, E>;

    /// The address space of the next table.
    fn table_space(&self, descriptor: Word, space: PaSpace) -> PaSpace;

    /// Takes what a table descriptor says besides the next table's address.
    fn enter_table(&mut self, descriptor: Word);

    /// The address space of a leaf's output.
    fn leaf_space(&self, descriptor: Word, space: PaSpace) -> PaSpace;

    /// Whether a leaf's Contiguous bit counts, as far as the stage has a say.
    fn heeds_contiguous(&self) -> bool;
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

impl EntryAccess {
    pub const fn purpose(self, level: i8) -> Purpose {
        match self {
            Self::Read => Purpose::Descriptor(level),
            Self::Update => Purpose::Update(level),
        }
    }
}

/// Where a descent starts, and how it reads.
pub(super) struct Descent<'a> {
    pub context: &'a Context<'a>,
    pub geometry: &'a Geometry,
    pub table: FullAddress,
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
pub(super) struct Leaf {
    pub descriptor: Word,
    pub entry: Entry,
    /// Where the descriptor is in memory.
    pub physical: FullAddress,
    /// The output address.
    pub output: FullAddress,
}

impl Descent<'_> {
    /// Walks from the first table to a leaf for `ia`, and makes the checks that come before permissions.
    ///
    /// The usual shape gets a copy of the walk for itself, in which granule, start level and format are constants.
    #[inline(always)]
    pub fn run<E: Env, L: Lookup<E>>(&self, lookup: &mut L, env: &mut E, ia: u64) -> Walk<Leaf, E> {
        match self.geometry.usual() {
            Some(geometry) => Descent { geometry: &geometry, ..*self }.run_shaped(lookup, env, ia),
            None => self.run_any(lookup, env, ia),
        }
    }

    #[inline(never)]
    fn run_any<E: Env, L: Lookup<E>>(&self, lookup: &mut L, env: &mut E, ia: u64) -> Walk<Leaf, E> {
        self.run_shaped(lookup, env, ia)
    }

    #[inline(always)]
    fn run_shaped<E: Env, L: Lookup<E>>(&self, lookup: &mut L, env: &mut E, ia: u64) -> Walk<Leaf, E> {
        let geometry = self.geometry;
        let mut table = self.table;
        let mut index = geometry.first_index_range();
        let mut entry = self.entry(table, ia, index, geometry.start_level, true);
        if geometry.start_level > FINAL_LEVEL + 1 {
            let record = lookup.fault(FaultCode::Translation, 0);
            return fault(env, lookup.place(), Rule::StartLevelReserved, record);
        }
        if geometry.out_of_range(entry.address.address) {
            let record = lookup.fault(FaultCode::AddressSize, 0);
            return fault(env, lookup.place(), self.base_rule, record);
        }
        loop {
            let level = entry.level;
            let place = lookup.place().at(level);
            let physical = lookup.locate(env, entry, EntryAccess::Read)?;
            let mut descriptor = self.read(lookup, env, physical, ia, entry, (table, index))?;
            // A table descriptor that changes while hardware sets its access flag is decoded again.
            loop {
                let levels = match geometry.descriptor_type(descriptor.bits, level) {
                    DescriptorType::Table(levels) => levels,
                    DescriptorType::Leaf => return self.leaf(lookup, env, ia, descriptor, entry, (table, physical)),
                    DescriptorType::Invalid => {
                        let record = lookup.fault(FaultCode::Translation, level);
                        return fault(env, place, Rule::DescriptorInvalid, record);
                    }
                };
                let space = lookup.table_space(descriptor, table.space);
                let next = FullAddress::new(space, geometry.next_table(descriptor.low()));
                env.note(|| Step { place, rule: Rule::DescriptorTable, event: Event::Table { next } });
                let next_index = geometry.index_range(level + levels, levels);
                let next_entry = self.entry(next, ia, next_index, level + levels, false);
                if geometry.out_of_range(next_entry.address.address) {
                    let record = lookup.fault(FaultCode::AddressSize, level);
                    return fault(env, place, Rule::TableAddressSize, record);
                }
                if levels > 1 && geometry.nt_faults(descriptor.low()) {
                    let record = lookup.fault(FaultCode::Translation, level);
                    return fault(env, place, Rule::TableNt, record);
                }
                if self.haft
                    && !descriptor.accessed()
                    && let Some(changed) = self.mark_table(lookup, env, descriptor, entry)?
                {
                    descriptor = changed;
                    continue;
                }
                lookup.enter_table(descriptor);
                (table, index, entry) = (next, next_index, next_entry);
                break;
            }
        }
    }

    #[inline(always)]
    fn entry(&self, table: FullAddress, ia: u64, index: (u32, u32), level: i8, first: bool) -> Entry {
        let address = self.geometry.entry_address(table.address, ia, index);
        Entry { address: FullAddress::new(table.space, address), level, first }
    }

    /// `FetchDescriptor`: one descriptor, in the regime's byte order.
    #[inline(always)]
    fn read<E: Env, L: Lookup<E>>(
        &self,
        lookup: &L,
        env: &mut E,
        physical: FullAddress,
        ia: u64,
        entry: Entry,
        (table, (index_high, index_low)): (FullAddress, (u32, u32)),
    ) -> Walk<Word, E> {
        let place = lookup.place().at(entry.level);
        gpc::check(self.context, env, place, physical, || lookup.fault(FaultCode::GpcfOnWalk, entry.level))?;
        let wide = self.geometry.d128;
        let fetch = Fetch { address: physical, place, wide };
        let Ok(bits) = env.read(fetch).map_err(super::Halt::Stop)? else {
            let record = lookup.fault(FaultCode::SyncExternalOnWalk, entry.level);
            let record = FaultRecord { paddress: physical, ..record };
            return fault(env, place, Rule::DescriptorAbort, record);
        };
        let descriptor = byte_order(Word { bits, wide }, self.big_endian);
        env.note(|| Step {
            place,
            rule: Rule::DescriptorRead,
            event: Event::Read {
                descriptor: entry.address,
                physical,
                table: table.address,
                input: ia,
                index_high: index_high as u8,
                index_low: index_low as u8,
                value: descriptor.bits,
                wide,
            },
        });
        Ok(descriptor)
    }

    /// With HAFT, sets the access flag of a table descriptor; answers with the descriptor if it has changed meanwhile.
    #[cold]
    fn mark_table<E: Env, L: Lookup<E>>(
        &self,
        lookup: &mut L,
        env: &mut E,
        old: Word,
        entry: Entry,
    ) -> Walk<Option<Word>, E> {
        let physical = lookup.locate(env, entry, EntryAccess::Update)?;
        let fetch = Fetch { address: physical, place: lookup.place().at(entry.level), wide: old.wide };
        let new = old.with(descriptor::s1::AF.mask());
        let update = Update { fetch, old, new, big_endian: self.big_endian, rule: Rule::TableAccessFlag };
        update.swap(self.context, env, lookup.fault(FaultCode::SyncExternalOnWalk, entry.level))
    }

    /// The leaf, and the checks on it that come before its permissions, in order.
    #[inline(always)]
    fn leaf<E: Env, L: Lookup<E>>(
        &self,
        lookup: &L,
        env: &mut E,
        ia: u64,
        descriptor: Word,
        entry: Entry,
        (table, physical): (FullAddress, FullAddress),
    ) -> Walk<Leaf, E> {
        let (geometry, level) = (self.geometry, entry.level);
        let place = lookup.place().at(level);
        let contiguous = geometry.contiguous(descriptor.bits, level) && lookup.heeds_contiguous();
        let space = lookup.leaf_space(descriptor, table.space);
        let output = FullAddress::new(space, geometry.output_address(descriptor.low(), ia, level, contiguous));
        env.note(|| {
            let size = geometry.leaf_size(level, contiguous) as u8;
            Step { place, rule: Rule::DescriptorLeaf, event: Event::Leaf { output, size, contiguous } }
        });
        let failed = if contiguous && geometry.contiguous_faults(level) {
            Some((FaultCode::Translation, Rule::LeafContiguous))
        } else if level < FINAL_LEVEL && geometry.nt_faults(descriptor.low()) {
            Some((FaultCode::Translation, Rule::LeafNt))
        } else if geometry.out_of_range(output.address) {
            Some((FaultCode::AddressSize, Rule::LeafAddressSize))
        } else if !descriptor.accessed() && !self.ha {
            Some((FaultCode::AccessFlag, Rule::LeafAccessFlag))
        } else {
            None
        };
        match failed {
            Some((code, rule)) => {
                let record = lookup.fault(code, level);
                fault(env, place, rule, record)
            }
            None => Ok(Leaf { descriptor, entry, physical, output }),
        }
    }
}

/// A descriptor between memory's byte order and the regime's.
#[inline(always)]
pub(super) const fn byte_order(word: Word, big_endian: bool) -> Word {
    let bits = match (big_endian, word.wide) {
        (false, _) => word.bits,
        (true, false) => (word.bits as u64).swap_bytes() as u128,
        (true, true) => word.bits.swap_bytes(),
    };
    Word { bits, wide: word.wide }
}
