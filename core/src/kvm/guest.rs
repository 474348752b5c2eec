//! The code that executes in the VM: a page with the exception vectors, and for each AT instruction the few
//! instructions that execute it. Each ends in a BRK, which the host takes as the end of the run: a BRK needs nothing
//! mapped but itself, and so it works under any permissions and attributes.

use super::Level;
use crate::access::{Op, OpKind};
use alloc::vec::Vec;

/// The size of the page.
pub const PAGE: u64 = 0x1000;
/// The BRK that ends a run; those of the vectors are numbered by their offset.
pub const END: u32 = 0xfff;

const NOP: u32 = 0xd503_201f;
const ISB: u32 = 0xd503_3fdf;
const DSB_SY: u32 = 0xd503_3f9f;
/// MRS X0, PAR_EL1
const MRS_X0_PAR: u32 = 0xd538_7400;
/// LDR X0, [X1]; STR X0, [X1], #8; SUB X2, X2, #1
const LDR_X0_X1: u32 = 0xf940_0020;
const STR_X0_X1_POST_8: u32 = 0xf800_8420;
const SUB_X2_1: u32 = 0xd100_0442;
/// CBNZ X2, with a word offset to be filled in.
const CBNZ_X2: u32 = 0xb500_0002;
/// Six instructions back, in 19 bits.
const BACK_TO_THE_BEGINNING: u32 = 0x8_0000 - 6;
const TLBI_VMALLE1: u32 = 0xd508_871f;
const TLBI_ALLE2: u32 = 0xd50c_871f;
const TLBI_ALLE1: u32 = 0xd50c_879f;

const TLBI_VMALLE1IS: u32 = 0xd508_831f;
/// STR X4, [X3]
const STR_X4_X3: u32 = 0xf900_0064;

const VECTORS: usize = 0x800;
/// Where in the page X4 is stored at X3, and translations through it forgotten everywhere.
pub const REWRITE: u64 = 0xe40;
/// Instructions set aside for each AT.
const ROOM: usize = 10;

const fn brk(number: u32) -> u32 {
    0xd420_0000 | number << 5
}

/// `SYS #op1, C7, Cm, #op2, X0`.
const fn at(op1: u8, crm: u8, op2: u8) -> u32 {
    0xd508_7000 | (op1 as u32) << 16 | (crm as u32) << 8 | (op2 as u32) << 5
}

/// The AT instructions, which are first in the table of operations.
fn instructions() -> impl Iterator<Item = (u8, u8, u8)> {
    Op::ALL.into_iter().filter_map(|op| match op.kind() {
        OpKind::At(at) => Some(at.encoding),
        OpKind::Access(_) => None,
    })
}

/// The words of the page.
pub fn page(level: Level) -> Vec<u32> {
    let mut words = alloc::vec![NOP; PAGE as usize / 4];
    for offset in (0..VECTORS).step_by(0x80) {
        words[offset / 4] = brk(offset as u32);
    }
    let forget: [u32; 2] = if level.el() == 1 { [TLBI_VMALLE1, NOP] } else { [TLBI_ALLE2, TLBI_ALLE1] };
    let rewrite = [STR_X4_X3, DSB_SY, TLBI_VMALLE1IS, DSB_SY, ISB, brk(END)];
    words[REWRITE as usize / 4..REWRITE as usize / 4 + rewrite.len()].copy_from_slice(&rewrite);
    for (index, (op1, crm, op2)) in instructions().enumerate() {
        let one = [forget[0], forget[1], DSB_SY, ISB, at(op1, crm, op2), ISB, MRS_X0_PAR, brk(END)];
        let start = VECTORS / 4 + index * ROOM;
        words[start..start + one.len()].copy_from_slice(&one);
        // The batch is a loop over X2 addresses at X1, each replaced by PAR_EL1.
        let many = [
            LDR_X0_X1,
            at(op1, crm, op2),
            ISB,
            MRS_X0_PAR,
            STR_X0_X1_POST_8,
            SUB_X2_1,
            CBNZ_X2 | BACK_TO_THE_BEGINNING << 5,
            brk(END),
        ];
        let start = batch_start(index);
        words[start..start + many.len()].copy_from_slice(&many);
    }
    words
}

const fn batch_start(index: usize) -> usize {
    VECTORS / 4 + (20 + index) * ROOM
}

fn index(op: Op) -> Option<usize> {
    let mut instructions = Op::ALL.into_iter().filter(|op| matches!(op.kind(), OpKind::At(_)));
    instructions.position(|known| known == op)
}

/// Where in the page an AT's instructions begin.
pub fn entry(op: Op) -> Option<u64> {
    index(op).map(|index| (VECTORS + index * ROOM * 4) as u64)
}

/// Where in the page the loop of an AT begins.
pub fn batch_entry(op: Op) -> Option<u64> {
    index(op).map(|index| batch_start(index) as u64 * 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_at_has_instructions_that_end() {
        let page = page(Level::El1);
        assert_eq!(page.len() * 4, PAGE as usize);
        for op in Op::ALL {
            let OpKind::At(row) = op.kind() else {
                assert_eq!((entry(op), batch_entry(op)), (None, None));
                continue;
            };
            let (op1, crm, op2) = row.encoding;
            for start in [entry(op), batch_entry(op)].into_iter().flatten() {
                let code = &page[start as usize / 4..start as usize / 4 + 8];
                assert!(code.contains(&at(op1, crm, op2)) && code[7] == brk(END), "{}", op.name());
            }
        }
        assert!(batch_start(instructions().count()) * 4 <= REWRITE as usize);
        assert_eq!(page[0x200 / 4], 0xd420_4000);
        // AT S1E1R, X0 and AT S12E0W, X0, as assemblers write them
        assert_eq!((at(0, 8, 0), at(4, 8, 7)), (0xd508_7800, 0xd50c_78e0));
    }

    #[test]
    fn the_loop_goes_back_to_its_beginning() {
        let page = page(Level::Vel2);
        let start = batch_entry(Op::S1E1R).unwrap() as usize / 4;
        let words = (page[start + 6] >> 5 & 0x7_ffff) as i32;
        assert_eq!(words << 13 >> 13, -6);
        assert_eq!(page[start + 6] & 0xff00_001f, CBNZ_X2);
    }
}
