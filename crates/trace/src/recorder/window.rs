//! The part of a run that is kept, and the totals of what left it.
//!
//! A run can go on all day; the picture shows seconds of it. What is older than the window is
//! counted into each lane's totals and dropped, so memory and the cost of a frame stay the same.

use crate::ledger::Ledger;
use crate::tap::Wire;
use crate::trace::{Mark, Message, Piece, Published, Span, SpanKind, Trace};

use super::MessageId;

/// What is kept is at least so long, whatever the picture's window is.
const KEEP_US: i64 = 300_000_000;
/// For so long after the client's end of a connection the server's is waited for. A server lets go of
/// a connection that a fault has left dead after two minutes.
const UNTOLD_US: i64 = 150_000_000;
/// And never more than so many of each.
const KEEP_ITEMS: usize = 16_384;
/// Events are remembered longer than the messages that carry them, or their age could not be told.
const KEEP_PUBLISHED: usize = 2 * KEEP_ITEMS;
/// Bytes that were on the wire are kept up to so many; the oldest go first.
const KEEP_WIRE_BYTES: usize = 2 << 20;
/// What a piece takes beside its bytes.
const PIECE_BYTES: usize = 64;

#[derive(Debug)]
pub(super) struct Window {
    trace: Trace,
    /// The bytes in the trace's pieces, and the id of the next one.
    wire_bytes: usize,
    next_piece: u64,
    /// The totals of what is no longer kept.
    totals: Vec<Ledger>,
    next_sweep_us: i64,
}

impl Window {
    pub(super) fn new(trace: Trace) -> Self {
        let totals = vec![Ledger::default(); trace.lanes.len()];
        Self { trace, wire_bytes: 0, next_piece: 0, totals, next_sweep_us: 0 }
    }

    pub(super) fn trace(&self) -> &Trace {
        &self.trace
    }

    pub(super) fn trace_mut(&mut self) -> &mut Trace {
        &mut self.trace
    }

    pub(super) fn ledgers_until(&self, at_us: i64) -> Vec<Ledger> {
        let mut ledgers = self.totals.clone();
        ledgers.resize(self.trace.lanes.len(), Ledger::default());
        for (total, kept) in ledgers.iter_mut().zip(Ledger::until(&self.trace, at_us)) {
            total.add(&kept);
        }
        ledgers
    }

    pub(super) fn push(&mut self, message: Message) -> MessageId {
        if self.trace.messages.len() == KEEP_ITEMS {
            self.drop_messages(KEEP_ITEMS / 4);
        }
        self.trace.messages.push(message);
        self.trace.before + self.trace.messages.len() as u64 - 1
    }

    pub(super) fn get(&mut self, id: MessageId) -> Option<&mut Message> {
        let index = usize::try_from(id.checked_sub(self.trace.before)?).ok()?;
        self.trace.messages.get_mut(index)
    }

    /// Keeps the bytes of a part of a message; gives the piece's id.
    pub(super) fn push_piece(&mut self, wire: &Wire) -> u64 {
        let cost = |bytes: &[u8]| bytes.len() + PIECE_BYTES;
        self.wire_bytes += cost(&wire.bytes);
        if self.wire_bytes > KEEP_WIRE_BYTES {
            // A quarter at once: moving what stays costs the same for one piece as for many.
            let mut free = self.wire_bytes - KEEP_WIRE_BYTES / 4 * 3;
            let old = self.trace.wire.iter().take_while(|piece| {
                let goes = free > 0;
                free = free.saturating_sub(cost(&piece.bytes));
                goes
            });
            let old = old.count();
            self.wire_bytes -= self.trace.wire.drain(..old).map(|piece| cost(&piece.bytes)).sum::<usize>();
        }
        let id = self.next_piece;
        self.next_piece += 1;
        self.trace.wire.push(Piece {
            id,
            via: wire.exchange.via,
            direction: wire.direction,
            part: wire.part,
            bytes: wire.bytes.clone(),
            cut_bytes: wire.cut_bytes,
        });
        id
    }

