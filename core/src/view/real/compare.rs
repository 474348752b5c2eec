//! How the machine's answer differs from the one shown, and in what its processor does.

use super::{Agreement, Beside, Known, Unlike};
use crate::at::Outcome;
use crate::choice::Choice;
use crate::feature::Feature;
use crate::kvm::{self, Asked, Level, Verdict};
use crate::layout::sysreg::SysReg;
use crate::scenario::{Case, Run};
use crate::view::result::{Decided, Register, ResultView, view};
use crate::view::words;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// How many of the things in which a processor is another are named, where none by itself changes the answer.
const MOST: usize = 8;

impl Beside {
    /// The machine's answer beside the model's answer to `case` as it was given.
    #[must_use]
    pub fn new(case: &Case, asked: &Asked, level: Level, kernel: &str) -> Self {
        let (verdict, rows) = match &asked.verdict {
            Verdict::Equal => (Agreement::Equal, Vec::new()),
            Verdict::Explained(rows) => (Agreement::Explained, rows.clone()),
            Verdict::Unexplained => (Agreement::Unexplained, Vec::new()),
        };
        let known = |row| Known { row, sentence: kvm::sentence(row).unwrap_or_default().into() };
        let shown = case.trace();
        let processor = if alike(&shown, &asked.model) { Vec::new() } else { other_processor(case, &shown, asked) };
        let there = view(&asked.fit.case.pe, &asked.machine.answer, &[]);
        Self {
            kernel: kernel.into(),
            level: level.title().into(),
            verdict,
            rows: rows.into_iter().map(known).collect(),
            processor,
            headline: headline(&there, &asked.machine),
            differences: differences((case, &shown), (&asked.fit.case, &asked.machine), &there),
            untold: Vec::new(),
        }
    }
}

/// Whether two answers of the model are the same, what both leave open aside.
fn alike(one: &Run, other: &Run) -> bool {
    let result = match (&one.answer.result, &other.answer.result) {
        (Outcome::Par(one), Outcome::Par(other)) => (one.value ^ other.value) & !(one.unknown | other.unknown) == 0,
        (Outcome::Exception(one), Outcome::Exception(other)) => {
            let mut pairs = one.registers.iter().zip(&other.registers);
            let same = pairs.all(|(one, other)| {
                one.register == other.register && (one.value ^ other.value) & !(one.unknown | other.unknown) == 0
            });
            one.el == other.el && one.registers.len() == other.registers.len() && same
        }
        (one, other) => one == other,
    };
    result && one.writes == other.writes
}

/// In what the machine's processor is another: what by itself changes the answer, or else all of it.
fn other_processor(case: &Case, shown: &Run, asked: &Asked) -> Vec<String> {
    let there = &asked.fit.case.pe;
    let mut changes: Vec<(String, Case)> = Vec::new();
    let mut change = |what: String, how: &dyn Fn(&mut Case)| {
        let mut changed = case.clone();
        how(&mut changed);
        changes.push((what, changed));
    };
    for &feature in Feature::ALL {
        let has = there.features.has(feature);
        if has != case.pe.features.has(feature) {
            let what = format!("{} is {}", feature.name(), if has { "implemented" } else { "not implemented" });
            change(what, &|case| case.pe.features = case.pe.features.set(feature, has));
        }
    }
    if there.pa_bits != case.pe.pa_bits {
        let what = format!("physical addresses have {} bits", there.pa_bits);
        change(what, &|case| case.pe.pa_bits = there.pa_bits);
    }
    for &choice in Choice::ALL {
        let value = there.choices.get(choice);
        if value != case.pe.choices.get(choice) {
            let what = format!("{} is {}", choice.name(), there.choices.value(choice));
            change(what, &|case| case.pe.choices = case.pe.choices.with(choice, value));
        }
    }
    for &register in SysReg::ALL {
        let value = there.regs.get128(register);
        if value != case.pe.regs.get128(register) {
            let what = format!("{} is {value:#x}", register.name());
            change(what, &|case| case.pe.regs.set(register, value));
        }
    }
    let matters = |(_, changed): &&(String, Case)| !alike(&changed.run(), shown);
    let alone: Vec<String> = changes.iter().filter(matters).map(|(what, _)| what.clone()).collect();
    if !alone.is_empty() {
        return alone;
    }
    let more = changes.len().saturating_sub(MOST);
    let some = changes.into_iter().take(MOST).map(|(what, _)| what);
    some.chain((more > 0).then(|| format!("{more} more are others"))).collect()
}

