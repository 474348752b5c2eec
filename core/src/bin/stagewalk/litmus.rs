//! `stagewalk litmus`: tests with published verdicts.

use crate::failure::{Exit, Failure};
use crate::input;
use stagewalk::scenario::litmus::{Options, Test, answer};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// Explore litmus tests for translation, one JSON object a line, and compare with what was published.
///
/// For each test one JSON line: {"name", "verdict", "published", "agree", "states", "why"}. `verdict` is ours and
/// `published` the record's; `agree` is null where the test needs what the machine does not model, and `why` says
/// what. For software-walk records there are also "reference_hw", the outcomes of a hardware AT, and "policies", for
/// each {"outcomes", "extra"}; they agree when all sets are equal. The last line is a sum.
#[derive(clap::Args)]
#[command(after_long_help = "\
Examples:
  stagewalk litmus litmus.jsonl.gz
  stagewalk litmus --early litmus.jsonl.gz    without FEAT_ETS2, against the verdicts for that
  zcat litmus.jsonl.gz | grep '\"core\":true' | stagewalk litmus -

Exits with 3 if any line could not be read.")]
pub struct Args {
    /// Files of tests, plain or gzipped; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Early translation: walks may be made before their turn in program order, as without FEAT_ETS2.
    #[arg(long)]
    early: bool,
    /// The most states to keep of one test; a test that has more is out of model, and says so.
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    limit_states: usize,
    /// Explore every interleaving, also those that make no difference.
    #[arg(long)]
    no_reduce: bool,
}

/// How many tests agree.
#[derive(Default)]
struct Sum {
    agree: usize,
    differ: usize,
    out_of_model: usize,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let options = Options { early: args.early, reduce: !args.no_reduce, states: args.limit_states };
    let mut output = BufWriter::new(io::stdout().lock());
    let mut sum = Sum::default();
    let mut exit = Exit::Answered;
    for path in &args.files {
        let place = input::name(path);
        let mut reader = input::open(path)?;
        input::for_each_line(&mut *reader, &place, |number, text| {
            match Test::from_slice(text).and_then(|test| answer(&test, options)) {
                Ok(answer) => {
                    match answer.agree {
                        Some(true) => sum.agree += 1,
                        Some(false) => sum.differ += 1,
                        None => sum.out_of_model += 1,
                    }
                    serde_json::to_writer(&mut output, &answer).map_err(io::Error::from)?;
                    output.write_all(b"\n")?;
                }
                Err(error) => {
                    exit = Exit::BadInput;
                    output.flush()?;
                    Failure::bad_input(format_args!("{place}, line {number}"), error.in_line()).report();
                }
            }
            Ok(())
        })?;
    }
    writeln!(output, "{} agree, {} differ, {} out of model", sum.agree, sum.differ, sum.out_of_model)?;
    output.flush()?;
    Ok(exit)
}
