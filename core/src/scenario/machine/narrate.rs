//! A run step by step, in words.

use super::Scenario;
use super::observe::fault_text;
use crate::env::Ask;
use crate::machine::local::{Local, Phase, Stage, Update, Wants};
use crate::machine::trace::Trace;
use crate::machine::walks::Walks;
use crate::machine::{State, Transition, World};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A run under way.
#[derive(Clone, Debug)]
pub struct Replay<'a> {
    scenario: &'a Scenario,
    world: World,
    state: State,
}

/// What a step was.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Told {
    /// Who took it.
    pub actor: String,
    /// The number of the instruction it is at.
    pub pc: u16,
    /// The instruction; none past the end of the program.
    pub instruction: String,
    /// What was done.
    pub what: String,
    /// What changed.
    pub changes: Vec<String>,
}

impl<'a> Replay<'a> {
    /// A scenario about to begin.
    #[must_use]
    pub fn new(scenario: &'a Scenario) -> Self {
        let world = World::new(scenario.machine.clone());
        let state = world.initial();
        Self { scenario, world, state }
    }

    /// The world it happens in.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// What can happen next.
    pub fn enabled(&mut self) -> Trace {
        Trace(self.world.enabled(self.state))
    }

    /// Takes a step; `None` where it cannot be taken.
    pub fn step(&mut self, transition: Transition) -> Option<Told> {
        let before = self.state;
        let actor = usize::from(transition.actor);
        if !self.world.enabled(before).contains(&transition) {
            return None;
        }
        let what = self.what(transition);
        self.state = self.world.step(before, transition)?;
        let local = self.world.local(before, actor);
        let own = &self.scenario.machine.actors[actor];
        let instr = own.program.get(usize::from(local.pc));
        let context = self.scenario.context(actor);
        Some(Told {
            actor: own.name.clone(),
            pc: local.pc,
            instruction: instr.map_or_else(String::new, |instr| context.text(instr).to_string()),
            what,
            changes: self.changes(before, actor),
        })
    }

    /// The outcome as it stands, and whether nothing more can happen.
    pub fn outcome(&mut self) -> (String, bool) {
        let over = self.world.enabled(self.state).is_empty();
        let mut actors = 0..self.scenario.machine.actors.len();
        let ended = actors.all(|actor| self.world.has_ended(self.state, actor));
        let seen = self.world.observe(self.state, &self.scenario.observables());
        (self.scenario.outcome(&seen, ended || !over), over)
    }

    fn text(&self, value: u128) -> String {
        self.scenario.number(value)
    }

    fn what(&mut self, transition: Transition) -> String {
        let actor = usize::from(transition.actor);
        let state = self.state;
        if transition.choice == Transition::LEAVE {
            return "leaves the guest, and sleeps".into();
        }
        let phase = self.world.local(state, actor).phase;
        let by = walker(phase);
        let held = |place| self.text(self.world.word(state, self.world.address(place)).into());
        let name = |place| self.text(self.world.address(place).into());
        match self.world.wants(state, actor) {
            Wants::Nothing => "has ended".into(),
            Wants::Own => own(phase).into(),
            Wants::Read(place) => alloc::format!("{by}reads {} = {}", name(place), held(place)),
            Wants::Write(place, value) if matches!(phase, Phase::Resolving { .. }) => {
                alloc::format!("the host maps the page: writes {} = {}", name(place), self.text(value))
            }
            Wants::Write(place, value) => alloc::format!("writes {} = {}", name(place), self.text(value)),
            Wants::Update(place, update) | Wants::CheckedUpdate(place, update) => {
                let old = self.world.word(state, self.world.address(place)).into();
                let text = match update {
                    Update::CompareAndSwap(expected, _) if old != expected => {
                        alloc::format!("finds {}, not {}: unchanged", self.text(old), self.text(expected))
                    }
                    _ => alloc::format!("from {} to {}", self.text(old), self.text(update.apply(old))),
                };
                alloc::format!("{by}updates {} in one step, {text}", name(place))
            }
            Wants::LoadExclusive(place) => alloc::format!("reads {} = {}, and watches it", name(place), held(place)),
            Wants::StoreExclusive(place, value) => {
                alloc::format!("tries to write {} = {}, if nobody has since", name(place), self.text(value.into()))
            }
            Wants::Translate { .. } => self.translation(transition),
            Wants::Invalidate(tlbi) if tlbi.broadcast => "invalidates TLBs of all".into(),
            Wants::Invalidate(_) => "invalidates its own TLB".into(),
            Wants::Complete => "its TLBIs have completed everywhere".into(),
            Wants::Synchronize { .. } => "synchronizes its context".into(),
            Wants::BeginWalk => "the hypervisor begins to walk in software".into(),
            Wants::Pause => "the hypervisor asks all other vCPUs to pause".into(),
            Wants::AwaitPaused => "all others have paused: the hypervisor begins to walk in software".into(),
            Wants::Resume => "the hypervisor's walk is over, and the others go on".into(),
            Wants::Check => "the hypervisor looks whether there was a TLBI since its walk began".into(),
        }
    }

