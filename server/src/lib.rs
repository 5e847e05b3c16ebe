//! The companion server: topics over four transports, the wire tap, faults and conditions, and the
//! book itself.
//!
//! Where to start: [`topics`] holds every topic and its bounds; [`subscriber`] is a cursor in one
//! topic's history and says what is written to a subscriber. Each way in and out is one file of
//! the same shape: [`publish`], [`poll`], [`long_poll`], [`websocket`], [`sse`]. [`guard`] decides
//! who may, [`problem`] says what went wrong. [`net`] accepts connections and watches their bytes;
//! [`experiments`] runs a topic's publisher, conditions and faults.

pub mod config;
pub mod experiments;
pub mod net;
pub mod problem;
pub mod topics;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

pub use config::Config;
pub use experiments::Experiments;
pub use problem::Problem;
pub use topics::Topics;

/// What every handler shares. Cloning it clones references.
#[derive(Clone, Debug)]
pub struct AppState {
    /// Every topic.
    pub topics: Arc<Topics>,
    /// Every experiment, and the network of its topic: `Experiments::new(settings)`.
    pub experiments: Experiments,
    /// The flags that the server was started with.
    pub config: Arc<Config>,
    /// Cancelled when the server is to stop: held requests end, streams and sockets close.
    pub shutdown: CancellationToken,
}
