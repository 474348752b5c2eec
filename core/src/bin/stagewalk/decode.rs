//! `stagewalk decode`: what the bits of a word say.

use crate::failure::{Exit, Failure};
use crate::style::{FAULT, HEADING, QUIET, hex, wrap};
use crate::{input, report};
use clap::ValueEnum;
use serde::Serialize;
use stagewalk::layout::descriptor::{self, Context, Kind};
use stagewalk::layout::sysreg::SysReg;
use stagewalk::layout::{FieldValue, decode};
use stagewalk::scenario::ScenarioError;
use stagewalk::scenario::names::lookup;
use stagewalk::scenario::number::{Hex, parse_hex};
use std::io::{self, Write};
use std::path::Path;

/// Show every field of a register or descriptor.
#[derive(clap::Args)]
#[command(after_long_help = "\
Examples:
  stagewalk decode PAR_EL1 0xb0f
  stagewalk decode ESR_EL2 0x9200_01c7
  stagewalk decode TCR_EL2 --e2h 0x4_b510_3510
  stagewalk decode s1-page 0x60_0000_4800_0703
  stagewalk decode s2 --level 2 --granule 16k 0x4000_07fd
  grep -o '0x[0-9a-f]*' pars.txt | stagewalk decode PAR_EL1 -

Descriptors are s1 or s2, which go by the type bits, or s1-table, s1-block, s1-page, s2-table, s2-block and s2-page.")]
pub struct Args {
    /// A register, for example TCR_EL1, or a kind of descriptor, for example s1-page.
    #[arg(value_name = "WHAT", value_parser = what)]
    what: What,
    /// The words; `-` reads them from standard input, one a line.
    #[arg(required = true, value_name = "VALUE")]
    values: Vec<String>,
    /// Read TCR_EL2 as with HCR_EL2.E2H = 1.
    #[arg(long)]
    e2h: bool,
    /// The level of the descriptor: 3 for a page, else 2 unless given.
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(i8).range(-2..=3))]
    level: Option<i8>,
    /// The translation granule.
    #[arg(long, value_enum, default_value_t = Granule::K4)]
    granule: Granule,
    /// Read a stage 1 descriptor as the EL2 and EL3 regimes do, which have no EL0.
    #[arg(long)]
    no_el0: bool,
    /// Answer in JSON, one object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Granule {
    #[value(name = "4k")]
    K4,
    #[value(name = "16k")]
    K16,
    #[value(name = "64k")]
    K64,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Register(SysReg),
    Descriptor { stage2: bool, kind: Option<Kind> },
}

fn what(name: &str) -> Result<What, String> {
    let (stage, kind) = name.split_once('-').map_or((name, None), |(stage, kind)| (stage, Some(kind)));
    let stage2 = match stage.to_ascii_lowercase().as_str() {
        "s1" => false,
        "s2" => true,
        _ => return lookup(name).map(What::Register).map_err(|problem| format!("{problem}, and not a descriptor")),
    };
    let kind = match kind {
        None => None,
        Some("table") => Some(Kind::Table),
        Some("block") => Some(Kind::Block),
        Some("page") => Some(Kind::Page),
        Some(other) => return Err(format!("`{other}` is not one of table, block, page")),
    };
    Ok(What::Descriptor { stage2, kind })
}

#[derive(Serialize)]
struct Decoded {
    schema: &'static str,
    name: String,
    value: Hex,
    width: u8,
    fields: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    high: u8,
    low: u8,
    value: Hex,
    #[serde(skip_serializing_if = "Option::is_none")]
    named: Option<&'static str>,
    meaning: &'static str,
}

pub fn run(args: Args) -> Result<Exit, Failure> {
    let mut out = anstream::stdout().lock();
    for value in &args.values {
        if value != "-" {
            let parsed = parse_hex(value).map_err(|problem| Failure::usage(problem, "See stagewalk decode --help."))?;
            args.show(&mut out, parsed)?;
            continue;
        }
        let mut reader = input::open(Path::new("-"))?;
        input::for_each_line(&mut *reader, "standard input", |number, line| {
            let text = String::from_utf8_lossy(line);
            let wrong =
                |problem: ScenarioError| Failure::bad_input(format_args!("standard input, line {number}"), problem);
            Ok(args.show(&mut out, parse_hex(&text).map_err(wrong)?)?)
        })?;
    }
    Ok(Exit::Answered)
}

