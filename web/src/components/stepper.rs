//! The stepper: first, back, next, last, and anywhere between.

use super::{Panel, spoken};
use crate::state::{Action, Move};
use web_sys::HtmlInputElement;
use yew::prelude::*;

const FIRST: &str = "M2 2h2v12H2zM14 2v12L5 8z";
const BACK: &str = "M13 2v12L3 8z";
const NEXT: &str = "M3 2v12l10-6z";
const LAST: &str = "M12 2h2v12h-2zM2 2v12l9-6z";

/// The stepper.
#[function_component]
pub fn Stepper(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let (stop, last) = (ctx.state.stop, ctx.state.current.last());
    let translation = &ctx.state.current.translation;
    let title = translation.stops.get(stop).map(|stop| stop.title(&translation.steps)).unwrap_or_default();
    let onscrub = ctx.on(|event: InputEvent| {
        let input: HtmlInputElement = event.target_unchecked_into();
        Action::Step(Move::To(input.value().parse::<usize>().unwrap_or(1).saturating_sub(1)))
    });
    let button = |sign: &'static str, name: &'static str, to: Move, off: bool| {
        html! {
            <button type="button" aria-disabled={off.then_some("true")} onclick={ctx.go(to)} title={name}>
                <svg viewBox="0 0 16 16" aria-hidden="true"><path d={sign} /></svg>{ spoken(name) }
            </button>
        }
    };
    let count = format!("Step {} of {}", stop + 1, last + 1);
    html! {
        <footer class="stepper" aria-label="Steps">
            <div class="buttons" role="group" aria-label="Step controls">
                { button(FIRST, "First step", Move::First, stop == 0) }
                { button(BACK, "Back", Move::Back, stop == 0) }
                { button(NEXT, "Next", Move::Next, stop == last) }
                { button(LAST, "Last step", Move::Last, stop == last) }
            </div>
            <input type="range" id="scrubber" min="1" max={(last + 1).to_string()} value={(stop + 1).to_string()}
                aria-label="Step" aria-valuetext={format!("{count}: {title}")} oninput={onscrub} />
            <p class="now" aria-live="polite" id="now">
                <span class="count">{ count }</span>{ spoken(": ") }<span class="title">{ title }</span>
            </p>
        </footer>
    }
}
