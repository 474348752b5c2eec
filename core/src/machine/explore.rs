//! Every interleaving, and every choice: what can become of a machine.

use super::enabled::Transition;
use super::footprint::Footprints;
use super::intern::{Id, Index, Interner, hash};
use super::local::Fault;
use super::program::Reg;
use super::world::{State, World};
use super::{MOST_ACTORS, Machine};
use alloc::vec::Vec;

/// Something to look at in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Observable {
    /// A general register of an actor.
    Reg(u8, Reg),
    /// An actor's PAR_EL1.
    Par(u8),
    /// An actor's faults.
    Faults(u8),
    /// The doubleword at a physical address.
    Word(u64),
}

/// What was seen of an [`Observable`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Observed {
    /// A value.
    Value(u128),
    /// PAR_EL1 that no AT instruction has written.
    Unwritten,
    /// Faults, in order.
    Faults(Vec<Fault>),
}

/// One way in which a machine can end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was observed, in the order asked for.
    pub observed: Vec<Observed>,
    /// Whether all actors came to their end; otherwise those that did not wait for ever.
    pub ended: bool,
    /// In how many different states.
    pub states: u64,
    /// The number of the first such state, for [`Explorer::trace`].
    pub witness: Id,
}

/// How an exploration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// There is more to explore.
    Underway,
    /// Everything has been explored.
    Complete,
    /// There is no room for more states.
    Full,
}

/// How to explore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Interleavings are left out that make no difference.
    pub reduce: bool,
    /// The most states to keep.
    pub states: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { reduce: true, states: 1 << 30 }
    }
}

/// An exploration under way, breadth first: a witness is as short as any.
#[derive(Clone, Debug)]
pub struct Explorer {
    world: World,
    observables: Vec<Observable>,
    footprints: Option<Footprints>,
    states: Vec<State>,
    /// For each state, from which it was first reached, and how.
    parents: Vec<(Id, Transition)>,
    index: Index,
    next: usize,
    limit: usize,
    transitions: u64,
    seen: Interner<(Vec<Observed>, bool)>,
    outcomes: Vec<Outcome>,
    /// What the last states expanded lead to.
    found: Vec<Found>,
    /// For each, the state that a search for it comes upon first.
    candidates: Vec<Id>,
    /// Of no meaning: what glances at memory come to.
    glanced: Id,
    /// The states in which nothing can happen, each with the number of its outcome.
    ends: Vec<(Id, Id)>,
    share: Option<Share>,
}

/// One part of several of what was not yet explored at some time.
#[derive(Clone, Copy, Debug)]
struct Share {
    first: usize,
    last: usize,
    part: usize,
    parts: usize,
}

impl Share {
    const fn has(self, state: usize) -> bool {
        state < self.first || state >= self.last || (state - self.first) % self.parts == self.part
    }
}

impl Explorer {
    /// An exploration of a machine, about to begin.
    #[must_use]
    pub fn new(machine: Machine, observables: Vec<Observable>, options: Options) -> Self {
        let mut world = World::forgetful(machine);
        let footprints = if options.reduce { Footprints::new(&mut world) } else { None };
        let initial = world.initial();
        let mut explorer = Self {
            world,
            observables,
            footprints,
            states: Vec::new(),
            parents: Vec::new(),
            index: Index::default(),
            next: 0,
            limit: options.states.min(Id::MAX as usize - 1),
            transitions: 0,
            seen: Interner::default(),
            outcomes: Vec::new(),
            found: Vec::new(),
            candidates: Vec::new(),
            glanced: 0,
            ends: Vec::new(),
            share: None,
        };
        let initial = explorer.settle(initial, |_| {});
        let transition = Transition { actor: 0, choice: 0 };
        explorer.found.push(Found { state: initial, hash: hash(&initial), parent: 0, transition });
        explorer.arrive();
        explorer
    }

    /// Explores what follows from up to `states` more states.
    pub fn run(&mut self, states: usize) -> Status {
        let end = self.next.saturating_add(states);
        while self.next < end.min(self.states.len()) {
            if self.states.len() >= self.limit {
                return Status::Full;
            }
            let batch = (self.next + BATCH).min(end).min(self.states.len());
            for at in self.next..batch {
                if self.share.is_none_or(|share| share.has(at)) {
                    self.expand(at as Id);
                }
            }
            self.next = batch;
            self.arrive();
        }
        if self.next == self.states.len() { Status::Complete } else { Status::Underway }
    }

    /// Leaves out of what is not explored yet all but one part of several: number `part`, from 0, of `parts`. All parts
    /// together reach what the whole would.
    pub fn divide(&mut self, part: usize, parts: usize) {
        self.share = Some(Share { first: self.next, last: self.states.len(), part, parts: parts.max(1) });
    }

