//! The top of the page: what is shown, and what can be done with all of it.

use super::keyboard::KEYS;
use super::{Ctx, spoken};
use crate::browser;
use crate::catalogue::{Entry, SYSTEMS, default_name};
use crate::state::{Action, Notice};
use stagewalk::scenario::examples;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

/// Properties of the header.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The context.
    pub ctx: Ctx,
    /// Whether single keys do something.
    pub shortcuts: bool,
    /// Turns that on and off.
    pub set_shortcuts: Callback<bool>,
}

/// The header.
#[function_component]
pub fn Header(props: &Props) -> Html {
    let Props { ctx, shortcuts, set_shortcuts } = props;
    let history = &ctx.state.history;
    let about = ctx.state.entry().map(|entry| entry.about());
    html! {
        <header class="top">
            <div class="bar">
                <h1 class="brand"><span class="mark" aria-hidden="true" />{ "stagewalk" }</h1>
                <Picker ctx={ctx.clone()} />
                <div class="tools">
                    <button type="button" aria-disabled={(!history.can_undo()).then_some("true")} title="Ctrl+Z"
                        onclick={ctx.on(|_: MouseEvent| Action::Undo)}>{ "Undo" }</button>
                    <button type="button" aria-disabled={(!history.can_redo()).then_some("true")} title="Ctrl+Shift+Z"
                        onclick={ctx.on(|_: MouseEvent| Action::Redo)}>{ "Redo" }</button>
                    <button type="button" onclick={share(ctx)}>{ "Share" }</button>
                    <a href="./static/conformance.html">{ "Conformance" }</a>
                    <Keys shortcuts={*shortcuts} set={set_shortcuts.clone()} />
                    <Theme />
                </div>
            </div>
            <p class="about">{ about }</p>
        </header>
    }
}

/// Copies the link, and says what that means.
fn share(ctx: &Ctx) -> Callback<MouseEvent> {
    let ctx = ctx.clone();
    Callback::from(move |_| {
        let fragment = ctx.state.link().write();
        let url = browser::url(&fragment);
        browser::replace_fragment(&fragment);
        let act = ctx.act.clone();
        yew::platform::spawn_local(async move {
            let text = match browser::copy(url).await {
                Ok(()) => "The link is on the clipboard. It holds everything you see, edits and step included",
                Err(()) => {
                    "The browser does not allow copying here: copy the link from the address bar. It holds everything"
                }
            };
            let text = format!("{text}. What follows its # never reaches a server.");
            act.emit(Action::Tell(Notice { text, bad: false }));
        });
    })
}

/// The scenario picker.
#[function_component]
fn Picker(props: &super::Panel) -> Html {
    let ctx = &props.ctx;
    let base = ctx.state.pending.as_ref().and_then(|link| link.base.clone());
    let base = base.unwrap_or_else(|| ctx.state.document.base.clone());
    let option = |name: &'static str, title: &'static str| {
        html! { <option value={name} selected={name == base}>{ title }</option> }
    };
    let onchange = ctx.on(|event: Event| {
        let select: HtmlSelectElement = event.target_unchecked_into();
        Action::Open(select.value())
    });
    let small = examples::ALL.iter().filter(|example| example.name != default_name());
    let story = examples::ALL.iter().filter(|example| example.name == default_name());
    // a scenario of the conformance page, which only its link opens
    let linked = match Entry::find(&base) {
        Some(Entry::Scenario(scenario)) => Some(html! {
            <optgroup label="From the conformance page">{ option(scenario.name, scenario.name) }</optgroup>
        }),
        _ => None,
    };
    html! {
        <label class="pick">
            <span>{ "Scenario" }</span>
            <select id="scenario" {onchange}>
                { linked }
                <optgroup label="The worked example">
                    { for story.map(|example| option(example.name, example.title)) }
                </optgroup>
                <optgroup label="Small examples">
                    { for small.map(|example| option(example.name, example.title)) }
                </optgroup>
                <optgroup label="Real Linux systems">
                    { for SYSTEMS.iter().map(|system| option(system.name, system.title)) }
                </optgroup>
            </select>
        </label>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct KeysProps {
    shortcuts: bool,
    set: Callback<bool>,
}

/// What keys do, and the switch for the single ones.
#[function_component]
fn Keys(props: &KeysProps) -> Html {
    let set = props.set.clone();
    let on = props.shortcuts;
    let onchange = Callback::from(move |_: Event| set.emit(!on));
    let fixed = [("← →", "step back, step on"), ("↑ ↓ ← →", "in the walk: from lookup to lookup"), ("Ctrl+Z", "undo")];
    let row = |key: &str, does: &str| html! { <><dt><kbd>{ key }</kbd></dt><dd>{ does }</dd></> };
    html! {
        <>
            <button type="button" popovertarget="keys">{ "Keys" }</button>
            <div class="sheet" id="keys" popover="auto">
                <dl>
                    { for fixed.iter().map(|(key, does)| row(key, does)) }
                    { for KEYS.iter().filter(|_| on).map(|(key, does)| row(key, does)) }
                </dl>
                <label class="check"><input type="checkbox" checked={on} {onchange} />{ "Single-key shortcuts" }</label>
            </div>
        </>
    }
}

/// Light or dark.
#[function_component]
fn Theme() -> Html {
    let dark = use_state(|| match browser::setting("theme").as_deref() {
        Some("dark") => true,
        Some("light") => false,
        _ => browser::prefers_dark(),
    });
    let toggle = {
        let dark = dark.clone();
        Callback::from(move |_: MouseEvent| {
            let theme = if *dark { "light" } else { "dark" };
            browser::keep_setting("theme", theme);
            browser::set_theme(theme);
            dark.set(!*dark);
        })
    };
    html! {
        <button type="button" class="icon" onclick={toggle} aria-pressed={dark.to_string()} title="Dark colours">
            <span aria-hidden="true">{ "◐" }</span>{ spoken("Dark colours") }
        </button>
    }
}
