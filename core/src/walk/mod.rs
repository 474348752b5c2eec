//! The walk: one for both stages, and for every use.
//!
//! [`translate`] reads like the pseudocode's `AArch64.FullTranslate`; [`Env`] decides whether it runs at once, is
//! traced, or stops at a descriptor. A fault travels as an error, so the body has `?` where the pseudocode returns.

mod attr;
mod descend;
mod gpc;
mod perm;
mod s1;
mod s2;
mod update;
mod word;

pub use perm::Blame;

use crate::addr::{FullAddress, PaSpace};
use crate::env::Env;
use crate::outcome::{AddressDescriptor, FaultCode, FaultRecord};
use crate::params::{GpcParams, S1Params, Stage2};
use crate::pe::Pe;
use crate::regime::{SecurityState, VaRange};
use crate::rule::Rule;
use crate::step::{Event, Place, Step};

/// What kind of access is translated (`AccessType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessType {
    /// An AT instruction.
    At,
    /// A load, store or atomic.
    Data,
    /// An instruction fetch.
    Fetch,
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
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The processing element.
    pub pe: &'a Pe,
    /// Stage-1 parameters.
    pub s1: S1Params,
    /// Stage-2 parameters, in a regime that has a stage 2.
    pub s2: Option<Stage2>,
    /// The access.
    pub access: AccessDescriptor,
    s1_start: s1::Start,
    s2_start: Option<s2::Starts>,
    gpc: Option<GpcParams>,
}

impl<'a> Context<'a> {
    /// Decodes what `pe` says of an access through a regime's tables.
    #[must_use]
    pub fn new(pe: &'a Pe, s1: S1Params, access: AccessDescriptor) -> Self {
        let s2 = s1.nested.then(|| Stage2::new(pe, access.security));
        Self {
            pe,
            s1,
            s2,
            access,
            s1_start: s1::Start::new(pe, &s1, access),
            s2_start: s2.as_ref().map(|stage2| s2::Starts::new(pe, stage2)),
            gpc: GpcParams::new(pe),
        }
    }
}

impl Context<'_> {
    #[inline]
    const fn stage2(&self) -> Option<(&Stage2, &s2::Starts)> {
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

/// The result of a piece of walk.
pub type Walk<T, E> = Result<T, Halt<<E as Env>::Stop>>;

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
    let ipa = s1::translate(context, env, va)?;
    if stage2_on_output { translate_stage2(context, env, &ipa) } else { Ok(ipa) }
}

/// Translates the output of stage 1 through stage 2, where there is one.
///
/// # Errors
/// As [`translate`].
#[inline]
pub(crate) fn translate_stage2<E: Env>(
    context: &Context<'_>,
    env: &mut E,
    ipa: &AddressDescriptor,
) -> Walk<AddressDescriptor, E> {
    match context.stage2() {
        Some(stage2) => s2::translate(context, stage2, env, ipa),
        None => Ok(*ipa),
    }
}

/// The granule protection check of an output address, which accesses make and AT does not.
///
/// # Errors
/// As [`translate`].
pub fn check_output<E: Env>(context: &Context<'_>, env: &mut E, output: &AddressDescriptor) -> Walk<(), E> {
    let record = s1_fault(FaultCode::GpcfOnOutput, 0, context.access);
    gpc::check(context, env, Place::INSTRUCTION, output.address, || record)
}

/// Notes a fault and returns it: a trace never lacks its ending.
#[cold]
#[inline(never)]
fn fault<T, E: Env>(env: &mut E, place: Place, rule: Rule, fault: FaultRecord) -> Walk<T, E> {
    env.note(|| Step { place, rule, event: Event::Fault { fault } });
    Err(Halt::Fault(fault))
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
