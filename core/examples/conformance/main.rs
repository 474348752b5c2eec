//! Writes the conformance page from the data: `docs/conformance.md`, and the same for the playground as
//! `static/conformance.html`. `cargo xtask conformance` runs it.

mod machine;
mod page;
mod render;
#[path = "../../tests/support/mod.rs"]
mod support;
mod tally;

use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (path, text) in files() {
        fs::write(root.join(path), text)?;
        println!("{path}");
    }
    Ok(())
}

/// The files and what they hold.
pub fn files() -> [(&'static str, String); 2] {
    let page = page::page();
    [("docs/conformance.md", render::markdown(&page)), ("static/conformance.html", render::html(&page))]
}
