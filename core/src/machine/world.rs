//! A machine in motion: states, and what one step of one actor does to them.

use super::cells::{Cells, Place};
use super::intern::{Id, Interner};
use super::local::{Local, Refusal, Said, Update, Wants};
use super::policy::{Emulation, Policy};
use super::roots::Roots;
use super::sync::{Actors, MOST_ACTORS, Sync};
use super::thread::{Node, Surroundings, Thread};
use super::tlb::Tlbs;
use super::tlbi::Tlbi;
use super::walks::{Root, Walks};
use super::{Machine, Transition};
use crate::env::Ask;
use crate::memory::Memory;
use crate::params::Tags;
use crate::regime::Regime;
use alloc::vec::Vec;

/// A state of a machine: where each actor is, memory, TLBs, and who waits for whom. It means something only to the
/// [`World`] that it comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct State(pub(super) [Id; MOST_ACTORS + 3]);

const MEMORY: usize = MOST_ACTORS;
const TLBS: usize = MOST_ACTORS + 1;
const SYNC: usize = MOST_ACTORS + 2;

/// A machine, with everything about it that has come up so far.
#[derive(Clone, Debug)]
pub struct World {
    pub(super) machine: Machine,
    pub(super) walks: Walks,
    pub(super) cells: Cells,
    pub(super) threads: Vec<Thread>,
    pub(super) tlbs: Tlbs,
    roots: Roots,
    pub(super) syncs: Interner<Sync>,
    initial: State,
}

impl World {
    /// The machine, about to begin. Of more actors than [`MOST_ACTORS`] the last ones are left out.
    #[must_use]
    pub fn new(machine: Machine) -> Self {
        Self::with(machine, false)
    }

    /// The machine, with TLBs of which only that is kept which the programs may still come to use: states that differ
    /// in nothing else are one.
    #[must_use]
    pub fn forgetful(machine: Machine) -> Self {
        Self::with(machine, true)
    }

    fn with(mut machine: Machine, forgetful: bool) -> Self {
        machine.actors.truncate(MOST_ACTORS);
        let (mut walks, mut cells) = (Walks::default(), Cells::new(machine.memory.clone()));
        let mut initial = State::default();
        let mut threads = Vec::new();
        for (actor, word) in (0..machine.actors.len()).zip(&mut initial.0) {
            let around = &mut Surroundings { machine: &machine, walks: &mut walks, cells: &mut cells };
            let (thread, first) = Thread::new(actor, around);
            threads.push(thread);
            *word = first;
        }
        let mut syncs = Interner::default();
        syncs.intern(Sync::default());
        let tlbs = Tlbs::new(machine.actors.len(), machine.early);
        let roots = Roots::new(&machine, forgetful);
        let mut world = Self { machine, walks, cells, threads, tlbs, roots, syncs, initial };
        world.initial = world.refreshed(initial);
        world
    }

    /// The machine.
    #[must_use]
    pub const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The walks that have come up.
    #[must_use]
    pub const fn walks(&self) -> &Walks {
        &self.walks
    }

    /// What TLBs may hold.
    #[must_use]
    pub const fn tlbs(&self) -> &Tlbs {
        &self.tlbs
    }

    /// The state in which everything begins.
    #[must_use]
    pub const fn initial(&self) -> State {
        self.initial
    }

    /// An actor's own state.
    #[must_use]
    pub fn local(&self, state: State, actor: usize) -> &Local {
        self.threads[actor].local(state.0[actor])
    }

    /// What an actor does next.
    #[must_use]
    pub fn wants(&self, state: State, actor: usize) -> Wants {
        self.node(state, actor).wants
    }

    /// Whether an actor has come to its end.
    #[must_use]
    pub fn has_ended(&self, state: State, actor: usize) -> bool {
        matches!(self.wants(state, actor), Wants::Nothing)
    }

    /// What actors share besides memory and TLBs.
    #[must_use]
    pub fn sync(&self, state: State) -> &Sync {
        self.syncs.get(state.0[SYNC])
    }

    /// The doubleword at a physical address.
    #[must_use]
    pub fn word(&self, state: State, address: u64) -> u64 {
        self.cells.word(state.0[MEMORY], address)
    }

    /// Memory as it stands.
    #[must_use]
    pub fn memory(&self, state: State) -> Memory {
        self.cells.memory(state.0[MEMORY])
    }

