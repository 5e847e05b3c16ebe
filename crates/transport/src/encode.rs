//! What a server writes to subscribers: an event's text, made once and shared by everyone who is
//! sent it, and frames as Server-Sent Events (HTML §9.2.5). The simulator writes the same bytes.

use std::fmt::Write as _;
use std::ops::Range;

use serde_json::value::RawValue;

use crate::event::{Frame, Gap, Hello, Reset};
use crate::position::Epoch;

/// An event as text.
///
/// One topic may have thousands of subscribers on four transports. Each is sent the same JSON, so it
/// is made when the event is published and never again. The text is the whole SSE event, and the
/// JSON for polls and WebSockets is a part of it:
///
/// ```text
/// id: k3f9:5
/// data: {"id":5,"data":{"price":101.25},"published_at":1764000005900}
///       └──────────────────────── json() ───────────────────────────┘
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct EncodedEvent {
    id: u64,
    published_at: u64,
    sse: Box<str>,
    json: Range<usize>,
}

impl EncodedEvent {
    /// Encodes an event of the life `epoch` of a topic.
    ///
    /// Whitespace between the tokens of `data` is left out: an SSE `data:` line ends at the first
    /// line break, and the JSON must be the same on every transport. All else stays as the publisher
    /// wrote it; numbers above all, which a detour over `f64` would change.
    #[must_use]
    pub fn new(epoch: &Epoch, id: u64, data: &RawValue, published_at: u64) -> Self {
        let mut sse = String::with_capacity(data.get().len() + 96);
        // Writing to a `String` cannot fail.
        let _ = write!(sse, "id: {epoch}:{id}\ndata: ");
        let start = sse.len();
        let _ = write!(sse, "{{\"id\":{id},\"data\":");
        push_compact(&mut sse, data.get());
        let _ = write!(sse, ",\"published_at\":{published_at}}}");
        let json = start..sse.len();
        sse.push_str("\n\n");
        Self { id, published_at, sse: sse.into_boxed_str(), json }
    }

    /// Its number in the topic.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// When the server took it, in milliseconds since 1970.
    #[must_use]
    pub fn published_at(&self) -> u64 {
        self.published_at
    }

    /// What a WebSocket's frame and an answer to a poll carry.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.sse[self.json.clone()]
    }

    /// What an event stream carries, with its `id:` and the empty line that ends it.
    #[must_use]
    pub fn sse(&self) -> &str {
        &self.sse
    }

    /// The text that it holds in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.sse.len()
    }
}

/// Copies JSON without the whitespace between its tokens.
fn push_compact(out: &mut String, json: &str) {
    let (mut in_string, mut escaped, mut copied) = (false, false, 0);
    for (at, byte) in json.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
        } else if byte == b'"' {
            in_string = true;
        } else if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            out.push_str(&json[copied..at]);
            copied = at + 1;
        }
    }
    out.push_str(&json[copied..]);
}

/// The first thing on an event stream: how long the browser is to wait before it reconnects.
///
/// To be written in one piece with the hello. By the letter of HTML §9.2.6 its empty line sets the
/// last event ID to that of the new stream, which has none yet; a browser that was cut between the
/// two would have to start over from its URL.
#[must_use]
pub fn sse_retry(retry_ms: u32) -> String {
    format!("retry: {retry_ms}\n\n")
}

/// A comment (HTML §9.2.6: a line that begins with a colon), which no page ever sees. It keeps
/// middleboxes from taking a silent stream for a dead one.
pub const SSE_KEEP_ALIVE: &str = ":\n\n";

