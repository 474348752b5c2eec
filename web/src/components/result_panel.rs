//! PAR_EL1, or the registers of an exception, field by field, each with the step that decided it.

use super::field_table::{number, range};
use super::real::MachineAnswer;
use super::{Ctx, Panel, hex};
use crate::state::Move;
use stagewalk::view::links::Target;
use stagewalk::view::result::{Decided, Register};
use stagewalk::view::words;
use yew::prelude::*;

/// The panel.
#[function_component]
pub fn ResultPanel(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let result = &ctx.state.current.translation.result;
    let silent = result.registers.is_empty() && ctx.real.is_none();
    if silent || ctx.state.current.refusal.is_some() {
        return Html::default();
    }
    html! {
        <section class="written" aria-labelledby="written-title">
            <h2 id="written-title">{ "What the instruction writes" }</h2>
            { for result.registers.iter().map(|written| register(ctx, written)) }
            <MachineAnswer ctx={ctx.clone()} />
        </section>
    }
}

fn register(ctx: &Ctx, written: &Register) -> Html {
    let name = written.register.name();
    let meaningful = written.fields.iter().filter(|decided| !decided.field.field.is_reserved());
    let changed =
        |decided: &Decided| ctx.state.changes.fields.contains_key(&(written.register, decided.field.field.name));
    let (silent, shown): (Vec<_>, Vec<_>) = meaningful.partition(|decided| is_silent(decided) && !changed(decided));
    html! {
        <div class="scroller" role="region" tabindex="0" aria-label={format!("{name}, fields")}>
            <table class="fields decided">
                <caption>
                    <b>{ name }</b>{ " " }<span class="mono" id={format!("value-{name}")}>{ hex(written.value) }</span>
                </caption>
                <thead>
                    <tr>
                        <th scope="col">{ "field" }</th><th scope="col">{ "value" }</th>
                        <th scope="col">{ "meaning" }</th><th scope="col">{ "decided at" }</th>
                    </tr>
                </thead>
                <tbody>{ for shown.into_iter().map(|decided| field(ctx, written, decided)) }</tbody>
            </table>
            { rest(&silent) }
        </div>
    }
}

/// Whether a field has nothing to say: it is 0 and 0 has no name, or it is nobody's to say.
const fn is_silent(decided: &Decided) -> bool {
    decided.unknown || (decided.field.value == 0 && decided.words.is_empty())
}

/// The fields that have nothing to say, by name.
fn rest(silent: &[&Decided]) -> Html {
    let names = |unknown: bool| {
        let named = silent.iter().filter(|decided| decided.unknown == unknown);
        named
            .map(|decided| format!("{} [{}]", decided.field.field.name, range(&decided.field)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (zero, unknown) = (names(false), names(true));
    html! {
        <p class="silent">
            if !zero.is_empty() { <span>{ format!("Also 0: {zero}.") }</span> }
            { " " }
            if !unknown.is_empty() { <span>{ format!("UNKNOWN or IMPLEMENTATION DEFINED: {unknown}.") }</span> }
        </p>
    }
}

fn field(ctx: &Ctx, written: &Register, decided: &Decided) -> Html {
    let held = &decided.field;
    let target = Target::Result(written.register, held.field.name);
    let change = ctx.state.changes.fields.get(&(written.register, held.field.name));
    let stops = &ctx.state.current.translation.stops;
    let stop = decided.step.and_then(|step| stops.iter().position(|stop| (stop.first..=stop.last).contains(&step)));
    html! {
        <tr class={classes!(ctx.link_class(target), change.map(|_| "is-changed"))} data-field={held.field.name}
            onpointerenter={ctx.enter(target)} onpointerleave={ctx.leave()}>
            <th scope="row" title={held.field.meaning}>
                { held.field.name }<span class="range">{ range(held) }</span>
            </th>
            <td class="mono">
                { number(held) }
                if let Some(was) = change { <span class="changed">{ before(*was, held.field.width()) }</span> }
            </td>
            <td class="meaning">
                <span class="named">{ decided.words.clone() }</span>
                <span class="about">{ held.field.meaning }</span>
            </td>
            <td>
                if let Some(stop) = stop {
                    <button type="button" class="place" onclick={ctx.go(Move::To(stop))}
                        onfocus={ctx.enter(target)} onblur={ctx.leave()}>{ format!("step {}", stop + 1) }</button>
                }
            </td>
        </tr>
    }
}

fn before(was: Option<u64>, width: u8) -> String {
    match was {
        None => "new".into(),
        Some(was) if width <= 4 => format!("was {}", words::binary(was, width)),
        Some(was) => format!("was {was:#x}"),
    }
}
