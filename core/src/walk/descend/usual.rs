//! The descent in the usual case.

use super::{Descent, Entry, Found, Leaf, Lookup, aborted, fail};
use crate::addr::{FullAddress, PaSpace};
use crate::env::{Env, Fetch};
use crate::outcome::FaultCode;
use crate::params::FINAL_LEVEL;
use crate::step::{Read, Record};
use crate::walk::{Walk, aside, stop};

/// [`any`](super::any) in the usual case, with what makes it usual said in constants. As long as there is nothing to be
/// said against a descriptor, one comparison finds that out; the first that is otherwise leads to the way of all
/// others. `again` walks once more, from the start. That is seldom enough to need no loop, which would cost every walk
/// its registers.
#[inline(always)]
pub(in crate::walk) fn usual<E: Env, L: Lookup<E, u64>>(
    mut lookup: L,
    env: &mut E,
    ia: u64,
    again: impl FnOnce(&mut E) -> Walk<L::Output, E> + Copy,
) -> Walk<L::Plain, E> {
    let unmoved = lookup;
    let descent = unmoved.descent();
    let geometry = descent.geometry.usual();
    let table = FullAddress::new(PaSpace::NonSecure, descent.table.address);
    let descent = Descent { geometry: &geometry, table, gpc: None, big_endian: false, ..descent };
    let start = geometry.start_level;
    let mut address = descent.first(ia).entry.address.address;
    // What is told of the index: the first table is as large as the input size makes it, all others are full.
    let mut high = geometry.first_index().high as u8;
    if geometry.out_of_range(address) {
        return Err(fail(lookup, env, None, descent.base_rule, FaultCode::AddressSize));
    }
    // Level after level, so that each is a constant to the compiler.
    if start <= 0 {
        let (physical, descriptor) = descent.read_plain(&mut lookup, env, address, 0)?;
        if !descent.passes(&lookup, env, ia, (address, 0, high), (physical, descriptor)) {
            return turn_aside(lookup, env, ia, (address, 0), (physical, descriptor), again);
        }
        lookup.enter_table(descriptor);
        (address, high) = descent.next_entry(ia, descriptor, 0);
    }
    if start <= 1 {
        let (physical, descriptor) = descent.read_plain(&mut lookup, env, address, 1)?;
        if !descent.passes(&lookup, env, ia, (address, 1, high), (physical, descriptor)) {
            return turn_aside(lookup, env, ia, (address, 1), (physical, descriptor), again);
        }
        lookup.enter_table(descriptor);
        (address, high) = descent.next_entry(ia, descriptor, 1);
    }
    if start <= 2 {
        let (physical, descriptor) = descent.read_plain(&mut lookup, env, address, 2)?;
        if !descent.passes(&lookup, env, ia, (address, 2, high), (physical, descriptor)) {
            return turn_aside(lookup, env, ia, (address, 2), (physical, descriptor), again);
        }
        lookup.enter_table(descriptor);
        (address, high) = descent.next_entry(ia, descriptor, 2);
    }
    let (physical, descriptor) = descent.read_plain(&mut lookup, env, address, FINAL_LEVEL)?;
    let entry = Entry { address: non_secure(address), level: FINAL_LEVEL };
    let output = non_secure(geometry.output_address(descriptor, ia, geometry.leaf_size(FINAL_LEVEL, false)));
    let leaf = Leaf { descriptor, entry, physical: non_secure(physical), output };
    let plain = lookup.is_plain_page(&geometry, descriptor);
    if !plain || E::LISTENS && !lookup.record_page(env, leaf, high) {
        return turn_aside(lookup, env, ia, (address, FINAL_LEVEL), (physical, descriptor), again);
    }
    Ok(lookup.finish_plain(leaf))
}

/// Where everything is in the usual walk.
const fn non_secure(address: u64) -> FullAddress {
    FullAddress::new(PaSpace::NonSecure, address)
}

/// Leaves the usual walk with a descriptor in hand.
#[inline(always)]
fn turn_aside<E: Env, L: Lookup<E, u64>>(
    lookup: L,
    env: &mut E,
    ia: u64,
    (address, level): (u64, i8),
    (physical, descriptor): (u64, u64),
    again: impl FnOnce(&mut E) -> Walk<L::Output, E>,
) -> Walk<L::Plain, E> {
    let output = aside(env, move |env| {
        let descent = lookup.descent();
        let found = Found { descriptor, physical: non_secure(physical) };
        let at = descent.at(non_secure(address), level);
        descent.tell_read(env, ia, at, lookup.place().at(level), found);
        match descent.go_on(lookup, env, ia, at, found)? {
            Some(output) => Ok(output),
            None => again(env),
        }
    });
    Ok(L::plain(output?))
}

impl Descent<'_> {
    /// Whether there is nothing to be said against a table in the usual case, and whoever listens has been told of it.
    #[inline(always)]
    fn passes<E: Env, L: Lookup<E, u64>>(
        &self,
        lookup: &L,
        env: &mut E,
        ia: u64,
        (entry, level, index_high): (u64, i8, u8),
        (physical, value): (u64, u64),
    ) -> bool {
        if !self.geometry.is_plain_table(value) {
            return false;
        }
        let (stage, purpose) = (L::STAGE, lookup.place().purpose);
        let read = Read { input: ia, entry, physical, value };
        !E::LISTENS || env.record(Record::Table { stage, purpose, level, index_high, read })
    }

    /// The address of the descriptor to read next, after a table, and the bit of the input address that its index
    /// begins at.
    #[inline(always)]
    fn next_entry(&self, ia: u64, table: u64, level: i8) -> (u64, u8) {
        let index = self.geometry.index(level + 1, 1);
        (self.geometry.entry_address(self.geometry.next_table(table), ia, index), index.high as u8)
    }

    /// [`Self::read`] in the usual case: where the descriptor is in memory, and the descriptor. Who knows what it is
    /// tells that it was read.
    #[inline(always)]
    fn read_plain<E: Env, L: Lookup<E, u64>>(
        &self,
        lookup: &mut L,
        env: &mut E,
        address: u64,
        level: i8,
    ) -> Walk<(u64, u64), E> {
        let located = lookup.locate_plain(env, address, level)?;
        let (physical, place) = (non_secure(located), lookup.place().at(level));
        match env.read(Fetch { address: physical, place, wide: false }).map_err(stop)? {
            Ok(bits) => Ok((located, bits as u64)),
            Err(_) => Err(aborted(*lookup, env, physical, level)),
        }
    }
}
