//! The kinds of bytes: the answer to "what is overhead?".

use serde::Serialize;
use standby_trace::trace::Piece;

use crate::{Context, dissect};

/// What a byte is there for. Each byte of a piece belongs to exactly one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The JSON of events: what the whole effort is for, and all that the ledger calls payload.
    News,
    /// Method, target and version of a request (RFC 9112 §3).
    RequestLine,
    /// Version, code and reason of a response (RFC 9112 §4).
    StatusLine,
    /// A header with its line end (RFC 9112 §5).
    Header,
    /// A header that was, to the byte, in the head before this one of the same lane.
    SameHeader,
    /// A line end that stands for itself: after a head, after a line of an event stream.
    LineEnd,
    /// A chunk's size, its line ends, the last chunk (RFC 9112 §7.1).
    Chunk,
    /// A WebSocket frame's header without the key (RFC 6455 §5.2).
    FrameHeader,
    /// A client's masking key (RFC 6455 §5.3).
    MaskingKey,
    /// What a ping, a pong or a close frame carries (RFC 6455 §5.5).
    Control,
    /// JSON around the events: an answer's members.
    Envelope,
    /// The first words of a stream: the topic's life and last id.
    Hello,
    /// What a stream says of itself later on: a gap, a reset, an error.
    Notice,
    /// The names of an event stream's fields, and the values of `id` and `event` (HTML §9.2.6).
    SseField,
    /// How long a browser is to wait before it reconnects (HTML §9.2.6, `retry`).
    Retry,
    /// A comment of an event stream (HTML §9.2.6).
    Comment,
    /// What a client publishes. It is no news to the one who sends it.
    Publishing,
    /// Any other body: a problem's details, the answer to a publishing request.
    Body,
    /// Bytes that are none of these.
    Unread,
    /// Bytes that were counted and not kept.
    NotKept,
}

impl Class {
    /// All of them, in the order in which a bar shows them.
    pub const ALL: [Self; 20] = [
        Self::News,
        Self::RequestLine,
        Self::StatusLine,
        Self::Header,
        Self::SameHeader,
        Self::LineEnd,
        Self::Chunk,
        Self::FrameHeader,
        Self::MaskingKey,
        Self::Control,
        Self::Envelope,
        Self::Hello,
        Self::Notice,
        Self::SseField,
        Self::Retry,
        Self::Comment,
        Self::Publishing,
        Self::Body,
        Self::Unread,
        Self::NotKept,
    ];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::News => "news",
            Self::RequestLine => "request line",
            Self::StatusLine => "status line",
            Self::Header => "headers",
            Self::SameHeader => "headers as before",
            Self::LineEnd => "line ends",
            Self::Chunk => "chunk framing",
            Self::FrameHeader => "frame header",
            Self::MaskingKey => "masking key",
            Self::Control => "control data",
            Self::Envelope => "envelope",
            Self::Hello => "hello",
            Self::Notice => "notice",
            Self::SseField => "SSE fields",
            Self::Retry => "retry",
            Self::Comment => "comment",
            Self::Publishing => "what is published",
            Self::Body => "other body",
            Self::Unread => "not understood",
            Self::NotKept => "not kept",
        }
    }

    /// The same as one word, for style sheets: `same-header`.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::News => "news",
            Self::RequestLine => "request-line",
            Self::StatusLine => "status-line",
            Self::Header => "header",
            Self::SameHeader => "same-header",
            Self::LineEnd => "line-end",
            Self::Chunk => "chunk",
            Self::FrameHeader => "frame-header",
            Self::MaskingKey => "masking-key",
            Self::Control => "control",
            Self::Envelope => "envelope",
            Self::Hello => "hello",
            Self::Notice => "notice",
            Self::SseField => "sse-field",
            Self::Retry => "retry",
            Self::Comment => "comment",
            Self::Publishing => "publishing",
            Self::Body => "body",
            Self::Unread => "unread",
            Self::NotKept => "not-kept",
        }
    }

    /// Whether the ledger counts it as payload. All else is overhead.
    #[must_use]
    pub fn is_news(self) -> bool {
        self == Self::News
    }
}

/// How many bytes of each class there are in the pieces of a message, in the order of
/// [`Class::ALL`], those without a byte left out. The sums add up to the message's bytes.
#[must_use]
pub fn kinds(pieces: &[Piece], context: Context<'_>) -> Vec<(Class, u64)> {
    let mut sums = [0_u64; Class::ALL.len()];
    for piece in pieces {
        for run in dissect(piece, context).runs {
            sums[run.class as usize] += run.at.len() as u64;
        }
        let not_kept = &mut sums[Class::NotKept as usize];
        *not_kept = not_kept.saturating_add(piece.cut_bytes);
    }
    Class::ALL.into_iter().zip(sums).filter(|&(_, bytes)| bytes > 0).collect()
}
