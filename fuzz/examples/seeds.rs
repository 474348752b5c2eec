//! Writes the first inputs of every target and the dictionaries, from the vectors and the captured machines: into
//! `fuzz/corpus`, from where the fuzzer goes on.

use flate2::read::GzDecoder;
use stagewalk::access::Op;
use stagewalk::choice::Choice;
use stagewalk::feature::Feature;
use stagewalk::layout::sysreg::SysReg;
use stagewalk::scenario::Case;
use stagewalk::scenario::dump::Dump;
use stagewalk::step::Event;
use stagewalk_fuzz::{Bytes, CUT, agree, machine, register_names, walk_input};
use std::collections::BTreeSet;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

type Done<T = ()> = Result<T, Box<dyn Error>>;

/// One vector of so many becomes a seed.
const EVERY: usize = 16;

fn main() -> Done {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = fuzz.join("../tests");
    let [walk, batch, dump] = ["walk", "batch", "dump"].map(|target| fuzz.join("corpus").join(target));
    for corpus in [&walk, &batch, &dump] {
        fs::create_dir_all(corpus)?;
    }
    let mut seeds = 0;
    for profile in sorted(&tests.join("vectors/arm"))? {
        let name = profile.file_name().unwrap_or_default().to_string_lossy().replace(".jsonl.gz", "");
        for (number, line) in BufReader::new(GzDecoder::new(File::open(&profile)?)).lines().step_by(EVERY).enumerate() {
            let line = line?;
            let case = Case::from_slice(line.as_bytes())?;
            fs::write(walk.join(format!("{name}-{number}")), means_the_same(&case))?;
            fs::write(batch.join(format!("{name}-{number}")), line)?;
            seeds += 1;
        }
    }
    for machine in sorted(&tests.join("realdump"))?.into_iter().filter(|path| path.is_dir()) {
        let name = machine.file_name().unwrap_or_default().to_string_lossy().into_owned();
        fs::write(dump.join(name), small_dump(&machine)?)?;
        seeds += 1;
    }
    fs::write(fuzz.join("corpus/json.dict"), dictionary())?;
    println!("{seeds} seeds in {}", fuzz.join("corpus").display());
    Ok(())
}

fn sorted(folder: &Path) -> Done<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Done<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// A case as the fuzzer's input, which must lead to the same answer.
fn means_the_same(case: &Case) -> Vec<u8> {
    let input = walk_input(case);
    let source = &mut Bytes(&input);
    let again = machine::next(source).case(source);
    assert_eq!((again.op, again.va, &again.pe), (case.op, case.va, &case.pe), "{}", case.id);
    assert!(case.memory.abort().is_some() || agree::check(&again).answer == case.run().answer, "{}", case.id);
    input
}

/// A captured machine with no more than the tables that one of its questions takes.
fn small_dump(folder: &Path) -> Done<Vec<u8>> {
    let read = |name: &str| fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"));
    let unzip = |name: &str| -> Done<Vec<u8>> {
        let mut bytes = Vec::new();
        GzDecoder::new(File::open(folder.join(name))?).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let (regs, meta) = (read("regs.json")?, read("meta.json")?);
    let machine = Dump::from_parts(&regs, &read("pages.json")?, &meta, &unzip("pages.bin.gz")?)?;
    let questions = unzip("cases.jsonl.gz")?;
    let question: serde_json::Value =
        serde_json::from_slice(questions.split(|&byte| byte == b'\n').next().unwrap_or_default())?;
    let va = question["va"].as_str().and_then(|va| u64::from_str_radix(va.trim_start_matches("0x"), 16).ok());
    let steps = machine.case(Op::S1E1R, va.unwrap_or_default()).trace().steps;
    const PAGE: u64 = 256;
    let pages: BTreeSet<u64> = steps
        .iter()
        .filter_map(|step| match step.event {
            Event::Read { physical, .. } => Some(physical.address / PAGE * PAGE),
            _ => None,
        })
        .collect();
    let pa: Vec<String> = pages.iter().map(|page| format!("{page:#x}")).collect();
    let index = serde_json::json!({"granule": PAGE, "pa": pa}).to_string();
    let bytes = pages.iter().flat_map(|page| (0..PAGE / 8).map(move |word| page + 8 * word));
    let bytes: Vec<u8> = bytes.flat_map(|address| machine.memory.word(address).to_le_bytes()).collect();
    Dump::from_parts(&regs, index.as_bytes(), &meta, &bytes)?;
    let compact = serde_json::from_slice::<serde_json::Value>(&regs)?.to_string();
    Ok([compact.as_bytes(), index.as_bytes(), &meta, &bytes].join(&CUT))
}

/// The words of the JSON formats.
fn dictionary() -> String {
    let case =
        ["id", "about", "op", "el", "va", "pa_bits", "features", "choices", "pstate", "regs", "mem", "abort", "expect"];
    let more = ["pan", "uao", "status", "par", "fault", "output", "writes", "reads", "granule", "pa", "cpsr", "uname"];
    let names = Feature::ALL.iter().map(|feature| feature.name()).chain(Choice::ALL.iter().map(|choice| choice.name()));
    let words = case.into_iter().chain(more).chain(names).chain(register_names());
    let words = words.chain(Op::ALL.iter().map(|op| op.name()));
    words.map(|word| format!("\"\\\"{word}\\\"\"\n")).collect()
}

/// Register numbers fit the byte that names them.
const _: () = assert!(SysReg::COUNT < machine::END as usize);
