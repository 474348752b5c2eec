//! A walk that is suspended at every descriptor, and a traced one, answer as one that runs at once.

use flate2::read::GzDecoder;
use stagewalk::access::OpKind;
use stagewalk::addr::FullAddress;
use stagewalk::at::{self, Answer, Outcome};
use stagewalk::env::{Ask, Direct, Env, Fetch, Replay, Traced};
use stagewalk::memory::{Memory, Reply};
use stagewalk::prepared::Prepared;
use stagewalk::regime::Stage;
use stagewalk::rule::Rule;
use stagewalk::scenario::Case;
use stagewalk::step::{Event, Purpose, Step};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};

/// Every n-th case of a vector profile.
fn cases(profile: &str, every: usize) -> Vec<Case> {
    let path = format!("{}/../tests/vectors/arm/{profile}.jsonl.gz", env!("CARGO_MANIFEST_DIR"));
    let lines = BufReader::new(GzDecoder::new(File::open(&path).expect(&path))).lines();
    lines.step_by(every).map(|line| Case::from_slice(line.expect("text").as_bytes()).expect("a case")).collect()
}

const PROFILES: [&str; 5] = ["nested", "hafdbs", "abort", "d128", "gpc"];

/// Answers one question from memory, as [`Direct`] would.
fn answer(memory: &mut Memory, ask: Ask) -> Reply {
    let mut world = Direct::new(memory);
    let Ok(reply) = match ask {
        Ask::Read(fetch) => world.read(fetch),
        Ask::CompareAndSwap { fetch, expected, new } => world.compare_and_swap(fetch, expected, new),
    };
    reply
}

/// Runs a case by starting over at every question, with all the answers so far; and where the questions were about.
fn suspended(case: &Case) -> (Answer, Memory, Vec<FullAddress>) {
    let (mut memory, mut answers, mut asked) = (case.memory.clone(), Vec::new(), Vec::new());
    loop {
        match at::execute(&case.pe, case.op, case.va, &mut Replay::new(&answers)) {
            Ok(answer) => return (answer, memory, asked),
            Err(ask) => {
                asked.push(ask.fetch().address);
                answers.push(answer(&mut memory, ask));
            }
        }
    }
}

#[test]
fn a_suspended_walk_is_its_answers_so_far() {
    for case in PROFILES.iter().flat_map(|profile| cases(profile, 5)) {
        let mut memory = case.memory.clone();
        let mut direct = Direct::new(&mut memory);
        let Ok(expected) = at::execute(&case.pe, case.op, case.va, &mut direct);
        let reads = direct.reads as usize;
        let (answer, left, asked) = suspended(&case);
        assert_eq!((answer, left, asked.len()), (expected, memory, reads), "{}", case.id);
    }
}

/// The registers leave the address open, as the vectors do.
#[test]
fn an_external_abort_tells_where_the_descriptor_was_to_be() {
    let mut aborts = 0;
    for case in cases("abort", 1) {
        let (answered, _, asked) = suspended(&case);
        let Some(fault) = answered.fault.filter(|fault| fault.code.is_external_abort()) else { continue };
        assert_eq!(Some(&fault.paddress), asked.last(), "{}", case.id);
        aborts += 1;
    }
    assert!(aborts > 500, "{aborts}");
}

#[test]
fn an_update_cites_the_rule_of_what_it_changes() {
    let rules = [Rule::S1Dirty, Rule::S1AccessFlag, Rule::S2Dirty, Rule::S2AccessFlag];
    let mut cited = BTreeSet::new();
    for case in cases("hafdbs", 1).into_iter().chain(cases("d128", 1)) {
        for step in case.trace().steps.into_iter().filter(|step| rules.contains(&step.rule)) {
            let Event::Update { old, new, .. } = step.event else { continue };
            // AP[2], S2AP[1], nDirty or Dirty.
            let dirtied = (old ^ new) >> 7 & 1 == 1;
            let rule = match (step.place.stage, dirtied) {
                (Some(Stage::S1), true) => Rule::S1Dirty,
                (Some(Stage::S1), false) => Rule::S1AccessFlag,
                (_, true) => Rule::S2Dirty,
                (_, false) => Rule::S2AccessFlag,
            };
            assert_eq!(step.rule.id(), rule.id(), "{}", case.id);
            cited.insert(step.rule);
        }
    }
    assert!(rules.iter().all(|rule| cited.contains(rule)), "{cited:?}");
}

/// How a trace must end for an answer.
fn ends_well(answer: &Answer, last: &Step) -> bool {
    match (&answer.result, last.event) {
        (Outcome::Undefined, Event::Undefined) | (Outcome::Performed, Event::Performed) => true,
        (Outcome::Par(par), Event::Par { value }) => par.value == value,
        (Outcome::Exception(taken), Event::Exception { el, esr } | Event::Trapped { el, esr }) => {
            let written = taken.registers.iter().find(|written| written.register.name().starts_with("ESR_EL"));
            taken.el == el && written.is_some_and(|written| written.value == esr)
        }
        _ => false,
    }
}

#[test]
fn a_trace_tells_the_whole_story_and_changes_nothing() {
    for case in PROFILES.iter().flat_map(|profile| cases(profile, 5)) {
        let run = case.run();
        let traced = case.trace();
        assert_eq!(
            (&run.answer, run.reads, &run.writes),
            (&traced.answer, traced.reads, &traced.writes),
            "{}",
            case.id
        );
        let last = traced.steps.last().expect("a step");
        assert!(ends_well(&traced.answer, last), "{}: {last:?}", case.id);
        let told = traced.steps.iter().filter_map(|step| match step.event {
            Event::Fault { fault } => Some(fault),
            _ => None,
        });
        assert_eq!(
            told.collect::<Vec<_>>(),
            Vec::from_iter(traced.answer.fault),
            "{}: each fault is told once",
            case.id
        );
    }
}

