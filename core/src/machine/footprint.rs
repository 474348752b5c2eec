//! What an actor may touch, now and ever after: the ground on which interleavings that make no difference are left out.
//!
//! Each actor is run by itself in a world where a place may hold whatever anybody may ever write to it. That reaches
//! every local state which the real thing reaches, and usually few others. A step that touches nothing which another
//! actor may touch from where it stands commutes with all that the other may do.

use super::cells::{Cells, Place};
use super::intern::Id;
use super::local::{Refusal, Said, Update, Wants};
use super::policy::{Emulation, Policy};
use super::program::Instr;
use super::world::World;
use crate::env::Ask;
use crate::memory::{ExternalAbort, Reply};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// What a step reads and writes, a bit for each resource. Places share bits where there are many of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Touches {
    reads: u128,
    writes: u128,
}

const PLACES: u32 = 96;
const ALL_PLACES: u128 = (1 << PLACES) - 1;
/// The TLB of each actor, from this bit on.
const TLB: u32 = PLACES;
const ALL_TLBS: u128 = 0b1_1111 << TLB;
/// Whether an actor is in a walk, from this bit on.
const WALK: u32 = PLACES + 5;
const ALL_WALKS: u128 = 0b1_1111 << WALK;
/// The count of TLBIs.
const COUNT: u128 = 1 << (PLACES + 10);
/// Who is paused.
const PAUSE: u128 = 1 << (PLACES + 11);

impl Touches {
    const EVERYTHING: Self = Self { reads: u128::MAX, writes: u128::MAX };

    const fn and(self, other: Self) -> Self {
        Self { reads: self.reads | other.reads, writes: self.writes | other.writes }
    }

    const fn reading(reads: u128) -> Self {
        Self { reads, writes: 0 }
    }

    const fn writing(writes: u128) -> Self {
        Self { reads: 0, writes }
    }

    const fn conflicts(self, other: Self) -> bool {
        self.writes & (other.reads | other.writes) != 0 || self.reads & other.writes != 0
    }
}

/// What is known of a local state.
#[derive(Clone, Copy, Debug)]
struct Footprint {
    /// What its next step touches.
    now: Touches,
    /// What it and all that may follow touch.
    ever: Touches,
    /// On every way round in circles there is such a state, and no step is left out in it.
    anchor: bool,
}

impl Footprint {
    /// Of a local state that nothing is known of.
    const UNKNOWN: Self = Self { now: Touches::EVERYTHING, ever: Touches::EVERYTHING, anchor: true };
}

/// The footprints of all local states, of each actor.
#[derive(Clone, Debug)]
pub struct Footprints(Vec<Vec<Footprint>>);

/// More local states than this are not worth it.
const MOST_LOCALS: usize = 1 << 18;
/// More values than this in one place are not worth it either.
const MOST_VALUES: usize = 256;

impl Footprints {
    /// Works them out; `None` where that is too much, or the contexts of translations change.
    pub fn new(world: &mut World) -> Option<Self> {
        let actors = &world.machine.actors;
        if actors.iter().any(|actor| actor.program.iter().any(|instr| matches!(instr, Instr::Msr(..)))) {
            return None;
        }
        Survey::new(world).run()
    }

    /// Whether a step of an actor commutes with everything that the others may do from where they stand.
    #[inline]
    pub fn independent(&self, locals: &[Id], actor: usize) -> bool {
        let footprint = |actor: usize| self.0[actor].get(locals[actor] as usize);
        let Some(own) = footprint(actor) else { return false };
        let others = (0..self.0.len()).filter(|&other| other != actor);
        !own.anchor && others.into_iter().all(|other| footprint(other).is_some_and(|its| !own.now.conflicts(its.ever)))
    }
}

/// The work of [`Footprints::new`].
struct Survey<'a> {
    world: &'a mut World,
    /// What a doubleword may hold, by the number of its place.
    values: BTreeMap<u32, BTreeSet<u128>>,
    grown: bool,
    /// For each actor and local state, which local states may follow.
    next: Vec<BTreeMap<Id, Vec<Id>>>,
    pauses: bool,
}

impl<'a> Survey<'a> {
    fn new(world: &'a mut World) -> Self {
        let next = world.threads.iter().map(|_| BTreeMap::new()).collect();
        let policy = matches!(world.machine.emulation, Emulation::Software { policy: Policy::PauseAll, .. });
        Self { world, values: BTreeMap::new(), grown: true, next, pauses: policy }
    }

    fn run(mut self) -> Option<Footprints> {
        while core::mem::take(&mut self.grown) {
            for actor in 0..self.world.threads.len() {
                self.survey(actor)?;
            }
        }
        let footprints = (0..self.world.threads.len()).map(|actor| self.footprints(actor)).collect();
        Some(Footprints(footprints))
    }

