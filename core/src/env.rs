//! The world a walk asks: descriptor reads and compare-and-swaps go out, and, where somebody listens, steps.
//!
//! One walk serves every use, because the walk knows only [`Env`]: [`Direct`] answers from memory at once, [`Traced`]
//! also keeps the steps, several of them in a [`Record`], and [`Replay`] answers from a list and stops at the first new
//! question, so that a suspended walk is nothing but its answers so far.

use crate::addr::FullAddress;
use crate::memory::{Memory, Reply};
use crate::step::{Place, Record, Step};
use alloc::vec::Vec;
use core::convert::Infallible;

/// A physical access to a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fetch {
    /// Its physical address.
    pub address: FullAddress,
    /// Where in the walk.
    pub place: Place,
    /// Whether the descriptor has 128 bits (`FEAT_D128`), or 64.
    pub wide: bool,
}

impl Fetch {
    /// The doublewords of a descriptor at this address, with theirs: one, or for 128 bits two, the low one first.
    pub fn words(self, descriptor: u128) -> impl Iterator<Item = (u64, u64)> {
        let low = (self.address.address, descriptor as u64);
        let high = (self.address.address.wrapping_add(8), (descriptor >> 64) as u64);
        [low, high].into_iter().take(if self.wide { 2 } else { 1 })
    }
}

/// What a walk needs from the world.
pub trait Env {
    /// Why the world might not answer; [`Infallible`] where it always does.
    type Stop;

    /// Whether steps are kept: true wherever [`Env::note`] is more than the default, for some steps are not even
    /// thought of where nobody listens.
    const LISTENS: bool = false;

    /// Whether the usual walk may tell several steps at once, and only when they are past, to a world that listens.
    const RECORDS: bool = false;

    /// Whether glances tell what memory holds.
    const GLANCES: bool = false;

    /// Reads a descriptor.
    ///
    /// # Errors
    /// When the world suspends the walk.
    fn read(&mut self, fetch: Fetch) -> Result<Reply, Self::Stop>;

    /// Writes `new` if memory still holds `expected`; either way answers with what memory held.
    ///
    /// # Errors
    /// When the world suspends the walk.
    fn compare_and_swap(&mut self, fetch: Fetch, expected: u128, new: u128) -> Result<Reply, Self::Stop>;

    /// A glance at the doubleword at `address`: no read of a walk's, and nothing depends on the answer. A world that
    /// [glances](Self::GLANCES) lets the memory accesses of many walks overlap.
    #[inline(always)]
    fn glance(&self, _address: u64) -> u64 {
        0
    }

    /// Takes note of a step, in a world that [listens](Self::LISTENS). Unless overridden the step is never even built.
    fn note(&mut self, _step: impl FnOnce() -> Step) {}

    /// Takes note of several steps at once, in a world that takes [records](Self::RECORDS), and says so. One that does
    /// not is told the same steps one by one.
    #[inline(always)]
    fn record(&mut self, _record: Record) -> bool {
        false
    }
}

/// Answers from memory, counting reads and keeping writes.
#[derive(Debug)]
pub struct Direct<'a> {
    memory: &'a mut Memory,
    /// Physical reads so far, the reads inside compare-and-swaps included.
    pub reads: u32,
    /// Descriptor writes so far: address and word as stored.
    pub writes: Vec<(u64, u64)>,
}

impl<'a> Direct<'a> {
    /// A world of this memory.
    pub const fn new(memory: &'a mut Memory) -> Self {
        Self { memory, reads: 0, writes: Vec::new() }
    }
}

impl Env for Direct<'_> {
    type Stop = Infallible;

    fn read(&mut self, fetch: Fetch) -> Result<Reply, Infallible> {
        self.reads = self.reads.saturating_add(1);
        Ok(self.memory.read(fetch.address.address, fetch.wide))
    }

    fn compare_and_swap(&mut self, fetch: Fetch, expected: u128, new: u128) -> Result<Reply, Infallible> {
        let found = self.read(fetch)?;
        if found == Ok(expected) {
            for (address, word) in fetch.words(new) {
                self.memory.write(address, word);
                self.writes.push((address, word));
            }
        }
        Ok(found)
    }
}

