//! `stagewalk walk`: the whole translation as readable text, every step with its rule.

use crate::at::OutputArgs;
use crate::failure::{Exit, Failure};
use crate::overview;
use crate::source::Source;
use crate::style::{FAULT, HEADING, QUIET, STAGE1, STAGE2, WIDTH, grouped, hex, opposed, word, wrap};
use crate::{report, trace};
use anstyle::Style;
use stagewalk::layout::FieldValue;
use stagewalk::regime::Stage;
use stagewalk::rule::Rule;
use stagewalk::scenario::{Case, Run};
use stagewalk::step::{Event, Place, Purpose, Step};
use stagewalk::view::explain::{self, Formula};
use stagewalk::view::stops::Stop;
use stagewalk::view::{Translation, fields, words};
use std::collections::HashSet;
use std::io::{self, Write};

/// Walk the tables for one address and tell every step: what is read, what its bits say, and the rule that decides.
///
/// Stage 2 lookups are indented below the stage 1 level that they serve. A rule is named at the right, and quoted
/// where it first applies, with the function of Arm's pseudocode that states it. ← names the bits that decide.
#[derive(clap::Args)]
#[command(after_long_help = "\
Examples:
  stagewalk walk --example stage2-hole
  stagewalk walk --example stage2-hole --el 1
  stagewalk walk S1E1R 0xffff_8000_0800_0000 --dump DIR
  stagewalk walk --scenario tests/vectors/arm/nested.jsonl.gz --id arm/nested-101-3 --impossible
  stagewalk walk --example page-4k --mem 0x4100_3400=0
  stagewalk walk --example nested --json | jq '.steps[] | select(.event == \"read\")'

In JSON, the answer has the case, the result in the format of the conformance vectors, and all steps.")]
pub struct Args {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args) -> Result<Exit, Failure> {
    let case = args.source.case()?;
    let run = case.trace();
    let mut out = anstream::stdout().lock();
    if args.output.json {
        let view = Translation::new(&case.pe, case.op, case.va, &run.answer, run.steps.clone());
        let document = trace::document(&case, &run, &view);
        writeln!(out, "{}", serde_json::to_string(&document).map_err(io::Error::from)?)?;
    } else {
        tell(&mut out, &case, &run)?;
    }
    Ok(args.output.exit(&run))
}

/// Tells a traced walk, and what came of it.
pub fn tell(out: &mut impl Write, case: &Case, run: &Run) -> io::Result<()> {
    let view = Translation::new(&case.pe, case.op, case.va, &run.answer, run.steps.clone());
    overview::introduce(out, case, &view)?;
    Walk { case, view: &view, quoted: HashSet::new(), reads: 0 }.tell(out)?;
    writeln!(out)?;
    report::result(out, &view.result)?;
    report::cost(out, run)
}

struct Walk<'a> {
    case: &'a Case,
    view: &'a Translation,
    /// The rules already quoted.
    quoted: HashSet<Rule>,
    reads: u32,
}

/// The columns left of everything that a stop says.
const MARGIN: usize = 5;

