//! A prepared instruction, which remembers what leaves come to, answers at every address as if it were the first.

use stagewalk::access::{Op, OpKind};
use stagewalk::at::{self, Outcome};
use stagewalk::env::Direct;
use stagewalk::feature::Features;
use stagewalk::layout::Field;
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
/// What is mapped: as many pages, from here on, where they are for both stages; 64 by each table.
const PAGES: u64 = 1024;
const FROM: u64 = 0x1_0000_0000;

fn address(page: u64) -> u64 {
    FROM + page / 64 * 0x20_0000 + page % 64 * 0x1000
}

/// A machine with these leaves, of stage 1 and of stage 2, and these limits in the tables above those of stage 1.
fn machine(aie: bool, leaves: fn(u64) -> [u64; 2], limits: fn(u64) -> u64) -> (Pe, Memory) {
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
        for (tables, leaf) in [&mut stage1, &mut stage2].into_iter().zip(leaves(page)) {
            tables.map(address(page), address(page), 3, leaf);
        }
    }
    let mut memory = Memory::new();
    for tables in [&stage1, &stage2] {
        tables.store(&mut memory, |address| address);
    }
    for table in 0..PAGES / 64 {
        let entry = stage1.entry(address(table * 64), 2).expect("a table");
        memory.write(entry, memory.word(entry) | limits(table));
    }
    (pe, memory)
}

/// PAR_EL1, which a prepared instruction gives as one by itself does.
fn par(prepared: &Prepared<'_>, (pe, memory): (&Pe, &mut Memory), op: Op, va: u64) -> u128 {
    let Ok(answer) = at::execute(pe, op, va, &mut Direct::new(memory));
    let Outcome::Par(expected) = answer.result else { panic!("{} {va:#x}: {:?}", op.name(), answer.result) };
    let Ok(par) = prepared.par(va, &mut Direct::new(memory)) else { panic!("{} {va:#x}: an exception", op.name()) };
    assert_eq!(par, expected, "{} {va:#x}", op.name());
    par.value
}

/// AttrIndx[3] counts for nothing without AIE.
fn of_every_memory(page: u64) -> [u64; 2] {
    let (index, of_stage2) = (page % 16, page * 37 + page / 128);
    let leaf = s1::SH.set(s1::ATTR_INDX.set(attributes::KERNEL_DATA, index), page / 16);
    let guest = s2::SH.set(s2::MEM_ATTR.set(attributes::GUEST_MEMORY, of_stage2), of_stage2 >> 4);
    [s1::ATTR_INDX3.set(leaf, index >> 3), s2::FNXS.set(guest, of_stage2 >> 6)]
}

#[test]
fn what_is_remembered_of_attributes_is_what_leaves_come_to() {
    for aie in [false, true] {
        let (pe, mut memory) = machine(aie, of_every_memory, |_| 0);
        for op in [Op::S1E1R, Op::S12E1R] {
            let prepared = Prepared::new(&pe, op).expect("an instruction that is not trapped");
            let mut attributes = BTreeSet::new();
            // Twice over, and each the same again: what is known, and what was asked last, are remembered.
            for number in 0..4 * PAGES {
                let va = address(number / 2 * 389 % PAGES);
                let value = par(&prepared, (&pe, &mut memory), op, va);
                assert_eq!(value & 1, 0, "{} {va:#x}: {value:#x}", op.name());
                attributes.insert((value >> 56, value >> 7 & 0b11));
            }
            assert!(attributes.len() > if aie { 16 } else { 9 }, "{}, AIE {aie}: {attributes:x?}", op.name());
        }
    }
}

/// AF, AP, UXN, PXN and DBM; AF, DBM and S2AP of stage 2, in another order.
fn of_every_permission(page: u64) -> [u64; 2] {
    let set = |leaf: u64, fields: &[Field], values: u64| {
        fields.iter().zip(0..).fold(leaf, |leaf, (field, i)| field.set(leaf, values >> i))
    };
    // Most may be accessed: what else is there would never count.
    let flags = |values: u64| if values.is_multiple_of(3) { values } else { values | 1 };
    let (of_stage1, of_stage2) = (flags(page), flags(page * 37 + page / 64));
    let leaf = set(attributes::KERNEL_DATA, &[s1::AF, s1::AP1, s1::AP2, s1::UXN, s1::PXN, s1::DBM], of_stage1);
    let guest = set(attributes::GUEST_MEMORY, &[s2::AF, s2::DBM], of_stage2);
    [leaf, s2::S2AP.set(guest, of_stage2 >> 2)]
}

/// APTable, UXNTable and PXNTable.
fn of_every_limit(table: u64) -> u64 {
    table << 59
}

#[test]
fn what_is_remembered_of_permissions_is_what_leaves_grant() {
    let (pe, mut memory) = machine(false, of_every_permission, of_every_limit);
    let mut denied = 0;
    for op in Op::ALL.into_iter().filter(|op| matches!(op.kind(), OpKind::At(at) if at.el < 2)) {
        let prepared = Prepared::new(&pe, op).expect("an instruction that is not trapped");
        let mut statuses = BTreeSet::new();
        for number in 0..2 * PAGES {
            let value = par(&prepared, (&pe, &mut memory), op, address(number * 389 % PAGES));
            statuses.insert(if value & 1 == 1 { value >> 1 & 0x3f } else { 0 });
        }
        assert!(statuses.is_superset(&BTreeSet::from([0, 0b001011])), "{}: {statuses:x?}", op.name());
        denied += usize::from(statuses.contains(&0b001111));
    }
    assert!(denied >= 8, "only {denied} instructions met a Permission fault");
}
