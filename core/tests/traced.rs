//! What is told of a walk is the same, step by step, at once in records, or kept.
#![cfg(feature = "json")]

use flate2::read::GzDecoder;
use stagewalk::access::Op;
use stagewalk::at;
use stagewalk::env::{Direct, Env, Fetch, Traced};
use stagewalk::feature::Feature;
use stagewalk::layout::sysreg::{SysReg, hcr_el2, scr_el3, sctlr_el1, tcr_el1, tcr2_el1, vtcr_el2};
use stagewalk::memory::{ExternalAbort, Memory, Reply};
use stagewalk::pe::Pe;
use stagewalk::prepared::Prepared;
use stagewalk::scenario::Case;
use stagewalk::step::{Event, Record, Step};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fs::File;
use std::io::{BufRead, BufReader};

/// A world that listens: step by step, or to records too.
struct Listening<E, const RECORDS: bool> {
    world: E,
    steps: Vec<Step>,
    records: usize,
}

impl<E: Env, const RECORDS: bool> Env for Listening<E, RECORDS> {
    type Stop = E::Stop;
    const LISTENS: bool = true;
    const RECORDS: bool = RECORDS;

    fn read(&mut self, fetch: Fetch) -> Result<Reply, E::Stop> {
        self.world.read(fetch)
    }

    fn compare_and_swap(&mut self, fetch: Fetch, expected: u128, new: u128) -> Result<Reply, E::Stop> {
        self.world.compare_and_swap(fetch, expected, new)
    }

    fn note(&mut self, step: impl FnOnce() -> Step) {
        self.steps.push(step());
    }

    fn record(&mut self, record: Record) -> bool {
        if RECORDS {
            record.tell(|step| self.steps.push(step));
            self.records += 1;
        }
        RECORDS
    }
}

/// What a listener hears of `walk`, and how many records that was in.
fn heard<E: Env, const RECORDS: bool>(world: E, walk: impl FnOnce(&mut Listening<E, RECORDS>)) -> (Vec<Step>, usize) {
    let mut listening = Listening { world, steps: Vec::new(), records: 0 };
    walk(&mut listening);
    (listening.steps, listening.records)
}

/// A walk is told alike to whoever listens, and kept so, the first time and when there is room. Its steps, and how many
/// records they came in.
macro_rules! told_alike {
    ($world:expr, $what:expr, |$env:ident| $walk:expr) => {{
        let (steps, none) = heard::<_, false>($world, |$env| {
            let _ = $walk;
        });
        let (recorded, records) = heard::<_, true>($world, |$env| {
            let _ = $walk;
        });
        assert!(recorded == steps, "in records: {}", $what);
        assert_eq!(none, 0);
        let mut world = $world;
        let mut traced = Traced::new(&mut world);
        for _ in 0..2 {
            traced.clear();
            let $env = &mut traced;
            let _ = $walk;
            assert!(traced.steps() == steps, "kept: {}", $what);
        }
        (steps, records)
    }};
}

const PROFILES: [&str; 16] = [
    "base", "vhe", "nested", "hafdbs", "attrs", "trap", "abort", "lpa2", "lva64k", "pie", "tags", "feat", "secure",
    "d128", "el3rme", "gpc",
];

/// Every seventh vector of each profile.
fn vectors() -> impl Iterator<Item = Case> {
    PROFILES.into_iter().flat_map(|profile| {
        let path = format!("{}/../tests/vectors/arm/{profile}.jsonl.gz", env!("CARGO_MANIFEST_DIR"));
        let lines = BufReader::new(GzDecoder::new(File::open(&path).expect(&path))).lines();
        lines.step_by(7).map(|line| Case::from_slice(line.expect("text").as_bytes()).expect("a case"))
    })
}

/// Memory that forgets what walks write.
struct Forgetful(Memory);

impl Env for Forgetful {
    type Stop = Infallible;

    fn read(&mut self, fetch: Fetch) -> Result<Reply, Infallible> {
        Ok(self.0.read(fetch.address.address, fetch.wide))
    }

    fn compare_and_swap(&mut self, fetch: Fetch, expected: u128, new: u128) -> Result<Reply, Infallible> {
        Direct::new(&mut self.0.clone()).compare_and_swap(fetch, expected, new)
    }
}

#[test]
fn vectors_are_told_alike() {
    let (mut recorded, mut walks) = (0, 0);
    for case in vectors() {
        let memory = || Forgetful(case.memory.clone());
        let (steps, records) = told_alike!(memory(), case.id, |env| at::execute(&case.pe, case.op, case.va, env));
        let run = case.trace();
        assert!(!run.writes.is_empty() || steps == run.steps, "{}", case.id);
        recorded += usize::from(records > 0);
        let Some(prepared) = Prepared::new(&case.pe, case.op) else { continue };
        let (part, _) = told_alike!(memory(), case.id, |env| prepared.par(case.va, env));
        assert!(steps.windows(part.len().max(1)).any(|steps| steps == part) || part.is_empty(), "{}", case.id);
        walks += 1;
    }
    assert!(recorded > 500 && walks > 1000, "{recorded} in records, {walks} prepared");
}

/// `SplitMix64`.
struct Random(u64);

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

    fn often(&mut self) -> u64 {
        u64::from(self.below(8) != 0)
    }

    fn seldom(&mut self) -> u64 {
        u64::from(self.below(8) == 0)
    }
}

/// Memory that is full of descriptors, most of which are good ones.
#[derive(Clone, Copy)]
struct Full(u64);

impl Env for Full {
    type Stop = Infallible;

