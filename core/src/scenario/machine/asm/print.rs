//! Writing an instruction.

use super::operand::{show_condition, show_taker};
use super::{Context, tlbi};
use crate::machine::program::{Alu, BarrierType, Condition, Data, Domain, Instr, MemoryAccess, Operand};
use alloc::string::{String, ToString};
use core::fmt::{Formatter, Result};

pub(super) const ALU: [(Alu, &str); 8] = [
    (Alu::Add, "ADD"),
    (Alu::Sub, "SUB"),
    (Alu::And, "AND"),
    (Alu::Orr, "ORR"),
    (Alu::Eor, "EOR"),
    (Alu::Bic, "BIC"),
    (Alu::Lsl, "LSL"),
    (Alu::Lsr, "LSR"),
];

pub(super) const DOMAINS: [(Domain, &str); 4] = [
    (Domain::NonShareable, "NSH"),
    (Domain::InnerShareable, "ISH"),
    (Domain::OuterShareable, "OSH"),
    (Domain::FullSystem, "SY"),
];

pub(super) fn write(f: &mut Formatter<'_>, instr: &Instr, context: Context<'_>) -> Result {
    let show = |operand: Operand| context.show(operand);
    match *instr {
        Instr::Access(access) => f.write_str(&self::access(&access, context)),
        Instr::At { op, va } => write!(f, "AT {}, {}", op.name(), show(va)),
        Instr::MrsPar(dst) => write!(f, "MRS X{dst}, PAR_EL1"),
        Instr::Msr(register, value) => write!(f, "MSR {}, {}", register.name(), show(value)),
        Instr::Mov(dst, value) => write!(f, "MOV X{dst}, {}", show(value)),
        Instr::Alu(alu, dst, a, b) => {
            let name = ALU.iter().find(|(known, _)| *known == alu).map_or("", |(_, name)| name);
            write!(f, "{name} X{dst}, {}, {}", show(a), show(b))
        }
        Instr::Cmp(a, b) => write!(f, "CMP {}, {}", show(a), show(b)),
        Instr::Csel(condition, dst, a, b) => {
            write!(f, "CSEL X{dst}, {}, {}, {}", show(a), show(b), show_condition(condition))
        }
        Instr::Branch(condition, target) => {
            let label = context.labels.iter().find(|(_, at)| *at == target);
            let target = label.map_or_else(|| alloc::format!("{target:#x}"), |(name, _)| name.clone());
            match condition {
                Condition::Always => write!(f, "B {target}"),
                Condition::Equal => write!(f, "B.EQ {target}"),
                Condition::NotEqual => write!(f, "B.NE {target}"),
                Condition::Zero(reg) => write!(f, "CBZ X{reg}, {target}"),
                Condition::NotZero(reg) => write!(f, "CBNZ X{reg}, {target}"),
            }
        }
        Instr::Dmb(domain, kind) => write!(f, "DMB {}", barrier(domain, kind)),
        Instr::Dsb(domain, kind) => write!(f, "DSB {}", barrier(domain, kind)),
        Instr::Isb => f.write_str("ISB"),
        Instr::Eret => f.write_str("ERET"),
        Instr::Tlbi(tlbi) => f.write_str(&tlbi::text(context, &tlbi)),
    }
}

/// `ISH`, `ISHST`; of the full system `SY`, `ST`.
pub(super) fn barrier(domain: Domain, kind: BarrierType) -> String {
    let name = DOMAINS.iter().find(|(known, _)| *known == domain).map_or("", |(_, name)| name);
    match (domain, kind) {
        (_, BarrierType::Full) => name.to_string(),
        (Domain::FullSystem, BarrierType::Loads) => "LD".to_string(),
        (Domain::FullSystem, BarrierType::Stores) => "ST".to_string(),
        (_, BarrierType::Loads) => alloc::format!("{name}LD"),
        (_, BarrierType::Stores) => alloc::format!("{name}ST"),
    }
}

fn access(access: &MemoryAccess, context: Context<'_>) -> String {
    let show = |operand: Operand| context.show(operand);
    let (dst, target) = (show_taker(access.dst), context.show_target(access.target));
    let t = if access.unprivileged { "T" } else { "" };
    let text = match (access.data, access.status) {
        (Data::Load, _) if access.exclusive => alloc::format!("LD{t}XR {dst}, {target}"),
        (Data::Load, _) => alloc::format!("LD{t}R {dst}, {target}"),
        (Data::Store(value), Some(status)) => alloc::format!("ST{t}XR X{status}, {}, {target}", show(value)),
        (Data::Store(value), None) => alloc::format!("ST{t}R {}, {target}", show(value)),
        (Data::Swap(value), _) => alloc::format!("SWP{t} {}, {dst}, {target}", show(value)),
        (Data::CompareAndSwap { expected: Operand::Reg(reg), new }, _) if access.dst == Some(reg) => {
            alloc::format!("CAS{t} X{reg}, {}, {target}", show(new))
        }
        (Data::CompareAndSwap { expected, new }, _) => {
            alloc::format!("CAS{t} {dst}, {}, {}, {target}", show(expected), show(new))
        }
        (Data::Set(value), _) => alloc::format!("LD{t}SET {}, {dst}, {target}", show(value)),
        (Data::Clear(value), _) => alloc::format!("LD{t}CLR {}, {dst}, {target}", show(value)),
        (Data::Add(value), _) => alloc::format!("LD{t}ADD {}, {dst}, {target}", show(value)),
    };
    if access.address_dependency { text + ", DEPENDENT" } else { text }
}
