//! What the bytes of one part of a conversation are: news, or what carries the news.
//!
//! **Payload** is the JSON of the events, as the topic keeps it. All other bytes are **overhead**:
//! heads, chunk sizes, frame headers, field names, envelopes, hellos, comments.
//! These functions take any bytes: they never panic, and what they can't read is overhead.

use std::ops::Range;

use crate::json::Value;
use crate::tap::{Part, Via};
use crate::trace::{Direction, Kind};

/// What one part of a conversation carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// What it is.
    pub kind: Kind,
    /// The ids of the events in it.
    pub events: Vec<u64>,
    /// The bytes of their JSON.
    pub payload_bytes: u32,
    /// Where that JSON stands in the bytes that were read, in order.
    pub news: Vec<Range<usize>>,
    /// A response head's status code.
    pub status: Option<u16>,
}

impl Carried {
    fn nothing(kind: Kind) -> Self {
        Self { kind, events: Vec::new(), payload_bytes: 0, news: Vec::new(), status: None }
    }

    /// Ranges of addresses become ranges of these bytes.
    fn within(mut self, bytes: &[u8]) -> Self {
        let base = bytes.as_ptr() as usize;
        for range in &mut self.news {
            *range = range.start.saturating_sub(base)..range.end.saturating_sub(base);
        }
        self
    }
}

/// What a part as it stands on the wire carries.
#[must_use]
pub fn carried(via: Via, direction: Direction, part: Part, bytes: &[u8]) -> Carried {
    let carried = match part {
        Part::RequestHead | Part::RequestBody => Carried::nothing(request_kind(via)),
        Part::ResponseHead => response_head(via, bytes),
        Part::ResponseBody => body(via, direction, bytes),
        Part::Chunk => body(via, direction, chunk_data(bytes)),
        Part::LastChunk => Carried::nothing(Kind::Close),
        Part::Frame => frame(via, direction, bytes),
    };
    carried.within(bytes)
}

/// What bytes carry that the application hands over: a body or a piece of one, or the text of a
/// WebSocket message, without chunk or frame headers.
#[must_use]
pub fn carried_body(via: Via, direction: Direction, bytes: &[u8]) -> Carried {
    body(via, direction, bytes).within(bytes)
}

/// The same, but for [`Carried::news`]: these are addresses, since a body is a part of a part.
fn body(via: Via, direction: Direction, bytes: &[u8]) -> Carried {
    match (via, direction) {
        (Via::ShortPoll | Via::LongPoll, Direction::ToClient) => answer(bytes),
        (Via::Publish, Direction::ToClient) => Carried::nothing(Kind::Answer),
        (Via::Preflight, _) => Carried::nothing(Kind::Preflight),
        (Via::WebSocket, Direction::ToClient) => object(bytes),
        (Via::WebSocket, Direction::ToServer) => Carried::nothing(Kind::Send),
        (Via::Sse, Direction::ToClient) => event_stream(bytes),
        (_, Direction::ToServer) => Carried::nothing(request_kind(via)),
    }
}

fn request_kind(via: Via) -> Kind {
    match via {
        Via::Publish => Kind::Publish,
        Via::Preflight => Kind::Preflight,
        _ => Kind::Request,
    }
}

/// `HTTP/1.1 200 OK`: the status stands in columns 9 to 11 (RFC 9112 §4).
fn response_head(via: Via, bytes: &[u8]) -> Carried {
    let status: Option<u16> = bytes
        .get(9..12)
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .and_then(|text| text.parse().ok());
    let kind = match (via, status) {
        (Via::Preflight, _) => Kind::Preflight,
        (_, Some(400..)) => Kind::Refusal,
        (Via::WebSocket, Some(101)) | (Via::Sse, Some(200)) => Kind::Open,
        (Via::ShortPoll | Via::LongPoll | Via::Publish, Some(200..=399)) => Kind::Answer,
        _ => Kind::Other,
    };
    Carried { status, ..Carried::nothing(kind) }
}

/// The body of an answer to a poll.
fn answer(bytes: &[u8]) -> Carried {
    // Problem details (RFC 9457) have no `events`.
    let tree = str::from_utf8(bytes).ok().and_then(|text| Value::parse(text).ok());
    let Some(events) = tree.as_ref().and_then(|tree| tree.get("events")?.as_list()) else {
        return Carried::nothing(Kind::Refusal);
    };
    let mut carried = Carried::nothing(Kind::Answer);
    for event in events {
        carried.news(event);
    }
    carried
}

