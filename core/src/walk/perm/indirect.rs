//! The tables of indirect permissions and overlays: what each 4-bit code stands for.

use crate::step::AccessRights;

/// What a code in PIR_ELx or PIRE0_ELx grants (`AArch64.S1IndirectBasePermissions`).
#[derive(Clone, Copy)]
pub(super) struct S1Code {
    pub rights: AccessRights,
    /// Guarded control stack accesses.
    pub gcs: bool,
    /// Overlays may take rights away.
    pub overlay: bool,
    /// Writable memory is not executable.
    pub wxn: bool,
}

/// Bits of a table entry: read, write, execute (for stage 2: privileged execute), and what else the table needs.
const R: u8 = 1;
const W: u8 = 2;
const X: u8 = 4;
const GCS: u8 = 8;
const WXN: u8 = 16;

/// Stage 1, by code. Codes from 8 up are out of overlays' reach.
const S1: [u8; 16] =
    [0, R, X, R | X, 0, R | W, R | W | X | WXN, R | W | X, R, R | GCS, R | X, 0, R | W, 0, R | W | X, 0];

/// Decodes a code of PIR_ELx or PIRE0_ELx.
pub(super) const fn s1_code(code: u8) -> S1Code {
    let entry = S1[(code & 0xf) as usize];
    S1Code { rights: rights(entry), gcs: entry & GCS != 0, overlay: code & 8 == 0, wxn: entry & WXN != 0 }
}

/// What a code of POR_ELx leaves (`AArch64.S1OverlayPermissions`): bit 0 reads, bit 1 execution, bit 2 writes, and
/// nothing from 8 up.
pub(super) const fn s1_overlay(code: u8) -> AccessRights {
    let allowed = code & 8 == 0;
    AccessRights { read: allowed && code & 1 != 0, write: allowed && code & 4 != 0, execute: allowed && code & 2 != 0 }
}

/// What a code in S2PIR_EL2 or S2POR_EL1 grants (`AArch64.S2IndirectBasePermissions`).
#[derive(Clone, Copy)]
pub(super) struct S2Code {
    pub read: bool,
    pub write: bool,
    /// The MMU's own descriptor updates may write.
    pub write_mmu: bool,
    pub px: bool,
    pub ux: bool,
    pub top_level: [bool; 2],
}

/// Unprivileged execution, writes by the MMU, TopLevel0 and TopLevel1.
const UX: u8 = 8;
const MMU: u8 = 16;
const TL0: u8 = 32;
const TL1: u8 = 64;

/// Stage 2, by code. 2, 3, 6 and 7 let only the MMU write: they are for translation tables.
const S2: [u8; 16] = [
    0,
    0,
    R | MMU,
    R | MMU | TL1,
    W,
    0,
    R | MMU | TL0,
    R | MMU | TL0 | TL1,
    R,
    R | UX,
    R | X,
    R | X | UX,
    R | W | MMU,
    R | W | MMU | UX,
    R | W | MMU | X,
    R | W | MMU | X | UX,
];

/// Decodes a code of S2PIR_EL2 or S2POR_EL1.
pub(super) const fn s2_code(code: u8) -> S2Code {
    let entry = S2[(code & 0xf) as usize];
    S2Code {
        read: entry & R != 0,
        write: entry & W != 0,
        write_mmu: entry & MMU != 0,
        px: entry & X != 0,
        ux: entry & UX != 0,
        top_level: [entry & TL0 != 0, entry & TL1 != 0],
    }
}

const fn rights(entry: u8) -> AccessRights {
    AccessRights { read: entry & R != 0, write: entry & W != 0, execute: entry & X != 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_from_8_of_stage_2_combine_two_kinds_of_execution_with_reading_and_writing() {
        for code in 8..16 {
            let S2Code { read, write, write_mmu, px, ux, top_level } = s2_code(code);
            assert_eq!((ux, px), (code & 1 != 0, code & 2 != 0), "{code}");
            assert_eq!((read, write, write_mmu), (true, code & 4 != 0, code & 4 != 0), "{code}");
            assert_eq!(top_level, [false; 2], "{code}");
        }
    }
}
