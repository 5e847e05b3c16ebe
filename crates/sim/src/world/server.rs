//! What the server does: with a request, with what is published, and with the faults at work.

use rand_core::Rng as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use standby_trace::account::carried;
use standby_trace::scenario::Fault;
use standby_trace::tap::{ClosedBy, Exchange, Part, ToObserver, Via};
use standby_trace::trace::Direction;
use standby_transport::encode::{SSE_KEEP_ALIVE, sse_retry};
use standby_transport::event::Heartbeat;
use standby_transport::{
    AnswerBounds, Epoch, Frame, Hello, History, Limits, PollAnswer, Position, Receipt, Replay,
};

use super::compose::{self, Answer, Opcode};
use super::conn::{Enters, Got};
use super::{HOP_US, Step, World};
use crate::KEEP_ALIVE_MS;
use crate::pipe::Pipe;

/// So long may a dead connection take up a place.
const DEAD_US: i64 = 120_000_000;
/// `retry:` where a stream's request names none.
const RETRY_MS: u32 = 2_000;
/// How long a long poll is held where it doesn't say.
const TIMEOUT_MS: u32 = 25_000;
/// Faults at work at the same time; the oldest gives way.
const AT_WORK: usize = 32;

/// What the server does on a connection.
#[derive(Debug)]
pub(super) enum Serving {
    /// It waits for a request, or for what it has sent to go out.
    Idle,
    /// It holds a long poll.
    Held { after: Position, until_us: i64 },
    /// It streams.
    Stream { cursor: Cursor, quiet_us: i64, keep_alive_us: i64 },
    /// It has a WebSocket, from its 101 on.
    Socket(Socket),
}

#[derive(Debug)]
pub(super) struct Socket {
    cursor: Cursor,
    opening: Frame,
    keep_alive_us: i64,
    heartbeat_us: Option<i64>,
    quiet_us: i64,
    /// Something has come since the last ping.
    has_heard: bool,
    /// The 101 is out.
    is_open: bool,
}

/// A subscriber: the last id that it was given, or told to be gone.
#[derive(Debug)]
pub(super) struct Cursor {
    last_id: u64,
    epoch: Option<Epoch>,
}

/// What a subscriber is told, for a socket and for a stream.
struct Delivery {
    json: String,
    sse: String,
    is_hello: bool,
}

impl Cursor {
    fn open(history: Option<&History>, after: Option<&Position>) -> (Self, Frame) {
        let replay = history.map_or_else(|| Replay::unborn(after), |history| history.replay(after));
        // A gap is told when it is read: by then it may be longer.
        let last_id = replay.gap().map_or(replay.cursor(), |gap| gap.from - 1);
        (Self { last_id, epoch: replay.epoch().cloned() }, replay.opening())
    }

    fn take(&mut self, history: &History) -> Option<Delivery> {
        let frame = if self.epoch.is_none() {
            self.epoch = Some(history.epoch().clone());
            Frame::Hello(Hello { epoch: self.epoch.clone(), last_id: self.last_id })
        } else if let Some(gap) = history.gap_after(self.last_id) {
            self.last_id = gap.to;
            Frame::Gap(gap)
        } else {
            let event = history.after(self.last_id).next()?;
            self.last_id = event.id();
            return Some(Delivery {
                json: event.json().to_owned(),
                sse: event.sse().to_owned(),
                is_hello: false,
            });
        };
        let is_hello = matches!(frame, Frame::Hello(_));
        Some(Delivery { json: frame.to_json(), sse: frame.to_sse(self.epoch.as_ref()), is_hello })
    }
}

impl World {
    /// The first things that an observer hears.
    pub(super) fn hello(&mut self) {
        let server_us = self.at_us();
        let epoch = self.history.as_ref().map(|history| history.epoch().as_str().to_owned());
        let last_id = self.history.as_ref().map_or(0, History::last_id);
        self.tell_observer(ToObserver::Hello {
            topic: self.topic.clone(),
            epoch,
            last_id,
            server_us,
            conditions: self.conditions,
            publish: self.publisher.publish(),
            proxied: false,
        });
        // One clock: asked and answered in the same moment.
        self.tell_observer(ToObserver::Clock { echo: self.now_us, server_us });
    }

