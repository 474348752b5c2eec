//! What JavaScript calls: a work is prepared by its index in [`all`], then either loop runs as often as one likes.

#![expect(unsafe_code, reason = "an exported name counts as unsafe code, because it might meet another of its kind")]

use crate::works::{Ready, all};
use std::cell::RefCell;

thread_local! {
    static READY: RefCell<Option<Ready>> = const { RefCell::new(None) };
}

/// Builds a work's subject; the count of what a pass does, or 0 if there is no such work.
#[unsafe(no_mangle)]
pub extern "C" fn prepare(work: u32) -> u32 {
    READY.set(None); // its memory first
    let ready = all().nth(work as usize).map(|work| (work.prepare)());
    let count = ready.as_ref().map_or(0, |ready| ready.count);
    READY.set(ready);
    count as u32
}

/// So many passes of the reference.
#[unsafe(no_mangle)]
pub extern "C" fn run_floor(passes: u32) -> u64 {
    READY.with_borrow(|ready| ready.as_ref().map_or(0, |ready| (ready.floor)(passes)))
}

/// So many passes of the work.
#[unsafe(no_mangle)]
pub extern "C" fn run_work(passes: u32) -> u64 {
    READY.with_borrow(|ready| ready.as_ref().map_or(0, |ready| (ready.work)(passes)))
}
