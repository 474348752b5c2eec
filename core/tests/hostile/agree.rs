//! What must hold of any machine at all: it is answered in bounded time, and the same in every world.

use crate::mapped::{Machine, scopes};
use stagewalk::at::{self, Answer, Outcome};
use stagewalk::env::{Ask, Direct, Env, Fetch, Replay};
use stagewalk::map::Scope;
use stagewalk::memory::{Memory, Reply};
use stagewalk::prepared::Prepared;
use stagewalk::scenario::{Case, Run};
use stagewalk::view::so_far::so_far;
use stagewalk::view::{Translation, explain, va};
use stagewalk::walk::Halt;
use std::convert::Infallible;

/// No translation makes more physical reads, compare-and-swaps included.
///
/// A table of stage 1 is at one of 6 levels, its address is translated by at most 6 levels of stage 2, once to be read
/// and once to be marked, and each access of either stage may be checked by two granule table entries: less than
/// 6 × 2 × (6 × 6 + 6) reads and a leaf's. The rest is for tables that overlap, so that an update is lost and the walk
/// looks again.
pub const MOST_READS: u32 = 1024;

/// Executes a case in every world there is, and looks at the answer from all sides.
///
/// # Panics
/// When two of them differ, or the reads are too many.
pub fn check(case: &Case) -> Run {
    let (answer, replies, left) = recorded(case);
    let run = case.run();
    assert_eq!((&run.answer, run.reads as usize), (&answer, replies.len()), "memory and an overlay\n{}", tell(case));
    let mut memory = case.memory.clone();
    run.writes.iter().for_each(|&(address, word)| memory.write(address, word));
    assert_eq!(memory, left, "what is written\n{}", tell(case));

    suspended(case, &answer, &replies);
    prepared(case, &run);
    mapped(case);

    let traced = case.trace();
    assert_eq!((&traced.answer, traced.reads), (&run.answer, run.reads), "traced\n{}", tell(case));
    assert_eq!(traced.writes, run.writes, "traced\n{}", tell(case));
    let view = Translation::new(&case.pe, case.op, case.va, &traced.answer, traced.steps.clone());
    assert_eq!(explain::chain(&case.pe, &view.steps).len(), view.steps.len(), "{}", tell(case));
    let _ = so_far(&view.steps, view.steps.len());
    let _ = va::stage2(&case.pe, case.va, None);
    traced
}

/// What is mapped can be listed, and the listing says of the address what the walk says.
fn mapped(case: &Case) {
    let machine = Machine { pe: &case.pe, memory: &case.memory, overlap: true };
    for scope in scopes(&case.pe) {
        machine.check_address(scope, case.va);
    }
    machine.check(Scope::of(&case.pe, case.op), (1 << 11, 8), &[]);
}

/// An instruction whose registers are decoded beforehand does the same.
fn prepared(case: &Case, run: &Run) {
    let Some(prepared) = Prepared::new(&case.pe, case.op) else { return };
    let mut memory = case.memory.clone();
    let mut world = Direct::new(&mut memory);
    let same = match (prepared.par(case.va, &mut world), &run.answer) {
        (Ok(par), Answer { result: Outcome::Par(expected), .. }) => par == *expected,
        (Err(Halt::Fault(fault)), Answer { result: Outcome::Exception(_), fault: expected, .. }) => {
            Some(fault) == *expected
        }
        _ => false,
    };
    assert!(same && world.reads == run.reads && world.writes == run.writes, "prepared\n{}", tell(case));
}

/// A case as one can run it again.
pub fn tell(case: &Case) -> String {
    format!("{}\nel {}, pa_bits {}", case.to_json(), case.pe.el, case.pe.pa_bits)
}

/// The answer from memory, what memory replied to each read, and how it is left.
fn recorded(case: &Case) -> (Answer, Vec<Reply>, Memory) {
    let mut memory = case.memory.clone();
    let mut world = Recorder { world: Direct::new(&mut memory), replies: Vec::new() };
    let Ok(answer) = at::execute(&case.pe, case.op, case.va, &mut world);
    (answer, world.replies, memory)
}

struct Recorder<'a> {
    world: Direct<'a>,
    replies: Vec<Reply>,
}

impl Recorder<'_> {
    fn keep(&mut self, reply: Reply) -> Reply {
        self.replies.push(reply);
        assert!(self.world.reads <= MOST_READS, "more than {MOST_READS} reads");
        reply
    }
}

impl Env for Recorder<'_> {
    type Stop = Infallible;

    fn read(&mut self, fetch: Fetch) -> Result<Reply, Infallible> {
        let Ok(reply) = self.world.read(fetch);
        Ok(self.keep(reply))
    }

    fn compare_and_swap(&mut self, fetch: Fetch, expected: u128, new: u128) -> Result<Reply, Infallible> {
        let Ok(reply) = self.world.compare_and_swap(fetch, expected, new);
        Ok(self.keep(reply))
    }
}

/// A walk that has some of its answers stops at the next question, and one that has them all ends as it must.
fn suspended(case: &Case, answer: &Answer, replies: &[Reply]) {
    let resume = |known: usize| at::execute(&case.pe, case.op, case.va, &mut Replay::new(&replies[..known]));
    assert_eq!(resume(replies.len()).as_ref(), Ok(answer), "resumed\n{}", tell(case));
    // Every question of a walk that is not too long to start over at each.
    let mut memory = case.memory.clone();
    let mut world = Direct::new(&mut memory);
    for (known, &expected) in replies.iter().enumerate().take(64) {
        let Ok(reply) = match resume(known).expect_err("a question is open") {
            Ask::Read(fetch) => world.read(fetch),
            Ask::CompareAndSwap { fetch, expected, new } => world.compare_and_swap(fetch, expected, new),
        };
        assert_eq!(reply, expected, "question {known}\n{}", tell(case));
    }
}
