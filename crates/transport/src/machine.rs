//! The shape that all four transports share: what a machine is told, and what it says.
//!
//! A driver's loop is the same for each of them:
//!
//! 1. something arrives, or the time that [`Machine::wake_at`] named has come;
//! 2. it calls [`Machine::step`] with the time and the [`Input`];
//! 3. it does every [`Output::Do`] and passes on every [`Output::Tell`], in order.
//!
//! Every exchange (a request, a socket, an `EventSource`) has a number `n` that the machine gives
//! out, +1 each, from 1. It is in the URL too (`n=17`), so that what either end saw of an exchange
//! can be laid side by side. An input about an exchange that the machine has let go is ignored:
//! I/O is always a little behind.

use crate::event::{Event, Gap, Hello, Reset};
use crate::position::Position;

/// The client side of one transport, without I/O and without a clock.
///
/// Times are microseconds on any clock that never goes back; its zero is the driver's choice.
pub trait Machine {
    /// Takes in what happened at `now_us` and appends to `out` what follows from it.
    fn step(&mut self, now_us: u64, input: Input<'_>, out: &mut Vec<Output>);

    /// When to call [`Machine::step`] with [`Input::Wake`], if nothing arrives before.
    fn wake_at(&self) -> Option<u64>;

    /// The last id that this subscriber has; `None` until the server has told it where it stands.
    fn position(&self) -> Option<&Position>;
}

/// What a machine is told. `n` is the exchange's number, as the machine gave it out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Input<'a> {
    /// Begin; or go on after [`Input::Stop`], from the position reached.
    Start,
    /// The time has come that [`Machine::wake_at`] named.
    Wake,
    /// Let go of every exchange and timer. The position is kept.
    Stop,
    /// The head of an HTTP answer.
    Head {
        /// Which exchange.
        n: u64,
        /// The status code.
        status: u16,
        /// `Content-Type`, where there is one.
        content_type: Option<&'a str>,
        /// `ETag`, where there is one.
        etag: Option<&'a str>,
        /// `Retry-After` in milliseconds from now, where there is one that we understand.
        retry_after_ms: Option<u64>,
    },
    /// A part of an HTTP answer's body, cut anywhere.
    Body {
        /// Which exchange.
        n: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// The body ended as it should.
    End {
        /// Which exchange.
        n: u64,
    },
    /// The request or its answer was cut, or never got through.
    Failed {
        /// Which exchange.
        n: u64,
    },
    /// A WebSocket or an `EventSource` is open.
    Opened {
        /// Which exchange.
        n: u64,
    },
    /// A text message on a WebSocket.
    Text {
        /// Which exchange.
        n: u64,
        /// The message.
        text: &'a str,
    },
    /// A WebSocket is closed. Page code sees every failed handshake as 1006.
    Closed {
        /// Which exchange.
        n: u64,
        /// The close code (RFC 6455 §7.4).
        code: u16,
    },
    /// An event that an `EventSource` dispatched.
    Dispatched {
        /// Which exchange.
        n: u64,
        /// The event's type; `message` where the stream named none.
        event_type: &'a str,
        /// Its data.
        data: &'a str,
        /// Its `lastEventId`.
        last_event_id: &'a str,
    },
    /// An `EventSource` reported an error: it reconnects by itself (`gave_up` false, `readyState`
    /// CONNECTING) or never will (`gave_up` true, `readyState` CLOSED; HTML §9.2.3).
    Errored {
        /// Which exchange.
        n: u64,
        /// The browser failed the connection for good.
        gave_up: bool,
    },
    /// The application wants to publish: `data` is JSON. Only a WebSocket can carry it; the others
    /// ignore it, because their way to publish is a request of its own.
    Publish {
        /// What to publish, as JSON text.
        data: &'a str,
    },
}

/// What a machine says.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Do this.
    Do(Action),
    /// This is what was learned.
    Tell(Notice),
}

/// What the driver is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send an HTTP request, without any cache in between, and tell its answer as it arrives
    /// ([`Input::Head`], [`Input::Body`], [`Input::End`], or [`Input::Failed`]).
    Fetch(Request),
    /// Let go of a request that is under way, and tell nothing more of it.
    Abort {
        /// Which exchange.
        n: u64,
    },
    /// Open a WebSocket.
    OpenSocket {
        /// Its number.
        n: u64,
        /// Path and query, relative to the topic (`ws?after=…`).
        target: String,
    },
    /// Send a text message.
    SendText {
        /// On which socket.
        n: u64,
        /// The message.
        text: String,
    },
    /// Close a WebSocket and tell nothing more of it.
    CloseSocket {
        /// Which exchange.
        n: u64,
        /// The close code to send.
        code: u16,
    },
    /// Open the browser's own `EventSource`.
    OpenEventSource {
        /// Its number.
        n: u64,
        /// Path and query, relative to the topic (`sse?after=…`).
        target: String,
    },
    /// Close an `EventSource` and tell nothing more of it.
    CloseEventSource {
        /// Which exchange.
        n: u64,
    },
}

/// A GET to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The exchange's number.
    pub n: u64,
    /// Path and query, relative to the topic (`poll?after=k3f9:4&sub=short-poll&n=17`).
    pub target: String,
    /// Header names and values besides what the driver's HTTP client sends of its own.
    pub headers: Vec<(&'static str, String)>,
    /// Whether the answer is a stream, whose parts are wanted as they arrive.
    pub stream: bool,
}

/// What a subscriber learns.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// The server said where this connection goes on from.
    Hello(Hello),
    /// An event, once and in order.
    Event(Event),
    /// These events are gone for good.
    Gap(Gap),
    /// The topic began a new life.
    Reset(Reset),
    /// A poll was answered, and there was nothing new.
    Empty {
        /// Which exchange.
        n: u64,
    },
    /// The connection, or the request, was cut or refused.
    Cut {
        /// Which exchange.
        n: u64,
        /// Why, as far as this end can know.
        why: Why,
    },
    /// Nothing goes on until then.
    Waiting {
        /// When the wait is over; `None` where this end can't know (the browser waits).
        until_us: Option<u64>,
        /// Who waits.
        who: Who,
        /// After a cut, which attempt this wait leads up to, from 1; 0 for the pause between two
        /// polls.
        attempt: u32,
    },
    /// This subscriber will not come back by itself. [`Input::Start`] begins again.
    GaveUp {
        /// Why, as far as this end can know.
        why: Why,
    },
    /// The server could not use what we published.
    Refused {
        /// What is wrong.
        title: String,
        /// What to change.
        detail: String,
    },
}

/// Why an exchange ended before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The connection broke, or could not be made.
    Network,
    /// The server answered with this status.
    Status(u16),
    /// The WebSocket closed with this code.
    Code(u16),
    /// The stream came to its end.
    Ended,
    /// Nothing came for this long, in milliseconds.
    Silent(u32),
    /// What came is not what this transport speaks.
    Malformed(String),
}

/// Who waits before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Our own code, by its backoff or its interval.
    Client,
    /// The browser, by its own rules.
    Browser,
    /// Our own code, for as long as the server asked (`Retry-After`, `retry:`).
    Server,
}
