//! How views word things: places, sizes, numbers.

use crate::outcome::{AddressDescriptor, FaultRecord};
use crate::regime::{Stage, VaRange};
use crate::step::{Place, Purpose};
use alloc::format;
use alloc::string::String;

/// `0x` and as many digits as it takes.
#[must_use]
pub fn hex(value: u128) -> String {
    format!("{value:#x}")
}

/// `L0` to `L3`, and below zero `L−1`, `L−2`.
#[must_use]
pub fn level(level: i8) -> String {
    if level < 0 { format!("L−{}", level.unsigned_abs()) } else { format!("L{level}") }
}

/// `stage 1` or `stage 2`.
#[must_use]
pub const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::S1 => "stage 1",
        Stage::S2 => "stage 2",
    }
}

/// Where a step is: `stage 2 L1, for the stage-1 L0 descriptor`.
#[must_use]
pub fn place(place: Place) -> String {
    let Some(of) = place.stage else { return "the instruction".into() };
    let mut words: String = stage(of).into();
    if let Some(at) = place.level {
        words += &format!(" {}", level(at));
    }
    match (of, place.purpose) {
        (Stage::S2, Purpose::Descriptor(at)) => words += &format!(", for the stage-1 {} descriptor", level(at)),
        (Stage::S2, Purpose::Update(at)) => words += &format!(", to update the stage-1 {} descriptor", level(at)),
        (Stage::S2, Purpose::Output) => words += ", for stage 1's output",
        (Stage::S1, _) => {}
    }
    words
}

/// The first letter in upper case.
#[must_use]
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A power of two in bytes: `4 KB`, `2 MB`, `512 GB`.
#[must_use]
pub fn size(log2: u8) -> String {
    const UNITS: [&str; 7] = ["bytes", "KB", "MB", "GB", "TB", "PB", "EB"];
    let unit = usize::from(log2 / 10).min(UNITS.len() - 1);
    let count = 1_u64.checked_shl(u32::from(log2) - unit as u32 * 10).unwrap_or(0);
    format!("{count} {}", UNITS[unit])
}

/// `TTBR0` or `TTBR1`, by the half of the address space.
#[must_use]
pub const fn half(range: VaRange) -> &'static str {
    match range {
        VaRange::Lower => "lower half, TTBR0",
        VaRange::Upper => "upper half, TTBR1",
    }
}

/// A fault in a line: `Translation fault, level 3, at stage 2 on the stage 1 walk`.
#[must_use]
pub fn fault(record: &FaultRecord) -> String {
    format!("{record}")
}

/// An output: `0x40000000, Normal Write-Back RWA, Inner Shareable`, and its encryption context where it has one.
#[must_use]
pub fn output(output: &AddressDescriptor) -> String {
    format!("{:#x}, {}{}", output.address.address, output.attrs, in_context(output.mecid))
}

/// `, MECID 0x2a`; nothing for 0, which is what memory without an encryption context has.
#[must_use]
pub fn in_context(mecid: u16) -> String {
    if mecid == 0 { String::new() } else { format!(", MECID {mecid:#x}") }
}

/// A value in binary, as many digits as the field has bits.
#[must_use]
pub fn binary(value: u64, width: u8) -> String {
    format!("{value:0width$b}", width = usize::from(width))
}

/// As many ones as a field has bits.
#[must_use]
pub const fn ones(width: u8) -> u64 {
    match width {
        0 => 0,
        _ => crate::bits::mask(width as u32 - 1, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_unit_people_say() {
        assert_eq!(size(12), "4 KB");
        assert_eq!(size(21), "2 MB");
        assert_eq!(size(39), "512 GB");
        assert_eq!(size(3), "8 bytes");
        assert_eq!(size(63), "8 EB");
    }

    #[test]
    fn places_say_what_stage_2_is_for() {
        assert_eq!(place(Place::S1.at(2)), "stage 1 L2");
        assert_eq!(place(Place::s2(Purpose::Descriptor(-1)).at(1)), "stage 2 L1, for the stage-1 L−1 descriptor");
        assert_eq!(place(Place::INSTRUCTION), "the instruction");
    }
}
