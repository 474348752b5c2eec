//! `stagewalk replay`: one run of several vCPUs, step by step, in words.

use crate::explore::{Emulated, policy, scenario};
use crate::failure::{Exit, Failure};
use crate::style::{self, HEADING, QUIET};
use serde::Serialize;
use stagewalk::machine::trace::Trace;
use stagewalk::scenario::machine::{Replay, Told};
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
struct Answer {
    schema: &'static str,
    scenario: String,
    policy: &'static str,
    trace: String,
    steps: Vec<Told>,
    /// Nothing more can happen.
    over: bool,
    outcome: String,
    enabled: Vec<String>,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let scenario = scenario(&args.scenario, args.policy)?;
    let mut trace: Trace = args.trace.parse().map_err(|error| Failure::bad_input("the trace", error))?;
    trace.0.truncate(args.to.unwrap_or(usize::MAX));
    let mut replay = Replay::new(&scenario);
    let mut steps = Vec::new();
    for (at, &transition) in trace.0.iter().enumerate() {
        let enabled = replay.enabled();
        let Some(told) = replay.step(transition) else {
            let step = Trace(vec![transition]);
            let can = one_by_one(&enabled).join(", ");
            let can = if can.is_empty() { "nothing can happen any more".into() } else { format!("what can: {can}") };
            let problem = format!("step {}: `{step}` cannot happen here; {can}", at + 1);
            return Err(Failure::bad_input("the trace", problem));
        };
        steps.push(told);
    }
    let (outcome, over) = replay.outcome();
    let answer = Answer {
        schema: "stagewalk.replay/1",
        scenario: scenario.name.clone(),
        policy: scenario.emulation_name(),
        trace: trace.to_string(),
        steps,
        over,
        outcome,
        enabled: one_by_one(&replay.enabled()),
    };
    print(&answer, args.json)?;
    Ok(Exit::Answered)
}

fn one_by_one(trace: &Trace) -> Vec<String> {
    trace.0.iter().map(|&step| Trace(vec![step]).to_string()).collect()
}

fn print(answer: &Answer, json: bool) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(answer).map_err(io::Error::from)?)?;
        return Ok(());
    }
    writeln!(out, "{HEADING}{}, {}{HEADING:#}\n", answer.scenario, answer.policy)?;
    let widest =
        |text: fn(&Told) -> &str| answer.steps.iter().map(|told| text(told).chars().count()).max().unwrap_or(0);
    let (name, instruction) = (widest(|told| &told.actor), widest(|told| &told.instruction));
    let indent = name + instruction + 10;
    for (at, told) in answer.steps.iter().enumerate() {
        let Told { actor, instruction: text, what, changes, .. } = told;
        let what = style::wrap(what, indent, indent + 2);
        writeln!(out, "{:>4}  {actor:<name$}  {text:<instruction$}  {what}", at + 1)?;
        for change in changes {
            let change = style::wrap(change, indent + 2, indent + 4);
            writeln!(out, "{:indent$}{QUIET}→ {change}{QUIET:#}", "")?;
        }
    }
    let state = if answer.over { "In the end" } else { "So far" };
    writeln!(out, "\n{state}: {}", answer.outcome)?;
    if !answer.over {
        writeln!(out, "What can happen next: {}", answer.enabled.join(", "))?;
    }
    Ok(())
}
