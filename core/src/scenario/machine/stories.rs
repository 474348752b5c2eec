//! The scenarios that come with the crate: what becomes of an AT instruction while others change the tables, and why
//! each precaution is there.

use super::Scenario;
use crate::scenario::ScenarioError;

/// A scenario that comes with the crate.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    /// A short name, for commands and links.
    pub name: &'static str,
    /// The scenario, as JSON.
    pub text: &'static str,
}

impl Story {
    /// The story called `name`.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        ALL.iter().copied().find(|story| story.name == name)
    }

    /// The scenario.
    ///
    /// # Errors
    /// None: a test reads them all.
    pub fn scenario(&self) -> Result<Scenario, ScenarioError> {
        self.text.parse()
    }
}

macro_rules! stories {
    ($($name:literal)*) => {
        /// All stories, the headline first.
        pub static ALL: &[Story] =
            &[$(Story { name: $name, text: include_str!(concat!("stories/", $name, ".json")) }),*];
    };
}

stories! {
    "swapped-out"
    "guest-hypervisor"
    "swapped-out-el1"
    "swapped-out-el2"
    "torn-walk"
    "publish-order"
    "table-reuse"
    "dsb-waits"
    "access-flag-aba"
    "access-flag-data"
    "notifier"
    "notifier-uncovered"
    "break-before-make"
    "no-break-before-make"
    "par-outlives"
    "last-level-tlbi"
    "missing-dsb"
    "missing-is"
    "missing-tlbi"
    "missing-isb"
    "with-isb"
    "two-walkers"
    "lost-dirty-update"
    "kept-dirty-update"
    "translate-request"
    "lazy-shadow"
}
