//! The totals of a trace: what each lane cost, and what it got for it.
//!
//! | figure | how it is counted |
//! |---|---|
//! | messages | both ways, by kind |
//! | requests | requests that left the client: polls, handshakes, a stream's GETs; the browser's own repeats too, preflights not |
//! | empty | answers without an event |
//! | payload | bytes of the events' JSON |
//! | overhead | all other bytes, both ways: heads, framing, envelopes, hellos |
//! | events | events that reached the client |
//! | staleness | from the moment the server took an event to the moment the client had it |
//! | held | time that connections were open or requests held: until the server's end, who holds them, where it is known; else until the client's |
//!
//! Bytes are those above TCP: HTTP/1.1 and WebSocket framing included, TLS, TCP and IP not.

use std::collections::VecDeque;

use crate::order;
use crate::trace::{Direction, Kind, Mark, MarkKind, Message, Moment, Published, Span, SpanKind, Trace};

/// What one lane cost, and what it got.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    /// Messages both ways, by kind, in the order of [`Kind::ALL`].
    pub messages: [u64; Kind::ALL.len()],
    /// Requests that left the client.
    pub requests: u64,
    /// Answers that brought nothing.
    pub empty: u64,
    /// Events that reached the client.
    pub events: u64,
    /// Bytes of events' JSON.
    pub payload_bytes: u64,
    /// All other bytes, both ways.
    pub overhead_bytes: u64,
    /// Waits after a cut that came to an end: attempts to come back.
    pub reconnects: u64,
    /// Events that came from history after a reconnect.
    pub recovered: u64,
    /// Events that history no longer held: told as gaps.
    pub lost: u64,
    /// New lives of the topic.
    pub resets: u64,
    /// Time that a connection was open or a request held.
    pub held_us: u64,
    /// How old events were when they arrived.
    pub staleness: Staleness,
}

impl Ledger {
    /// All bytes for one event; `None` before the first.
    #[must_use]
    pub fn bytes_per_event(&self) -> Option<u64> {
        (self.payload_bytes + self.overhead_bytes).checked_div(self.events)
    }

    /// The ledgers of a whole trace, one a lane.
    #[must_use]
    pub fn of(trace: &Trace) -> Vec<Self> {
        Self::until(trace, i64::MAX)
    }

    /// The ledgers of a trace as they stood at a moment, one a lane. A message's bytes count from
    /// its first moment, what it brings from its arrival.
    #[must_use]
    pub fn until(trace: &Trace, at_us: i64) -> Vec<Self> {
        let mut ledgers = vec![Self::default(); trace.lanes.len()];
        for message in &trace.messages {
            if let Some(ledger) = ledgers.get_mut(usize::from(message.lane)) {
                let outside = trace.lanes.get(usize::from(message.lane)).is_some_and(|lane| lane.outside);
                ledger.message_until(message, outside, &trace.published, at_us);
            }
        }
        for span in trace.spans.iter().filter(|span| span.from.at_us <= at_us) {
            if let Some(ledger) = span.lane.and_then(|lane| ledgers.get_mut(usize::from(lane))) {
                let known = |end: &Option<Moment>| end.filter(|end| end.at_us <= at_us);
                let so_far = Span { to: known(&span.to), server_to: known(&span.server_to), ..span.clone() };
                ledger.span(&so_far, trace.until_us.min(at_us));
            }
        }
        for mark in trace.marks.iter().filter(|mark| mark.at.at_us <= at_us) {
            if let Some(ledger) = mark.lane.and_then(|lane| ledgers.get_mut(usize::from(lane))) {
                ledger.mark(mark);
            }
        }
        ledgers
    }

    /// Counts one message.
    pub(crate) fn message(&mut self, message: &Message, outside: bool, published: &[Published]) {
        self.message_until(message, outside, published, i64::MAX);
    }

