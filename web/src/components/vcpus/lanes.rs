//! Lanes over time: a row for each actor and one for memory, a column for each step.

use super::{Ctx, Panel};
use crate::browser;
use crate::components::spoken;
use crate::vcpus::state::Action;
use stagewalk::view::machine::{Doing, Lane, Moment, Wrote};
use yew::prelude::*;

/// The lanes.
#[function_component]
pub fn Lanes(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let (at, steps) = (ctx.state.at, ctx.state.run.steps());
    let scroller = use_node_ref();
    {
        let scroller = scroller.clone();
        use_effect_with((at, steps), move |_| browser::reveal(&scroller.cast(), "thead .next"));
    }
    let actors = ctx.state.run.scenario.machine.actors.len();
    html! {
        <section class="lanes" id="lanes" aria-labelledby="lanes-title">
            <div class="heading">
                <h2 id="lanes-title">{ "Lanes" }</h2>
                <Legend />
            </div>
            <div class="scroller" role="region" aria-label="Lanes over time" tabindex="0" ref={scroller}>
                <table class="timeline" aria-labelledby="lanes-title" data-keys="" onkeydown={arrows(ctx)}>
                    <thead>
                        <tr>
                            <th scope="col">{ spoken("actor") }</th>
                            { for (0..=at).map(|position| number(ctx, position)) }
                            <th scope="col" class="next">{ "next" }</th>
                            { for (at + 1..=steps).map(|position| number(ctx, position)) }
                        </tr>
                    </thead>
                    <tbody>
                        { for (0..actors).map(|actor| row(ctx, actor)) }
                        { memory(ctx) }
                    </tbody>
                </table>
            </div>
        </section>
    }
}

#[function_component]
fn Legend() -> Html {
    let key = |class: &'static str, words: &'static str| {
        html! { <li><span class={classes!("band", class)} aria-hidden="true" />{ words }</li> }
    };
    html! {
        <ul class="legend">
            { key("running", "running") }
            { key("emulating", "AT emulated") }
            { key("asked", "asked to pause") }
            { key("paused", "paused") }
            <li><span class="arrow-key" aria-hidden="true">{ "▼" }</span>{ "writes memory" }</li>
        </ul>
    }
}

fn number(ctx: &Ctx, position: usize) -> Html {
    let now = position == ctx.state.at;
    let text = if position == 0 { "start".to_owned() } else { position.to_string() };
    let class = classes!("number", now.then_some("now"), (position > ctx.state.at).then_some("future"));
    html! { <th scope="col" {class} aria-current={now.then_some("step")}>{ text }</th> }
}

fn row(ctx: &Ctx, actor: usize) -> Html {
    let (at, steps) = (ctx.state.at, ctx.state.run.steps());
    let dim = ctx.state.focus.is_some_and(|focus| focus != actor);
    let lane = ctx.replay().positions.get(at).and_then(|position| position.lanes.get(actor));
    html! {
        <tr class={classes!("lane", Ctx::lane_class(actor), dim.then_some("dim"))}>
            <th scope="row">
                <span class="name">{ ctx.name(actor).to_owned() }</span>
                if let Some(lane) = lane { <span class="note">{ status(lane) }</span> }
            </th>
            { for (0..=at).map(|position| cell(ctx, actor, position)) }
            { next(ctx, actor) }
            { for (at + 1..=steps).map(|position| cell(ctx, actor, position)) }
        </tr>
    }
}

/// What an actor is doing, in words.
pub fn status(lane: &Lane) -> String {
    let asked = if lane.asked { ", asked to pause" } else { "" };
    let waits = if lane.waits.is_some() && lane.doing != Doing::Paused { ", waiting" } else { "" };
    format!("{}{asked}{waits}", lane.doing.name())
}

fn cell(ctx: &Ctx, actor: usize, position: usize) -> Html {
    let replay = ctx.replay();
    let lane = replay.positions.get(position).and_then(|position| position.lanes.get(actor));
    let before = position.checked_sub(1).and_then(|before| replay.positions.get(before));
    let before = before.and_then(|position| position.lanes.get(actor));
    let Some(lane) = lane else { return Html::default() };
    let moment = position.checked_sub(1).and_then(|step| replay.moments.get(step));
    let own = moment.filter(|moment| usize::from(moment.by.actor) == actor);
    let passes = moment.is_some_and(|moment| usize::from(moment.by.actor) < actor && !moment.wrote.is_empty());
    let drops = own.is_some_and(|moment| !moment.wrote.is_empty());
    let begins = before.is_none_or(|before| (before.doing, before.asked) != (lane.doing, lane.asked));
    let waits = lane.waits.is_some() && !matches!(lane.doing, Doing::Paused | Doing::Ended);
    let after = replay.positions.get(position + 1).and_then(|position| position.lanes.get(actor));
    // a name needs room: a span of one step says by its tick what it is
    let long = after.is_none_or(|after| (after.doing, after.asked) == (lane.doing, lane.asked));
    let class = classes!(
        "slot",
        lane.doing.name(),
        lane.asked.then_some("asked"),
        waits.then_some("waiting"),
        (position == ctx.state.at).then_some("now"),
        (position > ctx.state.at).then_some("future"),
        passes.then_some("pass"),
        drops.then_some("drop"),
    );
    html! {
        <td {class}>
            if begins && long && position > 0 {
                if let Some(name) = span(lane, before) { <span class="span-name">{ name }</span> }
            }
            if let Some(moment) = own { { tick(ctx, position, moment) } }
        </td>
    }
}

