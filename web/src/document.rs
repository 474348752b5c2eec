//! What a link holds and undo restores: a base machine, the question, and the edits to the machine.

use stagewalk::access::Op;
use stagewalk::feature::{Feature, Features};
use stagewalk::layout::sysreg::SysReg;
use stagewalk::pe::Pe;
use stagewalk::preset::pa_bits_from_mmfr0;
use stagewalk::scenario::Case;
use std::collections::BTreeMap;

/// A base and what differs from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The base's name in the catalogue.
    pub base: String,
    /// The instruction.
    pub op: Op,
    /// The Exception level that executes it.
    pub el: u8,
    /// Its address.
    pub va: u64,
    /// PSTATE.PAN.
    pub pan: bool,
    /// Registers that differ from the base's.
    pub regs: BTreeMap<SysReg, u128>,
    /// Words of memory that differ from the base's.
    pub mem: BTreeMap<u64, u64>,
}

impl Document {
    /// The base as it is.
    #[must_use]
    pub fn of(base: &str, machine: &Case) -> Self {
        Self {
            base: base.into(),
            op: machine.op,
            el: machine.pe.el,
            va: machine.va,
            pan: machine.pe.pan,
            regs: BTreeMap::new(),
            mem: BTreeMap::new(),
        }
    }

    /// The base with the edits made.
    #[must_use]
    pub fn apply(&self, machine: &Case) -> Case {
        let mut case = machine.clone();
        (case.op, case.va) = (self.op, self.va);
        (case.pe.el, case.pe.pan) = (self.el, self.pan);
        for (&register, &value) in &self.regs {
            case.pe.regs.set(register, value);
        }
        if self.regs.keys().any(|register| register.name().starts_with("ID_")) {
            announce(&machine.pe, &mut case.pe);
        }
        for (&address, &word) in &self.mem {
            case.memory.write(address, word);
        }
        case
    }

    /// Sets a register; a value equal to the base's is no edit.
    pub fn set_register(&mut self, machine: &Case, register: SysReg, value: u128) {
        if machine.pe.regs.get128(register) == value {
            self.regs.remove(&register);
        } else {
            self.regs.insert(register, value);
        }
    }

    /// Sets a word of memory; a value equal to the base's is no edit.
    pub fn set_word(&mut self, machine: &Case, address: u64, word: u64) {
        if machine.memory.word(address) == word {
            self.mem.remove(&address);
        } else {
            self.mem.insert(address, word);
        }
    }

    /// Whether the machine is the base's.
    #[must_use]
    pub fn is_unedited(&self) -> bool {
        self.regs.is_empty() && self.mem.is_empty()
    }
}

/// An edited ID register changes what it announces: those features, and the physical address size, and nothing else.
fn announce(base: &Pe, edited: &mut Pe) {
    let before = Features::from_id_registers(&|register| base.regs.get(register));
    let after = Features::from_id_registers(&|register| edited.regs.get(register));
    for &feature in Feature::ALL {
        if before.has(feature) != after.has(feature) {
            edited.features = edited.features.set(feature, after.has(feature));
        }
    }
    let size = |pe: &Pe| pa_bits_from_mmfr0(pe.regs.get(SysReg::IdAa64Mmfr0El1));
    if size(base) != size(edited) {
        edited.pa_bits = size(edited);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stagewalk::scenario::examples::Example;

    #[test]
    fn an_edited_id_register_announces_its_own_features_alone() {
        let machine = Example::find("page-4k").expect("an example").case();
        let mut document = Document::of("page-4k", &machine);
        assert_eq!(document.apply(&machine).pe, machine.pe);
        document.set_register(&machine, SysReg::IdAa64Mmfr2El1, 1 << 16); // VARange
        let edited = document.apply(&machine).pe;
        assert!(edited.has(Feature::Lva) && !machine.pe.has(Feature::Lva));
        let others = |pe: &Pe| Feature::ALL.iter().filter(|&&f| f != Feature::Lva && pe.has(f)).count();
        assert_eq!(others(&edited), others(&machine.pe));
        document.set_register(&machine, SysReg::IdAa64Mmfr0El1, 6);
        assert_eq!(document.apply(&machine).pe.pa_bits, 52);
    }
}