impl Walk<'_> {
    fn tell(mut self, out: &mut impl Write) -> io::Result<()> {
        let mut purpose = Purpose::Output;
        for (number, stop) in (1..).zip(&self.view.stops) {
            writeln!(out)?;
            let inside = &self.view.steps[stop.first..=stop.last];
            let stage2 = stop.place.stage == Some(Stage::S2);
            if stage2 && stop.place.purpose != purpose {
                self.purpose(out, inside, stop.place.purpose)?;
            }
            purpose = if stage2 { stop.place.purpose } else { Purpose::Output };
            self.stop(out, number, stop)?;
        }
        Ok(())
    }

    /// What the stage 2 lookups that follow are for.
    fn purpose(&self, out: &mut impl Write, inside: &[Step], purpose: Purpose) -> io::Result<()> {
        let input = inside.iter().find_map(|step| match step.event {
            Event::Start { input, .. } => Some(input),
            _ => None,
        });
        let what = match purpose {
            Purpose::Descriptor(level) => format!("{}: its descriptor is at IPA", words::level(level)),
            Purpose::Update(level) => format!("{}: the descriptor to be updated is at IPA", words::level(level)),
            Purpose::Output => "output: IPA".into(),
        };
        let Some(input) = input else { return Ok(()) };
        writeln!(out, "{:MARGIN$}{STAGE1}Stage 1 {what} {}{STAGE1:#}", "", hex(input.into()))
    }

    fn stop(&mut self, out: &mut impl Write, number: usize, stop: &Stop) -> io::Result<()> {
        let (indent, style) = match stop.place.stage {
            None => (MARGIN, HEADING),
            Some(Stage::S1) => (MARGIN, STAGE1.bold()),
            Some(Stage::S2) => (MARGIN + 4, STAGE2.bold()),
        };
        let steps = &self.view.steps[stop.first..=stop.last];
        let title = wrap(&grouped(&title(stop, &self.view.steps)), indent, indent);
        let heading = format!("{number:>3}  {:1$}{style}{title}{style:#}", "", indent - MARGIN);
        let said = steps.first().filter(|first| is_said(first, steps.len())).map(|first| first.rule);
        match said {
            Some(rule) => {
                let column = if title.contains('\n') { WIDTH } else { indent + title.chars().count() };
                let line = format!("{heading}{QUIET}");
                writeln!(out, "{}{QUIET:#}", opposed(&line, column, rule.id()))?;
                self.quote(out, rule, indent + 2)?;
            }
            None => writeln!(out, "{heading}")?,
        }
        for (index, step) in (stop.first..).zip(steps).skip(usize::from(said.is_some())) {
            match step.event {
                Event::Read { physical, value, .. } => self.read(out, step, physical.address, value, indent + 2)?,
                Event::GptRead { address, value, .. } => {
                    self.gpt_read(out, step, address.address, value, indent + 2)?
                }
                _ => self.step(out, index, step, indent + 2)?,
            }
            self.quote(out, step.rule, indent + 4)?;
        }
        Ok(())
    }

    /// What happened, because of which bits, by which rule.
    fn step(&mut self, out: &mut impl Write, index: usize, step: &Step, indent: usize) -> io::Result<()> {
        let text = match step.event {
            Event::Passed => "passed".into(),
            Event::Update { .. } => {
                self.reads += 1;
                format!("read {} and swap: {}", self.reads, grouped(&explain::what(step)))
            }
            _ => grouped(&explain::what(step)),
        };
        let reason = explain::reason(&self.case.pe, &self.view.steps, index);
        let bits: Vec<String> = reason.iter().flat_map(|reason| &reason.bits).map(bit).collect();
        let because = if bits.is_empty() { String::new() } else { format!("  ← {}", bits.join(", ")) };
        let style = if matches!(step.event, Event::Fault { .. }) { FAULT } else { Style::new() };
        let wrapped = wrap(&format!("· {text}"), indent, indent + 2);
        let last = wrapped.lines().last().unwrap_or_default().chars().count();
        let mut column = if wrapped.contains('\n') { last } else { indent + last };
        let because = wrap(&because, column, indent + 2);
        column = because
            .lines()
            .last()
            .filter(|_| because.contains('\n'))
            .map_or(column + because.chars().count(), |line| line.chars().count());
        let line = format!("{:indent$}{style}{wrapped}{style:#}{QUIET}{because}", "");
        writeln!(out, "{}{QUIET:#}", opposed(&line, column, step.rule.id()))
    }

    /// A descriptor: where it is, why there, and what it holds.
    fn read(&mut self, out: &mut impl Write, step: &Step, address: u64, value: u128, indent: usize) -> io::Result<()> {
        let decoded = fields::descriptor(&self.case.pe, &self.view.steps, step.place, value);
        let indent = self.numbered(out, step, address, &word(value, decoded.width), indent)?;
        if let Some(formula) = Formula::of(step) {
            let at = if formula.descriptor == address { "" } else { "IPA " };
            let text = grouped(&format!("{at}{}", formula.text()));
            writeln!(out, "{:indent$}{QUIET}{}{QUIET:#}", "", wrap(&text, indent, indent))?;
        }
        let shown: Vec<String> = decoded.fields.iter().filter(|field| says_something(field)).map(field).collect();
        writeln!(out, "{:indent$}{}", "", wrap(&shown.join("; "), indent, indent).replace('\u{a0}', " "))
    }

    /// An entry of the granule protection table.
    fn gpt_read(
        &mut self,
        out: &mut impl Write,
        step: &Step,
        address: u64,
        value: u64,
        indent: usize,
    ) -> io::Result<()> {
        let indent = self.numbered(out, step, address, &word(value.into(), 64), indent)?;
        writeln!(out, "{:indent$}{}", "", wrap(&grouped(&explain::what(step)), indent, indent))
    }

    /// `read 3   0x8800_2040 = 0x0000_0000_8800_3003`; gives the column at which more about it goes.
    fn numbered(
        &mut self,
        out: &mut impl Write,
        step: &Step,
        address: u64,
        word: &str,
        indent: usize,
    ) -> io::Result<usize> {
        self.reads += 1;
        let number = format!("read {:<3} ", self.reads);
        let text = format!("{} = {word}", hex(address.into()));
        let column = indent + number.len() + text.len();
        let line = format!("{:indent$}{number}{HEADING}{text}{HEADING:#}{QUIET}", "");
        writeln!(out, "{}{QUIET:#}", opposed(&line, column, step.rule.id()))?;
        Ok(indent + number.len())
    }

    /// A rule in its words, the first time it decides.
    fn quote(&mut self, out: &mut impl Write, rule: Rule, indent: usize) -> io::Result<()> {
        if !self.quoted.insert(rule) {
            return Ok(());
        }
        let quote = format!("“{}” {}", rule.text(), rule.source());
        writeln!(out, "{:indent$}{QUIET}{}{QUIET:#}", "", wrap(&quote, indent, indent))
    }
}

