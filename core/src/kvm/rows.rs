//! The known differences between Arm's pseudocode and the walkers that a VM meets.

use crate::scenario::{Case, Run};
use alloc::vec::Vec;
use serde::Serialize;

/// Who walks for a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Walker {
    /// QEMU, and no silicon.
    pub qemu: bool,
    /// Linux, for a guest hypervisor, or the processor alone.
    pub linux: bool,
}

/// A row of the table.
pub type Row = u8;

/// The rows that together explain why the answers differ; `None` if none do.
#[must_use]
pub fn explain(_: &Case, _: &Run, _: &Run, _: Walker) -> Option<Vec<Row>> {
    None
}
