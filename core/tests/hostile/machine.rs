//! Machines without any plan, made from a stream of numbers: all that is hostile is one number away. The tests draw the
//! numbers at random, the fuzzer invents them.

use stagewalk::access::Op;
use stagewalk::at;
use stagewalk::bits::{align_down, bits};
use stagewalk::choice::{Choice, Choices};
use stagewalk::env::{Env, Fetch};
use stagewalk::feature::{Feature, Features};
use stagewalk::layout::sysreg::SysReg;
use stagewalk::memory::{ExternalAbort, Memory, Reply};
use stagewalk::pe::Pe;
use stagewalk::scenario::Case;
use std::collections::BTreeMap;
use std::convert::Infallible;

/// Where the numbers come from; an exhausted source gives 0.
pub trait Source {
    /// The next byte.
    fn byte(&mut self) -> u8;

    /// The next doubleword.
    fn word(&mut self) -> u64;
}

/// Ends the list of registers.
pub const END: u8 = 0xff;

/// A flag of a machine: an External abort waits at the read whose number the next byte gives.
pub const ABORTS: u8 = 0b100;

/// A machine and a question to it, as yet without memory.
pub struct Machine {
    pub op: Op,
    pub va: u64,
    pub pe: Pe,
    /// Reads until one aborts.
    pub abort: Option<u8>,
}

/// The next machine: instruction, features, choices, registers.
pub fn next(source: &mut impl Source) -> Machine {
    let op = Op::ALL[usize::from(source.byte()) % Op::ALL.len()];
    let mut pe = Pe { el: exception_level(source.byte()), ..Pe::default() };
    let flags = source.byte();
    (pe.pan, pe.uao) = (flags & 1 != 0, flags & 2 != 0);
    let abort = (flags & ABORTS != 0).then(|| source.byte());
    pe.pa_bits = source.byte();
    pe.features = features(source.word());
    pe.choices = choices(source.word());
    let va = source.word();
    loop {
        match source.byte() {
            END => return Machine { op, va, pe, abort },
            number => {
                let register = SysReg::ALL[usize::from(number) % SysReg::COUNT];
                let low = u128::from(source.word());
                let high = if register.width() == 128 { u128::from(source.word()) } else { 0 };
                pe.regs.set(register, high << 64 | low);
            }
        }
    }
}

impl Machine {
    /// With a memory in which the translation finds the source's words, wherever it comes to look first.
    pub fn case(self, source: &mut impl Source) -> Case {
        let Self { op, va, pe, abort } = self;
        let mut world =
            Invented { source, before_abort: abort, aborts: None, found: BTreeMap::new(), now: Memory::new() };
        let Ok(_) = at::execute(&pe, op, va, &mut world);
        let mut memory: Memory = world.found.into_iter().collect();
        memory.set_abort(world.aborts.map(|address| (address, address | 7)));
        Case { pe, memory, ..Case::new(op, va) }
    }
}

/// Mostly a level there is.
const fn exception_level(byte: u8) -> u8 {
    if byte < 0xf0 { byte & 3 } else { byte }
}

/// A set of features by its bits, in table order, impossible sets included.
pub fn features(bits: u64) -> Features {
    let one = |set: Features, &feature: &Feature| set.set(feature, bits >> feature as u8 & 1 == 1);
    Feature::ALL.iter().fold(Features::NONE, one)
}

/// Four bits for every choice; a value too many leaves the default.
pub fn choices(values: u64) -> Choices {
    let one = |choices: Choices, &choice: &Choice| {
        let low = 4 * choice as u32;
        choices.with(choice, bits(values, low + 3, low) as u8)
    };
    Choice::ALL.iter().fold(Choices::DEFAULT, one)
}

struct Invented<'a, S> {
    source: &'a mut S,
    /// Reads until one aborts.
    before_abort: Option<u8>,
    aborts: Option<u64>,
    /// Memory as it was before anything was written.
    found: BTreeMap<u64, u64>,
    now: Memory,
}

impl<S: Source> Env for Invented<'_, S> {
    type Stop = Infallible;

    fn read(&mut self, fetch: Fetch) -> Result<Reply, Infallible> {
        if let Some(left) = self.before_abort {
            self.before_abort = left.checked_sub(1);
            if left == 0 {
                self.aborts = Some(align_down(fetch.address.address, 3));
                return Ok(Err(ExternalAbort));
            }
        }
        for (address, _) in fetch.words(0) {
            let address = align_down(address, 3);
            if !self.found.contains_key(&address) {
                let word = self.source.word();
                self.found.insert(address, word);
                self.now.write(address, word);
            }
        }
        Ok(self.now.read(fetch.address.address, fetch.wide))
    }

    fn compare_and_swap(&mut self, fetch: Fetch, expected: u128, new: u128) -> Result<Reply, Infallible> {
        let found = self.read(fetch)?;
        if found == Ok(expected) {
            for (address, word) in fetch.words(new) {
                self.now.write(address, word);
            }
        }
        Ok(found)
    }
}
