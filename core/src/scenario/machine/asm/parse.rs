//! Reading a program.

use super::operand::{Parsed, condition, reg, taker, wrong};
use super::print::{ALU, DOMAINS, barrier};
use super::{Context, Labels, tlbi};
use crate::access::{Op, OpKind};
use crate::layout::sysreg::SysReg;
use crate::machine::program::{BarrierType, Condition, Data, Domain, Instr, MemoryAccess, Operand};
use crate::scenario::ScenarioError;
use crate::scenario::error::suggestion;
use crate::scenario::machine::Symbols;
use crate::scenario::names::lookup;
use alloc::string::String;
use alloc::vec::Vec;

/// More instructions than this a program does not have.
pub const MOST_INSTRUCTIONS: usize = 4096;

const MNEMONICS: [&str; 43] = [
    "LDR", "STR", "LDTR", "STTR", "LDXR", "STXR", "LDTXR", "STTXR", "SWP", "SWPT", "CAS", "CAST", "LDSET", "LDTSET",
    "LDCLR", "LDTCLR", "LDADD", "LDTADD", "AT", "MRS", "MSR", "MOV", "ADD", "SUB", "AND", "ORR", "EOR", "BIC", "LSL",
    "LSR", "CMP", "CSEL", "B", "B.AL", "B.EQ", "B.NE", "CBZ", "CBNZ", "DMB", "DSB", "ISB", "ERET", "TLBI",
];

/// A program from its lines, an instruction or a label each; an error comes with the number of its line.
///
/// # Errors
/// What is wrong, and in which line, counting from 0.
pub fn parse(lines: &[&str], symbols: &Symbols, asid: u16) -> Result<(Vec<Instr>, Labels), (usize, ScenarioError)> {
    let mut labels = Labels::new();
    let mut code = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let at = code.len() as u16;
        match line.trim().strip_suffix(':') {
            Some(label) => {
                check_label(label, &labels).map_err(|error| (number, error))?;
                labels.push((String::from(label), at));
            }
            None => code.push((number, line.trim())),
        }
        if code.len() > MOST_INSTRUCTIONS {
            let message = format_args!("a program has at most {MOST_INSTRUCTIONS} instructions");
            return Err((number, ScenarioError::new(message)));
        }
    }
    let context = Context { symbols, labels: &labels, asid };
    let read = |&(number, line): &(usize, &str)| instruction(context, line).map_err(|error| (number, error));
    let program = code.iter().map(read).collect::<Result<_, _>>()?;
    Ok((program, labels))
}

fn check_label(label: &str, known: &Labels) -> Parsed<()> {
    // A label may be what a name may be.
    Symbols::default().add(label, 0)?;
    if known.iter().any(|(other, _)| other == label) {
        return wrong(format_args!("`{label}` is given twice"));
    }
    Ok(())
}

fn instruction(context: Context<'_>, line: &str) -> Parsed<Instr> {
    let (mnemonic, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let upper = mnemonic.to_ascii_uppercase();
    let rest = rest.trim();
    let mut operands: Vec<&str> = if rest.is_empty() { Vec::new() } else { rest.split(',').map(str::trim).collect() };
    if !MNEMONICS.contains(&upper.as_str()) {
        let nearest = suggestion(&upper, MNEMONICS.into_iter());
        return wrong(format_args!("`{mnemonic}` is not an instruction{nearest}"));
    }
    if upper == "TLBI" {
        return tlbi::parse(context, &operands).map(Instr::Tlbi);
    }
    if let Some(mut access) = access(context, &upper, &mut operands)? {
        access.unprivileged = matches!(
            upper.as_str(),
            "LDTR" | "STTR" | "LDTXR" | "STTXR" | "SWPT" | "CAST" | "LDTSET" | "LDTCLR" | "LDTADD"
        );
        return Ok(Instr::Access(access));
    }
    other(context, &upper, &operands)
}

fn expect<'a, const N: usize>(mnemonic: &str, operands: &[&'a str]) -> Parsed<[&'a str; N]> {
    match operands.try_into() {
        Ok(operands) => Ok(operands),
        Err(_) => wrong(format_args!("{mnemonic} has {N} operands, and here {}", operands.len())),
    }
}

fn access(context: Context<'_>, mnemonic: &str, operands: &mut Vec<&str>) -> Parsed<Option<MemoryAccess>> {
    if !mnemonic.starts_with("LD")
        && !mnemonic.starts_with("ST")
        && !matches!(mnemonic, "SWP" | "SWPT" | "CAS" | "CAST")
    {
        return Ok(None);
    }
    let dependent = operands.last().is_some_and(|last| last.eq_ignore_ascii_case("DEPENDENT"));
    if dependent {
        operands.pop();
    }
    let mut access = match mnemonic {
        "LDR" | "LDTR" | "LDXR" | "LDTXR" => {
            let [dst, target] = expect(mnemonic, operands)?;
            MemoryAccess::new(Data::Load, context.target(target)?, taker(dst)?)
        }
        "STR" | "STTR" => {
            let [value, target] = expect(mnemonic, operands)?;
            MemoryAccess::new(Data::Store(context.operand(value)?), context.target(target)?, None)
        }
        "STXR" | "STTXR" => {
            let [status, value, target] = expect(mnemonic, operands)?;
            let store = MemoryAccess::new(Data::Store(context.operand(value)?), context.target(target)?, None);
            MemoryAccess { status: Some(reg(status)?), ..store }
        }
        "CAS" | "CAST" => compare_and_swap(context, mnemonic, operands)?,
        _ => {
            let [value, dst, target] = expect(mnemonic, operands)?;
            let value = context.operand(value)?;
            let data = match mnemonic {
                "SWP" | "SWPT" => Data::Swap(value),
                "LDSET" | "LDTSET" => Data::Set(value),
                "LDCLR" | "LDTCLR" => Data::Clear(value),
                _ => Data::Add(value),
            };
            MemoryAccess::new(data, context.target(target)?, taker(dst)?)
        }
    };
    access.exclusive = mnemonic.starts_with("LD") && mnemonic.ends_with("XR");
    access.address_dependency = dependent;
    Ok(Some(access))
}

