//! `stagewalk-bench`: times the works natively, and in wasm where it is told how. `cargo xtask bench` starts it.

mod callgrind;
mod host;
mod measure;
mod report;

use host::{Host, Native, Wasm};
use measure::Measured;
use stagewalk_bench::works::{WORKS, all};
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
usage: stagewalk-bench [--json | --write FILE | --instructions] [--only WORK] [--rounds N]
                       [--wasm MODULE --script WASM.MJS --node PROGRAM]";

#[derive(Default)]
struct Options {
    json: bool,
    instructions: bool,
    write: Option<PathBuf>,
    only: Vec<String>,
    rounds: Option<usize>,
    wasm: Option<PathBuf>,
    script: Option<PathBuf>,
    node: Option<PathBuf>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().cloned().ok_or_else(|| format!("{arg} wants a value\n{USAGE}"));
            match arg.as_str() {
                "--json" => options.json = true,
                "--instructions" => options.instructions = true,
                "--write" => options.write = Some(value()?.into()),
                "--only" => options.only.extend(value()?.split(',').map(str::to_owned)),
                "--rounds" => {
                    let rounds = value()?.parse().ok().filter(|rounds| *rounds > 0);
                    options.rounds = Some(rounds.ok_or("--rounds wants a number from 1")?);
                }
                "--wasm" => options.wasm = Some(value()?.into()),
                "--script" => options.script = Some(value()?.into()),
                "--node" => options.node = Some(value()?.into()),
                _ => return Err(format!("no option `{arg}`\n{USAGE}")),
            }
        }
        if let Some(name) = options.only.iter().find(|name| !all().any(|work| work.name == **name)) {
            let names: Vec<_> = all().map(|work| work.name).collect();
            return Err(format!("no work `{name}`; expected {}", names.join(", ")));
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<(), String> {
    if let [first, rest @ ..] = args
        && first == callgrind::ONE
    {
        return callgrind::one(rest);
    }
    let options = Options::parse(args)?;
    if options.instructions {
        print!("{}", report::instructions(&callgrind::counts()));
        return Ok(());
    }
    let mut hosts: Vec<Box<dyn Host>> = vec![Box::new(Native::default())];
    if let Options { wasm: Some(wasm), script: Some(script), node: Some(node), .. } = &options {
        for place in ["node", "chromium"] {
            hosts.push(Box::new(Wasm::start(node.as_ref(), script.as_ref(), place, wasm.as_ref())?));
        }
    }
    let works = all().filter(|work| {
        let shown = !options.json || WORKS.iter().any(|reported| reported.name == work.name);
        shown && (options.only.is_empty() || options.only.iter().any(|name| name == work.name))
    });
    let mut results: Vec<Measured> = works.map(Measured::new).collect();
    let rounds = options.rounds.unwrap_or(ROUNDS);
    for sitting in 1..=SITTINGS {
        for result in &mut results {
            eprintln!("timing {}, {sitting} of {SITTINGS}: {}", result.work.name, result.work.about);
            result.sit(&mut hosts, rounds.div_ceil(SITTINGS))?;
        }
    }
    let names: Vec<&str> = hosts[1..].iter().map(|host| host.name()).collect();
    if options.json {
        println!("{}", report::json(&results));
        return Ok(());
    }
    print!("{}", report::table(&results, &names));
    if let Some(path) = &options.write {
        let instructions = report::instructions(&callgrind::counts());
        let new = format!("{}\n{}\n{instructions}", machine(&names), report::markdown(&results, &names));
        let failed = |error| format!("{}: {error}", path.display());
        let document = fs::read_to_string(path).map_err(failed)?;
        let written = report::insert(&document, &new).ok_or("the document has no place for the table")?;
        fs::write(path, written).map_err(failed)?;
        println!("\nwritten to {}", path.display());
    }
    Ok(())
}

const ROUNDS: usize = 99;
const SITTINGS: usize = 3;

/// What it was measured on.
fn machine(hosts: &[&str]) -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("an unknown processor", |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let rust = concat!("Rust ", env!("CARGO_PKG_RUST_VERSION"));
    let with: Vec<&str> = [rust].into_iter().chain(hosts.iter().copied()).collect();
    format!("Measured on {model}, {cores} cores, with {}.\n", with.join(", "))
}
