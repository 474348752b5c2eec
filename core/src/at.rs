//! One whole instruction: the checks before it executes, the translation, and PAR_EL1 or the exception.

pub use crate::exception::{Exception, Written};
pub use crate::par::Par;

use crate::access::{Access, At, AtAccess, Op, OpKind};
use crate::env::Env;
use crate::exception;
use crate::feature::Feature;
use crate::layout::Field;
use crate::layout::sysreg::{hcr_el2, hfgitr_el2};
use crate::outcome::{AddressDescriptor, FaultRecord};
use crate::par;
use crate::params::Stage2;
use crate::pe::Pe;
use crate::regime::Regime;
use crate::rule::Rule;
use crate::step::{Event, Place, Step};
use crate::walk::{self, AccessDescriptor, AccessType, Blame, Context, Halt};

/// What an instruction comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How it ends.
    pub result: Outcome,
    /// The fault record, when the translation faulted.
    pub fault: Option<FaultRecord>,
    /// The output of the translation, when it did not.
    pub output: Option<AddressDescriptor>,
}

/// How an instruction ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is UNDEFINED.
    Undefined,
    /// An AT instruction completed, and wrote PAR_EL1.
    Par(Par),
    /// It took an exception.
    Exception(Exception),
    /// An ordinary access was performed.
    Performed,
}

/// Executes `op` on `va`.
///
/// # Errors
/// When the world suspends the walk.
pub fn execute<E: Env>(pe: &Pe, op: Op, va: u64, env: &mut E) -> Result<Answer, E::Stop> {
    let begin = || Event::Begin { op, el: pe.el, va };
    match op.kind() {
        OpKind::Access(access) => {
            note(env, Rule::AccessBegin, begin);
            if access.stack && !pe.has(Feature::Gcs) {
                return Ok(undefined(env, Rule::GcsUndefinedFeature));
            }
            execute_access(pe, access, va, env)
        }
        OpKind::At(at) => {
            note(env, Rule::AtBegin, begin);
            match gate(pe, op, &at) {
                Gate::Execute { both_stages } => execute_at(pe, &At { both_stages, ..at }, va, env),
                Gate::Undefined(rule) => Ok(undefined(env, rule)),
                Gate::Trap(rule) => {
                    let exception = exception::trap(pe, &at);
                    note(env, rule, || Event::Trapped { el: exception.el, esr: exception.esr() });
                    Ok(Answer { result: Outcome::Exception(exception), fault: None, output: None })
                }
            }
        }
    }
}

fn note<E: Env>(env: &mut E, rule: Rule, event: impl FnOnce() -> Event) {
    env.note(|| Step { place: Place::INSTRUCTION, rule, event: event() });
}

fn undefined<E: Env>(env: &mut E, rule: Rule) -> Answer {
    note(env, rule, || Event::Undefined);
    Answer { result: Outcome::Undefined, fault: None, output: None }
}

/// What the accessor of an AT instruction decides before it executes.
pub(crate) enum Gate {
    Execute { both_stages: bool },
    Undefined(Rule),
    Trap(Rule),
}

/// UNDEFINED and trap rules, in the order of the accessors (Arm ARM C5.4).
#[inline(always)]
pub(crate) fn gate(pe: &Pe, op: Op, at: &At) -> Gate {
    let feature = match at.access {
        AtAccess::Any => pe.has(Feature::Ats1a),
        AtAccess::ReadPan | AtAccess::WritePan => pe.has(Feature::Pan2),
        AtAccess::Read | AtAccess::Write => true,
    };
    let for_el1 = at.el <= 1 && !at.both_stages;
    match pe.el {
        _ if !feature => Gate::Undefined(Rule::AtUndefinedFeature),
        3 if at.el != 3 && pe.reserved_world() => Gate::Undefined(Rule::AtUndefinedWorld),
        0 => Gate::Undefined(Rule::AtUndefinedEl0),
        1 | 2 if at.el == 3 => Gate::Undefined(Rule::AtUndefinedEl3),
        1 if for_el1 => gate_at_el1(pe, op, at),
        1 if pe.el2_enabled() && pe.has(Feature::Nv) && hcr_el2::NV.is_set(pe.hcr()) => Gate::Trap(Rule::AtTrapNv),
        1 => Gate::Undefined(Rule::AtUndefinedEl),
        3 if at.el == 2 && !pe.el2_enabled() => Gate::Undefined(Rule::AtUndefinedEl2Disabled),
        _ => Gate::Execute { both_stages: at.both_stages && stage2_answers(pe) },
    }
}

