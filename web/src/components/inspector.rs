//! Everything about the step shown: where the descriptor's address comes from, its bits, and what was decided.

use super::bits::Bits;
use super::field_table::FieldTable;
use super::hex_input::HexInput;
use super::result_bar::reason_text;
use super::{Ctx, Panel, hex, va_strip};
use crate::state::Action;
use stagewalk::regime::Stage;
use stagewalk::step::{Event, Step};
use stagewalk::view::explain::{self, Formula};
use stagewalk::view::fields::{self, Decoded};
use stagewalk::view::links::Target;
use stagewalk::view::so_far::so_far;
use stagewalk::view::{va, words};
use std::rc::Rc;
use yew::prelude::*;

/// The inspector.
#[function_component]
pub fn Inspector(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let translation = &ctx.state.current.translation;
    let Some(stop) = translation.stops.get(ctx.state.stop) else { return Html::default() };
    let class = match stop.place.stage {
        Some(Stage::S1) => "inspector s1",
        Some(Stage::S2) => "inspector s2",
        None => "inspector",
    };
    let title = words::capitalised(&words::place(stop.place));
    let read = translation.steps_of(ctx.state.stop).iter().find(|step| Formula::of(step).is_some());
    let reasons = (stop.first..=stop.last)
        .filter_map(|step| explain::reason(&ctx.state.current.case.pe, &translation.steps, step));
    html! {
        <aside {class} aria-labelledby="inspector-title">
            <h2 id="inspector-title"><span class="of">{ "Inspector " }</span>{ title }</h2>
            if let Some(step) = read { <Lookup ctx={ctx.clone()} step={*step} /> }
            { for translation.steps_of(ctx.state.stop).iter().filter_map(|step| update(ctx, step)) }
            <section class="decisions" aria-labelledby="decisions-title">
                <h3 id="decisions-title">{ "Decided here" }</h3>
                <ol class="chain">{ for reasons.map(|reason| html! { <li>{ reason_text(&reason) }</li> }) }</ol>
            </section>
            <SoFar ctx={ctx.clone()} last={stop.last} />
        </aside>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct LookupProps {
    ctx: Ctx,
    step: Step,
}

/// A descriptor read: its address, its bits.
#[function_component]
fn Lookup(props: &LookupProps) -> Html {
    let (ctx, step) = (&props.ctx, &props.step);
    let Event::Read { physical, value, input, wide, .. } = step.event else { return Html::default() };
    let case = &ctx.state.current.case;
    let steps = &ctx.state.current.translation.steps;
    let swapped = fields::is_big_endian(&case.pe, steps, step.place);
    let decoded = fields::descriptor(&case.pe, steps, step.place, value);
    let address = physical.address;
    let stored = move |value: u128| stored(address, value, wide, swapped);
    let write = ctx.on(move |value: u128| Action::Words(stored(value)));
    let flip = {
        let act = ctx.act.clone();
        Callback::from(move |bit: u8| {
            act.emit(Action::Settle);
            act.emit(Action::Words(stored(value ^ 1 << bit)));
            act.emit(Action::Settle);
        })
    };
    let words = stored(value);
    let edited = words.iter().any(|(address, _)| ctx.state.document.mem.contains_key(address));
    let machine = Rc::clone(&ctx.state.machine);
    let revert = ctx.on(move |_: MouseEvent| {
        Action::Words(words.iter().map(|&(address, _)| (address, machine.memory.word(address))).collect())
    });
    html! {
        <section class="lookup" aria-labelledby="descriptor-title">
            if let Some(formula) = Formula::of(step) { { address_formula(&formula) } }
            if step.place.stage == Some(Stage::S2) {
                { va_strip::plain(&va::stage2(&case.pe, input, leaf(ctx))) }
            }
            <h3 id="descriptor-title">{ decoded.title.clone() }</h3>
            <div class="edit">
                <HexInput label="Descriptor, hexadecimal" id="descriptor" {value} bits={u32::from(decoded.width)}
                    set={write} settle={ctx.on(|()| Action::Settle)} />
                if edited {
                    <button type="button" class="revert" onclick={revert}>{ "edited: back to what it was" }</button>
                }
                if swapped { <span class="note">{ "stored big-endian" }</span> }
            </div>
            { word(ctx, &decoded, flip) }
        </section>
    }
}

/// What hardware's update of a descriptor changed.
fn update(ctx: &Ctx, step: &Step) -> Option<Html> {
    let Event::Update { physical, old, new, found } = step.event else { return None };
    let steps = &ctx.state.current.translation.steps;
    let pe = &ctx.state.current.case.pe;
    let was = fields::descriptor(pe, steps, step.place, old);
    let is = fields::descriptor(pe, steps, step.place, new);
    let differ = is.fields.into_iter().filter(|held| {
        was.fields.iter().all(|earlier| (earlier.field.name, earlier.value) != (held.field.name, held.value))
    });
    Some(html! {
        <section class="lookup" aria-labelledby="update-title">
            <h3 id="update-title">{ "Compare-and-swap at " }{ hex(physical.address.into()) }</h3>
            <p class="formula mono">
                <span class="term"><span class="tag">{ "expected" }</span>{ hex(old) }</span>
                <span class="term"><span class="tag">{ "found" }</span>{ hex(found) }</span>
                if found == old {
                    { " ⇒ " }
                    <span class="term"><span class="tag">{ "written" }</span>{ hex(new) }</span>
                }
            </p>
            <FieldTable label="Fields the update changes" fields={differ.collect::<Vec<_>>()} />
        </section>
    })
}

/// The words of memory that hold a descriptor, least significant byte first.
fn stored(address: u64, value: u128, wide: bool, swapped: bool) -> Vec<(u64, u64)> {
    let value = match (swapped, wide) {
        (false, _) => value,
        (true, false) => u128::from((value as u64).swap_bytes()),
        (true, true) => value.swap_bytes(),
    };
    let low = (address, value as u64);
    if wide { vec![low, (address | 8, (value >> 64) as u64)] } else { vec![low] }
}

/// The level of the leaf that the shown stage-2 lookup came to.
fn leaf(ctx: &Ctx) -> Option<i8> {
    let translation = &ctx.state.current.translation;
    let stop = translation.stops.get(ctx.state.stop)?;
    let same = |step: &&Step| step.place.stage == stop.place.stage && step.place.purpose == stop.place.purpose;
    let mut after = translation.steps.iter().skip(stop.first).filter(same);
    after.find(|step| matches!(step.event, Event::Leaf { .. })).and_then(|step| step.place.level)
}

fn address_formula(formula: &Formula) -> Html {
    let result = if formula.descriptor == formula.physical { "descriptor" } else { "IPA" };
    let bits = format!("{}[{}:{}]", formula.input_name(), formula.high, formula.low);
    html! {
        <p class="formula mono">
            <span class="term"><span class="tag">{ "table" }</span>{ hex(formula.table.into()) }</span>
            { " + " }
            <span class="term"><span class="tag">{ bits }</span>{ hex(formula.index.into()) }</span>
            { format!(" × {} = ", formula.bytes) }
            <span class="term"><span class="tag">{ result }</span>{ hex(formula.descriptor.into()) }</span>
            if formula.descriptor != formula.physical {
                { " ⇒ " }
                <span class="term"><span class="tag">{ "PA, by stage 2" }</span>{ hex(formula.physical.into()) }</span>
            }
        </p>
    }
}

/// The bits and fields of the descriptor, linked to the rest of the page.
fn word(ctx: &Ctx, decoded: &Decoded, flip: Callback<u8>) -> Html {
    let stop = ctx.state.stop;
    let names = decoded.fields.iter().map(|held| held.field.name);
    let linked: Vec<_> = names.filter(|name| ctx.link_class(Target::Field(stop, name)).is_some()).collect();
    let point = ctx.point.reform(move |name: Option<&'static str>| name.map(|name| Target::Field(stop, name)));
    html! {
        <>
            <Bits label={decoded.title.clone()} id="descriptor-bits" value={decoded.value} width={decoded.width}
                fields={decoded.fields.clone()} {flip} linked={linked.clone()} point={point.clone()} />
            <FieldTable label={format!("{}, fields", decoded.title)} fields={decoded.fields.clone()} {linked} {point} />
        </>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct SoFarProps {
    ctx: Ctx,
    last: usize,
}

/// What is known by now.
#[function_component]
fn SoFar(props: &SoFarProps) -> Html {
    let known = so_far(&props.ctx.state.current.translation.steps, props.last);
    if known.is_empty() {
        return Html::default();
    }
    let row = |known: &stagewalk::view::so_far::Known| {
        html! { <><dt>{ known.topic.clone() }</dt><dd>{ known.text.clone() }</dd></> }
    };
    html! {
        <section class="so-far" aria-labelledby="so-far-title">
            <h3 id="so-far-title">{ "Known so far" }</h3>
            <dl>{ for known.iter().map(row) }</dl>
        </section>
    }
}
