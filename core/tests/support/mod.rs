//! The project's data, as the tests of evidence read it.

use flate2::read::GzDecoder;
use stagewalk::scenario::{Case, Expect};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// A path below `tests/`.
pub fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests").join(path)
}

/// What a folder holds with this ending, in the order of the names.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = paths.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    paths.sort();
    paths
}

/// Every scenario below `tests/scenarios/`, called `folder/name`, with the answer it must give.
pub fn scenarios() -> Vec<(String, Case, Expect)> {
    let folders = files(&data("scenarios"), "");
    let paths = folders.iter().filter(|folder| folder.is_dir()).flat_map(|folder| files(folder, ".json"));
    let read = |path: PathBuf| {
        let text = fs::read(&path).expect("a scenario");
        let (case, expect) = Case::with_expect(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        let name = format!("{folder}/{}", path.file_stem().unwrap_or_default().to_string_lossy());
        let expect = expect.unwrap_or_else(|| panic!("{name} expects nothing"));
        (name, case, expect)
    };
    paths.map(read).collect()
}

/// The cases of every vector file, with the file's name.
#[allow(dead_code)] // not every test that reads scenarios reads vectors
pub fn vectors() -> impl Iterator<Item = (String, Case)> {
    let paths = ["arm", "qemu"].into_iter().flat_map(|folder| files(&data("vectors").join(folder), ".jsonl.gz"));
    paths.flat_map(|path| {
        let lines = BufReader::new(GzDecoder::new(File::open(&path).expect("a vector file"))).lines();
        let name = path.file_name().unwrap_or_default().to_string_lossy().replace(".jsonl.gz", "");
        lines.map(move |line| (name.clone(), Case::from_slice(line.expect("text").as_bytes()).expect("a case")))
    })
}
