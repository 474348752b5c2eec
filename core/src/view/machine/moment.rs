//! One step of one actor, in words.

use super::Subject;
use super::telling::{Said, Step, said};
use crate::machine::{State, Transition, World};
use crate::regime;
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
    /// The number of the instruction that is executed.
    pub pc: u16,
    /// The instruction as it is written; none past the end of the program.
    pub instr: String,
    /// What happens; nothing, where the instruction says it all.
    pub what: String,
    /// What comes of it: accesses, registers, PAR_EL1, exceptions.
    pub then: Vec<String>,
    /// The words of memory that it changes.
    pub wrote: Vec<Wrote>,
    /// The walk that it makes or continues.
    pub walk: Option<WalkAt>,
}

impl Moment {
    /// All of it, as a sentence: a step that begins an instruction names it.
    #[must_use]
    pub fn text(&self) -> String {
        let begins = matches!(self.mark, Mark::Instruction | Mark::Trap);
        let all = [&self.what].into_iter().chain(&self.then).filter(|part| !part.is_empty());
        let all = all.map(String::as_str).collect::<Vec<_>>().join("; ");
        match (begins, all.is_empty()) {
            (true, true) => self.instr.clone(),
            (true, false) => format!("{}: {all}", self.instr),
            (false, _) => all,
        }
    }
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
    let (pc, instr) = (step.was.pc, step.asm().to_string());
    let leaves = by.choice == Transition::LEAVE;
    let Said { mark, label, what, mut then, walk } = if leaves { self::leaves() } else { step.said() };
    if !leaves {
        then.extend(step.ending());
    }
    Some((Moment { by, mark, label, pc, instr, what, then, walk, wrote }, after))
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

fn leaves() -> Said {
    said(Mark::Leave, "leave", "takes the request to pause: leaves the guest, and sleeps")
}