#[inline(always)]
fn gate_at_el1(pe: &Pe, op: Op, at: &At) -> Gate {
    if pe.el2_enabled() && hcr_el2::AT.is_set(pe.hcr()) {
        Gate::Trap(Rule::AtTrapHcr)
    } else if trap_bit(op).is_some_and(|bit| pe.fine_grained_trap(bit)) {
        Gate::Trap(Rule::AtTrapFgt)
    } else {
        Gate::Execute { both_stages: at.both_stages }
    }
}

/// The instruction's bit in HFGITR_EL2.
const fn trap_bit(op: Op) -> Option<Field> {
    Some(match op {
        Op::S1E1R => hfgitr_el2::ATS1E1R,
        Op::S1E1W => hfgitr_el2::ATS1E1W,
        Op::S1E0R => hfgitr_el2::ATS1E0R,
        Op::S1E0W => hfgitr_el2::ATS1E0W,
        Op::S1E1RP => hfgitr_el2::ATS1E1RP,
        Op::S1E1WP => hfgitr_el2::ATS1E1WP,
        Op::S1E1A => hfgitr_el2::ATS1E1A,
        _ => return None,
    })
}

/// Whether AT S12Ex asks stage 2 at all: not for a host, nor with stage 2 off, nor without EL2.
#[inline(always)]
const fn stage2_answers(pe: &Pe) -> bool {
    pe.stage2_on() && !pe.el0_is_host()
}

/// What an AT instruction translates: in which regime, as which access (`AArch64.AT`, up to its translation).
#[inline(always)]
pub(crate) fn at_subject(pe: &Pe, at: &At) -> (Regime, AccessDescriptor) {
    let hcr = pe.hcr();
    let host = hcr_el2::E2H.is_set(hcr) && hcr_el2::TGE.is_set(hcr);
    let el = if host && at.el == 1 && !at.both_stages { 2 } else { at.el };
    let access = AccessDescriptor {
        kind: AccessType::At,
        el,
        security: pe.security_state(el),
        read: matches!(at.access, AtAccess::Read | AtAccess::ReadPan),
        write: matches!(at.access, AtAccess::Write | AtAccess::WritePan),
        pan: matches!(at.access, AtAccess::ReadPan | AtAccess::WritePan),
        first_table_of: None,
        blame: Blame { write: matches!(at.access, AtAccess::Write | AtAccess::WritePan), ..Blame::default() },
    };
    (if at.both_stages { Regime::El10 } else { pe.translation_regime(el) }, access)
}

/// What an access translates. LDTR, STTR and GCSSTTR stand for the unprivileged access: see [`Op`].
fn access_subject(pe: &Pe, access: Access) -> (Regime, AccessDescriptor) {
    let el = if access.unprivileged { 0 } else { pe.el };
    let access = AccessDescriptor {
        kind: match access {
            Access { fetch: true, .. } => AccessType::Fetch,
            Access { stack: true, .. } => AccessType::Gcs,
            _ => AccessType::Data,
        },
        el,
        security: pe.security_state(pe.el),
        read: access.read,
        write: access.write,
        pan: !access.fetch && !access.stack,
        first_table_of: None,
        blame: Blame { write: access.write && !access.read, ..Blame::default() },
    };
    (pe.translation_regime(el), access)
}

