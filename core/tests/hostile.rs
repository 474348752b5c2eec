//! Machines without any plan: whatever the registers, the features and memory hold, a translation ends, in bounded
//! time, and the same in every world. The same machines are the fuzzer's (`fuzz/`); here they are drawn at random, and
//! few.
#![cfg(feature = "json")]

#[path = "hostile/agree.rs"]
mod agree;
#[path = "hostile/machine.rs"]
mod machine;
#[path = "mapped/agree.rs"]
mod mapped;

use machine::{END, Machine, Source};
use stagewalk::access::Op;
use stagewalk::at::Outcome;
use stagewalk::feature::Feature;
use stagewalk::layout::Field;
use stagewalk::layout::sysreg::{
    SysReg, gpccr_el3, gptbr_el3, hcr_el2, hcrx_el2, scr_el3, sctlr_el1, tcr_el1, tcr_el2, tcr2_el1, ttbr0_el1_d128,
    vtcr_el2, vttbr_el2_d128,
};
use stagewalk::scenario::Case;
use std::collections::BTreeMap;

/// Random numbers, some of them like control bits or descriptors.
struct Random {
    state: u64,
    /// Address bits of the descriptors among the words; few of them make tables that overlap.
    tables: Option<u64>,
}

impl Random {
    /// SplitMix64.
    fn uniform(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ self.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.uniform() % limit
    }
}

/// A granule table entry that opens a block to everyone.
const ALL_ACCESS: u64 = 0xf1;

impl Source for Random {
    fn byte(&mut self) -> u8 {
        let byte = self.uniform();
        if byte >> 56 == 0 { END } else { byte as u8 }
    }

    fn word(&mut self) -> u64 {
        let (word, other) = (self.uniform(), self.uniform());
        match (self.tables, self.below(32)) {
            (_, 0) => word,
            (None, 1..=8) => word & other,
            (None, 9..=16) => word | other,
            (None, _) => [0, u64::MAX, 1, 1 << 63][(word & 3) as usize],
            (Some(_), 1) => word & 0x00ff_0000_0000_0fff | 1,
            (Some(_), 2..=3) => ALL_ACCESS,
            (Some(address), 4..=5) => word & address | other & 0xfff | 1,
            // Accessed, and readable in either stage's way of saying so.
            (Some(address), _) => word & address | other & 0x80c | 0x4c3,
        }
    }
}

/// A machine that at least switches translation on, in ranges and sizes that lead to tables; all else as it was.
fn lured(mut machine: Machine, random: &mut Random) -> Machine {
    let Machine { va, pe, .. } = &mut machine;
    let mut set = |register, field: Field, value: u64| {
        let old = pe.regs.get128(register);
        pe.regs.set(register, field.set128(old, value));
    };
    for sctlr in [SysReg::SctlrEl1, SysReg::SctlrEl2, SysReg::SctlrEl3] {
        set(sctlr, sctlr_el1::M, 1);
        set(sctlr, sctlr_el1::EE, u64::from(random.below(8) == 0));
    }
    for tcr in [SysReg::TcrEl1, SysReg::TcrEl2] {
        set(tcr, tcr_el1::T0SZ, 14 + random.below(13));
        set(tcr, tcr_el1::T1SZ, 14 + random.below(13));
        set(tcr, tcr_el1::IPS, 4 + random.below(4));
        set(tcr, tcr_el1::EPD0, 0);
        set(tcr, tcr_el1::EPD1, 0);
    }
    set(SysReg::TcrEl3, tcr_el2::T0SZ, 14 + random.below(13));
    set(SysReg::TcrEl3, tcr_el2::PS, 4 + random.below(4));
    for (bit, often) in [(hcr_el2::DC, 8), (hcr_el2::TGE, 4), (hcr_el2::AT, 8)] {
        set(SysReg::HcrEl2, bit, u64::from(random.below(often) == 0));
    }
    set(SysReg::HcrEl2, hcr_el2::VM, random.below(2));
    set(SysReg::VtcrEl2, vtcr_el2::T0SZ, 24);
    set(SysReg::VtcrEl2, vtcr_el2::SL0, 1);
    set(SysReg::VtcrEl2, vtcr_el2::PS, 4 + random.below(4));
    set(SysReg::GpccrEl3, gpccr_el3::GPC, u64::from(random.below(4) == 0));
    set(SysReg::GpccrEl3, gpccr_el3::PPS, 3 + random.below(4));
    set(SysReg::GpccrEl3, gpccr_el3::PGS, random.below(3));
    set(SysReg::GpccrEl3, gpccr_el3::SH, 0b10);
    set(SysReg::GptbrEl3, gptbr_el3::BADDR, random.below(0x100));
    let wide = u64::from(random.below(3) == 0);
    for tcr2 in [SysReg::Tcr2El1, SysReg::Tcr2El2] {
        set(tcr2, tcr2_el1::D128, wide);
    }
    set(SysReg::VtcrEl2, vtcr_el2::D128, wide);
    use SysReg::{Ttbr0El1, Ttbr0El2, Ttbr0El3, Ttbr1El1, Ttbr1El2, VsttbrEl2, VttbrEl2};
    for ttbr in [Ttbr0El1, Ttbr1El1, Ttbr0El2, Ttbr1El2, Ttbr0El3, VttbrEl2, VsttbrEl2] {
        if random.below(4) != 0 {
            set(ttbr, Field::reserved("bits 55:36", 55, 36), 0);
        }
    }
    if random.below(4) != 0 {
        pe.features = pe.features.with(Feature::El2).with(Feature::El3);
        pe.pa_bits = 48 + random.below(9) as u8;
        pe.el = 1 + random.below(3) as u8;
    }
    let top = [0, 0xffff_fff0_0000_0000][random.below(2) as usize];
    *va = *va & 0x0000_000f_ffff_ffff | top;
    machine
}

