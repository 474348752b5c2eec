//! The playground's state, and how actions change it. Nothing here knows of a browser.

use crate::catalogue::{self, Entry};
use crate::document::Document;
use crate::history::History;
use crate::link::Link;
use crate::parse;
use crate::refusal::Refusal;
use stagewalk::access::Op;
use stagewalk::layout::sysreg::SysReg;
use stagewalk::scenario::Case;
use stagewalk::view::Translation;
use stagewalk::view::diff::Changes;
use stagewalk::view::stops::Kind;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A machine, its question, and the answer ready to be shown.
#[derive(Debug)]
pub struct Computed {
    /// The machine, edits made, and the question.
    pub case: Case,
    /// The answer.
    pub translation: Translation,
    /// Descriptor updates hardware made: address and word.
    pub writes: Vec<(u64, u64)>,
    /// Why the answer is not to be trusted: then it is not shown.
    pub refusal: Option<Refusal>,
}

impl Computed {
    /// Asks the question.
    #[must_use]
    pub fn new(case: Case) -> Self {
        let run = case.trace();
        let translation = Translation::new(&case.pe, case.op, case.va, &run.answer, run.steps);
        Self { refusal: Refusal::of(&case), translation, writes: run.writes, case }
    }

    /// The stop worth showing first: the lookup that decided the result.
    #[must_use]
    pub fn decisive(&self) -> usize {
        let stops = &self.translation.stops;
        let decides = |kind| matches!(kind, Kind::Lookup | Kind::Update | Kind::Stage);
        stops.iter().rposition(|stop| decides(stop.kind)).unwrap_or(stops.len().saturating_sub(1))
    }

    /// The last stop.
    #[must_use]
    pub fn last(&self) -> usize {
        self.translation.stops.len().saturating_sub(1)
    }
}

/// What undo goes back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The document.
    pub document: Document,
    /// The stop shown.
    pub stop: usize,
}

/// Something to tell the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub text: String,
    /// Whether something went wrong.
    pub bad: bool,
}

/// The whole state.
#[derive(Clone, Debug)]
pub struct State {
    /// What a link holds.
    pub document: Document,
    /// The base machine, without edits.
    pub machine: Rc<Case>,
    /// The answer shown.
    pub current: Rc<Computed>,
    /// What the last edit changed.
    pub changes: Rc<Changes>,
    /// The stop shown, counting from 0.
    pub stop: usize,
    /// The address as typed.
    pub va_text: String,
    /// Why the address as typed is none.
    pub va_error: Option<String>,
    /// Undo and redo.
    pub history: History<Snapshot>,
    /// A captured machine that is on its way, and what to show of it.
    pub pending: Option<Link>,
    /// Captured machines that have arrived.
    pub arrived: BTreeMap<&'static str, Rc<Case>>,
    /// Something to tell.
    pub notice: Option<Notice>,
    /// The link the page was opened with could not be read: it is kept in the address bar until something changes.
    pub keep_address: bool,
    /// The page was opened on a machine that is still on its way: what is shown meanwhile is nothing to go back to.
    opening: bool,
    /// What edits are compared with while they go on.
    before: Rc<Computed>,
}

/// A move of the stepper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// To the first stop.
    First,
    /// Back one.
    Back,
    /// On one.
    Next,
    /// To the last stop.
    Last,
    /// To this one.
    To(usize),
}

/// What can happen.
#[derive(Clone, Debug)]
pub enum Action {
    /// The address is typed.
    Va(String),
    /// Typing is over: the next keystroke is a new undo step.
    Settle,
    /// Another instruction.
    Op(Op),
    /// Another Exception level.
    El(u8),
    /// PSTATE.PAN.
    Pan(bool),
    /// An instruction and an address together.
    Ask(Op, u64),
    /// A register is edited.
    Register(SysReg, u128),
    /// A word of memory is edited.
    Word(u64, u64),
    /// Words of memory are edited together: a descriptor.
    Words(Vec<(u64, u64)>),
    /// All edits are dropped.
    Reset,
    /// A base is chosen.
    Open(String),
    /// A link is followed.
    Follow(Result<Option<Link>, String>),
    /// A captured machine arrived, or did not.
    Arrived(&'static str, Result<Rc<Case>, String>),
    /// The stepper moves.
    Step(Move),
    /// One edit back.
    Undo,
    /// One edit forward.
    Redo,
    /// Something to tell.
    Tell(Notice),
    /// The notice has been read.
    Dismiss,
}

/// The kind of edit that typing an address is: edits of one kind in a row are one step back.
const TYPING: &str = "va";

impl Default for State {
    fn default() -> Self {
        let base = catalogue::default_name();
        let machine = Rc::new(Entry::find(base).and_then(built_in).unwrap_or_else(empty));
        let document = Document::of(base, &machine);
        let current = Rc::new(Computed::new(document.apply(&machine)));
        Self {
            stop: current.decisive(),
            va_text: format!("{:#x}", document.va),
            va_error: None,
            before: Rc::clone(&current),
            document,
            machine,
            current,
            changes: Rc::default(),
            history: History::default(),
            pending: None,
            arrived: BTreeMap::new(),
            notice: None,
            keep_address: false,
            opening: false,
        }
    }
}

fn built_in(entry: Entry) -> Option<Case> {
    match entry {
        Entry::Example(example) => Some(example.case()),
        Entry::Scenario(scenario) => scenario.case(),
        Entry::System(_) => None,
    }
}

fn empty() -> Case {
    Case {
        id: String::new(),
        about: String::new(),
        op: Op::S1E1R,
        va: 0,
        pe: stagewalk::pe::Pe::default(),
        memory: stagewalk::memory::Memory::new(),
    }
}

impl State {
    /// The state the page opens with.
    #[must_use]
    pub fn open_with(link: Result<Option<Link>, String>) -> Self {
        let opened = Self::default().reduce(Action::Follow(link));
        Self { history: History::default(), opening: opened.pending.is_some(), ..opened }
    }

