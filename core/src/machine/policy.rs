//! How a hypervisor that emulates AT by a software walk keeps the tables from changing underneath it.

/// What a software walk does about everybody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Nothing: it races with them.
    #[default]
    Race,
    /// It pauses all other vCPUs, and goes on when the last of them has left the guest. The host is not a vCPU.
    PauseAll,
    /// A TLBI is not complete while a walk is under way.
    TlbLock {
        /// It waits only for walks that are older than itself.
        epoch: bool,
    },
    /// A TLBI counts; a walk that finds the count changed at its end begins again.
    SeqRetry {
        /// Whether it looks at the count before it updates a descriptor, too.
        before_update: UpdateCheck,
    },
}

/// Whether the count of TLBIs is looked at before a descriptor is updated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UpdateCheck {
    /// It is not.
    #[default]
    Never,
    /// In a step of its own.
    Split,
    /// In one step with the update.
    Atomic,
}

/// Who executes the AT instructions of a machine, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Emulation {
    /// Hardware: they are not trapped.
    #[default]
    Hardware,
    /// The hypervisor.
    Software {
        /// Its policy.
        policy: Policy,
        /// It first executes the instruction itself, at EL2, and walks only if that does not settle the matter.
        instruction_first: bool,
        /// The host's own invalidations take part in the policy's protocol.
        host_covered: bool,
    },
}
