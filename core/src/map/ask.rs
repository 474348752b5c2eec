//! Questions to the walk: where a table is, and what a leaf comes to.

use super::{Kind, Leaf, Range};
use crate::addr::{FullAddress, PaSpace};
use crate::env::{Env, Fetch};
use crate::layout::descriptor::{s1, s1_d128};
use crate::memory::{Physical, Reply};
use crate::outcome::{AddressDescriptor, Cacheability, FaultRecord, MemAttrs, MemTag, MemType, Shareability};
use crate::params::{GpcParams, S1Params, S2Params, Stage2};
use crate::pe::Pe;
use crate::regime::{Regime, SecurityState};
use crate::step::{AccessRights, Event, Place, Purpose, Step};
use crate::walk::{self, AccessDescriptor, AccessType, Blame, Context, Halt, Walk};
use core::convert::Infallible;

/// What is asked for: each kind of access at an Exception level.
#[derive(Clone, Debug)]
struct Accesses<'a> {
    read: Context<'a>,
    write: Context<'a>,
    fetch: Context<'a>,
    /// A write that is performed, and so recorded in the dirty state.
    store: Context<'a>,
}

/// One stage of a regime, ready to be asked.
#[derive(Clone, Debug)]
pub(super) struct Asker<'a> {
    /// An access that no permission denies.
    any: Context<'a>,
    privileged: Accesses<'a>,
    unprivileged: Option<Accesses<'a>>,
    /// Accesses to descriptors make granule protection checks.
    checked: bool,
    /// For stage 2: what stage 1 has made of the memory.
    ipa: Option<Ipa>,
}

/// What stage 1 has made of memory that stage 2 is asked about, wherever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ipa {
    space: PaSpace,
    attrs: MemAttrs,
    /// For instruction fetches.
    fetched: MemAttrs,
    assured: bool,
    mecid: u16,
}

/// The memory that stage 2 on its own is asked about: the attributes that leave stage 2's as they are.
const PLAIN: MemAttrs = MemAttrs {
    mem_type: MemType::normal(Cacheability::WRITE_BACK_RWA),
    shareability: Shareability::Non,
    tags: MemTag::Untagged,
    no_tag_access: false,
    xs: true,
};

impl<'a> Asker<'a> {
    /// Stage 1 of a regime, for the half of the VA space that `va` is in.
    pub fn stage1(pe: &'a Pe, regime: Regime, va: u64, security: SecurityState) -> Self {
        let el = match regime {
            Regime::El10 => 1,
            Regime::El20 | Regime::El2 => 2,
            Regime::El3 => 3,
        };
        let context = |kind, el, read, write| {
            let blame = Blame { write, ..Blame::default() };
            let access = AccessDescriptor { kind, el, security, read, write, pan: false, first_table_of: None, blame };
            Context::new(pe, regime, va, access)
        };
        let accesses = |el| Accesses {
            read: context(AccessType::At, el, true, false),
            write: context(AccessType::At, el, false, true),
            fetch: context(AccessType::Fetch, el, true, false),
            store: context(AccessType::Data, el, false, true),
        };
        Self {
            any: context(AccessType::At, el, false, false),
            privileged: accesses(el),
            unprivileged: regime.has_unprivileged().then(|| accesses(0)),
            checked: GpcParams::new(pe).is_some(),
            ipa: None,
        }
    }

    /// Stage 2, for an IPA in `space`.
    pub fn stage2(pe: &'a Pe, security: SecurityState, space: PaSpace) -> Self {
        let ipa = Some(Ipa { space, attrs: PLAIN, fetched: PLAIN, assured: false, mecid: 0 });
        Self { ipa, ..Self::stage1(pe, Regime::El10, 0, security) }
    }

