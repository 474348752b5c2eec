//! Where things are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The source tree and the one directory that everything built or installed goes into.
pub struct Project {
    /// The repository.
    pub root: PathBuf,
    /// Cargo's target directory, `target/` unless `CARGO_TARGET_DIR` says otherwise.
    pub target: PathBuf,
}

impl Project {
    /// The project that this program was built from.
    pub fn find() -> Result<Self, String> {
        let crate_dir = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&crate_dir).join("..");
        let root = root.canonicalize().map_err(|e| format!("the repository is not at {}: {e}", root.display()))?;
        let target = match env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty()) {
            Some(dir) => {
                std::path::absolute(&dir).map_err(|e| format!("CARGO_TARGET_DIR is {}: {e}", Path::new(&dir).display()))
            }
            None => Ok(root.join("target")),
        }?;
        Ok(Self { root, target })
    }

    /// The finished static site.
    pub fn dist(&self) -> PathBuf {
        self.target.join("dist")
    }

    /// Tools that were not on the machine.
    pub fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// The command-line program, built for release.
    pub fn stagewalk(&self) -> PathBuf {
        self.target.join("release").join(format!("stagewalk{}", env::consts::EXE_SUFFIX))
    }

    /// The version of `wasm-bindgen` that the playground is locked to: its tools must have the very same.
    pub fn wasm_bindgen_version(&self) -> Result<String, String> {
        let path = self.root.join("Cargo.lock");
        let lock = fs::read_to_string(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        locked_version(&lock, "wasm-bindgen").map(str::to_owned).ok_or_else(|| {
            format!("{} has no package wasm-bindgen\n  expected: web/Cargo.toml depends on it", path.display())
        })
    }
}

fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::locked_version;

    #[test]
    fn the_locked_version_is_that_of_the_very_package() {
        let lock = "[[package]]\nname = \"wasm-bindgen-shared\"\nversion = \"9.9.9\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"x\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked_version(lock, "wasm"), None);
    }
}
