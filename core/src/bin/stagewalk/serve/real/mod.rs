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

use super::http::{self, Answer, Answers};
use super::site::Site;
use super::{Args, bind, tell};
use crate::failure::{Exit, Failure};
use crate::kvm::{Machines, Probed};
use crate::style::QUIET;
use endpoint::{Asked, Endpoint, PATH};
use hyper::Request;
use hyper::body::Incoming;
use serde::Serialize;
use serde_json::Value;
use stagewalk::kvm::{self, Level, Problem};
use stagewalk::scenario::Case;
use stagewalk::scenario::batch::MachineAnswer;
use stagewalk::view::real::{Beside, SCHEMA};
use std::fmt::Write as _;
use std::fs::File;
use std::future::pending;
use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::panic::resume_unwind;
use std::sync::mpsc::Receiver;
use std::thread;
use tokio::task::spawn_blocking;

/// An answer: that of `batch`, and how it compares.
#[derive(Serialize)]
struct Answered<'a> {
    schema: &'static str,
    #[serde(flatten)]
    answer: MachineAnswer<&'a str>,
    #[serde(flatten)]
    beside: Beside,
}

/// The site, where there is one, and the endpoint.
struct Both {
    site: Option<Site>,
    endpoint: Endpoint,
}

impl Answers for Both {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        match &self.site {
            Some(site) if request.uri().path() != PATH => site.answer(request).await,
            _ => self.endpoint.answer(request).await,
        }
    }
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
    let (listener, port) = bind(args.port)?;
    let token = token().map_err(|error| Failure::unavailable(format_args!("no random numbers: {error}")))?;
    let (endpoint, queue) = Endpoint::new(&token, port, probed);
    let both = Both { site, endpoint };
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
        let heard = serve(listener, both, queue, noted, async move {
            let heard = spawn_blocking(move || check::ask_over(port, &token)).await;
            heard.unwrap_or_else(|error| Err(error.to_string()))
        });
        return check::compare(heard?, given);
    }
    anstream::eprintln!("{about}.\n{QUIET}Who has this address may ask it, until this program ends.{QUIET:#}");
    tell(&url(port, &token))?;
    Ok(serve(listener, both, queue, ask, pending())?)
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

/// Serves the site and the endpoint until `end`, and asks the machine on this thread: the alarm that ends a guest is
/// for the process, and Linux gives such a signal to the first thread.
fn serve<T: Send>(
    listener: TcpListener,
    both: Both,
    queue: Receiver<Asked>,
    ask: impl FnMut(&Case) -> Result<Value, Problem>,
    end: impl Future<Output = T> + Send,
) -> io::Result<T> {
    thread::scope(|scope| {
        let serving = scope.spawn(|| http::serve(listener, both, end));
        endpoint::work(queue, ask);
        serving.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}
