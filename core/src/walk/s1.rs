//! Stage 1 (`AArch64.S1Translate`).

mod attrs;
mod mapped;

pub(crate) use mapped::Mapped;
pub(super) use mapped::Plain;

use attrs::tell_attrs;

use super::attr::AttrBits;
use super::descend::{self, Descent, Entry, EntryAccess, Leaf, Lookup, start_event, start_record};
use super::perm::{self, Denied, TableLimits};
use super::s2::{self, Wanted};
use super::start::S1Start;
use super::update::Update;
use super::word::Word;
use super::{AccessType, Context, Walk, aside, attr, blamed, fault, off, s1_fault};
use crate::addr::{FullAddress, PaSpace};
use crate::choice::Choice;
use crate::env::{Env, Fetch};
use crate::layout::descriptor;
use crate::outcome::{FaultCode, FaultRecord};
use crate::params::Geometry;
use crate::regime::Regime;
use crate::rule::Rule;
use crate::step::{Event, Place, Purpose, Read, Record, Step};

/// Translates `va` to an intermediate address, or to a physical one where stage 1 is the last stage: where it is on,
/// and short of the memory attributes.
#[inline(always)]
pub(super) fn map<E: Env>(context: &Context<'_>, env: &mut E, va: u64) -> Walk<Mapped, E> {
    check_input(context, env, va)?;
    tell_start(context, env, va);
    let usual = s2::Usual::of(context);
    S1 { context, va, nested: Nested::of::<E>(context, usual.as_ref()) }.walk_any(env)
}

/// The same, by the usual walk, where that is known to be it.
#[inline(always)]
pub(super) fn map_usual<E: Env>(context: &Context<'_>, env: &mut E, va: u64) -> Walk<Plain, E> {
    check_input(context, env, va)?;
    let S1Start { geometry, table, .. } = &context.s1_start;
    let start = start_record(geometry, context.s1.ttbr(), table.address);
    if E::LISTENS && !(E::RECORDS && env.record(Record::S1Start { input: va, start })) {
        aside(env, |env| tell_start(context, env, va));
    }
    // Written out for each, so that the walk is compiled for each.
    let usual = s2::Usual::of(context);
    match Nested::of::<E>(context, usual.as_ref()) {
        Nested::Usual(stage2) => S1 { context, va, nested: Nested::Usual(stage2) }.walk_usual(env),
        Nested::No => S1 { context, va, nested: Nested::No }.walk_usual(env),
        Nested::Off => S1 { context, va, nested: Nested::Off }.walk_usual(env),
        Nested::Any => Ok(S1 { context, va, nested: Nested::Any }.walk_any(env)?.plain()),
    }
}

fn tell_start<E: Env>(context: &Context<'_>, env: &mut E, va: u64) {
    env.note(|| {
        let S1Start { geometry, table, .. } = context.s1_start;
        Step { place: Place::S1, rule: Rule::S1Start, event: start_event(va, &geometry, context.s1.ttbr(), table) }
    });
}

/// What translates the addresses of stage 1's descriptors.
#[derive(Clone, Copy)]
enum Nested<'a> {
    /// Nothing.
    No,
    /// Stage 2, which is off: somebody may want to know.
    Off,
    /// Stage 2, by its usual walk.
    Usual(&'a s2::Usual<'a>),
    /// Stage 2.
    Any,
}

impl<'a> Nested<'a> {
    #[inline(always)]
    const fn of<E: Env>(context: &'a Context<'_>, usual: Option<&'a s2::Usual<'a>>) -> Self {
        match (usual, context.stage2()) {
            (Some(usual), _) => Self::Usual(usual),
            (None, Some((stage2, _))) if stage2.enabled() => Self::Any,
            (None, Some(_)) if E::LISTENS => Self::Off,
            _ => Self::No,
        }
    }
}

/// One stage-1 translation.
#[derive(Clone, Copy)]
struct S1<'a> {
    context: &'a Context<'a>,
    va: u64,
    nested: Nested<'a>,
}

impl S1<'_> {
    /// Walks until no hardware update has found its descriptor changed. Out of line: the usual walk has its registers
    /// for itself.
    #[inline(never)]
    fn walk_any<E: Env>(self, env: &mut E) -> Walk<Mapped, E> {
        loop {
            let s1 = &self.context.s1;
            let output = if s1.d128 {
                descend::any::<E, u128, _>(S1Lookup::new(self, true, s1.disch()), env, self.va)?
            } else {
                descend::any::<E, u64, _>(S1Lookup::new(self, s1.pnch(), false), env, self.va)?
            };
            if let Some(output) = output {
                return Ok(output);
            }
        }
    }

    /// The same in the usual case.
    #[inline(always)]
    fn walk_usual<E: Env>(self, env: &mut E) -> Walk<Plain, E> {
        descend::usual(S1Lookup::new(self, false, false), env, self.va, move |env| self.walk_any(env))
    }
}

