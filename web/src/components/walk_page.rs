//! The screen of one walk.

use super::Ctx;
use super::command_bar::CommandBar;
use super::header::{Frame, WalkHeader};
use super::inspector::Inspector;
use super::keyboard;
use super::matrix::Walk;
use super::memory::MemoryPanel;
use super::notice::NoticeBar;
use super::real::use_real;
use super::regime_strip::RegimeStrip;
use super::registers::Registers;
use super::result_bar::ResultBar;
use super::result_panel::ResultPanel;
use super::stepper::Stepper;
use super::va_strip::VaStrip;
use crate::browser;
use crate::state::{Action, State};
use stagewalk::view::links::Target;
use std::rc::Rc;
use yew::prelude::*;

/// Properties of the screen.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What the page says.
    pub frame: Frame,
    /// The state.
    pub state: Shared,
    /// Acts on it.
    pub act: Callback<Action>,
    /// What the real machine is asked with, where there is one.
    pub token: Option<AttrValue>,
}

/// A state, equal to itself alone.
#[derive(Clone)]
pub struct Shared(pub Rc<State>);

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// The screen.
#[function_component]
pub fn WalkPage(props: &Props) -> Html {
    let pointed = use_state_eq(|| None::<Target>);
    let point = {
        let pointed = pointed.clone();
        Callback::from(move |target| pointed.set(target))
    };
    keyboard::use_shortcuts(&props.act, props.frame.shortcuts, keyboard::walk_keys);
    let real = use_real(&props.state.0.current, props.token.as_ref());
    let ctx = Ctx { real, ..Ctx::new(Rc::clone(&props.state.0), props.act.clone(), *pointed, point) };
    let dismiss = ctx.on(|_: MouseEvent| Action::Dismiss);
    html! {
        <>
            <a class="skip" href="#walk" onclick={skip("#walk button[tabindex='0']")}>{ "Skip to the walk" }</a>
            <WalkHeader ctx={ctx.clone()} frame={props.frame.clone()} />
            <NoticeBar notice={ctx.state.notice.clone()} {dismiss} />
            <main class="bench">
                <div class="question">
                    <CommandBar ctx={ctx.clone()} />
                    <ResultBar ctx={ctx.clone()} />
                    <RegimeStrip ctx={ctx.clone()} />
                </div>
                <VaStrip ctx={ctx.clone()} />
                <Walk ctx={ctx.clone()} />
                <Inspector ctx={ctx.clone()} />
                <ResultPanel ctx={ctx.clone()} />
                <div class="machine">
                    <Registers ctx={ctx.clone()} />
                    <MemoryPanel ctx={ctx.clone()} />
                </div>
            </main>
            <Stepper {ctx} />
        </>
    }
}

/// Moves the focus without touching the fragment, which holds the state.
pub fn skip(selector: &'static str) -> Callback<MouseEvent> {
    Callback::from(move |event: MouseEvent| {
        event.prevent_default();
        browser::focus(selector);
    })
}
