//! The twin against the reference vectors.

#[allow(dead_code, unused_imports)] // shared with the property tests, which use other parts
mod twin;

use std::fs::File;
use std::io::{BufRead, BufReader};

use flate2::read::GzDecoder;
use serde_json::Value;

/// Runs a vector file, gives how many of its cases were run.
fn run(file: &str, wanted: impl Fn(&Value) -> bool) -> usize {
    let path = format!("{}/../tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let lines = BufReader::new(GzDecoder::new(File::open(&path).expect(&path))).lines();
    let (mut ran, mut wrong) = (0, 0);
    for line in lines {
        let vector: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
        if !wanted(&vector) {
            continue;
        }
        ran += 1;
        let answer = twin::translate(&twin::Case::from_json(&vector));
        let differences = twin::differences(&answer, &vector["expect"]);
        if !differences.is_empty() {
            wrong += 1;
            if wrong <= 5 {
                println!("{} {}\n  {}", vector["id"], vector["op"], differences.join("\n  "));
            }
        }
    }
    assert_eq!(wrong, 0, "{file}: {wrong} of {ran} answers differ");
    ran
}

macro_rules! profiles {
    ($($name:ident $count:literal),* $(,)?) => {
        $(#[test]
        fn $name() {
            assert_eq!(run(concat!("arm/", stringify!($name), ".jsonl.gz"), |_| true), $count);
        })*
    };
}

profiles! {
    base 1000, vhe 1000, nested 1000, hafdbs 1000, attrs 1000, trap 1000, abort 807,
    lpa2 1000, lva64k 1000, pie 1000, tags 1000, feat 1000, secure 988, d128 973, el3rme 965, gpc 1000,
}

#[test]
fn qemu() {
    assert_eq!(run("qemu/cases.jsonl.gz", |_| true), 5717);
}

/// The scenarios of AssuredOnly, which no vector lets pass.
#[test]
fn assured_scenarios() {
    for name in ["passes", "table", "writable"] {
        let path = format!("{}/../tests/scenarios/rules/assured-only-{name}.json", env!("CARGO_MANIFEST_DIR"));
        let scenario: Value = serde_json::from_reader(File::open(&path).expect(&path)).expect("JSON");
        let answer = twin::translate(&twin::Case::from_json(&scenario));
        let differences = twin::differences(&answer, &scenario["expect"]);
        assert!(differences.is_empty(), "{path}:\n  {}", differences.join("\n  "));
    }
}
