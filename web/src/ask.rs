//! Asks the host that this page is from for its real machine's answer.

use crate::real::Standing;
use gloo::net::Error;
use gloo::net::http::{Request, Response};
use stagewalk::view::real::Reply;
use std::time::Duration;
use web_sys::AbortSignal;
use yew::platform::time::sleep;

const PATH: &str = "/machine";
/// How often, and after how long, a host is asked again that has enough questions.
const TRIES: u32 = 20;
const REST: Duration = Duration::from_millis(500);

/// How it stands after the host was asked.
pub async fn ask(token: &str, question: &str, signal: &AbortSignal) -> Standing {
    for _ in 0..TRIES {
        let Ok(response) = send(token, question, signal).await else { break };
        if response.status() != 503 {
            return standing(&response).await;
        }
        sleep(REST).await;
        if signal.aborted() {
            break;
        }
    }
    Standing::None("the server that this page is from cannot be reached; is it still running?".into())
}

async fn send(token: &str, question: &str, signal: &AbortSignal) -> Result<Response, Error> {
    let request = Request::post(PATH).header("Authorization", &format!("Bearer {token}"));
    let request = request.header("Content-Type", "application/json").abort_signal(Some(signal));
    request.body(question)?.send().await
}

async fn standing(response: &Response) -> Standing {
    let body = response.binary().await.unwrap_or_default();
    if response.ok() {
        return match Reply::read(&body) {
            Ok(Reply::Beside(beside)) => Standing::Told(beside),
            Ok(Reply::Unfit(why)) => Standing::Unfit(why),
            Err(why) => Standing::None(why),
        };
    }
    let body: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
    let said = body.as_ref().and_then(|body| body["error"].as_str());
    Standing::None(said.map_or_else(|| "this server has no machine behind it".into(), Into::into))
}
