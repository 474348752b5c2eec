//! Stage 1 (`AArch64.S1Translate`).

use super::descend::{Descent, Entry, EntryAccess, Leaf, Lookup};
use super::perm::{self, TablePermissions};
use super::s2::{self, Located};
use super::update::Update;
use super::word::Word;
use super::{AccessDescriptor, AccessType, Context, Walk, attr, blamed, fault, s1_fault};
use crate::addr::{FullAddress, PaSpace};
use crate::bits::{bit, bits, mask};
use crate::choice::Choice;
use crate::env::{Env, Fetch};
use crate::feature::Feature;
use crate::layout::descriptor;
use crate::outcome::{
    AddressDescriptor, Cacheability, DeviceType, FaultCode, FaultRecord, MemAttrs, MemTag, MemType, Shareability,
};
use crate::params::{Geometry, S1Params, Stage2};
use crate::pe::Pe;
use crate::regime::{Regime, VaRange};
use crate::rule::Rule;
use crate::step::{Event, Place, Purpose, Step};

/// Translates `va` to an intermediate address, or to a physical one where stage 1 is the last stage.
#[inline(always)]
pub(super) fn translate<E: Env>(context: &Context<'_>, env: &mut E, va: u64) -> Walk<AddressDescriptor, E> {
    let (params, Start { geometry, table, .. }) = (&context.s1, &context.s1_start);
    let table = *table;
    if !params.enabled {
        return disabled(context, env, va);
    }
    check_input(context, env, va)?;
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
        let assured = params.d128 || params.pnch;
        let mut lookup =
            S1Lookup { context, tables: TablePermissions::default(), assured, mro: false, disch: params.disch };
        let descent = Descent {
            context,
            geometry,
            table,
            big_endian: params.ee,
            ha: params.ha,
            haft: params.haft,
            base_rule: Rule::S1Base,
        };
        let leaf = descent.run(&mut lookup, env, va)?;
        if let Some(output) = finish(context, env, &lookup, &leaf)? {
            return Ok(output);
        }
    }
}

/// What of the input checks and of the first table does not depend on the address within its range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    geometry: Geometry,
    table: FullAddress,
    /// Attributes of descriptor reads.
    pub walk_attrs: MemAttrs,
    /// VA bits that must all equal the bit that chose the range.
    sign: u64,
    /// The rule by which every address faults, before the range check.
    faults: Option<Rule>,
    /// And after it.
    denied: Option<Rule>,
}

impl Start {
    pub fn new(pe: &Pe, params: &S1Params, access: AccessDescriptor) -> Self {
        let geometry = params.geometry(pe);
        let address = geometry.table_base(params.ttbr, params.base_format());
        let below = params.txsz < params.min_txsz(pe);
        let above = params.txsz > params.max_txsz(pe);
        let txsz_faults = below && (pe.has(Feature::Lva) || pe.choices.is(Choice::TxszBelowMinFaults))
            || above && pe.choices.is(Choice::TxszAboveMaxFaults);
        let top = params.addr_top(access.kind == AccessType::Fetch);
        // The tag in bits 59:56 is not part of the address (MTX).
        let tag = if params.mtx { mask(59, 56) } else { 0 };
        let attrs = attr::walk_attrs(pe, params.sh, params.irgn, params.orgn);
        Self {
            geometry,
            walk_attrs: if params.dcache { attrs } else { attr::normal_non_cacheable(attrs.xs) },
            table: FullAddress::new(params.security.pa_space(), address),
            sign: mask(top, geometry.ia_size) & !tag,
            faults: txsz_faults.then_some(Rule::S1TxSz),
            denied: match (access.el == 0 && params.e0pd, params.epd) {
                (true, _) => Some(Rule::S1E0pd),
                (false, true) => Some(Rule::S1Epd),
                (false, false) => None,
            },
        }
    }

    /// `AArch64.VAIsOutOfRange`.
    fn out_of_range(&self, params: &S1Params, va: u64) -> bool {
        va & self.sign != if params.range == VaRange::Upper { self.sign } else { 0 }
    }
}

/// Faults that need no walk, in order.
#[inline]
fn check_input<E: Env>(context: &Context<'_>, env: &mut E, va: u64) -> Walk<(), E> {
    let start = &context.s1_start;
    let out_of_range = start.out_of_range(&context.s1, va);
    match start.faults.or(if out_of_range { Some(Rule::S1VaRange) } else { start.denied }) {
        None => Ok(()),
        Some(rule) => fault(env, Place::S1, rule, s1_fault(FaultCode::Translation, 0, context.access)),
    }
}

/// `AArch64.S1DisabledOutput`.
#[cold]
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

/// A stage-1 descent under way.
struct S1Lookup<'a> {
    context: &'a Context<'a>,
    tables: TablePermissions,
    /// Every descriptor so far was Protected, in memory that only the MMU may write.
    assured: bool,
    /// Stage 2 lets only the MMU write the table in hand.
    mro: bool,
    /// Contiguous bits in the table in hand do not count.
    disch: bool,
}

impl S1Lookup<'_> {
    /// Stage 2's answer for a descriptor's address.
    fn locate_in<E: Env>(
        &self,
        stage2: (&Stage2, &s2::Starts),
        env: &mut E,
        entry: Entry,
        access: EntryAccess,
    ) -> Walk<Located, E> {
        let context = self.context;
        let purpose = access.purpose(entry.level);
        let access = match access {
            EntryAccess::Read => context.access.for_descriptor(entry.first.then_some(context.s1.range)),
            EntryAccess::Update => context.access.for_update(),
        };
        s2::locate(context, stage2, env, entry.address, purpose, access)
    }

    /// Whether the mapping stays assured with this descriptor.
    #[inline(always)]
    fn assured_by(&self, descriptor: Word) -> bool {
        self.assured && self.mro && descriptor.protected(self.context.s1.pnch)
    }
}

