use super::super::exploration::Job;
use super::*;

fn after(actions: impl IntoIterator<Item = Action>) -> State {
    actions.into_iter().fold(State::open_with(None), State::reduce)
}

fn trace(state: &State) -> String {
    Trace(state.run.replay.trace()).to_string()
}

fn step(actor: u8, choice: u16) -> Action {
    Action::Take(Transition { actor, choice })
}

/// Lets the exploration that a state asks for come to its end.
fn explored(state: State) -> State {
    let mut job = Job::new(state.run.story, state.run.policy.name).unwrap();
    let number = state.number;
    let mut state = state;
    for _ in 0..1000 {
        match job.run(10) {
            Ok(report) => return state.reduce(Action::Explored(number, Rc::new(report))),
            Err(progress) => state = state.reduce(Action::Progressed(number, progress)),
        }
    }
    panic!("{} under {} goes on and on", state.run.story, state.run.policy.name);
}

#[test]
fn it_opens_on_the_story_of_2017() {
    let state = after([]);
    assert_eq!((state.run.story, state.run.policy.name, state.at, state.run.steps()), ("swapped-out", "race", 0, 0));
    assert!(!state.history.can_undo());
}

#[test]
fn steps_are_taken_back_and_taken_again() {
    let state = after([Action::Step, Action::Step, step(1, 0)]);
    assert_eq!((trace(&state).as_str(), state.at), ("0.0.1", 3));
    let state = state.reduce(Action::Back).reduce(Action::Back);
    assert_eq!((trace(&state).as_str(), state.at), ("0.0.1", 1));
    let state = state.reduce(Action::Step);
    assert_eq!((trace(&state).as_str(), state.at), ("0.0.1", 2), "what is recorded is the default");
    let state = state.reduce(Action::To(1)).reduce(step(1, 0));
    assert_eq!((trace(&state).as_str(), state.at), ("0.1", 2), "another step forgets what came after");
    let state = state.reduce(Action::Undo);
    assert_eq!((trace(&state).as_str(), state.at), ("0.0.1", 1));
    let state = state.reduce(Action::Redo);
    assert_eq!((trace(&state).as_str(), state.at), ("0.1", 2));
    let state = state.reduce(step(3, 0)).reduce(step(0, 9));
    assert_eq!(trace(&state), "0.1", "what cannot be taken is not");
}

#[test]
fn a_run_comes_to_the_end_and_restarting_forgets_it() {
    let state = after([Action::Run]);
    assert!(state.run.replay.positions[state.at].ended() && state.notice.is_none());
    assert_eq!(state.default_step(), None);
    let again = state.clone().reduce(Action::To(3)).reduce(Action::Run);
    assert_eq!((again.at, trace(&again)), (state.at, trace(&state)));
    let state = state.reduce(Action::Restart);
    assert_eq!((state.run.steps(), state.at), (0, 0));
    assert!(state.reduce(Action::Undo).run.steps() > 0);
}

#[test]
fn a_policy_begins_the_story_again() {
    let state = after([Action::Step, Action::Policy("pause-all".into()), Action::Step, Action::Step, Action::Step]);
    assert!(state.run.replay.positions[3].lanes[1].asked);
    let state = state.reduce(Action::Policy("rice".into()));
    assert_eq!(state.run.policy.name, "pause-all");
    let state = state.reduce(Action::Open("torn-walk".into()));
    assert_eq!((state.run.story, state.run.policy.name), ("torn-walk", "race"));
    let state = state.reduce(Action::Open("nothing".into()));
    assert!(state.notice.is_some_and(|notice| notice.bad));
}

#[test]
fn who_is_looked_at_takes_the_steps() {
    let state = after([Action::Step, Action::Focus(Some(1)), Action::Step]);
    assert_eq!(trace(&state), "0.1");
    assert_eq!(state.walk(), None);
    assert_eq!(state.reduce(Action::Focus(Some(7))).focus, None);
}

