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
    assert_eq!(Case::from_json(&case.to_json()).as_ref(), Ok(&case), "{}", case.to_json());
    let run = agree::check(&case);
    if let Some(expected) = expected {
        let _ = expect::compare(&expected, &run);
    }
    let answer = serde_json::to_vec(&run.to_expect()).expect("JSON");
    let answer = serde_json::from_slice(&answer).expect("an answer that can be read");
    assert!(expect::compare(&answer, &run).is_empty(), "an answer is what itself expects: {}", case.to_json());
});
