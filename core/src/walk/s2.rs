//! Stage 2 (`AArch64.S2Translate`).

use super::descend::{Descent, Entry, EntryAccess, Leaf, Lookup};
use super::update::Update;
use super::word::Word;
use super::{AccessDescriptor, AccessType, Context, Walk, attr, blamed, fault, perm, s1_fault};
use crate::addr::{FullAddress, PaSpace};
use crate::choice::Choice;
use crate::env::{Env, Fetch};
use crate::feature::Feature;
use crate::layout::descriptor;
use crate::outcome::{AddressDescriptor, FaultCode, FaultRecord, MemAttrs};
use crate::params::{Geometry, S2Params, Stage2};
use crate::pe::Pe;
use crate::regime::SecurityState;
use crate::rule::Rule;
use crate::step::{Event, Place, Purpose, Step};

/// What of the input checks and of the first table does not depend on the address.
#[derive(Clone, Copy, Debug)]
enum Start {
    /// Every address faults, by this rule.
    Faults(Rule),
    Tables {
        geometry: Geometry,
        table: FullAddress,
    },
}

impl Start {
    fn new(pe: &Pe, params: &S2Params) -> Self {
        let below = params.t0sz < params.min_txsz(pe);
        let above = params.t0sz > params.max_txsz(pe);
        let txsz_faults = below && (pe.has(Feature::Lpa) || pe.choices.is(Choice::TxszBelowMinFaults))
            || above && pe.choices.is(Choice::TxszAboveMaxFaults);
        match params.start_level(pe) {
            _ if txsz_faults => Self::Faults(Rule::S2TxSz),
            None => Self::Faults(Rule::S2StartLevel),
            Some(level) if !params.start_level_consistent(pe, level) => Self::Faults(Rule::S2StartInconsistent),
            Some(level) => {
                let geometry = params.geometry(pe, level);
                let address = geometry.table_base(params.ttbr, params.base_format());
                Self::Tables { geometry, table: FullAddress::new(params.table_space, address) }
            }
        }
    }
}

/// The starts of stage 2's tables: in Secure state a Non-secure IPA has its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Starts {
    own: Start,
    non_secure: Option<Start>,
}

impl Starts {
    pub fn new(pe: &Pe, stage2: &Stage2) -> Self {
        Self { own: Start::new(pe, stage2.own()), non_secure: stage2.non_secure().map(|params| Start::new(pe, params)) }
    }

    #[inline]
    const fn of(&self, space: PaSpace) -> &Start {
        match (&self.non_secure, space) {
            (Some(start), PaSpace::NonSecure) => start,
            _ => &self.own,
        }
    }
}

/// One stage-2 translation.
struct S2<'a> {
    context: &'a Context<'a>,
    params: &'a S2Params,
    ipa: &'a AddressDescriptor,
    purpose: Purpose,
    access: AccessDescriptor,
}

/// Where stage 2 puts a stage-1 descriptor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Located {
    pub address: FullAddress,
    /// Only the MMU may write there.
    pub mro: bool,
}

/// Translates stage 1's output.
pub(super) fn translate<E: Env>(
    context: &Context<'_>,
    (stage2, starts): (&Stage2, &Starts),
    env: &mut E,
    ipa: &AddressDescriptor,
) -> Walk<AddressDescriptor, E> {
    let (params, start) = (stage2.params(ipa.address.space), starts.of(ipa.address.space));
    let stage = S2 { context, params, ipa, purpose: Purpose::Output, access: context.access };
    if !params.enabled {
        tell_disabled(env, ipa.address, Purpose::Output, ipa.attrs);
        return Ok(*ipa);
    }
    let (leaf, mro) = stage.leaf(env, start)?;
    let output = stage.output(&leaf, mro);
    stage.tell_output(env, &leaf, || output);
    Ok(output)
}

/// Translates the address of a stage-1 descriptor. Memory attributes are worked out only to be told: nobody else asks.
pub(super) fn locate<E: Env>(
    context: &Context<'_>,
    (stage2, starts): (&Stage2, &Starts),
    env: &mut E,
    address: FullAddress,
    purpose: Purpose,
    access: AccessDescriptor,
) -> Walk<Located, E> {
    let (params, start) = (stage2.params(address.space), starts.of(address.space));
    let attrs = context.s1_start.walk_attrs;
    let ipa = &AddressDescriptor { address, attrs, s1assured: false, s2fs1mro: false, mecid: 0 };
    if !params.enabled {
        tell_disabled(env, address, purpose, attrs);
        return Ok(Located { address, mro: false });
    }
    let stage = S2 { context, params, ipa, purpose, access };
    let (leaf, mro) = stage.leaf(env, start)?;
    stage.tell_output(env, &leaf, || stage.output(&leaf, mro));
    Ok(Located { address: leaf.output, mro })
}

