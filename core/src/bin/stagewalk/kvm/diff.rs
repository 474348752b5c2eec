//! `stagewalk kvm diff`: the model beside the machine.

use super::{At, print_json};
use crate::failure::{Exit, Failure};
use crate::input;
use crate::style::{FAULT, GOOD, QUIET};
use serde::Serialize;
use stagewalk::kvm::{self, Cases, Fit, Level, Machine, Problem, Verdict};
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
  stagewalk kvm diff tests/vectors/arm/nested.jsonl.gz

With --json: a line of counts for each level and file, and one for each difference that nothing explains.

Exits with 1 if any answer differs and nothing explains it.")]
pub struct Args {
    /// Files of one case a line, plain or gzipped, or one case in all; `-` is standard input.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// As what the VM's code runs. Random cases are of EL1 if it is not given, those of files each of its own level.
    #[arg(long, value_enum)]
    level: Option<At>,
    /// Which random cases.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// How many random cases.
    #[arg(long, default_value_t = 1000, value_name = "N", conflicts_with = "files")]
    cases: usize,
    /// How many differences to show at the most.
    #[arg(long, default_value_t = 10, value_name = "N")]
    show: usize,
    /// Answer in JSON, one object a line.
    #[arg(long)]
    json: bool,
}

/// What came of the cases of one file, or seed, at one level.
#[derive(Default, Serialize)]
struct Counts {
    equal: usize,
    explained: usize,
    unexplained: usize,
    /// By how many cases each known difference was needed.
    rows: BTreeMap<u8, usize>,
    /// Cases that no VM can ask, by the reason.
    unfit: BTreeMap<String, usize>,
}

impl Counts {
    const fn asked(&self) -> usize {
        self.equal + self.explained + self.unexplained
    }

    fn add(&mut self, other: &Self) {
        self.equal += other.equal;
        self.explained += other.explained;
        self.unexplained += other.unexplained;
        other.rows.iter().for_each(|(&row, count)| *self.rows.entry(row).or_default() += count);
        other.unfit.iter().for_each(|(why, count)| *self.unfit.entry(why.clone()).or_default() += count);
    }
}

/// The counts, as JSON.
#[derive(Serialize)]
struct Line<'a> {
    schema: &'static str,
    kernel: &'a str,
    level: &'static str,
    cases: &'a str,
    asked: usize,
    #[serde(flatten)]
    counts: &'a Counts,
}

/// A case whose answers differ and that nothing explains.
#[derive(Serialize)]
struct Shown {
    schema: &'static str,
    case: Case,
    model: Expect,
    machine: Expect,
}

struct Session<'a> {
    args: &'a Args,
    /// Those that were needed until now.
    machines: Vec<Machine>,
    levels: Vec<Level>,
    /// By level and by where the cases are from.
    counts: BTreeMap<(&'static str, String), Counts>,
    shown: usize,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let start = Instant::now();
    let levels = kvm::levels()?;
    let mut session = Session { args, machines: Vec::new(), levels, counts: BTreeMap::new(), shown: 0 };
    if args.files.is_empty() {
        let level = args.level.unwrap_or(At::El1).into();
        let limits = session.machine(level)?.limits();
        let from = format!("random, seed {}", args.seed);
        for fit in Cases::new(limits, args.seed).take(args.cases) {
            session.ask(level, &from, fit)?;
        }
    }
    for path in &args.files {
        session.file(path)?;
    }
    session.finish(start)
}

