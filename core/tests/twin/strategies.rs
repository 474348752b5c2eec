//! Random machines. A case is drawn from a list of random numbers, in which 0 always asks for the plainest thing, so
//! that a failing list shrinks to a plain case. Tables are made up along the way the twin walks them, so walks go deep.

use proptest::prelude::*;

use crate::registers;
use crate::twin::{Case, Word, dream};

/// Random numbers for the choices of a case.
pub struct Source {
    numbers: Vec<u64>,
    used: usize,
}

impl From<u64> for Source {
    /// As many numbers as anybody asks for, from one.
    fn from(mut seed: u64) -> Source {
        let step = |_| {
            seed = seed.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
            seed >> 17
        };
        Source { numbers: (0..512).map(step).collect(), used: 0 }
    }
}

impl Source {
    pub fn next(&mut self) -> u64 {
        self.used += 1;
        self.numbers.get(self.used - 1).copied().unwrap_or(0)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// True in so many cases of a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) >= 100 - percent
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// Bit `n` set in so many cases of a hundred.
    pub fn bit(&mut self, n: u32, percent: u64) -> u64 {
        u64::from(self.chance(percent)) << n
    }
}

/// A few seconds' worth of cases; more by `PROPTEST_CASES`.
pub fn config() -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig { cases: asked.cases.max(2048), failure_persistence: None, ..asked }
}

/// Any case.
pub fn case() -> impl Strategy<Value = Case> {
    let numbers = prop::collection::vec(any::<u64>(), 320);
    let words = prop::collection::vec(any::<u64>(), 480);
    (numbers, words).prop_map(|(numbers, words)| {
        let mut case = machine(&mut Source { numbers, used: 0 });
        populate(&mut case, &mut Source { numbers: words, used: 0 });
        case
    })
}

const NEWER: &[&str] = &[
    "FEAT_D128",
    "FEAT_LVA3",
    "FEAT_S1PIE",
    "FEAT_S2PIE",
    "FEAT_S1POE",
    "FEAT_S2POE",
    "FEAT_GCS",
    "FEAT_THE",
    "FEAT_HAFT",
    "FEAT_MEC",
    "FEAT_RME",
    "FEAT_AIE",
    "FEAT_LPA2",
    "FEAT_LVA",
    "FEAT_LPA",
    "FEAT_MTE4",
    "FEAT_MTE_PERM",
];

const OLDER: &[&str] = &[
    "FEAT_BBM",
    "FEAT_E0PD",
    "FEAT_FGT",
    "FEAT_HAFDBS",
    "FEAT_HCX",
    "FEAT_HPDS",
    "FEAT_MTE2",
    "FEAT_NV",
    "FEAT_PAN",
    "FEAT_PAN3",
    "FEAT_PAuth",
    "FEAT_PFAR",
    "FEAT_RAS",
    "FEAT_S2FWB",
    "FEAT_SCTLR2",
    "FEAT_SEL2",
    "FEAT_TCR2",
    "FEAT_TTST",
    "FEAT_VHE",
    "FEAT_XNX",
    "FEAT_XS",
];

/// A feature, and the features that cannot be without it.
const NEEDED: &[(&str, &[&str])] = &[
    ("FEAT_TCR2", &["FEAT_D128", "FEAT_S1PIE", "FEAT_S1POE", "FEAT_AIE", "FEAT_THE", "FEAT_MEC"]),
    ("FEAT_SCTLR2", &["FEAT_D128", "FEAT_MEC"]),
    ("FEAT_HAFDBS", &["FEAT_HAFT", "FEAT_RME"]),
    ("FEAT_LPA", &["FEAT_LPA2"]),
    ("FEAT_LPA2", &["FEAT_D128"]),
    ("FEAT_S1PIE", &["FEAT_D128", "FEAT_GCS"]),
    ("FEAT_S2PIE", &["FEAT_D128", "FEAT_S2POE"]),
    ("FEAT_D128", &["FEAT_LVA3"]),
    ("FEAT_MTE2", &["FEAT_MTE4", "FEAT_MTE_PERM"]),
    ("FEAT_RME", &["FEAT_MEC"]),
    ("FEAT_PAN", &["FEAT_PAN3"]),
];

