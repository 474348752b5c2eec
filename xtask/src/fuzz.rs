//! `cargo xtask fuzz`: the fuzz targets, one after the other.

use std::fs;

use crate::project::Project;
use crate::sh::{self, Cmd};
use crate::tools;

const TARGETS: [&str; 3] = ["walk", "batch", "dump"];

/// The options of `fuzz`.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    seconds: u32,
    only: Option<&'static str>,
}

impl Options {
    /// Reads the command line after `fuzz`.
    pub fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Self { seconds: 600, only: None };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (arg.as_str(), None),
            };
            let mut value = || value.or_else(|| args.next().map(String::as_str)).unwrap_or_default();
            match name {
                "--seconds" => {
                    let value = value();
                    let seconds = value.parse().ok().filter(|&seconds| seconds > 0);
                    options.seconds =
                        seconds.ok_or_else(|| format!("--seconds wants a number from 1, got `{value}`"))?;
                }
                "--only" => {
                    let value = value();
                    let known = TARGETS.into_iter().find(|target| *target == value);
                    let known = known.ok_or_else(|| format!("no target `{value}`; expected {}", TARGETS.join(", ")))?;
                    options.only = Some(known);
                }
                _ => return Err(format!("no option `{arg}` of `fuzz`; expected --seconds N or --only TARGET")),
            }
        }
        Ok(options)
    }
}

/// Fuzzes each target for so many seconds; stops at the first that fails.
pub fn run(project: &Project, options: &Options) -> Result<(), String> {
    nightly(project)?;
    let dir = tools::cargo_fuzz(project)?;
    // Never the toolchain that the project is pinned to: coverage needs the compiler's unstable options.
    let cargo = || -> Result<Cmd, String> {
        Ok(Cmd::new("rustup", &project.root)
            .words("run nightly cargo")
            .env("PATH", sh::path_with(&dir)?)
            .env("CARGO_TARGET_DIR", project.target.join("fuzz")))
    };
    let corpus = project.root.join("fuzz/corpus");
    if !TARGETS.iter().all(|target| corpus.join(target).is_dir()) {
        cargo()?.words("run --release --manifest-path fuzz/Cargo.toml --example seeds").run()?;
    }
    let dictionary = corpus.join("json.dict");
    for target in TARGETS.into_iter().filter(|target| options.only.is_none_or(|only| only == *target)) {
        println!("\n=== {target}, {} s", options.seconds);
        let fuzz = cargo()?
            .words("fuzz run")
            .arg(target)
            .words("-- -timeout=10 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1")
            .arg(format!("-max_total_time={}", options.seconds));
        let fuzz = if target == "walk" { fuzz } else { fuzz.arg(format!("-dict={}", dictionary.display())) };
        fuzz.hint(format!(
            "the input is in fuzz/artifacts/{target}; run it alone: cargo +nightly fuzz run {target} FILE"
        ))
        .run()?;
    }
    let kept = TARGETS.map(|target| fs::read_dir(corpus.join(target)).map_or(0, Iterator::count));
    println!("\nnothing found; the corpora hold {kept:?} inputs of {TARGETS:?}");
    Ok(())
}

fn nightly(project: &Project) -> Result<(), String> {
    if Cmd::new("rustup", &project.root).words("run nightly rustc --version").succeeds() {
        return Ok(());
    }
    Err("fuzzing needs a nightly Rust toolchain, and there is none\n  \
         fix: rustup toolchain install nightly --profile minimal, then run this again"
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::Options;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn time_and_target_are_chosen() {
        assert_eq!(parse("").unwrap(), Options { seconds: 600, only: None });
        assert_eq!(parse("--seconds 5 --only=walk").unwrap(), Options { seconds: 5, only: Some("walk") });
        assert!(parse("--seconds 0").unwrap_err().contains("from 1, got `0`"));
        assert!(parse("--seconds").is_err());
        assert!(parse("--only walks").unwrap_err().contains("expected walk, batch, dump"));
        assert!(parse("--fast").unwrap_err().contains("`--fast`"));
    }
}
