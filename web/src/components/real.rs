//! The real machine's answer beside the model's, where the page is from a host that has one.

use super::Panel;
use crate::ask;
use crate::real::{Standing, question};
use crate::state::Computed;
use gloo::timers::callback::Timeout;
use stagewalk::view::real::{Beside, Unlike};
use std::rc::Rc;
use web_sys::AbortController;
use yew::prelude::*;

/// How long what is shown must have been the same before the machine is asked, in milliseconds.
const REST: u32 = 250;

/// What is shown: equal to itself alone.
#[derive(Clone)]
struct Shown(Rc<Computed>);

impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// How it stands with the machine's answer to what is shown; nothing where there is no machine. Who asks does not wait:
/// a question that is no longer of interest is given up.
#[hook]
pub fn use_real(shown: &Rc<Computed>, token: Option<&AttrValue>) -> Option<Rc<Standing>> {
    let known = use_state(|| None::<(Shown, Rc<Standing>)>);
    let token = token.filter(|_| shown.refusal.is_none());
    {
        let known = known.clone();
        use_effect_with((Shown(Rc::clone(shown)), token.cloned()), move |(shown, token)| {
            let begun = token.clone().map(|token| {
                let (shown, controller) = (shown.clone(), AbortController::new().ok());
                let signal = controller.as_ref().map(AbortController::signal);
                let timeout = Timeout::new(REST, move || {
                    yew::platform::spawn_local(async move {
                        let Some(signal) = signal else { return };
                        let standing = match question(&shown.0.case) {
                            Ok(question) => ask::ask(&token, &question, &signal).await,
                            Err(why) => Standing::Unfit(why),
                        };
                        if !signal.aborted() {
                            known.set(Some((shown, Rc::new(standing))));
                        }
                    });
                });
                (timeout, controller)
            });
            move || {
                if let Some((timeout, controller)) = begun {
                    timeout.cancel();
                    controller.iter().for_each(AbortController::abort);
                }
            }
        });
    }
    token?;
    let said = known.as_ref().filter(|(of, _)| Rc::ptr_eq(&of.0, shown));
    Some(said.map_or_else(|| Rc::new(Standing::Asking), |(_, standing)| Rc::clone(standing)))
}

/// The badge.
#[function_component]
pub fn MachineBadge(props: &Panel) -> Html {
    let Some(standing) = &props.ctx.real else { return Html::default() };
    let badge = standing.badge();
    let asking = matches!(**standing, Standing::Asking);
    html! {
        <p class={classes!("real", badge.class)} role="status" aria-busy={asking.to_string()}>
            <span class="tag">
                <span class="sign" aria-hidden="true">{ badge.sign }</span>{ "machine: " }{ badge.word }
            </span>
            if !badge.more.is_empty() { { " " }<span class="more">{ badge.more }</span> }
        </p>
    }
}

/// What the machine says, and where that is not what is shown.
#[function_component]
pub fn MachineAnswer(props: &Panel) -> Html {
    let Some(Standing::Told(beside)) = props.ctx.real.as_deref() else { return Html::default() };
    html! {
        <div class="beside">
            <h3>{ "What the machine says" }</h3>
            <p>
                { format!("Linux {}, {}: ", beside.kernel, beside.level) }
                <span class="mono">{ beside.headline.clone() }</span>{ "." }
                if !beside.untold.is_empty() {
                    <span class="unsaid">{ format!(" It cannot tell {}.", beside.untold_words()) }</span>
                }
            </p>
            { differences(beside) }
        </div>
    }
}

fn differences(beside: &Beside) -> Html {
    if beside.differences.is_empty() {
        return Html::default();
    }
    html! {
        <div class="scroller" role="region" tabindex="0" aria-label="What is different on the machine">
            <table class="fields">
                <caption class="spoken">{ "What is different on the machine" }</caption>
                <thead>
                    <tr>
                        <th scope="col">{ "field" }</th>
                        <th scope="col">{ "model" }</th>
                        <th scope="col">{ "machine" }</th>
                    </tr>
                </thead>
                <tbody>{ for beside.differences.iter().map(row) }</tbody>
            </table>
        </div>
    }
}

fn row(unlike: &Unlike) -> Html {
    let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "not there".into());
    let dot = if unlike.register.is_empty() { "" } else { " " };
    html! {
        <tr>
            <th scope="row">{ format!("{}{dot}{}", unlike.register, unlike.field) }</th>
            <td class="mono">{ side(&unlike.shown) }</td>
            <td class="mono">{ side(&unlike.machine) }</td>
        </tr>
    }
}
