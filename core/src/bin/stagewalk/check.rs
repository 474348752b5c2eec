//! `stagewalk check`: does the engine give the answers that files expect?

use crate::failure::{Exit, Failure};
use crate::input;
use crate::style::{FAULT, GOOD};
use serde::Serialize;
use stagewalk::scenario::{Case, Difference, expect};
use std::io::Write;
use std::path::PathBuf;

/// Run the cases of vector files and compare every answer with the one they expect.
///
/// Prints each difference, and at the end how many cases passed and failed. Bits that a case marks as UNKNOWN are not
/// compared. Features are taken as they are, also where no machine can have them together.
#[derive(clap::Args)]
#[command(after_long_help = "\
Examples:
  stagewalk check tests/vectors/arm/*.jsonl.gz
  zcat nested.jsonl.gz | head -100 | stagewalk check -

Exits with 1 if any case fails, and with 3 if a file cannot be read.")]
pub struct Args {
    /// Files of one case a line, plain or gzipped; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Default, Serialize)]
struct Report {
    schema: &'static str,
    passed: usize,
    failed: usize,
    mismatches: Vec<Mismatch>,
}

#[derive(Serialize)]
struct Mismatch {
    id: String,
    #[serde(flatten)]
    difference: Difference,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let mut out = anstream::stdout().lock();
    let mut report = Report { schema: "stagewalk.check/1", ..Report::default() };
    for path in &args.files {
        let place = input::name(path);
        let mut reader = input::open(path)?;
        input::for_each_line(&mut reader, &place, |number, line| {
            let wrong = |problem: String| Failure::bad_input(format_args!("{place}, line {number}"), problem);
            let (case, expect) = Case::with_expect(line).map_err(|error| wrong(error.in_line()))?;
            let expect = expect.ok_or_else(|| wrong("expect: missing; expected the answer to compare with".into()))?;
            let differences = expect::compare(&expect, &case.run());
            if differences.is_empty() {
                report.passed += 1;
                return Ok(());
            }
            report.failed += 1;
            for difference in differences {
                if args.json {
                    report.mismatches.push(Mismatch { id: case.id.clone(), difference });
                } else {
                    let Difference { field, expected, got } = difference;
                    writeln!(out, "{}: {field}: expected {expected}, got {got}", case.id)?;
                }
            }
            Ok(())
        })?;
    }
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&report).map_err(std::io::Error::from)?)?;
    } else {
        let style = if report.failed == 0 { GOOD } else { FAULT };
        writeln!(out, "{style}{} passed, {} failed{style:#}", report.passed, report.failed)?;
    }
    Ok(if report.failed == 0 { Exit::Answered } else { Exit::Fault })
}
