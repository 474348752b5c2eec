//! Worked examples: small machines, each showing one thing.

use super::Case;
use super::build::{Tables, attributes};
use crate::access::Op;
use crate::feature::{Feature, Features};
use crate::layout::Field;
use crate::layout::sysreg::{SysReg, hcr_el2, sctlr_el1, tcr_el1, vtcr_el2};
use crate::memory::Memory;
use crate::pe::Pe;
use crate::regime::Granule;

/// A worked example.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// A short name, for commands and links.
    pub name: &'static str,
    /// The name in words.
    pub title: &'static str,
    /// What it shows.
    pub about: &'static str,
    build: fn() -> (Op, u64, Pe, Memory),
}

impl Example {
    /// The example called `name`.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        ALL.into_iter().find(|example| example.name == name)
    }

    /// The machine and its question.
    #[must_use]
    pub fn case(&self) -> Case {
        let (op, va, pe, memory) = (self.build)();
        Case { id: self.name.into(), about: self.about.into(), op, va, pe, memory }
    }
}

/// All examples, the headline first.
pub const ALL: [Example; 10] = [
    Example {
        name: "stage2-hole",
        title: "A stage-1 table page that stage 2 does not map, asked from EL2",
        about: "The page of the guest's level 2 table has no mapping at stage 2: swapped out, or not yet faulted \
                in. Executed at EL2, AT takes no exception: PAR_EL1 says F=1, S=1, PTW=1, and nothing says which \
                IPA needed mapping.",
        build: || hole(2),
    },
    Example {
        name: "stage2-hole-el1",
        title: "The same hole, asked from EL1",
        about: "The same tables, but AT executes at EL1: the stage-2 fault on the stage-1 walk is taken to EL2 as \
                a Data Abort. HPFAR_EL2 holds the page of the descriptor, so that the hypervisor can map it and \
                return to the AT.",
        build: || hole(1),
    },
    Example {
        name: "nested",
        title: "Both stages, four levels each: 24 reads",
        about: "Stage 2 translates the address of each of the four stage-1 descriptors, and then the output: 4 × \
                (4 + 1) + 4 reads.",
        build: nested,
    },
    Example {
        name: "page-4k",
        title: "A page of 4 KB",
        about: "Stage 1 alone, 4K granule, 48-bit addresses: four levels of tables down to a page of EL1's data.",
        build: || page(Op::S1E1R, attributes::KERNEL_DATA),
    },
    Example {
        name: "block-2m",
        title: "A block of 2 MB",
        about: "A block descriptor at level 2 ends the walk a level early; the low 21 bits of the address pass \
                through.",
        build: block,
    },
    Example {
        name: "read-only",
        title: "A write that the permissions forbid",
        about: "AP[2] makes the page read-only. The walk succeeds, and the check of the write after it does not: a \
                Permission fault.",
        build: || page(Op::S1E1W, attributes::READ_ONLY),
    },
    Example {
        name: "unmapped",
        title: "An address that nothing maps",
        about: "The level 2 descriptor is invalid, so the walk ends there in a Translation fault of level 2.",
        build: unmapped,
    },
    Example {
        name: "access-flag",
        title: "Hardware sets the access flag",
        about: "The access flag of the page is 0 and TCR_EL1.HA is 1: hardware sets the flag in memory by \
                compare-and-swap, for an AT instruction too.",
        build: access_flag,
    },
    Example {
        name: "granule-64k",
        title: "64 KB pages",
        about: "With the 64K granule two levels resolve 42 bits: each table holds 8192 descriptors.",
        build: granule_64k,
    },
    Example {
        name: "mmu-off",
        title: "Translation switched off",
        about: "SCTLR_EL1.M is 0: the address passes through unchanged, and memory is Device-nGnRnE.",
        build: mmu_off,
    },
];

const VA: u64 = 0x4008_0123;
const PAGE: u64 = 0x4008_0000;
const DATA: u64 = 0x4800_0000;
const S1_ROOT: u64 = 0x4100_0000;
const S2_ROOT: u64 = 0x8800_0000;
/// Where the hypervisor put the guest: physical address = IPA + this.
const GUEST: u64 = 0x8_0000_0000;

fn word(fields: &[(Field, u64)]) -> u64 {
    fields.iter().fold(0, |word, &(field, value)| field.set(word, value))
}

