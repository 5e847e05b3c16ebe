//! The server's half of a run: what its tap tells, brought onto the page's clock.

use crate::account::{Carried, carried};
use crate::clock::Clock;
use crate::scenario::{Fault, Transport};
use crate::tap::{App, Exchange, Part, ToObserver, Via, Wire};
use crate::trace::{Direction, Kind, Lane, MarkKind, Message, Moment, Published, Span, SpanKind, Who};

use super::{ExchangeRef, LaneState, MessageId, Recorder};

/// So many lanes of others are shown; further ones share the last.
const OUTSIDE_LANES: usize = 4;

/// Marks the exchange numbers of preflights; machines count from 1 and never get here.
const PREFLIGHT: u64 = 1 << 40;

impl Recorder {
    /// Takes in one record of the tap. Before the clock has its first answer nothing can be placed
    /// in time, and records are passed over.
    pub fn tap(&mut self, record: &ToObserver, clock: &Clock) {
        self.network_us = clock.round_trip_us().map_or(0, |us| i64::try_from(us / 2).unwrap_or(0));
        self.window.trace_mut().clock_error_us = clock.error_us();
        match record {
            ToObserver::Hello { epoch, .. } => {
                // A server that was started anew counts its connections anew: a number of before
                // must not be taken for one of now. The topic's life says which it is.
                if epoch.as_ref() != self.epochs.last() {
                    self.exchanges.clear();
                    self.halves.clear();
                } else {
                    self.observed_again();
                }
                if let Some(epoch) = epoch {
                    self.life(epoch);
                }
            }
            ToObserver::Clock { .. } => {}
            ToObserver::Published { id, at_us, epoch, .. } => {
                let Some(at_us) = clock.to_local(*at_us) else { return };
                let life = u32::try_from(self.life(epoch)).unwrap_or(u32::MAX);
                let known = |event: &Published| (event.id, event.life) == (*id, life);
                if !self.trace().published.iter().rev().take(64).any(known) {
                    self.window.push_published(Published { id: *id, at_us, life });
                }
            }
            ToObserver::App(app) => {
                if let Some(at_us) = clock.to_local(app.at_us) {
                    self.app(app, at_us);
                }
            }
            ToObserver::Wire(wire) => {
                if let Some(at_us) = clock.to_local(wire.at_us) {
                    self.wire(wire, at_us);
                }
            }
            ToObserver::Closed { exchange, at_us, .. } => {
                let Some(at_us) = clock.to_local(*at_us) else { return };
                if let Some(at) = self.exchanges.remove(&Self::name(exchange)) {
                    self.end_at_server(at, Moment::measured(at_us));
                    // Nobody will answer it any more: what the page sees next of this number belongs to
                    // another turn, which the tap has not told of yet.
                    if let Some(state) = self.exchange_turn(at).filter(|state| state.answer.is_none()) {
                        state.over_us.get_or_insert(at_us);
                    }
                }
            }
            ToObserver::Fault { fault, at_us, until_us, connections } => {
                if let (Some(from), Some(to)) = (clock.to_local(*at_us), clock.to_local(*until_us)) {
                    self.fault(fault, from, to, *connections);
                }
            }
            ToObserver::Changed { conditions, publish } => {
                let scenario = &mut self.window.trace_mut().scenario;
                scenario.conditions = *conditions;
                scenario.publish = *publish;
            }
            ToObserver::Crowd(told) => self.crowd(told, clock),
            ToObserver::Missed { records } => {
                let at = Moment::measured(self.trace().until_us);
                let text = format!("the picture missed {records} records of the server");
                self.mark(None, at, MarkKind::Note { text });
            }
        }
        self.touch();
    }

