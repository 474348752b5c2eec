//! Whether the machine's answer is the model's.

use super::rows::{Row, Walker, explain};
use super::{Fit, Machine, Problem, fit};
use crate::at::{Outcome, Written};
use crate::scenario::{Case, Run};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use serde::Serialize;

/// What comparing two answers comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "verdict", content = "rows")]
pub enum Verdict {
    /// They are the same, bits that the architecture leaves open aside.
    Equal,
    /// They differ as these rows of the known differences say.
    Explained(Vec<Row>),
    /// They differ otherwise.
    Unexplained,
}

/// A case, answered by the machine and by the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The case as the machine had it.
    pub fit: Fit,
    /// The machine's answer.
    pub machine: Run,
    /// The model's answer to the very same case.
    pub model: Run,
    /// How they compare.
    pub verdict: Verdict,
}

/// Asks the machine, and then the model what the machine was asked.
///
/// # Errors
/// Why the machine gives no answer.
pub fn ask(machine: &mut Machine, case: &Case) -> Result<Asked, Problem> {
    let mut fit = fit(case, &machine.limits()).map_err(Problem::Unfit)?;
    let answer = machine.run(&mut fit)?;
    let model = fit.case.trace();
    let verdict = compare(&fit.case, &model, &answer, machine.limits().walker);
    Ok(Asked { fit, machine: answer, model, verdict })
}

/// Compares the machine's answer with the model's.
#[must_use]
pub fn compare(case: &Case, model: &Run, machine: &Run, walker: Walker) -> Verdict {
    if is_same((case, model), (case, machine)) {
        return Verdict::Equal;
    }
    explain(case, machine, walker).map_or(Verdict::Unexplained, Verdict::Explained)
}

/// Whether two answers are the same as far as a machine can tell: PAR_EL1, the exception and its syndrome, and what
/// was changed in descriptors.
pub(super) fn is_same((case, model): (&Case, &Run), (asked, machine): (&Case, &Run)) -> bool {
    let result = match (&model.answer.result, &machine.answer.result) {
        (Outcome::Par(model), Outcome::Par(machine)) => (model.value ^ machine.value) & !model.unknown == 0,
        (Outcome::Exception(model), Outcome::Exception(machine)) => {
            let known = |got: &Written| {
                let expected = model.registers.iter().find(|written| written.register == got.register);
                expected.is_some_and(|expected| (expected.value ^ got.value) & !expected.unknown == 0)
            };
            model.el == machine.el && machine.registers.iter().all(known)
        }
        (Outcome::Undefined, Outcome::Undefined) => true,
        _ => false,
    };
    result && changes(case, model) == changes(asked, machine)
}

/// Which bits of memory are others in the end.
pub(crate) fn changes(case: &Case, run: &Run) -> BTreeMap<u64, u64> {
    run.writes.iter().map(|&(address, word)| (address, word ^ case.memory.word(address))).collect()
}