    /// A request's bytes are there, and travel on to the application.
    pub(super) fn arrive_request(&mut self, id: u64) {
        let now_us = self.now_us;
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let Some(flight) = conn.flight.clone() else { return };
        conn.request += 1;
        let request = conn.request;
        let Some(via) = flight.via else {
            // Not for the topic: answered at once, and not observed.
            conn.is_current = false;
            return self.queue.push(now_us + HOP_US, Step::Reach { conn: id, got: Got::Whole });
        };
        conn.exchange = Some(Exchange {
            conn: id,
            request,
            via,
            sub: flight.sub.clone(),
            n: flight.lane.map(|_| flight.n),
        });
        conn.is_current = true;
        let seed = id << 20 | request << 1;
        conn.inbound = Pipe::new(now_us, seed);
        let arrives_us = conn.inbound.send(now_us, flight.head.len() + flight.body.len(), &self.conditions);
        let mut given = vec![(Part::RequestHead, self.give(id, Part::RequestHead, flight.head))];
        if !flight.body.is_empty() {
            given.push((Part::RequestBody, self.give(id, Part::RequestBody, flight.body)));
        }
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.given = given;
        }
        self.queue.push(arrives_us, Step::Begin { conn: id, request });
    }

    /// The application gets a request.
    pub(super) fn begin(&mut self, id: u64, request: u64) {
        let now_us = self.now_us;
        let Some(conn) = self.conns.get_mut(&id).filter(|c| c.request == request && !c.is_over) else {
            return;
        };
        let Some(exchange) = conn.exchange.clone() else { return };
        conn.outbound = Pipe::new(now_us, (id << 20 | request << 1) | 1);
        let given = std::mem::take(&mut conn.given);
        let Some(flight) = conn.flight.clone() else { return };
        let verdict = self.verdict(exchange.via, exchange.sub.as_deref());
        if verdict == Verdict::Refuse {
            return self.reset(id);
        }
        for (part, seq) in given {
            let carried = carried(exchange.via, Direction::ToServer, part, &[]);
            self.tell_app(id, Direction::ToServer, seq, part, carried);
        }
        if let Verdict::Unavailable { retry_after_s } = verdict {
            let body = compose::UNAVAILABLE;
            let answer = Answer::Unavailable { retry_after_s, body_bytes: body.len() };
            return self.answer(id, answer, Some(body));
        }
        let target = flight.target.as_str();
        let after = parameter(target, "after").and_then(|after| after.parse::<Position>().ok());
        let number = |name| parameter(target, name).and_then(|number| number.parse::<u32>().ok());
        let keep_alive_us = i64::from(number("keep_alive_ms").unwrap_or(KEEP_ALIVE_MS)) * 1_000;
        match exchange.via {
            Via::ShortPoll => {
                let answer = self.poll_answer(after.as_ref());
                let etag = answer.etag();
                if !answer.has_news && flight.etag.as_ref() == Some(&etag) {
                    return self.answer(id, Answer::NotModified { etag: &etag }, None);
                }
                self.answer_poll(id, &answer);
            }
            Via::LongPoll => {
                let after = after.unwrap_or_else(|| Position {
                    epoch: self.history.as_ref().map(|history| history.epoch().clone()),
                    id: self.history.as_ref().map_or(0, History::last_id),
                });
                let until_us = now_us + i64::from(number("timeout_ms").unwrap_or(TIMEOUT_MS)) * 1_000;
                self.serve(id, Serving::Held { after, until_us });
                self.pump(id);
                self.queue.push(until_us, Step::TimeUp { conn: id, request });
            }
            Via::Sse => {
                let last = flight.last_event_id.as_ref().and_then(|last| last.parse().ok());
                let (cursor, opening) = Cursor::open(self.history.as_ref(), last.or(after).as_ref());
                let retry = sse_retry(number("retry_ms").unwrap_or(RETRY_MS));
                let opening = retry + &opening.to_sse(cursor.epoch.as_ref());
                self.answer_head(id, Answer::Stream);
                let quiet_us = now_us + keep_alive_us;
                self.serve(id, Serving::Stream { cursor, quiet_us, keep_alive_us });
                self.send_chunk(id, &opening);
                self.queue.push(quiet_us, Step::Quiet { conn: id });
                self.pump(id);
            }
            Via::WebSocket => {
                let (cursor, opening) = Cursor::open(self.history.as_ref(), after.as_ref());
                let heartbeat_us = number("heartbeat_ms").map(|ms| i64::from(ms) * 1_000);
                self.serve(
                    id,
                    Serving::Socket(Socket {
                        cursor,
                        opening,
                        keep_alive_us,
                        heartbeat_us,
                        quiet_us: 0,
                        has_heard: true,
                        is_open: false,
                    }),
                );
                self.answer_head(id, Answer::Switching { key: &flight.key });
            }
            Via::Publish => {
                #[derive(Deserialize)]
                struct NewEvent<'a> {
                    #[serde(borrow)]
                    data: &'a RawValue,
                    key: Option<&'a str>,
                }
                let Ok(event) = serde_json::from_slice::<NewEvent<'_>>(&flight.body) else { return };
                let receipt = self.append(event.data, event.key);
                let body = format!(r#"{{"id":{},"published_at":{}}}"#, receipt.id, receipt.published_at);
                self.answer(id, Answer::Published { body_bytes: body.len() }, Some(&body));
                self.news();
            }
            Via::Preflight => {}
        }
    }

    fn serve(&mut self, id: u64, serving: Serving) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.serving = serving;
        }
    }

    fn poll_answer(&self, after: Option<&Position>) -> PollAnswer {
        let bounds = AnswerBounds::default();
        match &self.history {
            Some(history) => history.answer(after, &bounds),
            None => Replay::unborn(after).answer(std::iter::empty(), &bounds),
        }
    }

    fn answer_poll(&mut self, id: u64, answer: &PollAnswer) {
        let head = Answer::Poll { etag: &answer.etag(), body_bytes: answer.json.len() };
        self.answer(id, head, Some(&answer.json));
    }

    /// A whole answer.
    fn answer(&mut self, id: u64, answer: Answer<'_>, body: Option<&str>) {
        self.serve(id, Serving::Idle);
        self.answer_head(id, answer);
        if let Some(body) = body {
            let bytes = body.as_bytes();
            let got = Got::Body(bytes.to_vec());
            self.send(id, Part::ResponseBody, bytes, bytes.to_vec(), Enters::Behind(bytes.len()), got);
        }
        self.follow(id, Got::Whole);
    }

    fn answer_head(&mut self, id: u64, answer: Answer<'_>) {
        let form = self.conns.get(&id).and_then(|conn| conn.flight.as_ref()).map(|flight| flight.form);
        let origin = form.filter(|&form| self.profile.says_origin(form)).map(|_| self.profile.origin());
        let head = compose::head(answer, origin.as_deref(), self.wall_ms());
        let (etag, retry_after_s) = match answer {
            Answer::Poll { etag, .. } | Answer::NotModified { etag } => (Some(etag.to_owned()), None),
            Answer::Unavailable { retry_after_s, .. } => (None, retry_after_s),
            _ => (None, None),
        };
        let got = Got::Head { status: head.status, etag, retry_after_s };
        let line = format!("HTTP/1.1 {} \r\n", head.status);
        self.send(id, Part::ResponseHead, line.as_bytes(), head.bytes, Enters::Alone(head.weight_bytes), got);
    }

    fn send_chunk(&mut self, id: u64, text: &str) {
        let bytes = compose::chunk(text.as_bytes());
        let enters = Enters::Alone(bytes.len());
        self.send(id, Part::Chunk, text.as_bytes(), bytes, enters, Got::Body(text.as_bytes().to_vec()));
    }

    fn send_frame(&mut self, id: u64, opcode: Opcode, payload: &[u8]) {
        let bytes = compose::frame(opcode, payload, None);
        let said = bytes.clone();
        let enters = Enters::Alone(bytes.len());
        self.send(id, Part::Frame, &said, bytes.clone(), enters, Got::Frame(bytes));
    }

    /// Tells a subscriber what it has not been told yet.
    pub(super) fn pump(&mut self, id: u64) {
        loop {
            let now_us = self.now_us;
            let Self { conns, history, .. } = self;
            let Some(conn) = conns.get_mut(&id).filter(|conn| !conn.is_over) else { return };
            // Who is slow costs no memory, but may fall out of history.
            if conn.is_full() {
                return;
            }
            match &mut conn.serving {
                Serving::Idle => return,
                Serving::Held { after, .. } => {
                    let after = after.clone();
                    let answer = self.poll_answer(Some(&after));
                    if answer.has_news {
                        self.answer_poll(id, &answer);
                    }
                    return;
                }
                Serving::Stream { cursor, quiet_us, keep_alive_us } => {
                    let Some(next) = history.as_ref().and_then(|history| cursor.take(history)) else {
                        return;
                    };
                    // Each `id:` names the topic's life.
                    if !next.is_hello {
                        *quiet_us = now_us + *keep_alive_us;
                        self.send_chunk(id, &next.sse);
                    }
                }
                Serving::Socket(socket) => {
                    let next = history.as_ref().filter(|_| socket.is_open);
                    let Some(next) = next.and_then(|history| socket.cursor.take(history)) else { return };
                    socket.quiet_us = now_us + socket.heartbeat_us.unwrap_or(0);
                    self.send_frame(id, Opcode::Text, next.json.as_bytes());
                }
            }
        }
    }

    /// Something was published: whoever waits is told.
    fn news(&mut self) {
        let ids: Vec<u64> = self.conns.keys().copied().collect();
        ids.into_iter().for_each(|id| self.pump(id));
    }

    /// Publishes, and tells everybody.
    pub(super) fn publish_data(&mut self, data: &str, key: Option<&str>) {
        if let Ok(data) = RawValue::from_string(data.to_owned()) {
            self.append(&data, key);
            self.news();
        }
    }

    fn append(&mut self, data: &RawValue, key: Option<&str>) -> Receipt {
        let (wall_ms, at_us) = (self.wall_ms(), self.at_us());
        let mut history = match self.history.take() {
            Some(history) => history,
            None => History::new(self.new_epoch(), Limits::default()),
        };
        let receipt = history.publish(data, key, wall_ms);
        let epoch = history.epoch().as_str().to_owned();
        self.history = Some(history);
        if !receipt.repeated {
            let Receipt { id, published_at, .. } = receipt;
            self.tell_observer(ToObserver::Published { id, published_at, at_us, epoch });
        }
        receipt
    }

    /// 12 characters, as the server has them.
    fn new_epoch(&mut self) -> Epoch {
        const OF: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let text: String =
            (0..12).map(|_| char::from(OF[usize::try_from(self.rng.next_u64() % 36).unwrap_or(0)])).collect();
        match text.parse() {
            Ok(epoch) => epoch,
            Err(_) => unreachable!("12 of a-z 0-9 are an epoch"),
        }
    }

    pub(super) fn time_up(&mut self, id: u64, request: u64) {
        let now_us = self.now_us;
        let Some(conn) = self.conns.get(&id).filter(|conn| conn.request == request) else { return };
        if let Serving::Held { after, until_us } = &conn.serving
            && *until_us <= now_us
        {
            let answer = self.poll_answer(Some(&after.clone()));
            self.answer_poll(id, &answer);
        }
    }

    pub(super) fn quiet(&mut self, id: u64) {
        let now_us = self.now_us;
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let next_us = match &mut conn.serving {
            Serving::Stream { quiet_us, keep_alive_us, .. } => {
                if *quiet_us > now_us {
                    *quiet_us
                } else {
                    *quiet_us = now_us + *keep_alive_us;
                    let next_us = *quiet_us;
                    self.send_chunk(id, SSE_KEEP_ALIVE);
                    next_us
                }
            }
            Serving::Socket(Socket { cursor, heartbeat_us: Some(heartbeat_us), quiet_us, .. }) => {
                if *quiet_us > now_us {
                    *quiet_us
                } else {
                    *quiet_us = now_us + *heartbeat_us;
                    let (next_us, last_id) = (*quiet_us, cursor.last_id);
                    let text = Frame::Heartbeat(Heartbeat { last_id }).to_json();
                    self.send_frame(id, Opcode::Text, text.as_bytes());
                    next_us
                }
            }
            _ => return,
        };
        self.queue.push(next_us, Step::Quiet { conn: id });
    }

    /// A socket's 101 is out: it says where the topic stands, and all that follows.
    pub(super) fn converse(&mut self, id: u64) {
        let now_us = self.now_us;
        let Some(conn) = self.conns.get_mut(&id) else { return };
        conn.inbound = Pipe::new(now_us, id.wrapping_mul(2));
        conn.outbound = Pipe::new(now_us, id.wrapping_mul(2) + 1);
        let Serving::Socket(socket) = &mut conn.serving else { return };
        socket.is_open = true;
        socket.quiet_us = now_us + socket.heartbeat_us.unwrap_or(0);
        let (text, ping_us) = (socket.opening.to_json(), now_us + socket.keep_alive_us);
        if socket.heartbeat_us.is_some() {
            self.queue.push(socket.quiet_us, Step::Quiet { conn: id });
        }
        self.queue.push(ping_us, Step::Ping { conn: id });
        self.send_frame(id, Opcode::Text, text.as_bytes());
        self.pump(id);
    }

    pub(super) fn ping(&mut self, id: u64) {
        let now_us = self.now_us;
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let is_dead = conn.is_dead;
        let Serving::Socket(socket) = &mut conn.serving else { return };
        if std::mem::take(&mut socket.has_heard) {
            let next_us = now_us + socket.keep_alive_us;
            self.send_frame(id, Opcode::Ping, b"");
            return self.queue.push(next_us, Step::Ping { conn: id });
        }
        self.end_socket(id, &compose::close(1011, "no pong came"));
        if is_dead {
            // What is to be sent vanishes, and nobody waits for it.
            self.gone(id, ClosedBy::Server);
        }
    }

    fn end_socket(&mut self, id: u64, payload: &[u8]) {
        self.serve(id, Serving::Idle);
        self.send_frame(id, Opcode::Close, payload);
        self.follow(id, Got::End);
    }

    /// The application gets frames.
    pub(super) fn hear(&mut self, id: u64) {
        while let Some(heard) = self.next_heard(id) {
            let Some(via) = self.conns.get(&id).and_then(|conn| Some(conn.exchange.as_ref()?.via)) else {
                return;
            };
            let carried = carried(via, Direction::ToServer, Part::Frame, &heard.bytes);
            self.tell_app(id, Direction::ToServer, heard.seq, Part::Frame, carried);
            let Some(Serving::Socket(socket)) = self.conns.get_mut(&id).map(|conn| &mut conn.serving) else {
                return;
            };
            socket.has_heard = true;
            let (opcode, payload) = compose::opened(&heard.bytes);
            if opcode == Opcode::Close as u8 {
                let code = payload.get(..2).unwrap_or_default().to_vec();
                self.end_socket(id, &code);
            } else if opcode == Opcode::Text as u8 {
                #[derive(Deserialize)]
                struct NewEvent<'a> {
                    #[serde(borrow)]
                    data: &'a RawValue,
                }
                if let Ok(event) = serde_json::from_slice::<NewEvent<'_>>(&payload) {
                    self.append(event.data, None);
                    self.news();
                }
            }
        }
    }

    /// Begins a fault.
    pub fn fault(&mut self, fault: &Fault) {
        let now_us = self.now_us;
        let for_ms = match *fault {
            Fault::Drop { .. } | Fault::HalfOpen { .. } => 0,
            Fault::Refuse { for_ms, .. }
            | Fault::Stall { for_ms, .. }
            | Fault::Unavailable { for_ms, .. } => for_ms,
        };
        let until_us = now_us + i64::from(for_ms) * 1_000;
        let meant: Vec<u64> = self
            .conns
            .iter()
            .filter(|(_, conn)| conn.is_current && !conn.is_over && !conn.is_dead)
            .filter(|(_, conn)| {
                conn.exchange.as_ref().is_some_and(|exchange| {
                    exchange.via.transport().is_some() && hits(fault, exchange.sub.as_deref())
                })
            })
            .map(|(&id, _)| id)
            .collect();
        let connections = match fault {
            Fault::Refuse { .. } | Fault::Unavailable { .. } => 0,
            _ => meant.len(),
        };
        if for_ms > 0 {
            self.faults.retain(|(_, until_us)| *until_us > now_us);
            if self.faults.len() == AT_WORK {
                self.faults.remove(0);
            }
            self.faults.push((fault.clone(), until_us));
        }
        self.tell_observer(ToObserver::Fault {
            fault: fault.clone(),
            at_us: self.at_us(),
            until_us: u64::try_from(until_us).unwrap_or(0),
            connections: u32::try_from(connections).unwrap_or(u32::MAX),
        });
        for id in meant {
            match fault {
                Fault::Drop { .. } => self.reset(id),
                Fault::HalfOpen { .. } => {
                    if let Some(conn) = self.conns.get_mut(&id) {
                        conn.is_dead = true;
                    }
                    self.queue.push(now_us + DEAD_US, Step::Dead { conn: id });
                }
                _ => {}
            }
        }
    }

    /// A connection ends with an RST.
    fn reset(&mut self, id: u64) {
        self.gone(id, ClosedBy::Fault);
        self.queue.push(self.now_us + HOP_US, Step::Reach { conn: id, got: Got::End });
    }

    /// A dead connection's time is up: both ends find out.
    pub(super) fn dead(&mut self, id: u64) {
        self.gone(id, ClosedBy::Client);
        self.reach(id, Got::End);
    }

    /// Until when nothing goes out to this subscriber.
    pub(super) fn stalled_until(&self, sub: Option<&str>) -> Option<i64> {
        let stalls = self.at_work(sub).filter(|(fault, _)| matches!(fault, Fault::Stall { .. }));
        stalls.map(|(_, until_us)| *until_us).max()
    }

    /// What becomes of a new request: the newest fault says it. Publishing goes on.
    fn verdict(&self, via: Via, sub: Option<&str>) -> Verdict {
        if via.transport().is_none() {
            return Verdict::Pass;
        }
        let fault = self.at_work(sub).rev().find_map(|(fault, _)| match *fault {
            Fault::Refuse { .. } => Some(Verdict::Refuse),
            Fault::Unavailable { retry_after_s, .. } => Some(Verdict::Unavailable { retry_after_s }),
            Fault::Stall { .. } | Fault::Drop { .. } | Fault::HalfOpen { .. } => None,
        });
        fault.unwrap_or(Verdict::Pass)
    }

    fn at_work(&self, sub: Option<&str>) -> impl DoubleEndedIterator<Item = &(Fault, i64)> {
        let now_us = self.now_us;
        self.faults.iter().filter(move |(fault, until_us)| *until_us > now_us && hits(fault, sub))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Pass,
    Refuse,
    Unavailable { retry_after_s: Option<u32> },
}

fn hits(fault: &Fault, sub: Option<&str>) -> bool {
    fault.sub().is_none_or(|label| sub == Some(label))
}

/// A parameter of a target's query. None of ours needs percent signs.
fn parameter<'a>(target: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = target.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}
