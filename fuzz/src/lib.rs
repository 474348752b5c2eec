//! What the fuzz targets share: inputs, between bytes and machines. `examples/seeds.rs` writes the first ones.

#[path = "../../core/tests/hostile/agree.rs"]
pub mod agree;
#[path = "../../core/tests/hostile/machine.rs"]
pub mod machine;
#[path = "../../core/tests/mapped/agree.rs"]
pub mod mapped;

use machine::{END, Source};
use stagewalk::access::Op;
use stagewalk::at;
use stagewalk::bits::align_down;
use stagewalk::choice::Choice;
use stagewalk::env::{Env, Fetch};
use stagewalk::feature::Feature;
use stagewalk::layout::sysreg::SysReg;
use stagewalk::memory::{Memory, Reply};
use stagewalk::scenario::Case;
use std::collections::BTreeSet;
use std::convert::Infallible;

/// Bytes, the fuzzer's, until there are no more.
pub struct Bytes<'a>(pub &'a [u8]);

impl Source for Bytes<'_> {
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((&byte, rest)) => {
                self.0 = rest;
                byte
            }
            None => END,
        }
    }

    fn word(&mut self) -> u64 {
        let (word, rest) = self.0.split_at(self.0.len().min(8));
        self.0 = rest;
        word.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
    }
}

/// The input of `walk` that stands for a case; without the range that aborts.
pub fn walk_input(case: &Case) -> Vec<u8> {
    let position = Op::ALL.iter().position(|&op| op == case.op).unwrap_or_default();
    let flags = u8::from(case.pe.pan) | u8::from(case.pe.uao) << 1;
    let mut bytes = vec![position as u8, case.pe.el, flags, case.pe.pa_bits];
    let features = case.pe.features.iter().fold(0, |set, feature: Feature| set | 1_u64 << feature as u8);
    let choice = |word: u64, &choice: &Choice| word | u64::from(case.pe.choices.get(choice)) << (4 * choice as u32);
    for word in [features, Choice::ALL.iter().fold(0, choice), case.va] {
        bytes.extend(word.to_le_bytes());
    }
    for (register, value) in case.pe.regs.iter_nonzero() {
        bytes.push(register as u8);
        bytes.extend(&value.to_le_bytes()[..usize::from(register.width()) / 8]);
    }
    bytes.push(END);
    bytes.extend(words_in_order(case).into_iter().flat_map(u64::to_le_bytes));
    bytes
}

/// The words of memory that a case reads, in the order in which it first looks at them.
fn words_in_order(case: &Case) -> Vec<u64> {
    let mut memory = case.memory.clone();
    memory.set_abort(None);
    let mut world = Watched { before: memory.clone(), now: memory, seen: BTreeSet::new(), words: Vec::new() };
    let Ok(_) = at::execute(&case.pe, case.op, case.va, &mut world);
    world.words
}

struct Watched {
    before: Memory,
    now: Memory,
    seen: BTreeSet<u64>,
    words: Vec<u64>,
}

impl Env for Watched {
    type Stop = Infallible;

    fn read(&mut self, fetch: Fetch) -> Result<Reply, Infallible> {
        for (address, _) in fetch.words(0) {
            let address = align_down(address, 3);
            if self.seen.insert(address) {
                self.words.push(self.before.word(address));
            }
        }
        Ok(self.now.read(fetch.address.address, fetch.wide))
    }

    fn compare_and_swap(&mut self, fetch: Fetch, expected: u128, new: u128) -> Result<Reply, Infallible> {
        let found = self.read(fetch)?;
        if found == Ok(expected) {
            fetch.words(new).for_each(|(address, word)| self.now.write(address, word));
        }
        Ok(found)
    }
}

/// Between the parts of a `dump` input: a byte that no JSON text has.
pub const CUT: u8 = 0xff;

/// The parts of a `dump` input: `regs.json`, `pages.json`, `meta.json` and the pages.
pub fn dump_parts(input: &[u8]) -> [&[u8]; 4] {
    let mut parts = input.splitn(4, |&byte| byte == CUT);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// Register names, for the fuzzer's dictionary.
pub fn register_names() -> impl Iterator<Item = &'static str> {
    SysReg::ALL.iter().map(|register| register.name())
}
