//! Stops: the moments a reader steps through. One per descriptor read, with the decisions that follow from it.

use super::words;
use crate::regime::Stage;
use crate::step::{Event, Place, Step};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A run of steps that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Index of the first step.
    pub first: usize,
    /// Index of the last step.
    pub last: usize,
    /// What kind of moment it is.
    pub kind: Kind,
    /// Where in the walk.
    pub place: Place,
}

/// What kind of moment a stop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The instruction begins; its regime is chosen.
    Instruction,
    /// A stage begins, or turns out to be off, without a read yet.
    Stage,
    /// A descriptor is read and decoded.
    Lookup,
    /// Hardware updates a descriptor.
    Update,
    /// The instruction has its result.
    Result,
}

/// Groups steps into stops. Every step is in exactly one.
#[must_use]
pub fn group(steps: &[Step]) -> Vec<Stop> {
    let mut stops: Vec<Stop> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        match stops.last_mut() {
            Some(stop) if !opens(step, &steps[stop.first..index]) => stop.last = index,
            _ => stops.push(Stop { first: index, last: index, kind: Kind::Stage, place: step.place }),
        }
    }
    for stop in &mut stops {
        let inside = &steps[stop.first..=stop.last];
        stop.kind = kind(inside);
        if let Some(step) = inside.iter().find(|step| step.place.level.is_some()) {
            stop.place = step.place;
        }
    }
    stops
}

fn opens(step: &Step, so_far: &[Step]) -> bool {
    let has = |is: fn(&Event) -> bool| so_far.iter().any(|earlier| is(&earlier.event));
    let Some(last) = so_far.last() else { return true };
    let elsewhere = (last.place.stage, last.place.purpose) != (step.place.stage, step.place.purpose);
    let deeper = last.place.level.is_some() && last.place.level != step.place.level;
    ((elsewhere || deeper) && !is_aside(step))
        || match step.event {
            Event::Read { .. } | Event::Update { .. } | Event::GptRead { .. } => {
                has(is_access) || (step.place.stage == Some(Stage::S1) && has(is_start))
            }
            Event::Start { .. } => has(is_start) || has(is_access),
            Event::Par { .. } | Event::Exception { .. } | Event::Performed => true,
            _ => false,
        }
}

/// A fault may be noted where the instruction gives up, away from the place that raised it.
const fn is_aside(step: &Step) -> bool {
    matches!(step.event, Event::Fault { .. }) && step.place.stage.is_none()
}

const fn is_access(event: &Event) -> bool {
    matches!(event, Event::Read { .. } | Event::Update { .. })
}

const fn is_start(event: &Event) -> bool {
    matches!(event, Event::Start { .. })
}

fn kind(steps: &[Step]) -> Kind {
    let of = |step: &Step| match step.event {
        Event::Begin { .. } | Event::Regime { .. } => Some(Kind::Instruction),
        Event::Read { .. } => Some(Kind::Lookup),
        Event::Update { .. } => Some(Kind::Update),
        Event::Par { .. } | Event::Exception { .. } | Event::Performed => Some(Kind::Result),
        _ => None,
    };
    steps.iter().find_map(of).unwrap_or(Kind::Stage)
}

impl Stop {
    /// The stop in a sentence, for a heading or an announcement.
    #[must_use]
    pub fn title(&self, steps: &[Step]) -> String {
        let inside = steps.get(self.first..=self.last).unwrap_or_default();
        let place = words::capitalised(&words::place(self.place));
        let said = inside.iter().filter_map(weight).max_by_key(|(weight, _)| *weight);
        match said {
            Some((_, text)) if self.place.stage.is_some() => format!("{place}: {text}"),
            Some((_, text)) => text,
            None => place,
        }
    }
}

/// What a step contributes to a title, and how much it matters beside its neighbours.
fn weight(step: &Step) -> Option<(u8, String)> {
    Some(match step.event {
        Event::Begin { op, el, va } => (1, format!("{} at EL{el}, address {va:#x}", op.name())),
        Event::Undefined => (9, "the instruction is UNDEFINED".into()),
        Event::Trapped { el, .. } => (9, format!("the instruction is trapped to EL{el}")),
        Event::Disabled { output } => (2, format!("off, the output is the input: {:#x}", output.address.address)),
        Event::Start { level, table, .. } => {
            (2, format!("starts at {}, table {:#x}", words::level(level), table.address))
        }
        Event::Read { value, .. } => (3, format!("descriptor {value:#x}")),
        Event::Table { next } => (5, format!("points to the table at {:#x}", next.address)),
        Event::Leaf { output, size, .. } => (5, format!("maps {}, output {:#x}", words::size(size), output.address)),
        Event::Update { old, new, found, .. } if found == old => (6, format!("hardware writes {new:#x} over {old:#x}")),
        Event::Update { found, .. } => (6, format!("the update fails: memory now holds {found:#x}; the walk repeats")),
        Event::Fault { fault } => (8, words::fault(&fault)),
        Event::Par { value } => (9, format!("PAR_EL1 = {value:#x}")),
        Event::Exception { el, esr } => (9, format!("exception taken to EL{el}, ESR_EL{el} = {esr:#x}")),
        Event::Performed => (9, "the access goes through".into()),
        _ => return None,
    })
}
