//! What a trace tells of stage 2, where it is the same in every walk, or known by the leaf.

use super::{Base, Reached, S2, S2Tables, Wanted, start_record};
use crate::addr::FullAddress;
use crate::outcome::MemAttrs;
use crate::params::Stage2;
use crate::rule::Rule;
use crate::step::{AccessRights, Start};
use crate::walk::start::S2Start;
use crate::walk::{Context, perm};

/// Of stage 2 with tables of one space, for a context that is used many times.
#[derive(Clone, Debug)]
pub(in crate::walk) struct Told {
    /// How a walk begins.
    pub start: Start,
    /// The rule that decides memory attributes.
    pub attrs_rule: Rule,
    /// Memory attributes of the output for stage-1 descriptors, by [what decides them](Reached::attrs).
    pub walk_attrs: [MemAttrs; Reached::ATTRS],
    /// What usual permissions grant, by [`perm::s2_key`].
    pub rights: [AccessRights; perm::S2_KEYS],
}

impl Context<'_> {
    #[inline(always)]
    pub(super) fn s2_told(&self) -> Option<&Told> {
        self.known.as_ref()?.s2_told.as_ref()
    }
}

impl Told {
    pub fn new(context: &Context<'_>, stage2: &Stage2) -> Option<Self> {
        let params = stage2.own();
        let (_, starts) = context.stage2()?;
        let S2Start::Tables(S2Tables { geometry, table, .. }) = starts.own() else { return None };
        let stage = S2 { base: &Base { context, params }, wanted: Wanted::Descriptor { level: 0 } };
        let address = FullAddress::default();
        let leaf =
            |attrs| Reached { address, ipa_space: address.space, low: Reached::bits(attrs), mro: false, mecid: 0 };
        Some(Self {
            start: start_record(geometry, params.ttbr(), table.address),
            attrs_rule: stage.attrs_rule(),
            walk_attrs: core::array::from_fn(|attrs| stage.output(leaf(attrs)).attrs),
            rights: perm::s2_rights(params, context.access),
        })
    }
}
