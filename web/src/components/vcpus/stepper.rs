//! The stepper: back, step, run, from the beginning, and anywhere between.

use super::Panel;
use crate::components::spoken;
use crate::vcpus::state::Action;
use web_sys::HtmlInputElement;
use yew::prelude::*;

const FIRST: &str = "M2 2h2v12H2zM14 2v12L5 8z";
const BACK: &str = "M13 2v12L3 8z";
const STEP: &str = "M3 2v12l10-6z";
const RUN: &str = "M1 2v12l7-6zM8 2v12l7-6z";
const RESTART: &str = "M8 3V0L3.5 4 8 8V5a4 4 0 1 1-4 4H2a6 6 0 1 0 6-6z";

/// The stepper.
#[function_component]
pub fn Stepper(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let (at, steps) = (ctx.state.at, ctx.state.run.steps());
    let moment = at.checked_sub(1).and_then(|step| ctx.replay().moments.get(step));
    let said = match moment {
        Some(moment) => format!("{}: {}", ctx.name(usize::from(moment.by.actor)), moment.text()),
        None => "The beginning: nothing has happened yet".into(),
    };
    let count = format!("Step {at} of {steps}");
    let onscrub = ctx.on(|event: InputEvent| {
        let input: HtmlInputElement = event.target_unchecked_into();
        Action::To(input.value().parse().unwrap_or_default())
    });
    let button = |sign: &'static str, name: &'static str, action: Action, off: bool| {
        html! {
            <button type="button" aria-disabled={off.then_some("true")} onclick={ctx.does(action)} title={name}>
                <svg viewBox="0 0 16 16" aria-hidden="true"><path d={sign} /></svg>{ spoken(name) }
            </button>
        }
    };
    let stuck = ctx.state.default_step().is_none();
    html! {
        <footer class="stepper" aria-label="Steps">
            <div class="buttons" role="group" aria-label="Step controls">
                { button(RESTART, "Restart", Action::Restart, steps == 0) }
                { button(FIRST, "To the beginning", Action::To(0), at == 0) }
                { button(BACK, "Back", Action::Back, at == 0) }
                { button(STEP, "Step", Action::Step, stuck) }
                { button(RUN, "Run to the end", Action::Run, stuck) }
            </div>
            <input type="range" id="scrubber" min="0" max={steps.to_string()} value={at.to_string()}
                aria-label="Step" aria-valuetext={format!("{count}: {said}")} oninput={onscrub} />
            <p class="now" aria-live="polite" id="now">
                <span class="count">{ count }</span>{ spoken(": ") }<span class="title">{ said }</span>
            </p>
        </footer>
    }
}
