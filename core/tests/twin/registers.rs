//! Random system registers: plausible for the most part, odd often enough.

use crate::strategies::Source;
use crate::twin::{Case, bit, field};

/// MAIR bytes worth meeting, the reserved ones too.
const MAIR: &[u64] =
    &[0xFF, 0x00, 0x44, 0xF0, 0x04, 0x08, 0x0C, 0x40, 0xA0, 0xBB, 0x4F, 0xF4, 0x77, 0x33, 0x01, 0x0D, 0xE0, 0x2B];

/// Permission codes: generous ones, and all of them.
const GENEROUS: &[u64] = &[5, 5, 7, 12, 6, 14, 5, 7];
const GENEROUS_AT_STAGE_2: &[u64] = &[15, 12, 15, 14, 13, 15, 7, 2];
const ALL: &[u64] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

fn many(source: &mut Source, from: &[u64], bits: u32) -> u128 {
    let mut value = 0;
    for i in 0..64 / bits {
        value |= u128::from(source.pick(from)) << (bits * i);
    }
    value
}

/// Gives every register a value.
pub fn fill(case: &mut Case, odd: u64, source: &mut Source) {
    let rme = !case.off.contains("FEAT_RME");
    set(case, "SCR_EL3", scr(source, rme, case.el));
    set(case, "HCR_EL2", hcr(source));
    set(case, "HCRX_EL2", source.bit(14, 90) | source.bit(15, 90));
    if source.chance(8) {
        set(case, "HFGITR_EL2", source.next());
    }
    for el in ["EL1", "EL2", "EL3"] {
        set(case, &format!("SCTLR_{el}"), sctlr(source));
    }
    // One random number stretches over many registers: which value they have matters less than that it varies.
    let mut spread = Source::from(source.next());
    let stage1 =
        ["PIR_EL1", "PIR_EL2", "PIR_EL3", "PIRE0_EL1", "PIRE0_EL2", "POR_EL0", "POR_EL1", "POR_EL2", "POR_EL3"];
    for name in stage1 {
        let codes = if source.chance(10 + 15 * odd) { ALL } else { GENEROUS };
        let value = many(&mut spread, codes, 4);
        case.regs.insert(name.into(), value);
    }
    for name in ["S2PIR_EL2", "S2POR_EL1"] {
        let codes = if source.chance(10 + 15 * odd) { ALL } else { GENEROUS_AT_STAGE_2 };
        let value = many(&mut spread, codes, 4);
        case.regs.insert(name.into(), value);
    }
    for name in ["MAIR_EL1", "MAIR_EL2", "MAIR_EL3", "MAIR2_EL1", "MAIR2_EL2", "MAIR2_EL3"] {
        let value = many(&mut spread, MAIR, 8);
        case.regs.insert(name.into(), value);
    }
    let e2h = bit(case.regs["HCR_EL2"], 34);
    let one = two_range_tcr(odd, source);
    set(case, "TCR_EL1", one);
    let two = if e2h { two_range_tcr(odd, source) } else { one_range_tcr(odd, source) };
    set(case, "TCR_EL2", two);
    let three = one_range_tcr(odd, source) | source.next() & 0x0C7C_0000_0000 & spread.next();
    set(case, "TCR_EL3", three);
    for name in ["TCR2_EL1", "TCR2_EL2"] {
        let value = source.next() & spread.next() & 0xC81F | source.bit(5, 30);
        set(case, name, value);
    }
    if rme {
        encryption_contexts(case, Source::from(source.next()));
    }
    for name in ["TTBR0_EL1", "TTBR1_EL1", "TTBR0_EL2", "TTBR1_EL2", "VTTBR_EL2", "TTBR0_EL3", "VSTTBR_EL2"] {
        let wide = !matches!(name, "TTBR0_EL3" | "VSTTBR_EL2");
        let value = table_base(odd, source, case.pa_bits, wide);
        case.regs.insert(name.into(), value);
    }
    let (vtcr, vstcr) = (vtcr(odd, source, case.pa_bits), vtcr(odd, source, case.pa_bits));
    set(case, "VTCR_EL2", vtcr);
    set(case, "VSTCR_EL2", vstcr & 0x2_0000_C0FF | source.bit(29, 20) | source.bit(30, 20));
    if rme && source.chance(30) {
        let sizes = [0, 1, 2, 3, 4, 5, 6].map(|pps| (pps, [32, 36, 40, 42, 44, 48, 52][pps as usize]));
        let fits: Vec<u64> = sizes.iter().filter(|(_, bits)| *bits <= case.pa_bits).map(|(pps, _)| *pps).collect();
        let pps = if source.chance(5) { source.below(8) } else { source.pick(&fits) };
        let pgs = source.pick(&[0, 2, 1, 0, 2, 1, 0, 2, 1, 3]);
        let memory = if source.chance(5) { source.next() & 0x3F00 } else { 0x3500 };
        let l0 = source.pick(&[0, 4, 6, 9]);
        set(case, "GPCCR_EL3", 1 << 16 | pps | pgs << 14 | memory | l0 << 20);
        let base = if source.chance(5) { source.next() } else { source.next() & 0xF_FFFF };
        set(case, "GPTBR_EL3", base & 0xFF_FFFF_FFFF);
    }
    if case.op.starts_with("GCS") {
        guarded_control_stacks(case, odd, source);
    }
    case.va = address(case, odd, source);
}

