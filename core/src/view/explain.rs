//! Why: the chain of decisions in sentences, each with its rule and the bits that decided it.

use super::words;
use crate::layout::sysreg::SysReg;
use crate::outcome::FaultCode;
use crate::pe::Pe;
use crate::regime::Stage;
use crate::rule::Rule;
use crate::step::{Event, Step};
use crate::view::fields;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Index of the step.
    pub step: usize,
    /// Where: `stage 2 L1, for the stage-1 L0 descriptor`.
    pub place: String,
    /// What happened, with its values.
    pub what: String,
    /// The rule that decided it.
    pub rule: Rule,
    /// The bits that decided it.
    pub bits: Vec<Bit>,
}

/// A bit or field that decided something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bit {
    /// Whose: `HCR_EL2`, or `descriptor`.
    pub owner: String,
    /// Which field.
    pub field: &'static str,
    /// Its value.
    pub value: u64,
    /// The width of the field.
    pub width: u8,
}

impl Bit {
    /// `HCR_EL2.VM = 1`.
    #[must_use]
    pub fn text(&self) -> String {
        let value = if self.width <= 4 { words::binary(self.value, self.width) } else { words::hex(self.value.into()) };
        format!("{}.{} = {value}", self.owner, self.field)
    }
}

/// Every decision, in order.
#[must_use]
pub fn chain(pe: &Pe, steps: &[Step]) -> Vec<Reason> {
    (0..steps.len()).filter_map(|index| reason(pe, steps, index)).collect()
}

/// The decisions that lead to the result: which regime, how each stage began, where each descriptor led, the fault.
#[must_use]
pub fn why(pe: &Pe, steps: &[Step]) -> Vec<Reason> {
    let matters = |step: &Step| match step.event {
        Event::Regime { .. }
        | Event::Fault { .. }
        | Event::Par { .. }
        | Event::Exception { .. }
        | Event::Undefined
        | Event::Trapped { .. }
        | Event::Update { .. }
        | Event::Performed => true,
        Event::Start { .. } | Event::Table { .. } | Event::Leaf { .. } | Event::Disabled { .. } => {
            step.place.stage == Some(Stage::S1) || leads_to_fault(step, steps)
        }
        _ => false,
    };
    let chosen = steps.iter().enumerate().filter(|(_, step)| matters(step));
    chosen.filter_map(|(index, _)| reason(pe, steps, index)).collect()
}

/// Whether a stage-2 step belongs to the lookup that faulted, or to the translation of the output.
fn leads_to_fault(step: &Step, steps: &[Step]) -> bool {
    let fault = steps.iter().rev().find(|last| matches!(last.event, Event::Fault { .. }));
    match fault {
        Some(fault) => fault.place.stage == Some(Stage::S2) && fault.place.purpose == step.place.purpose,
        None => step.place.purpose == crate::step::Purpose::Output,
    }
}

/// One decision.
#[must_use]
pub fn reason(pe: &Pe, steps: &[Step], index: usize) -> Option<Reason> {
    let step = steps.get(index)?;
    let place = words::place(step.place);
    Some(Reason { step: index, place, what: what(step), rule: step.rule, bits: bits(pe, steps, index) })
}

/// What happened in a step, with its values.
#[must_use]
pub fn what(step: &Step) -> String {
    let name = |level| words::level(level);
    match step.event {
        Event::Begin { op, el, va } => format!("{} executes at EL{el} with address {va:#x}", op.name()),
        Event::Undefined => "the instruction is UNDEFINED".into(),
        Event::Trapped { el, esr } => format!("the instruction is trapped to EL{el}, ESR_EL{el} = {esr:#x}"),
        Event::Regime { regime, security, range, .. } => format!("{regime} regime, {security}, {}", words::half(range)),
        Event::Disabled { output } => {
            format!("off: the output is the input, {:#x}{}", output.address.address, words::in_context(output.mecid))
        }
        Event::Start { granule, ia_size, oa_size, level, table, .. } => format!(
            "{} granule, {ia_size}-bit input, {oa_size}-bit output: starts at {}, table {:#x}",
            granule.name(),
            name(level),
            table.address
        ),
        Event::Passed => "passed".into(),
        Event::Read { physical, value, .. } => format!("descriptor {value:#x} read from {:#x}", physical.address),
        Event::GptRead { address, level, value } => {
            format!("granule protection entry {value:#x}, level {level}, read from {:#x}", address.address)
        }
        Event::Table { next } => format!("table: the next one is at {:#x}", next.address),
        Event::Leaf { output, size, contiguous } => {
            let run = if contiguous { ", a contiguous run" } else { "" };
            format!("leaf: maps {}{run}, output {:#x}", words::size(size), output.address)
        }
        Event::Attributes { attrs } => format!("{attrs}"),
        Event::Permissions { rights } => {
            let may = |allowed: bool, letter| if allowed { letter } else { '-' };
            let letters = [may(rights.read, 'r'), may(rights.write, 'w'), may(rights.execute, 'x')];
            letters.iter().collect()
        }
        Event::Update { physical, old, new, found } if found == old => {
            format!("{new:#x} written over {old:#x} at {:#x}", physical.address)
        }
        Event::Update { old, found, .. } => format!("memory holds {found:#x}, not {old:#x}: the walk starts again"),
        Event::Output { output } => format!("output {}", words::output(&output)),
        Event::Fault { fault } => words::fault(&fault),
        Event::Par { value } => format!("PAR_EL1 = {value:#x}"),
        Event::Exception { el, esr } => format!("exception taken to EL{el}, ESR_EL{el} = {esr:#x}"),
        Event::Performed => "the access is performed".into(),
    }
}

