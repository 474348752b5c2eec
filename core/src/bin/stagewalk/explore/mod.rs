//! `stagewalk explore`: every interleaving of several vCPUs, and what comes of each.

mod limits;
mod merge;
mod report;

use crate::failure::{Exit, Failure};
use crate::input;
use limits::{Limits, Stopped, Watch};
use report::{Expected, Reached, Report, Row};
use stagewalk::machine::explore::{Explorer, Options, Status};
use stagewalk::machine::random::Random;
use stagewalk::machine::trace::Trace;
use stagewalk::machine::{Policy, World};
use stagewalk::scenario::machine::stories::{self, Story};
use stagewalk::scenario::machine::{HARDWARE, Scenario};
use stagewalk::scenario::names::lookup;
use std::path::{Path, PathBuf};

/// Explore every interleaving and every choice of a scenario of several vCPUs, and list what can come of it.
///
/// Each outcome comes with a trace that replays it, and is marked allowed where the same scenario can end so with AT
/// executed by hardware, and extra where it cannot. Interleavings that make no difference are left out; limits that
/// are reached are said.
#[derive(clap::Args)]
#[command(after_long_help = "\
Examples:
  stagewalk explore swapped-out
  stagewalk explore swapped-out --policy seq-retry
  stagewalk explore scenario.json --json | jq -r '.outcomes[] | select(.verdict == \"extra\") | .witness'
  stagewalk explore scenario.json --seed 7 --runs 100000
  stagewalk explore scenario.json --shard 1/8 > 1.json
  stagewalk explore --merge [1-8].json

`stagewalk examples` lists the scenarios that are built in; docs/machine.md says how to write one.

Exits with 1 if an outcome is extra and --fail-on-extra is given, and with 5 if a limit or Ctrl-C ended it early:
then there may be outcomes that are not listed.")]
pub struct Args {
    /// A built-in scenario, or a file; `-` is standard input.
    #[arg(required_unless_present = "merge")]
    scenario: Option<PathBuf>,
    /// Who executes AT: hardware, or a hypervisor under race, pause-all, tlb-lock, tlb-lock-epoch, seq-retry,
    /// seq-retry-split or seq-retry-atomic. Without it, as the scenario says.
    #[arg(long, value_parser = policy)]
    policy: Option<Emulated>,
    #[command(flatten)]
    limits: Limits,
    /// Do not leave out interleavings that make no difference.
    #[arg(long)]
    no_reduce: bool,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
    /// Instead of everything, some runs by chance, the same for the same seed.
    #[arg(long, value_name = "NUMBER", conflicts_with = "shard")]
    seed: Option<u64>,
    /// How many runs.
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, requires = "seed")]
    runs: u64,
    /// Explore one part of several, numbered from 1; answers in JSON, for --merge.
    #[arg(long, value_name = "I/N", value_parser = shard)]
    shard: Option<Shard>,
    /// Join the answers of all parts.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["scenario", "policy", "shard", "seed"])]
    merge: Vec<PathBuf>,
    /// Exit with 1 if an outcome is extra.
    #[arg(long)]
    fail_on_extra: bool,
}

/// One part of several.
#[derive(Clone, Copy, Debug)]
struct Shard {
    part: usize,
    parts: usize,
}

/// Who executes AT: hardware, or a hypervisor.
#[derive(Clone, Copy, Debug)]
pub struct Emulated(Option<Policy>);

pub fn policy(name: &str) -> Result<Emulated, String> {
    if name == HARDWARE { Ok(Emulated(None)) } else { lookup(name).map(|policy| Emulated(Some(policy))) }
}

fn shard(text: &str) -> Result<Shard, String> {
    let wrong = || "expected I/N, such as 1/8, with I from 1 to N".to_string();
    let (part, parts) = text.split_once('/').ok_or_else(wrong)?;
    let (part, parts): (usize, usize) = (part.parse().map_err(|_| wrong())?, parts.parse().map_err(|_| wrong())?);
    if (1..=parts).contains(&part) && parts <= 4096 { Ok(Shard { part, parts }) } else { Err(wrong()) }
}

