//! The walk under way, in the matrix.

use super::Panel;
use crate::components::matrix::{Legend, Look, Source, Table};
use crate::vcpus::state::Action;
use stagewalk::view::machine::SoFar;
use std::rc::Rc;
use yew::prelude::*;

/// The panel.
#[function_component]
pub fn WalkPanel(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let Some(node) = ctx.state.walk() else {
        return html! {
            <section class="walk" id="walk" aria-labelledby="walk-title">
                <div class="heading"><h2 id="walk-title">{ "The walk" }</h2></div>
                <p class="empty">{ "No walk yet." }</p>
            </section>
        };
    };
    let replay = ctx.replay();
    let walk = Rc::new(SoFar::new(&replay.world, &replay.subject.names, node));
    let reads = if walk.matrix.reads == 1 { "1 read".to_owned() } else { format!("{} reads", walk.matrix.reads) };
    let under_way = replay.world.walks().get(node).ask().is_some();
    let go = {
        let (ctx, walk) = (ctx.clone(), Rc::clone(&walk));
        Callback::from(move |stop: usize| {
            let position = walk.read_of(stop).and_then(|read| ctx.replay().position_of_read(ctx.state.at, node, read));
            if let Some(position) = position {
                ctx.act.emit(Action::To(position));
            }
        })
    };
    let look = Look {
        stop: walk.last,
        source: Source::SoFar(Rc::clone(&walk)),
        go,
        changes: Rc::default(),
        pointed: None,
        linked: Rc::default(),
        point: Callback::noop(),
    };
    html! {
        <section class="walk" id="walk" aria-labelledby="walk-title">
            <div class="heading">
                <h2 id="walk-title">{ "The walk: " }<span class="mono">{ walk.title.clone() }</span></h2>
                <p class="count">{ reads }{ if under_way { " so far" } else { "" } }</p>
                <Legend two={!walk.matrix.columns.is_empty()} />
            </div>
            if walk.matrix.rows.is_empty() {
                <p class="empty">{ "Nothing is walked." }</p>
            } else {
                <Table {look} />
            }
        </section>
    }
}
