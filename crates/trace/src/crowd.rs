//! What many clients did: counts over time, of one size however many they are.
//!
//! A trace has a mark for each message; of a million clients nobody could look at that. A tally
//! counts what happened to all of them within [`TALLY_US`].

use serde::{Deserialize, Serialize};

use crate::json::{Members, Value, Wrong};
use crate::scenario::LaneSpec;

/// How long one tally is.
pub const TALLY_US: i64 = 100_000;

/// What the clients of one lane did within one tenth of a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Requests and handshakes that reached the server.
    pub arrivals: u32,
    /// Those of them that were turned away: reset, 503, or no room in the queue.
    pub refused: u32,
    /// Requests and handshakes that the server answered as they wished.
    pub served: u32,
    /// Connections that are open, or polls that are held, at the end.
    pub open: u32,
    /// Requests and handshakes that wait for the server at the end.
    pub queued: u32,
    /// Keep-alives that the server sent: pings to sockets, comments to streams.
    #[serde(skip_serializing_if = "is_zero")]
    pub keep_alives: u32,
    /// Events that were delivered, each counted for each client.
    pub delivered: u32,
    /// Those of them that came from history.
    pub recovered: u32,
    /// Clients that were told a gap: they have to fetch the state anew.
    pub refetched: u32,
    /// Of what was delivered, from its publishing: the median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staleness_p50_us: Option<u32>,
    /// Of what was delivered: 99 of 100 were no older.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staleness_p99_us: Option<u32>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// How many tallies of a run are kept: ten minutes. The oldest go first.
pub const TALLIES: usize = 6_000;
/// How many runs are kept. The oldest go first.
pub const RUNS: usize = 16;

/// What a crowd of real connections did, and what it cost the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CrowdRun {
    /// Which row of the picture it is, from 0; of two runs in one row the later replaced the other.
    pub row: u16,
    /// What each client is.
    pub lane: LaneSpec,
    /// How many there are.
    pub clients: u32,
    /// When the first tally begins, on the trace's clock.
    pub from_us: i64,
    /// What they did, one each [`TALLY_US`].
    pub tallies: Vec<Tally>,
    /// What they cost the server, about once a second.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub costs: Vec<Cost>,
}

/// What the server used within about one second, while a crowd was connected. The crowd is a process
/// of its own, so its share is not in it. What the system doesn't tell is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cost {
    /// When it was measured, since the first tally of its run began.
    pub after_us: u64,
    /// How much time it covers.
    pub span_us: u64,
    /// Connections of this crowd that were open at the end.
    pub open: u32,
    /// No other crowd was at work: what was used over what there was before is this one's.
    pub alone: bool,
    /// Requests and handshakes that were answered within the time.
    pub served: u32,
    /// Events that were delivered within the time, each counted for each client. 0: it was idle.
    pub delivered: u32,
    /// The server's memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// The same before the crowd came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_before_bytes: Option<u64>,
    /// The server's processor time within the time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_us: Option<u64>,
    /// What the kernel held in the buffers of all its TCP sockets, both ends of each connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel_bytes: Option<u64>,
}

impl Cost {
    /// Nothing was delivered or answered: the time went into holding connections.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.delivered == 0 && self.served == 0
    }

    /// The server's memory for each connection that is open.
    #[must_use]
    pub fn per_connection_bytes(&self) -> Option<u64> {
        if !self.alone {
            return None;
        }
        let more_bytes = self.memory_bytes?.saturating_sub(self.memory_before_bytes?);
        more_bytes.checked_div(self.open.into())
    }

    /// The server's processor time for each event that was delivered.
    #[must_use]
    pub fn per_delivery_us(&self) -> Option<u64> {
        if !self.alone {
            return None;
        }
        self.cpu_us?.checked_div(self.delivered.into())
    }
}

pub(crate) fn tally(value: &Value<'_>) -> Result<Tally, Wrong> {
    let of = Members::of("a tally", value)?;
    Ok(Tally {
        arrivals: of.u32("arrivals")?,
        refused: of.u32("refused")?,
        served: of.u32("served")?,
        open: of.u32("open")?,
        queued: of.u32("queued")?,
        keep_alives: of.maybe_u32("keep_alives")?.unwrap_or(0),
        delivered: of.u32("delivered")?,
        recovered: of.u32("recovered")?,
        refetched: of.u32("refetched")?,
        staleness_p50_us: of.maybe_u32("staleness_p50_us")?,
        staleness_p99_us: of.maybe_u32("staleness_p99_us")?,
    })
}

pub(crate) fn cost(value: &Value<'_>) -> Result<Cost, Wrong> {
    let of = Members::of("a cost", value)?;
    Ok(Cost {
        after_us: of.u64("after_us")?,
        span_us: of.u64("span_us")?,
        open: of.u32("open")?,
        alone: of.flag("alone")?,
        served: of.u32("served")?,
        delivered: of.u32("delivered")?,
        memory_bytes: of.maybe_u64("memory_bytes")?,
        memory_before_bytes: of.maybe_u64("memory_before_bytes")?,
        cpu_us: of.maybe_u64("cpu_us")?,
        kernel_bytes: of.maybe_u64("kernel_bytes")?,
    })
}
