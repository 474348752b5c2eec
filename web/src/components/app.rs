//! The whole page: the state lives here, and so does everything that listens to the browser.

use super::command_bar::CommandBar;
use super::header::Header;
use super::inspector::Inspector;
use super::keyboard;
use super::matrix::Walk;
use super::memory::MemoryPanel;
use super::regime_strip::RegimeStrip;
use super::registers::Registers;
use super::result_bar::ResultBar;
use super::result_panel::ResultPanel;
use super::stepper::Stepper;
use super::va_strip::VaStrip;
use super::{Ctx, spoken};
use crate::browser;
use crate::catalogue::Entry;
use crate::fetch;
use crate::link::Link;
use crate::state::{Action, State};
use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use stagewalk::view::links::Target;
use std::cell::RefCell;
use std::rc::Rc;
use yew::prelude::*;

/// Time to let the address bar rest between changes: browsers limit how often it may be written.
const REST: u32 = 150;

/// The state, as Yew keeps it.
struct Store(Rc<State>);

impl Reducible for Store {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        Rc::new(Self(Rc::new(State::clone(&self.0).reduce(action))))
    }
}

/// Draws the playground where the page has a place for it.
pub fn mount() {
    let place = gloo::utils::document().get_element_by_id("app");
    let place = place.unwrap_or_else(|| gloo::utils::body().into());
    yew::Renderer::<App>::with_root(place).render();
}

/// The page.
#[function_component]
pub fn App() -> Html {
    let store = use_reducer(|| Store(Rc::new(State::open_with(Link::read(&browser::fragment())))));
    let pointed = use_state_eq(|| None::<Target>);
    let act = {
        let dispatcher = store.dispatcher();
        Callback::from(move |action| dispatcher.dispatch(action))
    };
    let point = {
        let pointed = pointed.clone();
        Callback::from(move |target| pointed.set(target))
    };
    let state = Rc::clone(&store.0);
    use_address_bar(&state, &act);
    use_fetch(state.wanted(), &act);
    use_effect_with((), |()| browser::mark_ready());
    let shortcuts = use_state(|| browser::setting("shortcuts").as_deref() != Some("off"));
    keyboard::use_shortcuts(&act, *shortcuts);
    let set_shortcuts = {
        let shortcuts = shortcuts.clone();
        Callback::from(move |on: bool| {
            browser::keep_setting("shortcuts", if on { "on" } else { "off" });
            shortcuts.set(on);
        })
    };

    let ctx = Ctx::new(state, act, *pointed, point);
    html! {
        <>
            <a class="skip" href="#walk" onclick={skip("#walk button[tabindex='0']")}>{ "Skip to the walk" }</a>
            <Header ctx={ctx.clone()} shortcuts={*shortcuts} {set_shortcuts} />
            <NoticeBar ctx={ctx.clone()} />
            <main class="bench">
                <div class="question">
                    <CommandBar ctx={ctx.clone()} />
                    <ResultBar ctx={ctx.clone()} />
                    <RegimeStrip ctx={ctx.clone()} />
                </div>
                <VaStrip ctx={ctx.clone()} />
                <Walk ctx={ctx.clone()} />
                <Inspector ctx={ctx.clone()} />
                <ResultPanel ctx={ctx.clone()} />
                <div class="machine">
                    <Registers ctx={ctx.clone()} />
                    <MemoryPanel ctx={ctx.clone()} />
                </div>
            </main>
            <Stepper {ctx} />
        </>
    }
}

/// Moves the focus without touching the fragment, which holds the state.
fn skip(selector: &'static str) -> Callback<MouseEvent> {
    Callback::from(move |event: MouseEvent| {
        event.prevent_default();
        browser::focus(selector);
    })
}

/// Keeps the address bar in step with the state, and follows links pasted into it.
#[hook]
fn use_address_bar(state: &Rc<State>, act: &Callback<Action>) {
    let link = (!state.keep_address && state.pending.is_none()).then(|| state.link().write());
    let rested = use_mut_ref(|| true);
    let waiting = use_mut_ref(|| None::<String>);
    use_effect_with(link, move |link| {
        let Some(link) = link.clone() else {
            drop(waiting.take());
            return;
        };
        if !rested.replace(false) {
            waiting.replace(Some(link));
            return;
        }
        browser::replace_fragment(&link);
        rest(rested, waiting);
    });
    let act = act.clone();
    use_effect_with((), move |()| {
        let listener = EventListener::new(&gloo::utils::window(), "hashchange", move |_| {
            act.emit(Action::Follow(Link::read(&browser::fragment())));
        });
        move || drop(listener)
    });
}

/// Lets the address bar rest, then writes what has come to wait in the meantime.
fn rest(rested: Rc<RefCell<bool>>, waiting: Rc<RefCell<Option<String>>>) {
    let then = move || match waiting.take() {
        Some(link) => {
            browser::replace_fragment(&link);
            rest(rested, waiting);
        }
        None => *rested.borrow_mut() = true,
    };
    Timeout::new(REST, then).forget();
}

/// Fetches a captured machine when one is wanted.
#[hook]
fn use_fetch(wanted: Option<&'static str>, act: &Callback<Action>) {
    let act = act.clone();
    use_effect_with(wanted, move |wanted| {
        if let Some(Entry::System(system)) = wanted.and_then(Entry::find) {
            yew::platform::spawn_local(async move {
                let machine = fetch::machine(system).await.map(Rc::new);
                act.emit(Action::Arrived(system.name, machine));
            });
        }
    });
}

/// What there is to tell, until it is dismissed.
#[function_component]
fn NoticeBar(props: &super::Panel) -> Html {
    let notice = props.ctx.state.notice.clone();
    let shown = notice.map(|notice| {
        let (class, mark) = if notice.bad { ("notice bad", "✗ ") } else { ("notice", "") };
        html! {
            <div {class}>
                <p>{ mark }{ notice.text }</p>
                <button type="button" class="quiet" onclick={props.ctx.on(|_: MouseEvent| Action::Dismiss)}>
                    { "×" }{ spoken("Dismiss") }
                </button>
            </div>
        }
    });
    html! { <div class="notices" role="status">{ shown }</div> }
}