    /// The application's end of a message.
    fn app(&mut self, app: &App, at_us: i64) {
        let Some(at) = self.place(&app.exchange, begins(app.direction, app.part), at_us) else { return };
        let carried = Carried {
            kind: app.kind,
            events: app.events.clone(),
            payload_bytes: 0,
            news: Vec::new(),
            status: app.status,
        };
        let Some(id) = self.half(&app.exchange, at, app.direction, app.seq, app.part, &carried) else {
            return;
        };
        if let Some(message) = self.window.get(id)
            && message.server.is_none()
        {
            message.server = Some(Moment::measured(at_us));
        }
        match (app.direction, app.part) {
            (Direction::ToServer, Part::RequestHead) if app.exchange.via == Via::LongPoll => {
                self.shared_span(at, SpanKind::Held, Who::Server, Moment::measured(at_us));
            }
            (Direction::ToClient, Part::ResponseHead) => {
                if app.kind == Kind::Open {
                    self.open_span(at, at_us);
                } else {
                    // A request is held until it is answered.
                    self.end_at_server(at, Moment::measured(at_us));
                    // Nobody will answer it any more: what the page sees next of this number belongs to
                    // another turn, which the tap has not told of yet.
                    if let Some(state) = self.exchange_turn(at).filter(|state| state.answer.is_none()) {
                        state.over_us.get_or_insert(at_us);
                    }
                }
            }
            _ => {}
        }
    }

    /// A stream is open from the moment the server says so.
    fn open_span(&mut self, at: ExchangeRef, at_us: i64) {
        let known_us = self.exchange_turn(at).and_then(|exchange| exchange.span_us);
        let is_it = |span: &&mut Span| {
            span.lane == Some(at.lane)
                && span.n == at.n
                && span.kind == SpanKind::Open
                && Some(span.from.at_us) == known_us
        };
        // The page was the first to say so.
        if let Some(span) = self.window.trace_mut().spans.iter_mut().rev().find(is_it) {
            span.from = Moment::measured(at_us.min(span.from.at_us));
            let from_us = span.from.at_us;
            if let Some(exchange) = self.exchange_turn(at) {
                exchange.span_us = Some(from_us);
            }
            return;
        }
        let lane = usize::from(at.lane);
        self.end_spans(lane, None, &[SpanKind::Waiting, SpanKind::Open], Moment::measured(at_us));
        self.shared_span(at, SpanKind::Open, Who::Server, Moment::measured(at_us));
    }

    /// The socket's end of a message, with its bytes.
    fn wire(&mut self, wire: &Wire, at_us: i64) {
        let Some(at) = self.place(&wire.exchange, begins(wire.direction, wire.part), at_us) else { return };
        let carried = carried(wire.exchange.via, wire.direction, wire.part, &wire.bytes);
        let total_bytes = u32::try_from(wire.bytes.len() as u64 + wire.cut_bytes).unwrap_or(u32::MAX);
        let overhead_bytes = total_bytes.saturating_sub(carried.payload_bytes);
        let id = self.half(&wire.exchange, at, wire.direction, wire.seq, wire.part, &carried);
        let outside = self.trace().lanes.get(usize::from(at.lane)).is_some_and(|lane| lane.outside);
        let network_us = self.network_us;
        let Some(id) = id.filter(|&id| self.window.get(id).is_some()) else {
            self.window.late_bytes(at.lane, carried.payload_bytes, overhead_bytes);
            return;
        };
        let piece = self.window.push_piece(wire);
        let Some(message) = self.window.get(id) else { return };
        message.pieces.push(piece);
        message.payload_bytes = message.payload_bytes.saturating_add(carried.payload_bytes);
        message.overhead_bytes = message.overhead_bytes.saturating_add(overhead_bytes);
        message.socket_us = Some(at_us);
        if message.direction == Direction::ToServer {
            // The page took it for lost when the connection was cut, but it had got through.
            message.lost = false;
        }
        if message.status.is_none() {
            message.status = carried.status;
        }
        for event in carried.events {
            if !message.events.contains(&event) {
                message.events.push(event);
            }
        }
        if message.client.is_none() && (outside || unseen_by_pages(message)) && !message.lost {
            let sign = if message.direction == Direction::ToServer { -1 } else { 1 };
            message.client = Some(Moment::inferred(at_us + sign * network_us));
        }
    }

