//! The conformance page is what its generator makes of the data.

#[allow(dead_code)] // the example's main
#[path = "../examples/conformance/main.rs"]
mod conformance;

use std::fs;
use std::path::Path;

#[test]
fn the_committed_pages_are_what_the_command_makes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (path, text) in conformance::files() {
        let committed = fs::read_to_string(root.join(path)).unwrap_or_default();
        assert!(
            committed == text,
            "{path} is not what the data say: run `cargo xtask conformance` and look at the diff"
        );
    }
}
