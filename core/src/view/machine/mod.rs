//! Several vCPUs in motion: a trace as lanes, each step in words, and what everything holds at each position.

mod actor;
mod effects;
mod memory;
mod moment;
mod names;
mod position;
mod telling;
mod tlb;
pub mod walks;

pub use actor::{ActorView, Line, Register};
pub use memory::{Word, Words};
pub use moment::{Mark, Moment, WalkAt, Wrote};
pub use names::{Names, number};
pub use position::{Doing, Lane, Position};
pub use tlb::{Held, HeldKind, TlbView};
pub use walks::SoFar;

use crate::machine::{Machine, Transition, World};
use alloc::string::String;
use alloc::vec::Vec;

/// A machine, and what things in it are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The machine.
    pub machine: Machine,
    /// Names of addresses and values.
    pub names: Names,
    /// The programs as they are written, a line for each instruction.
    pub programs: Vec<Vec<String>>,
}

/// A trace of a machine: position 0 is the beginning, and position n is what step n led to.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The machine.
    pub subject: Subject,
    /// The machine in motion.
    pub world: World,
    /// The steps.
    pub moments: Vec<Moment>,
    /// What there is before the first step and after each.
    pub positions: Vec<Position>,
    /// The step of the trace that cannot be taken; it and those after it are left out.
    pub refused: Option<usize>,
}

impl Replay {
    /// Follows a trace.
    #[must_use]
    pub fn new(subject: Subject, trace: &[Transition]) -> Self {
        let mut world = World::new(subject.machine.clone());
        let first = Position::new(&subject, &mut world, None);
        let mut replay = Self { subject, world, moments: Vec::new(), positions: Vec::from([first]), refused: None };
        for (number, &step) in trace.iter().enumerate() {
            if !replay.follow(step) {
                replay.refused = Some(number);
                break;
            }
        }
        replay
    }

    /// Takes one more step at the end; says whether it could be taken.
    pub fn follow(&mut self, step: Transition) -> bool {
        let Some(last) = self.positions.last() else { return false };
        if !self.world.enabled(last.state).contains(&step) {
            return false;
        }
        let Some((moment, state)) = moment::take(&self.subject, &mut self.world, last.state, step) else {
            return false;
        };
        let next = Position::new(&self.subject, &mut self.world, Some(state));
        self.moments.push(moment);
        self.positions.push(next);
        true
    }

    /// The steps taken.
    #[must_use]
    pub fn trace(&self) -> Vec<Transition> {
        self.moments.iter().map(|moment| moment.by).collect()
    }

    /// The step to take where nobody says otherwise: whoever moved last goes on if he can, or else the next in turn.
    /// `only`: the actor that it must be.
    #[must_use]
    pub fn default_step(&self, position: usize, only: Option<usize>) -> Option<Transition> {
        let offers = &self.positions.get(position)?.offers;
        let recorded = self.moments.get(position).map(|moment| moment.by);
        if let Some(step) = recorded.filter(|step| only.is_none_or(|only| only == usize::from(step.actor))) {
            return Some(step);
        }
        let moved = position.checked_sub(1).and_then(|before| self.moments.get(before));
        let first = only.unwrap_or_else(|| moved.map_or(0, |moment| usize::from(moment.by.actor)));
        let count = self.subject.machine.actors.len().max(1);
        let turn = |offer: &&Moment| (usize::from(offer.by.actor) + count - first) % count;
        let mine = |offer: &&Moment| only.is_none_or(|only| only == usize::from(offer.by.actor));
        offers.iter().filter(mine).min_by_key(turn).map(|offer| offer.by)
    }

    /// The position that a walk's read number `read` (from 0) led to, for the walk that is at `node` at `position`.
    #[must_use]
    pub fn position_of_read(&self, position: usize, node: u32, read: usize) -> Option<usize> {
        let root = self.world.walks().get(node).root;
        let actor = self.moments.get(position.checked_sub(1)?)?.by.actor;
        let steps = self.moments.get(..position)?.iter().enumerate();
        let mut same = steps.filter(|(_, moment)| {
            let of_walk = moment.walk.is_some_and(|walk| self.world.walks().get(walk.node).root == root);
            moment.by.actor == actor && of_walk
        });
        // a walk that began again reads once more: the last that came to so many reads is the one meant
        let fits = |(_, moment): &(usize, &Moment)| moment.walk.is_some_and(|walk| walk.reads == read + 1);
        same.by_ref().filter(fits).last().map(|(index, _)| index + 1)
    }
}

#[cfg(all(test, feature = "json"))]
mod tests;