#[test]
fn a_walk_is_the_last_one_unless_another_is_picked() {
    let state = after([Action::Step, Action::Step, Action::Step, Action::Step]);
    let last = state.walk().unwrap();
    assert_eq!(state.run.replay.moments[3].walk.unwrap().node, last);
    let picked = state.clone().reduce(Action::Pick(last + 1));
    assert_eq!(picked.walk(), Some(last + 1));
    assert_eq!(picked.reduce(Action::Back).walk(), state.reduce(Action::Back).walk());
}

#[test]
fn outcomes_are_explored_and_replayed() {
    let state = explored(after([Action::Explore]));
    let report = state.report().unwrap();
    assert_eq!((report.extra(), report.rows[0].text.as_str()), (1, "PAR=ok/secret"));
    let state = state.reduce(Action::Replay(0));
    assert_eq!((state.row, state.at), (Some(0), state.run.steps()));
    let observed = state.run.replay.positions[state.at].state;
    let observed = state.run.replay.world.observe(observed, &state.run.scenario.observables());
    assert_eq!(state.run.scenario.outcome(&observed, true), "PAR=ok/secret");
    let state = state.reduce(Action::Policy("pause-all".into()));
    assert!(state.report().is_none() && state.reports.len() == 1);
    assert_eq!(explored(state.reduce(Action::Explore)).report().unwrap().extra(), 0);
}

#[test]
fn what_a_cancelled_exploration_found_is_kept() {
    let mut state = after([Action::Explore]);
    let mut job = Job::new(state.run.story, state.run.policy.name).unwrap();
    let number = state.number;
    let found = |state: &State| match &state.exploration {
        Exploration::Running(progress) => progress.found.as_ref().map_or(0, |found| found.rows.len()),
        _ => panic!("it has come to its end"),
    };
    while found(&state) == 0 {
        let progress = job.run(1).expect_err("there is more");
        state = state.reduce(Action::Progressed(number, progress));
    }
    let count = found(&state);
    let whole = explored(state.clone());
    let elsewhere = state.clone().reduce(Action::Policy("pause-all".into()));
    assert_eq!((elsewhere.report(), elsewhere.reports.len()), (None, 1), "choosing another cancels too");
    let state = state.reduce(Action::Cancel);
    let kept = state.report().expect("what was found");
    assert_eq!((kept.extent, kept.rows.len(), &state.exploration), (Extent::Part, count, &Exploration::Idle));
    let state = state.reduce(Action::Replay(0));
    let replayed = state.report().unwrap().rows[0].text.clone();
    let state = explored(state.reduce(Action::Explore));
    assert_eq!((state.report(), state.report().unwrap().extent), (whole.report(), Extent::Whole));
    assert_eq!(state.report().unwrap().rows[state.row.unwrap()].text, replayed);
    let state = state.reduce(Action::Explore).reduce(Action::Cancel);
    assert_eq!(state.report(), whole.report(), "the whole is not given up for a part");
}

#[test]
fn an_answer_to_an_older_question_is_dropped() {
    let state = after([Action::Explore]);
    let number = state.number;
    let state = state.reduce(Action::Cancel).reduce(Action::Explored(number, Rc::default()));
    assert!(state.report().is_none() && matches!(state.exploration, Exploration::Stopped(_)));
    let state = state.reduce(Action::Explore).reduce(Action::Progressed(number, Progress::default()));
    assert_eq!(state.exploration, Exploration::Running(Progress::default()));
    assert_eq!(state.reduce(Action::Open("torn-walk".into())).exploration, Exploration::Idle);
}

#[test]
fn a_link_brings_everything_back() {
    let state = after([Action::Policy("pause-all".into()), Action::Step, Action::Step, Action::Step]);
    let state = state.reduce(step(1, Transition::LEAVE)).reduce(Action::Back);
    let again = State::open_with(Some(&state.link()));
    assert_eq!((trace(&again), again.at, again.run.policy), (trace(&state), 3, state.run.policy));
    assert!(!again.history.can_undo() && again.notice.is_none());
}

