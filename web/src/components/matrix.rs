//! The walk as a table: a row per stage-1 descriptor, stage 2's lookups along the row, then stage 1's read.

use super::{Ctx, Panel, hex, spoken};
use crate::browser;
use crate::state::{Action, Computed, Move};
use stagewalk::outcome::FaultRecord;
use stagewalk::regime::Stage;
use stagewalk::view::diff::{Changes, Key};
use stagewalk::view::links::Target;
use stagewalk::view::machine::SoFar;
use stagewalk::view::matrix::{Cell, Check, Matrix, Outcome, Purposed, Row};
use stagewalk::view::va::{Role, Strip};
use stagewalk::view::words;
use std::collections::BTreeSet;
use std::rc::Rc;
use yew::prelude::*;

/// The walk that a table shows.
#[derive(Clone)]
pub enum Source {
    /// A whole translation.
    Whole(Rc<Computed>),
    /// A walk as far as it has got.
    SoFar(Rc<SoFar>),
}

/// A walk, and what is looked at in it.
#[derive(Clone)]
pub struct Look {
    /// The walk.
    pub source: Source,
    /// The stop shown.
    pub stop: usize,
    /// Shows another.
    pub go: Callback<usize>,
    /// What the last edit changed.
    pub changes: Rc<Changes>,
    /// What is pointed at.
    pub pointed: Option<Target>,
    /// What belongs to that.
    pub linked: Rc<BTreeSet<Target>>,
    /// Points at something, or at nothing.
    pub point: Callback<Option<Target>>,
}

impl PartialEq for Look {
    fn eq(&self, other: &Self) -> bool {
        let same = match (&self.source, &other.source) {
            (Source::Whole(one), Source::Whole(other)) => Rc::ptr_eq(one, other),
            (Source::SoFar(one), Source::SoFar(other)) => Rc::ptr_eq(one, other),
            _ => false,
        };
        same && self.stop == other.stop && self.pointed == other.pointed && Rc::ptr_eq(&self.changes, &other.changes)
    }
}

impl Look {
    fn of(ctx: &Ctx) -> Self {
        Self {
            source: Source::Whole(Rc::clone(&ctx.state.current)),
            stop: ctx.state.stop,
            go: ctx.on(|stop| Action::Step(Move::To(stop))),
            changes: Rc::clone(&ctx.state.changes),
            pointed: ctx.pointed,
            linked: Rc::clone(&ctx.linked),
            point: ctx.point.clone(),
        }
    }

    fn matrix(&self) -> &Matrix {
        match &self.source {
            Source::Whole(computed) => &computed.translation.matrix,
            Source::SoFar(walk) => &walk.matrix,
        }
    }

    fn va(&self) -> &Strip {
        match &self.source {
            Source::Whole(computed) => &computed.translation.va,
            Source::SoFar(walk) => &walk.va,
        }
    }

    fn go(&self, stop: usize) -> Callback<MouseEvent> {
        self.go.reform(move |_| stop)
    }

    fn enter<E: 'static>(&self, target: Target) -> Callback<E> {
        self.point.reform(move |_| Some(target))
    }

    fn leave<E: 'static>(&self) -> Callback<E> {
        self.point.reform(|_| None)
    }

    fn link_class(&self, target: Target) -> Option<&'static str> {
        if self.pointed == Some(target) {
            Some("pointed")
        } else if self.linked.contains(&target) {
            Some("linked")
        } else {
            None
        }
    }
}

/// The walk.
#[function_component]
pub fn Walk(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let matrix = &ctx.state.current.translation.matrix;
    let reads = if matrix.reads == 1 { "1 read".into() } else { format!("{} reads", matrix.reads) };
    html! {
        <section class="walk" id="walk" aria-labelledby="walk-title">
            <div class="heading">
                <h2 id="walk-title">{ "The walk" }</h2>
                <p class="count">{ reads }</p>
                <Legend two={!matrix.columns.is_empty()} />
            </div>
            if matrix.rows.is_empty() {
                <p class="empty">{ "Nothing is walked." }</p>
            } else {
                <Table look={Look::of(ctx)} />
            }
        </section>
    }
}

/// Properties of the legend.
#[derive(Clone, PartialEq, Properties)]
pub struct LegendProps {
    /// Both stages walk.
    pub two: bool,
}

