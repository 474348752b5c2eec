//! What is known at a stop: permissions, attributes and addresses, as far as the walk has come.

use super::words;
use crate::outcome::MemAttrs;
use crate::regime::Stage;
use crate::step::{AccessRights, Event, Purpose, Step};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Something known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What about.
    pub topic: String,
    /// What.
    pub text: String,
    /// Whose knowledge it is; none where it is the result's.
    pub stage: Option<Stage>,
    /// The step that said so.
    pub step: usize,
}

/// What the steps up to and including `last` have settled. Stage 2's answers for stage 1's own table reads count only
/// while they are what the walk is at.
#[must_use]
pub fn so_far(steps: &[Step], last: usize) -> Vec<Known> {
    let now = steps.get(last).map(|step| step.place.purpose);
    let mut known: Vec<Known> = Vec::new();
    for (index, step) in steps.iter().enumerate().take(last.saturating_add(1)) {
        let stage = step.place.stage;
        if stage == Some(Stage::S2) && step.place.purpose != Purpose::Output && Some(step.place.purpose) != now {
            continue;
        }
        let Some((topic, text)) = settled(step) else { continue };
        let topic = format!("{} {topic}", words::capitalised(stage.map_or("result", words::stage)));
        known.retain(|earlier| earlier.topic != topic);
        known.push(Known { topic, text, stage, step: index });
    }
    known
}

fn settled(step: &Step) -> Option<(&'static str, String)> {
    match step.event {
        Event::Permissions { rights } => Some(("permissions", permissions(rights))),
        Event::Attributes { attrs } => Some(("attributes", attributes(&attrs))),
        Event::Leaf { output, .. } => Some(("output", words::hex(output.address.into()))),
        _ => None,
    }
}

fn attributes(attrs: &MemAttrs) -> String {
    format!("{attrs}")
}

/// `read and write, not execute`.
#[must_use]
pub fn permissions(rights: AccessRights) -> String {
    let all = [(rights.read, "read"), (rights.write, "write"), (rights.execute, "execute")];
    let list = |wanted: bool, joined: &str| {
        let names: Vec<&str> = all.iter().filter(|(held, _)| *held == wanted).map(|(_, name)| *name).collect();
        match names.as_slice() {
            [] => String::new(),
            [only] => (*only).into(),
            [first, last] => format!("{first} {joined} {last}"),
            [first, middle, ..] => format!("{first}, {middle} {joined} execute"),
        }
    };
    match (list(true, "and"), list(false, "or")) {
        (may, may_not) if may_not.is_empty() => may,
        (may, may_not) if may.is_empty() => format!("none: not {may_not}"),
        (may, may_not) => format!("{may}, not {may_not}"),
    }
}
