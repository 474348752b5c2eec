//! Instructions and accesses: one table of operations, each with its target Exception level, stages and access.

/// An AT instruction, an ordinary access of 4 bytes, or an access of 8 bytes to a guarded control stack.
///
/// `Ldtr` and `Sttr` stand for the unprivileged access that LDTR and STTR make: always with EL0's permissions, in EL0's
/// regime. Where the instruction itself would be privileged (`AArch64.IsUnprivAccessPriv`), ask about `Ldr` or `Str`.
///
/// The accesses to a guarded control stack (`FEAT_GCS`) are of four kinds, each under the name of an instruction that
/// makes it: `GcsPopM` reads, as every pop does, procedure returns among them; `GcsStr` writes, as every push does;
/// `GcsSttr` writes as EL0, under the same proviso as `Sttr`; `GcsSs1` reads and writes at once. They stand for the
/// access alone: neither the enables of guarded control stacks nor their traps are asked, and the address, which the
/// instruction may take from GCSPR_ELx, is the one that is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the variants are the instructions' names; their rows say the rest
#[rustfmt::skip]
pub enum Op {
    S1E1R, S1E1W, S1E0R, S1E0W, S1E1RP, S1E1WP, S1E1A,
    S1E2R, S1E2W, S1E2A, S1E3R, S1E3W, S1E3A,
    S12E1R, S12E1W, S12E0R, S12E0W,
    Ldr, Str, Ldtr, Sttr, Fetch, Swp,
    GcsPopM, GcsStr, GcsSttr, GcsSs1,
}

/// What an AT instruction asks about (`ATAccess`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AtAccess {
    /// A read.
    Read,
    /// A write.
    Write,
    /// A read with PSTATE.PAN considered.
    ReadPan,
    /// A write with PSTATE.PAN considered.
    WritePan,
    /// No permission check (`FEAT_ATS1A`).
    Any,
}

/// A row of the AT table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The Exception level whose translation is asked for.
    pub el: u8,
    /// Whether stages 1 and 2 are asked for, or stage 1 alone.
    pub both_stages: bool,
    /// The access asked about.
    pub access: AtAccess,
    /// op1, CRm and op2 of the `SYS` encoding; op0 is 1 and CRn is 7.
    pub encoding: (u8, u8, u8),
}

/// A row of the table of accesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Reads memory.
    pub read: bool,
    /// Writes memory.
    pub write: bool,
    /// Fetches an instruction.
    pub fetch: bool,
    /// Is EL0's, whatever the Exception level.
    pub unprivileged: bool,
    /// Is to a guarded control stack (`FEAT_GCS`).
    pub stack: bool,
}

/// What kind of operation an [`Op`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpKind {
    /// An AT instruction.
    At(At),
    /// An access, ordinary or to a guarded control stack.
    Access(Access),
}

impl Op {
    /// Every operation, in table order.
    #[rustfmt::skip]
    pub const ALL: [Self; 27] = [
        Self::S1E1R, Self::S1E1W, Self::S1E0R, Self::S1E0W, Self::S1E1RP, Self::S1E1WP, Self::S1E1A,
        Self::S1E2R, Self::S1E2W, Self::S1E2A, Self::S1E3R, Self::S1E3W, Self::S1E3A,
        Self::S12E1R, Self::S12E1W, Self::S12E0R, Self::S12E0W,
        Self::Ldr, Self::Str, Self::Ldtr, Self::Sttr, Self::Fetch, Self::Swp,
        Self::GcsPopM, Self::GcsStr, Self::GcsSttr, Self::GcsSs1,
    ];

