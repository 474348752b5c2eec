//! The whole page: the state of each screen lives here, and so does everything that listens to the browser.

use super::header::Frame;
use super::vcpus::page::{Shared as SharedVcpus, VcpusPage};
use super::walk_page::{Shared, WalkPage};
use crate::address::{Address, Screen};
use crate::browser;
use crate::catalogue::Entry;
use crate::fetch;
use crate::state::{Action, Notice, State};
use crate::vcpus;
use crate::vcpus::link::VcpusLink;
use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use std::cell::RefCell;
use std::rc::Rc;
use yew::prelude::*;

/// Time to let the address bar rest between changes: browsers limit how often it may be written.
const REST: u32 = 150;

/// The state of the walk, as Yew keeps it.
struct Walk(Rc<State>);

impl Reducible for Walk {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        Rc::new(Self(Rc::new(State::clone(&self.0).reduce(action))))
    }
}

/// The state of the vCPUs: none before somebody looks at them.
struct Vcpus(Option<Rc<vcpus::state::State>>);

/// What happens to it.
enum VcpusAction {
    /// The screen is shown, and perhaps a link is followed.
    Show(Option<VcpusLink>),
    /// What people do.
    Act(vcpus::state::Action),
}

impl Reducible for Vcpus {
    type Action = VcpusAction;

    fn reduce(self: Rc<Self>, action: VcpusAction) -> Rc<Self> {
        use vcpus::state::{Action, State};
        let next = match (self.0.as_deref(), action) {
            (Some(_), VcpusAction::Show(None)) | (None, VcpusAction::Act(_)) => return self,
            (Some(state), VcpusAction::Show(Some(link))) => state.clone().reduce(Action::Follow(link)),
            (Some(state), VcpusAction::Act(action)) => state.clone().reduce(action),
            (None, VcpusAction::Show(link)) => State::open_with(link.as_ref()),
        };
        Rc::new(Self(Some(Rc::new(next))))
    }
}

/// Draws the playground where the page has a place for it.
pub fn mount() {
    let place = gloo::utils::document().get_element_by_id("app");
    let place = place.unwrap_or_else(|| gloo::utils::body().into());
    yew::Renderer::<App>::with_root(place).render();
}

/// What the page opens with.
fn opening() -> (Screen, Walk, Vcpus) {
    let opened = |link| Walk(Rc::new(State::open_with(link)));
    match Address::read(&browser::fragment()) {
        Ok(Some(Address::Vcpus(link))) => {
            let state = vcpus::state::State::open_with(Some(&link));
            (Screen::Vcpus, opened(Ok(None)), Vcpus(Some(Rc::new(state))))
        }
        Ok(Some(Address::Walk(link))) => (Screen::Walk, opened(Ok(Some(link))), Vcpus(None)),
        Ok(None) => (Screen::Walk, opened(Ok(None)), Vcpus(None)),
        Err(complaint) => (Screen::Walk, opened(Err(complaint)), Vcpus(None)),
    }
}

/// The page.
#[function_component]
pub fn App() -> Html {
    // before anything reads the address bar
    let token = use_state_eq(|| browser::take_token().or_else(browser::token).map(AttrValue::from));
    let first = use_mut_ref(|| Some(opening()));
    let opened = first.borrow_mut().take();
    let (screen, walk, others) = opened.map_or((None, None, None), |(a, b, c)| (Some(a), Some(b), Some(c)));
    let screen = use_state_eq(|| screen.unwrap_or_default());
    let walk = use_reducer(|| walk.unwrap_or_else(|| Walk(Rc::default())));
    let others = use_reducer(|| others.unwrap_or(Vcpus(None)));
    let act = {
        let dispatcher = walk.dispatcher();
        Callback::from(move |action| dispatcher.dispatch(action))
    };
    let show_vcpus = {
        let dispatcher = others.dispatcher();
        Callback::from(move |link| dispatcher.dispatch(VcpusAction::Show(link)))
    };
    let act_vcpus = {
        let dispatcher = others.dispatcher();
        Callback::from(move |action| dispatcher.dispatch(VcpusAction::Act(action)))
    };
    let go = {
        let (screen, show) = (screen.clone(), show_vcpus.clone());
        Callback::from(move |to: Screen| {
            if to == Screen::Vcpus {
                show.emit(None);
            }
            screen.set(to);
        })
    };
    let state = Rc::clone(&walk.0);
    use_address_bar(link(*screen, &state, others.0.as_deref()));
    let keep_token = {
        let token = token.clone();
        Callback::from(move |new: String| token.set(Some(new.into())))
    };
    use_links(*screen, &act, &show_vcpus, &act_vcpus, &go, &keep_token);
    use_fetch(state.wanted(), &act);
    use_effect_with((), |()| browser::mark_ready());
    let shortcuts = use_state(|| browser::setting("shortcuts").as_deref() != Some("off"));
    let set_shortcuts = {
        let shortcuts = shortcuts.clone();
        Callback::from(move |on: bool| {
            browser::keep_setting("shortcuts", if on { "on" } else { "off" });
            shortcuts.set(on);
        })
    };
    let frame = Frame { screen: *screen, go, shortcuts: *shortcuts, set_shortcuts };
    match (*screen, &others.0) {
        (Screen::Vcpus, Some(state)) => {
            html! { <VcpusPage {frame} state={SharedVcpus(Rc::clone(state))} act={act_vcpus} /> }
        }
        _ => html! { <WalkPage {frame} state={Shared(state)} {act} token={(*token).clone()} /> },
    }
}

/// The link to what is shown, unless the address bar is to be left alone.
fn link(screen: Screen, walk: &State, vcpus: Option<&vcpus::state::State>) -> Option<String> {
    match (screen, vcpus) {
        (Screen::Vcpus, Some(state)) => (!state.keep_address).then(|| state.link().write()),
        _ => (!walk.keep_address && walk.pending.is_none()).then(|| walk.link().write()),
    }
}

/// Keeps the address bar in step with the state.
#[hook]
fn use_address_bar(link: Option<String>) {
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

/// Follows links pasted into the address bar.
#[hook]
fn use_links(
    screen: Screen,
    act: &Callback<Action>,
    show: &Callback<Option<VcpusLink>>,
    tell: &Callback<vcpus::state::Action>,
    go: &Callback<Screen>,
    keep_token: &Callback<String>,
) {
    let (act, show, tell, go) = (act.clone(), show.clone(), tell.clone(), go.clone());
    let keep_token = keep_token.clone();
    use_effect_with(screen, move |&screen| {
        let listener = EventListener::new(&gloo::utils::window(), "hashchange", move |_| {
            if let Some(token) = browser::take_token() {
                keep_token.emit(token);
            }
            match Address::read(&browser::fragment()) {
                Ok(Some(Address::Vcpus(link))) => {
                    show.emit(Some(link));
                    go.emit(Screen::Vcpus);
                }
                Ok(Some(Address::Walk(link))) => {
                    act.emit(Action::Follow(Ok(Some(link))));
                    go.emit(Screen::Walk);
                }
                Ok(None) => {}
                Err(complaint) if screen == Screen::Vcpus => {
                    let text = format!("This link could not be read: {complaint}.");
                    tell.emit(vcpus::state::Action::Tell(Notice { text, bad: true }));
                }
                Err(complaint) => act.emit(Action::Follow(Err(complaint))),
            }
        });
        move || drop(listener)
    });
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
