//! The engine against the conformance vectors: status, PAR_EL1, exception, fault record, output attributes, descriptor
//! writes and the number of descriptor reads, all as Arm's pseudocode has them.

use flate2::read::GzDecoder;
use stagewalk::scenario::{Case, expect};
use std::fs::File;
use std::io::{BufRead, BufReader};

/// Runs a vector file of `cases` cases, each of which must give the expected answer.
fn run(file: &str, cases: usize) {
    let path = format!("{}/../tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let lines = BufReader::new(GzDecoder::new(File::open(&path).expect(&path))).lines();
    let (mut passed, mut differences) = (0, Vec::new());
    for line in lines {
        let line = line.expect("text");
        let (case, expected) = Case::with_expect(line.as_bytes()).unwrap_or_else(|error| panic!("{path}: {error}"));
        let found = expect::compare(&expected.expect("an answer to compare with"), &case.run());
        if found.is_empty() {
            passed += 1;
        }
        let say = |difference: expect::Difference| {
            format!("{}: {}: expected {}, got {}", case.id, difference.field, difference.expected, difference.got)
        };
        differences.extend(found.into_iter().map(say));
    }
    let shown = differences.len().min(40);
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences[..shown].join("\n"));
    assert_eq!(passed, cases, "{file}: cases that pass");
}

macro_rules! profiles {
    ($($name:ident $cases:literal;)+) => {
        $(#[test]
        fn $name() {
            run(concat!("arm/", stringify!($name), ".jsonl.gz"), $cases);
        })+
    };
}

profiles! {
    base 1000;
    vhe 1000;
    nested 1000;
    hafdbs 1000;
    attrs 1000;
    trap 1000;
    abort 807;
    lpa2 1000;
    lva64k 1000;
    pie 1000;
    tags 1000;
    feat 1000;
    secure 988;
    d128 973;
    el3rme 965;
    gpc 1000;
}

#[test]
fn qemu() {
    run("qemu/cases.jsonl.gz", 5717);
}
