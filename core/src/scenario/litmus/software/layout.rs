//! Where the cells and pages of a scenario are, and what their words say.

use super::super::super::build::attributes::GUEST_MEMORY;
use super::super::super::error::ScenarioError;
use super::super::layout::{pe, word};
use super::super::record::HwUpdate;
use super::record::{Parts, Step, Word};
use crate::bits::bits;
use crate::layout::descriptor::s1;
use crate::layout::sysreg::{SysReg, par_el1_fault};
use crate::memory::Memory;
use crate::pe::Pe;
use crate::regime::Granule;
use crate::scenario::build::Tables;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The root table of stage 1.
const ROOT: u64 = 0x2000_0000;
/// The tables of stage 2.
const STAGE2: u64 = 0x2100_0000;
/// Cells that are no descriptors.
const PLAIN: u64 = 0x2200_0000;
/// The first page; the others follow in alphabetical order.
const PAGES: u64 = 0x1000_0000;
/// Bits of an address: two levels of tables with a granule of 4 KB.
const SIZE: u32 = 30;
const PAGE: u64 = 0x1000;

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A descriptor of the root table, which is at level 2.
    Root,
    /// A descriptor of a table page, at level 3.
    Entry,
    /// A descriptor of stage 2.
    Stage2,
    /// A number.
    Plain,
    /// PAR_EL1.
    Par,
}

/// A cell: where it is, and what it holds.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    pub address: u64,
    pub kind: Kind,
}

/// The pages of a scenario, its cells and its tables.
#[derive(Clone, Debug)]
pub struct Pages {
    names: Vec<String>,
    cells: BTreeMap<String, Cell>,
    stage2: Option<Tables>,
}

impl Pages {
    /// Finds the pages and cells of a scenario, and lays out stage 2.
    pub fn new(record: &Parts) -> Result<Self, ScenarioError> {
        let mut names = Vec::new();
        let mut cells: Vec<&str> = record.init.cells.keys().chain(&record.observe).map(String::as_str).collect();
        record.init.cells.values().for_each(|word| names.extend(page_of(word)));
        for step in record.threads.iter().flatten() {
            match step {
                Step::Str(step) => {
                    cells.push(&step.cell);
                    names.extend(page_of(&step.val));
                }
                Step::CondFlag(step) | Step::Ldr(step) => cells.push(&step.cell),
                _ => {}
            }
        }
        names.extend(record.init.s2.iter().flat_map(|(guest, host)| [guest.as_str(), host]));
        names.extend(cells.iter().filter_map(|cell| entry(cell)).map(|(page, _)| page));
        names.sort_unstable();
        names.dedup();
        let names: Vec<String> = names.into_iter().map(String::from).collect();
        let stage2 = (!record.init.s2.is_empty()).then(|| Tables::new(Granule::K4, SIZE, STAGE2));
        let mut pages = Self { names, cells: BTreeMap::new(), stage2 };
        pages.map(&record.init.s2)?;
        cells.sort_unstable();
        cells.dedup();
        for name in cells {
            let cell = pages.place(name, &record.init.s2)?;
            pages.cells.insert(name.into(), cell);
        }
        Ok(pages)
    }

    fn map(&mut self, mapped: &BTreeMap<String, String>) -> Result<(), ScenarioError> {
        for name in self.names.clone() {
            let host = mapped.get(&name).unwrap_or(&name);
            let (ipa, pa) = (self.page(&name)?, self.page(host)?);
            if let Some(tables) = &mut self.stage2 {
                tables.map(ipa, pa, 3, GUEST_MEMORY);
                tables.map(ROOT, ROOT, 2, GUEST_MEMORY);
            }
        }
        Ok(())
    }

    fn place(&self, name: &str, mapped: &BTreeMap<String, String>) -> Result<Cell, ScenarioError> {
        let unknown = |what: &str| ScenarioError::new(format_args!("`{name}`: {what}"));
        if name == "R" {
            return Ok(Cell { address: ROOT + (super::VA >> 21) * 8, kind: Kind::Root });
        }
        if let Some(page) = name.strip_prefix("S2:") {
            let tables = self.stage2.as_ref().filter(|_| mapped.contains_key(page));
            let ipa = self.page(page).map_err(|_| unknown("init.s2 has no such page"))?;
            let entry = tables.and_then(|tables| tables.entry(ipa, 3));
            let address = entry.ok_or_else(|| unknown("init.s2 has no such page"))?;
            return Ok(Cell { address, kind: Kind::Stage2 });
        }
        if let Some((page, index)) = entry(name) {
            if index >= PAGE / 8 {
                return Err(unknown("a table has 512 entries"));
            }
            return Ok(Cell { address: self.page(page)? + index * 8, kind: Kind::Entry });
        }
        Ok(Cell { address: PLAIN + self.cells.len() as u64 * 8, kind: Kind::Plain })
    }

    /// The address of a page.
    fn page(&self, name: &str) -> Result<u64, ScenarioError> {
        match self.names.iter().position(|known| known == name) {
            Some(at) => Ok(PAGES + PAGE * at as u64),
            None => Err(ScenarioError::new(format_args!("`{name}` is no page of the scenario"))),
        }
    }