/// Makes it likely that pages are guarded control stacks, of one Exception level: they can hardly be of two.
fn guarded_control_stacks(case: &mut Case, odd: u64, source: &mut Source) {
    let el0 = case.el == 0 || case.op == "GCSSTTR";
    let mut spread = Source::from(source.next());
    for (name, of_el0) in
        [("PIR_EL1", false), ("PIR_EL2", false), ("PIR_EL3", false), ("PIRE0_EL1", true), ("PIRE0_EL2", true)]
    {
        let codes: &[u64] = match of_el0 == el0 {
            _ if source.chance(5 * odd) => ALL,
            true => &[9, 9, 9, 9, 9, 9, 5, 12],
            false => &[1, 1, 8, 8, 1, 8, 0, 9],
        };
        let value = many(&mut spread, codes, 4);
        case.regs.insert(name.into(), value);
    }
    for (name, n) in [("TCR2_EL1", 1), ("TCR2_EL2", 1), ("TCR_EL3", 35), ("VTCR_EL2", 40)] {
        let value = field(case.regs[name], 63, 0) | source.bit(n, if n == 40 { 60 } else { 90 });
        set(case, name, value);
    }
}

/// Memory encryption contexts, mostly in use.
fn encryption_contexts(case: &mut Case, mut source: Source) {
    set(case, "SCTLR2_EL2", source.bit(1, 75));
    set(case, "SCTLR2_EL3", source.bit(1, 75));
    let allowed = source.bit(12, 30) | source.bit(13, 30);
    *case.regs.get_mut("TCR2_EL2").expect("a register") |= u128::from(allowed);
    for name in ["MECID_P0_EL2", "MECID_A0_EL2", "MECID_P1_EL2", "MECID_A1_EL2", "VMECID_P_EL2", "VMECID_A_EL2"] {
        set(case, name, source.next() & 0x1_FFFF);
    }
    set(case, "MECID_RL_A_EL3", source.next() & 0x1_FFFF);
    if source.chance(25) {
        *case.regs.get_mut("SCR_EL3").expect("a register") |= 1 << 62 | 1; // Realm state
    }
}

fn set(case: &mut Case, name: &str, value: u64) {
    case.regs.insert(name.into(), value.into());
}

fn scr(source: &mut Source, rme: bool, el: u8) -> u64 {
    let world = match (rme, source.below(10)) {
        (_, 0..=5) | (false, 6..=7) => 1,
        (true, 6..=7) => 1 << 62 | 1,
        (true, 8) if el == 3 => 1 << 62,
        _ => 0,
    };
    let el2 = source.bit(18, 70);
    let rest = source.bit(9, 30) | source.bit(3, 20) | source.bit(27, 70) | source.bit(48, 30);
    // FGTEn aside, lower levels mostly have what EL3 could deny them.
    world | el2 | rest | source.bit(38, 90) | source.bit(43, 90) | source.bit(44, 90) | 1 << 10
}

fn hcr(source: &mut Source) -> u64 {
    let stage2 = source.bit(0, 60) | source.bit(2, 25) | source.bit(12, 6) | source.bit(32, 12) | source.bit(33, 12);
    let host = source.bit(34, 35) | source.bit(27, 10);
    let traps = source.bit(37, 15) | source.bit(44, 6) | source.bit(48, 25);
    let nested = source.bit(42, 12) | source.bit(43, 12);
    stage2 | host | traps | nested | source.bit(46, 40) | source.bit(57, 30) | 1 << 31
}

