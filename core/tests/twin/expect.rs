//! Comparing an answer with a vector's `expect`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Answer, Exception, Fault, Place, Space, hex};

/// Every respect in which an answer is not the expected one, down to which bits have no architected value.
pub fn differences(answer: &Answer, expect: &Value) -> Vec<String> {
    compare(answer, expect, false)
}

/// Every respect in which an answer is not another implementation's, bits that either of them leaves open aside.
pub fn disagreements(answer: &Answer, other: &Value) -> Vec<String> {
    compare(answer, other, true)
}

fn compare(answer: &Answer, expect: &Value, either: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut check = |what: &str, got: String, wanted: String| {
        if got != wanted {
            found.push(format!("{what}: {got}, expected {wanted}"));
        }
    };
    check("status", answer.status.into(), expect["status"].as_str().unwrap_or_default().into());
    check("reads", answer.reads.to_string(), expect["reads"].to_string());

    let wanted = expect.get("par").map(|par| (hex(par), hex(&expect["par_ignore"])));
    let open = match (answer.par, wanted) {
        (Some((_, own)), Some((_, theirs))) if either => own | theirs,
        _ => 0,
    };
    let shown = |par: Option<(u128, u128)>| {
        let masked = |(value, ignore): (u128, u128)| format!("{:#x} of {:#x}", value & !(ignore | open), ignore | open);
        par.map_or("none".into(), masked)
    };
    check("par", shown(answer.par), shown(wanted));

    let writes: Vec<Value> = answer.writes.iter().map(|(at, word)| json!([to_hex(*at), to_hex(*word)])).collect();
    let wanted = expect.get("writes").cloned().unwrap_or(json!([]));
    check("writes", Value::from(writes).to_string(), wanted.to_string());

    let fault = answer.fault.as_ref().map_or(Value::Null, fault_json);
    check("fault", fault.to_string(), expect["fault"].to_string());

    let output = answer.output.as_ref().map_or(Value::Null, output_json);
    let mut wanted = expect["output"].clone();
    if wanted.is_object() {
        // Not every field means something for every memory type.
        let unused: &[&str] = if wanted["device"] == 1 { &["inner", "outer"] } else { &["devtype"] };
        for name in unused {
            wanted[name] = json!(0);
        }
    }
    check("output", output.to_string(), wanted.to_string());

    match (&answer.exception, expect.get("exception")) {
        (Some(got), Some(wanted)) => exception_differences(got, wanted, either, &mut check),
        (got, wanted) => check("exception", got.is_some().to_string(), wanted.is_some().to_string()),
    }
    found
}

fn exception_differences(got: &Exception, wanted: &Value, either: bool, check: &mut impl FnMut(&str, String, String)) {
    check("exception level", got.el.to_string(), wanted["el"].to_string());
    let ignored = |name: &str| wanted["ignore"].get(name).map_or(0, |mask| hex(mask) as u64);
    let named = wanted.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let masks = wanted["ignore"].as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let own = got.regs.keys().chain(got.ignore.keys()).map(String::as_str);
    let names: BTreeSet<&str> = named.chain(masks).chain(own).filter(|n| !matches!(*n, "el" | "ignore")).collect();
    for name in names {
        let own = got.ignore.get(name).copied().unwrap_or(0);
        if !either {
            check(&format!("{name} mask"), to_hex(own), to_hex(ignored(name)));
        }
        let mask = own | ignored(name);
        let value = wanted.get(name).map_or(0, |value| hex(value) as u64);
        check(name, to_hex(got.regs.get(name).copied().unwrap_or(0) & !mask), to_hex(value & !mask));
    }
}

fn to_hex(value: u64) -> String {
    format!("{value:#x}")
}

fn fault_json(fault: &Fault) -> Value {
    let flag = u8::from;
    let mut shown = json!({
        "code": fault.code, "level": fault.level, "s2": flag(fault.s2), "s1ptw": flag(fault.s1ptw),
        "toplevel": flag(fault.toplevel), "overlay": flag(fault.overlay), "dirty": flag(fault.dirty),
        "assured": flag(fault.assured),
    });
    if fault.s2 {
        shown["ipa"] = json!(to_hex(fault.ipa.0));
    }
    if let Some((cause, _)) = fault.gpcf {
        shown["gpcf"] = json!(cause);
    }
    shown
}

fn output_json(place: &Place) -> Value {
    let a = &place.attrs;
    let space = match place.space {
        Space::Secure => 0,
        Space::NonSecure => 1,
        Space::Root => 2,
        Space::Realm => 3,
    };
    let cache = |c: super::Cache| if a.device.is_some() { 0 } else { c.kind << 2 | c.hints };
    json!({
        "pa": to_hex(place.address), "pas": space, "device": u8::from(a.device.is_some()),
        "devtype": a.device.unwrap_or(0), "inner": cache(a.inner), "outer": cache(a.outer), "sh": a.sh,
        "tags": a.tags, "notagaccess": u8::from(a.notagaccess), "xs": u8::from(a.xs),
        "s1assured": u8::from(place.s1assured), "s2fs1mro": u8::from(place.s2fs1mro), "mecid": place.mecid,
    })
}
