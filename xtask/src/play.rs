//! `cargo xtask play`: build the playground, serve it, show it.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::dist;
use crate::project::Project;
use crate::sh::{self, Cmd};

/// The options of `play`.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    port: u16,
    open: bool,
}

impl Options {
    /// Reads the command line after `play`.
    pub fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Self { port: 8080, open: true };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (arg.as_str(), None),
            };
            match name {
                "--no-open" => options.open = false,
                "--port" => {
                    let value = value.or_else(|| args.next().map(String::as_str)).unwrap_or_default();
                    options.port =
                        value.parse().map_err(|_| format!("--port wants a number from 0 to 65535, got `{value}`"))?;
                }
                _ => return Err(format!("no option `{arg}` of `play`; expected --port N or --no-open")),
            }
        }
        Ok(options)
    }
}

/// Builds, serves until interrupted, and opens a browser if there is a desktop to open it on.
pub fn run(project: &Project, options: &Options) -> Result<(), String> {
    dist::build(project)?;
    dist::stagewalk(project)?;
    let server = Cmd::new(project.stagewalk(), &project.root)
        .args(["serve", "--port", &options.port.to_string(), "--dir"])
        .arg(project.dist());
    let failed = |e| format!("`{}` could not be started: {e}", project.stagewalk().display());
    let mut server = server.into_inner().stdout(Stdio::piped()).spawn().map_err(failed)?;

    let mut open = options.open;
    for line in server.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).lines()) {
        let line = line.map_err(|e| format!("cannot read what `stagewalk serve` prints: {e}"))?;
        println!("{line}");
        if let Some(url) = line.split_whitespace().find(|word| word.starts_with("http://"))
            && std::mem::take(&mut open)
        {
            open_browser(url);
        }
    }
    let status = server.wait().map_err(failed)?;
    if status.success() { Ok(()) } else { Err(format!("`stagewalk serve` failed: {status}")) }
}

/// The URL is on the screen already, so it does not matter if this comes to nothing.
fn open_browser(url: &str) {
    let desktop = cfg!(target_os = "macos") || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|v| env::var_os(v).is_some());
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    if desktop && env::var_os("CI").is_none() && sh::which(opener).is_some() {
        let quiet =
            Command::new(opener).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        drop(quiet);
    }
}

#[cfg(test)]
mod tests {
    use super::Options;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read_and_mistakes_named() {
        assert_eq!(parse(""), Ok(Options { port: 8080, open: true }));
        assert_eq!(parse("--port 0 --no-open"), Ok(Options { port: 0, open: false }));
        assert_eq!(parse("--port=9000"), Ok(Options { port: 9000, open: true }));
        assert!(parse("--port 65536").unwrap_err().contains("`65536`"));
        assert!(parse("--port").unwrap_err().contains("--port wants a number"));
        assert!(parse("--prot 1").unwrap_err().contains("`--prot`"));
    }
}
