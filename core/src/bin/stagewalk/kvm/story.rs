//! `stagewalk kvm story`: a page is missing, and what becomes of the AT that needs it.

use super::{At, print_json};
use crate::failure::{Exit, Failure};
use crate::style::{FAULT, GOOD, HEADING, QUIET};
use serde::Serialize;
use stagewalk::kvm::{self, Problem, Scene, TALES, Tale, Told};
use std::io::Write;

/// Tell the stories on the machine: table pages that are missing, tables that change under a walk, a pause of all
/// vCPUs.
///
/// Each event comes with the time since the beginning, in microseconds.
#[derive(clap::Args)]
#[command(after_long_help = "\
Stories:
  withheld    a stage 1 table page is swapped out (userfaultfd); the vCPU waits, the page is supplied
  no-slot     a stage 1 table page lies where the VM has no memory
  prot-none   a stage 1 table page is in memory that the host may not touch
  rewrite     while one vCPU's AT waits for a table page, another rewrites the tables
  pause       all vCPUs are made to pause, tables change, and they go on

Exits with 1 if a story does not go as it should.")]
pub struct Args {
    /// The story; all of them, if none is named.
    #[arg(value_parser = TALES.map(|tale| tale.name))]
    name: Option<String>,
    /// As what the VM's code runs; at every level that the host offers, if none is named.
    #[arg(long, value_enum)]
    level: Option<At>,
    /// Answer in JSON, one object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    #[serde(flatten)]
    told: Told,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let levels = args.level.map_or_else(kvm::levels, |level| Ok(vec![level.into()]))?;
    let wanted = |tale: &Tale| args.name.as_deref().is_none_or(|name| name == tale.name);
    let mut exit = Exit::Answered;
    for level in levels {
        let mut scene = Scene::new(level)?;
        for tale in TALES.into_iter().filter(wanted) {
            match scene.tell(tale.name) {
                Ok(told) => {
                    if !told.as_expected {
                        exit = Exit::Fault;
                    }
                    tell(args, tale.title, told)?;
                }
                Err(Problem::Unavailable(why)) if args.name.is_none() => {
                    anstream::eprintln!("{} at {}: {QUIET}not available: {why}{QUIET:#}", tale.name, level.title());
                }
                Err(problem) => return Err(problem.into()),
            }
        }
    }
    Ok(exit)
}

fn tell(args: &Args, title: &str, told: Told) -> Result<(), Failure> {
    if args.json {
        return print_json(&Document { schema: "stagewalk.kvm.story/1", told });
    }
    let mut out = anstream::stdout().lock();
    writeln!(out, "{HEADING}{} at {}{HEADING:#}: {title}", told.story, told.level.title())?;
    for (time, what) in &told.events {
        writeln!(out, "{time:>9} µs  {what}")?;
    }
    let (mark, style, word) =
        if told.as_expected { ("✓", GOOD, "as it should be") } else { ("✗", FAULT, "otherwise") };
    writeln!(out, "{style}{mark} {word}{style:#}\n")?;
    Ok(())
}
