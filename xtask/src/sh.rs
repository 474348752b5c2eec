//! Running other programs, and saying what went wrong when one of them fails.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::project::Project;

/// A program to run, with no standard input so that nothing can wait for an answer.
pub struct Cmd {
    command: Command,
    hint: Option<String>,
}

impl Cmd {
    /// `program`, started in `dir`.
    pub fn new(program: impl AsRef<OsStr>, dir: &Path) -> Self {
        let mut command = Command::new(program);
        command.current_dir(dir).stdin(Stdio::null());
        Self { command, hint: None }
    }

    /// Cargo in the repository, building into the project's target directory for the targets that are named.
    pub fn cargo(project: &Project) -> Self {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut cmd = Self::new(cargo, &project.root).env("CARGO_TARGET_DIR", &project.target);
        cmd.command.env_remove("CARGO_BUILD_TARGET");
        cmd
    }

    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds the words of `line` as arguments.
    pub fn words(mut self, line: &str) -> Self {
        self.command.args(line.split_whitespace());
        self
    }

    /// Adds several arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Keeps an environment variable from it.
    pub fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Says what to do when this fails.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Prints the command line and runs it, its output passing through.
    pub fn run(mut self) -> Result<(), String> {
        eprintln!("$ {}", self.line());
        let status = self.command.status().map_err(|e| self.failure(&format!("could not be started: {e}")))?;
        if status.success() { Ok(()) } else { Err(self.failure(&format!("failed: {status}"))) }
    }

    /// The same for an installation: all that it prints is progress, and goes to standard error.
    pub fn install(mut self) -> Result<(), String> {
        self.command.stdout(std::io::stderr());
        self.run()
    }

    /// Prints the command line and runs it, its output shown only if it fails.
    pub fn run_quietly(self) -> Result<(), String> {
        eprintln!("$ {}", self.line());
        self.output().map(drop)
    }

    /// Prints the command line, runs it and returns its standard output; what it says on standard error passes through.
    pub fn stdout(mut self) -> Result<String, String> {
        eprintln!("$ {}", self.line());
        self.command.stderr(Stdio::inherit());
        self.output()
    }

    /// Runs it silently and returns its standard output.
    pub fn output(mut self) -> Result<String, String> {
        let output = self.command.output().map_err(|e| self.failure(&format!("could not be started: {e}")))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = [output.stdout, output.stderr].concat();
        Err(self.failure(&format!("failed: {}\n{}", output.status, String::from_utf8_lossy(&said).trim_end())))
    }

    /// Whether it runs and succeeds, silently.
    pub fn succeeds(self) -> bool {
        self.output().is_ok()
    }

    /// The process itself, for the callers that talk to it while it runs.
    pub fn into_inner(self) -> Command {
        eprintln!("$ {}", self.line());
        self.command
    }

    fn line(&self) -> String {
        let program = Path::new(self.command.get_program());
        let program = program.file_name().unwrap_or(program.as_os_str());
        let words = std::iter::once(program).chain(self.command.get_args());
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    fn failure(&self, what: &str) -> String {
        let mut message = format!("`{}` {what}", self.line());
        if let Some(dir) = self.command.get_current_dir() {
            message += &format!("\n  in:   {}", dir.display());
        }
        if let Some(hint) = &self.hint {
            message += &format!("\n  hint: {hint}");
        }
        message
    }
}

/// Where `program` is on `PATH`.
pub fn which(program: &str) -> Option<PathBuf> {
    let name = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(&name)).find(|path| path.is_file())
}

/// `PATH` with `dir` in front.
pub fn path_with(dir: &Path) -> Result<OsString, String> {
    let old = env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(dir.to_path_buf()).chain(env::split_paths(&old));
    env::join_paths(dirs).map_err(|e| format!("cannot extend PATH: {e}"))
}

/// What `program --version` says, as numbers; `None` if it does not run.
pub fn version_of(program: impl AsRef<OsStr>) -> Option<Version> {
    let output = Cmd::new(program, Path::new(".")).arg("--version").output().ok()?;
    Version::in_text(&output)
}

/// A dotted version, missing parts being 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// The first word of `text` that is a version, with or without a `v` in front.
    pub fn in_text(text: &str) -> Option<Self> {
        text.split_whitespace().find_map(|word| {
            let mut parts = word.strip_prefix('v').unwrap_or(word).split('.').map(leading_number);
            let major = parts.next()??;
            let mut next = || parts.next().flatten().unwrap_or(0);
            Some(Self(major, next(), next()))
        })
    }
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn versions_are_read_as_tools_print_them() {
        assert_eq!(Version::in_text("v20.20.2\n"), Some(Version(20, 20, 2)));
        assert_eq!(Version::in_text("wasm-bindgen 0.2.130"), Some(Version(0, 2, 130)));
        assert_eq!(Version::in_text("wasm-opt version 120 (version_120)"), Some(Version(120, 0, 0)));
        assert_eq!(Version::in_text("Chromium 156.0.8078.79 built on Debian"), Some(Version(156, 0, 8078)));
        assert_eq!(Version::in_text("wasm-pack 0.15.1-rc2"), Some(Version(0, 15, 1)));
        assert_eq!(Version::in_text("no version here"), None);
    }
}
