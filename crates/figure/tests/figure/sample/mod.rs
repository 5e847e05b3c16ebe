//! Eight seconds of one stream on four transports, as a trace. Made up by a small model: events
//! come at fixed times, a way takes 100 ms, the WebSocket is cut at 4.4 s and the stream at 3.1 s.

use standby_trace::scenario::{Spread, What};
use standby_trace::{
    Backoff, Conditions, Direction, Kind, Lane, LaneSpec, Mark, MarkKind, Message, Moment, Publish,
    Published, Scenario, Source, Span, SpanKind, Trace, Transport, Who,
};

const WAY_MS: i64 = 100;
const EVENTS_MS: [i64; 6] = [900, 1_500, 3_350, 3_750, 5_900, 7_000];
const END_MS: i64 = 8_000;
/// An event's JSON.
const EVENT_BYTES: u32 = 61;

pub(crate) mod company;
pub(crate) mod crowd;
pub(crate) mod half_open;
pub(crate) mod rough;

/// The trace.
pub(crate) fn trace() -> Trace {
    let mut sample = Sample { messages: Vec::new(), spans: Vec::new(), marks: Vec::new() };
    sample.short_poll(0);
    sample.long_poll(1, 1_700);
    sample.websocket(2);
    sample.sse(3);
    let Sample { mut messages, spans, mut marks } = sample;
    messages.sort_by_key(Message::first_us);
    marks.sort_by_key(|mark| mark.at);
    let backoff = Backoff::FullJitter { base_ms: 1_000, cap_ms: 30_000 };
    let lanes = vec![
        LaneSpec::ShortPoll { interval_ms: 1_000, conditional: false },
        LaneSpec::LongPoll { timeout_ms: 1_700, backoff },
        LaneSpec::default_for(Transport::WebSocket),
        LaneSpec::default_for(Transport::Sse),
    ];
    Trace {
        v: 1,
        source: Source::Simulated,
        began_at_ms: 1_764_000_000_000,
        until_us: END_MS * 1_000,
        before: 0,
        crowd: Vec::new(),
        wire: Vec::new(),
        clock_error_us: None,
        lanes: lanes
            .iter()
            .map(|spec| Lane {
                sub: spec.transport().name().to_owned(),
                transport: spec.transport(),
                outside: false,
            })
            .collect(),
        published: (1..)
            .zip(EVENTS_MS)
            .map(|(id, ms)| Published { id, at_us: ms * 1_000, life: 0 })
            .collect(),
        messages,
        spans,
        marks,
        scenario: Scenario {
            v: 1,
            lanes,
            publish: Publish { every_ms: 1_200, spread: Spread::Poisson, what: What::Price },
            conditions: Conditions { latency_ms: 100, ..Conditions::default() },
            faults: Vec::new(),
            clients: 1,
            crowd: None,
            seed: 1,
            window_ms: 8_000,
        },
    }
}

fn moment(ms: i64) -> Moment {
    Moment::measured(ms * 1_000)
}

struct Sample {
    messages: Vec<Message>,
    spans: Vec<Span>,
    marks: Vec<Mark>,
}

impl Sample {
    fn up(&mut self, lane: u16, n: u64, kind: Kind, sent_ms: i64) {
        let overhead_bytes = if kind == Kind::Send { 34 } else { 330 };
        self.message(lane, n, Direction::ToServer, kind, sent_ms, &[], overhead_bytes);
    }

    fn down(&mut self, lane: u16, n: u64, kind: Kind, sent_ms: i64, events: &[u64]) {
        let overhead_bytes = match kind {
            Kind::Answer => 240,
            Kind::Open => 210,
            _ => 2,
        };
        self.message(lane, n, Direction::ToClient, kind, sent_ms, events, overhead_bytes);
    }

    #[expect(clippy::too_many_arguments, reason = "a message has so many parts")]
    fn message(
        &mut self,
        lane: u16,
        n: u64,
        direction: Direction,
        kind: Kind,
        sent_ms: i64,
        events: &[u64],
        overhead_bytes: u32,
    ) {
        let (sent, received) = (moment(sent_ms), moment(sent_ms + WAY_MS));
        let (client, server) = match direction {
            Direction::ToServer => (sent, received),
            Direction::ToClient => (received, sent),
        };
        self.messages.push(Message {
            lane,
            n,
            direction,
            kind,
            client: Some(client),
            server: Some(server),
            socket_us: None,
            payload_bytes: EVENT_BYTES * events.len() as u32,
            overhead_bytes,
            events: events.to_vec(),
            status: (kind == Kind::Answer).then_some(200),
            by_browser: false,
            lost: false,
            pieces: Vec::new(),
        });
    }