/// Every operation: the AT instructions, then the accesses.
pub const OPERATIONS: [&str; 27] = [
    "S1E1R", "S1E1W", "S1E0R", "S1E0W", "S12E1R", "S12E1W", "S12E0R", "S12E0W", "S1E1RP", "S1E1WP", "S1E2R", "S1E2W",
    "S1E3R", "S1E3W", "S1E1A", "S1E2A", "S1E3A", "LDR", "STR", "LDTR", "STTR", "SWP", "FETCH", "GCSPOPM", "GCSSTR",
    "GCSSTTR", "GCSSS1",
];

/// The instruction and the machine, without memory.
fn machine(source: &mut Source) -> Case {
    let mut case = Case { pa_bits: source.pick(&[48, 48, 48, 52, 52, 56, 44, 42, 40, 36, 32]), ..Case::default() };
    case.pan = source.chance(40);
    let off: Vec<&str> = match source.below(4) {
        0 => NEWER.to_vec(),
        1 => vec!["FEAT_RME", "FEAT_D128", "FEAT_LVA3"],
        2 => Vec::new(),
        _ => NEWER.iter().chain(OLDER).copied().filter(|_| source.chance(25)).collect(),
    };
    case.off = off.into_iter().map(String::from).collect();
    for (needed, by) in NEEDED {
        if case.off.contains(*needed) {
            case.off.extend(by.iter().map(|feature| feature.to_string()));
        }
    }
    let on = |case: &Case, feature: &str| !case.off.contains(feature);
    if case.pa_bits == 56 && !on(&case, "FEAT_D128") {
        case.pa_bits = 52;
    }
    if case.pa_bits == 52 && !on(&case, "FEAT_LPA") {
        case.pa_bits = 48;
    }
    for (choice, percent) in [
        ("txsz_above_max_faults", 30),
        ("txsz_below_min_faults", 30),
        ("contiguous_misprogrammed_faults", 30),
        ("block_nt_faults", 80),
        ("af_update_on_permission_fault", 30),
        ("instruction_fetch_from_device_faults", 30),
        ("nv0_nv1_1_behaves_as_00", 50),
        ("sif_affects_epan", 30),
        ("realm_el20_affects_epan", 30),
        ("effective_shareability_before_stage2", 30),
    ] {
        case.choices.insert(choice.into(), i64::from(source.chance(percent)));
    }
    case.choices.insert("bbm_level".into(), source.pick(&[2, 1, 0]));
    let at = !source.chance(30);
    case.el =
        if at { source.pick(&[2, 1, 1, 3, 2, 1, 2, 1, 3, 2, 1, 2, 1, 1, 2, 0]) } else { source.pick(&[1, 2, 0, 3]) };
    let fits = |op: &&str| match case.el {
        0 | 1 => op.starts_with("S1E0") || op.starts_with("S1E1"),
        2 => !op.starts_with("S1E3"),
        _ => true,
    };
    let (instructions, accesses) = OPERATIONS.split_at(17);
    let sensible: Vec<&str> = instructions.iter().copied().filter(fits).collect();
    case.op = match (at, source.chance(8)) {
        (true, false) => source.pick(&sensible),
        (true, true) => source.pick(instructions),
        (false, _) => source.pick(accesses),
    }
    .into();
    if case.op.starts_with("GCS") && source.chance(50) {
        // Only EL1's stacks can be told by stage 2 to be assured.
        case.el = 1;
    }
    let odd = source.pick(&[0, 0, 1, 4]);
    registers::fill(&mut case, odd, source);
    if source.chance(5 * odd) {
        // Something nobody would program: one bit of one register, the other way round.
        let names: Vec<String> = case.regs.keys().cloned().collect();
        let name = &names[source.below(names.len() as u64) as usize];
        *case.regs.get_mut(name).expect("a register") ^= 1 << source.below(64);
    }
    registers::make_possible(&mut case);
    case
}