/// `AArch64.AT`.
#[inline(always)]
fn execute_at<E: Env>(pe: &Pe, at: &At, va: u64, env: &mut E) -> Result<Answer, E::Stop> {
    let (regime, access) = at_subject(pe, at);
    let context = context(pe, regime, access, va, env, at.both_stages);
    let stage1_only = !at.both_stages;
    match walk::translate(&context, env, va, at.both_stages) {
        Ok(ref output) => {
            let par = par::encode_success(pe, regime, context.access.security, stage1_only, output);
            note(env, Rule::ParSuccess, || Event::Par { value: par.value });
            Ok(Answer { result: Outcome::Par(par), fault: None, output: Some(*output) })
        }
        Err(halt) => {
            let fault = match *halt {
                Halt::Stop(stop) => return Err(stop),
                Halt::Fault(fault) => fault,
            };
            let taken = exception_rule(pe, at, &fault);
            let result = match taken {
                Some(rule) => take(pe, context.access, &fault, va, rule, env),
                None => {
                    let par = par::encode_fault(pe, regime, stage1_only, &fault);
                    let rule = if fault.s2fs1walk { Rule::ParNoHint } else { Rule::ParFault };
                    note(env, rule, || Event::Par { value: par.value });
                    Outcome::Par(par)
                }
            };
            Ok(Answer { result, fault: Some(fault), output: None })
        }
    }
}

/// Why a fault of an AT instruction is taken as an exception instead of being reported in PAR_EL1, if it is.
pub(crate) fn exception_rule(pe: &Pe, at: &At, fault: &FaultRecord) -> Option<Rule> {
    let gpc = exception::is_gpc_exception(pe, fault) || {
        // The bit is read raw, whether or not EL2 is enabled.
        let routed = hcr_el2::GPF.is_set(pe.hcr()) && pe.el == 1 && !at.both_stages && at.el <= 1;
        fault.gpcf.is_some() && routed
    };
    if fault.code.is_external_abort() {
        Some(Rule::AtExceptionExternal)
    } else if pe.el == 1 && fault.s2fs1walk {
        Some(Rule::AtExceptionStage2)
    } else if gpc {
        Some(Rule::AtExceptionGpc)
    } else {
        None
    }
}

/// An access: `AArch64.TranslateAddress`, then the access itself.
fn execute_access<E: Env>(pe: &Pe, access: Access, va: u64, env: &mut E) -> Result<Answer, E::Stop> {
    if access.unprivileged && pe.unprivileged_access_is_privileged() {
        note(env, Rule::UnprivilegedIsPrivileged, || Event::Passed);
    }
    let (regime, access) = access_subject(pe, access);
    let context = context(pe, regime, access, va, env, true);
    let translated = walk::translate(&context, env, va, true);
    let checked = translated.and_then(|output| walk::check_output(&context, env, &output).map(|()| output));
    match checked {
        Ok(output) => {
            note(env, Rule::AccessPerformed, || Event::Performed);
            Ok(Answer { result: Outcome::Performed, fault: None, output: Some(output) })
        }
        Err(halt) => {
            let fault = match *halt {
                Halt::Stop(stop) => return Err(stop),
                Halt::Fault(fault) => fault,
            };
            let result = take(pe, context.access, &fault, va, Rule::AccessException, env);
            Ok(Answer { result, fault: Some(fault), output: None })
        }
    }
}

fn context<'a, E: Env>(
    pe: &'a Pe,
    regime: Regime,
    access: AccessDescriptor,
    va: u64,
    env: &mut E,
    stage2_on_output: bool,
) -> Context<'a> {
    let context = Context::new(pe, regime, va, access);
    let stage2_on_walk = context.s2.as_ref().is_some_and(Stage2::enabled);
    note(env, Rule::AtRegime, || Event::Regime {
        regime,
        security: context.access.security,
        range: context.s1.range,
        el: context.access.el,
        stage2_on_walk,
        stage2_on_output: stage2_on_walk && stage2_on_output,
    });
    context
}

fn take<E: Env>(pe: &Pe, access: AccessDescriptor, fault: &FaultRecord, va: u64, rule: Rule, env: &mut E) -> Outcome {
    let exception = exception::abort(pe, access, fault, va);
    note(env, rule, || Event::Exception { el: exception.el, esr: exception.esr() });
    Outcome::Exception(exception)
}

/// What `op` translates through: a regime's stage 1, and whether stage 2 translates the output.
pub(crate) fn scope(pe: &Pe, op: Op) -> (Regime, bool) {
    match op.kind() {
        OpKind::At(at) => {
            let both_stages = at.both_stages && stage2_answers(pe);
            (at_subject(pe, &At { both_stages, ..at }).0, both_stages)
        }
        OpKind::Access(access) => {
            let (regime, _) = access_subject(pe, access);
            (regime, regime == Regime::El10 && pe.stage2_on())
        }
    }
}
