//! What is told: the story, who executes AT, and whom to look at.

use super::Panel;
use crate::vcpus::policies;
use crate::vcpus::state::Action;
use stagewalk::scenario::machine::stories::{self, Story};
use web_sys::HtmlSelectElement;
use yew::prelude::*;

/// The story picker.
#[function_component]
pub fn Picker(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let title = |story: &Story| story.scenario().map(|scenario| scenario.title).unwrap_or_default();
    let titles = use_memo((), |()| stories::ALL.iter().map(title).collect::<Vec<_>>());
    let option = |(story, title): (&Story, &String)| {
        html! { <option value={story.name} selected={story.name == ctx.state.run.story}>{ title.clone() }</option> }
    };
    let onchange = ctx.on(|event: Event| Action::Open(event.target_unchecked_into::<HtmlSelectElement>().value()));
    html! {
        <label class="pick">
            <span>{ "Scenario" }</span>
            <select id="story" {onchange}>{ for stories::ALL.iter().zip(titles.iter()).map(option) }</select>
        </label>
    }
}

/// Who executes AT, and whom to look at.
#[function_component]
pub fn Controls(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let policy = ctx.state.run.policy;
    let option = |choice: &'static policies::Choice| {
        html! { <option value={choice.name} selected={choice == policy}>{ choice.title }</option> }
    };
    let onchange = ctx.on(|event: Event| Action::Policy(event.target_unchecked_into::<HtmlSelectElement>().value()));
    html! {
        <section class="question policy" aria-label="How it is done">
            <div class="command">
                <label>
                    <span>{ "AT is executed by hardware, or by a hypervisor that will" }</span>
                    <select id="policy" {onchange} aria-describedby="policy-about">
                        { for policies::ALL.iter().map(option) }
                    </select>
                </label>
                <Focus ctx={ctx.clone()} />
                if ctx.state.tour.is_none() && !crate::vcpus::tour::PAGES.is_empty() {
                    <button type="button" id="start-tour" onclick={ctx.does(Action::Tour(Some(0)))}>
                        { "Take the tour" }
                    </button>
                }
            </div>
            <p id="policy-about" class="note">{ policy.about }</p>
        </section>
    }
}

/// Whom to look at.
#[function_component]
fn Focus(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let choice = |actor: Option<usize>, name: &str| {
        let checked = ctx.state.focus == actor;
        let onchange = ctx.on(move |_: Event| Action::Focus(actor));
        html! {
            <label class="choice">
                <input type="radio" name="focus" {checked} {onchange} /><span>{ name.to_owned() }</span>
            </label>
        }
    };
    let actors = ctx.state.run.scenario.machine.actors.len();
    html! {
        <fieldset class="choices">
            <legend>{ "Look at" }</legend>
            { choice(None, "everybody") }
            { for (0..actors).map(|actor| choice(Some(actor), ctx.name(actor))) }
        </fieldset>
    }
}
