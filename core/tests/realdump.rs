//! The engine against real machines: Linux's own page tables, with the answers that Arm's pseudocode gives on them.

use flate2::read::GzDecoder;
use serde::Deserialize;
use stagewalk::access::Op;
use stagewalk::at::Outcome;
use stagewalk::feature::{Feature, Features};
use stagewalk::pe::Pe;
use stagewalk::preset::Preset;
use stagewalk::scenario::dump::Dump;
use stagewalk::scenario::number::Hex;
use stagewalk::scenario::run as run_on;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;

#[derive(Deserialize)]
struct Line {
    va: Hex,
    arm: Answers,
    reads: u32,
}

#[derive(Deserialize)]
struct Answers {
    s1e1r: Hex,
    s1e1w: Hex,
    s1e0r: Hex,
    s1e0w: Hex,
}

fn directory(name: &str) -> PathBuf {
    PathBuf::from(format!("{}/../tests/realdump/{name}", env!("CARGO_MANIFEST_DIR")))
}

fn load(name: &str) -> Dump {
    let path = directory(name);
    let part = |name: &str| fs::read(path.join(name)).expect(name);
    let mut pages = Vec::new();
    GzDecoder::new(&part("pages.bin.gz")[..]).read_to_end(&mut pages).expect("gzip");
    Dump::from_parts(&part("regs.json"), &part("pages.json"), &part("meta.json"), &pages).expect(name)
}

/// Bits of PAR_EL1 that are UNKNOWN or IMPLEMENTATION DEFINED.
const fn ignored(par: u128) -> u128 {
    if par & 1 == 0 { 0x600 } else { 0xffff_0000_0000_0000 }
}

/// The machine with the features of its core's preset instead of those it announces. What ID_AA64PFR0_EL1 announces,
/// which was not captured, is all that they differ in: EL2 and EL3 are there as in the capture.
fn preset(dump: &Dump, cpu: &str) -> Pe {
    let preset = Preset::from_name(cpu).expect(cpu);
    let levels = [Feature::El2, Feature::El3];
    let features = levels.iter().fold(preset.features(), |set, &level| set.set(level, dump.pe.has(level))).closed();
    let names = |set: Features| set.iter().map(Feature::name).collect::<Vec<_>>();
    let uncaptured = |feature: &Feature| feature.id_field().is_some_and(|id| id.register == "ID_AA64PFR0_EL1");
    let captured = features.iter().filter(|feature| levels.contains(feature) || !uncaptured(feature));
    assert_eq!(names(captured.fold(Features::NONE, Features::with)), names(dump.pe.features), "{cpu}");
    Pe { features, choices: preset.choices(), pa_bits: preset.pa_bits(), ..dump.pe.clone() }
}

/// Asks a machine every question, at Exception level `el`; then the same machine with the features of the preset `cpu`.
fn run(name: &str, cpu: &str, el: u8, addresses: usize) {
    let mut dump = load(name);
    dump.pe.el = el;
    assert_eq!(dump.pe.features.check(), Ok(()), "{name}");
    let core = preset(&dump, cpu);
    let file = File::open(directory(name).join("cases.jsonl.gz")).expect("cases");
    let (mut asked, mut wrong) = (0, Vec::new());
    for line in BufReader::new(GzDecoder::new(file)).lines() {
        let Line { va: Hex(va), arm, reads } = serde_json::from_str(&line.expect("text")).expect("a case");
        let va = u64::try_from(va).expect("a virtual address");
        asked += 1;
        let answers = [(Op::S1E1R, arm.s1e1r), (Op::S1E1W, arm.s1e1w), (Op::S1E0R, arm.s1e0r), (Op::S1E0W, arm.s1e0w)];
        for (op, Hex(expected)) in answers {
            let run = dump.run(op, va);
            assert_eq!(run_on(&core, op, va, &dump.memory), run, "{name} as {cpu}: {} {va:#x}", op.name());
            let Outcome::Par(par) = run.answer.result else {
                panic!("{name}: {} {va:#x}: {:?}", op.name(), run.answer)
            };
            let counted = !ignored(expected);
            // the format records the reads of the first instruction alone
            let reads_differ = op == Op::S1E1R && run.reads != reads;
            if par.value & counted != expected & counted || reads_differ {
                let (op, got) = (op.name(), par.value);
                wrong.push(format!(
                    "{op} {va:#x}: expected {expected:#x}, {reads} reads; got {got:#x}, {} reads",
                    run.reads
                ));
            }
        }
    }
    let shown = wrong.len().min(20);
    assert!(
        wrong.is_empty(),
        "{name}: {} of {} answers differ:\n{}",
        wrong.len(),
        asked * 4,
        wrong[..shown].join("\n")
    );
    assert_eq!(asked, addresses, "{name}: addresses");
}

#[test]
fn k6_1_4k_a72() {
    run("k6.1-4k-a72", "cortex-a72", 1, 1108);
}

#[test]
fn k7_3_16k_neoverse_v1_rodataoff() {
    run("k7.3-16k-neoverse-v1-rodataoff", "neoverse-v1", 1, 1025);
}

/// A guest under KVM: stage 2 translates every read of its tables. Executed at EL2, so that a fault of stage 2 is
/// reported.
#[test]
fn nested_k7_3_host_k6_1_4k_guest() {
    run("nested-k7.3host-k6.1-4k-guest", "qemu-max", 2, 1230);
}

#[test]
fn k6_12_4k_max() {
    run("k6.12-4k-max", "qemu-max", 1, 1041);
}

#[test]
fn k7_3_4k_max() {
    run("k7.3-4k-max", "qemu-max", 1, 1091);
}

#[test]
fn k7_3_16k_max() {
    run("k7.3-16k-max", "qemu-max", 1, 1058);
}

#[test]
fn k7_3_4k_max_vhe_el2() {
    run("k7.3-4k-max-vhe-el2", "qemu-max", 2, 1147);
}
