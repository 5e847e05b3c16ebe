//! Where in a trace to look for a stretch of time.
//!
//! A picture shows seconds of a trace that may hold a day. Messages, spans and marks are in order
//! of when they became known, which is nearly the order of time; so each 64 of them are summed up
//! by their first and last moment, and what can't be in view is passed over 64 at a time.

use std::ops::Range;

use standby_trace::{Direction, Mark, Message, Span, SpanKind, Trace};

/// How many make a block.
const BLOCK: usize = 64;
/// What is known of the newest may still grow: an answer's other end, a span's end.
const YOUNG_BLOCKS: usize = 16;

/// The blocks of a trace. It goes with one trace only, and is brought up to date as that grows.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// Which trace it belongs to.
    began_at_ms: u64,
    messages: Blocks,
    spans: Blocks,
    marks: Blocks,
    /// For each lane the first moment that something lasted there. What is forgotten stays in here.
    first_span_us: Vec<Option<i64>>,
}

/// One block.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// What its first one is called: tells whether it is still the same.
    name: u64,
    from_us: i64,
    to_us: i64,
    /// Whose messages are in it, and to whom it brings events: a bit a lane.
    speakers: u64,
    receivers: u64,
}

/// What a block knows of one of its items.
struct Item {
    from_us: i64,
    to_us: i64,
    speakers: u64,
    receivers: u64,
}

#[derive(Clone, Debug, Default)]
struct Blocks {
    blocks: Vec<Block>,
    /// The older block that is looked at again next.
    turn: usize,
}

impl Blocks {
    /// Looks at what is new, at what is young, at what had no end yet, and at one older block in
    /// turn; at everything from where the names don't fit any more.
    fn update<T>(&mut self, items: &[T], name: impl Fn(usize, &T) -> u64, mut sum: impl FnMut(&T) -> Item) {
        let count = items.len().div_ceil(BLOCK);
        let same = self.blocks.iter().zip(items.chunks(BLOCK)).enumerate();
        let same = same.take_while(|(i, (block, items))| {
            items.first().is_some_and(|first| name(i * BLOCK, first) == block.name)
        });
        let known = same.count();
        self.blocks.truncate(known);
        let young = count.saturating_sub(YOUNG_BLOCKS);
        self.turn = if self.turn + 1 < young { self.turn + 1 } else { 0 };
        for (i, items) in items.chunks(BLOCK).enumerate() {
            let settled = self.blocks.get(i).is_some_and(|block| block.to_us < i64::MAX);
            if i < young && settled && i != self.turn {
                continue;
            }
            let Some(first) = items.first() else { continue };
            let name = name(i * BLOCK, first);
            let mut block = Block { name, from_us: i64::MAX, to_us: i64::MIN, speakers: 0, receivers: 0 };
            for item in items.iter().map(&mut sum) {
                block.from_us = block.from_us.min(item.from_us);
                block.to_us = block.to_us.max(item.to_us);
                block.speakers |= item.speakers;
                block.receivers |= item.receivers;
            }
            match self.blocks.get_mut(i) {
                Some(known) => *known = block,
                None => self.blocks.push(block),
            }
        }
    }

    /// The items of the blocks that may hold something between two moments, within a range.
    fn between(&self, range: Range<usize>, from_us: i64, to_us: i64) -> impl Iterator<Item = Range<usize>> {
        let blocks = self.blocks.iter().enumerate().skip(range.start / BLOCK);
        let blocks = blocks.take(range.end.div_ceil(BLOCK).saturating_sub(range.start / BLOCK));
        blocks
            .filter(move |(_, block)| block.from_us <= to_us && block.to_us >= from_us)
            .map(move |(i, _)| (i * BLOCK).max(range.start)..((i + 1) * BLOCK).min(range.end))
            .filter(|range| range.start < range.end)
    }
}

fn bit(lane: u16) -> u64 {
    1u64.checked_shl(u32::from(lane)).unwrap_or(0)
}

