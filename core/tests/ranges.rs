//! The listing of everything that is mapped, against the walk: on the vectors, on random machines, on real ones.
#![cfg(feature = "json")]

#[path = "mapped/agree.rs"]
mod agree;
#[path = "twin/registers.rs"]
mod registers;
#[path = "twin/strategies.rs"]
mod strategies;
mod support;
#[path = "mapped/tables.rs"]
mod tables;
#[allow(dead_code, unused_imports)] // shared with the vectors' test, which uses other parts
mod twin;

use proptest::prelude::*;
use stagewalk::choice::Choice;
use stagewalk::layout::sysreg::SysReg;
use stagewalk::map::{Range, Ranges, Scope};
use stagewalk::memory::{Memory, Physical, Reply};
use stagewalk::scenario::Case;

fn machine(case: &Case) -> agree::Machine<'_> {
    agree::Machine { pe: &case.pe, memory: &case.memory, overlap: false }
}

/// The vectors' translations, at their own address.
#[test]
fn vectors_are_listed_as_they_translate() {
    let mut asked = 0;
    for (_, case, _) in support::vectors() {
        for scope in agree::scopes(&case.pe) {
            asked += machine(&case).check_address(scope, case.va);
        }
    }
    assert!(asked > 100_000, "asked {asked} times");
}

/// The captured machines, in full.
#[test]
fn real_machines_are_listed_as_they_translate() {
    for machine in support::machines() {
        let addresses: Vec<u64> = machine.questions().iter().map(|question| question.va).collect();
        let (pe, memory) = (&machine.dump.pe, &machine.dump.memory);
        let mut asked = 0;
        for scope in agree::scopes(pe) {
            asked += agree::Machine { pe, memory, overlap: false }.check(scope, (u64::MAX, usize::MAX), &addresses);
        }
        assert!(asked as usize > 4 * addresses.len(), "{}: asked {asked} times", machine.name);
    }
}

proptest! {
    #![proptest_config(strategies::config())]

    #[test]
    fn random_machines_are_listed_as_they_translate(case in strategies::case(), others in any::<[u64; 4]>()) {
        let case = Case::from_json(&case.to_json()).expect("a case the engine can read");
        let near = others.map(|other| case.va ^ other >> (other & 63) & 0xffff_ffff_f000);
        for scope in agree::scopes(&case.pe) {
            machine(&case).check(scope, (1 << 16, 64), &[&near[..], &others, &[case.va]].concat());
            for address in near {
                machine(&case).check_address(scope, address);
            }
        }
    }
}

/// Every range of many tables, and what lies between them.
#[test]
fn full_tables_are_listed_as_they_translate() {
    full_tables(0..16);
}

#[test]
fn more_full_tables_are_listed_as_they_translate() {
    full_tables(16..32);
}

#[test]
fn still_more_full_tables_are_listed_as_they_translate() {
    full_tables(32..48);
}

/// In three tests, which can run side by side.
fn full_tables(seeds: std::ops::Range<u64>) {
    let (mut asked, mut most) = (0, 0);
    for seed in seeds {
        let random = &mut tables::Random(seed << 32);
        let case = tables::machine(random);
        let scope = Scope::of(&case.pe, case.op);
        asked += machine(&case).check(scope, (u64::MAX, 100), &[]);
        let all: Vec<_> = Ranges::new(&case.pe, scope, &case.memory, 0..=u64::MAX).collect();
        let same = Ranges::new(&case.pe, scope, &Miserly(&case.memory), 0..=u64::MAX).eq(all.iter().copied());
        assert!(same, "seed {seed}");
        most = most.max(all.len());
    }
    assert!(asked > 6_700 && most > 1000, "asked {asked} times, at most {most} ranges");
}

/// Memory that lends nothing.
struct Miserly<'a>(&'a Memory);

impl Physical for Miserly<'_> {
    fn read(&self, address: u64, wide: bool) -> Reply {
        self.0.read(address, wide)
    }
}

