//! Staleness: for each lane, from when to when news existed that had not arrived there.

use standby_trace::ledger::published_before;
use standby_trace::{Direction, MarkKind, Message, Published, Span, SpanKind, Trace, order};

use super::Frame;
use super::density;
use super::run::Run;
use crate::shape::Density;

/// Two clocks are never quite one: as in the ledger, news may arrive so long before it was published.
const CLOCK_ERROR_US: i64 = 50_000;

/// Where a lane stands: a life of the topic, and the last id in it.
type Position = (u32, u64);

/// What reached one lane, and what ended its waiting for the rest.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    /// Positions reached and when, in order.
    reached: Vec<(Position, i64)>,
    /// Its gaps: when, and the missing ids.
    gaps: Vec<(i64, u64, u64)>,
    /// When it was told of a new life, and which.
    resets: Vec<(i64, u32)>,
    /// The moment of its first request: what was published before, nobody owes it.
    since_us: Option<i64>,
    /// Of a lane that is not the page's own: when it was there. Nobody knows what it still wants when
    /// it is gone.
    visits: Option<Vec<(i64, i64)>>,
}

impl Deliveries {
    /// What reached each lane, from a little before the view.
    pub(crate) fn of(frame: &Frame<'_>) -> Vec<Self> {
        let trace = frame.trace;
        let mut lanes: Vec<Self> = trace.lanes.iter().map(|_| Self::default()).collect();
        let (from_us, to_us) = frame.bounds_us();
        // Nothing arrives before it was published: so far back it matters what each lane has.
        let since_us = oldest_us(frame).unwrap_or(from_us).saturating_sub(CLOCK_ERROR_US).min(from_us);
        for (lane, number) in lanes.iter_mut().zip(0..) {
            for message in frame.receipts(number, since_us, from_us) {
                lane.arrival(frame, message);
                if lane.reached.iter().any(|&(_, at_us)| at_us <= from_us) {
                    break;
                }
            }
        }
        for (_, message) in frame.messages() {
            if let Some(lane) = lanes.get_mut(usize::from(message.lane)) {
                lane.arrival(frame, message);
            }
        }
        lanes.iter_mut().for_each(Self::put_in_order);
        for mark in frame.marks_between(since_us, to_us) {
            for (i, lane) in lanes.iter_mut().enumerate() {
                if mark.lane.is_none_or(|of| usize::from(of) == i) {
                    match mark.kind {
                        MarkKind::Gap { from, to } => lane.gaps.push((mark.at.at_us, from, to)),
                        MarkKind::Reset { .. } => lane.reset(trace, mark.at.at_us),
                        _ => {}
                    }
                }
            }
        }
        first_requests(frame, since_us, &mut lanes);
        lanes
    }

    fn arrival(&mut self, frame: &Frame<'_>, message: &Message) {
        if let Some(at_us) = arrival_us(frame, message) {
            for &id in &message.events {
                if let Some(event) = event_of(&frame.trace.published, id, at_us) {
                    self.reached.push(((event.life, id), at_us));
                }
            }
        }
    }

    /// In order of time, each position beyond the one before: what comes twice counts once.
    fn put_in_order(&mut self) {
        // By time, then by position: the last key is sorted by first.
        order::by(&mut self.reached, |&((_, id), _)| i64::try_from(id).unwrap_or(i64::MAX));
        order::by(&mut self.reached, |&((life, _), _)| i64::from(life));
        order::by(&mut self.reached, |&(_, at_us)| at_us);
        let mut furthest = None;
        self.reached.retain(|&(position, _)| {
            let further = furthest.is_none_or(|furthest| furthest < position);
            furthest = furthest.max(Some(position));
            further
        });
    }

    fn reset(&mut self, trace: &Trace, at_us: i64) {
        let before = trace.published.partition_point(|event| event.at_us <= at_us);
        if let Some(newest) = before.checked_sub(1).and_then(|i| trace.published.get(i)) {
            self.resets.push((at_us, newest.life));
        }
    }

    /// Until when this lane goes without an event: the moment that it has it, or passes it, or is
    /// told that it will never have it. `None` where it is not owed; `i64::MAX` while it still is.
    pub(crate) fn without_until_us(&self, event: &Published) -> Option<i64> {
        let position = (event.life, event.id);
        // Order is kept: what brings a later event has brought this one too.
        let next = self.reached.partition_point(|&(reached, _)| reached < position);
        let reached = self.reached.get(next);
        let has_it = reached.is_some_and(|&(reached, _)| reached == position);
        if !has_it && self.since_us.is_none_or(|since_us| event.at_us < since_us) {
            return None;
        }
        let gap = self
            .gaps
            .iter()
            .filter(|&&(at_us, from, to)| at_us >= event.at_us && (from..=to).contains(&event.id))
            .map(|&(at_us, ..)| at_us);
        let reset = self
            .resets
            .iter()
            .filter(|&&(at_us, life)| at_us >= event.at_us && life > event.life)
            .map(|&(at_us, _)| at_us);
        let mut left_us = None;
        if let (false, Some(visits)) = (has_it, &self.visits) {
            let visit = visits.iter().find(|&&(from_us, to_us)| (from_us..to_us).contains(&event.at_us))?;
            left_us = Some(visit.1);
        }
        let until_us =
            reached.map(|&(_, at_us)| at_us).into_iter().chain(gap).chain(reset).chain(left_us).min();
        Some(until_us.unwrap_or(i64::MAX))
    }