    /// The message that a part of the conversation belongs to: known from its other half, or from
    /// the page, or new.
    fn half(
        &mut self,
        exchange: &Exchange,
        at: ExchangeRef,
        direction: Direction,
        seq: u64,
        part: Part,
        carried: &Carried,
    ) -> Option<MessageId> {
        let key = (exchange.conn, direction == Direction::ToClient, seq);
        if let Some(id) = self.halves.remove(&key) {
            return Some(id);
        }
        let id = self.belongs_to(at, direction, part, carried)?;
        self.halves.insert(key, id);
        Some(id)
    }

    fn belongs_to(
        &mut self,
        at: ExchangeRef,
        direction: Direction,
        part: Part,
        carried: &Carried,
    ) -> Option<MessageId> {
        let (lane, n) = (usize::from(at.lane), at.n);
        let state = self.exchange_turn(at)?;
        let over = state.over_us.is_some();
        match (direction, part) {
            (Direction::ToServer, Part::RequestHead | Part::RequestBody) => {
                if let Some(id) = state.request {
                    return Some(id);
                }
                // A page can't see this request: the browser sent it.
                let message = self.message(lane, n, direction, carried.kind);
                let id = self.window.push(message);
                self.exchange_turn(at)?.request = Some(id);
                Some(id)
            }
            (Direction::ToServer, _) => {
                if carried.kind == Kind::Send
                    && let Some(id) = state.sends.pop_front()
                {
                    return Some(id);
                }
                let message = self.message(lane, n, direction, carried.kind);
                Some(self.window.push(message))
            }
            // Heads, fixed bodies, and the hello that follows a stream's head make one answer.
            (Direction::ToClient, Part::ResponseHead | Part::ResponseBody)
            | (Direction::ToClient, Part::Chunk | Part::Frame)
                if matches!(part, Part::ResponseHead | Part::ResponseBody) || carried.kind == Kind::Open =>
            {
                let id = match state.answer {
                    Some(id) => id,
                    None => {
                        let message = self.message(lane, n, direction, carried.kind);
                        let id = self.window.push(message);
                        self.exchange_turn(at)?.answer = Some(id);
                        id
                    }
                };
                if let Some(message) = self.window.get(id) {
                    message.status = message.status.or(carried.status);
                    for &event in &carried.events {
                        if !message.events.contains(&event) {
                            message.events.push(event);
                        }
                    }
                    if carried.kind == Kind::Refusal {
                        message.kind = Kind::Refusal;
                    }
                    message.lost = over && message.client.is_none();
                }
                Some(id)
            }
            (Direction::ToClient, _) => {
                // The page may have been the first to know.
                let first: Vec<MessageId> = state.client_first.iter().copied().collect();
                let same = |message: &Message| {
                    message.kind == carried.kind
                        && message.events.iter().all(|id| carried.events.contains(id))
                };
                let known = first.into_iter().find(|&id| self.window.get(id).is_some_and(|m| same(m)));
                if let Some(id) = known {
                    let events = carried.events.clone();
                    let state = self.exchange_turn(at)?;
                    state.client_first.retain(|&waiting| waiting != id);
                    // The others of the same message are told by it now.
                    let rest: Vec<MessageId> = state.client_first.iter().copied().collect();
                    for other in rest {
                        let inside = |m: &mut Message| {
                            !m.events.is_empty() && m.events.iter().all(|id| events.contains(id))
                        };
                        if let Some(message) = self.window.get(other)
                            && inside(message)
                        {
                            message.events.clear();
                            self.exchange_turn(at)?.client_first.retain(|&waiting| waiting != other);
                        }
                    }
                    if let Some(message) = self.window.get(id) {
                        message.events = events;
                    }
                    return Some(id);
                }
                let mut message = self.message(lane, n, direction, carried.kind);
                message.events.clone_from(&carried.events);
                message.lost = over;
                let visible = !unseen_by_pages(&message);
                let id = self.window.push(message);
                if visible && !over {
                    self.exchange_turn(at)?.server_first.push_back(id);
                }
                Some(id)
            }
        }
    }

