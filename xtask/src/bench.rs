//! `cargo xtask bench`: what a translation costs, natively and in wasm.

use std::fs;

use crate::project::Project;
use crate::sh::Cmd;
use crate::{browser, node, tools};

/// The options of `bench`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    mode: Mode,
    native: bool,
    /// For the program that measures.
    passed: Vec<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Table,
    Json,
    Write,
    Instructions,
}

impl Options {
    /// Reads the command line after `bench`.
    pub fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (arg.as_str(), None),
            };
            let mode = match name {
                "--json" => Mode::Json,
                "--write" => Mode::Write,
                "--instructions" => Mode::Instructions,
                "--native" => {
                    options.native = true;
                    continue;
                }
                "--only" | "--rounds" => {
                    let value = value.or_else(|| args.next().map(String::as_str)).unwrap_or_default();
                    if value.is_empty() {
                        return Err(format!("{name} wants a value"));
                    }
                    options.passed.extend([name.to_owned(), value.to_owned()]);
                    continue;
                }
                _ => {
                    let known = "--json, --write, --instructions, --native, --only WORK or --rounds N";
                    return Err(format!("no option `{arg}` of `bench`; expected {known}"));
                }
            };
            if options.mode != Mode::Table {
                return Err(format!("`{arg}` goes alone: one of --json, --write and --instructions"));
            }
            options.mode = mode;
        }
        if options.mode == Mode::Write && (options.native || options.passed.iter().any(|word| word == "--only")) {
            return Err("--write writes the whole table: it goes with neither --native nor --only".to_owned());
        }
        Ok(options)
    }
}

/// Builds what is timed, and starts the program that times it. Nothing but its answer goes to standard output.
pub fn run(project: &Project, options: &Options) -> Result<(), String> {
    Cmd::cargo(project).words("build --release --package stagewalk-bench --bin stagewalk-bench").run()?;
    let program = project.target.join("release").join(format!("stagewalk-bench{}", std::env::consts::EXE_SUFFIX));
    let mut bench = Cmd::new(program, &project.root).args(&options.passed);
    match options.mode {
        Mode::Table => {}
        Mode::Json => bench = bench.arg("--json"),
        Mode::Write => bench = bench.arg("--write").arg(project.root.join("docs/performance.md")),
        Mode::Instructions => return bench.arg("--instructions").run(),
    }
    if options.native { bench.run() } else { with_wasm(project, bench)?.run() }
}

/// Tells the program where the wasm module is, and what it needs to run it in Node.js and in Chromium.
fn with_wasm(project: &Project, bench: Cmd) -> Result<Cmd, String> {
    tools::wasm_target(project)?;
    let node = node::node(project)?;
    node::e2e_packages(project)?;
    let browser = browser::chromium(project)?;
    Cmd::cargo(project)
        .words("build --release --package stagewalk-bench --lib --target wasm32-unknown-unknown")
        .run()?;
    let mut wasm = project.target.join("wasm32-unknown-unknown/release/stagewalk_bench.wasm");
    // As the playground is.
    if let Some(optimizer) = node::wasm_opt(project) {
        let dir = project.target.join("bench");
        fs::create_dir_all(&dir).map_err(|e| format!("cannot create {}: {e}", dir.display()))?;
        let optimised = dir.join("stagewalk_bench.wasm");
        Cmd::new(optimizer, &project.root).arg("-O").arg(&wasm).arg("-o").arg(&optimised).run()?;
        wasm = optimised;
    }
    let bench = bench.arg("--wasm").arg(wasm).arg("--node").arg(node);
    let bench = bench.arg("--script").arg(project.root.join("bench/wasm.mjs"));
    Ok(bench.env("CHROMIUM", browser.browser).env("PLAYWRIGHT", project.root.join("tests/e2e/package.json")))
}

#[cfg(test)]
mod tests {
    use super::{Mode, Options};

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read_and_mistakes_named() {
        assert_eq!(parse(""), Ok(Options::default()));
        let options = parse("--json --native --only=s1_lat,traced --rounds 3").unwrap();
        assert_eq!((options.mode, options.native), (Mode::Json, true));
        assert_eq!(options.passed, ["--only", "s1_lat,traced", "--rounds", "3"]);
        assert!(parse("--json --write").unwrap_err().contains("goes alone"));
        assert!(parse("--write --native").unwrap_err().contains("the whole table"));
        assert!(parse("--rounds").unwrap_err().contains("wants a value"));
        assert!(parse("--fast").unwrap_err().contains("`--fast`"));
    }
}
