//! Machines of several vCPUs, explored: with and without leaving interleavings out, with TLBs and without.

use stagewalk::access::Op;
use stagewalk::layout::sysreg::SysReg;
use stagewalk::machine::explore::{Explorer, Observable, Observed, Options, Status};
use stagewalk::machine::program::{BarrierType, Data, Domain, Instr, MemoryAccess, Operand, Target};
use stagewalk::machine::tlbi::{Scope, Tlbi};
use stagewalk::machine::{Actor, Machine, Transition, World};
use stagewalk::memory::Memory;
use stagewalk::pe::Pe;
use stagewalk::regime::Granule;
use stagewalk::scenario::build::{Tables, attributes};
use std::collections::BTreeSet;

const VA: u64 = 0x12_3456_7000;
/// Where stage 2 maps what lies at this IPA and above.
const TABLES: (u64, u64) = (0x4000_0000, 0x9000_0000);
const PAGES: (u64, u64) = (0x5000_0000, 0xa000_0000);

const fn place(ipa: u64) -> u64 {
    ipa - TABLES.0 + TABLES.1
}

/// A guest whose address [`VA`] is mapped by four levels of each stage.
struct Guest {
    memory: Memory,
    pe: Pe,
    stage1: Tables,
}

fn guest() -> Guest {
    let mut stage1 = Tables::new(Granule::K4, 48, TABLES.0);
    stage1.map(VA, PAGES.0, 3, attributes::KERNEL_DATA);
    let mut stage2 = Tables::new(Granule::K4, 48, 0x8000_0000);
    stage2.map_pages(TABLES.0, TABLES.1, 32, attributes::GUEST_MEMORY);
    stage2.map_pages(PAGES.0, PAGES.1, 16, attributes::GUEST_MEMORY);
    let mut memory = Memory::new();
    stage2.store(&mut memory, |address| address);
    stage1.store(&mut memory, place);
    let mut pe = Pe::default();
    for (register, value) in [
        (SysReg::HcrEl2, 0x8000_0001),
        (SysReg::SctlrEl1, 1),
        (SysReg::TcrEl1, 0x5_8080_3510),
        (SysReg::MairEl1, 0xff),
        (SysReg::Ttbr0El1, TABLES.0.into()),
        (SysReg::VttbrEl2, 0x8000_0000),
        (SysReg::VtcrEl2, 0x8005_3590),
        (SysReg::ScrEl3, 1),
    ] {
        pe.regs.set(register, value);
    }
    Guest { memory, pe, stage1 }
}

const fn store(pa: u64, value: u64) -> Instr {
    Instr::Access(MemoryAccess::new(Data::Store(Operand::Value(value)), Target::Pa(pa), None))
}

const fn at(op: Op) -> Instr {
    Instr::At { op, va: Operand::Value(VA) }
}

const fn leaf(page: u64) -> u64 {
    page | attributes::KERNEL_DATA | 3
}

/// vCPUs that walk 24 descriptors while another stores to three of them.
fn racing(walkers: usize) -> Machine {
    let Guest { mut memory, pe, stage1 } = guest();
    let (other_level3, other_level2) = (TABLES.0 + 0x1_0000, TABLES.0 + 0x1_1000);
    let entry = |table: u64, shift: u32| place(table + (VA >> shift & 0x1ff) * 8);
    memory.write(entry(other_level3, 12), leaf(PAGES.0 + 0x1000));
    memory.write(entry(other_level2, 21), other_level3 | 3);
    let level = |level| place(stage1.entry(VA, level).expect("a table"));
    let stores = [(level(3), leaf(PAGES.0 + 0x2000)), (level(2), other_level3 | 3), (level(1), other_level2 | 3)];
    let walker = |number| {
        let pe = Pe { el: 2, ..pe.clone() };
        Actor::vcpu(&format!("vCPU {number}"), pe, vec![at(Op::S12E1R)])
    };
    let writer = Actor::vcpu("writer", pe.clone(), stores.map(|(pa, value)| store(pa, value)).into());
    let actors = (0..walkers).map(walker).chain([writer]).collect();
    Machine { tlb: false, stepwise: true, ..Machine::new(actors, memory) }
}