    /// Which exchange of which lane a record belongs to; a new one begins where it must.
    ///
    /// Of the page's own exchanges only a request begins another turn. What the server still writes to a
    /// connection that has gone dead, after it has told its end, is of a turn that is over.
    fn place(&mut self, exchange: &Exchange, begins: bool, at_us: i64) -> Option<ExchangeRef> {
        if let Some(at) = self.exchanges.get(&Self::name(exchange)) {
            return Some(at);
        }
        // What publishes is drawn as the event that it becomes.
        if exchange.via == Via::Publish {
            return None;
        }
        let lane = self.lane_of(exchange)?;
        let own = !self.trace().lanes.get(lane)?.outside;
        let preflight = exchange.via == Via::Preflight;
        let n = match exchange.n {
            // A preflight is an exchange of its own beside the request that it asks for.
            Some(n) if own && preflight => n | PREFLIGHT,
            Some(n) if own => n,
            _ => exchange.conn.wrapping_mul(1 << 20).wrapping_add(exchange.request),
        };
        let name = Self::name(exchange);
        let began_us = at_us - self.network_us;
        // A request that the socket had after the page saw the exchange's end is another turn of it:
        // an `EventSource` asks again by itself, and with the same number.
        let fresh = self.exchange(lane, n).is_some_and(|state| {
            state.wire.is_none() && state.over_us.is_none_or(|over_us| began_us <= over_us)
        });
        if !fresh && own && !begins && self.exchange(lane, n).is_some() {
            return None;
        }
        if !fresh && begins && self.was_heard_already(lane, n) {
            self.sent_again(lane, n, began_us);
        } else if !fresh {
            self.begin_turn(lane, n, preflight, began_us);
        }
        let state = self.exchange(lane, n)?;
        state.wire = Some(name);
        let at = ExchangeRef { lane: u16::try_from(lane).ok()?, n, turn: state.turn };
        self.exchanges.insert(name, at);
        Some(at)
    }

    /// The page has heard an answer that no tap has told of, on a connection whose end the tap has told:
    /// the answer is to what the browser sent again, and the tap's record of that comes only now.
    fn was_heard_already(&mut self, lane: usize, n: u64) -> bool {
        let Some(state) = self.exchange(lane, n) else { return false };
        let (over, wire, answer) = (state.over_us.is_some(), state.wire, state.answer);
        let is_closed = wire.is_some_and(|wire| self.exchanges.get(&wire).is_none());
        let untold = |message: &mut Message| message.server.is_none() && message.socket_us.is_none();
        !over && is_closed && answer.and_then(|id| self.window.get(id)).is_some_and(untold)
    }

    /// The browser's repeat of a request, in the turn whose answer the page has.
    fn sent_again(&mut self, lane: usize, n: u64, began_us: i64) {
        let mut message = self.message(lane, n, Direction::ToServer, Kind::Request);
        message.by_browser = !self.browser_reconnects(lane);
        message.client = Some(Moment::inferred(began_us));
        let id = self.window.push(message);
        let Some(state) = self.exchange(lane, n) else { return };
        state.request = Some(id);
        let span_us = state.span_us;
        // The server's end that was told is that of the connection before.
        let is_it = |span: &&mut Span| {
            span.lane.map(usize::from) == Some(lane) && span.n == n && Some(span.from.at_us) == span_us
        };
        if let Some(span) = self.window.trace_mut().spans.iter_mut().rev().find(is_it) {
            span.server_to = None;
        }
    }

