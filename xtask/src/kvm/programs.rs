//! The programs that the machines run, for each C library of arm64 Linux.

use std::path::{Path, PathBuf};

use super::packages::Bed;
use crate::project::Project;
use crate::sh::Cmd;

/// Programs that are complete in themselves.
pub const MUSL: &str = "aarch64-unknown-linux-musl";
/// Programs that load their C library, as most distributions have them.
pub const GNU: &str = "aarch64-unknown-linux-gnu";

/// What they are called on the machine, and how cargo calls them. The tests' name ends in a number.
const PROGRAMS: [(&str, &str); 3] =
    [("init", "stagewalk-init"), ("bin/stagewalk", "stagewalk"), ("bin/kvm-tests", "kvm-")];

/// Where a file belongs on the machine, and where it is.
pub type File = (String, PathBuf);

/// The programs as they have been built, by what cargo says in JSON.
pub struct Programs(String);

impl Programs {
    /// Builds them for both targets.
    pub fn build(project: &Project, bed: &Bed) -> Result<Self, String> {
        // Flags of the environment would take the place of those that link with the bed's C library.
        let cargo = Cmd::cargo(project).without_env("RUSTFLAGS").without_env("CARGO_ENCODED_RUSTFLAGS");
        let cargo = cargo
            .words("build --profile guest --package stagewalk --package stagewalk-init --bins --test kvm")
            .words("--features stagewalk/kvm --message-format json-render-diagnostics")
            .args(["--target", MUSL, "--target", GNU, "--config"])
            .arg(format!("target.{GNU}.rustflags = {:?}", bed.rustflags()));
        cargo.stdout().map(Self)
    }

    /// What has to be on a machine that runs those of a target.
    pub fn files(&self, bed: &Bed, target: &str) -> Result<Vec<File>, String> {
        let mut files: Vec<File> = if target == GNU { bed.libraries().collect() } else { Vec::new() };
        for (place, name) in PROGRAMS {
            let path = self.executable(target, name);
            let path = path.ok_or_else(|| format!("cargo does not say where it has built {name} for {target}"))?;
            files.push((place.to_owned(), path));
        }
        Ok(files)
    }

    fn executable(&self, target: &str, name: &str) -> Option<PathBuf> {
        let fits = |path: &Path| {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let named = if name.ends_with('-') { file.starts_with(name) } else { file == name };
            named && path.iter().any(|part| part == target)
        };
        let paths = self.0.lines().filter_map(|line| line.split_once("\"executable\":\"")?.1.split_once('"'));
        paths.map(|(path, _)| PathBuf::from(path)).find(|path| fits(path))
    }
}

#[cfg(test)]
mod tests {
    use super::{GNU, MUSL, Programs};

    #[test]
    fn cargo_says_where_each_program_is() {
        let paths = [MUSL, GNU]
            .map(|target| ["stagewalk-init", "stagewalk", "deps/kvm-1"].map(|path| format!("/t/{target}/{path}")));
        let said = paths.as_flattened().iter().map(|path| format!("{{\"executable\":\"{path}\",\"fresh\":true}}\n"));
        let programs = Programs(said.collect::<String>() + "{\"executable\":null}\n");
        assert_eq!(programs.executable(MUSL, "stagewalk"), Some(format!("/t/{MUSL}/stagewalk").into()));
        assert_eq!(programs.executable(GNU, "kvm-"), Some(format!("/t/{GNU}/deps/kvm-1").into()));
        assert_eq!(programs.executable(GNU, "kvm"), None);
    }
}
