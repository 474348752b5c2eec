//! Every rule that the engine can cite is cited by the trace of at least one vector, worked example or scenario.

mod support;

use stagewalk::rule::Rule;
use stagewalk::scenario::Case;
use stagewalk::scenario::examples;
use std::collections::BTreeMap;

/// How often each rule is cited, by where the cases come from.
type Cited = BTreeMap<Rule, BTreeMap<String, usize>>;

fn count(cited: &mut Cited, place: &str, case: &Case) {
    for step in case.trace().steps {
        let places = cited.entry(step.rule).or_default();
        match places.get_mut(place) {
            Some(times) => *times += 1,
            None => drop(places.insert(place.into(), 1)),
        }
    }
}

fn report(cited: &Cited) -> String {
    let line = |rule: &Rule| {
        let places = cited.get(rule).into_iter().flatten().map(|(place, times)| format!("{place} {times}"));
        let places: Vec<_> = places.collect();
        let places = if places.is_empty() { "NOWHERE".into() } else { places.join(", ") };
        format!("{}: {places}", rule.id())
    };
    Rule::ALL.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_rule_is_cited() {
    let mut cited = Cited::new();
    for (file, case, _) in support::vectors() {
        count(&mut cited, &file, &case);
    }
    for example in examples::ALL {
        count(&mut cited, "examples", &example.case());
    }
    for (name, case, _) in support::scenarios() {
        count(&mut cited, &name, &case);
    }
    let missing = Rule::ALL.iter().filter(|rule| !cited.contains_key(rule)).count();
    assert_eq!(missing, 0, "{missing} rules are cited nowhere:\n{}", report(&cited));
}