    /// The same exchange is on the wire again, or one that the page has not told: the browser's
    /// own doing, where the lane is the page's.
    fn begin_turn(&mut self, lane: usize, n: u64, preflight: bool, began_us: i64) {
        let own = self.trace().lanes.get(lane).is_some_and(|lane| !lane.outside);
        let ended =
            self.exchange(lane, n).is_some_and(|state| state.answer.is_some() || state.over_us.is_some());
        let known = self.exchange(lane, n).is_some();
        let reconnects = self.browser_reconnects(lane) && known && ended;
        self.begin(lane, n, began_us);
        let kind = if preflight { Kind::Preflight } else { Kind::Request };
        let mut message = self.message(lane, n, Direction::ToServer, kind);
        message.by_browser = own && known && !reconnects && !preflight;
        message.client = Some(Moment::inferred(began_us));
        let id = self.window.push(message);
        if let Some(state) = self.exchange(lane, n) {
            state.request = Some(id);
        }
        if own && !preflight {
            self.end_spans(lane, None, &[SpanKind::Waiting], Moment::inferred(began_us));
            self.begin_recovery(lane, n);
        }
    }

    fn lane_of(&mut self, exchange: &Exchange) -> Option<usize> {
        let transport = exchange.via.transport();
        let sub = exchange.sub.as_deref();
        let own = |lane: &Lane| !lane.outside && Some(lane.sub.as_str()) == sub;
        if let Some(lane) = self.trace().lanes.iter().position(own) {
            return Some(lane);
        }
        let transport = transport?;
        let sub = sub.unwrap_or("outside");
        let same = |lane: &Lane| lane.outside && lane.transport == transport && lane.sub == sub;
        if let Some(lane) = self.trace().lanes.iter().position(same) {
            return Some(lane);
        }
        let outside = self.trace().lanes.iter().filter(|lane| lane.outside).count();
        if outside == OUTSIDE_LANES {
            return self.trace().lanes.iter().rposition(|lane| lane.outside);
        }
        self.add_outside(sub, transport);
        Some(self.lanes.len() - 1)
    }

    fn add_outside(&mut self, sub: &str, transport: Transport) {
        self.window.trace_mut().lanes.push(Lane { sub: sub.to_owned(), transport, outside: true });
        self.lanes.push(LaneState::default());
    }

    fn fault(&mut self, fault: &Fault, from_us: i64, to_us: i64, connections: u32) {
        let lane = fault.sub().and_then(|sub| self.trace().lanes.iter().position(|lane| lane.sub == sub));
        let hit = match fault {
            Fault::Drop { .. } => Some("dropped"),
            Fault::HalfOpen { .. } => Some("gone dead"),
            Fault::Refuse { .. } | Fault::Stall { .. } | Fault::Unavailable { .. } => None,
        };
        if let Some(what) = hit {
            let text = match connections {
                1 => format!("1 connection {what}"),
                count => format!("{count} connections {what}"),
            };
            self.mark(lane, Moment::measured(from_us), MarkKind::Note { text });
            return;
        }
        let lane = lane.and_then(|lane| u16::try_from(lane).ok());
        self.window.push_span(Span {
            lane,
            n: 0,
            kind: SpanKind::Fault,
            who: Who::Server,
            from: Moment::measured(from_us),
            to: Some(Moment::measured(to_us)),
            server_to: None,
            until_us: Some(to_us),
        });
    }
}

/// Whether it is how an exchange begins.
fn begins(direction: Direction, part: Part) -> bool {
    direction == Direction::ToServer && part == Part::RequestHead
}

/// What no page is told of: the browser handles it by itself.
fn unseen_by_pages(message: &Message) -> bool {
    match message.kind {
        Kind::KeepAlive | Kind::Ping | Kind::Pong | Kind::Close | Kind::Preflight | Kind::Other => true,
        // Without a client's moment it was not the page that sent it.
        Kind::Request => message.direction == Direction::ToServer,
        _ => false,
    }
}
