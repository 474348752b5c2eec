//! `stagewalk replay`: one run of several vCPUs, step by step, in words.

use crate::explore::{Emulated, policy, scenario};
use crate::failure::{Exit, Failure};
use crate::style::{self, HEADING, QUIET};
use serde::Serialize;
use stagewalk::machine::trace::Trace;
use stagewalk::scenario::machine::Scenario;
use stagewalk::view::machine::{Mark, Moment, Replay, Subject, walks};
use std::io::{self, Write};
use std::path::PathBuf;

/// Replay one run of a scenario of several vCPUs, and say what happens at each step.
///
/// A trace is the number of the actor of each step, with dots between: `0.1.1:2.0!`. After a colon comes its choice,
/// where it has several and it is not the first; `!` is leaving the guest to pause.
#[derive(clap::Args)]
#[command(after_long_help = "\
Examples:
  stagewalk explore swapped-out
  stagewalk replay swapped-out --policy race 0.0
  stagewalk replay scenario.json 0.1.1 --to 2 --json")]
pub struct Args {
    /// A built-in scenario, or a file; `-` is standard input.
    scenario: PathBuf,
    /// The steps to take; without any, what can happen first is listed.
    #[arg(default_value = "")]
    trace: String,
    /// The policy that the trace was found under.
    #[arg(long, value_parser = policy)]
    policy: Option<Emulated>,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
    /// Stop after this many steps.
    #[arg(long, value_name = "NUMBER")]
    to: Option<usize>,
}

#[derive(Serialize)]
struct Answer<'a> {
    schema: &'static str,
    scenario: &'a str,
    policy: &'static str,
    trace: String,
    steps: Vec<Told<'a>>,
    /// Nothing more can happen.
    over: bool,
    outcome: String,
    enabled: Vec<String>,
}

/// What a step was.
#[derive(Serialize)]
struct Told<'a> {
    actor: &'a str,
    pc: u16,
    instruction: &'a str,
    what: &'a str,
    /// The descriptors of a walk that is one step.
    reads: Vec<String>,
    changes: &'a [String],
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let scenario = scenario(&args.scenario, args.policy)?;
    let mut trace: Trace = args.trace.parse().map_err(|error| Failure::bad_input("the trace", error))?;
    trace.0.truncate(args.to.unwrap_or(usize::MAX));
    let replay = Replay::new(Subject::from(&scenario), &trace.0);
    let offers = replay.positions.last().map_or(&[][..], |last| &last.offers);
    let enabled: Vec<String> = offers.iter().map(step).collect();
    if let Some((at, &refused)) = replay.refused.and_then(|at| Some((at, trace.0.get(at)?))) {
        let can = enabled.join(", ");
        let can = if can.is_empty() { "nothing can happen any more".into() } else { format!("what can: {can}") };
        let problem = format!("step {}: `{}` cannot happen here; {can}", at + 1, Trace(vec![refused]));
        return Err(Failure::bad_input("the trace", problem));
    }
    let answer = Answer {
        schema: "stagewalk.replay/1",
        scenario: &scenario.name,
        policy: scenario.emulation_name(),
        trace: trace.to_string(),
        steps: replay.moments.iter().map(|moment| told(&replay, moment)).collect(),
        over: offers.is_empty(),
        outcome: outcome(&replay, &scenario),
        enabled,
    };
    if args.json {
        writeln!(anstream::stdout().lock(), "{}", serde_json::to_string(&answer).map_err(io::Error::from)?)?;
    } else {
        print(&answer, &replay)?;
    }
    Ok(Exit::Answered)
}

fn step(offer: &Moment) -> String {
    Trace(vec![offer.by]).to_string()
}

fn told<'a>(replay: &'a Replay, moment: &'a Moment) -> Told<'a> {
    let names = &replay.subject.names;
    let whole = moment.walk.filter(|_| moment.mark == Mark::Instruction);
    let reads = whole.map_or_else(Vec::new, |walk| walks::reads(&replay.world, walk.node));
    Told {
        actor: replay.subject.actor(moment.by.actor.into()),
        pc: moment.pc,
        instruction: &moment.instr,
        what: &moment.what,
        reads: reads.iter().map(|read| read.text(names)).collect(),
        changes: &moment.then,
    }
}

/// The outcome as it stands.
fn outcome(replay: &Replay, scenario: &Scenario) -> String {
    let Some(last) = replay.positions.last() else { return String::new() };
    let observed = replay.world.observe(last.state, &scenario.observables());
    scenario.outcome(&observed, last.ended() || !last.offers.is_empty())
}

fn print(answer: &Answer<'_>, replay: &Replay) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{HEADING}{}, {}{HEADING:#}\n", answer.scenario, answer.policy)?;
    let widest = |text: for<'a> fn(&'a Told<'a>) -> &'a str| {
        answer.steps.iter().map(|told| text(told).chars().count()).max().unwrap_or(0)
    };
    let (name, instruction) = (widest(|told| told.actor), widest(|told| told.instruction));
    let indent = name + instruction + 10;
    for (at, told) in answer.steps.iter().enumerate() {
        let what = style::wrap(told.what, indent, indent + 2);
        let line = format!("{:>4}  {:<name$}  {:<instruction$}  {what}", at + 1, told.actor, told.instruction);
        writeln!(out, "{}", line.trim_end())?;
        let reads = (!told.reads.is_empty()).then(|| format!("read {}", told.reads.join(", ")));
        for change in reads.iter().chain(told.changes) {
            let change = style::wrap(change, indent + 2, indent + 4);
            writeln!(out, "{:indent$}{QUIET}→ {change}{QUIET:#}", "")?;
        }
    }
    let state = if answer.over { "In the end" } else { "So far" };
    writeln!(out, "\n{state}: {}", answer.outcome)?;
    next(&mut out, replay)
}

/// Who can go on and how, and who waits.
fn next(out: &mut impl Write, replay: &Replay) -> Result<(), Failure> {
    let Some(last) = replay.positions.last() else { return Ok(()) };
    if !last.offers.is_empty() {
        writeln!(out, "\nWhat can happen next:")?;
    }
    let widest = last.offers.iter().map(|offer| step(offer).len()).max().unwrap_or(0);
    for offer in &last.offers {
        let text = format!("{}: {}", replay.subject.actor(offer.by.actor.into()), offer.text());
        let text = style::wrap(&text, widest + 4, widest + 6);
        writeln!(out, "  {:<widest$}  {text}", step(offer))?;
    }
    for (actor, lane) in last.lanes.iter().enumerate() {
        if let Some(waits) = &lane.waits {
            writeln!(out, "  {QUIET}{}: {waits}{QUIET:#}", replay.subject.actor(actor))?;
        }
    }
    Ok(())
}
