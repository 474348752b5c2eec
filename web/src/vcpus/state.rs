//! The screen's state, and how actions change it.

use super::exploration::{Extent, Progress, Report};
use super::link::VcpusLink;
use super::policies::{self, Choice};
use super::tour;
use crate::history::History;
use crate::state::Notice;
use stagewalk::machine::Transition;
use stagewalk::machine::trace::Trace;
use stagewalk::scenario::machine::Scenario;
use stagewalk::scenario::machine::stories::{self, Story};
use stagewalk::view::machine::{Replay, Subject, Words};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The longest run: a program that never ends is stopped here.
const MOST_STEPS: usize = 400;

/// A story that is being told.
#[derive(Clone, Debug)]
pub struct Run {
    /// The story's name.
    pub story: &'static str,
    /// Who executes AT.
    pub policy: &'static Choice,
    /// The scenario, under that policy.
    pub scenario: Rc<Scenario>,
    /// The trace.
    pub replay: Replay,
    /// The words of memory that matter.
    pub words: Words,
}

impl Run {
    fn new(story: Story, policy: Option<&'static Choice>, trace: &[Transition]) -> Option<Self> {
        let told = story.scenario().ok()?;
        let policy = policy.unwrap_or_else(|| policies::of(&told));
        let scenario = told.under(policy.policy);
        let replay = Replay::new(Subject::from(&scenario), trace);
        Some(Self { story: story.name, policy, scenario: Rc::new(scenario), words: Words::of(&replay), replay })
    }

    /// How many steps have been recorded.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.replay.moments.len()
    }
}

/// What undo goes back to.
#[derive(Clone, Debug)]
pub struct Snapshot {
    run: Rc<Run>,
    at: usize,
    tour: Option<usize>,
}

/// An exploration, and how it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Exploration {
    /// There is none.
    #[default]
    Idle,
    /// It is under way.
    Running(Progress),
    /// It was stopped, and why.
    Stopped(String),
}

/// The whole state.
#[derive(Clone, Debug)]
pub struct State {
    /// What is shown.
    pub run: Rc<Run>,
    /// How many of its steps have been taken.
    pub at: usize,
    /// The one actor that is looked at.
    pub focus: Option<usize>,
    /// A walk to show, other than the last one.
    pub picked: Option<u32>,
    /// Undo and redo.
    pub history: History<Snapshot>,
    /// The exploration of what is shown.
    pub exploration: Exploration,
    /// Counts explorations: an answer to an older one is dropped.
    pub number: u32,
    /// What explorations have found, by story and policy.
    pub reports: BTreeMap<(&'static str, &'static str), Rc<Report>>,
    /// The outcome that is being replayed.
    pub row: Option<usize>,
    /// The page of the tour.
    pub tour: Option<usize>,
    /// Something to tell.
    pub notice: Option<Notice>,
    /// A link could not be read: it is kept in the address bar until something changes.
    pub keep_address: bool,
}

/// What can happen.
#[derive(Clone, Debug)]
pub enum Action {
    /// A story is chosen.
    Open(String),
    /// A policy is chosen.
    Policy(String),
    /// A step is taken.
    Take(Transition),
    /// The default step is taken.
    Step,
    /// One step back.
    Back,
    /// To a position.
    To(usize),
    /// To the end, by default steps.
    Run,
    /// From the beginning, with nothing recorded.
    Restart,
    /// One actor is looked at, or all.
    Focus(Option<usize>),
    /// A walk is looked at.
    Pick(u32),
    /// Everything is explored.
    Explore,
    /// An exploration goes on.
    Progressed(u32, Progress),
    /// An exploration is done.
    Explored(u32, Rc<Report>),
    /// An exploration has come to nothing.
    Failed(u32, String),
    /// No more exploring.
    Cancel,
    /// An outcome is replayed.
    Replay(usize),
    /// A page of the tour; none: the tour is left.
    Tour(Option<usize>),
    /// A link is followed.
    Follow(VcpusLink),
    /// One edit back.
    Undo,
    /// One edit forward.
    Redo,
    /// Something to tell.
    Tell(Notice),
    /// The notice has been read.
    Dismiss,
}

impl State {
    /// The state that the screen opens with.
    ///
    /// # Panics
    /// Never: the first story can be read, as every story can.
    #[must_use]
    pub fn open_with(link: Option<&VcpusLink>) -> Self {
        let run = Run::new(stories::ALL[0], None, &[]).expect("a test reads every story");
        let state = Self {
            run: Rc::new(run),
            at: 0,
            focus: None,
            picked: None,
            history: History::default(),
            exploration: Exploration::Idle,
            number: 0,
            reports: BTreeMap::new(),
            row: None,
            tour: None,
            notice: None,
            keep_address: false,
        };
        let opened = link.map_or_else(|| state.clone(), |link| state.clone().reduce(Action::Follow(link.clone())));
        Self { history: History::default(), ..opened }
    }

