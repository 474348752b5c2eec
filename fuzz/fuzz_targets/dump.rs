//! The files of a captured machine: refused with a reason, or read, and then asked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stagewalk::access::Op;
use stagewalk::scenario::dump::Dump;
use stagewalk_fuzz::{agree, dump_parts};

fuzz_target!(|input: &[u8]| {
    let [regs, pages_json, meta, pages] = dump_parts(input);
    match Dump::from_parts(regs, pages_json, meta, pages) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(dump) => {
            let placed = dump.memory.words().last().map_or(0, |(address, _)| address);
            for (op, va) in [(Op::S1E1R, placed), (Op::S12E0W, 0), (Op::Ldr, u64::MAX - 4096), (Op::S1E2R, placed)] {
                agree::check(&dump.case(op, va));
            }
        }
    }
});