/// What the marks mean.
#[function_component]
pub fn Legend(props: &LegendProps) -> Html {
    html! {
        <ul class="legend">
            <li class="s1"><span class="number-mark" aria-hidden="true">{ "n" }</span>{ "stage 1, square" }</li>
            if props.two {
                <li class="s2"><span class="number-mark" aria-hidden="true">{ "n" }</span>{ "stage 2, round" }</li>
            }
            <li>{ "n: the n-th read" }</li>
        </ul>
    }
}

/// Properties of the table.
#[derive(Clone, PartialEq, Properties)]
pub struct TableProps {
    /// The walk, and what is looked at in it.
    pub look: Look,
}

/// The table.
#[function_component]
pub fn Table(props: &TableProps) -> Html {
    let look = &props.look;
    let matrix = look.matrix();
    let two = !matrix.columns.is_empty();
    let onkeydown = arrows(look);
    let column = |level: &i8| html! { <th scope="col" class="s2">{ format!("stage 2 {}", words::level(*level)) }</th> };
    let home = home(matrix, look.stop);
    let scroller = use_node_ref();
    {
        // Where the table is wider than the page, the lookup shown is scrolled to: sideways, in the table alone.
        let scroller = scroller.clone();
        use_effect_with(look.stop, move |_| browser::reveal(&scroller.cast(), ".here"));
    }
    html! {
        <div class="scroller" role="region" aria-label="The walk as a table" tabindex="0" ref={scroller}>
            <table class={classes!("matrix", two.then_some("two"))} role="grid" aria-labelledby="walk-title"
                data-keys="" {onkeydown}>
                <thead>
                    <tr>
                        <th scope="col">{ if two { "translated for" } else { "lookup" } }</th>
                        { for matrix.columns.iter().map(column) }
                        <th scope="col" class="pa">{ if two { "⇒ PA" } else { "index" } }</th>
                        <th scope="col" class="s1">{ if two { "stage 1 read" } else { "stage 1" } }</th>
                        if !two { <th scope="col" class="leads">{ "leads to" }</th> }
                    </tr>
                </thead>
                <tbody>{ for matrix.rows.iter().map(|shown| row(look, shown, two, home)) }</tbody>
            </table>
        </div>
    }
}

/// The stop whose cell is in the tab order: the shown one, or else the first.
fn home(matrix: &Matrix, shown: usize) -> Option<usize> {
    let places = stops(matrix);
    let is_shown = |place: &&Place| place.stop == shown || place.swap == Some(shown);
    places.iter().find(is_shown).or_else(|| places.first()).map(|place| place.stop)
}

/// A reached place of the table.
struct Place {
    row: usize,
    column: usize,
    stop: usize,
    swap: Option<usize>,
}

/// Every reached place, in reading order.
fn stops(matrix: &Matrix) -> Vec<Place> {
    let mut places = Vec::new();
    for (index, row) in matrix.rows.iter().enumerate() {
        for (column, cell) in row.cells().enumerate() {
            if let Some(stop) = cell.stop {
                places.push(Place { row: index, column, stop, swap: cell.swap_stop });
            }
        }
        let taken = row.stage1.as_ref().is_some_and(|cell| cell.stop.is_some());
        if let (false, true, Some(stop)) = (taken, row.fault.is_some() || row.output.is_some(), row.stop)
            && !is_a_lookup(matrix, stop)
        {
            places.push(Place { row: index, column: matrix.columns.len(), stop, swap: None });
        }
    }
    places
}

/// Whether a stop belongs to a lookup: then a row's own ending at that stop need not be a place of its own.
fn is_a_lookup(matrix: &Matrix, stop: usize) -> bool {
    matrix.rows.iter().any(|row| row.cells().any(|cell| cell.is_at(stop)))
}

