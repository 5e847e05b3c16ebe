//! What the clients of a crowd did: counted by all of them, taken out once each tenth of a second.

use standby_trace::crowd::Tally;

/// Ages that are kept of one tenth of a second; more are counted, and don't change the percentiles.
const AGES: usize = 1 << 16;

/// The counts since the last tally, and what is open now.
#[derive(Debug, Default)]
pub(super) struct Count {
    tally: Tally,
    open: u32,
    queued: u32,
    ages_us: Vec<u32>,
}

impl Count {
    /// A request or a handshake goes out.
    pub(super) fn arrival(&mut self) {
        self.tally.arrivals += 1;
        self.queued += 1;
    }

    /// It no longer waits for the server: it has its answer, or there will be none.
    pub(super) fn no_longer_queued(&mut self) {
        self.queued = self.queued.saturating_sub(1);
    }

    pub(super) fn refused(&mut self) {
        self.tally.refused += 1;
    }

    pub(super) fn served(&mut self) {
        self.tally.served += 1;
    }

    /// A ping or a comment came.
    pub(super) fn kept_alive(&mut self) {
        self.tally.keep_alives += 1;
    }

    /// A client has its connection.
    pub(super) fn opened(&mut self) {
        self.open += 1;
    }

    /// A client has lost it.
    pub(super) fn closed(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// An event came, so long after it was published.
    pub(super) fn delivered(&mut self, age_us: u64, from_history: bool) {
        self.tally.delivered += 1;
        self.tally.recovered += u32::from(from_history);
        if self.ages_us.len() < AGES {
            self.ages_us.push(u32::try_from(age_us).unwrap_or(u32::MAX));
        }
    }

    pub(super) fn told_a_gap(&mut self) {
        self.tally.refetched += 1;
    }

    /// What was counted since the last time.
    pub(super) fn take(&mut self) -> Tally {
        let mut tally = std::mem::take(&mut self.tally);
        (tally.open, tally.queued) = (self.open, self.queued);
        self.ages_us.sort_unstable();
        // The nearest rank: so many of a hundred are no older.
        let percentile = |percent: usize| {
            let rank = (self.ages_us.len() * percent).div_ceil(100);
            self.ages_us.get(rank.checked_sub(1)?).copied()
        };
        (tally.staleness_p50_us, tally.staleness_p99_us) = (percentile(50), percentile(99));
        self.ages_us.clear();
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_begins_at_nothing_and_keeps_what_is_open() {
        let mut count = Count::default();
        count.arrival();
        count.no_longer_queued();
        count.served();
        count.opened();
        for age_us in 1..=100 {
            count.delivered(age_us, age_us <= 10);
        }
        let tally = count.take();
        assert_eq!((tally.arrivals, tally.served, tally.open, tally.queued), (1, 1, 1, 0));
        assert_eq!((tally.delivered, tally.recovered), (100, 10));
        assert_eq!((tally.staleness_p50_us, tally.staleness_p99_us), (Some(50), Some(99)));
        assert_eq!(count.take(), Tally { open: 1, ..Tally::default() });
    }
}
