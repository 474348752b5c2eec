//! KVM on an arm64 host.

mod machine;
mod scene;
mod story;
mod sys;
mod vm;

pub use machine::Machine;
pub use scene::Scene;

use super::{Level, Offer, Probe, Problem};
use crate::feature::Feature;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// The kernel's version.
#[must_use]
pub fn kernel() -> String {
    sys::kernel()
}

/// The levels that the host offers.
///
/// # Errors
/// Why it offers none.
pub fn levels() -> Result<Vec<Level>, Problem> {
    let kvm = vm::kvm()?;
    Ok(Level::ALL.into_iter().filter(|&level| vm::missing(&kvm, level).is_none()).collect())
}

/// What the host offers.
///
/// # Errors
/// Why it offers nothing.
pub fn probe() -> Result<Probe, Problem> {
    let kvm = vm::kvm()?;
    let mut levels = Vec::new();
    for level in Level::ALL {
        let nothing = |why| Offer { level, missing: Some(why), features: Vec::new(), pa_bits: 0 };
        levels.push(match Machine::new(level) {
            Ok(machine) => {
                let limits = machine.limits();
                let features = limits.features.iter().map(Feature::name).collect();
                Offer { level, missing: None, features, pa_bits: limits.pa_bits }
            }
            Err(Problem::Unavailable(why)) => nothing(why),
            Err(problem) => nothing(problem.to_string()),
        });
    }
    let userfaultfd = sys::Withheld::open().err().map(|error| format!("userfaultfd: {error}"));
    Ok(Probe { kernel: sys::kernel(), ipa_bits: vm::ipa_bits(&kvm), levels, userfaultfd })
}