    /// The state after an action.
    #[must_use]
    pub fn reduce(mut self, action: Action) -> Self {
        match action {
            Action::Va(text) => self.type_va(text),
            Action::Settle => self.history.settle(),
            Action::Op(op) => self.edit("", |document, _| document.op = op),
            Action::El(el) => self.edit("", |document, _| document.el = el),
            Action::Pan(pan) => self.edit("", |document, _| document.pan = pan),
            Action::Ask(op, va) => self.ask(op, va),
            Action::Register(register, value) => {
                self.edit(register.name(), |document, machine| document.set_register(machine, register, value));
            }
            Action::Word(address, word) => self.words(&[(address, word)]),
            Action::Words(words) => self.words(&words),
            Action::Reset => self.edit("", |document, _| {
                document.regs.clear();
                document.mem.clear();
            }),
            Action::Open(name) => self.open(Link { base: Some(name), ..Link::default() }),
            Action::Follow(Ok(None)) => {}
            Action::Follow(Ok(Some(link))) => self.open(link),
            Action::Follow(Err(complaint)) => {
                self.keep_address = true;
                self.tell(
                    true,
                    format!("This link could not be read: {complaint}. What you see is not what it meant."),
                );
            }
            Action::Arrived(name, machine) => self.arrived(name, machine),
            Action::Step(to) => self.step(to),
            Action::Undo => self.travel(History::undo),
            Action::Redo => self.travel(History::redo),
            Action::Tell(notice) => self.notice = Some(notice),
            Action::Dismiss => self.notice = None,
        }
        self
    }

    /// The captured machine to fetch now, if one is wanted.
    #[must_use]
    pub fn wanted(&self) -> Option<&'static str> {
        let name = self.pending.as_ref()?.base.as_deref()?;
        match Entry::find(name) {
            Some(Entry::System(system)) if !self.arrived.contains_key(system.name) => Some(system.name),
            _ => None,
        }
    }

    /// The link to what is shown.
    #[must_use]
    pub fn link(&self) -> Link {
        Link::to(&self.document, self.stop)
    }

    /// The base's entry in the catalogue.
    #[must_use]
    pub fn entry(&self) -> Option<Entry> {
        Entry::find(&self.document.base)
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot { document: self.document.clone(), stop: self.stop }
    }

    fn tell(&mut self, bad: bool, text: String) {
        self.notice = Some(Notice { text, bad });
    }

    fn type_va(&mut self, text: String) {
        match parse::hex(&text, 64) {
            Ok(va) => {
                self.va_error = None;
                let va = va as u64;
                if va != self.document.va {
                    self.remember(TYPING);
                    self.document.va = va;
                    self.recompute(None);
                }
            }
            Err(complaint) => self.va_error = Some(complaint),
        }
        self.va_text = text;
    }

    fn ask(&mut self, op: Op, va: u64) {
        self.remember("");
        (self.document.op, self.document.va) = (op, va);
        self.recompute(None);
        self.show_va();
    }

    /// An edit of the machine or the question, which marks what it changes.
    fn edit(&mut self, kind: &str, change: impl FnOnce(&mut Document, &Case)) {
        let mut edited = self.document.clone();
        change(&mut edited, &self.machine);
        if edited != self.document {
            let before = if self.remember(kind) { &self.current } else { &self.before };
            let before = Rc::clone(before);
            self.document = edited;
            self.recompute(Some(before));
        }
    }

    fn words(&mut self, words: &[(u64, u64)]) {
        let Some((address, _)) = words.first() else { return };
        let kind = format!("{address:#x}");
        self.edit(&kind, |document, machine| {
            for &(address, word) in words {
                document.set_word(machine, address, word);
            }
        });
    }