fn explore(machine: &Machine, reduce: bool) -> Explorer {
    let observables = (0..machine.actors.len() as u8).map(Observable::Par).collect();
    let mut explorer = Explorer::new(machine.clone(), observables, Options { reduce, ..Options::default() });
    assert_eq!(explorer.run(usize::MAX), Status::Complete);
    explorer
}

/// What was observed, in every way in which the machine can end.
fn outcomes(explorer: &Explorer) -> BTreeSet<String> {
    explorer.outcomes().iter().map(|outcome| format!("{:?} {}", outcome.observed, outcome.ended)).collect()
}

/// The output pages of the first actor's PAR_EL1; `None` for a fault.
fn pages(explorer: &Explorer) -> BTreeSet<Option<u64>> {
    let page = |observed: &Observed| match observed {
        Observed::Value(par) => (par & 1 == 0).then_some(*par as u64 & 0xff_ffff_f000),
        other => panic!("{other:?}"),
    };
    explorer.outcomes().iter().map(|outcome| page(&outcome.observed[0])).collect()
}

#[test]
fn walks_that_race_with_a_writer_need_few_states() {
    for (walkers, most) in [(2, 200), (3, 1_500), (4, 10_000)] {
        let reduced = explore(&racing(walkers), true);
        assert!(reduced.states() <= most, "{walkers} walkers: {} states", reduced.states());
    }
}

#[test]
fn what_is_left_out_makes_no_difference() {
    for walkers in 1..=2 {
        let (reduced, whole) = (explore(&racing(walkers), true), explore(&racing(walkers), false));
        assert!(reduced.reduces() && !whole.reduces() && reduced.states() < whole.states());
        assert_eq!(outcomes(&reduced), outcomes(&whole));
    }
}

#[test]
fn a_walk_of_single_steps_reads_24_descriptors() {
    let mut alone = racing(1);
    alone.actors.truncate(1);
    let explorer = explore(&alone, false);
    assert_eq!(explorer.states(), 25);
}

#[test]
fn a_witness_leads_to_its_outcome() {
    let mut explorer = explore(&racing(2), true);
    let observables = [Observable::Par(0), Observable::Par(1), Observable::Par(2)];
    for outcome in explorer.outcomes().to_vec() {
        let mut world = World::new(racing(2));
        let mut state = world.initial();
        for transition in explorer.trace(outcome.witness) {
            state = world.step(state, transition).expect("a step that is enabled");
        }
        assert_eq!(world.observe(state, &observables), outcome.observed);
        assert!(world.enabled(state).is_empty());
    }
}

#[test]
fn the_states_of_a_large_exploration_are_small() {
    let explorer = explore(&racing(2), false);
    assert!(explorer.bytes() <= 64 * explorer.states(), "{} bytes", explorer.bytes() / explorer.states());
}

#[test]
fn a_limit_is_told() {
    let mut explorer = Explorer::new(racing(2), Vec::new(), Options { reduce: false, states: 100 });
    assert_eq!(explorer.run(usize::MAX), Status::Full);
    assert_eq!(explorer.run(1), Status::Full);
}

const DSB: Instr = Instr::Dsb(Domain::InnerShareable, BarrierType::Full);

/// A vCPU that sees the flag and translates, and another that remaps the page, does what is given, and sets the flag.
fn remapping(between: &[Instr]) -> Machine {
    const FLAG: u64 = 0xb000_0000;
    let Guest { memory, pe, stage1 } = guest();
    let flag = Instr::Access(MemoryAccess::new(Data::Load, Target::Pa(FLAG), Some(1)));
    let reader =
        vec![flag, Instr::Branch(stagewalk::machine::program::Condition::Zero(1), 4), Instr::Isb, at(Op::S1E1R)];
    let mut writer = vec![store(place(stage1.entry(VA, 3).expect("a table")), leaf(PAGES.0 + 0x1000))];
    writer.extend(between);
    writer.push(store(FLAG, 1));
    let actors = vec![Actor::vcpu("reader", pe.clone(), reader), Actor::vcpu("writer", pe, writer)];
    Machine::new(actors, memory)
}