/// The bits that decided a step.
fn bits(pe: &Pe, steps: &[Step], index: usize) -> Vec<Bit> {
    let step = &steps[index];
    let (registers, descriptor) = deciding(step);
    let registers = registers.iter().filter_map(|&(register, field)| of_register(pe, register, field));
    let read = || {
        let same = |earlier: &&Step| earlier.place == step.place && matches!(earlier.event, Event::Read { .. });
        steps[..index].iter().rev().find(same)
    };
    let from_descriptor = match (descriptor.is_empty(), read()) {
        (false, Some(Step { event: Event::Read { value, .. }, place, .. })) => {
            let decoded = fields::descriptor(pe, steps, *place, *value);
            decoded.fields.into_iter().filter(|held| descriptor.contains(&held.field.name)).collect()
        }
        _ => Vec::new(),
    };
    let held = from_descriptor.into_iter().map(|held| Bit {
        owner: "descriptor".into(),
        field: held.field.name,
        value: held.value,
        width: held.field.width(),
    });
    registers.chain(held).collect()
}

fn of_register(pe: &Pe, register: SysReg, field: &'static str) -> Option<Bit> {
    let held = fields::register(pe, register, pe.regs.get128(register)).fields.into_iter();
    let held = held.into_iter().find(|held| held.field.name == field)?;
    Some(Bit { owner: register.name().into(), field, value: held.value, width: held.field.width() })
}

type Fields = &'static [(SysReg, &'static str)];

/// Which register fields, and which descriptor fields, decide a step.
fn deciding(step: &Step) -> (Fields, &'static [&'static str]) {
    const VALID: &[&str] = &["Valid", "Type"];
    const PERMISSIONS: &[&str] = &["AP[2:1]", "AP[2]", "UXN", "PXN", "XN", "XN[1:0]", "S2AP", "DBM"];
    const ATTRIBUTES: &[&str] = &["AttrIndx", "AttrIndx[2:0]", "SH", "MemAttr", "MemAttr[3:0]", "FnXS"];
    let stage2 = step.place.stage == Some(Stage::S2);
    match step.event {
        Event::Regime { .. } => (&[(SysReg::HcrEl2, "E2H"), (SysReg::HcrEl2, "TGE")], &[]),
        Event::Start { .. } if stage2 => {
            (&[(SysReg::VtcrEl2, "TG0"), (SysReg::VtcrEl2, "T0SZ"), (SysReg::VtcrEl2, "SL0")], &[])
        }
        Event::Disabled { .. } if stage2 => (&[(SysReg::HcrEl2, "VM"), (SysReg::HcrEl2, "DC")], &[]),
        Event::Table { .. } | Event::Leaf { .. } => (&[], VALID),
        Event::Attributes { .. } => (&[], ATTRIBUTES),
        Event::Permissions { .. } => (&[], PERMISSIONS),
        Event::Trapped { .. } => (&[(SysReg::HcrEl2, "AT"), (SysReg::HcrEl2, "NV")], &[]),
        Event::Output { output } if output.mecid != 0 => (&[], &["AMEC"]),
        Event::Fault { .. } if step.rule == Rule::LeafAlternateContext => {
            (&[(SysReg::Tcr2El2, "AMEC0"), (SysReg::Tcr2El2, "AMEC1")], &["AMEC"])
        }
        Event::Fault { fault } => match fault.code {
            FaultCode::Translation if step.place.level.is_some() => (&[], VALID),
            FaultCode::AccessFlag => (&[], &["AF"]),
            FaultCode::Permission => (&[], PERMISSIONS),
            FaultCode::AddressSize if stage2 => (&[(SysReg::VtcrEl2, "PS")], &[]),
            _ => (&[], &[]),
        },
        _ => (&[], &[]),
    }
}

/// How the address of a descriptor is made: `table + index × 8`, or × 16 where descriptors have 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formula {
    /// The table's address.
    pub table: u64,
    /// The index.
    pub index: u64,
    /// The input address bits the index is.
    pub high: u8,
    /// The least significant of them.
    pub low: u8,
    /// A descriptor's size in bytes.
    pub bytes: u8,
    /// The descriptor's address.
    pub descriptor: u64,
    /// The physical address it was read from.
    pub physical: u64,
    /// The stage: the input is a VA in stage 1, an IPA in stage 2.
    pub stage: Stage,
}

impl Formula {
    /// The formula of a read, if the step is one.
    #[must_use]
    pub fn of(step: &Step) -> Option<Self> {
        let Event::Read { descriptor, physical, table, input, index_high, index_low, wide, .. } = step.event else {
            return None;
        };
        Some(Self {
            table,
            index: crate::bits::bits(input, index_high.into(), index_low.into()),
            high: index_high,
            low: index_low,
            bytes: if wide { 16 } else { 8 },
            descriptor: descriptor.address,
            physical: physical.address,
            stage: step.place.stage.unwrap_or(Stage::S1),
        })
    }

    /// The name of the input address: `VA` or `IPA`.
    #[must_use]
    pub const fn input_name(&self) -> &'static str {
        match self.stage {
            Stage::S1 => "VA",
            Stage::S2 => "IPA",
        }
    }

    /// `0x1000 + 0x1a × 8 = 0x10d0, where 0x1a is VA[47:39]`.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { table, index, high, low, bytes, descriptor, .. } = self;
        format!(
            "{table:#x} + {index:#x} × {bytes} = {descriptor:#x}, where {index:#x} is {}[{high}:{low}]",
            self.input_name()
        )
    }
}
