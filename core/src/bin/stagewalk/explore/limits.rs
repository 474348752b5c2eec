//! What ends an exploration early, and what it says meanwhile.

use serde::{Deserialize, Serialize};
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How much may be spent.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Limits {
    /// Keep at most this many states.
    #[arg(long, value_name = "NUMBER", default_value_t = 1 << 30, value_parser = clap::value_parser!(u64).range(1..))]
    max_states: u64,
    /// Take at most this long.
    #[arg(long, value_name = "SECONDS")]
    max_seconds: Option<u64>,
    /// Keep at most this many megabytes of states.
    #[arg(long, value_name = "MB", default_value_t = 4096)]
    max_memory: u64,
    /// Say on standard error how far it has come, also where that is no terminal.
    #[arg(long)]
    progress: bool,
}

/// Why an exploration ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stopped {
    /// There were as many states as allowed.
    States,
    /// It took as long as allowed.
    Seconds,
    /// It took as much memory as allowed.
    Memory,
    /// Ctrl-C.
    Interrupted,
    /// A run by chance was too long.
    Steps,
    /// A part is missing, or was itself ended early.
    Parts,
}

impl Stopped {
    pub const fn text(self) -> &'static str {
        match self {
            Self::States => "the limit on states was reached (--max-states)",
            Self::Seconds => "the limit on time was reached (--max-seconds)",
            Self::Memory => "the limit on memory was reached (--max-memory)",
            Self::Interrupted => "it was interrupted",
            Self::Steps => "a run was too long",
            Self::Parts => "not every part is there and complete",
        }
    }
}

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Limits, and how much of them has been used.
pub struct Watch {
    limits: Limits,
    begun: Instant,
    said: Instant,
    says: bool,
    has_said: bool,
}

impl Limits {
    pub fn states(&self) -> usize {
        usize::try_from(self.max_states).unwrap_or(usize::MAX)
    }

    pub fn watch(&self) -> Watch {
        // Where it cannot be caught, Ctrl-C ends the command as ever.
        let _ = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed));
        let now = Instant::now();
        let says = self.progress || std::io::stderr().is_terminal();
        Watch { limits: *self, begun: now, said: now, says, has_said: false }
    }
}

impl Watch {
    /// Looks at the limits, and says how far it has come once a second.
    pub fn look(&mut self, states: usize, bytes: usize) -> Option<Stopped> {
        let now = Instant::now();
        if self.says && now - self.said >= Duration::from_secs(1) {
            (self.said, self.has_said) = (now, true);
            let seconds = (now - self.begun).as_secs();
            let _ = write!(std::io::stderr(), "\r{states} states, {} MB, {seconds} s ", bytes >> 20);
        }
        if INTERRUPTED.load(Ordering::Relaxed) {
            return Some(Stopped::Interrupted);
        }
        if bytes as u64 >> 20 >= self.limits.max_memory {
            return Some(Stopped::Memory);
        }
        let long = self.limits.max_seconds.is_some_and(|most| now - self.begun >= Duration::from_secs(most));
        long.then_some(Stopped::Seconds)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.has_said {
            let _ = writeln!(std::io::stderr());
        }
    }
}
