//! Stage 2 (`AArch64.S2Translate`).

mod attrs;
mod told;
mod usual;

pub(super) use told::Told;
pub(super) use usual::Usual;

use super::descend::{self, Descent, Entry, EntryAccess, Leaf, Lookup, start_event, start_record};
use super::perm::Denied;
use super::reached::{Plain, Reached};
use super::start::{S2Start, S2Starts, S2Tables};
use super::update::Update;
use super::word::Word;
use super::{
    AccessDescriptor, AccessType, Blame, Context, Halt, Walk, aside, attr, blamed, fault, off, perm, s1_fault,
};
use crate::addr::{FullAddress, PaSpace};
use crate::bits::Pattern;
use crate::choice::Choice;
use crate::env::{Env, Fetch};
use crate::layout::descriptor;
use crate::outcome::{AddressDescriptor, FaultCode, FaultRecord, MemAttrs};
use crate::params::{Geometry, S2Params, Stage2};
use crate::regime::SecurityState;
use crate::rule::Rule;
use crate::step::{Event, Place, Purpose, Read, Step};
use alloc::boxed::Box;

/// What stage 2 translates an address for.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// Stage 1's output, for the access itself.
    Output { attrs: &'a MemAttrs, assured: bool },
    /// The address of a stage-1 descriptor, to read it.
    Descriptor { level: i8 },
    /// The address of a stage-1 descriptor, to update it, for an access that an earlier check has blamed.
    Update { level: i8, blame: Blame },
}

impl Wanted<'_> {
    pub const fn purpose(&self) -> Purpose {
        match *self {
            Self::Output { .. } => Purpose::Output,
            Self::Descriptor { level } => Purpose::Descriptor(level),
            Self::Update { level, .. } => Purpose::Update(level),
        }
    }
}

/// What any stage-2 translation goes by. Referred to, so that the walk has its registers for itself: what is here is
/// seldom needed.
#[derive(Clone, Copy)]
struct Base<'a> {
    context: &'a Context<'a>,
    params: &'a S2Params<'a>,
}

/// What stage 2 translates for.
#[derive(Clone, Copy)]
struct S2<'a> {
    base: &'a Base<'a>,
    wanted: Wanted<'a>,
}

/// One stage-2 translation.
#[derive(Clone, Copy)]
struct S2Walk<'a, const USUAL: bool> {
    stage: S2<'a>,
    tables: &'a S2Tables,
    ipa: FullAddress,
    /// For those who take records: the descriptors read so far, by level.
    read: [u64; 4],
}

/// Where stage 2 puts a stage-1 descriptor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Located {
    pub address: FullAddress,
    /// Only the MMU may write there.
    pub mro: bool,
}

/// Translates stage 1's output, which has these memory attributes and may be assured, where stage 2 is on.
pub(super) fn map<E: Env>(
    context: &Context<'_>,
    (stage2, starts): (&Stage2, &S2Starts),
    env: &mut E,
    address: FullAddress,
    (attrs, assured): (&MemAttrs, bool),
) -> Walk<Reached, E> {
    let (params, start) = (stage2.params(address.space), starts.of(address.space));
    S2 { base: &Base { context, params }, wanted: Wanted::Output { attrs, assured } }.reach(env, start, address)
}

/// The output of a leaf that translates stage 1's output in `space`, which has these memory attributes.
#[inline(always)]
pub(super) fn describe(
    context: &Context<'_>,
    stage2: &Stage2,
    attrs: &MemAttrs,
    reached: Reached,
) -> AddressDescriptor {
    let wanted = Wanted::Output { attrs, assured: false };
    S2 { base: &Base { context, params: stage2.params(reached.ipa_space) }, wanted }.output(reached)
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
    let Reached { address, mro, .. } = S2 { base: &Base { context, params }, wanted }.reach(env, start, address)?;
    Ok(Located { address, mro })
}

impl<'a> S2<'a> {
    fn place(self) -> Place {
        Place::s2(self.wanted.purpose())
    }

    /// The access, as stage 2 sees it.
    #[inline(always)]
    const fn access(self) -> AccessDescriptor {
        let access = self.base.context.access;
        match self.wanted {
            Wanted::Output { .. } => access,
            Wanted::Descriptor { level } => {
                let first = level == self.base.context.s1_start.geometry.start_level;
                access.for_descriptor(if first { Some(self.base.context.s1.range) } else { None })
            }
            Wanted::Update { blame, .. } => AccessDescriptor { blame, ..access.for_update() },
        }
    }