/// Faults that need no walk, in order.
#[inline(always)]
fn check_input<E: Env>(context: &Context<'_>, env: &mut E, va: u64) -> Walk<(), E> {
    let start = &context.s1_start;
    if start.open && !start.out_of_range(va) {
        return Ok(());
    }
    Err(aside(env, |env| {
        // It is refused: what follows `unwrap_or` cannot be.
        let rule = start.refusal(context.pe, &context.s1, context.access, va).unwrap_or(Rule::S1VaRange);
        fault(env, Place::S1, rule, s1_fault(FaultCode::Translation, 0, context.access))
    }))
}

/// A stage-1 descent under way.
#[derive(Clone, Copy)]
struct S1Lookup<'a> {
    stage: S1<'a>,
    tables: TableLimits,
    /// Every descriptor so far was Protected, in memory that only the MMU may write.
    assured: bool,
    /// Stage 2 lets only the MMU write the table in hand.
    mro: bool,
    /// Contiguous bits in the table in hand do not count.
    disch: bool,
}

impl<'a> S1Lookup<'a> {
    #[inline(always)]
    fn new(stage: S1<'a>, assured: bool, disch: bool) -> Self {
        Self { stage, tables: TableLimits::default(), assured, mro: false, disch }
    }

    /// Whether the mapping stays assured with this descriptor.
    #[inline(always)]
    fn assured_by(&self, descriptor: impl Word) -> bool {
        self.assured && self.mro && descriptor.protected(self.stage.context.s1.pnch())
    }
}

