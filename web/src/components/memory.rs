//! Memory: the words this walk read, and any other word by its address.

use super::hex_input::HexInput;
use super::{Ctx, Panel, hex};
use crate::parse;
use crate::state::{Action, Move};
use stagewalk::view::words;
use std::collections::BTreeMap;
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// How many words are shown from an address on.
const SHOWN: u64 = 8;

/// A word this walk read.
#[derive(Default)]
struct Read {
    roles: Vec<String>,
    numbers: Vec<u32>,
    stop: usize,
}

/// The memory panel.
#[function_component]
pub fn MemoryPanel(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let reads = reads(ctx);
    let row = |(&address, read): (&u64, &Read)| {
        let numbers = read.numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let note = format!("{}; read {numbers}", read.roles.join(", "));
        word(ctx, address, &note, Some(read.stop))
    };
    html! {
        <section class="panel memory" aria-labelledby="memory-title">
            <div class="heading"><h2 id="memory-title">{ "Memory" }</h2></div>
            <Anywhere ctx={ctx.clone()} />
            <h3>{ "Words this walk read" }</h3>
            if reads.is_empty() { <p class="empty">{ "None." }</p> }
            <ul class="words">{ for reads.iter().map(row) }</ul>
            { edited(ctx, &reads) }
        </section>
    }
}

/// The words the walk read, each once, with all its roles.
fn reads(ctx: &Ctx) -> BTreeMap<u64, Read> {
    let mut reads: BTreeMap<u64, Read> = BTreeMap::new();
    for row in &ctx.state.current.translation.matrix.rows {
        for cell in row.cells() {
            let (Some(address), Some(stop)) = (cell.address, cell.stop) else { continue };
            let role = format!("{} {}", words::stage(cell.stage), words::level(cell.level));
            let read = reads.entry(address.address).or_insert_with(|| Read { stop, ..Read::default() });
            if !read.roles.contains(&role) {
                read.roles.push(role);
            }
            read.numbers.extend(cell.number.iter().chain(&cell.swap_number));
        }
    }
    reads
}

/// Edited words that the walk does not read.
fn edited(ctx: &Ctx, reads: &BTreeMap<u64, Read>) -> Html {
    let mut others = ctx.state.document.mem.keys().filter(|address| !reads.contains_key(address)).peekable();
    if others.peek().is_none() {
        return Html::default();
    }
    html! {
        <>
            <h3>{ "Edited words it does not read" }</h3>
            <ul class="words">{ for others.map(|&address| word(ctx, address, "", None)) }</ul>
        </>
    }
}

/// One word: its address, its value, what it is.
fn word(ctx: &Ctx, address: u64, note: &str, stop: Option<usize>) -> Html {
    let value = ctx.state.current.case.memory.word(address);
    let edited = ctx.state.document.mem.contains_key(&address);
    let original = ctx.state.machine.memory.word(address);
    let revert = ctx.on(move |_: MouseEvent| Action::Word(address, original));
    html! {
        <li class={classes!("line", edited.then_some("edited"))} key={address.to_string()}>
            <span class="address mono">{ hex(address.into()) }</span>
            <HexInput label={format!("Word at {address:#x}, hexadecimal")} value={u128::from(value)} bits={64}
                set={ctx.on(move |word: u128| Action::Word(address, word as u64))}
                settle={ctx.on(|()| Action::Settle)} />
            if let Some(stop) = stop {
                <button type="button" class="place" onclick={ctx.go(Move::To(stop))}>{ note.to_owned() }</button>
            }
            if edited {
                <button type="button" class="revert" onclick={revert}>
                    { format!("edited: back to {original:#x}") }
                </button>
            }
        </li>
    }
}

/// Any word, by its address.
#[function_component]
fn Anywhere(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let text = use_state(String::new);
    let oninput = {
        let text = text.clone();
        Callback::from(move |event: InputEvent| {
            let input: HtmlInputElement = event.target_unchecked_into();
            text.set(input.value());
        })
    };
    let address = (!text.trim().is_empty()).then(|| parse::word_address(&text));
    let moved = |by: i64| {
        let (text, here) = (text.clone(), address.clone());
        Callback::from(move |_: MouseEvent| {
            if let Some(Ok(here)) = here {
                text.set(format!("{:#x}", here.saturating_add_signed(by) & ((1 << 56) - 8)));
            }
        })
    };
    let page = SHOWN as i64 * 8;
    html! {
        <div class="anywhere">
            <label><span>{ "Word at physical address" }</span>
                <input type="text" id="address" class="mono" spellcheck="false" autocomplete="off" placeholder="0x…"
                    value={(*text).clone()} {oninput} aria-describedby="address-error" />
            </label>
            <p id="address-error" class="error" role="status">
                if let Some(Err(complaint)) = &address { { "✗ " }{ complaint } }
            </p>
            if let Some(Ok(address)) = address {
                <ul class="words">{ for (0..SHOWN).map(|n| word(ctx, address.saturating_add(n * 8), "", None)) }</ul>
                <div class="pages">
                    <button type="button" onclick={moved(-page)}>{ "◀ words before" }</button>
                    <button type="button" onclick={moved(page)}>{ "words after ▶" }</button>
                </div>
            }
        </div>
    }
}