    /// The number of a state's TLBs, for [`World::tlbs`].
    #[must_use]
    pub const fn tlb_row(&self, state: State) -> Id {
        state.0[TLBS]
    }

    /// The physical address of a place.
    #[must_use]
    pub fn address(&self, place: Place) -> u64 {
        self.cells.address(place)
    }

    #[inline]
    pub(super) fn node(&self, state: State, actor: usize) -> &Node {
        self.threads[actor].node(state.0[actor])
    }

    /// The walks that a translation may use in a state, those of the context to come last.
    pub(super) fn candidates(&mut self, state: State, actor: usize, wants: Wants) -> Vec<Id> {
        let Wants::Translate { root, next, early } = wants else { return Vec::new() };
        let mut found = Vec::new();
        for root in [Some(root), next].into_iter().flatten() {
            found.extend(self.candidates_of(state, actor, root, early));
            if self.machine.stepwise {
                found.push(self.walks.begin(root));
            }
        }
        found
    }

    /// The walks that an actor's next translation may use, in the order of its choices; none if it translates nothing.
    pub fn translations(&mut self, state: State, actor: usize) -> Vec<Id> {
        let wants = self.wants(state, actor);
        self.candidates(state, actor, wants)
    }

    fn candidates_of(&mut self, state: State, actor: usize, root: Root, early: bool) -> Vec<Id> {
        if !self.machine.tlb {
            return Vec::from([self.walk_now(state, root)]);
        }
        let (walks, cells) = (&mut self.walks, &mut self.cells);
        self.tlbs.candidates((state.0[TLBS], actor), state.0[MEMORY], (root, early), walks, cells)
    }

    /// The walk of memory as it stands, up to its end or a descriptor update.
    fn walk_now(&mut self, state: State, root: Root) -> Id {
        let mut node = self.walks.begin(root);
        while let Some(Ask::Read(fetch)) = self.walks.get(node).ask() {
            let place = self.cells.place(fetch.address.address, fetch.wide);
            node = self.walks.answer(node, self.cells.read(state.0[MEMORY], place));
        }
        node
    }

    /// What a step leads to; `None` if it cannot be taken in that state.
    pub fn step(&mut self, state: State, transition: Transition) -> Option<State> {
        let actor = usize::from(transition.actor);
        let mut enabled = false;
        if actor < self.threads.len() {
            self.enabled_of(state, actor, |choice| enabled |= choice == transition.choice);
        }
        enabled.then(|| self.take(state, transition))
    }

    /// What a step leads to that can be taken.
    pub(super) fn take(&mut self, state: State, transition: Transition) -> State {
        let actor = usize::from(transition.actor);
        if transition.choice == Transition::LEAVE {
            return self.synced(state, |sync| sync.paused = sync.paused.with(actor));
        }
        let mut choice = transition.choice;
        let mut state = state;
        loop {
            state = self.micro_step(state, actor, choice);
            choice = 0;
            if !self.node(state, actor).at_once {
                return state;
            }
        }
    }

    fn micro_step(&mut self, before: State, actor: usize, choice: u16) -> State {
        let wants = self.node(before, actor).wants;
        let (state, said) = self.serve(before, actor, wants, choice);
        self.go_on(before, state, actor, said)
    }

    /// Gives an actor what it wants: the state of everything else, and the answer.
    #[inline]
    fn serve(&mut self, state: State, actor: usize, wants: Wants, choice: u16) -> (State, Said) {
        match wants {
            Wants::Nothing | Wants::Own | Wants::AwaitPaused => (state, Ok(0)),
            Wants::Read(place) => (state, self.read(state, place)),
            Wants::Write(place, value) => (self.write(state, actor, place, value), Ok(0)),
            Wants::Update(place, update) => self.update(state, actor, place, update),
            _ => self.serve_rarely(state, actor, wants, choice),
        }
    }