    /// Which walk a translation uses, and what of it memory no longer says.
    fn translation(&mut self, transition: Transition) -> String {
        let actor = usize::from(transition.actor);
        let walks = self.world.translations(self.state, actor);
        let Some(&node) = walks.get(usize::from(transition.choice)) else { return "translates".into() };
        let by = match self.world.local(self.state, actor).phase {
            Phase::Emulating(_) => "the hypervisor executes it at EL2, and hardware walks",
            _ => "hardware walks",
        };
        let va = self.text(self.world.walks().get(node).root.va.into());
        let mut parts = Vec::new();
        for (address, value) in descriptors(self.world.walks(), node) {
            let now = u128::from(self.world.word(self.state, address));
            let cached = if now == value {
                String::new()
            } else {
                alloc::format!(", from the TLB: it is {} now", self.text(now))
            };
            parts.push(alloc::format!("{} = {}{cached}", self.text(address.into()), self.text(value)));
        }
        if parts.is_empty() {
            alloc::format!("translates {va}")
        } else {
            alloc::format!("{by} {va}: {}", parts.join("; "))
        }
    }

    fn changes(&self, before: State, actor: usize) -> Vec<String> {
        let mut all = Vec::new();
        let (old, new) = (self.world.local(before, actor), self.world.local(self.state, actor));
        for (reg, (was, is)) in old.x.iter().zip(&new.x).enumerate() {
            if was != is {
                all.push(alloc::format!("X{reg} = {}", self.register(actor, reg, *is)));
            }
        }
        if old.par != new.par {
            all.extend(new.par.map(|par| alloc::format!("PAR_EL1 = {par:#x}, {}", self.scenario.par(par))));
        }
        self.memory_changes(before, &mut all);
        for fault in new.faults.iter().skip(old.faults.len()) {
            let kind = fault.record.as_ref().map_or_else(|| "undefined".to_string(), fault_text);
            all.push(alloc::format!("fault at {}: {kind}", self.text(fault.va.into())));
        }
        all.extend(turn(old, new).map(String::from));
        all.extend(self.begins_again(before, actor).map(String::from));
        all
    }

    /// A walk that has looked at the count of TLBIs, and found that there was one.
    fn begins_again(&self, before: State, actor: usize) -> Option<&'static str> {
        let looked = matches!(self.world.wants(before, actor), Wants::Check | Wants::CheckedUpdate(..));
        let Phase::Emulating(Stage::Walking(node)) = self.world.local(self.state, actor).phase else { return None };
        (looked && self.world.walks().last_answer(node).is_none()).then_some("there was one: the walk begins again")
    }

    /// A register, as PAR_EL1 where that is how it is looked at.
    fn register(&self, actor: usize, reg: usize, value: u64) -> String {
        use crate::machine::explore::Observable;
        let here = |what| matches!(what, Observable::Reg(a, r) if usize::from(a) == actor && usize::from(r) == reg);
        let as_par = self.scenario.observe.iter().any(|watched| watched.as_par && here(watched.what));
        if as_par { self.scenario.par(value.into()) } else { self.text(value.into()) }
    }

    fn memory_changes(&self, before: State, all: &mut Vec<String>) {
        let (old, new) = (self.world.memory(before), self.world.memory(self.state));
        for (address, _) in new.words() {
            if old.word(address) != new.word(address) {
                let [was, is] = [old.word(address), new.word(address)].map(|word| self.text(word.into()));
                all.push(alloc::format!("memory {}: {was} becomes {is}", self.text(address.into())));
            }
        }
        for (address, word) in old.words() {
            if word != 0 && new.words().all(|(other, _)| other != address) {
                let (place, was) = (self.text(address.into()), self.text(word.into()));
                all.push(alloc::format!("memory {place}: {was} becomes {}", self.text(0)));
            }
        }
    }
}

fn walker(phase: Phase) -> &'static str {
    match phase {
        Phase::Walking(_) => "the hardware walk ",
        Phase::Emulating(_) => "the software walk ",
        _ => "",
    }
}

const fn own(phase: Phase) -> &'static str {
    match phase {
        Phase::Emulating(Stage::Leaving(_)) => "the hypervisor delivers the result",
        _ => "executes",
    }
}

/// What a step did to the way an instruction is carried out.
fn turn(old: &Local, new: &Local) -> Option<&'static str> {
    match (old.phase, new.phase) {
        (Phase::Ready, Phase::Emulating(_)) => Some("trapped to the hypervisor"),
        (Phase::Emulating(Stage::Trapped), Phase::Emulating(Stage::Entering)) => {
            Some("that settles nothing: stage 2 may be why it failed")
        }
        (from, Phase::Resolving { .. }) if !matches!(from, Phase::Resolving { .. }) => {
            Some("a page of the guest is missing at stage 2, and the host has it")
        }
        (from, Phase::Ended) if from != Phase::Ended => Some("the program has ended"),
        _ => None,
    }
}

/// The descriptors that a walk has read: where, and what they held.
fn descriptors(walks: &Walks, node: u32) -> Vec<(u64, u128)> {
    let mut at = node;
    let mut all = Vec::new();
    while let Some((before, reply)) = walks.last_answer(at) {
        if let (Some(Ask::Read(fetch)), Ok(value)) = (walks.get(before).ask(), reply) {
            all.push((fetch.address.address, value));
        }
        at = before;
    }
    all.reverse();
    all
}
