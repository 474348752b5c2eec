//! What becomes of a test: exploring it, and comparing with what was published.

use super::condition::{Condition, descriptor};
use super::order::{self, Beyond};
use super::record::{Op, Quantifier, Record, Verdict};
use super::software::Scenario;
use super::{Predicate, Subject, Test};
use crate::machine::explore::{self, Explorer, Status};
use crate::scenario::ScenarioError;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use serde::Serialize;

/// How to go about a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Walks may be made before their turn, as without `FEAT_ETS2`.
    pub early: bool,
    /// Interleavings are left out that make no difference.
    pub reduce: bool,
    /// The most states to keep.
    pub states: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { early: false, reduce: true, states: explore::Options::default().states }
    }
}

impl Options {
    const fn explore(self) -> explore::Options {
        explore::Options { reduce: self.reduce, states: self.states }
    }
}

/// What there is to say about a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The test.
    pub name: String,
    /// Ours: `allowed`, `forbidden` or `required`; of a software walk, whether any policy has outcomes that hardware
    /// does not have: `extra`, or `no extra`. Nothing where the test is out of model.
    pub verdict: Option<&'static str>,
    /// What was published, in the same words.
    pub published: Option<&'static str>,
    /// Whether they are the same; nothing where that says nothing.
    pub agree: Option<bool>,
    /// How many states were explored.
    pub states: usize,
    /// Why they agree or not.
    pub why: Option<String>,
    /// The hardware's outcomes, of a software walk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_hw: Option<Vec<String>>,
    /// Outcomes under each policy, of a software walk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policies: Option<BTreeMap<String, PolicyAnswer>>,
}

/// What a policy comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyAnswer {
    /// All outcomes.
    pub outcomes: Vec<String>,
    /// Those that hardware does not have.
    pub extra: Vec<String>,
}

/// Explores a test and compares.
///
/// # Errors
/// What of the test cannot be laid out.
pub fn answer(test: &Test, options: Options) -> Result<Answer, ScenarioError> {
    match test {
        Test::Litmus(record) => litmus(record, options),
        Test::SoftwareWalk(scenario) => software_walk(scenario, options),
    }
}

impl Verdict {
    /// The verdict as it is written.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Forbidden => "forbidden",
            Self::Required => "required",
        }
    }
}

/// An exploration's end, as far as the condition is concerned.
struct Explored {
    verdict: Option<Verdict>,
    states: usize,
}

impl Answer {
    const fn new(name: String, verdict: Option<&'static str>, published: Option<&'static str>) -> Self {
        Self { name, verdict, published, agree: None, states: 0, why: None, reference_hw: None, policies: None }
    }
}

fn litmus(record: &Record, options: Options) -> Result<Answer, ScenarioError> {
    let published = record.published(options.early);
    let mut answer = Answer::new(record.name.clone(), None, published.map(Verdict::text));
    let subject = record.subject(options.early)?;
    if let Some(reason) = unmodelled(record) {
        answer.why = Some(reason);
        return Ok(answer);
    }
    let found = explore(subject, record.quantifier, options);
    answer.states = found.states;
    answer.verdict = found.verdict.map(Verdict::text);
    (answer.agree, answer.why) = match (found.verdict, published) {
        (None, _) => (None, Some(format!("there are more than {} states", options.states))),
        (_, None) => (None, Some("no verdict is published".into())),
        (Some(ours), Some(theirs)) if ours == theirs => (Some(true), None),
        (Some(ours @ (Verdict::Forbidden | Verdict::Required)), Some(Verdict::Allowed)) => {
            let (room, states) = beyond(record, options, ours)?;
            answer.states += states;
            let things: Vec<_> = room.into_iter().map(Beyond::text).collect();
            match things.is_empty() {
                true => (Some(false), Some(format!("published as allowed, found to be {}", ours.text()))),
                false => (None, Some(format!("has outcomes that are not modelled: it takes {}", things.join(", or ")))),
            }
        }
        (Some(ours), Some(theirs)) => {
            (Some(false), Some(format!("published as {}, found to be {}", theirs.text(), ours.text())))
        }
    };
    Ok(answer)
}

/// What a test needs that the machine does not have, and the states it took to find out.
fn beyond(record: &Record, options: Options, ours: Verdict) -> Result<(Vec<Beyond>, usize), ScenarioError> {
    let mut room = order::room(record);
    if options.early {
        return Ok((room, 0));
    }
    let early = Options { early: true, ..options };
    let found = explore(record.subject(true)?, record.quantifier, early);
    if found.verdict.is_some_and(|verdict| verdict != ours) {
        room.insert(0, Beyond::Early);
    }
    Ok((room, found.states))
}

