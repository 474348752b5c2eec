//! What can happen next, in words.

use super::{Ctx, Panel};
use crate::browser;
use crate::components::spoken;
use crate::vcpus::state::Action;
use stagewalk::machine::Transition;
use stagewalk::view::machine::Moment;
use std::rc::Rc;
use wasm_bindgen::JsCast as _;
use web_sys::Element;
use yew::prelude::*;

/// The list.
#[function_component]
pub fn Offers(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let focus = ctx.state.focus;
    let mine = |offer: &&Moment| focus.is_none_or(|focus| focus == usize::from(offer.by.actor));
    let offers: Vec<&Moment> = ctx.offers().iter().filter(mine).collect();
    let default = ctx.state.default_step();
    // Who steps by this list goes on stepping by it: the step taken is gone, and the focus goes to the next default.
    let stepped = use_mut_ref(|| false);
    {
        let stepped = Rc::clone(&stepped);
        use_effect_with((ctx.state.at, ctx.state.run.steps()), move |_| {
            if stepped.replace(false) {
                browser::focus(".offers [tabindex='0']");
            }
        });
    }
    let take = {
        let act = ctx.act.clone();
        Callback::from(move |step: Transition| {
            stepped.replace(true);
            act.emit(Action::Take(step));
        })
    };
    html! {
        <section class="panel offers" id="next" aria-labelledby="next-title">
            <div class="heading">
                <h2 id="next-title">{ "What can happen next" }</h2>
                <p class="note">{ "Enter takes the marked one" }</p>
            </div>
            if offers.is_empty() {
                { nothing(ctx) }
            }
            <ul onkeydown={arrows()}>
                { for offers.iter().map(|offer| row(ctx, offer, default == Some(offer.by), &take)) }
            </ul>
        </section>
    }
}

fn row(ctx: &Ctx, offer: &Moment, default: bool, take: &Callback<Transition>) -> Html {
    let by = offer.by;
    let actor = usize::from(offer.by.actor);
    html! {
        <li>
            <button type="button" class={classes!("offer", offer.mark.name(), default.then_some("default"))}
                tabindex={if default { "0" } else { "-1" }} data-step={format!("{}.{}", actor, offer.by.choice)}
                onclick={take.reform(move |_: MouseEvent| by)}>
                <span class={classes!("who", Ctx::lane_class(actor))}>{ ctx.name(actor).to_owned() }</span>
                { spoken(": ") }
                <span class="text">{ offer.text() }</span>
                if default { <kbd aria-label="default step: Enter">{ "⏎" }</kbd> }
            </button>
        </li>
    }
}

/// Why nothing can happen.
fn nothing(ctx: &Ctx) -> Html {
    let Some(position) = ctx.replay().positions.get(ctx.state.at) else { return Html::default() };
    if position.ended() {
        let scenario = &ctx.state.run.scenario;
        let observed = ctx.replay().world.observe(position.state, &scenario.observables());
        return html! {
            <p class="outcome">
                { "Everybody has come to the end. Outcome: " }<b class="mono">{ scenario.outcome(&observed, true) }</b>
            </p>
        };
    }
    let waits = position.lanes.iter().enumerate().filter(|(actor, _)| ctx.state.focus.is_none_or(|one| one == *actor));
    let waits = waits.filter_map(|(actor, lane)| lane.waits.as_ref().map(|waits| (actor, waits)));
    html! {
        <ul class="waits">
            { for waits.map(|(actor, waits)| html! { <li>{ format!("{}: {waits}", ctx.name(actor)) }</li> }) }
            if ctx.state.focus.is_some() { <li>{ "Nothing that it can do now: others can go on." }</li> }
        </ul>
    }
}

/// Arrow keys go up and down the list.
fn arrows() -> Callback<KeyboardEvent> {
    Callback::from(|event: KeyboardEvent| {
        let here = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let Some(item) = here.and_then(|button| button.closest("li").ok().flatten()) else { return };
        let to = match event.key().as_str() {
            "ArrowUp" => item.previous_element_sibling(),
            "ArrowDown" => item.next_element_sibling(),
            "Home" => item.parent_element().and_then(|list| list.first_element_child()),
            "End" => item.parent_element().and_then(|list| list.last_element_child()),
            _ => return,
        };
        event.prevent_default();
        let button = to.and_then(|item| item.first_element_child());
        if let Some(button) = button.and_then(|button| button.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = button.focus();
        }
    })
}
