//! The walk: one for both stages, and for every use.
//!
//! [`translate`] reads like the pseudocode's `AArch64.FullTranslate`; [`Env`] decides whether it runs at once, is
//! traced, or stops at a descriptor. A fault travels as an error, so the body has `?` where the pseudocode returns.

mod attr;
mod descend;
mod perm;
mod s1;
mod s2;
mod update;

use crate::env::Env;
use crate::outcome::{AddressDescriptor, FaultCode, FaultRecord};
use crate::params::{S1Params, S2Params};
use crate::pe::Pe;
use crate::regime::SecurityState;
use crate::rule::Rule;
use crate::step::{Event, Place, Purpose, Step};

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
    /// WnR of a fault that no permission check has yet laid at one half of the access. Accesses that the walk makes on
    /// the way keep it.
    pub fault_write: bool,
}

impl AccessDescriptor {
    /// The walk's own access to a stage-1 descriptor (`CreateAccDescS1TTW`), or its update (`CreateAccDescTTEUpdate`).
    const fn for_descriptor(self, update: bool) -> Self {
        Self { kind: AccessType::Ttw, read: true, write: update, pan: false, ..self }
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
    pub s2: Option<S2Params>,
    /// The access.
    pub access: AccessDescriptor,
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
    match &context.s2 {
        Some(params) if stage2_on_output => s2::translate(context, params, env, &ipa, Purpose::Output, context.access),
        _ => Ok(ipa),
    }
}

/// Notes a fault and returns it: a trace never lacks its ending.
fn fault<T, E: Env>(env: &mut E, place: Place, rule: Rule, fault: FaultRecord) -> Walk<T, E> {
    env.note(|| Step { place, rule, event: Event::Fault { fault } });
    Err(Halt::Fault(fault))
}

/// A stage-1 fault.
const fn s1_fault(code: FaultCode, level: i8, access: AccessDescriptor) -> FaultRecord {
    FaultRecord {
        code,
        level,
        second_stage: false,
        s2fs1walk: false,
        ipa: crate::addr::FullAddress::new(crate::addr::PaSpace::NonSecure, 0),
        paddress: crate::addr::FullAddress::new(crate::addr::PaSpace::NonSecure, 0),
        write: access.fault_write,
        top_level: false,
        overlay: false,
        dirty_bit: false,
        assured_only: false,
        tag_access: false,
    }
}
