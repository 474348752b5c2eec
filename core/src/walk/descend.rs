//! The descent through the tables, which both stages share: `AArch64.S1Walk` and `AArch64.S2Walk`.

use super::{Walk, fault};
use crate::addr::{FullAddress, PaSpace};
use crate::env::{Env, Fetch};
use crate::layout::descriptor;
use crate::outcome::{FaultCode, FaultRecord};
use crate::params::{DescriptorType, Geometry};
use crate::rule::Rule;
use crate::step::{Event, Place, Step};

/// What a stage's descent needs to know of its stage.
pub(super) trait Lookup<E: Env> {
    /// Where the steps belong.
    fn place(&self) -> Place;

    /// A fault of this stage.
    fn fault(&self, code: FaultCode, level: i8) -> FaultRecord;

    /// The physical address of the descriptor at `address`: in stage 1, stage 2's answer.
    fn locate(&mut self, env: &mut E, address: FullAddress, level: i8) -> Walk<FullAddress, E>;

    /// Takes what a table descriptor says besides the next table's address, and gives that table's address space.
    fn enter_table(&mut self, descriptor: u64, space: PaSpace) -> PaSpace;

    /// The address space of a leaf's output.
    fn leaf_space(&self, descriptor: u64, space: PaSpace) -> PaSpace;
}

/// Where a descent starts, and how it reads.
pub(super) struct Descent<'a> {
    pub geometry: &'a Geometry,
    pub table: FullAddress,
    pub big_endian: bool,
    /// Hardware sets the access flag, so that a clear one is no fault.
    pub ha: bool,
    /// The rule for a first table that is out of range.
    pub base_rule: Rule,
}

/// A leaf, and where it was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf {
    pub descriptor: u64,
    pub level: i8,
    /// Address of the descriptor in the stage's own output space.
    pub at: FullAddress,
    /// And in memory.
    pub physical: FullAddress,
    /// The output address.
    pub output: FullAddress,
}

impl Descent<'_> {
    /// Walks from the first table to a leaf for `ia`, and makes the checks that come before permissions.
    pub fn run<E: Env, L: Lookup<E>>(&self, lookup: &mut L, env: &mut E, ia: u64) -> Walk<Leaf, E> {
        let geometry = self.geometry;
        let mut level = geometry.start_level;
        let mut table = self.table;
        let mut at = FullAddress::new(table.space, geometry.entry_address(table.address, ia, level));
        if geometry.out_of_range(at.address) {
            let record = lookup.fault(FaultCode::AddressSize, 0);
            return fault(env, lookup.place(), self.base_rule, record);
        }
        loop {
            let place = lookup.place().at(level);
            let physical = lookup.locate(env, at, level)?;
            let value = self.read(lookup, env, Fetch { address: physical, place }, ia, at, table)?;
            match geometry.descriptor_type(value, level) {
                DescriptorType::Invalid => {
                    let record = lookup.fault(FaultCode::Translation, level);
                    return fault(env, place, Rule::DescriptorInvalid, record);
                }
                DescriptorType::Leaf => {
                    let space = lookup.leaf_space(value, table.space);
                    let leaf = self.leaf(env, place, value, ia, (at, physical), space);
                    self.check(lookup, env, place, &leaf)?;
                    return Ok(leaf);
                }
                DescriptorType::Table => {
                    let space = lookup.enter_table(value, table.space);
                    table = FullAddress::new(space, geometry.next_table(value));
                    env.note(|| Step { place, rule: Rule::DescriptorTable, event: Event::Table { next: table } });
                    at = FullAddress::new(space, geometry.entry_address(table.address, ia, level + 1));
                    if geometry.out_of_range(at.address) {
                        let record = lookup.fault(FaultCode::AddressSize, level);
                        return fault(env, place, Rule::TableAddressSize, record);
                    }
                    level += 1;
                }
            }
        }
    }

    /// `FetchDescriptor`: one descriptor, in the regime's byte order.
    fn read<E: Env, L: Lookup<E>>(
        &self,
        lookup: &L,
        env: &mut E,
        fetch: Fetch,
        ia: u64,
        at: FullAddress,
        table: FullAddress,
    ) -> Walk<u64, E> {
        let level = fetch.place.level.unwrap_or_default();
        let Ok(raw) = env.read(fetch).map_err(super::Halt::Stop)? else {
            let record = FaultRecord { paddress: fetch.address, ..lookup.fault(FaultCode::SyncExternalOnWalk, level) };
            return fault(env, fetch.place, Rule::DescriptorAbort, record);
        };
        let value = byte_order(raw, self.big_endian);
        let (index_high, index_low) = self.geometry.index_range(level);
        env.note(|| Step {
            place: fetch.place,
            rule: Rule::DescriptorRead,
            event: Event::Read {
                descriptor: at,
                physical: fetch.address,
                table: table.address,
                input: ia,
                index_high: index_high as u8,
                index_low: index_low as u8,
                value,
            },
        });
        Ok(value)
    }

    fn leaf<E: Env>(
        &self,
        env: &mut E,
        place: Place,
        value: u64,
        ia: u64,
        (at, physical): (FullAddress, FullAddress),
        space: PaSpace,
    ) -> Leaf {
        let level = place.level.unwrap_or_default();
        let contiguous = self.geometry.contiguous(value, level);
        let output = FullAddress::new(space, self.geometry.output_address(value, ia, level, contiguous));
        let size = self.geometry.leaf_size(level, contiguous) as u8;
        env.note(|| Step { place, rule: Rule::DescriptorLeaf, event: Event::Leaf { output, size, contiguous } });
        Leaf { descriptor: value, level, at, physical, output }
    }

    /// The checks on a leaf that come before its permissions, in order.
    fn check<E: Env, L: Lookup<E>>(&self, lookup: &L, env: &mut E, place: Place, leaf: &Leaf) -> Walk<(), E> {
        let geometry = self.geometry;
        let failed = if geometry.contiguous(leaf.descriptor, leaf.level) && geometry.contiguous_faults(leaf.level) {
            Some((FaultCode::Translation, Rule::LeafContiguous))
        } else if geometry.block_nt_faults(leaf.descriptor, leaf.level) {
            Some((FaultCode::Translation, Rule::LeafNt))
        } else if geometry.out_of_range(leaf.output.address) {
            Some((FaultCode::AddressSize, Rule::LeafAddressSize))
        } else if !descriptor::s1::AF.is_set(leaf.descriptor) && !self.ha {
            Some((FaultCode::AccessFlag, Rule::LeafAccessFlag))
        } else {
            None
        };
        match failed {
            Some((code, rule)) => {
                let record = lookup.fault(code, leaf.level);
                fault(env, place, rule, record)
            }
            None => Ok(()),
        }
    }
}

/// A descriptor between memory's byte order and the regime's.
pub(super) const fn byte_order(word: u64, big_endian: bool) -> u64 {
    if big_endian { word.swap_bytes() } else { word }
}