    /// When an event was delivered, if it was.
    pub(crate) fn delivered_us(&self, event: &Published) -> Option<i64> {
        let position = (event.life, event.id);
        let next = self.reached.partition_point(|&(reached, _)| reached < position);
        self.reached.get(next).filter(|&&(reached, _)| reached == position).map(|&(_, at_us)| at_us)
    }
}

/// The event of an id as the ledger finds it; at once where ids are in a row within one life of the
/// topic, as they mostly are.
pub(super) fn event_of(published: &[Published], id: u64, at_us: i64) -> Option<&Published> {
    let (first, last) = (published.first()?, published.last()?);
    let in_a_row = usize::try_from(id.wrapping_sub(first.id)).ok().and_then(|at| published.get(at));
    in_a_row
        .filter(|event| {
            event.id == id && first.life == last.life && event.at_us <= at_us.saturating_add(CLOCK_ERROR_US)
        })
        .or_else(|| published_before(published, id, at_us))
}

/// What lasts while a lane is there.
pub(crate) fn lasts(span: &Span) -> bool {
    matches!(span.kind, SpanKind::Open | SpanKind::Held | SpanKind::Waiting)
}

/// When the events of a message reached the client.
pub(crate) fn arrival_us(frame: &Frame<'_>, message: &Message) -> Option<i64> {
    if message.lost || message.direction != Direction::ToClient || message.events.is_empty() {
        return None;
    }
    let outside = frame.trace.lanes.get(usize::from(message.lane)).is_some_and(|lane| lane.outside);
    let run = Run::of(message, outside, frame.latency_us, frame.scale.now_us)?;
    (run.arrived && run.to_us <= frame.scale.now_us).then_some(run.to_us)
}

/// When each lane's first request was in the server, and when those from outside were there.
fn first_requests(frame: &Frame<'_>, since_us: i64, lanes: &mut [Deliveries]) {
    for (lane, number) in lanes.iter_mut().zip(0..) {
        let first = frame.first_message(number);
        let run = first.and_then(|first| {
            let run = Run::of(first, false, frame.latency_us, frame.scale.now_us)?;
            Some(if first.direction == Direction::ToServer { run.to_us } else { run.from_us })
        });
        // What lasts may have begun before the first message that the trace still holds.
        let span = frame.first_span_us(number);
        lane.since_us = run.into_iter().chain(span).min();
    }
    for (lane, of) in lanes.iter_mut().zip(&frame.trace.lanes) {
        lane.visits = of.outside.then(Vec::new);
    }
    for span in frame.spans_between(since_us, frame.scale.end_us) {
        if lasts(span)
            && let Some(lane) = span.lane.and_then(|lane| lanes.get_mut(usize::from(lane)))
            && let Some(visits) = &mut lane.visits
        {
            visits.push((span.from.at_us, span.to.map_or(i64::MAX, |to| to.at_us)));
        }
    }
}

/// When the oldest of those events was published that matter left of the view.
fn oldest_us(frame: &Frame<'_>) -> Option<i64> {
    let published = &frame.trace.published;
    let start = published.partition_point(|event| event.at_us < frame.scale.from_us);
    published.get(start.saturating_sub(BEFORE)..start)?.iter().map(|event| event.at_us).min()
}

/// So many events before the view are looked at: what was published then may still be missing.
const BEFORE: usize = 256;

/// So many bars on top of each other are as dark as can be; of what ends no later than so many
/// before it, nothing would be seen.
const DEPTH: usize = 4;

/// The stretches that stand above a lane's rail.
pub(crate) fn bars(frame: &Frame<'_>, deliveries: &Deliveries) -> Vec<(f32, f32)> {
    let (scale, published) = (&frame.scale, &frame.trace.published);
    let end = published.partition_point(|event| event.at_us <= scale.end_us);
    let start = published.partition_point(|event| event.at_us < scale.from_us).min(end);
    // Order is kept: what follows the last event that was there when the view begins is missing.
    let has = deliveries.reached.iter().rev().find(|&&(_, at_us)| at_us <= scale.from_us);
    let missing =
        has.map_or(0, |&(position, _)| published.partition_point(|event| (event.life, event.id) <= position));
    let first = missing.max(start.saturating_sub(BEFORE)).min(start);
    let mut last: [i64; DEPTH] = [i64::MIN; DEPTH];
    let mut bars = Vec::new();
    let mut place_before = None;
    for event in published.get(first..end).unwrap_or_default() {
        let Some(until_us) = deliveries.without_until_us(event) else { continue };
        let hidden = last.iter().all(|&other_us| other_us >= until_us);
        if frame.view.density == Density::Auto && hidden {
            continue;
        }
        last.rotate_left(1);
        last[DEPTH - 1] = until_us;
        // Of bars that begin and end at the same places one is enough, too.
        let place = (density::column(frame, event.at_us), density::column(frame, until_us));
        if place_before.replace(place) == Some(place) && frame.view.density == Density::Auto {
            continue;
        }
        bars.extend(scale.stretch(event.at_us, until_us));
    }
    bars
}

/// The stretch of one event.
pub(crate) fn bar(frame: &Frame<'_>, deliveries: &Deliveries, event: &Published) -> Option<(f32, f32)> {
    frame.scale.stretch(event.at_us, deliveries.without_until_us(event)?)
}
