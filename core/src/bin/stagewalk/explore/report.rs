//! What an exploration answers.

use super::limits::Stopped;
use crate::failure::Failure;
use crate::style::{FAULT, GOOD, HEADING, QUIET};
use serde::{Deserialize, Serialize};
use stagewalk::machine::trace::Trace;
use stagewalk::scenario::machine::Scenario;
use std::io::{self, Write};

pub const SCHEMA: &str = "stagewalk.explore/1";

/// What was reached.
pub struct Reached {
    pub stopped: Option<Stopped>,
    pub reduced: bool,
    pub states: u64,
    pub transitions: u64,
    pub rows: Vec<Row>,
}

/// An outcome.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub outcome: String,
    pub verdict: Verdict,
    /// Whether all actors came to their end.
    pub ended: bool,
    /// Different final states; by chance, runs.
    pub count: u64,
    pub witness: String,
    /// The fingerprints of the final states, where parts are to be joined.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub finals: Vec<String>,
}

/// Whether the architecture allows an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// With AT executed by hardware the scenario can end so, too.
    Allowed,
    /// It cannot.
    Extra,
    /// Not everything that hardware can do has been explored.
    Unknown,
}

/// What hardware can do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    pub stopped: Option<Stopped>,
    pub states: u64,
    pub outcomes: Vec<String>,
}

/// The whole answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    pub schema: String,
    pub scenario: String,
    /// Tells the scenario, with its policy, from others of the same name.
    pub digest: String,
    pub policy: String,
    pub seed: Option<u64>,
    pub shard: Option<[usize; 2]>,
    pub reduced: bool,
    pub complete: bool,
    pub stopped: Option<Stopped>,
    pub states: u64,
    pub transitions: u64,
    pub outcomes: Vec<Row>,
    pub reference: Expected,
}

impl Row {
    pub fn new(outcome: String, ended: bool, count: u64, trace: &Trace, finals: Vec<String>) -> Self {
        Self { outcome, verdict: Verdict::Unknown, ended, count, witness: trace.to_string(), finals }
    }
}

impl Expected {
    pub fn of(reached: &Reached) -> Self {
        let outcomes = reached.rows.iter().map(|row| row.outcome.clone()).collect();
        Self { stopped: reached.stopped, states: reached.states, outcomes }
    }
}

impl Report {
    pub fn new(
        scenario: &Scenario,
        seed: Option<u64>,
        shard: Option<[usize; 2]>,
        found: Reached,
        reference: Expected,
    ) -> Self {
        let mut report = Self {
            schema: SCHEMA.into(),
            scenario: scenario.name.clone(),
            digest: digest(&scenario.to_text()),
            policy: scenario.emulation_name().into(),
            seed,
            shard,
            reduced: found.reduced,
            complete: false,
            stopped: found.stopped,
            states: found.states,
            transitions: found.transitions,
            outcomes: found.rows,
            reference,
        };
        report.judge();
        report
    }

    /// Compares the outcomes with what hardware can do.
    pub fn judge(&mut self) {
        self.complete = self.stopped.is_none() && self.reference.stopped.is_none();
        let known = self.reference.stopped.is_none() && self.shard.is_none();
        for row in &mut self.outcomes {
            row.verdict = match self.reference.outcomes.contains(&row.outcome) {
                true => Verdict::Allowed,
                false if known => Verdict::Extra,
                false => Verdict::Unknown,
            };
        }
    }

    pub const fn complete(&self) -> bool {
        self.complete
    }

    pub fn has_extra(&self) -> bool {
        self.outcomes.iter().any(|row| row.verdict == Verdict::Extra)
    }

    pub fn print(&self, json: bool) -> Result<(), Failure> {
        let mut out = anstream::stdout().lock();
        if json {
            writeln!(out, "{}", serde_json::to_string(self).map_err(io::Error::from)?)?;
            return Ok(());
        }
        let Self { scenario, policy, states, transitions, .. } = self;
        let reduced = if self.reduced { ", interleavings that make no difference left out" } else { "" };
        let what = match self.seed {
            Some(seed) => format!("{states} runs by chance (seed {seed}), {transitions} steps"),
            None => format!("{states} states, {transitions} steps{reduced}"),
        };
        writeln!(out, "{HEADING}{scenario}, {policy}{HEADING:#}: {what}")?;
        let unit = if self.seed.is_some() { "runs" } else { "final states" };
        for row in &self.outcomes {
            let (mark, style) = match row.verdict {
                Verdict::Allowed => ("✓ allowed", GOOD),
                Verdict::Extra => ("✗ extra  ", FAULT),
                Verdict::Unknown => ("? unknown", QUIET),
            };
            writeln!(out, "\n  {style}{mark}{style:#}  {}  ({} {unit})", row.outcome, row.count)?;
            writeln!(
                out,
                "             {QUIET}stagewalk replay {scenario} --policy {policy} {}{QUIET:#}",
                row.witness
            )?;
        }
        let unseen =
            self.reference.outcomes.iter().filter(|text| self.outcomes.iter().all(|row| row.outcome != **text));
        for outcome in unseen {
            writeln!(out, "\n  {QUIET}· hardware alone  {outcome}{QUIET:#}")?;
        }
        for (whose, stopped) in [("", self.stopped), (" of what hardware does", self.reference.stopped)] {
            if let Some(stopped) = stopped {
                let text = stopped.text();
                writeln!(out, "\n{FAULT}Incomplete{FAULT:#}: the exploration{whose} ended early, because {text}.")?;
            }
        }
        Ok(())
    }
}

/// FNV-1a.
fn digest(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}
