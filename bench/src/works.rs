//! What is timed: works in the order of the report, each with its reference and its bar.

use crate::chase;
use crate::engine;
use crate::racing;
use crate::tables::{MILLION, Machine};
use flate2::read::GzDecoder;
use std::hint::black_box;
use std::io::Read;
use std::rc::Rc;

/// Something to time.
pub struct Work {
    /// Its name.
    pub name: &'static str,
    /// What it is, and what it is compared with.
    pub about: &'static str,
    /// What it may take, if it matters.
    pub bar: Option<Bar>,
    /// How many times the native work it may take in wasm.
    pub wasm_bar: Option<f64>,
    /// Builds its subject.
    pub prepare: fn() -> Ready,
}

/// What a work may take, at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bar {
    /// So many times its reference.
    Ratio(f64),
    /// So many nanoseconds.
    Ns(f64),
}

/// So many passes over a subject; the sum of the answers.
pub type Loop = Box<dyn Fn(u32) -> u64>;

/// A work whose subject is built.
pub struct Ready {
    /// How many walks, leaves or cases a pass is.
    pub count: usize,
    /// What the work is compared with.
    pub floor: Loop,
    /// The work.
    pub work: Loop,
}

impl Ready {
    fn new<T: 'static>(subject: T, count: usize, floor: fn(&T, u32) -> u64, work: fn(&T, u32) -> u64) -> Self {
        let shared = Rc::new(subject);
        let same = Rc::clone(&shared);
        Self {
            count,
            floor: Box::new(move |passes| floor(&shared, passes)),
            work: Box::new(move |passes| work(&same, passes)),
        }
    }

    fn walks(machine: Machine, floor: fn(&Machine, u32) -> u64, work: fn(&Machine, u32) -> u64) -> Self {
        let count = machine.addresses.len();
        Self::new(machine, count, floor, work)
    }
}

/// The works of the report, in its order.
pub const WORKS: [Work; 11] = [
    Work {
        name: "s1_lat",
        about: "stage 1, small tables, latency; the chase",
        bar: Some(Bar::Ratio(1.35)),
        wasm_bar: Some(1.35),
        prepare: || Ready::walks(Machine::stage1_small(), chase_latency, engine::prepared_latency),
    },
    Work {
        name: "s1_thr",
        about: "stage 1, small tables, throughput; the chase",
        bar: Some(Bar::Ratio(5.0)),
        wasm_bar: Some(1.35),
        prepare: || Ready::walks(Machine::stage1_small(), chase_throughput, engine::prepared_throughput),
    },
    Work {
        name: "s12_lat",
        about: "nested, small tables, latency; the chase",
        bar: Some(Bar::Ratio(1.25)),
        wasm_bar: Some(1.35),
        prepare: || Ready::walks(Machine::nested_small(), chase_latency, engine::prepared_latency),
    },
    Work {
        name: "s12_thr",
        about: "nested, small tables, throughput; the chase",
        bar: Some(Bar::Ratio(3.5)),
        wasm_bar: Some(1.35),
        prepare: || Ready::walks(Machine::nested_small(), chase_throughput, engine::prepared_throughput),
    },
    Work {
        name: "s1_large_lat",
        about: "stage 1, large tables, latency; the chase",
        bar: Some(Bar::Ratio(1.15)),
        wasm_bar: Some(1.35),
        prepare: || Ready::walks(Machine::stage1_large(), chase_latency, engine::prepared_latency),
    },
    Work {
        name: "s12_large_lat",
        about: "nested, large tables, latency; the chase",
        bar: Some(Bar::Ratio(1.15)),
        wasm_bar: Some(1.35),
        prepare: || Ready::walks(Machine::nested_large(), chase_latency, engine::prepared_latency),
    },
    Work {
        name: "s12_large_batch",
        about: "nested, large tables, many addresses at once; one at a time, throughput",
        bar: Some(Bar::Ratio(0.6)),
        wasm_bar: Some(1.35),
        prepare: || Ready::walks(Machine::nested_large(), engine::prepared_throughput, engine::batch),
    },
    Work {
        name: "at_raw",
        about: "nested, small tables, one whole AT from raw registers; the prepared walk, throughput",
        bar: Some(Bar::Ratio(2.0)),
        wasm_bar: Some(1.35),
        prepare: || Ready::walks(Machine::nested_small(), engine::prepared_throughput, engine::raw),
    },
    Work {
        name: "traced",
        about: "nested, small tables, every step kept in records, the buffer reused; untraced, throughput",
        bar: Some(Bar::Ratio(2.5)),
        wasm_bar: Some(1.35),
        prepare: || Ready::walks(Machine::nested_small(), engine::prepared_throughput, engine::traced),
    },
    Work {
        name: "map_ranges",
        about: "every mapping of 1,048,576 leaves, merged into ranges, per leaf; a scan and sum of the tables",
        bar: Some(Bar::Ratio(3.5)),
        wasm_bar: None,
        prepare: || Ready::new(Machine::million(), MILLION as usize, scan_and_sum, engine::map_ranges),
    },
    Work {
        name: "batch_base",
        about: "`batch` on the vectors of arm/base, per case; reading the same JSON into a `serde_json::Value`",
        bar: Some(Bar::Ns(10_000.0)),
        wasm_bar: None,
        prepare: || {
            let cases = Cases::base();
            let count = cases.lines().count();
            Ready::new(cases, count, parse_lines, engine::answer_lines)
        },
    },
];

