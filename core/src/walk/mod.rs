//! The walk: one for both stages, and for every use.
//!
//! [`translate`] reads like the pseudocode's `AArch64.FullTranslate`; [`Env`] decides whether it runs at once, is
//! traced, or stops at a descriptor. A fault travels as an error, so the body has `?` where the pseudocode returns.

mod ahead;
mod attr;
mod descend;
mod gpc;
mod off;
mod perm;
mod reached;
mod s1;
mod s2;
mod start;
mod update;
mod word;

pub(crate) use ahead::{LANES, look_ahead};
pub(crate) use attr::AttrBits;
pub use perm::Blame;
use reached::Reached;
pub(crate) use s1::Mapped;
use start::{S1Start, S2Starts};

use crate::addr::{FullAddress, PaSpace};
use crate::env::Env;
use crate::outcome::{AddressDescriptor, FaultCode, FaultRecord, MemAttrs};
use crate::params::{Controls, GpcParams, S1Params, Stage2};
use crate::pe::Pe;
use crate::regime::{Regime, SecurityState, VaRange};
use crate::rule::Rule;
use crate::step::{Event, Place, Purpose, S1Attrs, Step};
use alloc::boxed::Box;

/// What kind of access is translated (`AccessType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessType {
    /// An AT instruction.
    At,
    /// A load, store or atomic.
    Data,
    /// An instruction fetch.
    Fetch,
    /// An access to a guarded control stack.
    Gcs,
    /// A descriptor access of stage 1, as stage 2 sees it.
    Ttw,
}

/// An access, as far as translation minds (`AccessDescriptor`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccessDescriptor {
    /// Its kind.
    pub kind: AccessType,
    /// The Exception level whose permissions count.
    pub el: u8,
    /// Its Security state.
    pub security: SecurityState,
    /// Reads.
    pub read: bool,
    /// Writes.
    pub write: bool,
    /// PSTATE.PAN counts.
    pub pan: bool,
    /// For a read of a descriptor in the first table: that table's VA range.
    pub first_table_of: Option<VaRange>,
    /// What a fault says besides its code, as long as no permission check has said more.
    pub blame: Blame,
}

impl AccessDescriptor {
    /// The read of a stage-1 descriptor (`CreateAccDescS1TTW`).
    const fn for_descriptor(self, first_table_of: Option<VaRange>) -> Self {
        Self { kind: AccessType::Ttw, read: true, write: false, pan: false, first_table_of, ..self }
    }

    /// The update of a stage-1 descriptor (`CreateAccDescTTEUpdate`).
    const fn for_update(self) -> Self {
        Self { write: true, ..self.for_descriptor(None) }
    }
}

/// Everything about a translation but the address: what is decoded once and then only read.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// The processing element.
    pub pe: &'a Pe,
    /// Stage-1 parameters.
    pub s1: S1Params<'a>,
    /// Stage-2 parameters, in a regime that has a stage 2.
    pub s2: Option<Stage2<'a>>,
    /// The access.
    pub access: AccessDescriptor,
    s1_start: S1Start,
    s2_start: Option<S2Starts>,
    gpc: Option<GpcParams>,
    known: Option<Box<Known>>,
}

/// Answers worked out in advance, for a context that is used many times.
#[derive(Clone, Debug)]
struct Known {
    verdicts: perm::Verdicts,
    /// Memory attributes of stage 1's output, by what decides them.
    s1_attrs: [MemAttrs; AttrBits::COUNT],
    /// Those of the leaf and of the output, which only a trace tells together.
    s1_told: [S1Attrs; AttrBits::KINDS],
    /// Those of stage 1's descriptor reads.
    s1_walk_attrs: MemAttrs,
    /// What a trace tells of stage 2, if it has tables, and those of one space.
    s2_told: Option<s2::Told>,
}

impl<'a> Context<'a> {
    /// Decodes what `pe` says of an access to `va` through a regime's tables.
    #[must_use]
    pub fn new(pe: &'a Pe, regime: Regime, va: u64, access: AccessDescriptor) -> Self {
        // Compiled once more for the commonest, said in constants.
        if let (Regime::El10, SecurityState::NonSecure) = (regime, access.security) {
            let controls = Controls::new(pe, Regime::El10, SecurityState::NonSecure, va);
            if controls.are_usual() {
                return Self::of(&controls.usual(), access);
            }
        }
        Self::of_any(pe, regime, va, access)
    }

    #[inline(never)]
    fn of_any(pe: &'a Pe, regime: Regime, va: u64, access: AccessDescriptor) -> Self {
        Self::of(&Controls::new(pe, regime, access.security, va), access)
    }

    #[inline(always)]
    fn of(controls: &Controls<'a>, access: AccessDescriptor) -> Self {
        let pe = controls.pe();
        let s1 = S1Params::of(controls);
        let gpc = GpcParams::new(pe);
        let (s2, s2_start) = if s1.nested {
            let stage2 = Stage2::of(controls);
            let starts = S2Starts::new(pe, &stage2, gpc.as_ref(), access);
            (Some(stage2), Some(starts))
        } else {
            (None, None)
        };
        let s1_start = S1Start::new(pe, &s1, gpc.as_ref(), access);
        Self { pe, s1, s2, access, s1_start, s2_start, gpc, known: None }
    }

