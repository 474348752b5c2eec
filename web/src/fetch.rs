//! Captured machines, fetched from beside the page when somebody asks for one.

use crate::catalogue::System;
use flate2::read::MultiGzDecoder;
use js_sys::Uint8Array;
use stagewalk::scenario::Case;
use stagewalk::scenario::dump::Dump;
use std::borrow::Cow;
use std::io::Read as _;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

/// Fetches a captured machine and puts it together.
///
/// # Errors
/// What went wrong, in a sentence.
pub async fn machine(system: &'static System) -> Result<Case, String> {
    let start = |file: &'static str| start(system.name, file);
    // All four are under way before the first is awaited.
    let (regs, pages, meta, memory) =
        (start("regs.json")?, start("pages.json")?, start("meta.json")?, start("pages.bin.gz")?);
    let (regs, pages, meta) = (regs.bytes().await?, pages.bytes().await?, meta.bytes().await?);
    let memory = memory.bytes().await?;
    let memory = inflate(&memory).map_err(|error| format!("pages.bin.gz: {error}"))?;
    let mut dump = Dump::from_parts(&regs, &pages, &meta, &memory).map_err(|error| error.to_string())?;
    dump.pe.el = system.el;
    let place = &system.places[0];
    Ok(dump.case(place.op, place.va))
}

struct Download {
    file: &'static str,
    response: JsFuture,
}

fn start(system: &str, file: &'static str) -> Result<Download, String> {
    let window = web_sys::window().ok_or("there is no window")?;
    let promise = window.fetch_with_str(&format!("./static/systems/{system}/{file}"));
    Ok(Download { file, response: JsFuture::from(promise) })
}

impl Download {
    async fn bytes(self) -> Result<Vec<u8>, String> {
        let failed = |what: &str| format!("{}: {what}", self.file);
        let response = self.response.await.map_err(|_| failed("the server could not be reached"))?;
        let response: Response = response.dyn_into().map_err(|_| failed("no response"))?;
        if !response.ok() {
            return Err(failed(&format!("the server answers {}", response.status())));
        }
        let body = response.array_buffer().map_err(|_| failed("no body"))?;
        let body = JsFuture::from(body).await.map_err(|_| failed("the transfer broke off"))?;
        Ok(Uint8Array::new(&body).to_vec())
    }
}

/// Inflates a gzip file, unless the server has already done that in transfer.
fn inflate(bytes: &[u8]) -> std::io::Result<Cow<'_, [u8]>> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut inflated = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut inflated)?;
    Ok(Cow::Owned(inflated))
}
