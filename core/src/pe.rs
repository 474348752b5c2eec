//! A processing element as translation sees it.

use crate::choice::Choices;
use crate::feature::Features;
use crate::regs::Regs;

/// Registers, PSTATE, features and choices: everything but memory that decides a translation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pe {
    /// System registers.
    pub regs: Regs,
    /// PSTATE.EL, 0 to 3.
    pub el: u8,
    /// PSTATE.PAN.
    pub pan: bool,
    /// PSTATE.UAO: LDTR, STTR and GCSSTTR act as LDR, STR and GCSSTR.
    pub uao: bool,
    /// Implemented features.
    pub features: Features,
    /// Implemented physical address size, in bits (`AArch64.PAMax`).
    pub pa_bits: u8,
    /// What was chosen where the architecture leaves a choice.
    pub choices: Choices,
}

impl Default for Pe {
    /// EL1, every register 0, every feature implemented, 48-bit physical addresses.
    fn default() -> Self {
        Self {
            regs: Regs::new(),
            el: 1,
            pan: false,
            uao: false,
            features: Features::default(),
            pa_bits: 48,
            choices: Choices::default(),
        }
    }
}
