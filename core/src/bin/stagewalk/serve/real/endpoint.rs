//! The one path behind which the machine is: who may ask, what, and how long it may take.
//!
//! Any page in the browser, and any user of this host, can send requests to a loopback port. What is let through names
//! this server by its own address, so that no other name can have been made to lead here; comes from this server's own
//! page, if a browser says where it comes from; and knows the token. No answer carries a CORS header, so that no page
//! of another origin can send the token's header in the first place, or read anything.

use super::http::{self, Answer};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request};
use serde_json::{Value, json};
use stagewalk::kvm::Problem;
use stagewalk::scenario::Case;
use stagewalk::view::real::SCHEMA;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Where it is.
pub const PATH: &str = "/machine";
/// No case that the playground has is larger.
pub const LARGEST: usize = 8 << 20;
/// How many questions may wait.
const WAITING: usize = 4;
/// How long an answer may take: a guest has 20 s, and a difference takes time to explain.
const PATIENCE: Duration = Duration::from_secs(30);

/// A question on its way to the machine: a case, and where its answer goes.
pub struct Asked {
    case: Case,
    reply: oneshot::Sender<Result<Value, Problem>>,
}

/// The endpoint.
pub struct Endpoint {
    token: String,
    hosts: [String; 2],
    probed: Value,
    queue: SyncSender<Asked>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Refusal {
    Path,
    Host,
    Origin,
    Token,
    Method,
    Kind,
    Large,
    Case(String),
    Busy,
    Late,
    Machine(String),
}

impl Refusal {
    const fn status(&self) -> u16 {
        match self {
            Self::Case(_) => 400,
            Self::Token => 401,
            Self::Origin => 403,
            Self::Path => 404,
            Self::Method => 405,
            Self::Large => 413,
            Self::Kind => 415,
            Self::Host => 421,
            Self::Machine(_) => 502,
            Self::Busy => 503,
            Self::Late => 504,
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::Case(error) => format!("the case cannot be read: {error}"),
            Self::Token => "the token is missing, or not that of this server: open the address that it printed".into(),
            Self::Origin => "only this server's own page may ask".into(),
            Self::Path => "there is nothing here".into(),
            Self::Method => "GET tells what the machine is, and POST asks it".into(),
            Self::Large => format!("the case has more than {} MB", LARGEST >> 20),
            Self::Kind => "a case is sent as application/json".into(),
            Self::Host => "this server is asked by its own address alone".into(),
            Self::Machine(why) => format!("the machine failed: {why}"),
            Self::Busy => "the machine has enough questions already".into(),
            Self::Late => format!("the machine has not answered within {} s", PATIENCE.as_secs()),
        }
    }
}

impl Endpoint {
    /// An endpoint, and where its questions come out.
    pub fn new(token: &str, port: u16, probed: Value) -> (Self, Receiver<Asked>) {
        let (queue, questions) = mpsc::sync_channel(WAITING);
        let hosts = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{port}"));
        (Self { token: token.into(), hosts, probed, queue }, questions)
    }

    /// Answers a request.
    pub async fn answer(&self, request: Request<Incoming>) -> Answer {
        let (status, body) = match self.reply(request).await {
            Ok(body) => (200, body),
            Err(refusal) => (refusal.status(), json!({ "error": refusal.sentence() })),
        };
        let mut headers = vec![
            ("Content-Type", "application/json"),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ];
        match status {
            401 => headers.push(("WWW-Authenticate", "Bearer")),
            405 => headers.push(("Allow", "GET, POST")),
            _ => {}
        }
        http::answer(status, &headers, body.to_string())
    }

    async fn reply(&self, request: Request<Incoming>) -> Result<Value, Refusal> {
        if request.uri().path() != PATH {
            return Err(Refusal::Path);
        }
        self.admit(&request)?;
        match *request.method() {
            Method::GET => Ok(self.probed.clone()),
            Method::POST => self.ask(read(request).await?).await,
            _ => Err(Refusal::Method),
        }
    }

    /// Whether the request may be made at all.
    fn admit(&self, request: &Request<Incoming>) -> Result<(), Refusal> {
        let host = one(request, "Host").filter(|host| self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host)));
        let host = host.ok_or(Refusal::Host)?;
        let from_here = |origin: &str| origin.eq_ignore_ascii_case(&format!("http://{host}"));
        if !all(request, "Origin").all(from_here) {
            return Err(Refusal::Origin);
        }
        let token = one(request, "Authorization").and_then(|value| value.strip_prefix("Bearer "));
        if !token.is_some_and(|token| same(token, &self.token)) {
            return Err(Refusal::Token);
        }
        Ok(())
    }

    async fn ask(&self, case: Case) -> Result<Value, Refusal> {
        let id = case.id.clone();
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Asked { case, reply }).map_err(|error| match error {
            TrySendError::Full(_) => Refusal::Busy,
            TrySendError::Disconnected(_) => Refusal::Machine("it is not there any more".into()),
        })?;
        let answer = timeout(PATIENCE, answer).await.map_err(|_| Refusal::Late)?;
        match answer.map_err(|_| Refusal::Machine("it gave no answer".into()))? {
            Ok(answer) => Ok(answer),
            Err(Problem::Unfit(reason)) => {
                Ok(json!({ "schema": SCHEMA, "id": id, "status": "unfit", "reason": reason }))
            }
            Err(problem) => Err(Refusal::Machine(problem.to_string())),
        }
    }
}

/// Asks the machine one question after the other, until there are no more.
pub fn work(queue: Receiver<Asked>, mut ask: impl FnMut(&Case) -> Result<Value, Problem>) {
    for Asked { case, reply } in queue {
        // who asked may have lost patience
        let _ = reply.send(ask(&case));
    }
}

/// The case that a request carries.
async fn read(request: Request<Incoming>) -> Result<Case, Refusal> {
    let kind = one(&request, "Content-Type").and_then(|value| value.split(';').next());
    if !kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return Err(Refusal::Kind);
    }
    let text = Limited::new(request.into_body(), LARGEST).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() { Refusal::Large } else { Refusal::Case(error.to_string()) }
    })?;
    Case::from_slice(&text.to_bytes()).map_err(|error| Refusal::Case(error.in_line()))
}

/// All headers of a name; one that is not ASCII equals nothing.
fn all<'a>(request: &'a Request<Incoming>, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    request.headers().get_all(name).into_iter().map(|value| value.to_str().unwrap_or_default())
}

/// A header that is there once.
fn one<'a>(request: &'a Request<Incoming>, name: &str) -> Option<&'a str> {
    let mut values = all(request, name);
    values.next().filter(|_| values.next().is_none())
}

/// Whether two texts are equal, in a time that does not tell where they differ.
fn same(one: &str, other: &str) -> bool {
    let differ = one.bytes().zip(other.bytes()).fold(0, |differ, (one, other)| differ | (one ^ other));
    one.len() == other.len() && differ == 0
}