    fn message_until(&mut self, message: &Message, outside: bool, published: &[Published], at_us: i64) {
        if message.first_us() > at_us {
            return;
        }
        self.payload_bytes += u64::from(message.payload_bytes);
        self.overhead_bytes += u64::from(message.overhead_bytes);
        self.messages[message.kind as usize] += 1;
        if message.kind == Kind::Request {
            self.requests += 1;
        }
        // What the client of an outside lane has, nobody can see; what was sent to it, the server did.
        let arrived = if outside { message.socket_us } else { message.client.map(|client| client.at_us) };
        if arrived.is_some_and(|arrived_us| arrived_us > at_us) {
            return;
        }
        if message.is_empty_answer() {
            self.empty += 1;
        }
        let (Direction::ToClient, false, Some(arrived_us)) = (message.direction, message.lost, arrived)
        else {
            return;
        };
        for &id in &message.events {
            self.events += 1;
            if let Some(event) = published_before(published, id, arrived_us) {
                self.staleness.add(u64::try_from(arrived_us.saturating_sub(event.at_us)).unwrap_or(0));
            }
        }
    }

    /// Counts one span, as far as it reaches until `until_us`.
    pub(crate) fn span(&mut self, span: &Span, until_us: i64) {
        let to_us = span.server_to.or(span.to).map_or(until_us, |to| to.at_us);
        match span.kind {
            SpanKind::Open | SpanKind::Held => {
                let us = u64::try_from(to_us.saturating_sub(span.from.at_us)).unwrap_or(0);
                self.held_us = self.held_us.saturating_add(us);
            }
            SpanKind::Waiting if span.to.is_some() => self.reconnects += 1,
            SpanKind::Waiting | SpanKind::Fault => {}
        }
    }

    /// Counts one mark.
    pub(crate) fn mark(&mut self, mark: &Mark) {
        match mark.kind {
            MarkKind::Gap { from, to } => self.lost = self.lost.saturating_add(ids(from, to)),
            MarkKind::Reset { .. } => self.resets += 1,
            MarkKind::Recovered { from, to, .. } if from > 0 => {
                self.recovered = self.recovered.saturating_add(ids(from, to));
            }
            _ => {}
        }
    }

    /// Adds another part of the same lane's run.
    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.messages.iter_mut().zip(&other.messages) {
            *mine += theirs;
        }
        self.requests += other.requests;
        self.empty += other.empty;
        self.events += other.events;
        self.payload_bytes += other.payload_bytes;
        self.overhead_bytes += other.overhead_bytes;
        self.reconnects += other.reconnects;
        self.recovered += other.recovered;
        self.lost += other.lost;
        self.resets += other.resets;
        self.held_us += other.held_us;
        self.staleness.append(&other.staleness);
    }
}

/// How many ids there are from one to another, both included. A file that someone drops on the page
/// may hold any numbers.
fn ids(from: u64, to: u64) -> u64 {
    to.saturating_sub(from).saturating_add(1)
}

/// The event of this number that was the newest at that moment: ids start again with each life of
/// a topic.
#[must_use]
pub fn published_before(published: &[Published], id: u64, at_us: i64) -> Option<&Published> {
    // A little is allowed for the error between two clocks, so that news that arrives at once is
    // not taken for news of an earlier life.
    const CLOCK_ERROR_US: i64 = 50_000;
    // So many lives are looked through. It bounds the work on a trace that comes from a file.
    const LIVES: usize = 8;
    let until_us = at_us.saturating_add(CLOCK_ERROR_US);
    let mut known = &published[..published.partition_point(|event| event.at_us <= until_us)];
    for _ in 0..LIVES {
        let life = known.last()?.life;
        let start = known.partition_point(|event| event.life < life);
        let in_life = known.get(start..)?;
        if let Ok(i) = in_life.binary_search_by_key(&id, |event| event.id) {
            return in_life.get(i);
        }
        known = known.get(..start)?;
    }
    None
}

/// How old events were when they arrived.
///
/// A histogram with steps of 1/32 (3 %), so that a day's run takes no more memory than a minute's,
/// and the last few ages as they were.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Staleness {
    /// How many fell into each bucket; trailing empty buckets are left out.
    buckets: Vec<u64>,
    count: u64,
    recent: VecDeque<u64>,
}

