//! Builds the scenarios of `tests/scenarios/` into the catalogue, without the answers that they expect.

use serde_json::Value;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("set by cargo")).join("../tests/scenarios");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut table = String::from("[\n");
    for folder in ["differences", "choices", "rules"] {
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
        for path in sorted(&root.join(folder)) {
            let name = format!("{folder}/{}", path.file_stem().expect("a name").display());
            let text = fs::read_to_string(&path).expect("text");
            let mut case: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            let fields = case.as_object_mut().expect("an object");
            fields.remove("expect");
            let about = fields.remove("about").unwrap_or_default();
            let about = about.as_str().unwrap_or_default().replace('\n', " · ");
            let case = case.to_string();
            writeln!(table, "Scenario {{ name: {name:?}, about: {about:?}, case: {case:?} }},").expect("memory");
        }
    }
    table.push(']');
    let out = PathBuf::from(env::var("OUT_DIR").expect("set by cargo"));
    fs::write(out.join("scenarios.rs"), table).expect("writable");
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}
