//! The endpoint over a real socket, with a machine that is a closure.

use super::client::{Reply, send};
use super::endpoint::LARGEST;
use super::*;
use crate::serve::bind;
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const CASE: &str = r#"{"id": "c", "op": "S1E1R", "el": 1, "va": "0x40080123"}"#;
static SITE: &[(&str, &[u8])] = &[("index.html", b"here")];

/// Serves while `test` sends requests to the port, and gives what it came to.
fn with<T: Send + 'static>(
    ask: impl FnMut(&Case) -> Result<Value, Problem>,
    test: impl FnOnce(u16) -> T + Send + 'static,
) -> T {
    let (listener, port) = bind(Some(0)).expect("a port");
    let (endpoint, queue) = Endpoint::new(TOKEN, port, json!({"kernel": "7.3.4"}));
    let both = Both { site: Some(Site::BuiltIn(SITE)), endpoint };
    let end = async move { spawn_blocking(move || test(port)).await };
    serve(listener, both, queue, ask, end).expect("a server").expect("the test ends")
}

fn echo(case: &Case) -> Result<Value, Problem> {
    Ok(json!({"id": case.id, "va": case.va}))
}

/// The headers of a request as the page sends it, but for those that `other` replaces; an empty one is left out.
fn headers(port: u16, other: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("Host", format!("127.0.0.1:{port}")),
        ("Origin", format!("http://127.0.0.1:{port}")),
        ("Authorization", format!("Bearer {TOKEN}")),
        ("Content-Type", "application/json".into()),
    ];
    for &(name, value) in other {
        all.retain(|(before, _)| *before != name);
        all.push((name, value.replace("PORT", &port.to_string())));
    }
    all.retain(|(_, value)| !value.is_empty());
    all
}