/// The name of a span that begins.
fn span(lane: &Lane, before: Option<&Lane>) -> Option<&'static str> {
    match lane.doing {
        Doing::Paused => Some("❚❚ paused"),
        Doing::Ended => Some("■ ended"),
        Doing::Running if lane.asked => Some("asked to pause"),
        Doing::Running if before.is_some_and(|before| before.doing == Doing::Paused) => Some("resumed"),
        Doing::Running => None,
        other => Some(other.name()),
    }
}

/// A step that was taken.
fn tick(ctx: &Ctx, position: usize, moment: &Moment) -> Html {
    let here = position == ctx.state.at;
    let home = here || (ctx.state.at == 0 && position == 1);
    let said = format!("Step {position}, {}: ", ctx.name(usize::from(moment.by.actor)));
    html! {
        <button type="button" class={classes!("tick", moment.mark.name())} data-position={position.to_string()}
            tabindex={if home { "0" } else { "-1" }} aria-current={here.then_some("step")} title={moment.text()}
            onclick={ctx.does(Action::To(position))}>
            { spoken(&said) }<span>{ moment.label.clone() }</span>{ spoken(&format!(": {}", moment.text())) }
        </button>
    }
}

/// What an actor can do next.
fn next(ctx: &Ctx, actor: usize) -> Html {
    let offers: Vec<&Moment> = ctx.offers().iter().filter(|offer| usize::from(offer.by.actor) == actor).collect();
    let default = ctx.state.default_step();
    let many = offers.len() > 1;
    let button = |(number, offer): (usize, &&Moment)| {
        let label = if many { format!("{} {}", offer.label, number + 1) } else { offer.label.clone() };
        let is_default = default == Some(offer.by);
        html! {
            <button type="button" class={classes!("tick", "open", offer.mark.name(), is_default.then_some("default"))}
                title={offer.text()} onclick={ctx.does(Action::Take(offer.by))}>
                { spoken(&format!("{}, next: ", ctx.name(actor))) }<span>{ label }</span>
                { spoken(&format!(": {}", offer.text())) }
            </button>
        }
    };
    let waits = ctx.replay().positions.get(ctx.state.at).and_then(|position| position.lanes.get(actor)?.waits.clone());
    html! {
        <td class="next">
            <div>{ for offers.iter().enumerate().map(button) }</div>
            if let Some(waits) = waits { <span class="note" title={waits.clone()}>{ "waits" }{ spoken(&waits) }</span> }
        </td>
    }
}

/// The lane of memory: what each step wrote.
fn memory(ctx: &Ctx) -> Html {
    let (at, steps) = (ctx.state.at, ctx.state.run.steps());
    let cell = |position: usize| {
        let moment = position.checked_sub(1).and_then(|step| ctx.replay().moments.get(step));
        let wrote = moment.map_or(&[][..], |moment| moment.wrote.as_slice());
        let class = classes!(
            "slot",
            (position == at).then_some("now"),
            (position > at).then_some("future"),
            (!wrote.is_empty()).then_some("hit"),
        );
        html! { <td {class}>{ for wrote.iter().map(|word| written(ctx, word)) }</td> }
    };
    html! {
        <tr class="lane memory-lane">
            <th scope="row"><span class="name">{ "memory" }</span><span class="note">{ "shared" }</span></th>
            { for (0..=at).map(cell) }
            <td class="next"></td>
            { for (at + 1..=steps).map(cell) }
        </tr>
    }
}

fn written(ctx: &Ctx, word: &Wrote) -> Html {
    let names = &ctx.replay().subject.names;
    let title = format!("was {}", names.value(word.old));
    html! {
        <span class="written-word" {title}>
            <b>{ names.address(word.address) }</b>{ spoken(" becomes ") }<span>{ names.value(word.new) }</span>
        </span>
    }
}

/// Arrow keys go from step to step: along time, or to the nearest of another lane.
fn arrows(ctx: &Ctx) -> Callback<KeyboardEvent> {
    let ctx = ctx.clone();
    Callback::from(move |event: KeyboardEvent| {
        let moments = &ctx.replay().moments;
        let (at, steps) = (ctx.state.at, moments.len());
        let actor_of = |position: usize| moments.get(position.wrapping_sub(1)).map(|moment| moment.by.actor);
        let beside = |fits: &dyn Fn(u8, u8) -> bool| {
            let here = actor_of(at)?;
            let others = (1..=steps).filter(|&position| actor_of(position).is_some_and(|other| fits(other, here)));
            others.min_by_key(|position| position.abs_diff(at))
        };
        let to = match event.key().as_str() {
            "ArrowLeft" => at.checked_sub(1),
            "ArrowRight" => Some(at + 1).filter(|&next| next <= steps),
            "ArrowUp" => beside(&|other, here| other < here),
            "ArrowDown" => beside(&|other, here| other > here),
            "Home" => Some(0),
            "End" => Some(steps),
            _ => return,
        };
        event.prevent_default();
        if let Some(position) = to {
            ctx.act.emit(Action::To(position));
            browser::focus(&format!(".timeline [data-position='{}']", position.max(1)));
        }
    })
}
