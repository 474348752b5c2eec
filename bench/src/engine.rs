//! All that the benchmarks ask of the engine. Each function makes so many passes over its subject, and answers with
//! the sum of the answers.

use crate::tables::{Flat, Machine};
use crate::works::{Cases, latency, throughput};
use stagewalk::at::{self, Outcome, Par};
use stagewalk::env::{Env, Traced};
use stagewalk::map::{Range, Ranges, Scope};
use stagewalk::prepared::Prepared;
use stagewalk::scenario::Case;
use stagewalk::scenario::batch::answer;
use std::convert::Infallible;
use std::hint::black_box;

/// AT with its registers decoded beforehand; each address depends on the last PAR.
#[must_use]
pub fn prepared_latency(machine: &Machine, passes: u32) -> u64 {
    latency(&machine.addresses, passes, |va| walk(&machine.prepared, va, &mut Flat(&machine.words)))
}

/// The same at independent addresses.
#[must_use]
pub fn prepared_throughput(machine: &Machine, passes: u32) -> u64 {
    throughput(&machine.addresses, passes, |va| walk(&machine.prepared, va, &mut Flat(&machine.words)))
}

/// Many addresses at once.
#[must_use]
pub fn batch(machine: &Machine, passes: u32) -> u64 {
    let mut sum = 0u64;
    for _ in 0..passes {
        machine.prepared.pars(black_box(&machine.addresses), &mut Flat(&machine.words), |_, par| {
            sum = sum.wrapping_add(par.map_or(0, |par| par.value as u64));
        });
    }
    sum
}

/// One whole AT from raw registers, which the compiler has to take for new ones each time.
#[must_use]
pub fn raw(machine: &Machine, passes: u32) -> u64 {
    throughput(&machine.addresses, passes, |va| {
        let Ok(answer) = at::execute(black_box(machine.pe), machine.op, va, &mut Flat(&machine.words));
        if let Outcome::Par(par) = answer.result { par.value as u64 } else { 0 }
    })
}

/// The prepared walk with its steps kept, in one buffer for all walks.
#[must_use]
pub fn traced(machine: &Machine, passes: u32) -> u64 {
    trace(machine, passes, |traced| {
        black_box(traced);
    })
}

/// The same, and then every step told, into another such buffer.
#[must_use]
pub fn told(machine: &Machine, passes: u32) -> u64 {
    let mut steps = Vec::new();
    trace(machine, passes, |traced| {
        steps.clear();
        traced.tell(|step| steps.push(step));
        black_box(&steps);
    })
}

#[inline(always)]
fn trace(machine: &Machine, passes: u32, mut then: impl FnMut(&Traced<'_, Flat<'_>>)) -> u64 {
    let mut memory = Flat(&machine.words);
    let mut traced = Traced::new(&mut memory);
    throughput(&machine.addresses, passes, |va| {
        traced.clear();
        let par = walk(&machine.prepared, va, &mut traced);
        then(&traced);
        par
    })
}

/// Every mapping of [`Machine::million`].
pub fn ranges(machine: &Machine) -> impl Iterator<Item = Range> {
    Ranges::new(machine.pe, Scope::of(machine.pe, machine.op), machine, 0..=u64::MAX)
}

/// [`ranges`], as a work.
#[must_use]
pub fn map_ranges(machine: &Machine, passes: u32) -> u64 {
    let ranges = (0..passes).flat_map(|_| ranges(black_box(machine)));
    ranges.fold(0, |sum, range| sum.wrapping_add(range.output.address))
}

/// What `stagewalk batch` does with a line, for each: a case is read, executed, and its answer written as JSON.
#[must_use]
pub fn answer_lines(cases: &Cases, passes: u32) -> u64 {
    let mut output = Vec::new();
    let lines = (0..passes).flat_map(|_| cases.lines());
    lines.fold(0, |sum, line| {
        output.clear();
        if let Ok(case) = Case::from_slice(line) {
            let answer = answer(&case.id, &case.run());
            serde_json::to_writer(&mut output, &answer).unwrap_or_default();
        }
        sum + black_box(&output).len() as u64
    })
}

#[inline(always)]
fn walk(prepared: &Prepared<'_>, va: u64, env: &mut impl Env<Stop = Infallible>) -> u64 {
    let Ok(Par { value, .. }) = prepared.par(va, env) else { return 0 };
    value as u64
}
