//! Translation table descriptors: what every bit means in the regime, stage, granule and level it is used in.
//!
//! The rows of [`s1`] and [`s2`] carry the conditions under which they apply; [`fields`] selects those of one context
//! and adds the address ranges, whose positions follow from granule and level.

use super::Field;
use crate::addr::PaSpace;
use alloc::vec::Vec;

pub mod s1;
pub mod s1_d128;
pub mod s2;
pub mod s2_d128;

#[cfg(test)]
mod tests;

/// What a descriptor is, by its type bits and its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Kind {
    /// Maps nothing: every bit but the valid bit is left to software.
    #[default]
    Invalid,
    /// Points to the table of the next level.
    Table,
    /// Maps a whole entry of a level before the last.
    Block,
    /// Maps a page: the last level.
    Page,
}

impl Kind {
    /// The kind that a 64-bit descriptor's type bits select at `level`. A block is called one even where the level
    /// cannot have blocks.
    #[must_use]
    pub const fn of(descriptor: u64, level: i8) -> Self {
        match (s1::VALID.is_set(descriptor), s1::TABLE.is_set(descriptor), level >= 3) {
            (true, true, true) => Self::Page,
            (true, true, false) => Self::Table,
            (true, false, false) => Self::Block,
            _ => Self::Invalid,
        }
    }
}

/// Everything on which the meaning of a descriptor's bits depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Context {
    /// What the descriptor is.
    pub kind: Kind,
    /// Whether it belongs to a stage 2 table.
    pub stage2: bool,
    /// Whether the regime is EL1&0.
    pub el1: bool,
    /// Whether the regime has an unprivileged level, EL0 (`HasUnprivileged`): the EL1&0 and EL2&0 regimes.
    pub unprivileged: bool,
    /// log2 of the granule size: 12, 14 or 16.
    pub granule_log2: u8,
    /// Lookup level, -2 to 3.
    pub level: i8,
    /// Whether addresses of 52 bits are in use with the 4KB or 16KB granule (the DS bit).
    pub ds: bool,
    /// Whether bits 15:12 hold address bits 51:48 (`FEAT_LPA` with the 64KB granule).
    pub lpa64k: bool,
    /// Whether permissions are indirect: the descriptor holds an index into the PIR (the PIE and S2PIE bits).
    pub pie: bool,
    /// Whether permission overlays are enabled (the POE, E0POE and S2POE bits).
    pub poe: bool,
    /// Whether the attribute index has a fourth bit (the AIE bit).
    pub aie: bool,
    /// Whether bit 52 is Protected instead of Contiguous (the PnCH bit).
    pub pnch: bool,
    /// Whether AssuredOnly is enabled (stage 2, VTCR_EL2.AssuredOnly).
    pub assured_only: bool,
    /// Whether tables have an access flag (the HAFT bit).
    pub haft: bool,
    /// Whether hierarchical permissions in tables are disabled (the HPD bits).
    pub hpd: bool,
    /// Whether HCR_EL2.NV1 gives the EL1&0 regime EL2's permission bits.
    pub nv1: bool,
    /// Whether Realm memory has encryption contexts (`FEAT_MEC`).
    pub mec: bool,
    /// Whether stage 2 memory types override those of stage 1 (HCR_EL2.FWB).
    pub fwb: bool,
    /// Whether descriptors have 128 bits (`FEAT_D128`).
    pub d128: bool,
    /// The regime's own physical address space: what a leaf with NS = 0 maps.
    pub space: PaSpace,
}

impl Context {
    /// The number of bits in a descriptor.
    #[must_use]
    pub const fn width(&self) -> u8 {
        if self.d128 { 128 } else { 64 }
    }

    /// Whether this is a block or a page.
    #[must_use]
    pub const fn is_leaf(&self) -> bool {
        matches!(self.kind, Kind::Block | Kind::Page)
    }

    /// Whether this is a table.
    #[must_use]
    pub const fn is_table(&self) -> bool {
        matches!(self.kind, Kind::Table)
    }

    /// Whether this maps nothing.
    #[must_use]
    pub const fn is_invalid(&self) -> bool {
        matches!(self.kind, Kind::Invalid)
    }

    /// Whether a leaf chooses between the regime's own address space and the Non-secure one.
    #[must_use]
    pub const fn has_ns(&self) -> bool {
        match self.space {
            PaSpace::NonSecure => false,
            PaSpace::Realm => self.stage2 || !self.el1,
            PaSpace::Secure | PaSpace::Root => !self.stage2,
        }
    }

    /// Whether a leaf chooses between two memory encryption contexts.
    #[must_use]
    pub const fn has_amec(&self) -> bool {
        self.mec && matches!(self.space, PaSpace::Realm) && (self.stage2 || !self.el1)
    }

