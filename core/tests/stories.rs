//! The scenarios of several vCPUs that come with the crate: their outcomes under every policy, with and without
//! reduction, and each witness replayed.
#![cfg(feature = "json")]

use stagewalk::machine::explore::{Explorer, Options, Status};
use stagewalk::machine::trace::Trace;
use stagewalk::machine::{Policy, Transition, World};
use stagewalk::scenario::machine::{HARDWARE, Scenario, stories};
use stagewalk::scenario::names::lookup;
use std::collections::BTreeSet;

/// The outcomes of a scenario; every one is what the replay of its witness comes to.
fn outcomes(scenario: &Scenario, reduce: bool) -> BTreeSet<String> {
    let options = Options { reduce, states: 4_000_000 };
    let mut explorer = Explorer::new(scenario.machine.clone(), scenario.observables(), options);
    assert_eq!(explorer.run(usize::MAX), Status::Complete, "{}", scenario.name);
    let mut all = BTreeSet::new();
    for found in scenario.found(&mut explorer) {
        let trace: Trace = found.trace.to_string().parse().expect("a trace");
        let mut world = World::new(scenario.machine.clone());
        let initial = world.initial();
        let step = |state, &step: &Transition| world.step(state, step).expect("a step that is enabled");
        let state = trace.0.iter().fold(initial, step);
        assert!(world.enabled(state).is_empty());
        let seen = world.observe(state, &scenario.observables());
        assert_eq!(scenario.outcome(&seen, found.ended), found.outcome);
        assert!(all.insert(found.outcome), "an outcome twice");
    }
    all
}

fn under(scenario: &Scenario, name: &str) -> Scenario {
    if name == HARDWARE { scenario.reference() } else { scenario.under(Some(lookup::<Policy>(name).expect(name))) }
}

#[test]
fn every_story_ends_as_it_says() {
    let mut wrong = Vec::new();
    for story in stories::ALL {
        let scenario = story.scenario().expect(story.name);
        for (policy, expected) in &scenario.expect {
            let found = outcomes(&under(&scenario, policy), true);
            let expected: BTreeSet<String> = expected.iter().cloned().collect();
            if found != expected {
                wrong.push(format!("{} under {policy}: {found:#?}", story.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reduction_leaves_no_outcome_out() {
    for story in stories::ALL {
        let scenario = story.scenario().expect(story.name);
        for (policy, _) in &scenario.expect {
            let machine = under(&scenario, policy);
            assert_eq!(outcomes(&machine, true), outcomes(&machine, false), "{} under {policy}", story.name);
        }
    }
}
