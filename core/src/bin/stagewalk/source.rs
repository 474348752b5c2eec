//! Where a command gets its machine from, and what it changes about it.

use crate::failure::Failure;
use crate::{input, style};
use stagewalk::access::Op;
use stagewalk::choice::{Choice, ChoiceError, Choices};
use stagewalk::feature::{Feature, Features};
use stagewalk::layout::sysreg::SysReg;
use stagewalk::pe::Pe;
use stagewalk::preset::Preset;
use stagewalk::scenario::dump::Dump;
use stagewalk::scenario::names::lookup;
use stagewalk::scenario::number::{parse_hex, parse_hex64};
use stagewalk::scenario::{Case, ScenarioError, examples, parse_address};
use std::path::{Path, PathBuf};

/// The machine, and what is asked of it.
#[derive(clap::Args)]
pub struct Source {
    /// The instruction, for example S1E1R or S12E0W, or an access: LDR, STR, LDTR, STTR, FETCH, SWP, or
    /// to a guarded control stack GCSPOPM, GCSSTR, GCSSTTR, GCSSS1.
    #[arg(value_parser = lookup::<Op>)]
    op: Option<Op>,
    /// The address.
    #[arg(value_parser = parse_hex64)]
    va: Option<u64>,
    #[command(flatten)]
    machine: Machine,
}

/// The machine.
#[derive(clap::Args)]
pub struct Machine {
    /// A case in the JSON format of the conformance vectors, plain or gzipped; `-` is standard input.
    #[arg(long, value_name = "FILE", help_heading = "Machine", conflicts_with_all = ["dump", "example"])]
    scenario: Option<PathBuf>,
    /// Which case, when the file holds several.
    #[arg(long, value_name = "ID", help_heading = "Machine", requires = "scenario")]
    id: Option<String>,
    /// A captured machine: a directory with meta.json, regs.json, pages.json and pages.bin or pages.bin.gz.
    #[arg(long, value_name = "DIR", help_heading = "Machine", conflicts_with = "example")]
    dump: Option<PathBuf>,
    /// A built-in example; `stagewalk examples` lists them.
    #[arg(long, value_name = "NAME", help_heading = "Machine")]
    example: Option<String>,
    /// Set a system register, for example TCR_EL1=0x19. May be repeated, as may the options below.
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Changes", value_parser = register)]
    reg: Vec<(SysReg, u128)>,
    /// Set a doubleword of physical memory, for example 0x4100_0000=0x4100_1003.
    #[arg(long, value_name = "ADDRESS=WORD", help_heading = "Changes", value_parser = doubleword)]
    mem: Vec<(u64, u64)>,
    /// The Exception level that executes the instruction.
    #[arg(long, value_name = "0-3", help_heading = "Changes", value_parser = clap::value_parser!(u8).range(0..=3))]
    el: Option<u8>,
    /// PSTATE.PAN.
    #[arg(long, value_name = "0|1", help_heading = "Changes", value_parser = clap::value_parser!(u8).range(0..=1))]
    pan: Option<u8>,
    /// Make the machine a core of this kind: its features and its physical address size. `stagewalk features --cpus`
    /// lists the cores.
    #[arg(long, value_name = "NAME", help_heading = "Changes", value_parser = cpu)]
    cpu: Option<&'static Preset>,
    /// Implement a feature, for example FEAT_LPA2; `stagewalk features` lists them.
    #[arg(long, value_name = "NAME", help_heading = "Changes", value_parser = lookup::<Feature>)]
    feature: Vec<Feature>,
    /// Do not implement a feature.
    #[arg(long, value_name = "NAME", help_heading = "Changes", value_parser = lookup::<Feature>)]
    no_feature: Vec<Feature>,
    /// Decide a point that the architecture leaves open, for example block_nt_faults=false.
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Changes", value_parser = choice)]
    choice: Vec<(Choice, u8)>,
    /// Answer even if no machine can have these features together, as batch and check do.
    #[arg(long, help_heading = "Changes")]
    impossible: bool,
}

