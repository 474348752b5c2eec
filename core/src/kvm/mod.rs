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
//! | `settle` | sees to it that the machine's answer to a given case depends on the case alone |
//! | `random` | invents such cases |
//! | `compare`, `rows`, `differences`, `told` | tells answers that are equal, or differ as is known, from the others |
//! | `combine` | one of the differences: attributes of both stages |
//! | `arm` | the VM itself, its memory, and the stories in which a page is missing |
//!
//! Where there is no KVM, everything says so: [`Problem::Unavailable`].

mod combine;
mod compare;
mod differences;
mod fit;
#[cfg_attr(not(all(target_arch = "aarch64", target_os = "linux")), allow(dead_code))]
mod guest;
mod random;
mod rows;
#[cfg_attr(not(all(target_arch = "aarch64", target_os = "linux")), allow(dead_code))]
mod settle;
mod told;

#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
mod arm;
#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
pub use arm::{Machine, Scene, kernel, levels, probe};

#[cfg(not(all(target_arch = "aarch64", target_os = "linux")))]
mod absent;
#[cfg(not(all(target_arch = "aarch64", target_os = "linux")))]
pub use absent::{Machine, Scene, kernel, levels, probe};

pub(crate) use compare::changes;
pub use compare::{Asked, Verdict, ask, compare};
pub use fit::{Fit, Limits, fit};
pub use random::Cases;
pub use rows::{Row, Walker, explain};
pub use told::sentence;

use crate::layout::sysreg::{SysReg, hcr_el2};
use crate::scenario::Case;
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

    /// The level that a case asks for.
    #[must_use]
    pub fn of(case: &Case) -> Self {
        match case.pe.el {
            2 if hcr_el2::E2H.is_set(case.pe.regs.get(SysReg::HcrEl2)) => Self::Vel2,
            2 => Self::Vel2Nvhe,
            _ => Self::El1,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at::Outcome;
    use crate::choice::Choices;
    use crate::feature::{Feature, Features};
    use alloc::string::ToString;

    /// VMs like those of the test bed.
    fn limits(level: Level) -> Limits {
        let absent = [Feature::El3, Feature::D128, Feature::Sysreg128, Feature::The, Feature::Mte2, Feature::Rme];
        let absent = absent.into_iter().chain((level == Level::El1).then_some(Feature::El2));
        let features = absent.fold(Features::default(), |features, absent| features.without(absent)).closed();
        let walker = Walker { qemu: true, linux: level != Level::El1 };
        Limits { level, features, pa_bits: 48, ipa_bits: 48, choices: Choices::default(), walker }
    }

    #[test]
    fn random_cases_are_the_same_again_and_fit() {
        for level in Level::ALL {
            let cases: Vec<Fit> = Cases::new(limits(level), 7).take(200).collect();
            assert!(cases.iter().eq(&Cases::new(limits(level), 7).take(200).collect::<Vec<_>>()));
            let mut succeeded = 0;
            for Fit { case, code, pages, .. } in &cases {
                assert!(pages.contains(code) && case.pe.el == level.el(), "{}", case.id);
                let run = case.run();
                succeeded += usize::from(run.answer.output.is_some());
                assert_eq!(compare(case, &run, &run, limits(level).walker), Verdict::Equal);
            }
            assert!((40..160).contains(&succeeded), "{}: {succeeded} of 200 succeed", level.name());
        }
    }

    #[test]
    fn a_difference_is_explained_by_its_row_or_not_at_all() {
        let limits = limits(Level::Vel2);
        let (mut explained, mut unexplained) = (0, 0);
        for Fit { case, .. } in Cases::new(limits, 3).take(1500) {
            let model = case.run();
            let mut machine = model.clone();
            let Outcome::Par(par) = &mut machine.answer.result else { continue };
            if case.op.name().starts_with("S12") && par.value & 1 == 0 && crate::at::scope(&case.pe, case.op).1 {
                par.value &= !(1 << 11);
                assert_eq!(
                    compare(&case, &model, &machine, limits.walker),
                    Verdict::Explained([9].into()),
                    "{}",
                    case.id
                );
                explained += 1;
            }
            if par_of(&model) & 1 == 0 && unexplained < 10 {
                let Outcome::Par(par) = &mut machine.answer.result else { continue };
                par.value ^= 1 << 20;
                assert_eq!(compare(&case, &model, &machine, limits.walker), Verdict::Unexplained, "{}", case.id);
                unexplained += 1;
            }
        }
        assert!(explained > 10 && unexplained == 10);
    }

    fn par_of(run: &crate::scenario::Run) -> u128 {
        match run.answer.result {
            Outcome::Par(par) => par.value,
            _ => 1,
        }
    }

    #[test]
    fn what_no_vm_can_ask_is_refused_with_the_reason() {
        let refused = |example: &str, level| {
            let case = crate::scenario::examples::Example::find(example).map(|example| example.case());
            fit(&case.unwrap_or_else(|| panic!("{example}")), &limits(level)).map(drop)
        };
        assert_eq!(refused("page-4k", Level::El1), Ok(()));
        assert_eq!(refused("stage2-hole", Level::Vel2Nvhe), Ok(()));
        let el = refused("page-4k", Level::Vel2).unwrap_err();
        assert!(el.contains("it executes elsewhere: at EL1"), "{el}");
        let hole = refused("stage2-hole-el1", Level::El1).unwrap_err();
        assert!(hole.contains("a VM's EL2 is KVM's"), "{hole}");
        assert!(Problem::Unfit(hole).to_string().starts_with("no question for a VM"));
    }
}
