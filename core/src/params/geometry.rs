//! The shape of a stage's tables: which bits of an address index which level, and which bits of a descriptor hold which
//! bits of an address. The same for both stages.

use crate::bits::{align_down, bit, bits, mask};
use crate::choice::Choice;
use crate::feature::Feature;
use crate::pe::Pe;
use crate::regime::Granule;

/// The last lookup level.
pub const FINAL_LEVEL: i8 = 3;

/// log2 of a descriptor's size in bytes.
const DESCRIPTOR_SIZE_LOG2: u32 = 3;

/// What a descriptor is at its level (`DescriptorType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DescriptorType {
    /// Maps nothing.
    Invalid,
    /// Points to the next table.
    Table,
    /// Maps a block or a page.
    Leaf,
}

/// Where descriptors keep bits 51:48 of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HighBits {
    /// Nowhere: addresses have 48 bits.
    Absent,
    /// Bits 15:12: 64K granule with `FEAT_LPA`.
    At15To12,
    /// Bits 9:8 and 49:48: 4K and 16K granules with DS = 1.
    At9To8And49To48,
}

/// The shape of one stage's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Translation granule.
    pub granule: Granule,
    /// Input address size, in bits.
    pub ia_size: u32,
    /// Output address size, in bits: an address with a higher bit set is an Address size fault.
    pub oa_size: u32,
    /// The level the walk starts at.
    pub start_level: i8,
    /// Whether the DS forms of addresses and blocks are in use.
    pub ds: bool,
    /// The base register holds bits 51:48 of the table's address in its bits 5:2.
    base_52: bool,
    high_bits: HighBits,
    /// The 64K granule has level 1 blocks.
    block_64k_level1: bool,
    contiguous_misprogrammed_faults: bool,
    block_nt_faults: bool,
}

impl Geometry {
    /// The shape for an input size in bits, a PS (or IPS) field and a start level.
    #[must_use]
    pub fn new(pe: &Pe, granule: Granule, ds: bool, ia_size: u32, ps: u64, start_level: i8) -> Self {
        let lpa64k = pe.has(Feature::Lpa) && granule == Granule::K64;
        Self {
            granule,
            ia_size,
            oa_size: physical_address_size(pe, granule, ps),
            start_level,
            ds,
            base_52: ds || (lpa64k && ps == 0b110),
            high_bits: match (lpa64k, ds) {
                (true, _) => HighBits::At15To12,
                (false, true) => HighBits::At9To8And49To48,
                (false, false) => HighBits::Absent,
            },
            block_64k_level1: pe.pa_max() >= 52,
            contiguous_misprogrammed_faults: pe.choices.is(Choice::ContiguousMisprogrammedFaults),
            block_nt_faults: pe.has(Feature::Bbm)
                && pe.choices.get(Choice::BbmLevel) >= 1
                && pe.choices.is(Choice::BlockNtFaults),
        }
    }

    /// The level at which a walk of `ia_size` bits starts when the size alone decides (`AArch64.S1StartLevel`).
    #[must_use]
    pub const fn start_level_of(granule: Granule, ia_size: u32) -> i8 {
        let levels = ia_size.saturating_sub(1 + granule.bits()) / stride(granule);
        FINAL_LEVEL - levels as i8
    }

    /// The bits of the input address, high and low, that index a table at `level`.
    #[must_use]
    pub const fn index_range(&self, level: i8) -> (u32, u32) {
        let low = self.block_size(level);
        let high = if level == self.start_level { self.ia_size - 1 } else { low + stride(self.granule) - 1 };
        (high, low)
    }

    /// log2 of what one descriptor at `level` covers, in bytes (`TranslationSize`).
    #[must_use]
    pub const fn block_size(&self, level: i8) -> u32 {
        (FINAL_LEVEL - level) as u32 * stride(self.granule) + self.granule.bits()
    }

    /// The first table's address, from the base register (`AArch64.S1TTBaseAddress`).
    #[must_use]
    pub const fn table_base(&self, ttbr: u64) -> u64 {
        let (high, low) = self.index_range(self.start_level);
        let size = high - low + 1 + DESCRIPTOR_SIZE_LOG2;
        if self.base_52 {
            let base = bits(ttbr, 5, 2) << 48 | ttbr & mask(47, 6);
            align_down(base, if size < 6 { 6 } else { size })
        } else {
            align_down(ttbr & mask(47, 1), size)
        }
    }

    /// The address of the descriptor for `ia` in the table at `base` (`AArch64.TTEntryAddress`).
    #[must_use]
    pub const fn entry_address(&self, base: u64, ia: u64, level: i8) -> u64 {
        let (high, low) = self.index_range(level);
        base | bits(ia, high, low) << DESCRIPTOR_SIZE_LOG2
    }