impl Source {
    /// The case to run. An instruction or an address on the command line replaces the case's own.
    pub fn case(&self) -> Result<Case, Failure> {
        let mut case = self.machine.case(|machine| self.question(machine))?;
        case.op = self.op.unwrap_or(case.op);
        case.va = self.va.unwrap_or(case.va);
        Ok(case)
    }

    fn question(&self, machine: &str) -> Result<(Op, u64), Failure> {
        self.op.zip(self.va).ok_or_else(|| {
            let message = format_args!("{machine} comes with no instruction and no address").to_string();
            Failure::usage(message, "Name them first, for example: stagewalk walk S1E1R 0x4008_0123 …")
        })
    }
}

impl Machine {
    /// The machine, with the changes made; what it is asked is `question`'s to say where it comes with nothing to ask.
    pub fn case(&self, question: impl Fn(&str) -> Result<(Op, u64), Failure>) -> Result<Case, Failure> {
        let mut case = self.load(question)?;
        for &(address, word) in &self.mem {
            case.memory.write(address, word);
        }
        let given = case.pe.features;
        self.change(&mut case.pe);
        if !self.impossible {
            self.refuse_impossible(given, case.pe.features)?;
        }
        Ok(case)
    }

    /// Refuses features that cannot be implemented together, and says how to go on.
    fn refuse_impossible(&self, given: Features, features: Features) -> Result<(), Failure> {
        let Err(error) = features.check() else { return Ok(()) };
        let refusal = match &self.scenario {
            Some(path) if given == features => {
                Failure::bad_input(format_args!("{}: features", input::name(path)), error)
            }
            _ => Failure::usage(format_args!("no machine has these features: {error}"), ""),
        };
        let missing = features.completed().minus(features);
        let needy = features.minus(features.closed());
        Err(refusal.with_hint(format_args!(
            "Implement what is missing:\n  {}\nor leave out what needs it:\n  {}\n\
             or have it answered all the same:\n  --impossible",
            options(missing, ("--feature", "--no-feature"), &self.no_feature),
            options(needy, ("--no-feature", "--feature"), &self.feature),
        )))
    }

    fn load(&self, question: impl Fn(&str) -> Result<(Op, u64), Failure>) -> Result<Case, Failure> {
        if let Some(path) = &self.scenario {
            return scenario(path, self.id.as_deref());
        }
        if let Some(name) = &self.example {
            return example(name).map(|example| example.case());
        }
        if let Some(directory) = &self.dump {
            let (op, va) = question("a captured machine")?;
            return Ok(dump(directory)?.case(op, va));
        }
        if self.reg.is_empty() {
            let hint = "Give --example NAME (`stagewalk examples` lists them), --scenario FILE or --dump DIR, \
                        or set registers with --reg.";
            return Err(Failure::usage("no machine to ask", hint));
        }
        let (op, va) = question("a machine made of --reg")?;
        Ok(Case::new(op, va))
    }

    fn change(&self, pe: &mut Pe) {
        for &(register, value) in &self.reg {
            pe.regs.set(register, value);
        }
        if let Some(cpu) = self.cpu {
            (pe.features, pe.choices, pe.pa_bits) = (cpu.features(), cpu.choices(), cpu.pa_bits());
        }
        pe.features = self.feature.iter().fold(pe.features, |set, &feature| set.with(feature));
        pe.features = self.no_feature.iter().fold(pe.features, |set, &feature| set.without(feature));
        pe.choices = self.choice.iter().fold(pe.choices, |set, &(choice, value)| set.with(choice, value));
        pe.el = self.el.unwrap_or(pe.el);
        pe.pan = self.pan.map_or(pe.pan, |pan| pan == 1);
    }
}

