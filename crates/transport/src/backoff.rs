//! How long to wait before coming back.
//!
//! When a server goes away, all its subscribers are cut in the same instant. What happens next is
//! decided here: if they all wait the same time, they all come back in the same instant too, and a
//! server that has just started gets everyone at once (a thundering herd). Growing waits thin the
//! attempts out; random ones spread them.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::machine::{Notice, Who};

/// The longest that a server can make us wait, in milliseconds: ten minutes. A `Retry-After` of a
/// year is more likely a mistake than a wish.
pub const MAX_ASKED_MS: u64 = 600_000;

/// The most that a client adds to a `Retry-After`, in milliseconds: less than the next second, which
/// the server could have named.
pub const PART_MS: u64 = 999;

/// How long a stream must have been open before it counts as a success, in microseconds.
///
/// Not from its first byte: a server that accepts, says hello and falls over would be met by
/// attempt number 1 each time, at full speed, and backing off would never begin.
pub const PROVEN_US: u64 = 5_000_000;

// ANCHOR: strategies
/// How the waits grow and spread. Attempts count from 1; times are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backoff {
    /// Always `base_ms`. Whoever was cut together comes back together.
    Fixed {
        /// The wait.
        base_ms: u32,
    },
    /// `min(cap, base · 2^(attempt - 1))`. Fewer attempts, but still all at once.
    Exponential {
        /// The first wait.
        base_ms: u32,
        /// The longest wait.
        cap_ms: u32,
    },
    /// Random between 0 and what exponential would wait: the attempts are spread over all of it.
    FullJitter {
        /// The first wait's upper bound.
        base_ms: u32,
        /// The largest upper bound.
        cap_ms: u32,
    },
    /// Half of what exponential would wait, and a random part of the other half: spread, and never
    /// at once.
    EqualJitter {
        /// The first wait's upper bound.
        base_ms: u32,
        /// The largest upper bound.
        cap_ms: u32,
    },
    /// Random between `base` and three times the wait before, at most `cap`: never sooner than
    /// `base`, and each client's waits drift away from the others'.
    DecorrelatedJitter {
        /// The shortest wait.
        base_ms: u32,
        /// The longest wait.
        cap_ms: u32,
    },
}
// ANCHOR_END: strategies

/// How often a subscriber has tried in vain, and all that its next wait depends on besides chance.
///
/// [`Retries`] is one of them with a generator of its own. A model of millions of subscribers keeps
/// only this for each, and takes its numbers from elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Since the last success.
    count: u32,
    /// The wait before in milliseconds, for decorrelated jitter.
    previous_ms: u32,
}

/// The waits of one subscriber: which attempt it is at, and its own random numbers.
#[derive(Clone, Debug)]
pub struct Retries {
    backoff: Backoff,
    /// Each subscriber has a seed of its own, so that they spread; the same seed gives the same
    /// waits, so that a run can be repeated. The generator is named here rather than taken from
    /// `rand`: `StdRng` and `rand`'s ranges may give other numbers in another version, xoshiro256++
    /// and the one multiplication below never will.
    random: Xoshiro256PlusPlus,
    attempts: Attempts,
    /// When the connection that is open now was opened.
    opened_at_us: Option<u64>,
}

/// A wait that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// When it is over.
    pub until_us: u64,
    /// Whose wish it is: ours by [`Backoff`], or the server's, which asked for longer.
    pub who: Who,
    /// The attempt that it leads up to, from 1.
    pub attempt: u32,
}

impl Wait {
    /// The wait as a subscriber learns of it.
    #[must_use]
    pub fn notice(&self) -> Notice {
        Notice::Waiting { until_us: Some(self.until_us), who: self.who, attempt: self.attempt }
    }
}

impl Retries {
    /// Before the first attempt.
    #[must_use]
    pub fn new(backoff: Backoff, seed: u64) -> Self {
        Self {
            backoff,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            attempts: Attempts::default(),
            opened_at_us: None,
        }
    }

    /// A stream said its hello. Whether that is a success shows when it is cut: see [`PROVEN_US`].
    pub fn opened(&mut self, now_us: u64) {
        self.opened_at_us = Some(now_us);
    }

    /// An exchange brought all that it was for: the next cut is the first again.
    pub fn succeeded(&mut self) {
        self.attempts.succeeded();
    }

    // ANCHOR: after
    /// What a `Retry-After` asks for, and a part of a second besides. The header names whole seconds
    /// (RFC 9110 §10.2.3): all who were told the same one would come back in the same instant.
    pub fn after(&mut self, retry_after_ms: u64) -> u64 {
        retry_after_ms.saturating_add(between(0, PART_MS, self.random.next_u64()).into())
    }
    // ANCHOR_END: after

