//! The naive twin: AArch64 address translation restated a second time, as plainly as possible, from the
//! architecture alone. It shares no code with the library and exists to disagree with it.
//!
//! Everything is raw bit picking over registers held by name. Speed and elegance are not goals.

mod attributes;
mod expect;
mod geometry;
mod granules;
mod instruction;
mod machine;
mod report;
mod stage1;
mod stage1_params;
mod stage1_permissions;
mod stage2;
mod stage2_params;
mod stage2_permissions;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

pub use expect::{differences, disagreements};
pub use instruction::{dream, translate};
pub use machine::Word;

/// One translation: everything its answer depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    pub op: String,
    pub el: u8,
    pub va: u64,
    pub pa_bits: u32,
    /// Features that are *not* implemented; every other feature is.
    pub off: BTreeSet<String>,
    pub choices: BTreeMap<String, i64>,
    pub pan: bool,
    pub regs: BTreeMap<String, u128>,
    pub mem: BTreeMap<u64, u64>,
    pub abort: Option<(u64, u64)>,
}

/// What the twin computed, in the terms of a vector's `expect`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub status: &'static str,
    pub par: Option<(u128, u128)>,
    pub exception: Option<Exception>,
    pub fault: Option<Fault>,
    pub output: Option<Place>,
    pub writes: Vec<(u64, u64)>,
    pub reads: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exception {
    pub el: u8,
    pub regs: BTreeMap<String, u64>,
    /// Register to the mask of its bits that are UNKNOWN or IMPLEMENTATION DEFINED.
    pub ignore: BTreeMap<String, u64>,
}

/// A fault record; an empty `code` means that there is no fault yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    pub code: &'static str,
    pub level: i32,
    pub s2: bool,
    pub s1ptw: bool,
    pub toplevel: bool,
    pub overlay: bool,
    pub dirty: bool,
    pub assured: bool,
    pub write: bool,
    pub ipa: (u64, Space),
    pub gpcf: Option<(&'static str, u32)>,
    /// The physical address that failed its granule protection check, and whether stage 2 made the access.
    pub checked: (u64, Space),
    pub gpc_s2: bool,
}

/// A physical address space, or the Security state that owns it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Space {
    Secure,
    #[default]
    NonSecure,
    Root,
    Realm,
}

/// Where a stage of translation leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub address: u64,
    pub space: Space,
    pub attrs: Attrs,
    pub s1assured: bool,
    pub s2fs1mro: bool,
    /// The memory encryption context.
    pub mecid: u64,
}

/// Memory attributes. `device` is 0 GRE, 1 nGRE, 2 nGnRE, 3 nGnRnE; `sh` is 0 Non, 2 Outer, 3 Inner;
/// `tags` is 0 untagged, 1 allocation, 2 canonical.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attrs {
    pub device: Option<u8>,
    pub inner: Cache,
    pub outer: Cache,
    pub sh: u8,
    pub xs: bool,
    pub tags: u8,
    pub notagaccess: bool,
}

/// Cacheability of Normal memory: `kind` is 0 Non-cacheable, 2 Write-Through, 3 Write-Back; hint bit 1 is
/// read-allocate, bit 0 write-allocate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cache {
    pub kind: u8,
    pub hints: u8,
    pub transient: bool,
}

/// Bits `hi..=lo` of a register or descriptor.
pub fn field(value: u128, hi: u32, lo: u32) -> u64 {
    ((value >> lo) & ((1u128 << (hi - lo + 1)) - 1)) as u64
}

/// Bit `n` of a register or descriptor.
pub fn bit(value: u128, n: u32) -> bool {
    field(value, n, n) == 1
}

/// The number in a `"0x…"` string.
pub fn hex(value: &Value) -> u128 {
    let text = value.as_str().expect("a hexadecimal string");
    u128::from_str_radix(text.trim_start_matches("0x"), 16).expect("a hexadecimal number")
}

impl Case {
    /// Reads a line of a vector file.
    pub fn from_json(vector: &Value) -> Case {
        let entries = |key: &str| vector[key].as_object().into_iter().flatten();
        let word = |value: &Value| hex(value) as u64;
        Case {
            op: vector["op"].as_str().expect("an operation").to_string(),
            el: vector["el"].as_u64().expect("an exception level") as u8,
            va: word(&vector["va"]),
            pa_bits: vector["pa_bits"].as_u64().expect("a physical address size") as u32,
            off: entries("features").filter(|(_, on)| **on == Value::Bool(false)).map(|(k, _)| k.clone()).collect(),
            choices: entries("choices")
                .map(|(k, v)| (k.clone(), v.as_i64().unwrap_or_else(|| i64::from(v.as_bool() == Some(true)))))
                .collect(),
            pan: vector["pstate"]["PAN"] == 1,
            regs: entries("regs").map(|(k, v)| (k.clone(), hex(v))).collect(),
            mem: entries("mem").map(|(k, v)| (hex(&Value::String(k.clone())) as u64, word(v))).collect(),
            abort: vector["abort"].as_array().map(|range| (word(&range[0]), word(&range[1]))),
        }
    }

    /// The case as a vector without an expectation.
    pub fn to_json(&self) -> Value {
        let hex = |value: u128| Value::from(format!("{value:#x}"));
        let word = |value: u64| hex(u128::from(value));
        let mut vector = json!({
            "op": self.op, "el": self.el, "va": word(self.va), "pa_bits": self.pa_bits, "features": {}, "choices": {},
            "pstate": {"PAN": u8::from(self.pan)}, "regs": {}, "mem": {},
        });
        for feature in &self.off {
            vector["features"][feature] = json!(false);
        }
        for (choice, value) in &self.choices {
            vector["choices"][choice] = if choice == "bbm_level" { json!(value) } else { json!(*value != 0) };
        }
        for (register, value) in &self.regs {
            vector["regs"][register] = hex(*value);
        }
        for (address, value) in &self.mem {
            vector["mem"][format!("{address:#x}")] = word(*value);
        }
        if let Some((low, high)) = self.abort {
            vector["abort"] = json!([word(low), word(high)]);
        }
        vector
    }
}
