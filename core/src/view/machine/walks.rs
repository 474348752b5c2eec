//! Walks that a machine has come to, in words.

use super::Names;
use crate::access::OpKind;
use crate::at::Outcome;
use crate::layout::sysreg::SysReg;
use crate::machine::{State, World};
use crate::step::{Event, Place, Step};
use crate::view::matrix::{self, Matrix};
use crate::view::stops::{self, Kind, Stop};
use crate::view::va::{self, Strip};
use crate::view::words;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A descriptor that a walk has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// The stage and level.
    pub place: Place,
    /// Its physical address.
    pub address: u64,
    /// What was there.
    pub value: u128,
}

impl Read {
    /// `R = a`.
    #[must_use]
    pub fn text(&self, names: &Names) -> String {
        format!("{} = {}", names.address(self.address), names.value(self.value as u64))
    }
}

/// The descriptors that a walk has read, in order.
#[must_use]
pub fn reads(world: &World, node: u32) -> Vec<Read> {
    let steps = world.walks().steps(node);
    let read = |step: &Step| match step.event {
        Event::Read { physical, value, .. } => Some(Read { place: step.place, address: physical.address, value }),
        _ => None,
    };
    steps.iter().filter_map(read).collect()
}

/// Those of them that memory no longer holds.
#[must_use]
pub fn stale(world: &World, state: State, node: u32) -> Vec<Read> {
    let mut old: Vec<Read> = Vec::new();
    for read in reads(world, node) {
        let now = u128::from(world.word(state, read.address));
        if read.value & u128::from(u64::MAX) != now && !old.iter().any(|known| known.address == read.address) {
            old.push(read);
        }
    }
    old
}

/// `with R = a, as memory held it before`; nothing for a walk of memory as it is.
#[must_use]
pub fn provenance(world: &World, state: State, names: &Names, node: u32) -> Option<String> {
    let words: Vec<String> = stale(world, state, node).iter().map(|read| read.text(names)).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// The physical address that an access goes to, if its walk has ended well.
#[must_use]
pub fn accessible(world: &World, node: u32) -> Option<u64> {
    let answer = world.walks().get(node).end()?;
    answer.output.as_ref().filter(|_| answer.result == Outcome::Performed).map(|output| output.address.address)
}

/// What a walk has come to: `PA page`, a fault, or how far it is.
#[must_use]
pub fn result(world: &World, names: &Names, node: u32) -> String {
    let Some(answer) = world.walks().get(node).end() else {
        return match reads(world, node).last() {
            Some(read) => format!("as far as {}", words::place(read.place)),
            None => "not begun".into(),
        };
    };
    match (&answer.result, &answer.output, &answer.fault) {
        (_, _, Some(fault)) => words::fault(fault),
        (_, Some(output), _) => format!("PA {}", names.address(output.address.address)),
        (Outcome::Undefined, ..) => "UNDEFINED".into(),
        _ => "trapped".into(),
    }
}

/// PAR_EL1 in words: `PA page`, or the fault that it reports.
#[must_use]
pub fn par(names: &Names, value: u128) -> String {
    if value & 1 == 0 {
        return format!("PA {}", names.address(value as u64 & crate::bits::mask(51, 12)));
    }
    let fields = SysReg::ParEl1.layout(value, false).decode(value);
    let field = |name: &str| fields.iter().find(|held| held.field.name == name);
    let status = field("FST").and_then(|held| held.named).unwrap_or("a fault").to_string();
    let is = |name: &str| field(name).is_some_and(|held| held.value == 1);
    let place = match (is("S"), is("PTW")) {
        (true, true) => ", at stage 2 on the stage 1 walk",
        (true, false) => ", at stage 2",
        (false, _) => "",
    };
    format!("F = 1: {status}{place}")
}

/// A walk as far as it has got, laid out.
#[derive(Clone, Debug, PartialEq)]
pub struct SoFar {
    /// Its steps.
    pub steps: Vec<Step>,
    /// The steps grouped into the moments a reader stops at.
    pub stops: Vec<Stop>,
    /// The walk as a matrix.
    pub matrix: Matrix,
    /// The input address cut into the parts the walk uses.
    pub va: Strip,
    /// What it is: `AT S1E1R, x`.
    pub title: String,
    /// The stop that was reached last.
    pub last: usize,
}

impl SoFar {
    /// The walk at a node.
    #[must_use]
    pub fn new(world: &World, names: &Names, node: u32) -> Self {
        let root = world.walks().get(node).root;
        let steps = world.walks().steps(node);
        let stops = stops::group(&steps);
        let matrix = matrix::build(&steps, &stops);
        let title = match root.op.kind() {
            OpKind::At(_) => format!("AT {}, {}", root.op.name(), names.address(root.va)),
            OpKind::Access(_) => format!("{} of {}", root.op.name(), names.address(root.va)),
        };
        let reads = |stop: &Stop| matches!(stop.kind, Kind::Lookup | Kind::Update);
        let last = stops.iter().rposition(reads).unwrap_or_default();
        Self { va: va::stage1(world.walks().pe(root.context), root.va, &steps), title, last, steps, stops, matrix }
    }

    /// Which of the walk's reads a stop is, from 0.
    #[must_use]
    pub fn read_of(&self, stop: usize) -> Option<usize> {
        let reads = self.stops.get(..=stop)?.iter().filter(|stop| stop.kind == Kind::Lookup).count();
        reads.checked_sub(1)
    }
}
