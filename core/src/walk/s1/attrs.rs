//! Memory attributes of stage 1, and what is told of them.

use crate::env::Env;
use crate::outcome::MemAttrs;
use crate::rule::Rule;
use crate::step::{Event, Place, S1Attrs, Step};
use crate::walk::{AccessType, AttrBits, Context, attr};

impl Context<'_> {
    /// Memory attributes of stage 1's output.
    #[inline(always)]
    pub(crate) fn s1_attrs(&self, bits: AttrBits) -> MemAttrs {
        match &self.known {
            Some(known) => known.s1_attrs[bits.index()],
            None => self.decode_s1_attrs(bits),
        }
    }

    /// Memory attributes of stage 1's descriptor reads.
    #[inline]
    pub(in crate::walk) fn s1_walk_attrs(&self) -> MemAttrs {
        match &self.known {
            Some(known) => known.s1_walk_attrs,
            None => attr::s1_walk(self.pe, &self.s1),
        }
    }

    /// The leaf's attributes, then the caches' enables and effective shareability.
    #[inline(always)]
    fn decode_s1_attrs(&self, bits: AttrBits) -> MemAttrs {
        let params = &self.s1;
        let attrs = attr::s1_decode(self.pe, params, bits);
        let replaced = if self.is_non_cacheable(&attrs) { attr::normal_non_cacheable(attrs.xs) } else { attrs };
        if params.keep_raw_shareability() {
            MemAttrs { shareability: attrs.shareability, ..replaced }
        } else {
            attr::effective_shareability(replaced)
        }
    }

    /// The leaf's attributes and those of the output, to be told.
    pub(in crate::walk) fn work_out_s1_attrs(&self, bits: AttrBits) -> S1Attrs {
        let decoded = attr::s1_decode(self.pe, &self.s1, bits);
        let (output, non_cacheable) = (self.decode_s1_attrs(bits), self.is_non_cacheable(&decoded));
        S1Attrs { decoded, output, non_cacheable }
    }

    /// Whether the caches' enables make a leaf's memory Non-cacheable.
    #[inline(always)]
    fn is_non_cacheable(&self, attrs: &MemAttrs) -> bool {
        let device = attrs.mem_type.is_device();
        if self.access.kind == AccessType::Fetch { device || !self.s1.icache() } else { !device && !self.s1.dcache() }
    }
}

pub(super) fn tell_attrs<E: Env>(context: &Context<'_>, env: &mut E, place: Place, bits: AttrBits) {
    if !E::LISTENS {
        return;
    }
    let attrs = attr::s1_decode(context.pe, &context.s1, bits);
    env.note(|| Step { place, rule: Rule::S1Attributes, event: Event::Attributes { attrs } });
    if context.is_non_cacheable(&attrs) {
        env.note(|| {
            let event = Event::Attributes { attrs: context.s1_attrs(bits) };
            Step { place, rule: Rule::S1AttributesNonCacheable, event }
        });
    }
}
