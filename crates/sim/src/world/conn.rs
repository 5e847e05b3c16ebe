//! A connection: what either end sends on it, the conditions between its socket and the application,
//! and the tap.

use std::collections::VecDeque;

use standby_trace::account::{Carried, carried, carried_body};
use standby_trace::tap::{App, ClosedBy, Exchange, Part, ToObserver, Wire};
use standby_trace::trace::Direction;

use super::browser::Flight;
use super::middlebox::Between;
use super::server::Serving;
use super::{HOP_US, Step, World};
use crate::pipe::Pipe;

/// What is under way to a client at most, as on the server: bytes, and parts.
const UNDER_WAY_BYTES: usize = 64 * 1024;
const UNDER_WAY: usize = 1_024;

/// A TCP connection, with what each end knows of it.
#[derive(Debug)]
pub(super) struct Conn {
    /// What the browser waits for on it.
    pub(super) flight: Option<Flight>,
    /// It has served a request before this one.
    pub(super) is_reused: bool,
    /// Something of the answer has come.
    pub(super) is_answered: bool,
    /// The browser has closed it, or sent a close frame.
    pub(super) is_closing: bool,
    /// What a close frame said.
    pub(super) close_code: Option<u16>,
    /// Requests so far.
    pub(super) request: u64,
    /// The exchange that it served last; its observers hear when it ends.
    pub(super) exchange: Option<Exchange>,
    /// No other request came since.
    pub(super) is_current: bool,
    pub(super) serving: Serving,
    /// Parts of a request that the application has not got, with their numbers.
    pub(super) given: Vec<(Part, u64)>,
    pub(super) inbound: Pipe,
    pub(super) outbound: Pipe,
    seqs: [u64; 2],
    heard: VecDeque<Heard>,
    sent: VecDeque<Piece>,
    sent_bytes: usize,
    pub(super) between: Between,
    /// Nothing gets through any more, and nobody is told.
    pub(super) is_dead: bool,
    /// The server's end is closed.
    pub(super) is_over: bool,
}

/// What a client sends.
#[derive(Debug)]
pub(super) enum Sent {
    Request,
    Frame(Vec<u8>),
    /// It closes the connection.
    End,
}

/// What a client gets.
#[derive(Debug)]
pub(super) enum Got {
    Head {
        status: u16,
        etag: Option<String>,
        retry_after_s: Option<u32>,
    },
    Body(Vec<u8>),
    /// The answer is whole, and the connection free.
    Whole,
    Frame(Vec<u8>),
    /// The connection is closed, or reset.
    End,
}

#[derive(Debug)]
pub(super) struct Heard {
    pub(super) at_us: i64,
    pub(super) seq: u64,
    pub(super) bytes: Vec<u8>,
}

/// What the application has sent and the socket has not taken.
#[derive(Debug)]
struct Piece {
    at_us: i64,
    /// Its part of the conversation, its number and its bytes; none for an end.
    wire: Option<(Part, u64, Vec<u8>)>,
    got: Vec<Got>,
    /// A stall doesn't hold it back.
    passes: bool,
}

/// How what is sent enters the network.
#[derive(Clone, Copy, Debug)]
pub(super) enum Enters {
    /// As a message of so many bytes.
    Alone(usize),
    /// Right behind the one before.
    Behind(usize),
}

impl Conn {
    pub(super) fn new(id: u64) -> Self {
        let seed = id.wrapping_mul(2);
        Self {
            flight: None,
            is_reused: false,
            is_answered: false,
            is_closing: false,
            close_code: None,
            request: 0,
            exchange: None,
            is_current: false,
            serving: Serving::Idle,
            given: Vec::new(),
            inbound: Pipe::new(0, seed),
            outbound: Pipe::new(0, seed + 1),
            seqs: [0; 2],
            heard: VecDeque::new(),
            sent: VecDeque::new(),
            sent_bytes: 0,
            between: Between::default(),
            is_dead: false,
            is_over: false,
        }
    }

    /// There is no room for more under way to the client: the application waits.
    pub(super) fn is_full(&self) -> bool {
        self.sent_bytes >= UNDER_WAY_BYTES || self.sent.len() >= UNDER_WAY
    }

    pub(super) fn sub(&self) -> Option<&str> {
        self.exchange.as_ref()?.sub.as_deref()
    }

    fn seq(&mut self, direction: Direction) -> u64 {
        let seq = &mut self.seqs[usize::from(direction == Direction::ToClient)];
        *seq += 1;
        *seq - 1
    }
}

