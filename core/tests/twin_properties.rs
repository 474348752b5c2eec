//! The engine against the naive twin, on random machines.
#![cfg(feature = "json")]

#[path = "twin/registers.rs"]
mod registers;
#[path = "twin/strategies.rs"]
mod strategies;
#[allow(dead_code, unused_imports)] // shared with the vectors' test, which uses other parts
mod twin;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use stagewalk::rule::Rule;

/// The engine's answer in the shape of a vector's `expect`.
fn engine_answer(case: &twin::Case) -> Value {
    let case = stagewalk::scenario::Case::from_json(&case.to_json()).expect("a case the engine can read");
    case.run().to_expect_json()
}

/// Whether the engine finds a leaf that asks for an encryption context in vain.
fn denies_context(case: &twin::Case) -> bool {
    let case = stagewalk::scenario::Case::from_json(&case.to_json()).expect("a case the engine can read");
    case.trace().steps.iter().any(|step| step.rule == Rule::LeafAlternateContext)
}

proptest! {
    #![proptest_config(strategies::config())]

    /// The engine and the twin agree on everything that can be seen of a translation.
    #[test]
    fn engine_and_twin_agree(case in strategies::case()) {
        let differences = twin::disagreements(&twin::translate(&case), &engine_answer(&case));
        prop_assert!(differences.is_empty(), "twin, engine:\n{}\n{}", differences.join("\n"), case.to_json());
    }

    /// A case means the same after it has been written down.
    #[test]
    fn cases_survive_json(case in strategies::case()) {
        prop_assert_eq!(&twin::Case::from_json(&case.to_json()), &case);
    }
}

/// The random machines lead to everything an answer can be, often enough to mean something.
#[test]
fn random_cases_reach_everything() {
    let mut runner = TestRunner::deterministic();
    let strategy = strategies::case();
    let mut met: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..8_192 {
        let case = strategy.new_tree(&mut runner).expect("a case").current();
        let answer = twin::translate(&case);
        let mut meet = |what: String| *met.entry(what).or_default() += 1;
        meet(answer.status.to_string());
        if let Some(fault) = &answer.fault {
            meet(format!("{}, stage {}", fault.code, if fault.s2 { 2 } else { 1 }));
            for (flag, name) in [(fault.overlay, "overlay"), (fault.dirty, "dirty"), (fault.toplevel, "top level")] {
                if flag {
                    meet(name.into());
                }
            }
            if case.op.starts_with("GCS") && fault.code == "Permission" {
                for (flag, name) in [(fault.dirty, "a clean stack"), (fault.assured, "a stack that is not assured")] {
                    if flag {
                        meet(name.into());
                    }
                }
            }
        } else if answer.status == "ok" {
            meet(format!("{} succeeds", case.op));
        }
        if answer.output.as_ref().is_some_and(|place| place.mecid != 0) {
            meet("an encryption context".into());
        }
        if denies_context(&case) {
            meet("no encryption context".into());
        }
        if !answer.writes.is_empty() {
            meet("an update".into());
        }
        if answer.reads >= 12 {
            meet("a deep walk".into());
        }
    }
    let causes = ["Translation", "AddressSize", "AccessFlag", "Permission", "SyncExternalOnWalk", "GPCFOnWalk"];
    let faults = causes.iter().flat_map(|cause| [1, 2].map(|stage| format!("{cause}, stage {stage}")));
    let successes = strategies::OPERATIONS.iter().map(|op| format!("{op} succeeds"));
    let others = ["undefined", "overlay", "dirty", "top level", "an update", "a deep walk"].map(String::from);
    let stacks = ["a clean stack", "a stack that is not assured"].map(String::from);
    let contexts = ["an encryption context", "no encryption context"].map(String::from);
    for what in faults.chain(successes).chain(others).chain(stacks).chain(contexts) {
        let count = met.get(&what).copied().unwrap_or(0);
        assert!(count >= 5, "{what}: met {count} times in 8192 cases");
    }
}
