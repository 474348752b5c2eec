//! The screen of several vCPUs, a panel to a file.

pub mod actors;
pub mod controls;
pub mod explore;
pub mod keyboard;
pub mod lanes;
pub mod memory;
pub mod offers;
pub mod page;
pub mod stepper;
pub mod tour;
pub mod walk;
pub mod worker;

use crate::vcpus::state::{Action, State};
use stagewalk::view::machine::{Moment, Replay};
use std::rc::Rc;
use yew::prelude::*;

/// What every panel gets: the state, and a way to act.
#[derive(Clone)]
pub struct Ctx {
    /// The state.
    pub state: Rc<State>,
    /// Acts on it.
    pub act: Callback<Action>,
}

impl PartialEq for Ctx {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.state, &other.state)
    }
}

/// The properties of a panel.
#[derive(Clone, PartialEq, Properties)]
pub struct Panel {
    /// The context.
    pub ctx: Ctx,
}

impl Ctx {
    /// A callback that acts.
    pub fn on<E: 'static>(&self, action: impl Fn(E) -> Action + 'static) -> Callback<E> {
        self.act.reform(action)
    }

    /// A callback that does one thing.
    pub fn does(&self, action: Action) -> Callback<MouseEvent> {
        self.on(move |_| action.clone())
    }

    fn replay(&self) -> &Replay {
        &self.state.run.replay
    }

    /// What can happen now.
    fn offers(&self) -> &[Moment] {
        self.replay().positions.get(self.state.at).map_or(&[], |position| position.offers.as_slice())
    }

    /// What an actor is called.
    fn name(&self, actor: usize) -> &str {
        self.replay().subject.actor(actor)
    }

    /// The class of a lane by its number.
    fn lane_class(actor: usize) -> String {
        format!("lane-{actor}")
    }
}
