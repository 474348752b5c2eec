//! What the TLB of a vCPU may hold, as a list that people can read.

use super::{Replay, walks};
use crate::machine::State;
use crate::machine::tlb as machine;
use crate::machine::tlbi::Entry;
use crate::params::Tags;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What a TLB may hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlbView {
    /// The entries, but those that are the beginnings of others.
    pub held: Vec<Held>,
    /// How many walk-cache entries are the beginnings of these.
    pub beginnings: usize,
    /// How many entries the last step took away.
    pub gone: usize,
}

/// Something that a TLB may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What kind of entry.
    pub kind: HeldKind,
    /// The address it is for.
    pub of: String,
    /// The address spaces it belongs to: `ASID 1, VMID 2, not global`.
    pub tags: String,
    /// What it holds.
    pub text: String,
    /// The words it was made from that memory no longer holds.
    pub stale: Option<String>,
    /// The walk, for the matrix.
    pub node: Option<u32>,
    /// The last step made it possible.
    pub new: bool,
    /// Who has issued a TLBI that reaches it, and not yet completed it.
    pub going: Option<String>,
}

/// What kind of TLB entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HeldKind {
    /// A whole translation.
    Final,
    /// A walk up to a table.
    WalkCache,
    /// A lookup in stage 2.
    Stage2,
    /// A walk made before its turn.
    Early,
}

impl HeldKind {
    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Final => "final",
            Self::WalkCache => "walk cache",
            Self::Stage2 => "stage 2",
            Self::Early => "early",
        }
    }
}

pub(super) fn view(replay: &Replay, was: State, now: State, actor: usize) -> TlbView {
    let world = &replay.world;
    if !replay.subject.machine.tlb || replay.subject.machine.actors[actor].host {
        return TlbView::default();
    }
    let held = |state: State| {
        let all = world.tlbs().held(world.tlb_row(state), actor).iter().copied();
        all.filter(|held| !is_empty(replay, *held)).collect::<Vec<_>>()
    };
    let (before, all) = (held(was), held(now));
    let beginnings = beginnings(replay, &all);
    let begins = |held: &machine::Held| match *held {
        machine::Held::Walk(node) | machine::Held::Early(node) => beginnings.contains(&node),
        machine::Held::Stage2(id) => begins_another(replay, &all, id),
    };
    let shown = all.iter().filter(|held| !begins(held));
    let mut entries: Vec<Held> = shown
        .map(|&held| Held {
            new: !before.contains(&held),
            going: going(replay, now, actor, held),
            ..entry(replay, now, held)
        })
        .collect();
    entries.sort_by(|a, b| (&a.of, a.kind, &a.text).cmp(&(&b.of, b.kind, &b.text)));
    entries.dedup_by(|a, b| (a.kind, &a.of, &a.tags, &a.text, &a.stale) == (b.kind, &b.of, &b.tags, &b.text, &b.stale));
    let hidden = all.iter().filter(|held| begins(held)).count();
    let gone = before.iter().filter(|held| !all.contains(held)).count();
    TlbView { held: entries, beginnings: hidden, gone }
}

const fn node(held: machine::Held) -> Option<u32> {
    match held {
        machine::Held::Walk(node) | machine::Held::Early(node) => Some(node),
        machine::Held::Stage2(_) => None,
    }
}

/// Whether nothing has been read yet.
fn is_empty(replay: &Replay, held: machine::Held) -> bool {
    node(held).is_some_and(|node| replay.world.walks().last_answer(node).is_none())
}

/// The walks that others go on from.
fn beginnings(replay: &Replay, all: &[machine::Held]) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for &held in all {
        let before = |node: u32| replay.world.walks().last_answer(node).map(|(before, _)| before);
        let mut at = node(held).and_then(before);
        while let Some(node) = at.filter(|&node| found.insert(node)) {
            at = before(node);
        }
    }
    found
}

