//! What is timed is what it is said to be.

use stagewalk::env::{Env, Fetch};
use stagewalk::memory::Reply;
use stagewalk::scenario::Case;
use stagewalk_bench::chase::{self, PAGE};
use stagewalk_bench::tables::{Flat, MILLION, Machine};
use stagewalk_bench::works::{Cases, WORKS, all};
use stagewalk_bench::{engine, racing};
use std::collections::BTreeSet;
use std::convert::Infallible;

struct Counting<'a> {
    memory: Flat<'a>,
    reads: u32,
}

impl Env for Counting<'_> {
    type Stop = Infallible;

    fn read(&mut self, fetch: Fetch) -> Result<Reply, Infallible> {
        self.reads += 1;
        self.memory.read(fetch)
    }

    fn compare_and_swap(&mut self, _: Fetch, _: u128, _: u128) -> Result<Reply, Infallible> {
        panic!("no descriptor is to be updated");
    }
}

/// Every `step`th address has the output address that the chase finds, after so many reads.
fn agrees(machine: &Machine, step: usize, reads: u32) {
    let mut env = Counting { memory: Flat(&machine.words), reads: 0 };
    for &va in machine.addresses.iter().step_by(step) {
        let chased = match machine.root2 {
            Some(root2) => chase::nested(&machine.words, machine.root1, root2, va),
            None => chase::stage(&machine.words, machine.root1, va),
        };
        assert_ne!(chased & PAGE, 0, "{va:#x}");
        env.reads = 0;
        let par = machine.prepared.par(va, &mut env).expect("no exception").value as u64;
        assert_eq!((par & 1, par & PAGE, env.reads), (0, chased & PAGE, reads), "{va:#x}");
    }
}

/// The sizes are in kB, that is 1000 bytes.
fn has_size(machine: &Machine, kilobytes: std::ops::RangeInclusive<usize>) {
    let size = machine.words.len() * 8 / 1000;
    assert!(kilobytes.contains(&size), "{size} kB");
    let mut pages: Vec<u64> = machine.addresses.iter().map(|va| va & PAGE).collect();
    pages.sort_unstable();
    pages.dedup();
    assert!(pages.len() > machine.addresses.len() / 2, "{} pages", pages.len());
}

#[test]
fn small_tables_fit_and_the_engine_finds_what_the_chase_finds() {
    let stage1 = Machine::stage1_small();
    has_size(&stage1, 300..=400);
    agrees(&stage1, 1, 4);
    let nested = Machine::nested_small();
    has_size(&nested, 300..=400);
    agrees(&nested, 1, 24);
}

#[test]
fn large_tables_fit_and_the_engine_finds_what_the_chase_finds() {
    let stage1 = Machine::stage1_large();
    has_size(&stage1, 66_000..=132_000);
    agrees(&stage1, 101, 4);
    let nested = Machine::nested_large();
    has_size(&nested, 66_000..=132_000);
    agrees(&nested, 101, 24);
}

#[test]
fn a_million_leaves_come_to_the_runs_they_were_built_of() {
    let machine = Machine::million();
    let valid = machine.words.iter().filter(|word| **word & 1 == 1).count() as u64;
    let tables = (machine.words.len() / 512) as u64;
    assert_eq!(valid, MILLION + (tables - 1), "each table but the first is the next of another");
    let leaves: Vec<u64> =
        (0..MILLION).map(|page| chase::stage(&machine.words, machine.root1, page << 12) & PAGE).collect();
    let sum = leaves.iter().fold(0u64, |sum, output| sum.wrapping_add(*output));
    assert_eq!(chase::scan_and_sum(&machine.words, machine.root1, 0), sum);

    let ranges: Vec<_> = engine::ranges(&machine).collect();
    let breaks = leaves.windows(2).filter(|pair| pair[1] != pair[0] + 0x1000).count();
    assert_eq!(ranges.len(), breaks + 1);
    assert!((40_000..100_000).contains(&ranges.len()), "{} ranges", ranges.len());
    assert_eq!(ranges.iter().map(|range| range.size).sum::<u64>(), MILLION << 12);
    for range in ranges {
        assert_eq!(range.output.address, leaves[(range.input >> 12) as usize]);
    }
}

#[test]
fn every_way_to_walk_gives_the_same_answers() {
    for mut machine in [Machine::stage1_small(), Machine::nested_small()] {
        machine.addresses.truncate(1 << 12);
        let once = engine::prepared_throughput(&machine, 1);
        assert_ne!(once, 0);
        for other in [engine::prepared_latency, engine::batch, engine::raw, engine::traced, engine::told] {
            assert_eq!(other(&machine, 1), once);
        }
        assert_eq!(engine::prepared_throughput(&machine, 2), once.wrapping_mul(2));
    }
}

#[test]
fn racing_walks_read_24_descriptors_and_meet_the_writer() {
    let mut alone = racing::racing(1);
    alone.actors.truncate(1);
    assert_eq!(racing::explored(&alone, false).states(), 25);
    let two = racing::racing(2);
    let (all, reduced) = (racing::explored(&two, false), racing::explored(&two, true));
    assert_eq!(racing::explore(&two, 3), 3 * all.states() as u64);
    assert_eq!(racing::hash_set(&two, 3), 3 * all.states() as u64);
    assert_eq!((all.outcomes().len(), reduced.outcomes().len()), (9, 9), "each walk finds one of three pages");
}

#[test]
fn the_cases_are_a_thousand_and_all_are_answered() {
    let cases = Cases::base();
    assert_eq!(cases.lines().filter(|line| Case::from_slice(line).is_ok()).count(), 1000);
    assert!(engine::answer_lines(&cases, 1) > 100 * 1000);
}

#[test]
fn works_have_names_of_their_own_and_the_document_shows_them_all() {
    let names: Vec<&str> = all().map(|work| work.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/performance.md");
    let document = std::fs::read_to_string(document).expect("the document is there");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let shown: Vec<&str> = rows.map(|(name, _)| name).collect();
    assert!(shown.windows(names.len()).any(|rows| rows == names), "{shown:?}");
    assert_eq!(WORKS[0].name, "s1_lat");
}