    /// Stage 1's memory attributes: of its output, or of its walk.
    #[inline(always)]
    fn s1_attrs(self) -> MemAttrs {
        match self.wanted {
            Wanted::Output { attrs, .. } => *attrs,
            Wanted::Descriptor { .. } | Wanted::Update { .. } => self.base.context.s1_walk_attrs(),
        }
    }

    #[cold]
    fn fault(self, ipa: FullAddress, code: FaultCode, level: i8) -> FaultRecord {
        FaultRecord {
            second_stage: true,
            s2fs1walk: !matches!(self.wanted, Wanted::Output { .. }),
            ipa,
            ..s1_fault(code, level, self.access())
        }
    }

    /// Translates an address.
    fn reach<E: Env>(self, env: &mut E, start: &S2Start, ipa: FullAddress) -> Walk<Reached, E> {
        let tables = match start {
            S2Start::Faults(rule) => return Err(self.refuse(env, ipa, *rule)),
            S2Start::Tables(tables) => tables,
        };
        let walk = S2Walk::<false>::new(self, tables, ipa);
        walk.start(env)?;
        walk.walk_any(env)
    }

    fn refuse<E: Env>(self, env: &mut E, ipa: FullAddress, rule: Rule) -> Box<Halt<E::Stop>> {
        fault(env, self.place(), rule, self.fault(ipa, FaultCode::Translation, 0))
    }

    /// The permission check of a leaf. The output's memory may be Device because of either stage.
    #[inline(always)]
    fn permits(
        self,
        access: AccessDescriptor,
        descriptor: impl Word,
        space: PaSpace,
    ) -> (perm::S2Permissions, Result<(), Denied>) {
        let params = self.base.params;
        let permissions = perm::s2_permissions(params, access, descriptor);
        let device = || attr::s2_is_device(params, &self.s1_attrs(), descriptor.low());
        let s1assured = matches!(self.wanted, Wanted::Output { assured: true, .. });
        let target = perm::Target { device, space, s1assured };
        (permissions, perm::s2_check(self.base.context.pe, params, access, &permissions, target))
    }

    /// The output of a leaf.
    #[inline(always)]
    fn output(self, reached: Reached) -> AddressDescriptor {
        let Reached { address, mro, mecid, .. } = reached;
        let attrs = self.attrs(reached);
        // An assured stage-1 mapping is a property of the IPA, not of what stage 2 makes of it.
        AddressDescriptor { address, attrs, s1assured: false, s2fs1mro: mro, mecid }
    }

    fn tell_output<E: Env>(self, env: &mut E, level: i8, reached: Reached) {
        if !E::LISTENS {
            return;
        }
        let place = self.place().at(level);
        let output = self.output(reached);
        env.note(|| Step { place, rule: self.attrs_rule(), event: Event::Attributes { attrs: output.attrs } });
        env.note(|| Step { place, rule: Rule::S2Output, event: Event::Output { output } });
    }

    /// The leaf with access flag and dirty state as hardware sets them, and the rule that says so.
    #[inline(always)]
    fn updated<D: Word>(self, leaf: D, denied: bool) -> (D, Rule) {
        use descriptor::s2::{AF, DBM, DIRTY};
        let (params, access) = (self.base.params, self.access());
        let mut new = leaf;
        if params.ha() && (!denied || self.base.context.pe.choices.is(Choice::AfUpdateOnPermissionFault)) {
            new = new.with(AF.mask());
        }
        let dirties = access.write && access.kind != AccessType::At;
        let managed = params.ha() && params.hd() && (params.s2pie() || DBM.is_set(leaf.low()));
        if !denied && managed && dirties {
            // S2AP[1], which under indirect permissions is Dirty.
            new = new.with(DIRTY.mask());
        }
        let dirtied = (new.low() ^ leaf.low()) & DIRTY.mask() != 0;
        (new, if dirtied { Rule::S2Dirty } else { Rule::S2AccessFlag })
    }
}

