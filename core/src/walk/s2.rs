//! Stage 2 (`AArch64.S2Translate`).

use super::descend::{Descent, Entry, EntryAccess, Leaf, Lookup, Stage, start_event};
use super::start::{S2Start, S2Starts};
use super::update::Update;
use super::word::Word;
use super::{
    AccessDescriptor, AccessType, Blame, Context, Halt, Walk, apart, aside, attr, blamed, fault, off, perm, s1_fault,
};
use crate::addr::{FullAddress, PaSpace};
use crate::choice::Choice;
use crate::env::{Env, Fetch};
use crate::layout::descriptor;
use crate::outcome::{AddressDescriptor, FaultCode, FaultRecord, MemAttrs};
use crate::params::{Geometry, S2Params, Stage2};
use crate::regime::SecurityState;
use crate::rule::Rule;
use crate::step::{Event, Place, Purpose, Step};
use alloc::vec::Vec;

/// What stage 2 translates an address for.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// Stage 1's output, for the access itself.
    Output { attrs: &'a MemAttrs, assured: bool },
    /// The address of a stage-1 descriptor, to read it; `first` when it is in the first table.
    Descriptor { level: i8, first: bool },
    /// The address of a stage-1 descriptor, to update it, for an access that an earlier check has blamed.
    Update { level: i8, blame: Blame },
}

impl Wanted<'_> {
    pub const fn purpose(&self) -> Purpose {
        match *self {
            Self::Output { .. } => Purpose::Output,
            Self::Descriptor { level, .. } => Purpose::Descriptor(level),
            Self::Update { level, .. } => Purpose::Update(level),
        }
    }
}

/// Stage 2's tables, when its walk is the usual one.
#[derive(Clone, Copy)]
pub(super) struct Usual<'a> {
    params: &'a S2Params,
    geometry: &'a Geometry,
    table: FullAddress,
}

impl<'a> Usual<'a> {
    pub const fn of((stage2, starts): (&'a Stage2, &'a S2Starts)) -> Option<Self> {
        match starts.own() {
            S2Start::Tables { geometry, table, usual: true } if stage2.enabled() => {
                Some(Self { params: stage2.own(), geometry, table: *table })
            }
            _ => None,
        }
    }

    /// [`locate`] through these tables, to read a descriptor. They see no updates: `FEAT_HAFT` is not usual, and a
    /// leaf's update is no part of the descent.
    #[inline(never)]
    pub fn locate<E: Env>(
        &self,
        context: &Context<'_>,
        env: &mut E,
        address: u64,
        level: i8,
        first: bool,
    ) -> Walk<Located, E> {
        let Self { params, geometry, table } = *self;
        let ipa = FullAddress::new(PaSpace::NonSecure, address);
        let stage = S2 { context, params, ipa, wanted: Wanted::Descriptor { level, first }, then: Located::at };
        stage.check_input(env, geometry)?;
        stage.tell_start(env, geometry, table);
        stage.descent(geometry, table).walk_usual(stage, env)
    }
}

/// One stage-2 translation.
#[derive(Clone, Copy)]
struct S2<'a, F> {
    context: &'a Context<'a>,
    params: &'a S2Params,
    ipa: FullAddress,
    wanted: Wanted<'a>,
    then: F,
}

/// Where stage 2 puts a stage-1 descriptor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Located {
    pub address: FullAddress,
    /// Only the MMU may write there.
    pub mro: bool,
}

impl Located {
    const fn at(Reached { address, mro, .. }: Reached) -> Self {
        Self { address, mro }
    }
}

/// Translates stage 1's output, which has these memory attributes and may be assured, where stage 2 is on. What the
/// caller makes of a leaf is made where it is found.
#[inline(always)]
pub(super) fn map<E: Env, T>(
    context: &Context<'_>,
    (stage2, starts): (&Stage2, &S2Starts),
    env: &mut E,
    address: FullAddress,
    (attrs, assured): (&MemAttrs, bool),
    then: impl Fn(Reached) -> T + Copy,
) -> Walk<T, E> {
    let (params, start) = (stage2.params(address.space), starts.of(address.space));
    S2 { context, params, ipa: address, wanted: Wanted::Output { attrs, assured }, then }.reach(env, start)
}

/// The output of a leaf that translates stage 1's output in `space`, which has these memory attributes.
pub(super) fn describe(
    context: &Context<'_>,
    stage2: &Stage2,
    attrs: &MemAttrs,
    reached: Reached,
) -> AddressDescriptor {
    let wanted = Wanted::Output { attrs, assured: false };
    S2 { context, params: stage2.params(reached.ipa_space), ipa: reached.address, wanted, then: |reached| reached }
        .output(reached)
}

