//! The words of memory that matter.

use super::{Ctx, Panel};
use crate::components::hex;
use stagewalk::regime::Stage;
use stagewalk::view::machine::Word;
use yew::prelude::*;

/// The panel.
#[function_component]
pub fn MemoryPanel(props: &Panel) -> Html {
    let ctx = &props.ctx;
    let words = ctx.state.run.words.at(ctx.replay(), ctx.state.at);
    html! {
        <section class="panel words-panel" aria-labelledby="words-title">
            <div class="heading"><h2 id="words-title">{ "Memory" }</h2></div>
            <div class="scroller" role="region" aria-label="Memory, as a table" tabindex="0">
                <table class="holds" aria-labelledby="words-title">
                    <thead>
                        <tr>
                            <th scope="col">{ "word" }</th>
                            <th scope="col">{ "read as" }</th>
                            <th scope="col">{ "holds" }</th>
                        </tr>
                    </thead>
                    <tbody>{ for words.iter().map(|word| row(ctx, word)) }</tbody>
                </table>
            </div>
        </section>
    }
}

fn row(ctx: &Ctx, word: &Word) -> Html {
    let stage = match word.stage {
        Some(Stage::S1) => Some("s1"),
        Some(Stage::S2) => Some("s2"),
        None => None,
    };
    let named = word.name.starts_with(|first: char| !first.is_ascii_digit());
    let was = word.was.map(|was| format!("changed, was {}", ctx.replay().subject.names.value(was)));
    html! {
        <tr class={classes!(stage, was.as_ref().map(|_| "is-changed"))} data-address={format!("{:#x}", word.address)}>
            <th scope="row">
                if named { <span class="name">{ word.name.clone() }</span> }
                <span class="mono note">{ hex(word.address.into()) }</span>
            </th>
            <td class="role">{ word.role.clone() }</td>
            <td>
                <span class="mono">{ hex(word.value.into()) }</span>
                if let Some(words) = words(word) { <span class="meaning">{ words }</span> }
                if let Some(was) = was { <span class="changed">{ was }</span> }
            </td>
        </tr>
    }
}

/// The value's name, and what it means: `leaf: page of x`.
fn words(word: &Word) -> Option<String> {
    match (&word.named, &word.meaning) {
        (Some(name), Some(meaning)) => Some(format!("{name}: {meaning}")),
        (name, meaning) => name.clone().or_else(|| meaning.clone()),
    }
}