#[test]
fn a_link_that_cannot_be_followed_says_so() {
    let open = |story: &str, policy: &str, trace: &str| {
        let trace = trace.parse::<Trace>().unwrap().0;
        let (story, policy) = (Some(story.into()), Some(policy.into()));
        State::open_with(Some(&VcpusLink { story, policy, trace, ..VcpusLink::default() }))
    };
    let says = |state: &State, what: &str| state.notice.as_ref().is_some_and(|notice| notice.text.contains(what));
    let state = open("nothing", "race", "");
    assert!(says(&state, "no scenario “nothing”") && state.keep_address);
    let state = open("torn-walk", "rice", "");
    assert!(says(&state, "no policy “rice”") && state.run.story == "swapped-out");
    let state = open("torn-walk", "race", "0.0.1.1.1.1.1");
    assert!(says(&state, "Step 6 of the link’s trace") && state.run.steps() == 5);
}

#[test]
fn the_tour_can_be_taken_from_its_beginning_to_its_end() {
    for (number, page) in tour::PAGES.iter().enumerate() {
        let state = after([Action::Tour(Some(number))]);
        assert_eq!(state.tour, Some(number), "{}", page.title);
        assert_eq!((state.run.story, state.run.policy.name), (page.story, page.policy), "{}", page.title);
        assert_eq!(trace(&state), page.trace, "{}", page.title);
        assert!(state.run.replay.refused.is_none() && state.at == page.at, "{}", page.title);
        assert_eq!(matches!(state.exploration, Exploration::Running(_)), page.explore, "{}", page.title);
    }
    let state = after([Action::Tour(Some(tour::PAGES.len()))]);
    assert_eq!(state.tour, None);
}

#[test]
fn the_tour_shows_what_it_says() {
    let page = |title: &str| {
        let number = tour::PAGES.iter().position(|page| page.title.contains(title)).unwrap();
        after([Action::Tour(Some(number))])
    };
    let said = |state: &State| state.run.replay.moments[state.at - 1].text();
    let extra = |title: &str| explored(page(title)).report().unwrap().extra();
    assert!(said(&page("says which page")).contains("the exception tells the host the address"));
    assert!(said(&page("no hint")).contains("PAR_EL1 = 0xb0f"));
    assert!(said(&page("walk the tables by hand")).contains("the software walk knows the address"));
    assert!(said(&page("never there")).contains("PA secret"));
    let lane = |state: State| state.run.replay.positions[state.at].lanes[1].clone();
    assert_eq!(lane(page("let a TLBI wait")).waits.as_deref(), Some("its TLBIs wait for the walk of guest"));
    assert_eq!(lane(page("DSB that waits")).waits.as_deref(), Some("its TLBIs wait for the walk of reader"));
    assert!(said(&page("begin again")).contains("it begins again"));
    assert!(said(&page("cannot undo")).contains("compare-and-swap"));
    assert!(said(&page("tearing alone")).contains("PA evil"));
    assert_eq!(["Try everything", "cannot undo", "pause the host", "software lacks"].map(extra), [1, 1, 1, 1]);
    assert_eq!(
        ["pause everybody", "TLBI wait", "and begin", "be torn", "alone is legal", "DSB that"].map(extra),
        [0; 6]
    );
}

#[test]
fn every_story_opens_runs_to_its_end_and_is_where_its_link_says() {
    for story in stories::ALL {
        let state = after([Action::Open(story.name.into()), Action::Run]);
        assert_eq!(state.run.story, story.name);
        assert!(state.run.replay.positions[state.at].offers.is_empty() && state.notice.is_none(), "{}", story.name);
        assert!(!state.run.words.at(&state.run.replay, state.at).is_empty(), "{}", story.name);
        let again = State::open_with(Some(&state.link()));
        assert_eq!((again.at, trace(&again)), (state.at, trace(&state)), "{}", story.name);
    }
}
