//! vCPUs that walk 24 descriptors while another stores to three of them, in every interleaving.

use stagewalk::access::Op;
use stagewalk::layout::sysreg::SysReg;
use stagewalk::machine::explore::{Explorer, Observable, Options};
use stagewalk::machine::program::{Data, Instr, MemoryAccess, Operand, Target};
use stagewalk::machine::{Actor, Machine};
use stagewalk::memory::Memory;
use stagewalk::pe::Pe;
use stagewalk::regime::Granule;
use stagewalk::scenario::build::{Tables, attributes};
use std::collections::HashSet;
use std::hint::black_box;

const VA: u64 = 0x12_3456_7000;
/// What stage 2 maps from where on, and where to: the guest's tables and its pages.
const TABLES: (u64, u64) = (0x4000_0000, 0x9000_0000);
const PAGES: (u64, u64) = (0x5000_0000, 0xa000_0000);

/// So many walkers and the writer. There are no TLBs, and each descriptor is a step.
#[must_use]
pub fn racing(walkers: usize) -> Machine {
    let mut stage1 = Tables::new(Granule::K4, 48, TABLES.0);
    stage1.map(VA, PAGES.0, 3, attributes::KERNEL_DATA);
    let mut stage2 = Tables::new(Granule::K4, 48, 0x8000_0000);
    stage2.map_pages(TABLES.0, TABLES.1, 32, attributes::GUEST_MEMORY);
    stage2.map_pages(PAGES.0, PAGES.1, 16, attributes::GUEST_MEMORY);
    let place = |ipa: u64| ipa - TABLES.0 + TABLES.1;
    let mut memory = Memory::new();
    stage2.store(&mut memory, |address| address);
    stage1.store(&mut memory, place);
    // Other tables of levels 3 and 2, and what the writer puts in: a leaf, and the two tables.
    let leaf = |page: u64| page | attributes::KERNEL_DATA | 3;
    let entry = |table: u64, shift: u32| place(table + (VA >> shift & 0x1ff) * 8);
    let (level3, level2) = (TABLES.0 + 0x1_0000, TABLES.0 + 0x1_1000);
    memory.write(entry(level3, 12), leaf(PAGES.0 + 0x1000));
    memory.write(entry(level2, 21), level3 | 3);
    let [.., first, second, third] = stage1.tables() else { return Machine::new(Vec::new(), memory) };
    let stores = [
        (entry(*third, 12), leaf(PAGES.0 + 0x2000)),
        (entry(*second, 21), level3 | 3),
        (entry(*first, 30), level2 | 3),
    ];
    let store =
        |(pa, value)| Instr::Access(MemoryAccess::new(Data::Store(Operand::Value(value)), Target::Pa(pa), None));
    let writer = Actor::vcpu("writer", registers(), stores.map(store).into());
    let walk = Instr::At { op: Op::S12E1R, va: Operand::Value(VA) };
    let walker = |_| Actor::vcpu("walker", registers(), vec![walk]);
    let actors = (0..walkers).map(walker).chain([writer]).collect();
    Machine { tlb: false, stepwise: true, ..Machine::new(actors, memory) }
}

fn registers() -> Pe {
    let mut pe = Pe { el: 2, ..Pe::default() };
    for (register, value) in [
        (SysReg::ScrEl3, 1),
        (SysReg::HcrEl2, 0x8000_0001),
        (SysReg::SctlrEl1, 1),
        (SysReg::TcrEl1, 0x5_8080_3510),
        (SysReg::MairEl1, 0xff),
        (SysReg::Ttbr0El1, TABLES.0.into()),
        (SysReg::VttbrEl2, 0x8000_0000),
        (SysReg::VtcrEl2, 0x8005_3590),
    ] {
        pe.regs.set(register, value);
    }
    pe
}

/// Explores to the end.
#[must_use]
pub fn explored(machine: &Machine, reduce: bool) -> Explorer {
    let observables = (0..machine.actors.len() as u8).map(Observable::Par).collect();
    let mut explorer = Explorer::new(machine.clone(), observables, Options { reduce, ..Options::default() });
    explorer.run(usize::MAX);
    explorer
}

/// Every state, so many times over; the sum of how many there are.
#[must_use]
pub fn explore(machine: &Machine, passes: u32) -> u64 {
    (0..passes).map(|_| explored(black_box(machine), false).states() as u64).sum()
}

/// The same, with those alone that make a difference.
#[must_use]
pub fn explore_reduced(machine: &Machine, passes: u32) -> u64 {
    (0..passes).map(|_| explored(black_box(machine), true).states() as u64).sum()
}

/// As many keys of the size of a state, put into the standard library's set.
#[must_use]
pub fn hash_set(machine: &Machine, passes: u32) -> u64 {
    let states = explored(machine, false).states() as u64;
    let keys = |_| (0..states).map(|n| [n, n * 3, n * 5, n * 7]).collect::<HashSet<_>>();
    (0..passes).map(|pass| black_box(keys(pass)).len() as u64).sum()
}