impl<E: Env, D: Word> Lookup<E, D> for S1Lookup<'_> {
    type Output = Mapped;
    type Plain = Plain;

    #[inline(always)]
    fn is_lean(&self) -> bool {
        !matches!(self.stage.nested, Nested::Usual(_))
    }

    #[inline(always)]
    fn plain(mapped: Mapped) -> Plain {
        mapped.plain()
    }

    #[inline(always)]
    fn descent(&self) -> Descent<'_> {
        let Context { pe, s1, s1_start, gpc, .. } = self.stage.context;
        Descent {
            pe,
            geometry: &s1_start.geometry,
            table: s1_start.table,
            gpc: gpc.as_ref(),
            big_endian: s1.ee(),
            ha: s1.ha(),
            haft: s1.haft(),
            base_rule: Rule::S1Base,
        }
    }

    #[inline(always)]
    fn place(&self) -> Place {
        Place::S1
    }

    #[cold]
    fn fault(&self, code: FaultCode, level: i8) -> FaultRecord {
        s1_fault(code, level, self.stage.context.access)
    }

    #[inline(always)]
    fn locate(&mut self, env: &mut E, entry: Entry, access: EntryAccess) -> Walk<FullAddress, E> {
        let Entry { address, level } = entry;
        let wanted = match access {
            EntryAccess::Read => Wanted::Descriptor { level },
            EntryAccess::Update => Wanted::Update { level, blame: self.stage.context.access.blame },
        };
        let context = self.stage.context;
        match self.stage.nested {
            Nested::No => return Ok(address),
            Nested::Off => {
                off::tell_s2_for_walk(context, env, address, wanted.purpose());
                return Ok(address);
            }
            Nested::Usual(stage2) if access == EntryAccess::Read => {
                let address = stage2.locate(env, address.address, level)?;
                return Ok(FullAddress::new(PaSpace::NonSecure, address));
            }
            Nested::Usual(_) | Nested::Any => {}
        }
        let Some(stage2) = context.stage2() else { return Ok(address) };
        let located = s2::locate(context, stage2, env, address, wanted)?;
        self.mro = located.mro;
        Ok(located.address)
    }

    #[inline(always)]
    fn locate_plain(&mut self, env: &mut E, address: u64, level: i8) -> Walk<u64, E> {
        match self.stage.nested {
            Nested::No => Ok(address),
            Nested::Usual(stage2) => stage2.locate_here(env, address, level),
            Nested::Off => {
                let context = self.stage.context;
                let record = Record::S2Off { level, address, attrs: context.s1_walk_attrs() };
                if E::LISTENS && !(E::RECORDS && env.record(record)) {
                    let address = FullAddress::new(PaSpace::NonSecure, address);
                    aside(env, |env| off::tell_s2_for_walk(context, env, address, Purpose::Descriptor(level)));
                }
                Ok(address)
            }
            Nested::Any => {
                let entry = Entry { address: FullAddress::new(PaSpace::NonSecure, address), level };
                Ok(Lookup::<E, D>::locate(self, env, entry, EntryAccess::Read)?.address)
            }
        }
    }

    #[inline(always)]
    fn table_space(&self, descriptor: D, space: PaSpace) -> PaSpace {
        match space {
            PaSpace::Secure if descriptor.s1_ns_table() => PaSpace::NonSecure,
            _ => space,
        }
    }

    #[inline(always)]
    fn enter_table(&mut self, descriptor: D) {
        self.tables.add(descriptor.low());
        if self.assured {
            self.assured = self.assured_by(descriptor);
        }
        self.disch = descriptor.disch();
    }

    #[inline(always)]
    fn leaf_space(&self, descriptor: D, space: PaSpace) -> PaSpace {
        let ns = descriptor.s1_ns();
        match (space, self.stage.context.s1.regime) {
            (PaSpace::NonSecure, _) => space,
            (PaSpace::Secure, _) if ns => PaSpace::NonSecure,
            (PaSpace::Root, _) => match (descriptor.s1_nse(), ns) {
                (false, false) if self.stage.context.pe.has_secure_state() => PaSpace::Secure,
                (false, _) => PaSpace::NonSecure,
                (true, false) => PaSpace::Root,
                (true, true) => PaSpace::Realm,
            },
            (PaSpace::Realm, Regime::El2 | Regime::El20) if ns => PaSpace::NonSecure,
            _ => space,
        }
    }

    #[inline(always)]
    fn heeds_contiguous(&self) -> bool {
        !self.disch
    }

    #[inline(always)]
    fn denies_context(&self, descriptor: D, space: PaSpace) -> bool {
        self.stage.context.s1.mec().denies(space, descriptor.amec())
    }

    #[inline(always)]
    fn finish(self, env: &mut E, leaf: Leaf<D>) -> Walk<Option<Mapped>, E> {
        Ok(if self.passes(env, leaf)? { Some(self.mapped(env, leaf)) } else { None })
    }

    #[inline(always)]
    fn record_table(&mut self, env: &mut E, read: Read, level: i8, index_high: u8) -> bool {
        env.record(Record::S1Table { level, index_high, read })
    }

    fn tell_kept(&self, _env: &mut E, _level: i8) {}

    /// Without a permission that asks for more than a look at the leaf.
    #[inline(always)]
    fn is_plain_page(&self, geometry: &Geometry, descriptor: D) -> bool {
        geometry.plain_page().matches(descriptor.low()) && self.permits(descriptor)
    }

    /// What a context has not worked out in advance is told step by step.
    #[inline(always)]
    fn record_page(&self, env: &mut E, Leaf { descriptor, entry, physical, .. }: Leaf<D>, index_high: u8) -> bool {
        let context = self.stage.context;
        let Some(known) = &context.known else { return false };
        let (entry, physical) = (entry.address.address, physical.address);
        env.record(Record::S1Page {
            index_high,
            rule: perm::s1_rule(&context.s1),
            rights: known.verdicts.s1_rights(descriptor, self.tables),
            attrs: known.s1_told[AttrBits::of(descriptor, context.s1.aie).kind()],
            read: Read { input: self.stage.va, entry, physical, value: descriptor.low() },
        })
    }

    #[inline(always)]
    fn finish_plain(self, Leaf { descriptor, output, .. }: Leaf<D>) -> Plain {
        Plain { address: output.address, attrs: AttrBits::of(descriptor, self.stage.context.s1.aie) }
    }
}

