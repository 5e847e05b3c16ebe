//! A reconnecting client for event streams over fetch.
//!
//! It does what a browser's `EventSource` does (HTML §9.2.3), and where the standard leaves a choice
//! or a browser gives up, it does what a subscriber needs: it waits longer each time, comes back
//! after a 503, honours `Retry-After`, notices a server that never answers, and sees everything on
//! the stream. The price is that a page has to bring it along.

use super::parser::{Item, Parser};
use super::{take, target};
use crate::backoff::{Backoff, MAX_ASKED_MS, Retries};
use crate::exchange::{CONNECT_TIMEOUT_US, is_passing, sign_ms};
use crate::machine::{Action, Input, Machine, Notice, Output, Request, Why};
use crate::position::Position;
use crate::progress::Progress;

/// The shortest reconnection time that we let a stream set, in milliseconds. Firefox has the same
/// floor: `retry: 0` would make a loop of it.
const MIN_RETRY_MS: u64 = 500;

// ANCHOR: config
/// What is set for our client of event streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The label that names it to observers: 1 to 64 of `A-Z a-z 0-9 _ -`.
    pub sub: String,
    /// The reconnection time that the server is asked to send (`retry:`), 500 to 60,000; it holds
    /// until the stream says otherwise.
    pub retry_ms: u32,
    /// The waits after a cut, where they are longer than the reconnection time. The standard allows
    /// it ("optionally, wait some more"); browsers don't do it.
    pub backoff: Backoff,
    /// Of the waits: each subscriber its own.
    pub seed: u64,
    /// How soon the server is asked to break a silence with a comment, 500 to 120,000; 0: as it does
    /// for everyone, or three times within `silence_ms`.
    pub keep_alive_ms: u32,
    /// The stream is given up after so long without a byte, comments included, 1,000 or more; 0:
    /// never.
    pub silence_ms: u32,
}
// ANCHOR_END: config

/// A subscriber over an event stream that it reads itself.
#[derive(Clone, Debug)]
pub struct SseClient {
    config: Config,
    progress: Progress,
    state: State,
    retries: Retries,
    /// The number of the last request. Its old ones may still report, and are ignored.
    n: u64,
    /// The reconnection time (§9.2.2). It outlives the stream that set it.
    retry_ms: u64,
    /// The last event ID of the streams so far; empty before the first, and not always a position:
    /// it is the stream's to say.
    last_event_id: String,
}

// ANCHOR: states
#[derive(Clone, Debug)]
enum State {
    /// Not started, stopped, or given up.
    Idle,
    /// The request is sent. Goes to `Reading` with a head that is an event stream's.
    Connecting { deadline_us: u64 },
    /// The stream is open. Until it has said anything, the deadline still holds. After `silent_us` it
    /// has been silent for too long.
    Reading { parser: Parser, deadline_us: Option<u64>, silent_us: Option<u64> },
    /// After a cut. Goes to `Connecting` when the time comes.
    Waiting { until_us: u64 },
}
// ANCHOR_END: states

impl SseClient {
    /// A subscriber that has the events up to `after`; with `None` it gets what is published from
    /// the first hello on.
    #[must_use]
    pub fn new(config: Config, after: Option<Position>) -> Self {
        let retries = Retries::new(config.backoff, config.seed);
        let retry_ms = u64::from(config.retry_ms).max(MIN_RETRY_MS);
        Self {
            config,
            progress: Progress::new(after),
            state: State::Idle,
            retries,
            n: 0,
            retry_ms,
            last_event_id: String::new(),
        }
    }

    // ANCHOR: connect
    fn connect(&mut self, now_us: u64, out: &mut Vec<Output>) {
        self.n += 1;
        // Not required, but it lets a server that has other forms of this resource choose.
        let mut headers = vec![("Accept", "text/event-stream".to_owned())];
        // The first request can only name its position in the URL, as with `EventSource`, which
        // takes no headers. From then on the stream's own ids go back as `Last-Event-ID`.
        let after = if self.last_event_id.parse::<Position>().is_ok() {
            headers.push(("Last-Event-ID", self.last_event_id.clone()));
            None
        } else {
            self.progress.position()
        };
        let keep_alive_ms = match (self.config.keep_alive_ms, self.config.silence_ms) {
            (0, 1..) => sign_ms(self.config.silence_ms),
            (keep_alive_ms, _) => keep_alive_ms,
        };
        let target = target(after, &self.config.sub, self.n, self.config.retry_ms, keep_alive_ms);
        out.push(Output::Do(Action::Fetch(Request { n: self.n, target, headers, stream: true })));
        self.state = State::Connecting { deadline_us: now_us + CONNECT_TIMEOUT_US };
    }
    // ANCHOR_END: connect

    // ANCHOR: head
    fn head(
        &mut self,
        now_us: u64,
        status: u16,
        content_type: Option<&str>,
        retry_after_ms: Option<u64>,
        out: &mut Vec<Output>,
    ) {
        // Both are needed (§9.2.3): a page of HTML read as a stream would look like one that never
        // says anything.
        if status == 200 && content_type.is_some_and(is_event_stream) {
            // A new parser for each stream: what was unfinished on the old one stays unfinished.
            let deadline_us = Some(now_us + CONNECT_TIMEOUT_US);
            let silent_us = self.silent_us(now_us);
            self.state = State::Reading { parser: Parser::new(), deadline_us, silent_us };
            return;
        }
        // The words of a refusal are not worth the connection's time.
        out.push(Output::Do(Action::Abort { n: self.n }));
        if is_passing(status) {
            // Here a browser's EventSource has given up for good.
            return self.cut(now_us, Why::Status(status), retry_after_ms, out);
        }
        // 204 is the standard's way to say "don't come back". A 200 of another type is a login page,
        // or a server that has no streams.
        let why = match (status, content_type) {
            (200, content_type) => {
                let found = content_type.unwrap_or("no type at all");
                Why::Malformed(format!("an event stream is text/event-stream; this is {found}"))
            }
            _ => Why::Status(status),
        };
        out.push(Output::Tell(Notice::Cut { n: self.n, why: why.clone() }));
        out.push(Output::Tell(Notice::GaveUp { why }));
        self.state = State::Idle;
    }
    // ANCHOR_END: head

