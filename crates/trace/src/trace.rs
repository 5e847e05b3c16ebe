//! The record of what happened in an experiment.
//!
//! All times are microseconds since the experiment's start, on the clock of the end that ran it
//! (live: the browser's). A server's times have been brought onto it by [`crate::clock`].

use serde::{Deserialize, Serialize};

use crate::crowd::CrowdRun;
use crate::scenario::{Scenario, Transport};
use crate::tap::{Part, Via, base64_bytes};

/// The version that this code reads and writes.
pub const VERSION: u32 = 1;

/// Where a trace comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// This browser and a server.
    Live,
    /// The model.
    Simulated,
    /// A file of an earlier live run.
    Recorded,
}

/// The record of a run, version 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trace {
    /// Always 1.
    pub v: u32,
    /// Where it comes from.
    pub source: Source,
    /// What was run.
    pub scenario: Scenario,
    /// Time 0, in milliseconds since 1970.
    pub began_at_ms: u64,
    /// How far the trace reaches.
    pub until_us: i64,
    /// How far a server's time may be off on this axis; `None` where there was one clock only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_error_us: Option<u64>,
    /// Who subscribed.
    pub lanes: Vec<Lane>,
    /// What was published, in order of id within a life of the topic.
    pub published: Vec<Published>,
    /// Messages that had left a live run's window before the first one here. A message's number is
    /// this plus its index: it stays its name while the window moves.
    #[serde(skip_serializing_if = "is_zero")]
    pub before: u64,
    /// What went over the wire, in the order in which it became known: live, that is the order of
    /// the first moments but for what the two ends learned within a few milliseconds.
    pub messages: Vec<Message>,
    /// What lasted.
    pub spans: Vec<Span>,
    /// What happened at one moment.
    pub marks: Vec<Mark>,
    /// What crowds of real connections did beside the lanes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub crowd: Vec<CrowdRun>,
    /// The bytes of the messages, in order of id, as far as they are kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wire: Vec<Piece>,
}

impl Trace {
    /// The message of a number, if it is still here.
    #[must_use]
    pub fn message(&self, number: u64) -> Option<&Message> {
        self.messages.get(usize::try_from(number.checked_sub(self.before)?).ok()?)
    }

    /// The same without its bytes.
    #[must_use]
    pub fn without_wire(&self) -> Self {
        Self {
            v: self.v,
            source: self.source,
            scenario: self.scenario.clone(),
            began_at_ms: self.began_at_ms,
            until_us: self.until_us,
            clock_error_us: self.clock_error_us,
            lanes: self.lanes.clone(),
            published: self.published.clone(),
            before: self.before,
            messages: self.messages.clone(),
            spans: self.spans.clone(),
            marks: self.marks.clone(),
            crowd: self.crowd.clone(),
            wire: Vec::new(),
        }
    }

    /// The piece of an id, if its bytes are kept.
    #[must_use]
    pub fn piece(&self, id: u64) -> Option<&Piece> {
        let at = self.wire.binary_search_by_key(&id, |piece| piece.id).ok()?;
        self.wire.get(at)
    }
}

/// A part of a message as it stood on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// Its number in this trace, ascending; it stays its name while the window moves.
    pub id: u64,
    /// What the exchange is for.
    pub via: Via,
    /// Which way it went.
    pub direction: Direction,
    /// Which part of the conversation it is.
    pub part: Part,
    /// The bytes, in base64 (RFC 4648 §4).
    #[serde(serialize_with = "base64_bytes::serialize")]
    pub bytes: Vec<u8>,
    /// Bytes of it that were not kept.
    #[serde(skip_serializing_if = "is_zero")]
    pub cut_bytes: u64,
}

// Not an expectation: where pointers have 32 bits clippy has nothing to say.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// One subscriber of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// Its label (`sub`).
    pub sub: String,
    /// Its transport.
    pub transport: Transport,
    /// It is not the page's own: a terminal, another tab. Only the server's end of it is known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub outside: bool,
}

/// When, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Moment {
    /// Microseconds since the experiment's start.
    pub at_us: i64,
    /// Not seen by the end that it happened at, but concluded from what the other end saw.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub inferred: bool,
}

impl Moment {
    /// A moment that the end it happened at has seen.
    #[must_use]
    pub fn measured(at_us: i64) -> Self {
        Self { at_us, inferred: false }
    }

    /// A moment that was concluded.
    #[must_use]
    pub fn inferred(at_us: i64) -> Self {
        Self { at_us, inferred: true }
    }
}