    /// Whether a leaf holds its permissions themselves.
    #[must_use]
    pub const fn is_direct(&self) -> bool {
        self.is_leaf() && !self.pie
    }

    /// Whether a leaf holds an index of permissions.
    #[must_use]
    pub const fn is_indirect(&self) -> bool {
        self.is_leaf() && self.pie
    }

    /// Whether a table limits the permissions below it.
    #[must_use]
    pub const fn is_hierarchical(&self) -> bool {
        self.is_table() && !self.pie && !self.hpd
    }

    /// log2 of the bytes mapped by a leaf here; for a table, log2 of the granule: the lowest address bit held in place.
    const fn address_low(&self) -> u8 {
        let stride = self.granule_log2.saturating_sub(if self.d128 { 4 } else { 3 });
        let levels_below = 3i8.saturating_sub(self.level).unsigned_abs();
        if self.is_leaf() {
            self.granule_log2.saturating_add(stride.saturating_mul(levels_below))
        } else {
            self.granule_log2
        }
    }
}

/// A field and the contexts in which it has that meaning.
struct Row {
    field: Field,
    when: fn(&Context) -> bool,
}

/// `CONST "Name" [high:low] "meaning" = values when |context| condition;` makes a constant and a row; `_` in the
/// constant's place makes a reserved row.
macro_rules! rows {
    ($($field:tt $name:tt [$high:literal $(: $low:literal)?] $meaning:tt $(= $values:tt)? when $when:expr;)+) => {
        $($crate::layout::layout! { @const $field ($name) [$high $(: $low)?] $meaning $(= $values)? })+
        pub(super) const ROWS: &[$crate::layout::descriptor::Row] = &[$($crate::layout::descriptor::Row {
            field: $crate::layout::descriptor::rows!(@field $field $name [$high $(: $low)?]),
            when: $when,
        }),+];
    };
    (@field _ RES0 $range:tt) => { rows!(@reserved "RES0" $range) };
    (@field _ RES1 $range:tt) => { rows!(@reserved "RES1" $range) };
    (@field $field:ident $name:tt $range:tt) => { $field };
    (@reserved $name:literal $range:tt) => {
        $crate::layout::Field::reserved(
            $name,
            $crate::layout::layout!(@high $range),
            $crate::layout::layout!(@low $range),
        )
    };
}
use rows;

/// The names of an address, and of its bits 51:48, 49:48 and 51:50 where those are held apart.
const OUTPUT: [&str; 4] = ["OA", "OA[51:48]", "OA[49:48]", "OA[51:50]"];
const NEXT: [&str; 4] = ["NextTable", "NextTable[51:48]", "NextTable[49:48]", "NextTable[51:50]"];

/// Adds the address bits of a table, block or page, whose positions the rows cannot give, and the gap below them.
fn add_address(context: &Context, fields: &mut Vec<Field>) {
    let (meaning, [whole, bits_51_48, bits_49_48, bits_51_50]) = if context.is_leaf() {
        ("Output address: the high bits of where the input addresses of this entry land.", OUTPUT)
    } else {
        ("Address of the next level's table.", NEXT)
    };
    let mut add = |name, high, low| {
        if low <= high {
            fields.push(if name == "RES0" {
                Field::reserved(name, high, low)
            } else {
                Field { name, high, low, meaning, values: &[] }
            });
        }
    };
    let low = context.address_low();
    if context.d128 {
        add(whole, 55, low);
        add("RES0", low.saturating_sub(1), 12);
        return;
    }
    add(if context.ds { bits_49_48 } else { "RES0" }, 49, 48);
    add(whole, 47, low);
    // Below the address, a block has nT (bit 16), and the 64KB granule a place for address bits 51:48.
    let end = match (context.kind, context.granule_log2) {
        (Kind::Block, _) => 17,
        (_, 16) => 16,
        _ => 12,
    };
    add("RES0", low.saturating_sub(1), end);
    if end > 12 {
        add(if context.lpa64k { bits_51_48 } else { "RES0" }, 15, 12);
    }
    if context.ds {
        add(bits_51_50, 9, 8);
    }
}

/// What every bit of a descriptor means in `context`, most significant first.
#[must_use]
pub fn fields(context: &Context) -> Vec<Field> {
    let rows = match (context.stage2, context.d128) {
        (false, false) => s1::ROWS,
        (true, false) => s2::ROWS,
        (false, true) => s1_d128::ROWS,
        (true, true) => s2_d128::ROWS,
    };
    let mut fields: Vec<Field> = rows.iter().filter(|row| (row.when)(context)).map(|row| row.field).collect();
    if !context.is_invalid() {
        add_address(context, &mut fields);
    }
    fields.sort_by_key(|field| core::cmp::Reverse(field.high));
    fields
}
