//! The threads of a test as actors of a machine.

use super::layout::Layout;
use super::record::{Access, Address, BarrierType, By, Domain, FaultThen, Flags, Function, Isb, Named, Op, Record};
use super::record::{Tlbi, TlbiKind, Value};
use crate::machine::program::{self, Alu, Condition, Data, Handler, Instr, MemoryAccess, Operand, Reg, Target, Then};
use crate::machine::tlbi::{self, Scope};
use crate::machine::{Actor, MOST_ACTORS, Machine};
use crate::scenario::ScenarioError;
use alloc::format;
use alloc::vec::Vec;

/// The number of a general register.
pub(super) fn register(name: &str) -> Result<Reg, ScenarioError> {
    let number = name.strip_prefix('X').and_then(|digits| digits.parse().ok());
    let known = number.filter(|number| usize::from(*number) < program::REGS);
    known.ok_or_else(|| ScenarioError::new(format_args!("`{name}` is not a register; expected X0 to X30")))
}

/// The machine of a test.
pub(super) fn machine(record: &Record, layout: &Layout, early: bool) -> Result<Machine, ScenarioError> {
    let threads = record.threads.len();
    if threads == 0 || threads >= MOST_ACTORS {
        let most = MOST_ACTORS - 1;
        return Err(ScenarioError::new(format_args!("threads: {threads} of them; expected 1 to {most}")));
    }
    let actors = (0..threads).map(|thread| actor(record, layout, thread)).collect::<Result<_, _>>()?;
    let mut machine = Machine::new(actors, layout.memory(record)?);
    machine.early = early;
    Ok(machine)
}

fn actor(record: &Record, layout: &Layout, thread: usize) -> Result<Actor, ScenarioError> {
    let asid = asid(record, thread);
    let updates = record.init.hw_update.get(thread).map_or(&[][..], Vec::as_slice);
    let ops = &record.threads[thread];
    let translate = Translator { layout, asid, length: ops.len() };
    let mut program = Vec::new();
    for (at, op) in ops.iter().enumerate() {
        program.push(translate.op(op).map_err(|error| error.within(format_args!("threads[{thread}][{at}]")))?);
    }
    let mut actor = Actor::vcpu(&format!("P{thread}"), layout.pe(asid, updates), program);
    for (name, value) in record.init.regs.get(&format!("{thread}")).into_iter().flatten() {
        let place = || format!("init.regs.{thread}.{name}");
        let value = layout.constant(value, false).map_err(|error| error.within(place()))?;
        let number = register(name).map_err(|error| error.within(place()))?;
        actor.regs[usize::from(number)] = value;
    }
    actor.handler =
        handler(record, layout, thread).map_err(|error| error.within(format_args!("fault_handlers.{thread}")))?;
    if ops.iter().any(|op| matches!(op.access(), Some(Access { at: Address::Reg(_), .. }))) {
        actor.vas = layout.addresses()?;
        if takes_descriptors_addresses(record) {
            actor.vas.extend(layout.windows()?);
        }
    }
    Ok(actor)
}

/// The ASID that a thread runs under.
fn asid(record: &Record, thread: usize) -> u16 {
    record.init.asid.get(&format!("{thread}")).copied().unwrap_or_default()
}

fn handler(record: &Record, layout: &Layout, thread: usize) -> Result<Handler, ScenarioError> {
    let Some(written) = record.fault_handlers.get(&thread) else {
        // Tests that retry say so once, for all threads.
        let retries = record.fault_handlers.is_empty() && record.features.iter().any(|name| name == "fault-retry");
        return Ok(Handler { sets: Vec::new(), then: if retries { Then::Again } else { Then::End } });
    };
    let mut sets = Vec::new();
    for (name, value) in &written.set {
        sets.push((register(name)?, layout.constant(value, false)?));
    }
    let then = match written.then {
        FaultThen::Stop => Then::End,
        FaultThen::Next => Then::Next,
        FaultThen::Retry => Then::Again,
    };
    Ok(Handler { sets, then })
}

fn takes_descriptors_addresses(record: &Record) -> bool {
    let is = |value: &Value| matches!(value, Value::Named(Named::Pte(super::record::Pte::Address(_))));
    let init = record.init.mem.values().chain(record.init.regs.values().flat_map(|regs| regs.values()));
    init.chain(record.threads.iter().flatten().flat_map(Op::operands)).any(is)
}

struct Translator<'a> {
    layout: &'a Layout,
    asid: u16,
    length: usize,
}

