//! WebSocket: one connection, both ways (RFC 6455).
//!
//! After the handshake a message costs 2 to 14 bytes of framing, in either direction, and nobody
//! asks for anything. What the protocol leaves to us is all in this file: coming back after a cut,
//! knowing where we stood, and finding out that a socket is dead. The browser does none of it.

use crate::backoff::{Backoff, Retries};
use crate::event::Frame;
use crate::exchange::{CONNECT_TIMEOUT_US, Target, sign_ms};
use crate::machine::{Action, Input, Machine, Notice, Output, Why};
use crate::position::Position;
use crate::progress::Progress;

/// The largest message that we send: what servers of this contract take.
const MAX_SEND_BYTES: usize = 64 << 10;

/// The largest message that we read. Events are at most 64 KiB and their envelope.
const MAX_READ_BYTES: usize = 1 << 20;

/// Normal closure (RFC 6455 §7.4.1).
const NORMAL: u16 = 1000;

/// "Generic for all other reasons": the server tells this client not to come back as it is.
const POLICY_VIOLATION: u16 = 1008;

/// What we close with after a message that we can't read. Page code may send 1000 and 3000 to 4999
/// only (WebSockets Standard, `close()`), so it can't say 1007 or 1002 itself.
const UNREADABLE: u16 = 4007;

/// The server didn't answer the handshake or say hello.
const TOO_SLOW: u16 = 4008;

/// Nothing came for too long. Only a connection that is there after all carries it to the server.
const SILENT: u16 = 4009;

// ANCHOR: config
/// What is set for a subscriber over a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The label that names it to observers: 1 to 64 of `A-Z a-z 0-9 _ -`.
    pub sub: String,
    /// The waits after a cut (RFC 6455 §7.2.3 asks for a random one).
    pub backoff: Backoff,
    /// Of the waits: each subscriber its own.
    pub seed: u64,
    /// How often the server is asked to ping, 500 to 120,000; 0: as it does for everyone. It finds out
    /// with it that we are gone. A page never sees a ping.
    pub keep_alive_ms: u32,
    /// The socket is given up after so long without a message, 1,000 or more; 0: never. The server is
    /// asked for messages that show that it is there.
    pub silence_ms: u32,
}
// ANCHOR_END: config

/// A subscriber over a WebSocket, which can publish on it too.
#[derive(Clone, Debug)]
pub struct WebSocket {
    config: Config,
    progress: Progress,
    state: State,
    retries: Retries,
    /// The number of the last socket. Its old ones may still report, and are ignored.
    n: u64,
}

// ANCHOR: states
#[derive(Clone, Debug)]
enum State {
    /// Not started, stopped, or given up.
    Idle,
    /// The handshake is under way, or done and the hello still missing. Goes to `Open` with the
    /// first frame, to `Waiting` with a close or at the deadline.
    Opening { deadline_us: u64 },
    /// The server has spoken. Stays until a close, or until it has been silent for too long.
    Open { silent_us: Option<u64> },
    /// After a cut. Goes to `Opening` when the time comes.
    Waiting { until_us: u64 },
}
// ANCHOR_END: states

impl WebSocket {
    /// A subscriber that has the events up to `after`; with `None` it gets what is published from
    /// the first hello on.
    #[must_use]
    pub fn new(config: Config, after: Option<Position>) -> Self {
        let retries = Retries::new(config.backoff, config.seed);
        Self { config, progress: Progress::new(after), state: State::Idle, retries, n: 0 }
    }

    // ANCHOR: open
    fn open(&mut self, now_us: u64, out: &mut Vec<Output>) {
        self.n += 1;
        // In the URL, because a page can't set a header on a handshake.
        let mut target =
            Target::new("ws").after(self.progress.position()).sub(&self.config.sub).with("n", self.n);
        if self.config.keep_alive_ms > 0 {
            target = target.with("keep_alive_ms", self.config.keep_alive_ms);
        }
        if self.config.silence_ms > 0 {
            target = target.with("heartbeat_ms", sign_ms(self.config.silence_ms));
        }
        let target = target.finish();
        out.push(Output::Do(Action::OpenSocket { n: self.n, target }));
        self.state = State::Opening { deadline_us: now_us + CONNECT_TIMEOUT_US };
    }
    // ANCHOR_END: open

    // ANCHOR: receive
    fn receive(&mut self, now_us: u64, text: &str, out: &mut Vec<Output>) {
        let frame = if text.len() > MAX_READ_BYTES {
            Err(format!("a message of {} bytes; at most {MAX_READ_BYTES} are read", text.len()))
        } else {
            Frame::from_json(text).map_err(|bad| bad.to_string())
        };
        // A WebSocket delivers whole messages in order, so unlike a stream's there is nothing to put
        // together here: one message, one frame of the contract.
        let frame = match frame {
            Ok(frame) => frame,
            Err(why) => {
                // What it meant is lost. On a new socket the server begins where we stand.
                out.push(Output::Do(Action::CloseSocket { n: self.n, code: UNREADABLE }));
                return self.cut(now_us, Why::Malformed(why), out);
            }
        };
        // Any frame shows that the topic's own code has answered; a reset stands in a hello's place.
        if let State::Opening { .. } = self.state {
            self.retries.opened(now_us);
        }
        // And each of them that the connection is there.
        self.state = State::Open { silent_us: self.silent_us(now_us) };
        match frame {
            // It may come twice: a topic that nobody has published to has no epoch to name yet.
            Frame::Hello(hello) => self.progress.hello(&hello, out),
            // A frame doesn't name its life: that was said once, for the whole connection. This is
            // what makes it shorter than an SSE event.
            Frame::Event(event) => self.progress.event(None, event, out),
            Frame::Gap(gap) => self.progress.gap(None, gap, out),
            Frame::Reset(reset) => self.progress.reset(reset, out),
            // It has said what it is for by arriving.
            Frame::Heartbeat(_) => {}
            // The answer to something that we published, or rather failed to.
            Frame::Error { title, detail } => out.push(Output::Tell(Notice::Refused { title, detail })),
        }
    }
    // ANCHOR_END: receive

