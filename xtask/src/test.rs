//! `cargo xtask test`: every check, in stages.

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::project::Project;
use crate::sh::{self, Cmd};
use crate::{browser, dist, kvm, node, tools};

/// A stage: its name, what it does, and what it needs that cannot be had everywhere. Where that is missing the stage is
/// skipped, and says why.
type Stage = (&'static str, Step, Step);
type Step = fn(&Project) -> Result<(), String>;

/// In the order in which they run: the quick ones first.
const STAGES: [Stage; 8] = [
    ("fmt", fmt, nothing),
    ("lint", lint, nothing),
    ("unit", unit, nothing),
    ("doc", doc, nothing),
    ("web", web, nothing),
    ("dist", dist::build, nothing),
    ("e2e", e2e, nothing),
    ("kvm", kvm::stage, kvm::available),
];

/// All that has unit tests: the helper that binds the site is tried by every build of the site. Of the feature `kvm`,
/// everything but the VM itself.
const TESTED: &str = "--workspace --exclude stagewalk-bindgen --features stagewalk/kvm";

/// The options of `test`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    only: Vec<String>,
    keep_going: bool,
}

impl Options {
    /// Reads the command line after `test`.
    pub fn parse(args: &[String]) -> Result<Self, String> {
        let names = STAGES.map(|(name, ..)| name).join(", ");
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
                        if !STAGES.iter().any(|(name, ..)| *name == stage) {
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

/// What came of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Passed(Duration),
    Failed(Duration),
    /// It cannot run here.
    Skipped(String),
    /// A stage before it failed.
    NotRun,
}

/// Runs the stages and closes with a count of them.
pub fn run(project: &Project, options: &Options) -> ExitCode {
    let mut outcomes = Vec::new();
    for (name, stage, needs) in STAGES.into_iter().filter(|(name, ..)| options.wants(name)) {
        let failed = outcomes.iter().any(|(_, outcome)| matches!(outcome, Outcome::Failed(_)));
        let outcome =
            if failed && !options.keep_going { Outcome::NotRun } else { outcome(project, name, stage, needs) };
        outcomes.push((name, outcome));
    }
    let (text, code) = report(&outcomes);
    println!("\n{text}");
    code
}

fn outcome(project: &Project, name: &str, stage: Step, needs: Step) -> Outcome {
    println!("\n=== {name}");
    if let Err(why) = needs(project) {
        println!("=== {name} skipped: {why}");
        return Outcome::Skipped(why);
    }
    let start = Instant::now();
    let result = stage(project);
    let time = start.elapsed();
    match result {
        Ok(()) => {
            println!("=== {name} passed in {}", seconds(time));
            Outcome::Passed(time)
        }
        Err(error) => {
            println!("\nerror: {error}\n=== {name} failed after {}", seconds(time));
            Outcome::Failed(time)
        }
    }
}

/// A line for each stage, and how many there were of each outcome.
fn report(outcomes: &[(&str, Outcome)]) -> (String, ExitCode) {
    let mut text = String::new();
    let mut counts = [0; 4];
    for (name, outcome) in outcomes {
        let (which, line) = match outcome {
            Outcome::Passed(time) => (0, format!("passed {:>9}", seconds(*time))),
            Outcome::Failed(time) => {
                (1, format!("FAILED {:>9}   again alone: cargo xtask test --only {name}", seconds(*time)))
            }
            Outcome::Skipped(why) => (2, format!("SKIPPED: {}", why.replace('\n', "\n         "))),
            Outcome::NotRun => (3, "not run".into()),
        };
        counts[which] += 1;
        text += &format!("  {name:<6} {line}\n");
    }
    let [passed, failed, skipped, not_run] = counts;
    text += &format!("\n{passed} passed, {failed} failed");
    for (count, word) in [(skipped, "skipped"), (not_run, "not run")] {
        if count > 0 {
            text += &format!(", {count} {word}");
        }
    }
    (text, if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What most stages need: what is missing is installed, or they fail.
const fn nothing(_: &Project) -> Result<(), String> {
    Ok(())
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
    for target in kvm::TARGETS {
        match tools::target(project, target) {
            Ok(()) => clippy(&format!("--package stagewalk --bins --lib --test kvm --features kvm --target {target}"))?,
            Err(why) => eprintln!("left out: the KVM backend for {target}: {why}"),
        }
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
    use super::{Options, Outcome, report};
    use std::time::Duration;

    #[test]
    fn a_skipped_stage_is_reported_with_its_reason() {
        let time = Duration::from_millis(1500);
        let skipped = ("kvm", Outcome::Skipped("no archive\nhint".into()));
        let (text, _) = report(&[("fmt", Outcome::Passed(time)), skipped.clone()]);
        assert_eq!(
            text,
            "  fmt    passed     1.5 s\n  kvm    SKIPPED: no archive\n         hint\n\n1 passed, 0 failed, 1 skipped"
        );
        let (text, _) = report(&[("fmt", Outcome::Failed(time)), ("lint", Outcome::NotRun), skipped]);
        assert!(text.ends_with("0 passed, 1 failed, 1 skipped, 1 not run"), "{text}");
    }

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
