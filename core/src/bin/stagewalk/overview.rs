//! What stands above a walk: the question, the regime, the parts of the address, and the walk as a matrix of its reads.

use crate::report;
use crate::style::{FAULT, HEADING, QUIET, STAGE1, STAGE2, WIDTH, grouped, hex, wrap};
use stagewalk::scenario::Case;
use stagewalk::view::matrix::{Cell, Matrix, Outcome, Purposed, Row};
use stagewalk::view::va::Strip;
use stagewalk::view::{Translation, regime, words};
use std::io::{self, Write};

/// Everything above the steps.
pub fn introduce(out: &mut impl Write, case: &Case, view: &Translation) -> io::Result<()> {
    let id = if case.id.is_empty() { String::new() } else { format!("   {QUIET}{}{QUIET:#}", case.id) };
    writeln!(out, "{HEADING}{}{HEADING:#}{id}", report::question(case))?;
    if !case.about.is_empty() {
        writeln!(out, "{QUIET}{}{QUIET:#}", wrap(&case.about, 0, 0))?;
    }
    writeln!(out)?;
    clauses(out, &view.regime)?;
    if !view.va.segments.is_empty() {
        writeln!(out)?;
        strip(out, &view.va)?;
    }
    if view.matrix.reads > 0 {
        writeln!(out)?;
        matrix(out, &view.matrix)?;
    }
    Ok(())
}

/// The regime in words, and what made it so; below, where it does not fit beside.
fn clauses(out: &mut impl Write, clauses: &[regime::Clause]) -> io::Result<()> {
    const LABEL: usize = 11;
    let widest = clauses.iter().map(|clause| clause.text.chars().count()).max().unwrap_or_default();
    let because = clauses.iter().map(|clause| clause.because.chars().count()).max().unwrap_or_default();
    let beside = LABEL + widest + 2 + because <= WIDTH;
    for clause in clauses {
        let (name, text, because) = (clause.topic.name(), &clause.text, &clause.because);
        if beside {
            writeln!(out, "  {name:<9}{text:<widest$}  {QUIET}{because}{QUIET:#}")?;
        } else {
            writeln!(out, "  {name:<9}{text}")?;
            writeln!(out, "{:LABEL$}{QUIET}{}{QUIET:#}", "", wrap(because, LABEL, LABEL))?;
        }
    }
    Ok(())
}

/// The address cut into its parts: bits, name, value.
fn strip(out: &mut impl Write, strip: &Strip) -> io::Result<()> {
    let columns: Vec<[String; 3]> = strip
        .segments
        .iter()
        .map(|segment| {
            let bits = if segment.high == segment.low {
                segment.high.to_string()
            } else {
                format!("{}:{}", segment.high, segment.low)
            };
            [bits, segment.name(), hex(segment.value.into())]
        })
        .collect();
    for (row, label) in ["VA", "", ""].into_iter().enumerate() {
        let style = if row == 2 { HEADING } else { QUIET };
        let mut line = String::new();
        for column in &columns {
            let width = column.iter().map(String::len).max().unwrap_or_default();
            line += &format!("{:<width$}  ", column[row]);
        }
        writeln!(out, "  {label:<9}{style}{}{style:#}", line.trim_end())?;
    }
    Ok(())
}

/// The numbered reads: a row for each stage 1 descriptor, with the stage 2 lookups of its address before it.
fn matrix(out: &mut impl Write, matrix: &Matrix) -> io::Result<()> {
    if matrix.columns.is_empty() {
        for row in matrix.rows.iter().filter(|row| row.stage1.is_some()) {
            let cell = row.stage1.as_ref().map_or_else(String::new, shown);
            writeln!(out, "  {STAGE1}{:<20}{STAGE1:#}{cell}  {QUIET}{}{QUIET:#}", label(row), leads_to(row))?;
        }
        return Ok(());
    }
    write!(out, "  {:<20}{STAGE2}stage 2{STAGE2:#} ", "")?;
    for &level in &matrix.columns {
        write!(out, "{STAGE2}{:>4}{STAGE2:#} ", words::level(level))?;
    }
    writeln!(out, "   {STAGE1}stage 1{STAGE1:#}")?;
    for row in &matrix.rows {
        write!(out, "  {STAGE1}{:<28}{STAGE1:#}", label(row))?;
        for cell in &row.stage2 {
            write!(out, "{}", shown(cell))?;
        }
        let cell = row.stage1.as_ref().map_or_else(|| "     ".into(), shown);
        writeln!(out, "    {cell}  {QUIET}{}{QUIET:#}", leads_to(row))?;
    }
    Ok(())
}

fn label(row: &Row) -> String {
    let again = if row.repeat > 0 { " again" } else { "" };
    match row.purpose {
        Purposed::Descriptor(level) => format!("{} descriptor{again}", words::level(level)),
        Purposed::Update(level) => format!("{} update{again}", words::level(level)),
        Purposed::Output => "output".into(),
    }
}

/// The number of a read, five columns wide: ✗ where it faults, a dot where the walk did not come.
fn shown(cell: &Cell) -> String {
    let number = cell.number.map_or_else(String::new, |number| number.to_string());
    match (cell.fault, cell.outcome) {
        (Some(_), _) => format!("{FAULT}{:>4}{FAULT:#} ", format!("✗{number}")),
        (None, Outcome::NotReached) => format!("{QUIET}{:>4}{QUIET:#} ", "·"),
        (None, Outcome::NotNeeded) => format!("{:>4} ", ""),
        _ => format!("{number:>4} "),
    }
}

/// What a row comes to.
fn leads_to(row: &Row) -> String {
    if let Some(output) = &row.output {
        return grouped(&format!("⇒ {:#x}", output.address.address));
    }
    if let Some(fault) = row.fault.or_else(|| row.cells().find_map(|cell| cell.fault)) {
        let title = fault.code.title().split(" on ").next().unwrap_or_default();
        return format!("{title}, level {}", fault.level);
    }
    let outcome = row.stage1.as_ref().map(|cell| cell.outcome);
    grouped(&match outcome {
        Some(Outcome::Table(next)) => format!("table at {:#x}", next.address),
        Some(Outcome::Leaf { output, size, .. }) => format!("maps {}, output {:#x}", words::size(size), output.address),
        Some(Outcome::Updated) => "written by hardware".into(),
        Some(Outcome::Lost) => "changed meanwhile: the walk starts again".into(),
        Some(Outcome::NotReached) | None => "not reached".into(),
        Some(Outcome::Read | Outcome::NotNeeded) => String::new(),
    })
}
