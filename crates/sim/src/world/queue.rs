//! What is still to happen, in order of time; of what falls together, what was planned first comes
//! first.

use std::collections::BTreeMap;

/// A list of what is to happen.
#[derive(Debug)]
pub(super) struct Queue<T> {
    planned: BTreeMap<(i64, u64), T>,
    next: u64,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self { planned: BTreeMap::new(), next: 0 }
    }

    pub(super) fn push(&mut self, at_us: i64, what: T) {
        self.planned.insert((at_us, self.next), what);
        self.next += 1;
    }

    /// When the next thing happens.
    pub(super) fn next_us(&self) -> Option<i64> {
        self.planned.first_key_value().map(|(&(at_us, _), _)| at_us)
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        self.planned.pop_first().map(|(_, what)| what)
    }
}