/// The pages that the reader may find once it has seen the flag.
fn after_the_flag(machine: &Machine) -> BTreeSet<Option<u64>> {
    let observables = vec![Observable::Par(0), Observable::Reg(0, 1)];
    let mut explorer = Explorer::new(machine.clone(), observables, Options::default());
    assert_eq!(explorer.run(usize::MAX), Status::Complete);
    let seen = explorer.outcomes().iter().filter(|outcome| outcome.observed[1] == Observed::Value(1));
    let page = |observed: &Observed| match observed {
        Observed::Value(par) => (par & 1 == 0).then_some(*par as u64 & 0xff_ffff_f000),
        other => panic!("{other:?}"),
    };
    seen.map(|outcome| page(&outcome.observed[0])).collect()
}

const OLD: Option<u64> = Some(PAGES.0);
const NEW: Option<u64> = Some(PAGES.0 + 0x1000);

const fn tlbi(scope: Scope, broadcast: bool) -> Instr {
    Instr::Tlbi(Tlbi { scope, broadcast })
}

const fn va_of(va: u64, last_level: bool) -> Scope {
    Scope::Va { va, pages: 1, asid: None, last_level }
}

#[test]
fn a_tlbi_and_a_dsb_recall_what_a_tlb_may_hold() {
    let complete = [DSB, tlbi(va_of(VA, false), true), DSB];
    assert_eq!(after_the_flag(&remapping(&complete)), BTreeSet::from([NEW]));
    // every part of it is needed
    for without in [0, 1, 2] {
        let mut less = complete.to_vec();
        less.remove(without);
        // memory is sequentially consistent: the first DSB has nothing to do
        let expected = if without == 0 { BTreeSet::from([NEW]) } else { BTreeSet::from([OLD, NEW]) };
        assert_eq!(after_the_flag(&remapping(&less)), expected, "without {without}");
    }
}

#[test]
fn a_tlbi_reaches_what_it_names() {
    let old_too = |scope, broadcast| after_the_flag(&remapping(&[tlbi(scope, broadcast), DSB])).contains(&OLD);
    assert!(!old_too(va_of(VA, true), true), "the leaf is a last-level entry");
    assert!(!old_too(va_of(VA | 0xabc, false), true), "anywhere in the page");
    assert!(old_too(va_of(VA + 0x1000, false), true), "another page");
    assert!(!old_too(Scope::Va { va: VA - 0x3000, pages: 4, asid: None, last_level: false }, true), "a range");
    assert!(old_too(Scope::Va { va: VA - 0x3000, pages: 3, asid: None, last_level: false }, true), "a range too short");
    assert!(old_too(va_of(VA, false), false), "not broadcast");
    assert!(!old_too(Scope::Vmall, true));
    assert!(!old_too(Scope::Vmalls12, true));
    assert!(old_too(Scope::Asid(0), true), "the page is global");
    assert!(
        old_too(Scope::Ipas2 { ipa: PAGES.0, pages: 1, last_level: false }, true),
        "what combines both stages stays"
    );
}

#[test]
fn a_dsb_of_the_wrong_kind_completes_no_tlbi() {
    let after = |dsb| after_the_flag(&remapping(&[tlbi(Scope::Vmall, true), dsb]));
    for kind in [BarrierType::Loads, BarrierType::Stores] {
        assert!(after(Instr::Dsb(Domain::InnerShareable, kind)).contains(&OLD), "{kind:?}");
    }
    assert!(after(Instr::Dsb(Domain::NonShareable, BarrierType::Full)).contains(&OLD));
    assert!(!after(Instr::Dsb(Domain::FullSystem, BarrierType::Full)).contains(&OLD));
}

#[test]
fn without_tlbs_memory_alone_decides() {
    let machine = Machine { tlb: false, ..remapping(&[]) };
    assert_eq!(after_the_flag(&machine), BTreeSet::from([NEW]));
}

