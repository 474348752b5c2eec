//! What the actors of a machine execute: a small set of instructions, with their operands resolved.

use crate::access::Op;
use crate::layout::sysreg::SysReg;
use crate::machine::tlbi::Tlbi;
use alloc::vec::Vec;

/// A general register, X0 to X30.
pub type Reg = u8;

/// How many general registers an actor has.
pub const REGS: usize = 31;

/// A value, or the register that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// The value itself.
    Value(u64),
    /// What this register holds.
    Reg(Reg),
}

/// How an access finds memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// Through the MMU, at this virtual address.
    Va(Operand),
    /// Through a mapping that is always there: the physical address itself.
    Pa(u64),
}

/// What an access does, to a doubleword.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Data {
    /// LDR.
    Load,
    /// STR.
    Store(Operand),
    /// SWP.
    Swap(Operand),
    /// CAS.
    CompareAndSwap {
        /// The value that must be there.
        expected: Operand,
        /// The value stored then.
        new: Operand,
    },
    /// LDSET.
    Set(Operand),
    /// LDCLR.
    Clear(Operand),
    /// LDADD.
    Add(Operand),
}

/// A load, a store or an atomic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemoryAccess {
    /// What it does.
    pub data: Data,
    /// Where.
    pub target: Target,
    /// The register that takes what memory held, if any.
    pub dst: Option<Reg>,
    /// Executes with EL0's permissions.
    pub unprivileged: bool,
    /// A load that sets the exclusive monitor.
    pub exclusive: bool,
    /// A store-exclusive: the register that takes its status, 0 where it stored.
    pub status: Option<Reg>,
    /// Its address depends on an earlier load: it is not translated before that load has its value.
    pub address_dependency: bool,
}

impl MemoryAccess {
    /// An ordinary access.
    #[must_use]
    pub const fn new(data: Data, target: Target, dst: Option<Reg>) -> Self {
        Self { data, target, dst, unprivileged: false, exclusive: false, status: None, address_dependency: false }
    }

    /// The kind of access, as translation sees it.
    #[must_use]
    pub const fn op(&self) -> Op {
        match (self.data, self.unprivileged) {
            (Data::Load, false) => Op::Ldr,
            (Data::Load, true) => Op::Ldtr,
            (Data::Store(_), false) => Op::Str,
            (Data::Store(_), true) => Op::Sttr,
            _ => Op::Swp,
        }
    }
}

/// A condition on the flags, or on a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Always.
    Always,
    /// EQ: what CMP compared was equal.
    Equal,
    /// NE: it was not.
    NotEqual,
    /// CBZ.
    Zero(Reg),
    /// CBNZ.
    NotZero(Reg),
}

/// An operation on two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the variants are the instructions' names
#[rustfmt::skip]
pub enum Alu { Add, Sub, And, Orr, Eor, Bic, Lsl, Lsr }

impl Alu {
    /// The result; shifts take the low six bits of the second operand.
    #[must_use]
    pub const fn apply(self, a: u64, b: u64) -> u64 {
        match self {
            Self::Add => a.wrapping_add(b),
            Self::Sub => a.wrapping_sub(b),
            Self::And => a & b,
            Self::Orr => a | b,
            Self::Eor => a ^ b,
            Self::Bic => a & !b,
            Self::Lsl => a << (b & 63),
            Self::Lsr => a >> (b & 63),
        }
    }
}

/// Which accesses a barrier orders, and which a DSB waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BarrierType {
    /// All.
    Full,
    /// Loads, before both.
    Loads,
    /// Stores, before stores.
    Stores,
}

/// For whom a barrier orders them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
#[rustfmt::skip]
pub enum Domain { NonShareable, InnerShareable, OuterShareable, FullSystem }

/// One instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Instr {
    /// A load, a store or an atomic.
    Access(MemoryAccess),
    /// An AT instruction.
    At {
        /// Which.
        op: Op,
        /// Its address operand.
        va: Operand,
    },
    /// MRS of PAR_EL1.
    MrsPar(Reg),
    /// MSR of a register that takes part in translation; it counts from the next context synchronization on, and may
    /// before.
    Msr(SysReg, Operand),
    /// MOV.
    Mov(Reg, Operand),
    /// Arithmetic.
    Alu(Alu, Reg, Operand, Operand),
    /// CMP.
    Cmp(Operand, Operand),
    /// CSEL.
    Csel(Condition, Reg, Operand, Operand),
    /// A branch to the instruction of this number.
    Branch(Condition, u16),
    /// DMB.
    Dmb(Domain, BarrierType),
    /// DSB.
    Dsb(Domain, BarrierType),
    /// ISB.
    Isb,
    /// ERET to the next instruction: an exception return, as far as translation minds.
    Eret,
    /// TLBI.
    Tlbi(Tlbi),
}

/// What an actor does about an exception that nobody resolves. The fault is recorded in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Handler {
    /// Registers that it sets.
    pub sets: Vec<(Reg, u64)>,
    /// Where it returns to.
    pub then: Then,
}

/// Where an exception handler returns to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Then {
    /// Nowhere: the thread ends.
    #[default]
    End,
    /// The next instruction.
    Next,
    /// The same instruction once more.
    Again,
    /// The instruction of this number.
    Goto(u16),
}
