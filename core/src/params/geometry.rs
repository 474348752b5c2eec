//! The shape of a stage's tables: which bits of an address index which level, and which bits of a descriptor hold which
//! bits of an address. The same for both stages, and for descriptors of 64 and 128 bits.

use crate::bits::{Pattern, align_down, bit, bits, mask};
use crate::choice::Choice;
use crate::feature::Feature;
use crate::layout::descriptor::{s1, s1_d128};
use crate::pe::Pe;
use crate::regime::Granule;

/// The last lookup level.
pub const FINAL_LEVEL: i8 = 3;

/// What a descriptor is at its level (`DescriptorType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DescriptorType {
    /// Maps nothing.
    Invalid,
    /// Points to the next table, which is this many levels further on: 1, or with a 128-bit descriptor's SKL up to 4.
    Table(i8),
    /// Maps a block or a page.
    Leaf,
}

/// Where 64-bit descriptors keep bits 51:48 of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HighBits {
    /// Nowhere: addresses have 48 bits.
    Absent,
    /// Bits 15:12: 64K granule with `FEAT_LPA`.
    At15To12,
    /// Bits 9:8 and 49:48: 4K and 16K granules with DS = 1.
    At9To8And49To48,
    /// Bits 55:48 in place: 128-bit descriptors.
    InPlace,
}

/// How a base register holds the first table's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseFormat {
    /// Bits 47:1; with 52-bit addresses, bits 5:2 hold bits 51:48.
    Bits64,
    /// Bits 55:5 in place: 128-bit descriptors, in a 64-bit base register.
    Wide64,
    /// Bits 87:80 hold bits 55:48: 128-bit descriptors, in a 128-bit base register.
    Wide128,
}

/// What decides the shape of a stage's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Translation granule.
    pub granule: Granule,
    /// DS, as it counts.
    pub ds: bool,
    /// 128-bit descriptors.
    pub d128: bool,
    /// Input address size, in bits.
    pub ia_size: u32,
    /// Implemented physical address size, in bits.
    pub pa_max: u32,
    /// PS or IPS, as in the register.
    pub ps: u64,
    /// Contiguous bits do not count: PnCH gives their place to another field.
    pub no_contiguous: bool,
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
    /// Whether descriptors have 128 bits.
    pub d128: bool,
    /// Address bits beyond `oa_size`.
    beyond: u64,
    /// Bits of a table descriptor of the [usual](Self::usual) tables that are 0 unless the next table's address is out
    /// of range, and those of its type.
    plain: u64,
    /// How the first table is indexed: the index's least significant bit, and ones, as many as it has bits.
    first_low: u32,
    first_mask: u64,
    /// A 64-bit base register holds bits 51:48 of the table's address in its bits 5:2.
    base_52: bool,
    high_bits: HighBits,
    no_contiguous: bool,
    /// The 64K granule has level 1 blocks.
    block_64k_level1: bool,
}

/// How the input address indexes a table: shifted right by `low`, under `mask`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Index {
    /// The index's most significant bit.
    pub high: u32,
    /// Its least significant bit; also log2 of what one descriptor covers, in bytes.
    pub low: u32,
    /// Ones, as many as the index has bits.
    pub mask: u64,
}

impl Index {
    #[inline(always)]
    const fn new((high, low): (u32, u32)) -> Self {
        Self { high, low, mask: u64::MAX >> ((63 - (high - low)) & 63) }
    }

    /// The index.
    #[must_use]
    #[inline(always)]
    pub const fn of(self, ia: u64) -> u64 {
        ia >> (self.low & 63) & self.mask
    }
}

impl Geometry {
    /// The tables of a shape, entered at a start level.
    #[must_use]
    #[inline(always)]
    pub fn new(pe: &Pe, shape: &Shape, start_level: i8) -> Self {
        let Shape { granule, ds, d128, ia_size, pa_max, ps, no_contiguous } = *shape;
        let lpa64k = pe.has(Feature::Lpa) && granule == Granule::K64;
        let oa_size = physical_address_size(pe, shape);
        let beyond = u64::MAX << (oa_size & 63);
        let geometry = Self {
            granule,
            ia_size,
            oa_size,
            first_low: 0,
            first_mask: 0,
            beyond,
            plain: beyond & mask(47, 0) | 0b11,
            start_level,
            ds,
            d128,
            base_52: ds || (lpa64k && ps == 0b110),
            high_bits: match (d128, lpa64k, ds) {
                (true, ..) => HighBits::InPlace,
                (false, true, _) => HighBits::At15To12,
                (false, false, true) => HighBits::At9To8And49To48,
                (false, false, false) => HighBits::Absent,
            },
            no_contiguous,
            block_64k_level1: pa_max >= 52,
        };
        let Index { low, mask, .. } = Index::new(geometry.first_index_range());
        Self { first_low: low, first_mask: mask, ..geometry }
    }

