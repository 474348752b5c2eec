//! Reading a scenario.

use super::asm::{self, Labels};
use super::tree::{At, Read, Tree};
use super::{HARDWARE, Scenario, Symbols, Watched, observe, own_asid, symbols};
use crate::choice::Choice;
use crate::feature::Feature;
use crate::layout::sysreg::SysReg;
use crate::machine::program::{Handler, REGS, Reg, Then};
use crate::machine::{Actor, Backing, Emulation, MOST_ACTORS, Machine, Policy};
use crate::memory::Memory;
use crate::pe::Pe;
use crate::regs::Regs;
use crate::scenario::error::suggestion;
use crate::scenario::names::lookup;
use crate::scenario::number::parse_hex;
use alloc::string::String;
use alloc::vec::Vec;

const FIELDS: [&str; 17] = [
    "name",
    "title",
    "about",
    "names",
    "pa_bits",
    "features",
    "choices",
    "regs",
    "memory",
    "actors",
    "backing",
    "emulation",
    "tlb",
    "early",
    "stepwise",
    "observe",
    "expect",
];
const ACTOR_FIELDS: [&str; 11] =
    ["name", "host", "el", "pstate", "regs", "x", "addresses", "program", "handler", "emulated", "guest"];

/// The fields of an object, each of a name that is known.
struct Fields<'a>(Vec<(&'a str, At<'a>)>);

impl<'a> Fields<'a> {
    fn read(at: &At<'a>, what: &str, known: &[&str]) -> Read<'a, Self> {
        let fields = at.object(&alloc::format!("{what}: an object with {}", known.join(", ")))?;
        for (name, field) in &fields {
            if !known.contains(name) {
                let nearest = suggestion(name, known.iter().copied());
                return Err(field.wrong(format_args!("not a field of {what}{nearest}")));
            }
        }
        Ok(Self(fields))
    }

    fn get(&self, name: &str) -> Option<&At<'a>> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, field)| field)
    }

    fn text(&self, name: &str) -> Read<'a, String> {
        self.get(name).map_or_else(|| Ok(String::new()), |field| field.text("text").map(String::from))
    }

    fn flag(&self, name: &str, default: bool) -> Read<'a, bool> {
        self.get(name).map_or(Ok(default), At::bool)
    }

    fn each<T>(&self, name: &str, expected: &str, read: impl FnMut(At<'a>) -> Read<'a, T>) -> Read<'a, Vec<T>> {
        let Some(list) = self.get(name) else { return Ok(Vec::new()) };
        list.list(expected)?.into_iter().map(read).collect()
    }
}

/// A number, or the name of one.
fn word<'a>(at: &At<'a>, symbols: &Symbols) -> Read<'a, u64> {
    match at.tree {
        Tree::Number(number) => Ok(*number),
        _ => at.checked(symbols.resolve(at.text("a number in hexadecimal, or a name")?).map_err(|error| error.message)),
    }
}

fn one_of<'a>(at: &At<'a>, allowed: &[u8]) -> Read<'a, u8> {
    let found = match at.tree {
        Tree::Number(number) => allowed.iter().copied().find(|&known| u64::from(known) == *number),
        _ => None,
    };
    found.ok_or_else(|| at.wrong(format_args!("expected one of {allowed:?}")))
}

pub(super) fn scenario<'a>(at: &At<'a>) -> Read<'a, Scenario> {
    let fields = Fields::read(at, "a scenario", &FIELDS)?;
    let mut symbols = Symbols::default();
    if let Some(names) = fields.get("names") {
        for (name, value) in names.object("an object of names: {\"x\": \"0x4008_0000\"}")? {
            let number = word(&value, &Symbols::default())?;
            value.checked(symbols.add(name, number))?;
        }
    }
    let common = common(&fields, &symbols)?;
    let Some(actors) = fields.get("actors") else { return Err(at.wrong("actors: missing; expected a list of vCPUs")) };
    let mut machine = Machine::new(Vec::new(), memory(&fields, &symbols)?);
    let mut labels = Vec::new();
    for actor in actors.list("a list of vCPUs")? {
        let (read, own) = self::actor(&actor, &common, &symbols)?;
        if machine.actors.iter().any(|other| other.name == read.name) {
            return Err(actor.wrong(format_args!("there are two actors called `{}`", read.name)));
        }
        machine.actors.push(read);
        labels.push(own);
    }
    if machine.actors.is_empty() || machine.actors.len() > MOST_ACTORS {
        return Err(actors.wrong(format_args!("a machine has 1 to {MOST_ACTORS} actors")));
    }
    machine.backing = fields.each("backing", "a list of pages", |page| backing(&page, &symbols))?;
    if let Some(who) = fields.get("emulation") {
        machine.emulation = emulation(who)?;
    }
    machine.tlb = fields.flag("tlb", true)?;
    machine.early = fields.flag("early", false)?;
    machine.stepwise = fields.flag("stepwise", false)?;
    let observe = observed(&fields, &machine, &symbols)?;
    let expect = expected(&fields)?;
    let [name, title, about] = [fields.text("name")?, fields.text("title")?, fields.text("about")?];
    Ok(Scenario { name, title, about, machine, symbols, labels, observe, expect })
}

