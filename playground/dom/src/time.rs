//! The page's clocks.

use crate::window;

/// The page's monotonic clock in microseconds: the one that all of a run's times are on.
/// Browsers round it, by 5 µs to 1 ms.
pub fn now_us() -> i64 {
    let ms = window().performance().map_or(0.0, |performance| performance.now());
    (ms * 1_000.0) as i64
}

/// The wall clock, in milliseconds since 1970.
pub fn wall_ms() -> u64 {
    js_sys::Date::now() as u64
}

/// A random number that a JavaScript number holds. Not for secrets: it is there on plain http too,
/// where `randomUUID` is not.
pub fn random() -> u64 {
    (js_sys::Math::random() * (1_u64 << 53) as f64) as u64
}
