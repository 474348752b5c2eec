//! The keys of the screen.

use crate::components::header::KeyList;
use crate::components::keyboard::{on_nothing, takes_keys, undoes};
use crate::vcpus::state::Action;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, KeyboardEvent};
use yew::prelude::*;

/// The single keys, for the list that tells people.
pub const KEYS: KeyList = &[
    ("n", "the default step"),
    ("p", "step back"),
    ("g", "run to the end"),
    ("e", "explore all"),
    ("0 1 2 3 4", "look at everybody, or at one"),
    ("u", "undo"),
    ("r", "redo"),
];

/// The keys that cannot be turned off.
pub const FIXED: KeyList = &[
    ("Enter", "the default step"),
    ("← →", "step back, step on"),
    ("↑ ↓", "in the list: another step to take"),
    ("↑ ↓ ← →", "in the lanes: from step to step"),
    ("Ctrl+Z", "undo"),
];

/// Does what a key says.
pub fn keys(event: &KeyboardEvent, act: &Callback<Action>, single_keys: bool) -> bool {
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
        "Enter" if !on_control(event) => Action::Step,
        "ArrowLeft" => Action::Back,
        "ArrowRight" => Action::Step,
        "Home" if on_nothing(event) => Action::To(0),
        "End" if on_nothing(event) => Action::To(usize::MAX),
        "n" if single_keys => Action::Step,
        "p" if single_keys => Action::Back,
        "g" if single_keys => Action::Run,
        "e" if single_keys => Action::Explore,
        "u" if single_keys => Action::Undo,
        "r" if single_keys => Action::Redo,
        "0" if single_keys => Action::Focus(None),
        "1" | "2" | "3" | "4" | "5" if single_keys => {
            Action::Focus(key.parse().ok().and_then(|number: usize| number.checked_sub(1)))
        }
        _ => return false,
    };
    act.emit(action);
    true
}

/// Whether the focus is on something that Enter itself works.
fn on_control(event: &KeyboardEvent) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    element.is_some_and(|element| element.closest("a, button, summary").ok().flatten().is_some())
}
