//! What an experiment publishes, and when. The same seed gives the same events at the same intervals,
//! on the server and in the model.

use std::time::Duration;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use standby_trace::Publish;
use standby_trace::scenario::{Spread, What};

/// The first event comes this soon at the latest, so that there is something to see.
const FIRST_WITHIN: Duration = Duration::from_millis(1_200);

/// A publisher's choices.
#[derive(Clone, Debug)]
pub struct Content {
    /// Two generators: what is published must not depend on how the intervals spread.
    intervals: Xoshiro256PlusPlus,
    events: Xoshiro256PlusPlus,
    price_cents: i64,
    began: bool,
}

impl Content {
    /// The choices of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let intervals = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut events = intervals.clone();
        events.jump();
        Self { intervals, events, price_cents: 10_000, began: false }
    }

    /// How long to wait for the next event; `None`: there is none by itself.
    pub fn wait(&mut self, publish: &Publish) -> Option<Duration> {
        if publish.every_ms == 0 {
            return None;
        }
        let mean = Duration::from_millis(publish.every_ms.into());
        let wait = match publish.spread {
            Spread::Fixed => mean,
            Spread::Poisson => {
                // In (0, 1): no logarithm of 0, and no wait of 0 either.
                let uniform = ((self.intervals.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
                // Not the standard library's logarithm: its last bit differs from target to target.
                mean.mul_f64(-libm::log(uniform))
            }
        };
        let first = !std::mem::replace(&mut self.began, true);
        Some(if first { wait.min(FIRST_WITHIN) } else { wait })
    }

    /// The next event's data, as JSON.
    pub fn next(&mut self, what: What) -> String {
        match what {
            What::Price => {
                // It moves by up to 60 cents, and is never free.
                let step = i64::try_from(self.below(121)).unwrap_or_default() - 60;
                self.price_cents = (self.price_cents + step).max(100);
                format!(r#"{{"price":{}.{:02}}}"#, self.price_cents / 100, self.price_cents % 100)
            }
            What::Chat => {
                let (from, text) = (self.one_of(&NAMES), self.one_of(&LINES));
                format!(r#"{{"from":"{from}","text":"{text}"}}"#)
            }
            What::Notification => {
                let title = self.one_of(&TITLES);
                format!(r#"{{"title":"{title}"}}"#)
            }
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.events.next_u64() % bound
    }

    fn one_of(&mut self, texts: &[&'static str]) -> &'static str {
        let index = self.below(texts.len() as u64);
        texts[usize::try_from(index).unwrap_or_default()]
    }
}

const NAMES: [&str; 4] = ["ada", "ben", "cleo", "dana"];

// None of these texts needs an escape in JSON.
const LINES: [&str; 12] = [
    "is the build green?",
    "it is now",
    "who has the key to the lab?",
    "on my desk",
    "lunch?",
    "give me five minutes",
    "the graph looks odd since noon",
    "odd how?",
    "it stopped moving",
    "ah, that is the poll interval",
    "see you at three",
    "thanks, got it",
];

const TITLES: [&str; 8] = [
    "Build passed",
    "Build failed",
    "New comment on your review",
    "Your export is ready",
    "Delivery is on its way",
    "Disk is 80 % full",
    "Deployed to staging",
    "Certificate renewed",
];

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Publish = Publish { every_ms: 2_000, spread: Spread::Poisson, what: What::Price };

    #[test]
    fn the_same_seed_publishes_the_same_at_the_same_intervals() {
        let run = |seed, what| {
            let mut content = Content::new(seed);
            (0..20).map(|_| (content.wait(&EVERY), content.next(what))).collect::<Vec<_>>()
        };
        assert_eq!(run(7, What::Chat), run(7, What::Chat));
        assert_ne!(run(7, What::Price), run(8, What::Price));
    }

    #[test]
    fn these_values_do_not_change_from_one_version_to_the_next() {
        let mut content = Content::new(1);
        let prices: Vec<_> = (0..3).map(|_| content.next(What::Price)).collect();
        assert_eq!(prices, [r#"{"price":99.96}"#, r#"{"price":99.89}"#, r#"{"price":100.31}"#]);
    }

    #[test]
    fn the_first_event_comes_soon() {
        for seed in 0..200 {
            assert!(Content::new(seed).wait(&EVERY).unwrap() <= FIRST_WITHIN);
        }
        let slow = Publish { every_ms: 600_000, spread: Spread::Fixed, what: What::Price };
        let mut content = Content::new(1);
        assert_eq!(content.wait(&slow), Some(FIRST_WITHIN));
        assert_eq!(content.wait(&slow), Some(Duration::from_millis(600_000)));
    }

    #[test]
    fn the_mean_of_the_intervals_is_what_was_asked_for() {
        let mut content = Content::new(3);
        let all: Duration = (0..10_000).filter_map(|_| content.wait(&EVERY)).sum();
        let mean_ms = all.as_millis() / 10_000;
        assert!((1_900..2_100).contains(&mean_ms), "{mean_ms}");
    }

    #[test]
    fn everything_published_is_json() {
        let mut content = Content::new(5);
        for what in [What::Price, What::Chat, What::Notification] {
            for _ in 0..200 {
                let json = content.next(what);
                serde_json::from_str::<serde_json::Value>(&json).unwrap_or_else(|e| panic!("{json}: {e}"));
            }
        }
    }

    #[test]
    fn by_hand_means_never_by_itself() {
        assert_eq!(Content::new(1).wait(&Publish { every_ms: 0, ..EVERY }), None);
    }
}