    /// Remembers what is now, for undo; says whether that is a step of its own.
    fn remember(&mut self, kind: &str) -> bool {
        let snapshot = self.snapshot();
        self.keep_address = false;
        self.history.push(kind, snapshot)
    }

    /// Asks again, and marks what came out differently from `before`, where there is something to compare with.
    fn recompute(&mut self, before: Option<Rc<Computed>>) {
        let old = Rc::clone(&self.current);
        self.current = Rc::new(Computed::new(self.document.apply(&self.machine)));
        self.stop = if before.is_some() { self.same_place(&old) } else { self.current.decisive() };
        self.changes = Rc::default();
        if let Some(before) = before {
            self.changes = Rc::new(Changes::between(&before.translation, &self.current.translation));
            self.before = before;
        }
    }

    /// The stop that is where the shown one was before an edit, so that the eye can stay.
    fn same_place(&self, old: &Computed) -> usize {
        let Some(was) = old.translation.stops.get(self.stop) else { return self.current.decisive() };
        let mut stops = self.current.translation.stops.iter();
        stops
            .position(|stop| stop.place == was.place && stop.kind == was.kind)
            .unwrap_or_else(|| self.current.decisive())
    }

    fn show_va(&mut self) {
        self.va_text = format!("{:#x}", self.document.va);
        self.va_error = None;
    }

    fn step(&mut self, to: Move) {
        let last = self.current.last();
        self.stop = match to {
            Move::First => 0,
            Move::Back => self.stop.saturating_sub(1),
            Move::Next => (self.stop + 1).min(last),
            Move::Last => last,
            Move::To(stop) => stop.min(last),
        };
        self.keep_address = false;
    }

    fn travel(&mut self, way: fn(&mut History<Snapshot>, Snapshot) -> Option<Snapshot>) {
        let now = self.snapshot();
        let Some(snapshot) = way(&mut self.history, now) else { return };
        self.keep_address = false;
        let same_base = snapshot.document.base == self.document.base;
        if !same_base {
            let Some(machine) = self.machine_of(&snapshot.document.base) else { return };
            self.machine = machine;
        }
        self.document = snapshot.document;
        let before = same_base.then(|| Rc::clone(&self.current));
        self.recompute(before);
        self.stop = snapshot.stop.min(self.current.last());
        self.show_va();
    }

    fn machine_of(&self, name: &str) -> Option<Rc<Case>> {
        match Entry::find(name)? {
            Entry::System(system) => self.arrived.get(system.name).map(Rc::clone),
            entry => built_in(entry).map(Rc::new),
        }
    }

    /// Shows what a link says, now or when its machine has arrived.
    fn open(&mut self, link: Link) {
        let name = link.base.clone().unwrap_or_else(|| catalogue::default_name().into());
        let Some(entry) = Entry::find(&name) else {
            self.keep_address = true;
            return self.tell(true, format!("There is no scenario “{name}”. What you see is not what the link meant."));
        };
        let Some(machine) = self.machine_of(entry.name()) else {
            self.pending = Some(Link { base: Some(entry.name().into()), ..link });
            return self.tell(false, format!("Fetching {}…", entry.title()));
        };
        self.pending = None;
        self.notice = None;
        self.show(entry.name(), machine, &link);
    }

    fn show(&mut self, name: &str, machine: Rc<Case>, link: &Link) {
        let mut document = Document::of(name, &machine);
        document.op = link.op.unwrap_or(document.op);
        document.el = link.el.unwrap_or(document.el);
        document.va = link.va.unwrap_or(document.va);
        document.pan = link.pan.unwrap_or(document.pan);
        for (&register, &value) in &link.regs {
            document.set_register(&machine, register, value);
        }
        for (&address, &word) in &link.mem {
            document.set_word(&machine, address, word);
        }
        let first = std::mem::take(&mut self.opening) && !self.history.can_undo();
        if !first {
            self.remember("");
        }
        self.machine = machine;
        self.document = document;
        self.recompute(None);
        self.show_va();
        if let Some(step) = link.step {
            self.stop = step.saturating_sub(1).min(self.current.last());
        }
    }

    fn arrived(&mut self, name: &'static str, machine: Result<Rc<Case>, String>) {
        let awaited = self.pending.as_ref().is_some_and(|link| link.base.as_deref() == Some(name));
        match machine {
            Ok(machine) => {
                self.arrived.insert(name, machine);
                if let Some(link) = self.pending.take_if(|_| awaited) {
                    self.open(link);
                }
            }
            Err(complaint) if awaited => {
                self.pending = None;
                self.keep_address = true;
                self.tell(true, format!("{name} could not be loaded: {complaint}. Nothing has changed."));
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
