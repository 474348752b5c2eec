//! What the TLBs may hold.
//!
//! A PE may walk any address at any time, keep what it finds, and drop it again. So the machine has no fills and no
//! evictions as steps: it keeps, for each vCPU, *everything that its TLB may hold*: all walks that could have been made
//! at some moment since the last invalidation that reaches them, however far they got. A translation chooses among
//! these. That is every behaviour of every TLB, and no state is spent on when an entry came or went.
//!
//! An invalidation takes effect at some moment between the TLBI and the DSB that completes it. The latest moment allows
//! the most, and what it removes is what was there at the earliest: so the contents are kept twice meanwhile, as they
//! are and as they are once it has taken effect.

use super::cells::Cells;
use super::intern::{Id, Interner};
use super::memo::Memo;
use super::tlbi::{Entry, Tlbi};
use super::walks::{Root, Walks};
use crate::env::Ask;
use crate::memory::Reply;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Something that a TLB may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Held {
    /// A walk: a walk-cache entry while it is under way, a final one when it has ended.
    Walk(Id),
    /// A walk made early, for an access that comes later in program order. It may have ended in any fault.
    Early(Id),
    /// A lookup in stage 2 by itself.
    Stage2(Id),
}

/// A lookup in stage 2, as a TLB keeps it: the answers it got, which may not be all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stage2Held {
    /// The guest it belongs to.
    pub vmid: Option<u16>,
    /// The page's address, the low 12 bits 0.
    pub ipa: u64,
    /// The descriptors it has read.
    pub answers: Vec<Reply>,
    /// Whether it has come to its end.
    pub leaf: bool,
}

type Contents = Box<[Held]>;

/// The TLBs of all vCPUs, in every state that has come up.
#[derive(Clone, Debug)]
pub struct Tlbs {
    actors: usize,
    early: bool,
    contents: Interner<Contents>,
    stage2: Interner<Stage2Held>,
    /// For each vCPU its contents, then, for each actor, the contents once what that actor has issued takes effect.
    rows: Interner<Box<[Id]>>,
    closed: Memo<(Id, Id, Box<[Id]>)>,
}

/// In place of contents: nothing is under way.
const NONE: Id = Id::MAX;

impl Tlbs {
    /// TLBs that hold nothing.
    pub const EMPTY: Id = 0;

    /// TLBs for this many actors. `early`: walks may be made before an access's turn in program order, and in vain.
    #[must_use]
    pub fn new(actors: usize, early: bool) -> Self {
        let mut contents = Interner::default();
        contents.intern(Box::default());
        let mut rows = Interner::default();
        let mut row = alloc::vec![NONE; actors * (actors + 1)];
        row.iter_mut().step_by(actors + 1).for_each(|contents| *contents = Self::EMPTY);
        rows.intern(row.into_boxed_slice());
        Self { actors, early, contents, stage2: Interner::default(), rows, closed: Memo::default() }
    }

    /// What the TLB of an actor may hold.
    #[must_use]
    pub fn held(&self, row: Id, actor: usize) -> &[Held] {
        self.contents.get(self.contents_of(row, actor))
    }

    /// What it may hold once the invalidations that `by` has issued take effect; `None` if there are none.
    #[must_use]
    pub fn held_after(&self, row: Id, actor: usize, by: usize) -> Option<&[Held]> {
        let id = self.rows.get(row)[actor * (self.actors + 1) + 1 + by];
        (id != NONE).then(|| &**self.contents.get(id))
    }

    /// A lookup in stage 2 that is held.
    #[must_use]
    pub fn stage2(&self, id: Id) -> &Stage2Held {
        self.stage2.get(id)
    }

    fn contents_of(&self, row: Id, actor: usize) -> Id {
        self.rows.get(row)[actor * (self.actors + 1)]
    }

    /// After anything that walks depend on has changed: every walk that can now be made has been made. `roots` are the
    /// walks that an actor may begin; what serves none of them is forgotten.
    pub fn refresh(&mut self, row: Id, memory: Id, roots: &[Box<[Id]>], walks: &mut Walks, cells: &mut Cells) -> Id {
        let mut next = self.rows.get(row).clone();
        for (unit, roots) in next.chunks_mut(self.actors + 1).zip(roots) {
            for id in unit.iter_mut().filter(|id| **id != NONE) {
                let needed = self.needed(*id, roots, walks);
                *id = if roots.is_empty() { Self::EMPTY } else { self.close(needed, memory, roots, walks, cells) };
            }
        }
        self.rows.intern(next)
    }

