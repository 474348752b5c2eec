//! What an actor has to itself, and what it may want of the world.

use super::cells::Place;
use super::intern::Id;
use super::program::REGS;
use super::tlbi::Tlbi;
use super::walks::Root;
use crate::outcome::FaultRecord;
use alloc::vec::Vec;

/// What an actor has to itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Local {
    /// The number of the instruction that is executed next, or now.
    pub pc: u16,
    /// How far it has got with it.
    pub phase: Phase,
    /// The translation context.
    pub context: Id,
    /// The context once the registers written since the last context synchronization count.
    pub next_context: Option<Id>,
    /// X0 to X30.
    pub x: [u64; REGS],
    /// Whether what CMP last compared was equal.
    pub equal: bool,
    /// PAR_EL1; `None` until an AT instruction has written it.
    pub par: Option<u128>,
    /// The exceptions that nobody resolved, in order.
    pub faults: Vec<Fault>,
    /// It has issued a TLBI since its last DSB that completes them.
    pub invalidated: bool,
}

/// An exception that nobody resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    /// The number of the instruction.
    pub pc: u16,
    /// The address it accessed.
    pub va: u64,
    /// The fault; `None` where the instruction was UNDEFINED or trapped.
    pub record: Option<FaultRecord>,
}

/// How far an actor has got with an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It has not begun it.
    Ready,
    /// Hardware walks.
    Walking(Id),
    /// The address is translated, and the access itself follows in the same step.
    Accessing(u64),
    /// An AT instruction is trapped, and the hypervisor emulates it.
    Emulating(Stage),
    /// The host writes a stage-2 descriptor that it had taken away, and the walk (or else the instruction) is repeated.
    Resolving {
        /// Which: its number in [`super::Machine::backing`].
        backing: u16,
        /// Whether a software walk found it missing.
        emulating: bool,
    },
    /// The thread has ended.
    Ended,
}

/// How far a hypervisor has got with emulating an AT instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// It has been trapped.
    Trapped,
    /// The instruction itself did not settle the matter.
    Entering,
    /// The others have been asked to pause.
    Pausing,
    /// The software walk is under way.
    Walking(Id),
    /// The count has been looked at, and the descriptor update follows.
    Checked(Id),
    /// The walk has ended.
    Leaving(Id),
}

/// What an actor does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Nothing ever again.
    Nothing,
    /// Something that concerns nobody else.
    Own,
    /// Reads memory; the answer is what it held.
    Read(Place),
    /// Writes memory.
    Write(Place, u128),
    /// Reads and writes memory at once; the answer is what it held.
    Update(Place, Update),
    /// Loads, and sets the exclusive monitor; the answer is what memory held.
    LoadExclusive(Place),
    /// Stores if the monitor is still set; the answer is 0 if it did.
    StoreExclusive(Place, u64),
    /// Has an address translated: the answer is a walk.
    Translate {
        /// Which access, where.
        root: Root,
        /// The same after the context changes that are not synchronized yet.
        next: Option<Root>,
        /// Walks made early may serve.
        early: bool,
    },
    /// Issues a TLBI.
    Invalidate(Tlbi),
    /// Waits until its TLBIs have completed.
    Complete,
    /// Synchronizes the context.
    Synchronize {
        /// By an exception return, which clears the exclusive monitor.
        returns: bool,
    },
    /// Begins a software walk.
    BeginWalk,
    /// Asks all other vCPUs to pause.
    Pause,
    /// Waits until they have.
    AwaitPaused,
    /// Lets them go on.
    Resume,
    /// Looks whether there was a TLBI since its walk began: the answer is 1 if so.
    Check,
    /// The same, and if there was none reads and writes memory at once: the answer is what memory held.
    CheckedUpdate(Place, Update),
}

/// How an atomic changes memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// Writes the second value where memory holds the first.
    CompareAndSwap(u128, u128),
    /// Writes a value.
    Swap(u64),
    /// Sets bits.
    Set(u64),
    /// Clears bits.
    Clear(u64),
    /// Adds.
    Add(u64),
}

impl Update {
    /// What memory holds afterwards.
    #[must_use]
    pub const fn apply(self, old: u128) -> u128 {
        match self {
            Self::CompareAndSwap(expected, new) => {
                if old == expected {
                    new
                } else {
                    old
                }
            }
            Self::Swap(value) => value as u128,
            Self::Set(value) => old | value as u128,
            Self::Clear(value) => old & !(value as u128),
            Self::Add(value) => (old as u64).wrapping_add(value) as u128,
        }
    }
}

/// An answer to what an actor wants.
pub type Said = Result<u128, Refusal>;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// An External abort.
    Abort,
    /// There was a TLBI since the walk began.
    Stale,
}
