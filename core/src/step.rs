//! Steps: what a traced translation says about itself, flat and in order. Views turn them into tables and prose.

mod record;

pub use record::{Read, Record, S1Attrs, S2Walk, Start};

use crate::access::Op;
use crate::addr::FullAddress;
use crate::outcome::{AddressDescriptor, FaultRecord, MemAttrs};
use crate::regime::{Granule, Regime, SecurityState, Stage, VaRange};
use crate::rule::Rule;

/// What a stage-2 (or stage-1) lookup is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// The instruction's own address: stage 1 of the VA, or stage 2 of stage 1's output.
    Output,
    /// Stage 2 of the address of the stage-1 descriptor at this level, to read it.
    Descriptor(i8),
    /// Stage 2 of the address of the stage-1 descriptor at this level, to update it.
    Update(i8),
}

/// Where in the nested walk a step happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The stage; `None` for the instruction around the walk.
    pub stage: Option<Stage>,
    /// What the stage was translating. Always `Output` in stage 1.
    pub purpose: Purpose,
    /// The lookup level, when one is under way.
    pub level: Option<i8>,
}

impl Place {
    /// Around the walk: decoding the instruction, encoding the result.
    pub const INSTRUCTION: Self = Self { stage: None, purpose: Purpose::Output, level: None };

    /// In stage 1, outside any lookup.
    pub const S1: Self = Self { stage: Some(Stage::S1), purpose: Purpose::Output, level: None };

    /// In stage 2, outside any lookup.
    #[must_use]
    pub const fn s2(purpose: Purpose) -> Self {
        Self { stage: Some(Stage::S2), purpose, level: None }
    }

    /// The same place, at a level.
    #[must_use]
    pub const fn at(self, level: i8) -> Self {
        Self { level: Some(level), ..self }
    }
}

/// Permissions an access was checked against.
// Aligned so that it is copied at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(align(4))]
pub struct AccessRights {
    /// Readable.
    pub read: bool,
    /// Writable.
    pub write: bool,
    /// Executable.
    pub execute: bool,
}

/// What happened in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The instruction begins.
    Begin {
        /// The instruction or access.
        op: Op,
        /// The Exception level that executes it.
        el: u8,
        /// Its address operand.
        va: u64,
    },
    /// The instruction is UNDEFINED.
    Undefined,
    /// The instruction is trapped before it executes.
    Trapped {
        /// The Exception level trapped to.
        el: u8,
        /// ESR of that level.
        esr: u64,
    },
    /// The regime is chosen.
    Regime {
        /// Which.
        regime: Regime,
        /// In which Security state.
        security: SecurityState,
        /// Which half of the VA space, hence which TTBR.
        range: VaRange,
        /// The Exception level whose permissions are checked.
        el: u8,
        /// Whether stage 2 translates the stage-1 descriptors' addresses.
        stage2_on_walk: bool,
        /// Whether stage 2 translates the output.
        stage2_on_output: bool,
    },
    /// The stage does not translate: its output is its input.
    Disabled {
        /// The output.
        output: AddressDescriptor,
    },
    /// A stage begins its walk with these parameters.
    Start {
        /// The input address.
        input: u64,
        /// Translation granule.
        granule: Granule,
        /// Input address size, in bits.
        ia_size: u8,
        /// Output address size, in bits.
        oa_size: u8,
        /// The level the walk starts at.
        level: i8,
        /// The base register's value.
        ttbr: u128,
        /// The address of the first table.
        table: FullAddress,
    },
    /// A check was passed.
    Passed,
    /// A descriptor was read.
    Read {
        /// The address the stage computed: an IPA in stage 1 under stage 2.
        descriptor: FullAddress,
        /// The physical address it was read from.
        physical: FullAddress,
        /// The table's address.
        table: u64,
        /// The stage's input address.
        input: u64,
        /// Most significant input address bit of the index.
        index_high: u8,
        /// Least significant input address bit of the index.
        index_low: u8,
        /// The descriptor, in the byte order of the regime.
        value: u128,
        /// Whether it has 128 bits.
        wide: bool,
    },
    /// A granule protection table entry was read, for the check of the descriptor (or output) at this place.
    GptRead {
        /// Its address, in Root memory.
        address: FullAddress,
        /// The level of the table, 0 or 1.
        level: u8,
        /// The entry.
        value: u64,
    },
    /// The descriptor points to a table.
    Table {
        /// The next table's address.
        next: FullAddress,
    },
    /// The descriptor is a leaf: a block or a page.
    Leaf {
        /// Output address of the translation.
        output: FullAddress,
        /// log2 of the size of what it maps in bytes, contiguous neighbours included.
        size: u8,
        /// Whether the Contiguous bit counts.
        contiguous: bool,
    },
    /// Memory attributes were decided.
    Attributes {
        /// Them.
        attrs: MemAttrs,
    },
    /// Permissions were computed for the Exception level of the access.
    Permissions {
        /// Them.
        rights: AccessRights,
    },
    /// Hardware updates the descriptor by compare-and-swap.
    Update {
        /// Physical address.
        physical: FullAddress,
        /// What the walk had read.
        old: u128,
        /// What it writes.
        new: u128,
        /// What memory held: the swap failed, and the walk is repeated, if it is not `old`.
        found: u128,
    },
    /// A stage has an output.
    Output {
        /// It.
        output: AddressDescriptor,
    },
    /// The walk ends in a fault.
    Fault {
        /// It.
        fault: FaultRecord,
    },
    /// PAR_EL1 is written.
    Par {
        /// Its value.
        value: u128,
    },
    /// The instruction takes an exception.
    Exception {
        /// The target Exception level.
        el: u8,
        /// ESR of that level.
        esr: u64,
    },
    /// The access is performed at the output address.
    Performed,
}

/// One step: where, by which rule, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where.
    pub place: Place,
    /// The rule that decided it.
    pub rule: Rule,
    /// What happened.
    pub event: Event,
}