/// Whether another lookup in stage 2 goes on from one.
fn begins_another(replay: &Replay, all: &[machine::Held], id: u32) -> bool {
    let tlbs = replay.world.tlbs();
    let own = tlbs.stage2(id);
    all.iter().any(|held| match *held {
        machine::Held::Stage2(other) if other != id => {
            let other = tlbs.stage2(other);
            (other.vmid, other.ipa) == (own.vmid, own.ipa) && other.answers.starts_with(&own.answers)
        }
        _ => false,
    })
}

/// Whose TLBI is about to take it away.
fn going(replay: &Replay, now: State, actor: usize, held: machine::Held) -> Option<String> {
    let (world, count) = (&replay.world, replay.subject.machine.actors.len());
    let goes = |&by: &usize| {
        let after = world.tlbs().held_after(world.tlb_row(now), actor, by);
        after.is_some_and(|after| !after.contains(&held))
    };
    (0..count).find(goes).map(|by| replay.subject.actor(by).to_string())
}

fn entry(replay: &Replay, now: State, held: machine::Held) -> Held {
    let names = &replay.subject.names;
    match held {
        machine::Held::Walk(node) | machine::Held::Early(node) => {
            let Entry::Combined { tags, va, leaf, global, .. } = replay.world.walks().entry(node) else {
                return nothing();
            };
            let kind = match held {
                machine::Held::Early(_) => HeldKind::Early,
                _ if leaf => HeldKind::Final,
                _ => HeldKind::WalkCache,
            };
            let stale = walks::provenance(&replay.world, now, names, node);
            let result = walks::result(&replay.world, names, node);
            let path = path(replay, node);
            let text = if kind == HeldKind::WalkCache { path } else { format!("{path} ⇒ {result}") };
            let op = replay.world.walks().get(node).root.op;
            let of = format!("{} ({})", names.address(va), op.name());
            Held { kind, of, tags: spaces(tags, leaf.then_some(global)), text, stale, node: Some(node), ..nothing() }
        }
        machine::Held::Stage2(id) => {
            let lookup = replay.world.tlbs().stage2(id);
            let value = |reply: &crate::memory::Reply| reply.map_or(0, |value| value as u64);
            let answers: Vec<String> = lookup.answers.iter().map(|reply| names.value(value(reply))).collect();
            Held {
                kind: HeldKind::Stage2,
                of: format!("IPA {}", names.address(lookup.ipa)),
                tags: spaces(Tags { vmid: lookup.vmid, asid: None }, None),
                text: answers.join(", "),
                ..nothing()
            }
        }
    }
}

fn nothing() -> Held {
    Held {
        kind: HeldKind::WalkCache,
        of: String::new(),
        tags: String::new(),
        text: String::new(),
        stale: None,
        node: None,
        new: false,
        going: None,
    }
}

/// `R = a, a[0] = old`: the stage-1 words that a walk was made from.
fn path(replay: &Replay, node: u32) -> String {
    let names = &replay.subject.names;
    let reads = walks::reads(&replay.world, node);
    let stage1 = reads.iter().filter(|read| read.place.stage == Some(crate::regime::Stage::S1));
    let mut words: Vec<String> = stage1.map(|read| read.text(names)).collect();
    if let Some(last) = reads.last().filter(|read| read.place.stage == Some(crate::regime::Stage::S2)) {
        words.push(last.text(names));
    }
    words.join(", ")
}

/// `ASID 1, VMID 2`; a leaf that serves every ASID is global.
fn spaces(tags: Tags, global: Option<bool>) -> String {
    let mut all = Vec::new();
    match (global, tags.asid) {
        (Some(true), _) => all.push("global".to_string()),
        (_, Some(asid)) => all.push(format!("ASID {asid}")),
        (_, None) => {}
    }
    all.extend(tags.vmid.map(|vmid| format!("VMID {vmid}")));
    all.join(", ")
}
