//! One step of one actor, in words.

use super::{Names, Subject, walks};
use crate::env::Ask;
use crate::machine::local::{Local, Phase, Stage, Wants};
use crate::machine::program::Instr;
use crate::machine::{Emulation, Policy, State, Transition, World};
use crate::regime;
use crate::view::words;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A step: one that was taken, or one that can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Who does it, and which of several choices it is.
    pub by: Transition,
    /// What kind of step it is.
    pub mark: Mark,
    /// A word for it.
    pub label: String,
    /// What happens.
    pub text: String,
    /// The words of memory that it changes.
    pub wrote: Vec<Wrote>,
    /// The walk that it makes or continues.
    pub walk: Option<WalkAt>,
}

/// A word of memory that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrote {
    /// Its physical address.
    pub address: u64,
    /// What it held.
    pub old: u64,
    /// What it holds.
    pub new: u64,
}

/// A walk, as far as a step has brought it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalkAt {
    /// Its node, for [`crate::machine::walks::Walks`].
    pub node: u32,
    /// How many descriptors it has read.
    pub reads: usize,
    /// A hypervisor makes it, not hardware.
    pub software: bool,
}

/// What kind of step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// An instruction.
    Instruction,
    /// An AT instruction is trapped.
    Trap,
    /// A software walk begins.
    Begin,
    /// A walk reads a descriptor of this stage.
    Read(regime::Stage),
    /// A walk updates a descriptor.
    Update,
    /// The others are asked to pause.
    Pause,
    /// A vCPU leaves the guest, and sleeps.
    Leave,
    /// A software walk is over, and who waited for it goes on.
    Finish,
    /// A software walk must begin again.
    Retry,
    /// The host maps a page again.
    Map,
}

impl Mark {
    /// A name, for style sheets.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Instruction => "instruction",
            Self::Trap => "trap",
            Self::Begin => "begin",
            Self::Read(regime::Stage::S1) => "s1",
            Self::Read(regime::Stage::S2) => "s2",
            Self::Update => "update",
            Self::Pause => "pause",
            Self::Leave => "leave",
            Self::Finish => "finish",
            Self::Retry => "retry",
            Self::Map => "map",
        }
    }
}

/// Takes a step, and says what it is.
pub fn take(subject: &Subject, world: &mut World, before: State, by: Transition) -> Option<(Moment, State)> {
    let actor = usize::from(by.actor);
    let wants = world.wants(before, actor);
    let chosen = world.translations(before, actor).get(usize::from(by.choice)).copied();
    let after = world.step(before, by)?;
    let wrote = wrote(world, before, after);
    let step = Step {
        subject,
        names: &subject.names,
        world,
        actor,
        wants,
        chosen,
        wrote: &wrote,
        before,
        was: world.local(before, actor),
        is: world.local(after, actor),
    };
    let Said { mark, label, mut text, walk } = if by.choice == Transition::LEAVE { leaves() } else { step.said() };
    if by.choice != Transition::LEAVE {
        text += &step.ending();
    }
    Some((Moment { by, mark, label, text, walk, wrote }, after))
}

fn wrote(world: &World, before: State, after: State) -> Vec<Wrote> {
    if before == after {
        return Vec::new();
    }
    let (old, new) = (world.memory(before), world.memory(after));
    let mut addresses: Vec<u64> = old.words().chain(new.words()).map(|(address, _)| address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let word = |address| Wrote { address, old: old.word(address), new: new.word(address) };
    addresses.into_iter().map(word).filter(|word| word.old != word.new).collect()
}

/// The words for a step.
struct Said {
    mark: Mark,
    label: String,
    text: String,
    walk: Option<WalkAt>,
}

fn said(mark: Mark, label: impl Into<String>, text: impl Into<String>) -> Said {
    Said { mark, label: label.into(), text: text.into(), walk: None }
}

fn leaves() -> Said {
    said(Mark::Leave, "leave", "takes the request to pause: leaves the guest, and sleeps")
}

struct Step<'a> {
    subject: &'a Subject,
    names: &'a Names,
    world: &'a World,
    actor: usize,
    wants: Wants,
    chosen: Option<u32>,
    wrote: &'a [Wrote],
    before: State,
    was: &'a Local,
    is: &'a Local,
}

