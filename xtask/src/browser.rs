//! Chromium and its driver.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::node;
use crate::project::Project;
use crate::sh::{self, Cmd};
use crate::tools;

/// The npm package that downloads Chrome for Testing.
const DOWNLOADER: &str = "@puppeteer/browsers@2.9.0";
const BROWSERS: [&str; 5] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];
const YOURSELF: &str = "install Chromium and the ChromeDriver of its version, \
                        and have `chromium` and `chromedriver` on PATH or in the variables CHROMIUM and CHROMEDRIVER";

/// A browser and the driver that fits it.
pub struct Browser {
    /// Chromium or Chrome.
    pub browser: PathBuf,
    /// ChromeDriver of the same major version.
    pub driver: PathBuf,
}

/// The browser that the variables name or that is on `PATH`; else Debian's; else Chrome for Testing in `target/tools`.
pub fn chromium(project: &Project) -> Result<Browser, String> {
    if let Some(found) = installed(project) {
        return Ok(found);
    }
    if let Some(name) = ["CHROMIUM", "CHROMEDRIVER"].into_iter().find(|name| env::var_os(name).is_some()) {
        return Err(format!(
            "{name} is set, but no browser and driver that run have the same major version\n  \
             fix: unset it, or {YOURSELF}"
        ));
    }
    if is_debian() {
        tools::apt_install(project, &["chromium", "chromium-driver"], YOURSELF)?;
    } else {
        chrome_for_testing(project)?;
    }
    installed(project).ok_or_else(|| {
        format!("a browser was installed, but no pair of browser and driver of one version runs\n  fix: {YOURSELF}")
    })
}

fn installed(project: &Project) -> Option<Browser> {
    let named = |name: &str| env::var_os(name).map(PathBuf::from);
    let downloads = |name: &str| downloaded(&project.tools().join("browsers"), name);
    let browsers: Vec<PathBuf> = match named("CHROMIUM") {
        Some(browser) => vec![browser],
        None => BROWSERS.iter().filter_map(|name| sh::which(name)).chain(downloads("chrome")).collect(),
    };
    let drivers: Vec<PathBuf> = match named("CHROMEDRIVER") {
        Some(driver) => vec![driver],
        None => sh::which("chromedriver").into_iter().chain(downloads("chromedriver")).collect(),
    };
    let major = |path: &PathBuf| sh::version_of(path).map(|version| version.0);
    browsers.into_iter().find_map(|browser| {
        let version = major(&browser)?;
        let driver = drivers.iter().find(|driver| major(driver) == Some(version))?.clone();
        Some(Browser { browser, driver })
    })
}

/// Programs that Chrome's downloader has unpacked, as `<dir>/<name>/<platform>-<version>/<name>-<platform>/<name>`.
fn downloaded(dir: &Path, name: &str) -> Vec<PathBuf> {
    let children = |dir: PathBuf| fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    children(dir.join(name)).flat_map(children).map(|dir| dir.join(name)).filter(|path| path.is_file()).collect()
}

/// Debian's own Chromium is an ordinary package; Ubuntu's stands for a snap, which a container cannot run.
fn is_debian() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    release.lines().any(|line| line == "ID=debian")
}

fn chrome_for_testing(project: &Project) -> Result<(), String> {
    let node = node::node(project)?;
    node::e2e_packages(project)?;
    if tools::root_prefix(project).is_some() {
        eprintln!("installing the libraries that Chrome needs with apt-get");
        let playwright = project.root.join("tests/e2e/node_modules/playwright-core/cli.js");
        Cmd::new(&node, &project.root).arg(playwright).args(["install-deps", "chromium"]).hint(YOURSELF).install()?;
    }
    node::install(project, DOWNLOADER)?;
    let downloader = node::npm_dir(project).join("node_modules/@puppeteer/browsers/lib/cjs/main-cli.js");
    for program in ["chrome@stable", "chromedriver@stable"] {
        let to = project.tools().join("browsers");
        eprintln!("installing {program} into {}", to.display());
        Cmd::new(&node, &project.root)
            .arg(&downloader)
            .args(["install", program, "--path"])
            .arg(to)
            .hint(YOURSELF)
            .install()?;
    }
    Ok(())
}
