//! Which screen a fragment is for, and what it says to it.

use crate::link::{Link, codec};
use crate::vcpus::link::VcpusLink;

/// A screen of the playground.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Screen {
    /// One walk.
    #[default]
    Walk,
    /// Several vCPUs.
    Vcpus,
}

/// What a fragment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Something about a walk.
    Walk(Link),
    /// Something about several vCPUs.
    Vcpus(VcpusLink),
}

impl Address {
    /// Reads a fragment; `None` when it holds nothing.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn read(fragment: &str) -> Result<Option<Self>, String> {
        let Some(pairs) = codec::unpack(fragment)? else { return Ok(None) };
        if pairs.iter().any(|(key, _)| key == "vcpus" || key == "tour") {
            return VcpusLink::of(&pairs).map(|link| Some(Self::Vcpus(link)));
        }
        Link::of(&pairs).map(|link| Some(Self::Walk(link)))
    }

    /// The screen it is for.
    #[must_use]
    pub const fn screen(&self) -> Screen {
        match self {
            Self::Walk(_) => Screen::Walk,
            Self::Vcpus(_) => Screen::Vcpus,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_goes_to_its_screen() {
        let screen = |text: &str| Address::read(text).unwrap().map(|address| address.screen());
        assert_eq!(screen("#ex=page-4k"), Some(Screen::Walk));
        assert_eq!(screen("#vcpus=&policy=race"), Some(Screen::Vcpus));
        assert_eq!(screen("#tour=2"), Some(Screen::Vcpus));
        assert_eq!(screen("#"), None);
        assert!(Address::read("#vcpus&colour=red").unwrap_err().contains("colour"));
    }
}
