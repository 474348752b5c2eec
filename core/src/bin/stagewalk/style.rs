//! Colours and layout of text. Colour never says anything that the words do not.

use anstyle::{AnsiColor, Style};

/// Headings.
pub const HEADING: Style = Style::new().bold();
/// Stage 1.
pub const STAGE1: Style = AnsiColor::Cyan.on_default();
/// Stage 2.
pub const STAGE2: Style = AnsiColor::Magenta.on_default();
/// Faults.
pub const FAULT: Style = AnsiColor::Red.on_default().bold();
/// Success.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What is there to look up.
pub const QUIET: Style = Style::new().dimmed();
/// Errors.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();

/// The width that text is laid out for.
pub const WIDTH: usize = 100;

/// As few digits as it takes, in groups of four: `0x4008_0123`.
pub fn hex(value: u128) -> String {
    grouped(&format!("{value:#x}"))
}

/// All the digits of a word of `width` bits, in groups of four.
pub fn word(value: u128, width: u8) -> String {
    grouped(&format!("0x{value:0digits$x}", digits = usize::from(width / 4)))
}

/// `text` with the digits of long hexadecimal numbers in groups of four.
pub fn grouped(text: &str) -> String {
    let mut output = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find("0x") {
        let (before, number) = rest.split_at(at + 2);
        let length = number.bytes().take_while(u8::is_ascii_hexdigit).count();
        let (digits, after) = number.split_at(length);
        output.push_str(before);
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && length > 4 && (length - i).is_multiple_of(4) {
                output.push('_');
            }
            output.push(digit);
        }
        rest = after;
    }
    output + rest
}

/// `3, 7 and 11`.
#[cfg(feature = "kvm")]
pub fn list(items: &[impl std::fmt::Display]) -> String {
    let texts: Vec<String> = items.iter().map(ToString::to_string).collect();
    match texts.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => texts.concat(),
    }
}

/// `text` in lines of at most [`WIDTH`] columns. The first line begins at column `first`; the others are indented.
pub fn wrap(text: &str, first: usize, indent: usize) -> String {
    let mut wrapped = String::new();
    let mut column = first;
    let mut fresh = true;
    for part in text.split(' ') {
        let length = part.chars().count();
        if !fresh && column + 1 + length > WIDTH {
            wrapped.push('\n');
            wrapped.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if !fresh {
            wrapped.push(' ');
            column += 1;
        }
        fresh = false;
        wrapped.push_str(part);
        column += length;
    }
    wrapped
}

/// `text`, with `right` at the end of the line; on a line of its own where both do not fit.
pub fn opposed(text: &str, width: usize, right: &str) -> String {
    let room = WIDTH.saturating_sub(width);
    let length = right.chars().count();
    if room > length + 1 { format!("{text}{:>room$}", right) } else { format!("{text}\n{right:>WIDTH$}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_from_the_right() {
        assert_eq!(hex(0), "0x0");
        assert_eq!(hex(0x12345), "0x1_2345");
        assert_eq!(word(0x4008_0123, 64), "0x0000_0000_4008_0123");
        assert_eq!(grouped("0x1234 + 0x12345 at 0xfff, 0x"), "0x1234 + 0x1_2345 at 0xfff, 0x");
    }

    #[test]
    fn lines_break_before_the_width() {
        let text = "word ".repeat(60);
        let wrapped = wrap(text.trim_end(), 4, 4);
        assert!(wrapped.lines().all(|line| line.len() <= WIDTH));
        assert_eq!(wrapped.split_whitespace().count(), 60);
        assert!(wrapped.lines().skip(1).all(|line| line.starts_with("    word")));
    }
}
