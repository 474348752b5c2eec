//! The screen: what is on it, and where.

use super::Ctx;
use super::actors::Actors;
use super::controls::{Controls, Picker};
use super::explore::Explore;
use super::keyboard;
use super::lanes::Lanes;
use super::offers::Offers;
use super::stepper::Stepper;
use super::tour::Tour;
use super::walk::WalkPanel;
use super::worker::use_exploration;
use crate::components::header::{Frame, Header, share};
use crate::components::keyboard::use_shortcuts;
use crate::components::notice::NoticeBar;
use crate::components::walk_page::skip;
use crate::vcpus::state::{Action, State};
use std::rc::Rc;
use yew::prelude::*;

/// A state, equal to itself alone.
#[derive(Clone)]
pub struct Shared(pub Rc<State>);

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// Properties of the screen.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What the page says.
    pub frame: Frame,
    /// The state.
    pub state: Shared,
    /// Acts on it.
    pub act: Callback<Action>,
}

/// The screen.
#[function_component]
pub fn VcpusPage(props: &Props) -> Html {
    let state = Rc::clone(&props.state.0);
    use_shortcuts(&props.act, props.frame.shortcuts, keyboard::keys);
    use_exploration(&state, &props.act);
    let ctx = Ctx { state, act: props.act.clone() };
    let history = &ctx.state.history;
    let linked = Rc::clone(&ctx.state);
    let share = share(move || linked.link().write(), ctx.on(Action::Tell));
    let scenario = &ctx.state.run.scenario;
    html! {
        <>
            <a class="skip" href="#next" onclick={skip(".offers button[tabindex='0']")}>{ "Skip to the next steps" }</a>
            <Header frame={props.frame.clone()} about={scenario.about.clone()} {share}
                can_undo={history.can_undo()} can_redo={history.can_redo()}
                undo={ctx.does(Action::Undo)} redo={ctx.does(Action::Redo)}
                fixed={keyboard::FIXED} keys={keyboard::KEYS}>
                <Picker ctx={ctx.clone()} />
            </Header>
            <NoticeBar notice={ctx.state.notice.clone()} dismiss={ctx.does(Action::Dismiss)} />
            <main class="bench several">
                <Tour ctx={ctx.clone()} />
                <Controls ctx={ctx.clone()} />
                <Lanes ctx={ctx.clone()} />
                <Offers ctx={ctx.clone()} />
                <Explore ctx={ctx.clone()} />
                <WalkPanel ctx={ctx.clone()} />
                <Actors ctx={ctx.clone()} />
            </main>
            <Stepper {ctx} />
        </>
    }
}
