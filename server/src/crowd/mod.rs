//! Crowds: many real clients on loopback, for load that one browser can't make.
//!
//! A crowd is a process of its own, `standby crowd`, so that what it uses is not taken for what the
//! server uses. It gets one `Order` on its standard input and tells a `Told` each tenth of a second
//! on its standard output; when its input closes it ends, so it can't outlive a server that was
//! killed. Its clients are the transports' own machines, over real sockets. Faults and conditions of
//! the topic act on them as on all; the tap passes them over, because nobody could look at so many
//! messages.
//!
//! - [`program`] is that process, `client` one of its clients, `count` what it tells;
//! - `keeper` starts a crowd, passes on what it tells, and ends it; `cost` measures the server
//!   meanwhile; [`routes`](router) say what is asked of crowds.

mod client;
mod cost;
mod count;
mod keeper;
pub mod program;
mod routes;

use serde::{Deserialize, Serialize};
use standby_trace::crowd::Tally;
use standby_trace::scenario::LaneSpec;

pub(crate) use keeper::Rows;
pub use keeper::{Crowds, Place};
pub use routes::router;

/// The request header by which the server knows a crowd's connections as its own.
pub(crate) const HEADER: &str = "standby-crowd";

/// What a crowd is to be, in one line.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    /// The server's address and port.
    authority: String,
    topic: String,
    /// The label of all its clients.
    sub: String,
    /// What it says in [`HEADER`].
    secret: String,
    clients: u32,
    lane: LaneSpec,
    /// The clients begin one after another within so long.
    ramp_ms: u32,
    /// Pollers that begin together ask together.
    in_phase: bool,
    seed: u64,
}

/// What a crowd tells, a line each.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Told {
    /// The first tally begins now.
    Began,
    /// The system lets it open so many files only, and that is not enough.
    TooFewFiles(u64),
    /// What happened in the next tenth of a second.
    Tally(Tally),
}

/// Files that a process needs besides connections: the listener, standard streams, the runtime's own,
/// files of the book.
pub(crate) const OTHER_FILES: u64 = 64;