    /// The same, with everything worked out in advance that can be.
    #[must_use]
    pub fn prepared(self) -> Self {
        let stage2 = self.s2.as_ref().filter(|stage2| stage2.enabled() && stage2.has_one_space());
        let s2_told = stage2.and_then(|stage2| s2::Told::new(&self, stage2));
        let s1_told = AttrBits::kinds(|bits| self.work_out_s1_attrs(bits));
        let s1_attrs = AttrBits::table(|bits| s1_told[bits.kind()].output);
        let s1_walk_attrs = self.s1_walk_attrs();
        let verdicts = perm::Verdicts::new(&self);
        let known = Known { verdicts, s1_attrs, s1_told, s1_walk_attrs, s2_told };
        Self { known: Some(Box::new(known)), ..self }
    }
}

impl Context<'_> {
    /// Whether both stages are on, and two leaves, whatever their addresses, always come to the same memory attributes.
    pub(crate) fn leaves_decide(&self) -> bool {
        let stage2 = self.s2.as_ref().is_some_and(|stage2| stage2.enabled() && stage2.has_one_space());
        self.known.is_some() && self.s1.enabled && stage2
    }

    /// Whether the walk is the usual one, in every stage that is on.
    #[inline]
    pub(crate) fn is_usual(&self) -> bool {
        let usual = |(stage2, _): (&Stage2, _)| s2::Usual::of(self).is_some() || !stage2.enabled();
        self.s1_start.usual && self.stage2().is_none_or(usual)
    }

    #[inline(always)]
    const fn stage2(&self) -> Option<(&Stage2<'_>, &S2Starts)> {
        match (&self.s2, &self.s2_start) {
            (Some(stage2), Some(starts)) => Some((stage2, starts)),
            _ => None,
        }
    }
}

/// Why a walk ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt<S> {
    /// The architecture says so.
    Fault(FaultRecord),
    /// The world does.
    Stop(S),
}

/// The result of a piece of walk. Halts are boxed, so that what does not halt is returned in registers.
pub type Walk<T, E> = Result<T, Box<Halt<<E as Env>::Stop>>>;

/// Translates `va` through stage 1 and, where asked for, stage 2 (`AArch64.FullTranslate`).
///
/// # Errors
/// [`Halt::Fault`] when the translation faults, [`Halt::Stop`] when the world suspends it.
pub fn translate<E: Env>(
    context: &Context<'_>,
    env: &mut E,
    va: u64,
    stage2_on_output: bool,
) -> Walk<AddressDescriptor, E> {
    if !context.s1.enabled {
        return aside(env, |env| {
            let ipa = off::s1(context, env, va)?;
            if stage2_on_output { translate_stage2(context, env, &ipa) } else { Ok(ipa) }
        });
    }
    if !context.s1_start.usual {
        return translate_any(context, env, va, stage2_on_output);
    }
    let mapped: Mapped = s1::map_usual(context, env, va)?.into();
    let ipa = mapped.describe(context);
    if stage2_on_output { translate_stage2(context, env, &ipa) } else { Ok(ipa) }
}

/// The same by any walk of stage 1. Out of line: the usual walk has its registers for itself.
#[inline(never)]
fn translate_any<E: Env>(
    context: &Context<'_>,
    env: &mut E,
    va: u64,
    stage2_on_output: bool,
) -> Walk<AddressDescriptor, E> {
    let ipa = s1::map(context, env, va)?.describe(context);
    if stage2_on_output { translate_stage2(context, env, &ipa) } else { Ok(ipa) }
}

/// Translates the output of stage 1 through stage 2, where there is one.
///
/// # Errors
/// As [`translate`].
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn translate_stage2<E: Env>(
    context: &Context<'_>,
    env: &mut E,
    ipa: &AddressDescriptor,
) -> Walk<AddressDescriptor, E> {
    let Some(stage2) = context.stage2() else { return Ok(*ipa) };
    if !stage2.0.params(ipa.address.space).enabled {
        off::tell_s2(env, *ipa, Purpose::Output);
        return Ok(*ipa);
    }
    let reached = match s2::Usual::of(context) {
        Some(usual) => usual.map(env, ipa.address.address, (&ipa.attrs, ipa.s1assured))?.into(),
        None => s2::map(context, stage2, env, ipa.address, (&ipa.attrs, ipa.s1assured))?,
    };
    Ok(s2::describe(context, stage2.0, &ipa.attrs, reached))
}

/// The leaves that both stages translate an address by, in place of the memory attributes that they come to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nested {
    s1_attrs: AttrBits,
    s2: Reached,
}

impl Nested {
    /// How many combinations there are of what decides memory attributes.
    pub const ATTRS: usize = AttrBits::KINDS * Reached::ATTRS;

