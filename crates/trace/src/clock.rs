//! How far apart two clocks are, from round trips between them.
//!
//! A question leaves at `sent`, the server reads its clock at `server`, the answer is here at
//! `received`. The server's moment lies somewhere between the two; taking the middle is wrong by
//! at most half the round trip. The shortest round trip of the recent ones is therefore the one to
//! believe (the idea of NTP's clock filter, RFC 5905 §10).

use std::collections::VecDeque;

/// Brings the server's clock onto the local one. Both are microseconds on monotonic clocks with
/// unrelated zeros.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    recent: VecDeque<Sample>,
    best: Option<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    round_trip_us: u64,
    /// What to add to a server's time to get the local one.
    offset_us: i64,
}

/// Older samples are forgotten, because two clocks drift apart: by 50 µs a second at the worst that
/// quartz does. With a question every few seconds this is about two minutes.
const SAMPLES: usize = 32;

impl Clock {
    /// Takes in the answer to one question. A nonsensical one (`received` before `sent`) is ignored.
    pub fn answer(&mut self, sent_us: i64, received_us: i64, server_us: u64) {
        let (Ok(round_trip_us), Ok(server_us)) =
            (u64::try_from(received_us.saturating_sub(sent_us)), i64::try_from(server_us))
        else {
            return;
        };
        let middle_us = sent_us + (received_us - sent_us) / 2;
        if self.recent.len() == SAMPLES {
            self.recent.pop_front();
        }
        self.recent.push_back(Sample { round_trip_us, offset_us: middle_us.saturating_sub(server_us) });
        self.best = self.recent.iter().copied().min_by_key(|sample| sample.round_trip_us);
    }

    /// A moment of the server's clock on the local one; `None` before the first answer.
    #[must_use]
    pub fn to_local(&self, server_us: u64) -> Option<i64> {
        let best = self.best?;
        i64::try_from(server_us).ok()?.checked_add(best.offset_us)
    }

    /// The round trip of the answer that is believed.
    #[must_use]
    pub fn round_trip_us(&self) -> Option<u64> {
        self.best.map(|best| best.round_trip_us)
    }

    /// How far a converted moment may be off: half the round trip.
    #[must_use]
    pub fn error_us(&self) -> Option<u64> {
        self.round_trip_us().map(|us| us.div_ceil(2))
    }

    /// The server was started anew, and its clock with it.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_converted_before_the_first_answer() {
        assert_eq!(Clock::default().to_local(5), None);
    }

    #[test]
    fn the_shortest_round_trip_is_believed() {
        let mut clock = Clock::default();
        clock.answer(0, 10_000, 1_000_000); // middle 5,000: offset -995,000
        clock.answer(20_000, 21_000, 1_016_000); // middle 20,500: offset -995,500
        clock.answer(30_000, 39_000, 1_030_000);
        assert_eq!(clock.to_local(1_016_000), Some(20_500));
        assert_eq!(clock.error_us(), Some(500));
    }

    #[test]
    fn old_answers_are_forgotten_since_clocks_drift() {
        let mut clock = Clock::default();
        clock.answer(0, 2, 0);
        for i in 1..=SAMPLES as i64 {
            clock.answer(i * 1_000, i * 1_000 + 100, 0);
        }
        assert_eq!(clock.round_trip_us(), Some(100));
    }

    #[test]
    fn an_answer_from_before_its_question_is_ignored() {
        let mut clock = Clock::default();
        clock.answer(10, 5, 1);
        assert_eq!(clock.round_trip_us(), None);
    }
}
