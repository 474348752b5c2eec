//! `stagewalk kvm diff`: the model beside the machine.

use super::{At, print_json};
use crate::failure::{Exit, Failure};
use crate::input;
use crate::style::{FAULT, GOOD, QUIET};
use serde::Serialize;
use stagewalk::kvm::{self, Cases, Fit, Machine, Problem, Verdict};
use stagewalk::scenario::{Case, Expect, Run};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Run cases on the model and on the machine, and tell where they differ.
///
/// The cases are random ones that fit a VM, always the same for a seed, or those of files. An answer is equal, or
/// explained by a known difference (by its number in docs/conformance.md), or unexplained.
#[derive(clap::Args)]
#[command(after_long_help = "\
Examples:
  stagewalk kvm diff --cases 5000
  stagewalk kvm diff --level vel2 --seed 7 --json
  stagewalk kvm diff --level vel2 tests/vectors/arm/nested.jsonl.gz

Exits with 1 if any answer differs and nothing explains it.")]
pub struct Args {
    /// Files of one case a line, plain or gzipped, or one case in all; `-` is standard input.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// As what the VM's code runs.
    #[arg(long, value_enum, default_value_t = At::El1)]
    level: At,
    /// Which random cases.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// How many random cases.
    #[arg(long, default_value_t = 1000, value_name = "N", conflicts_with = "files")]
    cases: usize,
    /// How many differences to show at the most.
    #[arg(long, default_value_t = 10, value_name = "N")]
    show: usize,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Default, Serialize)]
struct Report {
    schema: &'static str,
    kernel: String,
    level: &'static str,
    seed: Option<u64>,
    cases: usize,
    equal: usize,
    explained: usize,
    unexplained: usize,
    /// Cases that no VM can ask.
    unfit: usize,
    rows: BTreeMap<u8, usize>,
    seconds: f64,
    differences: Vec<Shown>,
}

/// A case whose answers differ and that nothing explains.
#[derive(Serialize)]
struct Shown {
    case: Case,
    model: Expect,
    machine: Expect,
}

struct Session<'a> {
    args: &'a Args,
    machine: Machine,
    report: Report,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let machine = Machine::new(args.level.into())?;
    let limits = machine.limits();
    let report = Report {
        schema: "stagewalk.kvm.diff/1",
        kernel: kvm::kernel(),
        level: limits.level.name(),
        seed: args.files.is_empty().then_some(args.seed),
        ..Report::default()
    };
    let start = Instant::now();
    let mut session = Session { args, machine, report };
    if args.files.is_empty() {
        for fit in Cases::new(limits, args.seed).take(args.cases) {
            session.ask(fit)?;
        }
    }
    for path in &args.files {
        session.file(path)?;
    }
    session.report.seconds = start.elapsed().as_secs_f64();
    session.finish()
}

impl Session<'_> {
    fn file(&mut self, path: &Path) -> Result<(), Failure> {
        let place = input::name(path);
        let contents = input::read(path)?;
        if let Ok((case, _)) = Case::with_expect(&contents) {
            return self.given(&case);
        }
        input::for_each_line(&mut contents.as_slice(), &place, |number, line| {
            let read = Case::with_expect(line);
            let (case, _) =
                read.map_err(|error| Failure::bad_input(format_args!("{place}, line {number}"), error.in_line()))?;
            self.given(&case)
        })
    }

    fn given(&mut self, case: &Case) -> Result<(), Failure> {
        match kvm::fit(case, &self.machine.limits()) {
            Ok(fit) => self.ask(fit),
            Err(why) => {
                self.unfit(&case.id, &why);
                Ok(())
            }
        }
    }

    fn unfit(&mut self, id: &str, why: &str) {
        self.report.unfit += 1;
        if !self.args.json && self.report.unfit <= self.args.show {
            anstream::eprintln!("{QUIET}{id}: no VM can ask it: {why}{QUIET:#}");
        }
    }

    fn ask(&mut self, mut fit: Fit) -> Result<(), Failure> {
        let answer = match self.machine.run(&mut fit) {
            Ok(answer) => answer,
            Err(Problem::Unfit(why)) => {
                self.unfit(&fit.case.id, &why);
                return Ok(());
            }
            Err(problem) => {
                let case = serde_json::to_string(&fit.case).unwrap_or_default();
                return Err(Failure::from(problem).with_hint(format_args!("The case was:\n{case}")));
            }
        };
        let model = fit.case.run();
        self.report.cases += 1;
        match kvm::compare(&fit.case, &model, &answer, self.machine.limits().walker) {
            Verdict::Equal => self.report.equal += 1,
            Verdict::Explained(rows) => {
                self.report.explained += 1;
                for row in rows {
                    *self.report.rows.entry(row).or_default() += 1;
                }
            }
            Verdict::Unexplained => self.show(fit.case, &model, &answer)?,
        }
        Ok(())
    }

    fn show(&mut self, case: Case, model: &Run, machine: &Run) -> Result<(), Failure> {
        self.report.unexplained += 1;
        if self.report.unexplained > self.args.show {
            return Ok(());
        }
        let shown = Shown { case, model: model.to_expect(), machine: machine.to_expect() };
        if self.args.json {
            self.report.differences.push(shown);
            return Ok(());
        }
        let mut out = anstream::stdout().lock();
        let text = |value: &Expect| serde_json::to_string(value).map_err(io::Error::from);
        writeln!(out, "{FAULT}{} differs{FAULT:#}", shown.case.id)?;
        writeln!(out, "  case    {}", serde_json::to_string(&shown.case).map_err(io::Error::from)?)?;
        writeln!(out, "  model   {}\n  machine {}", text(&shown.model)?, text(&shown.machine)?)?;
        Ok(())
    }

    fn finish(self) -> Result<Exit, Failure> {
        let report = self.report;
        if self.args.json {
            print_json(&report)?;
        } else {
            let mut out = anstream::stdout().lock();
            let style = if report.unexplained == 0 { GOOD } else { FAULT };
            let rate = report.cases as f64 / report.seconds.max(1e-9);
            writeln!(
                out,
                "{style}{} cases: {} equal, {} explained, {} unexplained{style:#}; {} fit no VM; {rate:.0} a second",
                report.cases, report.equal, report.explained, report.unexplained, report.unfit
            )?;
            for (row, count) in &report.rows {
                writeln!(out, "  row {row}: {count}")?;
            }
        }
        Ok(if report.unexplained == 0 { Exit::Answered } else { Exit::Fault })
    }
}