/// Fills memory along the walk, and may make one of its reads abort.
fn populate(case: &mut Case, source: &mut Source) {
    let abort = if source.chance(12) { Some(source.next()) } else { None };
    // How odd the tables are. A nested walk gets to its end only if two dozen descriptors lead on.
    let odd = source.pick(&[0, 0, 1, 4]);
    // Table and page addresses mostly keep to what every output size allows.
    let usual = case.pa_bits.min(source.pick(&[32, 32, 34, 36, 36, 40, 44, 48]));
    let usual = if source.chance(2 * odd) { 52 } else { usual };
    let pa_bits = case.pa_bits;
    let realm = case.regs["SCR_EL3"] >> 62 & 1 == 1;
    let (mem, visited) = dream(case, &mut |word| match word {
        Word::Low => low_word(source, odd, usual, realm),
        Word::High => high_word(source, odd),
        Word::Granules(level) => granules(source, odd, level, pa_bits),
    });
    case.mem = mem;
    if let (Some(n), false) = (abort, visited.is_empty()) {
        let address = visited[(n % visited.len() as u64) as usize];
        case.abort = Some((address, address + 7));
    }
}

/// A descriptor, or the lower half of one, that usually leads on.
fn low_word(source: &mut Source, odd: u64, usual: u32, realm: bool) -> u64 {
    let noise = source.next();
    if source.chance(odd) {
        return noise;
    }
    let (pages, attributes) = (noise & ((1 << usual) - 1) & !0xFFFF, noise >> 48);
    // Readable and writable at stage 1, or for both at stage 2; or as it comes.
    let rights = if source.chance(10 + 10 * odd) { attributes & 0xC0 } else { source.pick(&[0xC0, 0x40]) };
    let memory = if source.chance(20 + 10 * odd) { attributes & 0x3C } else { 0x3C };
    let kind = if source.chance(4 + 2 * odd) { source.pick(&[1, 1, 0, 2]) } else { 3 };
    let shareability = if source.chance(odd) { attributes & 0x300 } else { 0 };
    let access_flag = (1 << 10) ^ source.bit(10, 3 + 4 * odd);
    let low_address = if source.chance(2 * odd) { source.next() & 0xF000 } else { 0 };
    let upper = if source.chance(10 + 5 * odd) { source.next() & 0x0078_0000_0000_0000 } else { 0 };
    let top = if source.chance(5 * odd) { source.next() & 0xFF80_0000_0000_0000 } else { 0 };
    let marks = source.bit(52, 2 * odd) | source.bit(16, odd) | source.bit(51, 15) | source.bit(11, 30);
    // The Non-secure tables of Secure state, the alternate encryption contexts of Realm state.
    let world = if realm { noise >> 58 & 3 != 0 } else { noise >> 58 & 7 == 7 };
    let world = u64::from(world) << 63;
    pages | rights | memory | kind | shareability | access_flag | low_address | upper | top | marks | world
}

/// The upper half of a 128-bit descriptor: it skips levels now and then.
fn high_word(source: &mut Source, odd: u64) -> u64 {
    let noise = source.next();
    let skl = if source.chance(3 + 3 * odd) { source.below(4) } else { 0 };
    let top = if source.chance(5 * odd) { noise & 0xF800_0000_0000_0000 } else { 0 };
    let alternate = noise & noise >> 1 & 1 << 39;
    (noise & 0x07FC_0000_0000_0000) | alternate | top | skl << 45 | source.bit(47, 2 * odd) | source.bit(48, 5)
}

/// An entry of a granule protection table.
fn granules(source: &mut Source, odd: u64, level: u32, pa_bits: u32) -> u64 {
    let protection = |source: &mut Source| {
        let known: &[u64] = if source.chance(3 * odd) { &[0, 8, 9, 10, 11, 15, 3] } else { &[15] };
        source.pick(known)
    };
    if source.chance(odd) {
        return source.next();
    }
    match (level, source.below(4)) {
        (0, 0) => 1 | protection(source) << 4,
        (0, _) => 3 | (source.next() & ((1 << pa_bits.min(36)) - 1)) >> 22 << 22,
        (_, 0) => 1 | protection(source) << 4 | source.pick(&[1, 2, 3]) << 8,
        (_, _) => (0..16).map(|i| protection(source) << (4 * i)).sum(),
    }
}
