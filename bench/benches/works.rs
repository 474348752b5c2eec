//! `cargo bench`: the works and their references, a pass at a time.

use divan::Bencher;
use divan::counter::ItemsCount;
use stagewalk_bench::works::{Ready, Work, all};

fn main() {
    divan::main();
}

fn names() -> impl Iterator<Item = &'static str> {
    all().map(|work| work.name)
}

fn ready(name: &str) -> Ready {
    let prepare = all().find(|work| work.name == name).map(|Work { prepare, .. }| prepare);
    prepare.expect("the name of a work")()
}

/// What the work is compared with.
#[divan::bench(args = names(), max_time = 2)]
fn floor(bencher: Bencher, name: &str) {
    let Ready { count, floor, .. } = ready(name);
    bencher.counter(ItemsCount::new(count)).bench_local(|| floor(1));
}

/// The work.
#[divan::bench(args = names(), max_time = 2)]
fn work(bencher: Bencher, name: &str) {
    let Ready { count, work, .. } = ready(name);
    bencher.counter(ItemsCount::new(count)).bench_local(|| work(1));
}