fn case(seed: u64) -> Case {
    let random = &mut Random { state: seed << 32, tables: None };
    let machine = machine::next(random);
    let machine = if seed.is_multiple_of(4) { machine } else { lured(machine, random) };
    random.tables = [None, Some(0x0fff_ffff_0000), Some(0x0fff_ffff_0000), Some(0x3_0000)][random.below(4) as usize];
    machine.case(random)
}

/// A few seconds' worth.
const CASES: u64 = 16_384;

#[test]
fn machines_without_a_plan_are_answered() {
    let (most, met) = tally((0..CASES).map(case));
    println!("at most {most} reads; {met:?}");
    for (what, count) in [("success", 200), ("fault", 200), ("exception", 200), ("performed", 50), ("trapped", 50)] {
        assert!(met.get(what).is_some_and(|met| *met >= count), "{what}: {met:?}");
    }
    for (what, count) in [("a read", 2000), ("4 reads", 500)] {
        assert!(met.get(what).is_some_and(|met| *met >= count), "{what}: {met:?}");
    }
}

/// Cases that are answered, with the most reads of one, and what they came to.
fn tally(cases: impl Iterator<Item = Case>) -> (u32, BTreeMap<&'static str, u32>) {
    let (mut most, mut met) = (0, BTreeMap::new());
    for case in cases {
        let run = agree::check(&case);
        most = most.max(run.reads);
        let mut meet = |what| *met.entry(what).or_default() += 1;
        meet(match (&run.answer.result, run.answer.fault) {
            (Outcome::Undefined, _) => "undefined",
            (Outcome::Exception(_), None) => "trapped",
            (Outcome::Exception(_), Some(_)) => "exception",
            (Outcome::Par(_), Some(_)) => "fault",
            (Outcome::Par(_), None) => "success",
            (Outcome::Performed, _) => "performed",
        });
        if !run.writes.is_empty() {
            meet("an update");
        }
        for (reads, what) in [(1, "a read"), (4, "4 reads"), (12, "12 reads"), (20, "20 reads")] {
            if run.reads >= reads {
                meet(what);
            }
        }
    }
    (most, met)
}

/// Flips a few bits of a machine: of what it is asked, of what it is, of its memory.
fn flipped(mut case: Case, random: &mut Random) -> Case {
    for _ in 0..=random.below(3) {
        let bit = 1 << random.below(64);
        match random.below(8) {
            0 => case.va ^= bit,
            1 => case.pe.pa_bits = random.byte(),
            2 => {
                let feature = Feature::ALL[random.below(Feature::ALL.len() as u64) as usize];
                case.pe.features = case.pe.features.set(feature, random.below(2) == 0);
            }
            3..=4 => {
                let register = SysReg::ALL[random.below(SysReg::COUNT as u64) as usize];
                let wide = u128::from(bit) << (64 * random.below(2));
                case.pe.regs.set(register, case.pe.regs.get128(register) ^ wide);
            }
            _ => {
                let words: Vec<_> = case.memory.words().collect();
                if !words.is_empty() {
                    let (address, word) = words[random.below(words.len() as u64) as usize];
                    case.memory.write(address, word ^ bit);
                }
            }
        }
    }
    case
}

