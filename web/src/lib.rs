//! The stagewalk playground.
//!
//! [`state`] holds everything and changes by actions alone; [`link`] puts it into the URL; the components draw it from
//! the library's view models. Only the components know of a browser: the rest is tested wherever cargo runs.

pub mod catalogue;
pub mod document;
pub mod history;
pub mod link;
pub mod parse;
pub mod refusal;
pub mod state;

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(target_arch = "wasm32")]
pub mod components;
#[cfg(target_arch = "wasm32")]
mod fetch;

/// Draws the playground into the page.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
    components::app::mount();
}
