//! A prepared instruction, which remembers what leaves come to, answers at every address as if it were the first.

use stagewalk::access::Op;
use stagewalk::at::{self, Outcome, Par};
use stagewalk::env::Direct;
use stagewalk::feature::Features;
use stagewalk::layout::descriptor::{s1, s2};
use stagewalk::layout::sysreg::{SysReg, hcr_el2, hcrx_el2, scr_el3, sctlr_el1, tcr_el1, tcr2_el1, vtcr_el2};
use stagewalk::memory::Memory;
use stagewalk::pe::Pe;
use stagewalk::prepared::Prepared;
use stagewalk::regime::Granule;
use stagewalk::scenario::build::{Tables, attributes};
use std::collections::BTreeSet;

/// Memory of every kind.
const MAIR: u64 = u64::from_le_bytes([0x00, 0x04, 0x0c, 0x44, 0xbb, 0xff, 0xf4, 0x40]);
const MAIR2: u64 = u64::from_le_bytes([0x08, 0x4f, 0xee, 0xf0, 0xa0, 0x77, 0x01, 0xaa]);

/// Where the tables of stage 1 are for the guest, and those of stage 2.
const TABLES: [u64; 2] = [0x4000_0000, 0x8000_0000];
/// What is mapped: as many pages, from here on, where they are for both stages.
const PAGES: u64 = 1024;
const FROM: u64 = 0x1_0000_0000;

/// A machine whose leaves hold, in one stage or the other, every memory attribute there is.
fn machine(aie: bool) -> (Pe, Memory) {
    let tcr = tcr_el1::T0SZ.set(0, 16) | tcr_el1::IPS.set(0, 5) | tcr_el1::EPD1.set(0, 1);
    let mut pe = Pe { el: 2, features: Features::ALL, pa_bits: 48, ..Pe::default() };
    for (register, value) in [
        (SysReg::ScrEl3, scr_el3::NS.mask() | scr_el3::HXEn.mask() | scr_el3::TCR2En.mask() | scr_el3::AIEn.mask()),
        (SysReg::HcrxEl2, hcrx_el2::TCR2En.mask()),
        (SysReg::SctlrEl1, sctlr_el1::M.mask() | sctlr_el1::C.mask() | sctlr_el1::I.mask()),
        (SysReg::TcrEl1, tcr),
        (SysReg::Tcr2El1, tcr2_el1::AIE.set(0, aie.into())),
        (SysReg::MairEl1, MAIR),
        (SysReg::Mair2El1, MAIR2),
        (SysReg::Ttbr0El1, TABLES[0]),
        (SysReg::HcrEl2, hcr_el2::VM.mask() | hcr_el2::RW.mask()),
        (SysReg::VtcrEl2, vtcr_el2::T0SZ.set(0, 16) | vtcr_el2::SL0.set(0, 2) | vtcr_el2::PS.set(0, 5)),
        (SysReg::VttbrEl2, TABLES[1]),
    ] {
        pe.regs.set(register, value.into());
    }
    let [mut stage1, mut stage2] = TABLES.map(|root| Tables::new(Granule::K4, 48, root));
    stage2.map(TABLES[0], TABLES[0], 2, attributes::GUEST_MEMORY);
    for page in 0..PAGES {
        let address = FROM + page * 0x1000;
        // AttrIndx[3] counts for nothing without AIE.
        let (index, sh) = (page % 16, page / 16);
        let leaf = s1::SH.set(s1::ATTR_INDX.set(attributes::KERNEL_DATA, index), sh);
        stage1.map(address, address, 3, s1::ATTR_INDX3.set(leaf, index >> 3));
        let of_stage2 = page * 37 + page / 128;
        let leaf = s2::SH.set(s2::MEM_ATTR.set(attributes::GUEST_MEMORY, of_stage2), of_stage2 >> 4);
        stage2.map(address, address, 3, s2::FNXS.set(leaf, of_stage2 >> 6));
    }
    let mut memory = Memory::new();
    stage1.store(&mut memory, |address| address);
    stage2.store(&mut memory, |address| address);
    (pe, memory)
}

#[test]
fn what_is_remembered_of_leaves_is_what_they_come_to() {
    for aie in [false, true] {
        let (pe, mut memory) = machine(aie);
        for op in [Op::S1E1R, Op::S12E1R] {
            let prepared = Prepared::new(&pe, op).expect("an instruction that is not trapped");
            let mut attributes = BTreeSet::new();
            // Twice over, and now and then the same again: what is known, and what was asked last, are remembered.
            for number in 0..4 * PAGES {
                let va = FROM + (number / 2 * 389 % PAGES) * 0x1000;
                let what = format!("{} {va:#x}, AIE {aie}", op.name());
                let Ok(answer) = at::execute(&pe, op, va, &mut Direct::new(&mut memory));
                let Outcome::Par(expected) = answer.result else { panic!("{what}: {:?}", answer.result) };
                let Ok(par) = prepared.par(va, &mut Direct::new(&mut memory)) else { panic!("{what}: an exception") };
                assert_eq!(par, expected, "{what}");
                let Par { value, .. } = par;
                assert_eq!(value as u64 & 1, 0, "{what}: {value:#x}");
                attributes.insert((value >> 56, value >> 7 & 0b11));
            }
            assert!(attributes.len() > if aie { 16 } else { 9 }, "{}, AIE {aie}: {attributes:x?}", op.name());
        }
    }
}