#[test]
fn machines_with_flipped_bits_are_answered() {
    const PROFILES: [&str; 7] = ["nested", "hafdbs", "d128", "gpc", "el3rme", "lpa2", "abort"];
    let random = &mut Random { state: 1, tables: None };
    let cases = PROFILES.into_iter().flat_map(|profile| vectors::cases(profile, 4));
    let flipped: Vec<_> = cases.flat_map(|case| [case.clone(), case]).map(|case| flipped(case, random)).collect();
    let (most, met) = tally(flipped.into_iter());
    println!("at most {most} reads; {met:?}");
    for (what, count) in [("success", 200), ("fault", 200), ("exception", 200), ("12 reads", 50), ("an update", 50)] {
        assert!(met.get(what).is_some_and(|met| *met >= count), "{what}: {met:?}");
    }
}

/// Every granule, size and start level, the impossible ones too: a base register can make the walk of 128-bit
/// descriptors start beyond the last level.
#[test]
fn every_start_level_is_answered() {
    use SysReg::{HcrEl2, ScrEl3, SctlrEl1, Tcr2El1, TcrEl1, Ttbr0El1, VtcrEl2, VttbrEl2};
    let sizes = (0..4_u64).flat_map(|granule| (0..64_u64).map(move |size| (granule, size)));
    for ((granule, size), (levels, stage2)) in sizes.flat_map(|shape| SKIPPED_LEVELS.map(|start| (shape, start))) {
        let mut case = Case::new(Op::S12E1R, 0x1000);
        case.pe.el = 2;
        case.pe.pa_bits = 56;
        let mut set = |register: SysReg, field: Field, value: u64| {
            let old = case.pe.regs.get128(register);
            case.pe.regs.set(register, field.set128(old, value));
        };
        set(ScrEl3, scr_el3::NS, 1);
        set(ScrEl3, scr_el3::HXEn, 1);
        set(ScrEl3, scr_el3::TCR2En, 1);
        set(SysReg::HcrxEl2, hcrx_el2::TCR2En, 1);
        if stage2 {
            set(HcrEl2, hcr_el2::VM, 1);
            set(VtcrEl2, vtcr_el2::D128, 1);
            set(VtcrEl2, vtcr_el2::TG0, granule);
            set(VtcrEl2, vtcr_el2::T0SZ, size);
            set(VtcrEl2, vtcr_el2::PS, 6);
            set(VttbrEl2, vttbr_el2_d128::SKL, levels);
        } else {
            set(SctlrEl1, sctlr_el1::M, 1);
            set(Tcr2El1, tcr2_el1::D128, 1);
            set(TcrEl1, tcr_el1::TG0, granule);
            set(TcrEl1, tcr_el1::T0SZ, size);
            set(TcrEl1, tcr_el1::IPS, 6);
            set(Ttbr0El1, ttbr0_el1_d128::SKL, levels);
        }
        let run = agree::check(&case);
        assert!(run.answer.fault.is_some(), "memory is empty: {}", agree::tell(&case));
    }
}

/// SKL, and whether it is stage 2's.
const SKIPPED_LEVELS: [(u64, bool); 8] =
    [(0, false), (1, false), (2, false), (3, false), (0, true), (1, true), (2, true), (3, true)];

mod vectors {
    use flate2::read::GzDecoder;
    use stagewalk::scenario::Case;
    use std::fs::File;
    use std::io::{BufRead, BufReader};

    /// Every n-th case of a vector profile.
    pub fn cases(profile: &str, every: usize) -> Vec<Case> {
        let path = format!("{}/../tests/vectors/arm/{profile}.jsonl.gz", env!("CARGO_MANIFEST_DIR"));
        let lines = BufReader::new(GzDecoder::new(File::open(&path).expect(&path))).lines();
        lines.step_by(every).map(|line| Case::from_slice(line.expect("text").as_bytes()).expect("a case")).collect()
    }
}