    /// Bytes that belong to a message which has left the window.
    pub(super) fn late_bytes(&mut self, lane: u16, payload_bytes: u32, overhead_bytes: u32) {
        let lane = usize::from(lane);
        if self.totals.len() <= lane {
            self.totals.resize(lane + 1, Ledger::default());
        }
        self.totals[lane].payload_bytes += u64::from(payload_bytes);
        self.totals[lane].overhead_bytes += u64::from(overhead_bytes);
    }

    pub(super) fn push_span(&mut self, span: Span) {
        if self.trace.spans.len() == KEEP_ITEMS {
            self.drop_spans_before(i64::MAX);
        }
        self.trace.spans.push(span);
    }

    pub(super) fn push_mark(&mut self, mark: Mark) {
        if self.trace.marks.len() == KEEP_ITEMS {
            self.drop_marks(KEEP_ITEMS / 4);
        }
        self.trace.marks.push(mark);
    }

    pub(super) fn push_published(&mut self, event: Published) {
        if self.trace.published.len() == KEEP_PUBLISHED {
            self.trace.published.drain(..KEEP_PUBLISHED / 4);
        }
        self.trace.published.push(event);
    }

    pub(super) fn advance(&mut self, now_us: i64) {
        self.trace.until_us = now_us;
        if now_us < self.next_sweep_us {
            return;
        }
        self.next_sweep_us = now_us + 1_000_000;
        let keep_us = KEEP_US.max(2_000 * i64::from(self.trace.scenario.window_ms));
        let oldest_us = now_us - keep_us;
        let old = self.trace.messages.iter().take_while(|message| message.last_us() < oldest_us).count();
        self.drop_messages(old);
        self.drop_spans_before(oldest_us);
        let old = self.trace.marks.iter().take_while(|mark| mark.at.at_us < oldest_us).count();
        self.drop_marks(old);
        let published_us = now_us - 2 * keep_us;
        let old = self.trace.published.iter().take_while(|event| event.at_us < published_us).count();
        self.trace.published.drain(..old);
    }

    fn drop_messages(&mut self, count: usize) {
        for message in self.trace.messages.drain(..count) {
            let lane = usize::from(message.lane);
            let outside = self.trace.lanes.get(lane).is_some_and(|lane| lane.outside);
            if self.totals.len() <= lane {
                self.totals.resize(lane + 1, Ledger::default());
            }
            self.totals[lane].message(&message, outside, &self.trace.published);
        }
        self.trace.before += count as u64;
    }

    /// Spans that are over and older than `oldest_us`; those that last stay.
    fn drop_spans_before(&mut self, oldest_us: i64) {
        let (totals, until_us) = (&mut self.totals, self.trace.until_us);
        self.trace.spans.retain(|span| {
            // The server's end may come later, but not for ever: a dead connection is let go.
            let ends_us = span.to.map(|to| match (span.kind, span.server_to) {
                (_, Some(server_to)) => to.at_us.max(server_to.at_us),
                (SpanKind::Open | SpanKind::Held, None) => to.at_us.saturating_add(UNTOLD_US),
                (_, None) => to.at_us,
            });
            let over = ends_us.is_some_and(|ends_us| ends_us < oldest_us);
            if over && let Some(lane) = span.lane.map(usize::from) {
                if totals.len() <= lane {
                    totals.resize(lane + 1, Ledger::default());
                }
                totals[lane].span(span, until_us);
            }
            !over
        });
    }

    fn drop_marks(&mut self, count: usize) {
        for mark in self.trace.marks.drain(..count) {
            if let Some(lane) = mark.lane.map(usize::from) {
                if self.totals.len() <= lane {
                    self.totals.resize(lane + 1, Ledger::default());
                }
                self.totals[lane].mark(&mark);
            }
        }
    }
}