    /// Reaches every local state of an actor that the values known so far lead to.
    fn survey(&mut self, actor: usize) -> Option<()> {
        let first = self.world.initial().0[actor];
        let mut next: BTreeMap<Id, Vec<Id>> = BTreeMap::new();
        let mut todo = Vec::from([first]);
        while let Some(local) = todo.pop() {
            if next.contains_key(&local) {
                continue;
            }
            let wants = self.world.threads[actor].node(local).wants;
            let mut after = Vec::new();
            for said in self.answers(wants)? {
                after.push(self.world.next_local(actor, local, said));
            }
            todo.extend(&after);
            next.insert(local, after);
            if next.len() > MOST_LOCALS {
                return None;
            }
        }
        self.next[actor] = next;
        Some(())
    }

    /// Every answer that something wanted may get.
    fn answers(&mut self, wants: Wants) -> Option<Vec<Said>> {
        Some(match wants {
            Wants::Nothing => Vec::new(),
            Wants::Read(place) | Wants::LoadExclusive(place) => self.said(place),
            Wants::Write(place, value) => {
                self.may_hold(place, value)?;
                Vec::from([Ok(0)])
            }
            Wants::Update(place, update) => self.updated(place, update)?,
            Wants::StoreExclusive(place, value) => {
                self.may_hold(place, value.into())?;
                Vec::from([Ok(0), Ok(1)])
            }
            Wants::Check => Vec::from([Ok(0), Err(Refusal::Stale)]),
            Wants::CheckedUpdate(place, update) => {
                let mut all = self.updated(place, update)?;
                all.push(Err(Refusal::Stale));
                all
            }
            Wants::Translate { root, .. } => {
                let begin = self.world.walks.begin(root);
                let (mut nodes, _) = self.walks_from(begin);
                nodes.retain(|&node| !matches!(self.world.walks.get(node).ask(), Some(Ask::Read(_))));
                nodes.push(begin);
                nodes.into_iter().map(|node| Ok(node.into())).collect()
            }
            _ => Vec::from([Ok(0)]),
        })
    }

    fn updated(&mut self, place: Place, update: Update) -> Option<Vec<Said>> {
        let all = self.said(place);
        for old in all.iter().flatten() {
            self.may_hold(place, update.apply(*old))?;
        }
        Some(all)
    }

    fn said(&mut self, place: Place) -> Vec<Said> {
        self.replies(place).into_iter().map(|reply| reply.map_err(|_| Refusal::Abort)).collect()
    }

    /// What a place may answer. The halves of a wide one may come from different writes.
    fn replies(&mut self, place: Place) -> Vec<Reply> {
        if self.world.cells.read(Cells::INITIAL, place).is_err() {
            return Vec::from([Err(ExternalAbort)]);
        }
        let mut all = Vec::new();
        let [low, high] = place.words();
        for &low in &self.word(low) {
            match high {
                None => all.push(Ok(low)),
                Some(high) => all.extend(self.word(Some(high)).iter().map(|high| Ok(high << 64 | low))),
            }
        }
        all
    }

    fn word(&mut self, word: Option<u32>) -> Vec<u128> {
        let Some(word) = word else { return Vec::new() };
        let initial = u128::from(self.world.cells.initial(word));
        let values = self.values.entry(word).or_insert_with(|| BTreeSet::from([initial]));
        values.iter().copied().collect()
    }

    fn may_hold(&mut self, place: Place, value: u128) -> Option<()> {
        let parts = [value & u128::from(u64::MAX), value >> 64];
        for (word, part) in place.words().into_iter().zip(parts) {
            let Some(number) = word else { continue };
            self.word(word);
            let values = self.values.entry(number).or_default();
            self.grown |= values.insert(part);
            if values.len() > MOST_VALUES {
                return None;
            }
        }
        Some(())
    }

    /// Every walk that may follow from one, itself included, and the places they touch.
    fn walks_from(&mut self, begin: Id) -> (Vec<Id>, Touches) {
        let mut all = Vec::from([begin]);
        let mut touches = Touches::default();
        let mut at = 0;
        while let Some(&node) = all.get(at) {
            at += 1;
            let Some(Ask::Read(fetch)) = self.world.walks.get(node).ask() else { continue };
            let place = self.world.cells.place(fetch.address.address, fetch.wide);
            touches = touches.and(Touches::reading(bits(place)));
            for reply in self.replies(place) {
                all.push(self.world.walks.answer(node, reply));
            }
        }
        (all, touches)
    }

