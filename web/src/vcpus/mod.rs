//! The screen of several vCPUs: its state, and how actions change it. Nothing here knows of a browser.

pub mod exploration;
pub mod link;
pub mod policies;
pub mod state;
pub mod tour;