/// Each power of two is cut into so many buckets.
const STEPS: u64 = 32;
/// How many ages are kept as they were.
const RECENT: usize = 64;

impl Staleness {
    /// Counts one age.
    pub fn add(&mut self, age_us: u64) {
        let bucket = bucket_of(age_us);
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] += 1;
        self.count += 1;
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(age_us);
    }

    fn append(&mut self, later: &Self) {
        if self.buckets.len() < later.buckets.len() {
            self.buckets.resize(later.buckets.len(), 0);
        }
        for (mine, theirs) in self.buckets.iter_mut().zip(&later.buckets) {
            *mine += theirs;
        }
        self.count += later.count;
        self.recent.extend(&later.recent);
        let surplus = self.recent.len().saturating_sub(RECENT);
        self.recent.drain(..surplus);
    }

    /// How many ages were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The last ages, at most 64, newest last.
    #[must_use]
    pub fn recent_us(&self) -> Vec<u64> {
        self.recent.iter().copied().collect()
    }

    /// The median, exact while no more than 64 ages were counted, then within 3 %.
    #[must_use]
    pub fn p50_us(&self) -> Option<u64> {
        self.quantile_us(50)
    }

    /// What 99 of 100 did not exceed, with the same exactness.
    #[must_use]
    pub fn p99_us(&self) -> Option<u64> {
        self.quantile_us(99)
    }

    fn quantile_us(&self, percent: u64) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        // Nearest rank: the smallest age that `percent` of all ages do not exceed.
        let rank = (self.count * percent).div_ceil(100).max(1);
        if usize::try_from(self.count).is_ok_and(|count| count == self.recent.len()) {
            let mut ages = self.recent_us();
            order::numbers(&mut ages);
            return usize::try_from(rank - 1).ok().and_then(|index| ages.get(index).copied());
        }
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Some(middle_of(bucket));
            }
        }
        None
    }
}

fn bucket_of(age_us: u64) -> usize {
    let index = if age_us < STEPS {
        age_us
    } else {
        // Powers of two from the 5th on, each in 32 steps.
        let power = u64::from(age_us.ilog2() - STEPS.ilog2());
        (power + 1) * STEPS + ((age_us >> power) - STEPS)
    };
    usize::try_from(index).unwrap_or(usize::MAX)
}

