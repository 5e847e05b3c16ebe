//! A rough stretch: everything that can go wrong, or is known only in part, in one picture. It
//! holds no run that could be; it shows each mark once.

use standby_trace::{
    Direction, Kind, Lane, Mark, MarkKind, Message, Moment, Published, Span, SpanKind, Trace, Transport, Who,
};

/// The trace: as in the calm one, with its own contents.
pub(crate) fn trace(calm: Trace) -> Trace {
    let mut trace = Trace {
        published: Vec::new(),
        messages: Vec::new(),
        spans: Vec::new(),
        marks: Vec::new(),
        until_us: 7_050_000,
        ..calm
    };
    trace.lanes.push(Lane { sub: "curl".to_owned(), transport: Transport::Sse, outside: true });
    // Crowded, then a new life of the topic.
    for (id, ms) in (1..).zip([300, 380, 460, 700, 760, 1_500, 1_530, 2_600]) {
        trace.published.push(Published { id, at_us: ms * 1_000, life: 0 });
    }
    for (id, ms) in (1..).zip([5_000, 5_700, 6_970]) {
        trace.published.push(Published { id, at_us: ms * 1_000, life: 1 });
    }
    let up = Direction::ToServer;
    let down = Direction::ToClient;
    let mut messages = vec![
        // Refused, refused, and the answer that is under way now.
        message(0, 1, up, Kind::Request, Some(500), Some(600), &[]),
        Message { status: Some(503), ..message(0, 1, down, Kind::Refusal, Some(700), Some(600), &[]) },
        message(0, 2, up, Kind::Request, Some(1_500), Some(1_600), &[]),
        message(0, 2, down, Kind::Answer, Some(1_700), Some(1_600), &[1, 2, 3, 4, 5, 6, 7]),
        message(0, 3, up, Kind::Request, Some(2_500), None, &[]),
        message(0, 4, up, Kind::Request, Some(6_900), Some(7_000), &[]),
        message(0, 4, down, Kind::Answer, None, Some(7_000), &[1, 2, 3]),
        // Lost on its way, and sent again by the browser itself.
        message(1, 1, up, Kind::Request, Some(200), Some(300), &[]),
        message(1, 1, down, Kind::Answer, Some(400), Some(300), &[1]),
        Message { lost: true, ..message(1, 2, up, Kind::Request, Some(420), None, &[]) },
        Message { by_browser: true, ..message(1, 2, up, Kind::Request, None, Some(900), &[]) },
        message(1, 2, down, Kind::Answer, Some(1_010), Some(910), &[2, 3, 4, 5]),
        message(1, 3, up, Kind::Request, Some(1_020), Some(1_120), &[]),
        // A stream whose client's end is not seen by the page.
        message(2, 1, up, Kind::Request, Some(150), None, &[]),
        message(2, 1, down, Kind::Open, Some(350), None, &[]),
        message(2, 1, down, Kind::Event, Some(480), None, &[1]),
        message(2, 1, down, Kind::Event, Some(560), None, &[2]),
        Message { lost: true, ..message(2, 1, down, Kind::Event, None, Some(700), &[4]) },
        message(2, 2, up, Kind::Request, Some(1_300), Some(1_400), &[]),
        message(2, 2, down, Kind::Open, Some(1_500), Some(1_400), &[]),
        message(2, 2, down, Kind::Gap, Some(1_520), Some(1_420), &[]),
        message(2, 2, down, Kind::Event, Some(1_600), Some(1_500), &[6]),
        message(2, 2, down, Kind::Event, Some(2_700), Some(2_600), &[8]),
        message(2, 3, up, Kind::Request, Some(5_200), Some(5_300), &[]),
        message(2, 3, down, Kind::Reset, Some(5_400), Some(5_300), &[]),
        message(2, 3, down, Kind::Event, Some(5_410), Some(5_310), &[1]),
        message(2, 3, down, Kind::Event, Some(5_800), Some(5_700), &[2]),
        message(2, 3, down, Kind::Event, None, Some(6_970), &[3]),
        // A browser that gives up.
        message(3, 1, up, Kind::Request, None, Some(300), &[]),
        message(3, 1, down, Kind::Open, Some(400), Some(300), &[]),
        message(3, 1, down, Kind::KeepAlive, None, Some(1_500), &[]),
        message(3, 2, up, Kind::Request, None, Some(4_300), &[]),
        Message { status: Some(503), ..message(3, 2, down, Kind::Refusal, Some(4_400), Some(4_300), &[]) },
        // Somebody's curl.
        message(4, 1, up, Kind::Request, None, Some(1_000), &[]),
        message(4, 1, down, Kind::Open, None, Some(1_000), &[]),
        message(4, 1, down, Kind::Event, None, Some(1_500), &[6]),
        message(4, 1, down, Kind::Event, None, Some(1_530), &[7]),
        message(4, 1, down, Kind::Event, None, Some(2_600), &[8]),
    ];
    messages.sort_by_key(Message::first_us);
    trace.messages = messages;
    let (client, browser, server) = (Who::Client, Who::Browser, Who::Server);
    trace.spans = vec![
        span(Some(1), SpanKind::Held, server, 1_120, Some(2_700)),
        span(Some(1), SpanKind::Waiting, server, 2_700, Some(4_700)),
        span(Some(2), SpanKind::Open, server, 300, Some(720)),
        span(Some(2), SpanKind::Waiting, client, 740, Some(1_300)),
        span(Some(2), SpanKind::Open, server, 1_400, Some(2_700)),
        Span { until_us: Some(5_200_000), ..span(Some(2), SpanKind::Waiting, client, 2_700, Some(5_200)) },
        span(Some(2), SpanKind::Open, server, 5_300, None),
        span(Some(3), SpanKind::Open, server, 300, Some(2_700)),
        span(Some(3), SpanKind::Waiting, browser, 2_700, Some(4_200)),
        span(Some(4), SpanKind::Open, server, 1_000, Some(2_700)),
        span(None, SpanKind::Fault, server, 2_700, Some(4_400)),
    ];
    trace.marks = vec![
        mark(Some(1), 480, MarkKind::Cut { why: "connection reset".to_owned() }),
        mark(Some(2), 740, MarkKind::Cut { why: "connection reset".to_owned() }),
        mark(Some(2), 1_520, MarkKind::Gap { from: 3, to: 5 }),
        mark(None, 2_700, MarkKind::Note { text: "dropped all connections".to_owned() }),
        mark(Some(1), 2_700, MarkKind::Cut { why: "503".to_owned() }),
        mark(Some(2), 2_700, MarkKind::Cut { why: "connection reset".to_owned() }),
        mark(Some(3), 2_700, MarkKind::Cut { why: "connection reset".to_owned() }),
        mark(Some(3), 4_400, MarkKind::GaveUp { why: "503".to_owned() }),
        mark(None, 4_400, MarkKind::Note { text: "server back <b>".to_owned() }),
        mark(Some(2), 5_400, MarkKind::Reset { epoch: Some("p2x8".to_owned()) }),
    ];
    trace
}

fn message(
    lane: u16,
    n: u64,
    direction: Direction,
    kind: Kind,
    client_ms: Option<i64>,
    server_ms: Option<i64>,
    events: &[u64],
) -> Message {
    Message {
        lane,
        n,
        direction,
        kind,
        client: client_ms.map(|ms| Moment::measured(ms * 1_000)),
        server: server_ms.map(|ms| Moment::measured(ms * 1_000)),
        socket_us: None,
        payload_bytes: 61 * events.len() as u32,
        overhead_bytes: 40,
        events: events.to_vec(),
        status: None,
        by_browser: false,
        lost: false,
        pieces: Vec::new(),
    }
}

fn span(lane: Option<u16>, kind: SpanKind, who: Who, from_ms: i64, to_ms: Option<i64>) -> Span {
    let moment = |ms: i64| Moment::measured(ms * 1_000);
    Span {
        lane,
        n: 1,
        kind,
        who,
        from: moment(from_ms),
        to: to_ms.map(moment),
        server_to: None,
        until_us: None,
    }
}

fn mark(lane: Option<u16>, at_ms: i64, kind: MarkKind) -> Mark {
    Mark { lane, at: Moment::measured(at_ms * 1_000), kind }
}