/// Translates the address of a stage-1 descriptor. Memory attributes are worked out only to be told: nobody else asks.
#[inline(never)]
pub(super) fn locate<E: Env>(
    context: &Context<'_>,
    (stage2, starts): (&Stage2, &S2Starts),
    env: &mut E,
    address: FullAddress,
    wanted: Wanted<'_>,
) -> Walk<Located, E> {
    let (params, start) = (stage2.params(address.space), starts.of(address.space));
    if !params.enabled {
        off::tell_s2_for_walk(context, env, address, wanted.purpose());
        return Ok(Located { address, mro: false });
    }
    S2 { context, params, ipa: address, wanted, then: Located::at }.reach(env, start)
}

/// Memory attributes of the output for stage-1 descriptors, by what decides them.
pub(super) fn walk_attrs(context: &Context<'_>, stage2: &Stage2) -> Vec<MemAttrs> {
    let address = FullAddress::default();
    let wanted = Wanted::Descriptor { level: 0, first: false };
    let stage = S2 { context, params: stage2.own(), ipa: address, wanted, then: |reached| reached };
    (0..Reached::ATTRS)
        .map(|attrs| {
            stage
                .output(Reached { address, ipa_space: address.space, low: Reached::bits(attrs), mro: false, mecid: 0 })
                .attrs
        })
        .collect()
}

/// A leaf that permits the access.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    pub address: FullAddress,
    /// The address space of the IPA.
    ipa_space: PaSpace,
    /// Bits 63:0 of the leaf, where its memory attributes are.
    low: u64,
    /// Only the MMU may write to the output.
    mro: bool,
    /// Memory encryption context.
    mecid: u16,
}

impl Reached {
    /// How many combinations there are of what decides memory attributes.
    pub const ATTRS: usize = 128;

    /// What decides memory attributes: MemAttr in bits 3:0, SH in bits 5:4, FnXS in bit 6.
    #[inline(always)]
    pub const fn attrs(self) -> usize {
        use descriptor::s2::{FNXS, MEM_ATTR, SH};
        (MEM_ATTR.get(self.low) | SH.get(self.low) << 4 | FNXS.get(self.low) << 6) as usize
    }

    /// The bits of a leaf with these [`Reached::attrs`].
    const fn bits(attrs: usize) -> u64 {
        use descriptor::s2::{FNXS, MEM_ATTR, SH};
        let attrs = attrs as u64;
        FNXS.set(SH.set(MEM_ATTR.set(0, attrs), attrs >> 4), attrs >> 6)
    }
}

impl<'a, T, F: Fn(Reached) -> T + Copy> S2<'a, F> {
    fn place(self) -> Place {
        Place::s2(self.wanted.purpose())
    }

    /// The access, as stage 2 sees it.
    const fn access(self) -> AccessDescriptor {
        let access = self.context.access;
        match self.wanted {
            Wanted::Output { .. } => access,
            Wanted::Descriptor { first, .. } => {
                access.for_descriptor(if first { Some(self.context.s1.range) } else { None })
            }
            Wanted::Update { blame, .. } => AccessDescriptor { blame, ..access.for_update() },
        }
    }

