//! The regime in words: which, which half, which stages are on, and what made it so.

use super::words;
use crate::access::{Op, OpKind};
use crate::layout::sysreg::SysReg;
use crate::params::{S1Params, S2Params};
use crate::pe::Pe;
use crate::regime::{Regime, SecurityState, VaRange};
use crate::step::{Event, Step};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// One thing that holds, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// What it is about.
    pub topic: Topic,
    /// What holds: `EL1&0, Non-secure`.
    pub text: String,
    /// What made it so: `SCTLR_EL1.M = 1`.
    pub because: String,
    /// The registers that made it so.
    pub registers: Vec<SysReg>,
}

/// What a clause is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The translation regime.
    Regime,
    /// The half of the VA space.
    Half,
    /// Stage 1.
    Stage1,
    /// Stage 2.
    Stage2,
    /// Whose access, to do what.
    Access,
}

impl Topic {
    /// As a label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Regime => "Regime",
            Self::Half => "Address",
            Self::Stage1 => "Stage 1",
            Self::Stage2 => "Stage 2",
            Self::Access => "Access",
        }
    }
}

/// The clauses of a translation; none when the instruction never came to one.
#[must_use]
pub fn clauses(pe: &Pe, op: Op, va: u64, steps: &[Step]) -> Vec<Clause> {
    let chosen = steps.iter().find_map(|step| match step.event {
        Event::Regime { regime, security, el, stage2_on_walk, stage2_on_output, .. } => {
            Some((regime, security, el, stage2_on_walk, stage2_on_output))
        }
        _ => None,
    });
    let Some((regime, security, el, on_walk, on_output)) = chosen else { return Vec::new() };
    let params = S1Params::new(pe, regime, security, va);
    let mut clauses = alloc::vec![which(pe, op, regime, security)];
    if params.enabled {
        clauses.push(half(&params, va));
    }
    clauses.push(stage1(pe, &params));
    clauses.push(stage2(pe, regime, on_walk, on_output));
    clauses.push(access(op, el, pe.pan));
    clauses
}

/// What a field of a register holds, by its name in the layout.
fn held(pe: &Pe, register: SysReg, field: &str) -> u64 {
    let decoded = super::fields::register(pe, register, pe.regs.get128(register));
    decoded.fields.iter().find(|held| held.field.name == field).map_or(0, |held| held.value)
}

fn which(pe: &Pe, op: Op, regime: Regime, security: SecurityState) -> Clause {
    let host =
        format!("HCR_EL2.{{E2H, TGE}} = {{{}, {}}}", held(pe, SysReg::HcrEl2, "E2H"), held(pe, SysReg::HcrEl2, "TGE"));
    let (because, registers) = match (regime, op.kind()) {
        (Regime::El3, _) => (format!("{} asks about EL3", op.name()), Vec::new()),
        (_, OpKind::At(at)) if at.both_stages => ("stages 1 and 2 are asked for".into(), Vec::new()),
        _ if pe.el2_enabled() => (host, alloc::vec![SysReg::HcrEl2]),
        _ => ("EL2 is not enabled".into(), alloc::vec![SysReg::ScrEl3]),
    };
    Clause { topic: Topic::Regime, text: format!("{regime}, {security}"), because, registers }
}

fn half(params: &S1Params, va: u64) -> Clause {
    let name = params.ttbr_register().name();
    let (text, because) = match (params.regime.has_unprivileged(), params.range) {
        (true, VaRange::Lower) => (format!("lower half, {name}"), "VA bit 55 = 0".into()),
        (true, VaRange::Upper) => (format!("upper half, {name}"), "VA bit 55 = 1".into()),
        (false, _) => (format!("one range, {name}"), format!("the {} regime has no EL0", params.regime)),
    };
    let tagged = params.tbi() && va >> 56 != 0 && va >> 56 != 0xff;
    let because = if tagged { format!("{because}; TBI = 1 ignores the top byte") } else { because };
    Clause { topic: Topic::Half, text, because, registers: alloc::vec![params.ttbr_register()] }
}

