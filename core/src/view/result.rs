//! The result: PAR_EL1 or an exception's registers, field by field, each with the step that decided it.

use super::{fields, words};
use crate::at::{Answer, Outcome};
use crate::layout::FieldValue;
use crate::layout::sysreg::SysReg;
use crate::outcome::{AddressDescriptor, FaultRecord};
use crate::pe::Pe;
use crate::step::{Event, Purpose, Step};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What came of the instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultView {
    /// Success or failure, and of what kind.
    pub kind: Kind,
    /// In a line: `PAR_EL1 = 0xb0f: Translation fault, level 3, at stage 2 on the stage 1 walk`.
    pub headline: String,
    /// What went wrong, or where the address leads.
    pub summary: String,
    /// What the walk knows and the registers do not say.
    pub unsaid: Option<String>,
    /// The fault, if there is one.
    pub fault: Option<FaultRecord>,
    /// The output, if there is one.
    pub output: Option<AddressDescriptor>,
    /// The registers written.
    pub registers: Vec<Register>,
}

/// What kind of result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// PAR_EL1.F = 0.
    Success,
    /// PAR_EL1.F = 1.
    Fault,
    /// An exception is taken.
    Exception,
    /// The instruction is UNDEFINED.
    Undefined,
    /// An ordinary access is performed.
    Performed,
}

impl Kind {
    /// In a word or two.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "translated",
            Self::Fault => "fault",
            Self::Exception => "exception",
            Self::Undefined => "UNDEFINED",
            Self::Performed => "performed",
        }
    }
}

/// A register the instruction wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// Which.
    pub register: SysReg,
    /// Its value.
    pub value: u128,
    /// Bits that are UNKNOWN or IMPLEMENTATION DEFINED.
    pub unknown: u128,
    /// Its fields.
    pub fields: Vec<Decided>,
}

/// A field and what decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The field and its value.
    pub field: FieldValue,
    /// What the value says, in words.
    pub words: String,
    /// Whether every bit of it is UNKNOWN or IMPLEMENTATION DEFINED.
    pub unknown: bool,
    /// The step that decided it.
    pub step: Option<usize>,
}

/// The result of an instruction.
#[must_use]
pub fn view(pe: &Pe, answer: &Answer, steps: &[Step]) -> ResultView {
    let (kind, lead, registers) = match &answer.result {
        Outcome::Undefined => (Kind::Undefined, String::from("the instruction is UNDEFINED"), Vec::new()),
        Outcome::Performed => (Kind::Performed, "the access is performed".into(), Vec::new()),
        Outcome::Par(par) => {
            let kind = if par.value & 1 == 1 { Kind::Fault } else { Kind::Success };
            let register = register(pe, SysReg::ParEl1, par.value, par.unknown, answer, steps);
            (kind, format!("PAR_EL1 = {:#x}", par.value), alloc::vec![register])
        }
        Outcome::Exception(exception) => {
            let written = exception.registers.iter().map(|written| {
                let (value, unknown) = (u128::from(written.value), u128::from(written.unknown));
                register(pe, written.register, value, unknown, answer, steps)
            });
            (Kind::Exception, format!("exception taken to EL{}", exception.el), written.collect())
        }
    };
    let summary = summary(answer, kind, steps);
    let headline = if summary.is_empty() { lead } else { format!("{lead}: {summary}") };
    let unsaid = unsaid(kind, answer, steps);
    ResultView { kind, headline, summary, unsaid, fault: answer.fault, output: answer.output, registers }
}

/// PAR_EL1 has no room for the IPA that stage 2 could not translate.
fn unsaid(kind: Kind, answer: &Answer, steps: &[Step]) -> Option<String> {
    let fault = answer.fault.filter(|fault| kind == Kind::Fault && fault.second_stage)?;
    let step = steps.iter().rev().find(|step| matches!(step.event, Event::Fault { .. }))?;
    let whose = match step.place.purpose {
        Purpose::Output => "stage 1's output".into(),
        Purpose::Descriptor(level) | Purpose::Update(level) => {
            format!("the stage-1 {} descriptor", words::level(level))
        }
    };
    Some(format!("PAR_EL1 does not say which IPA: it is {:#x}, of {whose}.", fault.ipa.address))
}