    /// Whether the shape is the commonest: 4K granule, 64-bit descriptors, 48-bit addresses.
    #[must_use]
    #[inline(always)]
    pub const fn is_usual(&self) -> bool {
        matches!((self.granule, self.start_level), (Granule::K4, 0..=FINAL_LEVEL)) && !self.d128 && !self.ds
    }

    /// The same tables, with what makes them usual said in constants, for the compiler to see.
    #[must_use]
    #[inline(always)]
    pub const fn usual(self) -> Self {
        Self { granule: Granule::K4, d128: false, ds: false, high_bits: HighBits::Absent, ..self }
    }

    /// The [usual](Self::usual) tables where the walk starts at level 0, which is one more thing said in constants.
    #[must_use]
    #[inline(always)]
    pub const fn usual_from_level_0(self) -> Self {
        let usual = Self { start_level: 0, ..self.usual() };
        Self { first_low: usual.block_size(0), ..usual }
    }

    /// log2 of a descriptor's size in bytes.
    #[must_use]
    #[inline(always)]
    pub const fn descriptor_size(&self) -> u32 {
        if self.d128 { 4 } else { 3 }
    }

    /// Input address bits that index one full table.
    #[must_use]
    #[inline(always)]
    pub const fn stride(&self) -> u32 {
        stride(self.granule, self.d128)
    }

    /// log2 of what one descriptor at `level` covers, in bytes (`TranslationSize`).
    #[must_use]
    #[inline(always)]
    pub const fn block_size(&self, level: i8) -> u32 {
        // A start level of 4, which a 128-bit base register's SKL can give, is below the granule.
        let size = self.granule.bits() as i32 + (FINAL_LEVEL - level) as i32 * self.stride() as i32;
        size.unsigned_abs()
    }

    /// The bits of the input address, high and low, that index the table at `level` after a step of `levels` levels.
    #[must_use]
    #[inline(always)]
    pub const fn index_range(&self, level: i8, levels: i8) -> (u32, u32) {
        let low = self.block_size(level);
        let high = low + self.stride() * levels as u32 - 1;
        (high, low)
    }

    /// The same for the first table, which is as large as the input size makes it.
    #[must_use]
    #[inline(always)]
    pub const fn first_index_range(&self) -> (u32, u32) {
        let (high, low) = (self.ia_size - 1, self.block_size(self.start_level));
        // A reserved SKL can put the first level beyond the last, where no index is left.
        (high, if low > high { high } else { low })
    }

    /// The first table's address, from the base register (`AArch64.S1TTBaseAddress`, `AArch64.S2TTBaseAddress`).
    #[must_use]
    #[inline(always)]
    pub const fn table_base(&self, ttbr: u128, format: BaseFormat) -> u64 {
        let (high, low) = self.first_index_range();
        let size = high - low + 1 + self.descriptor_size();
        let word = ttbr as u64;
        let (base, least) = match format {
            BaseFormat::Wide64 => (word & mask(55, 5), 5),
            BaseFormat::Wide128 => (bits((ttbr >> 64) as u64, 23, 16) << 48 | word & mask(47, 5), 5),
            BaseFormat::Bits64 if self.base_52 => (bits(word, 5, 2) << 48 | word & mask(47, 6), 6),
            BaseFormat::Bits64 => (word & mask(47, 1), 0),
        };
        align_down(base, if size < least { least } else { size })
    }

    /// How the first table is indexed.
    #[must_use]
    #[inline(always)]
    pub const fn first_index(&self) -> Index {
        Index { high: self.ia_size - 1, low: self.first_low, mask: self.first_mask }
    }

    /// How the table at `level` is indexed after a step of `levels` levels.
    #[must_use]
    #[inline(always)]
    pub const fn index(&self, level: i8, levels: i8) -> Index {
        Index::new(self.index_range(level, levels))
    }

