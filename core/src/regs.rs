//! The raw values of the system registers that take part in translation.

use crate::layout::sysreg::SysReg;

/// System registers; all read 0 until set. Values are raw: what they mean is for `effective` and `params` to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regs([u128; SysReg::COUNT]);

impl Default for Regs {
    fn default() -> Self {
        Self::new()
    }
}

impl Regs {
    /// All registers 0.
    #[must_use]
    pub const fn new() -> Self {
        Self([0; SysReg::COUNT])
    }

    /// Bits 63:0 of a register.
    #[must_use]
    pub const fn get(&self, register: SysReg) -> u64 {
        self.0[register as usize] as u64
    }

    /// A whole register.
    #[must_use]
    pub const fn get128(&self, register: SysReg) -> u128 {
        self.0[register as usize]
    }

    /// Sets a register; bits beyond its width are dropped.
    pub const fn set(&mut self, register: SysReg, value: u128) {
        let mask = if register.width() == 128 { u128::MAX } else { u64::MAX as u128 };
        self.0[register as usize] = value & mask;
    }

    /// The registers that are not 0, in table order.
    pub fn iter_nonzero(&self) -> impl Iterator<Item = (SysReg, u128)> + '_ {
        SysReg::ALL.iter().map(|&register| (register, self.get128(register))).filter(|(_, value)| *value != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_64_bit_register_keeps_64_bits_and_a_128_bit_one_all() {
        let mut regs = Regs::new();
        regs.set(SysReg::TcrEl1, u128::MAX);
        regs.set(SysReg::Ttbr0El1, u128::MAX);
        assert_eq!(regs.get128(SysReg::TcrEl1), u128::from(u64::MAX));
        assert_eq!(regs.get128(SysReg::Ttbr0El1), u128::MAX);
        assert_eq!(regs.get(SysReg::Ttbr0El1), u64::MAX);
        assert_eq!(regs.iter_nonzero().count(), 2);
    }
}