impl<'a, const USUAL: bool> S2Walk<'a, USUAL> {
    #[inline(always)]
    const fn new(stage: S2<'a>, tables: &'a S2Tables, ipa: FullAddress) -> Self {
        Self { stage, tables, ipa, read: [0; 4] }
    }

    /// Whether the IPA fits (`AArch64.IPAIsOutOfRange`); if so the walk begins.
    #[inline(always)]
    fn start<E: Env>(self, env: &mut E) -> Walk<(), E> {
        let S2Tables { geometry, table, .. } = self.tables;
        if self.ipa.address >> (geometry.ia_size & 63) != 0 {
            return Err(aside(env, move |env| self.stage.refuse(env, self.ipa, Rule::S2IpaRange)));
        }
        if E::LISTENS && !(USUAL && E::RECORDS) {
            aside(env, move |env| {
                let event = start_event(self.ipa.address, geometry, self.stage.base.params.ttbr(), *table);
                env.note(|| Step { place: self.stage.place(), rule: Rule::S2Start, event });
            });
        }
        Ok(())
    }

    /// Walks until no hardware update has found its descriptor changed. Out of line: the usual walk has its registers
    /// for itself.
    #[inline(never)]
    fn walk_any<E: Env>(self, env: &mut E) -> Walk<Reached, E> {
        let Self { stage, tables, ipa, .. } = self;
        let any = S2Walk::<false>::new(stage, tables, ipa);
        loop {
            let output = if tables.geometry.d128 {
                descend::any::<E, u128, _>(any, env, ipa.address)?
            } else {
                descend::any::<E, u64, _>(any, env, ipa.address)?
            };
            if let Some(output) = output {
                return Ok(output);
            }
        }
    }

    /// The same in the usual case.
    #[inline(always)]
    fn walk_usual<E: Env>(self, env: &mut E) -> Walk<Plain, E> {
        let Self { stage, tables, ipa, .. } = self;
        descend::usual(S2Walk::<true>::new(stage, tables, ipa), env, ipa.address, move |env| self.walk_any(env))
    }

    /// Which of two patterns a leaf is to be compared with: for the read of a stage-1 descriptor, and for the access.
    #[inline(always)]
    const fn pattern(&self, read: Pattern, access: Pattern) -> Pattern {
        match self.stage.wanted {
            Wanted::Output { .. } => access,
            Wanted::Descriptor { .. } => read,
            Wanted::Update { .. } => Pattern::NONE,
        }
    }

    fn tell_permissions<E: Env, D: Word>(self, env: &mut E, Leaf { descriptor, entry, .. }: Leaf<D>) {
        let stage = self.stage;
        env.note(|| {
            let permissions = perm::s2_permissions(stage.base.params, stage.access(), descriptor);
            let event = Event::Permissions { rights: permissions.granted() };
            Step { place: stage.place().at(entry.level), rule: permissions.rule, event }
        });
    }

    /// A leaf's output, after its permission check.
    #[inline(always)]
    fn passed<E: Env, D: Word>(self, env: &mut E, leaf: Leaf<D>, mro: bool) -> Reached {
        let (stage, Leaf { descriptor, entry, output: address, .. }) = (self.stage, leaf);
        env.note(|| {
            let place = stage.place().at(entry.level);
            Step { place, rule: Rule::S2PermissionPassed, event: Event::Passed }
        });
        let mecid = stage.base.params.mec().of_leaf(address.space, descriptor.amec());
        let reached = Reached { address, ipa_space: self.ipa.space, low: descriptor.low(), mro, mecid };
        stage.tell_output(env, entry.level, reached);
        reached
    }

    /// The permission check, and the hardware updates that go with it; then whether only the MMU may write to the
    /// output. `None` when the walk must start again.
    fn check_and_update<E: Env, D: Word>(self, env: &mut E, leaf: Leaf<D>) -> Walk<Option<bool>, E> {
        let (stage, descriptor, level) = (self.stage, leaf.descriptor, leaf.entry.level);
        let (params, access, place) = (stage.base.params, stage.access(), stage.place().at(level));
        let (permissions, checked) = stage.permits(access, descriptor, leaf.output.space);
        let (new, rule) = stage.updated(descriptor, checked.is_err());
        if new != descriptor {
            let fetch = Fetch { address: leaf.physical, place, wide: D::WIDE };
            let update = Update { fetch, old: descriptor, new, big_endian: params.ee(), rule };
            let blame = checked.map_or_else(|denied| denied.blame, |()| access.blame);
            let record = blamed(stage.fault(self.ipa, FaultCode::Permission, level), blame);
            if update.swap(stage.base.context.gpc.as_ref(), env, record)?.is_some() {
                return Ok(None);
            }
        }
        match checked {
            Ok(()) => Ok(Some(permissions.mro)),
            Err(denied) => {
                let record = blamed(stage.fault(self.ipa, FaultCode::Permission, level), denied.blame);
                Err(fault(env, place, denied.rule, record))
            }
        }
    }
}