#[test]
fn memory_that_lends_nothing_lists_the_same() {
    for machine in support::machines() {
        let (pe, memory) = (&machine.dump.pe, &machine.dump.memory);
        for scope in agree::scopes(pe) {
            let all: Vec<_> = Ranges::new(pe, scope, memory, 0..=u64::MAX).collect();
            let same = Ranges::new(pe, scope, &Miserly(memory), 0..=u64::MAX).eq(all.iter().copied());
            assert!(same, "{}: {scope:?}", machine.name);
        }
    }
}

/// A part of a listing is the same listing cut at its ends.
#[test]
fn parts_are_cut_from_the_whole() {
    let machine = support::machines().next().expect("a machine");
    let (pe, memory) = (&machine.dump.pe, &machine.dump.memory);
    let scope = Scope::of(pe, stagewalk::access::Op::S1E1R);
    let all: Vec<_> = Ranges::new(pe, scope, memory, 0..=u64::MAX).collect();
    assert!(all.len() > 100, "{} ranges", all.len());
    for (i, range) in all.iter().enumerate().step_by(7) {
        let (from, to) = (range.input + range.size / 3, all[(i + 3).min(all.len() - 1)].last() - 0x123);
        let part: Vec<_> = Ranges::new(pe, scope, memory, from..=to).collect();
        assert_eq!(part.first().map(|first| (first.input, first.last())), Some((from, range.last().min(to))));
        assert_eq!(part.last().map(|last| last.last()), Some(to));
        assert_eq!(part.len(), (i + 3).min(all.len() - 1) - i + 1);
    }
}

/// However little is looked at at a time, the parts make the whole.
#[test]
fn a_listing_goes_on_where_it_stopped() {
    for machine in support::machines() {
        let (pe, memory) = (&machine.dump.pe, &machine.dump.memory);
        for scope in [Scope::of(pe, stagewalk::access::Op::Ldr)].into_iter().chain(Scope::stage2(pe)) {
            let whole = |last: &mut Vec<Range>, range: Range| match last.last_mut() {
                Some(previous) if joins(previous, &range) => previous.size += range.size,
                _ => last.push(range),
            };
            let all: Vec<_> = Ranges::new(pe, scope, memory, 0..=u64::MAX).collect();
            let (mut parts, mut from, mut stops) = (Vec::new(), Some(0), 0);
            while let Some(first) = from {
                let mut some = Ranges::new(pe, scope, memory, first..=u64::MAX).with_effort(700);
                some.by_ref().for_each(|range| whole(&mut parts, range));
                from = some.stopped_at();
                assert!(from.is_none_or(|next| next > first), "{}: {first:#x} {from:x?}", machine.name);
                stops += 1;
            }
            assert!(parts == all, "{}: {scope:?}", machine.name);
            assert!(stops > 5 || all.len() < 5, "{}: {scope:?} {stops} {}", machine.name, all.len());
        }
    }
}

fn joins(range: &Range, next: &Range) -> bool {
    range.last().wrapping_add(1) == next.input
        && range.output.space == next.output.space
        && range.output.address + range.size == next.output.address
        && range.kind == next.kind
}

/// Where stage 2 lets nobody write, hardware sets no access flag: leaves that are alike in two tables differ in what
/// they come to.
#[test]
fn stage_2_of_a_table_counts() {
    let mut case = Case::new(stagewalk::access::Op::S1E1R, 0);
    let (root, tables, stage2) = (0x10_0000_u64, [0x10_1000, 0x20_0000], 0x30_0000_u64);
    for (register, value) in [
        (SysReg::ScrEl3, 1),
        (SysReg::SctlrEl1, 1),
        (SysReg::TcrEl1, 0x85_0080_0027), // HA
        (SysReg::Ttbr0El1, root),
        (SysReg::HcrEl2, 1),
        (SysReg::VtcrEl2, 34),
        (SysReg::VttbrEl2, stage2),
    ] {
        case.pe.regs.set(register, value.into());
    }
    for (table, index) in tables.into_iter().zip(0..) {
        case.memory.write(root + 8 * index, table | 3);
        (0..4).for_each(|page| case.memory.write(table + 8 * page, (0x40_0000 + (page << 12)) | 0x303));
    }
    // The first 2 MB are read and written, the second are read.
    case.memory.write(stage2, 0x7fd);
    case.memory.write(stage2 + 8, 0x20_077d);
    let scope = Scope::of(&case.pe, case.op);
    let listed: Vec<_> = Ranges::new(&case.pe, scope, &case.memory, 0..=u64::MAX).map(|range| range.input).collect();
    assert_eq!(listed, [0]);
    assert!(machine(&case).check(scope, (u64::MAX, 10), &[0x20_0000, 0x20_3000]) > 0);
}