fn middle_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < STEPS {
        return bucket;
    }
    let power = bucket / STEPS - 1;
    let low = (STEPS + bucket % STEPS) << power;
    low + ((1 << power) >> 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn news(client_us: i64, events: &[u64]) -> Message {
        Message {
            lane: 0,
            n: 1,
            direction: Direction::ToClient,
            kind: Kind::Event,
            client: Some(Moment::measured(client_us)),
            server: None,
            socket_us: None,
            payload_bytes: 60,
            overhead_bytes: 2,
            events: events.to_vec(),
            status: None,
            by_browser: false,
            lost: false,
            pieces: Vec::new(),
        }
    }

    #[test]
    fn each_kind_of_message_is_counted_for_itself_and_together() {
        for (i, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, i, "{kind:?} is not in its place");
            let mut ledger = Ledger::default();
            ledger.message(&Message { kind, ..news(5, &[]) }, false, &[]);
            let mut sum = ledger.clone();
            sum.add(&ledger);
            assert_eq!((ledger.messages[i], sum.messages[i]), (1, 2));
            assert_eq!(sum.messages.iter().sum::<u64>(), 2);
        }
    }

    #[test]
    fn staleness_is_from_the_newest_life_of_an_id() {
        let published =
            [Published { id: 1, at_us: 0, life: 0 }, Published { id: 1, at_us: 900_000, life: 1 }];
        let mut ledger = Ledger::default();
        ledger.message(&news(1_000_000, &[1]), false, &published);
        assert_eq!(ledger.staleness.p50_us(), Some(100_000));
        assert_eq!((ledger.events, ledger.bytes_per_event()), (1, Some(62)));
    }

    #[test]
    fn what_was_lost_on_its_way_is_paid_for_but_not_delivered() {
        let mut ledger = Ledger::default();
        ledger.message(&Message { lost: true, ..news(5, &[1]) }, false, &[]);
        assert_eq!((ledger.events, ledger.payload_bytes), (0, 60));
    }

    /// A trace with a poll that waits, and one whose answer is on its way.
    fn trace() -> Trace {
        let scenario = r#"{"v":1,"lanes":[{"transport":"long-poll","timeout_ms":1000,"backoff":{"kind":"fixed","base_ms":1000}}],"publish":{"every_ms":1000}}"#;
        let mut recorder =
            crate::Recorder::new(crate::Scenario::from_json(scenario).unwrap(), 1_764_000_000_000);
        recorder.sent(0, 1, 100_000);
        recorder.answered(0, 1, 200, &[], 400_000);
        recorder.sent(0, 2, 500_000);
        recorder.answered(0, 2, 200, &[7], 900_000);
        recorder.advance(2_000_000);
        let mut trace = recorder.trace().clone();
        trace.published.push(Published { id: 7, at_us: 600_000, life: 0 });
        for message in &mut trace.messages {
            message.overhead_bytes = 100;
        }
        trace
    }

    #[test]
    fn until_a_moment_only_what_had_arrived_counts() {
        let trace = trace();
        let at = |at_us: i64| {
            let ledger = Ledger::until(&trace, at_us).remove(0);
            (ledger.requests, ledger.empty, ledger.events, ledger.overhead_bytes)
        };
        assert_eq!(at(99_999), (0, 0, 0, 0));
        assert_eq!(at(100_000), (1, 0, 0, 100));
        assert_eq!(at(400_000), (1, 1, 0, 200));
        assert_eq!(at(899_999), (2, 1, 0, 300));
        assert_eq!(at(900_000), (2, 1, 1, 400));
        let aged = Ledger::until(&trace, 900_000).remove(0);
        assert_eq!(aged.staleness.p50_us(), Some(300_000));
    }

    #[test]
    fn until_the_end_is_all_of_it() {
        let trace = trace();
        assert_eq!(Ledger::until(&trace, trace.until_us), Ledger::of(&trace));
    }

    #[test]
    fn what_lasts_is_held_until_the_moment_and_no_longer() {
        let mut trace = trace();
        let span = |from_us: i64, to_us: Option<i64>| Span {
            lane: Some(0),
            n: 1,
            kind: SpanKind::Open,
            who: crate::Who::Server,
            from: Moment::measured(from_us),
            to: to_us.map(Moment::measured),
            server_to: None,
            until_us: None,
        };
        trace.spans = vec![span(100_000, Some(1_100_000)), span(1_500_000, None)];
        let held = |at_us: i64| Ledger::until(&trace, at_us)[0].held_us;
        assert_eq!(held(50_000), 0);
        assert_eq!(held(600_000), 500_000);
        assert_eq!(held(1_200_000), 1_000_000);
        assert_eq!(held(i64::MAX), 1_500_000);
    }

    #[test]
    fn the_median_of_few_ages_is_exact() {
        let mut staleness = Staleness::default();
        for age in [100_000, 500_123, 300_001] {
            staleness.add(age);
        }
        assert_eq!(staleness.p50_us(), Some(300_001));
        assert_eq!(staleness.p99_us(), Some(500_123));
    }

    proptest! {
        #[test]
        fn a_bucket_is_within_three_percent(age in 0u64..1 << 50) {
            let middle = middle_of(bucket_of(age));
            prop_assert!(middle.abs_diff(age) <= age / 31 + 1, "{age} became {middle}");
        }

        #[test]
        fn two_parts_add_up_to_the_whole(ages in prop::collection::vec(0u64..10_000_000, 0..200), cut in 0usize..200) {
            let cut = cut.min(ages.len());
            let (mut whole, mut first, mut second) = Default::default();
            let add = |ages: &[u64], to: &mut Staleness| ages.iter().for_each(|&age| to.add(age));
            add(&ages, &mut whole);
            add(&ages[..cut], &mut first);
            add(&ages[cut..], &mut second);
            first.append(&second);
            prop_assert_eq!(first, whole);
        }
    }
}
