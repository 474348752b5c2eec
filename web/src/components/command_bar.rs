//! The question: which instruction, from which Exception level, on which address.

use super::Panel;
use crate::catalogue::Entry;
use crate::state::Action;
use stagewalk::access::{Op, OpKind};
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

/// The command bar.
#[function_component]
pub fn CommandBar(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let state = &ctx.state;
    let onop = ctx.act.clone();
    let onop = Callback::from(move |event: Event| {
        let select: HtmlSelectElement = event.target_unchecked_into();
        if let Some(op) = Op::from_name(&select.value()) {
            onop.emit(Action::Op(op));
        }
    });
    let onel = ctx.on(|event: Event| {
        let select: HtmlSelectElement = event.target_unchecked_into();
        Action::El(select.value().parse().unwrap_or(1))
    });
    let onva = ctx.on(|event: InputEvent| {
        let input: HtmlInputElement = event.target_unchecked_into();
        Action::Va(input.value())
    });
    let onsubmit = Callback::from(|event: SubmitEvent| event.prevent_default());
    let wrong = state.va_error.is_some();
    let group = |label: &'static str, of: fn(&Op) -> bool| {
        let ops = Op::ALL.into_iter().filter(of);
        let option = |op: Op| {
            let selected = op == state.document.op;
            html! { <option value={op.name()} {selected}>{ spelled(op) }</option> }
        };
        html! { <optgroup {label}>{ for ops.map(option) }</optgroup> }
    };
    let level = |el: u8| {
        let selected = el == state.document.el;
        html! { <option value={el.to_string()} {selected}>{ format!("EL{el}") }</option> }
    };
    html! {
        <form class="command" aria-label="Question" {onsubmit}>
            <label class="of-op"><span>{ "Instruction" }</span>
                <select id="op" onchange={onop}>
                    { group("Stage 1", |op| matches!(op.kind(), OpKind::At(at) if !at.both_stages)) }
                    { group("Stages 1 and 2", |op| matches!(op.kind(), OpKind::At(at) if at.both_stages)) }
                    { group("Ordinary accesses", |op| matches!(op.kind(), OpKind::Access(of) if !of.stack)) }
                    { group("Guarded control stacks", |op| matches!(op.kind(), OpKind::Access(of) if of.stack)) }
                </select>
            </label>
            <label class="of-el"><span>{ "executed at" }</span>
                <select id="el" onchange={onel}>{ for (0..4).map(level) }</select>
            </label>
            <label class="of-va"><span>{ "Virtual address" }</span>
                <input id="va" class="mono" type="text" inputmode="text" spellcheck="false" autocomplete="off"
                    autocapitalize="none" value={state.va_text.clone()} oninput={onva}
                    onblur={ctx.on(|_: FocusEvent| Action::Settle)}
                    aria-invalid={wrong.then_some("true")} aria-describedby="va-error" />
            </label>
            <Places ctx={ctx.clone()} />
            <p id="va-error" class="error" role="status">
                if let Some(complaint) = &state.va_error {
                    { "✗ " }{ complaint }{ " The last good answer is shown." }
                }
            </p>
        </form>
    }
}

/// `AT S1E1R`, or an access by its name.
fn spelled(op: Op) -> String {
    match op.kind() {
        OpKind::At(_) => format!("AT {}", op.name()),
        OpKind::Access(_) => op.name().into(),
    }
}

/// Addresses worth asking about in a captured machine.
#[function_component]
fn Places(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let Some(Entry::System(system)) = ctx.state.entry() else { return Html::default() };
    let (op, va) = (ctx.state.document.op, ctx.state.document.va);
    let here = system.places.iter().position(|place| place.op == op && place.va == va);
    let act = ctx.act.clone();
    let onchange = Callback::from(move |event: Event| {
        let select: HtmlSelectElement = event.target_unchecked_into();
        let place = select.value().parse().ok().and_then(|index: usize| system.places.get(index));
        if let Some(place) = place {
            act.emit(Action::Ask(place.op, place.va));
        }
    });
    let option = |(index, place): (usize, &crate::catalogue::Place)| {
        let selected = here == Some(index);
        let label = format!("{} · {}", place.label, place.op.name());
        html! { <option value={index.to_string()} {selected}>{ label }</option> }
    };
    html! {
        <label class="of-place"><span>{ "Places in this system" }</span>
            <select id="place" {onchange}>
                <option value="" selected={here.is_none()}>{ "choose…" }</option>
                { for system.places.iter().enumerate().map(option) }
            </select>
        </label>
    }
}
