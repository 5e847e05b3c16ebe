//! What many clients did: counts over time, of one size however many they are.
//!
//! A trace has a mark for each message; of a million clients nobody could look at that. A tally
//! counts what happened to all of them within [`TALLY_US`].

use serde::{Deserialize, Serialize};

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
