//! The walks of a machine, as a tree of questions and answers.
//!
//! A suspended walk is its answers so far. Each list of answers that has come up is kept here once, as a node: the
//! engine's one walk is run over the list when the node is first reached, and from then on a walk under way is the
//! number of its node, and a step of it a lookup.

use super::intern::{Id, Interner};
use crate::access::Op;
use crate::addr::FullAddress;
use crate::at::{self, Answer, Outcome};
use crate::env::{Ask, Fetch, Replay, Traced};
use crate::layout::descriptor::s1;
use crate::machine::tlbi::Entry;
use crate::memory::Reply;
use crate::outcome::FaultCode;
use crate::params::Tags;
use crate::pe::Pe;
use crate::regime::{Regime, Stage};
use crate::step::{Event, Step};
use alloc::vec::Vec;

/// Where a walk begins: an instruction or access, at an address, in a translation context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Root {
    /// The translation context: see [`Walks::context`].
    pub context: Id,
    /// The instruction or access.
    pub op: Op,
    /// Its address.
    pub va: u64,
}

/// How far a walk has got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It waits for an answer.
    Asks(Ask),
    /// It has come to an end.
    Ends(Answer),
}

/// A walk with the answers it has been given so far.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it began.
    pub root: Root,
    /// How far it has got.
    pub progress: Progress,
    /// The node before, and the answer that led from there to here; none at the beginning.
    before: Option<(Id, Reply)>,
    /// The stage-2 lookup under way.
    pub lookup: Option<Lookup>,
    leaf: bool,
    global: bool,
    next: Vec<(Reply, Id)>,
}

/// A lookup in stage 2 within a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// What it translates.
    pub ipa: FullAddress,
    /// Which of the walk's stage-2 lookups it is, from 1.
    pub number: u32,
    /// The node at which it began.
    pub begin: Id,
}

/// All walks that have come up.
#[derive(Clone, Debug, Default)]
pub struct Walks {
    contexts: Vec<Pe>,
    roots: Interner<Root>,
    root_nodes: Vec<Id>,
    nodes: Vec<Node>,
}

impl Walks {
    /// The number of a translation context: registers, and the Exception level.
    pub fn context(&mut self, pe: &Pe) -> Id {
        let known = self.contexts.iter().position(|other| other == pe);
        known.unwrap_or_else(|| {
            self.contexts.push(pe.clone());
            self.contexts.len() - 1
        }) as Id
    }

    /// The registers of a context.
    #[must_use]
    pub fn pe(&self, context: Id) -> &Pe {
        &self.contexts[context as usize]
    }

    /// The walk that has not had an answer yet.
    pub fn begin(&mut self, root: Root) -> Id {
        let id = self.roots.intern(root);
        if id as usize == self.root_nodes.len() {
            let node = self.make(root, None);
            self.root_nodes.push(node);
        }
        self.root_nodes[id as usize]
    }

    /// The walk's state.
    #[must_use]
    pub fn get(&self, node: Id) -> &Node {
        &self.nodes[node as usize]
    }

    /// The walk with one more answer. One that has ended stays as it is.
    pub fn answer(&mut self, node: Id, reply: Reply) -> Id {
        let from = self.get(node);
        if let Some(&(_, next)) = from.next.iter().find(|(answer, _)| *answer == reply) {
            return next;
        }
        let next = match from.ask() {
            None => return node,
            Some(Ask::CompareAndSwap { fetch, expected, .. }) if reply != Ok(expected) => {
                self.after_failed_update(node, fetch, reply)
            }
            Some(_) => self.make(from.root, Some((node, reply))),
        };
        self.nodes[node as usize].next.push((reply, next));
        next
    }

    /// A walk whose descriptor update has failed stands where it stood before, or where it would stand if it had read
    /// what the update has found: there are only so many, however often it fails.
    fn after_failed_update(&mut self, node: Id, update: Fetch, found: Reply) -> Id {
        let before = self.before(node);
        let read = |id: &&Id| self.get(**id).ask().is_some_and(|ask| ask.fetch().address == update.address);
        let reread = before.iter().find(read).copied().map(|id| self.answer(id, found));
        let next = self.make(self.get(node).root, Some((node, found)));
        let mut known = before.into_iter().chain(reread);
        match known.find(|&id| self.get(id).progress == self.get(next).progress) {
            Some(known) => {
                self.nodes.pop();
                known
            }
            None => next,
        }
    }

    /// The nodes that lead to a node, the nearest first.
    fn before(&self, node: Id) -> Vec<Id> {
        core::iter::successors(Some(node), |&id| self.get(id).before.map(|(before, _)| before)).skip(1).collect()
    }

    /// The node before, and the answer that led from there; `None` at the beginning.
    #[must_use]
    pub fn last_answer(&self, node: Id) -> Option<(Id, Reply)> {
        self.get(node).before
    }

