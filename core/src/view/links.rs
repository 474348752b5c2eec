//! What belongs together: parts of the address, lookups, descriptor fields and result fields, linked both ways.

use super::matrix::{Matrix, Outcome};
use super::result::ResultView;
use super::stops::Stop;
use super::va::Role;
use crate::layout::sysreg::SysReg;
use crate::outcome::{FaultCode, FaultRecord};
use crate::step::{Event, Step};
use alloc::vec::Vec;

/// Something a reader can point at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// A part of the virtual address.
    Va(Role),
    /// A lookup, by its stop.
    Cell(usize),
    /// A field of the descriptor read at a stop.
    Field(usize, &'static str),
    /// A field of a register the instruction wrote.
    Result(SysReg, &'static str),
}

/// Pairs that belong together. The relation is symmetric; each pair is listed once.
pub type Links = Vec<(Target, Target)>;

/// Everything linked to a target, itself not included.
pub fn related(links: &Links, target: Target) -> impl Iterator<Item = Target> + '_ {
    links.iter().filter_map(move |&(one, other)| match target {
        _ if one == target => Some(other),
        _ if other == target => Some(one),
        _ => None,
    })
}

/// The links of a translation.
#[must_use]
pub fn links(steps: &[Step], stops: &[Stop], matrix: &Matrix, result: &ResultView) -> Links {
    let mut links = Links::new();
    address(&mut links, matrix);
    tables(&mut links, steps, stops);
    results(&mut links, stops, result);
    links
}

/// Index bits and the stage-1 lookups that use them.
fn address(links: &mut Links, matrix: &Matrix) {
    let cells = matrix.rows.iter().filter_map(|row| row.stage1.as_ref());
    let start = cells.clone().map(|cell| cell.level).min();
    for cell in cells {
        let Some(stop) = cell.stop else { continue };
        links.push((Target::Va(Role::Index(cell.level)), Target::Cell(stop)));
        if Some(cell.level) == start {
            links.push((Target::Va(Role::Select), Target::Cell(stop)));
        }
        if matches!(cell.outcome, Outcome::Leaf { .. }) {
            links.push((Target::Va(Role::Offset), Target::Cell(stop)));
        }
    }
}

/// A table descriptor's address and the lookup in that table.
fn tables(links: &mut Links, steps: &[Step], stops: &[Stop]) {
    let of = |stop: &Stop| steps.get(stop.first..=stop.last).unwrap_or_default();
    for (index, stop) in stops.iter().enumerate() {
        let Some(level) = stop.place.level else { continue };
        if !of(stop).iter().any(|step| matches!(step.event, Event::Table { .. })) {
            continue;
        }
        let next = stop.place.at(level.saturating_add(1));
        let leads = |(later, stop): &(usize, &Stop)| *later > index && stop.place == next;
        if let Some((later, _)) = stops.iter().enumerate().find(leads) {
            links.push((Target::Field(index, "NextTable"), Target::Cell(later)));
        }
    }
}

/// Result fields and the lookup, and its fields, that decided them.
fn results(links: &mut Links, stops: &[Stop], result: &ResultView) {
    for register in &result.registers {
        for decided in &register.fields {
            let target = Target::Result(register.register, decided.field.field.name);
            let within = |stop: &Stop| decided.step.is_some_and(|step| (stop.first..=stop.last).contains(&step));
            let Some(stop) = stops.iter().position(within) else { continue };
            links.push((target, Target::Cell(stop)));
            for name in sources(decided.field.field.name, result.fault.as_ref()) {
                links.push((target, Target::Field(stop, name)));
            }
        }
    }
}

/// The descriptor fields a result field can come from.
fn sources(field: &str, fault: Option<&FaultRecord>) -> &'static [&'static str] {
    match (field, fault.map(|fault| fault.code)) {
        ("ATTR", _) => &["AttrIndx[2:0]", "AttrIndx[3]", "MemAttr"],
        ("SH", _) => &["SH"],
        ("PA", _) => &["OA", "OA[49:48]", "OA[51:48]", "OA[51:50]"],
        ("FST" | "DFSC" | "ISS", Some(FaultCode::Translation)) => &["Valid", "Type"],
        ("FST" | "DFSC" | "ISS", Some(FaultCode::AccessFlag)) => &["AF"],
        ("FST" | "DFSC" | "ISS", Some(FaultCode::AddressSize)) => &["OA", "NextTable"],
        ("FST" | "DFSC" | "ISS", Some(FaultCode::Permission)) => {
            &["AP[2:1]", "AP[2]", "S2AP", "UXN", "PXN", "XN", "XN[1:0]", "PIIndex"]
        }
        _ => &[],
    }
}