fn stage1(pe: &Pe, params: &S1Params) -> Clause {
    let (control, translation) = match params.regime {
        Regime::El10 => (SysReg::SctlrEl1, SysReg::TcrEl1),
        Regime::El20 | Regime::El2 => (SysReg::SctlrEl2, SysReg::TcrEl2),
        Regime::El3 => (SysReg::SctlrEl3, SysReg::TcrEl3),
    };
    if !params.enabled {
        let (because, register) = if params.dc() {
            ("HCR_EL2.DC = 1".into(), SysReg::HcrEl2)
        } else if held(pe, control, "M") == 0 {
            (format!("{}.M = 0", control.name()), control)
        } else {
            ("HCR_EL2.TGE = 1".into(), SysReg::HcrEl2)
        };
        return Clause { topic: Topic::Stage1, text: "off".into(), because, registers: alloc::vec![register] };
    }
    let geometry = params.geometry();
    let text = format!(
        "on, {}, {}-bit, starts at {}",
        params.granule.name(),
        geometry.ia_size,
        words::level(geometry.start_level)
    );
    let n = u8::from(params.range == VaRange::Upper);
    let size = if params.regime.has_unprivileged() { format!("T{n}SZ") } else { "T0SZ".into() };
    let because = format!("{}.M = 1; {}.{size} = {}", control.name(), translation.name(), params.txsz());
    Clause { topic: Topic::Stage1, text, because, registers: alloc::vec![control, translation] }
}

fn stage2(pe: &Pe, regime: Regime, on_walk: bool, on_output: bool) -> Clause {
    let clause = |text: String, because: String, registers| Clause { topic: Topic::Stage2, text, because, registers };
    if regime != Regime::El10 {
        return clause("none".into(), format!("the {regime} regime has no stage 2"), Vec::new());
    }
    if !pe.el2_enabled() {
        return clause("none".into(), "EL2 is not enabled".into(), alloc::vec![SysReg::ScrEl3]);
    }
    let security = pe.security_state(1);
    let params = S2Params::new(pe, security, security.pa_space());
    if !params.enabled {
        return clause("off".into(), "HCR_EL2.{VM, DC} = {0, 0}".into(), alloc::vec![SysReg::HcrEl2]);
    }
    let scope = match (on_walk, on_output) {
        (true, true) => "on table reads and on the output",
        (true, false) => "on table reads only",
        (false, true) => "on the output only",
        (false, false) => "not used",
    };
    let shape = params.start_level().map_or_else(
        || "no valid start level".into(),
        |start| format!("{}, {}-bit, starts at {}", params.granule.name(), params.ia_size(), words::level(start)),
    );
    let (vm, dc) = (held(pe, SysReg::HcrEl2, "VM"), held(pe, SysReg::HcrEl2, "DC"));
    let because = format!("HCR_EL2.{{VM, DC}} = {{{vm}, {dc}}}; VTCR_EL2.T0SZ = {}", params.t0sz());
    clause(format!("{scope}, {shape}"), because, alloc::vec![SysReg::HcrEl2, SysReg::VtcrEl2, SysReg::VttbrEl2])
}

fn access(op: Op, el: u8, pan: bool) -> Clause {
    use crate::access::AtAccess;
    let (what, because) = match op.kind() {
        OpKind::At(at) => {
            let what = match at.access {
                AtAccess::Read => "read, PAN not considered",
                AtAccess::Write => "write, PAN not considered",
                AtAccess::ReadPan if pan => "read, PSTATE.PAN = 1",
                AtAccess::ReadPan => "read, PSTATE.PAN = 0",
                AtAccess::WritePan if pan => "write, PSTATE.PAN = 1",
                AtAccess::WritePan => "write, PSTATE.PAN = 0",
                AtAccess::Any => "any, permissions not checked",
            };
            (what, format!("AT {} asks about EL{}", op.name(), at.el))
        }
        OpKind::Access(access) => {
            let what = match (access.fetch, access.stack, access.read, access.write) {
                (true, ..) => "instruction fetch",
                (_, false, true, true) => "read and write",
                (_, false, _, true) => "write",
                (_, false, ..) => "read",
                (_, true, true, true) => "read and write of a guarded control stack",
                (_, true, _, true) => "write to a guarded control stack",
                (_, true, ..) => "read of a guarded control stack",
            };
            (what, op.name().into())
        }
    };
    Clause { topic: Topic::Access, text: format!("EL{el} {what}"), because, registers: Vec::new() }
}
