//! What is wrong with a scenario: where, what was found, and what was expected there.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// Bad input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// The field, what it holds, and what was expected: `regs.TCR_EL11: not a system register; did you mean TCR_EL1?`.
    pub message: String,
    /// The line it is on, counting from 1; 0 when there is no text to point into.
    pub line: usize,
    /// The column, counting from 1; 0 when there is no text to point into.
    pub column: usize,
}

impl ScenarioError {
    /// An error about input that has no lines.
    #[must_use]
    pub fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), line: 0, column: 0 }
    }

    /// The same error, in a part of the input called `part`.
    #[must_use]
    pub fn within(self, part: impl fmt::Display) -> Self {
        Self { message: alloc::format!("{part}: {}", self.message), ..self }
    }

    /// The error in text whose line is known from elsewhere: only the column counts.
    #[must_use]
    pub fn in_line(&self) -> String {
        if self.column > 0 { alloc::format!("column {}: {}", self.column, self.message) } else { self.message.clone() }
    }
}

impl From<serde_json::Error> for ScenarioError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let mut message = error.to_string();
        let position = alloc::format!(" at line {line} column {column}");
        if message.ends_with(&position) {
            message.truncate(message.len() - position.len());
        }
        Self { message: in_one_line(&message), line, column }
    }
}

/// Text that may quote the input, with its control characters escaped.
fn in_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() { line.extend(letter.escape_default()) } else { line.push(letter) }
    }
    line
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        f.write_str(&self.message)
    }
}

impl core::error::Error for ScenarioError {}

/// `; did you mean X?` for the known name nearest to `name`, or nothing when none is near.
pub(crate) fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let reach = 1 + name.len() / 4;
    known
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= reach)
        .min()
        .map_or_else(String::new, |(_, nearest)| alloc::format!("; did you mean {nearest}?"))
}

/// How many letters to insert, delete, replace or swap with their neighbour, compared without case.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = alloc::vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let same = x.eq_ignore_ascii_case(y);
            let mut least = (row[j] + usize::from(!same)).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && x.eq_ignore_ascii_case(&b[j - 1]) && y.eq_ignore_ascii_case(&a[i - 1]) {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = core::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("tcr_el1", "TCR_EL1"), 0);
        assert_eq!(distance("SCTRL", "SCTLR"), 1);
    }

    #[test]
    fn only_a_near_name_is_suggested() {
        let known = ["TCR_EL1", "TTBR0_EL1"];
        assert_eq!(suggestion("TCR_EL11", known.into_iter()), "; did you mean TCR_EL1?");
        assert_eq!(suggestion("TTBR_EL1", known.into_iter()), "; did you mean TTBR0_EL1?");
        assert_eq!(suggestion("VBAR", known.into_iter()), "");
    }
}
