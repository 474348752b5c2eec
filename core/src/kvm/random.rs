//! Cases that fit a VM, invented at random but always alike for a seed. The registers are invented first; a descriptor
//! is invented when the walk asks for it.

use super::fit::{Fit, Limits, complete, place_code};
use super::{Level, guest};
use crate::access::Op;
use crate::bits::{align_down, bit, bits, mask};
use crate::env::{Env, Fetch};
use crate::feature::Feature;
use crate::layout::sysreg::{SysReg, hcr_el2, hcrx_el2, sctlr_el1, tcr_el1, tcr_el2, vtcr_el2};
use crate::memory::{ExternalAbort, Reply};
use crate::pe::Pe;
use crate::regime::{Granule, Regime, Stage};
use crate::scenario::Case;
use crate::step::{Event, Purpose, Step};
use alloc::format;
use alloc::vec::Vec;
use core::convert::Infallible;

/// Where the tables are.
pub const RAM: u64 = 0x4000_0000;
/// So much of it that a block of stage 2 shows all.
pub const RAM_SIZE: u64 = 0x20_0000;

/// An endless supply of cases.
#[derive(Clone, Debug)]
pub struct Cases {
    limits: Limits,
    seed: u64,
    number: u64,
}

impl Cases {
    /// The cases of this seed.
    #[must_use]
    pub const fn new(limits: Limits, seed: u64) -> Self {
        Self { limits, seed, number: 0 }
    }
}

impl Iterator for Cases {
    type Item = Fit;