/// Any world, with the steps kept.
///
/// Most are kept in [records](Record), each of which stands for several, and are told when somebody asks for them.
#[derive(Debug)]
pub struct Traced<'a, E> {
    env: &'a mut E,
    /// What is kept, and what was before where it is not overwritten yet: a record is put together in its place.
    kept: Vec<Kept>,
    count: usize,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
enum Kept {
    Record(Record),
    /// One of the steps that no record stands for.
    Step(usize),
}

impl<'a, E: Env> Traced<'a, E> {
    /// Traces what happens in `env`.
    pub const fn new(env: &'a mut E) -> Self {
        Self { env, kept: Vec::new(), count: 0, steps: Vec::new() }
    }

    /// Forgets the steps so far. What held them is used again.
    pub fn clear(&mut self) {
        self.count = 0;
        self.steps.clear();
    }

    /// Tells the steps so far.
    pub fn tell(&self, mut each: impl FnMut(Step)) {
        for kept in self.kept.iter().take(self.count) {
            match *kept {
                Kept::Record(ref record) => record.tell(&mut each),
                Kept::Step(index) => self.steps.get(index).copied().into_iter().for_each(&mut each),
            }
        }
    }

    /// The steps so far.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        self.tell(|step| steps.push(step));
        steps
    }

    /// The steps.
    #[must_use]
    pub fn into_steps(self) -> Vec<Step> {
        self.steps()
    }

    #[inline(never)]
    fn push(&mut self, step: Step) {
        if self.count >= self.kept.len() {
            self.kept.resize(2 * self.count + 64, Kept::Step(usize::MAX));
        }
        if let Some(place) = self.kept.get_mut(self.count) {
            *place = Kept::Step(self.steps.len());
            self.steps.push(step);
            self.count += 1;
        }
    }
}

impl<E: Env> Env for Traced<'_, E> {
    type Stop = E::Stop;
    const LISTENS: bool = true;
    const RECORDS: bool = true;

    #[inline(always)]
    fn read(&mut self, fetch: Fetch) -> Result<Reply, E::Stop> {
        self.env.read(fetch)
    }

    fn compare_and_swap(&mut self, fetch: Fetch, expected: u128, new: u128) -> Result<Reply, E::Stop> {
        self.env.compare_and_swap(fetch, expected, new)
    }

    fn note(&mut self, step: impl FnOnce() -> Step) {
        self.push(step());
    }

    /// As long as there is room, which a step makes.
    #[inline(always)]
    fn record(&mut self, record: Record) -> bool {
        let Some(place) = self.kept.get_mut(self.count) else { return false };
        *place = Kept::Record(record);
        self.count += 1;
        true
    }
}

/// A question a suspended walk is waiting on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ask {
    /// A descriptor read.
    Read(Fetch),
    /// A descriptor update.
    CompareAndSwap {
        /// Where.
        fetch: Fetch,
        /// The descriptor that must still be there.
        expected: u128,
        /// The descriptor to write then.
        new: u128,
    },
}

/// Answers from a list; the first question beyond it stops the walk.
#[derive(Clone, Debug)]
pub struct Replay<'a> {
    answers: core::slice::Iter<'a, Reply>,
}

impl<'a> Replay<'a> {
    /// A world that has given these answers before.
    #[must_use]
    pub fn new(answers: &'a [Reply]) -> Self {
        Self { answers: answers.iter() }
    }
}

impl Ask {
    /// The access asked for.
    #[must_use]
    pub const fn fetch(&self) -> Fetch {
        match *self {
            Self::Read(fetch) | Self::CompareAndSwap { fetch, .. } => fetch,
        }
    }
}

impl Env for Replay<'_> {
    type Stop = Ask;

    fn read(&mut self, fetch: Fetch) -> Result<Reply, Ask> {
        self.answers.next().copied().ok_or(Ask::Read(fetch))
    }

    fn compare_and_swap(&mut self, fetch: Fetch, expected: u128, new: u128) -> Result<Reply, Ask> {
        self.answers.next().copied().ok_or(Ask::CompareAndSwap { fetch, expected, new })
    }
}