fn ask(port: u16, line: &str, other: &[(&'static str, &str)], body: &str) -> Reply {
    let headers = headers(port, other);
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    send(port, line, &headers, body.as_bytes()).expect("an answer")
}

/// What a refusal says, after it has been made sure that no other page could read it.
fn refused(reply: &Reply, status: u16) -> String {
    assert_eq!(reply.status, status, "{reply:?}");
    assert!(!reply.head.to_lowercase().contains("access-control"), "{}", reply.head);
    let body: Value = serde_json::from_str(&reply.body).expect("JSON");
    body["error"].as_str().expect("a sentence").to_owned()
}

#[test]
fn a_case_goes_to_the_machine_and_its_answer_comes_back() {
    with(echo, |port| {
        for host in ["127.0.0.1:PORT", "localhost:PORT", "LOCALHOST:PORT"] {
            let origin = format!("http://{}", host.replace("LOCAL", "local").replace("HOST", "host"));
            let reply = ask(port, "POST /machine", &[("Host", host), ("Origin", &origin)], CASE);
            assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"id":"c","va":1074266403}"#));
            assert!(reply.head.contains("no-store") && !reply.head.to_lowercase().contains("access-control"));
        }
        let utf = [("Content-Type", "application/json; charset=utf-8"), ("Origin", "")];
        assert_eq!(ask(port, "POST /machine?x", &utf, CASE).status, 200, "browsers may leave the origin out");
        let probe = ask(port, "GET /machine", &[("Content-Type", "")], "");
        assert_eq!((probe.status, probe.body.as_str()), (200, r#"{"kernel":"7.3.4"}"#));
        let page = ask(port, "GET /", &[("Authorization", ""), ("Origin", "")], "");
        assert_eq!((page.status, page.body.as_str()), (200, "here"), "the site is no secret");
        assert_eq!(ask(port, "GET /machines", &[], "").status, 404);
    });
}

#[test]
fn who_may_not_ask_is_refused_before_anything_is_read() {
    let asked = AtomicUsize::new(0);
    let count = |case: &Case| {
        asked.fetch_add(1, SeqCst);
        echo(case)
    };
    with(count, |port| {
        let other = |header: &'static str, value: &str| ask(port, "POST /machine", &[(header, value)], "nonsense");
        for host in ["", "evil.example", "evil.example:PORT", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil:PORT"] {
            assert!(refused(&other("Host", host), 421).contains("its own address"), "{host}");
        }
        for origin in
            ["null", "http://evil.example", "https://127.0.0.1:PORT", "http://localhost:PORT", "http://127.0.0.1"]
        {
            assert!(refused(&other("Origin", origin), 403).contains("own page"), "{origin}");
        }
        let longer = format!("Bearer {TOKEN}0");
        for token in
            ["", "Bearer ", TOKEN, &longer, &longer[..longer.len() - 2], "Bearer 0123456789abcdef0123456789abcdee"]
        {
            let reply = other("Authorization", token);
            assert!(refused(&reply, 401).contains("the address that it printed"), "{token}");
            assert!(reply.has("WWW-Authenticate: Bearer"));
        }
        let large = "nonsense".repeat(1 << 16);
        let reply = ask(port, "POST /machine", &[("Authorization", "")], &large);
        assert_eq!(reply.status, 401, "heard, although the body is on its way");
        let twice = [("Host", "127.0.0.1"), ("Host", "127.0.0.1")];
        assert_eq!(send(port, "GET /machine", &twice, b"").expect("an answer").status, 421);
        // what a browser asks before another origin's page may send the token's header
        assert_eq!(ask(port, "OPTIONS /machine", &[("Authorization", "")], "").status, 401);
        assert_eq!(ask(port, "GET /machine", &[("Authorization", "")], "").status, 401);
    });
    assert_eq!(asked.load(SeqCst), 0);
}

#[test]
fn what_is_no_question_is_refused_each_by_its_own_status() {
    let asked = AtomicUsize::new(0);
    let count = |case: &Case| {
        asked.fetch_add(1, SeqCst);
        echo(case)
    };
    with(count, |port| {
        let post = |other: &[(&'static str, &str)], body: &str| ask(port, "POST /machine", other, body);
        for method in ["PUT", "DELETE", "HEAD", "OPTIONS"] {
            let reply = ask(port, &format!("{method} /machine"), &[], "");
            assert_eq!(reply.status, 405, "{method}");
            assert!(reply.has("Allow: GET, POST"));
        }
        for kind in ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
            assert!(refused(&post(&[("Content-Type", kind)], CASE), 415).contains("application/json"), "{kind}");
        }
        let large = format!("{CASE}{}", " ".repeat(LARGEST));
        assert!(refused(&post(&[], &large), 413).contains("8 MB"));
        for (body, said) in [("", "EOF"), ("{]", "column 2"), ("[]", "invalid"), (r#"{"op": "S1E1Q"}"#, "S1E1Q")] {
            let sentence = refused(&post(&[], body), 400);
            assert!(sentence.contains(said) && !sentence.contains('\n'), "{body}: {sentence}");
        }
    });
    assert_eq!(asked.load(SeqCst), 0);
}

#[test]
fn what_the_machine_cannot_do_is_told() {
    let mut answers =
        [Problem::Unfit("it is no AT".into()), Problem::Failed("the guest did not end".into())].into_iter();
    with(
        |_| answers.next().map_or(Ok(Value::Null), Err),
        |port| {
            let unfit = ask(port, "POST /machine", &[], CASE);
            let said: Value = serde_json::from_str(&unfit.body).expect("JSON");
            assert_eq!((unfit.status, &said["status"], &said["reason"]), (200, &json!("unfit"), &json!("it is no AT")));
            assert_eq!(
                stagewalk::view::real::Reply::read(unfit.body.as_bytes()),
                Ok(stagewalk::view::real::Reply::Unfit("it is no AT".into()))
            );
            let failed = ask(port, "POST /machine", &[], CASE);
            assert!(refused(&failed, 502).contains("the guest did not end"));
            assert_eq!(ask(port, "POST /machine", &[], CASE).status, 200, "it goes on");
        },
    );
}

#[test]
fn the_machine_is_asked_one_question_at_a_time_and_the_site_is_served_meanwhile() {
    let inside = AtomicUsize::new(0);
    let most = AtomicUsize::new(0);
    let slow = |case: &Case| {
        most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
        thread::sleep(Duration::from_millis(150));
        inside.fetch_sub(1, SeqCst);
        echo(case)
    };
    let statuses = with(slow, |port| {
        thread::scope(|scope| {
            let asking: Vec<_> = (0..7).map(|_| scope.spawn(move || ask(port, "POST /machine", &[], CASE))).collect();
            thread::sleep(Duration::from_millis(60));
            assert_eq!(ask(port, "GET /", &[], "").body, "here");
            asking.into_iter().map(|asked| asked.join().expect("an answer").status).collect::<Vec<_>>()
        })
    });
    assert_eq!(most.load(SeqCst), 1);
    let answered = statuses.iter().filter(|&&status| status == 200).count();
    let busy = statuses.iter().filter(|&&status| status == 503).count();
    assert!((4..7).contains(&answered) && answered + busy == 7, "{statuses:?}");
}

#[test]
fn tokens_are_long_and_never_the_same() {
    let [one, other] = [token().expect("random"), token().expect("random")];
    assert!(one != other && one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(url(8080, "abc"), "http://127.0.0.1:8080/#machine=abc");
}
