//! `stagewalk batch`: many cases, one a line.

use crate::failure::{Exit, Failure};
use crate::source;
use serde::{Deserialize, Serialize};
use stagewalk::access::Op;
use stagewalk::scenario::batch::{Answer, answer};
use stagewalk::scenario::dump::Dump;
use stagewalk::scenario::names::lookup;
use stagewalk::scenario::number::Hex;
use stagewalk::scenario::{Case, ScenarioError, run as run_on};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;

/// Answer cases from standard input, one JSON object a line, with one JSON object a line on standard output.
///
/// A case is in the format of the conformance vectors; its answer is {"id", "status", "par", "par_ignore",
/// "exception", "fault", "output", "writes", "reads"}, without what does not apply. A line that cannot be read is
/// answered with {"line", "error"}; the run goes on.
///
/// The features of a case are taken as they are, also where no machine can have them together, as in most vectors;
/// --strict answers such a case with {"id", "status": "impossible", "reason"}.
#[derive(clap::Args)]
#[command(after_long_help = "\
Examples:
  zcat base.jsonl.gz | stagewalk batch > answers.jsonl
  echo '{\"id\": 1, \"op\": \"S1E1R\", \"va\": \"0xffff_8000_0800_0000\"}' | stagewalk batch --dump DIR

Exits with 3 if any line could not be read.")]
pub struct Args {
    /// Ask one captured machine: cases are {"id", "op", "el", "va"}, registers and memory come from the
    /// directory.
    #[arg(long, value_name = "DIR")]
    dump: Option<PathBuf>,
    /// Refuse a case whose features cannot be implemented together.
    #[arg(long, conflicts_with = "dump")]
    strict: bool,
    /// Who answers. The machine's answers have a list "untold" of the fields that hardware cannot tell, and
    /// {"status": "unfit", "reason"} stands for a case that no VM can ask.
    #[cfg(feature = "kvm")]
    #[arg(long, value_enum, default_value_t = Engine::Model, conflicts_with = "dump")]
    engine: Engine,
}

/// Who answers.
#[cfg(feature = "kvm")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Engine {
    /// The model.
    Model,
    /// A real machine, by KVM: see `stagewalk kvm`.
    Kvm,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let dump = args.dump.as_deref().map(source::dump).transpose()?;
    let mut input = BufReader::with_capacity(1 << 16, io::stdin().lock());
    let mut output = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut line = Vec::new();
    let mut exit = Exit::Answered;
    #[cfg(feature = "kvm")]
    let mut machines = (args.engine == Engine::Kvm).then(crate::kvm::Machines::find).transpose()?;
    for number in 1.. {
        if input.buffer().is_empty() {
            output.flush()?; // whoever asks a question at a time waits for the answer
        }
        line.clear();
        let read = input.read_until(b'\n', &mut line);
        if read.map_err(|error| Failure::bad_input(format_args!("standard input, line {number}"), error))? == 0 {
            break;
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let answered = match &dump {
            #[cfg(feature = "kvm")]
            None if machines.is_some() => {
                let case = Case::from_slice(text);
                let answered = machines.as_mut().zip(case.as_ref().ok()).map(|(all, case)| all.answer(case));
                match answered.transpose()? {
                    Some(answer) => write_line(&mut output, &answer).map(Ok),
                    None => Ok(case.map(drop)),
                }
            }
            None => answer_case(&mut output, text, args.strict),
            Some(dump) => answer_question(&mut output, dump, text),
        };
        if let Err(error) = answered? {
            exit = Exit::BadInput;
            write_line(&mut output, &Refusal { line: number, error: error.in_line() })?;
        }
    }
    output.flush()?;
    Ok(exit)
}

#[derive(Serialize)]
struct Refusal {
    line: usize,
    error: String,
}

/// A question to a captured machine. The id may be anything; it comes back as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    #[serde(default)]
    id: serde_json::Value,
    op: String,
    el: Option<u8>,
    va: Hex,
}

type Answered = io::Result<Result<(), ScenarioError>>;

fn answer_case(output: &mut impl Write, text: &[u8], strict: bool) -> Answered {
    let case = match Case::from_slice(text) {
        Ok(case) => case,
        Err(error) => return Ok(Err(error)),
    };
    if strict && let Err(error) = case.pe.features.check() {
        let refusal = Answer::Unanswered { id: &case.id, status: "impossible", reason: error.to_string() };
        return write_line(output, &refusal).map(Ok);
    }
    write_line(output, &answer(&case.id, &case.run())).map(Ok)
}

fn answer_question(output: &mut impl Write, dump: &Dump, text: &[u8]) -> Answered {
    let (id, op, el, va) = match read_question(text) {
        Ok(question) => question,
        Err(error) => return Ok(Err(error)),
    };
    let mut pe = dump.pe.clone();
    pe.el = el.unwrap_or(pe.el);
    write_line(output, &answer(&id, &run_on(&pe, op, va, &dump.memory))).map(Ok)
}

fn read_question(text: &[u8]) -> Result<(serde_json::Value, Op, Option<u8>, u64), ScenarioError> {
    let question: Question = serde_json::from_slice(text)?;
    let op = lookup(&question.op).map_err(|problem| ScenarioError::new(format_args!("op: {problem}")))?;
    if let Some(el) = question.el.filter(|&el| el > 3) {
        return Err(ScenarioError::new(format_args!("el: {el} is not one of 0, 1, 2, 3")));
    }
    let va = question.va.0.try_into();
    let va = va.map_err(|_| ScenarioError::new(format_args!("va: {} has more than 64 bits", question.va)))?;
    Ok((question.id, op, question.el, va))
}

fn write_line(output: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *output, value)?;
    output.write_all(b"\n")
}