impl Step<'_> {
    fn said(&self) -> Said {
        match self.was.phase {
            Phase::Walking(node) => self.walk_goes_on(node, false),
            Phase::Resolving { backing, emulating } => self.maps(backing, emulating),
            Phase::Emulating(stage) => self.emulates(stage),
            Phase::Ready | Phase::Accessing(_) | Phase::Ended => self.executes(),
        }
    }

    fn asm(&self) -> &str {
        self.subject.instr(self.actor, self.was.pc)
    }

    fn instr(&self) -> Option<Instr> {
        self.world.machine().actors.get(self.actor)?.program.get(usize::from(self.was.pc)).copied()
    }

    fn policy(&self) -> Policy {
        match self.world.machine().emulation {
            Emulation::Software { policy, .. } => policy,
            Emulation::Hardware => Policy::Race,
        }
    }

    fn executes(&self) -> Said {
        let asm = self.asm();
        let mnemonic = asm.split(' ').next().unwrap_or_default().to_string();
        if matches!(self.is.phase, Phase::Emulating(_)) && self.was.phase == Phase::Ready {
            let host = self.world.machine().actors[self.actor].host;
            let text = if host { "the host's to translate, in software" } else { "trapped to the hypervisor" };
            return said(Mark::Trap, mnemonic, format!("{asm}: {text}"));
        }
        if let Wants::Translate { .. } = self.wants {
            return self.translates(mnemonic);
        }
        if let Phase::Walking(node) = self.is.phase {
            return self.walk_first(node);
        }
        let what = match (self.instr(), self.wants) {
            (Some(Instr::Tlbi(tlbi)), _) if tlbi.broadcast => {
                " on every vCPU; it is complete when the DSB after it is".into()
            }
            (Some(Instr::Tlbi(_)), _) => " on this vCPU alone; it is complete when the DSB after it is".into(),
            (_, Wants::Complete) => ": the TLBIs before it are complete".into(),
            _ => self.effects(": "),
        };
        said(Mark::Instruction, mnemonic, format!("{asm}{what}"))
    }

    /// An address is translated by hardware: which walk it uses, and what comes of it.
    fn translates(&self, mnemonic: String) -> Said {
        let Some(node) = self.chosen else { return said(Mark::Instruction, mnemonic, self.asm()) };
        let asm = self.asm();
        let how = match walks::provenance(self.world, self.before, self.names, node) {
            Some(old) => format!("uses {old}, which memory held once"),
            None => "walks memory as it is".into(),
        };
        // an AT that ends says so in PAR_EL1
        let is_said = self.is.par != self.was.par;
        let result = if is_said { String::new() } else { walks::result(self.world, self.names, node) };
        let colon = if is_said { "" } else { ": " };
        let text = format!("{asm}: {how}{colon}{result}{}", self.effects("; "));
        Said { walk: Some(self.walk_at(node, false)), ..said(Mark::Instruction, mnemonic, text) }
    }

    /// The registers and words of memory that change.
    fn effects(&self, lead: &str) -> String {
        let regs = self.was.x.iter().zip(&self.is.x).enumerate().filter(|(_, (old, new))| old != new);
        let mut all: Vec<String> = regs.map(|(reg, (_, &new))| format!("X{reg} = {}", self.names.value(new))).collect();
        let word = |word: &Wrote| {
            let value = |value| self.names.value(value);
            format!("{} was {}, is {}", self.names.address(word.address), value(word.old), value(word.new))
        };
        all.extend(self.wrote.iter().map(word));
        if all.is_empty() { String::new() } else { format!("{lead}{}", all.join(", ")) }
    }

    fn walk_at(&self, node: u32, software: bool) -> WalkAt {
        WalkAt { node, reads: walks::reads(self.world, node).len(), software }
    }

    /// The first step of a hardware walk of which every descriptor is a step.
    fn walk_first(&self, node: u32) -> Said {
        match self.world.walks().last_answer(node).map(|(before, _)| before) {
            Some(begin) => self.walk_goes_on(begin, false),
            None => said(Mark::Instruction, "walk", self.asm()),
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
        let name = self.names.address(physical);
        let place = words::place(fetch.place);
        let value = |value: u128| self.names.value(value as u64);
        match ask {
            Ask::Read(_) => {
                let number = walks::reads(self.world, node).len() + 1;
                let stage = fetch.place.stage.unwrap_or(regime::Stage::S1);
                let text = format!("reads {name}, {place}: {}", value(held));
                Said { walk, ..said(Mark::Read(stage), number.to_string(), text) }
            }
            Ask::CompareAndSwap { expected, new, .. } => {
                let text = if self.was_stale() {
                    "finds that there was a TLBI: the walk begins again".into()
                } else if held == expected {
                    format!("updates {name}, {place}, by compare-and-swap: {}", value(new))
                } else {
                    format!("would update {name}, {place}, but it is {} now: the walk begins again", value(held))
                };
                Said { walk, ..said(Mark::Update, "CAS", text) }
            }
        }
    }

    fn maps(&self, backing: u16, emulating: bool) -> Said {
        let page = self.world.machine().backing.get(usize::from(backing));
        let ipa = page.map_or_else(String::new, |page| self.names.address(page.ipa));
        let then = if emulating { "the walk begins again" } else { "the instruction is executed again" };
        let text = format!("the host brings {ipa} back and maps it at stage 2{}; {then}", self.effects(": "));
        said(Mark::Map, "map", text)
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
        let Some(node) = self.chosen else { return said(Mark::Instruction, "AT", self.asm()) };
        let result = walks::result(self.world, self.names, node);
        let old = walks::provenance(self.world, self.before, self.names, node);
        let how = old.map_or_else(String::new, |old| format!(", using {old}, which memory held once"));
        let then = match self.is.phase {
            Phase::Emulating(Stage::Entering) => ". Nothing tells which page is missing: the tables are walked by hand",
            _ => "",
        };
        let text = format!("the hypervisor executes {} at EL2{how}: {result}{then}", self.asm());
        Said { walk: Some(self.walk_at(node, false)), ..said(Mark::Instruction, "AT", text) }
    }

    /// What the step ends in: PAR_EL1, a fault, the end of the thread.
    fn ending(&self) -> String {
        let mut text = String::new();
        let at_ended = matches!(self.instr(), Some(Instr::At { .. })) && self.is.pc != self.was.pc;
        if let (true, Some(par)) = (at_ended, self.is.par) {
            text += &format!(". PAR_EL1 = {par:#x}, {}", walks::par(self.names, par));
        }
        if let Some(fault) = self.is.faults.get(self.was.faults.len()) {
            let what = fault.record.as_ref().map_or_else(|| "an exception".into(), words::fault);
            let then = if self.is.phase == Phase::Ended { ": the thread ends" } else { ", which its handler takes" };
            text += &format!(". {what}{then}");
        }
        if let Phase::Resolving { backing, .. } = self.is.phase {
            let page = self.world.machine().backing.get(usize::from(backing));
            let ipa = page.map_or_else(String::new, |page| self.names.address(page.ipa));
            let how = if matches!(self.was.phase, Phase::Emulating(_)) {
                "The software walk knows the address"
            } else {
                "The exception tells the host the address"
            };
            text += &format!(". {how}: {ipa} is not mapped at stage 2");
        }
        text
    }
}