    fn footprints(&mut self, actor: usize) -> Vec<Footprint> {
        let next = core::mem::take(&mut self.next[actor]);
        let length = next.last_key_value().map_or(0, |(&last, _)| last as usize + 1);
        let mut all = alloc::vec![Footprint::UNKNOWN; length];
        for (&local, after) in &next {
            let now = self.touches(actor, local, after);
            all[local as usize] = Footprint { now, ever: now, anchor: false };
        }
        let order = depth_first(self.world.initial().0[actor], &next, |anchor| all[anchor as usize].anchor = true);
        // Successors come first, so that once round is enough but for circles.
        loop {
            let mut grown = false;
            for &local in &order {
                let after = next[&local].iter().map(|&after| all[after as usize].ever);
                let ever = after.fold(all[local as usize].now, Touches::and);
                grown |= ever != all[local as usize].ever;
                all[local as usize].ever = ever;
            }
            if !grown {
                break;
            }
        }
        // What belongs to the same step is touched by it.
        for &local in &order {
            let at_once = |after: &&Id| self.world.threads[actor].node(**after).at_once;
            let joined = next[&local].iter().filter(|after| at_once(after)).map(|&after| all[after as usize].now);
            all[local as usize].now = joined.fold(all[local as usize].now, Touches::and);
        }
        all
    }

    /// What the step from a local state touches.
    fn touches(&mut self, actor: usize, local: Id, after: &[Id]) -> Touches {
        let (wants, was) = {
            let node = self.world.threads[actor].node(local);
            (node.wants, (node.hardware_walk, node.software_walk))
        };
        let own_tlb = 1 << (TLB + actor as u32);
        let mut touches = match wants {
            Wants::Read(place) | Wants::LoadExclusive(place) => Touches::reading(bits(place)),
            Wants::Write(place, _) => Touches::writing(bits(place)),
            Wants::Update(place, _) | Wants::StoreExclusive(place, _) => {
                Touches { reads: bits(place), writes: bits(place) }
            }
            Wants::Translate { root, .. } => {
                let begin = self.world.walks.begin(root);
                self.walks_from(begin).1.and(Touches::reading(own_tlb))
            }
            Wants::Invalidate(_) => Touches { reads: ALL_PLACES | ALL_WALKS, writes: ALL_TLBS | COUNT },
            Wants::Complete => Touches { reads: ALL_WALKS, writes: ALL_TLBS },
            Wants::Synchronize { .. } if self.world.machine.early => Touches { reads: ALL_PLACES, writes: own_tlb },
            Wants::Pause | Wants::AwaitPaused | Wants::Resume => Touches::writing(PAUSE),
            Wants::BeginWalk => Touches::writing(COUNT),
            Wants::Check => Touches { reads: COUNT, writes: COUNT },
            Wants::CheckedUpdate(place, _) => Touches { reads: bits(place) | COUNT, writes: bits(place) | COUNT },
            _ => Touches::default(),
        };
        let threads = &self.world.threads[actor];
        let is = |after: &Id| (threads.node(*after).hardware_walk, threads.node(*after).software_walk);
        if after.iter().any(|after| is(after) != was) {
            touches = touches.and(Touches::writing(1 << (WALK + actor as u32)));
        }
        // With early walks an exception synchronizes, too.
        let faults = threads.local(local).faults.len();
        if self.world.machine.early && after.iter().any(|after| threads.local(*after).faults.len() != faults) {
            touches = touches.and(Touches { reads: ALL_PLACES, writes: own_tlb });
        }
        if self.pauses {
            touches = touches.and(Touches::reading(PAUSE));
        }
        touches
    }
}

fn bits(place: Place) -> u128 {
    place.words().into_iter().flatten().fold(0, |bits, word| bits | 1 << (word % PLACES))
}

/// The local states that a first one leads to, each after those that follow from it, circles aside. `back` is told
/// where circles close.
fn depth_first(first: Id, next: &BTreeMap<Id, Vec<Id>>, mut back: impl FnMut(Id)) -> Vec<Id> {
    let mut order = Vec::new();
    let mut open = BTreeSet::from([first]);
    let mut seen = BTreeSet::from([first]);
    let mut stack = Vec::from([(first, 0)]);
    while let Some((local, at)) = stack.last_mut() {
        match next[local].get(*at) {
            Some(&after) => {
                *at += 1;
                if open.contains(&after) {
                    back(after);
                } else if seen.insert(after) {
                    open.insert(after);
                    stack.push((after, 0));
                }
            }
            None => {
                open.remove(local);
                order.push(*local);
                stack.pop();
            }
        }
    }
    order
}
