//! Stage 2, when its walk is the usual one.

use super::{Base, Plain, S2, S2Walk, Wanted, start_record};
use crate::addr::{FullAddress, PaSpace};
use crate::env::Env;
use crate::outcome::MemAttrs;
use crate::step::{self, Record};
use crate::walk::start::{S2Start, S2Tables};
use crate::walk::{Context, Walk, perm};

/// Stage 2, when its walk is the usual one.
#[derive(Clone, Copy)]
pub(in crate::walk) struct Usual<'a> {
    base: Base<'a>,
    tables: &'a S2Tables,
}

impl<'a> Usual<'a> {
    #[inline(always)]
    pub const fn of(context: &'a Context<'a>) -> Option<Self> {
        match context.stage2() {
            Some((stage2, starts)) if stage2.enabled() => match starts.own() {
                S2Start::Tables(tables) if tables.usual => {
                    Some(Self { base: Base { context, params: stage2.own() }, tables })
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// [`locate`](super::locate) through these tables, to read a descriptor; an update takes the other. Direct
    /// permissions leave no memory to the MMU alone.
    #[inline(never)]
    pub fn locate<E: Env>(&self, env: &mut E, address: u64, level: i8) -> Walk<u64, E> {
        self.locate_here(env, address, level)
    }

    /// The same, where it is asked; but not in an unoptimised build, where every copy of the walk would keep a place on
    /// the stack for itself.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn locate_here<E: Env>(&self, env: &mut E, address: u64, level: i8) -> Walk<u64, E> {
        let stage = S2 { base: &self.base, wanted: Wanted::Descriptor { level } };
        let ipa = FullAddress::new(PaSpace::NonSecure, address);
        let walk = S2Walk::<true>::new(stage, self.tables, ipa);
        walk.start(env)?;
        Ok(walk.walk_usual(env)?.address)
    }

    /// [`map`](super::map) by these tables.
    #[inline(always)]
    pub fn map<E: Env>(&self, env: &mut E, address: u64, (attrs, assured): (&MemAttrs, bool)) -> Walk<Plain, E> {
        let stage = S2 { base: &self.base, wanted: Wanted::Output { attrs, assured } };
        let walk = S2Walk::<true>::new(stage, self.tables, FullAddress::new(PaSpace::NonSecure, address));
        walk.start(env)?;
        walk.walk_usual(env)
    }
}

impl<const USUAL: bool> S2Walk<'_, USUAL> {
    /// Tells of the tables above a level.
    #[cold]
    pub(super) fn tell_tables<E: Env>(&self, env: &mut E, level: i8) {
        let (S2 { base, wanted }, tables) = (self.stage, self.tables);
        let start = start_record(&tables.geometry, base.params.ttbr(), tables.table.address);
        let walk = step::S2Walk { purpose: wanted.purpose(), input: self.ipa.address, start, read: self.read };
        walk.tell_tables(level, |step| env.note(|| step));
    }

    /// Tells somebody who takes records of a page that permits the access, and of all before. What takes more to work
    /// out is not told here.
    #[inline(always)]
    pub(super) fn record_plain_page<E: Env>(&self, env: &mut E, page: u64) -> bool {
        let stage = self.stage;
        let Some(told) = stage.base.context.s2_told() else { return false };
        let Some(attrs) = stage.plain_attrs(Plain { address: 0, low: page }.into()) else { return false };
        let [top, second, third, _] = self.read;
        let walk = step::S2Walk {
            purpose: stage.wanted.purpose(),
            input: self.ipa.address,
            start: told.start,
            read: [top, second, third, page],
        };
        env.record(Record::S2 { walk, rights: told.rights[perm::s2_key(page)], rule: told.attrs_rule, attrs })
    }
}
