//! Memory attributes of stage 2.

use super::{Reached, S2, Wanted};
use crate::outcome::MemAttrs;
use crate::rule::Rule;
use crate::walk::{AccessType, attr};

impl<'a> S2<'a> {
    /// Memory attributes of the output of a leaf.
    #[inline(always)]
    pub(super) fn attrs(self, reached: Reached) -> MemAttrs {
        match self.plain_attrs(reached) {
            Some(attrs) => attrs,
            None => {
                // Field by field: so the place that a function fills is not the one that is kept in registers.
                let MemAttrs { mem_type, shareability, tags, no_tag_access, xs } = self.work_out_attrs(reached.low);
                MemAttrs { mem_type, shareability, tags, no_tag_access, xs }
            }
        }
    }

    /// The same, where they are known, or what both stages come to together, and nothing else has a say.
    #[inline(always)]
    pub(super) fn plain_attrs(self, reached: Reached) -> Option<MemAttrs> {
        match self.known_attrs(reached) {
            Some(known) => Some(*known),
            None if self.only_combines() => Some(self.combine(self.decode(reached.low))),
            None => None,
        }
    }

    /// The same, where they are known.
    #[inline(always)]
    fn known_attrs(self, reached: Reached) -> Option<&'a MemAttrs> {
        match (self.wanted, self.base.context.s2_told()) {
            (Wanted::Descriptor { .. }, Some(told)) => Some(&told.walk_attrs[reached.attrs()]),
            _ => None,
        }
    }

    /// Whether they are what both stages come to together, and nothing else has a say.
    #[inline(always)]
    const fn only_combines(self) -> bool {
        let (params, fetch) = (self.base.params, matches!(self.base.context.access.kind, AccessType::Fetch));
        matches!(self.wanted, Wanted::Output { .. }) && !fetch && !params.fwb() && !params.cd()
    }

    #[inline(always)]
    fn decode(self, leaf: u64) -> MemAttrs {
        attr::s2_decode(self.base.context.pe, self.base.params, leaf)
    }

    #[inline(always)]
    fn combine(self, leaf: MemAttrs) -> MemAttrs {
        attr::s2_combine(self.base.context.pe, self.s1_attrs(), leaf)
    }

    /// Out of line: the walk has its registers for itself.
    #[inline(never)]
    fn work_out_attrs(self, leaf: u64) -> MemAttrs {
        let params = self.base.params;
        // Stage 2's own, or with FWB those that stage 2 makes of stage 1's.
        let leaf = if params.fwb() {
            attr::s2_apply_fwb(self.base.context.pe, params, self.s1_attrs(), leaf)
        } else {
            self.decode(leaf)
        };
        // The caches' disables, then what both stages come to together.
        let device = leaf.mem_type.is_device();
        let non_cacheable = match self.access().kind {
            AccessType::Fetch => device || params.id(),
            AccessType::Ttw if device => !params.ptw(),
            _ => !device && params.cd(),
        };
        let attrs = if non_cacheable { attr::normal_non_cacheable(leaf.xs) } else { leaf };
        if params.fwb() { attrs } else { self.combine(attrs) }
    }

    /// The rule that decides memory attributes.
    pub(super) const fn attrs_rule(self) -> Rule {
        if self.base.params.fwb() { Rule::S2AttributesFwb } else { Rule::S2Attributes }
    }
}
