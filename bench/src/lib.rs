//! What a translation costs, against the floor of merely loading its descriptors.
//!
//! [`works::WORKS`] lists what is timed. Each work is two loops over the same tables, the work's and its reference's,
//! which whoever holds a clock runs in turns: `cargo xtask bench` natively, in Node.js and in a browser, where the same
//! loops are compiled for wasm, and `cargo bench`. `docs/performance.md` says what is measured, and how.

pub mod chase;
pub mod engine;
pub mod racing;
pub mod tables;
#[cfg(target_arch = "wasm32")]
mod wasm;
pub mod works;
