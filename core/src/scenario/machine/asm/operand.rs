//! Operands: registers, values, and places in memory.

use super::Context;
use crate::machine::program::{Condition, Operand, Reg, Target};
use crate::scenario::ScenarioError;
use crate::scenario::machine::symbols::register;
use alloc::string::String;

pub(super) type Parsed<T> = Result<T, ScenarioError>;

pub(super) fn wrong<T>(message: core::fmt::Arguments<'_>) -> Parsed<T> {
    Err(ScenarioError::new(message))
}

impl Context<'_> {
    pub(super) fn value(self, text: &str) -> Parsed<u64> {
        let text = text.strip_prefix('#').unwrap_or(text);
        // Assemblers take `12` as decimal and scenarios as hexadecimal, so it says which.
        if text.len() > 1 && text.starts_with(|first: char| first.is_ascii_digit()) && !text.starts_with("0x") {
            return wrong(format_args!("`{text}`: a number of several digits begins with 0x"));
        }
        if text.len() > 1 || text.starts_with(|first: char| first.is_ascii_digit()) {
            return self.symbols.resolve(text);
        }
        match self.symbols.value(text) {
            Some(value) => Ok(value),
            None => wrong(format_args!("`{text}` is neither a number nor one of the names")),
        }
    }

    pub(super) fn operand(self, text: &str) -> Parsed<Operand> {
        match register(text) {
            Some(reg) => Ok(Operand::Reg(reg)),
            None => self.value(text).map(Operand::Value),
        }
    }

    pub(super) fn target(self, text: &str) -> Parsed<Target> {
        if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return self.operand(inner.trim()).map(Target::Va);
        }
        match text.strip_prefix("pa:") {
            Some(address) => self.value(address).map(Target::Pa),
            None => {
                wrong(format_args!("`{text}` is no place in memory: `[x]` for an address, `pa:x` for a physical one"))
            }
        }
    }

    pub(super) fn show(self, operand: Operand) -> String {
        match operand {
            Operand::Reg(reg) => alloc::format!("X{reg}"),
            Operand::Value(value) => self.symbols.text(value),
        }
    }

    pub(super) fn show_target(self, target: Target) -> String {
        match target {
            Target::Va(operand) => alloc::format!("[{}]", self.show(operand)),
            Target::Pa(address) => alloc::format!("pa:{}", self.symbols.text(address)),
        }
    }
}

pub(super) fn reg(text: &str) -> Parsed<Reg> {
    match register(text) {
        Some(reg) => Ok(reg),
        None => wrong(format_args!("`{text}` is not a register: X0 to X30")),
    }
}

/// A register that takes a value, or XZR if nothing does.
pub(super) fn taker(text: &str) -> Parsed<Option<Reg>> {
    if text.eq_ignore_ascii_case("XZR") { Ok(None) } else { reg(text).map(Some) }
}

pub(super) fn show_taker(taker: Option<Reg>) -> String {
    taker.map_or_else(|| "XZR".into(), |reg| alloc::format!("X{reg}"))
}

/// `EQ`, `NE`, `AL`, `X3=0` or `X3!=0`.
pub(super) fn condition(text: &str) -> Parsed<Condition> {
    match text {
        "AL" => return Ok(Condition::Always),
        "EQ" => return Ok(Condition::Equal),
        "NE" => return Ok(Condition::NotEqual),
        _ => {}
    }
    if let Some(name) = text.strip_suffix("!=0") {
        return reg(name).map(Condition::NotZero);
    }
    match text.strip_suffix("=0") {
        Some(name) => reg(name).map(Condition::Zero),
        None => wrong(format_args!("`{text}` is not a condition: EQ, NE or AL")),
    }
}

pub(super) fn show_condition(condition: Condition) -> String {
    match condition {
        Condition::Always => "AL".into(),
        Condition::Equal => "EQ".into(),
        Condition::NotEqual => "NE".into(),
        Condition::Zero(reg) => alloc::format!("X{reg}=0"),
        Condition::NotZero(reg) => alloc::format!("X{reg}!=0"),
    }
}
