//! The known differences between Arm's pseudocode and the walkers that a VM meets. Each is told as what the machine
//! does instead: a change of the case, or of the model's answer, under which the model gives the machine's answer.

use super::compare::is_same;
use super::differences::{DIFFERENCES, Difference, Who, with_hidden_features};
use crate::scenario::{Case, Run};
use alloc::vec::Vec;
use serde::Serialize;

/// Who walks for a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Walker {
    /// QEMU, and no silicon.
    pub qemu: bool,
    /// Linux, for a guest hypervisor, or the processor alone.
    pub linux: bool,
}

/// A row of the table in `docs/conformance.md`; those from 18 on are told in `docs/kvm.md`.
pub type Row = u8;

/// How many may come together.
const MOST: u32 = 4;

/// The rows that together explain why the answers differ, as few as do; `None` if none do.
#[must_use]
pub fn explain(case: &Case, machine: &Run, walker: Walker) -> Option<Vec<Row>> {
    let known = met(walker);
    // First those that change the answer by themselves, or after one other; then all that could.
    let plain = case.trace();
    let alone =
        known.iter().filter(|difference| difference.changes_case).map(|&difference| variant(case, &[difference]));
    let alone: Vec<(Case, Run)> = alone.filter(|(_, run)| !answers_alike(run, &plain)).collect();
    let at_once = |difference: &&&Difference| {
        let changes = |case: &Case, run: &Run| {
            let mut changed = run.clone();
            (difference.run)(case, &mut changed);
            changed != *run
        };
        if difference.changes_case {
            !answers_alike(&variant(case, &[difference]).1, &plain)
        } else {
            changes(case, &plain) || alone.iter().any(|(case, run)| changes(case, run))
        }
    };
    let likely: Vec<&Difference> = known.iter().filter(at_once).copied().collect();
    search(case, machine, &likely, MOST).or_else(|| {
        let mut hidden = case.clone();
        with_hidden_features(&mut hidden);
        let matters = |difference: &&&Difference| could_matter(case, difference) || could_matter(&hidden, difference);
        let possible: Vec<&Difference> = known.iter().filter(matters).copied().collect();
        search(case, machine, &possible, MOST - 1)
    })
}

/// The differences that this walker may show.
fn met(walker: Walker) -> Vec<&'static Difference> {
    let is = |who: Who| who == Who::Both || if who == Who::Qemu { walker.qemu } else { walker.linux };
    DIFFERENCES.iter().filter(|difference| is(difference.who)).collect()
}

/// Differences under which a walk ends earlier, or where it would have ended: they lead nowhere else.
const LEAD_NOWHERE: [Row; 4] = [2, 3, 11, 22];

/// The cases that a machine answers instead of this one, by each difference that may lead its walk elsewhere, with its
/// row.
pub(super) fn variants(case: &Case, walker: Walker) -> impl Iterator<Item = (Row, Case)> {
    let leads = |difference: &&Difference| difference.changes_case && !LEAD_NOWHERE.contains(&difference.row);
    met(walker).into_iter().filter(leads).filter_map(|difference| {
        let mut changed = case.clone();
        (difference.case)(&mut changed);
        (changed != *case).then_some((difference.row, changed))
    })
}

/// The smallest set of differences that gives the machine's answer.
fn search(case: &Case, machine: &Run, known: &[&Difference], most: u32) -> Option<Vec<Row>> {
    for count in 1..=most {
        for set in (1..1_u32 << known.len()).filter(|set| set.count_ones() == count) {
            let chosen = known.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).map(|(_, known)| *known);
            let chosen: Vec<&Difference> = chosen.collect();
            let (changed, run) = variant(case, &chosen);
            if is_same((&changed, &run), (case, machine)) {
                let mut rows: Vec<Row> = chosen.iter().map(|difference| difference.row).collect();
                rows.sort_unstable();
                rows.dedup();
                return Some(rows);
            }
        }
    }
    None
}

/// What the model says if these differences are made.
fn variant(case: &Case, chosen: &[&Difference]) -> (Case, Run) {
    let mut changed = case.clone();
    chosen.iter().for_each(|difference| (difference.case)(&mut changed));
    let mut run = changed.trace();
    chosen.iter().for_each(|difference| (difference.run)(&changed, &mut run));
    (changed, run)
}

fn answers_alike(one: &Run, other: &Run) -> bool {
    one.answer.result == other.answer.result && one.writes == other.writes
}

/// Whether a difference has to do with a case: a change of the case must be one. A change of the answer may be one only
/// after others.
fn could_matter(case: &Case, difference: &Difference) -> bool {
    if !difference.changes_case {
        return true;
    }
    let mut changed = case.clone();
    (difference.case)(&mut changed);
    changed != *case
}
