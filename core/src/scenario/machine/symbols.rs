//! Names for addresses, descriptors and pages, so that a program reads well.

use crate::machine::program::REGS;
use crate::scenario::ScenarioError;
use crate::scenario::error::suggestion;
use crate::scenario::number::parse_hex64;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Names, each for a value; the first of several names of one value is the one it is shown by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbols(Vec<(String, u64)>);

impl Symbols {
    /// Names a value.
    ///
    /// # Errors
    /// What is wrong with the name: it has been given, is a number or a register, or has other characters than letters,
    /// digits and `_`.
    pub fn add(&mut self, name: &str, value: u64) -> Result<(), ScenarioError> {
        let wrong = |what: &str| Err(ScenarioError::new(format_args!("`{name}` {what}")));
        let mut letters = name.chars();
        let starts = letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
        if !starts || !letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
            return wrong("is not a name: a letter, and then letters, digits or _");
        }
        if parse_hex64(name).is_ok() {
            return wrong("is not a name: it could be a number in hexadecimal");
        }
        if register(name).is_some() {
            return wrong("is not a name: it is a register");
        }
        if self.value(name).is_some() {
            return wrong("is given twice");
        }
        self.0.push((name.into(), value));
        Ok(())
    }

    /// The value of a name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<u64> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// The name of a value.
    #[must_use]
    pub fn name(&self, value: u64) -> Option<&str> {
        self.0.iter().find(|(_, known)| *known == value).map(|(name, _)| name.as_str())
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// A value as people read it: its name, or a hexadecimal number.
    #[must_use]
    pub fn text(&self, value: u64) -> String {
        self.name(value).map_or_else(|| alloc::format!("{value:#x}"), ToString::to_string)
    }

    /// The value that a name or number stands for.
    ///
    /// # Errors
    /// It is neither.
    pub fn resolve(&self, text: &str) -> Result<u64, ScenarioError> {
        if let Some(value) = self.value(text) {
            return Ok(value);
        }
        parse_hex64(text).map_err(|error| {
            if text.starts_with(|first: char| first.is_ascii_digit() || first == '-') {
                return error;
            }
            let nearest = suggestion(text, self.iter().map(|(name, _)| name));
            ScenarioError::new(format_args!("`{text}` is neither a number nor one of the names{nearest}"))
        })
    }
}

/// The number of a general register, X0 to X30.
pub(super) fn register(text: &str) -> Option<u8> {
    let digits = text.strip_prefix(['X', 'x'])?;
    let plain = digits.bytes().all(|digit| digit.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    digits.parse().ok().filter(|&number: &u8| plain && usize::from(number) < REGS)
}
