//! The regime in words, and what made it so.

use super::Panel;
use stagewalk::view::regime::Topic;
use yew::prelude::*;

/// The regime strip.
#[function_component]
pub fn RegimeStrip(props: &Panel) -> Html {
    let state = &props.ctx.state;
    let clauses = &state.current.translation.regime;
    if clauses.is_empty() {
        let nothing = "The instruction does not execute: no regime is chosen, and nothing is walked.";
        return html! { <p class="regime none">{ nothing }</p> };
    }
    let clause = |(index, clause): (usize, &stagewalk::view::regime::Clause)| {
        let class = match clause.topic {
            Topic::Stage1 if clause.text.starts_with("on") => "clause s1",
            Topic::Stage2 if clause.text.starts_with("on") => "clause s2",
            _ => "clause",
        };
        let changed = state.changes.clauses.contains(&index);
        html! {
            <div {class}>
                <dt>{ clause.topic.name() }</dt>
                <dd>
                    <span class="text">{ clause.text.clone() }</span>
                    if changed { <span class="changed">{ "changed" }</span> }
                    <span class="because">{ clause.because.clone() }</span>
                </dd>
            </div>
        }
    };
    html! { <dl class="regime" aria-label="Regime">{ for clauses.iter().enumerate().map(clause) }</dl> }
}