fn sctlr(source: &mut Source) -> u64 {
    let mmu = 1 - source.bit(0, 4);
    mmu | 1 << 2 ^ source.bit(2, 15) | source.bit(12, 70) | source.bit(19, 15) | source.bit(25, 6) | source.bit(57, 40)
}

/// A TxSZ field: usual sizes, or anything.
fn txsz(odd: u64, source: &mut Source) -> u64 {
    if source.chance(3 * odd) {
        return source.below(64);
    }
    let sizes: &[u64] =
        if source.chance(2 + odd) { &[52, 55, 54] } else { &[48, 39, 48, 36, 42, 47, 32, 30, 25, 44, 41] };
    64 - source.pick(sizes)
}

fn two_range_tcr(odd: u64, source: &mut Source) -> u64 {
    let mut tcr = 0;
    for (n, granules) in [(0, [0, 2, 1, 3]), (1, [2, 1, 3, 0])] {
        let granule = granules[source.below(7).min(6) as usize % 4];
        let epd = source.bit(7, odd);
        let half = txsz(odd, source) | epd | source.below(64) << 8 | granule << 14;
        tcr |= half << (16 * n);
    }
    let tops = source.bit(37, 35) | source.bit(38, 35) | source.bit(51, 30) | source.bit(52, 30);
    let marks = source.bit(41, 30) | source.bit(42, 30) | source.bit(55, 2 * odd) | source.bit(56, 2 * odd);
    let tags = source.bit(60, 25) | source.bit(61, 25) | source.bit(59, 35);
    tcr | source.bit(39, 45) | source.bit(40, 50) | output_size(odd, source) << 32 | tops | marks | tags
}

fn one_range_tcr(odd: u64, source: &mut Source) -> u64 {
    let granule = source.pick(&[0, 2, 1, 0, 2, 1, 3]);
    let size = txsz(odd, source) | source.below(64) << 8 | granule << 14 | output_size(odd, source) << 16;
    let marks = source.bit(20, 35) | source.bit(24, 30) | source.bit(29, 30) | source.bit(32, 35) | source.bit(33, 25);
    size | marks | source.bit(21, 45) | source.bit(22, 50)
}

fn output_size(odd: u64, source: &mut Source) -> u64 {
    if source.chance(4 * odd) { source.below(8) } else { source.pick(&[5, 6, 7]) }
}

/// A VTCR_EL2 or VSTCR_EL2 whose start level usually suits its size.
fn vtcr(odd: u64, source: &mut Source, pa_bits: u32) -> u64 {
    let granule = source.below(3);
    let (tg, bits) = [(0, 12), (2, 14), (1, 16)][granule as usize];
    let level = match granule {
        0 if pa_bits < 44 => source.pick(&[1, 1, 2, 1, 3, 1, 0]),
        0 => source.pick(&[1, 1, 0, 2, 0, 1, 3]),
        1 if pa_bits < 42 => source.pick(&[2, 2, 2, 3, 2, 2, 1]),
        1 => source.pick(&[2, 1, 2, 1, 3]),
        _ => source.pick(&[2, 2, 2, 1, 2, 2, 3]),
    };
    let stride = bits - 3;
    let one_entry = bits + stride * (3 - level);
    let most = one_entry + stride + 4;
    let drawn = one_entry + 1 + source.below(u64::from(stride) + 4) as u32;
    let roomy = if source.chance(15) { drawn } else { drawn.max(40).min(most) };
    let size = roomy.min(pa_bits.max(one_entry + 1));
    let sl = match (granule, level) {
        (0, 3) => 3,
        (0, level) => 2 - level,
        (_, level) => 3 - level,
    };
    let mut vtcr = u64::from(64 - size.min(60)) | u64::from(sl) << 6;
    if source.chance(3 * odd) {
        vtcr ^= source.below(256);
    }
    let features = source.bit(34, 10) | source.bit(35, 8) | source.bit(41, 8) | source.bit(36, 40) | source.bit(37, 50);
    let newer = source.bit(38, 15) | source.bit(44, 30) | source.bit(32, 25) | source.bit(33, 2 * odd);
    let walks =
        source.below(64) << 8 | tg << 14 | output_size(odd, source) << 16 | source.bit(21, 50) | source.bit(22, 50);
    vtcr | walks | features | newer | source.bit(29, 15) | source.bit(30, 15)
}