    /// Stage 1's memory attributes: of its output, or of its walk.
    const fn s1_attrs(self) -> &'a MemAttrs {
        match self.wanted {
            Wanted::Output { attrs, .. } => attrs,
            Wanted::Descriptor { .. } | Wanted::Update { .. } => &self.context.s1_start.walk_attrs,
        }
    }

    #[cold]
    fn fault(self, code: FaultCode, level: i8) -> FaultRecord {
        FaultRecord {
            second_stage: true,
            s2fs1walk: !matches!(self.wanted, Wanted::Output { .. }),
            ipa: self.ipa,
            ..s1_fault(code, level, self.access())
        }
    }

    /// Faults that need no walk, in order; then the walk and what comes after it.
    #[inline(always)]
    fn reach<E: Env>(self, env: &mut E, start: &S2Start) -> Walk<T, E> {
        let (geometry, table, usual) = match start {
            S2Start::Faults(rule) => return Err(self.refuse(env, *rule)),
            S2Start::Tables { geometry, table, usual } => (geometry, *table, *usual),
        };
        self.check_input(env, geometry)?;
        self.tell_start(env, geometry, table);
        if usual {
            self.descent(geometry, table).walk_usual(self, env)
        } else {
            apart(env, move |env| self.walk_any(env, geometry, table))
        }
    }

    /// Whether the IPA fits (`AArch64.IPAIsOutOfRange`).
    #[inline(always)]
    fn check_input<E: Env>(self, env: &mut E, geometry: &Geometry) -> Walk<(), E> {
        if self.ipa.address >> (geometry.ia_size & 63) == 0 {
            Ok(())
        } else {
            Err(aside(env, move |env| self.refuse(env, Rule::S2IpaRange)))
        }
    }

    fn tell_start<E: Env>(self, env: &mut E, geometry: &Geometry, table: FullAddress) {
        env.note(|| {
            let event = start_event(self.ipa.address, geometry, self.params.ttbr, table);
            Step { place: self.place(), rule: Rule::S2Start, event }
        });
    }

    #[inline(always)]
    const fn descent(self, geometry: &Geometry, table: FullAddress) -> Descent<'a> {
        let params = self.params;
        Descent {
            geometry: *geometry,
            table,
            gpc: self.context.gpc.as_ref(),
            big_endian: params.ee,
            ha: params.ha,
            haft: params.haft,
            base_rule: Rule::S2Base,
            usual: false,
        }
    }

    fn walk_any<E: Env>(self, env: &mut E, geometry: &Geometry, table: FullAddress) -> Walk<T, E> {
        self.descent(geometry, table).walk_any(self, env)
    }

    /// From the start, after the usual walk has lost a race. Seldom enough to need no loop there, which would cost
    /// every walk its registers.
    fn again<E: Env>(self, env: &mut E) -> Walk<T, E> {
        match self.context.stage2().map(|(_, starts)| starts.of(self.ipa.space)) {
            Some(S2Start::Tables { geometry, table, .. }) => self.walk_any(env, geometry, *table),
            // Without tables there was no walk.
            _ => Err(self.refuse(env, Rule::S2StartLevel)),
        }
    }

    fn refuse<E: Env>(self, env: &mut E, rule: Rule) -> Halt<E::Stop> {
        fault(env, self.place(), rule, self.fault(FaultCode::Translation, 0))
    }

    /// Permissions and hardware updates; then whether only the MMU may write to the output. `None` when the walk must
    /// start again.
    #[inline(always)]
    fn finish<E: Env, D: Word>(self, env: &mut E, leaf: Leaf<D>) -> Walk<Option<bool>, E> {
        let (descriptor, place) = (leaf.descriptor, self.place().at(leaf.entry.level));
        env.note(|| {
            let permissions = perm::s2_permissions(self.params, self.access(), descriptor);
            let event = Event::Permissions { rights: permissions.granted() };
            Step { place, rule: permissions.rule, event }
        });
        let passes = match (&self.context.known, self.wanted) {
            (Some(known), Wanted::Output { .. }) => known.verdicts.s2_output_passes(descriptor),
            (Some(known), Wanted::Descriptor { .. }) => known.verdicts.s2_descriptor_passes(descriptor),
            _ => false,
        };
        // What is known to pass has direct permissions, which leave no memory to the MMU alone.
        let mro = if passes { Some(false) } else { aside(env, move |env| self.check_and_update(env, leaf))? };
        if mro.is_some() {
            env.note(|| Step { place, rule: Rule::S2PermissionPassed, event: Event::Passed });
        }
        Ok(mro)
    }

    /// The permission check, and the hardware updates that go with it.
    fn check_and_update<E: Env, D: Word>(self, env: &mut E, leaf: Leaf<D>) -> Walk<Option<bool>, E> {
        let (params, descriptor, level) = (self.params, leaf.descriptor, leaf.entry.level);
        let access = self.access();
        let permissions = perm::s2_permissions(params, access, descriptor);
        let device = attr::s2_is_device(params, self.s1_attrs(), descriptor.low());
        let s1assured = matches!(self.wanted, Wanted::Output { assured: true, .. });
        let target = perm::Target { device, space: leaf.output.space, s1assured };
        let checked = perm::s2_check(self.context.pe, params, access, &permissions, &target);
        let place = self.place().at(level);
        let (new, rule) = self.updated(descriptor, checked.is_err());
        if new != descriptor {
            let fetch = Fetch { address: leaf.physical, place, wide: D::WIDE };
            let update = Update { fetch, old: descriptor, new, big_endian: params.ee, rule };
            let blame = checked.map_or_else(|denied| denied.blame, |()| access.blame);
            let record = blamed(self.fault(FaultCode::Permission, level), blame);
            if update.swap(self.context.gpc.as_ref(), env, record)?.is_some() {
                return Ok(None);
            }
        }
        match checked {
            Ok(()) => Ok(Some(permissions.mro)),
            Err(denied) => {
                let record = blamed(self.fault(FaultCode::Permission, level), denied.blame);
                Err(fault(env, place, denied.rule, record))
            }
        }
    }

    /// The output of a leaf.
    fn output(self, reached: Reached) -> AddressDescriptor {
        let Reached { address, low, mro, mecid, .. } = reached;
        let known = match (self.wanted, &self.context.known) {
            (Wanted::Descriptor { .. }, Some(known)) => known.s2_walk_attrs.get(reached.attrs()),
            _ => None,
        };
        let attrs = known.copied().unwrap_or_else(|| self.final_attrs(self.leaf_attrs(low)));
        // An assured stage-1 mapping is a property of the IPA, not of what stage 2 makes of it.
        AddressDescriptor { address, attrs, s1assured: false, s2fs1mro: mro, mecid }
    }

    fn tell_output<E: Env>(self, env: &mut E, level: i8, reached: Reached) {
        if !E::LISTENS {
            return;
        }
        let place = self.place().at(level);
        let rule = if self.params.fwb { Rule::S2AttributesFwb } else { Rule::S2Attributes };
        let output = self.output(reached);
        env.note(|| Step { place, rule, event: Event::Attributes { attrs: output.attrs } });
        env.note(|| Step { place, rule: Rule::S2Output, event: Event::Output { output } });
    }

    /// Attributes of the leaf: stage 2's own, or with FWB those that stage 2 makes of stage 1's.
    fn leaf_attrs(self, leaf: u64) -> MemAttrs {
        if self.params.fwb {
            attr::s2_apply_fwb(self.context.pe, self.params, *self.s1_attrs(), leaf)
        } else {
            attr::s2_decode(self.context.pe, self.params, leaf)
        }
    }

    /// The caches' disables, then what both stages come to together.
    fn final_attrs(self, leaf: MemAttrs) -> MemAttrs {
        let (params, device) = (self.params, leaf.mem_type.is_device());
        let non_cacheable = match self.access().kind {
            AccessType::Fetch => device || params.id,
            AccessType::Ttw if device => !params.ptw,
            _ => !device && params.cd,
        };
        let attrs = if non_cacheable { attr::normal_non_cacheable(leaf.xs) } else { leaf };
        if params.fwb { attrs } else { attr::s2_combine(self.context.pe, *self.s1_attrs(), attrs) }
    }

    /// The leaf with access flag and dirty state as hardware sets them, and the rule that says so.
    #[inline(always)]
    fn updated<D: Word>(self, leaf: D, denied: bool) -> (D, Rule) {
        use descriptor::s2::{AF, DBM, DIRTY};
        let (params, access) = (self.params, self.access());
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

impl<E: Env, T, F: Fn(Reached) -> T + Copy> Stage<E> for S2<'_, F> {
    type Output = T;

    /// Walks until no hardware update has found its descriptor changed.
    #[inline(always)]
    fn walk<D: Word, const USUAL: bool>(self, env: &mut E, descent: Descent<'_>) -> Walk<T, E> {
        loop {
            let mut lookup = S2Lookup::<F, USUAL>(self);
            let leaf: Leaf<D> = descent.run(&mut lookup, env, self.ipa.address)?;
            if let Some(mro) = self.finish(env, leaf)? {
                let low = leaf.descriptor.low();
                let mecid = self.params.mec.of_leaf(leaf.output.space, leaf.descriptor.amec());
                let reached = Reached { address: leaf.output, ipa_space: self.ipa.space, low, mro, mecid };
                self.tell_output(env, leaf.entry.level, reached);
                return Ok((self.then)(reached));
            }
            if USUAL {
                return aside(env, move |env| self.again(env));
            }
        }
    }
}

/// A stage-2 descent under way.
#[derive(Clone, Copy)]
struct S2Lookup<'a, F, const USUAL: bool>(S2<'a, F>);

impl<E: Env, D: Word, T, F: Fn(Reached) -> T + Copy, const USUAL: bool> Lookup<E, D> for S2Lookup<'_, F, USUAL> {
    fn place(&self) -> Place {
        self.0.place()
    }

    fn fault(&self, code: FaultCode, level: i8) -> FaultRecord {
        self.0.fault(code, level)
    }

    fn locate(&mut self, _env: &mut E, entry: Entry, _access: EntryAccess) -> Walk<FullAddress, E> {
        Ok(entry.address)
    }

    fn table_space(&self, _descriptor: D, space: PaSpace) -> PaSpace {
        space
    }

    fn enter_table(&mut self, _descriptor: D) {}

    #[inline(always)]
    fn leaf_space(&self, descriptor: D, _space: PaSpace) -> PaSpace {
        match self.0.context.access.security {
            _ if USUAL => PaSpace::NonSecure,
            SecurityState::Realm if descriptor.s2_ns() => PaSpace::NonSecure,
            _ => self.0.params.output_space,
        }
    }

    fn heeds_contiguous(&self) -> bool {
        true
    }
}
