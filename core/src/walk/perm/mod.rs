//! Permissions: what each stage's descriptors allow, and the checks in order.

mod indirect;
mod s1;
mod s2;
mod verdicts;

pub(super) use s1::{TableLimits, s1_check, s1_permissions, s1_plainly_permitted, s1_rule};
pub(super) use s2::{
    S2_KEYS, S2Permissions, Target, plainly_permitted, plainly_readable, s2_check, s2_key, s2_permissions, s2_rights,
};
pub(super) use verdicts::Verdicts;

use super::AccessDescriptor;
use crate::rule::Rule;

/// What a Permission fault says besides its level, and WnR. A fault of an access that the walk makes on the way keeps
/// what an earlier check has laid at the access itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Blame {
    /// The write was at fault.
    pub write: bool,
    /// The TopLevel check of `FEAT_THE`.
    pub top_level: bool,
    /// A permission overlay.
    pub overlay: bool,
    /// The dirty state, under indirect permissions.
    pub dirty_bit: bool,
    /// Stage 2's AssuredOnly.
    pub assured_only: bool,
}

/// A failed check: its rule, and what the fault record says of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Denied {
    pub rule: Rule,
    pub blame: Blame,
}

impl Denied {
    /// A check that leaves WnR as it is.
    const fn new(rule: Rule, access: AccessDescriptor) -> Self {
        Self { rule, blame: access.blame }
    }

    /// A check that says which half of the access failed.
    const fn of(rule: Rule, access: AccessDescriptor, write: bool) -> Self {
        Self { rule, blame: Blame { write, ..access.blame } }
    }

    const fn overlay(mut self) -> Self {
        self.blame.overlay = true;
        self
    }

    const fn dirty_bit(mut self) -> Self {
        self.blame.dirty_bit = true;
        self
    }

    const fn top_level(mut self) -> Self {
        self.blame.top_level = true;
        self
    }

    const fn assured_only(mut self) -> Self {
        self.blame.assured_only = true;
        self
    }
}

/// One of the sixteen 4-bit fields of a permission register.
const fn nibble(register: u64, index: u32) -> u8 {
    (register >> (4 * (index & 0xf)) & 0xf) as u8
}

/// An access for tests: AT for a read, at EL1.
#[cfg(test)]
const AT: AccessDescriptor = AccessDescriptor {
    kind: super::AccessType::At,
    el: 1,
    security: crate::regime::SecurityState::NonSecure,
    read: true,
    write: false,
    pan: false,
    first_table_of: None,
    blame: Blame { write: false, top_level: false, overlay: false, dirty_bit: false, assured_only: false },
};