    /// The address of the descriptor for an input address in the table at `base` (`AArch64.TTEntryAddress`).
    #[must_use]
    #[inline(always)]
    pub const fn entry_address(&self, base: u64, ia: u64, index: Index) -> u64 {
        // An index in place: what a descriptor covers is never less than its own size.
        let size = self.descriptor_size();
        base | ia >> (index.low.wrapping_sub(size) & 63) & index.mask << size
    }

    /// What a descriptor is at `level` (`AArch64.DecodeDescriptorType`).
    #[must_use]
    #[inline(always)]
    pub const fn descriptor_type(&self, descriptor: u128, level: i8) -> DescriptorType {
        if self.d128 { self.wide_type(descriptor, level) } else { self.narrow_type(descriptor as u64, level) }
    }

    /// The same for 64 bits.
    #[must_use]
    #[inline(always)]
    pub const fn narrow_type(&self, descriptor: u64, level: i8) -> DescriptorType {
        match descriptor & 0b11 {
            0b11 if level < FINAL_LEVEL => DescriptorType::Table(1),
            0b11 => DescriptorType::Leaf,
            0b01 if self.block_supported(level) => DescriptorType::Leaf,
            _ => DescriptorType::Invalid,
        }
    }

    /// The same for 128 bits: SKL says how many levels to skip, and the level reached decides.
    #[must_use]
    pub const fn wide_type(&self, descriptor: u128, level: i8) -> DescriptorType {
        let skip = s1_d128::SKL.get128(descriptor) as i8;
        if descriptor & 1 == 0 || (skip == 3 && !matches!(self.granule, Granule::K4)) || level + skip > FINAL_LEVEL {
            DescriptorType::Invalid
        } else if level + skip == FINAL_LEVEL {
            DescriptorType::Leaf
        } else {
            DescriptorType::Table(1 + skip)
        }
    }

    /// `AArch64.BlockDescSupported`, for 64-bit descriptors.
    #[must_use]
    #[inline(always)]
    pub const fn block_supported(&self, level: i8) -> bool {
        match (self.granule, level) {
            (_, 2) | (Granule::K4, 1) => true,
            (Granule::K4, 0) | (Granule::K16, 1) => self.ds,
            (Granule::K64, 1) => self.block_64k_level1,
            _ => false,
        }
    }

    /// Whether a descriptor above the final level of the [usual](Self::usual) tables is a table descriptor with an
    /// address in range, which is all there is to ask of it.
    #[must_use]
    #[inline(always)]
    pub const fn is_plain_table(&self, descriptor: u64) -> bool {
        descriptor & self.plain == 0b11
    }

    /// What a descriptor at the final level of the [usual](Self::usual) tables looks like that is a page on its own,
    /// with an address in range and its access flag set.
    #[must_use]
    #[inline(always)]
    pub const fn plain_page(&self) -> Pattern {
        let (contiguous, accessed) = (s1::CONTIGUOUS.mask(), s1::AF.mask());
        Pattern { mask: self.plain | contiguous | accessed, value: accessed | 0b11 }
    }

    /// The next table's address (`AArch64.NextTableBase`).
    #[must_use]
    #[inline(always)]
    pub const fn next_table(&self, descriptor: u64) -> u64 {
        descriptor & mask(47, self.granule.bits()) | self.high_bits(descriptor)
    }

    /// The bits of a leaf at `level` that hold consecutive bits of its output address, in place: adding what the leaf
    /// covers to a descriptor makes the one for the memory that follows, until these bits are all ones.
    #[must_use]
    #[inline(always)]
    pub const fn address_field(&self, level: i8) -> u64 {
        let held = if self.d128 { 55 } else { 47 };
        let high = self.oa_size.saturating_sub(1);
        mask(if high < held { high } else { held }, self.block_size(level))
    }

    #[inline(always)]
    const fn high_bits(&self, descriptor: u64) -> u64 {
        match self.high_bits {
            HighBits::Absent => 0,
            HighBits::At15To12 => bits(descriptor, 15, 12) << 48,
            HighBits::At9To8And49To48 => bits(descriptor, 9, 8) << 50 | bits(descriptor, 49, 48) << 48,
            HighBits::InPlace => descriptor & mask(55, 48),
        }
    }

    /// Whether a leaf's Contiguous bit counts at `level` (`AArch64.ContiguousBit`).
    #[must_use]
    #[inline(always)]
    pub const fn contiguous_counts(&self, level: i8) -> bool {
        let ignored = match (self.granule, level) {
            (Granule::K64, 1) | (Granule::K4, 0) => true,
            (Granule::K16, 1) => !self.d128,
            _ => false,
        };
        !ignored && !self.no_contiguous
    }

