//! The result in a line, and why.

use super::real::MachineBadge;
use super::{Panel, hex};
use crate::state::{Action, Move};
use stagewalk::view::explain::{self, Reason};
use stagewalk::view::result::Kind;
use yew::prelude::*;

/// The result bar.
#[function_component]
pub fn ResultBar(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let open = use_state(|| false);
    let current = &ctx.state.current;
    let result = &current.translation.result;
    if let Some(refusal) = &current.refusal {
        return html! {
            <div class="result unsupported" role="status">
                <p class="verdict"><span class="sign" aria-hidden="true">{ "?" }</span>{ refusal.verdict }</p>
                <p>{ refusal.text.clone() }</p>
            </div>
        };
    }
    let (class, sign) = match result.kind {
        Kind::Success | Kind::Performed => ("result good", "✓"),
        Kind::Fault | Kind::Exception | Kind::Undefined => ("result bad", "✗"),
    };
    let toggle = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    let changed = ctx.state.changes.result;
    let reasons = if *open { explain::why(&current.case.pe, &current.translation.steps) } else { Vec::new() };
    let values = result.registers.iter().map(|register| {
        html! { <span class="mono value" data-register={register.register.name()}>
            <b>{ register.register.name() }</b>{ " " }{ hex(register.value) }
        </span> }
    });
    html! {
        <section {class} aria-label="Result">
            <p class="verdict"><span class="sign" aria-hidden="true">{ sign }</span>{ result.kind.name() }</p>
            <p class="values">{ for values }</p>
            <p class="summary">
                { result.summary.clone() }
                if let Some(unsaid) = &result.unsaid { <span class="unsaid">{ " " }{ unsaid }</span> }
                if changed { <span class="changed">{ "changed" }</span> }
            </p>
            <button type="button" id="why" onclick={toggle} aria-expanded={open.to_string()} aria-controls="why-chain">
                { "why?" }
            </button>
            <ol id="why-chain" class="chain" hidden={!*open}>
                { for reasons.iter().map(|reason| link(ctx, reason)) }
            </ol>
            <MachineBadge ctx={ctx.clone()} />
        </section>
    }
}

/// A reason that leads to its stop.
fn link(ctx: &super::Ctx, reason: &Reason) -> Html {
    let stops = &ctx.state.current.translation.stops;
    let stop = stops.iter().position(|stop| (stop.first..=stop.last).contains(&reason.step)).unwrap_or_default();
    html! {
        <li>
            <button type="button" class="place" onclick={ctx.on(move |_: MouseEvent| Action::Step(Move::To(stop)))}>
                { reason.place.clone() }
            </button>
            { reason_text(reason) }
        </li>
    }
}

/// A decision: what happened, the rule, the bits that decided.
pub fn reason_text(reason: &Reason) -> Html {
    let bits = reason.bits.iter().map(|bit| html! { <code>{ bit.text() }</code> });
    html! {
        <div class="reason">
            <p class="what">{ reason.what.clone() }</p>
            <p class="rule">{ reason.rule.text() }</p>
            <p class="source">
                { for bits }
                <cite>{ reason.rule.source() }</cite>
            </p>
        </div>
    }
}
