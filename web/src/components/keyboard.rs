//! Keys that work anywhere on the page.

use super::header::KeyList;
use crate::browser;
use crate::state::{Action, Move};
use gloo::events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast as _;
use web_sys::{Element, KeyboardEvent};
use yew::prelude::*;

/// The single keys, for the list that tells people.
pub const KEYS: KeyList =
    &[("n", "next step"), ("p", "previous step"), ("u", "undo"), ("r", "redo"), ("/", "to the address"), ("w", "why?")];

/// The keys that cannot be turned off.
pub const FIXED: KeyList =
    &[("← →", "step back, step on"), ("↑ ↓ ← →", "in the walk: from lookup to lookup"), ("Ctrl+Z", "undo")];

/// Listens to the keyboard; `handle` says whether a key was for it. Single keys can be turned off; arrows and Ctrl+Z
/// cannot be pressed by talking.
#[hook]
pub fn use_shortcuts<A: 'static>(
    act: &Callback<A>,
    single_keys: bool,
    handle: fn(&KeyboardEvent, &Callback<A>, bool) -> bool,
) {
    let act = act.clone();
    use_effect_with(single_keys, move |&single_keys| {
        let options = EventListenerOptions::enable_prevent_default();
        let document = gloo::utils::document();
        let listener = EventListener::new_with_options(&document, "keydown", options, move |event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
            if !event.default_prevented() && handle(event, &act, single_keys) {
                event.prevent_default();
            }
        });
        move || drop(listener)
    });
}

/// Undo and redo, as Ctrl+Z and its relatives ask for them: whether it is undo.
pub fn undoes(event: &KeyboardEvent) -> Option<bool> {
    match (event.key().to_ascii_lowercase().as_str(), event.shift_key()) {
        ("z", false) => Some(true),
        ("z", true) | ("y", false) => Some(false),
        _ => None,
    }
}

/// The keys of the walk.
pub fn walk_keys(event: &KeyboardEvent, act: &Callback<Action>, single_keys: bool) -> bool {
    let key = event.key();
    if event.ctrl_key() || event.meta_key() {
        let Some(undo) = undoes(event) else { return false };
        act.emit(if undo { Action::Undo } else { Action::Redo });
        return true;
    }
    if event.alt_key() || takes_keys(event) {
        return false;
    }
    let action = match key.as_str() {
        "ArrowLeft" => Action::Step(Move::Back),
        "ArrowRight" => Action::Step(Move::Next),
        "Home" if on_nothing(event) => Action::Step(Move::First),
        "End" if on_nothing(event) => Action::Step(Move::Last),
        "n" if single_keys => Action::Step(Move::Next),
        "p" if single_keys => Action::Step(Move::Back),
        "u" if single_keys => Action::Undo,
        "r" if single_keys => Action::Redo,
        "/" if single_keys => {
            browser::focus("#va");
            return true;
        }
        "w" if single_keys => {
            browser::click("#why");
            return true;
        }
        _ => return false,
    };
    act.emit(action);
    true
}

/// Whether the focus is where keys mean something of their own.
pub fn takes_keys(event: &KeyboardEvent) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    element.is_some_and(|element| element.closest("input, select, textarea, [data-keys]").ok().flatten().is_some())
}

/// Whether the focus is on nothing, so that Home and End are free.
pub fn on_nothing(event: &KeyboardEvent) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    element.is_none_or(|element| element.tag_name() == "BODY")
}