fn compare_and_swap(context: Context<'_>, mnemonic: &str, operands: &[&str]) -> Parsed<MemoryAccess> {
    let (dst, expected, [new, target]) = match *operands {
        [dst, expected, new, target] => (taker(dst)?, context.operand(expected)?, [new, target]),
        _ => {
            let [both, new, target] = expect(mnemonic, operands)?;
            let reg = reg(both)?;
            (Some(reg), Operand::Reg(reg), [new, target])
        }
    };
    let data = Data::CompareAndSwap { expected, new: context.operand(new)? };
    Ok(MemoryAccess::new(data, context.target(target)?, dst))
}

fn other(context: Context<'_>, mnemonic: &str, operands: &[&str]) -> Parsed<Instr> {
    if let Some(&(alu, _)) = ALU.iter().find(|(_, name)| *name == mnemonic) {
        let [dst, a, b] = expect(mnemonic, operands)?;
        return Ok(Instr::Alu(alu, reg(dst)?, context.operand(a)?, context.operand(b)?));
    }
    match mnemonic {
        "AT" => {
            let [name, va] = expect(mnemonic, operands)?;
            let op: Op = lookup(name).map_err(ScenarioError::new)?;
            if !matches!(op.kind(), OpKind::At(_)) {
                return wrong(format_args!("`{name}` is not an AT instruction"));
            }
            Ok(Instr::At { op, va: context.operand(va)? })
        }
        "MRS" => {
            let [dst, register] = expect(mnemonic, operands)?;
            if !register.eq_ignore_ascii_case("PAR_EL1") {
                return wrong(format_args!("`{register}`: the only register that is read is PAR_EL1"));
            }
            Ok(Instr::MrsPar(reg(dst)?))
        }
        "MSR" => {
            let [register, value] = expect(mnemonic, operands)?;
            let register: SysReg = lookup(register).map_err(ScenarioError::new)?;
            Ok(Instr::Msr(register, context.operand(value)?))
        }
        "MOV" => {
            let [dst, value] = expect(mnemonic, operands)?;
            Ok(Instr::Mov(reg(dst)?, context.operand(value)?))
        }
        "CMP" => {
            let [a, b] = expect(mnemonic, operands)?;
            Ok(Instr::Cmp(context.operand(a)?, context.operand(b)?))
        }
        "CSEL" => {
            let [dst, a, b, chosen] = expect(mnemonic, operands)?;
            Ok(Instr::Csel(condition(chosen)?, reg(dst)?, context.operand(a)?, context.operand(b)?))
        }
        "DMB" | "DSB" => {
            let [what] = expect(mnemonic, operands)?;
            let (domain, kind) = barrier_named(what)?;
            Ok(if mnemonic == "DMB" { Instr::Dmb(domain, kind) } else { Instr::Dsb(domain, kind) })
        }
        "ISB" => expect::<0>(mnemonic, operands).map(|[]| Instr::Isb),
        "ERET" => expect::<0>(mnemonic, operands).map(|[]| Instr::Eret),
        _ => branch(context, mnemonic, operands),
    }
}

fn branch(context: Context<'_>, mnemonic: &str, operands: &[&str]) -> Parsed<Instr> {
    let (condition, target) = match mnemonic {
        "CBZ" | "CBNZ" => {
            let [tested, target] = expect(mnemonic, operands)?;
            let tested = reg(tested)?;
            (if mnemonic == "CBZ" { Condition::Zero(tested) } else { Condition::NotZero(tested) }, target)
        }
        _ => {
            let [target] = expect(mnemonic, operands)?;
            (mnemonic.strip_prefix("B.").map_or(Ok(Condition::Always), condition)?, target)
        }
    };
    if let Some((_, at)) = context.labels.iter().find(|(name, _)| name == target) {
        return Ok(Instr::Branch(condition, *at));
    }
    let number = context.value(target).ok().and_then(|number| u16::try_from(number).ok());
    let numeric = target.starts_with(|first: char| first.is_ascii_digit() || first == '#');
    match number.filter(|_| numeric) {
        Some(at) => Ok(Instr::Branch(condition, at)),
        None => {
            let nearest = suggestion(target, context.labels.iter().map(|(name, _)| name.as_str()));
            wrong(format_args!("`{target}` is not a label of the program{nearest}"))
        }
    }
}

fn barrier_named(name: &str) -> Parsed<(Domain, BarrierType)> {
    let kinds = [BarrierType::Full, BarrierType::Loads, BarrierType::Stores];
    let all = DOMAINS.into_iter().flat_map(|(domain, _)| kinds.map(|kind| (domain, kind)));
    match all.clone().find(|&(domain, kind)| barrier(domain, kind).eq_ignore_ascii_case(name)) {
        Some(found) => Ok(found),
        None => wrong(format_args!("`{name}` is not what a barrier orders, such as ISH, ISHST, SY")),
    }
}
