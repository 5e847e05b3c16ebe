//! The exchange list: a row a message, with sizes that add up to the ledger's.

use serde::Serialize;
use standby_trace::{Direction, Kind, Trace};

/// One message, as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The message's number: its name in the trace.
    pub number: u64,
    /// Its lane, an index into `Trace::lanes`.
    pub lane: u16,
    /// Which of the lane's exchanges it belongs to.
    pub n: u64,
    /// The first moment that is known of it, in microseconds since the start.
    pub at_us: i64,
    /// Which way it went.
    pub direction: Direction,
    /// What it is, in words.
    pub kind: &'static str,
    /// An answer's status code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The bytes of the events' JSON.
    pub payload_bytes: u64,
    /// All its other bytes.
    pub overhead_bytes: u64,
    /// Both together.
    pub total_bytes: u64,
    /// The ids of the events that it carries.
    pub events: Vec<u64>,
    /// It never arrived.
    pub lost: bool,
    /// The browser sent it by itself.
    pub by_browser: bool,
}

/// All messages of a trace, in its order. Over the rows of a lane, bytes add up to the lane's ledger
/// (`Ledger::of`): a message is counted whether it arrived or not, since it was paid for.
#[must_use]
pub fn rows(trace: &Trace) -> Vec<Row> {
    let row = |(index, message): (usize, &standby_trace::Message)| {
        let (payload_bytes, overhead_bytes) =
            (u64::from(message.payload_bytes), u64::from(message.overhead_bytes));
        Row {
            number: trace.before.saturating_add(index as u64),
            lane: message.lane,
            n: message.n,
            at_us: message.first_us(),
            direction: message.direction,
            kind: kind_words(message.kind),
            status: message.status,
            payload_bytes,
            overhead_bytes,
            total_bytes: payload_bytes + overhead_bytes,
            events: message.events.clone(),
            lost: message.lost,
            by_browser: message.by_browser,
        }
    };
    trace.messages.iter().enumerate().map(row).collect()
}

/// What a kind of message is called.
#[must_use]
pub fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Request => "request",
        Kind::Preflight => "preflight",
        Kind::Publish => "publishing request",
        Kind::Answer => "answer",
        Kind::Open => "open",
        Kind::Event => "event",
        Kind::Gap => "gap",
        Kind::Reset => "reset",
        Kind::Send => "message to publish",
        Kind::Ping => "ping",
        Kind::Pong => "pong",
        Kind::Close => "close",
        Kind::KeepAlive => "comment",
        Kind::Refusal => "refusal",
        Kind::Other => "other",
    }
}