    /// What is of an access that may be made yet.
    fn needed(&mut self, contents: Id, roots: &[Id], walks: &Walks) -> Id {
        let made = |node: Id| {
            let Root { op, va, .. } = walks.get(node).root;
            (op, va)
        };
        let mut forgotten = false;
        let kept = self.contents.get(contents).iter().copied().filter(|held| {
            let needed = match *held {
                Held::Walk(node) | Held::Early(node) => roots.iter().any(|&root| made(root) == made(node)),
                Held::Stage2(_) => true,
            };
            forgotten |= !needed;
            needed
        });
        let kept: Contents = kept.collect();
        if forgotten { self.contents.intern(kept) } else { contents }
    }

    /// `by` executes a TLBI under `vmid`: what it will come to is worked out, and waits for [`Tlbs::complete`].
    pub fn issue(&mut self, row: Id, by: usize, tlbi: &Tlbi, vmid: Option<u16>, walks: &Walks) -> Id {
        let mut next = self.rows.get(row).clone();
        for (actor, unit) in next.chunks_mut(self.actors + 1).enumerate() {
            if tlbi.broadcast || actor == by {
                let before = if unit[1 + by] == NONE { unit[0] } else { unit[1 + by] };
                let kept = self.contents.get(before).iter().copied().filter(|held| match *held {
                    // A PE's own TLBI does not recall the walks that it has already made early.
                    Held::Early(node) => actor == by || !tlbi.reaches(vmid, &walks.entry(node)),
                    Held::Walk(node) => !tlbi.reaches(vmid, &walks.entry(node)),
                    Held::Stage2(id) => !tlbi.reaches(vmid, &self.stage2.get(id).entry()),
                });
                let kept: Contents = kept.collect();
                unit[1 + by] = self.contents.intern(kept);
            }
        }
        self.rows.intern(next)
    }

    /// The TLBIs that `by` has issued have taken effect everywhere.
    pub fn complete(&mut self, row: Id, by: usize) -> Id {
        let mut next = self.rows.get(row).clone();
        for unit in next.chunks_mut(self.actors + 1) {
            let after = core::mem::replace(&mut unit[1 + by], NONE);
            if after == NONE {
                continue;
            }
            unit[0] = after;
            for other in unit[1..].iter_mut().filter(|id| **id != NONE) {
                let left = self.contents.get(after);
                let both = self.contents.get(*other).iter().copied().filter(|held| left.contains(held));
                let both: Contents = both.collect();
                *other = self.contents.intern(both);
            }
        }
        self.rows.intern(next)
    }

    /// A context synchronization event: walks that were made early for what now comes are of no use.
    pub fn synchronize(&mut self, row: Id, actor: usize) -> Id {
        let mut next = self.rows.get(row).clone();
        for id in next[actor * (self.actors + 1)..][..=self.actors].iter_mut().filter(|id| **id != NONE) {
            let kept = self.contents.get(*id).iter().copied().filter(|held| !matches!(held, Held::Early(_)));
            let kept: Contents = kept.collect();
            *id = self.contents.intern(kept);
        }
        self.rows.intern(next)
    }

    /// The walks that a translation may use as they are, in an order that does not depend on how they were found: those
    /// that have ended, and those that have come to a descriptor update. `early` allows those made early.
    pub fn candidates(
        &mut self,
        (row, actor): (Id, usize),
        memory: Id,
        (root, early): (Root, bool),
        walks: &mut Walks,
        cells: &mut Cells,
    ) -> Vec<Id> {
        let begin = walks.begin(root);
        let contents = self.close(self.contents_of(row, actor), memory, &[begin], walks, cells);
        let held = self.contents.get(contents).clone();
        let mut found = Vec::new();
        for held in &held {
            let node = match *held {
                Held::Walk(node) => node,
                Held::Early(node) if early => node,
                _ => continue,
            };
            if !serves(walks, node, root) {
                continue;
            }
            match walks.get(node).ask() {
                // The walk goes on now: if it comes to a fault that no TLB keeps, that is not among what is held.
                Some(Ask::Read(fetch)) => {
                    let place = cells.place(fetch.address.address, fetch.wide);
                    let next = walks.answer(node, cells.read(memory, place));
                    if !walks.get(next).cacheable() {
                        found.push(next);
                    }
                }
                Some(Ask::CompareAndSwap { .. }) | None => found.push(node),
            }
        }
        found.sort_by_cached_key(|&node| (walks.get(node).root != root, walks.answers(node)));
        found.dedup();
        found
    }