fn summary(answer: &Answer, kind: Kind, steps: &[Step]) -> String {
    match (&answer.fault, &answer.output) {
        (Some(fault), _) => words::fault(fault),
        (None, Some(output)) => format!("output address {}", words::output(output)),
        (None, None) if matches!(kind, Kind::Exception | Kind::Undefined) => {
            let said = steps.iter().rev().find(|step| matches!(step.event, Event::Trapped { .. } | Event::Undefined));
            said.map_or_else(String::new, |step| step.rule.text().trim_end_matches('.').into())
        }
        (None, None) => String::new(),
    }
}

fn register(pe: &Pe, name: SysReg, value: u128, unknown: u128, answer: &Answer, steps: &[Step]) -> Register {
    let decided = |field: FieldValue| {
        let mask = field.field.mask128();
        Decided {
            words: meaning(name, &field, answer),
            unknown: mask & unknown == mask && mask != 0,
            step: decider(name, field.field.name, steps),
            field,
        }
    };
    let fields = fields::register(pe, name, value).fields.into_iter().map(decided).collect();
    Register { register: name, value, unknown, fields }
}

fn meaning(register: SysReg, field: &FieldValue, answer: &Answer) -> String {
    let from_output = |say: fn(&AddressDescriptor) -> String| answer.output.as_ref().map(say);
    let said = match (register, field.field.name) {
        (SysReg::ParEl1, "F") if field.value == 0 => Some("the translation succeeded".into()),
        (SysReg::ParEl1, "F") => Some("the translation failed".into()),
        (SysReg::ParEl1, "ATTR") => from_output(|output| attributes(&format!("{}", output.attrs))),
        (SysReg::ParEl1, "PA") => from_output(|output| format!("output address {:#x}", output.address.address)),
        (SysReg::ParEl1, "FST") => answer.fault.map(|fault| format!("{}, level {}", fault.code.title(), fault.level)),
        (SysReg::ParEl1, "S") if field.value == 1 => Some("stage 2 raised it".into()),
        (SysReg::ParEl1, "S") => Some("stage 1 raised it".into()),
        (SysReg::ParEl1, "PTW") if field.value == 1 => Some("while stage 1 read its tables".into()),
        (SysReg::ParEl1, "PTW") => Some("not on the stage 1 table walk".into()),
        (SysReg::HpfarEl2, "FIPA") => answer.fault.map(|fault| format!("IPA {:#x}", fault.ipa.address)),
        _ => None,
    };
    said.or_else(|| field.named.map(Into::into)).unwrap_or_default()
}

/// The memory type alone, without the shareability and XS that follow it.
fn attributes(all: &str) -> String {
    let end = ["Non-shareable", "Inner Shareable", "Outer Shareable"].iter().find_map(|name| all.find(name));
    end.map_or(all, |end| &all[..end]).trim_end_matches([',', ' ']).into()
}

/// The step that decided a field: the last of the kind of event the field reports.
fn decider(register: SysReg, field: &str, steps: &[Step]) -> Option<usize> {
    let last = |is: fn(&Event) -> bool| steps.iter().rposition(|step| is(&step.event));
    let fault = last(|event| matches!(event, Event::Fault { .. }));
    let verdict = last(|event| matches!(event, Event::Trapped { .. } | Event::Undefined)).or(fault);
    match (register, field) {
        (_, "RES0" | "RES1") => None,
        (SysReg::ParEl1, "ATTR" | "SH") => last(|event| matches!(event, Event::Attributes { .. }))
            .or_else(|| last(|event| matches!(event, Event::Disabled { .. }))),
        (SysReg::ParEl1, "PA") => last(|event| matches!(event, Event::Leaf { .. }))
            .or_else(|| last(|event| matches!(event, Event::Disabled { .. }))),
        (SysReg::ParEl1, "NS" | "NSE") => last(|event| matches!(event, Event::Regime { .. })),
        (SysReg::ParEl1, "F") => {
            fault.or_else(|| last(|event| matches!(event, Event::Output { .. } | Event::Disabled { .. })))
        }
        (SysReg::FarEl1 | SysReg::FarEl2 | SysReg::FarEl3, _) => last(|event| matches!(event, Event::Begin { .. })),
        _ => verdict,
    }
}