/// What all actors have in common.
fn common<'a>(fields: &Fields<'a>, symbols: &Symbols) -> Read<'a, Pe> {
    let mut pe = Pe::default();
    if let Some(bits) = fields.get("pa_bits") {
        pe.pa_bits = one_of(bits, &[32, 36, 40, 42, 44, 48, 52, 56])?;
    }
    if let Some(features) = fields.get("features") {
        for (name, value) in features.object("an object of features: {\"FEAT_LPA2\": false}")? {
            let feature: Feature = value.checked(lookup(name))?;
            pe.features = pe.features.set(feature, value.bool()?);
        }
    }
    if let Some(choices) = fields.get("choices") {
        for (name, value) in choices.object("an object of choices: {\"bbm_level\": \"1\"}")? {
            let choice: Choice = value.checked(lookup(name))?;
            let text = match value.tree {
                Tree::Bool(value) => alloc::format!("{value}"),
                Tree::Number(value) => alloc::format!("{value}"),
                _ => value.text("true, false, a number or a name")?.into(),
            };
            value.checked(pe.choices.set(choice.name(), &text))?;
        }
    }
    if let Some(given) = fields.get("regs") {
        registers(given, &mut pe.regs, symbols)?;
    }
    Ok(pe)
}

fn registers<'a>(at: &At<'a>, regs: &mut Regs, symbols: &Symbols) -> Read<'a, ()> {
    for (name, value) in at.object("an object of registers: {\"TCR_EL1\": \"0x19\"}")? {
        let register: SysReg = value.checked(lookup(name))?;
        let number = match value.tree {
            Tree::Text(text) if symbols.value(text).is_none() && parse_hex(text).is_ok() => {
                parse_hex(text).unwrap_or_default()
            }
            _ => word(&value, symbols)?.into(),
        };
        let width = register.width();
        if width < 128 && number >> width != 0 {
            return Err(value.wrong(format_args!("{number:#x} does not fit; {} has {width} bits", register.name())));
        }
        regs.set(register, number);
    }
    Ok(())
}

fn address<'a>(at: &At<'a>, text: &str, symbols: &Symbols) -> Read<'a, u64> {
    let address = at.checked(symbols.resolve(text).map_err(|error| error.message))?;
    at.checked(crate::scenario::parse_address(&alloc::format!("{address:#x}")).map_err(|error| error.message))
}

fn memory<'a>(fields: &Fields<'a>, symbols: &Symbols) -> Read<'a, Memory> {
    let mut memory = Memory::new();
    if let Some(words) = fields.get("memory") {
        let mut seen = alloc::collections::BTreeSet::new();
        for (place, value) in words.object("an object of doublewords: {\"0x4000_0000\": \"0x0\"}")? {
            let address = address(&value, place, symbols)?;
            if !seen.insert(address) {
                return Err(value.wrong("a doubleword given twice"));
            }
            memory.write(address, word(&value, symbols)?);
        }
    }
    Ok(memory)
}

fn actor<'a>(at: &At<'a>, common: &Pe, symbols: &Symbols) -> Read<'a, (Actor, Labels)> {
    let fields = Fields::read(at, "an actor", &ACTOR_FIELDS)?;
    let name = fields.text("name")?;
    if name.is_empty() || name.contains(['.', ' ']) {
        return Err(at.wrong("name: an actor has a name, without space and dot"));
    }
    let mut actor = Actor::vcpu(&name, context(&fields, common, symbols)?, Vec::new());
    actor.host = fields.flag("host", false)?;
    if let Some(regs) = fields.get("x") {
        for (reg, value) in general(regs, symbols)? {
            actor.regs[usize::from(reg)] = value;
        }
    }
    actor.vas = fields.each("addresses", "a list of addresses", |va| word(&va, symbols))?;
    let mut labels = Labels::new();
    if let Some(program) = fields.get("program") {
        let places = program.list("a list of instructions, each as text")?;
        let lines: Vec<&str> = places.iter().map(|line| line.text("an instruction")).collect::<Read<'_, _>>()?;
        let read = asm::parse(&lines, symbols, own_asid(&actor));
        (actor.program, labels) = read.map_err(|(line, error)| places[line].wrong(error.message))?;
    }
    if let Some(given) = fields.get("handler") {
        actor.handler = handler(given, &labels, symbols)?;
    }
    if let Some(given) = fields.get("emulated") {
        let own = Fields::read(given, "a hypervisor's context", &["el", "pstate", "regs"])?;
        actor.emulated = Some(context(&own, &Pe { el: 2, ..actor.pe.clone() }, symbols)?);
    }
    if let Some(given) = fields.get("guest") {
        let own = Fields::read(given, "a guest as it sees itself", &["el", "pstate", "regs"])?;
        actor.guest = Some(context(&own, &blank(&actor.pe), symbols)?);
    }
    Ok((actor, labels))
}