impl Args {
    fn show(&self, out: &mut impl Write, value: u128) -> io::Result<()> {
        let (name, about, width, fields) = match self.what {
            What::Register(register) => {
                let layout = register.layout(value, self.e2h);
                (register.name().to_owned(), register.meaning(), layout.width, layout.decode(value))
            }
            What::Descriptor { stage2, kind } => {
                let context = self.context(stage2, kind, value);
                let width = context.width();
                (title(&context), "", width, decode(&descriptor::fields(&context), value))
            }
        };
        if self.json {
            let fields = fields.iter().map(Row::from).collect();
            let decoded = Decoded { schema: "stagewalk.decode/1", name, value: Hex(value), width, fields };
            return writeln!(out, "{}", serde_json::to_string(&decoded)?);
        }
        writeln!(out, "{HEADING}{name} = {}{HEADING:#}", hex(value))?;
        if !about.is_empty() {
            writeln!(out, "{QUIET}{}{QUIET:#}", wrap(about, 0, 0))?;
        }
        fields.iter().filter(|field| counts(field)).try_for_each(|field| row(out, field))
    }

    fn context(&self, stage2: bool, kind: Option<Kind>, value: u128) -> Context {
        let level = self.level.unwrap_or(if kind == Some(Kind::Page) { 3 } else { 2 });
        Context {
            kind: kind.unwrap_or_else(|| Kind::of(value as u64, level)),
            stage2,
            unprivileged: stage2 || !self.no_el0,
            granule_log2: match self.granule {
                Granule::K4 => 12,
                Granule::K16 => 14,
                Granule::K64 => 16,
            },
            level,
            d128: value >> 64 != 0,
            ..Context::default()
        }
    }
}

fn title(context: &Context) -> String {
    let kind = match context.kind {
        Kind::Invalid => "invalid",
        Kind::Table => "table",
        Kind::Block => "block",
        Kind::Page => "page",
    };
    format!("stage {} level {} {kind} descriptor", 1 + u8::from(context.stage2), context.level)
}

/// Reserved bits are worth a line only where they are not what they should be.
fn counts(field: &FieldValue) -> bool {
    !field.field.is_reserved() || is_wrong(field)
}

/// Whether reserved bits do not have the value that they are reserved as.
fn is_wrong(field: &FieldValue) -> bool {
    let full = field.field.mask128() >> field.field.low;
    match field.field.name {
        "RES0" => field.value != 0,
        "RES1" => u128::from(field.value) != full,
        _ => false,
    }
}

fn row(out: &mut impl Write, field: &FieldValue) -> io::Result<()> {
    let of = field.field;
    let range = if of.width() == 1 { of.high.to_string() } else { format!("{}:{}", of.high, of.low) };
    let value = report::digits(field.value, of.width());
    let line = format!("  {range:>7}  {:<14} {value:<20} ", of.name);
    let indent = line.chars().count();
    if is_wrong(field) {
        let should = if of.name == "RES0" { "should be 0" } else { "should be all ones" };
        return writeln!(out, "{line}{FAULT}reserved, and {should}{FAULT:#}");
    }
    match field.named {
        Some(named) => writeln!(out, "{line}{}", wrap(named, indent, indent)),
        None => writeln!(out, "{line}{QUIET}{}{QUIET:#}", wrap(of.meaning, indent, indent)),
    }
}

impl From<&FieldValue> for Row {
    fn from(field: &FieldValue) -> Self {
        let of = field.field;
        Self {
            name: of.name,
            high: of.high,
            low: of.low,
            value: field.value.into(),
            named: field.named,
            meaning: of.meaning,
        }
    }
}
