//! `stagewalk kvm at` and `stagewalk kvm walk`: one case on the machine, beside the model.

use super::print_json;
use crate::failure::{Exit, Failure};
use crate::source::Source;
use crate::style::{FAULT, GOOD, HEADING};
use crate::{report, style, walk};
use serde::Serialize;
use stagewalk::kvm::{self, Level, Machine, Verdict};
use stagewalk::scenario::Expect;
use stagewalk::scenario::batch::MachineAnswer;
use stagewalk::view::Translation;
use std::io::Write;

/// The case runs at EL1, or at virtual EL2 where it says EL2. The VM has its own features, which replace the case's.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    level: Level,
    #[serde(flatten)]
    verdict: &'a Verdict,
    machine: MachineAnswer<&'a str>,
    model: Expect,
}

struct Asked {
    level: Level,
    both: kvm::Asked,
}

fn ask(args: &Args) -> Result<Asked, Failure> {
    let case = args.source.case()?;
    let level = Level::of(&case);
    let both = kvm::ask(&mut Machine::new(level)?, &case)?;
    Ok(Asked { level, both })
}

impl Asked {
    fn json(&self) -> Result<(), Failure> {
        print_json(&Document {
            schema: "stagewalk.kvm.at/1",
            level: self.level,
            verdict: &self.both.verdict,
            machine: MachineAnswer::new(&self.both.fit.case.id, &self.both.machine),
            model: self.both.model.to_expect(),
        })
    }

    /// The machine's answer, and how it compares.
    fn machine(&self, out: &mut impl Write) -> Result<(), Failure> {
        let case = &self.both.fit.case;
        let heading = HEADING;
        writeln!(out, "{heading}{}, on the machine ({}){heading:#}", report::question(case), self.level.title())?;
        let view = Translation::new(&case.pe, case.op, case.va, &self.both.machine.answer, Vec::new());
        report::result(out, &view.result)?;
        for &(address, word) in &self.both.machine.writes {
            writeln!(out, "a descriptor became {} at {}", style::word(word.into(), 64), style::hex(address.into()))?;
        }
        let (mark, style, said) = match &self.both.verdict {
            Verdict::Equal => ("✓", GOOD, "the model gives the same answer".into()),
            Verdict::Explained(rows) => ("✓", GOOD, format!("the model differs as known: row {}", style::list(rows))),
            Verdict::Unexplained => ("✗", FAULT, "the model gives another answer".into()),
        };
        writeln!(out, "\n{style}{mark} {said}{style:#}")?;
        Ok(())
    }

    const fn exit(&self) -> Exit {
        if matches!(self.both.verdict, Verdict::Unexplained) { Exit::Fault } else { Exit::Answered }
    }
}

pub fn at(args: &Args) -> Result<Exit, Failure> {
    let asked = ask(args)?;
    if args.json {
        asked.json()?;
        return Ok(asked.exit());
    }
    let mut out = anstream::stdout().lock();
    asked.machine(&mut out)?;
    if asked.both.verdict != Verdict::Equal {
        writeln!(out, "\n{HEADING}On the model{HEADING:#}")?;
        let case = &asked.both.fit.case;
        let view =
            Translation::new(&case.pe, case.op, case.va, &asked.both.model.answer, asked.both.model.steps.clone());
        report::result(&mut out, &view.result)?;
    }
    Ok(asked.exit())
}

pub fn walk(args: &Args) -> Result<Exit, Failure> {
    let asked = ask(args)?;
    if args.json {
        asked.json()?;
        return Ok(asked.exit());
    }
    let mut out = anstream::stdout().lock();
    walk::tell(&mut out, &asked.both.fit.case, &asked.both.model)?;
    writeln!(out)?;
    asked.machine(&mut out)?;
    Ok(asked.exit())
}
