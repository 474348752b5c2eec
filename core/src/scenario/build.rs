//! Lays out translation tables, so that an example states what is mapped and not where its descriptors go.

use crate::bits::{align_down, mask};
use crate::layout::descriptor::{s1, s2};
use crate::memory::Memory;
use crate::regime::Granule;
use alloc::vec::Vec;

/// Attributes of a leaf: every bit but the address and the two type bits.
pub mod attributes {
    use super::{s1, s2};
    use crate::layout::Field;

    const fn with(word: u64, field: Field, value: u64) -> u64 {
        field.set(word, value)
    }

    /// Stage 1: Inner Shareable, accessed, `AttrIndx` 0, EL1 reads and writes, nobody executes.
    pub const KERNEL_DATA: u64 = with(with(with(with(0, s1::AF, 1), s1::SH, 0b11), s1::PXN, 1), s1::UXN, 1);
    /// Stage 1: EL1 reads and executes.
    pub const KERNEL_CODE: u64 = with(with(KERNEL_DATA, s1::AP2, 1), s1::PXN, 0);
    /// Stage 1: EL0 and EL1 read, nobody writes.
    pub const READ_ONLY: u64 = with(with(KERNEL_DATA, s1::AP2, 1), s1::AP1, 1);
    /// Stage 1: EL0 and EL1 read and write; not global.
    pub const USER_DATA: u64 = with(with(KERNEL_DATA, s1::AP1, 1), s1::NG, 1);
    /// Stage 1: as kernel data, `AttrIndx` 1.
    pub const DEVICE: u64 = with(KERNEL_DATA, s1::ATTR_INDX, 1);
    /// Stage 2: Normal Write-Back, Inner Shareable, accessed, read and written.
    pub const GUEST_MEMORY: u64 =
        with(with(with(with(0, s2::AF, 1), s2::SH, 0b11), s2::S2AP, 0b11), s2::MEM_ATTR, 0b1111);
    /// Stage 2: the same, but read-only.
    pub const GUEST_READ_ONLY: u64 = with(GUEST_MEMORY, s2::S2AP, 0b01);
}

/// A tree of 64-bit descriptors under construction.
#[derive(Clone, Debug)]
pub struct Tables {
    granule: Granule,
    ia_size: u32,
    start: i8,
    root: u64,
    free: u64,
    tables: Vec<u64>,
    descriptors: Vec<(u64, u64)>,
}

impl Tables {
    /// An empty tree whose first table is at `root`, for input addresses of `ia_size` bits; further tables follow the
    /// first.
    #[must_use]
    pub fn new(granule: Granule, ia_size: u32, root: u64) -> Self {
        let stride = granule.bits() - 3;
        let below_page = ia_size.saturating_sub(granule.bits() + 1) / stride;
        let start = 3 - i8::try_from(below_page).unwrap_or(4);
        let mut tables =
            Self { granule, ia_size, start, root, free: root, tables: Vec::new(), descriptors: Vec::new() };
        tables.allocate();
        tables
    }

    /// Maps the block or page of `level` that holds `input` to `output`, with `attributes`; a level 3 leaf is a page.
    pub fn map(&mut self, input: u64, output: u64, level: i8, attributes: u64) {
        let mut table = self.root;
        for upper in self.start..level {
            let entry = table + self.index(input, upper) * 8;
            table = match self.descriptor(entry) {
                0 => {
                    let next = self.allocate();
                    self.descriptors.push((entry, next | s1::TABLE.mask() | s1::VALID.mask()));
                    next
                }
                present => present & mask(47, self.granule.bits()),
            };
        }
        let kind = if level == 3 { s1::TABLE.mask() | s1::VALID.mask() } else { s1::VALID.mask() };
        let address = align_down(output, self.shift(level));
        self.set(table + self.index(input, level) * 8, address | attributes | kind);
    }

