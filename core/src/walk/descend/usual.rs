//! The descent in the usual case.

use super::{Descent, Found, Leaf, Lookup, aborted, fail};
use crate::addr::{FullAddress, PaSpace};
use crate::env::{Env, Fetch};
use crate::outcome::FaultCode;
use crate::params::FINAL_LEVEL;
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
    if geometry.out_of_range(address) {
        return Err(fail(lookup, env, None, descent.base_rule, FaultCode::AddressSize));
    }
    // Level after level, so that each is a constant to the compiler.
    if start <= 0 {
        let (physical, descriptor) = descent.read_plain(&mut lookup, env, ia, address, 0)?;
        if !geometry.is_plain_table(descriptor) {
            return turn_aside(lookup, env, ia, (address, 0), (physical, descriptor), again);
        }
        address = descent.pass(&mut lookup, env, ia, descriptor, 0);
    }
    if start <= 1 {
        let (physical, descriptor) = descent.read_plain(&mut lookup, env, ia, address, 1)?;
        if !geometry.is_plain_table(descriptor) {
            return turn_aside(lookup, env, ia, (address, 1), (physical, descriptor), again);
        }
        address = descent.pass(&mut lookup, env, ia, descriptor, 1);
    }
    if start <= 2 {
        let (physical, descriptor) = descent.read_plain(&mut lookup, env, ia, address, 2)?;
        if !geometry.is_plain_table(descriptor) {
            return turn_aside(lookup, env, ia, (address, 2), (physical, descriptor), again);
        }
        address = descent.pass(&mut lookup, env, ia, descriptor, 2);
    }
    let (physical, descriptor) = descent.read_plain(&mut lookup, env, ia, address, FINAL_LEVEL)?;
    if !lookup.is_plain_page(&geometry, descriptor) {
        return turn_aside(lookup, env, ia, (address, FINAL_LEVEL), (physical, descriptor), again);
    }
    let at = descent.at(non_secure(address), FINAL_LEVEL);
    let physical = non_secure(physical);
    let (output, _) = descent.output(&lookup, env, ia, descriptor, at.entry, false);
    lookup.finish_plain(env, Leaf { descriptor, entry: at.entry, physical, output }, again)
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
        match descent.go_on(lookup, env, ia, descent.at(non_secure(address), level), found)? {
            Some(output) => Ok(output),
            None => again(env),
        }
    });
    Ok(L::plain(output?))
}

impl Descent<'_> {
    /// Passes through a table in the usual case. Answers with the address of the descriptor to read next.
    #[inline(always)]
    fn pass<E: Env, L: Lookup<E, u64>>(&self, lookup: &mut L, env: &mut E, ia: u64, table: u64, level: i8) -> u64 {
        let next = self.next(lookup, env, ia, table, PaSpace::NonSecure, (level, 1));
        lookup.enter_table(table);
        next.entry.address.address
    }

    /// [`Self::read`] in the usual case: where the descriptor is in memory, and the descriptor.
    #[inline(always)]
    fn read_plain<E: Env, L: Lookup<E, u64>>(
        &self,
        lookup: &mut L,
        env: &mut E,
        ia: u64,
        address: u64,
        level: i8,
    ) -> Walk<(u64, u64), E> {
        let located = lookup.locate_plain(env, address, level)?;
        let (physical, place) = (non_secure(located), lookup.place().at(level));
        let Ok(bits) = env.read(Fetch { address: physical, place, wide: false }).map_err(stop)? else {
            return Err(aborted(*lookup, env, physical, level));
        };
        let descriptor = bits as u64;
        self.tell_read(env, ia, self.at(non_secure(address), level), place, Found { descriptor, physical });
        Ok((located, descriptor))
    }
}
