//! Any machine whatever: translation ends, in bounded time, and the same in every world.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stagewalk_fuzz::{Bytes, agree, machine};

fuzz_target!(|input: &[u8]| {
    let source = &mut Bytes(input);
    agree::check(&machine::next(source).case(source));
});