impl Translator<'_> {
    fn op(&self, op: &Op) -> Result<Instr, ScenarioError> {
        Ok(match op {
            Op::Dmb(barrier) => Instr::Dmb(domain(barrier.dom), barrier_type(barrier.ty)),
            Op::Dsb(barrier) => Instr::Dsb(domain(barrier.dom), barrier_type(barrier.ty)),
            Op::Isb(isb) => synchronization(isb),
            Op::Tlbi(tlbi) => Instr::Tlbi(self.tlbi(tlbi)?),
            Op::Mov(op) => Instr::Mov(register(&op.dst)?, self.operand(&op.val, false)?),
            Op::Alu(op) => {
                let (a, b) = (self.operand(&op.a, false)?, self.operand(&op.b, false)?);
                Instr::Alu(function(op.function), register(&op.dst)?, a, b)
            }
            Op::Cmp(op) => Instr::Cmp(self.operand(&op.a, false)?, self.operand(&op.b, false)?),
            Op::Csel(op) => {
                let (a, b) = (self.operand(&op.a, false)?, self.operand(&op.b, false)?);
                Instr::Csel(condition(Some(op.cond), None)?, register(&op.dst)?, a, b)
            }
            Op::Br(op) => {
                if usize::from(op.target) > self.length {
                    let problem = format_args!("target: {}, of {} operations", op.target, self.length);
                    return Err(ScenarioError::new(problem));
                }
                let tested = op.a.as_ref().map(|value| self.operand(value, false)).transpose()?;
                Instr::Branch(condition(op.cond, tested)?, op.target)
            }
            _ => Instr::Access(self.access(op)?),
        })
    }

    fn access(&self, op: &Op) -> Result<MemoryAccess, ScenarioError> {
        let Some(access) = op.access() else { return Err(ScenarioError::new("not an access")) };
        let stage2 = matches!(&access.at, Address::Pte(name) if self.layout.is_stage2(name));
        let operand = |value: &Option<Value>, field: &str| {
            let value = value.as_ref().ok_or_else(|| ScenarioError::new(format_args!("{field}: missing")))?;
            self.operand(value, stage2)
        };
        let value = || operand(&access.val, "val");
        let data = match op {
            Op::Ldr(_) => Data::Load,
            Op::Str(_) => Data::Store(value()?),
            Op::Swp(_) => Data::Swap(value()?),
            Op::Cas(_) => Data::CompareAndSwap { expected: operand(&access.expect, "expect")?, new: value()? },
            Op::Ldset(_) => Data::Set(value()?),
            Op::Ldclr(_) => Data::Clear(value()?),
            _ => Data::Add(value()?),
        };
        let target = match &access.at {
            Address::Va(name) => Target::Va(Operand::Value(self.layout.va(name)?)),
            Address::Pte(name) => Target::Pa(self.layout.entry(name)?),
            Address::Reg(reg) => Target::Va(Operand::Reg(register(reg)?)),
        };
        let number = |reg: &Option<alloc::string::String>| reg.as_deref().map(register).transpose();
        let is_store = matches!(op, Op::Str(_));
        if access.excl && is_store && access.status.is_none() {
            return Err(ScenarioError::new("status: missing; a store exclusive has one"));
        }
        Ok(MemoryAccess {
            exclusive: access.excl && matches!(op, Op::Ldr(_)),
            status: if is_store { number(&access.status)? } else { None },
            address_dependency: !access.deps.addr.is_empty(),
            ..MemoryAccess::new(data, target, if is_store { None } else { number(&access.dst)? })
        })
    }

    fn operand(&self, value: &Value, stage2: bool) -> Result<Operand, ScenarioError> {
        Ok(match value {
            Value::Named(Named::Reg(reg)) => Operand::Reg(register(reg)?),
            constant => Operand::Value(self.layout.constant(constant, stage2)?),
        })
    }

    fn tlbi(&self, tlbi: &Tlbi) -> Result<tlbi::Tlbi, ScenarioError> {
        let named = |name: &Option<alloc::string::String>, field: &str| {
            name.clone().ok_or_else(|| ScenarioError::new(format_args!("{field}: missing")))
        };
        let asid = tlbi.asid.unwrap_or(self.asid);
        let scope = match tlbi.kind {
            TlbiKind::Va => Scope::Va {
                va: self.layout.va(&named(&tlbi.va, "va")?)?,
                pages: 1,
                asid: (!tlbi.all_asid).then_some(asid),
                last_level: tlbi.last,
            },
            TlbiKind::Asid => Scope::Asid(asid),
            TlbiKind::Vmall => Scope::Vmall,
            TlbiKind::Ipas2 => {
                Scope::Ipas2 { ipa: self.layout.pa(&named(&tlbi.ipa, "ipa")?)?, pages: 1, last_level: tlbi.last }
            }
            TlbiKind::Vmalls12 => Scope::Vmalls12,
        };
        Ok(tlbi::Tlbi { scope, broadcast: tlbi.bcast })
    }
}

fn condition(flags: Option<Flags>, tested: Option<Operand>) -> Result<Condition, ScenarioError> {
    Ok(match (flags, tested) {
        (None | Some(Flags::Al), _) => Condition::Always,
        (Some(Flags::Eq), _) => Condition::Equal,
        (Some(Flags::Ne), _) => Condition::NotEqual,
        (Some(Flags::Z), Some(Operand::Reg(reg))) => Condition::Zero(reg),
        (Some(Flags::Nz), Some(Operand::Reg(reg))) => Condition::NotZero(reg),
        (Some(Flags::Z | Flags::Nz), _) => return Err(ScenarioError::new("cond: z and nz test a register, in a")),
    })
}

const fn function(function: Function) -> Alu {
    match function {
        Function::Add => Alu::Add,
        Function::Sub => Alu::Sub,
        Function::And => Alu::And,
        Function::Orr => Alu::Orr,
        Function::Eor => Alu::Eor,
        Function::Bic => Alu::Bic,
        Function::Lsl => Alu::Lsl,
        Function::Lsr => Alu::Lsr,
    }
}

pub(super) const fn synchronization(isb: &Isb) -> Instr {
    match isb.by {
        Some(By::Eret) => Instr::Eret,
        _ => Instr::Isb,
    }
}

pub(super) const fn domain(domain: Domain) -> program::Domain {
    match domain {
        Domain::Sy => program::Domain::FullSystem,
        Domain::Osh => program::Domain::OuterShareable,
        Domain::Ish => program::Domain::InnerShareable,
        Domain::Nsh => program::Domain::NonShareable,
    }
}

pub(super) const fn barrier_type(ty: BarrierType) -> program::BarrierType {
    match ty {
        BarrierType::Full => program::BarrierType::Full,
        BarrierType::Ld => program::BarrierType::Loads,
        BarrierType::St => program::BarrierType::Stores,
    }
}