    fn close(&mut self, contents: Id, memory: Id, roots: &[Id], walks: &mut Walks, cells: &mut Cells) -> Id {
        let key = (contents, memory, Box::from(roots));
        if let Some(known) = self.closed.get(&key) {
            return known;
        }
        let mut all: Vec<Held> = self.contents.get(contents).to_vec();
        let mut seen = Interner::default();
        all.iter().for_each(|held| _ = seen.intern(*held));
        let add = |all: &mut Vec<Held>, seen: &mut Interner<Held>, held| {
            if seen.intern(held) as usize == all.len() {
                all.push(held);
            }
        };
        roots.iter().for_each(|&root| add(&mut all, &mut seen, Held::Walk(root)));
        let mut at = 0;
        while let Some(&held) = all.get(at) {
            at += 1;
            for next in self.extended(held, &all, memory, walks, cells) {
                add(&mut all, &mut seen, next);
            }
        }
        all.sort_unstable();
        let closed = self.contents.intern(all.into_boxed_slice());
        self.closed.insert(key, closed);
        closed
    }

    /// What can be made of something held, with everything else that is held and with memory.
    fn extended(&mut self, held: Held, all: &[Held], memory: Id, walks: &mut Walks, cells: &mut Cells) -> Vec<Held> {
        let mut found = Vec::new();
        let mut keep = |walks: &Walks, from: Held, node: Id, early: bool| {
            if matches!(from, Held::Walk(_)) && walks.get(node).cacheable() {
                found.push(Held::Walk(node));
            }
            if early {
                found.push(Held::Early(node));
            }
        };
        match held {
            Held::Walk(node) | Held::Early(node) => {
                let Some(Ask::Read(fetch)) = walks.get(node).ask() else { return found };
                let place = cells.place(fetch.address.address, fetch.wide);
                let next = walks.answer(node, cells.read(memory, place));
                keep(walks, held, next, self.early);
                let lookup = walks.get(node).lookup;
                if let (Some(lookup), Held::Walk(_)) = (lookup, held) {
                    for other in all.iter().filter(|_| lookup.begin == node) {
                        if let Held::Stage2(id) = *other {
                            found.extend(self.resume(node, id, walks));
                        }
                    }
                    found.extend(self.stage2_held(node, next, walks));
                }
            }
            Held::Stage2(id) => {
                for other in all {
                    if let Held::Walk(node) = *other {
                        found.extend(self.resume(node, id, walks));
                    }
                }
            }
        }
        found
    }

    /// The lookup in stage 2 that a walk has just continued, by itself.
    fn stage2_held(&mut self, node: Id, next: Id, walks: &Walks) -> Option<Held> {
        let (from, to) = (walks.get(node), walks.get(next));
        let lookup = from.lookup?;
        if !to.cacheable() {
            return None;
        }
        let leaf = to.lookup.is_none_or(|later| later.number != lookup.number);
        let before = walks.answers(lookup.begin).len();
        let answers = walks.answers(next).split_off(before);
        let (_, tags) = walks.owner(from.root);
        let held = Stage2Held { vmid: tags.vmid, ipa: lookup.ipa.address & !0xfff, answers, leaf };
        Some(Held::Stage2(self.stage2.intern(held)))
    }

    /// A walk that begins a lookup in stage 2, continued by one that is held.
    fn resume(&self, node: Id, held: Id, walks: &mut Walks) -> Option<Held> {
        let held = self.stage2.get(held);
        let lookup = walks.get(node).lookup.filter(|lookup| lookup.begin == node)?;
        let (_, tags) = walks.owner(walks.get(node).root);
        if lookup.ipa.address & !0xfff != held.ipa || tags.vmid != held.vmid {
            return None;
        }
        let next = held.answers.iter().fold(node, |node, &reply| walks.answer(node, reply));
        walks.get(next).cacheable().then_some(Held::Walk(next))
    }
}

/// Whether a translation may use a walk: it is of the same access, in the same address space.
fn serves(walks: &Walks, node: Id, root: Root) -> bool {
    let made = walks.get(node).root;
    if made == root {
        return true;
    }
    let same = (made.op, made.va) == (root.op, root.va) && walks.owner(made).0 == walks.owner(root).0;
    let (old, new) = (walks.owner(made).1, walks.owner(root).1);
    let Entry::Combined { leaf, global, .. } = walks.entry(node) else { return false };
    same && old.vmid == new.vmid && (old.asid == new.asid || (leaf && global))
}

impl Stage2Held {
    /// What it is, to a TLBI.
    #[must_use]
    pub const fn entry(&self) -> Entry {
        Entry::Stage2 { vmid: self.vmid, ipa: self.ipa, leaf: self.leaf }
    }
}
