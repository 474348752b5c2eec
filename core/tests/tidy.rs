//! The style of the house, as far as a test can hold it: floors, sizes, and what the library does without.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust file below a folder of the project, with its text.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, files: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                collect(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("text");
                files.push((path, text));
            }
        }
    }
    let mut files = Vec::new();
    collect(&root().join(folder), &mut files);
    assert!(!files.is_empty(), "{folder} has no sources");
    files
}

/// The library's sources, as (room, path, text): a room is a module of the crate's root.
fn rooms() -> Vec<(String, PathBuf, String)> {
    let source = root().join("core/src");
    let room = |path: &Path| {
        let first = path.strip_prefix(&source).expect("below the source").components().next().expect("a name");
        first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_string()
    };
    let library = sources("core/src").into_iter().map(|(path, text)| (room(&path), path, text));
    library.filter(|(room, ..)| room != "bin" && room != "lib").collect()
}

/// The rooms in the order of the floor table in the crate's documentation.
fn floors() -> Vec<String> {
    let text = fs::read_to_string(root().join("core/src/lib.rs")).expect("lib.rs");
    let rows =
        text.lines().filter_map(|line| line.strip_prefix("//! | ")).filter(|row| row.starts_with(char::is_numeric));
    let names = rows.flat_map(|row| row.split('`').skip(1).step_by(2).map(str::to_string).collect::<Vec<_>>());
    names.map(|name| name.trim_start_matches("mod@").to_string()).collect()
}

#[test]
fn a_room_imports_only_rooms_before_it() {
    let floors = floors();
    let floor = |room: &str| floors.iter().position(|name| name == room);
    let mut wrong = Vec::new();
    for (room, path, text) in rooms() {
        let own = floor(&room).unwrap_or_else(|| panic!("{room} is in no row of the floor table"));
        for mention in text.split("crate::").skip(1) {
            let name: String = mention.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if floor(&name).is_some_and(|other| other > own) {
                wrong.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports from above:\n{}", wrong.join("\n"));
}

#[test]
fn the_library_does_without() {
    let banned = [
        ("HashMap", "iterates in no fixed order"),
        ("HashSet", "iterates in no fixed order"),
        ("std::", "the library is no_std"),
        ("f32", "floats"),
        ("f64", "floats"),
        ("println!", "the library does not print"),
        ("unsafe ", "unsafe code"),
        (".unwrap()", "panics"),
        (".expect(", "panics"),
        ("panic!", "panics"),
        ("unreachable!", "panics"),
    ];
    let mut wrong = Vec::new();
    for (_, path, text) in rooms() {
        // KVM's room is Linux's: it has std, and the one file of unsafe code
        let is_kvm = path.components().any(|component| component.as_os_str() == "kvm");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        for (number, line) in lines.enumerate() {
            let allowed = |word: &str| match word {
                "std::" => is_kvm,
                "unsafe " => path.ends_with("kvm/arm/sys.rs"),
                _ => false,
            };
            let found = banned.iter().find(|(word, _)| line.contains(word) && !allowed(word));
            if let (Some((word, why)), false) = (found, path.ends_with("tests.rs")) {
                wrong.push(format!("{}, about line {number}: {word} ({why})", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_code_says_why_it_is_sound() {
    let path = root().join("core/src/kvm/arm/sys.rs");
    let text = fs::read_to_string(path).expect("sys.rs");
    let lines: Vec<&str> = text.lines().collect();
    let uses = lines.iter().enumerate().filter(|(_, line)| line.contains("unsafe {") || line.contains("unsafe impl"));
    let said = uses.map(|(number, _)| {
        let before = lines[..number].iter().rev().take(6);
        (number, before.take_while(|line| !line.trim().is_empty()).any(|line| line.contains("// SAFETY:")))
    });
    let said: Vec<(usize, bool)> = said.collect();
    assert!(said.len() > 10);
    assert!(said.iter().all(|(_, said)| *said), "without SAFETY, by line from 0: {said:?}");
}

#[test]
fn registers_are_read_in_one_place() {
    // kvm gives them to another machine
    let may = ["effective", "params", "regs", "preset", "scenario", "view", "kvm"];
    for (room, path, text) in rooms() {
        let reads = text.contains("regs.get");
        assert!(!reads || may.contains(&room.as_str()), "{} reads registers", path.display());
    }
}

#[test]
fn rooms_are_small() {
    const LINES: usize = 480;
    for (path, text) in ["bench", "core/src", "web/src", "xtask/src"].into_iter().flat_map(sources) {
        // a table is as long as what it lists
        let table = path.starts_with(root().join("core/src/layout")) || path.ends_with("rule.rs");
        let lines = text.lines().count();
        assert!(table || lines <= LINES, "{} has {lines} lines", path.display());
    }
}

#[test]
fn every_line_fits() {
    let mut long = Vec::new();
    for (path, text) in ["bench", "core", "web/src", "xtask/src"].into_iter().flat_map(sources) {
        let columns = text.lines().map(|line| line.chars().count());
        let over = columns.enumerate().filter(|(_, columns)| *columns > 120);
        long.extend(over.map(|(line, columns)| format!("{}:{}: {columns} columns", path.display(), line + 1)));
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}
