//! The `stagewalk` command: one file per subcommand. Answers go to standard output, everything else to standard error.

mod at;
mod batch;
mod check;
mod decode;
mod explore;
mod failure;
mod features;
mod input;
#[cfg(feature = "kvm")]
mod kvm;
mod litmus;
mod manual;
mod map;
mod overview;
mod replay;
mod report;
mod serve;
mod source;
mod style;
mod trace;
mod walk;

use clap::{Parser, Subcommand, ValueEnum};
use failure::{Exit, Failure};
use std::process::ExitCode;

/// Exact AArch64 address translation, explained: what an AT instruction or an access makes of an address, and why.
///
/// Stage 1, stage 2 and both nested, from the registers and the translation tables of any machine: the result,
/// PAR_EL1 or the exception, every descriptor read, and the rule behind every step.
#[derive(Parser)]
#[command(name = "stagewalk", version, after_long_help = AFTER_HELP, max_term_width = 100)]
struct Cli {
    /// When to use colour. NO_COLOR in the environment turns it off too.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  stagewalk walk --example stage2-hole         a guest's table page is missing at stage 2: the walk, step by step
  stagewalk at S1E1R 0xffff_8000_1000_0000 --dump DIR    ask a captured machine
  stagewalk walk --scenario case.json --json   everything about one case, for programs
  stagewalk map --dump DIR                     everything a captured machine maps, in ranges
  stagewalk decode PAR_EL1 0xb0f               what the bits say
  stagewalk batch < cases.jsonl > answers.jsonl
  stagewalk litmus tests.jsonl                 explore litmus tests, and compare with their published verdicts
  stagewalk explore swapped-out                every interleaving of several vCPUs, and what comes of each

Numbers are hexadecimal, with or without 0x, and may have _ between digits. `-` is standard input.

Exit codes:
  0  answered
  1  an architectural fault, with --fail-on-fault; for check, an answer that differs
  2  a command that makes no sense: see --help
  3  input that cannot be read
  4  something this needs is not available
  5  an exploration that a limit or Ctrl-C ended early";

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Color {
    /// Where standard output is a terminal.
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

#[derive(Subcommand)]
enum Command {
    At(at::Args),
    Walk(walk::Args),
    Map(map::Args),
    Decode(decode::Args),
    Features(features::Args),
    Explore(explore::Args),
    Replay(replay::Args),
    Check(check::Args),
    Batch(batch::Args),
    Litmus(litmus::Args),
    #[cfg(feature = "kvm")]
    Kvm(kvm::Args),
    Serve(serve::Args),
    Examples(manual::ExamplesArgs),
    Completions(manual::CompletionsArgs),
    #[command(hide = true)]
    Man(manual::ManArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    }
    .write_global();
    let done = match cli.command {
        Command::At(args) => at::run(args),
        Command::Walk(args) => walk::run(args),
        Command::Map(args) => map::run(&args),
        Command::Decode(args) => decode::run(args),
        Command::Features(args) => features::run(&args),
        Command::Explore(args) => explore::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Batch(args) => batch::run(&args),
        Command::Litmus(args) => litmus::run(&args),
        #[cfg(feature = "kvm")]
        Command::Kvm(args) => kvm::run(args),
        Command::Serve(args) => serve::run(&args),
        Command::Examples(args) => manual::list_examples(&args),
        Command::Completions(args) => manual::completions(&args),
        Command::Man(_) => manual::man(),
    };
    done.unwrap_or_else(Failure::report).into()
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
