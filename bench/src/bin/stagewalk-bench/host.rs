//! Where works run: in this process, or as wasm in a process that answers a line with a line.

use stagewalk_bench::works::{Ready, all};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

/// A work's two loops.
#[derive(Clone, Copy)]
pub enum Which {
    /// Its reference.
    Floor,
    /// Itself.
    Work,
}

/// What some passes took, and the sum of their answers.
pub struct Timed {
    /// Nanoseconds.
    pub ns: f64,
    /// The same on every host.
    pub sum: u64,
}

/// A place that has a clock.
pub trait Host {
    /// What it is.
    fn name(&self) -> &str;
    /// Builds the subject of the work of this name; how many things a pass does.
    fn prepare(&mut self, work: &str) -> Result<usize, String>;
    /// Runs so many passes, after one that is not timed, if they are several.
    fn run(&mut self, which: Which, passes: u32) -> Result<Timed, String>;
}

/// This process.
#[derive(Default)]
pub struct Native(Option<Ready>);

impl Host for Native {
    fn name(&self) -> &str {
        "native"
    }

    fn prepare(&mut self, work: &str) -> Result<usize, String> {
        self.0 = None; // its memory first
        let work = all().find(|candidate| candidate.name == work).ok_or("no such work")?;
        Ok(self.0.insert((work.prepare)()).count)
    }

    fn run(&mut self, which: Which, passes: u32) -> Result<Timed, String> {
        let ready = self.0.as_ref().ok_or("nothing is prepared")?;
        let run = match which {
            Which::Floor => &ready.floor,
            Which::Work => &ready.work,
        };
        if passes > 1 {
            run(1);
        }
        let start = Instant::now();
        let sum = run(passes);
        Ok(Timed { ns: start.elapsed().as_nanos() as f64, sum })
    }
}

/// A process that runs `bench/wasm.mjs`.
pub struct Wasm {
    name: String,
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Wasm {
    /// Starts it with Node.js, there or in Chromium (`place`).
    pub fn start(node: &OsStr, script: &OsStr, place: &str, module: &OsStr) -> Result<Self, String> {
        let mut command = Command::new(node);
        command.arg(script).arg(place).arg(module).stdin(Stdio::piped()).stdout(Stdio::piped());
        let failed = || format!("{} could not be started", node.display());
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", failed()))?;
        let commands = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().ok_or_else(failed)?);
        let mut host = Self { name: format!("wasm in {place}"), child, commands, answers };
        host.name = host.answer()?;
        Ok(host)
    }

    fn ask(&mut self, line: &str) -> Result<String, String> {
        let commands = self.commands.as_mut().ok_or("it was closed")?;
        writeln!(commands, "{line}").map_err(|error| format!("{}: {error}", self.name))?;
        self.answer()
    }

    fn answer(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(read) if read > 0 => Ok(line.trim_end().to_owned()),
            Ok(_) => Err(format!("{} ended; what it said is above", self.name)),
            Err(error) => Err(format!("{}: {error}", self.name)),
        }
    }
}

impl Host for Wasm {
    fn name(&self) -> &str {
        &self.name
    }

    fn prepare(&mut self, work: &str) -> Result<usize, String> {
        let index = all().position(|candidate| candidate.name == work).ok_or("no such work")?;
        let answer = self.ask(&format!("prepare {index}"))?;
        answer.parse().map_err(|_| format!("{}: no count: {answer}", self.name))
    }

    fn run(&mut self, which: Which, passes: u32) -> Result<Timed, String> {
        let verb = match which {
            Which::Floor => "floor",
            Which::Work => "work",
        };
        let answer = self.ask(&format!("{verb} {passes}"))?;
        let timed =
            answer.split_once(' ').and_then(|(ns, sum)| Some(Timed { ns: ns.parse().ok()?, sum: sum.parse().ok()? }));
        timed.ok_or_else(|| format!("{}: no time: {answer}", self.name))
    }
}

impl Drop for Wasm {
    /// It ends when there are no more commands.
    fn drop(&mut self) {
        self.commands = None;
        self.child.wait().ok();
    }
}
