//! A line of `batch`: refused with a reason, or read, answered, and written down again without loss.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stagewalk::scenario::{Case, expect};
use stagewalk_fuzz::agree;

fuzz_target!(|line: &[u8]| {
    let (case, expected) = match Case::with_expect(line) {
        Ok(read) => read,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(!error.in_line().contains('\n'));
            return;
        }
    };
    assert_eq!(Case::from_slice(line).as_ref(), Ok(&case));
    let again = Case::from_json(&case.to_json()).expect("a case that was written can be read");
    assert!(means_the_same(&case, &again), "{}", case.to_json());
    let run = agree::check(&case);
    if let Some(expected) = expected {
        let _ = expect::compare(&expected, &run);
    }
    let answer = serde_json::to_vec(&run.to_expect()).expect("JSON");
    let answer = serde_json::from_slice(&answer).expect("an answer that can be read");
    assert!(expect::compare(&answer, &run).is_empty(), "an answer is what itself expects: {}", case.to_json());
});

/// Equality, but for words of memory that are 0: a case says them only where its author did.
fn means_the_same(case: &Case, again: &Case) -> bool {
    let memory = case.memory.abort() == again.memory.abort() && case.memory.words().eq(again.memory.words());
    let named = (&case.id, &case.about) == (&again.id, &again.about);
    memory && named && (case.op, case.va, &case.pe) == (again.op, again.va, &again.pe)
}