/// Arrow keys go from lookup to lookup, and show where they come to.
fn arrows(look: &Look) -> Callback<KeyboardEvent> {
    let look = look.clone();
    Callback::from(move |event: KeyboardEvent| {
        let places = stops(look.matrix());
        let shown = look.stop;
        let here = places.iter().position(|place| place.stop == shown || place.swap == Some(shown)).unwrap_or_default();
        let Some(at) = places.get(here) else { return };
        let nearest = |row_is: &dyn Fn(usize) -> bool, last: bool| {
            let mut candidates: Vec<_> = places.iter().filter(|place| row_is(place.row)).collect();
            let row = if last { candidates.last() } else { candidates.first() }.map(|place| place.row)?;
            candidates.retain(|place| place.row == row);
            candidates.into_iter().min_by_key(|place| place.column.abs_diff(at.column))
        };
        let to = match event.key().as_str() {
            "ArrowLeft" => here.checked_sub(1).and_then(|index| places.get(index)),
            "ArrowRight" => places.get(here + 1),
            "ArrowUp" => nearest(&|row| row < at.row, true),
            "ArrowDown" => nearest(&|row| row > at.row, false),
            "Home" => places.iter().find(|place| place.row == at.row),
            "End" => places.iter().rfind(|place| place.row == at.row),
            _ => return,
        };
        event.prevent_default();
        if let Some(place) = to {
            look.go.emit(place.stop);
            browser::focus(&format!(".matrix [data-stop='{}']", place.stop));
        }
    })
}

fn row(look: &Look, row: &Row, two: bool, home: Option<usize>) -> Html {
    let (name, note) = match row.purpose {
        Purposed::Descriptor(level) => (format!("{} descriptor", words::level(level)), None),
        Purposed::Update(level) => (format!("{} descriptor", words::level(level)), Some("hardware update")),
        Purposed::Output => ("output".into(), None),
    };
    let repeat =
        (row.repeat > 0).then(|| html! { <span class="note">{ format!("walked again ({})", row.repeat + 1) }</span> });
    let kind = if two { "IPA" } else { "at" };
    let cell = |shown: &Cell| {
        let key = Key { purpose: row.purpose, repeat: row.repeat, stage: shown.stage, level: shown.level };
        cell(look, &key, shown, home)
    };
    let pa = row.stage2_output.map(|address| hex(address.address.into()));
    let unused = "stage 2 off";
    html! {
        <tr class={classes!((!row.reached()).then_some("unreached"))}>
            <th scope="row">
                <span class="name">{ name }</span>
                if let Some(note) = note { <span class="note">{ note }</span> }
                { repeat }
                if let Some(input) = row.input { <span class="at mono">{ kind }{ " " }{ hex(input.into()) }</span> }
            </th>
            { for row.stage2.iter().map(cell) }
            <td class="pa mono">
                if two && row.stage2_off { <span class="note">{ unused }</span> }
                if two { { pa } } else { { index(look, row) } }
            </td>
            { last(look, row, home, cell) }
            if !two { <td class="leads mono">{ leads(row) }</td> }
        </tr>
    }
}

/// The bits of the address that are the index of a row's descriptor.
fn index(look: &Look, row: &Row) -> Html {
    let Purposed::Descriptor(level) = row.purpose else { return Html::default() };
    let segments = &look.va().segments;
    let Some(segment) = segments.iter().find(|segment| segment.role == Role::Index(level)) else {
        return Html::default();
    };
    html! { <>{ format!("[{}:{}] ", segment.high, segment.low) }{ hex(segment.value.into()) }</> }
}

/// Where a row's descriptor leads.
fn leads(row: &Row) -> Html {
    match row.stage1.as_ref().map(|cell| cell.outcome) {
        Some(Outcome::Table(next)) => html! { <>{ "table " }{ hex(next.address.into()) }</> },
        Some(Outcome::Leaf { output, .. }) => html! { <>{ "output " }{ hex(output.address.into()) }</> },
        _ => Html::default(),
    }
}

/// The last cell of a row: stage 1's read, the output, or a fault that came before any read.
fn last(look: &Look, row: &Row, home: Option<usize>, cell: impl Fn(&Cell) -> Html) -> Html {
    match (&row.stage1, &row.fault, &row.output) {
        (Some(read), None, _) => cell(read),
        (_, Some(fault), _) => {
            wide(look, row.stop, home, "s1 fault", html! { <>{ checks(&row.checks) }{ wrong(fault) }</> })
        }
        (_, _, Some(output)) => {
            let text = html! {
                <>
                    { checks(&row.checks) }
                    <span class="what">{ "✓ output" }</span>
                    <span class="word mono">{ hex(output.address.address.into()) }</span>
                </>
            };
            wide(look, row.stop, home, "output", text)
        }
        _ => html! { <td class="cell none"><span>{ "not reached" }</span></td> },
    }
}

