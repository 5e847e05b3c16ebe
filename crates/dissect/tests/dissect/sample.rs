//! Pieces to dissect, and traces that could be anything.

use proptest::prelude::*;
use standby_dissect::{Class, Context, Dissection, Field, dissect};
use standby_trace::tap::{Part, Via};
use standby_trace::{Direction, Kind, Lane, Message, Moment, Piece, Source, Trace, Transport, carried};

pub(crate) fn piece(via: Via, direction: Direction, part: Part, bytes: impl AsRef<[u8]>) -> Piece {
    Piece { id: 0, via, direction, part, bytes: bytes.as_ref().to_vec(), cut_bytes: 0 }
}

pub(crate) fn read(via: Via, direction: Direction, part: Part, bytes: impl AsRef<[u8]>) -> Dissection {
    dissect(&piece(via, direction, part, bytes), Context::default())
}

/// The first field of a name.
pub(crate) fn field<'a>(dissection: &'a Dissection, name: &str) -> &'a Field {
    let found = dissection.fields.iter().find(|field| field.name == name);
    found.unwrap_or_else(|| panic!("no {name:?} in {:#?}", dissection.fields))
}

/// The bytes of each class, in order.
pub(crate) fn runs(dissection: &Dissection, bytes: &[u8]) -> Vec<(Class, String)> {
    let run = |run: &standby_dissect::Run| {
        (run.class, String::from_utf8_lossy(&bytes[run.at.clone()]).into_owned())
    };
    dissection.runs.iter().map(run).collect()
}

pub(crate) fn any_via() -> impl Strategy<Value = Via> {
    prop::sample::select(vec![
        Via::ShortPoll,
        Via::LongPoll,
        Via::WebSocket,
        Via::Sse,
        Via::Publish,
        Via::Preflight,
    ])
}

pub(crate) fn any_direction() -> impl Strategy<Value = Direction> {
    prop::sample::select(vec![Direction::ToServer, Direction::ToClient])
}

pub(crate) fn any_part() -> impl Strategy<Value = Part> {
    prop::sample::select(vec![
        Part::RequestHead,
        Part::RequestBody,
        Part::ResponseHead,
        Part::ResponseBody,
        Part::Chunk,
        Part::LastChunk,
        Part::Frame,
    ])
}

/// Bytes that look like something, put together at random, and any at all.
pub(crate) fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    const WORDS: [&str; 34] = [
        "GET ",
        "/a?after=4&n=%&=",
        " HTTP/1.1",
        "HTTP/1.1 ",
        "101 Switching Protocols",
        "200",
        "\r\n",
        "\n",
        "\r",
        "\r\n\r\n",
        "Host: localhost",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "Content-Type: text/event-stream",
        ":",
        ": ",
        ";",
        "5\r\nhello\r\n",
        "0\r\n\r\n",
        "2f",
        "data: ",
        "event: hello\n",
        "id: k3f9:5\n",
        "retry: 2000\n\n",
        "{\"id\":5,\"data\":\"x\",\"published_at\":1}",
        "{\"epoch\":\"k3f9\",\"last_id\":5,\"events\":[",
        "]}",
        ",",
        "{\"hello\":{\"epoch\":null,\"last_id\":0}}",
        "{\"gap\":{\"from\":1,\"to\":2}}",
        "{\"data\":\"hi\"}",
        "\u{fe}",
        "é",
        "\0",
        " ",
    ];
    let word = prop_oneof![
        6 => prop::sample::select(WORDS.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => prop::sample::select(vec![vec![0x81, 0x24], vec![0x81, 0x7e, 0, 0x24], vec![0xc1, 0xff], vec![0x88, 0x82, 1, 2, 3, 4, 2, 3]]),
    ];
    prop::collection::vec(word, 0..12).prop_map(|words| words.concat())
}

/// A trace with any messages in any order, whose sizes are those of their pieces.
pub(crate) fn any_trace() -> impl Strategy<Value = Trace> {
    let part = (any_via(), any_part(), any_bytes(), 0..3_u64);
    let message = (
        (0..4_u16, 0..4_u64, any_direction(), any_kind(), prop::collection::vec(part, 0..4)),
        (prop::option::of(any::<i64>()), prop::option::of(-10..5_000_000_i64)),
        (prop::collection::vec(0..9_u64, 0..3), prop::option::of(any::<u16>()), any::<bool>(), any::<bool>()),
    );
    let messages = prop::collection::vec(message, 0..24);
    (any::<u64>(), prop::sample::select(vec![0, 1_764_000_005_900, u64::MAX]), messages).prop_map(
        |(before, began_at_ms, messages)| {
            let mut trace = Trace { before, began_at_ms, ..empty() };
            for (
                (lane, n, direction, kind, parts),
                (client, socket_us),
                (events, status, lost, by_browser),
            ) in messages
            {
                let (mut payload, mut total, mut pieces) = (0, 0, Vec::new());
                for (via, part, bytes, cut_bytes) in parts {
                    payload += carried(via, direction, part, &bytes).payload_bytes;
                    total += bytes.len() as u32 + cut_bytes as u32;
                    let id = trace.wire.len() as u64;
                    pieces.push(id);
                    trace.wire.push(Piece { id, via, direction, part, bytes, cut_bytes });
                }
                trace.messages.push(Message {
                    lane,
                    n,
                    direction,
                    kind,
                    client: client.map(Moment::measured),
                    server: None,
                    socket_us,
                    payload_bytes: payload,
                    overhead_bytes: total - payload,
                    events,
                    status,
                    by_browser,
                    lost,
                    pieces,
                });
            }
            trace
        },
    )
}

fn any_kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![
        Kind::Request,
        Kind::Preflight,
        Kind::Publish,
        Kind::Answer,
        Kind::Open,
        Kind::Event,
        Kind::Send,
        Kind::Close,
        Kind::Refusal,
        Kind::Other,
    ])
}

/// Three lanes, and nothing happened yet.
pub(crate) fn empty() -> Trace {
    let lane = |transport: Transport, sub: &str| Lane { sub: sub.to_owned(), transport, outside: false };
    Trace {
        v: 1,
        source: Source::Recorded,
        scenario: serde_json::from_str(
            r#"{"v":1,"lanes":[{"transport":"sse","retry_ms":1000}],"publish":{"every_ms":0}}"#,
        )
        .unwrap(),
        began_at_ms: 1_764_000_005_900,
        until_us: 5_000_000,
        clock_error_us: None,
        lanes: vec![
            lane(Transport::ShortPoll, "poll"),
            lane(Transport::WebSocket, "ws"),
            lane(Transport::Sse, "sse"),
        ],
        published: Vec::new(),
        before: 0,
        messages: Vec::new(),
        spans: Vec::new(),
        marks: Vec::new(),
        crowd: Vec::new(),
        wire: Vec::new(),
    }
}
