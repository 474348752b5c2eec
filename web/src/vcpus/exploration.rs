//! Everything that can become of a scenario, and which of it hardware allows: done in slices, wherever there is time.

use super::policies;
use serde_json::{Value, json};
use stagewalk::machine::Transition;
use stagewalk::machine::explore::{Explorer, Options, Status};
use stagewalk::machine::trace::Trace;
use stagewalk::scenario::machine::stories::Story;
use stagewalk::scenario::machine::{Found, Scenario};
use std::collections::BTreeSet;
use std::rc::Rc;

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
    /// Outcomes that hardware allows and that this does not reach; not known of a part.
    pub missing: Vec<String>,
    /// How many states there are.
    pub states: usize,
    /// How many steps lead from one to another.
    pub transitions: u64,
    /// How much of everything this is.
    pub extent: Extent,
}

/// How much of everything was explored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    #[default]
    Whole,
    /// There was no room for more.
    Full,
    /// It was not carried to its end.
    Part,
}

impl Extent {
    const ALL: [Self; 3] = [Self::Whole, Self::Full, Self::Part];

    /// In a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Full => "full",
            Self::Part => "part",
        }
    }
}

/// How far an exploration has got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// States so far.
    pub states: usize,
    /// What was found so far; nothing while what hardware allows is still being found out.
    pub found: Option<Rc<Report>>,
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
        let whole = status == Status::Complete;
        match self.allowed.take() {
            None => {
                let found = self.reference.found(&mut self.explorer).into_iter();
                self.allowed = Some((found.map(|found| found.outcome).collect(), whole));
                self.explorer = explorer(&self.scenario);
                Err(self.progress())
            }
            Some((allowed, known)) => {
                Ok(self.report(&allowed, if whole && known { Extent::Whole } else { Extent::Full }))
            }
        }
    }

    fn progress(&mut self) -> Progress {
        let states = self.explorer.states();
        let Some((allowed, known)) = self.allowed.take() else { return Progress { states, found: None } };
        let found = Some(Rc::new(self.report(&allowed, Extent::Part)));
        self.allowed = Some((allowed, known));
        Progress { states, found }
    }

    fn report(&mut self, allowed: &BTreeSet<String>, extent: Extent) -> Report {
        let found = self.scenario.found(&mut self.explorer).into_iter();
        let row = |found: Found| Row {
            allowed: allowed.contains(&found.outcome),
            text: found.outcome,
            states: found.states,
            trace: found.trace.0,
        };
        let mut rows: Vec<Row> = found.map(row).collect();
        rows.sort_by(|a, b| (a.allowed, &a.text).cmp(&(b.allowed, &b.text)));
        let reached = |text: &String| extent == Extent::Part || rows.iter().any(|row| row.text == *text);
        let missing = allowed.iter().filter(|text| !reached(text)).cloned().collect();
        let (states, transitions) = (self.explorer.states(), self.explorer.transitions());
        Report { rows, missing, states, transitions, extent }
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
        Err(progress) => json!({"underway": progress.states, "found": progress.found.as_deref().map(write_report)}),
        Ok(report) => write_report(report),
    };
    value.to_string()
}

fn write_report(report: &Report) -> Value {
    let row = |row: &Row| {
        let trace = Trace(row.trace.clone()).to_string();
        json!({"text": row.text, "states": row.states, "allowed": row.allowed, "trace": trace})
    };
    json!({
        "rows": report.rows.iter().map(row).collect::<Vec<_>>(), "missing": report.missing,
        "states": report.states, "transitions": report.transitions, "extent": report.extent.name(),
    })
}

/// Reads what [`write`] wrote.
#[must_use]
pub fn read(text: &str) -> Option<Result<Report, Progress>> {
    let value: Value = serde_json::from_str(text).ok()?;
    let Some(states) = value["underway"].as_u64() else { return read_report(&value).map(Ok) };
    let found = match &value["found"] {
        Value::Null => None,
        found => Some(Rc::new(read_report(found)?)),
    };
    Some(Err(Progress { states: states as usize, found }))
}

fn read_report(value: &Value) -> Option<Report> {
    let row = |row: &Value| {
        Some(Row {
            text: row["text"].as_str()?.into(),
            states: row["states"].as_u64()?,
            allowed: row["allowed"].as_bool()?,
            trace: row["trace"].as_str()?.parse::<Trace>().ok()?.0,
        })
    };
    let missing = value["missing"].as_array()?.iter().filter_map(|text| text.as_str().map(Into::into));
    let extent = value["extent"].as_str()?;
    Some(Report {
        rows: value["rows"].as_array()?.iter().map(row).collect::<Option<_>>()?,
        missing: missing.collect(),
        states: value["states"].as_u64()? as usize,
        transitions: value["transitions"].as_u64()?,
        extent: Extent::ALL.into_iter().find(|known| known.name() == extent)?,
    })
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
        assert!(report.extent == Extent::Whole && !report.rows.is_empty());
        assert_eq!((report.extra(), report.missing.len()), (0, 0));
        assert!(Job::new("nothing", "race").is_none() && Job::new(stories::ALL[0].name, "rice").is_none());
    }

    #[test]
    fn what_a_worker_says_is_understood() {
        let report = done(stories::ALL[0].name, "race");
        assert_eq!(read(&write(&Ok(report.clone()))), Some(Ok(report)));
        let part = Report { extent: Extent::Part, ..done(stories::ALL[1].name, "race") };
        for found in [None, Some(Rc::new(part))] {
            let progress = Progress { states: 3, found };
            assert_eq!(read(&write(&Err(progress.clone()))), Some(Err(progress)));
        }
        assert_eq!(read("{}"), None);
    }
    #[test]
    fn what_is_found_on_the_way_is_a_part_of_what_is_found_in_the_end() {
        let mut job = Job::new(stories::ALL[0].name, "race").expect("a story");
        let mut parts = Vec::new();
        let whole = loop {
            match job.run(1) {
                Ok(report) => break report,
                Err(progress) => parts.extend(progress.found),
            }
        };
        let states = |report: &Report, text: &str| {
            report.rows.iter().find(|row| row.text == text).map(|row| (row.allowed, row.states))
        };
        for part in &parts {
            assert!(part.extent == Extent::Part && part.missing.is_empty());
            for row in &part.rows {
                let (allowed, in_all) = states(&whole, &row.text).expect("an outcome of the whole");
                assert!(allowed == row.allowed && in_all >= row.states);
            }
        }
        assert!(parts.iter().any(|part| !part.rows.is_empty() && part.rows.len() < whole.rows.len()));
    }
}
