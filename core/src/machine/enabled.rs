//! What can happen in a state.

use super::local::Wants;
use super::world::{State, World};
use alloc::vec::Vec;

/// A step that can be taken: by whom, and which of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Transition {
    /// The number of the actor.
    pub actor: u8,
    /// Which, where there is a choice: the number of the walk that a translation uses; 1 where a store exclusive fails
    /// though it need not; [`Transition::LEAVE`].
    pub choice: u16,
}

impl Transition {
    /// The vCPU takes the request to pause, and leaves the guest.
    pub const LEAVE: u16 = u16::MAX;
    /// How many choices are told apart.
    pub const MOST_CHOICES: usize = Self::LEAVE as usize;
}

impl World {
    /// What can happen in a state, in a fixed order; nothing where every actor has ended or waits for ever.
    pub fn enabled(&mut self, state: State) -> Vec<Transition> {
        let mut all = Vec::new();
        for actor in 0..self.threads.len() {
            self.enabled_of(state, actor, |choice| all.push(Transition { actor: actor as u8, choice }));
        }
        all
    }

    /// The choices that an actor has in a state.
    #[inline]
    pub(super) fn enabled_of(&mut self, state: State, actor: usize, mut each: impl FnMut(u16)) {
        let sync = self.sync(state);
        if sync.paused.has(actor) {
            return;
        }
        let node = self.node(state, actor);
        let wants = node.wants;
        let asked = sync.pausing.is_some_and(|by| usize::from(by) != actor);
        if asked && node.boundary && !self.rests(state, actor) {
            each(Transition::LEAVE);
        }
        let choices = match wants {
            Wants::Nothing => 0,
            Wants::Translate { .. } => self.candidates(state, actor, wants).len().min(Transition::MOST_CHOICES),
            Wants::StoreExclusive(..) => 2,
            Wants::Complete => usize::from(self.may_complete(state, actor)),
            Wants::Pause => usize::from(self.sync(state).pausing.is_none()),
            Wants::AwaitPaused => {
                let waits = |&other: &usize| other != actor && !self.rests(state, other);
                usize::from(!(0..self.threads.len()).any(|other| waits(&other)))
            }
            _ => 1,
        };
        (0..choices).for_each(|choice| each(choice as u16));
    }

    /// Whether an actor has one step to take, and no choice.
    pub(super) fn only_choice(&mut self, state: State, actor: usize) -> bool {
        let mut choices = 0;
        self.enabled_of(state, actor, |choice| choices += if choice == 0 { 1 } else { 2 });
        choices == 1
    }
}
