//! The descent in the usual case.

use super::{Descent, Entry, Found, Leaf, Lookup, aborted, fail};
use crate::addr::{FullAddress, PaSpace};
use crate::env::{Env, Fetch};
use crate::outcome::FaultCode;
use crate::params::FINAL_LEVEL;
use crate::step::Read;
use crate::walk::{Halt, Walk, aside, stop};
use alloc::boxed::Box;

/// What the usual walk comes to as long as it is that, or how the walk ends that has left it.
type Usually<T, L, E> = Result<T, Walk<<L as Lookup<E, u64>>::Plain, E>>;

/// [`any`](super::any) in the usual case, with what makes it usual said in constants. As long as there is nothing to be
/// said against a descriptor, one comparison finds that out; the first that is otherwise leads to the way of all
/// others. `again` walks once more, from the start. That is seldom enough to need no loop, which would cost every walk
/// its registers.
#[inline(always)]
pub(in crate::walk) fn usual<E: Env, L: Lookup<E, u64>>(
    lookup: L,
    env: &mut E,
    ia: u64,
    again: impl FnOnce(&mut E) -> Walk<L::Output, E> + Copy,
) -> Walk<L::Plain, E> {
    let unmoved = lookup;
    let descent = unmoved.descent();
    let geometry = descent.geometry;
    let table = non_secure(aligned(descent.table.address));
    let descent = |geometry| Descent { geometry, table, gpc: None, big_endian: false, ..descent };
    // The commonest start level is a constant to the compiler, too; but not in wasm, where that gains nothing.
    let walked = if geometry.start_level == 0 && !cfg!(target_arch = "wasm32") {
        descent(&geometry.usual_from_level_0()).walk(lookup, env, ia, again)
    } else {
        descent(&geometry.usual()).walk(lookup, env, ia, again)
    };
    walked.map_or_else(|end| end, Ok)
}

/// A descriptor's address, or a table's, as it is: what comes from a register is not known to the compiler to be that.
#[inline(always)]
const fn aligned(address: u64) -> u64 {
    address & !0b111
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
        lookup.tell_kept(env, level);
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

/// Ends the usual walk before it has read a descriptor at this level.
#[inline(always)]
fn end<E: Env, L: Lookup<E, u64>>(
    lookup: L,
    env: &mut E,
    level: i8,
    halt: impl FnOnce(L, &mut E) -> Box<Halt<E::Stop>>,
) -> Box<Halt<E::Stop>> {
    aside(env, move |env| {
        lookup.tell_kept(env, level);
        halt(lookup, env)
    })
}

impl Descent<'_> {
    /// The descent, as long as it is the usual one.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn walk<E: Env, L: Lookup<E, u64>>(
        &self,
        mut lookup: L,
        env: &mut E,
        ia: u64,
        again: impl FnOnce(&mut E) -> Walk<L::Output, E> + Copy,
    ) -> Usually<L::Plain, L, E> {
        let (geometry, start) = (self.geometry, self.geometry.start_level);
        let address = self.first(ia).entry.address.address;
        if geometry.out_of_range(address) {
            let rule = self.base_rule;
            let failed = move |lookup, env: &mut E| fail(lookup, env, None, rule, FaultCode::AddressSize);
            return Err(Err(end(lookup, env, start, failed)));
        }
        // Ready before they are needed: none waits for a descriptor.
        let offset = |level| geometry.entry_address(0, ia, geometry.index(level, 1));
        let next = [offset(1), offset(2), offset(3), 0];
        // What is told of the index: the first table is as large as the input size makes it, all others are full.
        let mut at = (address, geometry.first_index().high as u8);
        if lookup.is_lean() {
            // Level after level, so that each is a constant to the compiler.
            if start <= 0 {
                at = self.pass(&mut lookup, env, ia, at, (0, next[0]), again)?;
            }
            if start <= 1 {
                at = self.pass(&mut lookup, env, ia, at, (1, next[1]), again)?;
            }
            if start <= 2 {
                at = self.pass(&mut lookup, env, ia, at, (2, next[2]), again)?;
            }
        } else {
            for level in start..FINAL_LEVEL {
                at = self.pass(&mut lookup, env, ia, at, (level, next[(level & 3) as usize]), again)?;
            }
        }
        let (address, high) = at;
        let (physical, descriptor) = self.read_plain(&mut lookup, env, address, FINAL_LEVEL).map_err(Err)?;
        let entry = Entry { address: non_secure(address), level: FINAL_LEVEL };
        let output = non_secure(geometry.output_address(descriptor, ia, geometry.leaf_size(FINAL_LEVEL, false)));
        let leaf = Leaf { descriptor, entry, physical: non_secure(physical), output };
        let plain = lookup.is_plain_page(geometry, descriptor);
        if !plain || E::LISTENS && !(E::RECORDS && lookup.record_page(env, leaf, high)) {
            return Err(turn_aside(lookup, env, ia, (address, FINAL_LEVEL), (physical, descriptor), again));
        }
        Ok(lookup.finish_plain(leaf))
    }

    /// One table on the way: the address of the descriptor to read next, and the bit of the input address that its
    /// index begins at.
    #[inline(always)]
    fn pass<E: Env, L: Lookup<E, u64>>(
        &self,
        lookup: &mut L,
        env: &mut E,
        ia: u64,
        (address, high): (u64, u8),
        (level, next): (i8, u64),
        again: impl FnOnce(&mut E) -> Walk<L::Output, E> + Copy,
    ) -> Usually<(u64, u8), L, E> {
        let (physical, descriptor) = self.read_plain(lookup, env, address, level).map_err(Err)?;
        if !self.passes(lookup, env, ia, (address, level, high), (physical, descriptor)) {
            return Err(turn_aside(*lookup, env, ia, (address, level), (physical, descriptor), again));
        }
        lookup.enter_table(descriptor);
        Ok((self.geometry.next_table(descriptor) | next, self.geometry.index(level + 1, 1).high as u8))
    }

    /// Whether there is nothing to be said against a table in the usual case, and whoever listens is told of it.
    #[inline(always)]
    fn passes<E: Env, L: Lookup<E, u64>>(
        &self,
        lookup: &mut L,
        env: &mut E,
        input: u64,
        (entry, level, index_high): (u64, i8, u8),
        (physical, value): (u64, u64),
    ) -> bool {
        let read = Read { input, entry, physical, value };
        self.geometry.is_plain_table(value)
            && (!E::LISTENS || E::RECORDS && lookup.record_table(env, read, level, index_high))
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
        let located = lookup.locate_plain(env, aligned(address), level)?;
        let (physical, place) = (non_secure(located), lookup.place().at(level));
        match env.read(Fetch { address: physical, place, wide: false }) {
            Ok(Ok(bits)) => Ok((located, bits as u64)),
            Ok(Err(_)) => Err(end(*lookup, env, level, move |lookup, env| aborted(lookup, env, physical, level))),
            Err(why) => Err(end(*lookup, env, level, move |_, _| stop(why))),
        }
    }
}