    /// What a descriptor is at `level` (`AArch64.DecodeDescriptorType`).
    #[must_use]
    pub const fn descriptor_type(&self, descriptor: u64, level: i8) -> DescriptorType {
        match descriptor & 0b11 {
            0b11 if level < FINAL_LEVEL => DescriptorType::Table,
            0b11 => DescriptorType::Leaf,
            0b01 if self.block_supported(level) => DescriptorType::Leaf,
            _ => DescriptorType::Invalid,
        }
    }

    /// `AArch64.BlockDescSupported`.
    #[must_use]
    pub const fn block_supported(&self, level: i8) -> bool {
        match (self.granule, level) {
            (_, 2) | (Granule::K4, 1) => true,
            (Granule::K4, 0) | (Granule::K16, 1) => self.ds,
            (Granule::K64, 1) => self.block_64k_level1,
            _ => false,
        }
    }

    /// The next table's address (`AArch64.NextTableBase`).
    #[must_use]
    pub const fn next_table(&self, descriptor: u64) -> u64 {
        descriptor & mask(47, self.granule.bits()) | self.high_bits(descriptor)
    }

    /// The output address in a leaf, before bits of the input address are put in (`AArch64.LeafBase`).
    const fn leaf_base(&self, descriptor: u64, level: i8) -> u64 {
        descriptor & mask(47, self.block_size(level)) | self.high_bits(descriptor)
    }

    const fn high_bits(&self, descriptor: u64) -> u64 {
        match self.high_bits {
            HighBits::Absent => 0,
            HighBits::At15To12 => bits(descriptor, 15, 12) << 48,
            HighBits::At9To8And49To48 => bits(descriptor, 9, 8) << 50 | bits(descriptor, 49, 48) << 48,
        }
    }

    /// Whether a leaf's Contiguous bit counts at `level` (`AArch64.ContiguousBit`).
    #[must_use]
    pub const fn contiguous(&self, descriptor: u64, level: i8) -> bool {
        let ignored = matches!((self.granule, level), (Granule::K64 | Granule::K16, 1) | (Granule::K4, 0));
        bit(descriptor, 52) && !ignored
    }

    /// log2 of the number of entries in a contiguous set (`ContiguousSize`).
    #[must_use]
    pub const fn contiguous_entries(&self, level: i8) -> u32 {
        match (self.granule, level) {
            (Granule::K4, _) => 4,
            (Granule::K16, 2) | (Granule::K64, _) => 5,
            (Granule::K16, _) => 7,
        }
    }

    /// log2 of what a leaf maps, in bytes, its contiguous neighbours included.
    #[must_use]
    pub const fn leaf_size(&self, level: i8, contiguous: bool) -> u32 {
        self.block_size(level) + if contiguous { self.contiguous_entries(level) } else { 0 }
    }

    /// The output address of a leaf for an input address (`StageOA`).
    #[must_use]
    pub const fn output_address(&self, descriptor: u64, ia: u64, level: i8, contiguous: bool) -> u64 {
        let size = self.leaf_size(level, contiguous);
        align_down(self.leaf_base(descriptor, level), size) | ia & !align_down(u64::MAX, size)
    }

    /// `AArch64.OAOutOfRange`.
    #[must_use]
    pub const fn out_of_range(&self, address: u64) -> bool {
        address >> self.oa_size != 0
    }

    /// `AArch64.ContiguousBitFaults`: a contiguous set larger than the input address space.
    #[must_use]
    pub const fn contiguous_faults(&self, level: i8) -> bool {
        self.contiguous_misprogrammed_faults && self.leaf_size(level, true) > self.ia_size
    }

    /// `AArch64.BlocknTFaults`, for a block: its nT bit is set and the implementation faults then.
    #[must_use]
    pub const fn block_nt_faults(&self, descriptor: u64, level: i8) -> bool {
        self.block_nt_faults && level < FINAL_LEVEL && bit(descriptor, 16)
    }
}

/// Input address bits that index one full table.
#[must_use]
pub const fn stride(granule: Granule) -> u32 {
    granule.bits() - DESCRIPTOR_SIZE_LOG2
}

/// The largest TxSZ (`AArch64.MaxTxSZ`).
#[must_use]
pub const fn max_txsz(pe: &Pe, granule: Granule) -> u64 {
    match (pe.has(Feature::Ttst), granule) {
        (false, _) => 39,
        (true, Granule::K64) => 47,
        (true, _) => 48,
    }
}

/// The size in bits that a PS field gives (`AArch64.PhysicalAddressSize`), for 64-bit descriptors.
const fn physical_address_size(pe: &Pe, granule: Granule, ps: u64) -> u32 {
    let encoded: u32 = match ps {
        0b000 => 32,
        0b001 => 36,
        0b010 => 40,
        0b011 => 42,
        0b100 => 44,
        0b101 => 48,
        0b110 => 52,
        _ => 56,
    };
    let wide = pe.has(Feature::Lpa) && (matches!(granule, Granule::K64) || pe.has(Feature::Lpa2));
    let most: u32 = if wide { 52 } else { 48 };
    let implemented = pe.pa_max();
    let limit = if implemented < most { implemented } else { most };
    if encoded < limit { encoded } else { limit }
}
