//! Text that several commands print: what is asked, and what came of it.

use crate::style::{self, FAULT, GOOD, HEADING, QUIET, hex};
use stagewalk::access::OpKind;
use stagewalk::at::Outcome;
use stagewalk::scenario::{Case, Run};
use stagewalk::view::result::{Decided, Kind, Register, ResultView};
use std::io::{self, Write};

/// Whether an answer is a fault, an exception or UNDEFINED.
pub fn has_failed(run: &Run) -> bool {
    match &run.answer.result {
        Outcome::Undefined | Outcome::Exception(_) => true,
        Outcome::Par(par) => par.value & 1 == 1,
        Outcome::Performed => false,
    }
}

/// `AT S1E1R at EL2, VA 0x4008_0123`.
pub fn question(case: &Case) -> String {
    let instruction = if matches!(case.op.kind(), OpKind::At(_)) { "AT " } else { "" };
    format!("{instruction}{} at EL{}, VA {}", case.op.name(), case.pe.el, hex(case.va.into()))
}

/// The result, and the registers it leaves, field by field.
pub fn result(out: &mut impl Write, result: &ResultView) -> io::Result<()> {
    let (mark, style) = match result.kind {
        Kind::Success | Kind::Performed => ("✓", GOOD),
        Kind::Fault | Kind::Exception | Kind::Undefined => ("✗", FAULT),
    };
    writeln!(out, "{style}{mark} {}{style:#}", style::wrap(&style::grouped(&result.headline), 2, 2))?;
    for register in &result.registers {
        writeln!(out)?;
        self::register(out, register)?;
    }
    Ok(())
}

fn register(out: &mut impl Write, register: &Register) -> io::Result<()> {
    writeln!(out, "{HEADING}{} = {}{HEADING:#}", register.register.name(), hex(register.value))?;
    for decided in register.fields.iter().filter(|decided| !decided.field.field.is_reserved()) {
        field(out, decided)?;
    }
    Ok(())
}

fn field(out: &mut impl Write, decided: &Decided) -> io::Result<()> {
    let field = decided.field.field;
    let range = if field.width() == 1 { format!("{}", field.high) } else { format!("{}:{}", field.high, field.low) };
    let value = if decided.unknown { "?".into() } else { digits(decided.field.value, field.width()) };
    let words = if decided.unknown { "UNKNOWN or IMPLEMENTATION DEFINED" } else { &decided.words };
    let line = format!("  {range:>7}  {:<12} {value:<19}", field.name);
    if words.is_empty() {
        return writeln!(out, "{}", line.trim_end());
    }
    let indent = line.chars().count() + 1;
    writeln!(out, "{line} {QUIET}{}{QUIET:#}", style::wrap(&style::grouped(words), indent, indent))
}

/// A field's value: binary where it is short, else hexadecimal.
pub fn digits(value: u64, width: u8) -> String {
    if width <= 4 { format!("{value:0width$b}", width = usize::from(width)) } else { hex(value.into()) }
}

/// What the translation did to memory.
pub fn cost(out: &mut impl Write, run: &Run) -> io::Result<()> {
    let plural = if run.reads == 1 { "" } else { "s" };
    writeln!(out, "\n{} descriptor read{plural}", run.reads)?;
    for &(address, word) in &run.writes {
        writeln!(out, "hardware wrote {} at {}", style::word(word.into(), 64), hex(address.into()))?;
    }
    Ok(())
}
