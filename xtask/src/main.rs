//! `cargo xtask`: the project's automation. See [`HELP`] for the commands.

mod bench;
mod browser;
mod dist;
mod fuzz;
mod kvm;
mod node;
mod play;
mod project;
mod sh;
mod test;
mod tools;

use std::process::ExitCode;

use project::Project;
use sh::Cmd;

const HELP: &str = "\
cargo xtask: builds, serves and tests stagewalk, installing the tools that are missing

usage: cargo xtask <command> [options]

commands:
  play    build the playground and serve it on this machine
            --port N        the port to try first (default 8080)
            --no-open       do not open a browser
  dist    build the complete static site into target/dist, for any web server
  conformance
          run all data and write the conformance page: docs/conformance.md and static/conformance.html
  test    run every check
            --only STAGE    run this stage alone (repeat it, or separate stages by commas)
            --keep-going    go on after a stage has failed
  test-kvm
          run the KVM backend on an arm64 machine that QEMU emulates; fetches QEMU and a kernel from Debian's archive
            -- COMMAND      run this on the machine instead, for instance: stagewalk kvm probe
            --write         write what was counted to tests/kvm, of which the conformance page is made
  fuzz    run the fuzz targets, one after the other; needs a nightly toolchain
            --seconds N     how long each (default 600)
            --only TARGET   walk, batch or dump alone
  bench   time the works of docs/performance.md beside their floors, natively, in Node.js and in headless Chromium
            --json          print one JSON object instead of the table
            --write         write the table into docs/performance.md too
            --instructions  count instructions per translation instead, with valgrind if it is there
            --native        natively alone
            --only WORK     this work alone (repeat it, or separate works by commas)
            --rounds N      how often each is timed at the most (default 99)
  help    print this

stages of `test`, in order:
  fmt     formatting of all Rust code
  lint    clippy with warnings denied: the workspace, what runs as wasm for wasm32, the library without features
  unit    unit, vector and property tests
  doc     the examples in the documentation
  web     component tests of the playground in headless Chromium (wasm-pack test)
  dist    the static site
  e2e     end-to-end tests of the site in headless Chromium (Playwright, axe)
  kvm     what `test-kvm` does; skipped, with the reason, where its packages cannot be had

What is missing is installed into target/tools; Node.js and Chromium come from apt. A tool on PATH is used if its
version fits. CARGO_TARGET_DIR moves target/.
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(code) => code,
        Err(Failure::Usage(message)) => {
            eprintln!("error: {message}\n       `cargo xtask help` lists the commands and their options");
            ExitCode::from(2)
        }
        Err(Failure::Work(message)) => {
            eprintln!("\nerror: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Why a command did not finish.
enum Failure {
    /// The command line makes no sense.
    Usage(String),
    /// Something that it did failed.
    Work(String),
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Work(message)
    }
}

fn run(args: &[String]) -> Result<ExitCode, Failure> {
    let (command, options) = match args.split_first() {
        Some((command, options)) => (command.as_str(), options),
        None => ("help", args),
    };
    let own = options.split(|option| option == "--").next().unwrap_or_default();
    if own.iter().any(|option| option == "--help" || option == "-h") {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    match command {
        "play" => {
            let options = play::Options::parse(options).map_err(Failure::Usage)?;
            play::run(&Project::find()?, &options)?;
        }
        "dist" => {
            if let Some(option) = options.first() {
                return Err(Failure::Usage(format!("`dist` takes no option, got `{option}`")));
            }
            let project = Project::find()?;
            dist::build(&project)?;
            println!("\nthe site is in {}", project.dist().display());
        }
        "conformance" => {
            if let Some(option) = options.first() {
                return Err(Failure::Usage(format!("`conformance` takes no option, got `{option}`")));
            }
            Cmd::cargo(&Project::find()?).words("run --package stagewalk --example conformance").run()?;
        }
        "test" => {
            let options = test::Options::parse(options).map_err(Failure::Usage)?;
            return Ok(test::run(&Project::find()?, &options));
        }
        "test-kvm" => {
            let options = kvm::Options::parse(options).map_err(Failure::Usage)?;
            kvm::run(&Project::find()?, &options)?;
        }
        "fuzz" => {
            let options = fuzz::Options::parse(options).map_err(Failure::Usage)?;
            fuzz::run(&Project::find()?, &options)?;
        }
        "bench" => {
            let options = bench::Options::parse(options).map_err(Failure::Usage)?;
            bench::run(&Project::find()?, &options)?;
        }
        "help" | "--help" | "-h" => print!("{HELP}"),
        other => {
            let known = "play, dist, conformance, test, test-kvm, fuzz, bench or help";
            return Err(Failure::Usage(format!("no command `{other}`; expected {known}")));
        }
    }
    Ok(ExitCode::SUCCESS)
}