    /// The state after an action.
    #[must_use]
    pub fn reduce(mut self, action: Action) -> Self {
        match action {
            Action::Open(name) => self.open(&name),
            Action::Policy(name) => self.policy(&name),
            Action::Take(step) => self.take(step),
            Action::Step => {
                if let Some(step) = self.default_step() {
                    self.take(step);
                }
            }
            Action::Back => self.go(self.at.saturating_sub(1)),
            Action::To(position) => self.go(position),
            Action::Run => self.run_on(),
            Action::Restart => {
                if self.run.steps() > 0 {
                    self.remember();
                    self.show(self.run.story, Some(self.run.policy), &[]);
                }
            }
            Action::Focus(actor) => {
                self.focus = actor.filter(|&actor| actor < self.run.scenario.machine.actors.len());
                self.picked = None;
            }
            Action::Pick(node) => self.picked = Some(node),
            Action::Explore => self.explore(),
            Action::Progressed(number, progress) if self.expects(number) => {
                self.exploration = Exploration::Running(progress);
            }
            Action::Explored(number, report) if self.expects(number) => {
                self.exploration = Exploration::Idle;
                self.keep(report);
            }
            Action::Failed(number, why) if self.expects(number) => self.exploration = Exploration::Stopped(why),
            Action::Progressed(..) | Action::Explored(..) | Action::Failed(..) => {}
            Action::Cancel => self.stop_exploring(),
            Action::Replay(row) => self.replay(row),
            Action::Tour(page) => self.turn(page),
            Action::Follow(link) => self.follow(&link),
            Action::Undo => self.travel(History::undo),
            Action::Redo => self.travel(History::redo),
            Action::Tell(notice) => self.notice = Some(notice),
            Action::Dismiss => self.notice = None,
        }
        self
    }

    /// The step that Enter takes.
    #[must_use]
    pub fn default_step(&self) -> Option<Transition> {
        self.run.replay.default_step(self.at, self.focus)
    }

    /// What was explored of what is shown.
    #[must_use]
    pub fn report(&self) -> Option<&Rc<Report>> {
        self.reports.get(&(self.run.story, self.run.policy.name))
    }

    /// The walk to show: the one picked, or the last that was touched by whoever is looked at.
    #[must_use]
    pub fn walk(&self) -> Option<u32> {
        let moments = self.run.replay.moments.get(..self.at).unwrap_or_default();
        let mine = |actor: u8| self.focus.is_none_or(|focus| focus == usize::from(actor));
        let last = moments.iter().rev().filter(|moment| mine(moment.by.actor)).find_map(|moment| moment.walk);
        self.picked.or_else(|| last.map(|walk| walk.node))
    }

    /// The link to what is shown.
    #[must_use]
    pub fn link(&self) -> VcpusLink {
        VcpusLink {
            story: Some(self.run.story.into()),
            policy: Some(self.run.policy.name.into()),
            trace: self.run.replay.trace(),
            step: Some(self.at).filter(|&at| at != self.run.steps()),
            tour: self.tour.map(|page| page + 1),
        }
    }

    fn tell(&mut self, bad: bool, text: String) {
        self.notice = Some(Notice { text, bad });
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot { run: Rc::clone(&self.run), at: self.at, tour: self.tour }
    }

    fn remember(&mut self) {
        let snapshot = self.snapshot();
        self.history.push("", snapshot);
    }

    fn expects(&self, number: u32) -> bool {
        number == self.number && matches!(self.exploration, Exploration::Running(_))
    }

    /// Ends the exploration, and keeps what it has found.
    fn stop_exploring(&mut self) {
        let Exploration::Running(progress) = &self.exploration else { return };
        let known = self.report().map_or(0, |report| report.states);
        let more = |found: &&Rc<Report>| !found.rows.is_empty() && found.states >= known;
        match progress.found.as_ref().filter(more).filter(|_| !self.has_explored()).cloned() {
            Some(found) => {
                self.exploration = Exploration::Idle;
                self.keep(found);
            }
            None => self.exploration = Exploration::Stopped("Cancelled before it came to an end.".into()),
        }
    }

    /// What is shown was explored, and not in part.
    fn has_explored(&self) -> bool {
        self.report().is_some_and(|report| report.extent != Extent::Part)
    }

    fn keep(&mut self, report: Rc<Report>) {
        let shown = self.row.and_then(|row| self.report()?.rows.get(row)).map(|row| row.text.clone());
        self.row = shown.and_then(|text| report.rows.iter().position(|row| row.text == text));
        self.reports.insert((self.run.story, self.run.policy.name), report);
    }

    fn explore(&mut self) {
        self.number += 1;
        self.exploration = Exploration::Running(Progress::default());
    }

    /// Shows a story from its beginning, a trace recorded.
    fn show(&mut self, name: &str, policy: Option<&'static Choice>, trace: &[Transition]) -> bool {
        let Some(run) = Story::find(name).and_then(|story| Run::new(story, policy, trace)) else { return false };
        let same = (run.story, run.policy) == (self.run.story, self.run.policy);
        if !same {
            self.stop_exploring();
            self.exploration = Exploration::Idle;
        }
        if run.story != self.run.story {
            self.focus = None;
        }
        self.run = Rc::new(run);
        self.at = 0;
        self.picked = None;
        self.row = None;
        self.keep_address = false;
        true
    }