/// What to write on the command line, and what to take from it because it says the contrary.
fn options(features: Features, (option, contrary): (&str, &str), said: &[Feature]) -> String {
    let (said, unsaid): (Vec<Feature>, Vec<Feature>) = features.iter().partition(|feature| said.contains(feature));
    let dropped = said.iter().map(|feature| format!("without {contrary} {}", feature.name()));
    let added = unsaid.iter().map(|feature| format!("{option} {}", feature.name()));
    style::wrap(&dropped.chain(added).collect::<Vec<_>>().join(" "), 2, 2)
}

/// A captured machine from its directory.
pub fn dump(directory: &Path) -> Result<Dump, Failure> {
    let part = |name: &str| input::read(&directory.join(name));
    let plain = directory.join("pages.bin");
    let pages = if plain.exists() { input::read(&plain)? } else { part("pages.bin.gz")? };
    let dump = Dump::from_parts(&part("regs.json")?, &part("pages.json")?, &part("meta.json")?, &pages);
    dump.map_err(|problem| Failure::bad_input(directory.display(), problem))
}

/// The built-in example of this name.
pub fn example(name: &str) -> Result<examples::Example, Failure> {
    let names: Vec<&str> = examples::ALL.iter().map(|example| example.name).collect();
    let hint = || format!("The examples are: {}.", names.join(", "));
    examples::Example::find(name).ok_or_else(|| Failure::usage(format_args!("no example is called `{name}`"), hint()))
}

/// The case in a file, or the one of this id where the file holds several.
fn scenario(path: &Path, id: Option<&str>) -> Result<Case, Failure> {
    let text = input::read(path)?;
    let place = input::name(path);
    let mut cases = Vec::new();
    for case in serde_json::Deserializer::from_slice(&text).into_iter::<Case>() {
        cases.push(case.map_err(|error| Failure::bad_input(&place, ScenarioError::from(error)))?);
    }
    let count = cases.len();
    if let Some(id) = id {
        let found = cases.into_iter().find(|case| case.id == id);
        return found
            .ok_or_else(|| Failure::bad_input(&place, format_args!("none of its {count} cases has the id `{id}`")));
    }
    match cases.pop() {
        Some(case) if count == 1 => Ok(case),
        Some(case) => {
            let hint = format!("Choose one by its id, for example --id {}", case.id);
            Err(Failure::usage(format_args!("{place} holds {count} cases"), hint))
        }
        None => Err(Failure::bad_input(&place, "no case in it; expected a JSON object with op, el, va, regs and mem")),
    }
}

/// The two sides of `NAME=VALUE`.
fn assignment(given: &str) -> Result<(&str, &str), String> {
    given.split_once('=').ok_or_else(|| "expected NAME=VALUE".into())
}

fn register(given: &str) -> Result<(SysReg, u128), String> {
    let (name, value) = assignment(given)?;
    let register: SysReg = lookup(name)?;
    let value = parse_hex(value).map_err(|problem| problem.message)?;
    let width = register.width();
    if width < 128 && value >> width != 0 { Err(format!("{name} has {width} bits")) } else { Ok((register, value)) }
}

fn doubleword(given: &str) -> Result<(u64, u64), String> {
    let (address, word) = assignment(given)?;
    let address = parse_address(address).map_err(|problem| problem.message)?;
    Ok((address, parse_hex64(word).map_err(|problem| problem.message)?))
}

/// The core of this name.
pub fn cpu(name: &str) -> Result<&'static Preset, String> {
    let known: Vec<&str> = Preset::ALL.iter().map(|preset| preset.name).collect();
    Preset::from_name(name).ok_or_else(|| format!("expected one of {}", known.join(", ")))
}

fn choice(given: &str) -> Result<(Choice, u8), String> {
    let (name, value) = assignment(given)?;
    let choice: Choice = lookup(name)?;
    let mut choices = Choices::default();
    choices.set(name, value).map_err(|problem: ChoiceError| problem.to_string())?;
    Ok((choice, choices.get(choice)))
}
