//! One of the many, and by which rules it comes back.

use standby_trace::scenario::{self, LaneSpec, Spreading, SseClient};
use standby_transport::Backoff;
use standby_transport::backoff::{Attempts, PART_MS};

use super::chance::{Chance, For};
use crate::words;

/// What a client does, which decides what its entry in the calendar means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Its stream is open, or the server holds its poll.
    Open,
    /// Its next request arrives at the server when the calendar says.
    Due,
    /// It is in the server's queue.
    Queued,
    /// Its connection is dead and it doesn't know; when the calendar says, it gives it up.
    Dead,
    /// It will not come back: an `EventSource` that got a 503.
    Gone,
}

/// All that is kept of a client: 24 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client {
    pub(super) attempts: Attempts,
    /// When its stream was opened; when it sent its last poll.
    pub(super) since_ms: u32,
    /// The last event that it has. Of an open stream it is the server's last, and not kept here.
    pub(super) has: u32,
    pub(super) state: State,
    /// It was cut or turned away, and not answered since.
    pub(super) away: bool,
}

/// What a client asks with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    ShortPoll { interval_ms: u32 },
    LongPoll { timeout_ms: u32 },
    Socket { silence_ms: u32 },
    EventSource,
    Stream { silence_ms: u32 },
}

/// The rules of one lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) way: Way,
    backoff: Backoff,
    /// `retry:`, for streams; 0 for all others.
    retry_ms: u32,
    pub(super) spreading: Spreading,
    latency_ms: u32,
    jitter_ms: u32,
    chance: Chance,
}

impl Rules {
    pub(super) fn new(
        spec: &LaneSpec,
        spreading: Spreading,
        net: &scenario::Conditions,
        chance: Chance,
    ) -> Self {
        let (way, backoff, retry_ms) = match *spec {
            // Its waits are its interval.
            LaneSpec::ShortPoll { interval_ms, .. } => {
                (Way::ShortPoll { interval_ms }, Backoff::Fixed { base_ms: interval_ms }, 0)
            }
            LaneSpec::LongPoll { timeout_ms, backoff } => {
                (Way::LongPoll { timeout_ms }, words::backoff(backoff), 0)
            }
            LaneSpec::WebSocket { backoff, silence_ms, .. } => {
                (Way::Socket { silence_ms }, words::backoff(backoff), 0)
            }
            // A browser waits what it was told; our own client of streams does the same.
            LaneSpec::Sse { retry_ms, client: SseClient::EventSource, .. } => {
                (Way::EventSource, Backoff::Fixed { base_ms: retry_ms }, retry_ms)
            }
            LaneSpec::Sse { retry_ms, client: SseClient::Fetch, silence_ms, .. } => {
                (Way::Stream { silence_ms }, Backoff::Fixed { base_ms: retry_ms }, retry_ms)
            }
        };
        let (latency_ms, jitter_ms) = (net.latency_ms, net.jitter_ms);
        Self { way, backoff, retry_ms, spreading, latency_ms, jitter_ms, chance }
    }

    /// From the client to the server, or back, in milliseconds.
    pub(super) fn way_ms(&self, client: u32, now_ms: u32, direction: For) -> u32 {
        match self.jitter_ms {
            0 => self.latency_ms,
            most => self.latency_ms + self.chance.up_to(most, client, now_ms, direction),
        }
    }

    /// What an event takes to a client, on average.
    pub(super) fn usual_way_ms(&self) -> u32 {
        self.latency_ms + self.jitter_ms / 2
    }

    /// Whether it can read the status and the head of an answer. A page can't with a WebSocket, and
    /// an `EventSource` takes any status but 200 for final (HTML §9.2.3, "fail the connection").
    pub(super) fn reads_answers(&self) -> bool {
        !matches!(self.way, Way::Socket { .. } | Way::EventSource)
    }

    /// What the server asks for where it turns somebody away for want of room: whole seconds, because
    /// a `Retry-After` has no others (RFC 9110 §10.2.3).
    pub(super) fn retry_after_ms(&self, client: u32, now_ms: u32) -> Option<u32> {
        match self.spreading.retry_after_ms {
            0 => None,
            most => Some(self.chance.up_to(most.div_ceil(1_000), client, now_ms, For::Told) * 1_000),
        }
    }

    /// What a client makes of it, as [`Retries::after`](standby_transport::backoff::Retries::after) does.
    /// Short polling adds nothing: each asks at a moment of its own anyway.
    pub(super) fn after_ms(&self, retry_after_ms: u32, client: u32, now_ms: u32) -> u32 {
        match self.way {
            Way::ShortPoll { .. } => retry_after_ms,
            _ => retry_after_ms.saturating_add(self.chance.up_to(PART_MS as u32, client, now_ms, For::Part)),
        }
    }

    /// How long a client waits after a cut or a refusal at `now_ms`. `open_ms` is for how long its
    /// stream had been open, if it was; `asked_ms` what the server has asked for now.
    pub(super) fn wait_ms(
        &self,
        client: u32,
        attempts: &mut Attempts,
        since_ms: u32,
        now_ms: u32,
        open_ms: Option<u32>,
        asked_ms: Option<u32>,
    ) -> u32 {
        // Each stream was told its `retry:` with its hello, and keeps it until the next.
        let told_ms = match self.spreading.retry_spread_ms {
            most if most > 0 && self.retry_ms > 0 => {
                self.retry_ms + self.chance.up_to(most, client, since_ms, For::Told)
            }
            _ => self.retry_ms,
        };
        let asked_ms = u64::from(asked_ms.unwrap_or(0).max(told_ms));
        let open_us = open_ms.map(|ms| u64::from(ms) * 1_000);
        let random = || self.chance.bits(client, now_ms, For::Wait);
        let (wait_ms, _) = attempts.wait_ms(self.backoff, open_us, Some(asked_ms), random);
        u32::try_from(wait_ms).unwrap_or(u32::MAX)
    }
}