/// Why a test has no verdict at all.
fn unmodelled(record: &Record) -> Option<String> {
    let written = |pte: &super::record::Descriptor| !pte.el0.0;
    let ops = record.threads.iter().flatten();
    let mut el0 = record.init.ptes.values().any(written)
        || ops.clone().flat_map(Op::operands).filter_map(descriptor).any(written);
    let mut free = None;
    record.condition.atoms(&mut |atom| match atom {
        Condition::Reg(thread, reg, value) => {
            el0 |= descriptor(value).is_some_and(written);
            let begins = record.init.regs.get(&format!("{thread}")).is_some_and(|regs| regs.contains_key(reg));
            let sets = |op: &Op| op.written().any(|written| written == reg);
            let known = begins || record.threads.get(*thread).is_some_and(|ops| ops.iter().any(sets));
            if !known {
                free.get_or_insert_with(|| {
                    format!("P{thread}:{reg} is unconstrained: no instruction of the thread writes it")
                });
            }
        }
        Condition::PteMem(_, value) => el0 |= descriptor(value).is_some_and(written),
        _ => {}
    });
    free.or_else(|| el0.then(|| "needs EL0: a page has no access for it, and no thread says where it executes".into()))
}

fn explore(subject: Subject, quantifier: Quantifier, options: Options) -> Explored {
    let Subject { machine, observables, predicate, .. } = subject;
    let mut explorer = Explorer::new(machine, observables, options.explore());
    let complete = run(&mut explorer);
    let states = explorer.states();
    Explored { verdict: verdict(&explorer, &predicate, quantifier, complete), states }
}

/// Explores to the end. Says whether it was reached.
pub(super) fn run(explorer: &mut Explorer) -> bool {
    loop {
        match explorer.run(usize::MAX) {
            Status::Underway => {}
            status => return status == Status::Complete,
        }
    }
}

/// The verdict, as far as it is settled.
fn verdict(explorer: &Explorer, predicate: &Predicate, quantifier: Quantifier, complete: bool) -> Option<Verdict> {
    let mut ended = explorer.outcomes().iter().filter(|outcome| outcome.ended);
    let some = ended.clone().any(|outcome| predicate.holds(&outcome.observed));
    let all = ended.all(|outcome| predicate.holds(&outcome.observed));
    match (quantifier, some) {
        (Quantifier::ForAll, _) if complete && all => Some(Verdict::Required),
        (Quantifier::ForAll, true) if !all => Some(Verdict::Allowed),
        (Quantifier::Exists | Quantifier::NotExists, true) => Some(Verdict::Allowed),
        (_, false) if complete => Some(Verdict::Forbidden),
        _ => None,
    }
}

const fn has_extra(extra: bool) -> &'static str {
    if extra { "extra" } else { "no extra" }
}

fn software_walk(scenario: &Scenario, options: Options) -> Result<Answer, ScenarioError> {
    let mut answer = Answer::new(scenario.name.clone(), None, None);
    let mut complete = true;
    let mut explored = |machine| {
        let (outcomes, states, whole) = scenario.outcomes(machine, options.explore());
        answer.states += states;
        complete &= whole;
        outcomes
    };
    let reference = explored(scenario.hardware());
    let mut policies = BTreeMap::new();
    for (name, emulation) in scenario.policies()? {
        let outcomes = explored(scenario.machine(emulation));
        let extra = outcomes.iter().filter(|outcome| !reference.contains(outcome)).cloned().collect();
        policies.insert(name, PolicyAnswer { outcomes, extra });
    }
    if !complete {
        answer.why = Some(format!("there are more than {} states", options.states));
    } else {
        answer.verdict = Some(has_extra(policies.values().any(|policy| !policy.extra.is_empty())));
        let published = scenario.published.values();
        let with_extra = (published.len() > 0).then(|| published.clone().any(|policy| !policy.extra.is_empty()));
        answer.published = with_extra.map(has_extra);
        let differs = scenario.differs(&reference, &policies);
        answer.agree = with_extra.map(|_| differs.is_none());
        answer.why = differs.or_else(|| with_extra.is_none().then(|| "no outcomes are published".into()));
    }
    answer.reference_hw = Some(reference);
    answer.policies = Some(policies);
    Ok(answer)
}