impl<E: Env, D: Word, const USUAL: bool> Lookup<E, D> for S2Walk<'_, USUAL> {
    type Output = Reached;
    type Plain = Plain;

    #[inline(always)]
    fn is_lean(&self) -> bool {
        true
    }

    #[inline(always)]
    fn plain(reached: Reached) -> Plain {
        reached.plain()
    }

    #[inline(always)]
    fn descent(&self) -> Descent<'_> {
        let Self { stage, tables, .. } = self;
        let Base { context, params } = stage.base;
        Descent {
            pe: context.pe,
            geometry: &tables.geometry,
            table: tables.table,
            gpc: context.gpc.as_ref(),
            big_endian: params.ee(),
            ha: params.ha(),
            haft: params.haft(),
            base_rule: Rule::S2Base,
        }
    }

    fn place(&self) -> Place {
        self.stage.place()
    }

    fn fault(&self, code: FaultCode, level: i8) -> FaultRecord {
        self.stage.fault(self.ipa, code, level)
    }

    fn locate(&mut self, _env: &mut E, entry: Entry, _access: EntryAccess) -> Walk<FullAddress, E> {
        Ok(entry.address)
    }

    #[inline(always)]
    fn locate_plain(&mut self, _env: &mut E, address: u64, _level: i8) -> Walk<u64, E> {
        Ok(address)
    }

    fn table_space(&self, _descriptor: D, space: PaSpace) -> PaSpace {
        space
    }

    fn enter_table(&mut self, _descriptor: D) {}

    #[inline(always)]
    fn leaf_space(&self, descriptor: D, _space: PaSpace) -> PaSpace {
        match self.stage.base.context.access.security {
            _ if USUAL => PaSpace::NonSecure,
            SecurityState::Realm if descriptor.s2_ns() => PaSpace::NonSecure,
            _ => self.stage.base.params.output_space(),
        }
    }

    fn heeds_contiguous(&self) -> bool {
        true
    }

    /// Permissions and hardware updates, then the output.
    #[inline(always)]
    fn finish(self, env: &mut E, leaf: Leaf<D>) -> Walk<Option<Reached>, E> {
        self.tell_permissions(env, leaf);
        let S2 { base: Base { context, params }, .. } = self.stage;
        let plain = self.pattern(perm::plainly_readable(params), perm::plainly_permitted(context.access));
        let mro = if self.tables.direct && plain.matches(leaf.descriptor.low()) {
            // Direct permissions leave no memory to the MMU alone.
            false
        } else {
            match aside(env, move |env| self.check_and_update(env, leaf))? {
                Some(mro) => mro,
                None => return Ok(None),
            }
        };
        Ok(Some(self.passed(env, leaf, mro)))
    }

    #[inline(always)]
    fn record_table(&mut self, _env: &mut E, read: Read, level: i8, _index_high: u8) -> bool {
        self.read[(level & 3) as usize] = read.value;
        true
    }

    fn tell_kept(&self, env: &mut E, level: i8) {
        if E::RECORDS {
            self.tell_tables(env, level);
        }
    }

    #[inline(always)]
    fn is_plain_page(&self, _geometry: &Geometry, descriptor: D) -> bool {
        self.pattern(self.tables.readable_page, self.tables.permitted_page).matches(descriptor.low())
    }

    #[inline(always)]
    fn record_page(&self, env: &mut E, leaf: Leaf<D>, _index_high: u8) -> bool {
        self.record_plain_page(env, leaf.descriptor.low())
    }

    #[inline(always)]
    fn finish_plain(self, Leaf { descriptor, output, .. }: Leaf<D>) -> Plain {
        Plain { address: output.address, low: descriptor.low() }
    }
}