/// The scenario of this name, or in this file, under a policy.
pub fn scenario(name: &Path, policy: Option<Emulated>) -> Result<Scenario, Failure> {
    let built_in = name.to_str().and_then(Story::find);
    let read = match built_in {
        Some(story) => story.scenario(),
        None if name != Path::new("-") && !name.exists() => {
            let names: Vec<&str> = stories::ALL.iter().map(|story| story.name).collect();
            let hint = format!("The built-in scenarios are: {}.", names.join(", "));
            return Err(Failure::usage(format_args!("no file and no scenario is called `{}`", name.display()), hint));
        }
        None => Scenario::from_slice(&input::read(name)?),
    };
    let scenario = read.map_err(|problem| Failure::bad_input(input::name(name), problem))?;
    Ok(policy.map_or_else(|| scenario.clone(), |Emulated(policy)| scenario.under(policy)))
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let report = match &args.scenario {
        Some(name) => explore(args, &scenario(name, args.policy)?),
        None => merge::merge(&args.merge)?,
    };
    report.print(args.json || args.shard.is_some())?;
    Ok(match report.complete() {
        false => Exit::Incomplete,
        true if args.fail_on_extra && report.has_extra() => Exit::Fault,
        true => Exit::Answered,
    })
}

fn explore(args: &Args, scenario: &Scenario) -> Report {
    let mut watch = args.limits.watch();
    let found = match args.seed {
        Some(seed) => by_chance(scenario, seed, args.runs, &mut watch),
        None => everything(scenario, args, &mut watch),
    };
    let reference = scenario.reference();
    let expected = if reference == *scenario && args.seed.is_none() {
        Expected::of(&found)
    } else {
        Expected::of(&everything(&reference, args, &mut watch))
    };
    Report::new(scenario, args.seed, args.shard.map(|Shard { part, parts }| [part, parts]), found, expected)
}

/// Explores everything, or one part.
fn everything(scenario: &Scenario, args: &Args, watch: &mut Watch) -> Reached {
    let options = Options { reduce: !args.no_reduce, states: args.limits.states() };
    let mut explorer = Explorer::new(scenario.machine.clone(), scenario.observables(), options);
    if let Some(Shard { part, parts }) = args.shard {
        // Every part goes the same way until there is enough to divide.
        while explorer.states() < 16 * parts && explorer.run(1) == Status::Underway {}
        explorer.divide(part - 1, parts);
    }
    let stopped = loop {
        if let Some(stopped) = watch.look(explorer.states(), explorer.bytes()) {
            break Some(stopped);
        }
        match explorer.run(1 << 12) {
            Status::Complete => break None,
            Status::Full => break Some(Stopped::States),
            Status::Underway => {}
        }
    };
    let mut rows: Vec<Row> = Vec::new();
    for found in scenario.found(&mut explorer) {
        let world = explorer.world();
        let ends = explorer.ends().filter(|(_, number)| args.shard.is_some() && found.numbers.contains(number));
        let mut finals: Vec<String> = ends.map(|(state, _)| format!("{:032x}", world.fingerprint(state))).collect();
        finals.sort();
        rows.push(Row::new(found.outcome, found.ended, found.states, &found.trace, finals));
    }
    let (states, transitions) = (explorer.states() as u64, explorer.transitions());
    Reached { stopped, reduced: explorer.reduces(), states, transitions, rows }
}

/// Runs a scenario some times, by chance.
fn by_chance(scenario: &Scenario, seed: u64, runs: u64, watch: &mut Watch) -> Reached {
    const LONGEST: usize = 100_000;
    let mut random = Random::new(seed);
    let mut world = World::new(scenario.machine.clone());
    let mut reached = Reached { stopped: None, reduced: false, states: 0, transitions: 0, rows: Vec::new() };
    for run in 0..runs {
        let ran = world.run(&mut random, LONGEST);
        let ended = (0..scenario.machine.actors.len()).all(|actor| world.has_ended(ran.state, actor));
        reached.transitions += ran.trace.0.len() as u64;
        reached.states += 1;
        if !ran.over {
            reached.stopped = Some(Stopped::Steps);
            continue;
        }
        let outcome = scenario.outcome(&world.observe(ran.state, &scenario.observables()), ended);
        reached.count(outcome, ended, &ran.trace);
        if let Some(stopped) = watch.look(run as usize, 0) {
            reached.stopped = Some(stopped);
            break;
        }
    }
    reached.rows.sort_by(|a, b| a.outcome.cmp(&b.outcome));
    reached
}

impl Reached {
    fn count(&mut self, outcome: String, ended: bool, trace: &Trace) {
        match self.rows.iter_mut().find(|row| row.outcome == outcome) {
            Some(row) => row.count += 1,
            None => self.rows.push(Row::new(outcome, ended, 1, trace, Vec::new())),
        }
    }
}
