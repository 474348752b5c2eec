//! An input address cut into the parts the walk uses: what selects the TTBR, the index of each level, the offset.

use super::words;
use crate::bits::bits;
use crate::params::{Geometry, S1Params, S2Params};
use crate::pe::Pe;
use crate::regime::Stage;
use crate::step::{Event, Step};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// An address and its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strip {
    /// The address.
    pub input: u64,
    /// Its parts, most significant first; together they are all 64 bits.
    pub segments: Vec<Segment>,
}

/// A part of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What the walk does with it.
    pub role: Role,
    /// Most significant bit.
    pub high: u8,
    /// Least significant bit.
    pub low: u8,
    /// The bits, shifted down.
    pub value: u64,
    /// What it means here, in a few words.
    pub meaning: String,
}

/// What the walk does with a part of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The top byte, ignored.
    Tag,
    /// Must repeat the half's bit (or be 0).
    Top,
    /// Bit 55: selects TTBR0 or TTBR1.
    Select,
    /// The index into the table of a level.
    Index(i8),
    /// The offset in the block or page.
    Offset,
    /// The whole address: nothing walks it.
    Whole,
}

impl Segment {
    /// A short name: `L0 index`, `offset`.
    #[must_use]
    pub fn name(&self) -> String {
        match self.role {
            Role::Tag => "tag".into(),
            Role::Top => "top bits".into(),
            Role::Select => "half".into(),
            Role::Index(level) => format!("{} index", words::level(level)),
            Role::Offset => "offset".into(),
            Role::Whole => "address".into(),
        }
    }
}

/// Cuts a VA as stage 1 of this translation does.
#[must_use]
pub fn stage1(pe: &Pe, va: u64, steps: &[Step]) -> Strip {
    let regime = steps.iter().find_map(|step| match step.event {
        Event::Regime { regime, security, .. } => Some((regime, security)),
        _ => None,
    });
    let Some((regime, security)) = regime else { return whole(va, "not translated") };
    let params = S1Params::new(pe, regime, security, va);
    if !params.enabled {
        return whole(va, "stage 1 is off: the address passes through");
    }
    let geometry = params.geometry();
    let mut segments = Vec::new();
    let size = geometry.ia_size as u8;
    let top = if params.addr_top(false) == 55 { 55 } else { 63 };
    if top == 55 {
        segments.push(segment(va, Role::Tag, 63, 56, "ignored: TBI = 1"));
    }
    let sign = if regime.has_unprivileged() { "must repeat bit 55" } else { "must be 0" };
    if regime.has_unprivileged() {
        if top == 63 {
            segments.push(segment(va, Role::Top, 63, 56, sign));
        }
        segments.push(segment(va, Role::Select, 55, 55, words::half(params.range)));
        push(&mut segments, va, Role::Top, 54, size, sign);
    } else {
        push(&mut segments, va, Role::Top, top, size, sign);
    }
    indices(&mut segments, va, &geometry, leaf_level(steps, Stage::S1));
    Strip { input: va, segments }
}

/// Cuts an IPA as stage 2 does; `leaf` is the level it was mapped at, if it was.
#[must_use]
pub fn stage2(pe: &Pe, ipa: u64, leaf: Option<i8>) -> Strip {
    let security = pe.security_state(1);
    let params = S2Params::new(pe, security, security.pa_space());
    let Some(start) = params.start_level() else { return whole(ipa, "VTCR_EL2 names no start level") };
    if !params.enabled {
        return whole(ipa, "stage 2 is off: the address passes through");
    }
    let geometry = params.geometry(start);
    let mut segments = Vec::new();
    push(&mut segments, ipa, Role::Top, 63, geometry.ia_size as u8, "must be 0");
    indices(&mut segments, ipa, &geometry, leaf);
    Strip { input: ipa, segments }
}

fn whole(input: u64, meaning: &str) -> Strip {
    Strip { input, segments: alloc::vec![segment(input, Role::Whole, 63, 0, meaning)] }
}

fn segment(input: u64, role: Role, high: u8, low: u8, meaning: &str) -> Segment {
    Segment { role, high, low, value: bits(input, u32::from(high), u32::from(low)), meaning: meaning.into() }
}

fn push(segments: &mut Vec<Segment>, input: u64, role: Role, high: u8, low: u8, meaning: &str) {
    if low <= high {
        segments.push(segment(input, role, high, low, meaning));
    }
}

fn indices(segments: &mut Vec<Segment>, input: u64, geometry: &Geometry, leaf: Option<i8>) {
    let last = leaf.unwrap_or(3);
    let mut below = geometry.ia_size as u8;
    for level in geometry.start_level..=last {
        let first = level == geometry.start_level;
        let (high, low) = if first { geometry.first_index_range() } else { geometry.index_range(level, 1) };
        let table = if first { "entry of the first table" } else { "entry of the table" };
        push(segments, input, Role::Index(level), high as u8, low as u8, table);
        below = low as u8;
    }
    if below > 0 {
        let what = if last == 3 { "byte in the page" } else { "byte in the block" };
        push(segments, input, Role::Offset, below - 1, 0, what);
    }
}

/// The level of the last leaf of a stage.
fn leaf_level(steps: &[Step], stage: Stage) -> Option<i8> {
    let is_leaf = |step: &&Step| step.place.stage == Some(stage) && matches!(step.event, Event::Leaf { .. });
    steps.iter().rev().find(is_leaf).and_then(|step| step.place.level)
}
