//! Undo and redo, bounded.

use std::collections::VecDeque;

/// How many steps back there are.
const DEPTH: usize = 200;

/// What was, and what was undone.
#[derive(Clone, Debug)]
pub struct History<T> {
    past: VecDeque<T>,
    future: Vec<T>,
    kind: String,
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self { past: VecDeque::new(), future: Vec::new(), kind: String::new() }
    }
}

impl<T> History<T> {
    /// Remembers what was before a change, and says whether that is a step back of its own: changes of one kind in
    /// a row are one step, but for the kind `""`.
    pub fn push(&mut self, kind: &str, was: T) -> bool {
        self.future.clear();
        let own = kind.is_empty() || kind != self.kind || self.past.is_empty();
        if own {
            if self.past.len() == DEPTH {
                self.past.pop_front();
            }
            self.past.push_back(was);
        }
        self.kind = kind.into();
        own
    }

    /// Ends a run of changes of one kind.
    pub fn settle(&mut self) {
        self.kind.clear();
    }

    /// One step back from `now`.
    pub fn undo(&mut self, now: T) -> Option<T> {
        let was = self.past.pop_back()?;
        self.future.push(now);
        self.kind.clear();
        Some(was)
    }

    /// One step forward from `now`.
    pub fn redo(&mut self, now: T) -> Option<T> {
        let next = self.future.pop()?;
        self.past.push_back(now);
        self.kind.clear();
        Some(next)
    }

    /// Whether there is a step back.
    #[must_use]
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Whether there is a step forward.
    #[must_use]
    pub const fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_one_kind_are_one_step() {
        let mut history = History::default();
        history.push("va", 1);
        history.push("va", 2);
        history.settle();
        history.push("va", 3);
        assert_eq!(history.undo(4), Some(3));
        assert_eq!(history.undo(3), Some(1));
        assert_eq!(history.undo(1), None);
        assert_eq!(history.redo(1), Some(3));
        assert_eq!(history.redo(3), Some(4));
        assert!(!history.can_redo() && history.can_undo());
    }

    #[test]
    fn it_is_bounded_and_a_change_forgets_the_future() {
        let mut history = History::default();
        for n in 0..DEPTH + 10 {
            history.push("", n);
        }
        let steps = std::iter::from_fn(|| history.undo(0)).count();
        assert_eq!(steps, DEPTH);
        assert!(history.can_redo());
        history.push("", 0);
        assert!(!history.can_redo());
    }
}