    /// The walk with one more answer, if it has come up.
    #[must_use]
    pub fn next(&self, node: Id, reply: Reply) -> Option<Id> {
        self.get(node).next.iter().find(|(answer, _)| *answer == reply).map(|&(_, next)| next)
    }

    /// The answers that lead to a node.
    #[must_use]
    pub fn answers(&self, node: Id) -> Vec<Reply> {
        let path = core::iter::successors(self.get(node).before, |&(id, _)| self.get(id).before);
        let mut answers: Vec<Reply> = path.map(|(_, reply)| reply).collect();
        answers.reverse();
        answers
    }

    /// What happens up to a node, step by step.
    #[must_use]
    pub fn steps(&self, node: Id) -> Vec<Step> {
        self.run(self.get(node).root, &self.answers(node)).1
    }

    /// What the walk is, as something cached.
    #[must_use]
    pub fn entry(&self, node: Id) -> Entry {
        let Node { root, leaf, global, .. } = *self.get(node);
        let (regime, tags) = self.owner(root);
        Entry::Combined { regime, tags, va: root.va, leaf, global }
    }

    /// The regime a walk is in, and the identifiers that what it finds is cached under.
    #[must_use]
    pub fn owner(&self, root: Root) -> (Regime, Tags) {
        let pe = self.pe(root.context);
        let (regime, _) = at::scope(pe, root.op);
        (regime, Tags::new(pe, regime))
    }

    fn run(&self, root: Root, answers: &[Reply]) -> (Progress, Vec<Step>) {
        let mut replay = Replay::new(answers);
        let mut traced = Traced::new(&mut replay);
        let progress = match at::execute(self.pe(root.context), root.op, root.va, &mut traced) {
            Ok(answer) => Progress::Ends(answer),
            Err(ask) => Progress::Asks(ask),
        };
        (progress, traced.into_steps())
    }

    fn make(&mut self, root: Root, before: Option<(Id, Reply)>) -> Id {
        let mut answers = before.map_or_else(Vec::new, |(node, _)| self.answers(node));
        answers.extend(before.map(|(_, reply)| reply));
        let (progress, steps) = self.run(root, &answers);
        let id = self.nodes.len() as Id;
        let lookup = match &progress {
            Progress::Asks(ask) if ask.fetch().place.stage == Some(Stage::S2) => {
                let starts = steps.iter().filter_map(|step| match step.event {
                    Event::Start { input, .. } if step.place.stage == Some(Stage::S2) => Some(input),
                    _ => None,
                });
                let (number, input) = starts.fold((0, 0), |(number, _), input| (number + 1, input));
                let before = before.and_then(|(node, _)| self.get(node).lookup);
                let same = before.filter(|lookup| lookup.number == number);
                let ipa = FullAddress { address: input, ..ask.fetch().address };
                Some(Lookup { ipa, number, begin: same.map_or(id, |lookup| lookup.begin) })
            }
            _ => None,
        };
        let (leaf, global) = leaf(&steps);
        self.nodes.push(Node { root, progress, before, lookup, leaf, global, next: Vec::new() });
        id
    }
}

/// Whether stage 1's leaf has been read since the walk last began, and whether it is for every ASID.
fn leaf(steps: &[Step]) -> (bool, bool) {
    let stage1 = steps.iter().filter(|step| step.place.stage == Some(Stage::S1));
    let mut last = (0, false);
    let mut found = (false, false);
    for step in stage1 {
        match step.event {
            Event::Start { .. } => found = (false, false),
            // The bit is at the same place in both sizes of descriptor.
            Event::Read { value, .. } => last = (value as u64, true),
            Event::Leaf { .. } => found = (true, !s1::NG.is_set(last.0)),
            Event::Disabled { .. } => found = (true, true),
            _ => {}
        }
    }
    found
}

impl Node {
    /// The walk's question, unless it has ended.
    #[must_use]
    pub const fn ask(&self) -> Option<Ask> {
        match &self.progress {
            Progress::Asks(ask) => Some(*ask),
            Progress::Ends(_) => None,
        }
    }

    /// How it ended, if it has.
    #[must_use]
    pub const fn end(&self) -> Option<&Answer> {
        match &self.progress {
            Progress::Asks(_) => None,
            Progress::Ends(answer) => Some(answer),
        }
    }

    /// Whether a TLB may keep this: the walk is under way, or has ended otherwise than by a fault that is never cached
    /// (Arm ARM D8.16: Translation, Address size and Access flag faults).
    #[must_use]
    pub fn cacheable(&self) -> bool {
        match self.end() {
            None => true,
            Some(Answer { result: Outcome::Undefined, .. }) => false,
            Some(Answer { fault: Some(fault), .. }) => fault.code == FaultCode::Permission,
            Some(Answer { output, .. }) => output.is_some(),
        }
    }
}
