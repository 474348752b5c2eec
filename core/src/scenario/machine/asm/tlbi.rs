//! TLBI instructions by name.

use super::Context;
use super::operand::{Parsed, wrong};
use crate::machine::tlbi::{Scope, Tlbi};
use crate::scenario::error::suggestion;
use alloc::string::String;
use alloc::vec::Vec;

/// Every name, without the `IS` of those that are broadcast.
const NAMES: [&str; 15] = [
    "VAE1",
    "VAAE1",
    "VALE1",
    "VAALE1",
    "RVAE1",
    "RVAAE1",
    "RVALE1",
    "RVAALE1",
    "ASIDE1",
    "VMALLE1",
    "IPAS2E1",
    "IPAS2LE1",
    "RIPAS2E1",
    "RIPAS2LE1",
    "VMALLS12E1",
];

/// A TLBI from its name and what follows.
pub(super) fn parse(context: Context<'_>, operands: &[&str]) -> Parsed<Tlbi> {
    let Some((&written, rest)) = operands.split_first() else {
        return wrong(format_args!("TLBI: expected its name, such as VAE1IS"));
    };
    let upper = written.to_ascii_uppercase();
    let (name, broadcast) = upper.strip_suffix("IS").map_or((upper.as_str(), false), |name| (name, true));
    if !NAMES.contains(&name) {
        return wrong(format_args!("`{written}` is not a TLBI{}", suggestion(name, NAMES.into_iter())));
    }
    let mut rest: Vec<&str> = rest.to_vec();
    let named = matches!(name, "VAE1" | "VALE1" | "RVAE1" | "RVALE1" | "ASIDE1");
    let asid = match rest.last().and_then(|last| last.strip_prefix("asid:")) {
        Some(number) if named => {
            rest.pop();
            let Ok(asid) = u16::try_from(context.value(number)?) else {
                return wrong(format_args!("asid:{number}: an ASID has 16 bits"));
            };
            asid
        }
        _ => context.asid,
    };
    let ranged = name.starts_with('R');
    let plain = name.trim_start_matches('R');
    let expected = if matches!(name, "ASIDE1" | "VMALLE1" | "VMALLS12E1") { 0 } else { 1 + usize::from(ranged) };
    if rest.len() != expected {
        return wrong(format_args!("TLBI {written} has {expected} operands after its name, and here {}", rest.len()));
    }
    let address = rest.first().map_or(Ok(0), |text| context.value(text))?;
    let pages = if ranged { context.value(rest[1])? } else { 1 };
    let last_level = matches!(plain, "VALE1" | "VAALE1" | "IPAS2LE1");
    let scope = match plain {
        "VAE1" | "VALE1" => Scope::Va { va: address, pages, asid: Some(asid), last_level },
        "VAAE1" | "VAALE1" => Scope::Va { va: address, pages, asid: None, last_level },
        "ASIDE1" => Scope::Asid(asid),
        "VMALLE1" => Scope::Vmall,
        "IPAS2E1" | "IPAS2LE1" => Scope::Ipas2 { ipa: address, pages, last_level },
        _ => Scope::Vmalls12,
    };
    Ok(Tlbi { scope, broadcast })
}

/// `TLBI VAE1IS, x`
pub(super) fn text(context: Context<'_>, tlbi: &Tlbi) -> String {
    let shared = if tlbi.broadcast { "IS" } else { "" };
    let asid = |asid: u16| if asid == context.asid { String::new() } else { alloc::format!(", asid:{asid:#x}") };
    let range = |pages: u64| match pages {
        1 => ("", String::new()),
        _ => ("R", alloc::format!(", {}", context.symbols.text(pages))),
    };
    match tlbi.scope {
        Scope::Va { va, pages, asid: own, last_level } => {
            let (range, pages) = range(pages);
            let (all, own) = own.map_or(("A", String::new()), |own| ("", asid(own)));
            let last = if last_level { "L" } else { "" };
            alloc::format!("TLBI {range}VA{all}{last}E1{shared}, {}{pages}{own}", context.symbols.text(va))
        }
        Scope::Asid(own) => alloc::format!("TLBI ASIDE1{shared}{}", asid(own)),
        Scope::Vmall => alloc::format!("TLBI VMALLE1{shared}"),
        Scope::Ipas2 { ipa, pages, last_level } => {
            let (range, pages) = range(pages);
            let last = if last_level { "L" } else { "" };
            alloc::format!("TLBI {range}IPAS2{last}E1{shared}, {}{pages}", context.symbols.text(ipa))
        }
        Scope::Vmalls12 => alloc::format!("TLBI VMALLS12E1{shared}"),
    }
}
