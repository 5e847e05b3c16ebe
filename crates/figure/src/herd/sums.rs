//! A row in figures.

use standby_trace::Scenario;
use standby_trace::crowd::{TALLY_US, Tally};
use standby_trace::scenario::LaneSpec;

use super::restart;

/// What became of a row's clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// The most that arrived within one tally, and when that one began, in microseconds.
    pub peak: u32,
    /// See [`Sum::peak`].
    pub peak_at_us: i64,
    /// Requests and handshakes that arrived.
    pub arrivals: u64,
    /// Those of them that were turned away.
    pub refused: u64,
    /// Keep-alives that the server sent.
    pub keep_alives: u64,
    /// The most of them within one tally.
    pub keep_alives_peak: u32,
    /// Events that were delivered, each for each client.
    pub delivered: u64,
    /// Those of them that came from history after a cut.
    pub recovered: u64,
    /// Clients that were told a gap.
    pub refetched: u64,
    /// From the first thing that went wrong until 99 of 100 streams were open for good, in
    /// microseconds; `None` where they weren't in the end, or there is nothing to come back from.
    pub back_us: Option<i64>,
    /// Whether it has streams and something went wrong: [`Sum::back_us`] means something.
    pub comes_back: bool,
    /// Streams that are open at the end.
    pub open: u32,
    /// The highest p99 of the ages on arrival within one tally, in microseconds.
    pub age_p99_us: Option<u32>,
}

/// The figures of each row, from what is there of its tallies.
#[must_use]
pub fn sums(scenario: &Scenario, rows: &[&[Tally]]) -> Vec<Sum> {
    rows.iter().enumerate().map(|(lane, tallies)| sum(scenario, lane, tallies)).collect()
}

fn sum(scenario: &Scenario, lane: usize, tallies: &[Tally]) -> Sum {
    let mut sum = Sum::default();
    for (at, tally) in tallies.iter().enumerate() {
        if tally.arrivals > sum.peak {
            (sum.peak, sum.peak_at_us) = (tally.arrivals, at as i64 * TALLY_US);
        }
        sum.arrivals += u64::from(tally.arrivals);
        sum.refused += u64::from(tally.refused);
        sum.keep_alives += u64::from(tally.keep_alives);
        sum.keep_alives_peak = sum.keep_alives_peak.max(tally.keep_alives);
        sum.delivered += u64::from(tally.delivered);
        sum.recovered += u64::from(tally.recovered);
        sum.refetched += u64::from(tally.refetched);
        sum.age_p99_us = sum.age_p99_us.max(tally.staleness_p99_us);
        sum.open = tally.open;
    }
    let streams = matches!(scenario.lanes.get(lane), Some(LaneSpec::WebSocket { .. } | LaneSpec::Sse { .. }));
    if let Some((at_ms, _)) = restart(scenario).filter(|_| streams) {
        sum.comes_back = true;
        let at_us = i64::from(at_ms) * 1_000;
        let enough = u64::from(scenario.clients) * 99;
        // The last time that fewer were there: with a drain they go and come back all along.
        let last_without =
            tallies.iter().rposition(|tally| u64::from(tally.open) * 100 < enough).map(|at| at as i64 + 1);
        sum.back_us = match last_without {
            Some(tallies_until) if tallies_until >= tallies.len() as i64 => None,
            Some(tallies_until) => Some((tallies_until * TALLY_US - at_us).max(0)),
            None => Some(0),
        };
    }
    sum
}
