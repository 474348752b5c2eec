//! `stagewalk completions`, `stagewalk man` and `stagewalk examples`.

use crate::Cli;
use crate::failure::{Exit, Failure};
use crate::source;
use crate::style::HEADING;
use clap::CommandFactory;
use clap_complete::Shell;
use stagewalk::scenario::examples;
use std::io::{self, Write};

/// Print a completion script for a shell.
#[derive(clap::Args)]
#[command(after_long_help = "\
Example:
  stagewalk completions bash > ~/.local/share/bash-completion/completions/stagewalk")]
pub struct CompletionsArgs {
    shell: Shell,
}

/// Print the manual page.
#[derive(clap::Args)]
#[command(after_long_help = "\
Example:
  stagewalk man | man -l -")]
pub struct ManArgs {}

/// List the built-in examples, or print one as a case to change and run again.
#[derive(clap::Args)]
#[command(after_long_help = "\
Examples:
  stagewalk examples
  stagewalk examples page-4k > case.json
  stagewalk walk --scenario case.json")]
pub struct ExamplesArgs {
    /// The example to print, as JSON.
    name: Option<String>,
}

pub fn completions(args: &CompletionsArgs) -> Result<Exit, Failure> {
    clap_complete::generate(args.shell, &mut Cli::command(), "stagewalk", &mut io::stdout().lock());
    Ok(Exit::Answered)
}

pub fn man() -> Result<Exit, Failure> {
    clap_mangen::Man::new(Cli::command()).render(&mut io::stdout().lock())?;
    Ok(Exit::Answered)
}

pub fn list_examples(args: &ExamplesArgs) -> Result<Exit, Failure> {
    let mut out = anstream::stdout().lock();
    if let Some(name) = &args.name {
        let case = source::example(name)?.case();
        writeln!(out, "{}", serde_json::to_string_pretty(&case).map_err(io::Error::from)?)?;
        return Ok(Exit::Answered);
    }
    for example in examples::ALL {
        writeln!(out, "{HEADING}{:<16}{HEADING:#} {}", example.name, example.title)?;
    }
    Ok(Exit::Answered)
}
