use super::super::Symbols;
use super::*;
use crate::access::Op;
use crate::layout::sysreg::SysReg;
use crate::machine::program::{Alu, BarrierType, Condition, Data, Domain, MemoryAccess, Operand, Target};
use crate::machine::tlbi::{Scope, Tlbi};
use alloc::string::ToString;

const X: u64 = 0x40_0000;

fn symbols() -> Symbols {
    let mut symbols = Symbols::default();
    for (name, value) in [("x", X), ("pte", 0x4100_0008), ("leaf_new", 0x60_0000_4800_0703)] {
        symbols.add(name, value).expect(name);
    }
    symbols
}

fn operands() -> [Operand; 3] {
    [Operand::Value(X), Operand::Value(0xdead_beef), Operand::Reg(30)]
}

/// Every instruction in every form.
fn instructions() -> Vec<Instr> {
    let mut all = alloc::vec![Instr::Isb, Instr::Eret, Instr::MrsPar(7)];
    let conditions =
        [Condition::Always, Condition::Equal, Condition::NotEqual, Condition::Zero(3), Condition::NotZero(4)];
    for a in operands() {
        all.extend(
            Op::ALL
                .into_iter()
                .filter(|op| op.name().starts_with('S'))
                .filter_map(|op| matches!(op.kind(), crate::access::OpKind::At(_)).then_some(Instr::At { op, va: a })),
        );
        all.extend([Instr::Msr(SysReg::Ttbr0El1, a), Instr::Mov(1, a)]);
        for b in operands() {
            all.push(Instr::Cmp(a, b));
            all.extend(super::print::ALU.map(|(alu, _): (Alu, _)| Instr::Alu(alu, 9, a, b)));
            all.extend(conditions.map(|condition| Instr::Csel(condition, 2, a, b)));
            all.extend(accesses(a, b));
        }
    }
    all.extend(conditions.into_iter().flat_map(|condition| [0, 2, 40].map(|to| Instr::Branch(condition, to))));
    for (domain, _) in super::print::DOMAINS as [(Domain, _); 4] {
        for kind in [BarrierType::Full, BarrierType::Loads, BarrierType::Stores] {
            all.extend([Instr::Dmb(domain, kind), Instr::Dsb(domain, kind)]);
        }
    }
    all.extend(invalidations());
    all
}

fn accesses(value: Operand, other: Operand) -> Vec<Instr> {
    let mut all = Vec::new();
    let cas = Data::CompareAndSwap { expected: value, new: other };
    let plain = [Data::Load, Data::Swap(value), cas, Data::Set(value), Data::Clear(value), Data::Add(value)];
    for target in [Target::Va(other), Target::Pa(0x4100_0008), Target::Pa(0x5000)] {
        for unprivileged in [false, true] {
            for address_dependency in [false, true] {
                let make = |data, dst| MemoryAccess {
                    unprivileged,
                    address_dependency,
                    ..MemoryAccess::new(data, target, dst)
                };
                for dst in [None, Some(5), Some(30)] {
                    all.extend(plain.map(|data| make(data, dst)));
                    all.push(MemoryAccess { exclusive: true, ..make(Data::Load, dst) });
                }
                all.push(make(Data::Store(value), None));
                all.push(MemoryAccess { status: Some(6), ..make(Data::Store(value), None) });
            }
        }
    }
    all.into_iter().map(Instr::Access).collect()
}

fn invalidations() -> Vec<Instr> {
    let mut all = Vec::new();
    for broadcast in [false, true] {
        let mut scopes = alloc::vec![Scope::Asid(1), Scope::Asid(0xffff), Scope::Vmall, Scope::Vmalls12];
        for (last_level, pages) in [(false, 1), (true, 1), (false, 0x10), (true, 0x200)] {
            scopes.push(Scope::Ipas2 { ipa: 0x9000, pages, last_level });
            scopes.extend([None, Some(1), Some(9)].map(|asid| Scope::Va { va: X, pages, asid, last_level }));
        }
        all.extend(scopes.into_iter().map(|scope| Instr::Tlbi(Tlbi { scope, broadcast })));
    }
    all
}

#[test]
fn every_instruction_is_read_as_it_was_written() {
    let (symbols, labels) = (symbols(), Labels::from([("again".to_string(), 2)]));
    let context = Context { symbols: &symbols, labels: &labels, asid: 1 };
    let program = instructions();
    assert!(program.len() > 1000);
    for piece in program.chunks(1000) {
        let lines = context.lines(piece);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let (read, found) = parse(&lines, &symbols, 1).unwrap_or_else(|(at, error)| panic!("{}: {error}", lines[at]));
        for (written, read) in piece.iter().zip(&read) {
            assert_eq!(written, read, "{}", context.text(written));
        }
        assert_eq!((read.len(), found), (piece.len(), labels.clone()));
    }
}

#[test]
fn names_stand_for_values() {
    let (symbols, lines) =
        (symbols(), ["again:", "STR leaf_new, pa:pte", "CAS X0, 0x1, [x]", "B.NE again", "TLBI VAE1IS, x"]);
    let (program, labels) = parse(&lines, &symbols, 1).expect("a program");
    assert_eq!(Context { symbols: &symbols, labels: &labels, asid: 1 }.lines(&program), lines);
    assert_eq!(
        program[0].clone(),
        Instr::Access(MemoryAccess::new(
            Data::Store(Operand::Value(0x60_0000_4800_0703)),
            Target::Pa(0x4100_0008),
            None
        ))
    );
}

#[test]
fn what_is_no_instruction_is_refused_with_a_reason() {
    let symbols = symbols();
    let refusal = |line: &str| parse(&[line], &symbols, 1).expect_err(line).1.message;
    assert_eq!(refusal("LRD X0, [x]"), "`LRD` is not an instruction; did you mean LDR?");
    assert_eq!(refusal("LDR X31, [x]"), "`X31` is not a register: X0 to X30");
    assert_eq!(refusal("LDR X1"), "LDR has 2 operands, and here 1");
    assert_eq!(
        refusal("STR leaf_nw, pa:pte"),
        "`leaf_nw` is neither a number nor one of the names; did you mean leaf_new?"
    );
    assert_eq!(refusal("LSL X0, X1, 12"), "`12`: a number of several digits begins with 0x");
    assert_eq!(refusal("AT S1E1, x"), "`S1E1` is not an AT instruction or access; did you mean S1E1A?");
    assert_eq!(refusal("AT LDR, x"), "`LDR` is not an AT instruction");
    assert_eq!(refusal("TLBI VAE1SI, x"), "`VAE1SI` is not a TLBI; did you mean VAE1?");
    assert_eq!(refusal("TLBI VAE1IS"), "TLBI VAE1IS has 1 operands after its name, and here 0");
    assert_eq!(refusal("CBZ X0, nowhere"), "`nowhere` is not a label of the program");
    assert_eq!(refusal("DSB IHS"), "`IHS` is not what a barrier orders, such as ISH, ISHST, SY");
    assert_eq!(refusal("STR X1, x"), "`x` is no place in memory: `[x]` for an address, `pa:x` for a physical one");
    assert_eq!(refusal("MSR TCR_EL9, X1"), "`TCR_EL9` is not a system register; did you mean TCR_EL1?");
    assert_eq!(refusal("X0:"), "`X0` is not a name: it is a register");
    for line in ["", " ", ":", "B", "LDR X0, []", "LDR X0, [,]", "STXR X0", "é", "TLBI", "TLBI R, x", "STR X1, pa:"] {
        assert!(!refusal(line).is_empty());
    }
}
