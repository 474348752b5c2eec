//! The few things the playground asks of the browser itself.

use crate::real;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlElement, Storage, Window};

/// Where the tab keeps its token.
const TOKEN: &str = "stagewalk.machine";

fn window() -> Option<Window> {
    web_sys::window()
}

fn storage() -> Option<Storage> {
    window()?.local_storage().ok()?
}

/// A setting kept in this browser.
pub fn setting(name: &str) -> Option<String> {
    storage()?.get_item(&format!("stagewalk.{name}")).ok()?
}

/// Keeps a setting in this browser, where it allows that.
pub fn keep_setting(name: &str, value: &str) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(&format!("stagewalk.{name}"), value);
    }
}

/// Takes the token for the real machine out of the address bar, if it is there, and keeps it as long as the tab.
pub fn take_token() -> Option<String> {
    let hash = window()?.location().hash().ok()?;
    let (token, rest) = real::split_token(&hash);
    if rest.len() + 1 < hash.len() {
        replace_fragment(&rest);
    }
    let tab = window()?.session_storage().ok()?;
    if let (Some(token), Some(tab)) = (&token, tab) {
        let _ = tab.set_item(TOKEN, token);
    }
    token
}

/// The token that this tab has.
pub fn token() -> Option<String> {
    window()?.session_storage().ok()??.get_item(TOKEN).ok()?
}

/// The URL's fragment, or else its query: links can be written by hand in either.
pub fn fragment() -> String {
    let Some(location) = window().map(|window| window.location()) else { return String::new() };
    let hash = location.hash().unwrap_or_default();
    if hash.len() > 1 { hash } else { location.search().unwrap_or_default() }
}

/// Puts the state into the address bar, without a new entry in the browser's history.
pub fn replace_fragment(fragment: &str) {
    let Some(window) = window() else { return };
    let Ok(history) = window.history() else { return };
    let path = window.location().pathname().unwrap_or_default();
    let url = if fragment.is_empty() { path } else { format!("{path}#{fragment}") };
    let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&url));
}

/// The page's whole URL, with this fragment.
pub fn url(fragment: &str) -> String {
    let location = window().map(|window| window.location());
    let part = |of: Option<Result<String, JsValue>>| of.and_then(Result::ok).unwrap_or_default();
    let origin = part(location.as_ref().map(|location| location.origin()));
    let path = part(location.as_ref().map(|location| location.pathname()));
    format!("{origin}{path}#{fragment}")
}

/// Puts text on the clipboard.
///
/// # Errors
/// When the browser does not let us: on an insecure origin, or without permission.
pub async fn copy(text: String) -> Result<(), ()> {
    let clipboard = window().ok_or(())?.navigator();
    let clipboard = js_sys::Reflect::get(&clipboard, &"clipboard".into()).map_err(drop)?;
    let clipboard: web_sys::Clipboard = clipboard.dyn_into().map_err(drop)?;
    JsFuture::from(clipboard.write_text(&text)).await.map(drop).map_err(drop)
}

/// Moves the focus to the first element the selector finds.
pub fn focus(selector: &str) {
    let found = window().and_then(|window| window.document()).and_then(|page| page.query_selector(selector).ok()?);
    if let Some(element) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// The colour scheme: `light`, `dark`, or whatever the system says.
pub fn set_theme(theme: &str) {
    let root = window().and_then(|window| window.document()).and_then(|page| page.document_element());
    let Some(root) = root else { return };
    let _ =
        if theme == "system" { root.remove_attribute("data-theme") } else { root.set_attribute("data-theme", theme) };
}

/// Whether the system asks for dark colours.
pub fn prefers_dark() -> bool {
    let query = window().and_then(|window| window.match_media("(prefers-color-scheme: dark)").ok()?);
    query.is_some_and(|query| query.matches())
}

/// Clicks the first element the selector finds.
pub fn click(selector: &str) {
    let found = window().and_then(|window| window.document()).and_then(|page| page.query_selector(selector).ok()?);
    if let Some(element) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
        element.click();
    }
}

/// Marks the page as running: the static shell is gone.
pub fn mark_ready() {
    if let Some(place) = window().and_then(|window| window.document()).and_then(|page| page.get_element_by_id("app")) {
        let _ = place.set_attribute("data-ready", "");
    }
}

/// Scrolls a region sideways, and nothing else, so that what the selector finds in it can be seen.
pub fn reveal(region: &Option<HtmlElement>, selector: &str) {
    let Some(region) = region else { return };
    let found = region.query_selector(selector).ok().flatten();
    let Some(found) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) else { return };
    let head = region.query_selector("th").ok().flatten().map_or(0, |head| head.client_width());
    let (left, right) = (found.offset_left(), found.offset_left() + found.offset_width());
    let (start, end) = (region.scroll_left() + head, region.scroll_left() + region.client_width());
    if left < start {
        region.set_scroll_left(left - head - 4);
    } else if right > end {
        region.set_scroll_left(right - region.client_width() + 4);
    }
}
