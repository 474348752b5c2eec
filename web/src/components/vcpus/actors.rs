//! What each actor holds: its program, its registers, what its TLB may hold.

use super::lanes::status;
use super::memory::MemoryPanel;
use super::{Ctx, Panel};
use crate::components::{hex, spoken};
use crate::vcpus::state::Action;
use stagewalk::view::machine::{ActorView, Held, Line, Register, TlbView};
use yew::prelude::*;

/// A panel for each actor that is looked at.
#[function_component]
pub fn Actors(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let actors = 0..ctx.state.run.scenario.machine.actors.len();
    let shown = actors.filter(|&actor| ctx.state.focus.is_none_or(|focus| focus == actor));
    html! {
        <div class="actors">
            { for shown.filter_map(|actor| panel(ctx, actor)) }
            <MemoryPanel ctx={ctx.clone()} />
        </div>
    }
}

fn panel(ctx: &Ctx, actor: usize) -> Option<Html> {
    let view = ctx.replay().actor(ctx.state.at, actor)?;
    let title = format!("actor-{actor}");
    let waits = view.lane.waits.clone();
    Some(html! {
        <section class={classes!("panel", "actor", Ctx::lane_class(actor))} aria-labelledby={title.clone()}>
            <div class="heading">
                <h2 id={title}>{ view.name.clone() }</h2>
                <p class="note">{ status(&view.lane) }{ for waits.map(|waits| format!(": {waits}")) }</p>
            </div>
            { program(&view) }
            { registers(&view) }
            if !view.host { { tlb(ctx, &view.tlb) } }
        </section>
    })
}

fn program(view: &ActorView) -> Html {
    let line = |line: &Line| {
        html! {
            <li class={classes!(line.here.then_some("here"))} aria-current={line.here.then_some("step")}>
                <span class="pointer" aria-hidden="true">{ if line.here { "▸" } else { "" } }</span>
                <code>{ line.text.clone() }</code>
            </li>
        }
    };
    html! { <ol class="program" aria-label="Program">{ for view.program.iter().map(line) }</ol> }
}

fn registers(view: &ActorView) -> Html {
    let register = |register: &Register| {
        let words = (!register.text.starts_with(|first: char| first.is_ascii_digit())).then(|| register.text.clone());
        html! {
            <tr class={classes!(register.changed.then_some("is-changed"))}>
                <th scope="row" class="mono">{ register.name.clone() }</th>
                <td>
                    <span class="mono">{ hex(register.value) }</span>
                    if let Some(words) = words { <span class="words">{ words }</span> }
                    if register.changed { <span class="changed">{ "changed" }</span> }
                </td>
            </tr>
        }
    };
    let old = view.faults.len() - view.new_faults.min(view.faults.len());
    let fault = |(number, fault): (usize, &String)| {
        html! {
            <li><span aria-hidden="true">{ "✗ " }</span>{ fault.clone() }
                if number >= old { <span class="changed">{ "new" }</span> }
            </li>
        }
    };
    html! {
        <>
            if !view.regs.is_empty() || view.par.is_some() {
                <table class="holds" aria-label="Registers">
                    <tbody>{ for view.regs.iter().chain(&view.par).map(register) }</tbody>
                </table>
            }
            if !view.faults.is_empty() {
                <ul class="faults" aria-label="Faults">{ for view.faults.iter().enumerate().map(fault) }</ul>
            }
        </>
    }
}

fn tlb(ctx: &Ctx, view: &TlbView) -> Html {
    let count = view.held.len();
    let summary = match count {
        0 => "TLB: holds nothing".to_owned(),
        1 => "TLB: may hold 1 entry".to_owned(),
        _ => format!("TLB: may hold {count} entries"),
    };
    let new = view.held.iter().filter(|held| held.new).count();
    html! {
        <details class="tlb" open={true}>
            <summary>{ summary }
                if new > 0 { <span class="changed">{ format!("{new} new") }</span> }
                if view.gone > 0 { <span class="changed">{ format!("{} gone", view.gone) }</span> }
            </summary>
            <ul>{ for view.held.iter().map(|held| entry(ctx, held)) }</ul>
            if view.beginnings > 0 {
                <p class="note">{ format!("and the beginnings of these: {} partial entries", view.beginnings) }</p>
            }
        </details>
    }
}

fn entry(ctx: &Ctx, held: &Held) -> Html {
    let text = html! {
        <>
            <span class={classes!("kind", held.kind.name().replace(' ', "-"))}>{ held.kind.name() }</span>
            { " " }<span class="of mono">{ held.of.clone() }</span>
            if !held.tags.is_empty() { { " " }<span class="note">{ held.tags.clone() }</span> }
            { spoken(": ") }<span class="held mono">{ held.text.clone() }</span>
        </>
    };
    let picked = held.node.is_some() && held.node == ctx.state.picked;
    html! {
        <li class={classes!(held.going.as_ref().map(|_| "going"))}>
            if let Some(node) = held.node {
                <button type="button" class="place" aria-pressed={picked.to_string()} title="Show this walk"
                    onclick={ctx.does(Action::Pick(node))}>{ text }</button>
            } else {
                <div class="place">{ text }</div>
            }
            if held.new { <span class="changed">{ "new" }</span> }
            if let Some(stale) = &held.stale {
                <span class="stale">{ format!("memory has changed since: {stale}") }</span>
            }
            if let Some(by) = &held.going {
                <span class="stale">{ format!("gone when {by}’s DSB completes") }</span>
            }
        </li>
    }
}