fn wide(look: &Look, stop: Option<usize>, home: Option<usize>, class: &'static str, text: Html) -> Html {
    let matrix = look.matrix();
    let Some(stop) = stop.filter(|stop| !is_a_lookup(matrix, *stop)) else {
        return html! { <td class={classes!("cell", class)}><div>{ text }</div></td> };
    };
    let here = look.stop == stop;
    html! {
        <td class={classes!("cell", class, here.then_some("here"))}>
            <button type="button" data-stop={stop.to_string()} tabindex={if home == Some(stop) { "0" } else { "-1" }}
                aria-current={here.then_some("step")} onclick={look.go(stop)}>{ text }</button>
        </td>
    }
}

fn wrong(fault: &FaultRecord) -> Html {
    html! { <span class="fault-word">{ "✗ " }{ fault.code.title() }</span> }
}

fn cell(look: &Look, key: &Key, cell: &Cell, home: Option<usize>) -> Html {
    let stage = if cell.stage == Stage::S1 { "s1" } else { "s2" };
    let change = look.changes.of(key);
    let (Some(stop), true) = (cell.stop, cell.reached()) else {
        let word = if cell.outcome == Outcome::NotNeeded { "not needed" } else { "not reached" };
        return html! {
            <td class={classes!("cell", stage, "none")}>
                <span>{ word }</span>
                if change.is_some() { <span class="changed">{ "changed" }</span> }
            </td>
        };
    };
    let target = Target::Cell(stop);
    let here = cell.is_at(look.stop);
    let class = classes!("cell", stage, cell.fault.map(|_| "fault"), here.then_some("here"), look.link_class(target));
    html! {
        <td {class}>
            <button type="button" data-stop={stop.to_string()} tabindex={if home == Some(stop) { "0" } else { "-1" }}
                aria-current={here.then_some("step")} onclick={look.go(stop)}
                onpointerenter={look.enter(target)} onpointerleave={look.leave()}
                onfocus={look.enter(target)} onblur={look.leave()}>
                { numbers(cell) }
                <span class="what">{ what(cell) }</span>
                if let Some(fault) = &cell.fault { { wrong(fault) } }
                if let Some(value) = cell.value { <span class="word mono">{ hex(value) }</span> }
                if let Some(written) = cell.written { <span class="word mono new-word">{ "→ " }{ hex(written) }</span> }
                if let Some(was) = change { { mark(was) } }
            </button>
        </td>
    }
}

fn numbers(cell: &Cell) -> Html {
    let stage = words::stage(cell.stage);
    let level = words::level(cell.level);
    let number = |number: u32| html! { <span class="number-mark" aria-hidden="true">{ number }</span> };
    let said = match (cell.number, cell.swap_number) {
        (Some(read), Some(swap)) => format!("Reads {read} and {swap}, {stage} {level}: "),
        (Some(read), None) => format!("Read {read}, {stage} {level}: "),
        _ => format!("{stage} {level}: "),
    };
    html! {
        <>
            { checks(&cell.checks) }
            { for cell.number.map(number) }
            { for cell.swap_number.map(number) }
            { spoken(&said) }
        </>
    }
}

/// The granule protection reads made before a lookup.
fn checks(checks: &[Check]) -> Html {
    let numbers: Vec<String> =
        checks.iter().filter_map(|check| check.number).map(|number| number.to_string()).collect();
    if numbers.is_empty() {
        return Html::default();
    }
    html! { <span class="note" title="granule protection table reads">{ format!("GPT {}", numbers.join(", ")) }</span> }
}

fn what(cell: &Cell) -> String {
    match cell.outcome {
        Outcome::Table(_) => "table".into(),
        Outcome::Leaf { size, contiguous, .. } => {
            let kind = if cell.level == 3 { "page" } else { "block" };
            let run = if contiguous { " run" } else { "" };
            format!("{kind}{run} {}", words::size(size))
        }
        Outcome::Updated => "written".into(),
        Outcome::Lost => "lost: memory changed".into(),
        Outcome::Read if cell.value.is_none() => "no answer".into(),
        Outcome::Read => "invalid".into(),
        Outcome::NotReached | Outcome::NotNeeded => String::new(),
    }
}

/// The mark of a change, with what was there before.
fn mark(was: Option<Cell>) -> Html {
    let was = match was.and_then(|cell| cell.value) {
        Some(value) => format!("was {value:#x}"),
        None => "was not reached".into(),
    };
    html! { <span class="changed" title={was.clone()}>{ "changed" }{ spoken(&format!(", {was}")) }</span> }
}