    /// The states found so far in which nothing can happen, each with the number of its outcome.
    pub fn ends(&self) -> impl Iterator<Item = (State, usize)> + '_ {
        self.ends.iter().map(|&(id, outcome)| (self.states[id as usize], outcome as usize))
    }

    /// The world that has been explored.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// What was found so far.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// How many states were found so far.
    #[must_use]
    pub const fn states(&self) -> usize {
        self.states.len()
    }

    /// How many steps were taken so far.
    #[must_use]
    pub const fn transitions(&self) -> u64 {
        self.transitions
    }

    /// How many bytes the states take.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.states.len() * (size_of::<State>() + size_of::<(Id, Transition)>()) + self.index.bytes()
    }

    /// Whether interleavings are left out.
    #[must_use]
    pub const fn reduces(&self) -> bool {
        self.footprints.is_some()
    }

    /// A state by its number.
    #[must_use]
    pub fn state(&self, number: Id) -> State {
        self.states[number as usize]
    }

    /// The steps that lead to a state.
    pub fn trace(&mut self, number: Id) -> Vec<Transition> {
        let mut turns = Vec::new();
        let mut at = number;
        while at != 0 {
            let (parent, transition) = self.parents[at as usize];
            turns.push(transition);
            at = parent;
        }
        let mut steps = Vec::new();
        let mut state = self.settle(self.world.initial(), |step| steps.push(step));
        for &transition in turns.iter().rev() {
            steps.push(transition);
            let next = self.world.take(state, transition);
            state = self.settle(next, |step| steps.push(step));
        }
        steps
    }

    /// Takes the steps that commute with everything else for as long as there are any, and no choice among them.
    fn settle(&mut self, mut state: State, mut took: impl FnMut(Transition)) -> State {
        let Some(footprints) = &self.footprints else { return state };
        let actors = self.world.machine().actors.len();
        loop {
            let mut settled = true;
            for actor in 0..actors {
                while footprints.independent(&state.0, actor) && self.world.only_choice(state, actor) {
                    let transition = Transition { actor: actor as u8, choice: 0 };
                    took(transition);
                    state = self.world.take(state, transition);
                    settled = false;
                }
            }
            if settled {
                return state;
            }
        }
    }

    fn expand(&mut self, number: Id) {
        let state = self.state(number);
        let actors = self.world.machine().actors.len();
        if let Some(footprints) = &self.footprints {
            // What commutes and leaves a choice: the actor's choices stand for those of all.
            let alone = (0..actors).find(|&actor| {
                let mut able = false;
                let independent = footprints.independent(&state.0, actor);
                independent && {
                    self.world.enabled_of(state, actor, |_| able = true);
                    able
                }
            });
            if let Some(actor) = alone {
                self.expand_actor(number, actor);
                return;
            }
        }
        let before = self.transitions;
        for actor in 0..actors {
            self.expand_actor(number, actor);
        }
        if self.transitions == before {
            self.end(number);
        }
    }

    #[inline]
    fn expand_actor(&mut self, number: Id, actor: usize) {
        let state = self.state(number);
        let mut choices = Choices::default();
        self.world.enabled_of(state, actor, |choice| choices.push(choice));
        for choice in choices.iter() {
            let transition = Transition { actor: actor as u8, choice };
            let after = self.world.take(state, transition);
            let after = self.settle(after, |_| {});
            self.transitions += 1;
            self.found.push(Found { state: after, hash: hash(&after), parent: number, transition });
        }
    }

    /// Takes the states found into account, those that are new. In a large exploration a look into the index is a look
    /// into memory that no cache holds, so that all are looked for before the first is compared.
    fn arrive(&mut self) {
        let mut found = core::mem::take(&mut self.found);
        self.candidates.clear();
        self.candidates.extend(found.iter().map(|found| self.index.glance(found.hash)));
        let seen = self.candidates.iter().filter_map(|&id| self.states.get(id as usize));
        self.glanced = seen.fold(self.glanced, |sum, state| sum ^ state.0[0]);
        for Found { state, hash, parent, transition } in found.drain(..) {
            if let Err(at) = self.index.find(hash, |id| self.states[id as usize] == state) {
                let id = self.states.len() as Id;
                self.states.push(state);
                self.parents.push((parent, transition));
                self.index.put(at, hash, id, |id| super::intern::hash(&self.states[id as usize]));
            }
        }
        self.found = found;
    }

    fn end(&mut self, number: Id) {
        let state = self.state(number);
        let ended = (0..self.world.machine().actors.len()).all(|actor| self.world.has_ended(state, actor));
        let observed = self.world.observe(state, &self.observables);
        let id = self.seen.intern((observed.clone(), ended));
        self.ends.push((number, id));
        match self.outcomes.get_mut(id as usize) {
            Some(outcome) => outcome.states += 1,
            None => self.outcomes.push(Outcome { observed, ended, states: 1, witness: number }),
        }
    }
}

/// A state that a step has led to.
#[derive(Clone, Copy, Debug)]
struct Found {
    state: State,
    hash: u64,
    parent: Id,
    transition: Transition,
}

/// How many states are expanded before what they lead to is looked up.
const BATCH: usize = 64;

/// The choices of an actor, seldom more than a few.
#[derive(Default)]
struct Choices {
    few: [u16; 8],
    count: usize,
    rest: Vec<u16>,
}

impl Choices {
    #[inline]
    fn push(&mut self, choice: u16) {
        match self.few.get_mut(self.count) {
            Some(place) => *place = choice,
            None => self.rest.push(choice),
        }
        self.count += 1;
    }

    fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.few.iter().take(self.count).chain(&self.rest).copied()
    }
}

impl World {
    /// What there is to see in a state.
    #[must_use]
    pub fn observe(&self, state: State, observables: &[Observable]) -> Vec<Observed> {
        let local = |actor: u8| self.local(state, usize::from(actor).min(MOST_ACTORS - 1));
        let see = |observable: &Observable| match *observable {
            Observable::Reg(actor, reg) => {
                let value = local(actor).x.get(usize::from(reg)).copied().unwrap_or_default();
                Observed::Value(value.into())
            }
            Observable::Par(actor) => local(actor).par.map_or(Observed::Unwritten, Observed::Value),
            Observable::Faults(actor) => Observed::Faults(local(actor).faults.clone()),
            Observable::Word(address) => Observed::Value(self.word(state, address).into()),
        };
        observables.iter().map(see).collect()
    }
}
