//! The nested walk as a matrix: a row per stage-1 descriptor, its stage-2 lookups along the row, then its own read.

mod build;

use crate::addr::FullAddress;
use crate::outcome::{AddressDescriptor, FaultRecord};
use crate::regime::Stage;
use alloc::vec::Vec;
pub use build::build;

/// A walk, laid out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    /// The stage-2 columns: every level a stage-2 lookup could have used. Empty where stage 2 does not walk.
    pub columns: Vec<i8>,
    /// The rows, in the order the walk filled them; those it never came to are last.
    pub rows: Vec<Row>,
    /// Physical reads, those inside compare-and-swaps included.
    pub reads: u32,
}

/// What a row is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purposed {
    /// Reading the stage-1 descriptor at this level.
    Descriptor(i8),
    /// Hardware's update of the stage-1 descriptor at this level.
    Update(i8),
    /// The output address.
    Output,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is for.
    pub purpose: Purposed,
    /// 0, or how many times this row was walked before: a swap failed.
    pub repeat: u32,
    /// The address that went into stage 2, or into memory where there is no stage 2.
    pub input: Option<u64>,
    /// Whether stage 2 passed the address on unchanged because it is off.
    pub stage2_off: bool,
    /// Stage 2's lookups, one per column.
    pub stage2: Vec<Cell>,
    /// What stage 2 made of the address.
    pub stage2_output: Option<FullAddress>,
    /// The stage-1 read or update at the end of the row; none in the output row.
    pub stage1: Option<Cell>,
    /// The translation's output, in the output row.
    pub output: Option<AddressDescriptor>,
    /// A fault that belongs to no lookup: before stage 2's first, or before stage 1's.
    pub fault: Option<FaultRecord>,
    /// The stop at which the row's own fault or output is decided.
    pub stop: Option<usize>,
    /// The granule protection reads for the output itself.
    pub checks: Vec<Check>,
}

/// A read of the granule protection tables, made before a descriptor (or the output) may be accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// The number of the read.
    pub number: Option<u32>,
    /// The entry's physical address; none where the read aborted.
    pub address: Option<FullAddress>,
    /// The entry.
    pub value: Option<u64>,
}

/// One lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The stage.
    pub stage: Stage,
    /// The level.
    pub level: i8,
    /// The number of its read, counting from 1.
    pub number: Option<u32>,
    /// The number of the read inside its compare-and-swap.
    pub swap_number: Option<u32>,
    /// Physical address of the descriptor.
    pub address: Option<FullAddress>,
    /// The descriptor.
    pub value: Option<u128>,
    /// What hardware wrote over it.
    pub written: Option<u128>,
    /// What came of it.
    pub outcome: Outcome,
    /// The fault found here.
    pub fault: Option<FaultRecord>,
    /// The stop it belongs to.
    pub stop: Option<usize>,
    /// The stop of its compare-and-swap.
    pub swap_stop: Option<usize>,
    /// The granule protection reads before it.
    pub checks: Vec<Check>,
}

/// What a lookup comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The walk did not come this far.
    NotReached,
    /// The walk did not need it: a block mapped the address higher up.
    NotNeeded,
    /// Read, and not (yet) decoded into anything: what a fault leaves.
    Read,
    /// Points to the next table.
    Table(FullAddress),
    /// Maps 2^`size` bytes.
    Leaf {
        /// Output address of the translation.
        output: FullAddress,
        /// log2 of the bytes mapped.
        size: u8,
        /// Whether contiguous neighbours are included.
        contiguous: bool,
    },
    /// Hardware wrote the descriptor.
    Updated,
    /// Memory had changed under the walk: it starts again.
    Lost,
}

impl Cell {
    const fn empty(stage: Stage, level: i8) -> Self {
        Self {
            stage,
            level,
            number: None,
            swap_number: None,
            address: None,
            value: None,
            written: None,
            outcome: Outcome::NotReached,
            fault: None,
            stop: None,
            swap_stop: None,
            checks: Vec::new(),
        }
    }

    /// Whether a stop is about this lookup.
    #[must_use]
    pub fn is_at(&self, stop: usize) -> bool {
        self.stop == Some(stop) || self.swap_stop == Some(stop)
    }

    /// Whether the walk came here.
    #[must_use]
    pub const fn reached(&self) -> bool {
        !matches!(self.outcome, Outcome::NotReached | Outcome::NotNeeded)
    }
}

impl Row {
    const fn new(purpose: Purposed) -> Self {
        Self {
            purpose,
            repeat: 0,
            input: None,
            stage2_off: false,
            stage2: Vec::new(),
            stage2_output: None,
            stage1: None,
            output: None,
            fault: None,
            stop: None,
            checks: Vec::new(),
        }
    }

    /// The row's lookups, stage 2's and then stage 1's.
    pub fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.stage2.iter().chain(&self.stage1)
    }

    /// Whether the walk came to this row at all.
    #[must_use]
    pub fn reached(&self) -> bool {
        self.input.is_some() || self.output.is_some() || self.fault.is_some() || self.cells().any(Cell::reached)
    }
}