impl<E: Env> Lookup<E> for S1Lookup<'_> {
    fn place(&self) -> Place {
        Place::S1
    }

    fn fault(&self, code: FaultCode, level: i8) -> FaultRecord {
        s1_fault(code, level, self.context.access)
    }

    #[inline(always)]
    fn locate(&mut self, env: &mut E, entry: Entry, access: EntryAccess) -> Walk<FullAddress, E> {
        let context = self.context;
        let stage2 = match context.stage2() {
            Some(stage2) if stage2.0.enabled() => stage2,
            Some(_) => {
                s2::tell_disabled(env, entry.address, access.purpose(entry.level), context.s1_start.walk_attrs);
                return Ok(entry.address);
            }
            None => return Ok(entry.address),
        };
        let located = self.locate_in(stage2, env, entry, access)?;
        self.mro = located.mro;
        Ok(located.address)
    }

    #[inline(always)]
    fn table_space(&self, descriptor: Word, space: PaSpace) -> PaSpace {
        match space {
            PaSpace::Secure if descriptor.s1_ns_table() => PaSpace::NonSecure,
            _ => space,
        }
    }

    #[inline(always)]
    fn enter_table(&mut self, descriptor: Word) {
        self.tables.apply(&self.context.s1, descriptor);
        self.assured = self.assured_by(descriptor);
        self.disch = descriptor.disch();
    }

    #[inline(always)]
    fn leaf_space(&self, descriptor: Word, space: PaSpace) -> PaSpace {
        let ns = descriptor.s1_ns();
        match (space, self.context.s1.regime) {
            (PaSpace::Secure, _) if ns => PaSpace::NonSecure,
            (PaSpace::Root, _) => match (descriptor.s1_nse(), ns) {
                (false, false) if self.context.pe.has_secure_state() => PaSpace::Secure,
                (false, _) => PaSpace::NonSecure,
                (true, false) => PaSpace::Root,
                (true, true) => PaSpace::Realm,
            },
            (PaSpace::Realm, Regime::El2 | Regime::El20) if ns => PaSpace::NonSecure,
            _ => space,
        }
    }

    fn heeds_contiguous(&self) -> bool {
        !self.disch
    }
}

/// What comes after the walk: permissions, hardware updates, attributes. `None` when an update found the descriptor
/// changed, and the walk must start again.
#[inline(always)]
fn finish<E: Env>(
    context: &Context<'_>,
    env: &mut E,
    lookup: &S1Lookup<'_>,
    leaf: &Leaf,
) -> Walk<Option<AddressDescriptor>, E> {
    let Leaf { descriptor, entry, output, .. } = *leaf;
    let place = Place::S1.at(entry.level);
    let attrs = attr::s1_decode(context.pe, &context.s1, descriptor);
    let permissions = perm::s1_permissions(context, lookup.tables, descriptor, output.space);
    let rights = permissions.granted();
    env.note(|| Step { place, rule: permissions.rule, event: Event::Permissions { rights } });
    let checked = perm::s1_check(context, &permissions, attrs);
    let (new, rule) = updated(context, descriptor, checked.is_err());
    let record = || s1_fault(FaultCode::Permission, entry.level, context.access);
    if new != descriptor {
        let mut access = context.access.for_update();
        if let Err(denied) = checked {
            access.blame = denied.blame;
        }
        let physical = match context.stage2() {
            Some(stage2) => {
                s2::locate(context, stage2, env, entry.address, Purpose::Update(entry.level), access)?.address
            }
            None => entry.address,
        };
        let fetch = Fetch { address: physical, place, wide: descriptor.wide };
        let update = Update { fetch, old: descriptor, new, big_endian: context.s1.ee, rule };
        if update.swap(context, env, blamed(record(), access.blame))?.is_some() {
            return Ok(None);
        }
    }
    if let Err(denied) = checked {
        return fault(env, place, denied.rule, blamed(record(), denied.blame));
    }
    env.note(|| Step { place, rule: Rule::S1PermissionPassed, event: Event::Passed });
    env.note(|| Step { place, rule: Rule::S1Attributes, event: Event::Attributes { attrs } });
    let attrs = final_attrs(context, env, place, attrs);
    let s1assured = lookup.assured_by(descriptor);
    let output = AddressDescriptor { address: output, attrs, s1assured, s2fs1mro: false, mecid: 0 };
    env.note(|| Step { place, rule: Rule::S1Output, event: Event::Output { output } });
    Ok(Some(output))
}

/// The leaf with access flag and dirty state as hardware sets them, and the rule that says so.
#[inline(always)]
fn updated(context: &Context<'_>, leaf: Word, denied: bool) -> (Word, Rule) {
    use descriptor::s1::{AF, AP2, DBM};
    let (params, access) = (&context.s1, context.access);
    let mut new = leaf;
    if params.ha && (!denied || context.pe.choices.is(Choice::AfUpdateOnPermissionFault)) {
        new = new.with(AF.mask());
    }
    let dirties = access.write && access.kind != AccessType::At;
    let managed = params.ha && params.hd && (params.pie || DBM.is_set(leaf.low()));
    if !denied && managed && dirties {
        // AP[2], which under indirect permissions is nDirty.
        new = new.without(AP2.mask());
    }
    let dirtied = (new.low() ^ leaf.low()) & AP2.mask() != 0;
    (new, if dirtied { Rule::S1Dirty } else { Rule::S1AccessFlag })
}

/// The caches' enables, and effective shareability.
#[inline(always)]
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
