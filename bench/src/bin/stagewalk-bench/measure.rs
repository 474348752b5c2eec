//! Sittings, rounds and medians. In each round every host runs the reference, then the work: what disturbs the machine
//! for a while disturbs all of them. The rounds of a work are spread over sittings, with all other works between: what
//! disturbs the machine for a minute disturbs some of each work's rounds.

use crate::host::{Host, Which};
use stagewalk_bench::works::Work;
use std::time::{Duration, Instant};

/// How long one timing should take, in nanoseconds: long against the clock's resolution, which is 5 µs in a browser,
/// and shorter than the turns that the system gives programs, so that most timings on a busy machine are undisturbed.
const TIMING: f64 = 1.5e6;
/// How often it is repeated, and unless it takes how long, in nanoseconds.
const REPEATED: usize = 3;
const LONGEST_REPEATED: f64 = 20e6;
/// How long a loop runs before it is timed: by then the engines of the web have compiled it for good.
const WARM: f64 = 300e6;
const PASSES: u32 = 1 << 20;
/// How many rounds are enough for a sitting when they have taken [`LONG`].
const FEW: usize = 3;
const LONG: Duration = Duration::from_secs(5);

/// What a round took, in nanoseconds for each thing done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Round {
    /// The reference.
    pub floor: f64,
    /// The work.
    pub work: f64,
}

/// What fits a timing on a host.
struct Plan {
    count: usize,
    floor: u32,
    work: u32,
}

/// A work, and what timing it came to so far.
pub struct Measured {
    /// Which.
    pub work: &'static Work,
    /// The rounds of each host, the native one first.
    pub hosts: Vec<Vec<Round>>,
    plans: Vec<Plan>,
}

impl Measured {
    /// A work that has not been timed.
    pub fn new(work: &'static Work) -> Self {
        Self { work, hosts: Vec::new(), plans: Vec::new() }
    }

    /// Times it on all hosts, in so many more rounds at the most.
    pub fn sit(&mut self, hosts: &mut [Box<dyn Host>], rounds: usize) -> Result<(), String> {
        self.prepare(hosts)?;
        let start = Instant::now();
        for round in 0..rounds {
            if round >= FEW && start.elapsed() > LONG {
                break;
            }
            for ((host, plan), rounds) in hosts.iter_mut().zip(&self.plans).zip(&mut self.hosts) {
                let mut each = |which, passes| -> Result<f64, String> {
                    Ok(shortest(host.as_mut(), which, passes)? / plan.count as f64 / f64::from(passes))
                };
                rounds.push(Round { floor: each(Which::Floor, plan.floor)?, work: each(Which::Work, plan.work)? });
            }
        }
        Ok(())
    }

    /// Builds the subject everywhere, and compares the answers; the first time, finds how many passes a timing is.
    fn prepare(&mut self, hosts: &mut [Box<dyn Host>]) -> Result<(), String> {
        let name = self.work.name;
        let mut sums = None;
        let mut counts = Vec::new();
        for host in &mut *hosts {
            let count = host.prepare(name)?;
            let found = (host.run(Which::Floor, 1)?.sum, host.run(Which::Work, 1)?.sum);
            if *sums.get_or_insert(found) != found {
                return Err(format!("{name}: another answer in {} than natively: {found:x?}", host.name()));
            }
            counts.push(count);
        }
        if self.plans.is_empty() {
            for (host, count) in hosts.iter_mut().zip(counts) {
                let floor = warm(host.as_mut(), Which::Floor)?;
                self.plans.push(Plan { count, floor, work: warm(host.as_mut(), Which::Work)? });
                self.hosts.push(Vec::new());
            }
        }
        Ok(())
    }

    /// The median of something about the native rounds.
    pub fn native(&self, what: impl Fn(&Round) -> f64) -> f64 {
        median(self.hosts[0].iter().map(what).collect())
    }

    /// The work natively, in nanoseconds.
    pub fn ns(&self) -> f64 {
        self.native(|round| round.work)
    }

    /// Its reference natively, in nanoseconds.
    pub fn floor_ns(&self) -> f64 {
        self.native(|round| round.floor)
    }

    /// The work to its reference: the median of the rounds' ratios.
    pub fn ratio(&self) -> f64 {
        self.native(|round| round.work / round.floor)
    }

    /// The work on each of the other hosts to the native work: the median of the rounds' ratios.
    pub fn wasm_ratios(&self) -> Vec<f64> {
        let (native, others) = self.hosts.split_at(1);
        let ratio = |(wasm, native): (&Round, &Round)| wasm.work / native.work;
        others.iter().map(|wasm| median(wasm.iter().zip(&native[0]).map(ratio).collect())).collect()
    }
}

/// A timing: the shortest of a few in a row, so that it has none of the turns that the system gave other programs in
/// between; a loop too long to hope for that runs once.
fn shortest(host: &mut dyn Host, which: Which, passes: u32) -> Result<f64, String> {
    let mut shortest = host.run(which, passes)?.ns;
    if shortest < LONGEST_REPEATED {
        for _ in 1..REPEATED {
            shortest = shortest.min(host.run(which, passes)?.ns);
        }
    }
    Ok(shortest)
}

/// Runs a loop until it is warm; how many passes take as long as a timing should.
fn warm(host: &mut dyn Host, which: Which) -> Result<u32, String> {
    let (mut passes, mut spent) = (1, 0.0);
    loop {
        let ns = host.run(which, passes)?.ns;
        spent += ns;
        let fitting = f64::from(passes) * TIMING / ns.max(1.0);
        let more = passes.saturating_mul(4).min(PASSES);
        passes = (fitting.ceil() as u32).clamp(1, more);
        if spent >= WARM {
            return Ok(passes);
        }
    }
}

/// The middle one, or the mean of the two in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stagewalk_bench::works::WORKS;

    #[test]
    fn medians_are_of_the_rounds() {
        assert_eq!(median(vec![3.0, 1.0, 100.0]), 3.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 100.0]), 3.0);
        let rounds = |times: [(f64, f64); 3]| times.map(|(floor, work)| Round { floor, work }).to_vec();
        let native = rounds([(1.0, 2.0), (10.0, 40.0), (1.0, 3.0)]);
        let wasm = rounds([(1.0, 4.0), (10.0, 40.0), (1.0, 4.5)]);
        let mut measured = Measured::new(&WORKS[0]);
        measured.hosts = vec![native, wasm];
        assert_eq!((measured.ns(), measured.floor_ns(), measured.ratio()), (3.0, 1.0, 3.0));
        assert_eq!(measured.wasm_ratios(), [1.5]);
    }
}
