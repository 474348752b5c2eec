//! View models: what a translation looks like, as plain data, for the command line and the playground to lay out.
//!
//! A translation's views are built from the flat list of steps, so they can show nothing that the walk did not do;
//! those of several vCPUs ([`machine`]) from the states that a trace leads through.

pub mod diff;
pub mod explain;
pub mod fields;
pub mod links;
pub mod machine;
pub mod matrix;
#[cfg(feature = "json")]
pub mod real;
pub mod regime;
pub mod result;
pub mod so_far;
pub mod stops;
pub mod va;
pub mod words;

use crate::access::Op;
use crate::at::Answer;
use crate::pe::Pe;
use crate::step::Step;
use alloc::vec::Vec;

/// One translation, ready to be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Translation {
    /// The steps, flat and in order.
    pub steps: Vec<Step>,
    /// The steps grouped into the moments a reader stops at.
    pub stops: Vec<stops::Stop>,
    /// The walk as a matrix.
    pub matrix: matrix::Matrix,
    /// The input address cut into the parts the walk uses.
    pub va: va::Strip,
    /// The regime in words.
    pub regime: Vec<regime::Clause>,
    /// PAR_EL1, or the exception, field by field.
    pub result: result::ResultView,
    /// What belongs together.
    pub links: links::Links,
}

impl Translation {
    /// Everything a view needs of one instruction executed by `pe`.
    #[must_use]
    pub fn new(pe: &Pe, op: Op, va: u64, answer: &Answer, steps: Vec<Step>) -> Self {
        let stops = stops::group(&steps);
        let matrix = matrix::build(&steps, &stops);
        let result = result::view(pe, answer, &steps);
        Self {
            links: links::links(&steps, &stops, &matrix, &result),
            va: va::stage1(pe, va, &steps),
            regime: regime::clauses(pe, op, va, &steps),
            matrix,
            result,
            stops,
            steps,
        }
    }

    /// The steps of a stop; none for a stop there is not.
    #[must_use]
    pub fn steps_of(&self, stop: usize) -> &[Step] {
        self.stops.get(stop).and_then(|stop| self.steps.get(stop.first..=stop.last)).unwrap_or_default()
    }
}