    /// log2 of the number of entries in a contiguous set (`ContiguousSize`).
    #[must_use]
    #[inline(always)]
    pub const fn contiguous_entries(&self, level: i8) -> u32 {
        match (self.d128, self.granule, level) {
            (false, Granule::K4, _) => 4,
            (false, Granule::K16, 2) | (false, Granule::K64, _) => 5,
            (false, Granule::K16, _) => 7,
            (true, Granule::K4 | Granule::K16, 1) => 2,
            (true, Granule::K64, 2) | (true, Granule::K16, 3) => 6,
            (true, ..) => 4,
        }
    }

    /// log2 of what a leaf maps, in bytes, its contiguous neighbours included.
    #[must_use]
    #[inline(always)]
    pub const fn leaf_size(&self, level: i8, contiguous: bool) -> u32 {
        self.block_size(level) + if contiguous { self.contiguous_entries(level) } else { 0 }
    }

    /// The output address of a leaf of a size for an input address (`AArch64.LeafBase`, `StageOA`).
    #[must_use]
    #[inline(always)]
    pub const fn output_address(&self, descriptor: u64, ia: u64, size: u32) -> u64 {
        let base = descriptor & mask(47, 0) | self.high_bits(descriptor);
        let within = !(u64::MAX << (size & 63));
        base & !within | ia & within
    }

    /// `AArch64.OAOutOfRange`.
    #[must_use]
    #[inline(always)]
    pub const fn out_of_range(&self, address: u64) -> bool {
        address & self.beyond != 0
    }

    /// `AArch64.ContiguousBitFaults`: a contiguous set, of this size, larger than the input address space.
    #[must_use]
    #[inline(always)]
    pub const fn contiguous_faults(&self, pe: &Pe, size: u32) -> bool {
        size > self.ia_size && pe.choices.is(Choice::ContiguousMisprogrammedFaults)
    }

    /// `AArch64.BlocknTFaults`: the nT bit is set and the implementation faults then.
    #[must_use]
    #[inline(always)]
    pub const fn nt_faults(&self, pe: &Pe, descriptor: u64) -> bool {
        let nt = if self.d128 { bit(descriptor, 6) } else { s1::NT.is_set(descriptor) };
        let supported = pe.has(Feature::Bbm) && pe.choices.get(Choice::BbmLevel) >= 1;
        nt && supported && pe.choices.is(Choice::BlockNtFaults)
    }
}

/// Input address bits that index one full table.
#[must_use]
#[inline(always)]
pub const fn stride(granule: Granule, d128: bool) -> u32 {
    granule.bits() - if d128 { 4 } else { 3 }
}

/// The level at which a walk of `ia_size` bits starts when the size alone decides (`AArch64.S1StartLevel`, before SKL).
#[must_use]
#[inline(always)]
pub const fn start_level(granule: Granule, d128: bool, ia_size: u32) -> i8 {
    let levels = ia_size.saturating_sub(1 + granule.bits()) / stride(granule, d128);
    FINAL_LEVEL - levels as i8
}

/// The largest TxSZ (`AArch64.MaxTxSZ`).
#[must_use]
#[inline(always)]
pub const fn max_txsz(pe: &Pe, granule: Granule) -> u64 {
    match (pe.has(Feature::Ttst), granule) {
        (false, _) => 39,
        (true, Granule::K64) => 47,
        (true, _) => 48,
    }
}

/// The size in bits that a PS field gives (`AArch64.PhysicalAddressSize`).
#[inline(always)]
const fn physical_address_size(pe: &Pe, shape: &Shape) -> u32 {
    let encoded: u32 = match shape.ps {
        0b000 => 32,
        0b001 => 36,
        0b010 => 40,
        0b011 => 42,
        0b100 => 44,
        0b101 => 48,
        0b110 => 52,
        _ => 56,
    };
    let wide = pe.has(Feature::Lpa) && (matches!(shape.granule, Granule::K64) || pe.has(Feature::Lpa2));
    let most = match (shape.d128, wide) {
        (true, _) => 56,
        (false, true) => 52,
        (false, false) => 48,
    };
    let limit = if shape.pa_max < most { shape.pa_max } else { most };
    if encoded < limit { encoded } else { limit }
}