/// A table base that usually is inside the physical address space, with an ASID.
fn table_base(odd: u64, source: &mut Source, pa_bits: u32, wide: bool) -> u128 {
    let noise = source.next();
    let size = pa_bits.min(source.pick(&[32, 32, 34, 34, 36, 36, 40]));
    let base = if source.chance(odd) { noise } else { noise & ((1 << size.min(48)) - 1) & !0xFFFF };
    let high = if source.chance(2 * odd) { source.next() & 0x3E } else { 0 };
    let more = if wide && source.chance(2 * odd) { source.next() & 0xFF } else { 0 };
    u128::from(base | high | noise & 1 | 0x00A5 << 48) | u128::from(more) << 80
}

/// A virtual address: in one of the ranges, or not quite.
fn address(case: &Case, odd: u64, source: &mut Source) -> u64 {
    let noise = source.next();
    if source.chance(odd) {
        return noise;
    }
    let (hcr, op) = (case.regs["HCR_EL2"], case.op.as_str());
    let access = !op.starts_with('S') || !op.contains('E');
    let (host, e2h) = (bit(hcr, 34) && bit(hcr, 27), bit(hcr, 34));
    let (tcr, two_ranges) = match (op, case.el) {
        (_, 3) if access => ("TCR_EL3", false),
        (_, 2) if access => ("TCR_EL2", e2h),
        _ if op.starts_with("S1E3") => ("TCR_EL3", false),
        _ if op.starts_with("S1E2") => ("TCR_EL2", e2h),
        _ if host => ("TCR_EL2", true),
        _ => ("TCR_EL1", true),
    };
    let tcr = case.regs[tcr];
    if source.chance(15) {
        return noise & 0xFFFF_FFFF;
    }
    let upper = two_ranges && source.chance(40);
    let size = 64 - if upper { field(tcr, 21, 16) } else { field(tcr, 5, 0) }.clamp(12, 40);
    let low = noise & ((1 << size) - 1);
    let va = if upper { low | u64::MAX << size } else { low };
    let va = if source.chance(2 + 3 * odd) { va ^ source.next() << 56 } else { va };
    if source.chance(odd) { va ^ 1 << source.below(64) } else { va }
}

/// Takes back what no machine can be in: states below EL3 that do not exist, and programming that the architecture
/// does not describe.
pub fn make_possible(case: &mut Case) {
    let off = |feature: &str| case.off.contains(feature);
    let (rme, sel2, vhe) = (!off("FEAT_RME"), !off("FEAT_SEL2"), !off("FEAT_VHE"));
    let mut scr = case.regs["SCR_EL3"];
    let mut hcr = case.regs["HCR_EL2"];
    if !rme {
        scr &= !(1 << 62);
    }
    let at_lower = case.op.contains("E3") || case.el < 3 || case.op.contains("TR");
    if (rme && !sel2) || (bit(scr, 62) && at_lower) {
        scr |= 1;
    }
    let el2_enabled = |scr: u128| bit(scr, 0) || (sel2 && bit(scr, 18));
    if case.el == 2 && !el2_enabled(scr) {
        scr |= 1;
    }
    if !vhe {
        hcr &= !(1 << 34);
    }
    if case.el == 1 || !el2_enabled(scr) {
        hcr &= !(1 << 27);
    }
    case.regs.insert("SCR_EL3".into(), scr);
    case.regs.insert("HCR_EL2".into(), hcr);
    // A 128-bit walk may skip levels at its start, but not past the last one.
    let sizes = [
        ("TTBR0_EL1", "TCR_EL1", 0),
        ("TTBR1_EL1", "TCR_EL1", 16),
        ("TTBR0_EL2", "TCR_EL2", 0),
        ("TTBR1_EL2", "TCR_EL2", 16),
        ("TTBR0_EL3", "TCR_EL3", 0),
        ("VTTBR_EL2", "VTCR_EL2", 0),
        ("VSTTBR_EL2", "VSTCR_EL2", 0),
    ];
    for (base, tcr, low) in sizes {
        let keep = if field(case.regs[tcr], low + 5, low) <= 35 { 1 << 1 } else { 0 };
        *case.regs.get_mut(base).expect("a table base") &= !6 | keep;
    }
    if let Some(gpccr) = case.regs.get_mut("GPCCR_EL3")
        && !matches!(field(*gpccr, 23, 20), 0 | 4 | 6 | 9)
    {
        *gpccr &= !(15 << 20);
    }
}
