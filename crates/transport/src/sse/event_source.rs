//! The browser's own `EventSource` (HTML §9.2).
//!
//! The shortest of the machines, because the browser does the work: it waits, reconnects, and sends
//! the last id that it saw as `Last-Event-ID`, all without a line of ours. What it doesn't do is in
//! the few lines that are left. It gives up for good on any status but 200, a 503 in the middle of a
//! deployment too. It waits the same time before each attempt, so all who were cut together come
//! back together. It has no time-out: a server that accepts and says nothing is waited for as long
//! as the connection stands, and so is one whose connection has gone dead in silence: comments are not
//! dispatched, so a page can't even count them to find out. And it tells a page neither the status nor when it will try again.

use super::{take, target};
use crate::machine::{Action, Input, Machine, Notice, Output, Who, Why};
use crate::position::Position;
use crate::progress::Progress;

// ANCHOR: config
/// What is set for a browser's `EventSource`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The label that names it to observers: 1 to 64 of `A-Z a-z 0-9 _ -`.
    pub sub: String,
    /// The reconnection time that the server is asked to send (`retry:`), 500 to 60,000: the only
    /// say that anyone has in how the browser waits.
    pub retry_ms: u32,
    /// How soon the server is asked to break a silence with a comment, 500 to 120,000; 0: as it does
    /// for everyone. It keeps middleboxes patient. There is no setting for giving up on silence.
    pub keep_alive_ms: u32,
}
// ANCHOR_END: config

/// A subscriber through the browser's `EventSource`.
///
/// One `EventSource` keeps its number over all its reconnects: the browser asks for the same URL
/// each time, and only `Last-Event-ID` differs.
#[derive(Clone, Debug)]
pub struct EventSource {
    config: Config,
    progress: Progress,
    /// The number of the last `EventSource`.
    n: u64,
    /// Whether it is still there: connecting, open, or waiting to reconnect. Only the browser knows
    /// which.
    is_there: bool,
    /// Errors in a row.
    attempt: u32,
}

impl EventSource {
    /// A subscriber that has the events up to `after`; with `None` it gets what is published from
    /// the first hello on.
    #[must_use]
    pub fn new(config: Config, after: Option<Position>) -> Self {
        Self { config, progress: Progress::new(after), n: 0, is_there: false, attempt: 0 }
    }

    // ANCHOR: open
    /// The first time, and again after the browser gave up. Its successor knows nothing of the old
    /// one's `Last-Event-ID`, so the position goes into the URL.
    fn open(&mut self, out: &mut Vec<Output>) {
        self.n += 1;
        self.is_there = true;
        self.attempt = 0;
        let target = target(
            self.progress.position(),
            &self.config.sub,
            self.n,
            self.config.retry_ms,
            self.config.keep_alive_ms,
        );
        out.push(Output::Do(Action::OpenEventSource { n: self.n, target }));
    }
    // ANCHOR_END: open

    // ANCHOR: errored
    fn errored(&mut self, gave_up: bool, out: &mut Vec<Output>) {
        // The cause is kept from pages on purpose: it could tell them about other servers.
        out.push(Output::Tell(Notice::Cut { n: self.n, why: Why::Network }));
        if gave_up {
            return self.give_up(Why::Network, out);
        }
        self.attempt = self.attempt.saturating_add(1);
        let attempt = self.attempt;
        out.push(Output::Tell(Notice::Waiting { until_us: None, who: Who::Browser, attempt }));
    }

    fn give_up(&mut self, why: Why, out: &mut Vec<Output>) {
        self.close(out);
        out.push(Output::Tell(Notice::GaveUp { why }));
    }
    // ANCHOR_END: errored

    fn dispatched(&mut self, event_type: &str, data: &str, last_event_id: &str, out: &mut Vec<Output>) {
        self.attempt = 0;
        if let Err(why) = take(&mut self.progress, event_type, data, last_event_id, out) {
            // The browser has already moved its `Last-Event-ID` past this event and can't be turned
            // back. Only a new one, opened where we stand, asks for it again; and whether that helps
            // is for whoever looks at it to decide.
            let why = Why::Malformed(why);
            out.push(Output::Tell(Notice::Cut { n: self.n, why: why.clone() }));
            self.give_up(why, out);
        }
    }

    fn close(&mut self, out: &mut Vec<Output>) {
        if std::mem::take(&mut self.is_there) {
            out.push(Output::Do(Action::CloseEventSource { n: self.n }));
        }
    }
}

// ANCHOR: machine
impl Machine for EventSource {
    fn step(&mut self, _now_us: u64, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Start if !self.is_there => self.open(out),
            Input::Stop => self.close(out),
            Input::Dispatched { n, event_type, data, last_event_id } if self.is_there && n == self.n => {
                self.dispatched(event_type, data, last_event_id, out);
            }
            Input::Errored { n, gave_up } if self.is_there && n == self.n => self.errored(gave_up, out),
            _ => {}
        }
    }

    /// Never: the waiting is the browser's.
    fn wake_at(&self) -> Option<u64> {
        None
    }

    fn position(&self) -> Option<&Position> {
        self.progress.position()
    }
}
// ANCHOR_END: machine
