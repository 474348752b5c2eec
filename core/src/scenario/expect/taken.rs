//! An exception in JSON: `{"el": 2, "ESR_EL2": "0x920001c7", …, "ignore": {"ESR_EL2": "0x1800"}}`.

use super::Taken;
use crate::layout::sysreg::SysReg;
use crate::scenario::names::lookup;
use crate::scenario::number::Hex;
use alloc::string::String;
use core::fmt;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

impl Serialize for Taken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("el", &self.el)?;
        for (register, value) in &self.registers {
            map.serialize_entry(register.name(), &Hex::from(*value))?;
        }
        if !self.ignore.is_empty() {
            map.serialize_entry("ignore", &Masks(&self.ignore))?;
        }
        map.end()
    }
}

struct Masks<'a>(&'a [(SysReg, u64)]);

impl Serialize for Masks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(register, mask)| (register.name(), Hex::from(*mask))))
    }
}

impl<'de> Deserialize<'de> for Taken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TakenVisitor)
    }
}

struct TakenVisitor;

impl<'de> Visitor<'de> for TakenVisitor {
    type Value = Taken;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an exception: {\"el\": 2, \"ESR_EL2\": …}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Taken, A::Error> {
        let mut taken = Taken::default();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "el" => taken.el = map.next_value()?,
                "ignore" => {
                    let masks: alloc::collections::BTreeMap<String, Hex> = map.next_value()?;
                    for (name, mask) in masks {
                        taken.ignore.push(register_value(&name, mask)?);
                    }
                }
                _ => {
                    let value = map.next_value()?;
                    taken.registers.push(register_value(&name, value)?);
                }
            }
        }
        Ok(taken)
    }
}

fn register_value<E: Error>(name: &str, value: Hex) -> Result<(SysReg, u64), E> {
    let register = lookup(name).map_err(|problem| E::custom(format_args!("exception: {problem}")))?;
    Ok((register, value.to_u64()?))
}
