//! Where the names of a test are: each has a virtual address, a page and a last-level descriptor, at addresses that
//! follow from the names in alphabetical order alone.

use super::super::build::Tables;
use super::condition::Condition;
use super::record::{Address, Descriptor, HwUpdate, Named, Op, Pte, Record, Tlbi, Value};
use crate::feature::{Feature, Features};
use crate::layout::Field;
use crate::layout::descriptor::{s1, s2};
use crate::layout::sysreg::{SysReg, hcr_el2, sctlr_el1, tcr_el1, vtcr_el2};
use crate::memory::Memory;
use crate::pe::Pe;
use crate::regime::Granule;
use crate::scenario::ScenarioError;
use alloc::string::String;
use alloc::vec::Vec;

/// The virtual address of the first name; the others follow at the same distance.
const VA: u64 = 0x1_0000;
/// From a name's virtual address to its page.
const PAGES: u64 = 0x1000_0000;
/// The tables of stage 1.
const TABLES: u64 = 0x2000_0000;
/// The tables of stage 2.
const STAGE2: u64 = 0x2100_0000;
/// Where the tables are mapped for whoever takes the address of a descriptor: from here on, at this distance.
const WINDOW: u64 = 0x1000_0000;
/// Bits of an address. Two levels of tables with a granule of 4 KB.
const SIZE: u32 = 30;
/// More names do not fit below the pages.
const MOST_NAMES: usize = ((PAGES - VA) / VA) as usize;

/// A word with these fields, and 0 elsewhere.
pub(super) fn word(fields: &[(Field, u64)]) -> u64 {
    fields.iter().fold(0, |word, &(field, value)| field.set(word, value))
}

/// The names of a test, and their tables.
#[derive(Clone, Debug)]
pub struct Layout {
    names: Vec<String>,
    /// Names whose last-level descriptor is one of stage 2.
    stage2_names: Vec<String>,
    stage1: Tables,
    stage2: Option<Tables>,
}

impl Layout {
    /// Finds the names of a test, and lays out its tables.
    pub(super) fn new(record: &Record) -> Result<Self, ScenarioError> {
        let names = names(record);
        if names.len() > MOST_NAMES {
            return Err(ScenarioError::new(format_args!("{} names; at most {MOST_NAMES} fit", names.len())));
        }
        let stage2_names: Vec<String> = record.init.s2ptes.keys().cloned().collect();
        let stage2 = (!stage2_names.is_empty()).then(|| Tables::new(Granule::K4, SIZE, STAGE2));
        let mut layout = Self { names, stage2_names, stage1: Tables::new(Granule::K4, SIZE, TABLES), stage2 };
        layout.map(record)?;
        Ok(layout)
    }

    fn map(&mut self, record: &Record) -> Result<(), ScenarioError> {
        for name in self.names.clone() {
            let (va, pa) = (self.va(&name)?, self.pa(&name)?);
            let own = Descriptor::of(&name);
            let first = match record.init.ptes.get(&name) {
                Some(given) if given.oa.is_none() && given.valid.0 => Descriptor { oa: own.oa, ..given.clone() },
                given => given.cloned().unwrap_or(own),
            };
            let first = self.encode(&first, false).map_err(|error| error.within(format_args!("init.ptes.{name}")))?;
            self.stage1.map(va, pa, 3, 0);
            if let Some(entry) = self.stage1.entry(va, 3) {
                self.stage1.set(entry, first);
            }
            let second = match record.init.s2ptes.get(&name) {
                Some(descriptor) => self.encode(descriptor, true),
                None => self.encode(&Descriptor::of(&name), true),
            };
            let second = second.map_err(|error| error.within(format_args!("init.s2ptes.{name}")))?;
            if let Some(tables) = &mut self.stage2 {
                tables.map(pa, pa, 3, 0);
                if let Some(entry) = tables.entry(pa, 3) {
                    tables.set(entry, second);
                }
            }
        }
        for table in [TABLES, STAGE2] {
            let block = word(&[(s1::AF, 1), (s1::SH, 0b11), (s1::NG, 1)]);
            self.stage1.map(table + WINDOW, table, 2, block);
            if let Some(tables) = &mut self.stage2 {
                tables.map(table, table, 2, super::super::build::attributes::GUEST_MEMORY);
            }
        }
        Ok(())
    }

