//! The engine against the conformance vectors: status, PAR_EL1, exception, fault record, output attributes, descriptor
//! writes and the number of descriptor reads, all as Arm's pseudocode has them.
//!
//! A case that needs a feature not modelled yet must say so; each file lists its reasons with the number of cases, so
//! that a feature that arrives, or is lost, shows here.

use flate2::read::GzDecoder;
use stagewalk::scenario::{Case, expect};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};

/// Runs a vector file: every case either gives the expected answer or belongs to a reason in `unmodelled`.
fn run(file: &str, passes: usize, unmodelled: &[(&str, usize)]) {
    let path = format!("{}/../tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let lines = BufReader::new(GzDecoder::new(File::open(&path).expect(&path))).lines();
    let (mut passed, mut differences) = (0, Vec::new());
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lines {
        let (case, expected) =
            Case::with_expect(line.expect("text").as_bytes()).unwrap_or_else(|error| panic!("{path}: {error}"));
        if let Some(reason) = case.unmodelled() {
            *reasons.entry(reason).or_default() += 1;
            continue;
        }
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
    assert_eq!(reasons, unmodelled.iter().copied().collect(), "{file}: what is not modelled");
    assert_eq!(passed, passes, "{file}: cases that pass");
}

macro_rules! profiles {
    ($($name:ident $passes:literal $([$($reason:literal: $count:literal),+ $(,)?])?;)+) => {
        $(#[test]
        fn $name() {
            run(concat!("arm/", stringify!($name), ".jsonl.gz"), $passes, &[$($(($reason, $count)),+)?]);
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
    lpa2 424 [
        "access flags of stage 1 tables (FEAT_HAFT)": 158,
        "access flags of stage 2 tables (FEAT_HAFT)": 13,
        "stage 1 attribute index extension (FEAT_AIE)": 262,
        "stage 1 permission indirection (FEAT_S1PIE)": 135,
        "stage 2 permission indirection (FEAT_S2PIE)": 8,
    ];
    lva64k 587 [
        "access flags of stage 1 tables (FEAT_HAFT)": 252,
        "access flags of stage 2 tables (FEAT_HAFT)": 23,
        "stage 1 permission indirection (FEAT_S1PIE)": 124,
        "stage 2 permission indirection (FEAT_S2PIE)": 14,
    ];
    pie 24 [
        "AssuredOnly and TopLevel checks (FEAT_THE)": 4,
        "access flags of stage 1 tables (FEAT_HAFT)": 3,
        "access flags of stage 2 tables (FEAT_HAFT)": 2,
        "stage 1 Protected attribute (FEAT_THE)": 2,
        "stage 1 attribute index extension (FEAT_AIE)": 10,
        "stage 1 permission indirection (FEAT_S1PIE)": 723,
        "stage 1 permission overlays (FEAT_S1POE)": 173,
        "stage 2 permission indirection (FEAT_S2PIE)": 59,
    ];
    tags 335 [
        "AssuredOnly and TopLevel checks (FEAT_THE)": 72,
        "access flags of stage 1 tables (FEAT_HAFT)": 155,
        "access flags of stage 2 tables (FEAT_HAFT)": 14,
        "stage 1 Protected attribute (FEAT_THE)": 23,
        "stage 1 attribute index extension (FEAT_AIE)": 231,
        "stage 1 permission indirection (FEAT_S1PIE)": 129,
        "stage 1 permission overlays (FEAT_S1POE)": 30,
        "stage 2 permission indirection (FEAT_S2PIE)": 11,
    ];
    feat 757 [
        "AssuredOnly and TopLevel checks (FEAT_THE)": 62,
        "access flags of stage 1 tables (FEAT_HAFT)": 41,
        "access flags of stage 2 tables (FEAT_HAFT)": 4,
        "stage 1 Protected attribute (FEAT_THE)": 6,
        "stage 1 attribute index extension (FEAT_AIE)": 66,
        "stage 1 permission indirection (FEAT_S1PIE)": 44,
        "stage 1 permission overlays (FEAT_S1POE)": 9,
        "stage 2 permission indirection (FEAT_S2PIE)": 7,
        "the Root Security state (EL3 with FEAT_RME)": 4,
    ];
    secure 596 [
        "Secure stage 2": 392,
    ];
    d128 21 [
        "128-bit stage 1 descriptors (FEAT_D128)": 650,
        "128-bit stage 2 descriptors (FEAT_D128)": 42,
        "AssuredOnly and TopLevel checks (FEAT_THE)": 1,
        "access flags of stage 1 tables (FEAT_HAFT)": 2,
        "access flags of stage 2 tables (FEAT_HAFT)": 1,
        "stage 1 attribute index extension (FEAT_AIE)": 6,
        "stage 1 permission indirection (FEAT_S1PIE)": 30,
        "stage 1 permission overlays (FEAT_S1POE)": 198,
        "stage 2 permission indirection (FEAT_S2PIE)": 22,
    ];
    el3rme 54 [
        "128-bit stage 1 descriptors (FEAT_D128)": 233,
        "AssuredOnly and TopLevel checks (FEAT_THE)": 7,
        "Secure stage 2": 67,
        "access flags of stage 1 tables (FEAT_HAFT)": 12,
        "stage 1 Protected attribute (FEAT_THE)": 4,
        "stage 1 attribute index extension (FEAT_AIE)": 25,
        "stage 1 permission indirection (FEAT_S1PIE)": 17,
        "stage 1 permission overlays (FEAT_S1POE)": 4,
        "stage 2 permission indirection (FEAT_S2PIE)": 1,
        "the Realm Security state": 417,
        "the Root Security state (EL3 with FEAT_RME)": 124,
    ];
    gpc 3 [
        "granule protection checks (GPCCR_EL3.GPC = 1)": 992,
        "stage 1 permission indirection (FEAT_S1PIE)": 1,
        "the Realm Security state": 3,
        "the Root Security state (EL3 with FEAT_RME)": 1,
    ];
}

#[test]
fn qemu() {
    let unmodelled = [
        ("stage 1 attribute index extension (FEAT_AIE)", 54),
        ("stage 1 permission indirection (FEAT_S1PIE)", 216),
        ("stage 2 permission indirection (FEAT_S2PIE)", 1),
    ];
    run("qemu/cases.jsonl.gz", 5446, &unmodelled);
}