    /// When silence from now on will have lasted too long.
    fn silent_us(&self, now_us: u64) -> Option<u64> {
        let silence_ms = self.config.silence_ms;
        (silence_ms > 0).then(|| now_us.saturating_add(u64::from(silence_ms) * 1_000))
    }

    // ANCHOR: publish
    /// Nothing is kept for later. A queue would have to be bounded, could not say whether the
    /// message before the cut arrived, and would publish an old wish at a time that nobody chose.
    /// Whoever publishes learns that it didn't work, and decides.
    fn publish(&self, data: &str, out: &mut Vec<Output>) {
        let refuse =
            |title: &str, detail: String| Output::Tell(Notice::Refused { title: title.to_owned(), detail });
        let State::Open { .. } = self.state else {
            let detail = "Nothing was sent. Publish again when the socket is open.".to_owned();
            return out.push(refuse("The socket is not open", detail));
        };
        if let Err(e) = serde_json::from_str::<serde::de::IgnoredAny>(data) {
            return out.push(refuse("The data is not JSON", e.to_string()));
        }
        // No acknowledgement will come: the event comes back like everyone else's, with its number.
        let text = format!("{{\"data\":{data}}}");
        if text.len() > MAX_SEND_BYTES {
            let detail = format!("It has {} bytes; at most {MAX_SEND_BYTES} can be sent.", text.len());
            return out.push(refuse("The message is too large", detail));
        }
        out.push(Output::Do(Action::SendText { n: self.n, text }));
    }
    // ANCHOR_END: publish

    // ANCHOR: closed
    /// The API ends here: no browser reopens a WebSocket. The code is all that there is to go by.
    fn closed(&mut self, now_us: u64, code: u16, out: &mut Vec<Output>) {
        if code == POLICY_VIOLATION {
            let why = Why::Code(code);
            out.push(Output::Tell(Notice::Cut { n: self.n, why: why.clone() }));
            out.push(Output::Tell(Notice::GaveUp { why }));
            self.state = State::Idle;
            return;
        }
        // 1000 and 1001: a server that goes away in peace. 1006: no close frame at all, and what
        // every failed handshake is to a page, whatever its status was. So nothing else can be told
        // apart, and we come back after each of them.
        self.cut(now_us, Why::Code(code), out);
    }

    /// Waits, and then begins again with a handshake. What is published in the meantime is not for
    /// us to remember: the next socket asks for all that comes after our position.
    fn cut(&mut self, now_us: u64, why: Why, out: &mut Vec<Output>) {
        out.push(Output::Tell(Notice::Cut { n: self.n, why }));
        let wait = self.retries.wait(now_us, None);
        out.push(Output::Tell(wait.notice()));
        self.state = State::Waiting { until_us: wait.until_us };
    }
    // ANCHOR_END: closed

    /// With a close frame, so that the server can tell this from a cut.
    fn stop(&mut self, out: &mut Vec<Output>) {
        if let State::Opening { .. } | State::Open { .. } = self.state {
            out.push(Output::Do(Action::CloseSocket { n: self.n, code: NORMAL }));
        }
        self.state = State::Idle;
        self.retries.succeeded();
    }
}

// ANCHOR: machine
impl Machine for WebSocket {
    fn step(&mut self, now_us: u64, input: Input<'_>, out: &mut Vec<Output>) {
        match (&self.state, input) {
            (State::Idle, Input::Start) => self.open(now_us, out),
            (_, Input::Stop) => self.stop(out),
            (_, Input::Publish { data }) => self.publish(data, out),
            (State::Waiting { until_us }, Input::Wake) if now_us >= *until_us => self.open(now_us, out),
            (State::Opening { deadline_us }, Input::Wake) if now_us >= *deadline_us => {
                out.push(Output::Do(Action::CloseSocket { n: self.n, code: TOO_SLOW }));
                self.cut(now_us, Why::Network, out);
            }
            (State::Open { silent_us: Some(silent_us) }, Input::Wake) if now_us >= *silent_us => {
                // The browser waits for the server's answer to this, and for a while gets none: but
                // that is its affair. We are already on our way back.
                out.push(Output::Do(Action::CloseSocket { n: self.n, code: SILENT }));
                self.cut(now_us, Why::Silent(self.config.silence_ms), out);
            }
            (State::Opening { .. } | State::Open { .. }, Input::Text { n, text }) if n == self.n => {
                self.receive(now_us, text, out);
            }
            (State::Opening { .. } | State::Open { .. }, Input::Closed { n, code }) if n == self.n => {
                self.closed(now_us, code, out);
            }
            (State::Opening { .. } | State::Open { .. }, Input::Failed { n }) if n == self.n => {
                self.cut(now_us, Why::Network, out);
            }
            // `Opened` alone says little: the 101 may have come from a proxy. The hello decides.
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<u64> {
        match self.state {
            State::Idle => None,
            // An open socket may be silent for as long as nothing is published, unless heartbeats were
            // asked for. Whether it is still alive page code can't ask otherwise: pings are the
            // browser's and the server's affair.
            State::Open { silent_us } => silent_us,
            State::Opening { deadline_us } => Some(deadline_us),
            State::Waiting { until_us } => Some(until_us),
        }
    }

    fn position(&self) -> Option<&Position> {
        self.progress.position()
    }
}
// ANCHOR_END: machine