    /// The wait before the next attempt, after a cut at `now_us`.
    pub fn wait(&mut self, now_us: u64, asked_ms: Option<u64>) -> Wait {
        let open_us = self.opened_at_us.take().map(|at_us| now_us.saturating_sub(at_us));
        let random = || self.random.next_u64();
        let (wait_ms, who) = self.attempts.wait_ms(self.backoff, open_us, asked_ms, random);
        Wait { until_us: now_us + wait_ms * 1_000, who, attempt: self.attempts.count }
    }
}

impl Attempts {
    /// An exchange brought all that it was for: the next cut is the first again.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    // ANCHOR: wait
    /// How long to wait before the next attempt in milliseconds, and whose wish that is. `open_us` is
    /// for how long the stream that was cut had been open, if there was one.
    ///
    /// What the server asked for (`Retry-After`, `retry:`) is a floor: we come no sooner. Where our
    /// own wait is longer it stands, because the server can't know how often we failed.
    pub fn wait_ms(
        &mut self,
        backoff: Backoff,
        open_us: Option<u64>,
        asked_ms: Option<u64>,
        random: impl FnOnce() -> u64,
    ) -> (u64, Who) {
        if open_us.is_some_and(|open_us| open_us >= PROVEN_US) {
            self.succeeded();
        }
        self.count = self.count.saturating_add(1);
        let own_ms = self.own_ms(backoff, random);
        self.previous_ms = own_ms;
        let own_ms = u64::from(own_ms);
        let asked_ms = asked_ms.unwrap_or(0).min(MAX_ASKED_MS);
        if asked_ms > own_ms { (asked_ms, Who::Server) } else { (own_ms, Who::Client) }
    }

    // ANCHOR: own
    fn own_ms(self, backoff: Backoff, random: impl FnOnce() -> u64) -> u32 {
        match backoff {
            Backoff::Fixed { base_ms } => base_ms,
            Backoff::Exponential { base_ms, cap_ms } => self.exponential(base_ms, cap_ms),
            Backoff::FullJitter { base_ms, cap_ms } => {
                let most = self.exponential(base_ms, cap_ms);
                between(0, most.into(), random())
            }
            Backoff::EqualJitter { base_ms, cap_ms } => {
                let most = self.exponential(base_ms, cap_ms);
                between((most / 2).into(), most.into(), random())
            }
            Backoff::DecorrelatedJitter { base_ms, cap_ms } => {
                let most = u64::from(self.previous_ms.max(base_ms)) * 3;
                between(base_ms.into(), most, random()).min(cap_ms)
            }
        }
    }
    // ANCHOR_END: own
    // ANCHOR_END: wait

    fn exponential(self, base_ms: u32, cap_ms: u32) -> u32 {
        // 2^31 times the smallest base is past every cap, and a `u64` holds it.
        let doublings = (self.count - 1).min(31);
        let most = (u64::from(base_ms) << doublings).min(u64::from(cap_ms));
        u32::try_from(most).unwrap_or(cap_ms)
    }
}

