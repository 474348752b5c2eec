//! Tools of the Rust side: found where they are, installed into `target/tools` where they are not.

use std::env;
use std::path::{Path, PathBuf};

use crate::project::Project;
use crate::sh::{self, Cmd, Version};

const WASM_PACK: &str = "0.15.1";
const CARGO_FUZZ: &str = "0.13.2";

/// Adds the wasm32 target to the toolchain if it is not there.
pub fn wasm_target(project: &Project) -> Result<(), String> {
    target(project, "wasm32-unknown-unknown")
}

/// Adds a target to the toolchain if it is not there.
pub fn target(project: &Project, target: &str) -> Result<(), String> {
    let libdir = Cmd::new("rustc", &project.root).args(["--print", "target-libdir", "--target", target]).output()?;
    if Path::new(libdir.trim()).is_dir() {
        return Ok(());
    }
    Cmd::new("rustup", &project.root)
        .args(["target", "add", target])
        .hint(format!("install rustup, or your distribution's standard library for {target}"))
        .install()
}

/// Adds a component such as rustfmt to the toolchain if `cargo <command>` does not run.
pub fn component(project: &Project, command: &str, component: &str) -> Result<(), String> {
    if Cmd::cargo(project).args([command, "--version"]).succeeds() {
        return Ok(());
    }
    Cmd::new("rustup", &project.root)
        .args(["component", "add", component])
        .hint(format!("install rustup, or your distribution's package of {component}"))
        .install()
}

/// `wasm-pack`, and the directory of the `wasm-bindgen` and test runner that it has to find on `PATH`.
pub fn wasm_pack(project: &Project) -> Result<(PathBuf, PathBuf), String> {
    let bindgen = project.wasm_bindgen_version()?;
    let exact = Version::in_text(&bindgen);
    // Without --locked: the lock file that comes with it names a version that was withdrawn.
    let bindgen_dir = cargo_tool(project, "wasm-bindgen-cli", &bindgen, &[], |dir| {
        sh::version_of(dir.join("wasm-bindgen")) == exact
            && sh::version_of(dir.join("wasm-bindgen-test-runner")) == exact
    })?;
    let pack_dir = cargo_tool(project, "wasm-pack", WASM_PACK, &["--locked"], |dir| {
        sh::version_of(dir.join("wasm-pack")).is_some_and(|Version(major, minor, _)| (major, minor) == (0, 15))
    })?;
    Ok((pack_dir.join("wasm-pack"), bindgen_dir))
}

/// The directory of `cargo-fuzz`.
pub fn cargo_fuzz(project: &Project) -> Result<PathBuf, String> {
    cargo_tool(project, "cargo-fuzz", CARGO_FUZZ, &["--locked"], |dir| {
        sh::version_of(dir.join("cargo-fuzz")).is_some_and(|Version(major, minor, _)| (major, minor) == (0, 13))
    })
}

/// The directory that has a fitting tool: one on `PATH`, or else `target/tools/bin`, installed there first if need be.
fn cargo_tool(
    project: &Project,
    krate: &str,
    version: &str,
    options: &[&str],
    fits: impl Fn(&Path) -> bool,
) -> Result<PathBuf, String> {
    let ours = project.tools().join("bin");
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).chain([ours.clone()]).find(|dir| fits(dir));
    if let Some(dir) = found {
        return Ok(dir);
    }
    eprintln!("installing {krate} {version} into {} (about a minute)", project.tools().display());
    tool_build(Cmd::cargo(project), project)
        .args(["install", "--debug", "--force", krate, "--version"])
        .arg(format!("={version}"))
        .args(options)
        .arg("--root")
        .arg(project.tools())
        .hint(format!("see the error above; or install {krate} {version} yourself and have it on PATH"))
        .install()?;
    if fits(&ours) {
        return Ok(ours);
    }
    Err(format!("{krate} was installed into {} but does not run\n  expected: version {version}", ours.display()))
}

/// Cargo set up for tools: they run for a second, so the cheapest compilation is the fastest.
pub fn tool_build(cargo: Cmd, project: &Project) -> Cmd {
    cargo
        .env("CARGO_TARGET_DIR", project.tools().join("build"))
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .env("CARGO_INCREMENTAL", "0")
}

/// Installs Debian packages, if that is possible without asking anything.
pub fn apt_install(project: &Project, packages: &[&str], otherwise: &str) -> Result<(), String> {
    let fix =
        |why: &str| format!("{} not found, and {why}\n  fix: {otherwise}, then run this again", packages.join(" and "));
    if sh::which("apt-get").is_none() {
        return Err(fix("there is no apt-get to install with"));
    }
    let Some(prefix) = root_prefix(project) else {
        return Err(fix("installing takes root: this is not root, and `sudo -n true` fails"));
    };
    eprintln!("installing {} with apt-get", packages.join(" "));
    let apt = || {
        let mut words = prefix.iter().copied().chain(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        let program = words.next().unwrap_or("env");
        Cmd::new(program, &project.root).args(words).words("-q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0")
    };
    // One broken third-party archive fails the update, yet need not concern these packages: the installation tells.
    if let Err(error) = apt().arg("update").run_quietly() {
        eprintln!("note: {error}");
    }
    let install = apt().words("install -y --no-install-recommends").args(packages);
    install.hint(format!("{otherwise}, then run this again")).run_quietly()
}

/// What has to stand before a command for it to run as root: nothing, or sudo where it does not ask.
pub fn root_prefix(project: &Project) -> Option<&'static [&'static str]> {
    let uid = Cmd::new("id", &project.root).arg("-u").output().unwrap_or_default();
    if uid.trim() == "0" {
        return Some(&[]);
    }
    Cmd::new("sudo", &project.root).args(["-n", "true"]).succeeds().then_some(&["sudo", "-n"])
}
