//! The endpoint on a real machine, asked by itself: for the test bed, where there is no browser.

use super::client::send;
use super::endpoint::PATH;
use crate::failure::{Exit, Failure};
use crate::style::{FAULT, GOOD};
use serde_json::Value;
use stagewalk::kvm::Problem;
use stagewalk::scenario::Case;
use stagewalk::scenario::examples::Example;
use std::io::Write;

/// What is asked: at EL1, at virtual EL2, and what no VM can be asked.
const EXAMPLES: [&str; 3] = ["page-4k", "stage2-hole", "stage2-hole-el1"];

/// What came over loopback for each example.
pub type Heard = Result<Vec<(Case, Value)>, String>;

/// Asks over loopback: without the token, which must be refused, and then with it.
pub fn ask_over(port: u16, token: &str) -> Heard {
    let host = ("Host", &*format!("127.0.0.1:{port}"));
    let json = ("Content-Type", "application/json");
    let bearer = ("Authorization", &*format!("Bearer {token}"));
    let get = format!("GET {PATH}");
    let failed = |error| format!("loopback: {error}");
    let stranger = send(port, &get, &[host], b"").map_err(failed)?;
    let guest = send(port, &get, &[host, bearer], b"").map_err(failed)?;
    if (stranger.status, guest.status) != (401, 200) {
        return Err(format!("without the token {}, with it {}: {}", stranger.status, guest.status, guest.body));
    }
    let cases = EXAMPLES.iter().filter_map(|name| Example::find(name)).map(|example| example.case());
    let heard = cases.map(|case| {
        let body = case.to_json().to_string();
        let reply = send(port, &format!("POST {PATH}"), &[host, json, bearer], body.as_bytes()).map_err(failed)?;
        let answer = serde_json::from_str(&reply.body).ok().filter(|_| reply.status == 200);
        answer.map(|answer| (case, answer)).ok_or_else(|| format!("{}: {}", reply.status, reply.body))
    });
    heard.collect()
}

/// Says whether what the machine gave came over loopback as it was.
pub fn compare(heard: Heard, given: Vec<Result<Value, Problem>>) -> Result<Exit, Failure> {
    let mut out = anstream::stdout().lock();
    let heard = heard.map_err(|why| Failure::unavailable(format_args!("the own server: {why}")))?;
    let mut exit = if heard.len() == given.len() { Exit::Answered } else { Exit::Fault };
    for ((case, heard), given) in heard.into_iter().zip(given) {
        let same = match given {
            Ok(answer) => answer == heard,
            Err(Problem::Unfit(why)) => heard["status"] == "unfit" && heard["reason"] == Value::String(why),
            Err(problem) => return Err(problem.into()),
        };
        let (mark, style) = if same { ("✓", GOOD) } else { ("✗", FAULT) };
        let word = |name: &str| heard[name].as_str().unwrap_or("none").to_owned();
        let (status, par, verdict) = (word("status"), word("par"), word("verdict"));
        writeln!(out, "{style}{mark} {}{style:#}: {status}, PAR_EL1 {par}, verdict {verdict}", case.id)?;
        if !same || heard["verdict"] == "unexplained" {
            exit = Exit::Fault;
        }
    }
    Ok(exit)
}