#[test]
fn stage_2_keeps_entries_of_its_own() {
    // The host gives the page another place, then the guest's own entries go, but not stage 2's.
    let Guest { memory, pe, .. } = guest();
    let mut stage2 = Tables::new(Granule::K4, 48, 0x8000_0000);
    stage2.map_pages(TABLES.0, TABLES.1, 32, attributes::GUEST_MEMORY);
    stage2.map_pages(PAGES.0, PAGES.1, 16, attributes::GUEST_MEMORY);
    let entry = stage2.entry(PAGES.0, 3).expect("a table");
    let program = |invalidations: &[Instr]| {
        let mut program = vec![at(Op::S12E1R), store(entry, 0xc000_0000 | attributes::GUEST_MEMORY | 3), DSB];
        program.extend(invalidations);
        program.extend([DSB, Instr::Isb, at(Op::S12E1R)]);
        let actor = Actor::vcpu("host", Pe { el: 2, ..pe.clone() }, program);
        pages(&explore(&Machine::new(vec![actor], memory.clone()), true))
    };
    let (old, new) = (Some(PAGES.1), Some(0xc000_0000));
    let ipas2 = tlbi(Scope::Ipas2 { ipa: PAGES.0, pages: 1, last_level: true }, true);
    let vmall = tlbi(Scope::Vmall, true);
    assert_eq!(program(&[]), BTreeSet::from([old, new]));
    assert_eq!(program(&[ipas2]), BTreeSet::from([old, new]), "a combined entry is left");
    assert_eq!(program(&[vmall]), BTreeSet::from([old, new]), "stage 2's own entry is left");
    assert_eq!(program(&[ipas2, DSB, vmall]), BTreeSet::from([new]));
    assert_eq!(program(&[tlbi(Scope::Vmalls12, true)]), BTreeSet::from([new]));
}

#[test]
fn transitions_are_in_a_fixed_order() {
    let machine = remapping(&[DSB]);
    let run = || {
        let mut world = World::new(machine.clone());
        let (mut state, mut all) = (world.initial(), Vec::new());
        while let Some(&last) = world.enabled(state).last() {
            all.push((world.enabled(state), last));
            state = world.step(state, last).expect("a step that is enabled");
        }
        all
    };
    let taken: Vec<(Vec<Transition>, Transition)> = run();
    assert_eq!(taken, run());
    let chosen = |enabled: &[Transition]| enabled.iter().any(|transition| transition.choice > 0);
    assert!(taken.iter().any(|(enabled, _)| chosen(enabled)), "a translation leaves a choice");
}

#[test]
fn what_is_not_enabled_is_refused() {
    let mut world = World::new(remapping(&[]));
    let state = world.initial();
    for (actor, choice) in [(0, 1), (0, Transition::LEAVE), (2, 0), (u8::MAX, 0)] {
        assert_eq!(world.step(state, Transition { actor, choice }), None);
    }
    assert!(world.step(state, Transition { actor: 1, choice: 0 }).is_some());
}

#[test]
fn a_walk_whose_update_fails_looks_again() {
    // The leaf is written twice without its access flag; with FEAT_HAFT no table has its own in the beginning.
    let Guest { memory, mut pe, stage1 } = guest();
    pe.regs.set(SysReg::TcrEl1, 0x5_8080_3510 | 1 << 39);
    pe.regs.set(SysReg::HcrxEl2, 1 << 14);
    let entry = place(stage1.entry(VA, 3).expect("a table"));
    let unused = |page| leaf(page) & !(1 << 10);
    for haft in [0, 1 << 11] {
        pe.regs.set(SysReg::Tcr2El1, haft);
        let stores = vec![store(entry, unused(PAGES.0)), store(entry, unused(PAGES.0 + 0x1000))];
        let writer = Actor::vcpu("writer", pe.clone(), stores);
        let walkers = ["first", "second"].map(|name| {
            let pe = Pe { el: 2, ..pe.clone() };
            Actor::vcpu(name, pe, vec![at(Op::S1E1R)])
        });
        let [first, second] = walkers;
        let actors = vec![first, second, writer];
        let machine = Machine { tlb: false, stepwise: true, ..Machine::new(actors, memory.clone()) };
        let (reduced, whole) = (explore(&machine, true), explore(&machine, false));
        assert!(reduced.reduces(), "the survey ends though updates may fail again and again");
        assert_eq!(outcomes(&reduced), outcomes(&whole));
        assert_eq!(pages(&whole), BTreeSet::from([OLD, NEW]));
    }
}
