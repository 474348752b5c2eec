//! The address, cut where the walk cuts it.

use super::{Panel, hex};
use crate::state::{Action, Move};
use stagewalk::view::links::{Target, related};
use stagewalk::view::va::{Role, Segment, Strip};
use stagewalk::view::words;
use yew::prelude::*;

/// The strip of the virtual address.
#[function_component]
pub fn VaStrip(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let strip = &ctx.state.current.translation.va;
    let segment = |segment: &Segment| {
        let target = Target::Va(segment.role);
        let links = &ctx.state.current.translation.links;
        let stop = related(links, target).find_map(|target| match target {
            Target::Cell(stop) => Some(stop),
            _ => None,
        });
        let act = ctx.act.clone();
        let onclick = Callback::from(move |_: MouseEvent| {
            if let Some(stop) = stop {
                act.emit(Action::Step(Move::To(stop)));
            }
        });
        html! {
            <li class={classes!("segment", kind(segment.role), ctx.link_class(target))}
                style={format!("flex-grow: {}", width(segment))}>
                <button type="button" {onclick} title={segment.meaning.clone()}
                    onpointerenter={ctx.enter(target)} onpointerleave={ctx.leave()}
                    onfocus={ctx.enter(target)} onblur={ctx.leave()}>
                    { parts(segment) }
                </button>
            </li>
        }
    };
    html! {
        <section class="strip" aria-labelledby="va-title">
            <h2 id="va-title">{ "Virtual address " }<span class="mono">{ hex(strip.input.into()) }</span></h2>
            <ul>{ for strip.segments.iter().map(segment) }</ul>
        </section>
    }
}

/// A strip to be read only, as of an IPA.
pub fn plain(strip: &Strip) -> Html {
    let segment = |segment: &Segment| {
        html! {
            <li class={classes!("segment", kind(segment.role))} title={segment.meaning.clone()}
                style={format!("flex-grow: {}", width(segment))}>
                <div>{ parts(segment) }</div>
            </li>
        }
    };
    html! { <ul class="small strip-list">{ for strip.segments.iter().map(segment) }</ul> }
}

fn parts(segment: &Segment) -> Html {
    let width = segment.high - segment.low + 1;
    let range = if width == 1 { segment.high.to_string() } else { format!("{}:{}", segment.high, segment.low) };
    html! {
        <>
            <span class="name">{ segment.name() }{ " " }<span class="range">{ range }</span></span>
            <span class="digits" aria-hidden="true">{ words::binary(segment.value, width) }</span>
            <span class="number">{ hex(segment.value.into()) }</span>
        </>
    }
}

const fn width(segment: &Segment) -> u8 {
    let bits = segment.high - segment.low + 1;
    if bits < 5 { 5 } else { bits }
}

const fn kind(role: Role) -> &'static str {
    match role {
        Role::Index(_) => "index",
        Role::Offset => "offset",
        Role::Select => "select",
        Role::Tag | Role::Top | Role::Whole => "rest",
    }
}