    fn serve_rarely(&mut self, state: State, actor: usize, wants: Wants, choice: u16) -> (State, Said) {
        match wants {
            Wants::Translate { .. } => {
                let candidates = self.candidates(state, actor, wants);
                let chosen = candidates.get(usize::from(choice)).or(candidates.last());
                (state, Ok(chosen.copied().unwrap_or_default().into()))
            }
            Wants::LoadExclusive(place) => {
                let watched = place.number();
                (self.synced(state, |sync| sync.monitors[actor] = Some(watched)), self.read(state, place))
            }
            Wants::StoreExclusive(place, value) => self.store_exclusive(state, actor, place, value, choice),
            Wants::Invalidate(tlbi) => (self.invalidate(state, actor, &tlbi), Ok(0)),
            Wants::Complete => (self.complete(state, actor), Ok(0)),
            Wants::Synchronize { returns } => (self.synchronize(state, actor, returns), Ok(0)),
            Wants::BeginWalk => (self.synced(state, |sync| sync.stale = sync.stale.without(actor)), Ok(0)),
            Wants::Pause => {
                let pausing = |sync: &mut Sync| (sync.pausing, sync.paused) = (Some(actor as u8), Actors::default());
                (self.synced(state, pausing), Ok(0))
            }
            Wants::Resume => {
                let resumed = |sync: &mut Sync| (sync.pausing, sync.paused) = (None, Actors::default());
                (self.synced(state, resumed), Ok(0))
            }
            Wants::Check | Wants::CheckedUpdate(..) if self.sync(state).stale.has(actor) => {
                (self.synced(state, |sync| sync.stale = sync.stale.without(actor)), Err(Refusal::Stale))
            }
            Wants::CheckedUpdate(place, update) => self.update(state, actor, place, update),
            _ => (state, Ok(0)),
        }
    }

    /// The actor's own next state, and what its change brings about.
    #[inline]
    fn go_on(&mut self, before: State, mut state: State, actor: usize, said: Said) -> State {
        let old = before.0[actor];
        let new = self.next_local(actor, old, said);
        state.0[actor] = new;
        let thread = &self.threads[actor];
        let (was, is) = (thread.node(old), thread.node(new));
        let ends = was.hardware_walk | was.software_walk && !is.hardware_walk & !is.software_walk;
        let begins = is.hardware_walk & !was.hardware_walk;
        if ends && state.0[SYNC] != Sync::IDLE {
            state = self.synced(state, |sync| sync.walk_ended(actor));
        }
        if !self.machine.tlb {
            return state;
        }
        if begins {
            state = self.walk_begins(before, state, actor);
        }
        self.tlbs_follow(before, state, actor)
    }

    /// A hardware walk begins with what the TLB may still hold: invalidations that are under way wait for it, too.
    fn walk_begins(&mut self, before: State, state: State, actor: usize) -> State {
        let pending = |by: &usize| self.tlbs.held_after(before.0[TLBS], actor, *by).is_some();
        let issuers: Vec<usize> = (0..self.threads.len()).filter(|by| *by != actor).filter(pending).collect();
        if issuers.is_empty() {
            return state;
        }
        self.synced(state, |sync| issuers.iter().for_each(|&by| sync.waits[by] = sync.waits[by].with(actor)))
    }

    #[inline]
    pub(super) fn next_local(&mut self, actor: usize, local: Id, said: Said) -> Id {
        let around = &mut Surroundings { machine: &self.machine, walks: &mut self.walks, cells: &mut self.cells };
        self.threads[actor].next(local, said, around)
    }

    fn tlbs_follow(&mut self, before: State, mut state: State, actor: usize) -> State {
        let thread = &self.threads[actor];
        let (old, new) = (thread.local(before.0[actor]), thread.local(state.0[actor]));
        let excepted = old.faults.len() != new.faults.len();
        let roots_change = self.roots.key(actor, old) != self.roots.key(actor, new);
        if excepted {
            state = self.synchronize(state, actor, true);
        }
        let changed = before.0[MEMORY] != state.0[MEMORY] || before.0[TLBS] != state.0[TLBS];
        if changed || roots_change { self.refreshed(state) } else { state }
    }

    fn refreshed(&mut self, mut state: State) -> State {
        if self.machine.tlb {
            let locals = self.threads.iter().zip(state.0).map(|(thread, id)| thread.local(id));
            let roots = self.roots.of(locals, &self.machine, &mut self.walks);
            state.0[TLBS] = self.tlbs.refresh(state.0[TLBS], state.0[MEMORY], &roots, &mut self.walks, &mut self.cells);
        }
        state
    }

    fn synced(&mut self, mut state: State, change: impl FnOnce(&mut Sync)) -> State {
        let mut sync = *self.syncs.get(state.0[SYNC]);
        change(&mut sync);
        state.0[SYNC] = self.syncs.intern(sync);
        state
    }

