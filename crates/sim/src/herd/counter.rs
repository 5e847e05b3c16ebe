//! What happened within a tenth of a second, of one size however many it happened to.

use standby_trace::crowd::{TALLY_US, Tally};

const TALLY_MS: u32 = (TALLY_US / 1_000) as u32;

/// Counts into the tally that is under way.
#[derive(Clone, Debug)]
pub(super) struct Counter {
    pub(super) arrivals: u32,
    pub(super) refused: u32,
    pub(super) served: u32,
    pub(super) refetched: u32,
    pub(super) keep_alives: u32,
    /// Each event for each client: that can be more than a `u32` holds.
    delivered: u64,
    recovered: u64,
    /// How old what was delivered at once was, and to how many.
    fresh: Vec<(u32, u64)>,
    /// What was delivered later: clients get stretches of events, so for each event it is noted how
    /// many stretches begin with it less how many have ended before it. A client is then two
    /// additions, however many events it had missed.
    begins: Vec<i64>,
    /// The first event whose entry may not be 0.
    from: usize,
}

impl Counter {
    pub(super) fn new(events: usize) -> Self {
        Self {
            arrivals: 0,
            refused: 0,
            served: 0,
            refetched: 0,
            keep_alives: 0,
            delivered: 0,
            recovered: 0,
            fresh: Vec::new(),
            begins: vec![0; events + 1],
            from: usize::MAX,
        }
    }

    /// Clients got one event as soon as it was there.
    pub(super) fn fresh(&mut self, clients: u32, age_ms: u32) {
        if clients > 0 {
            self.delivered += u64::from(clients);
            self.fresh.push((age_ms, clients.into()));
        }
    }

    /// A client got the events after number `after` up to number `to`, of which the first is 1.
    pub(super) fn late(&mut self, after: u32, to: u32, after_a_cut: bool) {
        let events = u64::from(to.saturating_sub(after));
        self.delivered += events;
        if after_a_cut {
            self.recovered += events;
        }
        // An event's place is its number less 1.
        self.from = self.from.min(after as usize);
        self.begins[after as usize] += 1;
        self.begins[to as usize] -= 1;
    }

    /// Ends a tally and begins the next. `now_ms` is its end, `published_ms` when each event was
    /// published, `way_ms` how long an event takes to a client.
    pub(super) fn close(
        &mut self,
        now_ms: u32,
        published_ms: &[u32],
        way_ms: u32,
        at_end: [u32; 2],
    ) -> Tally {
        let mut ages = std::mem::take(&mut self.fresh);
        let mut now_delivered = 0_i64;
        if self.from < self.begins.len() {
            // Within the tenth of a second nobody noted when: its middle is off by half of it at most.
            let middle_ms = now_ms.saturating_sub(TALLY_MS / 2);
            for (begins, at_ms) in self.begins[self.from..].iter_mut().zip(&published_ms[self.from..]) {
                now_delivered += std::mem::take(begins);
                if now_delivered > 0 {
                    ages.push((middle_ms.saturating_sub(*at_ms) + way_ms, now_delivered.unsigned_abs()));
                }
            }
            // The entry past the last event, where what had it all ends.
            if let Some(last) = self.begins.last_mut() {
                *last = 0;
            }
            self.from = usize::MAX;
        }
        ages.sort_unstable();
        let [open, queued] = at_end;
        let tally = Tally {
            arrivals: self.arrivals,
            refused: self.refused,
            served: self.served,
            open,
            queued,
            keep_alives: std::mem::take(&mut self.keep_alives),
            delivered: capped(self.delivered),
            recovered: capped(self.recovered),
            refetched: self.refetched,
            staleness_p50_us: quantile_us(&ages, 50),
            staleness_p99_us: quantile_us(&ages, 99),
        };
        ages.clear();
        // Its room is kept.
        self.fresh = ages;
        (self.arrivals, self.refused, self.served, self.refetched) = (0, 0, 0, 0);
        (self.delivered, self.recovered) = (0, 0);
        tally
    }
}

fn capped(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// By nearest rank, among ages in order.
fn quantile_us(ages: &[(u32, u64)], percent: u64) -> Option<u32> {
    let all: u64 = ages.iter().map(|(_, count)| count).sum();
    let mut left = (all * percent).div_ceil(100);
    ages.iter().find_map(|(age_ms, count)| {
        if left <= *count {
            return (left > 0).then(|| age_ms.saturating_mul(1_000));
        }
        left -= count;
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_of_events_are_as_old_as_each_of_their_events() {
        let mut counter = Counter::new(3);
        let published_ms = [100, 500, 900];
        // Two clients have missed all three, one the last.
        counter.late(0, 3, true);
        counter.late(0, 3, true);
        counter.late(2, 3, false);
        let tally = counter.close(1_000, &published_ms, 20, [4, 5]);
        // At 950 ms: three of 70 ms, two of 470 ms, two of 870 ms.
        assert_eq!((tally.delivered, tally.recovered), (7, 6));
        assert_eq!((tally.open, tally.queued), (4, 5));
        assert_eq!(tally.staleness_p50_us, Some(470_000));
        assert_eq!(tally.staleness_p99_us, Some(870_000));
        let next = counter.close(1_100, &published_ms, 20, [4, 5]);
        assert_eq!((next.delivered, next.staleness_p50_us), (0, None));
    }

    #[test]
    fn what_came_at_once_counts_with_what_came_late() {
        let mut counter = Counter::new(1);
        counter.fresh(98, 20);
        counter.late(0, 1, true);
        counter.late(0, 1, true);
        let tally = counter.close(5_000, &[1_000], 20, [0, 0]);
        assert_eq!(tally.staleness_p50_us, Some(20_000));
        assert_eq!(tally.staleness_p99_us, Some(3_970_000));
    }
}
