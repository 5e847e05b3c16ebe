//! When events are published: the experiment's publisher, without what the events say.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use standby_trace::Publish;
use standby_trace::scenario::Spread;

/// The first event comes this soon at the latest, as with the server's publisher.
const FIRST_WITHIN_MS: f64 = 1_200.0;

/// The moments in a run of so long at which events are published, in milliseconds. The same seed
/// publishes at the same moments as the server's publisher does.
pub(super) fn moments_ms(publish: &Publish, seed: u64, length_ms: u32) -> Vec<u32> {
    if publish.every_ms == 0 {
        return Vec::new();
    }
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mean = f64::from(publish.every_ms);
    let mut wait = || match publish.spread {
        Spread::Fixed => mean,
        Spread::Poisson => {
            let uniform = ((random.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
            -libm::log(uniform) * mean
        }
    };
    let mut at = wait().min(FIRST_WITHIN_MS);
    let mut moments = Vec::new();
    while at < f64::from(length_ms) {
        moments.push(at as u32);
        at += wait();
    }
    moments
}

#[cfg(test)]
mod tests {
    use super::*;
    use standby_trace::scenario::What;

    #[test]
    fn events_come_at_their_mean_interval_and_by_hand_never() {
        let publish = |every_ms, spread| Publish { every_ms, spread, what: What::Price };
        assert!(moments_ms(&publish(0, Spread::Poisson), 1, 60_000).is_empty());
        assert_eq!(moments_ms(&publish(500, Spread::Fixed), 1, 2_000), [500, 1_000, 1_500]);
        let poisson = moments_ms(&publish(100, Spread::Poisson), 1, 100_000);
        assert!((900..1_100).contains(&poisson.len()), "{}", poisson.len());
        assert!(poisson.is_sorted());
        assert_eq!(moments_ms(&publish(100, Spread::Poisson), 1, 100_000), poisson);
    }
}