    fn open(&mut self, name: &str) {
        let before = self.snapshot();
        if self.show(name, None, &[]) {
            self.history.push("", before);
            self.tour = None;
        } else {
            self.tell(true, format!("There is no scenario “{name}”."));
        }
    }

    fn policy(&mut self, name: &str) {
        let Some(choice) = policies::find(name).filter(|choice| **choice != *self.run.policy) else { return };
        self.remember();
        self.show(self.run.story, Some(choice), &[]);
    }

    fn take(&mut self, step: Transition) {
        if self.run.replay.moments.get(self.at).map(|moment| moment.by) == Some(step) {
            return self.go(self.at + 1);
        }
        let mut taken: Vec<Transition> = self.run.replay.trace();
        let branches = taken.len() > self.at;
        taken.truncate(self.at);
        let mut run = Run::clone(&self.run);
        if branches {
            run.replay = Replay::new(run.replay.subject, &taken);
        }
        if !run.replay.follow(step) {
            return;
        }
        run.words = Words::of(&run.replay);
        self.remember();
        self.run = Rc::new(run);
        self.row = None;
        self.go(self.at + 1);
    }

    fn go(&mut self, position: usize) {
        self.at = position.min(self.run.steps());
        self.picked = None;
        self.keep_address = false;
    }

    /// Follows what is recorded, and then takes default steps, up to the end.
    fn run_on(&mut self) {
        if self.at < self.run.steps() {
            return self.go(self.run.steps());
        }
        let mut run = Run::clone(&self.run);
        let mut at = self.at;
        while let Some(step) = run.replay.default_step(at, None) {
            if at >= MOST_STEPS || !run.replay.follow(step) {
                break;
            }
            at += 1;
        }
        if at == self.at {
            return;
        }
        if at >= MOST_STEPS {
            self.tell(false, format!("Stopped after {MOST_STEPS} steps: this may go on for ever."));
        }
        run.words = Words::of(&run.replay);
        self.remember();
        self.run = Rc::new(run);
        self.row = None;
        self.go(at);
    }

    fn replay(&mut self, row: usize) {
        let Some(trace) = self.report().and_then(|report| report.rows.get(row)).map(|row| row.trace.clone()) else {
            return;
        };
        self.remember();
        if self.show(self.run.story, Some(self.run.policy), &trace) {
            self.at = self.run.steps();
            self.row = Some(row);
        }
    }

    fn turn(&mut self, page: Option<usize>) {
        let Some((number, page)) = page.and_then(|number| tour::PAGES.get(number).map(|page| (number, page))) else {
            self.tour = None;
            return;
        };
        let steps = page.trace.parse::<Trace>().unwrap_or_default().0;
        self.remember();
        self.show(page.story, policies::find(page.policy), &steps);
        self.at = page.at.min(self.run.steps());
        self.tour = Some(number);
        if page.explore && !self.has_explored() {
            self.explore();
        }
    }

    fn follow(&mut self, link: &VcpusLink) {
        if let (Some(page), None) = (link.tour, &link.story) {
            return self.turn(page.checked_sub(1));
        }
        let before = self.snapshot();
        let name = link.story.clone().unwrap_or_else(|| stories::ALL[0].name.into());
        let policy = link.policy.as_deref().map(policies::find);
        let wrong = match policy {
            Some(None) => Some(format!("There is no policy “{}”.", link.policy.as_deref().unwrap_or_default())),
            _ if !self.show(&name, policy.flatten(), &link.trace) => Some(format!("There is no scenario “{name}”.")),
            _ => None,
        };
        if let Some(wrong) = wrong {
            self.keep_address = true;
            return self.tell(true, format!("{wrong} What you see is not what the link meant."));
        }
        self.history.push("", before);
        self.at = link.step.unwrap_or_else(|| self.run.steps()).min(self.run.steps());
        self.tour = link.tour.and_then(|page| page.checked_sub(1)).filter(|&page| page < tour::PAGES.len());
        self.notice = None;
        if let Some(step) = self.run.replay.refused {
            self.tell(
                true,
                format!("Step {} of the link’s trace cannot happen: what leads up to it is shown.", step + 1),
            );
        }
    }

    fn travel(&mut self, way: fn(&mut History<Snapshot>, Snapshot) -> Option<Snapshot>) {
        let now = self.snapshot();
        let Some(snapshot) = way(&mut self.history, now) else { return };
        let same = (snapshot.run.story, snapshot.run.policy) == (self.run.story, self.run.policy);
        if !same {
            self.stop_exploring();
            self.exploration = Exploration::Idle;
        }
        self.focus = self.focus.filter(|_| snapshot.run.story == self.run.story);
        (self.run, self.at, self.tour) = (snapshot.run, snapshot.at, snapshot.tour);
        self.picked = None;
        self.row = None;
        self.keep_address = false;
    }
}

#[cfg(test)]
mod tests;
