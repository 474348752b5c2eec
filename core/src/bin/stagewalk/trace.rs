//! A translation and all its steps as one JSON document.

use serde_json::{Value, json};
use stagewalk::addr::FullAddress;
use stagewalk::layout::Field;
use stagewalk::outcome::{AddressDescriptor, FaultRecord};
use stagewalk::pe::Pe;
use stagewalk::regime::{Stage, VaRange};
use stagewalk::scenario::{Case, Run};
use stagewalk::step::{Event, Place, Purpose, Step};
use stagewalk::view::{Translation, explain, fields};

/// The case, its result and its steps.
pub fn document(case: &Case, run: &Run, view: &Translation) -> Value {
    let steps: Vec<Value> =
        (0..).zip(&view.steps).map(|(index, step)| self::step(&case.pe, view, index, step)).collect();
    json!({
        "schema": "stagewalk.walk/1",
        "case": case,
        "result": run.to_expect(),
        "headline": view.result.headline,
        "steps": steps,
    })
}

fn step(pe: &Pe, view: &Translation, index: usize, step: &Step) -> Value {
    let mut value = event(pe, view, step);
    let fields = value.as_object_mut().expect("events are objects");
    let bits = explain::reason(pe, &view.steps, index).map_or_else(Vec::new, |reason| reason.bits);
    fields.insert("step".into(), json!(index + 1));
    fields.insert("stop".into(), json!(view.stops.iter().position(|stop| stop.last >= index).map(|stop| stop + 1)));
    fields.insert("place".into(), place(step.place));
    fields
        .insert("rule".into(), json!({ "id": step.rule.id(), "text": step.rule.text(), "source": step.rule.source() }));
    fields.insert("what".into(), json!(explain::what(step)));
    fields.insert("because".into(), json!(bits.iter().map(explain::Bit::text).collect::<Vec<_>>()));
    value
}

fn place(place: Place) -> Value {
    let stage = place.stage.map(|stage| if stage == Stage::S1 { 1 } else { 2 });
    let (purpose, of) = match place.purpose {
        Purpose::Output => ("output", None),
        Purpose::Descriptor(level) => ("descriptor", Some(level)),
        Purpose::Update(level) => ("update", Some(level)),
    };
    json!({ "stage": stage, "level": place.level, "for": purpose, "for_level": of })
}

fn hex(value: impl Into<u128>) -> String {
    format!("{:#x}", value.into())
}

fn address(address: FullAddress) -> Value {
    json!({ "address": hex(address.address), "space": address.space.to_string() })
}

fn output(output: &AddressDescriptor) -> Value {
    let FullAddress { space, address } = output.address;
    json!({
        "address": hex(address),
        "space": space.to_string(),
        "attributes": output.attrs.to_string(),
        "mecid": output.mecid,
    })
}

fn fault(fault: &FaultRecord) -> Value {
    json!({
        "code": fault.code.name(),
        "level": fault.level,
        "s2": fault.second_stage,
        "s1ptw": fault.s2fs1walk,
        "ipa": fault.second_stage.then(|| hex(fault.ipa.address)),
        "text": fault.to_string(),
    })
}

fn event(pe: &Pe, view: &Translation, step: &Step) -> Value {
    match step.event {
        Event::Begin { op, el, va } => json!({ "event": "begin", "op": op.name(), "el": el, "va": hex(va) }),
        Event::Undefined => json!({ "event": "undefined" }),
        Event::Trapped { el, esr } => json!({ "event": "trapped", "el": el, "esr": hex(esr) }),
        Event::Regime { regime, security, range, el, stage2_on_walk, stage2_on_output } => json!({
            "event": "regime",
            "regime": regime.name(),
            "security": security.to_string(),
            "range": if range == VaRange::Lower { "lower" } else { "upper" },
            "el": el,
            "stage2_on_walk": stage2_on_walk,
            "stage2_on_output": stage2_on_output,
        }),
        Event::Disabled { output } => json!({ "event": "disabled", "output": self::output(&output) }),
        Event::Start { input, granule, ia_size, oa_size, level, ttbr, table } => json!({
            "event": "start",
            "input": hex(input),
            "granule": granule.name(),
            "ia_size": ia_size,
            "oa_size": oa_size,
            "level": level,
            "ttbr": hex(ttbr),
            "table": address(table),
        }),
        Event::Passed => json!({ "event": "passed" }),
        Event::Read { .. } => read(pe, view, step),
        Event::GptRead { address, level, value } => {
            json!({ "event": "gpt_read", "physical": self::address(address), "level": level, "value": hex(value) })
        }
        Event::Table { next } => json!({ "event": "table", "next": address(next) }),
        Event::Leaf { output, size, contiguous } => {
            json!({ "event": "leaf", "output": address(output), "size_log2": size, "contiguous": contiguous })
        }
        Event::Attributes { attrs } => json!({ "event": "attributes", "attributes": attrs.to_string() }),
        Event::Permissions { rights } => json!({
            "event": "permissions", "read": rights.read, "write": rights.write, "execute": rights.execute,
        }),
        Event::Update { physical, old, new, found } => json!({
            "event": "update", "physical": address(physical), "old": hex(old), "new": hex(new), "found": hex(found),
        }),
        Event::Output { output } => json!({ "event": "output", "output": self::output(&output) }),
        Event::Fault { fault } => json!({ "event": "fault", "fault": self::fault(&fault) }),
        Event::Par { value } => json!({ "event": "par", "value": hex(value) }),
        Event::Exception { el, esr } => json!({ "event": "exception", "el": el, "esr": hex(esr) }),
        Event::Performed => json!({ "event": "performed" }),
    }
}

fn read(pe: &Pe, view: &Translation, step: &Step) -> Value {
    let Event::Read { descriptor, physical, table, input, index_high, index_low, value, wide } = step.event else {
        return json!({});
    };
    let decoded = fields::descriptor(pe, &view.steps, step.place, value);
    let fields: Vec<Value> = decoded
        .fields
        .iter()
        .map(|held| {
            let Field { name, high, low, .. } = held.field;
            json!({ "name": name, "high": high, "low": low, "value": hex(held.value), "named": held.named })
        })
        .collect();
    json!({
        "event": "read",
        "descriptor": address(descriptor),
        "physical": address(physical),
        "table": hex(table),
        "input": hex(input),
        "index_bits": [index_high, index_low],
        "value": hex(value),
        "bits": if wide { 128 } else { 64 },
        "kind": decoded.title,
        "fields": fields,
    })
}
