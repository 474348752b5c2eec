//! `cargo xtask test-kvm`: the KVM backend on an arm64 machine that QEMU emulates, nested virtualization included.

mod cpio;
mod data;
mod emulator;
mod packages;
mod programs;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Instant;

use crate::project::Project;
use crate::tools;
use cpio::Archive;
use emulator::Ended;
use packages::Bed;
use programs::{File, GNU, MUSL, Programs};

/// What the machines' programs are built for.
pub const TARGETS: [&str; 2] = [MUSL, GNU];

/// The machines: what their programs are built for, and what they run, each command with the exit code that is right;
/// `VECTORS` are all vectors. One for each of two processors, about as long as the other.
const MACHINES: [(&str, &[(&str, i32)]); 2] = [
    (
        MUSL,
        &[
            ("stagewalk check VECTORS", 0),
            ("stagewalk kvm at --example page-4k", 0),
            ("stagewalk kvm at --example stage2-hole", 0),
            ("stagewalk kvm diff --json VECTORS", 0),
        ],
    ),
    (
        GNU,
        &[
            ("stagewalk check VECTORS", 0),
            ("stagewalk serve --kvm --check --port 0", 0),
            ("stagewalk kvm story", 0),
            ("kvm-tests --skip many_answers", 0),
            ("stagewalk kvm diff --json --level el1 --cases 5000", 0),
            ("stagewalk kvm diff --json --level vel2 --cases 2500", 0),
            ("stagewalk kvm diff --json --level vel2-nvhe --cases 2500", 0),
        ],
    ),
];

type Plan = Vec<(String, i32)>;

/// The options of `test-kvm`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Commands to run on the machine instead of the tests.
    commands: Vec<String>,
    /// Whether what was counted replaces what is committed.
    write: bool,
}

impl Options {
    /// Reads the command line after `test-kvm`.
    pub fn parse(args: &[String]) -> Result<Self, String> {
        match args.split_first() {
            None => Ok(Self::default()),
            Some((first, [])) if first == "--write" => Ok(Self { write: true, ..Self::default() }),
            Some((first, words)) if first == "--" && !words.is_empty() => {
                let commands = words.join(" ").split(';').map(|command| command.trim().to_owned()).collect();
                Ok(Self { commands, write: false })
            }
            Some((first, _)) => {
                Err(format!("no option `{first}` of `test-kvm`; expected --write, or -- and a command for the machine"))
            }
        }
    }
}

/// The test bed as a stage of `cargo xtask test`.
pub fn stage(project: &Project) -> Result<(), String> {
    run(project, &Options::default())
}

/// What it needs that cannot be had everywhere: the packages, a host that they run on, Rust's library for arm64.
pub fn available(project: &Project) -> Result<(), String> {
    bed(project).map(drop)
}

fn bed(project: &Project) -> Result<Bed, String> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err("the test bed is QEMU for Linux on x86-64\n  \
                    on an arm64 host with KVM: cargo test --package stagewalk --features kvm"
            .into());
    }
    TARGETS.into_iter().try_for_each(|target| tools::target(project, target))?;
    Bed::find(project)
}

/// Builds, boots and runs.
pub fn run(project: &Project, options: &Options) -> Result<(), String> {
    let bed = &bed(project)?;
    let programs = Programs::build(project, bed)?;
    if !options.commands.is_empty() {
        let plan = options.commands.iter().map(|command| (command.clone(), 0)).collect();
        return Machine { number: 0, files: programs.files(bed, MUSL)?, plan }.run(project, bed).map(drop);
    }
    let mut machines = Vec::new();
    for (number, (target, plan)) in MACHINES.into_iter().enumerate() {
        let plan = plan.iter().map(|&(command, code)| (command.to_owned(), code)).collect();
        machines.push(Machine { number, files: programs.files(bed, target)?, plan });
    }
    let start = Instant::now();
    let ended: Result<Vec<Vec<Ended>>, String> = thread::scope(|scope| {
        let machines: Vec<_> = machines.iter().map(|machine| scope.spawn(|| machine.run(project, bed))).collect();
        // all of them end, also where one fails
        let ended: Vec<_> = machines.into_iter().map(|machine| machine.join().expect("a thread's end")).collect();
        ended.into_iter().collect()
    });
    let ended = ended?.concat();
    data::hold(project, bed, &ended, options.write)?;
    println!("\n{} commands on arm64, all as expected, in {:.1} s", ended.len(), start.elapsed().as_secs_f64());
    Ok(())
}

struct Machine {
    number: usize,
    files: Vec<File>,
    plan: Plan,
}

impl Machine {
    /// Boots it and has it run its plan.
    fn run(&self, project: &Project, bed: &Bed) -> Result<Vec<Ended>, String> {
        let initrd = file_system(project, &self.files, &self.plan)?;
        let ended = emulator::run(bed, &project.target.join(format!("kvm/initrd-{}", self.number)), &initrd)?;
        let wrong = self.plan.iter().zip(&ended).filter(|((_, code), ended)| *code != ended.code || ended.ignored());
        let (wrong, all) = (wrong.count(), self.plan.len());
        if ended.len() < all || wrong > 0 {
            let missing = all - ended.len();
            return Err(format!(
                "on the arm64 machine, {wrong} of {all} commands failed or ignored a test, {missing} did not end"
            ));
        }
        Ok(ended)
    }
}

/// The machine's file system: the programs with their libraries, the devices, the vectors and the plan.
fn file_system(project: &Project, programs: &[File], plan: &[(String, i32)]) -> Result<Vec<u8>, String> {
    let mut archive = Archive::default();
    archive.device("dev/console", 5, 1);
    archive.device("dev/kvm", 10, 232);
    archive.device("dev/urandom", 1, 9);
    for (place, file) in programs {
        archive.file(place, &read(file)?);
    }
    let mut vectors = Vec::new();
    // Those of QEMU have no memory from 4 GB up. They come first: later, much would have to be taken from a VM.
    for folder in ["vectors/qemu", "vectors/arm", "scenarios/differences"] {
        let from = project.root.join("tests").join(folder);
        let entries = fs::read_dir(&from).map_err(|e| format!("cannot read {}: {e}", from.display()))?;
        let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
        files.sort();
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            archive.file(&format!("{folder}/{name}"), &read(&file)?);
            if name.ends_with(".jsonl.gz") {
                vectors.push(format!("/{folder}/{name}"));
            }
        }
    }
    let vectors = vectors.join(" ");
    let plan: Vec<String> =
        plan.iter().map(|(command, _)| format!("/bin/{}\n", command.replace("VECTORS", &vectors))).collect();
    archive.file("plan", plan.concat().as_bytes());
    Ok(archive.finish())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|e| format!("cannot read {}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn commands_for_the_machine_follow_two_dashes() {
        let parse = |line: &str| Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(parse(""), Ok(Options::default()));
        assert_eq!(parse("-- stagewalk kvm probe ; stagewalk help").unwrap().commands.len(), 2);
        assert!(parse("--write").unwrap().write);
        assert!(parse("--").is_err() && parse("probe").is_err());
    }
}
