//! The server's clock: microseconds since the process first asked for them. It never goes back.

use std::sync::LazyLock;

use tokio::time::Instant;

static ZERO: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Now.
pub(crate) fn now_us() -> u64 {
    at_us(Instant::now())
}

/// A moment on this clock.
pub(crate) fn at_us(moment: Instant) -> u64 {
    // 2^64 microseconds are half a million years.
    u64::try_from(moment.saturating_duration_since(*ZERO).as_micros()).unwrap_or(u64::MAX)
}