/// The stop in a sentence; what a stage 2 lookup is for has been said above it.
fn title(stop: &Stop, steps: &[Step]) -> String {
    let title = stop.title(steps);
    let full = words::capitalised(&words::place(stop.place));
    let short =
        words::capitalised(&words::place(Place { purpose: Purpose::Output, stage: Some(Stage::S1), ..stop.place }));
    match (stop.place.stage, title.strip_prefix(&full)) {
        (Some(Stage::S2), Some(rest)) => format!("{}{rest}", short.replacen("Stage 1", "Stage 2", 1)),
        _ => title,
    }
}

/// Whether the heading of a stop of so many steps says all that its first step does, and so can carry its rule.
const fn is_said(first: &Step, steps: usize) -> bool {
    match first.event {
        Event::Begin { .. } => true,
        Event::Disabled { .. } | Event::Par { .. } | Event::Exception { .. } | Event::Performed => steps == 1,
        _ => false,
    }
}

fn bit(bit: &explain::Bit) -> String {
    let text = bit.text();
    text.strip_prefix("descriptor.").map_or_else(|| text.clone(), Into::into)
}

/// Reserved and unused bits say nothing while they are 0.
fn says_something(field: &FieldValue) -> bool {
    let unused = ["Ignored", "Software", "PBHA"].iter().any(|name| field.field.name.starts_with(name));
    field.value != 0 || !(field.field.is_reserved() || unused)
}

/// `AF=1 (accessed)` in one piece, so that lines break between fields.
fn field(field: &FieldValue) -> String {
    let value = report::digits(field.value, field.field.width());
    let named = field.named.map_or_else(String::new, |named| format!(" ({named})"));
    format!("{}={value}{named}", field.field.name).replace(' ', "\u{a0}")
}