    pub const fn stage1_params(&self) -> &S1Params<'a> {
        &self.any.s1
    }

    pub fn stage2_params(&self, space: PaSpace) -> Option<&S2Params<'a>> {
        self.any.s2.as_ref().map(|stage2| stage2.params(space))
    }

    /// Asks about what stage 1 maps; tells whether that is memory of another kind than before.
    pub fn set_ipa(&mut self, range: &Range) -> bool {
        let Kind { attrs, fetched, assured, mecid, .. } = range.kind;
        let ipa = Ipa { space: range.output.space, attrs, fetched: fetched.unwrap_or(attrs), assured, mecid };
        self.ipa.replace(ipa) != Some(ipa)
    }

    /// Whether descriptors are big-endian.
    pub fn big_endian(&self) -> bool {
        match self.ipa {
            None => self.any.s1.ee(),
            Some(ipa) => self.stage2_params(ipa.space).is_some_and(|params| params.ee()),
        }
    }

    /// Whether stage 2 has a say in where this stage's tables are, and what may be done to them.
    pub fn tables_are_in_stage2(&self) -> bool {
        self.ipa.is_none() && self.any.s2.as_ref().is_some_and(Stage2::enabled)
    }

    fn place(&self, level: i8) -> Place {
        if self.ipa.is_some() { Place::s2(Purpose::Output).at(level) } else { Place::S1.at(level) }
    }

    #[inline]
    fn translate<E: Env>(&self, context: &Context<'_>, env: &mut E, input: u64) -> Walk<AddressDescriptor, E> {
        match self.ipa {
            None => walk::translate(context, env, input, false),
            Some(Ipa { space, attrs, fetched, assured, mecid }) => {
                let attrs = if context.access.kind == AccessType::Fetch { fetched } else { attrs };
                let address = FullAddress::new(space, input);
                let ipa = AddressDescriptor { address, attrs, s1assured: assured, s2fs1mro: false, mecid };
                walk::translate_stage2(context, env, &ipa)
            }
        }
    }

    /// Where the walk for `input` reads its descriptor at `level`, if it comes that far.
    pub fn locate<M: Physical>(&self, memory: &M, input: u64, level: i8) -> Option<u64> {
        let mut env = Locate { memory, wanted: self.place(level), checked: self.checked, found: None, done: false };
        match self.translate(&self.any, &mut env, input).map_err(|halt| *halt) {
            Err(Halt::Stop(address)) => Some(address),
            Err(Halt::Fault(FaultRecord { gpcf: Some(_), .. })) => None,
            _ => env.found,
        }
    }

    /// What the walk for `input` comes to, at the leaf at `level` or with the stage off; and its output.
    #[cold]
    #[inline(never)]
    pub fn kind<M: Physical>(&self, memory: &M, input: u64, at: Option<(i8, u128)>) -> Option<(Kind, FullAddress)> {
        let place = at.map(|(level, _)| self.place(level));
        let ask = |context: &Context<'_>| {
            let mut env = Survey { memory, place, leaf: None, swapped: None };
            let Ok(output) = self.translate(context, &mut env, input) else { return None };
            Some((output, env.leaf, env.swapped))
        };
        let (output, leaf, accessed_as) = ask(&self.any)?;
        let (mut clean, mut fetched) = (false, None);
        let mut rights = |accesses: &Accesses<'_>| {
            let fetch = ask(&accesses.fetch).map(|(output, ..)| output.attrs);
            fetched = fetched.or(fetch);
            let rights = AccessRights {
                read: ask(&accesses.read).is_some(),
                write: ask(&accesses.write).is_some(),
                execute: fetch.is_some(),
            };
            // Where stage 2 keeps hardware from the descriptor, the store faults.
            clean |= rights.write && ask(&accesses.store).is_none_or(|(.., stored_as)| stored_as != accessed_as);
            rights
        };
        let privileged = rights(&self.privileged);
        let unprivileged = self.unprivileged.as_ref().map(rights);
        let (stage1, stage2) = if self.ipa.is_some() { (None, leaf) } else { (leaf, None) };
        let descriptor = if self.ipa.is_some() { 0 } else { at.map_or(0, |(_, descriptor)| descriptor) };
        let guarded = if self.any.s1.d128 { s1_d128::GP.get128(descriptor) } else { s1::GP.get128(descriptor) };
        let kind = Kind {
            attrs: output.attrs,
            fetched,
            privileged,
            unprivileged,
            stage1,
            stage2,
            not_global: self.unprivileged.is_some() && s1::NG.get128(descriptor) != 0,
            guarded: guarded != 0,
            accessed: accessed_as.is_none(),
            clean,
            assured: output.s1assured,
            mecid: output.mecid,
        };
        Some((kind, output.address))
    }
}

/// A world that stops the walk where it is about to read the descriptor that is looked for.
struct Locate<'m, M> {
    memory: &'m M,
    wanted: Place,
    /// A granule protection check comes first, whose reads have the descriptor's place too: the last of them all is the
    /// descriptor's, which is told of afterwards, so that the walk stops at the next.
    checked: bool,
    found: Option<u64>,
    done: bool,
}

impl<M: Physical> Env for Locate<'_, M> {
    type Stop = u64;
    const LISTENS: bool = true;

    #[inline]
    fn read(&mut self, fetch: Fetch) -> Result<Reply, u64> {
        match self.found {
            Some(address) if self.done => return Err(address),
            _ if fetch.place != self.wanted => {}
            _ if self.checked => self.found = Some(fetch.address.address),
            _ => return Err(fetch.address.address),
        }
        Ok(self.memory.read(fetch.address.address, fetch.wide))
    }

    fn compare_and_swap(&mut self, _: Fetch, expected: u128, _: u128) -> Result<Reply, u64> {
        Ok(Ok(expected))
    }

    #[inline]
    fn note(&mut self, step: impl FnOnce() -> Step) {
        if self.checked && !self.done {
            let Step { event, place, .. } = step();
            self.done = matches!(event, Event::Read { .. }) && place == self.wanted;
        }
    }
}

/// A world in which updates succeed but nothing is written; it remembers the leaf.
struct Survey<'m, M> {
    memory: &'m M,
    /// Where the leaf is.
    place: Option<Place>,
    leaf: Option<Leaf>,
    /// What hardware makes of the leaf.
    swapped: Option<u128>,
}

impl<M: Physical> Env for Survey<'_, M> {
    type Stop = Infallible;
    const LISTENS: bool = true;

    fn read(&mut self, fetch: Fetch) -> Result<Reply, Infallible> {
        Ok(self.memory.read(fetch.address.address, fetch.wide))
    }

    fn compare_and_swap(&mut self, fetch: Fetch, expected: u128, new: u128) -> Result<Reply, Infallible> {
        if Some(fetch.place) == self.place {
            self.swapped = Some(new);
        }
        Ok(Ok(expected))
    }

    fn note(&mut self, step: impl FnOnce() -> Step) {
        let Step { place, event, .. } = step();
        if let (Event::Leaf { size, contiguous, .. }, Some(level), true) =
            (event, place.level, Some(place) == self.place)
        {
            self.leaf = Some(Leaf { level, size, contiguous });
        }
    }
}
