//! Lays the two halves of a live run together: what the page saw, and what the server's tap tells.
//!
//! Either half can be the first to know of a message. What is known of it is filled in as it comes:
//! the page's methods give the client's moments, [`Recorder::tap`] the server's, and the bytes.
//! They meet by what both ends can name: the lane (`sub`), its exchange (`n`), and within a stream
//! the ids of the events.
//!
//! Where a page can't see its own end (an `EventSource`'s request, comments, pings), that moment is
//! inferred from the socket's in the server, and says so.
//!
//! A connection has two ends, and each can be gone before the other knows. The page's end of a span
//! is `Span::to`, the server's `Span::server_to`, where the tap tells of it; of a connection from
//! elsewhere only the server's is known, and stands for both.
//!
//! - `browser.rs`: the page's half
//! - `crowd.rs`: what crowds did
//! - `ends.rs`: both ends of what lasts
//! - `recent.rs`: what is remembered for what comes late
//! - `server.rs`: the server's half
//! - `window.rs`: the bounded window, and the totals of what left it

mod browser;
mod crowd;
mod ends;
mod recent;
mod server;
mod window;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use crate::ledger::Ledger;
use crate::scenario::{Scenario, Transport};
use crate::tap::Exchange;
use crate::trace::{Direction, Kind, Lane, Mark, MarkKind, Message, Moment, Source, Trace, VERSION};
pub use browser::Fact;
use recent::Recent;
use window::Window;

/// Builds the trace of a live run while it goes on. See the [module](self).
#[derive(Debug)]
pub struct Recorder {
    window: Window,
    lanes: Vec<LaneState>,
    /// Exchanges of the tap that are known, by the server's own names for them.
    exchanges: Recent<(u64, u64), ExchangeRef>,
    /// Messages of which the application's end or the socket's is still to come.
    halves: Recent<(u64, bool, u64), MessageId>,
    /// The lives of the topic, in order.
    epochs: Vec<String>,
    /// How long the network takes one way beyond the conditions: half the best round trip.
    network_us: i64,
    /// For each of the trace's crowds its row, its start by the server's clock, and which tally is the
    /// first that is kept.
    crowds: Vec<(u16, u64, u32)>,
    revision: u64,
}

/// A message's number since the start; stays its name when the window moves on.
type MessageId = u64;

/// Which exchange of which lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ExchangeRef {
    lane: u16,
    n: u64,
    /// The same `n` can be sent more than once: by the browser.
    turn: u32,
}

/// What is under way on a lane.
#[derive(Debug, Default)]
struct LaneState {
    /// Recent exchanges, oldest first.
    open: VecDeque<ExchangeState>,
    /// The last id that this lane has, and the life that it belongs to.
    last: Option<(usize, u64)>,
    /// A cut came after the last thing that worked: what comes next is a recovery.
    recovering: bool,
}

/// One exchange: a request and what belongs to it.
#[derive(Clone, Debug)]
struct ExchangeState {
    n: u64,
    turn: u32,
    /// The server's name for it.
    wire: Option<(u64, u64)>,
    request: Option<MessageId>,
    answer: Option<MessageId>,
    /// Stream messages that the server has sent and the page has not yet seen, and the other way
    /// round.
    server_first: VecDeque<MessageId>,
    client_first: VecDeque<MessageId>,
    /// Frames that the page has sent and the server has not yet seen.
    sends: VecDeque<MessageId>,
    /// When it began, for telling what came from history.
    began_us: i64,
    /// Where the connection goes on from, while it recovers.
    recovery: Option<String>,
    /// When the page saw its end.
    over_us: Option<i64>,
    /// The start of the span that shows how long it lasts: with the lane it names the span, where
    /// turns of one exchange have the same number.
    span_us: Option<i64>,
}

/// So many exchanges of one lane are remembered for what comes late.
const EXCHANGES: usize = 32;

impl Recorder {
    /// Begins a live trace. `began_at_ms` is time 0 in milliseconds since 1970.
    #[must_use]
    pub fn new(scenario: Scenario, began_at_ms: u64) -> Self {
        Self::from(Source::Live, scenario, began_at_ms)
    }

