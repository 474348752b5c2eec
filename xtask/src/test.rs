//! `cargo xtask test`: every check, in stages.

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::project::Project;
use crate::sh::{self, Cmd};
use crate::{browser, dist, kvm, node, tools};

type Stage = fn(&Project) -> Result<(), String>;

/// In the order in which they run: the quick ones first.
const STAGES: [(&str, Stage); 7] =
    [("fmt", fmt), ("lint", lint), ("unit", unit), ("doc", doc), ("web", web), ("dist", dist::build), ("e2e", e2e)];

/// All that has unit tests: the helper that binds the site is tried by every build of the site.
const TESTED: &str = "--workspace --exclude stagewalk-bindgen";

/// The options of `test`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    only: Vec<String>,
    keep_going: bool,
}

impl Options {
    /// Reads the command line after `test`.
    pub fn parse(args: &[String]) -> Result<Self, String> {
        let names = STAGES.map(|(name, _)| name).join(", ");
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (arg.as_str(), None),
            };
            match name {
                "--keep-going" => options.keep_going = true,
                "--only" => {
                    let value = value.or_else(|| args.next().map(String::as_str)).unwrap_or_default();
                    for stage in value.split(',') {
                        if !STAGES.iter().any(|(name, _)| *name == stage) {
                            return Err(format!("no stage `{stage}`; expected one of {names}"));
                        }
                        options.only.push(stage.to_owned());
                    }
                }
                _ => return Err(format!("no option `{arg}` of `test`; expected --only STAGE or --keep-going")),
            }
        }
        Ok(options)
    }

    fn wants(&self, stage: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == stage)
    }
}

/// Runs the stages and closes with a count of them.
pub fn run(project: &Project, options: &Options) -> ExitCode {
    let mut report = Vec::new();
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (name, stage) in STAGES.into_iter().filter(|(name, _)| options.wants(name)) {
        if failed > 0 && !options.keep_going {
            skipped += 1;
            report.push(format!("  {name:<6} skipped"));
            continue;
        }
        println!("\n=== {name}");
        let start = Instant::now();
        let result = stage(project);
        let time = seconds(start.elapsed());
        match result {
            Ok(()) => {
                passed += 1;
                println!("=== {name} passed in {time}");
                report.push(format!("  {name:<6} passed {time:>9}"));
            }
            Err(error) => {
                failed += 1;
                println!("\nerror: {error}\n=== {name} failed after {time}");
                report.push(format!("  {name:<6} FAILED {time:>9}   again alone: cargo xtask test --only {name}"));
            }
        }
    }
    println!("\n{}\n", report.join("\n"));
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    println!("{passed} passed, {failed} failed{skipped}");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn fmt(project: &Project) -> Result<(), String> {
    tools::component(project, "fmt", "rustfmt")?;
    Cmd::cargo(project).words("fmt --all --check").hint("cargo fmt --all").run()?;
    let fuzz = "fmt --manifest-path fuzz/Cargo.toml";
    Cmd::cargo(project).words(fuzz).arg("--check").hint(format!("cargo {fuzz}")).run()
}

fn lint(project: &Project) -> Result<(), String> {
    tools::component(project, "clippy", "clippy")?;
    tools::wasm_target(project)?;
    let clippy = |what: &str| Cmd::cargo(project).arg("clippy").words(what).words("-- -D warnings").run();
    clippy("--workspace --all-targets")?;
    clippy("--package stagewalk --lib --no-default-features")?;
    clippy("--package stagewalk --lib --no-default-features --features json")?;
    clippy("--package stagewalk --all-targets --features kvm")?;
    // The standard library for arm64 is no part of a toolchain, and not to be had everywhere.
    match tools::target(project, kvm::TARGET) {
        Ok(()) => clippy(&format!("--package stagewalk --bins --lib --features kvm --target {}", kvm::TARGET))?,
        Err(why) => eprintln!("left out: the KVM backend for {}: {why}", kvm::TARGET),
    }
    clippy("--package stagewalk-web --all-targets --target wasm32-unknown-unknown")?;
    clippy("--package stagewalk-bench --lib --target wasm32-unknown-unknown")?;
    Cmd::cargo(project).words("check --package stagewalk --no-default-features --target wasm32-unknown-unknown").run()
}

fn unit(project: &Project) -> Result<(), String> {
    if sh::which("cargo-nextest").is_some() {
        return Cmd::cargo(project).words("nextest run").words(TESTED).run();
    }
    Cmd::cargo(project).words("test --lib --bins --tests").words(TESTED).run()
}

fn doc(project: &Project) -> Result<(), String> {
    Cmd::cargo(project).words("test --doc --package stagewalk").run()
}

fn web(project: &Project) -> Result<(), String> {
    tools::wasm_target(project)?;
    let (wasm_pack, bindgen_dir) = tools::wasm_pack(project)?;
    let browser = browser::chromium(project)?;
    let capabilities = project.target.join("webdriver.json");
    let binary = browser.browser.display().to_string();
    let json = format!("{{\"goog:chromeOptions\": {{\"binary\": {binary:?}}}}}\n");
    fs::write(&capabilities, json).map_err(|e| format!("cannot write {}: {e}", capabilities.display()))?;
    Cmd::new(wasm_pack, &project.root)
        .words("test --headless --chrome --mode no-install --chromedriver")
        .arg(&browser.driver)
        .arg("web")
        .env("PATH", sh::path_with(&bindgen_dir)?)
        .env("CARGO_TARGET_DIR", &project.target)
        .env("WASM_PACK_CACHE", project.tools().join("wasm-pack"))
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", &capabilities)
        .env("WASM_BINDGEN_TEST_TIMEOUT", "120")
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "30")
        .run()
}

fn e2e(project: &Project) -> Result<(), String> {
    let node = node::node(project)?;
    node::e2e_packages(project)?;
    let browser = browser::chromium(project)?;
    dist::build(project)?;
    dist::stagewalk(project)?;

    let dir = project.root.join("tests/e2e");
    let entries = fs::read_dir(&dir).map_err(|e| format!("cannot read {}: {e}", dir.display()))?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut specs: Vec<String> = names.filter(|name| name.ends_with(".test.mjs")).collect();
    specs.sort();
    if specs.is_empty() {
        return Err(format!("no tests in {}\n  expected: files that end in .test.mjs", dir.display()));
    }
    let shots = project.target.join("e2e");
    Cmd::new(node, &dir)
        .args(["--test", "--test-reporter=spec"])
        .args(specs)
        .env("STAGEWALK_BIN", project.stagewalk())
        .env("STAGEWALK_DIST", project.dist())
        .env("STAGEWALK_E2E_OUT", &shots)
        .env("CHROMIUM", &browser.browser)
        .hint(format!("the screenshots that the tests took are in {}", shots.display()))
        .run()
}

#[cfg(test)]
mod tests {
    use super::Options;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn stages_are_chosen_by_name() {
        assert!(parse("").unwrap().wants("e2e"));
        let two = parse("--only fmt,doc --keep-going").unwrap();
        assert!(two.wants("fmt") && two.wants("doc") && !two.wants("unit") && two.keep_going);
        assert_eq!(parse("--only=fmt --only doc").unwrap().only, ["fmt", "doc"]);
        assert!(parse("--only tests").unwrap_err().contains("no stage `tests`; expected one of fmt, lint"));
        assert!(parse("--only").is_err());
        assert!(parse("--fast").unwrap_err().contains("`--fast`"));
    }
}
