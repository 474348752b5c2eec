//! Stage 1 (`AArch64.S1Translate`).

use super::descend::{Descent, Leaf, Lookup};
use super::perm::{self, TablePermissions};
use super::update::Update;
use super::{AccessDescriptor, AccessType, Context, Walk, attr, fault, s1_fault, s2};
use crate::addr::{FullAddress, PaSpace};
use crate::bits::{bit, bits, mask};
use crate::choice::Choice;
use crate::env::{Env, Fetch};
use crate::feature::Feature;
use crate::layout::descriptor;
use crate::outcome::{
    AddressDescriptor, Cacheability, DeviceType, FaultCode, FaultRecord, MemAttrs, MemTag, MemType, Shareability,
};
use crate::regime::VaRange;
use crate::rule::Rule;
use crate::step::{Event, Place, Purpose, Step};

/// Translates `va` to an intermediate address, or to a physical one where stage 1 is the last stage.
pub(super) fn translate<E: Env>(context: &Context<'_>, env: &mut E, va: u64) -> Walk<AddressDescriptor, E> {
    let (pe, params) = (context.pe, &context.s1);
    if !params.enabled {
        return disabled(context, env, va);
    }
    check_input(context, env, va)?;
    let geometry = params.geometry(pe);
    let table = FullAddress::new(params.security.pa_space(), geometry.table_base(params.ttbr));
    env.note(|| Step {
        place: Place::S1,
        rule: Rule::S1Start,
        event: Event::Start {
            input: va,
            granule: params.granule,
            ia_size: geometry.ia_size as u8,
            oa_size: geometry.oa_size as u8,
            level: geometry.start_level,
            ttbr: params.ttbr,
            table,
        },
    });
    loop {
        let mut lookup = S1Lookup { context, tables: TablePermissions::default() };
        let descent =
            Descent { geometry: &geometry, table, big_endian: params.ee, ha: params.ha, base_rule: Rule::S1Base };
        let leaf = descent.run(&mut lookup, env, va)?;
        if let Some(output) = finish(context, env, lookup.tables, &leaf)? {
            return Ok(output);
        }
    }
}

/// Faults that need no walk, in order.
fn check_input<E: Env>(context: &Context<'_>, env: &mut E, va: u64) -> Walk<(), E> {
    let (pe, params) = (context.pe, &context.s1);
    let below = params.txsz < params.min_txsz(pe);
    let above = params.txsz > params.max_txsz(pe);
    let txsz_faults = below && (pe.has(Feature::Lva) || pe.choices.is(Choice::TxszBelowMinFaults))
        || above && pe.choices.is(Choice::TxszAboveMaxFaults);
    let rule = if txsz_faults {
        Rule::S1TxSz
    } else if va_out_of_range(context, va) {
        Rule::S1VaRange
    } else if context.access.el == 0 && params.e0pd {
        Rule::S1E0pd
    } else if params.epd {
        Rule::S1Epd
    } else {
        return Ok(());
    };
    fault(env, Place::S1, rule, s1_fault(FaultCode::Translation, 0, context.access))
}

/// `AArch64.VAIsOutOfRange`.
fn va_out_of_range(context: &Context<'_>, va: u64) -> bool {
    let params = &context.s1;
    let top = params.addr_top(context.access.kind == AccessType::Fetch);
    let upper = params.range == VaRange::Upper;
    let va = match (params.mtx, upper) {
        (false, _) => va,
        (true, true) => va | mask(59, 56),
        (true, false) => va & !mask(59, 56),
    };
    let above = mask(top, params.ia_size(context.pe));
    va & above != if upper { above } else { 0 }
}

