//! `stagewalk serve`: the playground, for a browser on this machine.

mod http;
#[cfg(feature = "kvm")]
mod real;
mod site;

use crate::failure::{Exit, Failure};
use crate::style::HEADING;
use http::{Answer, Answers, answer};
use hyper::body::Incoming;
use hyper::{Method, Request};
use site::Site;
use std::future::pending;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

const DEFAULT_PORT: u16 = 8080;
/// How many ports to try from the default one on.
const ATTEMPTS: u16 = 32;

/// Serve the playground on the loopback interface and print its address.
///
/// Only this machine can reach it. Stop it with Ctrl-C.
#[derive(clap::Args)]
#[command(after_long_help = "\
Examples:
  stagewalk serve
  stagewalk serve --dir target/dist --port 0
  stagewalk serve --kvm

The site is built with `cargo xtask dist`. To build it into this program, name it in STAGEWALK_SITE:
  STAGEWALK_SITE=target/dist cargo install --path core --features kvm

With --kvm, the address that is printed holds a token, and the page that is opened by it may ask this host's VMs;
no other page and no other user may. Exits with 4 where there is no KVM for arm64.")]
pub struct Args {
    /// The directory to serve. Without this option, the site built into this program, or else target/dist.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The port; 0 takes any free one. Without this option 8080 is tried first, then those after it.
    #[arg(long)]
    port: Option<u16>,
    /// Show a real machine's answer beside the model's: the VMs of this host, as with `stagewalk kvm`.
    #[arg(long)]
    kvm: bool,
    /// Ask the own server a few cases over loopback, see that the machine's answers arrive, and end.
    #[cfg(feature = "kvm")]
    #[arg(long, hide = true, requires = "kvm")]
    check: bool,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    if args.kvm {
        #[cfg(feature = "kvm")]
        return real::run(args);
        #[cfg(not(feature = "kvm"))]
        return Err(Failure::unavailable("--kvm: this program was built without the feature `kvm`")
            .with_hint("Build it with `cargo install --path core --features kvm`."));
    }
    let site = Site::find(args.dir.as_deref())?;
    let (listener, port) = bind(args.port)?;
    tell(&format!("http://{}:{port}/", Ipv4Addr::LOCALHOST))?;
    Ok(http::serve(listener, site, pending())?)
}

/// Prints the address to open.
fn tell(url: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout();
    writeln!(out, "{HEADING}{url}{HEADING:#}")?;
    Ok(out.flush()?)
}

/// A listener on the loopback interface, and its port.
fn bind(port: Option<u16>) -> Result<(TcpListener, u16), Failure> {
    let listen = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = match port {
        Some(port) => listen(port).map_err(|error| Failure::unavailable(format_args!("port {port}: {error}")))?,
        None => (DEFAULT_PORT..DEFAULT_PORT + ATTEMPTS).find_map(|port| listen(port).ok()).ok_or_else(|| {
            let last = DEFAULT_PORT + ATTEMPTS - 1;
            Failure::unavailable(format_args!("no port from {DEFAULT_PORT} to {last} is free"))
                .with_hint("Use --port 0 to take any.")
        })?,
    };
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

impl Answers for Site {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return page(405, "405: only GET and HEAD are answered here", &[("Allow", "GET, HEAD")]);
        }
        let Ok((contents, kind)) = self.read(request.uri().path()) else {
            return page(404, "404: there is no such page", &[]);
        };
        let headers = [("Content-Type", kind), ("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff")];
        answer(200, &headers, contents)
    }
}

fn page(status: u16, text: &str, headers: &[(&str, &str)]) -> Answer {
    let html = format!(
        "<!doctype html><html lang=\"en\"><title>{text}</title><p>{text}. <a href=\"/\">stagewalk</a></p></html>\n"
    );
    answer(status, &[&[("Content-Type", "text/html; charset=utf-8")], headers].concat(), html)
}