    /// The virtual address of a name.
    pub fn va(&self, name: &str) -> Result<u64, ScenarioError> {
        match self.names.iter().position(|known| known == name) {
            Some(at) => Ok(VA * (at as u64 + 1)),
            None => Err(ScenarioError::new(format_args!("`{name}` is no name of the test"))),
        }
    }

    /// The address of a name's page.
    pub fn pa(&self, name: &str) -> Result<u64, ScenarioError> {
        Ok(self.va(name)? + PAGES)
    }

    /// The physical address of a name's last-level descriptor.
    pub fn entry(&self, name: &str) -> Result<u64, ScenarioError> {
        let entry = match &self.stage2 {
            Some(tables) if self.is_stage2(name) => tables.entry(self.pa(name)?, 3),
            _ => self.stage1.entry(self.va(name)?, 3),
        };
        entry.ok_or_else(|| ScenarioError::new(format_args!("`{name}` has no descriptor")))
    }

    /// Whether a name's last-level descriptor is one of stage 2.
    #[must_use]
    pub fn is_stage2(&self, name: &str) -> bool {
        self.stage2_names.iter().any(|known| known == name)
    }

    /// A value that is no register's.
    pub(super) fn constant(&self, value: &Value, stage2: bool) -> Result<u64, ScenarioError> {
        match value {
            Value::Int(value) | Value::Named(Named::Int(value)) => Ok(*value),
            Value::Named(Named::Va(name)) => self.va(name),
            Value::Named(Named::Pte(Pte::Address(name))) => Ok(self.entry(name)? + WINDOW),
            Value::Named(Named::Pte(Pte::Descriptor(descriptor))) => self.encode(descriptor, stage2),
            Value::Named(Named::Reg(reg)) => Err(ScenarioError::new(format_args!("{reg}: a register is no constant"))),
        }
    }

    /// A descriptor as the architecture has it. One that is invalid and leads nowhere is 0.
    fn encode(&self, descriptor: &Descriptor, stage2: bool) -> Result<u64, ScenarioError> {
        let Descriptor { valid, af, db, dbm, el0, oa } = descriptor;
        let oa = match oa {
            Some(name) => self.pa(name)?,
            None if !valid.0 => return Ok(0),
            None => return Err(ScenarioError::new("a valid descriptor needs an oa")),
        };
        let [valid, af, db, dbm, el0] = [valid, af, db, dbm, el0].map(|bit| u64::from(bit.0));
        let both = oa | word(&[(s1::VALID, valid), (s1::TABLE, 1), (s1::AF, af), (s1::SH, 0b11), (s1::DBM, dbm)]);
        Ok(if stage2 {
            both | word(&[(s2::S2AP, db << 1 | 1), (s2::MEM_ATTR, 0b1111)])
        } else {
            both | word(&[(s1::AP1, el0), (s1::AP2, 1 - db), (s1::NG, 1)])
        })
    }

    /// Memory as it begins.
    pub(super) fn memory(&self, record: &Record) -> Result<Memory, ScenarioError> {
        let mut memory = Memory::new();
        for tables in [Some(&self.stage1), self.stage2.as_ref()].into_iter().flatten() {
            tables.store(&mut memory, |address| address);
        }
        for (name, value) in &record.init.mem {
            let value = self.constant(value, false).map_err(|error| error.within(format_args!("init.mem.{name}")))?;
            memory.write(self.pa(name)?, value);
        }
        Ok(memory)
    }

    /// Every address that an access may be made to.
    pub(super) fn addresses(&self) -> Result<Vec<u64>, ScenarioError> {
        self.names.iter().map(|name| self.va(name)).collect()
    }

    /// The addresses through which descriptors are accessed like anything else.
    pub(super) fn windows(&self) -> Result<Vec<u64>, ScenarioError> {
        self.names.iter().map(|name| Ok(self.entry(name)? + WINDOW)).collect()
    }

