//! `stagewalk map`: everything that is mapped, in ranges.

use crate::failure::{Exit, Failure};
use crate::source::Machine;
use crate::style::{FAULT, HEADING, QUIET, hex};
use serde::Serialize;
use stagewalk::access::Op;
use stagewalk::map::{Kind, Leaf, Range, Ranges, Scope};
use stagewalk::outcome::{AddressDescriptor, CachePolicy, Cacheability, MemAttrs, MemTag, MemType, Shareability};
use stagewalk::regime::Regime;
use stagewalk::scenario::expect::Output;
use stagewalk::scenario::names::lookup;
use stagewalk::scenario::number::parse_hex64;
use stagewalk::step::AccessRights;
use stagewalk::view::words;
use std::io::{self, Write};

/// List everything that is mapped, in ranges of contiguous addresses with the same attributes and rights.
///
/// Through the tables that an instruction or access goes through: stage 1's alone, or for S12E1R and the like, and
/// accesses under stage 2, both. Each line has the input and output address, the size, the rights of the privileged
/// level and of EL0 (without PAN), the lookup levels of the leaves (c: contiguous), and the memory attributes as
/// inner cacheability[/outer] and shareability.
#[derive(clap::Args)]
#[command(after_long_help = "\
Examples:
  stagewalk map --dump tests/realdump/k6.1-4k-a72
  stagewalk map S1E1R --dump DIR --from ffff_8000_0000_0000 --limit 20
  stagewalk map S12E1R --example nested
  stagewalk map --stage2 --example nested --json | jq -r 'select(.privileged.execute) | .input'

What is printed after the attributes:
  nG          not global: of one ASID
  GP          guarded for branch target identification
  AF=0        not used yet: hardware will set the access flag
  clean       not written yet: hardware will record it in the dirty state
  assured     by FEAT_THE
  Secure …    the physical address space of the output, where it is not Non-secure

Tables may be shared, or even contain themselves, and so map far more than there is: a listing ends after
--limit ranges, or --effort descriptors, and says where it has come to.")]
pub struct Args {
    /// Whose tables: an instruction, for example S1E1R or S12E1R, or an access. Without one, the case's own, or an
    /// access at the machine's Exception level.
    #[arg(value_parser = lookup::<Op>)]
    op: Option<Op>,
    /// Stage 2's tables alone, for memory that stage 1 makes Normal Write-Back.
    #[arg(long, conflicts_with = "op")]
    stage2: bool,
    /// The first input address to list.
    #[arg(long, value_name = "ADDRESS", value_parser = parse_hex64, default_value = "0")]
    from: u64,
    /// The last input address to list.
    #[arg(long, value_name = "ADDRESS", value_parser = parse_hex64, default_value = "ffff_ffff_ffff_ffff")]
    to: u64,
    /// Stop after this many ranges.
    #[arg(long, value_name = "NUMBER", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// Stop after this many descriptors.
    #[arg(long, value_name = "NUMBER", default_value_t = 1 << 30, value_parser = clap::value_parser!(u64).range(1..))]
    effort: u64,
    /// Answer in JSON, one range a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    machine: Machine,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let mut case = args.machine.case(|_| Ok((args.op.unwrap_or(Op::Ldr), 0)))?;
    case.op = args.op.unwrap_or(case.op);
    let scope = match args.stage2 {
        false => Scope::of(&case.pe, case.op),
        true => Scope::stage2(&case.pe).ok_or_else(|| {
            Failure::usage("there is no stage 2: EL2 is not enabled", "Leave out --stage2 to list stage 1.")
        })?,
    };
    let mut ranges = Ranges::new(&case.pe, scope, &case.memory, args.from..=args.to).with_effort(args.effort);
    let mut out = io::BufWriter::new(anstream::stdout().lock());
    if !args.json {
        writeln!(out, "{QUIET}{}{QUIET:#}", title(scope, case.pe.security_state(1)))?;
        writeln!(out, "{HEADING}{}{HEADING:#}", headings(scope))?;
    }
    let (mut count, mut bytes) = (0, 0_u64);
    let mut end = None;
    for range in ranges.by_ref() {
        if count == args.limit {
            end = Some((range.input, format!("{} (--limit)", counted(count, "range"))));
            break;
        }
        (count, bytes) = (count + 1, bytes.saturating_add(range.size));
        if args.json {
            writeln!(out, "{}", serde_json::to_string(&Line::from(&range)).map_err(io::Error::from)?)?;
        } else {
            writeln!(out, "{}", row(&range))?;
        }
    }
    if !args.json {
        writeln!(out, "\n{}, {} mapped", counted(count, "range"), size(bytes))?;
    }
    out.flush()?;
    let end = end
        .or_else(|| ranges.stopped_at().map(|at| (at, format!("{} (--effort)", counted(args.effort, "descriptor")))));
    if let Some((at, after)) = end {
        anstream::eprintln!("{FAULT}stopped{FAULT:#} after {after}; go on with --from {at:#x}");
    }
    Ok(Exit::Answered)
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn title(scope: Scope, security: impl std::fmt::Display) -> String {
    match scope {
        Scope::Stage1(regime) => format!("{} regime, stage 1", regime.name()),
        Scope::Stage2(space) => format!("{security} state, stage 2 of {space} addresses"),
        Scope::Both => format!("{} regime, stages 1 and 2", Regime::El10.name()),
    }
}

/// The columns: addresses are right-aligned, as wide as they get.
fn headings(scope: Scope) -> String {
    let (input, output) = match scope {
        Scope::Stage1(_) => ("VA", "output"),
        Scope::Stage2(_) => ("IPA", "PA"),
        Scope::Both => ("VA", "PA"),
    };
    format!("{input:>21} {:>9} {output:>18}  EL1 EL0 leaf    attributes", "size").replace("EL1", privileged(scope))
}

/// The privileged level.
const fn privileged(scope: Scope) -> &'static str {
    match scope {
        Scope::Stage1(Regime::El10) | Scope::Stage2(_) | Scope::Both => "EL1",
        Scope::Stage1(Regime::El20 | Regime::El2) => "EL2",
        Scope::Stage1(Regime::El3) => "EL3",
    }
}

