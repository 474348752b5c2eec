//! Instructions, as valgrind's callgrind counts them: they are the same however busy the machine is.

use crate::host::{Host, Native, Which};
use stagewalk_bench::works::all;
use std::env;
use std::process::Command;

/// What is counted: a name, the work, and which of its loops.
const COUNTED: [(&str, &str, Which); 8] = [
    ("stage 1, chase", "s1_thr", Which::Floor),
    ("stage 1, prepared", "s1_thr", Which::Work),
    ("stage 1, traced", "s1_traced", Which::Work),
    ("stage 1, raw", "s1_at_raw", Which::Work),
    ("nested, chase", "s12_thr", Which::Floor),
    ("nested, prepared", "s12_thr", Which::Work),
    ("nested, traced", "traced", Which::Work),
    ("nested, raw", "at_raw", Which::Work),
];

/// The command line of [`one`], for this program to start itself with.
pub const ONE: &str = "one";

/// Instructions of each, per translation: what two more passes cost, divided. Why not, where there is no valgrind.
pub fn counts() -> Result<Vec<(&'static str, f64)>, String> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Err("valgrind is not on PATH".to_owned());
    }
    let each = COUNTED.into_iter().map(|(name, work, which)| {
        eprintln!("counting instructions: {name}");
        // Each after the same pass that is not timed.
        let more = collected(work, which, 4)? - collected(work, which, 2)?;
        let count = all().find(|candidate| candidate.name == work).map_or(1, |work| (work.prepare)().count);
        Ok((name, more / 2.0 / count as f64))
    });
    each.collect()
}

fn collected(work: &str, which: Which, passes: u32) -> Result<f64, String> {
    let program = env::current_exe().map_err(|error| format!("this program's own path: {error}"))?;
    let which = if matches!(which, Which::Floor) { "floor" } else { "work" };
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    let output = valgrind.args([ONE, work, which, &passes.to_string()]).output();
    let output = output.map_err(|error| format!("valgrind could not be started: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let number = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    number.ok_or_else(|| format!("valgrind counted nothing; it said:\n{said}"))
}

/// Runs a loop of a work so many passes, and nothing else.
pub fn one(args: &[String]) -> Result<(), String> {
    let [work, which, passes] = args else { return Err(format!("usage: {ONE} WORK floor|work PASSES")) };
    let passes = passes.parse().map_err(|_| "PASSES is a number".to_owned())?;
    let mut native = Native::default();
    native.prepare(work)?;
    native.run(if which == "floor" { Which::Floor } else { Which::Work }, passes).map(drop)
}
