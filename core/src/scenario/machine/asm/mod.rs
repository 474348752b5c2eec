//! Programs as assembly text: Arm's instructions, with names for addresses and values where Arm has registers alone.
//!
//! | text | |
//! | --- | --- |
//! | `LDR X1, [x]`, `STR leaf, [X2]`, `STR X1, pa:pte` | through the MMU; or past it, at a physical address |
//! | `LDTR`, `STTR`; `LDXR X1, [x]`, `STXR X3, X1, [x]` | with EL0's permissions; exclusive |
//! | `SWP`, `LDSET`, `LDCLR`, `LDADD X1, X0, [x]` | the value, the register that takes what was there (`XZR`: none) |
//! | `CAS X0, new, [x]`, `CAS X0, old, new, [x]` | X0 is compared, and takes what was there; what is compared apart |
//! | `LDR X1, [x], DEPENDENT` | its address depends on an earlier load |
//! | `AT S1E1R, x`, `MRS X0, PAR_EL1`, `MSR TTBR0_EL1, X3` | |
//! | `MOV`, `ADD`, `SUB`, `AND`, `ORR`, `EOR`, `BIC`, `LSR X0, X1, 0x10` | |
//! | `CMP X0, 1`, `CSEL X0, X1, X2, EQ`, `B.NE again`, `CBZ X0, again`, `again:` | a number is that of an instruction |
//! | `DMB ISHST`, `DSB ISH`, `ISB`, `ERET` | |
//! | `TLBI VAE1IS, x`, `TLBI VALE1, x, asid:3`, `TLBI RVAAE1IS, x, 0x10` | the actor's ASID; pages of a range |
//! | `TLBI ASIDE1IS`, `TLBI VMALLE1`, `TLBI IPAS2E1IS, page`, `TLBI VMALLS12E1IS` | |

mod operand;
mod parse;
mod print;
#[cfg(test)]
mod tests;
mod tlbi;

pub use parse::parse;

use super::Symbols;
use crate::machine::program::Instr;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Labels of a program, each with the number of the instruction it stands before.
pub type Labels = Vec<(String, u16)>;

/// What a program's text refers to.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Names of addresses and values.
    pub symbols: &'a Symbols,
    /// Labels of the program.
    pub labels: &'a [(String, u16)],
    /// The ASID of a TLBI that says none.
    pub asid: u16,
}

impl<'a> Context<'a> {
    /// An instruction, to be written.
    #[must_use]
    pub const fn text(self, instr: &'a Instr) -> Text<'a> {
        Text { instr, context: self }
    }

    /// A program, line by line.
    #[must_use]
    pub fn lines(self, program: &[Instr]) -> Vec<String> {
        let mut lines = Vec::new();
        for at in 0..=program.len() {
            let here = self.labels.iter().filter(|(_, label)| usize::from(*label) == at);
            lines.extend(here.map(|(name, _)| alloc::format!("{name}:")));
            lines.extend(program.get(at).map(|instr| alloc::format!("{}", self.text(instr))));
        }
        lines
    }
}

/// An instruction as text.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    instr: &'a Instr,
    context: Context<'a>,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::write(f, self.instr, self.context)
    }
}
