//! Hardware updates of the access flag and the dirty state: compare-and-swap on the descriptor
//! (`AArch64.MemSwapTableDesc`).

use super::descend::byte_order;
use super::word::Word;
use super::{Context, Halt, Walk, fault, gpc};
use crate::env::{Env, Fetch};
use crate::outcome::{FaultCode, FaultRecord};
use crate::rule::Rule;
use crate::step::{Event, Step};

/// A descriptor and what it is to become.
pub(super) struct Update {
    pub fetch: Fetch,
    pub old: Word,
    pub new: Word,
    pub big_endian: bool,
    pub rule: Rule,
}

impl Update {
    /// Swaps. Answers with what memory held if that was neither `old` nor already `new`: the walk must look again.
    /// `record` is the fault record of the walk, for an access that aborts.
    pub fn swap<E: Env>(&self, context: &Context<'_>, env: &mut E, record: FaultRecord) -> Walk<Option<Word>, E> {
        let place = self.fetch.place;
        let gpcf = FaultRecord { code: FaultCode::GpcfOnWalk, ..record };
        gpc::check(context, env, place, self.fetch.address, || gpcf)?;
        let wide = self.old.wide;
        let (old, new) = (byte_order(self.old, self.big_endian), byte_order(self.new, self.big_endian));
        let Ok(found) = env.compare_and_swap(self.fetch, old.bits, new.bits).map_err(Halt::Stop)? else {
            let record = FaultRecord { code: FaultCode::SyncExternalOnWalk, paddress: self.fetch.address, ..record };
            return fault(env, place, Rule::DescriptorAbort, record);
        };
        let found = byte_order(Word { bits: found, wide }, self.big_endian);
        let done = found == self.old || found == self.new;
        env.note(|| Step {
            place,
            rule: if done { self.rule } else { Rule::SwapLost },
            event: Event::Update {
                physical: self.fetch.address,
                old: self.old.bits,
                new: self.new.bits,
                found: found.bits,
            },
        });
        Ok((!done).then_some(found))
    }
}
