//! `stagewalk features`: what there is to implement, and what cores do.

use crate::failure::{Exit, Failure};
use crate::source;
use crate::style::{HEADING, QUIET, word, wrap};
use serde::Serialize;
use stagewalk::feature::{Feature, Features};
use stagewalk::preset::Preset;
use stagewalk::scenario::names::lookup;
use std::io::{self, Write};

/// List the architectural features: what each adds, what it needs, and where its ID register announces it.
#[derive(clap::Args)]
#[command(after_long_help = "\
Examples:
  stagewalk features
  stagewalk features FEAT_LPA2 FEAT_D128
  stagewalk features --cpus
  stagewalk features --cpu neoverse-v1 --json

at and walk refuse a machine one of whose features lacks what it needs.")]
pub struct Args {
    /// The features to show; all unless given.
    #[arg(value_name = "NAME", value_parser = lookup::<Feature>)]
    names: Vec<Feature>,
    /// Show what a core implements, and its ID registers.
    #[arg(long, value_name = "NAME", value_parser = source::cpu)]
    cpu: Option<&'static Preset>,
    /// List the cores.
    #[arg(long, conflicts_with_all = ["names", "cpu"])]
    cpus: bool,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<Core>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpus: Option<Vec<Core>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    features: Option<Vec<Row>>,
}

#[derive(Serialize)]
struct Core {
    name: &'static str,
    title: &'static str,
    source: &'static str,
    pa_bits: u8,
    registers: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    meaning: &'static str,
    requires: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requires_with_el2: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    announced_by: Option<Field>,
}

#[derive(Serialize)]
struct Field {
    register: &'static str,
    field: &'static str,
    minimum: u64,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let mut out = anstream::stdout().lock();
    let implemented = args.cpu.map_or(Features::ALL, Preset::features);
    let asked = |feature: &Feature| args.names.is_empty() || args.names.contains(feature);
    let features: Vec<Feature> = implemented.iter().filter(asked).collect();
    if args.json {
        let answer = Answer {
            schema: "stagewalk.features/1",
            cpu: args.cpu.map(core),
            cpus: args.cpus.then(|| Preset::ALL.iter().map(core).collect()),
            features: (!args.cpus).then(|| features.iter().copied().map(row).collect()),
        };
        writeln!(out, "{}", serde_json::to_string(&answer).map_err(io::Error::from)?)?;
    } else if args.cpus {
        for preset in Preset::ALL {
            introduce(&mut out, preset)?;
        }
    } else {
        if let Some(preset) = args.cpu {
            introduce(&mut out, preset)?;
            registers(&mut out, preset)?;
            writeln!(out)?;
        }
        for feature in features {
            tell(&mut out, feature)?;
        }
    }
    Ok(Exit::Answered)
}

fn introduce(out: &mut impl Write, preset: &Preset) -> io::Result<()> {
    let Preset { name, title, source, .. } = preset;
    writeln!(out, "{HEADING}{name:<12}{HEADING:#} {title}, {}-bit physical addresses", preset.pa_bits())?;
    writeln!(out, "{:13}{QUIET}{}{QUIET:#}", "", wrap(source, 13, 13))
}

fn registers(out: &mut impl Write, preset: &Preset) -> io::Result<()> {
    for (register, value) in preset.registers {
        writeln!(out, "  {:<17} = {}", register.name(), word(u128::from(*value), 64))?;
    }
    Ok(())
}

/// The feature, what it adds, and below what it needs and what announces it.
fn tell(out: &mut impl Write, feature: Feature) -> io::Result<()> {
    const COLUMN: usize = 25;
    let name = feature.name();
    writeln!(out, "{HEADING}{name:<24}{HEADING:#} {}", wrap(feature.meaning(), COLUMN, COLUMN))?;
    let mut needs: Vec<String> = feature.requires().iter().map(|needed| needed.name().into()).collect();
    needs.extend(feature.requires_with_el2().map(|needed| format!("{} where EL2 is implemented", needed.name())));
    let needs = (!needs.is_empty()).then(|| format!("needs {}", needs.join(", ")));
    let announced = feature.id_field().map(|id| format!("{}.{} ≥ {}", id.register, id.field, id.minimum));
    let said: Vec<String> = needs.into_iter().chain(announced).collect();
    if said.is_empty() {
        Ok(())
    } else {
        writeln!(out, "{:COLUMN$}{QUIET}{}{QUIET:#}", "", wrap(&said.join("; "), COLUMN, COLUMN))
    }
}

fn core(preset: &'static Preset) -> Core {
    let Preset { name, title, source, registers } = *preset;
    let registers = registers.iter().map(|(register, value)| (register.name().into(), format!("{value:#x}").into()));
    Core { name, title, source, pa_bits: preset.pa_bits(), registers: registers.collect() }
}

fn row(feature: Feature) -> Row {
    Row {
        name: feature.name(),
        meaning: feature.meaning(),
        requires: feature.requires().iter().map(|needed| needed.name()).collect(),
        requires_with_el2: feature.requires_with_el2().map(Feature::name),
        announced_by: feature.id_field().map(|id| Field {
            register: id.register,
            field: id.field,
            minimum: id.minimum,
        }),
    }
}