    /// The mnemonic, without `AT`: `S1E1R`, `LDR`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::S1E1R => "S1E1R",
            Self::S1E1W => "S1E1W",
            Self::S1E0R => "S1E0R",
            Self::S1E0W => "S1E0W",
            Self::S1E1RP => "S1E1RP",
            Self::S1E1WP => "S1E1WP",
            Self::S1E1A => "S1E1A",
            Self::S1E2R => "S1E2R",
            Self::S1E2W => "S1E2W",
            Self::S1E2A => "S1E2A",
            Self::S1E3R => "S1E3R",
            Self::S1E3W => "S1E3W",
            Self::S1E3A => "S1E3A",
            Self::S12E1R => "S12E1R",
            Self::S12E1W => "S12E1W",
            Self::S12E0R => "S12E0R",
            Self::S12E0W => "S12E0W",
            Self::Ldr => "LDR",
            Self::Str => "STR",
            Self::Ldtr => "LDTR",
            Self::Sttr => "STTR",
            Self::Fetch => "FETCH",
            Self::Swp => "SWP",
            Self::GcsPopM => "GCSPOPM",
            Self::GcsStr => "GCSSTR",
            Self::GcsSttr => "GCSSTTR",
            Self::GcsSs1 => "GCSSS1",
        }
    }

    /// The operation of this name; case does not matter, and a leading `AT` is allowed.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim();
        let name = match name.get(..3) {
            Some(prefix) if prefix.eq_ignore_ascii_case("AT ") => name[3..].trim_start(),
            _ => name,
        };
        Self::ALL.into_iter().find(|op| op.name().eq_ignore_ascii_case(name))
    }

    /// The table row.
    #[must_use]
    pub const fn kind(self) -> OpKind {
        use AtAccess::{Any, Read, ReadPan, Write, WritePan};
        const fn at(el: u8, both_stages: bool, access: AtAccess, op1: u8, crm: u8, op2: u8) -> OpKind {
            OpKind::At(At { el, both_stages, access, encoding: (op1, crm, op2) })
        }
        const fn access(read: bool, write: bool, fetch: bool, unprivileged: bool) -> OpKind {
            OpKind::Access(Access { read, write, fetch, unprivileged, stack: false })
        }
        const fn stack(read: bool, write: bool, unprivileged: bool) -> OpKind {
            OpKind::Access(Access { read, write, fetch: false, unprivileged, stack: true })
        }
        match self {
            Self::S1E1R => at(1, false, Read, 0, 8, 0),
            Self::S1E1W => at(1, false, Write, 0, 8, 1),
            Self::S1E0R => at(0, false, Read, 0, 8, 2),
            Self::S1E0W => at(0, false, Write, 0, 8, 3),
            Self::S1E1RP => at(1, false, ReadPan, 0, 9, 0),
            Self::S1E1WP => at(1, false, WritePan, 0, 9, 1),
            Self::S1E1A => at(1, false, Any, 0, 9, 2),
            Self::S1E2R => at(2, false, Read, 4, 8, 0),
            Self::S1E2W => at(2, false, Write, 4, 8, 1),
            Self::S1E2A => at(2, false, Any, 4, 9, 2),
            Self::S1E3R => at(3, false, Read, 6, 8, 0),
            Self::S1E3W => at(3, false, Write, 6, 8, 1),
            Self::S1E3A => at(3, false, Any, 6, 9, 2),
            Self::S12E1R => at(1, true, Read, 4, 8, 4),
            Self::S12E1W => at(1, true, Write, 4, 8, 5),
            Self::S12E0R => at(0, true, Read, 4, 8, 6),
            Self::S12E0W => at(0, true, Write, 4, 8, 7),
            Self::Ldr => access(true, false, false, false),
            Self::Str => access(false, true, false, false),
            Self::Ldtr => access(true, false, false, true),
            Self::Sttr => access(false, true, false, true),
            Self::Fetch => access(true, false, true, false),
            Self::Swp => access(true, true, false, false),
            Self::GcsPopM => stack(true, false, false),
            Self::GcsStr => stack(false, true, false),
            Self::GcsSttr => stack(false, true, true),
            Self::GcsSs1 => stack(true, true, false),
        }
    }
}