    /// The output address.
    #[inline(always)]
    pub const fn address(&self) -> FullAddress {
        self.s2.address
    }

    /// The bits of the leaves that hold what decides memory attributes.
    #[inline(always)]
    pub const fn bits(&self) -> u32 {
        self.s2.attr_bits() * AttrBits::COUNT as u32 + self.s1_attrs.index() as u32
    }

    /// What decides memory attributes, alone.
    pub const fn attrs(&self) -> usize {
        self.s2.attrs() * AttrBits::KINDS + self.s1_attrs.kind()
    }

    /// Memory attributes.
    pub fn describe(&self, context: &Context<'_>) -> MemAttrs {
        let s1_attrs = context.s1_attrs(self.s1_attrs);
        context.stage2().map_or(s1_attrs, |(stage2, _)| s2::describe(context, stage2, &s1_attrs, self.s2).attrs)
    }
}

/// Both stages of a prepared context in which [leaves decide](Context::leaves_decide) the memory attributes. By the
/// usual walk, where that is [known](Context::is_usual) to be it. What `then` makes of the leaves is the answer.
#[inline(always)]
pub(crate) fn nested<E: Env, const USUAL: bool, T>(
    context: &Context<'_>,
    env: &mut E,
    va: u64,
    then: impl FnOnce(Nested) -> T,
) -> Walk<T, E> {
    let ipa = if USUAL { s1::map_usual(context, env, va)?.into() } else { s1::map(context, env, va)? };
    let s1_attrs = ipa.attrs;
    let (Some(known), Some(stage2)) = (&context.known, context.stage2()) else {
        return Ok(then(Nested { s1_attrs, s2: Reached::unmoved(ipa.address) }));
    };
    let attrs = (&known.s1_attrs[s1_attrs.index()], ipa.assured);
    let s2 = match s2::Usual::of(context) {
        Some(usual) if USUAL => usual.map(env, ipa.address.address, attrs)?.into(),
        None if USUAL => Reached::unmoved(ipa.address),
        _ => s2::map(context, stage2, env, ipa.address, attrs)?,
    };
    Ok(then(Nested { s1_attrs, s2 }))
}

/// Stage 1 alone where it is on, short of memory attributes. What `then` makes of it is the answer.
///
/// # Errors
/// As [`translate`].
#[inline(always)]
pub(crate) fn map<E: Env, const USUAL: bool, T>(
    context: &Context<'_>,
    env: &mut E,
    va: u64,
    then: impl FnOnce(Mapped) -> T,
) -> Walk<T, E> {
    Ok(then(if USUAL { s1::map_usual(context, env, va)?.into() } else { s1::map(context, env, va)? }))
}

/// The granule protection check of an output address, which accesses make and AT does not.
///
/// # Errors
/// As [`translate`].
pub fn check_output<E: Env>(context: &Context<'_>, env: &mut E, output: &AddressDescriptor) -> Walk<(), E> {
    let record = s1_fault(FaultCode::GpcfOnOutput, 0, context.access);
    gpc::check(context.gpc.as_ref(), env, Place::INSTRUCTION, output.address, || record)
}

/// Calls what is seldom needed. What it captures is put together only then, so that until then the walk keeps it in
/// registers.
#[cold]
#[inline(never)]
fn aside<E: Env, T>(env: &mut E, seldom: impl FnOnce(&mut E) -> T) -> T {
    seldom(env)
}

/// Notes a fault and returns it: a trace never lacks its ending. The caller makes it an `Err`, so that what the walk
/// returns stays in registers as long as nothing fails.
#[cold]
#[inline(never)]
fn fault<E: Env>(env: &mut E, place: Place, rule: Rule, fault: FaultRecord) -> Box<Halt<E::Stop>> {
    env.note(|| Step { place, rule, event: Event::Fault { fault } });
    Box::new(Halt::Fault(fault))
}

/// The world suspends the walk.
#[cold]
#[inline(never)]
fn stop<S>(stop: S) -> Box<Halt<S>> {
    Box::new(Halt::Stop(stop))
}

/// A stage-1 fault.
const fn s1_fault(code: FaultCode, level: i8, access: AccessDescriptor) -> FaultRecord {
    let Blame { write, top_level, overlay, dirty_bit, assured_only } = access.blame;
    FaultRecord {
        code,
        level,
        second_stage: false,
        s2fs1walk: false,
        ipa: FullAddress::new(PaSpace::NonSecure, 0),
        paddress: FullAddress::new(PaSpace::NonSecure, 0),
        write,
        top_level,
        overlay,
        dirty_bit,
        assured_only,
        gpcf: None,
    }
}

/// A fault record with what a permission check found.
const fn blamed(record: FaultRecord, blame: Blame) -> FaultRecord {
    let Blame { write, top_level, overlay, dirty_bit, assured_only } = blame;
    FaultRecord { write, top_level, overlay, dirty_bit, assured_only, ..record }
}
