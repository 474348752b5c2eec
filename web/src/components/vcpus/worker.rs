//! Exploring beside the page: in a worker with a wasm instance of its own, or where there is none, in slices between
//! frames.

use crate::vcpus::exploration::{self, Job, Progress, Report};
use crate::vcpus::state::{Action, Exploration, State};
use gloo::timers::callback::Timeout;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, Worker, WorkerOptions, WorkerType};
use yew::prelude::*;

/// The worker's script, beside the page.
const SCRIPT: &str = "./static/explore.js";
/// States between two words of progress.
const SLICE: usize = 20_000;
/// States between two frames, where there is no worker.
const SMALL_SLICE: usize = 400;

/// Runs the exploration that the state asks for, and stops it when the state no longer does.
#[hook]
pub fn use_exploration(state: &Rc<State>, act: &Callback<Action>) {
    let running = matches!(state.exploration, Exploration::Running(_));
    let wanted = running.then_some((state.number, state.run.story, state.run.policy.name));
    let act = act.clone();
    use_effect_with(wanted, move |wanted| {
        let running = wanted.map(|(number, story, policy)| Running::new(number, story, policy, act));
        move || drop(running)
    });
}

/// The next slice, where there is no worker.
type Slices = Rc<RefCell<Option<Timeout>>>;

/// An exploration under way; dropped, it ends.
struct Running {
    worker: Option<Worker>,
    slices: Slices,
    _heard: Closure<dyn FnMut(MessageEvent)>,
    _failed: Closure<dyn FnMut(web_sys::Event)>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(worker) = &self.worker {
            worker.terminate();
        }
        drop(self.slices.take());
    }
}

impl Running {
    fn new(number: u32, story: &'static str, policy: &'static str, act: Callback<Action>) -> Self {
        let tell = act.clone();
        let heard = Closure::new(move |event: MessageEvent| {
            let said = event.data().as_string().and_then(|text| exploration::read(&text));
            tell.emit(heard(number, said));
        });
        let slices = Slices::default();
        let in_slices = {
            let slices = Rc::clone(&slices);
            move || match Job::new(story, policy) {
                Some(job) => slice(number, job, act.clone(), Rc::clone(&slices)),
                None => act.emit(Action::Failed(number, "There is nothing to explore.".into())),
            }
        };
        let begin = in_slices.clone();
        let failed = Closure::new(move |_| begin());
        let worker = worker(&heard, &failed, &format!("{story} {policy}"));
        if worker.is_none() {
            in_slices();
        }
        Self { worker, slices, _heard: heard, _failed: failed }
    }
}

fn worker(
    heard: &Closure<dyn FnMut(MessageEvent)>,
    failed: &Closure<dyn FnMut(web_sys::Event)>,
    ask: &str,
) -> Option<Worker> {
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let worker = Worker::new_with_options(SCRIPT, &options).ok()?;
    worker.set_onmessage(Some(heard.as_ref().unchecked_ref()));
    worker.set_onerror(Some(failed.as_ref().unchecked_ref()));
    worker.post_message(&JsValue::from_str(ask)).ok()?;
    Some(worker)
}

fn heard(number: u32, said: Option<Result<Report, Progress>>) -> Action {
    match said {
        Some(Ok(report)) => Action::Explored(number, Rc::new(report)),
        Some(Err(progress)) => Action::Progressed(number, progress),
        None => Action::Failed(number, "The worker that explores said something that means nothing.".into()),
    }
}

/// Explores a little, and then the rest after the page has had its turn.
fn slice(number: u32, mut job: Job, act: Callback<Action>, next: Slices) {
    let again = Rc::clone(&next);
    let timeout = Timeout::new(0, move || match job.run(SMALL_SLICE) {
        Ok(report) => act.emit(Action::Explored(number, Rc::new(report))),
        Err(progress) => {
            act.emit(Action::Progressed(number, progress));
            slice(number, job, act, Rc::clone(&again));
        }
    });
    next.replace(Some(timeout));
}

/// What the worker does with a message: explores, and says how it gets on.
#[wasm_bindgen]
pub fn explore(asked: &str) {
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else { return };
    let say = |text: &str| drop(scope.post_message(&JsValue::from_str(text)));
    let (story, policy) = asked.split_once(' ').unwrap_or((asked, ""));
    let Some(mut job) = Job::new(story, policy) else { return say("") };
    loop {
        let said = job.run(SLICE);
        say(&exploration::write(&said));
        if said.is_ok() {
            return;
        }
    }
}
