//! Machines with full tables: runs of pages and blocks, contiguous sets in and out of place, tables among them, in
//! every format there is.

use stagewalk::access::Op;
use stagewalk::choice::Choice;
use stagewalk::feature::{Feature, Features};
use stagewalk::layout::Field;
use stagewalk::layout::sysreg::{SysReg, scr_el3, sctlr_el1, tcr_el1, tcr2_el1};
use stagewalk::scenario::Case;

/// Random numbers: SplitMix64.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// The format of the tables.
#[derive(Clone, Copy)]
struct Format {
    granule: u32,
    ds: bool,
    d128: bool,
    big_endian: bool,
}

impl Format {
    const fn words(self) -> u64 {
        if self.d128 { 2 } else { 1 }
    }

    /// Entries of a table.
    const fn entries(self) -> u64 {
        (1 << (self.granule - 3)) / self.words()
    }
}

const ROOT: u64 = 0x4000_0000;
const TABLES: u64 = 0x4100_0000;
/// Tables of the last level.
const COUNT: u64 = 3;

/// A machine of three tables below one.
pub fn machine(random: &mut Random) -> Case {
    let granule = [12, 12, 14, 16][random.below(4) as usize];
    let d128 = random.chance(25);
    let format = Format { granule, ds: granule != 16 && random.chance(40), d128, big_endian: random.chance(15) };
    let mut case = Case::new(Op::S1E1R, 0);
    case.pe.features = Features::ALL.without(Feature::El2).without(Feature::Rme);
    case.pe.pa_bits = [48, 52, 56, 40, 36][random.below(5) as usize];
    case.pe.choices = case.pe.choices.with(Choice::BlockNtFaults, random.below(2) as u8);
    set_registers(&mut case, format, random);
    let mut kinds = |level| [(); 4].map(|()| leaf_attributes(format, level, random));
    let (blocks, pages) = (kinds(2), kinds(3));
    let level2 = table(format, 2, &blocks, random);
    store(&mut case, format, ROOT, &level2);
    for number in 0..COUNT {
        let level3 = table(format, 3, &pages, random);
        store(&mut case, format, TABLES + (number << format.granule), &level3);
    }
    case
}

fn set_registers(case: &mut Case, format: Format, random: &mut Random) {
    let mut set = |register, field: Field, value: u64| {
        let old = case.pe.regs.get128(register);
        case.pe.regs.set(register, field.set128(old, value));
    };
    set(SysReg::ScrEl3, scr_el3::NS, 1);
    set(SysReg::ScrEl3, scr_el3::TCR2En, 1);
    set(SysReg::SctlrEl1, sctlr_el1::M, 1);
    set(SysReg::SctlrEl1, sctlr_el1::C, 1);
    set(SysReg::SctlrEl1, sctlr_el1::EE, format.big_endian.into());
    set(SysReg::Tcr2El1, tcr2_el1::D128, format.d128.into());
    set(SysReg::Tcr2El1, tcr2_el1::PIE, u64::from(random.chance(30)));
    // As many bits as levels 2 and 3 index.
    let stride = format.granule - if format.d128 { 4 } else { 3 };
    set(SysReg::TcrEl1, tcr_el1::T0SZ, u64::from(64 - format.granule - 2 * stride));
    set(
        SysReg::TcrEl1,
        tcr_el1::TG0,
        match format.granule {
            12 => 0b00,
            14 => 0b10,
            _ => 0b01,
        },
    );
    set(SysReg::TcrEl1, tcr_el1::IPS, 1 + random.below(6));
    set(SysReg::TcrEl1, tcr_el1::DS, format.ds.into());
    set(SysReg::TcrEl1, tcr_el1::HA, random.below(2));
    set(SysReg::TcrEl1, tcr_el1::HD, random.below(2));
    set(SysReg::TcrEl1, tcr_el1::EPD1, 1);
    case.pe.regs.set(SysReg::MairEl1, 0x0400_bbff_44ff_00ff);
    case.pe.regs.set(SysReg::PirEl1, random.next().into());
    case.pe.regs.set(SysReg::Pire0El1, random.next().into());
    case.pe.regs.set(SysReg::Ttbr0El1, ROOT.into());
}

/// The descriptors of a table, in runs.
fn table(format: Format, level: u64, kinds: &[u128; 4], random: &mut Random) -> Vec<u128> {
    let size = 1_u64 << if level == 3 { format.granule } else { 2 * format.granule - if format.d128 { 4 } else { 3 } };
    let mut table = Vec::new();
    while (table.len() as u64) < format.entries() {
        let longest = [4, 40, 200][random.below(3) as usize];
        let length = 1 + random.below(longest);
        // The first table has room for everything, so that there is not too much of it.
        let kind = if level == 2 && random.chance(60) { 0 } else { random.below(12) };
        let at = table.len() as u64;
        let address = random.next() & random.next() & 0x0000_ffff_ffff_f000 & !(size - 1);
        let address = if random.chance(10) { address | 0x0000_ffff_fff0_0000 & !(size - 1) } else { address };
        let address = if random.chance(30) { address & 0xffff_ffff | (size * (at % 128)) } else { address };
        let attributes = kinds[random.below(4) as usize];
        let limits = random.next();
        let contiguous = if format.d128 { 1 << 111 } else { 1 << 52 };
        let noise = u128::from(random.next());
        table.extend((0..length).map(|i| match kind {
            0 => 0,
            1 => noise & !1,
            2 if level == 2 => table_descriptor(format, limits, TABLES + ((i % COUNT) << format.granule)),
            3 => attributes | u128::from(address), // the same again and again
            4 | 5 => attributes | contiguous | u128::from(address.wrapping_add(i * size) & 0xffff_ffff_f000),
            _ => attributes | u128::from(address.wrapping_add(i * size) & 0xffff_ffff_f000),
        }));
    }
    table.truncate(format.entries() as usize);
    table
}

/// A table, with some of the limits that it can put on its leaves.
fn table_descriptor(format: Format, limits: u64, address: u64) -> u128 {
    let low = address | 1 << 10;
    if format.d128 {
        // DisCH.
        return u128::from(low | 1) | u128::from(limits & 1) << 112;
    }
    u128::from(low | 3 | limits & 0x7800_0000_0000_0000)
}

/// Everything of a leaf but its address; now and then odd.
fn leaf_attributes(format: Format, level: u64, random: &mut Random) -> u128 {
    let page = if level == 3 { 0b11 } else { 0b01 };
    let low = random.next() & 0x3dc | u64::from(!random.chance(15)) << 10 | u64::from(random.chance(30)) << 11;
    let odd = if random.chance(20) { random.next() & 0x0003_0000_0001_f000 } else { 0 };
    if format.d128 {
        // A leaf of level 2 skips to the last.
        let skip = u128::from(3 - level) << 109;
        return u128::from(random.next() & 0x0478_0000_0000_0000) << 64 | skip | u128::from(low | odd & !0xf040 | 1);
    }
    u128::from(low | page | odd | random.next() & 0x007c_0000_0000_0000 & !(1 << 52))
}

fn store(case: &mut Case, format: Format, base: u64, table: &[u128]) {
    for (&descriptor, index) in table.iter().zip(0_u64..) {
        let [low, high] = [descriptor as u64, (descriptor >> 64) as u64];
        let words = match (format.big_endian, format.d128) {
            (false, _) => [low, high],
            (true, false) => [low.swap_bytes(), 0],
            (true, true) => [high.swap_bytes(), low.swap_bytes()],
        };
        for (word, i) in words.into_iter().zip(0..format.words()) {
            case.memory.write(base + 8 * (index * format.words() + i), word);
        }
    }
}
