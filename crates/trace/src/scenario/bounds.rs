//! The bounds of what may be set, each way included. The sliders and the server use the same.

use std::ops::RangeInclusive;

/// Subscribers in one experiment.
pub const LANES: RangeInclusive<usize> = 1..=8;
/// [`super::LaneSpec::ShortPoll::interval_ms`].
pub const INTERVAL_MS: RangeInclusive<u32> = 100..=60_000;
/// [`super::LaneSpec::LongPoll::timeout_ms`].
pub const TIMEOUT_MS: RangeInclusive<u32> = 0..=60_000;
/// [`super::LaneSpec::Sse::retry_ms`].
pub const RETRY_MS: RangeInclusive<u32> = 500..=60_000;
/// Every time in a backoff.
pub const BACKOFF_MS: RangeInclusive<u32> = 100..=120_000;
/// [`super::LaneSpec::WebSocket::send_every_ms`], where it is not 0.
pub const SEND_EVERY_MS: RangeInclusive<u32> = 100..=60_000;
/// `keep_alive_ms` of [`super::LaneSpec::WebSocket`] and [`super::LaneSpec::Sse`], where it is
/// not 0.
pub const KEEP_ALIVE_MS: RangeInclusive<u32> = 500..=120_000;
/// `silence_ms` of [`super::LaneSpec::WebSocket`] and [`super::LaneSpec::Sse`], where it is
/// not 0.
pub const SILENCE_MS: RangeInclusive<u32> = 1_000..=120_000;
/// [`super::Publish::every_ms`], where it is not 0.
pub const EVERY_MS: RangeInclusive<u32> = 50..=600_000;
/// [`super::Conditions::latency_ms`] and [`super::Conditions::jitter_ms`].
pub const LATENCY_MS: RangeInclusive<u32> = 0..=5_000;
/// [`super::Conditions::bandwidth_bytes_s`], where it is not 0.
pub const BANDWIDTH_BYTES_S: RangeInclusive<u32> = 1_000..=1_000_000_000;
/// How long a fault lasts.
pub const FAULT_MS: RangeInclusive<u32> = 100..=120_000;
/// When a planned fault comes.
pub const FAULT_AT_MS: RangeInclusive<u32> = 0..=600_000;
/// Planned faults in one scenario.
pub const FAULTS: usize = 16;
/// [`super::Scenario::window_ms`].
pub const WINDOW_MS: RangeInclusive<u32> = 2_000..=120_000;
/// [`super::Scenario::clients`].
pub const CLIENTS: RangeInclusive<u32> = 1..=10_000_000;
/// The same without [`super::Scenario::crowd`], where a lane is one of so many real clients: a server opens as
/// many in all where nothing else is said.
pub const LANE_CLIENTS: RangeInclusive<u32> = 1..=2_000;
/// [`super::Crowd::capacity_s`].
pub const CAPACITY_S: RangeInclusive<u32> = 1..=10_000_000;
/// [`super::Crowd::backlog`].
pub const BACKLOG: RangeInclusive<u32> = 0..=1_000_000;
/// Every time in [`super::Spreading`], where it is not 0.
pub const SPREADING_MS: RangeInclusive<u32> = 100..=120_000;
/// [`super::Scenario::seed`]: what a JavaScript number holds exactly.
pub const SEED: RangeInclusive<u64> = 0..=(1 << 53) - 1;