impl Index {
    /// Of a trace as it is.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        let mut index = Self::default();
        index.update(trace);
        index
    }

    /// Takes in what has become known since. A trace of another run is begun anew.
    pub fn update(&mut self, trace: &Trace) {
        if self.began_at_ms != trace.began_at_ms {
            *self = Self { began_at_ms: trace.began_at_ms, ..Self::default() };
        }
        let number = |i: usize, _: &Message| trace.before.wrapping_add(i as u64);
        self.messages.update(&trace.messages, number, |message| Item {
            from_us: message.first_us(),
            to_us: message.last_us(),
            speakers: bit(message.lane),
            receivers: match message.direction {
                Direction::ToClient if !message.events.is_empty() => bit(message.lane),
                _ => 0,
            },
        });
        let name = |_: usize, span: &Span| span.from.at_us.cast_unsigned().rotate_left(8) ^ span.n;
        let firsts = &mut self.first_span_us;
        firsts.resize(trace.lanes.len(), None);
        self.spans.update(&trace.spans, name, |span| {
            if let Some(first) = span.lane.and_then(|lane| firsts.get_mut(usize::from(lane)))
                && span.kind != SpanKind::Fault
            {
                *first = Some(first.map_or(span.from.at_us, |first| first.min(span.from.at_us)));
            }
            let ends = [span.to, span.server_to].into_iter().flatten().map(|end| end.at_us);
            let to_us = if span.to.is_some() { ends.max().unwrap_or(i64::MAX) } else { i64::MAX };
            Item { from_us: span.from.at_us, to_us, speakers: 0, receivers: 0 }
        });
        let name = |_: usize, mark: &Mark| mark.at.at_us.cast_unsigned();
        self.marks.update(&trace.marks, name, |mark| {
            let at_us = mark.at.at_us;
            Item { from_us: at_us, to_us: at_us, speakers: 0, receivers: 0 }
        });
    }

    /// Where messages may stand that have to do with a stretch of time.
    pub(crate) fn messages(&self, trace: &Trace, from_us: i64, to_us: i64) -> Vec<Range<usize>> {
        self.messages.between(0..trace.messages.len(), from_us, to_us).collect()
    }

    /// The same of spans.
    pub(crate) fn spans(&self, trace: &Trace, from_us: i64, to_us: i64) -> Vec<Range<usize>> {
        self.spans.between(0..trace.spans.len(), from_us, to_us).collect()
    }

    /// The same of marks.
    pub(crate) fn marks(&self, trace: &Trace, from_us: i64, to_us: i64) -> Vec<Range<usize>> {
        self.marks.between(0..trace.marks.len(), from_us, to_us).collect()
    }

    /// Where a lane's first message stands.
    pub(crate) fn first_message(&self, trace: &Trace, lane: u16) -> Option<usize> {
        let block = self.messages.blocks.iter().position(|block| block.speakers & bit(lane) != 0)?;
        let start = block * BLOCK;
        let end = (start + BLOCK).min(trace.messages.len());
        let at = trace.messages.get(start..end)?.iter().position(|message| message.lane == lane)?;
        Some(start + at)
    }

    /// When something first lasted in a lane.
    pub(crate) fn first_span_us(&self, lane: usize) -> Option<i64> {
        self.first_span_us.get(lane).copied().flatten()
    }

    /// Where events may have been brought to a lane before a moment and since another, newest first.
    pub(crate) fn receipts(
        &self,
        trace: &Trace,
        lane: u16,
        since_us: i64,
        to_us: i64,
    ) -> impl Iterator<Item = usize> {
        let len = trace.messages.len();
        let blocks = self.messages.blocks.iter().enumerate().rev();
        blocks
            .filter(move |(_, block)| {
                block.receivers & bit(lane) != 0 && block.from_us <= to_us && block.to_us >= since_us
            })
            .flat_map(move |(i, _)| (i * BLOCK..((i + 1) * BLOCK).min(len)).rev())
    }
}
