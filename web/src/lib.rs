//! The stagewalk playground.
//!
//! [`state`] holds everything and changes by actions alone; [`link`] puts it into the URL; the components draw it from
//! the library's view models. Only the components know of a browser: the rest is tested wherever cargo runs.

pub mod address;
pub mod catalogue;
pub mod document;
pub mod history;
pub mod link;
pub mod parse;
pub mod real;
pub mod refusal;
pub mod state;
pub mod vcpus;

#[cfg(target_arch = "wasm32")]
mod ask;
#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(target_arch = "wasm32")]
pub mod components;
#[cfg(target_arch = "wasm32")]
mod fetch;

/// Draws the playground into the page. In a worker there is none.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
    if web_sys::window().is_some() {
        components::app::mount();
    }
}
