//! Who executes AT, and how: what the selector offers.

use stagewalk::machine::{Emulation, Policy, UpdateCheck};
use stagewalk::scenario::machine::Scenario;

/// Who executes AT, and how.
#[derive(Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its name in links.
    pub name: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// What that means.
    pub about: &'static str,
    /// The policy; `None`: hardware executes AT.
    pub policy: Option<Policy>,
}

/// All of them.
pub static ALL: [Choice; 8] = [
    Choice {
        name: "hardware",
        title: "hardware",
        about: "The vCPU executes AT itself: the reference for what the architecture allows.",
        policy: None,
    },
    Choice {
        name: "race",
        title: "race",
        about: "The hypervisor walks by hand while the others run on, as Linux does.",
        policy: Some(Policy::Race),
    },
    Choice {
        name: "pause-all",
        title: "pause all others",
        about: "All other vCPUs leave the guest before the walk and come back after it. The host is not paused.",
        policy: Some(Policy::PauseAll),
    },
    Choice {
        name: "tlb-lock",
        title: "TLB lock",
        about: "A guest's TLBI is complete only when no software walk is under way.",
        policy: Some(Policy::TlbLock { epoch: false }),
    },
    Choice {
        name: "tlb-lock-epoch",
        title: "TLB lock, epoch",
        about: "A guest's TLBI waits for the software walks that are older than itself.",
        policy: Some(Policy::TlbLock { epoch: true }),
    },
    Choice {
        name: "seq-retry",
        title: "sequence count and retry",
        about: "TLBIs are counted; a walk that ends with another count than it began with begins again.",
        policy: Some(Policy::SeqRetry { before_update: UpdateCheck::Never }),
    },
    Choice {
        name: "seq-retry-split",
        title: "sequence count, looked at before an update",
        about: "The count is looked at before a descriptor is updated, too, in a step of its own.",
        policy: Some(Policy::SeqRetry { before_update: UpdateCheck::Split }),
    },
    Choice {
        name: "seq-retry-atomic",
        title: "sequence count, in one with an update",
        about: "Looking at the count and updating a descriptor are one step.",
        policy: Some(Policy::SeqRetry { before_update: UpdateCheck::Atomic }),
    },
];

/// The choice called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Choice> {
    ALL.iter().find(|choice| choice.name == name)
}

/// What a scenario itself says.
#[must_use]
pub fn of(scenario: &Scenario) -> &'static Choice {
    let policy = match scenario.machine.emulation {
        Emulation::Hardware => None,
        Emulation::Software { policy, .. } => Some(policy),
    };
    ALL.iter().find(|choice| choice.policy == policy).unwrap_or(&ALL[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use stagewalk::scenario::machine::stories;

    #[test]
    fn they_are_called_as_everywhere() {
        let scenario = stories::ALL[0].scenario().unwrap();
        for choice in &ALL {
            assert_eq!(scenario.under(choice.policy).emulation_name(), choice.name);
        }
    }
}
