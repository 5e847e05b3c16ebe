//! How much of the network one server and one peer may use.

/// Bounds of connections. Each is a flag of `standby serve`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Limits {
    /// Connections in all; beyond it the answer is 503
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub max_connections: usize,
    /// Connections from one address (IPv6: one /64 network); beyond it the answer is 429. Loopback
    /// is exempt
    #[arg(long, value_name = "N", default_value_t = 1_200)]
    pub max_connections_per_address: usize,
    /// How long a request's head may take, from its first byte, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 10_000)]
    pub head_time_ms: u64,
    /// How long a request's body may take, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    pub body_time_ms: u64,
    /// How long a connection may stay open without a request, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 75_000)]
    pub idle_time_ms: u64,
    /// How long a peer may take nothing of what is ready to be sent, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    pub write_stall_ms: u64,
    /// How long connections get to end in order when the server stops, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 10_000)]
    pub drain_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_connections_per_address: 1_200,
            head_time_ms: 10_000,
            body_time_ms: 30_000,
            idle_time_ms: 75_000,
            write_stall_ms: 30_000,
            drain_ms: 10_000,
        }
    }
}
