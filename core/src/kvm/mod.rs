//! The real machine: a case's question put to a virtual machine of KVM, on an arm64 host.
//!
//! A [`Machine`] is a VM with one vCPU. It takes a case's registers and tables as its own, executes the case's AT
//! instruction in a few instructions of its own, and gives back what the hardware, or for a guest hypervisor's AT the
//! kernel that emulates it, left in PAR_EL1. Stage 2 of the VM is KVM's and shows nothing but the VM's memory; a case's
//! own stage 2 is a guest hypervisor's, at virtual EL2.
//!
//! | file | what it does |
//! | --- | --- |
//! | `guest` | the code that executes in the VM |
//! | `fit` | makes a case one that a VM can ask: where the guest's code goes, what the VM's own features leave |
//! | `random` | invents such cases |
//! | `compare`, `rows` | tells answers that are equal from those that differ, and the known differences from others |
//! | `arm` | the VM itself, its memory, and the stories in which a page is missing |
//!
//! Where there is no KVM, everything says so: [`Problem::Unavailable`].

mod compare;
mod fit;
mod guest;
mod random;
mod rows;

#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
mod arm;
#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
pub use arm::{Machine, Scene, kernel, levels, probe};

#[cfg(not(all(target_arch = "aarch64", target_os = "linux")))]
mod absent;
#[cfg(not(all(target_arch = "aarch64", target_os = "linux")))]
pub use absent::{Machine, Scene, kernel, levels, probe};

pub use compare::{Verdict, compare};
pub use fit::{Fit, Limits, fit};
pub use random::Cases;
pub use rows::{Row, Walker, explain};

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use serde::Serialize;

/// As what the VM's code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A guest at EL1.
    El1,
    /// A guest hypervisor at virtual EL2 whose HCR_EL2.E2H is 1.
    Vel2,
    /// A guest hypervisor at virtual EL2 whose HCR_EL2.E2H is 0.
    Vel2Nvhe,
}

impl Level {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::El1, Self::Vel2, Self::Vel2Nvhe];

    /// The Exception level, as the guest sees it.
    #[must_use]
    pub const fn el(self) -> u8 {
        match self {
            Self::El1 => 1,
            Self::Vel2 | Self::Vel2Nvhe => 2,
        }
    }

    /// What it is called on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::El1 => "el1",
            Self::Vel2 => "vel2",
            Self::Vel2Nvhe => "vel2-nvhe",
        }
    }

    /// In words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::El1 => "EL1",
            Self::Vel2 => "virtual EL2, E2H = 1",
            Self::Vel2Nvhe => "virtual EL2, E2H = 0",
        }
    }
}

/// Why the machine gives no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The host cannot do this.
    Unavailable(String),
    /// No VM can be asked this.
    Unfit(String),
    /// The host failed at it, or the guest did something else.
    Failed(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "not available: {why}"),
            Self::Unfit(why) => write!(f, "no question for a VM: {why}"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

impl core::error::Error for Problem {}

/// What a host offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// The kernel's version.
    pub kernel: String,
    /// The largest size of a VM's physical addresses, in bits.
    pub ipa_bits: u32,
    /// What a VM offers at each level.
    pub levels: Vec<Offer>,
    /// Why memory cannot be withheld by userfaultfd; `None` if it can.
    pub userfaultfd: Option<String>,
}

/// What a VM offers at a level, or why it does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// The level.
    pub level: Level,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// The features by which translation differs.
    pub features: Vec<&'static str>,
    /// The size of physical addresses, in bits.
    pub pa_bits: u8,
}

/// One of the stories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tale {
    /// What it is called.
    pub name: &'static str,
    /// What happens.
    pub title: &'static str,
}

/// The stories, in the order in which they are told.
pub const TALES: [Tale; 5] = [
    Tale { name: "withheld", title: "a stage 1 table page is swapped out; the vCPU waits, the page is supplied" },
    Tale { name: "no-slot", title: "a stage 1 table page lies where the VM has no memory" },
    Tale { name: "prot-none", title: "a stage 1 table page is in memory that the host may not touch" },
    Tale { name: "rewrite", title: "while one vCPU's AT waits for a table page, another rewrites the tables" },
    Tale { name: "pause", title: "all vCPUs are made to pause, tables change, and they go on" },
];

/// What came of a story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Its name.
    pub story: &'static str,
    /// As what the vCPU ran.
    pub level: Level,
    /// What happened, in order, with the time since the beginning in microseconds.
    pub events: Vec<(u64, String)>,
    /// Whether it went as it should.
    pub as_expected: bool,
}
