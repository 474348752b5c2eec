//! Joining the answers of all parts of an exploration.

use super::limits::Stopped;
use super::report::{Report, Row, SCHEMA};
use crate::failure::Failure;
use crate::input;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

pub fn merge(files: &[PathBuf]) -> Result<Report, Failure> {
    let mut parts = BTreeMap::new();
    for path in files {
        let place = input::name(path);
        let report: Report =
            serde_json::from_slice(&input::read(path)?).map_err(|error| Failure::bad_input(&place, error))?;
        let wrong = |problem: &str| Failure::bad_input(&place, problem);
        let Some([part, of]) = report.shard.filter(|_| report.schema == SCHEMA) else {
            return Err(wrong("no answer of `stagewalk explore --shard`"));
        };
        let first = parts.values().next().unwrap_or(&report);
        let same =
            (&first.digest, first.reduced, first.shard.map(|[_, of]| of)) == (&report.digest, report.reduced, Some(of));
        if !same {
            return Err(wrong("a part of another exploration than the file before"));
        }
        if parts.insert(part, report).is_some() {
            return Err(wrong(&format!("part {part} is given twice")));
        }
    }
    let missing = parts.values().next().and_then(|first| first.shard).is_none_or(|[_, of]| parts.len() < of);
    let mut parts = parts.into_values();
    let Some(first) = parts.next() else {
        return Err(Failure::usage("nothing to join", "Give the answers of all parts."));
    };
    let mut whole = parts.fold(first, join);
    if missing {
        (whole.stopped, whole.reference.stopped) = (Some(Stopped::Parts), Some(Stopped::Parts));
    }
    for row in &mut whole.outcomes {
        row.count = row.finals.len() as u64;
        row.finals.clear();
    }
    whole.outcomes.sort_by(|a, b| a.outcome.cmp(&b.outcome));
    whole.reference.outcomes.sort();
    whole.shard = None;
    whole.judge();
    Ok(whole)
}

/// A report with what another part has found. States that several parts came to count in each of them.
fn join(mut whole: Report, part: Report) -> Report {
    whole.states += part.states;
    whole.transitions += part.transitions;
    whole.stopped = whole.stopped.or(part.stopped);
    whole.reference.states += part.reference.states;
    whole.reference.stopped = whole.reference.stopped.or(part.reference.stopped);
    let outcomes = &mut whole.reference.outcomes;
    outcomes.extend(part.reference.outcomes);
    *outcomes = std::mem::take(outcomes).into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    for row in part.outcomes {
        match whole.outcomes.iter_mut().find(|known| known.outcome == row.outcome) {
            Some(known) => add(known, row),
            None => whole.outcomes.push(row),
        }
    }
    whole
}

fn add(known: &mut Row, row: Row) {
    let finals: BTreeSet<String> = std::mem::take(&mut known.finals).into_iter().chain(row.finals).collect();
    known.finals = finals.into_iter().collect();
    if row.witness.split('.').count() < known.witness.split('.').count() {
        known.witness = row.witness;
    }
}
