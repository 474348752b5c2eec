//! The real machine, where there is one: an arm64 host with KVM, such as the machine of `cargo xtask test-kvm`. A test
//! of what the host lacks is ignored, with the reason.
//!
//! All is asked in the first thread, one after the other: the alarm that stops a guest which does not end is that
//! thread's.

use libtest_mimic::{Arguments, Completion, Trial};
use stagewalk::kvm::{self, Cases, Level, Machine, Problem, Scene, TALES, Verdict};
use std::cell::RefCell;
use std::process::ExitCode;

/// How many random cases each test asks at each level. The test bed leaves out the many: it emulates the machine, and
/// other commands ask as many there.
const ANSWERS: [(&str, usize); 2] = [("answers", 300), ("many_answers", 5000)];
/// Others than those of the test bed's other commands.
const SEED: u64 = 7;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, tests()).exit_code()
}

fn tests() -> Vec<Trial> {
    if let Err(problem) = kvm::levels() {
        return vec![test("real_machine".into(), move || Err(problem))];
    }
    let at = |level: Level| {
        let answers =
            ANSWERS.map(|(name, cases)| test(format!("{}::{name}", level.name()), move || answers(level, cases)));
        let stories =
            TALES.map(|tale| test(format!("{}::{}", level.name(), tale.name), move || story(level, tale.name)));
        answers.into_iter().chain(stories)
    };
    Level::ALL.into_iter().flat_map(at).collect()
}

fn test(name: String, run: impl FnOnce() -> Result<(), Problem> + Send + 'static) -> Trial {
    Trial::ignorable_test(name, || match run() {
        Ok(()) => Ok(Completion::Completed),
        Err(Problem::Unavailable(why)) => Ok(Completion::ignored_with(why)),
        Err(problem) => Err(problem.to_string().into()),
    })
}

/// Random cases. A host's VM may refuse some registers' values, but not those of most cases.
fn answers(level: Level, cases: usize) -> Result<(), Problem> {
    let mut machine = Machine::new(level)?;
    let limits = machine.limits();
    let mut answered = 0;
    for mut fit in Cases::new(limits, SEED).take(cases) {
        let answer = match machine.run(&mut fit) {
            Err(Problem::Unfit(_)) => continue,
            answer => answer?,
        };
        answered += 1;
        let model = fit.case.run();
        if kvm::compare(&fit.case, &model, &answer, limits.walker) == Verdict::Unexplained {
            let case = serde_json::to_string(&fit.case).expect("a case is JSON");
            let [model, machine] = [model, answer].map(|run| run.answer.result);
            return Err(Problem::Failed(format!("the model says {model:x?}, the machine {machine:x?}\n{case}")));
        }
    }
    if answered > cases / 2 { Ok(()) } else { Err(Problem::Failed(format!("{answered} of {cases} cases fit"))) }
}

thread_local! {
    /// The VM of the level at which stories were told last: with a virtual EL2 it takes seconds to be made.
    static SCENE: RefCell<Option<(Level, Scene)>> = const { RefCell::new(None) };
}

fn story(level: Level, name: &str) -> Result<(), Problem> {
    let mut scene = match SCENE.take() {
        Some((made, scene)) if made == level => scene,
        _ => Scene::new(level)?,
    };
    let told = scene.tell(name)?;
    SCENE.set(Some((level, scene)));
    if told.as_expected { Ok(()) } else { Err(Problem::Failed(format!("it went otherwise: {:#?}", told.events))) }
}
