//! Everything that can become of a scenario, and which of it hardware allows: done in slices, wherever there is time.

use super::policies;
use serde_json::{Value, json};
use stagewalk::machine::Transition;
use stagewalk::machine::explore::{Explorer, Options, Status};
use stagewalk::machine::trace::Trace;
use stagewalk::scenario::machine::stories::Story;
use stagewalk::scenario::machine::{Found, Scenario};
use std::collections::BTreeSet;

/// The most states kept: what a browser's memory bears without complaint.
const MOST_STATES: usize = 3_000_000;

/// An outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What was observed.
    pub text: String,
    /// In how many different final states.
    pub states: u64,
    /// Hardware that executes AT itself allows it.
    pub allowed: bool,
    /// A shortest way there.
    pub trace: Vec<Transition>,
}

/// What an exploration found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The outcomes, those that are extra first.
    pub rows: Vec<Row>,
    /// Outcomes that hardware allows and that this does not reach.
    pub missing: Vec<String>,
    /// How many states there are.
    pub states: usize,
    /// How many steps lead from one to another.
    pub transitions: u64,
    /// Nothing was left out for want of room.
    pub complete: bool,
}

/// How far an exploration has got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// What hardware allows is still being found out.
    pub reference: bool,
    /// States so far.
    pub states: usize,
    /// Outcomes so far.
    pub outcomes: usize,
}

/// An exploration under way.
#[derive(Debug)]
pub struct Job {
    scenario: Scenario,
    reference: Scenario,
    allowed: Option<(BTreeSet<String>, bool)>,
    explorer: Explorer,
}

impl Job {
    /// An exploration of a story under a policy; `None` where there is no such story or policy.
    #[must_use]
    pub fn new(story: &str, policy: &str) -> Option<Self> {
        let told = Story::find(story)?.scenario().ok()?;
        let scenario = told.under(policies::find(policy)?.policy);
        let reference = told.reference();
        Some(Self { explorer: explorer(&reference), scenario, reference, allowed: None })
    }

    /// Goes on for up to `states` states; the report, when it is done.
    pub fn run(&mut self, states: usize) -> Result<Report, Progress> {
        let status = self.explorer.run(states);
        if status == Status::Underway {
            return Err(self.progress());
        }
        let complete = status == Status::Complete;
        match self.allowed.take() {
            None => {
                let found = self.reference.found(&mut self.explorer).into_iter();
                self.allowed = Some((found.map(|found| found.outcome).collect(), complete));
                self.explorer = explorer(&self.scenario);
                Err(self.progress())
            }
            Some((allowed, known)) => Ok(self.report(&allowed, complete && known)),
        }
    }

    fn progress(&self) -> Progress {
        Progress {
            reference: self.allowed.is_none(),
            states: self.explorer.states(),
            outcomes: self.explorer.outcomes().len(),
        }
    }

    fn report(&mut self, allowed: &BTreeSet<String>, complete: bool) -> Report {
        let found = self.scenario.found(&mut self.explorer).into_iter();
        let row = |found: Found| Row {
            allowed: allowed.contains(&found.outcome),
            text: found.outcome,
            states: found.states,
            trace: found.trace.0,
        };
        let mut rows: Vec<Row> = found.map(row).collect();
        rows.sort_by(|a, b| (a.allowed, &a.text).cmp(&(b.allowed, &b.text)));
        let missing = allowed.iter().filter(|text| !rows.iter().any(|row| row.text == **text)).cloned().collect();
        let (states, transitions) = (self.explorer.states(), self.explorer.transitions());
        Report { rows, missing, states, transitions, complete }
    }
}

fn explorer(scenario: &Scenario) -> Explorer {
    let options = Options { states: MOST_STATES, ..Options::default() };
    Explorer::new(scenario.machine.clone(), scenario.observables(), options)
}

impl Report {
    /// How many outcomes hardware does not allow.
    #[must_use]
    pub fn extra(&self) -> usize {
        self.rows.iter().filter(|row| !row.allowed).count()
    }
}

/// What a worker says, as text.
#[must_use]
pub fn write(said: &Result<Report, Progress>) -> String {
    let value = match said {
        Err(progress) => json!({
            "reference": progress.reference, "states": progress.states, "outcomes": progress.outcomes,
        }),
        Ok(report) => {
            let row = |row: &Row| {
                let trace = Trace(row.trace.clone()).to_string();
                json!({"text": row.text, "states": row.states, "allowed": row.allowed, "trace": trace})
            };
            json!({
                "rows": report.rows.iter().map(row).collect::<Vec<_>>(), "missing": report.missing,
                "states": report.states, "transitions": report.transitions, "complete": report.complete,
            })
        }
    };
    value.to_string()
}

/// Reads what [`write`] wrote.
#[must_use]
pub fn read(text: &str) -> Option<Result<Report, Progress>> {
    let value: Value = serde_json::from_str(text).ok()?;
    let count = |value: &Value, key: &str| value[key].as_u64();
    let states = count(&value, "states")? as usize;
    let Some(rows) = value["rows"].as_array() else {
        let outcomes = count(&value, "outcomes")? as usize;
        return Some(Err(Progress { reference: value["reference"].as_bool()?, states, outcomes }));
    };
    let row = |row: &Value| {
        Some(Row {
            text: row["text"].as_str()?.into(),
            states: count(row, "states")?,
            allowed: row["allowed"].as_bool()?,
            trace: row["trace"].as_str()?.parse::<Trace>().ok()?.0,
        })
    };
    let missing = value["missing"].as_array()?.iter().filter_map(|text| text.as_str().map(Into::into));
    Some(Ok(Report {
        rows: rows.iter().map(row).collect::<Option<_>>()?,
        missing: missing.collect(),
        states,
        transitions: count(&value, "transitions")?,
        complete: value["complete"].as_bool()?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use stagewalk::scenario::machine::stories;

    /// Runs a job to its end, a few states at a time.
    fn done(story: &str, policy: &str) -> Report {
        let mut job = Job::new(story, policy).expect("a story");
        loop {
            if let Ok(report) = job.run(50) {
                return report;
            }
        }
    }

    #[test]
    fn what_hardware_does_is_allowed() {
        let report = done(stories::ALL[0].name, "hardware");
        assert!(report.complete && !report.rows.is_empty());
        assert_eq!((report.extra(), report.missing.len()), (0, 0));
        assert!(Job::new("nothing", "race").is_none() && Job::new(stories::ALL[0].name, "rice").is_none());
    }

    #[test]
    fn what_a_worker_says_is_understood() {
        let report = done(stories::ALL[0].name, "race");
        assert_eq!(read(&write(&Ok(report.clone()))), Some(Ok(report)));
        let progress = Progress { reference: true, states: 3, outcomes: 1 };
        assert_eq!(read(&write(&Err(progress))), Some(Err(progress)));
        assert_eq!(read("{}"), None);
    }
}
