//! Stage 2, when its walk is the usual one.

use super::{Base, Plain, S2, S2Walk, Wanted};
use crate::addr::{FullAddress, PaSpace};
use crate::env::Env;
use crate::outcome::MemAttrs;
use crate::walk::start::{S2Start, S2Tables};
use crate::walk::{Context, Walk};

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
        let stage = S2 { base: &self.base, wanted: Wanted::Descriptor { level } };
        let ipa = FullAddress::new(PaSpace::NonSecure, address);
        let walk = S2Walk::<true> { stage, tables: self.tables, ipa };
        walk.start(env)?;
        Ok(walk.walk_usual(env)?.address)
    }

    /// [`map`](super::map) by these tables.
    #[inline(always)]
    pub fn map<E: Env>(&self, env: &mut E, address: u64, (attrs, assured): (&MemAttrs, bool)) -> Walk<Plain, E> {
        let stage = S2 { base: &self.base, wanted: Wanted::Output { attrs, assured } };
        let walk = S2Walk::<true> { stage, tables: self.tables, ipa: FullAddress::new(PaSpace::NonSecure, address) };
        walk.start(env)?;
        walk.walk_usual(env)
    }
}