    /// A PE at EL1, its MMU on.
    pub(super) fn pe(&self, asid: u16, updates: &[HwUpdate]) -> Pe {
        pe(self.stage2.is_some(), asid, updates)
    }
}

/// A PE at EL1, its MMU on: two levels of tables, and two more where stage 2 is on.
pub(super) fn pe(stage2: bool, asid: u16, updates: &[HwUpdate]) -> Pe {
    const IMPLEMENTED: [Feature; 6] =
        [Feature::El2, Feature::Hafdbs, Feature::Ras, Feature::Tgran4k, Feature::Ttst, Feature::Xnx];
    let mut pe = Pe { features: IMPLEMENTED.into_iter().fold(Features::NONE, Features::with), ..Pe::default() };
    let updates = |which| u64::from(updates.contains(&which));
    let size = 64 - u64::from(SIZE);
    let mut set = |register, value: u64| pe.regs.set(register, value.into());
    set(SysReg::HcrEl2, word(&[(hcr_el2::RW, 1), (hcr_el2::VM, stage2.into())]));
    set(SysReg::SctlrEl1, word(&[(sctlr_el1::M, 1), (sctlr_el1::C, 1), (sctlr_el1::I, 1)]));
    let tcr = [
        (tcr_el1::AS, 1),
        (tcr_el1::HA, updates(HwUpdate::Ha)),
        (tcr_el1::HD, updates(HwUpdate::Hd)),
        (tcr_el1::IPS, 0b101),
        (tcr_el1::EPD1, 1),
        (tcr_el1::T1SZ, size),
        (tcr_el1::TG1, 0b10),
        (tcr_el1::SH0, 0b11),
        (tcr_el1::ORGN0, 0b01),
        (tcr_el1::IRGN0, 0b01),
        (tcr_el1::T0SZ, size),
    ];
    set(SysReg::TcrEl1, word(&tcr));
    set(SysReg::MairEl1, 0xff);
    set(SysReg::Ttbr0El1, u64::from(asid) << 48 | TABLES);
    set(SysReg::VtcrEl2, word(&[(vtcr_el2::PS, 0b101), (vtcr_el2::SL0, 0), (vtcr_el2::T0SZ, size)]));
    set(SysReg::VttbrEl2, STAGE2);
    pe
}

/// Every name of a test, in alphabetical order.
fn names(record: &Record) -> Vec<String> {
    let mut names: Vec<&str> = Vec::new();
    record.threads.iter().flatten().for_each(|op| names_of_op(op, &mut names));
    let init = &record.init;
    names.extend(init.mem.keys().chain(init.ptes.keys()).chain(init.s2ptes.keys()).map(String::as_str));
    names.extend(init.ptes.values().chain(init.s2ptes.values()).filter_map(|pte| pte.oa.as_deref()));
    let values = init.mem.values().chain(init.regs.values().flat_map(|regs| regs.values()));
    names.extend(values.filter_map(name_of));
    record.condition.atoms(&mut |atom| match atom {
        Condition::Mem(name, value) | Condition::PteMem(name, value) => {
            names.extend([Some(name.as_str()), name_of(value)].into_iter().flatten());
        }
        Condition::Reg(_, _, value) => names.extend(name_of(value)),
        Condition::Fault(fault) => names.extend(fault.on.as_ref().and_then(|on| on.va.as_deref())),
        _ => {}
    });
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(String::from).collect()
}

fn names_of_op<'a>(op: &'a Op, names: &mut Vec<&'a str>) {
    if let Some(Address::Va(name) | Address::Pte(name)) = op.access().map(|access| &access.at) {
        names.push(name);
    }
    if let Op::Tlbi(Tlbi { va, ipa, .. }) = op {
        names.extend([va, ipa].into_iter().flatten().map(String::as_str));
    }
    names.extend(op.operands().filter_map(name_of));
}

fn name_of(value: &Value) -> Option<&str> {
    match value {
        Value::Named(Named::Va(name) | Named::Pte(Pte::Address(name))) => Some(name),
        Value::Named(Named::Pte(Pte::Descriptor(descriptor))) => descriptor.oa.as_deref(),
        _ => None,
    }
}
