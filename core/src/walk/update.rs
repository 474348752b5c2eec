//! Hardware updates of the access flag and the dirty state: compare-and-swap on the descriptor
//! (`AArch64.MemSwapTableDesc`).

use super::descend::byte_order;
use super::{Halt, Walk, fault};
use crate::env::{Env, Fetch};
use crate::outcome::FaultRecord;
use crate::rule::Rule;
use crate::step::{Event, Step};

/// A descriptor and what it is to become.
pub(super) struct Update {
    pub fetch: Fetch,
    pub old: u64,
    pub new: u64,
    pub big_endian: bool,
    pub rule: Rule,
}

impl Update {
    /// Swaps. Answers whether memory now holds `new`; if not, the walk must start again. `abort` is the fault record of an
    /// External abort.
    pub fn swap<E: Env>(&self, env: &mut E, abort: FaultRecord) -> Walk<bool, E> {
        let (old, new) = (byte_order(self.old, self.big_endian), byte_order(self.new, self.big_endian));
        let Ok(found) = env.compare_and_swap(self.fetch, old, new).map_err(Halt::Stop)? else {
            let record = FaultRecord { paddress: self.fetch.address, ..abort };
            return fault(env, self.fetch.place, Rule::DescriptorAbort, record);
        };
        let done = found == old || found == new;
        env.note(|| Step {
            place: self.fetch.place,
            rule: if done { self.rule } else { Rule::SwapLost },
            event: Event::Update {
                physical: self.fetch.address,
                old: self.old,
                new: self.new,
                found: byte_order(found, self.big_endian),
            },
        });
        Ok(done)
    }
}
