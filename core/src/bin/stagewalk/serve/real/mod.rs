//! `stagewalk serve --kvm`: the playground beside a real machine.
//!
//! | file | what it does |
//! | --- | --- |
//! | `endpoint` | decides who may ask, and what; passes questions on, one after the other |
//! | `client` | asks over loopback, as the check and the tests do |
//! | `check` | asks the own server, on a real machine |

mod check;
mod client;
mod endpoint;
#[cfg(test)]
mod tests;

use super::site::Site;
use super::{Args, answer, bind, tell};
use crate::failure::{Exit, Failure};
use crate::kvm::{Machines, Probed};
use crate::style::QUIET;
use endpoint::{Endpoint, PATH, Question};
use serde::Serialize;
use serde_json::Value;
use stagewalk::kvm::{self, Level, Problem};
use stagewalk::scenario::Case;
use stagewalk::scenario::batch::MachineAnswer;
use stagewalk::view::real::{Beside, SCHEMA};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::net::Ipv4Addr;
use std::sync::mpsc::Receiver;
use std::thread;
use tiny_http::Server;

/// More than may wait for the machine, so that the site is served meanwhile.
const THREADS: usize = 8;

/// An answer: that of `batch`, and how it compares.
#[derive(Serialize)]
struct Answered<'a> {
    schema: &'static str,
    #[serde(flatten)]
    answer: MachineAnswer<&'a str>,
    #[serde(flatten)]
    beside: Beside,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let mut machines = Machines::find()?;
    let probe = kvm::probe()?;
    let kernel = probe.kernel.clone();
    let levels: Vec<&str> = probe.levels.iter().filter(|of| of.missing.is_none()).map(|of| of.level.title()).collect();
    let about = format!("Linux {kernel} answers beside the model, at {}", levels.join("; "));
    let probed = serde_json::to_value(Probed::from(probe)).map_err(io::Error::from)?;
    let site = if args.check { None } else { Some(Site::find(args.dir.as_deref())?) };
    if let Some(site) = &site {
        site.check_version()?;
    }
    let (server, port) = bind(args.port)?;
    let token = token().map_err(|error| Failure::unavailable(format_args!("no random numbers: {error}")))?;
    let (endpoint, queue) = Endpoint::new(&token, port, probed);
    let mut ask = |case: &Case| {
        let asked = machines.ask(case)?;
        let beside = Beside::new(case, &asked, Level::of(case), &kernel);
        let answer = MachineAnswer::new(case.id.as_str(), &asked.machine);
        serde_json::to_value(Answered { schema: SCHEMA, answer, beside })
            .map_err(|error| Problem::Failed(error.to_string()))
    };
    if args.check {
        let mut given = Vec::new();
        let noted = |case: &Case| {
            given.push(ask(case));
            given.last().cloned().unwrap_or(Ok(Value::Null))
        };
        let heard = serve(&server, &endpoint, None, queue, noted, Some(|| check::ask_over(port, &token)));
        return check::compare(heard.unwrap_or_else(|| Err("it did not end".into())), given);
    }
    anstream::eprintln!("{about}.\n{QUIET}Who has this address may ask it, until this program ends.{QUIET:#}");
    tell(&url(port, &token))?;
    serve(&server, &endpoint, site.as_ref(), queue, ask, None::<fn()>);
    Ok(Exit::Answered)
}

/// The page's address. The token is in the fragment, which browsers send to no server and tell no other page; the page
/// takes it out of the address bar.
fn url(port: u16, token: &str) -> String {
    format!("http://{}:{port}/#machine={token}", Ipv4Addr::LOCALHOST)
}

/// 128 random bits, in hexadecimal.
fn token() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut token, byte| {
        let _ = write!(token, "{byte:02x}");
        token
    }))
}

/// Serves the site and the endpoint, and asks the machine on this thread: the alarm that ends a guest is for the
/// process, and Linux gives such a signal to the first thread. With `meanwhile` it ends when that has ended.
fn serve<T: Send>(
    server: &Server,
    endpoint: &Endpoint,
    site: Option<&Site>,
    queue: Receiver<Question>,
    ask: impl FnMut(&Case) -> Result<Value, Problem>,
    meanwhile: Option<impl FnOnce() -> T + Send>,
) -> Option<T> {
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for request in server.incoming_requests() {
                    // a browser that went away does not concern the others
                    let _ = match site {
                        Some(site) if !is_endpoint(request.url()) => answer(site, request),
                        _ => endpoint.answer(request),
                    };
                }
            });
        }
        let meanwhile = meanwhile.map(|meanwhile| {
            scope.spawn(|| {
                let _end = End(endpoint);
                meanwhile()
            })
        });
        endpoint::work(queue, ask);
        (0..THREADS).for_each(|_| server.unblock());
        meanwhile.and_then(|meanwhile| meanwhile.join().ok())
    })
}

/// Ends the questions, also where a test fails.
struct End<'a>(&'a Endpoint);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn is_endpoint(url: &str) -> bool {
    url.split(['?', '#']).next() == Some(PATH)
}
