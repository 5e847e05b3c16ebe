//! What a browser does for its page: it keeps connections and uses them again, reconnects an
//! `EventSource`, does a WebSocket's handshake, answers pings, and sends a request again that was cut
//! before its answer began.

use rand_core::Rng as _;
use standby_trace::tap::{ClosedBy, Via};
use standby_transport::sse::parser::{Item, Parser};
use standby_transport::{Input, Request};

use super::compose::{self, Opcode};
use super::conn::{Conn, Got, Sent};
use super::profile::{Asked, Form};
use super::{HOP_US, Step, World};

/// HTTP connections that a browser opens to one origin.
const CONNECTIONS: usize = 6;
/// So many requests wait for one of them; the oldest is forgotten. Lanes have one each: more are
/// published by hand.
const WAITING: usize = 64;
/// The server closes a connection that has been idle for so long.
const IDLE_US: i64 = 75_000_000;
/// An `EventSource` waits so long before it reconnects, where the stream has not said otherwise.
const RETRY_MS: u64 = 3_000;
/// Abnormal closure (RFC 6455 §7.4.1): how a page sees every failed handshake.
const ABNORMAL: u16 = 1006;

/// A request under way.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    /// Whose it is; none publishes by hand.
    pub(super) lane: Option<usize>,
    pub(super) n: u64,
    /// What it is for; `None`: to see whether the server is there.
    pub(super) via: Option<Via>,
    pub(super) sub: Option<String>,
    pub(super) form: Form,
    pub(super) target: String,
    pub(super) etag: Option<String>,
    pub(super) last_event_id: Option<String>,
    /// A handshake's.
    pub(super) key: String,
    pub(super) head: Vec<u8>,
    pub(super) body: Vec<u8>,
    /// So often it was sent again on a connection that was new.
    resent: u32,
}

/// An `EventSource`.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) n: u64,
    target: String,
    parser: Parser,
    last_event_id: String,
    retry_ms: u64,
}

impl World {
    fn flight(&self, lane: Option<usize>, n: u64, via: Option<Via>, form: Form, target: String) -> Flight {
        let sub = lane.and_then(|lane| self.lanes.get(lane)).map(|lane| lane.sub.clone());
        Flight {
            lane,
            n,
            via,
            sub,
            form,
            target,
            etag: None,
            last_event_id: None,
            key: String::new(),
            head: Vec::new(),
            body: Vec::new(),
            resent: 0,
        }
    }

    fn path(&self, target: &str) -> String {
        format!("/api/topics/{}/{target}", self.topic)
    }

    /// Writes its head and sends it.
    fn depart(&mut self, mut flight: Flight) {
        flight.head = self.profile.head(
            flight.form,
            &Asked {
                target: &flight.target,
                etag: flight.etag.as_deref(),
                last_event_id: flight.last_event_id.as_deref(),
                key: &flight.key,
                body_bytes: flight.body.len(),
            },
        );
        self.launch(flight);
    }

    /// A GET by fetch.
    pub(super) fn fetch(&mut self, lane: usize, n: u64, via: Via, request: &Request, target: &str) {
        let header =
            |name| request.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let (etag, last_event_id) = (header("If-None-Match"), header("Last-Event-ID"));
        let form = match (request.stream, &etag, &last_event_id) {
            (true, _, None) => Form::Stream,
            (true, _, Some(_)) => Form::StreamAgain,
            (false, None, _) => Form::Poll,
            (false, Some(_), _) => Form::ConditionalPoll,
        };
        let flight = self.flight(Some(lane), n, Some(via), form, self.path(target));
        self.depart(Flight { etag, last_event_id, ..flight });
    }

