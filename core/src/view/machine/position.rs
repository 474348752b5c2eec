//! A moment between two steps: what everybody is doing, and what can happen next.

use super::Subject;
use super::moment::{self, Moment};
use crate::machine::local::{Phase, Stage, Wants};
use crate::machine::{State, World};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What there is between two steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The state.
    pub state: State,
    /// For each actor, what it is doing.
    pub lanes: Vec<Lane>,
    /// What can happen next; of choices that make no difference, the first.
    pub offers: Vec<Moment>,
}

/// What an actor is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// In general.
    pub doing: Doing,
    /// It has been asked to pause, and has not yet left the guest.
    pub asked: bool,
    /// What it waits for, if it cannot go on.
    pub waits: Option<String>,
}

/// What an actor is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It executes its program.
    Running,
    /// Hardware walks for it.
    Walking,
    /// Its AT instruction has been trapped.
    Trapped,
    /// The hypervisor emulates its AT instruction.
    Emulating,
    /// The host brings a page back for it.
    Mapping,
    /// It has left the guest, and sleeps.
    Paused,
    /// Its program has ended.
    Ended,
}

impl Doing {
    /// In a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Walking => "walking",
            Self::Trapped => "trapped",
            Self::Emulating => "emulating",
            Self::Mapping => "mapping",
            Self::Paused => "paused",
            Self::Ended => "ended",
        }
    }
}

impl Position {
    /// The position at a state; `None`: at the beginning.
    pub(super) fn new(subject: &Subject, world: &mut World, state: Option<State>) -> Self {
        let state = state.unwrap_or_else(|| world.initial());
        let enabled = world.enabled(state);
        let mut offers: Vec<(Moment, State)> = Vec::new();
        for (moment, after) in enabled.iter().filter_map(|&step| moment::take(subject, world, state, step)) {
            let alike = |(other, led): &(Moment, State)| (other.text(), *led) == (moment.text(), after);
            if !offers.iter().any(alike) {
                offers.push((moment, after));
            }
        }
        let offers = offers.into_iter().map(|(moment, _)| moment).collect();
        let lane = |actor: usize| {
            let able = enabled.iter().any(|step| usize::from(step.actor) == actor);
            lane(subject, world, state, actor, able)
        };
        Self { state, lanes: (0..subject.machine.actors.len()).map(lane).collect(), offers }
    }

    /// Whether every actor has come to its end.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.lanes.iter().all(|lane| lane.doing == Doing::Ended)
    }
}

fn lane(subject: &Subject, world: &World, state: State, actor: usize, able: bool) -> Lane {
    let (sync, wants) = (world.sync(state), world.wants(state, actor));
    let paused = sync.paused.has(actor);
    let over = wants == Wants::Nothing;
    let doing = match world.local(state, actor).phase {
        _ if paused => Doing::Paused,
        _ if over => Doing::Ended,
        Phase::Ready | Phase::Accessing(_) => Doing::Running,
        Phase::Walking(_) => Doing::Walking,
        Phase::Emulating(Stage::Trapped) => Doing::Trapped,
        Phase::Emulating(_) => Doing::Emulating,
        Phase::Resolving { .. } => Doing::Mapping,
        Phase::Ended => Doing::Ended,
    };
    let by_another = sync.pausing.map(usize::from).filter(|&by| by != actor);
    let asked = by_another.is_some() && !paused && !over && !subject.machine.actors[actor].host;
    let waits = if able || over { None } else { waits(subject, world, state, actor) };
    Lane { doing, asked, waits }
}

fn waits(subject: &Subject, world: &World, state: State, actor: usize) -> Option<String> {
    let sync = world.sync(state);
    let pausing = sync.pausing.map(usize::from).filter(|&by| by != actor);
    if let (true, Some(by)) = (sync.paused.has(actor), pausing) {
        return Some(format!("asleep until {} lets it go on", subject.actor(by)));
    }
    let count = subject.machine.actors.len();
    Some(match world.wants(state, actor) {
        Wants::Complete => {
            let walking: Vec<usize> = (0..count).filter(|&other| sync.waits[actor].has(other)).collect();
            let walking = if walking.is_empty() { software_walks(world, state, actor) } else { walking };
            format!("its TLBIs wait for the walk of {}", list(subject, &walking))
        }
        Wants::AwaitPaused => {
            let awake = |&other: &usize| {
                let rests = sync.paused.has(other) || world.wants(state, other) == Wants::Nothing;
                other != actor && !rests && !subject.machine.actors[other].host
            };
            format!("waits for {} to leave the guest", list(subject, &(0..count).filter(awake).collect::<Vec<_>>()))
        }
        Wants::Pause => format!("waits for {} to let the others go on", list(subject, pausing.as_slice())),
        _ => return None,
    })
}

/// Whose software walks are under way.
fn software_walks(world: &World, state: State, but: usize) -> Vec<usize> {
    let walks = |phase: Phase| {
        matches!(
            phase,
            Phase::Emulating(Stage::Walking(_) | Stage::Checked(_) | Stage::Leaving(_))
                | Phase::Resolving { emulating: true, .. }
        )
    };
    let count = world.machine().actors.len();
    (0..count).filter(|&other| other != but && walks(world.local(state, other).phase)).collect()
}

fn list(subject: &Subject, actors: &[usize]) -> String {
    let names: Vec<&str> = actors.iter().map(|&actor| subject.actor(actor)).collect();
    match names.as_slice() {
        [] => "nobody".into(),
        [one] => (*one).to_string(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
