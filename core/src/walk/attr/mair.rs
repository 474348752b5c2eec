//! The bytes of MAIR_ELx: what each says, in one table.

use crate::bits::{bit, bits};
use crate::choice::Choice;
use crate::feature::Feature;
use crate::outcome::{CachePolicy, Cacheability, DeviceType, MemType};
use crate::pe::Pe;

/// What a byte says of memory (`S1DecodeMemAttrs`).
#[derive(Clone, Copy)]
pub(super) struct MairByte {
    pub mem_type: MemType,
    /// The XS attribute.
    pub xs: bool,
    /// Memory holds Allocation Tags.
    pub tagged: bool,
    known: Known,
}

/// Where an encoding is no reserved one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Always,
    With(Feature),
    Never,
}

const BYTES: [MairByte; 256] = {
    let mut bytes = [MairByte::new(0); 256];
    let mut byte = 0;
    while byte < bytes.len() {
        bytes[byte] = MairByte::new(byte as u64);
        byte += 1;
    }
    bytes
};

impl MairByte {
    /// A byte of MAIR_ELx, or what a reserved one reads as.
    #[inline(always)]
    pub fn read(pe: &Pe, byte: u64) -> &'static Self {
        let read = &BYTES[(byte & 0xff) as usize];
        match read.known {
            Known::Always => read,
            Known::With(feature) if pe.has(feature) => read,
            _ => instead(pe),
        }
    }

    const fn new(byte: u64) -> Self {
        let mem_type = match byte {
            0x00..=0x0f => MemType::Device(DeviceType::decode(bits(byte, 3, 2))),
            0x40 => MemType::normal(Cacheability::NON_CACHEABLE),
            0xa0 => MemType::normal(Cacheability::WRITE_THROUGH_RA),
            0xf0 => MemType::normal(Cacheability::WRITE_BACK_RWA),
            _ => MemType::Normal { inner: Cacheability::decode(byte), outer: Cacheability::decode(byte >> 4) },
        };
        let xs = match byte {
            0x00..=0x0f => !bit(byte, 0),
            0x40 | 0xa0 => false,
            _ => !mem_type.is_both(CachePolicy::WriteBack),
        };
        // `S1ConstrainUnpredictableRESMAIR`.
        let known = match byte {
            0x01 | 0x05 | 0x09 | 0x0d | 0x40 | 0xa0 => Known::With(Feature::Xs),
            0xf0 => Known::With(Feature::Mte2),
            0x00..=0x0f if byte & 0b11 != 0 => Known::Never,
            0x10..=0xff if byte & 0xf == 0 => Known::Never,
            _ => Known::Always,
        };
        Self { mem_type, xs, tagged: byte == 0xf0, known }
    }
}

/// What a reserved encoding reads as.
#[cold]
fn instead(pe: &Pe) -> &'static MairByte {
    match pe.choices.get(Choice::ReservedMair) {
        1 => &BYTES[0x44],
        2 => &BYTES[0xff],
        _ => &BYTES[0x00],
    }
}
