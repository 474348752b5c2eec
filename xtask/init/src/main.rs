//! The first process of the test bed's machine: it runs the commands of `/plan`, one a line, tells on the console how
//! each ended, and ends itself, at which the kernel stops the machine.

use std::fs;
use std::process::Command;
use std::time::Instant;

fn main() {
    // Early, so that the host can tell how long the machine took to come up.
    println!("\n@@ up");
    let plan = fs::read_to_string("/plan").unwrap_or_else(|error| {
        println!("/plan: {error}");
        String::new()
    });
    for line in plan.lines() {
        println!("@@ run {line}");
        let start = Instant::now();
        let mut words = line.split_whitespace();
        let program = words.next().unwrap_or_default();
        let status = Command::new(program).args(words).status();
        let milliseconds = start.elapsed().as_millis();
        match status.map(|status| (status.code(), status)) {
            Ok((Some(code), _)) => println!("@@ exit {code} {milliseconds}"),
            Ok((None, status)) => println!("{status}\n@@ exit 255 {milliseconds}"),
            Err(error) => println!("{program}: {error}\n@@ exit 255 {milliseconds}"),
        }
    }
    println!("@@ done");
}