/// An event as it came to the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Published {
    /// Its number.
    pub id: u64,
    /// When the server took it.
    pub at_us: i64,
    /// Which life of the topic it belongs to: 0 the first of this trace, +1 with each reset.
    #[serde(skip_serializing_if = "is_first")]
    pub life: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_first(life: &u32) -> bool {
    *life == 0
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A request: a poll, a stream's GET, a WebSocket's handshake.
    Request,
    /// A question of the browser's own before a request (CORS).
    Preflight,
    /// A request that publishes.
    Publish,
    /// The whole answer to a poll or to a publishing request. It carries `events`, or none.
    Answer,
    /// A stream's response head, or a WebSocket's 101, with the hello that follows it.
    Open,
    /// Events on an open stream.
    Event,
    /// A gap on an open stream.
    Gap,
    /// A reset on an open stream.
    Reset,
    /// A WebSocket message that publishes.
    Send,
    /// A WebSocket ping.
    Ping,
    /// A WebSocket pong.
    Pong,
    /// A WebSocket close frame, or a stream's last chunk.
    Close,
    /// A comment on an SSE stream.
    KeepAlive,
    /// An answer that refuses: any status of 400 and over, or an error frame.
    Refusal,
    /// Anything else.
    Other,
}

impl Kind {
    /// All of them, in their order.
    pub const ALL: [Self; 15] = [
        Self::Request,
        Self::Preflight,
        Self::Publish,
        Self::Answer,
        Self::Open,
        Self::Event,
        Self::Gap,
        Self::Reset,
        Self::Send,
        Self::Ping,
        Self::Pong,
        Self::Close,
        Self::KeepAlive,
        Self::Refusal,
        Self::Other,
    ];
}

/// One message on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Which lane.
    pub lane: u16,
    /// Which of the lane's exchanges (requests, sockets, streams).
    pub n: u64,
    /// Which way.
    pub direction: Direction,
    /// What it is.
    pub kind: Kind,
    /// When it left or reached the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Moment>,
    /// When it left or reached the application in the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Moment>,
    /// When the server's socket gave it or took it: what a packet capture would say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket_us: Option<i64>,
    /// The JSON of the events that it carries, in bytes.
    pub payload_bytes: u32,
    /// All its other bytes.
    pub overhead_bytes: u32,
    /// The ids of the events that it carries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<u64>,
    /// An answer's status code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The browser sent it by itself: a request that was cut before its answer, sent again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_browser: bool,
    /// Never arrived: its connection was cut.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
    /// The ids of its pieces in [`Trace::wire`], in order. Their bytes add up to the two sums here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pieces: Vec<u64>,
}

impl Message {
    /// The first moment that is known of it.
    #[must_use]
    pub fn first_us(&self) -> i64 {
        let ends = [self.client.map(|m| m.at_us), self.server.map(|m| m.at_us), self.socket_us];
        ends.into_iter().flatten().min().unwrap_or(0)
    }

    /// The last moment that is known of it.
    #[must_use]
    pub fn last_us(&self) -> i64 {
        let ends = [self.client.map(|m| m.at_us), self.server.map(|m| m.at_us), self.socket_us];
        ends.into_iter().flatten().max().unwrap_or(0)
    }

    /// An answer that brought nothing.
    #[must_use]
    pub fn is_empty_answer(&self) -> bool {
        self.kind == Kind::Answer && self.events.is_empty() && !self.lost
    }
}

/// Who does or waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// Our own code in the page.
    Client,
    /// The browser, by its own rules.
    Browser,
    /// The server.
    Server,
}

/// What lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpanKind {
    /// A connection is open: a WebSocket, a stream.
    Open,
    /// A request is held.
    Held,
    /// After a cut: nobody tries until it is over.
    Waiting,
    /// A fault is at work on the topic.
    Fault,
}

/// Something that lasted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// Which lane; `None` for what concerns all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lane: Option<u16>,
    /// Which exchange; 0 for none.
    pub n: u64,
    /// What lasted.
    pub kind: SpanKind,
    /// Whose doing it was.
    pub who: Who,
    /// Its start.
    pub from: Moment,
    /// Its end at the client; `None` while it lasts there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Moment>,
    /// Its end at the server, where that is known. Between the two ends one side believes in a
    /// connection that the other no longer has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_to: Option<Moment>,
    /// When it will end, where that is known while it lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_us: Option<i64>,
}

/// What happened at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum MarkKind {
    /// A connection, or a request under way, was cut.
    Cut {
        /// Who says so, in words: `connection reset`, `close code 1001`, `503`.
        why: String,
    },
    /// Events that history no longer holds.
    Gap {
        /// The first missing id.
        from: u64,
        /// The last missing id.
        to: u64,
    },
    /// The topic began a new life.
    Reset {
        /// Its epoch.
        epoch: Option<String>,
    },
    /// A reconnect went on from a position, and these came from history.
    Recovered {
        /// The position that it went on from, as it was sent.
        after: String,
        /// The first id that history gave; 0 for none.
        from: u64,
        /// The last.
        to: u64,
    },
    /// This lane will not come back by itself.
    GaveUp {
        /// Why, in words.
        why: String,
    },
    /// Someone did something: `dropped all connections`, `server gone`, `server back`.
    Note {
        /// What.
        text: String,
    },
}

/// Something that happened at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// Which lane; `None` for what concerns all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lane: Option<u16>,
    /// When.
    pub at: Moment,
    /// What.
    #[serde(flatten)]
    pub kind: MarkKind,
}
