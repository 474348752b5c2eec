//! The project's data, as the tests of evidence read it.

#![allow(dead_code)] // each test reads some of it

use flate2::read::GzDecoder;
use stagewalk::access::Op;
use stagewalk::scenario::dump::Dump;
use stagewalk::scenario::number::Hex;
use stagewalk::scenario::{Case, Expect};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// A path below `tests/`.
pub fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests").join(path)
}

/// What a folder holds with this ending, in the order of the names.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = paths.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    paths.sort();
    paths
}

/// Every scenario below `tests/scenarios/`, called `folder/name`, with the answer it must give.
pub fn scenarios() -> Vec<(String, Case, Expect)> {
    let folders = files(&data("scenarios"), "");
    let paths = folders.iter().filter(|folder| folder.is_dir()).flat_map(|folder| files(folder, ".json"));
    let read = |path: PathBuf| {
        let text = fs::read(&path).expect("a scenario");
        let (case, expect) = Case::with_expect(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        let name = format!("{folder}/{}", path.file_stem().unwrap_or_default().to_string_lossy());
        let expect = expect.unwrap_or_else(|| panic!("{name} expects nothing"));
        (name, case, expect)
    };
    paths.map(read).collect()
}

/// The cases of every vector file, with the file's name and what they expect.
pub fn vectors() -> impl Iterator<Item = (String, Case, Expect)> {
    let paths = ["arm", "qemu"].into_iter().flat_map(|folder| files(&data("vectors").join(folder), ".jsonl.gz"));
    paths.flat_map(|path| {
        let lines = BufReader::new(GzDecoder::new(File::open(&path).expect("a vector file"))).lines();
        let name = path.file_name().unwrap_or_default().to_string_lossy().replace(".jsonl.gz", "");
        lines.map(move |line| {
            let line = line.expect("text");
            let (case, expect) = Case::with_expect(line.as_bytes()).expect("a case");
            (name.clone(), case, expect.expect("an answer"))
        })
    })
}

/// A captured machine.
pub struct Machine {
    pub name: &'static str,
    pub dump: Dump,
}

/// An address, and the PAR_EL1 of four instructions on it.
pub struct Question {
    pub va: u64,
    pub answers: [(Op, u128); 4],
    /// The number of reads of one of them: the format records no more.
    pub reads: Option<(Op, u32)>,
}

/// Where the machines are asked from: under stage 2, or in its own regime, from EL2.
const MACHINES: [(&str, u8); 7] = [
    ("k6.1-4k-a72", 1),
    ("k6.12-4k-max", 1),
    ("k7.3-16k-max", 1),
    ("k7.3-16k-neoverse-v1-rodataoff", 1),
    ("k7.3-4k-max", 1),
    ("k7.3-4k-max-vhe-el2", 2),
    ("nested-k7.3host-k6.1-4k-guest", 2),
];

/// The captured machines.
pub fn machines() -> impl Iterator<Item = Machine> {
    MACHINES.into_iter().map(|(name, el)| {
        let part = |file: &str| fs::read(data("realdump").join(name).join(file)).expect(file);
        let mut pages = Vec::new();
        GzDecoder::new(&part("pages.bin.gz")[..]).read_to_end(&mut pages).expect("gzip");
        let dump = Dump::from_parts(&part("regs.json"), &part("pages.json"), &part("meta.json"), &pages);
        let mut dump = dump.unwrap_or_else(|error| panic!("{name}: {error}"));
        dump.pe.el = el;
        Machine { name, dump }
    })
}

impl Machine {
    /// What there is to ask.
    pub fn questions(&self) -> Vec<Question> {
        let file = File::open(data("realdump").join(self.name).join("cases.jsonl.gz")).expect("cases");
        let question = |line: std::io::Result<String>| {
            let line: serde_json::Value = serde_json::from_str(&line.expect("text")).expect("a case");
            let number = |value: &serde_json::Value| serde_json::from_value::<Hex>(value.clone()).expect("a number").0;
            let arm = |op: Op| (op, number(&line["arm"][op.name().to_lowercase()]));
            Question {
                va: number(&line["va"]) as u64,
                answers: [Op::S1E1R, Op::S1E1W, Op::S1E0R, Op::S1E0W].map(arm),
                reads: line["reads"].as_u64().map(|reads| (Op::S1E1R, reads as u32)),
            }
        };
        BufReader::new(GzDecoder::new(file)).lines().map(question).collect()
    }
}
