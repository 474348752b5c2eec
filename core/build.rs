//! Builds a finished site into the host binary: all files of the directory that STAGEWALK_SITE names.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const NAME: &str = "STAGEWALK_SITE";

fn main() {
    println!("cargo::rerun-if-env-changed={NAME}");
    let mut table = String::from("static SITE: &[(&str, &[u8])] = &[\n");
    if let Some(site) = env::var_os(NAME).filter(|site| !site.is_empty()) {
        // A path that is not absolute starts at the repository.
        let root = Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo")).join("..").join(site);
        let root = root.canonicalize().unwrap_or_else(|error| panic!("{NAME}, {}: {error}", root.display()));
        assert!(root.join("index.html").is_file(), "{NAME}: no index.html in {}: cargo xtask dist", root.display());
        println!("cargo::rerun-if-changed={}", root.display());
        for file in files(&root) {
            let name = file.strip_prefix(&root).expect("below the site").display().to_string().replace('\\', "/");
            writeln!(table, "({name:?}, include_bytes!({:?})),", file.display().to_string()).expect("memory");
        }
    }
    table.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    fs::write(out.join("site.rs"), table).expect("writable");
}

/// Every file below a directory, in order.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
