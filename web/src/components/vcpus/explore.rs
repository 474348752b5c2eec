//! Everything that can come of it.

use super::{Ctx, Panel};
use crate::components::spoken;
use crate::vcpus::exploration::{Extent, Progress, Report, Row};
use crate::vcpus::policies;
use crate::vcpus::state::{Action, Exploration};
use yew::prelude::*;

/// The panel.
#[function_component]
pub fn Explore(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let running = matches!(ctx.state.exploration, Exploration::Running(_));
    html! {
        <section class="panel explore" aria-labelledby="explore-title">
            <div class="heading">
                <h2 id="explore-title">{ "Everything that can come of it" }</h2>
                if running {
                    <button type="button" onclick={ctx.does(Action::Cancel)}>{ "Cancel" }</button>
                } else {
                    <button type="button" id="explore" onclick={ctx.does(Action::Explore)}>{ "Explore all" }</button>
                }
            </div>
            <p class="standing" role="status">{ standing(ctx) }</p>
            if let Some(report) = ctx.state.report() { { histogram(ctx, report) } }
            { others(ctx) }
        </section>
    }
}

fn standing(ctx: &Ctx) -> String {
    match (&ctx.state.exploration, ctx.state.report()) {
        (Exploration::Running(Progress { states, found: None }), _) => {
            format!("What hardware allows: {states} states so far…")
        }
        (Exploration::Running(Progress { states, found: Some(found) }), _) => {
            format!("{states} states, {} outcomes so far…", found.rows.len())
        }
        (Exploration::Stopped(why), _) => why.clone(),
        (Exploration::Idle, None) => {
            "Every interleaving and every choice, and which outcomes hardware allows too.".into()
        }
        (Exploration::Idle, Some(report)) => {
            let left = match report.extent {
                Extent::Whole => "",
                Extent::Full => " There was no room for more: this is not everything.",
                Extent::Part => " Cancelled: this is not everything.",
            };
            let extra = match report.extra() {
                0 => "nothing that hardware would not do".into(),
                1 => "1 outcome that hardware never has".to_owned(),
                more => format!("{more} outcomes that hardware never has"),
            };
            let so_far = if report.extent == Extent::Whole { "" } else { "so far " };
            format!("{} states, {} steps between them: {so_far}{extra}.{left}", report.states, report.transitions)
        }
    }
}

fn histogram(ctx: &Ctx, report: &Report) -> Html {
    let most = report.rows.iter().map(|row| row.states).max().unwrap_or(1).max(1);
    let rows = report.rows.iter().enumerate().map(|(number, row)| outcome(ctx, number, row, most));
    let label = if report.extent == Extent::Whole { "Outcomes" } else { "Outcomes so far: incomplete" };
    html! {
        <>
            <table class="outcomes" aria-label={label}>
                <thead>
                    <tr>
                        <th scope="col">{ "outcome" }</th><th scope="col">{ "by hardware" }</th>
                        <th scope="col">{ "final states" }</th><th scope="col">{ spoken("replay") }</th>
                    </tr>
                </thead>
                <tbody>{ for rows }</tbody>
            </table>
            if !report.missing.is_empty() {
                <p class="note">
                    { "Hardware may also come to: " }
                    { for report.missing.iter().map(|text| html! { <code>{ text.clone() }</code> }) }
                </p>
            }
        </>
    }
}

fn outcome(ctx: &Ctx, number: usize, row: &Row, most: u64) -> Html {
    let shown = ctx.state.row == Some(number);
    let width = (row.states * 100).div_ceil(most);
    let (class, mark) = if row.allowed { ("allowed", "✓ allowed") } else { ("extra", "✗ extra") };
    html! {
        <tr class={classes!(class, shown.then_some("here"))}>
            <th scope="row" class="mono">{ row.text.clone() }</th>
            <td class="mark-cell">{ mark }</td>
            <td class="bar-cell">
                <span class="amount" style={format!("width: {width}%")} aria-hidden="true" /><span>{ row.states }</span>
            </td>
            <td>
                <button type="button" class="replay" aria-pressed={shown.to_string()}
                    onclick={ctx.does(Action::Replay(number))}>
                    { "Replay" }{ spoken(&format!(" {}", row.text)) }
                </button>
            </td>
        </tr>
    }
}

/// What other policies came to, if they were explored.
fn others(ctx: &Ctx) -> Html {
    let run = &ctx.state.run;
    let found = policies::ALL.iter().filter(|choice| **choice != *run.policy);
    let found = found.filter_map(|choice| Some((choice, ctx.state.reports.get(&(run.story, choice.name))?)));
    let found: Vec<_> = found.collect();
    if found.is_empty() {
        return Html::default();
    }
    let row = |(choice, report): &(&'static policies::Choice, &std::rc::Rc<Report>)| {
        let said = match report.extra() {
            0 => "nothing extra".to_owned(),
            extra => format!("{extra} extra"),
        };
        let said = if report.extent == Extent::Whole { said } else { format!("{said}, incomplete") };
        let name = choice.name;
        html! {
            <li>
                <button type="button" class="place" onclick={ctx.on(move |_: MouseEvent| Action::Policy(name.into()))}>
                    { choice.title }
                </button>
                { said }
            </li>
        }
    };
    html! { <><h3>{ "Explored before" }</h3><ul class="explored">{ for found.iter().map(row) }</ul></> }
}