    /// A cell by its name.
    pub fn cell(&self, name: &str) -> Result<Cell, ScenarioError> {
        self.cells.get(name).copied().ok_or_else(|| ScenarioError::new(format_args!("`{name}` is no cell")))
    }

    /// What a cell of some kind holds for a value.
    pub fn word(&self, kind: Kind, value: &Word) -> Result<u64, ScenarioError> {
        let wrong =
            |expected: &str| Err(ScenarioError::new(format_args!("not what the cell holds: expected {expected}")));
        let leaf = |page: &str, af: u64| Ok(leaf(self.page(page)?, af));
        match (kind, value) {
            (Kind::Root | Kind::Entry | Kind::Stage2, Word::Text(text)) if text == "I" => Ok(0),
            (Kind::Root, Word::Table(_, page)) => Ok(table(self.page(page)?)),
            (Kind::Entry, Word::Leaf(_, page, af)) => leaf(page, af.0.into()),
            (Kind::Stage2, Word::Text(page)) => Ok(stage2(self.page(page)?)),
            (Kind::Plain | Kind::Par, Word::Int(value)) => Ok(*value),
            (Kind::Root, _) => wrong("[\"T\", page] or \"I\""),
            (Kind::Entry, _) => wrong("[\"L\", page, af] or \"I\""),
            (Kind::Stage2, _) => wrong("a page or \"I\""),
            (Kind::Plain | Kind::Par, _) => wrong("a number"),
        }
    }

    /// What a word says.
    pub fn text(&self, kind: Kind, word: u64) -> String {
        let pages = || self.names.iter().zip((PAGES..).step_by(PAGE as usize));
        let found = match kind {
            Kind::Root => pages().find(|&(_, page)| word == table(page)).map(|(name, _)| format!("T/{name}")),
            Kind::Entry => pages().find_map(|(name, page)| {
                [0, 1].into_iter().find(|&af| word == leaf(page, af)).map(|af| format!("L/{name}/{af}"))
            }),
            Kind::Stage2 => pages().find(|&(_, page)| word == stage2(page)).map(|(name, _)| name.clone()),
            Kind::Plain => return word.to_string(),
            Kind::Par => return self.par(word),
        };
        found.unwrap_or_else(|| if word == 0 { "I".into() } else { format!("{word:#x}") })
    }

    fn par(&self, par: u64) -> String {
        if !par_el1_fault::F.is_set(par) {
            let page = bits(par, 47, 12) << 12;
            let mut pages = self.names.iter().zip((PAGES..).step_by(PAGE as usize));
            return pages
                .find(|(_, known)| *known == page)
                .map_or(format!("ok/{page:#x}"), |(name, _)| format!("ok/{name}"));
        }
        let status = par_el1_fault::FST.get(par);
        match (par_el1_fault::S.is_set(par), status) {
            (true, _) => "fault/S2".into(),
            // A Translation fault at level 2 or 3, which are this regime's first and second.
            (false, 0b00_0110 | 0b00_0111) => format!("fault/L{}", status & 1),
            (false, 0b00_1000..=0b00_1011) => "fault/AF".into(),
            _ => format!("fault/{status:#x}"),
        }
    }

    /// Memory as it begins.
    pub fn memory(&self, record: &Parts) -> Result<Memory, ScenarioError> {
        let mut memory = Memory::new();
        if let Some(tables) = &self.stage2 {
            tables.store(&mut memory, |address| address);
        }
        for (name, value) in &record.init.cells {
            let cell = self.cell(name)?;
            let word = self.word(cell.kind, value).map_err(|error| error.within(format_args!("init.cells.{name}")))?;
            memory.write(cell.address, word);
        }
        Ok(memory)
    }

    /// A PE of the guest's hypervisor: what it asks of stage 2 comes back in PAR_EL1.
    pub fn pe(&self, af_update: bool) -> Pe {
        let updates: &[HwUpdate] = if af_update { &[HwUpdate::Ha] } else { &[] };
        let mut pe = pe(self.stage2.is_some(), 0, updates);
        pe.el = 2;
        pe.regs.set(SysReg::Ttbr0El1, ROOT.into());
        pe.regs.set(SysReg::VttbrEl2, STAGE2.into());
        pe
    }
}

const fn table(page: u64) -> u64 {
    page | s1::TABLE.mask() | s1::VALID.mask()
}

fn leaf(page: u64, af: u64) -> u64 {
    page | word(&[(s1::VALID, 1), (s1::TABLE, 1), (s1::SH, 0b11), (s1::NG, 1), (s1::AF, af)])
}

const fn stage2(page: u64) -> u64 {
    page | GUEST_MEMORY | s1::TABLE.mask() | s1::VALID.mask()
}

/// The page and the index of an entry of a table page: `a[0]`.
fn entry(cell: &str) -> Option<(&str, u64)> {
    let (page, index) = cell.strip_suffix(']')?.split_once('[')?;
    Some((page, index.parse().ok()?))
}

fn page_of(word: &Word) -> Option<&str> {
    match word {
        Word::Leaf(_, page, _) | Word::Table(_, page) => Some(page),
        Word::Text(page) if page != "I" => Some(page),
        _ => None,
    }
}
