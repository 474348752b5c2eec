//! Scenarios of an AT instruction that a hypervisor emulates by a walk in software, while others change the tables.

mod layout;
mod record;

use super::super::error::ScenarioError;
use super::program::{barrier_type, domain, register, synchronization};
use super::verdict::{PolicyAnswer, run};
use crate::access::Op;
use crate::machine::explore::{Explorer, Observable, Observed, Options};
use crate::machine::program::{Data, Instr, MemoryAccess, Operand, Target};
use crate::machine::tlbi::{Scope, Tlbi};
use crate::machine::{Actor, Emulation, Machine, Policy, UpdateCheck};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use layout::{Kind, Pages};
use record::{Acts, Parts, Step, TlbiKind};

/// A scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it is called.
    pub name: String,
    /// What hardware comes to, as published.
    pub reference_hw: Option<BTreeSet<String>>,
    /// What each policy comes to, as published.
    pub published: BTreeMap<String, Published>,
    variants: BTreeMap<String, record::Variant>,
    pages: Pages,
    machine: Machine,
    seen: Vec<Seen>,
}

/// What was published of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// All outcomes.
    pub outcomes: BTreeSet<String>,
    /// Those that hardware does not have.
    pub extra: BTreeSet<String>,
}

/// Something that an outcome tells, and how.
#[derive(Clone, Debug)]
struct Seen {
    text: String,
    observable: Observable,
    kind: Kind,
}

/// The address that AT translates.
const VA: u64 = 0x20_0000;

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// What is wrong with it, and in which field.
    pub fn from_json(json: serde_json::Value) -> Result<Self, ScenarioError> {
        let record = Parts::read(json)?;
        let pages = Pages::new(&record)?;
        let machine = machine(&record, &pages)?;
        let seen = seen(&record, &pages)?;
        let published = record.policies.into_iter().map(|(name, policy)| {
            let [outcomes, extra] = [policy.outcomes, policy.extra].map(|list| list.into_iter().collect());
            (name, Published { outcomes, extra })
        });
        Ok(Self {
            name: record.name,
            reference_hw: record.reference_hw.map(|outcomes| outcomes.into_iter().collect()),
            published: published.collect(),
            variants: record.variants,
            pages,
            machine,
            seen,
        })
    }

    /// The machine where hardware executes the AT instructions.
    #[must_use]
    pub fn hardware(&self) -> Machine {
        self.machine.clone()
    }

    /// The machine where the hypervisor does.
    #[must_use]
    pub fn machine(&self, emulation: Emulation) -> Machine {
        Machine { emulation, tlb: false, ..self.machine.clone() }
    }

    /// What an outcome tells.
    #[must_use]
    pub fn observables(&self) -> Vec<Observable> {
        self.seen.iter().map(|seen| seen.observable).collect()
    }

    /// The policies and their variants, by their names in the record: those published, or else all there are.
    ///
    /// # Errors
    /// A policy that is not known.
    pub fn policies(&self) -> Result<Vec<(String, Emulation)>, ScenarioError> {
        const POLICIES: [&str; 4] = ["race", "pause-all", "tlb-lock", "seq-retry"];
        let mut names: Vec<String> = self.published.keys().cloned().collect();
        if names.is_empty() {
            names.extend(POLICIES.map(String::from));
            for (variant, of) in &self.variants {
                names.extend(of.policies.iter().map(|policy| format!("{policy} [{variant}]")));
            }
        }
        names.into_iter().map(|name| Ok((name.clone(), self.emulation(&name)?))).collect()
    }

    fn emulation(&self, name: &str) -> Result<Emulation, ScenarioError> {
        let unknown = |what: &str| ScenarioError::new(format_args!("policies.{name}: {what} that is not known"));
        let (base, variant) = match name.split_once(" [") {
            Some((base, variant)) => (base, variant.strip_suffix(']')),
            None => (name, None),
        };
        let options = match variant {
            Some(variant) => self.variants.get(variant).ok_or_else(|| unknown("a variant"))?.options.clone(),
            None => record::Options::default(),
        };
        let before_update = match options.check_before_cas {
            None => UpdateCheck::Never,
            Some(record::Check::Split) => UpdateCheck::Split,
            Some(record::Check::Atomic) => UpdateCheck::Atomic,
        };
        let policy = match base {
            "race" => Policy::Race,
            "pause-all" => Policy::PauseAll,
            "tlb-lock" => Policy::TlbLock { epoch: options.epoch },
            "seq-retry" => Policy::SeqRetry { before_update },
            _ => return Err(unknown("a policy")),
        };
        Ok(Emulation::Software { policy, instruction_first: false, host_covered: options.host_covered })
    }

    /// Everything that a machine of this scenario comes to, in words; how many states that takes, and whether it was
    /// explored to the end.
    #[must_use]
    pub fn outcomes(&self, machine: Machine, options: Options) -> (Vec<String>, usize, bool) {
        let mut explorer = Explorer::new(machine, self.observables(), options);
        let complete = run(&mut explorer);
        let ended = explorer.outcomes().iter().filter(|outcome| outcome.ended);
        let texts: BTreeSet<String> = ended.map(|outcome| self.text(&outcome.observed)).collect();
        (texts.into_iter().collect(), explorer.states(), complete)
    }

    /// An outcome in words.
    #[must_use]
    pub fn text(&self, observed: &[Observed]) -> String {
        let value = |observed: &Observed| match observed {
            Observed::Value(value) => *value as u64,
            _ => 0,
        };
        let all = self.seen.iter().zip(observed);
        let texts =
            all.map(|(seen, observed)| format!("{}={}", seen.text, self.pages.text(seen.kind, value(observed))));
        texts.collect::<Vec<_>>().join(" ")
    }

    /// In what the outcomes found differ from those published.
    pub(super) fn differs(&self, hardware: &[String], found: &BTreeMap<String, PolicyAnswer>) -> Option<String> {
        let differ = |ours: &[String], theirs: &BTreeSet<String>| !ours.iter().eq(theirs);
        if self.reference_hw.as_ref().is_some_and(|theirs| differ(hardware, theirs)) {
            return Some("the outcomes of hardware are others".into());
        }
        let other = self.published.iter().find(|(name, theirs)| {
            let ours = found.get(name.as_str());
            ours.is_none_or(|ours| differ(&ours.outcomes, &theirs.outcomes) || differ(&ours.extra, &theirs.extra))
        });
        other.map(|(name, _)| format!("the outcomes of {name} are others"))
    }
}

