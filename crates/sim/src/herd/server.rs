//! A server of finite capacity: what doesn't fit waits, and what can't wait is turned away.

use std::collections::VecDeque;

/// Who waits for the server gives up after so long, in milliseconds. Browsers wait longer (some
/// minutes), load balancers and most clients' own time-outs less.
pub(super) const PATIENCE_MS: u32 = 10_000;

/// What it says to one that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// Answered at once.
    Answer,
    /// It waits in the queue.
    Wait,
    /// The connection is reset: nobody is there, or there is no room.
    Reset,
    /// An answer 503, with `Retry-After` in milliseconds if there is one.
    Unavailable(Option<u32>),
}

/// One that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) client: u32,
    pub(super) since_ms: u32,
}

/// The server of one lane.
#[derive(Clone, Debug)]
pub(super) struct Server {
    /// Answers a second.
    capacity_s: u64,
    backlog: usize,
    queue: VecDeque<Waiting>,
    /// Until when it works on what it has begun. In thousandths of an answer, of which it does
    /// `capacity_s` in a millisecond: whole numbers, whatever the capacity.
    busy_until: u64,
    refuses_until_ms: u32,
    unavailable_until_ms: u32,
    /// What it asks for while it is unavailable.
    retry_after_ms: Option<u32>,
    stalls_until_ms: u32,
}

/// An answer, in the units of [`Server::busy_until`].
const ANSWER: u64 = 1_000;

impl Server {
    pub(super) fn new(capacity_s: u32, backlog: u32) -> Self {
        Self {
            capacity_s: capacity_s.into(),
            backlog: backlog as usize,
            queue: VecDeque::new(),
            busy_until: 0,
            refuses_until_ms: 0,
            unavailable_until_ms: 0,
            retry_after_ms: None,
            stalls_until_ms: 0,
        }
    }

    pub(super) fn refuse(&mut self, until_ms: u32) {
        self.refuses_until_ms = self.refuses_until_ms.max(until_ms);
    }

    pub(super) fn be_unavailable(&mut self, until_ms: u32, retry_after_ms: Option<u32>) {
        self.unavailable_until_ms = self.unavailable_until_ms.max(until_ms);
        self.retry_after_ms = retry_after_ms;
    }

    pub(super) fn stall(&mut self, until_ms: u32) {
        self.stalls_until_ms = self.stalls_until_ms.max(until_ms);
        self.busy_until = self.busy_until.max(u64::from(until_ms) * self.capacity_s);
    }

    pub(super) fn stalls(&self, now_ms: u32) -> bool {
        now_ms < self.stalls_until_ms
    }

    /// Whether anybody is there to answer, if only with a 503.
    pub(super) fn is_up(&self, now_ms: u32) -> bool {
        now_ms >= self.refuses_until_ms
    }

    pub(super) fn queued(&self) -> u32 {
        u32::try_from(self.queue.len()).unwrap_or(u32::MAX)
    }

    /// A request or handshake arrives.
    pub(super) fn arrive(&mut self, client: u32, now_ms: u32) -> Says {
        if now_ms < self.refuses_until_ms {
            Says::Reset
        } else if now_ms < self.unavailable_until_ms {
            Says::Unavailable(self.retry_after_ms)
        } else if self.queue.is_empty() && self.begin(now_ms) {
            Says::Answer
        } else if self.queue.len() < self.backlog {
            self.queue.push_back(Waiting { client, since_ms: now_ms });
            Says::Wait
        } else {
            Says::Reset
        }
    }

    /// Begins an answer, if one can begin in this millisecond.
    fn begin(&mut self, now_ms: u32) -> bool {
        let (from, to) = (u64::from(now_ms) * self.capacity_s, (u64::from(now_ms) + 1) * self.capacity_s);
        let free = self.busy_until < to;
        if free {
            self.busy_until = self.busy_until.max(from) + ANSWER;
        }
        free
    }

    /// The next of those who wait that has given up by now. They are first in, and first out.
    pub(super) fn next_impatient(&mut self, now_ms: u32) -> Option<Waiting> {
        self.queue.pop_front_if(|first| first.since_ms + PATIENCE_MS <= now_ms)
    }

    /// The next of those who wait that is answered in this millisecond.
    pub(super) fn next_answered(&mut self, now_ms: u32) -> Option<Waiting> {
        if self.queue.is_empty() || !self.begin(now_ms) {
            return None;
        }
        self.queue.pop_front()
    }

    /// It dies: all who wait are reset.
    pub(super) fn drop_all(&mut self) -> VecDeque<Waiting> {
        std::mem::take(&mut self.queue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers_as_many_a_second_as_it_can_and_not_one_more() {
        for capacity_s in [1, 7, 300, 1_000, 9_001] {
            let mut server = Server::new(capacity_s, 1_000_000);
            (0..50_000).for_each(|client| {
                server.arrive(client, 0);
            });
            let mut answered = 50_000 - server.queued();
            for now_ms in 0..3_000 {
                answered +=
                    u32::try_from(std::iter::from_fn(|| server.next_answered(now_ms)).count()).unwrap();
            }
            // It begins at once, so the last may still be under way.
            assert!((capacity_s * 3..=capacity_s * 3 + 1).contains(&answered), "{capacity_s}: {answered}");
        }
    }

    #[test]
    fn who_does_not_fit_is_turned_away_and_who_waits_too_long_leaves() {
        let mut server = Server::new(1, 2);
        let said: Vec<_> = (0..4).map(|client| server.arrive(client, 0)).collect();
        assert_eq!(said, [Says::Answer, Says::Wait, Says::Wait, Says::Reset]);
        assert_eq!(server.next_answered(999).map(|w| w.client), None);
        assert_eq!(server.next_answered(1_000).map(|w| w.client), Some(1));
        assert_eq!(server.next_impatient(PATIENCE_MS - 1).map(|w| w.client), None);
        assert_eq!(server.next_impatient(PATIENCE_MS).map(|w| w.client), Some(2));
    }

    #[test]
    fn while_it_is_down_nobody_waits_and_while_it_stalls_everybody() {
        let mut server = Server::new(1_000, 10);
        server.refuse(100);
        server.be_unavailable(200, Some(3_000));
        server.stall(300);
        assert_eq!(server.arrive(0, 99), Says::Reset);
        assert_eq!(server.arrive(0, 199), Says::Unavailable(Some(3_000)));
        assert_eq!(server.arrive(0, 200), Says::Wait);
        assert_eq!(server.next_answered(299).map(|w| w.client), None);
        assert_eq!(server.next_answered(300).map(|w| w.client), Some(0));
    }
}
