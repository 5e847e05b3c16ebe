//! One way through a slow network, on this program's clock. What the conditions do to a message is
//! the same as in the model (`standby_sim::pipe`).

use std::time::Duration;

use standby_trace::Conditions;
use tokio::time::Instant;

/// One direction of a connection. Messages enter one after another, as fast as the bandwidth lets
/// them; then each travels for the latency and its jitter, and none overtakes another.
#[derive(Debug)]
pub(super) struct Pipe {
    zero: Instant,
    pipe: standby_sim::pipe::Pipe,
}

impl Pipe {
    pub(super) fn new(now: Instant, seed: u64) -> Self {
        Self { zero: now, pipe: standby_sim::pipe::Pipe::new(0, seed) }
    }

    /// When `bytes` arrive that are sent at `now`. Conditions that have changed hold for these
    /// bytes and later ones.
    pub(super) fn send(&mut self, now: Instant, bytes: usize, conditions: &Conditions) -> Instant {
        let now_us = self.us(now);
        let arrives_us = self.pipe.send(now_us, bytes, conditions);
        self.at(arrives_us)
    }

    /// When `bytes` arrive that belong to the message before: right behind it.
    pub(super) fn send_on(&mut self, now: Instant, bytes: usize, conditions: &Conditions) -> Instant {
        let now_us = self.us(now);
        let arrives_us = self.pipe.send_on(now_us, bytes, conditions);
        self.at(arrives_us)
    }

    fn us(&self, now: Instant) -> i64 {
        i64::try_from(now.saturating_duration_since(self.zero).as_micros()).unwrap_or(i64::MAX)
    }

    fn at(&self, us: i64) -> Instant {
        self.zero + Duration::from_micros(u64::try_from(us).unwrap_or(0))
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
