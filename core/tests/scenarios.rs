//! The scenarios below `tests/scenarios/`: each gives the answer it states, every alternative of every choice has one,
//! and so has every row of the table of differences.

mod support;

use stagewalk::choice::{Choice, Choices};
use stagewalk::scenario::{Case, Expect, expect};
use std::collections::{BTreeMap, BTreeSet};

/// The alternatives that no walk tells apart: what BBM level 2 adds to level 1 concerns TLB contents.
const ALIKE: [(Choice, &str, &str); 1] = [(Choice::BbmLevel, "1", "2")];

fn folder(name: &str) -> BTreeMap<String, (Case, Expect)> {
    let scenarios = support::scenarios().into_iter();
    let within = |(path, case, expect): (String, Case, Expect)| {
        path.strip_prefix(&format!("{name}/")).map(|name| (name.to_owned(), (case, expect)))
    };
    scenarios.filter_map(within).collect()
}

#[test]
fn every_scenario_gives_the_answer_it_states() {
    let mut wrong = Vec::new();
    for (path, case, expected) in support::scenarios() {
        assert!(path.ends_with(&format!("/{}", case.id)), "{path} calls itself {}", case.id);
        assert!(case.about.contains('.'), "{path} does not say what it shows");
        assert_eq!(case.pe.features.check(), Ok(()), "{path}: no machine is like this");
        for found in expect::compare(&expected, &case.run()) {
            wrong.push(format!("{path}: {}: expected {}, got {}", found.field, found.expected, found.got));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_alternative_has_a_scenario_and_an_answer_of_its_own() {
    let mut scenarios = folder("choices");
    for &choice in Choice::ALL {
        let mut answers: Vec<(&str, Case, Expect)> = Vec::new();
        for (position, alternative) in choice.alternatives().iter().enumerate() {
            let name = format!("{}-{alternative}", choice.name());
            let (mut case, expected) = scenarios.remove(&name).unwrap_or_else(|| panic!("no scenario {name}"));
            assert_eq!(case.pe.choices, Choices::default().with(choice, position as u8), "{name}");
            // but for the choice, and the words, the machines are the same
            case.pe.choices = Choices::default();
            (case.id, case.about) = (String::new(), String::new());
            for (other, machine, answer) in &answers {
                assert_eq!(&case, machine, "{name} and {other} are different machines");
                let alike = ALIKE.contains(&(choice, other, alternative));
                assert_eq!(&expected == answer, alike, "{name} and {other}: alike");
            }
            answers.push((alternative, case, expected));
        }
    }
    assert!(scenarios.is_empty(), "scenarios of no alternative: {:?}", scenarios.keys());
}

#[test]
fn every_row_of_the_differences_has_a_scenario() {
    let mut rows = BTreeSet::new();
    for (name, (case, _)) in folder("differences") {
        rows.insert(name[..2].parse::<u8>().unwrap_or_else(|_| panic!("{name} has no row")));
        let lines: Vec<_> = case.about.lines().collect();
        let starts = ["", "Arm: ", "Linux at.c: ", "QEMU: "];
        assert_eq!(lines.len(), starts.len(), "{name}");
        assert!(lines.iter().zip(starts).all(|(line, start)| line.starts_with(start) && line.len() > start.len()));
    }
    assert_eq!(rows, (1..=17).collect());
}
