//! `stagewalk at`: the answer alone.

use crate::failure::{Exit, Failure};
use crate::source::Source;
use crate::{report, style};
use serde::Serialize;
use stagewalk::scenario::{Expect, Run};
use stagewalk::view::Translation;
use std::io::Write;

/// Execute an AT instruction, or an access, and show its result: PAR_EL1 or the exception, field by field.
#[derive(clap::Args)]
#[command(after_long_help = "\
Examples:
  stagewalk at --example nested
  stagewalk at S1E1W 0x4008_0123 --example read-only --fail-on-fault
  stagewalk at S1E1R ffff_8000_1000_0000 --dump DIR --json
  stagewalk at S12E1R 0x1000 --scenario case.json --el 2 --reg HCR_EL2=8000_0001
  jq -c .case saved.json | stagewalk at --scenario -")]
pub struct Args {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    output: OutputArgs,
}

/// How to answer.
#[derive(clap::Args)]
pub struct OutputArgs {
    /// Answer in JSON.
    #[arg(long)]
    pub json: bool,
    /// Exit with 1 if the result is a fault, an exception or UNDEFINED.
    #[arg(long)]
    pub fail_on_fault: bool,
}

impl OutputArgs {
    /// How a command that gave this answer exits.
    pub fn exit(&self, run: &Run) -> Exit {
        if self.fail_on_fault && report::has_failed(run) { Exit::Fault } else { Exit::Answered }
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    schema: &'static str,
    op: &'static str,
    el: u8,
    va: String,
    #[serde(flatten)]
    expect: &'a Expect,
}

pub fn run(args: Args) -> Result<Exit, Failure> {
    let case = args.source.case()?;
    let run = case.trace();
    let mut out = anstream::stdout().lock();
    if args.output.json {
        let expect = &run.to_expect();
        let va = format!("{:#x}", case.va);
        let answer = Answer { schema: "stagewalk.at/1", op: case.op.name(), el: case.pe.el, va, expect };
        writeln!(out, "{}", serde_json::to_string(&answer).map_err(std::io::Error::from)?)?;
    } else {
        let heading = style::HEADING;
        writeln!(out, "{heading}{}{heading:#}", report::question(&case))?;
        let view = Translation::new(&case.pe, case.op, case.va, &run.answer, run.steps.clone());
        report::result(&mut out, &view.result)?;
        report::cost(&mut out, &run)?;
    }
    Ok(args.output.exit(&run))
}
