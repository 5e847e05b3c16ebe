//! One way through a slow network: when what is sent now arrives. The server's connections go through
//! it too.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use standby_trace::Conditions;

/// One direction of a connection. Messages enter one after another, as fast as the bandwidth lets
/// them; then each travels for the latency and its jitter, and none overtakes another.
#[derive(Debug)]
pub struct Pipe {
    /// When the last byte of what was sent before has entered.
    entered_us: i64,
    /// When what was sent before arrives.
    arrives_us: i64,
    rng: Xoshiro256PlusPlus,
}

impl Pipe {
    /// An empty one. Times are microseconds on any clock; `seed` is its jitter's.
    #[must_use]
    pub fn new(now_us: i64, seed: u64) -> Self {
        Self { entered_us: now_us, arrives_us: now_us, rng: Xoshiro256PlusPlus::seed_from_u64(seed) }
    }

    /// When `bytes` arrive that are sent at `now_us`. Conditions that have changed hold for these
    /// bytes and later ones.
    pub fn send(&mut self, now_us: i64, bytes: usize, conditions: &Conditions) -> i64 {
        let jitter_us = match conditions.jitter_ms {
            0 => 0,
            ms => self.rng.next_u64() % (u64::from(ms) * 1_000 + 1),
        };
        let travel_us = i64::from(conditions.latency_ms) * 1_000 + i64::try_from(jitter_us).unwrap_or(0);
        self.entered_us = self.entered_us.max(now_us) + entering_us(bytes, conditions);
        self.arrives_us = self.arrives_us.max(self.entered_us + travel_us);
        self.arrives_us
    }

    /// When `bytes` arrive that belong to the message before: right behind it.
    pub fn send_on(&mut self, now_us: i64, bytes: usize, conditions: &Conditions) -> i64 {
        let entering_us = entering_us(bytes, conditions);
        self.entered_us = self.entered_us.max(now_us) + entering_us;
        self.arrives_us = (self.arrives_us + entering_us).max(now_us);
        self.arrives_us
    }
}

/// How long it takes for so many bytes to enter.
fn entering_us(bytes: usize, conditions: &Conditions) -> i64 {
    match conditions.bandwidth_bytes_s {
        0 => 0,
        rate => i64::try_from((bytes as u64).saturating_mul(1_000_000) / u64::from(rate)).unwrap_or(i64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Conditions = Conditions { latency_ms: 50, jitter_ms: 0, bandwidth_bytes_s: 1_000 };

    #[test]
    fn messages_queue_for_the_bandwidth_and_then_travel_side_by_side() {
        let mut pipe = Pipe::new(0, 1);
        assert_eq!(pipe.send(0, 100, &SLOW), 150_000);
        assert_eq!(pipe.send(0, 100, &SLOW), 250_000);
        // Long after, the pipe is free again.
        assert_eq!(pipe.send(1_000_000, 10, &SLOW), 1_060_000);
    }

    #[test]
    fn a_body_follows_its_head() {
        let mut pipe = Pipe::new(0, 1);
        assert_eq!(pipe.send(0, 100, &SLOW), 150_000);
        assert_eq!(pipe.send_on(0, 20, &SLOW), 170_000);
    }

    #[test]
    fn jitter_stays_in_its_bounds_and_nothing_overtakes() {
        let shaky = Conditions { latency_ms: 10, jitter_ms: 30, bandwidth_bytes_s: 0 };
        let mut pipe = Pipe::new(0, 7);
        let mut before = 0;
        for step in 0..200 {
            let now_us = step * 1_000;
            let arrives_us = pipe.send(now_us, 10, &shaky);
            assert!(arrives_us >= before.max(now_us + 10_000));
            assert!(arrives_us <= before.max(now_us + 40_000));
            before = arrives_us;
        }
    }
}
