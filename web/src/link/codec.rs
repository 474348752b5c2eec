//! How a fragment holds anything: `v=1&s=<base64url(deflate(JSON))>`, or `key=value` pairs written by hand.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use serde_json::{Map, Value};
use std::io::Read as _;

/// The version written; every older one stays readable.
const VERSION: &str = "1";
/// No honest link inflates to more.
const MOST: u64 = 1 << 20;

/// Writes a fragment, without its `#`.
#[must_use]
pub fn pack(object: Map<String, Value>) -> String {
    let mut deflated = Vec::new();
    let text = Value::Object(object).to_string();
    // Reading from memory into memory cannot fail.
    let _ = DeflateEncoder::new(text.as_bytes(), Compression::best()).read_to_end(&mut deflated);
    format!("v={VERSION}&s={}", URL_SAFE_NO_PAD.encode(deflated))
}

/// Reads a fragment, with or without its `#`, into keys and values; of those written by hand, a key may come more than
/// once. `None` when it holds nothing.
///
/// # Errors
/// What is wrong with the link, in a sentence.
pub fn unpack(fragment: &str) -> Result<Option<Vec<(String, Value)>>, String> {
    let fragment = fragment.trim_start_matches(['#', '?']);
    if fragment.is_empty() {
        return Ok(None);
    }
    let pairs: Vec<(&str, String)> = fragment
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (key, unescape(value)))
        .collect();
    if let Some((_, version)) = pairs.iter().find(|(key, _)| *key == "v")
        && version != VERSION
    {
        return Err(format!("it is of version “{version}”, and this playground reads version {VERSION}"));
    }
    match pairs.iter().find(|(key, _)| *key == "s") {
        Some((_, state)) => inflate(state).map(|object| Some(object.into_iter().collect())),
        None => {
            let by_hand = pairs.into_iter().filter(|(key, _)| *key != "v");
            Ok(Some(by_hand.map(|(key, value)| (key.into(), Value::String(value))).collect()))
        }
    }
}

fn inflate(state: &str) -> Result<Map<String, Value>, String> {
    let damaged = || "its state is damaged: perhaps it was cut short when it was copied".to_owned();
    let deflated = URL_SAFE_NO_PAD.decode(state.trim_end_matches('=')).map_err(|_| damaged())?;
    let mut text = String::new();
    let mut inflated = DeflateDecoder::new(deflated.as_slice()).take(MOST);
    inflated.read_to_string(&mut text).map_err(|_| damaged())?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(damaged()),
    }
}

/// A value as it would be written by hand.
#[must_use]
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), Into::into)
}

/// Undoes percent encoding; what is not an escape stays as it is.
fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                plain.push(byte);
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}
