//! The flags of `standby serve`, with their defaults. A test takes the same defaults.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::experiments::Settings;
use crate::net::Limits;
use crate::origin::Origin;
use crate::topics::Bounds;

/// How the server is set. Every bound is a flag.
#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// Serve the book from this directory instead of the one inside the program
    #[arg(long, value_name = "DIR")]
    pub book: Option<PathBuf>,
    /// Answer to this name too, besides IP addresses and `localhost`; may be repeated
    #[arg(long, value_name = "NAME", value_parser = host_name)]
    pub allow_host: Vec<String>,
    /// Let pages of this origin use the API, besides the server's own and those on this machine; may
    /// be repeated
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<Origin>,
    /// Show /metrics to everyone, and not to this machine only
    #[arg(long)]
    pub public_metrics: bool,
    /// Tell pages to reload when the file `.reload` in the book's directory changes
    #[arg(long, hide = true, requires = "book")]
    pub live_reload: bool,

    /// Bytes of a request that publishes
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 10)]
    pub publish_bytes: usize,
    /// Bytes of a message on a topic's WebSocket
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 10)]
    pub ws_bytes: usize,
    /// Bytes of a message on /api/echo
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20)]
    pub echo_bytes: usize,
    /// Requests and WebSocket messages that one address may send in a second, and twice that at
    /// once; programs on this machine are exempt
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    pub requests_per_second: u32,
    /// After this much silence an event stream gets a comment, and this often a WebSocket gets a ping,
    /// in milliseconds; who answers none is let go
    #[arg(long, value_name = "MS", default_value_t = 15_000, value_parser = clap::value_parser!(u64).range(100..))]
    pub keep_alive_ms: u64,
    /// How event streams are told to reconnect
    #[command(flatten, next_help_heading = "Event streams")]
    pub sse: SseConfig,
    /// Topics
    #[command(flatten, next_help_heading = "Topics")]
    pub topics: Bounds,
    /// Real clients that experiments may have this machine open to the server, in all; 0 allows none.
    /// Without it 2,000, and none where others on the network can reach the server
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=50_000))]
    pub crowd: Option<u32>,
    /// Experiments
    #[command(flatten, next_help_heading = "Experiments")]
    pub experiments: Settings,
    /// Connections
    #[command(flatten, next_help_heading = "Connections")]
    pub limits: Limits,
}

/// How event streams are told to reconnect.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct SseConfig {
    /// `retry:` of an event stream whose request names none, in milliseconds
    #[arg(long = "sse-retry-ms", value_name = "MS", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(500..=60_000))]
    pub base_ms: u32,
    /// At most this much more, at random for each connection, so that clients that were cut off
    /// together do not all come back together
    #[arg(long = "sse-retry-jitter-ms", value_name = "MS", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(0..=60_000))]
    pub jitter_ms: u32,
}

impl SseConfig {
    // ANCHOR: retry
    /// The reconnection time for one connection.
    #[must_use]
    pub fn retry_ms(&self) -> u32 {
        self.base_ms + crate::random::up_to(self.jitter_ms)
    }
    // ANCHOR_END: retry
}

impl Config {
    /// How long a stream may be silent, and how often a socket is pinged: as the subscriber asks, or
    /// as the flag says.
    #[must_use]
    pub fn keep_alive(&self, asked_ms: Option<u32>) -> Duration {
        Duration::from_millis(asked_ms.map_or(self.keep_alive_ms, u64::from))
    }
}

impl Default for Config {
    /// What the flags are where none is given.
    fn default() -> Self {
        #[derive(clap::Parser)]
        struct Flags {
            #[command(flatten)]
            config: Config,
        }
        Flags::parse_from(["standby"]).config
    }
}

fn host_name(text: &str) -> Result<String, String> {
    match text.parse().ok().filter(|a: &axum::http::uri::Authority| a.port().is_none()) {
        Some(authority) => crate::host::host_of(&authority).ok_or(()),
        None => Err(()),
    }
    .map_err(|()| "give a host's name alone, without scheme and port".to_owned())
}