/// `AArch64.S1DisabledOutput`.
fn disabled<E: Env>(context: &Context<'_>, env: &mut E, va: u64) -> Walk<AddressDescriptor, E> {
    let (pe, params) = (context.pe, &context.s1);
    let fetch = context.access.kind == AccessType::Fetch;
    let canonical = if params.mtx { MemTag::Canonical } else { MemTag::Untagged };
    let (mem_type, shareability, tags, xs) = if params.dc {
        let tags = if params.dct { MemTag::Allocation } else { canonical };
        (MemType::normal(Cacheability::WRITE_BACK_RWA), Shareability::Non, tags, false)
    } else if fetch {
        let cache = if params.icache { Cacheability::WRITE_THROUGH_RA } else { Cacheability::NON_CACHEABLE };
        (MemType::normal(cache), Shareability::Outer, canonical, true)
    } else {
        (MemType::Device(DeviceType::NGnRnE), Shareability::Outer, canonical, true)
    };
    let top = params.addr_top(fetch);
    if disabled_address(context, va, tags) & mask(top, pe.pa_max()) != 0 {
        return fault(env, Place::S1, Rule::S1DisabledSize, s1_fault(FaultCode::AddressSize, 0, context.access));
    }
    let output = AddressDescriptor {
        address: FullAddress::new(params.security.pa_space(), bits(va, 55, 0)),
        attrs: MemAttrs { mem_type, shareability, tags, no_tag_access: false, xs },
        s1assured: false,
        s2fs1mro: false,
        mecid: 0,
    };
    env.note(|| Step { place: Place::S1, rule: Rule::S1Disabled, event: Event::Disabled { output } });
    Ok(output)
}

/// The address whose size is checked with stage 1 off: a canonical tag is not part of it.
const fn disabled_address(context: &Context<'_>, va: u64, tags: MemTag) -> u64 {
    let params = &context.s1;
    let data = !matches!(context.access.kind, AccessType::Fetch);
    if !matches!(tags, MemTag::Canonical) || params.tbi || !(params.dc || data) {
        return va;
    }
    let ones = bit(va, 55) && (params.dc || params.regime.has_unprivileged());
    if ones { va | mask(59, 56) } else { va & !mask(59, 56) }
}

struct S1Lookup<'a> {
    context: &'a Context<'a>,
    tables: TablePermissions,
}

impl<E: Env> Lookup<E> for S1Lookup<'_> {
    fn place(&self) -> Place {
        Place::S1
    }

    fn fault(&self, code: FaultCode, level: i8) -> FaultRecord {
        s1_fault(code, level, self.context.access)
    }

    fn locate(&mut self, env: &mut E, address: FullAddress, level: i8) -> Walk<FullAddress, E> {
        let access = self.context.access.for_descriptor(false);
        locate(self.context, env, address, Purpose::Descriptor(level), access)
    }

    fn enter_table(&mut self, descriptor: u64, space: PaSpace) -> PaSpace {
        self.tables.apply(&self.context.s1, descriptor);
        match space {
            PaSpace::Secure if descriptor::s1::NS_TABLE.is_set(descriptor) => PaSpace::NonSecure,
            _ => space,
        }
    }

    fn leaf_space(&self, descriptor: u64, space: PaSpace) -> PaSpace {
        match space {
            PaSpace::Secure if descriptor::s1::NS.is_set(descriptor) => PaSpace::NonSecure,
            _ => space,
        }
    }
}

/// The physical address of a stage-1 descriptor: under stage 2, its address is an IPA like any other.
fn locate<E: Env>(
    context: &Context<'_>,
    env: &mut E,
    address: FullAddress,
    purpose: Purpose,
    access: AccessDescriptor,
) -> Walk<FullAddress, E> {
    let Some(s2_params) = &context.s2 else { return Ok(address) };
    let params = &context.s1;
    let attrs = attr::walk_attrs(context.pe, params.sh, params.irgn, params.orgn);
    let attrs = if params.dcache { attrs } else { attr::normal_non_cacheable(attrs.xs) };
    let ipa = AddressDescriptor { address, attrs, s1assured: false, s2fs1mro: false, mecid: 0 };
    Ok(s2::translate(context, s2_params, env, &ipa, purpose, access)?.address)
}

