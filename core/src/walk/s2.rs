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
use crate::regime::SecurityState;
use crate::rule::Rule;
use crate::step::{Event, Place, Purpose, Step};

/// One stage-2 translation.
struct S2<'a> {
    context: &'a Context<'a>,
    params: &'a S2Params,
    ipa: &'a AddressDescriptor,
    purpose: Purpose,
    access: AccessDescriptor,
}

/// Translates an intermediate physical address, which is stage 1's output or the address of a stage-1 descriptor.
pub(super) fn translate<E: Env>(
    context: &Context<'_>,
    stage2: &Stage2,
    env: &mut E,
    ipa: &AddressDescriptor,
    purpose: Purpose,
    access: AccessDescriptor,
) -> Walk<AddressDescriptor, E> {
    let params = stage2.params(ipa.address.space);
    let stage = S2 { context, params, ipa, purpose, access };
    let place = Place::s2(purpose);
    if !params.enabled {
        env.note(|| Step { place, rule: Rule::S2Disabled, event: Event::Disabled { output: *ipa } });
        return Ok(*ipa);
    }
    let geometry = stage.check_input(env)?;
    let table = FullAddress::new(params.table_space, geometry.table_base(params.ttbr, params.base_format()));
    env.note(|| Step {
        place,
        rule: Rule::S2Start,
        event: Event::Start {
            input: ipa.address.address,
            granule: params.granule,
            ia_size: geometry.ia_size as u8,
            oa_size: geometry.oa_size as u8,
            level: geometry.start_level,
            ttbr: params.ttbr,
            table,
        },
    });
    let descent = Descent {
        context,
        geometry: &geometry,
        table,
        big_endian: params.ee,
        ha: params.ha,
        haft: params.haft,
        base_rule: Rule::S2Base,
    };
    loop {
        let leaf = descent.run(&mut &stage, env, ipa.address.address)?;
        if let Some(output) = stage.finish(env, &leaf)? {
            return Ok(output);
        }
    }
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

    /// Faults that need no walk, in order; then the shape of the tables.
    fn check_input<E: Env>(&self, env: &mut E) -> Walk<Geometry, E> {
        let (pe, params) = (self.context.pe, self.params);
        let below = params.t0sz < params.min_txsz(pe);
        let above = params.t0sz > params.max_txsz(pe);
        let rule = if below && (pe.has(Feature::Lpa) || pe.choices.is(Choice::TxszBelowMinFaults))
            || above && pe.choices.is(Choice::TxszAboveMaxFaults)
        {
            Rule::S2TxSz
        } else if let Some(start_level) = params.start_level(pe) {
            if !params.start_level_consistent(pe, start_level) {
                Rule::S2StartInconsistent
            } else if self.ipa.address.address >> params.ia_size(pe) != 0 {
                Rule::S2IpaRange
            } else {
                return Ok(params.geometry(pe, start_level));
            }
        } else {
            Rule::S2StartLevel
        };
        fault(env, self.place(), rule, self.fault(FaultCode::Translation, 0))
    }

    /// What comes after the walk; `None` when it must start again.
    fn finish<E: Env>(&self, env: &mut E, leaf: &Leaf) -> Walk<Option<AddressDescriptor>, E> {
        let (params, descriptor, level) = (self.params, leaf.descriptor, leaf.entry.level);
        let place = self.place().at(level);
        let attrs = self.leaf_attrs(descriptor);
        let permissions = perm::s2_permissions(params, self.access, descriptor);
        let rights = permissions.granted();
        env.note(|| Step { place, rule: permissions.rule, event: Event::Permissions { rights } });
        let target = perm::Target { attrs, space: leaf.output.space, s1assured: self.ipa.s1assured };
        let checked = perm::s2_check(self.context.pe, params, self.access, &permissions, &target);
        let (new, rule) = self.updated(descriptor, checked.is_err());
        let record = self.fault(FaultCode::Permission, level);
        if new != descriptor {
            let fetch = Fetch { address: leaf.physical, place, wide: descriptor.wide };
            let update = Update { fetch, old: descriptor, new, big_endian: params.ee, rule };
            let blame = checked.map_or_else(|denied| denied.blame, |()| self.access.blame);
            if update.swap(self.context, env, blamed(record, blame))?.is_some() {
                return Ok(None);
            }
        }
        if let Err(denied) = checked {
            return fault(env, place, denied.rule, blamed(record, denied.blame));
        }
        env.note(|| Step { place, rule: Rule::S2PermissionPassed, event: Event::Passed });
        let attrs = self.final_attrs(attrs);
        let rule = if params.fwb { Rule::S2AttributesFwb } else { Rule::S2Attributes };
        env.note(|| Step { place, rule, event: Event::Attributes { attrs } });
        // An assured stage-1 mapping is a property of the IPA, not of what stage 2 makes of it.
        let output =
            AddressDescriptor { address: leaf.output, attrs, s1assured: false, s2fs1mro: permissions.mro, mecid: 0 };
        env.note(|| Step { place, rule: Rule::S2Output, event: Event::Output { output } });
        Ok(Some(output))
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
