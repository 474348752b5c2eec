//! stagewalk: AArch64 address translation, exact and explained.
//!
//! The library answers what an AT instruction (or a load, a store, a fetch) does on a machine in a given state: which
//! descriptors are read, by which rule each step is decided, and what PAR_EL1 or the exception holds in the end. Its
//! authority is Arm's own pseudocode, whose names it keeps.
//!
//! # Reading path
//! [`at`] → [`walk`] → `walk/s1.rs` → `walk/perm/` → [`par`].
//!
//! # Floors
//! A room imports only from rooms that stand before it: on a lower floor, or earlier on its own.
//!
//! | floor | rooms |
//! | --- | --- |
//! | 0 | [`bits`], [`addr`], [`rule`], [`feature`], [`choice`] |
//! | 1 | [`layout`]: every register and descriptor format, one table each |
//! | 2 | [`regs`], [`pe`]: raw state; [`preset`]: real cores by their ID registers |
//! | 3 | [`regime`], [`access`], `effective`, [`params`]: what the raw control bits come to |
//! | 4 | [`outcome`], [`step`], [`memory`], [`mod@env`], [`walk`] |
//! | 5 | [`par`], [`exception`], [`at`]: one instruction; [`prepared`]: at many addresses; [`map`]: what is mapped |
//! | 6 | [`machine`]: several vCPUs, and all that can become of them; `scenario`: whole cases; `kvm`: real machines |
//! | 7 | `view`: plain data for the renderers, which are the binary and the playground |
//!
//! # Invariants
//! - No input panics the walk, and the same input always gives the same answer.
//! - There is one walk. What it runs in, an [`env::Env`], decides whether it is fast, traced or suspended.
//! - Registers are read in `effective` and [`params`] alone, so that a bit that is gated is gated everywhere.
//! - Without default features the crate is `no_std` with `alloc`, and depends on nothing.
//! - There is no unsafe code, but for what the feature `kvm` needs of Linux: one file of it, `kvm/arm/sys.rs`.
//!
//! # Deliberately absent
//! AArch32, and for a single translation TLBs and the data of accesses: [`machine`] has both.

#![no_std]

extern crate alloc;
#[cfg(feature = "kvm")]
extern crate std;

pub mod access;
pub mod addr;
pub mod at;
pub mod bits;
pub mod choice;
mod effective;
pub mod env;
pub mod exception;
pub mod feature;
#[cfg(feature = "kvm")]
pub mod kvm;
pub mod layout;
pub mod machine;
pub mod map;
pub mod memory;
pub mod outcome;
pub mod par;
pub mod params;
pub mod pe;
pub mod prepared;
pub mod preset;
pub mod regime;
pub mod regs;
pub mod rule;
#[cfg(feature = "json")]
pub mod scenario;
pub mod step;
pub mod view;
pub mod walk;