    fn span(&mut self, lane: u16, n: u64, kind: SpanKind, who: Who, from_ms: i64, to_ms: Option<i64>) {
        let (from, to) = (moment(from_ms), to_ms.map(moment));
        self.spans.push(Span { lane: Some(lane), n, kind, who, from, to, server_to: None, until_us: None });
    }

    fn mark(&mut self, lane: u16, at_ms: i64, kind: MarkKind) {
        self.marks.push(Mark { lane: Some(lane), at: moment(at_ms), kind });
    }

    fn short_poll(&mut self, lane: u16) {
        let mut after = 0;
        for (n, sent_ms) in (1..).zip((200..END_MS).step_by(1_000)) {
            self.up(lane, n, Kind::Request, sent_ms);
            let answered_ms = sent_ms + WAY_MS;
            let last = EVENTS_MS.iter().filter(|&&ms| ms <= answered_ms).count() as u64;
            let events: Vec<u64> = (after + 1..=last).collect();
            self.down(lane, n, Kind::Answer, answered_ms, &events);
            after = last;
        }
    }

    fn long_poll(&mut self, lane: u16, timeout_ms: i64) {
        let (mut sent_ms, mut after) = (200, 0);
        for n in 1.. {
            self.up(lane, n, Kind::Request, sent_ms);
            let held_ms = sent_ms + WAY_MS;
            let next = EVENTS_MS.get(after as usize).copied().filter(|&ms| ms <= held_ms + timeout_ms);
            let answered_ms = next.unwrap_or(held_ms + timeout_ms);
            if answered_ms >= END_MS {
                self.span(lane, n, SpanKind::Held, Who::Server, held_ms, None);
                break;
            }
            self.span(lane, n, SpanKind::Held, Who::Server, held_ms, Some(answered_ms));
            after += u64::from(next.is_some());
            let events = if next.is_some() { vec![after] } else { Vec::new() };
            self.down(lane, n, Kind::Answer, answered_ms, &events);
            sent_ms = answered_ms + WAY_MS;
        }
    }

    fn open(&mut self, lane: u16, n: u64, sent_ms: i64, until_ms: Option<i64>) {
        self.up(lane, n, Kind::Request, sent_ms);
        self.down(lane, n, Kind::Open, sent_ms + WAY_MS, &[]);
        self.span(lane, n, SpanKind::Open, Who::Server, sent_ms + WAY_MS, until_ms);
    }

    fn cut(&mut self, lane: u16, n: u64, who: Who, at_ms: i64, until_ms: i64) {
        self.mark(lane, at_ms, MarkKind::Cut { why: "connection reset".to_owned() });
        self.span(lane, n, SpanKind::Waiting, who, at_ms, Some(until_ms));
    }

    fn events(&mut self, lane: u16, n: u64, ids: std::ops::RangeInclusive<u64>) {
        for id in ids {
            self.down(lane, n, Kind::Event, EVENTS_MS[id as usize - 1], &[id]);
        }
    }

    fn websocket(&mut self, lane: u16) {
        self.open(lane, 1, 200, Some(4_400));
        self.events(lane, 1, 1..=4);
        for sent_ms in [2_100, 2_500, 2_800] {
            self.up(lane, 1, Kind::Send, sent_ms);
        }
        self.cut(lane, 1, Who::Client, 4_400, 5_300);
        self.open(lane, 2, 5_300, None);
        self.events(lane, 2, 5..=6);
    }

    fn sse(&mut self, lane: u16) {
        self.open(lane, 1, 200, Some(3_100));
        self.events(lane, 1, 1..=2);
        self.cut(lane, 1, Who::Browser, 3_100, 4_600);
        self.open(lane, 2, 4_600, None);
        self.down(lane, 2, Kind::Event, 4_730, &[3]);
        self.down(lane, 2, Kind::Event, 4_780, &[4]);
        self.mark(lane, 4_880, MarkKind::Recovered { after: "k3f9:2".to_owned(), from: 3, to: 4 });
        self.events(lane, 2, 5..=6);
    }
}
