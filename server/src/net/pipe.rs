//! One way through a slow network: when what is sent now arrives. No I/O; time comes from outside.

use std::time::Duration;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use standby_trace::Conditions;
use tokio::time::Instant;

/// One direction of a connection. Messages enter one after another, as fast as the bandwidth lets
/// them; then each travels for the latency and its jitter, and none overtakes another.
#[derive(Debug)]
pub(super) struct Pipe {
    /// When the last byte of what was sent before has entered.
    entered_at: Instant,
    /// When what was sent before arrives.
    arrives_at: Instant,
    rng: Xoshiro256PlusPlus,
}

impl Pipe {
    pub(super) fn new(now: Instant, seed: u64) -> Self {
        Self { entered_at: now, arrives_at: now, rng: Xoshiro256PlusPlus::seed_from_u64(seed) }
    }

    /// When `bytes` arrive that are sent at `now`. Conditions that have changed hold for these
    /// bytes and later ones.
    pub(super) fn send(&mut self, now: Instant, bytes: usize, conditions: &Conditions) -> Instant {
        let jitter_us = match conditions.jitter_ms {
            0 => 0,
            ms => self.rng.next_u64() % (u64::from(ms) * 1_000 + 1),
        };
        let travel = Duration::from_millis(conditions.latency_ms.into()) + Duration::from_micros(jitter_us);
        self.entered_at = self.entered_at.max(now) + entering(bytes, conditions);
        self.arrives_at = self.arrives_at.max(self.entered_at + travel);
        self.arrives_at
    }

    /// When `bytes` arrive that belong to the message before: right behind it.
    pub(super) fn send_on(&mut self, now: Instant, bytes: usize, conditions: &Conditions) -> Instant {
        let entering = entering(bytes, conditions);
        self.entered_at = self.entered_at.max(now) + entering;
        self.arrives_at = (self.arrives_at + entering).max(now);
        self.arrives_at
    }
}

/// How long it takes for so many bytes to enter.
fn entering(bytes: usize, conditions: &Conditions) -> Duration {
    match conditions.bandwidth_bytes_s {
        0 => Duration::ZERO,
        rate => Duration::from_micros((bytes as u64).saturating_mul(1_000_000) / u64::from(rate)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn without_conditions_all_arrives_at_once() {
        let now = Instant::now();
        let mut pipe = Pipe::new(now, 1);
        assert_eq!(pipe.send(now, 1_000_000, &Conditions::default()), now);
    }

    #[test]
    fn messages_queue_for_the_bandwidth_and_then_travel_side_by_side() {
        let now = Instant::now();
        let mut pipe = Pipe::new(now, 1);
        let slow = Conditions { latency_ms: 50, jitter_ms: 0, bandwidth_bytes_s: 1_000 };
        assert_eq!(pipe.send(now, 100, &slow), now + ms(150));
        assert_eq!(pipe.send(now, 100, &slow), now + ms(250));
        // Long after, the pipe is free again.
        assert_eq!(pipe.send(now + ms(1_000), 10, &slow), now + ms(1_060));
    }

    #[test]
    fn a_body_follows_its_head() {
        let now = Instant::now();
        let mut pipe = Pipe::new(now, 1);
        let slow = Conditions { latency_ms: 50, jitter_ms: 0, bandwidth_bytes_s: 1_000 };
        assert_eq!(pipe.send(now, 100, &slow), now + ms(150));
        assert_eq!(pipe.send_on(now, 20, &slow), now + ms(170));
    }

    proptest! {
        #[test]
        fn nothing_overtakes_whatever_the_conditions_do(
            sent in prop::collection::vec((0_u64..500, 0_usize..2_000, 0_u32..400, 0_u32..400, 0_u32..3), 1..40),
            seed in any::<u64>(),
        ) {
            let mut now = Instant::now();
            let mut pipe = Pipe::new(now, seed);
            let mut before = now;
            for (pause, bytes, latency_ms, jitter_ms, rate) in sent {
                now += ms(pause);
                let conditions = Conditions { latency_ms, jitter_ms, bandwidth_bytes_s: rate * 5_000 };
                let arrives = pipe.send(now, bytes, &conditions);
                prop_assert!(arrives >= before);
                prop_assert!(arrives >= now + ms(latency_ms.into()));
                before = arrives;
            }
        }

        #[test]
        fn jitter_stays_in_its_bounds(seed in any::<u64>()) {
            let now = Instant::now();
            let conditions = Conditions { latency_ms: 10, jitter_ms: 30, bandwidth_bytes_s: 0 };
            let arrives = Pipe::new(now, seed).send(now, 10, &conditions);
            prop_assert!((now + ms(10)..=now + ms(40)).contains(&arrives));
        }
    }
}
