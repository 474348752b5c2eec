//! The shapes of translation tables: where a table starts, what a descriptor points at.

use super::machine::Machine;
use super::{bit, field};

/// What the shape of a walk depends on, at either stage.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape {
    /// 12, 14 or 16.
    pub granule: u32,
    pub txsz: u32,
    /// The raw physical address size field.
    pub ps: u64,
    pub ds: bool,
    pub d128: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descriptor {
    Invalid,
    Table,
    Leaf,
}

impl Shape {
    pub fn bytes(&self) -> u32 {
        if self.d128 { 16 } else { 8 }
    }

    /// Address bits one level resolves.
    pub fn stride(&self) -> u32 {
        self.granule - if self.d128 { 4 } else { 3 }
    }

    pub fn input_size(&self) -> u32 {
        64 - self.txsz
    }

    /// The lowest address bit that indexes a table of this level: log2 of what one of its entries covers.
    /// (TTBR.SKL can put the first level at 4, where that is bit 4; larger levels are not architecture.)
    pub fn entry_size(&self, level: i32) -> u32 {
        (self.granule as i32 + self.stride() as i32 * (3 - level)).max(0) as u32
    }

    /// The level at which a walk of the whole input address starts.
    pub fn start_level(&self) -> i32 {
        3 - ((self.input_size() - 1 - self.granule) / self.stride()) as i32
    }

    /// The address of the descriptor in the first table of a walk.
    pub fn first_descriptor(&self, base: u64, level: i32, input: u64) -> u64 {
        let low = self.entry_size(level);
        let index = field(u128::from(input), self.input_size() - 1, low);
        base | (index * u64::from(self.bytes()))
    }

    /// The address of the descriptor in a later table, after a descriptor that skipped `skipped` levels.
    pub fn next_descriptor(&self, base: u64, level: i32, skipped: u32, input: u64) -> u64 {
        let low = self.entry_size(level);
        let index = field(u128::from(input), low + self.stride() * (1 + skipped) - 1, low);
        base | (index * u64::from(self.bytes()))
    }

    /// log2 of the number of entries that a contiguous hint at this level joins.
    pub fn contiguous(&self, level: i32) -> u32 {
        match (self.d128, self.granule, level) {
            (false, 12, _) => 4,
            (false, 14, 2) => 5,
            (false, 14, _) => 7,
            (false, _, _) => 5,
            (true, 12, 1) => 2,
            (true, 12, _) => 4,
            (true, 14, 1) => 2,
            (true, 14, 2) => 4,
            (true, 14, _) => 6,
            (true, _, 2) => 6,
            (true, _, _) => 4,
        }
    }

    /// Whether a leaf has its contiguous hint set, where its level has one.
    pub fn contiguous_hint(&self, level: i32, descriptor: u128) -> bool {
        match (self.granule, level) {
            (12, 0) | (16, 1) => false,
            (14, 1) if !self.d128 => false,
            _ => bit(descriptor, if self.d128 { 111 } else { 52 }),
        }
    }

    pub fn skipped_levels(&self, descriptor: u128) -> u32 {
        if self.d128 { field(descriptor, 110, 109) as u32 } else { 0 }
    }

    /// The address a leaf translates to.
    pub fn output(&self, base: u64, level: i32, contiguous: bool, input: u64) -> u64 {
        let size = self.entry_size(level) + if contiguous { self.contiguous(level) } else { 0 };
        let inside = (1u64 << size) - 1;
        (base & !inside) | (input & inside)
    }
}

impl Machine<'_> {
    /// Where a translation table base register points.
    pub fn table_base(&self, shape: &Shape, ttbr: u128, level: i32, high_bits_in_87_80: bool) -> u64 {
        let descriptor_bits = if shape.d128 { 4 } else { 3 };
        let mut size = shape.input_size() - shape.entry_size(level) + descriptor_bits;
        let base = if shape.d128 {
            size = size.max(5);
            let high = if high_bits_in_87_80 { field(ttbr, 87, 80) } else { field(ttbr, 55, 48) };
            high << 48 | field(ttbr, 47, 5) << 5
        } else if (self.has("LPA") && shape.granule == 16 && shape.ps == 6) || shape.ds {
            size = size.max(6);
            field(ttbr, 5, 2) << 48 | field(ttbr, 47, 6) << 6
        } else {
            field(ttbr, 47, 1) << 1
        };
        base >> size << size
    }

    /// The bits of an address in a descriptor, from bit `low` up.
    pub fn descriptor_address(&self, shape: &Shape, descriptor: u128, low: u32) -> u64 {
        let high = if shape.d128 {
            field(descriptor, 55, 48)
        } else if self.has("LPA") && shape.granule == 16 {
            field(descriptor, 15, 12)
        } else if shape.ds {
            field(descriptor, 9, 8) << 2 | field(descriptor, 49, 48)
        } else {
            0
        };
        high << 48 | field(descriptor, 47, low) << low
    }

    /// Whether an address is larger than the stage's output size allows.
    pub fn too_large(&self, shape: &Shape, address: u64) -> bool {
        let encoded = [32, 36, 40, 42, 44, 48, 52, 56][shape.ps as usize];
        let cap = if shape.d128 {
            56
        } else if (shape.granule != 16 && !self.has("LPA2")) || !self.has("LPA") {
            48
        } else {
            52
        };
        address >> encoded.min(cap).min(self.case.pa_bits) != 0
    }

    pub fn kind_of(&self, shape: &Shape, descriptor: u128, level: i32) -> Descriptor {
        if !bit(descriptor, 0) {
            return Descriptor::Invalid;
        }
        if shape.d128 {
            let skipped = shape.skipped_levels(descriptor) as i32;
            return match level + skipped {
                _ if skipped == 3 && shape.granule != 12 => Descriptor::Invalid,
                reached if reached > 3 => Descriptor::Invalid,
                3 => Descriptor::Leaf,
                _ => Descriptor::Table,
            };
        }
        if bit(descriptor, 1) {
            return if level == 3 { Descriptor::Leaf } else { Descriptor::Table };
        }
        let block = match (shape.granule, level) {
            (_, 2) | (12, 1) => true,
            (12, 0) | (14, 1) => shape.ds,
            (16, 1) => self.case.pa_bits >= 52,
            _ => false,
        };
        if block { Descriptor::Leaf } else { Descriptor::Invalid }
    }

    /// Whether a descriptor's nT bit is set and makes it fault.
    pub fn not_for_translation(&self, shape: &Shape, descriptor: u128) -> bool {
        let level = self.case.choices.get("bbm_level").copied().unwrap_or(2);
        self.has("BBM")
            && (level == 1 || level == 2)
            && bit(descriptor, if shape.d128 { 6 } else { 16 })
            && self.choice("block_nt_faults", true)
    }

    /// Whether a contiguous leaf that is larger than the whole input range faults.
    pub fn contiguous_misprogrammed(&self, shape: &Shape, level: i32) -> bool {
        shape.entry_size(level) + shape.contiguous(level) > shape.input_size()
            && self.choice("contiguous_misprogrammed_faults", false)
    }

    pub fn largest_txsz(&self, granule: u32) -> u32 {
        match granule {
            _ if !self.has("TTST") => 39,
            16 => 47,
            _ => 48,
        }
    }
}
