//! What actors know of each other besides memory: who waits for whom, and who is paused.

/// A set of actors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Actors(u8);

impl Actors {
    /// With one more.
    #[must_use]
    pub const fn with(self, actor: usize) -> Self {
        Self(self.0 | 1 << actor)
    }

    /// Without one.
    #[must_use]
    pub const fn without(self, actor: usize) -> Self {
        Self(self.0 & !(1 << actor))
    }

    /// With others.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether an actor is among them.
    #[must_use]
    pub const fn has(self, actor: usize) -> bool {
        self.0 >> actor & 1 == 1
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<usize> for Actors {
    fn from_iter<I: IntoIterator<Item = usize>>(actors: I) -> Self {
        actors.into_iter().fold(Self::default(), Self::with)
    }
}

/// The most actors a machine has: four vCPUs and the host.
pub const MOST_ACTORS: usize = 5;

/// The state of what actors share besides memory and TLBs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sync {
    /// Who has asked all others to pause.
    pub pausing: Option<u8>,
    /// Who has left the guest for that, and sleeps.
    pub paused: Actors,
    /// For each actor, whose walks under way the DSB that completes its TLBIs must wait for.
    pub waits: [Actors; MOST_ACTORS],
    /// Whose software walk began before some TLBI.
    pub stale: Actors,
    /// For each actor, the place that its exclusive monitor watches.
    pub monitors: [Option<u32>; MOST_ACTORS],
}

impl Sync {
    /// Nobody waits for anybody.
    pub const IDLE: u32 = 0;

    /// An actor's walk has ended: nobody waits for it any more.
    pub fn walk_ended(&mut self, actor: usize) {
        for waits in &mut self.waits {
            *waits = waits.without(actor);
        }
    }
}
