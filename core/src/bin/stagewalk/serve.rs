//! `stagewalk serve`: the built playground, for a browser on this machine.

use crate::failure::{Exit, Failure};
use crate::style::HEADING;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Component, Path, PathBuf};
use std::thread;
use tiny_http::{Header, Method, Request, Response, Server, StatusCode};

const DEFAULT_PORT: u16 = 8080;
/// How many ports to try from the default one on.
const ATTEMPTS: u16 = 32;
const THREADS: usize = 4;

/// Serve the built playground on the loopback interface and print its address.
///
/// Only this machine can reach it. Stop it with Ctrl-C.
#[derive(clap::Args)]
#[command(after_long_help = "\
Examples:
  stagewalk serve
  stagewalk serve --dir target/dist --port 0

The site is built with `cargo xtask dist`.")]
pub struct Args {
    /// The directory to serve.
    #[arg(long, default_value = "target/dist")]
    dir: PathBuf,
    /// The port; 0 takes any free one. Without this option 8080 is tried first, then those after it.
    #[arg(long)]
    port: Option<u16>,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    if !args.dir.join("index.html").is_file() {
        let missing = Failure::bad_input(args.dir.display(), "no index.html in it; expected the built playground");
        return Err(missing.with_hint("Build it with `cargo xtask dist`, or name another directory with --dir."));
    }
    let server = bind(args.port)?;
    let address = server.server_addr().to_ip().unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let mut out = anstream::stdout();
    writeln!(out, "{HEADING}http://{address}/{HEADING:#}")?;
    out.flush()?;
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for request in server.incoming_requests() {
                    // a browser that went away does not concern the others
                    let _ = answer(&args.dir, request);
                }
            });
        }
    });
    Ok(Exit::Answered)
}

fn bind(port: Option<u16>) -> Result<Server, Failure> {
    let listen = |port| Server::http((Ipv4Addr::LOCALHOST, port));
    if let Some(port) = port {
        return listen(port).map_err(|error| Failure::unavailable(format_args!("port {port}: {error}")));
    }
    (DEFAULT_PORT..DEFAULT_PORT + ATTEMPTS).find_map(|port| listen(port).ok()).ok_or_else(|| {
        let last = DEFAULT_PORT + ATTEMPTS - 1;
        Failure::unavailable(format_args!("no port from {DEFAULT_PORT} to {last} is free"))
            .with_hint("Use --port 0 to take any.")
    })
}

fn answer(root: &Path, request: Request) -> io::Result<()> {
    if !matches!(request.method(), Method::Get | Method::Head) {
        let refusal = page(405, "405: only GET and HEAD are answered here");
        return request.respond(refusal.with_header(header("Allow", "GET, HEAD")));
    }
    let Some(path) = resolve(root, request.url()) else {
        return request.respond(page(404, "404: there is no such page"));
    };
    let response = Response::from_file(File::open(&path)?);
    request.respond(
        response
            .with_header(header("Content-Type", mime_type(&path)))
            .with_header(header("Cache-Control", "no-cache"))
            .with_header(header("X-Content-Type-Options", "nosniff")),
    )
}

fn page(status: u16, text: &str) -> Response<io::Cursor<Vec<u8>>> {
    let html = format!(
        "<!doctype html><html lang=\"en\"><title>{text}</title><p>{text}. <a href=\"/\">stagewalk</a></p></html>\n"
    );
    let response = Response::from_string(html).with_status_code(StatusCode(status));
    response.with_header(header("Content-Type", "text/html; charset=utf-8"))
}

fn header(name: &str, value: &str) -> Header {
    Header::from_bytes(name, value).expect("header names and values here are plain ASCII")
}

/// The file that a URL means; none outside `root`.
fn resolve(root: &Path, url: &str) -> Option<PathBuf> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let relative = PathBuf::from(unescape(path)?.trim_start_matches('/'));
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let mut file = root.join(relative);
    if file.is_dir() {
        file.push("index.html");
    }
    let inside = fs::canonicalize(&file).ok()?.starts_with(fs::canonicalize(root).ok()?);
    (inside && file.is_file()).then_some(file)
}

/// A URL path without its %-escapes; none where they are malformed or not UTF-8.
fn unescape(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn mime_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        Some("gz") => "application/gzip",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_the_directory_is_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        assert_eq!(resolve(&root, "/lib.rs?x=1#y"), Some(root.join("lib.rs")));
        assert_eq!(resolve(&root, "/%6cib.rs"), Some(root.join("lib.rs")));
        for outside in
            ["/../Cargo.toml", "/%2e%2e/Cargo.toml", "/..%2fCargo.toml", "//etc/passwd", "/%", "/%ff", "/no-such"]
        {
            assert_eq!(resolve(&root, outside), None, "{outside}");
        }
        assert_eq!(resolve(&root, "/"), None, "a directory without index.html");
    }

    #[test]
    fn wasm_has_the_type_that_browsers_insist_on() {
        assert_eq!(mime_type(Path::new("pkg/web_bg.wasm")), "application/wasm");
    }
}
