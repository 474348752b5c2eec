//! Hardware updates of the access flag and the dirty state: compare-and-swap on the descriptor
//! (`AArch64.MemSwapTableDesc`).

use super::word::Word;
use super::{Walk, fault, gpc, stop};
use crate::env::{Env, Fetch};
use crate::outcome::{FaultCode, FaultRecord};
use crate::params::GpcParams;
use crate::rule::Rule;
use crate::step::{Event, Step};

/// A descriptor and what it is to become.
pub(super) struct Update<D> {
    pub fetch: Fetch,
    pub old: D,
    pub new: D,
    pub big_endian: bool,
    pub rule: Rule,
}

impl<D: Word> Update<D> {
    /// Swaps. Answers with what memory held if that was neither `old` nor already `new`: the walk must look again.
    /// `record` is the fault record of the walk, for an access that aborts.
    pub fn swap<E: Env>(&self, gpc: Option<&GpcParams>, env: &mut E, record: FaultRecord) -> Walk<Option<D>, E> {
        let place = self.fetch.place;
        let gpcf = FaultRecord { code: FaultCode::GpcfOnWalk, ..record };
        gpc::check(gpc, env, place, self.fetch.address, || gpcf)?;
        let (old, new) = (self.old.to_memory(self.big_endian), self.new.to_memory(self.big_endian));
        let Ok(found) = env.compare_and_swap(self.fetch, old, new).map_err(stop)? else {
            let record = FaultRecord { code: FaultCode::SyncExternalOnWalk, paddress: self.fetch.address, ..record };
            return Err(fault(env, place, Rule::DescriptorAbort, record));
        };
        let found = D::from_memory(found, self.big_endian);
        let done = found == self.old || found == self.new;
        env.note(|| Step {
            place,
            rule: if done { self.rule } else { Rule::SwapLost },
            event: Event::Update {
                physical: self.fetch.address,
                old: self.old.bits(),
                new: self.new.bits(),
                found: found.bits(),
            },
        });
        Ok((!done).then_some(found))
    }
}
