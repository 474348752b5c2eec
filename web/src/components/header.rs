//! The top of the page: what is shown, and what can be done with all of it.

use super::{Ctx, spoken};
use crate::address::Screen;
use crate::browser;
use crate::catalogue::{Entry, SYSTEMS, default_name};
use crate::state::{Action, Notice};
use stagewalk::scenario::examples;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

/// Keys and what they do.
pub type KeyList = &'static [(&'static str, &'static str)];

/// What the header is told by the page around it.
#[derive(Clone, PartialEq)]
pub struct Frame {
    /// The screen shown.
    pub screen: Screen,
    /// Shows another screen.
    pub go: Callback<Screen>,
    /// Whether single keys do something.
    pub shortcuts: bool,
    /// Turns that on and off.
    pub set_shortcuts: Callback<bool>,
}

/// Properties of the header.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What the page says.
    pub frame: Frame,
    /// What is shown, in a sentence.
    pub about: String,
    /// There is something to undo.
    pub can_undo: bool,
    /// There is something to redo.
    pub can_redo: bool,
    /// Undoes.
    pub undo: Callback<MouseEvent>,
    /// Redoes.
    pub redo: Callback<MouseEvent>,
    /// Copies the link.
    pub share: Callback<MouseEvent>,
    /// Keys that work always.
    pub fixed: KeyList,
    /// Single keys.
    pub keys: KeyList,
    /// The picker.
    pub children: Html,
}

/// The header.
#[function_component]
pub fn Header(props: &Props) -> Html {
    let Props { frame, about, can_undo, can_redo, undo, redo, share, fixed, keys, children } = props.clone();
    html! {
        <header class="top">
            <div class="bar">
                <h1 class="brand"><span class="mark" aria-hidden="true" />{ "stagewalk" }</h1>
                <nav class="screens" aria-label="Screens">
                    { screen(&frame, Screen::Walk, "Walk", "#ex=stage2-hole") }
                    { screen(&frame, Screen::Vcpus, "vCPUs", "#vcpus") }
                </nav>
                { children }
                <div class="tools">
                    <button type="button" aria-disabled={(!can_undo).then_some("true")} title="Ctrl+Z"
                        onclick={undo}>{ "Undo" }</button>
                    <button type="button" aria-disabled={(!can_redo).then_some("true")} title="Ctrl+Shift+Z"
                        onclick={redo}>{ "Redo" }</button>
                    <button type="button" onclick={share}>{ "Share" }</button>
                    <a href="./static/conformance.html">{ "Conformance" }</a>
                    <Keys {fixed} {keys} shortcuts={frame.shortcuts} set={frame.set_shortcuts} />
                    <Theme />
                </div>
            </div>
            <p class="about">{ about }</p>
        </header>
    }
}

fn screen(frame: &Frame, screen: Screen, name: &'static str, href: &'static str) -> Html {
    let go = frame.go.clone();
    let onclick = Callback::from(move |event: MouseEvent| {
        if !(event.ctrl_key() || event.meta_key() || event.shift_key()) {
            event.prevent_default();
            go.emit(screen);
        }
    });
    let current = (frame.screen == screen).then_some("page");
    html! { <a {href} aria-current={current} {onclick}>{ name }</a> }
}

/// The header of the walk.
#[derive(Clone, PartialEq, Properties)]
pub struct WalkHeaderProps {
    /// The context.
    pub ctx: Ctx,
    /// What the page says.
    pub frame: Frame,
}

/// The header of the walk.
#[function_component]
pub fn WalkHeader(props: &WalkHeaderProps) -> Html {
    let ctx = &props.ctx;
    let history = &ctx.state.history;
    let about = ctx.state.entry().map(|entry| entry.about()).unwrap_or_default();
    let link = ctx.clone();
    let share = share(move || link.state.link().write(), ctx.act.reform(Action::Tell));
    html! {
        <Header frame={props.frame.clone()} {about} {share}
            can_undo={history.can_undo()} can_redo={history.can_redo()}
            undo={ctx.on(|_: MouseEvent| Action::Undo)} redo={ctx.on(|_: MouseEvent| Action::Redo)}
            fixed={super::keyboard::FIXED} keys={super::keyboard::KEYS}>
            <Picker ctx={ctx.clone()} />
        </Header>
    }
}

/// Copies the link, and says what that means.
pub fn share(link: impl Fn() -> String + 'static, tell: Callback<Notice>) -> Callback<MouseEvent> {
    Callback::from(move |_| {
        let fragment = link();
        let url = browser::url(&fragment);
        browser::replace_fragment(&fragment);
        let tell = tell.clone();
        yew::platform::spawn_local(async move {
            let text = match browser::copy(url).await {
                Ok(()) => "The link is on the clipboard. It holds everything you see, edits and step included",
                Err(()) => {
                    "The browser does not allow copying here: copy the link from the address bar. It holds everything"
                }
            };
            let text = format!("{text}. What follows its # never reaches a server.");
            tell.emit(Notice { text, bad: false });
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
    fixed: KeyList,
    keys: KeyList,
    shortcuts: bool,
    set: Callback<bool>,
}

/// What keys do, and the switch for the single ones.
#[function_component]
fn Keys(props: &KeysProps) -> Html {
    let set = props.set.clone();
    let on = props.shortcuts;
    let onchange = Callback::from(move |_: Event| set.emit(!on));
    let row = |key: &str, does: &str| html! { <><dt><kbd>{ key }</kbd></dt><dd>{ does }</dd></> };
    html! {
        <>
            <button type="button" popovertarget="keys">{ "Keys" }</button>
            <div class="sheet" id="keys" popover="auto">
                <dl>
                    { for props.fixed.iter().map(|(key, does)| row(key, does)) }
                    { for props.keys.iter().filter(|_| on).map(|(key, does)| row(key, does)) }
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
