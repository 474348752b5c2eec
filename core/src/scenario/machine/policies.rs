//! What the policies of an emulated AT are called.

use crate::machine::{Policy, UpdateCheck};
use crate::scenario::names::Named;

impl Named for Policy {
    const WHAT: &'static str = "a policy";
    const ALL: &'static [Self] = &[
        Self::Race,
        Self::PauseAll,
        Self::TlbLock { epoch: false },
        Self::TlbLock { epoch: true },
        Self::SeqRetry { before_update: UpdateCheck::Never },
        Self::SeqRetry { before_update: UpdateCheck::Split },
        Self::SeqRetry { before_update: UpdateCheck::Atomic },
    ];

    fn text(self) -> &'static str {
        match self {
            Self::Race => "race",
            Self::PauseAll => "pause-all",
            Self::TlbLock { epoch: false } => "tlb-lock",
            Self::TlbLock { epoch: true } => "tlb-lock-epoch",
            Self::SeqRetry { before_update: UpdateCheck::Never } => "seq-retry",
            Self::SeqRetry { before_update: UpdateCheck::Split } => "seq-retry-split",
            Self::SeqRetry { before_update: UpdateCheck::Atomic } => "seq-retry-atomic",
        }
    }

    fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|policy| policy.text() == name)
    }
}

/// What [`Emulation::Hardware`](crate::machine::Emulation) is called.
pub const HARDWARE: &str = "hardware";
