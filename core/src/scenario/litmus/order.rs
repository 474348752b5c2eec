//! What a test would need of a machine that this is not: found in its program alone.
//!
//! The machine executes accesses in program order, and walks update descriptors for accesses that are made. Where an
//! outcome is published as allowed and the machine never comes to it, the program must have room for something else:
//! two accesses that nothing orders, a fault that nothing holds back, or a descriptor that hardware may update ahead of
//! time. A program without such room is one that the machine gets wrong.

use super::condition::descriptor;
use super::record::{Access, Address, BarrierType, Descriptor, HwUpdate, Named, Op, Ord, Record, Value};
use alloc::vec::Vec;

/// Something that the machine does not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, core::cmp::Ord)]
pub enum Beyond {
    /// Walks before their turn, which are a switch.
    Early,
    /// Descriptor updates ahead of the access that they are for, or for none.
    SpeculativeUpdate,
    /// Accesses out of program order, or buffered.
    OutOfOrder,
    /// A fault that is decided before an access earlier in program order.
    OutOfOrderFault,
}

impl Beyond {
    /// The thing in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Early => "a translation made before its turn",
            Self::SpeculativeUpdate => "a speculative update of access flag or dirty state",
            Self::OutOfOrder => "accesses out of program order",
            Self::OutOfOrderFault => "a fault ahead of an earlier access",
        }
    }
}

/// What of all that the program of a test has room for; [`Beyond::Early`] apart, which is found out by trying.
pub(super) fn room(record: &Record) -> Vec<Beyond> {
    let mut found = Vec::new();
    if updates_speculatively(record) {
        found.push(Beyond::SpeculativeUpdate);
    }
    let written: Vec<&str> =
        record.threads.iter().flatten().filter(|op| op.writes()).filter_map(descriptor_of).collect();
    let (mut unordered, mut fault) = (false, false);
    for ops in &record.threads {
        let order = Order::new(ops);
        unordered |= invalidates_unordered(ops);
        for (later, earlier) in pairs(ops) {
            if !order.effects[later][earlier] {
                unordered = true;
            } else if mapping_of(&ops[later]).is_some_and(|name| written.contains(&name)) {
                fault |= !order.faults[later][earlier];
            }
        }
    }
    found.extend(unordered.then_some(Beyond::OutOfOrder));
    found.extend(fault.then_some(Beyond::OutOfOrderFault));
    found
}

/// The accesses of a thread in pairs, the later one first.
fn pairs(ops: &[Op]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let accesses = |range: core::ops::Range<usize>| range.filter(|&at| ops[at].access().is_some());
    accesses(0..ops.len()).flat_map(move |later| accesses(0..later).map(move |earlier| (later, earlier)))
}

fn descriptor_of(op: &Op) -> Option<&str> {
    match &op.access()?.at {
        Address::Pte(name) => Some(name),
        _ => None,
    }
}

fn mapping_of(op: &Op) -> Option<&str> {
    match &op.access()?.at {
        Address::Va(name) => Some(name),
        _ => None,
    }
}

/// For each pair of accesses of a thread, by the later one first, what is ordered after the earlier one.
struct Order {
    /// The later access's effect on memory.
    effects: Vec<Vec<bool>>,
    /// Its translation, and so whether it faults.
    faults: Vec<Vec<bool>>,
}

impl Order {
    fn new(ops: &[Op]) -> Self {
        let none = alloc::vec![alloc::vec![false; ops.len()]; ops.len()];
        let mut order = Self { effects: none.clone(), faults: none };
        for (later, earlier) in pairs(ops) {
            order.effects[later][earlier] = orders_effect(ops, earlier, later);
        }
        for earlier in 0..ops.len() {
            for later in Flow::from(ops, earlier) {
                order.effects[later][earlier] = true;
            }
        }
        // Through whatever lies between: all that an access in between is ordered after is known before.
        for (later, earlier) in pairs(ops) {
            let between =
                (earlier + 1..later).any(|middle| order.effects[middle][earlier] && order.effects[later][middle]);
            order.effects[later][earlier] |= between;
        }
        for (later, earlier) in pairs(ops) {
            order.faults[later][earlier] = order.orders_fault(ops, earlier, later);
        }
        let direct = order.faults.clone();
        for (later, earlier) in pairs(ops) {
            let between = (earlier + 1..later).any(|middle| order.effects[middle][earlier] && direct[later][middle]);
            order.faults[later][earlier] |= between;
        }
        order
    }

    fn orders_fault(&self, ops: &[Op], earlier: usize, later: usize) -> bool {
        let Some(access) = ops[later].access() else { return false };
        let ordered = self.effects[later][earlier];
        barrier(ops, earlier, later)
            || acquires(&ops[earlier])
            || access.deps.addr.contains(&earlier)
            || ordered && matches!(access.at, Address::Reg(_))
            || ordered && ops[earlier + 1..later].iter().any(|op| matches!(op, Op::Isb(_)))
    }
}

fn acquires(op: &Op) -> bool {
    matches!(op.access(), Some(Access { ord: Some(Ord::Acq | Ord::AcqRel), .. }))
}

fn orders_effect(ops: &[Op], earlier: usize, later: usize) -> bool {
    let (a, b) = (&ops[earlier], &ops[later]);
    let (Some(first), Some(second)) = (a.access(), b.access()) else { return false };
    let deps = &second.deps;
    barrier(ops, earlier, later)
        || acquires(a)
        || matches!(second.ord, Some(Ord::Rel | Ord::AcqRel))
        || deps.addr.contains(&earlier)
        || deps.data.contains(&earlier)
        || deps.ctrl.contains(&earlier) && b.writes()
        || first.at == second.at
}