    /// A POST that publishes by hand.
    pub(super) fn post(&mut self, data: &str, key: &str) {
        let body = format!(r#"{{"data":{data},"key":"{key}"}}"#).into_bytes();
        let flight = self.flight(None, 0, Some(Via::Publish), Form::Publish, self.path("events"));
        self.depart(Flight { body, ..flight });
    }

    /// Opens a WebSocket; with `probe` asks by fetch first whether the server is there.
    pub(super) fn open_socket(&mut self, lane: usize, n: u64, target: &str, probe: bool) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.socket_target = target.to_owned();
        }
        if !probe {
            return self.handshake(lane, n);
        }
        let flight = self.flight(Some(lane), n, None, Form::Poll, "/api/health".to_owned());
        self.depart(flight);
    }

    /// The server is there: the handshake may be tried.
    pub(super) fn probed(&mut self, lane: usize, n: u64) {
        if self.lanes.get(lane).is_some_and(|lane| lane.link == Some(n)) {
            self.handshake(lane, n);
        }
    }

    fn handshake(&mut self, lane: usize, n: u64) {
        use base64::Engine as _;
        let mut nonce = [0; 16];
        self.rng.fill_bytes(&mut nonce);
        let key = base64::engine::general_purpose::STANDARD.encode(nonce);
        let target = self.lanes.get(lane).map(|lane| self.path(&lane.socket_target)).unwrap_or_default();
        let flight = self.flight(Some(lane), n, Some(Via::WebSocket), Form::Handshake, target);
        self.depart(Flight { key, ..flight });
    }

    /// Opens an `EventSource`.
    pub(super) fn open_source(&mut self, lane: usize, n: u64, target: &str) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.source = Some(Source {
                n,
                target: target.to_owned(),
                parser: Parser::new(),
                last_event_id: String::new(),
                retry_ms: RETRY_MS,
            });
        }
        self.reconnect(lane, n);
    }

    /// An `EventSource` connects, or connects again.
    pub(super) fn reconnect(&mut self, lane: usize, n: u64) {
        let Some(source) = self.lanes.get_mut(lane).and_then(|lane| lane.source.as_mut()) else { return };
        if source.n != n {
            return;
        }
        source.parser = Parser::new();
        let last_event_id = Some(source.last_event_id.clone()).filter(|id| !id.is_empty());
        let form = if last_event_id.is_some() { Form::EventSourceAgain } else { Form::EventSource };
        let target = source.target.clone();
        let flight = self.flight(Some(lane), n, Some(Via::Sse), form, self.path(&target));
        self.depart(Flight { last_event_id, ..flight });
    }

    /// Sends a request on a connection that is free, or a new one, or later.
    fn launch(&mut self, flight: Flight) {
        let is_socket = flight.via == Some(Via::WebSocket);
        if is_socket && self.shaking.is_some() {
            return self.handshakes.push_back(flight);
        }
        let uses = |conn: &&Conn| conn.flight.as_ref().is_some_and(|f| f.via != Some(Via::WebSocket));
        if !is_socket && self.conns.values().filter(uses).count() >= CONNECTIONS {
            if self.waiting.len() == WAITING {
                self.waiting.pop_front();
            }
            return self.waiting.push_back(flight);
        }
        let free = if is_socket { None } else { self.idle.pop() };
        let (id, hops) = match free {
            Some(id) => (id, 1),
            None => {
                self.last_conn += 1;
                self.conns.insert(self.last_conn, Conn::new(self.last_conn));
                // TCP's own handshake first.
                (self.last_conn, 3)
            }
        };
        if is_socket {
            self.shaking = Some(id);
        }
        let Some(conn) = self.conns.get_mut(&id) else { return };
        conn.is_reused = free.is_some();
        conn.is_answered = false;
        conn.flight = Some(flight);
        self.queue.push(self.now_us + hops * HOP_US, Step::Arrive { conn: id, sent: Sent::Request });
    }

    /// The connections that the page itself came over: they are idle, and used again.
    pub(super) fn load_page(&mut self) {
        for _ in 0..CONNECTIONS {
            self.last_conn += 1;
            let id = self.last_conn;
            self.conns.insert(id, Conn::new(id));
            self.release(id);
        }
    }

    /// A connection is free for another request.
    fn release(&mut self, id: u64) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        conn.flight = None;
        let request = conn.request;
        self.idle.push(id);
        self.queue.push(self.now_us + IDLE_US, Step::Idle { conn: id, request });
    }

    /// The server closes a connection on which nothing was asked for a while.
    pub(super) fn idle_out(&mut self, id: u64, request: u64) {
        if self.conns.get(&id).is_some_and(|conn| conn.request == request && conn.flight.is_none()) {
            self.gone(id, ClosedBy::Server);
            self.queue.push(self.now_us + HOP_US, Step::Reach { conn: id, got: Got::End });
        }
    }

    /// A handshake is over, well or badly: the next one may be done.
    fn shaken(&mut self, id: u64) {
        if self.shaking == Some(id) {
            let pause_us = i64::from(self.profile.handshake_pause_ms) * 1_000;
            self.queue.push(self.now_us + pause_us, Step::Shake);
        }
    }

    /// Another handshake may be done.
    pub(super) fn shake(&mut self) {
        self.shaking = None;
        if let Some(flight) = self.handshakes.pop_front() {
            self.launch(flight);
        }
    }

    fn launch_waiting(&mut self) {
        if let Some(flight) = self.waiting.pop_front() {
            self.launch(flight);
        }
    }

    /// The page lets go of a request or a stream: its connection is closed.
    pub(super) fn abort(&mut self, lane: usize, n: u64) {
        let is_it = |flight: &Flight| flight.lane == Some(lane) && flight.n == n;
        self.waiting.retain(|flight| !is_it(flight));
        self.handshakes.retain(|flight| !is_it(flight));
        if let Some(lane) = self.lanes.get_mut(lane)
            && lane.source.as_ref().is_some_and(|source| source.n == n)
        {
            lane.source = None;
        }
        let found = self.conns.iter().find(|(_, conn)| conn.flight.as_ref().is_some_and(is_it));
        if let Some((&id, _)) = found {
            self.close(id);
        }
    }

    /// The browser closes a connection.
    fn close(&mut self, id: u64) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        conn.flight = None;
        conn.is_closing = true;
        if conn.is_over {
            self.forget(id);
        } else {
            self.queue.push(self.now_us + HOP_US, Step::Arrive { conn: id, sent: Sent::End });
        }
        self.shaken(id);
        self.launch_waiting();
    }

    /// The connection that carries a lane's socket.
    fn socket(&self, lane: usize, n: u64) -> Option<u64> {
        let is_it = |flight: &Flight| {
            flight.lane == Some(lane) && flight.n == n && flight.via == Some(Via::WebSocket)
        };
        self.conns.iter().find(|(_, conn)| conn.flight.as_ref().is_some_and(is_it)).map(|(&id, _)| id)
    }

    fn send_frame_up(&mut self, id: u64, opcode: Opcode, payload: &[u8]) {
        let mask = (self.rng.next_u64() as u32).to_be_bytes();
        let bytes = compose::frame(opcode, payload, Some(mask));
        self.queue.push(self.now_us + HOP_US, Step::Arrive { conn: id, sent: Sent::Frame(bytes) });
    }

    /// Sends a text on a lane's socket. Says whether it was there.
    pub(super) fn send_text(&mut self, lane: usize, n: u64, text: &str) -> bool {
        let Some(id) = self.socket(lane, n) else { return false };
        self.send_frame_up(id, Opcode::Text, text.as_bytes());
        true
    }

    /// Closes a lane's socket with a code.
    pub(super) fn close_socket(&mut self, lane: usize, n: u64, code: u16) {
        let Some(id) = self.socket(lane, n) else { return self.abort(lane, n) };
        let Some(conn) = self.conns.get_mut(&id) else { return };
        if !conn.is_answered {
            return self.close(id);
        }
        if !std::mem::replace(&mut conn.is_closing, true) {
            self.send_frame_up(id, Opcode::Close, &compose::close(code, ""));
        }
    }

    /// Something from the server reaches the browser.
    pub(super) fn reach(&mut self, id: u64, got: Got) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let Some(flight) = conn.flight.clone() else {
            // Nobody waits for it: it was idle, or the page has let go.
            if matches!(got, Got::End) {
                self.forget(id);
            }
            return;
        };
        let first = !conn.is_answered;
        conn.is_answered |= matches!(got, Got::Head { .. });
        if matches!(got, Got::End) {
            let again = first && (conn.is_reused || flight.resent < self.profile.resends);
            let again = again && flight.via != Some(Via::WebSocket);
            let resent = flight.resent + u32::from(!conn.is_reused);
            let code = conn.close_code;
            conn.flight = None;
            conn.is_closing = true;
            if conn.is_over {
                self.forget(id);
            }
            if again {
                // The page is not told.
                return self.launch(Flight { resent, ..flight });
            }
            self.shaken(id);
            self.launch_waiting();
            return self.cut(&flight, code);
        }
        if matches!(got, Got::Whole) {
            self.release(id);
            self.launch_waiting();
        }
        match (flight.via, flight.form) {
            (Some(Via::WebSocket), _) => self.reach_socket(id, &flight, got),
            (None, _) => {
                if let (Got::Whole, Some(lane)) = (got, flight.lane) {
                    self.probed(lane, flight.n);
                }
            }
            (_, Form::EventSource | Form::EventSourceAgain) => self.reach_source(&flight, got),
            _ => self.reach_fetch(&flight, got),
        }
    }

    /// A connection has ended under a request, and that is that.
    fn cut(&mut self, flight: &Flight, code: Option<u16>) {
        let Some(lane) = flight.lane else { return };
        let n = flight.n;
        match (flight.via, flight.form) {
            (Some(Via::WebSocket) | None, _) => {
                self.tell(lane, n, |n| Input::Closed { n, code: code.unwrap_or(ABNORMAL) });
            }
            (_, Form::EventSource | Form::EventSourceAgain) => {
                let source = self.lanes.get(lane).and_then(|lane| lane.source.as_ref());
                let Some(retry_ms) = source.filter(|source| source.n == n).map(|source| source.retry_ms)
                else {
                    return;
                };
                let at_us = self
                    .now_us
                    .saturating_add(i64::try_from(retry_ms).unwrap_or(i64::MAX).saturating_mul(1_000));
                self.queue.push(at_us, Step::Reconnect { lane, n });
                self.tell(lane, n, |n| Input::Errored { n, gave_up: false });
            }
            _ => self.tell(lane, n, |n| Input::Failed { n }),
        }
    }

    fn reach_fetch(&mut self, flight: &Flight, got: Got) {
        let Some(lane) = flight.lane else { return };
        match got {
            Got::Head { status, etag, retry_after_s } => {
                let content_type = match (status, flight.via) {
                    (503, _) => Some("application/problem+json"),
                    (304, _) => None,
                    (_, Some(Via::Sse)) => Some("text/event-stream"),
                    _ => Some("application/json"),
                };
                self.tell(lane, flight.n, |n| Input::Head {
                    n,
                    status,
                    content_type,
                    etag: etag.as_deref(),
                    retry_after_ms: retry_after_s.map(|seconds| u64::from(seconds) * 1_000),
                });
            }
            Got::Body(bytes) => self.tell(lane, flight.n, |n| Input::Body { n, bytes: &bytes }),
            Got::Whole => self.tell(lane, flight.n, |n| Input::End { n }),
            Got::Frame(_) | Got::End => {}
        }
    }

    fn reach_source(&mut self, flight: &Flight, got: Got) {
        let Some(lane) = flight.lane else { return };
        let n = flight.n;
        match got {
            Got::Head { status: 200, .. } => self.tell(lane, n, |n| Input::Opened { n }),
            // Any other status ends it for good (HTML §9.2.3).
            Got::Head { .. } => self.tell(lane, n, |n| Input::Errored { n, gave_up: true }),
            Got::Body(bytes) => {
                let mut items = Vec::new();
                let Some(source) = self.lanes.get_mut(lane).and_then(|lane| lane.source.as_mut()) else {
                    return;
                };
                if source.n != n || source.parser.feed(&bytes, &mut items).is_err() {
                    return;
                }
                for item in items {
                    let source = self.lanes.get_mut(lane).and_then(|lane| lane.source.as_mut());
                    let Some(source) = source.filter(|source| source.n == n) else { return };
                    match item {
                        Item::Retry { ms } => source.retry_ms = ms,
                        Item::Event { event_type, data, last_event_id } => {
                            source.last_event_id.clone_from(&last_event_id);
                            self.tell(lane, n, |n| Input::Dispatched {
                                n,
                                event_type: &event_type,
                                data: &data,
                                last_event_id: &last_event_id,
                            });
                        }
                    }
                }
            }
            Got::Whole | Got::Frame(_) | Got::End => {}
        }
    }

    fn reach_socket(&mut self, id: u64, flight: &Flight, got: Got) {
        let Some(lane) = flight.lane else { return };
        let n = flight.n;
        match got {
            Got::Head { status: 101, .. } => {
                self.shaken(id);
                self.tell(lane, n, |n| Input::Opened { n });
            }
            Got::Head { .. } => {
                // The page sees neither the status nor the body.
                self.close(id);
                self.tell(lane, n, |n| Input::Closed { n, code: ABNORMAL });
            }
            Got::Frame(bytes) => {
                let (opcode, payload) = compose::opened(&bytes);
                if opcode == Opcode::Ping as u8 {
                    self.send_frame_up(id, Opcode::Pong, &payload);
                } else if opcode == Opcode::Close as u8 {
                    let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                    let Some(conn) = self.conns.get_mut(&id) else { return };
                    conn.close_code = code;
                    if !std::mem::replace(&mut conn.is_closing, true) {
                        self.send_frame_up(id, Opcode::Close, payload.get(..2).unwrap_or_default());
                    }
                } else if let Ok(text) = std::str::from_utf8(&payload) {
                    self.tell(lane, n, |n| Input::Text { n, text });
                }
            }
            Got::Body(_) | Got::Whole | Got::End => {}
        }
    }
}