impl Session<'_> {
    /// The machine of a level, made when it is first asked for.
    fn machine(&mut self, level: Level) -> Result<&mut Machine, Failure> {
        let made = self.machines.iter().position(|machine| machine.limits().level == level);
        let made = if let Some(made) = made {
            made
        } else {
            self.machines.push(Machine::new(level)?);
            self.machines.len() - 1
        };
        Ok(&mut self.machines[made])
    }

    fn file(&mut self, path: &Path) -> Result<(), Failure> {
        let place = input::name(path);
        let from = path.file_name().map_or_else(|| place.clone(), |name| name.to_string_lossy().into_owned());
        let from = from.split('.').next().unwrap_or(&from);
        let contents = input::read(path)?;
        if let Ok((case, _)) = Case::with_expect(&contents) {
            return self.given(from, &case);
        }
        input::for_each_line(&mut contents.as_slice(), &place, |number, line| {
            let read = Case::with_expect(line);
            let (case, _) =
                read.map_err(|error| Failure::bad_input(format_args!("{place}, line {number}"), error.in_line()))?;
            self.given(from, &case)
        })
    }

    fn given(&mut self, from: &str, case: &Case) -> Result<(), Failure> {
        let level = self.args.level.map_or_else(|| Level::of(case), Level::from);
        let fit = if self.levels.contains(&level) {
            kvm::fit(case, &self.machine(level)?.limits())
        } else {
            Err(format!("this host has no VMs at {}", level.title()))
        };
        match fit {
            Ok(fit) => self.ask(level, from, fit),
            Err(why) => {
                self.unfit(level, from, &case.id, &why);
                Ok(())
            }
        }
    }

    fn counts(&mut self, level: Level, from: &str) -> &mut Counts {
        self.counts.entry((level.name(), from.to_owned())).or_default()
    }

    fn unfit(&mut self, level: Level, from: &str, id: &str, why: &str) {
        let reason = why.split(": ").next().unwrap_or(why).to_owned();
        *self.counts(level, from).unfit.entry(reason).or_default() += 1;
        let unfit: usize = self.counts.values().flat_map(|counts| counts.unfit.values()).sum();
        if !self.args.json && unfit <= self.args.show {
            anstream::eprintln!("{QUIET}{id}: no VM can ask it: {why}{QUIET:#}");
        }
    }

    fn ask(&mut self, level: Level, from: &str, mut fit: Fit) -> Result<(), Failure> {
        let machine = self.machine(level)?;
        let walker = machine.limits().walker;
        let answer = match machine.run(&mut fit) {
            Ok(answer) => answer,
            Err(Problem::Unfit(why)) => {
                self.unfit(level, from, &fit.case.id, &why);
                return Ok(());
            }
            Err(problem) => {
                let case = serde_json::to_string(&fit.case).unwrap_or_default();
                return Err(Failure::from(problem).with_hint(format_args!("The case was:\n{case}")));
            }
        };
        let model = fit.case.run();
        let verdict = kvm::compare(&fit.case, &model, &answer, walker);
        let counts = self.counts(level, from);
        match verdict {
            Verdict::Equal => counts.equal += 1,
            Verdict::Explained(rows) => {
                counts.explained += 1;
                for row in rows {
                    *counts.rows.entry(row).or_default() += 1;
                }
            }
            Verdict::Unexplained => {
                counts.unexplained += 1;
                self.show(fit.case, &model, &answer)?;
            }
        }
        Ok(())
    }

    fn show(&mut self, case: Case, model: &Run, machine: &Run) -> Result<(), Failure> {
        self.shown += 1;
        if self.shown > self.args.show {
            return Ok(());
        }
        let (model, machine) = (model.to_expect(), machine.to_expect());
        let shown = Shown { schema: "stagewalk.kvm.difference/1", case, model, machine };
        if self.args.json {
            return print_json(&shown);
        }
        let mut out = anstream::stdout().lock();
        let text = |value: &Expect| serde_json::to_string(value).map_err(io::Error::from);
        writeln!(out, "{FAULT}{} differs{FAULT:#}", shown.case.id)?;
        writeln!(out, "  case    {}", serde_json::to_string(&shown.case).map_err(io::Error::from)?)?;
        writeln!(out, "  model   {}\n  machine {}", text(&shown.model)?, text(&shown.machine)?)?;
        Ok(())
    }

    fn finish(self, start: Instant) -> Result<Exit, Failure> {
        let mut all = Counts::default();
        self.counts.values().for_each(|counts| all.add(counts));
        let exit = if all.unexplained == 0 { Exit::Answered } else { Exit::Fault };
        if self.args.json {
            let kernel = kvm::kernel();
            for ((level, cases), counts) in &self.counts {
                let (level, asked) = (*level, counts.asked());
                let schema = "stagewalk.kvm.diff/1";
                print_json(&Line { schema, kernel: &kernel, level, cases, asked, counts })?;
            }
            return Ok(exit);
        }
        let mut out = anstream::stdout().lock();
        let style = if all.unexplained == 0 { GOOD } else { FAULT };
        let rate = all.asked() as f64 / start.elapsed().as_secs_f64().max(1e-9);
        let (asked, equal, explained, unexplained) = (all.asked(), all.equal, all.explained, all.unexplained);
        let unfit: usize = all.unfit.values().sum();
        writeln!(
            out,
            "{style}{asked} cases: {equal} equal, {explained} explained, {unexplained} unexplained{style:#}; \
             {unfit} fit no VM; {rate:.0} a second"
        )?;
        for (row, count) in &all.rows {
            writeln!(out, "  row {row}: {count}")?;
        }
        for (why, count) in &all.unfit {
            writeln!(out, "  {QUIET}no VM can ask {count}: {why}{QUIET:#}")?;
        }
        Ok(exit)
    }
}
