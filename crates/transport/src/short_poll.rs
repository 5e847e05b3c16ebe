//! Short polling: ask, get an answer at once, wait, ask again.
//!
//! The oldest way, and the only one that needs nothing of the server but a plain GET. Its two costs
//! show in a handful of lines below: it asks on its interval whether there is news or not, so most
//! answers can be empty; and news waits for the next question, half an interval on average.

use crate::backoff::MAX_ASKED_MS;
use crate::exchange::{Exchange, Outcome, Target, is_passing};
use crate::machine::{Action, Input, Machine, Notice, Output, Request, Who, Why};
use crate::position::Position;
use crate::progress::Progress;

// ANCHOR: config
/// What is set for a short-polling subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The label that names it to observers: 1 to 64 of `A-Z a-z 0-9 _ -`.
    pub sub: String,
    /// From one request's start to the next one's.
    pub interval_ms: u32,
    /// The wait before the very first request. Pollers that start together stay together, tick for
    /// tick, and the server sees them all at once; a random phase in `0..interval_ms` spreads them.
    pub phase_ms: u32,
    /// Whether to send `If-None-Match` with the last answer's `ETag`: an empty answer is then a 304
    /// without a body (RFC 9110 §13.1.2). It saves bytes, and not one request.
    pub conditional: bool,
}
// ANCHOR_END: config

/// A subscriber that asks on an interval.
///
/// ```
/// use standby_transport::{Action, Input, Machine, Output, ShortPoll, short_poll::Config};
///
/// let config = Config { sub: "docs".into(), interval_ms: 1_000, phase_ms: 0, conditional: false };
/// let mut poll = ShortPoll::new(config, Some("k3f9:4".parse()?));
/// let mut out = Vec::new();
/// poll.step(0, Input::Start, &mut out);
/// let Output::Do(Action::Fetch(request)) = &out[0] else { panic!() };
/// assert_eq!(request.target, "poll?after=k3f9:4&sub=docs&n=1");
/// # Ok::<(), standby_transport::position::BadPosition>(())
/// ```
#[derive(Clone, Debug)]
pub struct ShortPoll {
    config: Config,
    progress: Progress,
    state: State,
    /// The number of the last exchange. What arrives about any other is late, and ignored.
    n: u64,
    /// When the last request was sent. The next is due one interval later, however long the answer
    /// takes: from answer to question the rate would fall as the network gets slower.
    asked_at_us: u64,
    /// The last answer's name, in the server's words. We only ever hand it back.
    etag: Option<String>,
    /// Requests in a row that brought no answer. They change nothing but what is told.
    failures: u32,
    /// The first request has not been sent: the phase is still to be waited. Once is enough; who is
    /// out of step stays out of step.
    is_fresh: bool,
}

/// There is never more than one request under way. Two could be answered in the wrong order, and
/// the older answer would look like a step back.
#[derive(Clone, Debug)]
enum State {
    /// Not started, stopped, or given up. Goes to `Asking` with a start, or to `Pausing` first.
    Idle,
    /// A request is under way. Goes to `Pausing` with its answer, its end or its deadline.
    Asking(Exchange),
    /// Until the next request is due; then to `Asking`.
    Pausing { until_us: u64 },
}

impl ShortPoll {
    /// A subscriber that has the events up to `after`; with `None` it gets what is published from
    /// its first answer on.
    #[must_use]
    pub fn new(config: Config, after: Option<Position>) -> Self {
        Self {
            config,
            progress: Progress::new(after),
            state: State::Idle,
            n: 0,
            asked_at_us: 0,
            etag: None,
            failures: 0,
            is_fresh: true,
        }
    }

    // ANCHOR: ask
    fn ask(&mut self, now_us: u64, out: &mut Vec<Output>) {
        self.n += 1;
        self.asked_at_us = now_us;
        self.is_fresh = false;
        let target = Target::new("poll")
            // What we have. This one parameter is all of recovery: whatever happened to the answer
            // before, the next question begins where we really stand.
            .after(self.progress.position())
            .sub(&self.config.sub)
            .with("n", self.n)
            .finish();
        // "Only if it is another than this one" (RFC 9110 §13.1.2). The server still looks, and the
        // browser's cache plays no part: the machine itself takes the 304.
        let mut headers = Vec::new();
        if let Some(etag) = self.etag.as_ref().filter(|_| self.config.conditional) {
            headers.push(("If-None-Match", etag.clone()));
        }
        out.push(Output::Do(Action::Fetch(Request { n: self.n, target, headers, stream: false })));
        self.state = State::Asking(Exchange::begin(self.n, now_us, 0));
    }
    // ANCHOR_END: ask

