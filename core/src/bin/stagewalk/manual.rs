//! `stagewalk completions`, `stagewalk man` and `stagewalk examples`.

use crate::Cli;
use crate::failure::{Exit, Failure};
use crate::source;
use crate::style::HEADING;
use clap::CommandFactory;
use clap_complete::Shell;
use stagewalk::scenario::examples;
use stagewalk::scenario::machine::stories::{self, Story};
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

/// List the built-in examples and scenarios of several vCPUs, or print one to change and run again.
#[derive(clap::Args)]
#[command(after_long_help = "\
Examples:
  stagewalk examples
  stagewalk examples page-4k > case.json
  stagewalk walk --scenario case.json
  stagewalk examples swapped-out > scenario.json
  stagewalk explore scenario.json")]
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
    if let Some(story) = args.name.as_deref().and_then(Story::find) {
        write!(out, "{}", story.text)?;
        return Ok(Exit::Answered);
    }
    if let Some(name) = &args.name {
        let case = source::example(name)?.case();
        writeln!(out, "{}", serde_json::to_string_pretty(&case).map_err(io::Error::from)?)?;
        return Ok(Exit::Answered);
    }
    for example in examples::ALL {
        writeln!(out, "{HEADING}{:<16}{HEADING:#} {}", example.name, example.title)?;
    }
    writeln!(out, "\nSeveral vCPUs, for `stagewalk explore`:")?;
    for story in stories::ALL {
        let title = story.scenario().map(|scenario| scenario.title).unwrap_or_default();
        writeln!(out, "{HEADING}{:<24}{HEADING:#} {title}", story.name)?;
    }
    Ok(Exit::Answered)
}
