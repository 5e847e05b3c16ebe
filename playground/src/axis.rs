//! Which stretch of time the live picture shows.

/// The time axis of a run. It starts empty and fills from the left; when it is full it follows.
///
/// A run that goes on after a long pause has nothing to show for that time, so the axis fills from
/// the left again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    window_us: i64,
    origin_us: i64,
}

/// What of the past stays in sight when an axis begins anew, as a part of the window.
const KEPT: i64 = 8;

impl Axis {
    /// The axis of a run that begins now, at time 0.
    pub(crate) fn new(window_ms: u32) -> Self {
        Self { window_us: i64::from(window_ms) * 1_000, origin_us: 0 }
    }

    /// The run goes on at `now_us`, after it stood still since `since_us`.
    pub(crate) fn go_on(&mut self, since_us: i64, now_us: i64) {
        if now_us - since_us > self.window_us / 2 {
            self.origin_us = now_us - self.window_us / KEPT;
        }
    }

    /// Both ends of the axis.
    pub(crate) fn ends(&self, now_us: i64) -> (i64, i64) {
        let from_us = self.origin_us.max(now_us - self.window_us);
        (from_us, from_us + self.window_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;

    #[test]
    fn an_axis_fills_and_then_follows() {
        let axis = Axis::new(8_000);
        assert_eq!(axis.ends(0), (0, 8 * S));
        assert_eq!(axis.ends(8 * S), (0, 8 * S));
        assert_eq!(axis.ends(9 * S), (S, 9 * S));
    }

    #[test]
    fn after_a_long_pause_it_fills_again() {
        let mut axis = Axis::new(8_000);
        axis.go_on(10 * S, 100 * S);
        assert_eq!(axis.ends(100 * S), (99 * S, 107 * S));
        assert_eq!(axis.ends(110 * S), (102 * S, 110 * S));
    }

    #[test]
    fn a_short_pause_changes_nothing() {
        let mut axis = Axis::new(8_000);
        axis.go_on(10 * S, 12 * S);
        assert_eq!(axis.ends(12 * S), (4 * S, 12 * S));
    }
}
