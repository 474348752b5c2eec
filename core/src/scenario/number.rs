//! Numbers as scenarios write them. Every string is hexadecimal, with or without `0x`, and `_` may separate digits; a
//! JSON number is itself. Written back, a number is a `0x` string, because JSON readers may lose integers above 2^53.

use super::error::ScenarioError;
use core::fmt;
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

const EXPECTED: &str = "hexadecimal digits, such as \"0x4008_0123\"";

/// The value of hexadecimal digits, with or without `0x`, spaces around and `_` between allowed.
///
/// # Errors
/// Anything else, and values of more than 128 bits.
pub fn parse_hex(text: &str) -> Result<u128, ScenarioError> {
    let wrong = |what: &str| ScenarioError::new(format_args!("`{text}` {what}; expected {EXPECTED}"));
    let trimmed = text.trim();
    let digits = trimmed.strip_prefix("0x").or_else(|| trimmed.strip_prefix("0X")).unwrap_or(trimmed);
    let (mut high, mut low) = (0u64, 0u64);
    let mut seen = false;
    for c in digits.bytes() {
        let digit = DIGITS[usize::from(c)];
        if digit > 15 {
            if c == b'_' && seen {
                continue;
            }
            return Err(wrong("is not a number"));
        }
        if high >> 60 != 0 {
            return Err(wrong("has more than 128 bits"));
        }
        high = high << 4 | low >> 60;
        low = low << 4 | u64::from(digit);
        seen = true;
    }
    if seen { Ok(u128::from(high) << 64 | u128::from(low)) } else { Err(wrong("has no digits")) }
}

/// The value of each hexadecimal digit, by its ASCII code; of all else, 16.
const DIGITS: [u8; 256] = {
    let mut table = [16; 256];
    let mut digit = 0;
    while digit < 16 {
        table[b"0123456789abcdef"[digit] as usize] = digit as u8;
        table[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    table
};

/// [`parse_hex`] for values of at most 64 bits.
///
/// # Errors
/// As [`parse_hex`], and values of more than 64 bits.
pub fn parse_hex64(text: &str) -> Result<u64, ScenarioError> {
    parse_hex(text)?
        .try_into()
        .map_err(|_| ScenarioError::new(format_args!("`{text}` has more than 64 bits; expected at most 16 digits")))
}

/// A number in a scenario file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hex(pub u128);

impl Hex {
    /// The value, if it has at most 64 bits.
    pub(crate) fn to_u64<E: Error>(self) -> Result<u64, E> {
        self.0.try_into().map_err(|_| E::custom(format_args!("{self} has more than 64 bits")))
    }
}

impl From<u64> for Hex {
    fn from(value: u64) -> Self {
        Self(value.into())
    }
}

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HexVisitor;
        impl Visitor<'_> for HexVisitor {
            type Value = Hex;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{EXPECTED}, or a number")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Hex, E> {
                parse_hex(text).map(Hex).map_err(E::custom)
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Hex, E> {
                Ok(Hex(value.into()))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Hex, E> {
                u128::try_from(value).map(Hex).map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))
            }
        }
        deserializer.deserialize_any(HexVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn hexadecimal_is_read_generously() {
        assert_eq!(parse_hex(" 0x4008_0123\n"), Ok(0x4008_0123));
        assert_eq!(parse_hex("DEADbeef"), Ok(0xdead_beef));
        assert_eq!(parse_hex("0Xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff"), Ok(u128::MAX));
        assert_eq!(parse_hex("0000_0000_0000_0000_0000_0000_0000_0000_0001"), Ok(1));
    }

    #[test]
    fn and_refused_with_a_reason() {
        let refusal = |text| parse_hex64(text).expect_err(text).message;
        assert_eq!(refusal("12g"), "`12g` is not a number; expected hexadecimal digits, such as \"0x4008_0123\"");
        assert!(refusal("0x").contains("has no digits"));
        assert!(refusal("_1").contains("is not a number"));
        assert!(refusal("-1").contains("is not a number"));
        assert!(refusal("0x1_0000_0000_0000_0000").contains("more than 64 bits"));
        assert!(refusal("1ffffffffffffffffffffffffffffffff").contains("more than 128 bits"));
    }

    #[test]
    fn json_numbers_count_too() {
        let read = |text| serde_json::from_str::<Hex>(text);
        assert_eq!(read("18446744073709551615").unwrap(), Hex(u64::MAX.into()));
        assert_eq!(read("\"10\"").unwrap(), Hex(16));
        assert!(read("-1").unwrap_err().to_string().contains("integer `-1`"));
        assert!(read("1.5").unwrap_err().to_string().contains("floating point"));
        assert_eq!(serde_json::to_string(&Hex(0x80f)).unwrap(), "\"0x80f\"");
    }
}
