//! The panels, one to a file. Each draws a part of the state and turns what people do into actions.

pub mod app;
pub mod bits;
pub mod command_bar;
pub mod field_table;
pub mod header;
pub mod hex_input;
pub mod inspector;
pub mod keyboard;
pub mod matrix;
pub mod memory;
pub mod notice;
pub mod real;
pub mod regime_strip;
pub mod registers;
pub mod result_bar;
pub mod result_panel;
pub mod stepper;
pub mod va_strip;
pub mod vcpus;
pub mod walk_page;

use crate::real::Standing;
use crate::state::{Action, Move, State};
use stagewalk::view::links::{Target, related};
use std::collections::BTreeSet;
use std::rc::Rc;
use yew::prelude::*;

/// What every panel gets: the state, a way to act, and what the reader points at.
#[derive(Clone)]
pub struct Ctx {
    /// The state.
    pub state: Rc<State>,
    /// Acts on it.
    pub act: Callback<Action>,
    /// What is pointed at.
    pub pointed: Option<Target>,
    /// What belongs to that.
    pub linked: Rc<BTreeSet<Target>>,
    /// Points at something, or at nothing.
    pub point: Callback<Option<Target>>,
    /// How it stands with the real machine's answer, where there is such a machine.
    pub real: Option<Rc<Standing>>,
}

impl PartialEq for Ctx {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.state, &other.state) && self.pointed == other.pointed && self.real == other.real
    }
}

impl Ctx {
    /// The context of a state, with what is linked to the pointed-at worked out.
    #[must_use]
    pub fn new(
        state: Rc<State>,
        act: Callback<Action>,
        pointed: Option<Target>,
        point: Callback<Option<Target>>,
    ) -> Self {
        let links = &state.current.translation.links;
        let linked = Rc::new(pointed.map(|target| related(links, target).collect()).unwrap_or_default());
        Self { state, act, pointed, linked, point, real: None }
    }

    /// A callback that acts.
    pub fn on<E: 'static>(&self, action: impl Fn(E) -> Action + 'static) -> Callback<E> {
        self.act.reform(action)
    }

    /// A callback that moves the stepper.
    pub fn go<E: 'static>(&self, to: Move) -> Callback<E> {
        self.on(move |_| Action::Step(to))
    }

    /// Points at a target while the pointer or the focus is there.
    #[must_use]
    pub fn enter<E: 'static>(&self, target: Target) -> Callback<E> {
        self.point.reform(move |_| Some(target))
    }

    /// Stops pointing.
    #[must_use]
    pub fn leave<E: 'static>(&self) -> Callback<E> {
        self.point.reform(|_| None)
    }

    /// The class of something that may be pointed at, or linked to what is.
    #[must_use]
    pub fn link_class(&self, target: Target) -> Option<&'static str> {
        if self.pointed == Some(target) {
            Some("pointed")
        } else if self.linked.contains(&target) {
            Some("linked")
        } else {
            None
        }
    }
}

/// The properties of a panel.
#[derive(Clone, PartialEq, Properties)]
pub struct Panel {
    /// The context.
    pub ctx: Ctx,
}

/// A number in hexadecimal, its digits set in fours; copied, it is plain.
pub fn hex(value: u128) -> Html {
    let digits = format!("{value:x}");
    let first = digits.len() % 4;
    let (head, rest) = digits.split_at(first);
    let groups = std::iter::once(head).filter(|head| !head.is_empty());
    let groups = groups.chain(rest.as_bytes().chunks(4).map(|group| std::str::from_utf8(group).unwrap_or_default()));
    html! {
        <span class="hex">{ "0x" }{ for groups.map(|group| html! { <span>{ group }</span> }) }</span>
    }
}

/// Text for screen readers alone.
pub fn spoken(text: &str) -> Html {
    html! { <span class="spoken">{ text }</span> }
}
