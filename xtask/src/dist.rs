//! The static site: `target/dist`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::node;
use crate::project::Project;
use crate::sh::{self, Cmd};
use crate::tools;

/// What the playground reads of a real system; the expected answers beside it are for tests.
const SYSTEM_FILES: [&str; 4] = ["meta.json", "regs.json", "pages.json", "pages.bin.gz"];

/// Which version the site is: a server with a real machine behind it serves none but its own.
const VERSION: &str = concat!("{\"version\": \"", env!("CARGO_PKG_VERSION"), "\"}\n");

/// Builds the site and puts it in place whole, so that a server never sees half of one.
pub fn build(project: &Project) -> Result<(), String> {
    let package = web_package(project)?;
    let dist = project.dist();
    let new = project.target.join("dist.new");
    let copied = (|| {
        remove(&new)?;
        fs::create_dir_all(&new)?;
        fs::copy(project.root.join("index.html"), new.join("index.html"))?;
        copy_tree(&project.root.join("static"), &new.join("static"))?;
        copy_tree(&package, &new.join("pkg"))?;
        copy_systems(&project.root.join("tests/realdump"), &new.join("static/systems"))?;
        fs::write(new.join("version.json"), VERSION)?;
        remove(&dist)?;
        fs::rename(&new, &dist)
    })();
    copied.map_err(|e| {
        format!(
            "cannot assemble {}: {e}\n  from: index.html, static/, tests/realdump/ in {}",
            dist.display(),
            project.root.display()
        )
    })
}

/// Builds the command-line program for release.
pub fn stagewalk(project: &Project) -> Result<(), String> {
    Cmd::cargo(project).words("build --release --package stagewalk --bin stagewalk").run()
}

/// The playground compiled, bound to JavaScript and optimised; returns the package's directory.
fn web_package(project: &Project) -> Result<PathBuf, String> {
    tools::wasm_target(project)?;
    tools::tool_build(Cmd::cargo(project), project).words("build --package stagewalk-bindgen").run()?;
    let bindgen =
        project.tools().join("build/debug").join(format!("stagewalk-bindgen{}", std::env::consts::EXE_SUFFIX));
    Cmd::cargo(project).words("build --release --package stagewalk-web --target wasm32-unknown-unknown").run()?;
    let wasm = project.target.join("wasm32-unknown-unknown/release/stagewalk_web.wasm");
    let optimizer = node::wasm_opt(project);

    let package = project.target.join("web-package");
    let stamp = project.target.join("web-package.stamp");
    let made_with = match &optimizer {
        Some(path) => format!("wasm-opt {:?}", sh::version_of(path)),
        None => "unoptimised".to_owned(),
    };
    let fresh = fs::read_to_string(&stamp).is_ok_and(|made| made == made_with)
        && modified(&stamp) > modified(&wasm).max(modified(&bindgen));
    if fresh && package.is_dir() {
        return Ok(package);
    }
    let cannot = |e: io::Error| format!("cannot write {}: {e}", package.display());
    remove(&package).map_err(cannot)?;
    Cmd::new(&bindgen, &project.root)
        .arg(&wasm)
        .arg(&package)
        .hint("the versions of wasm-bindgen in web/Cargo.toml and xtask/bindgen/Cargo.toml must be equal")
        .run()?;
    if let Some(optimizer) = optimizer {
        let wasm = package.join("stagewalk_web_bg.wasm");
        Cmd::new(optimizer, &project.root).arg("-O").arg(&wasm).arg("-o").arg(&wasm).run()?;
    }
    fs::write(&stamp, made_with).map_err(cannot)?;
    Ok(package)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|file| file.modified()).ok()
}

/// The data of every real system, each in a directory of its name.
fn copy_systems(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from).map_err(|e| at(from, &e))? {
        let system = entry?.path();
        if !system.is_dir() {
            continue;
        }
        let to = to.join(system.file_name().unwrap_or_default());
        fs::create_dir_all(&to)?;
        for name in SYSTEM_FILES {
            copy(&system.join(name), &to.join(name))?;
        }
    }
    Ok(())
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).map_err(|e| at(from, &e))? {
        let path = entry?.path();
        let to = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() { copy_tree(&path, &to)? } else { copy(&path, &to)? }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to).map(drop).map_err(|e| at(from, &e))
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn remove(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(at(dir, &e)),
        _ => Ok(()),
    }
}
