//! One run of a machine out of all, by chance: the same chance for the same seed, everywhere.

use super::trace::Trace;
use super::world::{State, World};
use alloc::vec::Vec;

/// A sequence of numbers that looks random (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `bound`, or 0.
    pub const fn below(&mut self, bound: usize) -> usize {
        ((self.number() as u128 * bound as u128) >> 64) as usize
    }
}

/// A run by chance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The steps taken.
    pub trace: Trace,
    /// The state they lead to.
    pub state: State,
    /// Nothing can happen there; otherwise there were as many steps as allowed.
    pub over: bool,
}

impl World {
    /// Runs the machine from its beginning for at most `steps` steps, each drawn from those enabled.
    pub fn run(&mut self, random: &mut Random, steps: usize) -> Run {
        let mut state = self.initial();
        let mut trace = Vec::new();
        loop {
            let enabled = self.enabled(state);
            let Some(&transition) = enabled.get(random.below(enabled.len())) else {
                return Run { trace: Trace(trace), state, over: true };
            };
            if trace.len() == steps {
                return Run { trace: Trace(trace), state, over: false };
            }
            state = self.take(state, transition);
            trace.push(transition);
        }
    }
}