    /// Begins a trace of a run from somewhere else.
    #[must_use]
    pub fn from(source: Source, scenario: Scenario, began_at_ms: u64) -> Self {
        let lanes: Vec<Lane> = scenario
            .lanes
            .iter()
            .enumerate()
            .map(|(index, lane)| Lane {
                sub: scenario.sub(index),
                transport: lane.transport(),
                outside: false,
            })
            .collect();
        let states = lanes.iter().map(|_| LaneState::default()).collect();
        Self {
            window: Window::new(Trace {
                v: VERSION,
                source,
                scenario,
                began_at_ms,
                until_us: 0,
                clock_error_us: None,
                lanes,
                published: Vec::new(),
                messages: Vec::new(),
                spans: Vec::new(),
                marks: Vec::new(),
                before: 0,
                crowd: Vec::new(),
                wire: Vec::new(),
            }),
            lanes: states,
            exchanges: Recent::default(),
            halves: Recent::default(),
            epochs: Vec::new(),
            network_us: 0,
            crowds: Vec::new(),
            revision: 0,
        }
    }

    /// The window of the run that is kept.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        self.window.trace()
    }

    /// The totals since the start, one a lane.
    #[must_use]
    pub fn ledgers(&self) -> Vec<Ledger> {
        self.window.ledgers_until(i64::MAX)
    }

    /// The totals as they stood at a moment within the window that is kept.
    #[must_use]
    pub fn ledgers_until(&self, at_us: i64) -> Vec<Ledger> {
        self.window.ledgers_until(at_us)
    }

    /// Grows with every change.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// It is `now_us`: the trace reaches until then, and what is too old for the window goes into
    /// the totals.
    pub fn advance(&mut self, now_us: i64) {
        if now_us > self.trace().until_us {
            self.window.advance(now_us);
        }
    }

    /// Changes what the trace says was run, when the reader changes it under way.
    pub fn set_scenario(&mut self, scenario: Scenario) {
        self.window.trace_mut().scenario = scenario;
        self.touch();
    }

    fn touch(&mut self) {
        self.revision += 1;
    }

    fn transport(&self, lane: usize) -> Option<Transport> {
        self.trace().lanes.get(lane).map(|lane| lane.transport)
    }

    fn is_stream(&self, lane: usize) -> bool {
        matches!(self.transport(lane), Some(Transport::WebSocket | Transport::Sse))
    }

    /// The latest turn of an exchange.
    fn exchange(&mut self, lane: usize, n: u64) -> Option<&mut ExchangeState> {
        self.lanes.get_mut(lane)?.open.iter_mut().rev().find(|exchange| exchange.n == n)
    }

    fn exchange_turn(&mut self, at: ExchangeRef) -> Option<&mut ExchangeState> {
        let lane = self.lanes.get_mut(usize::from(at.lane))?;
        lane.open.iter_mut().rev().find(|exchange| (exchange.n, exchange.turn) == (at.n, at.turn))
    }

    /// Begins an exchange, or another turn of one.
    fn begin(&mut self, lane: usize, n: u64, began_us: i64) -> Option<&mut ExchangeState> {
        let open = &mut self.lanes.get_mut(lane)?.open;
        let turn = open.iter().rev().find(|exchange| exchange.n == n).map_or(0, |exchange| exchange.turn + 1);
        if open.len() == EXCHANGES {
            open.pop_front();
        }
        open.push_back(ExchangeState {
            n,
            turn,
            wire: None,
            request: None,
            answer: None,
            server_first: VecDeque::new(),
            client_first: VecDeque::new(),
            sends: VecDeque::new(),
            began_us,
            recovery: None,
            over_us: None,
            span_us: None,
        });
        open.back_mut()
    }

    fn message(&mut self, lane: usize, n: u64, direction: Direction, kind: Kind) -> Message {
        Message {
            lane: u16::try_from(lane).unwrap_or(u16::MAX),
            n,
            direction,
            kind,
            client: None,
            server: None,
            socket_us: None,
            payload_bytes: 0,
            overhead_bytes: 0,
            events: Vec::new(),
            status: None,
            by_browser: false,
            lost: false,
            pieces: Vec::new(),
        }
    }

    fn mark(&mut self, lane: Option<usize>, at: Moment, kind: MarkKind) {
        let lane = lane.and_then(|lane| u16::try_from(lane).ok());
        self.window.push_mark(Mark { lane, at, kind });
        self.touch();
    }

    fn name(exchange: &Exchange) -> (u64, u64) {
        (exchange.conn, exchange.request)
    }

    fn life(&mut self, epoch: &str) -> usize {
        if let Some(index) = self.epochs.iter().position(|known| known == epoch) {
            return index;
        }
        self.epochs.push(epoch.to_owned());
        self.epochs.len() - 1
    }
}
