//! Runs the data, and counts.

use super::support::{self, Machine};
use stagewalk::at::Outcome;
use stagewalk::feature::Feature;
use stagewalk::scenario::{Case, Expect, Run, expect};
use std::collections::BTreeMap;

/// Cases run, and those whose every field is as expected.
#[derive(Clone, Copy, Default)]
pub struct Count {
    pub run: usize,
    pub equal: usize,
}

impl Count {
    fn add(&mut self, equal: bool) {
        self.run += 1;
        self.equal += usize::from(equal);
    }
}

/// What the vectors say of a feature.
#[derive(Clone, Copy, Default)]
pub struct OfFeature {
    /// Cases with the feature implemented.
    pub with: Count,
    /// Cases without it.
    pub without: Count,
    /// Cases whose answer another machine, which differs in this feature alone, would not give.
    pub decided: Count,
}

/// Everything counted over the vectors.
#[derive(Default)]
pub struct Tally {
    pub profiles: BTreeMap<String, Count>,
    pub features: BTreeMap<Feature, OfFeature>,
}

impl Tally {
    fn add(&mut self, profile: &str, case: &mut Case, expected: &Expect) {
        let run = case.run();
        let equal = expect::compare(expected, &run).is_empty();
        self.profiles.entry(profile.into()).or_default().add(equal);
        for &feature in Feature::ALL {
            let count = self.features.entry(feature).or_default();
            let has = case.pe.features.has(feature);
            if has { &mut count.with } else { &mut count.without }.add(equal);
            if differs_without(case, feature, has, &run) {
                count.decided.add(equal);
            }
        }
    }
}

/// Whether the answer is another when `feature` alone is turned.
fn differs_without(case: &mut Case, feature: Feature, has: bool, run: &Run) -> bool {
    let features = case.pe.features;
    case.pe.features = features.set(feature, !has);
    let other = case.run();
    case.pe.features = features;
    other != *run
}

/// Runs every vector.
pub fn vectors() -> Tally {
    let mut tally = Tally::default();
    for (profile, mut case, expected) in support::vectors() {
        tally.add(&profile, &mut case, &expected);
    }
    tally
}

/// Asks a captured machine four instructions at each of its addresses: addresses, and answers.
pub fn machine(machine: &Machine) -> (usize, Count) {
    let mut count = Count::default();
    let questions = machine.questions();
    for question in &questions {
        for (op, expected) in question.answers {
            let run = machine.dump.run(op, question.va);
            // UNKNOWN and IMPLEMENTATION DEFINED bits
            let counted = !if expected & 1 == 0 { 0x600 } else { 0xffff_0000_0000_0000 };
            let Outcome::Par(par) = run.answer.result else {
                count.add(false);
                continue;
            };
            let reads = question.reads.is_none_or(|(first, reads)| op != first || run.reads == reads);
            count.add(par.value & counted == expected & counted && reads);
        }
    }
    (questions.len(), count)
}