/// A core of Armv8.2 or so, with EL2 and without EL3, its MMU on: 4K granule, 48-bit addresses, both halves.
fn machine() -> Pe {
    const IMPLEMENTED: [Feature; 12] = [
        Feature::El2,
        Feature::Hafdbs,
        Feature::Hpds,
        Feature::Pan,
        Feature::Pan2,
        Feature::Ras,
        Feature::Tgran4k,
        Feature::Tgran16k,
        Feature::Tgran64k,
        Feature::Ttst,
        Feature::Vhe,
        Feature::Xnx,
    ];
    let features = IMPLEMENTED.into_iter().fold(Features::NONE, Features::with);
    let mut pe = Pe { features, ..Pe::default() };
    let mut set = |register, value: u64| pe.regs.set(register, value.into());
    set(SysReg::HcrEl2, word(&[(hcr_el2::RW, 1)]));
    set(SysReg::SctlrEl1, word(&[(sctlr_el1::M, 1), (sctlr_el1::C, 1), (sctlr_el1::I, 1)]));
    set(SysReg::TcrEl1, tcr(16, 0b00));
    set(SysReg::MairEl1, 0x04ff);
    set(SysReg::Ttbr0El1, S1_ROOT);
    set(SysReg::Ttbr1El1, S1_ROOT);
    pe
}

/// TCR_EL1 for one size and granule of the lower half; the upper half is off.
fn tcr(t0sz: u64, tg0: u64) -> u64 {
    word(&[
        (tcr_el1::IPS, 0b101),
        (tcr_el1::EPD1, 1),
        (tcr_el1::T1SZ, 16),
        (tcr_el1::TG1, 0b10),
        (tcr_el1::TG0, tg0),
        (tcr_el1::SH0, 0b11),
        (tcr_el1::ORGN0, 0b01),
        (tcr_el1::IRGN0, 0b01),
        (tcr_el1::T0SZ, t0sz),
    ])
}

/// One stage, one leaf.
fn alone(op: Op, pe: Pe, tables: &Tables) -> (Op, u64, Pe, Memory) {
    let mut memory = Memory::new();
    tables.store(&mut memory, |address| address);
    (op, VA, pe, memory)
}

fn page(op: Op, attributes: u64) -> (Op, u64, Pe, Memory) {
    let mut tables = Tables::new(Granule::K4, 48, S1_ROOT);
    tables.map(PAGE, DATA, 3, attributes);
    alone(op, machine(), &tables)
}

fn block() -> (Op, u64, Pe, Memory) {
    let mut tables = Tables::new(Granule::K4, 48, S1_ROOT);
    tables.map(PAGE, DATA, 2, attributes::KERNEL_CODE);
    alone(Op::S1E1R, machine(), &tables)
}

fn unmapped() -> (Op, u64, Pe, Memory) {
    let mut tables = Tables::new(Granule::K4, 48, S1_ROOT);
    tables.map(PAGE + (1 << 21), DATA, 2, attributes::KERNEL_DATA);
    alone(Op::S1E1R, machine(), &tables)
}

fn access_flag() -> (Op, u64, Pe, Memory) {
    let (op, va, mut pe, memory) = page(Op::S1E1R, crate::layout::descriptor::s1::AF.set(attributes::KERNEL_DATA, 0));
    let tcr = tcr_el1::HA.set(pe.regs.get(SysReg::TcrEl1), 1);
    pe.regs.set(SysReg::TcrEl1, tcr.into());
    (op, va, pe, memory)
}

fn granule_64k() -> (Op, u64, Pe, Memory) {
    let mut tables = Tables::new(Granule::K64, 42, S1_ROOT);
    tables.map(PAGE, DATA, 3, attributes::KERNEL_DATA);
    let mut pe = machine();
    pe.regs.set(SysReg::TcrEl1, tcr(22, 0b01).into());
    alone(Op::S1E1R, pe, &tables)
}

fn mmu_off() -> (Op, u64, Pe, Memory) {
    let mut pe = machine();
    pe.regs.set(SysReg::SctlrEl1, 0);
    (Op::S1E1R, VA, pe, Memory::new())
}

