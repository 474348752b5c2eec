//! State in the URL fragment. `#v=1&s=<base64url(deflate(JSON))>` is what the playground writes; the same things can be
//! written by hand: `#ex=page-4k&va=0x40080123&op=S1E0W&el=1&step=3&reg=SCTLR_EL1:0x1005&mem=0x41003400:0`.
//!
//! A link names its base and lists the edits, so it stays short. A fragment never leaves the browser.

pub mod codec;

use crate::document::Document;
use crate::parse;
use serde_json::{Map, Value, json};
use stagewalk::access::Op;
use stagewalk::layout::sysreg::SysReg;
use std::collections::BTreeMap;

/// What a link says; what it leaves out is the base's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The base.
    pub base: Option<String>,
    /// The instruction.
    pub op: Option<Op>,
    /// The Exception level.
    pub el: Option<u8>,
    /// The address.
    pub va: Option<u64>,
    /// PSTATE.PAN.
    pub pan: Option<bool>,
    /// Edited registers.
    pub regs: BTreeMap<SysReg, u128>,
    /// Edited words of memory.
    pub mem: BTreeMap<u64, u64>,
    /// The step shown, counting from 1.
    pub step: Option<usize>,
}

impl Link {
    /// The link to a document at a stop (counting from 0).
    #[must_use]
    pub fn to(document: &Document, stop: usize) -> Self {
        Self {
            base: Some(document.base.clone()),
            op: Some(document.op),
            el: Some(document.el),
            va: Some(document.va),
            pan: document.pan.then_some(true),
            regs: document.regs.clone(),
            mem: document.mem.clone(),
            step: Some(stop + 1),
        }
    }

    /// Writes the fragment, without its `#`.
    #[must_use]
    pub fn write(&self) -> String {
        codec::pack(self.json())
    }

    /// Reads a fragment, with or without its `#`; `None` when it holds nothing.
    ///
    /// # Errors
    /// What is wrong with the link, in a sentence.
    pub fn read(fragment: &str) -> Result<Option<Self>, String> {
        codec::unpack(fragment)?.map(|pairs| Self::of(&pairs)).transpose()
    }

    /// What keys and values say.
    ///
    /// # Errors
    /// What is wrong with them, in a sentence.
    pub fn of(pairs: &[(String, Value)]) -> Result<Self, String> {
        let mut link = Self::default();
        for (key, value) in pairs {
            match value {
                Value::Object(entries) if key == "regs" || key == "mem" => {
                    for (name, value) in entries {
                        let key = if key == "regs" { "reg" } else { "mem" };
                        link.set(key, &format!("{name}:{}", codec::plain(value)))?;
                    }
                }
                _ => link.set(if key == "ex" { "base" } else { key }, &codec::plain(value))?,
            }
        }
        Ok(link)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let number = |bits| parse::hex(value, bits).map_err(|complaint| format!("{key}={value}: {complaint}"));
        match key {
            "base" => self.base = Some(value.into()),
            "op" => {
                self.op = Some(Op::from_name(value).ok_or_else(|| format!("“{value}” is not an instruction it knows"))?)
            }
            "el" => {
                let el = value.trim_start_matches("EL").parse().ok().filter(|el| *el <= 3);
                self.el = Some(el.ok_or_else(|| format!("el={value} is not an Exception level, 0 to 3"))?);
            }
            "va" => self.va = Some(number(64)? as u64),
            "pan" => self.pan = Some(matches!(value, "1" | "true")),
            "step" => {
                let step: Option<usize> = value.parse().ok().filter(|step| *step > 0);
                self.step = Some(step.ok_or_else(|| format!("step={value} is not a step: they count from 1"))?);
            }
            "reg" | "mem" => self.edit(key, value)?,
            _ => return Err(format!("it says “{key}”, which means nothing here")),
        }
        Ok(())
    }

    fn edit(&mut self, key: &str, edit: &str) -> Result<(), String> {
        let (name, value) = edit.split_once(':').ok_or_else(|| format!("{key}={edit}: expected NAME:VALUE"))?;
        let complain = |complaint| format!("{key}={edit}: {complaint}");
        if key == "mem" {
            let address = parse::word_address(name).map_err(complain)?;
            self.mem.insert(address, parse::hex(value, 64).map_err(complain)? as u64);
            return Ok(());
        }
        let register = SysReg::from_name(name).ok_or_else(|| format!("“{name}” is not a register it knows"))?;
        self.regs.insert(register, parse::hex(value, register.width().into()).map_err(complain)?);
        Ok(())
    }

    fn json(&self) -> Map<String, Value> {
        let mut object = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                object.insert(key.into(), value);
            }
        };
        let hex = |value: u128| json!(format!("{value:#x}"));
        put("base", self.base.as_ref().map(|base| json!(base)));
        put("op", self.op.map(|op| json!(op.name())));
        put("el", self.el.map(|el| json!(el)));
        put("va", self.va.map(|va| hex(va.into())));
        put("pan", self.pan.map(|pan| json!(pan)));
        let regs: Map<_, _> = self.regs.iter().map(|(name, &value)| (name.name().into(), hex(value))).collect();
        put("regs", (!regs.is_empty()).then_some(Value::Object(regs)));
        let mem: Map<_, _> = self.mem.iter().map(|(at, &word)| (format!("{at:#x}"), hex(word.into()))).collect();
        put("mem", (!mem.is_empty()).then_some(Value::Object(mem)));
        put("step", self.step.map(|step| json!(step)));
        object
    }
}

#[cfg(test)]
mod tests;