/// One JSON object from the server, as a frame or in an SSE event.
fn object(bytes: &[u8]) -> Carried {
    let Some(tree) = str::from_utf8(bytes).ok().and_then(|text| Value::parse(text).ok()) else {
        return Carried::nothing(Kind::Other);
    };
    if tree.get("id").is_some() {
        let mut carried = Carried::nothing(Kind::Event);
        carried.news(&tree);
        return carried;
    }
    let kinds = [
        ("hello", Kind::Open),
        ("gap", Kind::Gap),
        ("reset", Kind::Reset),
        ("heartbeat", Kind::KeepAlive),
        ("error", Kind::Refusal),
    ];
    let kind = kinds.into_iter().find(|(name, _)| tree.get(name).is_some());
    Carried::nothing(kind.map_or(Kind::Other, |(_, kind)| kind))
}

/// A piece of an event stream, as our server cuts it: whole events and comments (HTML §9.2.5).
fn event_stream(bytes: &[u8]) -> Carried {
    // Where several come in one piece it is named after the one that says most.
    fn rank(kind: Kind) -> u8 {
        match kind {
            Kind::Event => 5,
            Kind::Reset => 4,
            Kind::Gap => 3,
            Kind::Open => 2,
            Kind::KeepAlive => 1,
            _ => 0,
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Carried::nothing(Kind::Other);
    };
    if text.starts_with('{') {
        // Problem details in place of a stream.
        return Carried::nothing(Kind::Refusal);
    }
    let mut whole = Carried::nothing(Kind::Other);
    let mut lines = text.lines().peekable();
    while lines.peek().is_some() {
        let (mut event_type, mut data, mut kind) = ("", None, Kind::KeepAlive);
        let mut is_empty = true;
        // An empty line ends an event, or a comment.
        for line in lines.by_ref().take_while(|line| !line.is_empty()) {
            is_empty = false;
            match line.split_once(':') {
                Some(("event", value)) => event_type = value.strip_prefix(' ').unwrap_or(value),
                Some(("data", value)) => data = Some(value.strip_prefix(' ').unwrap_or(value)),
                Some(("retry", _)) => kind = Kind::Open,
                _ => {}
            }
        }
        if is_empty {
            continue;
        }
        match (event_type, data) {
            ("hello", _) => kind = Kind::Open,
            ("gap", _) => kind = Kind::Gap,
            ("reset", _) => kind = Kind::Reset,
            ("" | "message", Some(json)) => {
                kind = Kind::Event;
                if let Ok(event) = Value::parse(json) {
                    whole.news(&event);
                }
            }
            _ => {}
        }
        if rank(kind) > rank(whole.kind) {
            whole.kind = kind;
        }
    }
    whole
}

impl Carried {
    /// Counts one event.
    fn news(&mut self, event: &Value<'_>) {
        if let Some(id) = event.get("id").and_then(Value::as_u64) {
            let json = event.text();
            self.events.push(id);
            // The text is borrowed from the bytes, so where it lies tells where it stands in them.
            let from = json.as_ptr() as usize;
            self.news.push(from..from.saturating_add(json.len()));
            self.payload_bytes =
                self.payload_bytes.saturating_add(u32::try_from(json.len()).unwrap_or(u32::MAX));
        }
    }
}

/// A chunk without its size line and its line end (RFC 9112 §7.1).
fn chunk_data(bytes: &[u8]) -> &[u8] {
    let Some(line_end) = bytes.windows(2).position(|two| two == b"\r\n") else { return &[] };
    let data = &bytes[line_end + 2..];
    data.strip_suffix(b"\r\n").unwrap_or(data)
}

/// One WebSocket frame (RFC 6455 §5.2).
fn frame(via: Via, direction: Direction, bytes: &[u8]) -> Carried {
    let other = Carried::nothing(Kind::Other);
    let (Some(&first), Some(&second)) = (bytes.first(), bytes.get(1)) else { return other };
    let header_bytes = match second & 0x7f {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    match first & 0x0f {
        0x1 if second & 0x80 == 0 => match bytes.get(header_bytes..) {
            Some(text) => body(via, direction, text),
            None => other,
        },
        // A client's text is masked, and is the client's own: there is no news of the topic in it.
        0x1 => Carried::nothing(Kind::Send),
        0x8 => Carried::nothing(Kind::Close),
        0x9 => Carried::nothing(Kind::Ping),
        0xa => Carried::nothing(Kind::Pong),
        _ => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVENT: &str = r#"{"id":5,"data":{"price":101.25},"published_at":1764000005900}"#;

    fn part(via: Via, part: Part, bytes: &str) -> Carried {
        carried(via, Direction::ToClient, part, bytes.as_bytes())
    }

    #[test]
    fn an_answers_payload_is_its_events_json_and_no_envelope() {
        let body = format!(r#"{{"epoch":"k3f9","events":[{EVENT},{EVENT}],"last_id":5}}"#);
        let carried = part(Via::LongPoll, Part::ResponseBody, &body);
        assert_eq!((carried.kind, carried.events.as_slice()), (Kind::Answer, &[5, 5][..]));
        assert_eq!(carried.payload_bytes as usize, 2 * EVENT.len());
    }

    #[test]
    fn an_empty_answer_has_no_payload() {
        let carried = part(Via::ShortPoll, Part::ResponseBody, r#"{"epoch":null,"events":[],"last_id":0}"#);
        assert_eq!(carried, Carried::nothing(Kind::Answer));
    }

    #[test]
    fn a_chunk_of_a_stream_gives_its_events() {
        let data = format!("id: k3f9:5\ndata: {EVENT}\n\n");
        let chunk = format!("{:x}\r\n{data}\r\n", data.len());
        let carried = part(Via::Sse, Part::Chunk, &chunk);
        assert_eq!((carried.kind, carried.payload_bytes as usize), (Kind::Event, EVENT.len()));
    }

    #[test]
    fn a_hello_with_its_retry_opens() {
        let data = "retry: 2000\n\nevent: hello\nid: k3f9:4\ndata: {\"epoch\":\"k3f9\",\"last_id\":4}\n\n";
        assert_eq!(carried_body(Via::Sse, Direction::ToClient, data.as_bytes()).kind, Kind::Open);
        assert_eq!(carried_body(Via::Sse, Direction::ToClient, b":\n\n").kind, Kind::KeepAlive);
    }

    #[test]
    fn news_is_told_where_it_stands() {
        let body = format!("{{\"events\":[{EVENT}, {EVENT}]}}");
        let chunk = format!("{:x}\r\n{body}\r\n", body.len());
        for (part, bytes) in [(Part::ResponseBody, &body), (Part::Chunk, &chunk)] {
            let carried = carried(Via::ShortPoll, Direction::ToClient, part, bytes.as_bytes());
            assert_eq!(carried.news.len(), 2);
            assert!(carried.news.iter().all(|range| &bytes[range.clone()] == EVENT), "{:?}", carried.news);
        }
    }

    #[test]
    fn a_servers_frame_is_two_bytes_of_header_and_the_news() {
        let mut bytes = vec![0x81, u8::try_from(EVENT.len()).unwrap()];
        bytes.extend_from_slice(EVENT.as_bytes());
        let carried = carried(Via::WebSocket, Direction::ToClient, Part::Frame, &bytes);
        assert_eq!((carried.kind, carried.events.as_slice()), (Kind::Event, &[5][..]));
        assert_eq!(carried.payload_bytes as usize, bytes.len() - 2);
    }

    #[test]
    fn control_frames_are_told_by_their_opcode() {
        for (first, kind) in
            [(0x88, Kind::Close), (0x89, Kind::Ping), (0x8a, Kind::Pong), (0x82, Kind::Other)]
        {
            assert_eq!(carried(Via::WebSocket, Direction::ToClient, Part::Frame, &[first, 0]).kind, kind);
        }
    }

    #[test]
    fn a_status_tells_what_a_head_is() {
        for (via, line, kind) in [
            (Via::ShortPoll, "HTTP/1.1 304 Not Modified", Kind::Answer),
            (Via::Sse, "HTTP/1.1 200 OK", Kind::Open),
            (Via::Sse, "HTTP/1.1 503 Service Unavailable", Kind::Refusal),
            (Via::WebSocket, "HTTP/1.1 101 Switching Protocols", Kind::Open),
            (Via::WebSocket, "HTTP/1.1", Kind::Other),
        ] {
            assert_eq!(part(via, Part::ResponseHead, line).kind, kind, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_payload_is_never_more_than_there_is(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            via in prop::sample::select(vec![Via::ShortPoll, Via::LongPoll, Via::WebSocket, Via::Sse, Via::Publish]),
            part in prop::sample::select(vec![Part::RequestHead, Part::ResponseHead, Part::ResponseBody, Part::Chunk, Part::LastChunk, Part::Frame]),
        ) {
            let carried = carried(via, Direction::ToClient, part, &bytes);
            prop_assert!(carried.payload_bytes as usize <= bytes.len());
            prop_assert_eq!(carried.news.iter().map(ExactSizeIterator::len).sum::<usize>(), carried.payload_bytes as usize);
        }
    }
}