fn row(range: &Range) -> String {
    let Range { input, size: bytes, output, kind } = range;
    let el0 = kind.unprivileged.map_or_else(|| "   ".into(), rights);
    let (input, output) = (hex((*input).into()), hex(output.address.into()));
    let row = format!(
        "{input:>21} {:>9} {output:>18}  {} {el0} {:<7} {}",
        size(*bytes),
        rights(kind.privileged),
        leaves(kind),
        attributes(&kind.attrs),
    );
    let space = range.output.space;
    let space = (space != stagewalk::addr::PaSpace::NonSecure).then(|| space.to_string());
    let marks = [(kind.not_global, "nG"), (kind.guarded, "GP"), (!kind.accessed, "AF=0"), (kind.clean, "clean")];
    let marks = marks.into_iter().chain([(kind.assured, "assured")]).filter(|mark| mark.0).map(|mark| mark.1.into());
    let context = (kind.mecid != 0).then(|| format!("MECID {:#x}", kind.mecid));
    marks.chain(space).chain(context).fold(row, |row: String, mark: String| row + " " + &mark)
}

fn rights(rights: AccessRights) -> String {
    let letter = |allowed, letter| if allowed { letter } else { '-' };
    [letter(rights.read, 'r'), letter(rights.write, 'w'), letter(rights.execute, 'x')].iter().collect()
}

/// The levels of the leaves: `L3`, `L2c` where contiguous, `L3/L2c` for both stages.
fn leaves(kind: &Kind) -> String {
    let leaf = |leaf: Leaf| words::level(leaf.level) + if leaf.contiguous { "c" } else { "" };
    match (kind.stage1, kind.stage2) {
        (Some(stage1), Some(stage2)) => format!("{}/{}", leaf(stage1), leaf(stage2)),
        (Some(one), None) | (None, Some(one)) => leaf(one),
        (None, None) => "off".into(),
    }
}

/// A number of bytes, in the largest unit that makes it a whole number.
fn size(bytes: u64) -> String {
    let log2 = bytes.trailing_zeros().min(60) / 10 * 10;
    let unit = words::size(log2 as u8);
    format!("{} {}", bytes >> log2, unit.trim_start_matches("1 "))
}

/// Memory attributes in Arm's abbreviations.
fn attributes(attrs: &MemAttrs) -> String {
    let mut text = match attrs.mem_type {
        MemType::Device(kind) => format!("Device-{}", kind.name()),
        MemType::Normal { inner, outer } if inner == outer => cacheability(inner),
        MemType::Normal { inner, outer } => format!("{}/{}", cacheability(inner), cacheability(outer)),
    };
    text += match attrs.shareability {
        Shareability::Non => " NSH",
        Shareability::Inner => " ISH",
        Shareability::Outer => " OSH",
    };
    text += match attrs.tags {
        MemTag::Untagged => "",
        MemTag::Allocation => " Tagged",
        MemTag::Canonical => " canonically tagged",
    };
    text + if attrs.no_tag_access { " NoTagAccess" } else { "" } + if attrs.xs { " XS" } else { "" }
}

fn cacheability(cacheability: Cacheability) -> String {
    let policy = match cacheability.policy() {
        CachePolicy::NonCacheable => return "NC".into(),
        CachePolicy::WriteThrough => "WT",
        CachePolicy::WriteBack => "WB",
    };
    let hints = ["", "-WA", "-RA", "-RWA"][cacheability.hints() as usize & 3];
    format!("{policy}{hints}{}", if cacheability.is_transient() { "-transient" } else { "" })
}

/// A range, as JSON.
#[derive(Serialize)]
struct Line {
    input: String,
    size: String,
    output: Output,
    privileged: Rights,
    unprivileged: Option<Rights>,
    stage1: Option<Level>,
    stage2: Option<Level>,
    not_global: bool,
    guarded: bool,
    accessed: bool,
    clean: bool,
}

#[derive(Serialize)]
struct Rights {
    read: bool,
    write: bool,
    execute: bool,
}

#[derive(Serialize)]
struct Level {
    level: i8,
    size: String,
    contiguous: bool,
}

impl From<AccessRights> for Rights {
    fn from(AccessRights { read, write, execute }: AccessRights) -> Self {
        Self { read, write, execute }
    }
}

impl From<Leaf> for Level {
    fn from(Leaf { level, size, contiguous }: Leaf) -> Self {
        Self { level, size: format!("{:#x}", 1_u64 << size.min(63)), contiguous }
    }
}

impl From<&Range> for Line {
    fn from(range: &Range) -> Self {
        let kind = range.kind;
        let output = AddressDescriptor {
            address: range.output,
            attrs: kind.attrs,
            s1assured: kind.assured,
            s2fs1mro: false,
            mecid: kind.mecid,
        };
        Self {
            input: format!("{:#x}", range.input),
            size: format!("{:#x}", range.size),
            output: Output::from(&output),
            privileged: kind.privileged.into(),
            unprivileged: kind.unprivileged.map(Into::into),
            stage1: kind.stage1.map(Into::into),
            stage2: kind.stage2.map(Into::into),
            not_global: kind.not_global,
            guarded: kind.guarded,
            accessed: kind.accessed,
            clean: kind.clean,
        }
    }
}