    fn read(&mut self, fetch: Fetch) -> Result<Reply, Infallible> {
        let mut random = Random(self.0 ^ fetch.address.address);
        let (valid, accessed) = (1 | random.often() << 1, random.often());
        let readable = 0b11 << 6 & random.next() | 1 << 6;
        let word = random.next() & (0xff_ffff << 12 | 0b1111 << 51 | 0b1111 << 59 | 0xf << 2 | 0b11 << 8) | readable;
        Ok(Ok(u128::from(word | accessed << 10 | valid)))
    }

    fn compare_and_swap(&mut self, _: Fetch, expected: u128, _: u128) -> Result<Reply, Infallible> {
        Ok(Ok(expected))
    }
}

/// That, but at some addresses it aborts the access, or stops the walk.
#[derive(Clone, Copy)]
struct Ending {
    world: Full,
    aborts: bool,
}

impl Env for Ending {
    type Stop = ();

    fn read(&mut self, fetch: Fetch) -> Result<Reply, ()> {
        match Random(fetch.address.address).below(12) {
            0 if self.aborts => Ok(Err(ExternalAbort)),
            0 => Err(()),
            _ => self.world.read(fetch).map_err(|never| match never {}),
        }
    }

    fn compare_and_swap(&mut self, _: Fetch, expected: u128, _: u128) -> Result<Reply, ()> {
        Ok(Ok(expected))
    }
}

/// A machine that walks in the usual way, in all its variety.
fn machine(random: &mut Random) -> (Pe, Op) {
    let mut pe = Pe { el: 2, pan: random.below(2) == 0, ..Pe::default() };
    pe.features = pe.features.without(Feature::Rme);
    let sctlr = sctlr_el1::M.set(0, 1) | sctlr_el1::C.set(0, random.often()) | sctlr_el1::WXN.set(0, random.seldom());
    let tcr = tcr_el1::T0SZ.set(tcr_el1::IPS.set(0, 0b101), 16 + random.below(24));
    let tcr = tcr | tcr_el1::HA.set(0, random.seldom()) | tcr_el1::HD.set(0, random.seldom());
    let hcr = hcr_el2::VM.set(0, random.often()) | hcr_el2::FWB.set(0, random.seldom());
    let hcr = hcr | hcr_el2::PTW.set(0, random.seldom()) | hcr_el2::CD.set(0, random.seldom());
    let (t0sz, sl0) = [(16, 0b10), (20, 0b10), (24, 0b01), (30, 0b01), (34, 0b00)][random.below(5) as usize];
    let vtcr = vtcr_el2::PS.set(vtcr_el2::T0SZ.set(vtcr_el2::SL0.set(0, sl0), t0sz), 0b101);
    let pie = random.seldom();
    for (register, value) in [
        (SysReg::ScrEl3, scr_el3::NS.set(0, 1) | scr_el3::TCR2En.set(0, pie) | scr_el3::PIEn.set(0, pie)),
        (SysReg::SctlrEl1, sctlr),
        (SysReg::TcrEl1, tcr),
        (SysReg::Tcr2El1, tcr2_el1::PIE.set(0, pie)),
        (SysReg::PirEl1, random.next()),
        (SysReg::Pire0El1, random.next()),
        (SysReg::MairEl1, random.next() | random.next()),
        (SysReg::Ttbr0El1, random.next() & 0xff_ffff_f000),
        (SysReg::HcrEl2, hcr),
        (SysReg::VtcrEl2, vtcr),
        (SysReg::VttbrEl2, random.next() & 0xff_ffff_f000),
    ] {
        // What is above the 64 bits in use is told all the same.
        let above = if register.width() > 64 { u128::from(random.next()) << 64 } else { 0 };
        pe.regs.set(register, above | u128::from(value));
    }
    let ops = [Op::S12E1R, Op::S12E1W, Op::S12E0R, Op::S1E1R, Op::S1E1W, Op::S1E0R, Op::S1E1RP];
    (pe, ops[random.below(ops.len() as u64) as usize])
}

/// What of a step tells traces apart.
fn kind(step: &Step) -> String {
    let event = format!("{:?}", step.event);
    let name = event.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
    format!("{:?} {name} {}", step.place.stage, step.rule.id())
}

#[test]
fn usual_machines_are_told_alike() {
    let random = &mut Random(1);
    let (mut most, mut steps_of, mut kinds) = (0, 0, BTreeSet::new());
    for number in 0..3000 {
        let (pe, op) = machine(random);
        let prepared = Prepared::new(&pe, op).expect("an instruction that is not trapped");
        for _ in 0..4 {
            let (world, va) = (Full(random.next()), random.next() & 0xffff_ffff);
            let what = format!("{number}: {} {va:#x}", op.name());
            let (steps, records) = told_alike!(world, what, |env| prepared.par(va, env));
            let (whole, _) = told_alike!(world, what, |env| at::execute(&pe, op, va, env));
            assert!(whole[2..whole.len() - 1] == steps, "{what}");
            let ending = Ending { world, aborts: va & 1 == 0 };
            let (part, _) = told_alike!(ending, what, |env| prepared.par(va, env));
            let told = part.iter().take_while(|step| !matches!(step.event, Event::Fault { .. })).count();
            assert!(part[..told] == steps[..told], "{what}");
            if records > most {
                (most, steps_of) = (records, steps.len());
            }
            kinds.extend(steps.iter().map(kind));
            let reads = steps.iter().filter(|step| matches!(step.event, Event::Read { .. })).count();
            assert!(reads <= 24 || records > 0, "{what}");
        }
    }
    assert_eq!(
        (most, steps_of),
        (10, 78),
        "a walk with nothing unusual: stage 1's start, each of its reads, and each walk of stage 2"
    );
    assert!(kinds.len() > 30, "{kinds:#?}");
}