#[test]
fn what_is_performed_was_granted_by_each_stage() {
    let mut granted = 0;
    for case in PROFILES.iter().flat_map(|profile| cases(profile, 2)) {
        let OpKind::Access(access) = case.op.kind() else { continue };
        let run = case.trace();
        if run.answer.result != Outcome::Performed {
            continue;
        }
        let output = run.steps.iter().filter(|step| step.place.purpose == Purpose::Output);
        for rights in output.filter_map(|step| match step.event {
            Event::Permissions { rights } => Some(rights),
            _ => None,
        }) {
            let enough = (!access.read || access.fetch || rights.read) && (!access.write || rights.write);
            assert!(enough && (!access.fetch || rights.execute), "{}: {rights:?}", case.id);
            granted += 1;
        }
    }
    assert!(granted > 50, "{granted} stages");
}

#[test]
fn the_steps_can_be_kept_of_any_world() {
    let case = &cases("nested", 1000)[0];
    let mut memory = case.memory.clone();
    let mut direct = Direct::new(&mut memory);
    let mut traced = Traced::new(&mut direct);
    let Ok(_) = at::execute(&case.pe, case.op, case.va, &mut traced);
    assert_eq!(traced.steps(), case.trace().steps);
}

#[test]
fn a_trace_can_be_begun_again() {
    let mut lengths = BTreeSet::new();
    for case in cases("nested", 20) {
        let mut memory = case.memory.clone();
        let mut direct = Direct::new(&mut memory);
        let mut traced = Traced::new(&mut direct);
        for va in [case.va, case.va ^ 1 << 12, case.va] {
            traced.clear();
            assert!(traced.steps().is_empty());
            let Ok(_) = at::execute(&case.pe, case.op, va, &mut traced);
            let case = Case { va, ..case.clone() };
            assert_eq!(traced.steps(), case.trace().steps, "{}", case.id);
            lengths.insert(traced.steps().len());
        }
    }
    assert!(lengths.len() > 5, "traces of many lengths, one after the other: {lengths:?}");
}

#[test]
fn a_prepared_instruction_answers_as_an_executed_one() {
    let mut compared = 0;
    for case in PROFILES.iter().flat_map(|profile| cases(profile, 2)) {
        let Some(prepared) = Prepared::new(&case.pe, case.op) else { continue };
        let mut memory = case.memory.clone();
        let par = prepared.par(case.va, &mut Direct::new(&mut memory));
        match (par, case.run().answer.result) {
            (Ok(par), Outcome::Par(expected)) => assert_eq!(par, expected, "{}", case.id),
            (Err(_), Outcome::Exception(_)) => {}
            (par, expected) => panic!("{}: {par:?}, not {expected:?}", case.id),
        }
        compared += 1;
    }
    assert!(compared > 1000, "{compared} cases");
}

/// Memory that counts the reads of walks, and may allow glances.
struct Glanced<'a, const ALLOWED: bool> {
    memory: &'a mut Memory,
    reads: u32,
}

impl<const ALLOWED: bool> Env for Glanced<'_, ALLOWED> {
    type Stop = std::convert::Infallible;
    const GLANCES: bool = ALLOWED;

    fn glance(&self, address: u64) -> u64 {
        assert!(ALLOWED, "a glance at a world that allows none");
        self.memory.word(address)
    }

    fn read(&mut self, fetch: Fetch) -> Result<Reply, Self::Stop> {
        self.reads += 1;
        Ok(self.memory.read(fetch.address.address, fetch.wide))
    }

    fn compare_and_swap(&mut self, fetch: Fetch, expected: u128, new: u128) -> Result<Reply, Self::Stop> {
        let found = self.read(fetch)?;
        if found == Ok(expected) {
            for (address, word) in fetch.words(new) {
                self.memory.write(address, word);
            }
        }
        Ok(found)
    }
}

#[test]
fn a_batch_answers_as_its_walks_one_by_one_and_glances_decide_nothing() {
    let mut answers = 0;
    for case in PROFILES.iter().flat_map(|profile| cases(profile, 20)) {
        let Some(prepared) = Prepared::new(&case.pe, case.op) else { continue };
        // The case's address and others, some of them alike; in no number that fills the batches.
        let vas: Vec<u64> = (0..37).map(|index| case.va ^ (index % 19) << (3 * (index % 16))).collect();
        let alone: Vec<_> = {
            let mut memory = case.memory.clone();
            let mut env = Glanced::<false> { memory: &mut memory, reads: 0 };
            let pars: Vec<_> = vas.iter().map(|&va| (va, prepared.par(va, &mut env))).collect();
            assert_eq!(batch::<false>(&prepared, &vas, &case.memory), (pars.clone(), env.reads), "{}", case.id);
            pars
        };
        assert_eq!(batch::<true>(&prepared, &vas, &case.memory).0, alone, "{}", case.id);
        answers += alone.len();
    }
    assert!(answers > 5000, "{answers} answers");
}

type Pars = Vec<(u64, Result<stagewalk::at::Par, stagewalk::walk::Halt<std::convert::Infallible>>)>;

fn batch<const GLANCES: bool>(prepared: &Prepared<'_>, vas: &[u64], memory: &Memory) -> (Pars, u32) {
    let mut memory = memory.clone();
    let mut env = Glanced::<GLANCES> { memory: &mut memory, reads: 0 };
    let mut pars = Vec::new();
    prepared.pars(vas, &mut env, |va, par| pars.push((va, par)));
    (pars, env.reads)
}