impl Frame {
    /// The frame as an event of an event stream.
    ///
    /// `epoch` is the life of the topic that events and gaps belong to; a hello and a reset bring
    /// their own. Every one of them has an `id:`, so that a browser that reconnects after it goes on
    /// from there. On event streams nothing is published, so a [`Frame::Error`] has no place in the
    /// contract; it is written as an event of the type `refused`, which no client takes for news. Nor
    /// has a heartbeat: it is written as the comment that stands for one there.
    #[must_use]
    pub fn to_sse(&self, epoch: Option<&Epoch>) -> String {
        let json = self.to_json();
        match self {
            Self::Event(event) => format!("id: {}\ndata: {json}\n\n", Id(epoch, event.id)),
            Self::Hello(Hello { epoch, last_id }) => named("hello", epoch.as_ref(), *last_id, &json),
            Self::Gap(Gap { to, .. }) => named("gap", epoch, *to, &json),
            Self::Reset(Reset { epoch, last_id }) => named("reset", epoch.as_ref(), *last_id, &json),
            Self::Heartbeat(_) => SSE_KEEP_ALIVE.to_owned(),
            Self::Error { .. } => format!("event: refused\ndata: {json}\n\n"),
        }
    }
}

/// An SSE event with a type. Its data is what is inside the frame's one member: the type is said
/// already.
fn named(name: &str, epoch: Option<&Epoch>, id: u64, json: &str) -> String {
    let inside = &json[name.len() + r#"{"":"#.len()..json.len() - 1];
    format!("event: {name}\nid: {}\ndata: {inside}\n\n", Id(epoch, id))
}

/// `epoch:n`, or `n` where the topic has no life yet.
struct Id<'a>(Option<&'a Epoch>, u64);

impl std::fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(epoch) => write!(f, "{epoch}:{}", self.1),
            None => write!(f, "{}", self.1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;

    fn epoch() -> Epoch {
        "k3f9".parse().unwrap()
    }

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn an_event_is_encoded_once_for_all_transports() {
        let event = EncodedEvent::new(&epoch(), 5, &raw(r#"{"price":101.250}"#), 1_764_000_005_900);
        let json = r#"{"id":5,"data":{"price":101.250},"published_at":1764000005900}"#;
        assert_eq!(event.json(), json);
        assert_eq!(event.sse(), format!("id: k3f9:5\ndata: {json}\n\n"));
    }

    #[test]
    fn an_encoded_event_and_a_frame_have_the_same_bytes() {
        let data = raw(r#"["\u0000","\"",1e400,{"a":null}]"#);
        let encoded = EncodedEvent::new(&epoch(), 7, &data, 8);
        let frame = Frame::Event(Event { id: 7, data: data.into(), published_at: 8 });
        assert_eq!(encoded.json(), frame.to_json());
        assert_eq!(encoded.sse(), frame.to_sse(Some(&epoch())));
    }

    #[test]
    fn only_whitespace_between_tokens_is_left_out() {
        let pretty = "{\r\n\t\"a b\" : [ 1.0 , \"c\\\" d\\\\\" , true ]\n}";
        let event = EncodedEvent::new(&epoch(), 1, &raw(pretty), 0);
        assert_eq!(event.json(), r#"{"id":1,"data":{"a b":[1.0,"c\" d\\",true]},"published_at":0}"#);
    }

    #[test]
    fn a_stream_is_written_to_the_byte_as_the_contract_has_it() {
        let hello = Frame::Hello(Hello { epoch: Some(epoch()), last_id: 4 });
        assert_eq!(
            hello.to_sse(None),
            "event: hello\nid: k3f9:4\ndata: {\"epoch\":\"k3f9\",\"last_id\":4}\n\n"
        );
        let unborn = Frame::Hello(Hello { epoch: None, last_id: 0 });
        assert_eq!(unborn.to_sse(None), "event: hello\nid: 0\ndata: {\"epoch\":null,\"last_id\":0}\n\n");
        let gap = Frame::Gap(Gap { from: 5, to: 9 });
        assert_eq!(gap.to_sse(Some(&epoch())), "event: gap\nid: k3f9:9\ndata: {\"from\":5,\"to\":9}\n\n");
        let reset = Frame::Reset(Reset { epoch: Some(epoch()), last_id: 2 });
        assert_eq!(
            reset.to_sse(None),
            "event: reset\nid: k3f9:2\ndata: {\"epoch\":\"k3f9\",\"last_id\":2}\n\n"
        );
        assert_eq!(sse_retry(1_500), "retry: 1500\n\n");
    }
}