/// What comes after the walk: permissions, hardware updates, attributes. `None` when an update found the descriptor
/// changed, and the walk must start again.
fn finish<E: Env>(
    context: &Context<'_>,
    env: &mut E,
    tables: TablePermissions,
    leaf: &Leaf,
) -> Walk<Option<AddressDescriptor>, E> {
    let place = Place::S1.at(leaf.level);
    let attrs = attr::s1_decode(context.pe, &context.s1, leaf.descriptor);
    let granted = perm::s1_permissions(context, tables, leaf.descriptor, leaf.output.space);
    let rights = granted.rights;
    env.note(|| Step { place, rule: Rule::S1Permissions, event: Event::Permissions { rights } });
    let checked = perm::s1_check(context, granted, attrs);
    let (new, rule) = updated(context, leaf.descriptor, checked.is_err());
    if new != leaf.descriptor {
        let mut access = context.access.for_descriptor(true);
        if let Err(denied) = checked {
            access.fault_write = denied.write;
        }
        let physical = locate(context, env, leaf.at, Purpose::Update(leaf.level), access)?;
        let fetch = Fetch { address: physical, place };
        let update = Update { fetch, old: leaf.descriptor, new, big_endian: context.s1.ee, rule };
        if !update.swap(env, s1_fault(FaultCode::SyncExternalOnWalk, leaf.level, context.access))? {
            return Ok(None);
        }
    }
    if let Err(denied) = checked {
        let record = s1_fault(FaultCode::Permission, leaf.level, context.access);
        return fault(env, place, denied.rule, FaultRecord { write: denied.write, ..record });
    }
    env.note(|| Step { place, rule: Rule::S1PermissionPassed, event: Event::Passed });
    env.note(|| Step { place, rule: Rule::S1Attributes, event: Event::Attributes { attrs } });
    let attrs = final_attrs(context, env, place, attrs);
    let output = AddressDescriptor { address: leaf.output, attrs, s1assured: false, s2fs1mro: false, mecid: 0 };
    env.note(|| Step { place, rule: Rule::S1Output, event: Event::Output { output } });
    Ok(Some(output))
}

/// The leaf with access flag and dirty state as hardware sets them, and the rule that says so.
fn updated(context: &Context<'_>, leaf: u64, denied: bool) -> (u64, Rule) {
    use descriptor::s1::{AF, AP2, DBM};
    let (params, access) = (&context.s1, context.access);
    let mut new = leaf;
    if params.ha && (!denied || context.pe.choices.is(Choice::AfUpdateOnPermissionFault)) {
        new |= AF.mask();
    }
    let dirties = access.write && access.kind != AccessType::At;
    if !denied && params.ha && params.hd && DBM.is_set(leaf) && dirties {
        new &= !AP2.mask();
    }
    (new, if (new ^ leaf) & AP2.mask() != 0 { Rule::S1Dirty } else { Rule::S1AccessFlag })
}

/// The caches' enables, and effective shareability.
fn final_attrs<E: Env>(context: &Context<'_>, env: &mut E, place: Place, attrs: MemAttrs) -> MemAttrs {
    let params = &context.s1;
    let non_cacheable = if context.access.kind == AccessType::Fetch {
        attrs.mem_type.is_device() || !params.icache
    } else {
        !attrs.mem_type.is_device() && !params.dcache
    };
    let replaced = if non_cacheable { attr::normal_non_cacheable(attrs.xs) } else { attrs };
    let attrs = if params.keep_raw_shareability {
        MemAttrs { shareability: attrs.shareability, ..replaced }
    } else {
        attr::effective_shareability(replaced)
    };
    if non_cacheable {
        env.note(|| Step { place, rule: Rule::S1AttributesNonCacheable, event: Event::Attributes { attrs } });
    }
    attrs
}