    fn next(&mut self) -> Option<Fit> {
        loop {
            let mut dice = Dice(self.seed ^ self.number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            dice.roll();
            let id = format!("{}-{}-{}", self.limits.level.name(), self.seed, self.number);
            self.number += 1;
            if let Some(mut fit) = invent(&mut dice, &self.limits) {
                fit.case.id = id;
                return Some(fit);
            }
        }
    }
}

/// `SplitMix64`.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `n`.
    fn below(&mut self, n: u64) -> u64 {
        self.roll() % n.max(1)
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True once in `n` times.
    fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn one_in(&mut self, n: u64) -> u64 {
        self.once_in(n).into()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

fn invent(dice: &mut Dice, limits: &Limits) -> Option<Fit> {
    let op = operation(dice, limits);
    let mut case = Case::new(op, 0);
    case.pe = Pe {
        el: limits.level.el(),
        pan: dice.once_in(2),
        features: limits.features,
        pa_bits: limits.pa_bits,
        choices: limits.choices,
        ..Pe::default()
    };
    if limits.level.el() == 2 {
        hypervisor(dice, limits, &mut case.pe);
    }
    let (regime, _) = crate::at::scope(&case.pe, op);
    let upper = regime.has_unprivileged() && dice.once_in(2);
    stage1(dice, &mut case.pe, regime, upper);
    let nested = regime == Regime::El10
        && limits.level.el() == 2
        && case.pe.regs.get(SysReg::HcrEl2) & (hcr_el2::VM.mask() | hcr_el2::DC.mask()) != 0;
    bases(dice, &mut case.pe, nested);
    case.va = address(dice, &case.pe, regime, upper);
    let mut placed = place_code(case).ok()?;
    let mut inventor = Inventor {
        dice,
        code: placed.code..placed.code + 0x8_0000,
        case: placed.case.clone(),
        limit: 1 << limits.ipa_bits.min(52),
        starts: [None; 2],
        nested,
        refused: false,
        aborted: false,
    };
    let Ok(_) = crate::at::execute(&placed.case.pe, op, placed.case.va, &mut inventor);
    if inventor.refused {
        return None;
    }
    let aborted = inventor.aborted;
    placed.case.memory = inventor.case.memory;
    if aborted {
        placed.case.memory.set_abort(Some((RAM + RAM_SIZE, u64::MAX)));
    }
    let mut fit = complete(placed, limits).ok()?;
    if fit.case.run().answer.fault.is_some_and(|fault| fault.second_stage && fault.ipa.address >> size(&fit.case) != 0)
    {
        // What Linux does with an address beyond stage 2's range depends on what happens to be in its tables.
        return None;
    }
    fit.pages.retain(|page| *page < RAM + RAM_SIZE);
    debug_assert!(guest::entry(op).is_some());
    Some(fit)
}

/// The size of stage 2's input addresses.
fn size(case: &Case) -> u32 {
    64 - vtcr_el2::T0SZ.get(case.pe.regs.get(SysReg::VtcrEl2)) as u32
}

fn operation(dice: &mut Dice, limits: &Limits) -> Op {
    use Op::{S1E0R, S1E0W, S1E1A, S1E1R, S1E1RP, S1E1W, S1E1WP, S1E2A, S1E2R, S1E2W, S12E0R, S12E0W, S12E1R, S12E1W};
    let stage1 = [S1E1R, S1E1W, S1E0R, S1E0W, S1E1RP, S1E1WP];
    let op = match limits.level {
        Level::El1 if dice.once_in(16) => S1E1A,
        Level::El1 => dice.pick(&stage1),
        _ => match dice.below(8) {
            0..3 => dice.pick(&stage1),
            3..5 => dice.pick(&[S1E2R, S1E2W]),
            5 if dice.once_in(4) => dice.pick(&[S1E1A, S1E2A]),
            _ => dice.pick(&[S12E1R, S12E1W, S12E0R, S12E0W]),
        },
    };
    let known = limits.features.has(Feature::Ats1a);
    if !known && matches!(op, S1E1A | S1E2A) { S1E1R } else { op }
}

/// HCR_EL2, HCRX_EL2 and the control of the guest hypervisor's own stage 2.
fn hypervisor(dice: &mut Dice, limits: &Limits, pe: &mut Pe) {
    let e2h = limits.level == Level::Vel2;
    let host = if e2h { dice.one_in(5) } else { dice.one_in(24) };
    let fields = [
        (hcr_el2::RW, 1),
        (hcr_el2::E2H, e2h.into()),
        (hcr_el2::TGE, host),
        (hcr_el2::VM, 1 - dice.one_in(3)),
        (hcr_el2::DC, dice.one_in(24)),
        (hcr_el2::PTW, dice.one_in(8)),
        (hcr_el2::CD, dice.one_in(24)),
        (hcr_el2::FWB, if pe.has(Feature::S2fwb) { dice.one_in(4) } else { 0 }),
    ];
    let hcr = fields.into_iter().fold(0, |hcr, (field, value)| field.set(hcr, value));
    pe.regs.set(SysReg::HcrEl2, hcr.into());
    let tcr2 = if pe.has(Feature::Tcr2) { 1 - dice.one_in(5) } else { 0 };
    pe.regs.set(SysReg::HcrxEl2, hcrx_el2::TCR2En.set(0, tcr2).into());
    // The granule, the level of the first table with its SL0, and the sizes that start there, of up to 16 tables.
    let starts = [
        (Feature::Tgran4k, 0b00, 2, 40..=48),
        (Feature::Tgran4k, 0b00, 1, 31..=43),
        (Feature::Tgran4k, 0b00, 0, 25..=34),
        (Feature::Tgran16k, 0b10, 2, 37..=47),
        (Feature::Tgran16k, 0b10, 1, 26..=40),
        (Feature::Tgran64k, 0b01, 2, 43..=48),
        (Feature::Tgran64k, 0b01, 1, 30..=46),
    ];
    let known: Vec<_> = starts.iter().filter(|(granule, ..)| pe.has(*granule)).collect();
    let (_, tg0, sl0, sizes) = known[dice.below(known.len() as u64) as usize].clone();
    let size = dice.between(*sizes.start(), (*sizes.end()).min(limits.pa_bits.into()).max(*sizes.start()));
    let fields = [
        (vtcr_el2::T0SZ, 64 - size),
        (vtcr_el2::SL0, sl0),
        (vtcr_el2::TG0, tg0),
        (vtcr_el2::PS, if dice.once_in(6) { dice.below(6) } else { output_size(limits.pa_bits) }),
        (vtcr_el2::IRGN0, 1),
        (vtcr_el2::ORGN0, 1),
        (vtcr_el2::SH0, 3),
        (vtcr_el2::HA, if pe.has(Feature::Hafdbs) { dice.one_in(3) } else { 0 }),
    ];
    let vtcr = fields.into_iter().fold(1 << 31, |vtcr, (field, value)| field.set(vtcr, value));
    pe.regs.set(SysReg::VtcrEl2, vtcr.into());
}

const fn output_size(pa_bits: u8) -> u64 {
    match pa_bits {
        0..36 => 0,
        36..40 => 1,
        40..42 => 2,
        42..44 => 3,
        44..48 => 4,
        48..52 => 5,
        _ => 6,
    }
}

/// The registers of the stage 1 that is asked about.
fn stage1(dice: &mut Dice, pe: &mut Pe, regime: Regime, upper: bool) {
    const TYPES: [u64; 14] = [0x00, 0x04, 0x08, 0x0c, 0x44, 0xff, 0xff, 0xff, 0xf4, 0x4f, 0xbb, 0xaa, 0xee, 0x77];
    let el10 = regime == Regime::El10;
    let of = |el1, el2| if el10 { el1 } else { el2 };
    let mair = (0..7).fold(0xff << 56, |mair, i| mair | dice.pick(&TYPES) << (8 * i));
    let pir = dice.roll() & mask(59, 0) | 0xa << 60;
    // overlays: any of the eight that are defined, and the last one without limits
    let por = (0..7).fold(0x7 << 28, |por, i| por | dice.below(8) << (4 * i));
    let mut sctlr = 0x30d0_0980;
    for (field, value) in [
        (sctlr_el1::M, 1 - dice.one_in(24)),
        (sctlr_el1::C, 1 - dice.one_in(12)),
        (sctlr_el1::I, 1),
        (sctlr_el1::WXN, dice.one_in(4)),
        (sctlr_el1::EE, dice.one_in(8)),
        (sctlr_el1::EPAN, if pe.has(Feature::Pan3) { dice.one_in(3) } else { 0 }),
    ] {
        sctlr = field.set(sctlr, value);
    }
    pe.regs.set(of(SysReg::SctlrEl1, SysReg::SctlrEl2), sctlr.into());
    pe.regs.set(of(SysReg::MairEl1, SysReg::MairEl2), mair.into());
    pe.regs.set(of(SysReg::TcrEl1, SysReg::TcrEl2), control(dice, pe, regime, upper).into());
    let enabled = if el10 { pe.tcr2_el1_enabled() } else { pe.tcr2_el2_enabled() };
    if enabled {
        let pie = if pe.has(Feature::S1pie) { dice.one_in(3) << 1 } else { 0 };
        let poe = if pe.has(Feature::S1poe) { dice.one_in(4) << 3 | dice.one_in(4) << 2 } else { 0 };
        let poe = if regime == Regime::El2 { poe & 8 } else { poe };
        pe.regs.set(of(SysReg::Tcr2El1, SysReg::Tcr2El2), (pie | poe).into());
    }
    if pe.has(Feature::S1pie) {
        pe.regs.set(of(SysReg::PirEl1, SysReg::PirEl2), pir.into());
        let unprivileged = dice.roll();
        pe.regs.set(of(SysReg::Pire0El1, SysReg::Pire0El2), unprivileged.into());
    }
    if pe.has(Feature::S1poe) {
        pe.regs.set(of(SysReg::PorEl1, SysReg::PorEl2), por.into());
        let unprivileged = (0..8).fold(0, |por, i| por | dice.below(8) << (4 * i));
        pe.regs.set(SysReg::PorEl0, u128::from(unprivileged));
    }
}

fn control(dice: &mut Dice, pe: &Pe, regime: Regime, upper: bool) -> u64 {
    let granules = [(Feature::Tgran4k, 0b00, 0b10), (Feature::Tgran16k, 0b10, 0b01), (Feature::Tgran64k, 0b01, 0b11)];
    let known: Vec<_> = granules.into_iter().filter(|(granule, ..)| pe.has(*granule)).collect();
    let (granule, tg0, tg1) = dice.pick(&known);
    let long = pe.has(Feature::Lpa2) && granule != Feature::Tgran64k && dice.once_in(4);
    let wide = long || pe.has(Feature::Lva) && granule == Feature::Tgran64k;
    let txsz = match dice.below(40) {
        0 => dice.between(8, 11),
        2 if pe.has(Feature::Ttst) => dice.between(40, 47),
        3..8 if wide => dice.between(12, 15),
        _ => dice.between(16, 39),
    };
    let ps = if dice.once_in(5) { dice.below(6) } else { output_size(pe.pa_bits) };
    let ps = if ps == 6 && !long && granule != Feature::Tgran64k { 5 } else { ps };
    let [ha, hd] = if pe.has(Feature::Hafdbs) { [dice.one_in(2), dice.one_in(2)] } else { [0; 2] };
    let hpd = if pe.has(Feature::Hpds) { dice.one_in(4) } else { 0 };
    let e0pd = if pe.has(Feature::E0pd) { dice.one_in(24) } else { 0 };
    let (tbi, epd) = (dice.one_in(2), dice.one_in(24));
    let set = |fields: &[(crate::layout::Field, u64)], start| {
        fields.iter().fold(start, |tcr, (field, value)| field.set(tcr, *value))
    };
    if regime == Regime::El2 {
        use tcr_el2 as f;
        let fields = [(f::T0SZ, txsz), (f::TG0, tg0), (f::PS, ps), (f::TBI, tbi), (f::HPD, hpd), (f::HA, ha)];
        return set(&[(f::HD, hd), (f::IRGN0, 1), (f::ORGN0, 1), (f::SH0, 3)], set(&fields, 1 << 31 | 1 << 23));
    }
    use tcr_el1 as f;
    let common = [(f::IPS, ps), (f::HA, ha), (f::HD, hd), (f::DS, long.into())];
    let half = if upper {
        [(f::T1SZ, txsz), (f::TG1, tg1), (f::TBI1, tbi), (f::HPD1, hpd), (f::E0PD1, e0pd), (f::EPD1, epd)]
    } else {
        [(f::T0SZ, txsz), (f::TG0, tg0), (f::TBI0, tbi), (f::HPD0, hpd), (f::E0PD0, e0pd), (f::EPD0, epd)]
    };
    let walks = [(f::IRGN0, 1), (f::ORGN0, 1), (f::SH0, 3), (f::IRGN1, 1), (f::ORGN1, 1), (f::SH1, 3)];
    set(&walks, set(&half, set(&common, 0)))
}

/// The first tables.
fn bases(dice: &mut Dice, pe: &mut Pe, nested: bool) {
    let size = 64 - vtcr_el2::T0SZ.get(pe.regs.get(SysReg::VtcrEl2));
    for register in [SysReg::Ttbr0El1, SysReg::Ttbr1El1, SysReg::Ttbr0El2, SysReg::Ttbr1El2] {
        let own = nested && matches!(register, SysReg::Ttbr0El1 | SysReg::Ttbr1El1);
        let base = if own { guest_table(dice, size, 16) } else { table(dice, 16) };
        let tag = if dice.once_in(4) { dice.below(0x100) << 48 } else { 0 };
        pe.regs.set(register, (base | tag).into());
    }
    let base = align_down(RAM + dice.below(RAM_SIZE), 20);
    pe.regs.set(SysReg::VttbrEl2, base.into());
}

/// The address of a table in memory.
fn table(dice: &mut Dice, granule_bits: u32) -> u64 {
    align_down(RAM + dice.below(RAM_SIZE), granule_bits)
}

/// An address for a table that stage 2 will translate. Bits 29:21 are those of memory, for blocks of 1 GB to show it.
fn guest_table(dice: &mut Dice, size: u64, granule_bits: u32) -> u64 {
    let high = if size > 30 { dice.roll() & mask(size as u32 - 1, 30) } else { 0 };
    high | align_down(dice.below(RAM_SIZE), granule_bits)
}

fn address(dice: &mut Dice, pe: &Pe, regime: Regime, upper: bool) -> u64 {
    let tcr = pe.regs.get(if regime == Regime::El10 { SysReg::TcrEl1 } else { SysReg::TcrEl2 });
    let txsz = if upper { tcr_el1::T1SZ.get(tcr) } else { tcr_el1::T0SZ.get(tcr) };
    let size = 64 - txsz.clamp(12, 48) as u32;
    let inside = dice.roll() & mask(size - 1, 0);
    let sign = if upper { mask(63, size) } else { 0 };
    let va = match dice.below(24) {
        0 => dice.roll(),
        1..4 => inside | sign & mask(55, 0) | dice.roll() & mask(63, 56),
        _ => inside | sign,
    };
    if !regime.has_unprivileged() {
        return va;
    }
    if upper { va | 1 << 55 } else { va & !(1 << 55) }
}

/// The world in which a walk is given descriptors as it asks for them.
struct Inventor<'a> {
    dice: &'a mut Dice,
    code: core::ops::Range<u64>,
    case: Case,
    limit: u64,
    /// Where each stage began: its granule, its input size and its output size.
    starts: [Option<(Granule, u8, u8)>; 2],
    nested: bool,
    /// The walk leaves what a VM can have.
    refused: bool,
    aborted: bool,
}

impl Env for Inventor<'_> {
    type Stop = Infallible;
    const LISTENS: bool = true;

    fn read(&mut self, fetch: Fetch) -> Result<Reply, Infallible> {
        let address = fetch.address.address;
        if (RAM..RAM + RAM_SIZE).contains(&address) {
            if self.case.memory.word(address) == 0 {
                let word = self.descriptor(fetch);
                self.case.memory.write(address, word);
            }
        } else if address >= RAM + RAM_SIZE && address < self.limit && !self.code.contains(&address) {
            self.aborted = true;
            return Ok(Err(ExternalAbort));
        } else if !self.code.contains(&address) {
            self.refused = true;
        }
        Ok(self.case.memory.read(address, fetch.wide))
    }

    fn compare_and_swap(&mut self, fetch: Fetch, _: u128, _: u128) -> Result<Reply, Infallible> {
        Ok(self.case.memory.read(fetch.address.address, fetch.wide))
    }

    fn note(&mut self, step: impl FnOnce() -> Step) {
        let step = step();
        if let (Event::Start { granule, ia_size, oa_size, .. }, Some(stage)) = (step.event, step.place.stage) {
            self.starts[usize::from(stage == Stage::S2)] = Some((granule, ia_size, oa_size));
        }
    }
}

impl Inventor<'_> {
    fn descriptor(&mut self, fetch: Fetch) -> u64 {
        let stage2 = fetch.place.stage == Some(Stage::S2);
        let Some((granule, _, output_bits)) = self.starts[usize::from(stage2)] else { return 0 };
        let level = fetch.place.level.unwrap_or(3);
        let shift = granule.bits() + u32::from((3 - level).unsigned_abs()) * (granule.bits() - 3);
        let chance = self.dice.below(32);
        let word = match (level, chance) {
            (_, 0) => 2,
            (3, 1) => 1,
            (3, _) => self.leaf(fetch.place.purpose, stage2, granule, shift, output_bits) | 3,
            (_, 1..9) => self.leaf(fetch.place.purpose, stage2, granule, shift, output_bits) | 1,
            _ => self.table(stage2, granule) | 3,
        };
        if self.big_endian(stage2) { word.swap_bytes() } else { word }
    }