    /// Maps `count` granules from `input` to `output`, page by page.
    pub fn map_pages(&mut self, input: u64, output: u64, count: u64, attributes: u64) {
        for page in 0..count {
            let offset = page << self.granule.bits();
            self.map(input + offset, output + offset, 3, attributes);
        }
    }

    /// The address of the descriptor that translates `input` at `level`, as far as the tables go.
    #[must_use]
    pub fn entry(&self, input: u64, level: i8) -> Option<u64> {
        let mut table = self.root;
        for upper in self.start..level {
            let present = self.descriptor(table + self.index(input, upper) * 8);
            table = if present & 3 == 3 { present & mask(47, self.granule.bits()) } else { return None };
        }
        Some(table + self.index(input, level) * 8)
    }

    /// Replaces the descriptor at `entry`.
    pub fn set(&mut self, entry: u64, descriptor: u64) {
        self.descriptors.retain(|(address, _)| *address != entry);
        self.descriptors.push((entry, descriptor));
    }

    /// The addresses of the tables, in the order of their making; the first is the root.
    #[must_use]
    pub fn tables(&self) -> &[u64] {
        &self.tables
    }

    /// Stores the descriptors. `place` gives the physical address of a descriptor's address: the same, unless a stage
    /// 2 lies between.
    pub fn store(&self, memory: &mut Memory, place: impl Fn(u64) -> u64) {
        for &(entry, descriptor) in &self.descriptors {
            memory.write(place(entry), descriptor);
        }
    }

    fn allocate(&mut self) -> u64 {
        let table = self.free;
        self.tables.push(table);
        self.free += 1 << self.granule.bits();
        table
    }

    fn descriptor(&self, entry: u64) -> u64 {
        self.descriptors.iter().find(|(address, _)| *address == entry).map_or(0, |(_, descriptor)| *descriptor)
    }

    /// The least significant input address bit that `level` resolves.
    fn shift(&self, level: i8) -> u32 {
        let levels_below = u32::from(3i8.saturating_sub(level).unsigned_abs());
        self.granule.bits() + levels_below * (self.granule.bits() - 3)
    }

    /// The index into a table of `level`; bits above the input address size do not count.
    fn index(&self, input: u64, level: i8) -> u64 {
        let low = self.shift(level);
        let high = (low + self.granule.bits() - 4).min(self.ia_size - 1);
        (input & mask(high, low)) >> low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_costs_a_table_for_each_level() {
        let mut tables = Tables::new(Granule::K4, 48, 0x8000_0000);
        tables.map(0x4008_0000, 0x9000_0000, 3, attributes::KERNEL_DATA);
        assert_eq!(tables.tables(), [0x8000_0000, 0x8000_1000, 0x8000_2000, 0x8000_3000]);
        assert_eq!(tables.entry(0x4008_0000, 3), Some(0x8000_3000 + 0x80 * 8));
        let mut memory = Memory::new();
        tables.store(&mut memory, |address| address);
        assert_eq!(memory.word(0x8000_0000), 0x8000_1003);
        assert_eq!(memory.word(0x8000_1008), 0x8000_2003);
        assert_eq!(memory.word(0x8000_3400), 0x0060_0000_9000_0703);
    }

    #[test]
    fn the_start_level_follows_from_granule_and_size() {
        let start = |granule, ia_size| Tables::new(granule, ia_size, 0).start;
        assert_eq!((start(Granule::K4, 48), start(Granule::K4, 39), start(Granule::K4, 30)), (0, 1, 2));
        assert_eq!((start(Granule::K16, 47), start(Granule::K64, 48), start(Granule::K64, 42)), (1, 1, 2));
    }

    #[test]
    fn an_address_of_the_upper_half_is_indexed_within_the_size() {
        let mut tables = Tables::new(Granule::K4, 39, 0x1000);
        tables.map(0xffff_ffc0_0000_0000, 0x4000_0000, 1, attributes::KERNEL_CODE);
        assert_eq!(tables.entry(0xffff_ffc0_0000_0000, 1), Some(0x1000 + 0x100 * 8));
    }
}
