//! A stage that is off: its output is its input.

use super::{AccessType, Context, Walk, fault, s1_fault};
use crate::addr::FullAddress;
use crate::bits::{bit, bits, mask};
use crate::env::Env;
use crate::outcome::{AddressDescriptor, Cacheability, DeviceType, FaultCode, MemAttrs, MemTag, MemType, Shareability};
use crate::rule::Rule;
use crate::step::{Event, Place, Purpose, Step};

/// `AArch64.S1DisabledOutput`.
#[cold]
pub(super) fn s1<E: Env>(context: &Context<'_>, env: &mut E, va: u64) -> Walk<AddressDescriptor, E> {
    let (pe, params) = (context.pe, &context.s1);
    let fetch = context.access.kind == AccessType::Fetch;
    let canonical = if params.mtx() { MemTag::Canonical } else { MemTag::Untagged };
    let (mem_type, shareability, tags, xs) = if params.dc() {
        let tags = if params.dct() { MemTag::Allocation } else { canonical };
        (MemType::normal(Cacheability::WRITE_BACK_RWA), Shareability::Non, tags, false)
    } else if fetch {
        let cache = if params.icache() { Cacheability::WRITE_THROUGH_RA } else { Cacheability::NON_CACHEABLE };
        (MemType::normal(cache), Shareability::Outer, canonical, true)
    } else {
        (MemType::Device(DeviceType::NGnRnE), Shareability::Outer, canonical, true)
    };
    let top = params.addr_top(fetch);
    if disabled_address(context, va, tags) & mask(top, pe.pa_max()) != 0 {
        let record = s1_fault(FaultCode::AddressSize, 0, context.access);
        return Err(fault(env, Place::S1, Rule::S1DisabledSize, record));
    }
    let address = FullAddress::new(params.security.pa_space(), bits(va, 55, 0));
    let attrs = MemAttrs { mem_type, shareability, tags, no_tag_access: false, xs };
    let mecid = params.mec().of_disabled(address.space);
    let output = AddressDescriptor { address, attrs, s1assured: false, s2fs1mro: false, mecid };
    env.note(|| Step { place: Place::S1, rule: Rule::S1Disabled, event: Event::Disabled { output } });
    Ok(output)
}

/// The address whose size is checked with stage 1 off: a canonical tag is not part of it.
const fn disabled_address(context: &Context<'_>, va: u64, tags: MemTag) -> u64 {
    let params = &context.s1;
    let data = !matches!(context.access.kind, AccessType::Fetch);
    if !matches!(tags, MemTag::Canonical) || params.tbi() || !(params.dc() || data) {
        return va;
    }
    let ones = bit(va, 55) && (params.dc() || params.regime.has_unprivileged());
    if ones { va | mask(59, 56) } else { va & !mask(59, 56) }
}

/// Tells that stage 2 is off: the IPA is the PA.
pub(super) fn tell_s2<E: Env>(env: &mut E, ipa: AddressDescriptor, purpose: Purpose) {
    let output = AddressDescriptor { s1assured: false, ..ipa };
    env.note(|| Step { place: Place::s2(purpose), rule: Rule::S2Disabled, event: Event::Disabled { output } });
}

/// The same of a stage-1 descriptor's address.
pub(super) fn tell_s2_for_walk<E: Env>(context: &Context<'_>, env: &mut E, address: FullAddress, purpose: Purpose) {
    let attrs = context.s1_walk_attrs();
    let mecid = context.s1.mec().of_walk(address.space);
    tell_s2(env, AddressDescriptor { address, attrs, s1assured: false, s2fs1mro: false, mecid }, purpose);
}