    // ANCHOR: conclude
    fn conclude(&mut self, now_us: u64, outcome: Outcome, out: &mut Vec<Output>) {
        let n = self.n;
        let mut asked_to_wait_ms = 0;
        match outcome {
            Outcome::Answer { answer, etag } => {
                self.failures = 0;
                self.etag = etag;
                // The answer that is the cost of this transport: a whole exchange, and no news.
                if !self.progress.answer(answer, out) {
                    out.push(Output::Tell(Notice::Empty { n }));
                }
            }
            // Our own `ETag` still names the answer: nothing is new.
            Outcome::Status { status: 304, .. } if self.config.conditional => {
                self.failures = 0;
                out.push(Output::Tell(Notice::Empty { n }));
            }
            Outcome::Status { status, retry_after_ms } => {
                let why = Why::Status(status);
                out.push(Output::Tell(Notice::Cut { n, why: why.clone() }));
                if !is_passing(status) {
                    // A wrong URL stays wrong; asking on would only fill the server's log.
                    out.push(Output::Tell(Notice::GaveUp { why }));
                    self.state = State::Idle;
                    return;
                }
                self.failures += 1;
                asked_to_wait_ms = retry_after_ms.unwrap_or(0).min(MAX_ASKED_MS);
            }
            // The position has not moved. The next question asks for the same again, so a lost
            // answer loses nothing.
            Outcome::Cut(why) => {
                self.failures += 1;
                out.push(Output::Tell(Notice::Cut { n, why }));
            }
        }
        self.pause(now_us, asked_to_wait_ms, out);
    }

    /// Until one interval after the last question. There is no other backoff: a poller whose
    /// server is away asks no more often than one whose server is there.
    fn pause(&mut self, now_us: u64, asked_to_wait_ms: u64, out: &mut Vec<Output>) {
        let due_us = self.asked_at_us + u64::from(self.config.interval_ms) * 1_000;
        let allowed_us = now_us + asked_to_wait_ms * 1_000;
        let until_us = due_us.max(allowed_us);
        if until_us <= now_us {
            // The answer took longer than the interval. Asking before it came would have put two
            // requests on the way, and on a slow network ever more.
            return self.ask(now_us, out);
        }
        let who = if allowed_us > due_us { Who::Server } else { Who::Client };
        out.push(Output::Tell(Notice::Waiting { until_us: Some(until_us), who, attempt: self.failures }));
        self.state = State::Pausing { until_us };
    }
    // ANCHOR_END: conclude

    /// The position that was reached is kept over a stop, so starting again is recovery as well:
    /// the first question asks for all that came in the meantime.
    fn start(&mut self, now_us: u64, out: &mut Vec<Output>) {
        let phase_us = if self.is_fresh { u64::from(self.config.phase_ms) * 1_000 } else { 0 };
        if phase_us == 0 {
            return self.ask(now_us, out);
        }
        let until_us = now_us + phase_us;
        out.push(Output::Tell(Notice::Waiting { until_us: Some(until_us), who: Who::Client, attempt: 0 }));
        self.state = State::Pausing { until_us };
    }

    /// An answer that was on its way is dropped unread, which is safe for the same reason as a cut.
    fn stop(&mut self, out: &mut Vec<Output>) {
        if let State::Asking(exchange) = &self.state {
            exchange.abort(out);
        }
        self.state = State::Idle;
        self.failures = 0;
    }
}

// ANCHOR: machine
impl Machine for ShortPoll {
    fn step(&mut self, now_us: u64, input: Input<'_>, out: &mut Vec<Output>) {
        match (&mut self.state, input) {
            (State::Idle, Input::Start) => self.start(now_us, out),
            (_, Input::Stop) => self.stop(out),
            // Timers may fire early, or for a wait that was given up: only the time itself counts.
            (State::Pausing { until_us }, Input::Wake) if now_us >= *until_us => self.ask(now_us, out),
            (State::Asking(exchange), input) => {
                if let Some(outcome) = exchange.take(now_us, &input, out) {
                    self.conclude(now_us, outcome, out);
                }
            }
            // A start while started, a wake too soon, late words of an exchange that is let go.
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<u64> {
        match &self.state {
            State::Idle => None,
            // No answer is an answer too, after half a minute.
            State::Asking(exchange) => Some(exchange.deadline_us()),
            State::Pausing { until_us } => Some(*until_us),
        }
    }

    fn position(&self) -> Option<&Position> {
        self.progress.position()
    }
}
// ANCHOR_END: machine