    fn big_endian(&self, stage2: bool) -> bool {
        let pe = &self.case.pe;
        let (regime, _) = crate::at::scope(pe, self.case.op);
        let el10 = regime == Regime::El10 && !stage2;
        let register = if el10 { SysReg::SctlrEl1 } else { SysReg::SctlrEl2 };
        sctlr_el1::EE.is_set(pe.regs.get(register))
    }

    fn table(&mut self, stage2: bool, granule: Granule) -> u64 {
        let granule_bits = granule.bits();
        if stage2 {
            return table(self.dice, granule_bits);
        }
        let size = self.starts[1].map_or(40, |(_, size, _)| size);
        let next = if self.nested {
            guest_table(self.dice, size.into(), granule_bits)
        } else {
            table(self.dice, granule_bits)
        };
        let limits = if self.dice.once_in(4) { self.dice.roll() & mask(63, 59) } else { 0 };
        next & mask(47, granule_bits) | limits
    }

    fn leaf(&mut self, purpose: Purpose, stage2: bool, granule: Granule, shift: u32, output_bits: u8) -> u64 {
        let of_a_table = stage2 && purpose != Purpose::Output;
        let address = if of_a_table {
            align_down(if shift > 21 { RAM } else { RAM + self.dice.below(RAM_SIZE) }, shift)
        } else {
            let input = self.starts[1].map_or(40, |(_, size, _)| size);
            let most = if self.nested && !stage2 { input } else { output_bits };
            let any = !self.nested && self.dice.once_in(12);
            let width = if any { self.dice.between(30, 48) } else { most.min(48).into() };
            self.dice.roll() & mask(width as u32 - 1, shift)
        };
        let accessed = if self.dice.once_in(8) { 0 } else { 1 << 10 };
        let contiguous = self.dice.once_in(8);
        let upper = self.dice.roll() & mask(63, 50) & !if contiguous { 0 } else { 1 << 52 };
        let low = self.dice.roll() & mask(11, 2) & !(1 << 10);
        let address = address & mask(47, granule.bits());
        if !stage2 {
            // address bits from 48 up, where SH was
            let low = if self.is_long(granule) && !self.dice.once_in(8) { low & !mask(9, 8) } else { low };
            return address | accessed | low | upper;
        }
        // Stage 2: mostly readable and writable; the tables of stage 1 in memory that may hold tables.
        let readable = if self.dice.once_in(8) { low & mask(7, 6) } else { mask(7, 6) };
        let memory = if of_a_table && !self.dice.once_in(8) { 0b1111 << 2 } else { low & mask(5, 2) };
        let memory = if bits(memory, 3, 2) == 0 && bits(memory, 5, 4) != 0 { memory | 0b100 } else { memory };
        address | accessed | readable | memory | low & mask(9, 8) | upper & mask(54, 53)
    }

    fn is_long(&self, granule: Granule) -> bool {
        let pe = &self.case.pe;
        let (regime, _) = crate::at::scope(pe, self.case.op);
        let register = if regime == Regime::El10 { SysReg::TcrEl1 } else { SysReg::TcrEl2 };
        granule != Granule::K64 && regime != Regime::El2 && bit(pe.regs.get(register), 59)
    }
}