/// A number from `least` to `most`, each included, from 64 random bits; at most the largest `u32`.
fn between(least: u64, most: u64, random: u64) -> u32 {
    let span = most.saturating_sub(least) + 1;
    // The high half of a product maps 64 random bits onto `span` values; for spans of minutes
    // in milliseconds the unevenness is below 2^-40.
    let scaled = (u128::from(random) * u128::from(span)) >> 64;
    u32::try_from(u128::from(least) + scaled).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(backoff: Backoff, seed: u64, count: usize) -> Vec<u64> {
        let mut retries = Retries::new(backoff, seed);
        (0..count).map(|_| retries.wait(0, None).until_us / 1_000).collect()
    }

    #[test]
    fn fixed_never_grows() {
        assert_eq!(waits(Backoff::Fixed { base_ms: 700 }, 1, 4), [700; 4]);
    }

    #[test]
    fn exponential_doubles_up_to_its_cap_and_stays_there() {
        let backoff = Backoff::Exponential { base_ms: 500, cap_ms: 5_000 };
        assert_eq!(waits(backoff, 1, 6), [500, 1_000, 2_000, 4_000, 5_000, 5_000]);
        assert_eq!(waits(backoff, 1, 100)[99], 5_000);
    }

    #[test]
    fn full_jitter_is_spread_over_all_that_exponential_would_wait() {
        let backoff = Backoff::FullJitter { base_ms: 1_000, cap_ms: 1_000 };
        let waits = waits(backoff, 7, 2_000);
        assert!(waits.iter().all(|ms| *ms <= 1_000));
        let mean = waits.iter().sum::<u64>() / 2_000;
        assert!((450..=550).contains(&mean), "the mean is {mean}");
        for tenth in 0..10 {
            let range = tenth * 100..(tenth + 1) * 100;
            let count = waits.iter().filter(|ms| range.contains(*ms)).count();
            assert!((120..=280).contains(&count), "{count} of 2000 in {range:?}");
        }
    }

    #[test]
    fn decorrelated_jitter_stays_between_its_base_and_its_cap() {
        let backoff = Backoff::DecorrelatedJitter { base_ms: 300, cap_ms: 4_000 };
        let waits = waits(backoff, 3, 500);
        assert!(waits[0] <= 900, "the first is at most three times the base");
        assert!(waits.iter().all(|ms| (300..=4_000).contains(ms)));
        assert!(waits.windows(2).all(|pair| pair[1] <= (pair[0] * 3).min(4_000)));
    }

    #[test]
    fn the_same_seed_waits_the_same_on_every_machine_and_in_every_version() {
        // Golden numbers: a change here changes every recorded run and every shared seed.
        let backoff = Backoff::FullJitter { base_ms: 1_000, cap_ms: 30_000 };
        assert_eq!(waits(backoff, 42, 6), waits(backoff, 42, 6));
        assert_ne!(waits(backoff, 42, 6), waits(backoff, 43, 6));
        assert_eq!(waits(backoff, 42, 6), GOLDEN);
    }

    const GOLDEN: [u64; 6] = [815, 637, 3_936, 5_609, 12_696, 17_643];

    #[test]
    fn equal_jitter_stays_in_the_upper_half_of_what_exponential_would_wait() {
        let backoff = Backoff::EqualJitter { base_ms: 1_000, cap_ms: 8_000 };
        for seed in 0..50 {
            for (wait, most) in waits(backoff, seed, 5).into_iter().zip([1_000, 2_000, 4_000, 8_000, 8_000]) {
                assert!((most / 2..=most).contains(&wait), "{wait} of {most}");
            }
        }
    }

    #[test]
    fn what_the_server_asks_for_is_a_floor() {
        let mut retries = Retries::new(Backoff::Fixed { base_ms: 1_000 }, 1);
        assert_eq!(retries.wait(5, Some(3_000)), Wait { until_us: 3_000_005, who: Who::Server, attempt: 1 });
        assert_eq!(retries.wait(5, Some(10)), Wait { until_us: 1_000_005, who: Who::Client, attempt: 2 });
        let forever = retries.wait(0, Some(u64::MAX));
        assert_eq!(forever.until_us, MAX_ASKED_MS * 1_000);
    }

    #[test]
    fn who_is_told_the_same_second_comes_back_within_it_and_not_at_once() {
        let mut retries: Vec<_> =
            (0..200).map(|seed| Retries::new(Backoff::Fixed { base_ms: 100 }, seed)).collect();
        let mut waits: Vec<_> = retries.iter_mut().map(|retries| retries.after(3_000)).collect();
        assert!(waits.iter().all(|ms| (3_000..4_000).contains(ms)));
        waits.sort_unstable();
        waits.dedup();
        assert!(waits.len() > 150, "{} different waits of 200", waits.len());
        assert_eq!(retries[0].after(u64::MAX), u64::MAX);
    }

    #[test]
    fn a_stream_that_falls_over_after_its_hello_is_no_success() {
        let mut retries = Retries::new(Backoff::Fixed { base_ms: 100 }, 1);
        retries.opened(0);
        assert_eq!(retries.wait(PROVEN_US - 1, None).attempt, 1);
        retries.opened(10_000_000);
        assert_eq!(retries.wait(10_000_001, None).attempt, 2);
        assert_eq!(retries.wait(10_000_002, None).attempt, 3, "this one never opened");
        retries.opened(20_000_000);
        assert_eq!(retries.wait(20_000_000 + PROVEN_US, None).attempt, 1);
    }

    #[test]
    fn a_base_of_nothing_and_endless_attempts_do_no_harm() {
        for backoff in [
            Backoff::Fixed { base_ms: 0 },
            Backoff::Exponential { base_ms: u32::MAX, cap_ms: u32::MAX },
            Backoff::FullJitter { base_ms: 0, cap_ms: 0 },
            Backoff::FullJitter { base_ms: u32::MAX, cap_ms: u32::MAX },
            Backoff::DecorrelatedJitter { base_ms: 5, cap_ms: 1 },
            Backoff::DecorrelatedJitter { base_ms: u32::MAX, cap_ms: u32::MAX },
        ] {
            assert_eq!(waits(backoff, 9, 200).len(), 200);
        }
    }
}