/// The machine's answer in a line: it knows of no more than registers and descriptors.
fn headline(there: &ResultView, machine: &Run) -> String {
    let registers: Vec<String> =
        there.registers.iter().map(|written| format!("{} = {:#x}", written.register.name(), written.value)).collect();
    match &machine.answer.result {
        Outcome::Exception(taken) => format!("exception taken to EL{}: {}", taken.el, registers.join(", ")),
        Outcome::Par(_) => registers.join(", "),
        Outcome::Undefined | Outcome::Performed => there.headline.clone(),
    }
}

fn differences((case, shown): (&Case, &Run), (asked, machine): (&Case, &Run), there: &ResultView) -> Vec<Unlike> {
    let here = view(&case.pe, &shown.answer, &shown.steps);
    let mut all = Vec::new();
    if here.kind != there.kind {
        let named = |view: &ResultView| Some(view.kind.name().to_string());
        all.push(Unlike {
            register: String::new(),
            field: "result".into(),
            shown: named(&here),
            machine: named(there),
        });
    }
    let mut names: Vec<SysReg> = here.registers.iter().map(|of| of.register).collect();
    names.extend(there.registers.iter().map(|of| of.register).filter(|name| !names.contains(name)).collect::<Vec<_>>());
    for name in names {
        let find = |view: &'_ ResultView| view.registers.iter().find(|of| of.register == name).cloned();
        match (find(&here), find(there)) {
            (Some(here), Some(there)) => fields(&here, &there, &mut all),
            // Of an exception a machine tells the syndrome and the address alone.
            (Some(_), None) if matches!(machine.answer.result, Outcome::Exception(_)) => {}
            (here, there) => {
                let value = |of: Option<Register>| of.map(|of| words::hex(of.value));
                let field = "the whole register".into();
                all.push(Unlike { register: name.name().into(), field, shown: value(here), machine: value(there) });
            }
        }
    }
    let (before, after) = (kvm::changes(case, shown), kvm::changes(asked, machine));
    for &address in before.keys().chain(after.keys().filter(|address| !before.contains_key(address))) {
        let changed = (before.get(&address), after.get(&address));
        if changed.0 != changed.1 {
            let word = |of: &Case, bits: Option<&u64>| {
                let became = |bits: &u64| format!("becomes {:#x}", of.memory.word(address) ^ bits);
                Some(bits.map_or_else(|| "is left alone".into(), became))
            };
            let (shown, machine) = (word(case, changed.0), word(asked, changed.1));
            all.push(Unlike { register: "memory".into(), field: format!("{address:#x}"), shown, machine });
        }
    }
    all
}

/// The fields of a register that differ in bits that are known.
fn fields(here: &Register, there: &Register, all: &mut Vec<Unlike>) {
    let known = !here.unknown;
    if (here.value ^ there.value) & known == 0 {
        return;
    }
    let find = |of: &Register, name: &str| of.fields.iter().find(|field| field.field.field.name == name).cloned();
    let telling = |of: &&Decided| !of.field.field.is_reserved();
    let mut names: Vec<&str> = Vec::new();
    for field in here.fields.iter().filter(telling).chain(there.fields.iter().filter(telling)) {
        if !names.contains(&field.field.field.name) {
            names.push(field.field.field.name);
        }
    }
    for name in names {
        let (one, other) = (find(here, name), find(there, name));
        let mask = one.as_ref().map_or(!0, |field| field.field.field.mask128());
        let open = one.as_ref().is_some_and(|field| field.unknown);
        if one.is_some() == other.is_some() && (here.value ^ there.value) & mask & known == 0 || open {
            continue;
        }
        // where the format is another, what is 0 and has no name says nothing
        let silent = |field: &Decided| field.field.value == 0 && field.field.named.is_none();
        if one.is_some() != other.is_some() && one.iter().chain(&other).all(silent) {
            continue;
        }
        let value = |field: Option<Decided>| field.map(|field| told(&field));
        let register = here.register.name().into();
        all.push(Unlike { register, field: name.into(), shown: value(one), machine: value(other) });
    }
}

/// A field's value, and what it is called.
fn told(field: &Decided) -> String {
    let width = field.field.field.width();
    let value = field.field.value;
    let digits = match width {
        1 => value.to_string(),
        2..=4 => format!("0b{}", words::binary(value, width)),
        _ if field.field.field.name == "PA" => words::hex(u128::from(value) << field.field.field.low),
        _ => format!("{value:#x}"),
    };
    field.field.named.map_or_else(|| digits.clone(), |named| format!("{digits}, {named}"))
}

#[cfg(test)]
mod tests;
