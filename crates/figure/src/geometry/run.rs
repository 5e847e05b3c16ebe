//! How one message runs from rail to rail.

use standby_trace::{Direction, Kind, Message};

use super::Frame;
use crate::shape::{Ink, LaneBox};

/// How much longer than expected a message may take before it is drawn as a guess. The other end's
/// half of the trace comes with its own delay.
const OVERDUE_US: i64 = 150_000;

/// A message's way through time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Run {
    /// When it left.
    pub(crate) from_us: i64,
    /// When it reached the other end, or will.
    pub(crate) to_us: i64,
    /// The other end is known to have it.
    pub(crate) arrived: bool,
    /// An end was concluded, not seen.
    pub(crate) inferred: bool,
}

impl Run {
    /// `None` where nothing at all is known of it.
    pub(crate) fn of(message: &Message, outside: bool, latency_us: i64, now_us: i64) -> Option<Self> {
        let (near, far) = match message.direction {
            Direction::ToServer => (message.client, message.server),
            Direction::ToClient => (message.server, message.client),
        };
        // The conditions lie between socket and application in the server: the socket's moment is
        // the client's, less what the real network takes.
        let (near_guess, far_guess) = match message.direction {
            Direction::ToServer => (message.socket_us, None),
            Direction::ToClient => {
                (message.socket_us.map(|us| us.saturating_sub(latency_us)), message.socket_us)
            }
        };
        let from_us = near
            .map(|near| near.at_us)
            .or(near_guess)
            .or(far.map(|far| far.at_us.saturating_sub(latency_us)))?;
        // Nobody will tell when a client elsewhere got it.
        let arrived = far.is_some() || (outside && message.direction == Direction::ToClient);
        let to_us = far
            .map(|far| far.at_us)
            .or(far_guess)
            .unwrap_or(from_us.saturating_add(latency_us))
            // Two clocks are never quite one: nothing arrives before it left.
            .max(from_us);
        let overdue = now_us > to_us.saturating_add(OVERDUE_US);
        let inferred = match (near, far) {
            (Some(near), Some(far)) => near.inferred || far.inferred,
            (Some(near), None) => near.inferred || arrived || overdue,
            (None, _) => true,
        };
        Some(Self { from_us, to_us, arrived, inferred })
    }

    /// When a lost message got lost, as far as anybody can say: half-way.
    pub(crate) fn half_us(&self) -> i64 {
        self.from_us.midpoint(self.to_us)
    }
}

/// Where a message's line is: its ends, as far as it is in view and known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Track {
    pub(crate) x1: f32,
    pub(crate) y1: f32,
    pub(crate) x2: f32,
    pub(crate) y2: f32,
    /// The second end is the message's own, not where the view cuts it.
    pub(crate) tip: bool,
}

impl Track {
    /// `None` where nothing of it is in view yet, or any more.
    pub(crate) fn of(frame: &Frame<'_>, lane: &LaneBox, message: &Message, run: &Run) -> Option<Self> {
        let (y1, y2) = match message.direction {
            Direction::ToServer => (lane.client_y, lane.server_y),
            Direction::ToClient => (lane.server_y, lane.client_y),
        };
        let scale = &frame.scale;
        let last_us = if message.lost { run.half_us() } else { run.to_us };
        let (first, last) = (run.from_us.max(scale.from_us), last_us.min(scale.end_us));
        if first > last {
            return None;
        }
        let length = (i128::from(run.to_us) - i128::from(run.from_us)) as f64;
        let y = |us: i64, whole: f32| {
            if length <= 0.0 {
                return whole;
            }
            let part = (i128::from(us) - i128::from(run.from_us)) as f64 / length;
            y1 + (y2 - y1) * part as f32
        };
        let end = if message.lost { (y1 + y2) / 2.0 } else { y2 };
        Some(Self {
            x1: scale.x(first),
            y1: y(first, y1),
            x2: scale.x(last),
            y2: y(last, end),
            tip: last_us <= scale.end_us || scale.end_us == scale.now_us,
        })
    }
}

/// What a message's line means.
pub(crate) fn ink(message: &Message) -> Ink {
    match message.kind {
        _ if message.by_browser => Ink::Browser,
        Kind::Request => Ink::Request,
        Kind::Preflight => Ink::Browser,
        Kind::Publish | Kind::Send => Ink::Client,
        Kind::Answer | Kind::Event if !message.events.is_empty() => Ink::News,
        Kind::Open | Kind::Reset | Kind::Close => Ink::Open,
        Kind::Gap | Kind::Refusal => Ink::Fault,
        Kind::Answer | Kind::Event | Kind::Ping | Kind::Pong | Kind::KeepAlive | Kind::Other => Ink::Empty,
    }
}