    #[inline]
    fn read(&self, state: State, place: Place) -> Said {
        self.cells.read(state.0[MEMORY], place).map_err(|_| Refusal::Abort)
    }

    fn write(&mut self, mut state: State, actor: usize, place: Place, value: u128) -> State {
        state.0[MEMORY] = self.cells.write(state.0[MEMORY], place, value);
        let watched = Some(place.number());
        let others = |sync: &Sync| (0..MOST_ACTORS).any(|other| other != actor && sync.monitors[other] == watched);
        if others(self.sync(state)) {
            state = self.synced(state, |sync| {
                for (other, monitor) in sync.monitors.iter_mut().enumerate() {
                    *monitor = monitor.filter(|_| other == actor || *monitor != watched);
                }
            });
        }
        state
    }

    fn update(&mut self, state: State, actor: usize, place: Place, update: Update) -> (State, Said) {
        let said = self.read(state, place);
        match said {
            Ok(old) if update.apply(old) != old => (self.write(state, actor, place, update.apply(old)), said),
            _ => (state, said),
        }
    }

    fn store_exclusive(&mut self, state: State, actor: usize, place: Place, value: u64, choice: u16) -> (State, Said) {
        let held = self.sync(state).monitors[actor] == Some(place.number());
        let state = self.synced(state, |sync| sync.monitors[actor] = None);
        // It may always fail.
        if held && choice == 0 { (self.write(state, actor, place, value.into()), Ok(0)) } else { (state, Ok(1)) }
    }

    fn synchronize(&mut self, mut state: State, actor: usize, returns: bool) -> State {
        if self.machine.early {
            state.0[TLBS] = self.tlbs.synchronize(state.0[TLBS], actor);
        }
        if returns && self.sync(state).monitors[actor].is_some() {
            state = self.synced(state, |sync| sync.monitors[actor] = None);
        }
        state
    }

    /// Whether an actor's invalidations take part in the protocol of a policy.
    fn covered(&self, actor: usize) -> Option<Policy> {
        match self.machine.emulation {
            Emulation::Software { policy, host_covered, .. } if host_covered || !self.machine.actors[actor].host => {
                Some(policy)
            }
            _ => None,
        }
    }

    fn invalidate(&mut self, mut state: State, actor: usize, tlbi: &Tlbi) -> State {
        if self.machine.tlb {
            let context = self.local(state, actor).context;
            let vmid = Tags::new(self.walks.pe(context), Regime::El10).vmid;
            state.0[TLBS] = self.tlbs.issue(state.0[TLBS], actor, tlbi, vmid, &self.walks);
        }
        let policy = self.covered(actor);
        let others = (0..self.threads.len()).filter(|&other| other != actor);
        let software: Actors = others.clone().filter(|&other| self.node(state, other).software_walk).collect();
        let hardware = others.filter(|&other| tlbi.broadcast && self.node(state, other).hardware_walk);
        let epoch = matches!(policy, Some(Policy::TlbLock { epoch: true }));
        let waits = hardware.fold(if epoch { software } else { Actors::default() }, Actors::with);
        let counts = matches!(policy, Some(Policy::SeqRetry { .. }));
        self.synced(state, |sync| {
            sync.waits[actor] = sync.waits[actor].and(waits);
            sync.stale = if counts { sync.stale.and(software) } else { sync.stale };
        })
    }

    /// Whether an actor's TLBIs can complete now.
    pub(super) fn may_complete(&self, state: State, actor: usize) -> bool {
        let plain = matches!(self.covered(actor), Some(Policy::TlbLock { epoch: false }));
        let walking = (0..self.threads.len()).any(|other| other != actor && self.node(state, other).software_walk);
        self.sync(state).waits[actor].is_empty() && !(plain && walking)
    }

    fn complete(&mut self, mut state: State, actor: usize) -> State {
        if self.machine.tlb {
            state.0[TLBS] = self.tlbs.complete(state.0[TLBS], actor);
        }
        state
    }

    /// Whether an actor is out of the guest, or never comes back to it.
    pub(super) fn rests(&self, state: State, actor: usize) -> bool {
        self.machine.actors[actor].host || self.sync(state).paused.has(actor) || self.has_ended(state, actor)
    }
}
