//! Several vCPUs that share memory: their programs, their TLBs, and a hypervisor that emulates AT.
//!
//! [`World`] holds a [`Machine`] in motion. A [`State`] is eight numbers; [`World::enabled`] tells what can happen in
//! it and [`World::step`] what it leads to. Everything that moves is made of questions and answers: an actor is its
//! answers so far (`thread`), and so is a walk (`walks`), which is the engine's one walk, suspended.
//!
//! # Memory order
//! Accesses to memory are sequentially consistent, with TLBs on top: what a PE has translated before may serve again
//! until a TLBI that reaches it has completed ([`tlb`]). That is the model of `FEAT_ETS2`. With [`Machine::early`], as
//! without that feature, walks may also be made before an access's turn in program order. Not modelled: accesses out
//! of program order, store buffers, descriptor updates by walks for accesses that are not made, amalgamated entries.

mod cells;
mod emulate;
mod enabled;
pub mod explore;
mod fingerprint;
mod footprint;
mod intern;
pub mod local;
mod memo;
pub mod policy;
pub mod program;
pub mod random;
mod roots;
mod sync;
mod thread;
pub mod tlb;
pub mod tlbi;
pub mod trace;
pub mod walks;
mod world;

pub use enabled::Transition;
pub use policy::{Emulation, Policy, UpdateCheck};
pub use sync::{Actors, MOST_ACTORS, Sync};
pub use world::{State, World};

use crate::access::Op;
use crate::memory::Memory;
use crate::params::virtual_el2;
use crate::pe::Pe;
use alloc::string::String;
use alloc::vec::Vec;
use program::{Handler, Instr, REGS};

/// Actors, the memory that they share, and how it all works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// vCPUs, and the host if it does anything: at most [`MOST_ACTORS`].
    pub actors: Vec<Actor>,
    /// Memory in the beginning.
    pub memory: Memory,
    /// What the host does about stage-2 faults: the pages that it has taken away, and can give back.
    pub backing: Vec<Backing>,
    /// Who executes AT instructions.
    pub emulation: Emulation,
    /// There are TLBs.
    pub tlb: bool,
    /// Walks may be made before their turn in program order, as without `FEAT_ETS2`.
    pub early: bool,
    /// A hardware walk is one step for each descriptor, where otherwise it is one step in all.
    pub stepwise: bool,
}

/// A vCPU, or the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// What it is called.
    pub name: String,
    /// It is the host, which no vCPU can pause.
    pub host: bool,
    /// Registers, Exception level and features.
    pub pe: Pe,
    /// The registers that the hypervisor loads to emulate an AT instruction; `None`: the actor's own, at EL2.
    pub emulated: Option<Pe>,
    /// It is a guest's hypervisor at a virtual EL2, and this is the guest as it sees itself: see [`virtual_el2`].
    pub guest: Option<Pe>,
    /// X0 to X30.
    pub regs: [u64; REGS],
    /// What it executes.
    pub program: Vec<Instr>,
    /// What it does about exceptions.
    pub handler: Handler,
    /// Addresses that it may come to access, besides those in its program.
    pub vas: Vec<u64>,
}

/// A page that the host has taken away at stage 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backing {
    /// The page's intermediate physical address.
    pub ipa: u64,
    /// Where its stage-2 descriptor is.
    pub entry: u64,
    /// The descriptor that maps it.
    pub descriptor: u64,
}

impl Actor {
    /// A vCPU with every general register 0.
    #[must_use]
    pub fn vcpu(name: &str, pe: Pe, program: Vec<Instr>) -> Self {
        Self {
            name: name.into(),
            host: false,
            pe,
            emulated: None,
            guest: None,
            regs: [0; REGS],
            program,
            handler: Handler::default(),
            vas: Vec::new(),
        }
    }
}

/// What a hypervisor executes for a trapped AT instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loaded {
    /// The registers.
    pub pe: Pe,
    /// The instruction.
    pub op: Op,
    /// It can be executed; otherwise there is only the walk in software.
    pub executes: bool,
}

impl Actor {
    /// What the hypervisor executes for an AT instruction that the actor executes with these registers.
    pub(crate) fn loaded(&self, own: &Pe, op: Op) -> Loaded {
        if let Some(pe) = &self.emulated {
            return Loaded { pe: pe.clone(), op, executes: true };
        }
        let Some(guest) = &self.guest else {
            return Loaded { pe: Pe { el: 2, ..own.clone() }, op, executes: true };
        };
        match virtual_el2::load(own, guest, op) {
            Some((pe, op)) => Loaded { pe, op, executes: true },
            // The guest's own two stages, its physical addresses taken for physical ones.
            None => Loaded { pe: Pe { el: 2, ..guest.clone() }, op, executes: false },
        }
    }
}

impl Machine {
    /// A machine with TLBs, as with `FEAT_ETS2`, where hardware executes AT and walks in one step.
    #[must_use]
    pub fn new(actors: Vec<Actor>, memory: Memory) -> Self {
        let emulation = Emulation::Hardware;
        Self { actors, memory, backing: Vec::new(), emulation, tlb: true, early: false, stepwise: false }
    }
}