/// Tells that stage 2 is off: the IPA is the PA.
pub(super) fn tell_disabled<E: Env>(env: &mut E, address: FullAddress, purpose: Purpose, attrs: MemAttrs) {
    let output = AddressDescriptor { address, attrs, s1assured: false, s2fs1mro: false, mecid: 0 };
    env.note(|| Step { place: Place::s2(purpose), rule: Rule::S2Disabled, event: Event::Disabled { output } });
}

impl S2<'_> {
    fn place(&self) -> Place {
        Place::s2(self.purpose)
    }

    fn fault(&self, code: FaultCode, level: i8) -> FaultRecord {
        FaultRecord {
            second_stage: true,
            s2fs1walk: self.access.kind == AccessType::Ttw,
            ipa: self.ipa.address,
            ..s1_fault(code, level, self.access)
        }
    }

    /// Faults that need no walk, in order; then the shape of the tables and the first of them.
    #[inline]
    fn check_input<'s, E: Env>(&self, env: &mut E, start: &'s Start) -> Walk<(&'s Geometry, FullAddress), E> {
        let rule = match start {
            Start::Faults(rule) => *rule,
            Start::Tables { geometry, .. } if self.ipa.address.address >> geometry.ia_size != 0 => Rule::S2IpaRange,
            Start::Tables { geometry, table } => return Ok((geometry, *table)),
        };
        fault(env, self.place(), rule, self.fault(FaultCode::Translation, 0))
    }

    /// The walk and what comes after it, up to the permissions; and whether only the MMU may write to the output.
    #[inline(always)]
    fn leaf<E: Env>(&self, env: &mut E, start: &Start) -> Walk<(Leaf, bool), E> {
        let (geometry, table) = self.check_input(env, start)?;
        let params = self.params;
        env.note(|| Step {
            place: self.place(),
            rule: Rule::S2Start,
            event: Event::Start {
                input: self.ipa.address.address,
                granule: params.granule,
                ia_size: geometry.ia_size as u8,
                oa_size: geometry.oa_size as u8,
                level: geometry.start_level,
                ttbr: params.ttbr,
                table,
            },
        });
        let descent = Descent {
            context: self.context,
            geometry,
            table,
            big_endian: params.ee,
            ha: params.ha,
            haft: params.haft,
            base_rule: Rule::S2Base,
        };
        loop {
            let mut lookup = self;
            let leaf = descent.run(&mut lookup, env, self.ipa.address.address)?;
            if let Some(mro) = self.finish(env, &leaf)? {
                return Ok((leaf, mro));
            }
        }
    }

    /// Permissions and hardware updates; `None` when the walk must start again.
    #[inline(always)]
    fn finish<E: Env>(&self, env: &mut E, leaf: &Leaf) -> Walk<Option<bool>, E> {
        let (params, descriptor, level) = (self.params, leaf.descriptor, leaf.entry.level);
        let place = self.place().at(level);
        let permissions = perm::s2_permissions(params, self.access, descriptor);
        let rights = permissions.granted();
        env.note(|| Step { place, rule: permissions.rule, event: Event::Permissions { rights } });
        let device = attr::s2_is_device(params, &self.ipa.attrs, descriptor.low());
        let target = perm::Target { device, space: leaf.output.space, s1assured: self.ipa.s1assured };
        let checked = perm::s2_check(self.context.pe, params, self.access, &permissions, &target);
        let (new, rule) = self.updated(descriptor, checked.is_err());
        if new != descriptor {
            let fetch = Fetch { address: leaf.physical, place, wide: descriptor.wide };
            let update = Update { fetch, old: descriptor, new, big_endian: params.ee, rule };
            let blame = checked.map_or_else(|denied| denied.blame, |()| self.access.blame);
            let record = blamed(self.fault(FaultCode::Permission, level), blame);
            if update.swap(self.context, env, record)?.is_some() {
                return Ok(None);
            }
        }
        if let Err(denied) = checked {
            let record = blamed(self.fault(FaultCode::Permission, level), denied.blame);
            return fault(env, place, denied.rule, record);
        }
        env.note(|| Step { place, rule: Rule::S2PermissionPassed, event: Event::Passed });
        Ok(Some(permissions.mro))
    }

    /// The output for a leaf that permits the access.
    fn output(&self, leaf: &Leaf, mro: bool) -> AddressDescriptor {
        let attrs = self.final_attrs(self.leaf_attrs(leaf.descriptor));
        // An assured stage-1 mapping is a property of the IPA, not of what stage 2 makes of it.
        AddressDescriptor { address: leaf.output, attrs, s1assured: false, s2fs1mro: mro, mecid: 0 }
    }

    fn tell_output<E: Env>(&self, env: &mut E, leaf: &Leaf, output: impl Fn() -> AddressDescriptor) {
        let place = self.place().at(leaf.entry.level);
        let rule = if self.params.fwb { Rule::S2AttributesFwb } else { Rule::S2Attributes };
        env.note(|| Step { place, rule, event: Event::Attributes { attrs: output().attrs } });
        env.note(|| Step { place, rule: Rule::S2Output, event: Event::Output { output: output() } });
    }

    /// Attributes of the leaf: stage 2's own, or with FWB those that stage 2 makes of stage 1's.
    fn leaf_attrs(&self, leaf: Word) -> MemAttrs {
        let leaf = leaf.low();
        if self.params.fwb {
            attr::s2_apply_fwb(self.context.pe, self.params, self.ipa.attrs, leaf)
        } else {
            attr::s2_decode(self.context.pe, self.params, leaf)
        }
    }

    /// The caches' disables, then what both stages come to together.
    fn final_attrs(&self, leaf: MemAttrs) -> MemAttrs {
        let (params, device) = (self.params, leaf.mem_type.is_device());
        let non_cacheable = match self.access.kind {
            AccessType::Fetch => device || params.id,
            AccessType::Ttw if device => !params.ptw,
            _ => !device && params.cd,
        };
        let attrs = if non_cacheable { attr::normal_non_cacheable(leaf.xs) } else { leaf };
        if params.fwb { attrs } else { attr::s2_combine(self.context.pe, self.ipa.attrs, attrs) }
    }

    /// The leaf with access flag and dirty state as hardware sets them, and the rule that says so.
    #[inline(always)]
    fn updated(&self, leaf: Word, denied: bool) -> (Word, Rule) {
        use descriptor::s2::{AF, DBM, DIRTY};
        let (params, access) = (self.params, self.access);
        let mut new = leaf;
        if params.ha && (!denied || self.context.pe.choices.is(Choice::AfUpdateOnPermissionFault)) {
            new = new.with(AF.mask());
        }
        let dirties = access.write && access.kind != AccessType::At;
        let managed = params.ha && params.hd && (params.s2pie || DBM.is_set(leaf.low()));
        if !denied && managed && dirties {
            // S2AP[1], which under indirect permissions is Dirty.
            new = new.with(DIRTY.mask());
        }
        let dirtied = (new.low() ^ leaf.low()) & DIRTY.mask() != 0;
        (new, if dirtied { Rule::S2Dirty } else { Rule::S2AccessFlag })
    }
}

impl<E: Env> Lookup<E> for &S2<'_> {
    fn place(&self) -> Place {
        S2::place(self)
    }

    fn fault(&self, code: FaultCode, level: i8) -> FaultRecord {
        S2::fault(self, code, level)
    }

    fn locate(&mut self, _env: &mut E, entry: Entry, _access: EntryAccess) -> Walk<FullAddress, E> {
        Ok(entry.address)
    }

    fn table_space(&self, _descriptor: Word, space: PaSpace) -> PaSpace {
        space
    }

    fn enter_table(&mut self, _descriptor: Word) {}

    #[inline(always)]
    fn leaf_space(&self, descriptor: Word, _space: PaSpace) -> PaSpace {
        match self.access.security {
            SecurityState::Realm if descriptor.s2_ns() => PaSpace::NonSecure,
            _ => self.params.output_space,
        }
    }

    fn heeds_contiguous(&self) -> bool {
        true
    }
}