/// Whether a barrier between two accesses orders them.
fn barrier(ops: &[Op], earlier: usize, later: usize) -> bool {
    let (a, b) = (&ops[earlier], &ops[later]);
    ops[earlier + 1..later].iter().any(|op| match op {
        Op::Dmb(barrier) | Op::Dsb(barrier) => match barrier.ty {
            BarrierType::Full => true,
            BarrierType::Ld => a.reads(),
            BarrierType::St => a.writes() && b.writes(),
        },
        _ => false,
    })
}

/// What follows from the value that an access loads: the registers that depend on it, and whether a branch has.
struct Flow<'a> {
    registers: Vec<&'a str>,
    flags: bool,
    branched: bool,
    synchronized: bool,
}

impl<'a> Flow<'a> {
    /// The accesses that are ordered after a load because they depend on what it loaded.
    fn from(ops: &'a [Op], load: usize) -> Vec<usize> {
        let Some(dst) = ops[load].access().and_then(|access| access.dst.as_deref()) else { return Vec::new() };
        let mut flow = Self { registers: Vec::from([dst]), flags: false, branched: false, synchronized: false };
        (load + 1..ops.len()).filter(|&at| flow.reaches(&ops[at])).collect()
    }

    fn reaches(&mut self, op: &'a Op) -> bool {
        let depends = op.operands().any(|value| match value {
            Value::Named(Named::Reg(reg)) => self.registers.contains(&reg.as_str()),
            _ => false,
        });
        match op {
            Op::Isb(_) => self.synchronized |= self.branched,
            Op::Cmp(_) => self.flags = depends,
            Op::Br(branch) => {
                use super::record::Flags::{Eq, Ne};
                self.branched |= depends || self.flags && matches!(branch.cond, Some(Eq | Ne));
            }
            Op::Mov(_) | Op::Alu(_) => self.write(op, depends),
            Op::Csel(_) => self.write(op, depends || self.flags),
            _ => {}
        }
        let Some(access) = op.access() else { return false };
        let address = matches!(&access.at, Address::Reg(reg) if self.registers.contains(&reg.as_str()));
        if !depends {
            self.write(op, false);
        }
        depends || address || self.synchronized || self.branched && op.writes()
    }

    fn write(&mut self, op: &'a Op, depends: bool) {
        for written in op.written() {
            self.registers.retain(|register| *register != written);
            if depends {
                self.registers.push(written);
            }
        }
    }
}

/// Whether a TLBI, or a use of a mapping, comes after a store to a descriptor, or a TLBI after any other access, with
/// no DSB between that would order them.
fn invalidates_unordered(ops: &[Op]) -> bool {
    let dsb = |earlier: usize, later: usize, types: &[BarrierType]| {
        ops[earlier + 1..later].iter().any(|op| matches!(op, Op::Dsb(barrier) if types.contains(&barrier.ty)))
    };
    (0..ops.len()).filter(|&at| ops[at].access().is_some()).any(|at| {
        let op = &ops[at];
        let waits: &[BarrierType] = match op {
            _ if op.writes() && descriptor_of(op).is_some() => &[BarrierType::Full, BarrierType::St],
            _ if op.reads() => &[BarrierType::Full, BarrierType::Ld],
            _ => &[BarrierType::Full, BarrierType::St],
        };
        let stores_descriptor = op.writes() && descriptor_of(op).is_some();
        let minds = |op: &Op| matches!(op, Op::Tlbi(_)) || stores_descriptor && mapping_of(op).is_some();
        (at + 1..ops.len()).any(|next| minds(&ops[next]) && !dsb(at, next, waits))
    })
}

/// Whether hardware may update a descriptor for an access that is not made, or not yet.
fn updates_speculatively(record: &Record) -> bool {
    let known = Descriptors::new(record);
    record.threads.iter().enumerate().any(|(thread, ops)| {
        let updates = record.init.hw_update.get(thread).map_or(&[][..], Vec::as_slice);
        let ages = updates.contains(&HwUpdate::Ha)
            && known.all.iter().any(|(name, pte)| !pte.af.0 && (pte.valid.0 || known.changed.contains(name)));
        let dirties = |op: &Op| {
            let Some(own) = mapping_of(op).filter(|_| op.writes()) else { return false };
            known.all.iter().any(|(name, pte)| *name == own && pte.dbm.0 && !pte.db.0)
        };
        ages || updates.contains(&HwUpdate::Hd) && ops.iter().any(dirties)
    })
}

/// The descriptors that a test mentions, by the name that they are of.
struct Descriptors<'a> {
    all: Vec<(&'a str, &'a Descriptor)>,
    /// Names whose descriptors are changed bit by bit, or to what a register holds.
    changed: Vec<&'a str>,
}

impl<'a> Descriptors<'a> {
    fn new(record: &'a Record) -> Self {
        let init = record.init.ptes.iter().chain(&record.init.s2ptes);
        let mut known = Self { all: init.map(|(name, pte)| (name.as_str(), pte)).collect(), changed: Vec::new() };
        for op in record.threads.iter().flatten() {
            let (Some(name), Some(access)) = (descriptor_of(op), op.access()) else { continue };
            known.all.extend(access.val.as_ref().and_then(descriptor).map(|pte| (name, pte)));
            let register = matches!(access.val, Some(Value::Named(Named::Reg(_))));
            if op.writes() && (register || matches!(op, Op::Ldset(_) | Op::Ldclr(_) | Op::Ldadd(_))) {
                known.changed.push(name);
            }
        }
        known
    }
}
