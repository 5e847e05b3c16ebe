//! One number for all that a stretch of time holds.

use standby_trace::{Mark, Message, Moment, Span};

use super::{Frame, columns};

struct Digest(u64);

impl Digest {
    fn add(&mut self, word: u64) {
        // FNV's way, in steps of eight bytes: quick, and no one gains by making two alike.
        self.0 = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    }

    fn time(&mut self, us: i64) {
        self.add(us.cast_unsigned());
    }

    fn moment(&mut self, moment: Option<Moment>, no_later_us: i64) {
        match moment {
            Some(Moment { at_us, inferred }) => {
                self.time(at_us.min(no_later_us));
                self.add(u64::from(inferred));
            }
            None => self.time(no_later_us),
        }
    }
}

pub(super) fn of(frame: &Frame<'_>, from_us: i64, to_us: i64) -> u64 {
    let mut digest = Digest(0xcbf2_9ce4_8422_2325);
    for (number, message) in frame.messages_between(from_us, to_us) {
        let slack_us = frame.latency_us.saturating_mul(2);
        if message.last_us().saturating_add(slack_us) >= from_us
            && message.first_us().saturating_sub(slack_us) <= to_us
        {
            digest.add(number);
            add_message(&mut digest, message);
        }
    }
    for span in frame.spans_between(from_us, to_us) {
        let ends = [span.to, span.server_to].into_iter().flatten().map(|end| end.at_us).max();
        if span.from.at_us <= to_us && ends.is_none_or(|end_us| end_us >= from_us) {
            add_span(&mut digest, span, to_us);
        }
    }
    for Mark { lane, at, kind } in frame.marks_between(from_us, to_us) {
        if (from_us..=to_us).contains(&at.at_us) {
            digest.add(lane.map_or(u64::MAX, u64::from));
            digest.time(at.at_us);
            digest.add(match kind {
                standby_trace::MarkKind::Cut { .. } => 1,
                standby_trace::MarkKind::Gap { from, to } => from ^ to.rotate_left(32),
                standby_trace::MarkKind::Reset { .. } => 3,
                standby_trace::MarkKind::Recovered { .. } => 4,
                standby_trace::MarkKind::GaveUp { .. } => 5,
                standby_trace::MarkKind::Note { .. } => 6,
            });
        }
    }
    let published = &frame.trace.published;
    let start = published.partition_point(|event| event.at_us < from_us);
    for event in published.get(start..).unwrap_or_default().iter().take_while(|event| event.at_us <= to_us) {
        digest.add(event.id);
        digest.time(event.at_us);
    }
    for (lane, _) in frame.layout.lanes.iter().enumerate().filter(|(_, lane)| lane.crowd_y.is_some()) {
        for column in columns(frame, lane, from_us, to_us) {
            digest.add(lane as u64 ^ column.arrivals.rotate_left(16) ^ column.refused.rotate_left(40));
            digest.add(u64::from(column.open));
            digest.time(column.to_us);
        }
    }
    digest.0
}

fn add_message(digest: &mut Digest, message: &Message) {
    digest.moment(message.client, i64::MAX);
    digest.moment(message.server, i64::MAX);
    digest.time(message.socket_us.unwrap_or(i64::MAX));
    digest.add(message.events.len() as u64 ^ message.events.last().map_or(0, |id| id.rotate_left(16)));
    digest.add(message.kind as u64 ^ (u64::from(message.lost) << 8) ^ (u64::from(message.by_browser) << 9));
}

fn add_span(digest: &mut Digest, span: &Span, to_us: i64) {
    digest.time(span.from.at_us);
    digest.moment(span.to, to_us);
    digest.moment(span.server_to, to_us);
    digest.add(span.kind as u64 ^ span.lane.map_or(u64::MAX, u64::from));
}