fn machine(record: &Parts, pages: &Pages) -> Result<Machine, ScenarioError> {
    let mut actors = Vec::new();
    for (thread, steps) in record.threads.iter().enumerate() {
        let place = |at: usize| format!("threads[{thread}][{at}]");
        let mut program = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            program.push(instr(step, pages).map_err(|error| error.within(place(at)))?);
        }
        let updates: BTreeSet<bool> = steps.iter().filter_map(Step::af_update).collect();
        if updates.len() > 1 {
            let problem = format_args!("threads[{thread}]: all its AT instructions have the same af_update, or none");
            return Err(ScenarioError::new(problem));
        }
        let mut actor = Actor::vcpu(&format!("P{thread}"), pages.pe(updates.contains(&true)), program);
        actor.host = record.actors.get(thread) == Some(&Acts::Host);
        actors.push(actor);
    }
    Ok(Machine::new(actors, pages.memory(record)?))
}

fn instr(step: &Step, pages: &Pages) -> Result<Instr, ScenarioError> {
    Ok(match step {
        Step::At(_) => Instr::At { op: Op::S1E1R, va: Operand::Value(VA) },
        Step::MrsPar(step) => Instr::MrsPar(register(&step.dst)?),
        Step::CondFlag(step) | Step::Ldr(step) => {
            let target = Target::Pa(pages.cell(&step.cell)?.address);
            Instr::Access(MemoryAccess::new(Data::Load, target, Some(register(&step.dst)?)))
        }
        Step::Str(step) => {
            let cell = pages.cell(&step.cell)?;
            let value = Operand::Value(pages.word(cell.kind, &step.val)?);
            Instr::Access(MemoryAccess::new(Data::Store(value), Target::Pa(cell.address), None))
        }
        Step::Dsb(step) => Instr::Dsb(domain(step.dom), barrier_type(step.ty)),
        Step::Dmb(step) => Instr::Dmb(domain(step.dom), barrier_type(step.ty)),
        Step::Isb(step) => synchronization(step),
        Step::Tlbi(step) => {
            let va = |last_level| Scope::Va { va: VA, pages: 1, asid: None, last_level };
            let scope = match step.kind {
                TlbiKind::Va | TlbiKind::Local => va(false),
                TlbiKind::Vale => va(true),
                TlbiKind::Vmall => Scope::Vmall,
                TlbiKind::Vmalls12 => Scope::Vmalls12,
            };
            Instr::Tlbi(Tlbi { scope, broadcast: step.kind != TlbiKind::Local })
        }
    })
}

/// What an outcome tells: of each thread its registers, and PAR where nobody reads it; and then the cells asked for.
fn seen(record: &Parts, pages: &Pages) -> Result<Vec<Seen>, ScenarioError> {
    let mut all = Vec::new();
    for (thread, steps) in record.threads.iter().enumerate() {
        let mut own: BTreeMap<&str, (Observable, Kind)> = BTreeMap::new();
        let actor = thread as u8;
        for step in steps {
            let (dst, kind) = match step {
                Step::MrsPar(step) => (&step.dst, Kind::Par),
                Step::CondFlag(step) | Step::Ldr(step) => (&step.dst, pages.cell(&step.cell)?.kind),
                _ => continue,
            };
            own.insert(dst, (Observable::Reg(actor, register(dst)?), kind));
        }
        let reads = steps.iter().any(|step| matches!(step, Step::MrsPar(_)));
        if !reads && steps.iter().any(|step| matches!(step, Step::At(_))) {
            own.insert("PAR", (Observable::Par(actor), Kind::Par));
        }
        let own = own.into_iter();
        all.extend(own.map(|(name, (observable, kind))| Seen { text: format!("P{thread}:{name}"), observable, kind }));
    }
    for name in &record.observe {
        let cell = pages.cell(name).map_err(|error| error.within("observe"))?;
        all.push(Seen { text: name.clone(), observable: Observable::Word(cell.address), kind: cell.kind });
    }
    Ok(all)
}
