//! The directory format of captured machines: registers, and the pages that hold translation tables.
//!
//! | file | content |
//! | --- | --- |
//! | `meta.json` | `el`: whose translation; where it came from |
//! | `regs.json` | register name → value, ID registers among them; `cpsr` for PSTATE |
//! | `pages.json` | `granule`: bytes per page; `pa`: the address of each page |
//! | `pages.bin` | the pages, in that order |
//!
//! Registers that do not take part in translation may be there; they are passed over. EL3 and EL2 are taken to be
//! implemented exactly when SCR_EL3 and HCR_EL2 were captured; what the ID registers announce and cannot be implemented
//! without what is missing is taken not to be there.

use super::error::ScenarioError;
use super::names::Named;
use super::number::Hex;
use super::{Case, Run};
use crate::access::Op;
use crate::bits::bit;
use crate::choice::Choices;
use crate::feature::{Feature, Features};
use crate::layout::sysreg::SysReg;
use crate::memory::Memory;
use crate::pe::Pe;
use crate::preset::pa_bits_from_mmfr0;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use serde::Deserialize;

/// A captured machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump {
    /// Registers, PSTATE, and features from the ID registers.
    pub pe: Pe,
    /// The table pages.
    pub memory: Memory,
    /// What was running.
    pub about: String,
    /// The names in `regs.json` that take no part in translation.
    pub passed_over: Vec<String>,
}

#[derive(Deserialize)]
struct Meta {
    el: u8,
    #[serde(default)]
    uname: String,
}

#[derive(Deserialize)]
struct Pages {
    granule: usize,
    pa: Vec<Hex>,
}

impl Dump {
    /// Puts a captured machine together from the contents of its files, `pages.bin` uncompressed.
    ///
    /// # Errors
    /// What is wrong, and in which file.
    pub fn from_parts(regs: &[u8], pages_json: &[u8], meta: &[u8], pages: &[u8]) -> Result<Self, ScenarioError> {
        let meta: Meta = parse("meta.json", meta)?;
        if meta.el > 3 {
            return Err(ScenarioError::new(format_args!("meta.json: el: {} is not one of 0, 1, 2, 3", meta.el)));
        }
        let (pe, passed_over) = read_registers(&parse("regs.json", regs)?, meta.el)?;
        let memory = read_pages(&parse("pages.json", pages_json)?, pages)?;
        Ok(Self { pe, memory, about: meta.uname, passed_over })
    }

    /// The machine, asked one question.
    #[must_use]
    pub fn case(&self, op: Op, va: u64) -> Case {
        Case { id: String::new(), about: self.about.clone(), op, va, pe: self.pe.clone(), memory: self.memory.clone() }
    }

    /// Executes `op` at `va` on the machine, which does not change.
    #[must_use]
    pub fn run(&self, op: Op, va: u64) -> Run {
        super::run(&self.pe, op, va, &self.memory)
    }
}

fn parse<'a, T: Deserialize<'a>>(file: &str, text: &'a [u8]) -> Result<T, ScenarioError> {
    serde_json::from_slice(text).map_err(|error| ScenarioError::from(error).within(file))
}

fn read_registers(named: &BTreeMap<String, Hex>, el: u8) -> Result<(Pe, Vec<String>), ScenarioError> {
    let mut pe = Pe { el, ..Pe::default() };
    let mut passed_over = Vec::new();
    for (name, &Hex(value)) in named {
        match SysReg::find(name) {
            Some(register) if register.width() < 128 && value >> register.width() != 0 => {
                return Err(ScenarioError::new(format_args!("regs.json: {name}: {value:#x} does not fit in 64 bits")));
            }
            Some(register) => pe.regs.set(register, value),
            None => passed_over.push(name.clone()),
        }
    }
    let cpsr = named.get("cpsr").map_or(0, |cpsr| cpsr.0 as u64);
    pe.pan = bit(cpsr, 22);
    pe.uao = bit(cpsr, 23);
    let captured = |register: SysReg| named.contains_key(register.name());
    let id = |register: SysReg| pe.regs.get(register);
    let features = Features::from_id_registers(&id);
    let choices = Choices::from_id_registers(&id);
    pe.pa_bits = pa_bits_from_mmfr0(id(SysReg::IdAa64Mmfr0El1));
    let features = features.set(Feature::El2, captured(SysReg::HcrEl2)).set(Feature::El3, captured(SysReg::ScrEl3));
    pe.features = features.closed();
    pe.choices = choices;
    Ok((pe, passed_over))
}

fn read_pages(index: &Pages, pages: &[u8]) -> Result<Memory, ScenarioError> {
    let expected = index.pa.len().checked_mul(index.granule);
    if !index.granule.is_multiple_of(8) || expected != Some(pages.len()) {
        let (count, granule, length) = (index.pa.len(), index.granule, pages.len());
        return Err(ScenarioError::new(format_args!(
            "pages.bin: {length} bytes; expected {count} pages of {granule} bytes, as pages.json lists"
        )));
    }
    let mut memory = Memory::new();
    for (&Hex(address), page) in index.pa.iter().zip(pages.chunks_exact(index.granule.max(1))) {
        let address = u64::try_from(address).ok().filter(|address| address.is_multiple_of(8) && address >> 56 == 0);
        let Some(address) = address else {
            return Err(ScenarioError::new("pages.json: pa: expected addresses of pages, of at most 56 bits"));
        };
        let (words, _) = page.as_chunks::<8>();
        for (place, word) in (address..).step_by(8).zip(words) {
            match u64::from_le_bytes(*word) {
                0 => {}
                word => memory.write(place, word),
            }
        }
    }
    Ok(memory)
}
