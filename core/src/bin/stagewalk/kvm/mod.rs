//! `stagewalk kvm`: the same questions to a real machine.

mod ask;
mod diff;
mod story;

use crate::failure::{Exit, Failure};
use crate::style::{FAULT, GOOD, HEADING, QUIET};
use clap::{Subcommand, ValueEnum};
use serde::Serialize;
use stagewalk::kvm::{self, Asked, Level, Machine, Problem};
use stagewalk::scenario::Case;
use stagewalk::scenario::batch::MachineAnswer;
use std::io::{self, Write};

/// Ask a real machine: an arm64 host with KVM, whose VMs execute the AT instruction.
///
/// A case's registers and tables become those of a VM, at EL1 or, where the host has nested virtualization, as a guest
/// hypervisor at virtual EL2. Stage 2 of a VM is KVM's. Elsewhere than on arm64 Linux, exits with 4.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Probe(ProbeArgs),
    /// Execute an AT instruction on the machine, and show PAR_EL1 or the exception beside the model's.
    At(ask::Args),
    /// Walk the tables on the model, step by step, and show the machine's answer at the end.
    Walk(ask::Args),
    Story(story::Args),
    Diff(diff::Args),
}

/// Say what the host's VMs can do: their levels, features and sizes.
#[derive(clap::Args)]
struct ProbeArgs {
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

/// As what the VM's code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum At {
    /// A guest at EL1.
    El1,
    /// A guest hypervisor at virtual EL2, HCR_EL2.E2H = 1.
    Vel2,
    /// A guest hypervisor at virtual EL2, HCR_EL2.E2H = 0.
    Vel2Nvhe,
}

impl From<At> for Level {
    fn from(at: At) -> Self {
        match at {
            At::El1 => Self::El1,
            At::Vel2 => Self::Vel2,
            At::Vel2Nvhe => Self::Vel2Nvhe,
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Unavailable(why) => Self::unavailable(format_args!("no real machine: {why}")),
            Problem::Unfit(why) => Self::bad_input("the case", format_args!("no VM can ask it: {why}")),
            Problem::Failed(why) => Self::unavailable(format_args!("the real machine failed: {why}")),
        }
    }
}

pub fn run(args: Args) -> Result<Exit, Failure> {
    match args.command {
        Command::Probe(args) => probe(&args),
        Command::At(args) => ask::at(&args),
        Command::Walk(args) => ask::walk(&args),
        Command::Story(args) => story::run(&args),
        Command::Diff(args) => diff::run(&args),
    }
}

/// The machine at each level, made when it is first asked for.
pub struct Machines {
    levels: Vec<Level>,
    made: Vec<Machine>,
}

/// What a machine says of a case, in the schema of `batch`.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Answered<'a> {
    Machine(MachineAnswer<&'a str>),
    Unfit { id: &'a str, status: &'static str, reason: String },
}

impl Machines {
    /// Those that this host offers.
    pub fn find() -> Result<Self, Failure> {
        Ok(Self { levels: kvm::levels()?, made: Vec::new() })
    }

    /// Asks the machine of the case's level.
    pub fn answer<'a>(&mut self, case: &'a Case) -> Result<Answered<'a>, Failure> {
        let id = case.id.as_str();
        let run = self.machine(case).and_then(|machine| {
            let mut fit = kvm::fit(case, &machine.limits()).map_err(Problem::Unfit)?;
            machine.run(&mut fit)
        });
        match run {
            Ok(run) => Ok(Answered::Machine(MachineAnswer::new(id, &run))),
            Err(Problem::Unfit(reason)) => Ok(Answered::Unfit { id, status: "unfit", reason }),
            Err(problem) => Err(problem.into()),
        }
    }

    /// Asks the machine of the case's level, and the model what the machine was asked.
    pub fn ask(&mut self, case: &Case) -> Result<Asked, Problem> {
        let asked = self.machine(case).and_then(|machine| kvm::ask(machine, case));
        if let Err(Problem::Failed(_)) = asked {
            // what it failed at may have left it in any state
            self.made.retain(|machine| machine.limits().level != Level::of(case));
        }
        asked
    }

    fn machine(&mut self, case: &Case) -> Result<&mut Machine, Problem> {
        let level = Level::of(case);
        if !self.levels.contains(&level) {
            return Err(Problem::Unfit(format!("this host has no VMs at {}", level.title())));
        }
        if !self.made.iter().any(|machine| machine.limits().level == level) {
            self.made.push(Machine::new(level)?);
        }
        let machine = self.made.iter_mut().find(|machine| machine.limits().level == level);
        machine.ok_or_else(|| Problem::Failed("no machine".into()))
    }
}

fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    writeln!(io::stdout().lock(), "{}", serde_json::to_string(value).map_err(io::Error::from)?)?;
    Ok(())
}

/// What the host offers, with the name of the form.
#[derive(Serialize)]
pub struct Probed {
    schema: &'static str,
    #[serde(flatten)]
    probe: kvm::Probe,
}

impl From<kvm::Probe> for Probed {
    fn from(probe: kvm::Probe) -> Self {
        Self { schema: "stagewalk.kvm.probe/1", probe }
    }
}

fn probe(args: &ProbeArgs) -> Result<Exit, Failure> {
    let probe = kvm::probe()?;
    if args.json {
        print_json(&Probed::from(probe))?;
        return Ok(Exit::Answered);
    }
    let mut out = anstream::stdout().lock();
    writeln!(out, "{HEADING}Linux {}{HEADING:#}, VMs of up to {} address bits", probe.kernel, probe.ipa_bits)?;
    for offer in &probe.levels {
        match &offer.missing {
            None => writeln!(out, "{GOOD}✓{GOOD:#} {}: {} bits", offer.level.title(), offer.pa_bits)?,
            Some(why) => writeln!(out, "{FAULT}✗{FAULT:#} {}: {why}", offer.level.title())?,
        }
        let features = crate::style::wrap(&offer.features.join(" "), 2, 2);
        writeln!(out, "  {QUIET}{features}{QUIET:#}")?;
    }
    match &probe.userfaultfd {
        None => writeln!(out, "{GOOD}✓{GOOD:#} memory can be withheld (userfaultfd)")?,
        Some(why) => writeln!(out, "{FAULT}✗{FAULT:#} memory cannot be withheld: {why}")?,
    }
    Ok(Exit::Answered)
}
