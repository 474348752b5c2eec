//! A machine in QEMU that runs a list of commands.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::packages::Bed;

/// An arm64 machine with EL2 and all that QEMU knows, but for what only costs time.
const MACHINE: &str = "-M virt,virtualization=on,gic-version=3 -cpu max,pauth=off,sve=off,sme=off -m 768M -smp 1 \
                       -nographic -nodefaults -serial stdio -no-reboot";
/// KVM with nested virtualization; the machine stops when its first process ends.
const COMMAND_LINE: &str = "console=ttyAMA0 panic=-1 quiet loglevel=1 kvm-arm.mode=nested";

/// How long the machine may take to come up, and each command to end: ten times what they take where nothing else runs,
/// and more, so that only a machine that hangs is stopped.
const LIMITS: Limits = Limits { boot: Duration::from_secs(180), command: Duration::from_secs(300) };

#[derive(Debug, Clone, Copy)]
struct Limits {
    boot: Duration,
    command: Duration,
}

/// How the counts of `kvm diff --json` begin.
const COUNTS: &str = "{\"schema\":\"stagewalk.kvm.diff/1\"";

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The command.
    pub command: String,
    /// Its exit code.
    pub code: i32,
    /// What it printed.
    pub said: String,
    /// How long it ran.
    pub time: Duration,
}

impl Ended {
    /// The counts of `kvm diff --json`, a line each.
    pub fn counts(&self) -> impl Iterator<Item = &str> {
        self.said.lines().filter(|line| line.starts_with(COUNTS))
    }

    /// Whether tests were ignored, as their harness says: this machine lacks nothing that they take.
    pub fn ignored(&self) -> bool {
        let mut results = self.said.lines().filter(|line| line.starts_with("test result: "));
        results.any(|line| !line.contains(" 0 ignored;"))
    }

    fn tell(&self) {
        let mut text = format!("\n$ {}\n", self.command);
        for line in self.said.lines().filter(|line| !line.starts_with(COUNTS)) {
            text += &format!("{line}\n");
        }
        println!("{text}({:.1} s, exit code {})", self.time.as_secs_f64(), self.code);
    }
}

/// Boots a machine with an initial file system that holds `/init`, and gives how its commands ended. Each is told when
/// it has ended: several machines may run.
pub fn run(bed: &Bed, archive: &Path, initrd: &[u8]) -> Result<Vec<Ended>, String> {
    let (kernel, version) = bed.kernel()?;
    fs::write(archive, initrd).map_err(|e| format!("cannot write {}: {e}", archive.display()))?;
    eprintln!("booting Linux {version} in QEMU");
    let mut command = bed
        .qemu(archive.parent().unwrap_or(archive))
        .words(MACHINE)
        .args([Path::new("-kernel"), &kernel, Path::new("-initrd"), archive])
        .args(["-append", COMMAND_LINE])
        .into_inner();
    command.stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().map_err(|e| format!("QEMU could not be started: {e}"))?;
    let console = lines(&mut child);
    let ended = follow(&console, LIMITS);
    // The machine has said all it has to say, or never will.
    let _ = child.kill();
    let _ = child.wait();
    ended
}

fn lines(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                line.clear();
                if sender.send(text).is_err() {
                    break;
                }
            }
        });
    }
    receiver
}

/// Reads the console until the first process is done.
fn follow(console: &Receiver<String>, limits: Limits) -> Result<Vec<Ended>, String> {
    let start = Instant::now();
    let mut deadline = start + limits.boot;
    let mut ended = Vec::new();
    let mut running: Option<(String, String)> = None;
    loop {
        let line = match console.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => {
                let Some((command, said)) = running else {
                    return Err("the machine was stopped: its time was up before it came up".into());
                };
                return Err(format!("{said}the machine was stopped: its time was up before `{command}` ended"));
            }
            Err(RecvTimeoutError::Disconnected) => return Err("the machine stopped before its list was done".into()),
        };
        match (line.strip_prefix("@@ "), &mut running) {
            (Some("up"), _) => eprintln!("up after {:.1} s", start.elapsed().as_secs_f64()),
            (Some("done"), _) => return Ok(ended),
            (Some(said), running) => {
                if let Some(command) = said.strip_prefix("run ") {
                    deadline = Instant::now() + limits.command;
                    *running = Some((command.to_owned(), String::new()));
                } else if let Some((command, said)) = exit(said).and_then(|_| running.take()) {
                    let (code, time) = exit(&line[3..]).unwrap_or((255, Duration::ZERO));
                    let end = Ended { command, code, said, time };
                    end.tell();
                    ended.push(end);
                }
            }
            (None, Some((_, said))) => {
                said.push_str(&line);
                said.push('\n');
            }
            (None, None) if line.is_empty() => {}
            (None, None) => println!("{line}"),
        }
    }
}

/// Reads `exit CODE MILLISECONDS`.
fn exit(said: &str) -> Option<(i32, Duration)> {
    let (code, time) = said.strip_prefix("exit ")?.split_once(' ')?;
    Some((code.parse().ok()?, Duration::from_millis(time.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Limits = Limits { boot: Duration::ZERO, command: Duration::ZERO };

    fn console(text: &str) -> Receiver<String> {
        let (sender, receiver) = mpsc::channel();
        text.lines().for_each(|line| sender.send(line.to_owned()).unwrap());
        receiver
    }

    #[test]
    fn commands_end_with_their_code_and_their_words() {
        let text = "boot\n@@ up\n@@ run a b\none\ntwo\n@@ exit 4 1500\n@@ run c\n@@ exit 0 2\n@@ done\npanic";
        let ended = follow(&console(text), NOW).unwrap();
        let time = Duration::from_millis(1500);
        assert_eq!(ended[0], Ended { command: "a b".into(), code: 4, said: "one\ntwo\n".into(), time });
        assert_eq!((ended.len(), ended[1].code), (2, 0));
    }

    #[test]
    fn tests_that_were_ignored_are_noticed() {
        let ended = |said: &str| Ended { command: "a".into(), code: 0, said: said.into(), time: Duration::ZERO };
        assert!(
            ended("test b ... ignored (no c)\n\ntest result: ok. 0 passed; 0 failed; 1 ignored; 0 measured\n")
                .ignored()
        );
        assert!(!ended("test b ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured\n").ignored());
        assert!(!ended("no tests").ignored());
    }

    #[test]
    fn a_machine_that_stops_early_is_no_success() {
        assert!(follow(&console("@@ up\n@@ run a"), NOW).is_err());
    }
}
