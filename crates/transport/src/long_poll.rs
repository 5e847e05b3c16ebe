//! Long polling: ask, and the server holds the request until there is news or the time is up; then
//! ask again at once (RFC 6202 §2).
//!
//! News arrives one way after it is published, as on a stream, with nothing but plain requests. The
//! costs: a connection is held for each subscriber; every answer, and so nearly every event, pays
//! for a whole request; and between an answer and the next question nobody listens, so the server
//! must keep what is published in that moment. It does: the question says where we stand.

use crate::backoff::{Backoff, Retries};
use crate::exchange::{Exchange, Outcome, Target, is_passing};
use crate::machine::{Action, Input, Machine, Notice, Output, Request, Who, Why};
use crate::position::Position;
use crate::progress::Progress;

/// The least time from a question that brought nothing to the next, in microseconds.
///
/// An empty answer should come when the time is up. One that comes sooner means that someone on the
/// way doesn't hold (a time-out of 0, a proxy, a server that drains), and asking again at once would
/// spin as fast as the network allows.
const EMPTY_SPACING_US: u64 = 100_000;

// ANCHOR: config
/// What is set for a long-polling subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The label that names it to observers: 1 to 64 of `A-Z a-z 0-9 _ -`.
    pub sub: String,
    /// How long the server may hold a request, 0 to 60,000. It should be less than the patience of
    /// every proxy on the way: many cut what is silent for 60 s.
    pub timeout_ms: u32,
    /// The waits after a cut. An answer needs none.
    pub backoff: Backoff,
    /// Of the waits: each subscriber its own.
    pub seed: u64,
}
// ANCHOR_END: config

/// A subscriber that asks and is kept waiting.
#[derive(Clone, Debug)]
pub struct LongPoll {
    config: Config,
    progress: Progress,
    state: State,
    retries: Retries,
    /// The number of the last exchange. What arrives about any other is late, and ignored.
    n: u64,
    /// When the last request was sent: tells an empty answer that came too soon.
    asked_at_us: u64,
}

/// One request at a time, as with short polling, and here it matters more: of two that are held,
/// both would be answered with the same event.
#[derive(Clone, Debug)]
enum State {
    /// Not started, stopped, or given up. Goes to `Asking` with a start.
    Idle,
    /// A request is under way, and most likely held. An answer leads to the next one at once, so
    /// this is where a subscriber spends its life.
    Asking(Exchange),
    /// After a cut, or an empty answer that came too soon; then to `Asking`.
    Pausing { until_us: u64 },
}

impl LongPoll {
    /// A subscriber that has the events up to `after`; with `None` it gets what is published from
    /// its first answer on.
    #[must_use]
    pub fn new(config: Config, after: Option<Position>) -> Self {
        let retries = Retries::new(config.backoff, config.seed);
        Self { config, progress: Progress::new(after), state: State::Idle, retries, n: 0, asked_at_us: 0 }
    }

    // ANCHOR: ask
    fn ask(&mut self, now_us: u64, out: &mut Vec<Output>) {
        self.n += 1;
        self.asked_at_us = now_us;
        let target = Target::new("long-poll")
            // What was published since the last answer is not lost for being published while nobody
            // asked: it is after this position, and answered at once.
            .after(self.progress.position())
            .with("timeout_ms", self.config.timeout_ms)
            .sub(&self.config.sub)
            // The number keeps URLs apart, too: browsers queue a second GET of the same URL behind a
            // held one, in the hope of answering both from one cache entry.
            .with("n", self.n)
            .finish();
        let request = Request { n: self.n, target, headers: Vec::new(), stream: false };
        out.push(Output::Do(Action::Fetch(request)));
        // Silence is what a long poll is made of; only past the server's time-out is it a sign.
        let held_us = u64::from(self.config.timeout_ms) * 1_000;
        self.state = State::Asking(Exchange::begin(self.n, now_us, held_us));
    }
    // ANCHOR_END: ask

    // ANCHOR: conclude
    fn conclude(&mut self, now_us: u64, outcome: Outcome, out: &mut Vec<Output>) {
        let n = self.n;
        match outcome {
            Outcome::Answer { answer, .. } => {
                // A whole answer is all that the exchange was for, so it is a success at once;
                // a stream has to last for that.
                self.retries.succeeded();
                if self.progress.answer(answer, out) {
                    // No pause, or this would be short polling. A busy topic doesn't make it spin:
                    // what is published during the round trip comes together in the next answer.
                    return self.ask(now_us, out);
                }
                // The time was up. Asking again keeps the connection from looking idle to proxies.
                out.push(Output::Tell(Notice::Empty { n }));
                let until_us = self.asked_at_us + EMPTY_SPACING_US;
                if until_us <= now_us {
                    return self.ask(now_us, out);
                }
                self.pause(until_us, Who::Client, 0, out);
            }
            Outcome::Status { status, retry_after_ms } => {
                let why = Why::Status(status);
                out.push(Output::Tell(Notice::Cut { n, why: why.clone() }));
                if is_passing(status) {
                    // 503 with `Retry-After` is how a full or a restarting server spreads those who
                    // come back; see `Retries::after`.
                    return self.come_back(now_us, retry_after_ms, out);
                }
                out.push(Output::Tell(Notice::GaveUp { why }));
                self.state = State::Idle;
            }
            // The position has not moved: what the lost answer held is asked for again.
            Outcome::Cut(why) => {
                out.push(Output::Tell(Notice::Cut { n, why }));
                self.come_back(now_us, None, out);
            }
        }
    }
    // ANCHOR_END: conclude

    /// Without this wait a server that is away would be asked as fast as connections fail: there is
    /// no interval here to hold it back.
    fn come_back(&mut self, now_us: u64, retry_after_ms: Option<u64>, out: &mut Vec<Output>) {
        let asked_ms = retry_after_ms.map(|ms| self.retries.after(ms));
        let wait = self.retries.wait(now_us, asked_ms);
        self.pause(wait.until_us, wait.who, wait.attempt, out);
    }

    fn pause(&mut self, until_us: u64, who: Who, attempt: u32, out: &mut Vec<Output>) {
        out.push(Output::Tell(Notice::Waiting { until_us: Some(until_us), who, attempt }));
        self.state = State::Pausing { until_us };
    }

    /// The server learns of it when the connection closes, and lets go of the held request.
    fn stop(&mut self, out: &mut Vec<Output>) {
        if let State::Asking(exchange) = &self.state {
            exchange.abort(out);
        }
        self.state = State::Idle;
        self.retries.succeeded();
    }
}

// ANCHOR: machine
impl Machine for LongPoll {
    fn step(&mut self, now_us: u64, input: Input<'_>, out: &mut Vec<Output>) {
        match (&mut self.state, input) {
            (State::Idle, Input::Start) => self.ask(now_us, out),
            (_, Input::Stop) => self.stop(out),
            (State::Pausing { until_us }, Input::Wake) if now_us >= *until_us => self.ask(now_us, out),
            (State::Asking(exchange), input) => {
                if let Some(outcome) = exchange.take(now_us, &input, out) {
                    self.conclude(now_us, outcome, out);
                }
            }
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<u64> {
        match &self.state {
            State::Idle => None,
            State::Asking(exchange) => Some(exchange.deadline_us()),
            State::Pausing { until_us } => Some(*until_us),
        }
    }

    fn position(&self) -> Option<&Position> {
        self.progress.position()
    }
}
// ANCHOR_END: machine