/// Works that the report shows besides, for people.
pub const MORE: [Work; 6] = [
    Work {
        name: "s1_at_raw",
        about: "stage 1, small tables, one whole AT from raw registers; the prepared walk, throughput",
        bar: Some(Bar::Ratio(2.0)),
        wasm_bar: Some(1.35),
        prepare: || Ready::walks(Machine::stage1_small(), engine::prepared_throughput, engine::raw),
    },
    Work {
        name: "s1_traced",
        about: "stage 1, small tables, every step kept in records, the buffer reused; untraced, throughput",
        bar: Some(Bar::Ratio(2.5)),
        wasm_bar: Some(1.35),
        prepare: || Ready::walks(Machine::stage1_small(), engine::prepared_throughput, engine::traced),
    },
    Work {
        name: "told",
        about: "nested, small tables, traced and then every step told, the buffers reused; untraced, throughput",
        bar: None,
        wasm_bar: None,
        prepare: || Ready::walks(Machine::nested_small(), engine::prepared_throughput, engine::told),
    },
    Work {
        name: "explore_two",
        about: "two nested walks of single steps and a writer, every state; keys put into a standard `HashSet`",
        bar: Some(Bar::Ns(EXPLORED_STATE)),
        wasm_bar: Some(EXPLORED_IN_WASM),
        prepare: || explored_states(2),
    },
    Work {
        name: "explore_three",
        about: "three walks and a writer, every state; keys put into a standard `HashSet`",
        bar: Some(Bar::Ns(EXPLORED_STATE)),
        wasm_bar: Some(EXPLORED_IN_WASM),
        prepare: || explored_states(3),
    },
    Work {
        name: "explore_four",
        about: "four walks and a writer, reduced, a whole exploration; every state of two walks and a writer",
        bar: Some(Bar::Ns(5_000_000.0)),
        wasm_bar: Some(EXPLORED_IN_WASM),
        prepare: || {
            let machines = [racing::racing(2), racing::racing(4)];
            Ready::new(
                machines,
                1,
                |[two, _], passes| racing::explore(two, passes),
                |[_, four], passes| racing::explore_reduced(four, passes),
            )
        },
    },
];

/// In nanoseconds: a little more than 1,500,000 states a second.
const EXPLORED_STATE: f64 = 666.0;
/// A little more than 0.6 times the native speed.
const EXPLORED_IN_WASM: f64 = 1.66;

/// Every state of walkers and a writer.
fn explored_states(walkers: usize) -> Ready {
    let machine = racing::racing(walkers);
    let states = racing::explored(&machine, false).states();
    Ready::new(machine, states, racing::hash_set, racing::explore)
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Work> {
    WORKS.iter().chain(&MORE)
}

/// Cases as JSON, one a line.
pub struct Cases(Vec<u8>);

impl Cases {
    /// The thousand of `tests/vectors/arm/base`.
    ///
    /// # Panics
    /// When that file is broken.
    #[must_use]
    pub fn base() -> Self {
        let packed: &[u8] = include_bytes!("../../tests/vectors/arm/base.jsonl.gz");
        let mut text = Vec::new();
        GzDecoder::new(packed).read_to_end(&mut text).expect("the vectors are compressed with gzip");
        Self(text)
    }

    /// The lines.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
    }
}

/// Asks `walk` for each address, of which each depends on the last answer: which one is next is known only with it,
/// for all that the compiler and the processor can tell.
#[inline(always)]
pub fn latency(addresses: &[u64], passes: u32, mut walk: impl FnMut(u64) -> u64) -> u64 {
    let zero = black_box(0);
    let (mut sum, mut last) = (0u64, 0);
    for _ in 0..passes {
        for index in 0..addresses.len() {
            let next = index ^ (last & zero) as usize;
            last = addresses.get(next).map_or(0, |va| walk(*va));
            sum = sum.wrapping_add(last);
        }
    }
    sum
}

/// Asks `walk` for each address, of which none depends on another.
#[inline(always)]
pub fn throughput(addresses: &[u64], passes: u32, mut walk: impl FnMut(u64) -> u64) -> u64 {
    let mut sum = 0u64;
    for _ in 0..passes {
        for va in black_box(addresses) {
            sum = sum.wrapping_add(walk(*va));
        }
    }
    sum
}

fn chase_latency(machine: &Machine, passes: u32) -> u64 {
    let &Machine { ref words, ref addresses, root1, root2, .. } = machine;
    match root2 {
        Some(root2) => latency(addresses, passes, |va| chase::nested(words, root1, root2, va)),
        None => latency(addresses, passes, |va| chase::stage(words, root1, va)),
    }
}

fn chase_throughput(machine: &Machine, passes: u32) -> u64 {
    let &Machine { ref words, ref addresses, root1, root2, .. } = machine;
    match root2 {
        Some(root2) => throughput(addresses, passes, |va| chase::nested(words, root1, root2, va)),
        None => throughput(addresses, passes, |va| chase::stage(words, root1, va)),
    }
}

fn scan_and_sum(machine: &Machine, passes: u32) -> u64 {
    (0..passes)
        .fold(0, |sum: u64, _| sum.wrapping_add(chase::scan_and_sum(black_box(&machine.words), machine.root1, 0)))
}

fn parse_lines(cases: &Cases, passes: u32) -> u64 {
    let lines = (0..passes).flat_map(|_| cases.lines());
    let parsed = lines.filter(|line| black_box(serde_json::from_slice::<serde_json::Value>(line)).is_ok());
    parsed.count() as u64
}