/// A guest whose one page and whose tables stage 2 maps page by page.
fn guest() -> (Pe, Tables, Tables) {
    let mut pe = machine();
    let hcr = hcr_el2::VM.set(pe.regs.get(SysReg::HcrEl2), 1);
    let vtcr = word(&[
        (vtcr_el2::PS, 0b101),
        (vtcr_el2::SH0, 0b11),
        (vtcr_el2::ORGN0, 0b01),
        (vtcr_el2::IRGN0, 0b01),
        (vtcr_el2::SL0, 0b10),
        (vtcr_el2::T0SZ, 16),
    ]);
    pe.regs.set(SysReg::HcrEl2, hcr.into());
    pe.regs.set(SysReg::VtcrEl2, vtcr.into());
    pe.regs.set(SysReg::VttbrEl2, S2_ROOT.into());
    let mut stage1 = Tables::new(Granule::K4, 48, S1_ROOT);
    stage1.map(PAGE, DATA, 3, attributes::KERNEL_DATA);
    let mut stage2 = Tables::new(Granule::K4, 48, S2_ROOT);
    for &table in stage1.tables() {
        stage2.map(table, GUEST + table, 3, attributes::GUEST_MEMORY);
    }
    stage2.map(DATA, GUEST + DATA, 3, attributes::GUEST_MEMORY);
    (pe, stage1, stage2)
}

fn both(stage1: &Tables, stage2: &Tables) -> Memory {
    let mut memory = Memory::new();
    stage1.store(&mut memory, |ipa| GUEST + ipa);
    stage2.store(&mut memory, |address| address);
    memory
}

fn nested() -> (Op, u64, Pe, Memory) {
    let (mut pe, stage1, stage2) = guest();
    pe.el = 2;
    (Op::S12E1R, VA, pe, both(&stage1, &stage2))
}

fn hole(el: u8) -> (Op, u64, Pe, Memory) {
    let (mut pe, stage1, mut stage2) = guest();
    pe.el = el;
    let level_2_table = stage1.tables()[2];
    if let Some(entry) = stage2.entry(level_2_table, 3) {
        stage2.set(entry, 0);
    }
    (Op::S1E1R, VA, pe, both(&stage1, &stage2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at::Outcome;
    use crate::outcome::FaultCode;
    use alloc::collections::BTreeSet;

    fn answer(name: &str) -> super::super::Run {
        Example::find(name).expect(name).case().run()
    }

    fn par(name: &str) -> u128 {
        match answer(name).answer.result {
            Outcome::Par(par) => par.value & !par.unknown,
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn names_are_distinct_and_every_case_survives_json() {
        assert_eq!(ALL.map(|example| example.name).into_iter().collect::<BTreeSet<_>>().len(), ALL.len());
        for example in ALL {
            let case = example.case();
            assert_eq!(Case::from_json(&case.to_json()), Ok(case));
        }
    }

    #[test]
    fn the_hole_is_reported_at_el2_and_taken_at_el1() {
        assert_eq!(par("stage2-hole"), 0xb0f, "F=1, FST translation level 3, PTW=1, S=1");
        assert_eq!(answer("stage2-hole").reads, 14);
        let taken = answer("stage2-hole-el1");
        let Outcome::Exception(exception) = taken.answer.result else { panic!("{taken:?}") };
        let register =
            |name| exception.registers.iter().find(|written| written.register == name).map(|written| written.value);
        assert_eq!(exception.el, 2);
        assert_eq!(register(SysReg::HpfarEl2), Some((S1_ROOT + 0x2000) >> 8));
        assert_eq!(register(SysReg::FarEl2), Some(VA));
        assert_eq!(register(SysReg::EsrEl2), Some(0x9200_01c7), "Data Abort from below, CM=1, S1PTW=1, WnR=1");
    }

    #[test]
    fn the_others_show_what_they_say() {
        let normal = 0xff00_0000_0000_0980_u128;
        assert_eq!(par("page-4k"), normal | u128::from(DATA));
        assert_eq!(answer("page-4k").reads, 4);
        assert_eq!(par("block-2m"), normal | u128::from(DATA | 0x8_0000));
        assert_eq!(answer("block-2m").reads, 3);
        assert_eq!(par("nested"), normal | u128::from(GUEST + DATA));
        assert_eq!(answer("nested").reads, 24);
        assert_eq!(par("granule-64k"), normal | u128::from(DATA));
        assert_eq!(answer("granule-64k").reads, 2);
        assert_eq!(par("mmu-off"), 0x900 | u128::from(PAGE));
        assert_eq!(par("unmapped"), 0x80d);
        assert_eq!(
            answer("read-only").answer.fault.map(|fault| (fault.code, fault.level)),
            Some((FaultCode::Permission, 3))
        );
        let updated = answer("access-flag");
        assert_eq!(par("access-flag"), normal | u128::from(DATA));
        assert_eq!((updated.writes.len(), updated.reads), (1, 5));
    }
}