impl World {
    /// Something that a client sends arrives at the server's socket, if it still can.
    pub(super) fn arrive(&mut self, id: u64, sent: Sent) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        if conn.is_dead || conn.is_over {
            return;
        }
        self.pass(id);
        let Some(conn) = self.conns.get_mut(&id) else { return };
        match sent {
            Sent::Request => self.arrive_request(id),
            Sent::Frame(bytes) => {
                let seq = conn.seq(Direction::ToServer);
                let at_us = conn.inbound.send(self.now_us, bytes.len(), &self.conditions);
                conn.heard.push_back(Heard { at_us, seq, bytes: bytes.clone() });
                self.tell_wire(id, Direction::ToServer, seq, Part::Frame, bytes);
                self.queue.push(at_us, Step::Hear { conn: id });
            }
            Sent::End => self.gone(id, ClosedBy::Client),
        }
    }

    /// The next frame that has got through to the application.
    pub(super) fn next_heard(&mut self, id: u64) -> Option<Heard> {
        let now_us = self.now_us;
        let conn = self.conns.get(&id).filter(|conn| !conn.is_dead && !conn.is_over)?;
        if conn.heard.front()?.at_us > now_us {
            return None;
        }
        if let Some(until_us) = self.stalled_until(conn.sub()) {
            self.queue.push(until_us, Step::Hear { conn: id });
            return None;
        }
        self.conns.get_mut(&id)?.heard.pop_front()
    }

    /// A part of a request is there: the socket gave it. Says its number.
    pub(super) fn give(&mut self, id: u64, part: Part, bytes: Vec<u8>) -> u64 {
        let seq = self.conns.get_mut(&id).map_or(0, |conn| conn.seq(Direction::ToServer));
        self.tell_wire(id, Direction::ToServer, seq, part, bytes);
        seq
    }

    /// The application sends a part. `said`: what of it the application itself writes.
    pub(super) fn send(
        &mut self,
        id: u64,
        part: Part,
        said: &[u8],
        bytes: Vec<u8>,
        enters: Enters,
        got: Got,
    ) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let Some(via) = conn.exchange.as_ref().map(|exchange| exchange.via) else { return };
        let seq = conn.seq(Direction::ToClient);
        let at_us = match enters {
            Enters::Alone(bytes) => conn.outbound.send(self.now_us, bytes, &self.conditions),
            Enters::Behind(bytes) => conn.outbound.send_on(self.now_us, bytes, &self.conditions),
        };
        let passes = matches!(got, Got::Head { status: 101, .. });
        conn.sent_bytes += bytes.len();
        conn.sent.push_back(Piece { at_us, wire: Some((part, seq, bytes)), got: vec![got], passes });
        let carried = match part {
            Part::ResponseHead | Part::LastChunk | Part::Frame => {
                carried(via, Direction::ToClient, part, said)
            }
            _ => carried_body(via, Direction::ToClient, said),
        };
        self.tell_app(id, Direction::ToClient, seq, part, carried);
        self.queue.push(at_us, Step::Put { conn: id });
    }

    /// What follows the last part that was sent, at the same moment.
    pub(super) fn follow(&mut self, id: u64, got: Got) {
        if let Some(last) = self.conns.get_mut(&id).and_then(|conn| conn.sent.back_mut()) {
            last.got.push(got);
        }
    }

    /// The socket takes what is due.
    pub(super) fn put(&mut self, id: u64) {
        loop {
            let Some(conn) = self.conns.get(&id).filter(|conn| !conn.is_over) else { return };
            let Some(next) = conn.sent.front().filter(|piece| piece.at_us <= self.now_us) else { return };
            let passes = next.passes || conn.is_dead;
            if let Some(until_us) = self.stalled_until(conn.sub()).filter(|_| !passes) {
                return self.queue.push(until_us, Step::Put { conn: id });
            }
            let Some(piece) = self.conns.get_mut(&id).and_then(|conn| conn.sent.pop_front()) else { return };
            let Some(conn) = self.conns.get_mut(&id) else { return };
            let was_full = conn.is_full();
            conn.sent_bytes -= piece.wire.as_ref().map_or(0, |(_, _, bytes)| bytes.len());
            let is_dead = conn.is_dead;
            if was_full {
                self.pump(id);
            }
            if is_dead {
                continue;
            }
            if let Some((part, seq, bytes)) = piece.wire {
                self.tell_wire(id, Direction::ToClient, seq, part, bytes);
            }
            for got in piece.got {
                let upgraded = matches!(got, Got::Head { status: 101, .. });
                if matches!(got, Got::End) {
                    // Both ends close: the client when it hears of it.
                    self.queue.push(self.now_us + 2 * HOP_US, Step::Gone { conn: id, by: ClosedBy::Server });
                }
                self.pass_on(id, got);
                if upgraded {
                    self.converse(id);
                }
            }
        }
    }

    /// The server's end is over.
    pub(super) fn gone(&mut self, id: u64, by: ClosedBy) {
        let at_us = self.at_us();
        let Some(conn) = self.conns.get_mut(&id).filter(|conn| !conn.is_over) else { return };
        conn.is_over = true;
        conn.serving = Serving::Idle;
        conn.sent.clear();
        conn.sent_bytes = 0;
        conn.heard.clear();
        if let Some(exchange) = conn.exchange.clone() {
            self.tell_observer(ToObserver::Closed { exchange, at_us, by });
        }
        // Once the browser has let go too, nobody knows of it any more.
        if self.conns.get(&id).is_some_and(|conn| conn.is_closing) {
            self.forget(id);
        }
    }

    /// Nobody knows of this connection any more.
    pub(super) fn forget(&mut self, id: u64) {
        self.conns.remove(&id);
        self.idle.retain(|&idle| idle != id);
    }

    fn exchange(&self, id: u64) -> Option<Exchange> {
        self.conns.get(&id)?.exchange.clone()
    }

    pub(super) fn tell_app(&mut self, id: u64, direction: Direction, seq: u64, part: Part, carried: Carried) {
        let Some(exchange) = self.exchange(id) else { return };
        let at_us = self.at_us();
        let Carried { kind, events, status, .. } = carried;
        self.tell_observer(ToObserver::App(App {
            exchange,
            direction,
            seq,
            part,
            at_us,
            kind,
            events,
            status,
        }));
    }

    fn tell_wire(&mut self, id: u64, direction: Direction, seq: u64, part: Part, bytes: Vec<u8>) {
        let Some(exchange) = self.exchange(id) else { return };
        let at_us = self.at_us();
        let wire = Wire { exchange, direction, seq, part, at_us, bytes, cut_bytes: 0 };
        self.tell_observer(ToObserver::Wire(wire));
    }
}