impl S1Lookup<'_> {
    /// Whether a leaf is found to permit the access by no more than a look at it.
    #[inline(always)]
    fn permits(&self, descriptor: impl Word) -> bool {
        let context = self.stage.context;
        match &context.known {
            Some(known) => known.verdicts.s1_passes(descriptor, self.tables),
            None => context.s1_start.permits(descriptor.low(), self.tables),
        }
    }

    /// The permission check, and the hardware updates that go with it. Says whether the leaf was still there.
    #[inline(always)]
    fn passes<E: Env, D: Word>(self, env: &mut E, leaf: Leaf<D>) -> Walk<bool, E> {
        let context = self.stage.context;
        let Leaf { descriptor, entry, output, .. } = leaf;
        let (tables, place) = (self.tables, Place::S1.at(entry.level));
        env.note(|| {
            let Context { pe, s1, access, .. } = context;
            let permissions = perm::s1_permissions(pe, s1, *access, tables, descriptor, output.space);
            let event = Event::Permissions { rights: permissions.granted() };
            Step { place, rule: permissions.rule, event }
        });
        let attrs = AttrBits::of(descriptor, context.s1.aie);
        if !self.permits(descriptor) && !aside(env, move |env| check_and_update(context, env, tables, leaf, attrs))? {
            return Ok(false);
        }
        env.note(|| {
            let stack = context.access.kind == AccessType::Gcs;
            let rule = if stack { Rule::S1PermissionStackPassed } else { Rule::S1PermissionPassed };
            Step { place, rule, event: Event::Passed }
        });
        Ok(true)
    }

    /// The output of a leaf that permits the access.
    #[inline(always)]
    fn mapped<E: Env, D: Word>(self, env: &mut E, leaf: Leaf<D>) -> Mapped {
        let (context, Leaf { descriptor, entry, output, .. }) = (self.stage.context, leaf);
        let (place, attrs) = (Place::S1.at(entry.level), AttrBits::of(descriptor, context.s1.aie));
        tell_attrs(context, env, place, attrs);
        let mecid = context.s1.mec().of_leaf(output.space, descriptor.amec());
        let output = Mapped { address: output, attrs, assured: self.assured_by(descriptor), mecid };
        env.note(|| Step { place, rule: Rule::S1Output, event: Event::Output { output: output.describe(context) } });
        output
    }
}

/// The permission check, and the hardware updates that go with it. Says whether the descriptor was still there.
fn check_and_update<E: Env, D: Word>(
    context: &Context<'_>,
    env: &mut E,
    tables: TableLimits,
    leaf: Leaf<D>,
    attrs: AttrBits,
) -> Walk<bool, E> {
    let Leaf { descriptor, entry, output, .. } = leaf;
    let Context { pe, s1, access, .. } = context;
    let permissions = perm::s1_permissions(pe, s1, *access, tables, descriptor, output.space);
    let device = || attr::s1_decode(pe, s1, attrs).mem_type.is_device();
    let checked = perm::s1_check(pe, s1, *access, &permissions, device);
    let (new, rule) = updated(context, descriptor, checked.is_err());
    let same = new == descriptor || update(context, env, leaf, new, rule, checked.err())?;
    match checked {
        Err(denied) if same => {
            let record = blamed(s1_fault(FaultCode::Permission, entry.level, context.access), denied.blame);
            Err(fault(env, Place::S1.at(entry.level), denied.rule, record))
        }
        _ => Ok(same),
    }
}

/// Swaps `new` in for a leaf, whose address stage 2 translates once more. Says whether the leaf was still there.
#[cold]
fn update<E: Env, D: Word>(
    context: &Context<'_>,
    env: &mut E,
    leaf: Leaf<D>,
    new: D,
    rule: Rule,
    denied: Option<Denied>,
) -> Walk<bool, E> {
    let Entry { address, level } = leaf.entry;
    let blame = denied.map_or(context.access.blame, |denied| denied.blame);
    let physical = match context.stage2() {
        Some(stage2) => s2::locate(context, stage2, env, address, Wanted::Update { level, blame })?.address,
        None => address,
    };
    let fetch = Fetch { address: physical, place: Place::S1.at(level), wide: D::WIDE };
    let update = Update { fetch, old: leaf.descriptor, new, big_endian: context.s1.ee(), rule };
    let record = blamed(s1_fault(FaultCode::Permission, level, context.access), blame);
    Ok(update.swap(context.gpc.as_ref(), env, record)?.is_none())
}

/// The leaf with access flag and dirty state as hardware sets them, and the rule that says so.
#[inline(always)]
fn updated<D: Word>(context: &Context<'_>, leaf: D, denied: bool) -> (D, Rule) {
    use descriptor::s1::{AF, AP2, DBM};
    let (params, access) = (&context.s1, context.access);
    let mut new = leaf;
    if params.ha() && (!denied || context.pe.choices.is(Choice::AfUpdateOnPermissionFault)) {
        new = new.with(AF.mask());
    }
    let dirties = access.write && access.kind != AccessType::At;
    let managed = params.ha() && params.hd() && (params.pie() || DBM.is_set(leaf.low()));
    if !denied && managed && dirties {
        // AP[2], which under indirect permissions is nDirty.
        new = new.without(AP2.mask());
    }
    let dirtied = (new.low() ^ leaf.low()) & AP2.mask() != 0;
    (new, if dirtied { Rule::S1Dirty } else { Rule::S1AccessFlag })
}
