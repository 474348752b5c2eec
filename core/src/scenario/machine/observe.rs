//! What there is to look at, and outcomes in words.

use super::symbols::register;
use super::{Scenario, Symbols};
use crate::layout::sysreg::{par_el1_fault, par_el1_success};
use crate::machine::explore::{Observable, Observed};
use crate::machine::local::Fault;
use crate::outcome::{FaultCode, FaultRecord};
use crate::scenario::ScenarioError;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Something to look at, and how to show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// What it is called.
    pub label: String,
    /// What it is.
    pub what: Observable,
    /// A general register that holds what PAR_EL1 held.
    pub as_par: bool,
}

impl Scenario {
    /// What to look at, for an [`Explorer`](crate::machine::explore::Explorer).
    #[must_use]
    pub fn observables(&self) -> Vec<Observable> {
        self.observe.iter().map(|watched| watched.what).collect()
    }

    /// What was observed, in words: `PAR=ok/new flag=0x1`. Outcomes of equal text are one.
    #[must_use]
    pub fn outcome(&self, observed: &[Observed], ended: bool) -> String {
        let watched = self.observe.iter().zip(observed);
        let mut parts: Vec<String> = watched.map(|(watched, seen)| self.show(watched, seen)).collect();
        if !ended {
            parts.push("stuck".into());
        }
        if parts.is_empty() { "end".into() } else { parts.join(" ") }
    }

    fn show(&self, watched: &Watched, seen: &Observed) -> String {
        let value = match seen {
            Observed::Unwritten => "unwritten".into(),
            Observed::Faults(faults) if faults.is_empty() => "none".into(),
            Observed::Faults(faults) => faults.iter().map(|fault| self.fault(fault)).collect::<Vec<_>>().join(","),
            Observed::Value(value) if watched.as_par || matches!(watched.what, Observable::Par(_)) => self.par(*value),
            Observed::Value(value) => self.number(*value),
        };
        alloc::format!("{}={value}", watched.label)
    }

    /// A number, or its name.
    #[must_use]
    pub fn number(&self, value: u128) -> String {
        u64::try_from(value).map_or_else(|_| alloc::format!("{value:#x}"), |value| self.symbols.text(value))
    }

    /// PAR_EL1 in words: `ok/page`, `fault/translation-L2@stage2-walk`.
    #[must_use]
    pub fn par(&self, value: u128) -> String {
        let low = value as u64;
        if !par_el1_fault::F.is_set(low) {
            let page = par_el1_success::PA.get(low) << 12;
            return alloc::format!("ok/{}", self.symbols.text(page));
        }
        let status = par_el1_fault::FST.get(low);
        let names = ["address-size", "translation", "access-flag", "permission"];
        let kind = match names.get((status >> 2) as usize) {
            Some(name) => alloc::format!("{name}-L{}", status & 3),
            None => alloc::format!("{status:#x}"),
        };
        let stage = match (par_el1_fault::S.is_set(low), par_el1_fault::PTW.is_set(low)) {
            (true, true) => "@stage2-walk",
            (true, false) => "@stage2",
            (false, _) => "",
        };
        alloc::format!("fault/{kind}{stage}")
    }

    /// A fault, with the number of its instruction: `3:translation-L2`.
    #[must_use]
    pub fn fault(&self, fault: &Fault) -> String {
        alloc::format!("{}:{}", fault.pc, fault.record.as_ref().map_or("undefined".into(), fault_text))
    }
}

/// `translation-L2@stage2-walk`
pub(super) fn fault_text(record: &FaultRecord) -> String {
    let kind = match record.code {
        FaultCode::Translation => "translation",
        FaultCode::AddressSize => "address-size",
        FaultCode::AccessFlag => "access-flag",
        FaultCode::Permission => "permission",
        FaultCode::SyncExternalOnWalk => "external-abort",
        FaultCode::GpcfOnWalk | FaultCode::GpcfOnOutput => "granule-protection",
    };
    let stage = match (record.second_stage, record.s2fs1walk) {
        (true, true) => "@stage2-walk",
        (true, false) => "@stage2",
        (false, _) => "",
    };
    alloc::format!("{kind}-L{}{stage}", record.level)
}

/// `guest.PAR`, `guest.X0`, `guest.X0 as PAR`, `guest.faults`, `pa:pte`.
pub(super) fn parse(label: &str, text: &str, actors: &[&str], symbols: &Symbols) -> Result<Watched, ScenarioError> {
    let labelled = |what, as_par| Watched { label: label.into(), what, as_par };
    if label.is_empty() || label.contains([' ', '=']) {
        return Err(ScenarioError::new("a label is not empty, and has no space and no `=` in it"));
    }
    if let Some(address) = text.strip_prefix("pa:") {
        return symbols.resolve(address).map(|address| labelled(Observable::Word(address), false));
    }
    let (name, what) = text.split_once('.').unwrap_or((text, ""));
    let Some(actor) = actors.iter().position(|known| *known == name) else {
        let nearest = crate::scenario::error::suggestion(name, actors.iter().copied());
        return Err(ScenarioError::new(format_args!("`{name}` is not an actor{nearest}")));
    };
    let actor = actor as u8;
    let (plain, as_par) = what.strip_suffix(" as PAR").map_or((what, false), |plain| (plain, true));
    match (plain, register(plain)) {
        (_, Some(reg)) => Ok(labelled(Observable::Reg(actor, reg), as_par)),
        ("PAR", _) if !as_par => Ok(labelled(Observable::Par(actor), false)),
        ("faults", _) if !as_par => Ok(labelled(Observable::Faults(actor), false)),
        _ => Err(ScenarioError::new(format_args!(
            "`{text}` is nothing to look at: expected `{name}.X0`, `{name}.X0 as PAR`, `{name}.PAR`, `{name}.faults` \
             or `pa:` and an address"
        ))),
    }
}

/// The text that [`parse`] reads.
pub(super) fn text(watched: &Watched, scenario: &Scenario) -> String {
    let name = |actor: u8| {
        scenario.machine.actors.get(usize::from(actor)).map_or_else(|| actor.to_string(), |actor| actor.name.clone())
    };
    match watched.what {
        Observable::Reg(actor, reg) if watched.as_par => alloc::format!("{}.X{reg} as PAR", name(actor)),
        Observable::Reg(actor, reg) => alloc::format!("{}.X{reg}", name(actor)),
        Observable::Par(actor) => alloc::format!("{}.PAR", name(actor)),
        Observable::Faults(actor) => alloc::format!("{}.faults", name(actor)),
        Observable::Word(address) => alloc::format!("pa:{}", scenario.symbols.text(address)),
    }
}