/// With stage 1 off, data is Device memory and instructions are not: stage 2 with FWB keeps that, and a fetch from
/// Device memory may be refused.
#[test]
fn what_is_fetched_has_attributes_of_its_own() {
    let mut case = Case::new(stagewalk::access::Op::Ldr, 0);
    case.pe.choices = case.pe.choices.with(Choice::InstructionFetchFromDeviceFaults, 1);
    let stage2 = 0x30_0000_u64;
    for (register, value) in
        [(SysReg::ScrEl3, 1), (SysReg::HcrEl2, 1 << 46 | 1), (SysReg::VtcrEl2, 34), (SysReg::VttbrEl2, stage2)]
    {
        case.pe.regs.set(register, value.into());
    }
    case.memory.write(stage2, 0x7fd & !0x20); // MemAttr 0b0111: stage 1's
    let listed: Vec<_> = Ranges::new(&case.pe, Scope::Both, &case.memory, 0..=u64::MAX).collect();
    assert_eq!(listed.len(), 1);
    let kind = listed[0].kind;
    assert!(kind.attrs.mem_type.is_device() && kind.privileged.execute, "{kind:?}");
    assert!(kind.fetched.is_some_and(|attrs| !attrs.mem_type.is_device()), "{kind:?}");
    assert!(machine(&case).check(Scope::Both, (u64::MAX, 10), &[]) > 0);
}

/// A page of memory that is a table of every level, and every page: all there is maps it.
#[test]
fn a_table_that_contains_itself_takes_as_long_as_one_likes() {
    let mut case = Case::new(stagewalk::access::Op::S1E1R, 0);
    let table = 0x4000_0000;
    for (register, value) in
        [(SysReg::ScrEl3, 1), (SysReg::SctlrEl1, 1), (SysReg::TcrEl1, 0x5_0080_0010), (SysReg::Ttbr0El1, table)]
    {
        case.pe.regs.set(register, value.into());
    }
    (0..512).for_each(|index| case.memory.write(table + 8 * index, table | 0x703));
    let scope = Scope::of(&case.pe, case.op);
    let listed: Vec<_> = Ranges::new(&case.pe, scope, &case.memory, 0..=u64::MAX).take(2000).collect();
    assert!(listed.len() == 2000 && listed.iter().all(|range| (range.size, range.output.address) == (0x1000, table)));
    let last = Ranges::new(&case.pe, scope, &case.memory, 0xffff_ffff_f000..=u64::MAX).collect::<Vec<_>>();
    assert_eq!((last.len(), last[0].input), (1, 0xffff_ffff_f000));
    // Without pages, nothing is found, and there is no end to it.
    (0..512).for_each(|index| case.memory.write(table + 8 * index, (table + 0x1000) | 3));
    (0..512).for_each(|index| case.memory.write(table + 0x1000 + 8 * index, (table + 0x2000) | 3));
    (0..512).for_each(|index| case.memory.write(table + 0x2000 + 8 * index, (table + 0x3000) | 3));
    let mut none = Ranges::new(&case.pe, scope, &case.memory, 0..=u64::MAX).with_effort(1 << 20);
    assert_eq!(none.next(), None);
    assert!(none.stopped_at().is_some_and(|at| (1 << 28..1 << 40).contains(&at)), "{:x?}", none.stopped_at());
}