/// At EL2, with every register 0.
pub(super) fn blank(pe: &Pe) -> Pe {
    Pe { el: 2, regs: Regs::new(), ..pe.clone() }
}

/// A PE from what it has apart from another.
fn context<'a>(fields: &Fields<'a>, other: &Pe, symbols: &Symbols) -> Read<'a, Pe> {
    let mut pe = other.clone();
    if let Some(el) = fields.get("el") {
        pe.el = one_of(el, &[0, 1, 2, 3])?;
    }
    if let Some(pstate) = fields.get("pstate") {
        let known = Fields::read(pstate, "PSTATE", &["PAN", "UAO"])?;
        for (name, field) in [("PAN", &mut pe.pan), ("UAO", &mut pe.uao)] {
            *field = known.get(name).map_or(Ok(u8::from(*field)), |value| one_of(value, &[0, 1]))? == 1;
        }
    }
    if let Some(regs) = fields.get("regs") {
        registers(regs, &mut pe.regs, symbols)?;
    }
    Ok(pe)
}

fn general<'a>(at: &At<'a>, symbols: &Symbols) -> Read<'a, Vec<(Reg, u64)>> {
    let mut all = Vec::new();
    for (name, value) in at.object("an object of general registers: {\"X1\": \"0x1\"}")? {
        let Some(reg) = symbols::register(name) else {
            return Err(value.wrong(format_args!("not a register: X0 to X{}", REGS - 1)));
        };
        all.push((reg, word(&value, symbols)?));
    }
    Ok(all)
}

fn handler<'a>(at: &At<'a>, labels: &Labels, symbols: &Symbols) -> Read<'a, Handler> {
    let fields = Fields::read(at, "a handler", &["set", "then"])?;
    let sets = fields.get("set").map_or(Ok(Vec::new()), |regs| general(regs, symbols))?;
    let then = match fields.get("then") {
        None => Then::End,
        Some(then) => match then.text("end, next, again or a label")? {
            "end" => Then::End,
            "next" => Then::Next,
            "again" => Then::Again,
            label => match labels.iter().find(|(known, _)| known == label) {
                Some((_, at)) => Then::Goto(*at),
                None => return Err(then.wrong(format_args!("`{label}` is none of end, next, again, and no label"))),
            },
        },
    };
    Ok(Handler { sets, then })
}

fn backing<'a>(at: &At<'a>, symbols: &Symbols) -> Read<'a, Backing> {
    let fields = Fields::read(at, "a page that the host has", &["ipa", "entry", "descriptor"])?;
    let number = |name: &str| {
        let Some(field) = fields.get(name) else { return Err(at.wrong(format_args!("{name}: missing"))) };
        word(field, symbols)
    };
    Ok(Backing { ipa: number("ipa")?, entry: number("entry")?, descriptor: number("descriptor")? })
}

fn emulation<'a>(at: &At<'a>) -> Read<'a, Emulation> {
    if let Tree::Text(text) = at.tree {
        if text == HARDWARE {
            return Ok(Emulation::Hardware);
        }
        let policy: Policy = at.checked(lookup(text))?;
        return Ok(Emulation::Software { policy, instruction_first: false, host_covered: true });
    }
    let fields = Fields::read(at, "an emulation", &["policy", "instruction_first", "host_covered"])?;
    let policy = match fields.get("policy") {
        Some(policy) => policy.checked(lookup(policy.text("the name of a policy")?))?,
        None => Policy::default(),
    };
    let [instruction_first, host_covered] =
        [fields.flag("instruction_first", false)?, fields.flag("host_covered", true)?];
    Ok(Emulation::Software { policy, instruction_first, host_covered })
}

fn observed<'a>(fields: &Fields<'a>, machine: &Machine, symbols: &Symbols) -> Read<'a, Vec<Watched>> {
    let Some(labels) = fields.get("observe") else { return Ok(Vec::new()) };
    let actors: Vec<&str> = machine.actors.iter().map(|actor| actor.name.as_str()).collect();
    let mut all = Vec::new();
    for (label, at) in labels.object("an object of labels: {\"PAR\": \"guest.PAR\"}")? {
        let text = at.text("what to look at, such as `guest.PAR`")?;
        all.push(at.checked(observe::parse(label, text, &actors, symbols).map_err(|error| error.message))?);
    }
    Ok(all)
}

fn expected<'a>(fields: &Fields<'a>) -> Read<'a, Vec<(String, Vec<String>)>> {
    let Some(given) = fields.get("expect") else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for (policy, at) in given.object("an object of outcomes by policy")? {
        if policy != HARDWARE {
            at.checked(lookup::<Policy>(policy))?;
        }
        let outcomes = at.list("a list of outcomes")?;
        let outcomes = outcomes.iter().map(|outcome| outcome.text("an outcome").map(String::from));
        all.push((policy.into(), outcomes.collect::<Read<'_, _>>()?));
    }
    Ok(all)
}
