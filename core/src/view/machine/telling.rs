//! What one step of one actor is, in words.

use super::moment::{Mark, WalkAt, Wrote};
use super::{Names, Subject, walks};
use crate::env::Ask;
use crate::machine::local::{Local, Phase, Stage, Wants};
use crate::machine::program::{Instr, Target};
use crate::machine::{Emulation, Policy, State, World};
use crate::regime;
use crate::view::words;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The words for a step.
pub(super) struct Said {
    pub mark: Mark,
    pub label: String,
    pub what: String,
    pub then: Vec<String>,
    pub walk: Option<WalkAt>,
}

pub(super) fn said(mark: Mark, label: impl Into<String>, what: impl Into<String>) -> Said {
    Said { mark, label: label.into(), what: what.into(), then: Vec::new(), walk: None }
}

/// A step: what there was before it, and what it led to.
pub(super) struct Step<'a> {
    pub subject: &'a Subject,
    pub names: &'a Names,
    pub world: &'a World,
    pub actor: usize,
    pub wants: Wants,
    /// The walk that a translation uses.
    pub chosen: Option<u32>,
    pub wrote: &'a [Wrote],
    pub before: State,
    pub was: &'a Local,
    pub is: &'a Local,
}

impl Step<'_> {
    pub fn said(&self) -> Said {
        match self.was.phase {
            Phase::Walking(node) => self.walk_goes_on(node, false),
            Phase::Resolving { backing, emulating } => self.maps(backing, emulating),
            Phase::Emulating(stage) => self.emulates(stage),
            Phase::Ready | Phase::Accessing(_) | Phase::Ended => self.executes(),
        }
    }

    pub fn asm(&self) -> &str {
        self.subject.instr(self.actor, self.was.pc)
    }

    pub fn instr(&self) -> Option<Instr> {
        self.world.machine().actors.get(self.actor)?.program.get(usize::from(self.was.pc)).copied()
    }

    fn policy(&self) -> Policy {
        match self.world.machine().emulation {
            Emulation::Software { policy, .. } => policy,
            Emulation::Hardware => Policy::Race,
        }
    }

    fn executes(&self) -> Said {
        let mnemonic = self.asm().split(' ').next().unwrap_or_default();
        if matches!(self.is.phase, Phase::Emulating(_)) && self.was.phase == Phase::Ready {
            let host = self.world.machine().actors[self.actor].host;
            let what = if host { "the host's to translate, in software" } else { "trapped to the hypervisor" };
            return said(Mark::Trap, mnemonic, what);
        }
        if let (Wants::Translate { .. }, Some(node)) = (self.wants, self.chosen) {
            return self.translates(mnemonic, node);
        }
        if let Phase::Walking(node) = self.is.phase {
            return self.walk_first(node);
        }
        match self.instr() {
            Some(Instr::Access(access)) => match access.target {
                Target::Pa(pa) => {
                    let then = self.registers();
                    Said { then, ..said(Mark::Instruction, mnemonic, self.accesses(&access, pa)) }
                }
                Target::Va(_) => Said { then: self.effects(), ..said(Mark::Instruction, mnemonic, "") },
            },
            Some(instr) => said(Mark::Instruction, mnemonic, self.computes(&instr)),
            None => said(Mark::Instruction, mnemonic, ""),
        }
    }

    /// An address is translated by hardware: which walk it uses, and what comes of it.
    fn translates(&self, mnemonic: &str, node: u32) -> Said {
        let begins = self.is.phase == Phase::Walking(node) && self.world.walks().last_answer(node).is_none();
        let how = match self.cached(node) {
            _ if begins => "a hardware walk begins".into(),
            Some(old) => format!("uses a TLB entry with {old}"),
            None => "walks memory as it is".into(),
        };
        // PAR_EL1 says so, or the exception
        let is_said = begins || self.at_ends() || self.is.faults.len() > self.was.faults.len();
        let result = if is_said { String::new() } else { format!(": {}", walks::result(self.world, self.names, node)) };
        let walk = Some(self.walk_at(node, false));
        Said { walk, then: self.accessed(node), ..said(Mark::Instruction, mnemonic, format!("{how}{result}")) }
    }

    /// The words of a walk that memory no longer holds: `R = a (now b)`.
    fn cached(&self, node: u32) -> Option<String> {
        let now = |read: &walks::Read| self.names.value(self.world.word(self.before, read.address));
        let old = walks::stale(self.world, self.before, node);
        let words = old.iter().map(|read| format!("{} (now {})", read.text(self.names), now(read)));
        (!old.is_empty()).then(|| words.collect::<Vec<_>>().join(", "))
    }

    fn walk_at(&self, node: u32, software: bool) -> WalkAt {
        WalkAt { node, reads: walks::reads(self.world, node).len(), software }
    }

    /// The first step of a hardware walk of which every descriptor is a step.
    fn walk_first(&self, node: u32) -> Said {
        match self.world.walks().last_answer(node).map(|(before, _)| before) {
            Some(begin) => self.walk_goes_on(begin, false),
            None => said(Mark::Instruction, "walk", ""),
        }
    }

    fn walk_goes_on(&self, node: u32, software: bool) -> Said {
        let Some(ask) = self.world.walks().get(node).ask() else {
            return said(Mark::Finish, "end", "the walk has ended");
        };
        let fetch = ask.fetch();
        let physical = fetch.address.address;
        let low = u128::from(self.world.word(self.before, physical));
        let held = if fetch.wide { u128::from(self.world.word(self.before, physical | 8)) << 64 | low } else { low };
        let next = self.world.walks().next(node, Ok(held)).unwrap_or(node);
        let walk = Some(self.walk_at(next, software));
        let then = if software { Vec::new() } else { self.accessed(next) };
        let name = self.names.address(physical);
        let place = words::place(fetch.place);
        let value = |value: u128| self.names.value(value as u64);
        match ask {
            Ask::Read(_) => {
                let number = walks::reads(self.world, node).len() + 1;
                let stage = fetch.place.stage.unwrap_or(regime::Stage::S1);
                let what = format!("reads {name}, {place}: {}", value(held));
                Said { walk, then, ..said(Mark::Read(stage), number.to_string(), what) }
            }
            Ask::CompareAndSwap { expected, new, .. } => {
                let what = if self.was_stale() {
                    "finds that there was a TLBI: the walk begins again".into()
                } else if held == expected {
                    let [old, new] = [expected, new].map(value);
                    format!("updates {name}, {place}, by compare-and-swap: {old} becomes {new}")
                } else {
                    format!("would update {name}, {place}, but it is {} now: the walk begins again", value(held))
                };
                Said { walk, then, ..said(Mark::Update, "CAS", what) }
            }
        }
    }

    fn maps(&self, backing: u16, emulating: bool) -> Said {
        let ipa = self.page(backing);
        let then = if emulating { "the walk begins again" } else { "the instruction is executed again" };
        let what = format!("the host brings {ipa} back and maps it at stage 2");
        Said { then: self.effects().into_iter().chain([then.into()]).collect(), ..said(Mark::Map, "map", what) }
    }

    /// What a page is called that the host has taken away.
    fn page(&self, backing: u16) -> String {
        let page = self.world.machine().backing.get(usize::from(backing));
        page.map_or_else(String::new, |page| self.names.address(page.ipa))
    }

    fn was_stale(&self) -> bool {
        let checks = matches!(self.wants, Wants::Check | Wants::CheckedUpdate(..));
        checks && self.world.sync(self.before).stale.has(self.actor)
    }

    fn emulates(&self, stage: Stage) -> Said {
        match (stage, self.wants) {
            (Stage::Trapped, Wants::Translate { .. }) => self.tries(),
            (_, Wants::Pause) => {
                said(Mark::Pause, "pause", "asks all other vCPUs to pause: a request, and an IPI to each")
            }
            (Stage::Pausing, _) => {
                said(Mark::Begin, "walk", "all others have left the guest: the software walk begins")
            }
            (Stage::Trapped | Stage::Entering, _) => {
                let how = match self.policy() {
                    Policy::TlbLock { .. } => ", and holds the TLB lock",
                    Policy::SeqRetry { .. } => ", and notes the count of TLBIs",
                    Policy::Race | Policy::PauseAll => "",
                };
                said(Mark::Begin, "walk", format!("the software walk begins{how}"))
            }
            (Stage::Walking(_) | Stage::Leaving(_), Wants::Check) => self.checks(),
            (Stage::Walking(node) | Stage::Checked(node), _) => self.walk_goes_on(node, true),
            (Stage::Leaving(_), Wants::Resume) => said(Mark::Finish, "resume", "lets the others go on"),
            (Stage::Leaving(_), _) => said(Mark::Finish, "unlock", "releases the TLB lock"),
        }
    }

    fn checks(&self) -> Said {
        if self.was_stale() {
            return said(Mark::Retry, "retry", "there was a TLBI since the walk began: it begins again");
        }
        said(Mark::Finish, "check", "the count of TLBIs is what it was")
    }

    /// The hypervisor executes the AT instruction itself.
    fn tries(&self) -> Said {
        let Some(node) = self.chosen else { return said(Mark::Instruction, "AT", "") };
        let result = walks::result(self.world, self.names, node);
        let how = self.cached(node).map_or_else(String::new, |old| format!(", with a TLB entry that has {old}"));
        let what = format!("executed by the hypervisor at EL2{how}: {result}");
        let then = match self.is.phase {
            Phase::Emulating(Stage::Entering) => {
                Vec::from(["nothing tells which page is missing: the tables are walked by hand".into()])
            }
            _ => Vec::new(),
        };
        Said { walk: Some(self.walk_at(node, false)), then, ..said(Mark::Instruction, "AT", what) }
    }

    /// An AT instruction has come to its end.
    fn at_ends(&self) -> bool {
        matches!(self.instr(), Some(Instr::At { .. })) && self.is.pc != self.was.pc
    }

    /// What the step ends in: PAR_EL1, a fault, the end of the thread.
    pub fn ending(&self) -> Vec<String> {
        let mut all = Vec::new();
        if let (true, Some(par)) = (self.at_ends(), self.is.par) {
            all.push(format!("PAR_EL1 = {par:#x}, {}", walks::par(self.names, par)));
        }
        if let Some(fault) = self.is.faults.get(self.was.faults.len()) {
            let what = fault.record.as_ref().map_or_else(|| "an exception".into(), words::fault);
            let then = if self.is.phase == Phase::Ended { "the thread ends" } else { "its handler takes it" };
            all.push(format!("{what}, at {}: {then}", self.names.address(fault.va)));
        }
        if let Phase::Resolving { backing, .. } = self.is.phase {
            let how = if matches!(self.was.phase, Phase::Emulating(_)) {
                "the software walk knows the address"
            } else {
                "the exception tells the host the address"
            };
            all.push(format!("{how}: {} is not mapped at stage 2", self.page(backing)));
        }
        all
    }
}