    // ANCHOR: read
    fn read(&mut self, now_us: u64, bytes: &[u8], out: &mut Vec<Output>) {
        let silent = self.silent_us(now_us);
        let State::Reading { parser, deadline_us, silent_us } = &mut self.state else { return };
        *silent_us = silent;
        // A chunk may hold a part of an event, or several: where it was cut says nothing.
        let mut items = Vec::new();
        let mut result = parser.feed(bytes, &mut items).map_err(|large| large.to_string());
        let ends_at = parser.last_event_id().to_owned();
        for item in items {
            match item {
                Item::Retry { ms } => self.retry_ms = ms.clamp(MIN_RETRY_MS, MAX_ASKED_MS),
                Item::Event { event_type, data, last_event_id } => {
                    // The first event shows that the topic's own code answers. A comment doesn't: a
                    // proxy may send those by itself.
                    if deadline_us.take().is_some() {
                        self.retries.opened(now_us);
                    }
                    if let Err(why) = take(&mut self.progress, &event_type, &data, &last_event_id, out) {
                        result = Err(why);
                        break;
                    }
                    // Only now: an event that could not be read is not behind us.
                    self.last_event_id = last_event_id;
                }
            }
        }
        match result {
            Ok(()) => self.last_event_id = ends_at,
            Err(why) => {
                out.push(Output::Do(Action::Abort { n: self.n }));
                self.cut(now_us, Why::Malformed(why), None, out);
            }
        }
    }
    // ANCHOR_END: read

    /// When silence from now on will have lasted too long.
    fn silent_us(&self, now_us: u64) -> Option<u64> {
        let silence_ms = self.config.silence_ms;
        (silence_ms > 0).then(|| now_us.saturating_add(u64::from(silence_ms) * 1_000))
    }

    // ANCHOR: cut
    fn cut(&mut self, now_us: u64, why: Why, retry_after_ms: Option<u64>, out: &mut Vec<Output>) {
        out.push(Output::Tell(Notice::Cut { n: self.n, why }));
        // "Wait a delay equal to the reconnection time of the event source. Optionally, wait some
        // more" (§9.2.3): ours is the longer of the stream's time and our own backoff.
        let after_ms = retry_after_ms.map_or(0, |ms| self.retries.after(ms));
        let asked_ms = after_ms.max(self.retry_ms);
        let wait = self.retries.wait(now_us, Some(asked_ms));
        out.push(Output::Tell(wait.notice()));
        // An event that was cut in the middle goes with the parser, and is sent again: its id was
        // never reached.
        self.state = State::Waiting { until_us: wait.until_us };
    }
    // ANCHOR_END: cut

    fn stop(&mut self, out: &mut Vec<Output>) {
        if let State::Connecting { .. } | State::Reading { .. } = self.state {
            out.push(Output::Do(Action::Abort { n: self.n }));
        }
        self.state = State::Idle;
        self.retries.succeeded();
    }
}

/// The type without its parameters, as the standard compares it.
fn is_event_stream(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("text/event-stream")
}

// ANCHOR: machine
impl Machine for SseClient {
    fn step(&mut self, now_us: u64, input: Input<'_>, out: &mut Vec<Output>) {
        match (&self.state, input) {
            (State::Idle, Input::Start) => self.connect(now_us, out),
            (_, Input::Stop) => self.stop(out),
            (State::Waiting { until_us }, Input::Wake) if now_us >= *until_us => self.connect(now_us, out),
            (
                State::Connecting { deadline_us } | State::Reading { deadline_us: Some(deadline_us), .. },
                Input::Wake,
            ) if now_us >= *deadline_us => {
                out.push(Output::Do(Action::Abort { n: self.n }));
                self.cut(now_us, Why::Network, None, out);
            }
            (State::Reading { silent_us: Some(silent_us), .. }, Input::Wake) if now_us >= *silent_us => {
                out.push(Output::Do(Action::Abort { n: self.n }));
                self.cut(now_us, Why::Silent(self.config.silence_ms), None, out);
            }
            (State::Connecting { .. }, Input::Head { n, status, content_type, retry_after_ms, .. })
                if n == self.n =>
            {
                self.head(now_us, status, content_type, retry_after_ms, out);
            }
            (State::Reading { .. }, Input::Body { n, bytes }) if n == self.n => {
                self.read(now_us, bytes, out);
            }
            // A stream has no end of its own. Where a browser sees one it reconnects, and so do we.
            (State::Reading { .. }, Input::End { n }) if n == self.n => {
                self.cut(now_us, Why::Ended, None, out);
            }
            (State::Connecting { .. }, Input::End { n }) if n == self.n => {
                self.cut(now_us, Why::Network, None, out);
            }
            (State::Connecting { .. } | State::Reading { .. }, Input::Failed { n }) if n == self.n => {
                self.cut(now_us, Why::Network, None, out);
            }
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<u64> {
        match self.state {
            State::Idle => None,
            State::Connecting { deadline_us } => Some(deadline_us),
            State::Reading { deadline_us, silent_us, .. } => deadline_us.into_iter().chain(silent_us).min(),
            State::Waiting { until_us } => Some(until_us),
        }
    }

    fn position(&self) -> Option<&Position> {
        self.progress.position()
    }
}
// ANCHOR_END: machine
