//! Values of a case that are neither a number nor a name.

use crate::scenario::error::ScenarioError;
use crate::scenario::number::{Hex, parse_hex64};
use alloc::string::String;
use core::fmt;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

/// The value of a choice: true, false, a number, or an alternative's name.
pub(super) struct ChoiceText(pub(super) String);

impl<'de> Deserialize<'de> for ChoiceText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl Visitor<'_> for TextVisitor {
            type Value = ChoiceText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false, a number or a name")
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<ChoiceText, E> {
                Ok(ChoiceText(alloc::format!("{value}")))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<ChoiceText, E> {
                Ok(ChoiceText(alloc::format!("{value}")))
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<ChoiceText, E> {
                Ok(ChoiceText(value.into()))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

/// A key of `mem`.
pub(super) struct Address(pub(super) u64);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AddressVisitor;
        impl Visitor<'_> for AddressVisitor {
            type Value = Address;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a physical address")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Address, E> {
                parse_address(text).map(Address).map_err(|error| E::custom(error.within("mem")))
            }
        }
        deserializer.deserialize_str(AddressVisitor)
    }
}

/// The address of a doubleword in physical memory, in hexadecimal.
///
/// # Errors
/// Anything that is no number, not a multiple of 8, or has more than 56 bits.
pub fn parse_address(text: &str) -> Result<u64, ScenarioError> {
    let address = parse_hex64(text)?;
    if !address.is_multiple_of(8) {
        return Err(ScenarioError::new(format_args!(
            "{address:#x} is not the address of a doubleword: a multiple of 8"
        )));
    }
    if address >> 56 != 0 {
        return Err(ScenarioError::new(format_args!("{address:#x} is not a physical address: those have 56 bits")));
    }
    Ok(address)
}

/// The two ends of `abort`.
pub(super) struct AbortSeed;

impl<'de> DeserializeSeed<'de> for AbortSeed {
    type Value = (u64, u64);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(u64, u64), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for AbortSeed {
    type Value = (u64, u64);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("abort: [first address, last address]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(u64, u64), A::Error> {
        let mut next = || -> Result<u64, A::Error> {
            seq.next_element::<Hex>()?.ok_or_else(|| A::Error::invalid_length(0, &self))?.to_u64()
        };
        let (low, high) = (next()?, next()?);
        if low > high {
            return Err(A::Error::custom(format_args!("abort: the range {low:#x} to {high:#x} is empty")));
        }
        match seq.next_element::<IgnoredAny>()? {
            None => Ok((low, high)),
            Some(_) => Err(A::Error::invalid_length(3, &self)),
        }
    }
}
