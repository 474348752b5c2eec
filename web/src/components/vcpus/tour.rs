//! The guided tour, beside what it shows.

use super::Panel;
use crate::browser;
use crate::vcpus::state::Action;
use crate::vcpus::tour::PAGES;
use yew::prelude::*;

/// The page of the tour.
#[function_component]
pub fn Tour(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let number = ctx.state.tour;
    {
        use_effect_with(number, |number| {
            if number.is_some() {
                browser::focus("#tour-title");
            }
        });
    }
    let Some((number, page)) = number.and_then(|number| PAGES.get(number).map(|page| (number, page))) else {
        return Html::default();
    };
    let last = number + 1 == PAGES.len();
    let back = number.checked_sub(1);
    html! {
        <section class="tour" aria-labelledby="tour-title">
            <p class="note">{ format!("The tour, {} of {}", number + 1, PAGES.len()) }</p>
            <h2 id="tour-title" tabindex="-1">{ page.title }</h2>
            <div class="text">{ for page.text.iter().map(|text| html! { <p>{ *text }</p> }) }</div>
            <div class="turns">
                <button type="button" aria-disabled={back.is_none().then_some("true")}
                    onclick={ctx.does(Action::Tour(Some(back.unwrap_or_default())))}>{ "Previous" }</button>
                if last {
                    <button type="button" class="go" onclick={ctx.does(Action::Tour(None))}>{ "End the tour" }</button>
                } else {
                    <button type="button" class="go" onclick={ctx.does(Action::Tour(Some(number + 1)))}>
                        { "Next page" }
                    </button>
                    <button type="button" class="quiet-button" onclick={ctx.does(Action::Tour(None))}>
                        { "Leave the tour" }
                    </button>
                }
            </div>
        </section>
    }
}
