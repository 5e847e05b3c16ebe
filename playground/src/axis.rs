//! Which stretch of time the picture shows.

/// The time axis of a run. It starts empty and fills from the left; when it is full it follows,
/// until the reader looks back: then it stands where they put it.
///
/// A run that goes on after a long pause has nothing to show for that time, so the axis fills from
/// the left again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    window_us: i64,
    /// The window that the scenario sets.
    own_window_us: i64,
    origin_us: i64,
    /// Its left end, while it stands still.
    still_us: Option<i64>,
}

/// What can be looked at: what is kept of a run, from its oldest moment to its newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The oldest.
    pub(crate) from_us: i64,
    /// The newest: now, while it runs.
    pub(crate) to_us: i64,
}

/// What of the past stays in sight when an axis begins anew, as a part of the window.
const KEPT: i64 = 8;
/// The narrowest window: some wire times are a tenth of a millisecond.
const NARROWEST_US: i64 = 200_000;
/// The widest: as much as a live run keeps.
const WIDEST_US: i64 = 300_000_000;
/// A moment that is brought into view stands so far from the edge at least, as a part of the window.
const MARGIN: i64 = 12;

impl Axis {
    /// The axis of a run that begins now, at time 0.
    pub(crate) fn new(window_ms: u32) -> Self {
        let window_us = i64::from(window_ms) * 1_000;
        Self { window_us, own_window_us: window_us, origin_us: 0, still_us: None }
    }

    /// The run goes on at `now_us`, after it stood still since `since_us`.
    pub(crate) fn go_on(&mut self, since_us: i64, now_us: i64) {
        if now_us - since_us > self.window_us / 2 {
            self.origin_us = now_us - self.window_us / KEPT;
        }
    }

    /// Both ends of the axis.
    pub(crate) fn ends(&self, now_us: i64) -> (i64, i64) {
        let from_us = self.still_us.unwrap_or_else(|| self.newest_us(now_us));
        (from_us, from_us + self.window_us)
    }

    /// It follows the run.
    pub(crate) fn follows(&self) -> bool {
        self.still_us.is_none()
    }

    /// How much time it shows.
    pub(crate) fn window_us(&self) -> i64 {
        self.window_us
    }

    /// Where it begins while it follows.
    fn newest_us(&self, now_us: i64) -> i64 {
        self.origin_us.max(now_us - self.window_us)
    }

    /// Stands still where it is.
    pub(crate) fn stop(&mut self, now_us: i64) {
        self.still_us = Some(self.ends(now_us).0);
    }

    /// Follows again.
    pub(crate) fn follow(&mut self) {
        self.still_us = None;
    }

    /// Moves it, to the past where `by_us` is below 0. Moved on to the newest it follows again.
    pub(crate) fn pan(&mut self, by_us: i64, kept: Kept) {
        let (from_us, _) = self.ends(kept.to_us);
        let to_us = from_us.saturating_add(by_us);
        if by_us > 0 && to_us >= self.newest_us(kept.to_us) {
            self.follow();
        } else if by_us != 0 {
            self.put(to_us, kept);
        }
    }

    /// Shows `factor` times as much time, and leaves `around_us` where it is. While it follows, it
    /// goes on to follow.
    pub(crate) fn zoom(&mut self, factor: f64, around_us: i64, kept: Kept) {
        let before_us = self.window_us as f64;
        let wanted_us = (before_us * factor).round();
        if !wanted_us.is_finite() {
            return;
        }
        let (from_us, _) = self.ends(kept.to_us);
        self.window_us = (wanted_us as i64).clamp(NARROWEST_US, WIDEST_US);
        if !self.follows() {
            let left_us = (around_us - from_us) as f64 * self.window_us as f64 / before_us;
            self.put(around_us.saturating_sub(left_us as i64), kept);
        }
    }

    /// Shows as much time as the scenario sets.
    pub(crate) fn zoom_back(&mut self, around_us: i64, kept: Kept) {
        self.zoom(self.own_window_us as f64 / self.window_us as f64, around_us, kept);
    }

    /// Stands still with a moment in view, and moves no more than it must.
    pub(crate) fn show(&mut self, at_us: i64, kept: Kept) {
        let (from_us, to_us) = self.ends(kept.to_us);
        let margin_us = self.window_us / MARGIN;
        if at_us < from_us.saturating_add(margin_us) {
            self.put(at_us.saturating_sub(margin_us), kept);
        } else if at_us > to_us.saturating_sub(margin_us) {
            self.put(at_us.saturating_sub(self.window_us - margin_us), kept);
        } else {
            self.still_us = Some(from_us);
        }
    }

    /// A replay has come to a moment: where it runs out of view, the axis follows it.
    pub(crate) fn reach(&mut self, at_us: i64) {
        if let Some(from_us) = self.still_us {
            self.still_us = Some(from_us.max(at_us - self.window_us));
        }
    }

    /// Stands still at a place, as far as there is something to see.
    fn put(&mut self, from_us: i64, kept: Kept) {
        let newest_us = (kept.to_us - self.window_us).max(kept.from_us);
        self.still_us = Some(from_us.clamp(kept.from_us, newest_us));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;
    const KEPT: Kept = Kept { from_us: 10 * S, to_us: 60 * S };

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

    #[test]
    fn moved_back_it_stands_while_the_run_goes_on() {
        let mut axis = Axis::new(8_000);
        axis.pan(-5 * S, KEPT);
        assert!(!axis.follows());
        assert_eq!(axis.ends(60 * S), (47 * S, 55 * S));
        assert_eq!(axis.ends(90 * S), (47 * S, 55 * S));
        axis.follow();
        assert_eq!(axis.ends(90 * S), (82 * S, 90 * S));
    }

    #[test]
    fn it_moves_no_farther_back_than_something_is_kept() {
        let mut axis = Axis::new(8_000);
        axis.pan(-500 * S, KEPT);
        assert_eq!(axis.ends(60 * S), (10 * S, 18 * S));
    }

    #[test]
    fn moved_on_to_the_newest_it_follows_again() {
        let mut axis = Axis::new(8_000);
        axis.pan(-5 * S, KEPT);
        axis.pan(4 * S, KEPT);
        assert!(!axis.follows());
        axis.pan(S, KEPT);
        assert!(axis.follows());
    }

    #[test]
    fn zooming_leaves_the_moment_under_the_pointer_where_it_is() {
        let mut axis = Axis::new(8_000);
        axis.pan(-20 * S, KEPT);
        assert_eq!(axis.ends(60 * S), (32 * S, 40 * S));
        // A quarter from the left.
        axis.zoom(0.5, 34 * S, KEPT);
        assert_eq!(axis.ends(60 * S), (33 * S, 37 * S));
        axis.zoom_back(34 * S, KEPT);
        assert_eq!(axis.ends(60 * S), (32 * S, 40 * S));
    }

    #[test]
    fn zooming_has_its_ends() {
        let mut axis = Axis::new(8_000);
        for _ in 0..100 {
            axis.zoom(0.5, 0, KEPT);
        }
        assert_eq!(axis.window_us(), 200_000);
        for _ in 0..100 {
            axis.zoom(2.0, 0, KEPT);
        }
        assert_eq!(axis.window_us(), 300 * S);
        axis.zoom(f64::NAN, 0, KEPT);
        assert_eq!(axis.window_us(), 300 * S);
        assert!(axis.follows());
    }

    #[test]
    fn a_replay_fills_the_picture_and_then_takes_it_along() {
        let mut axis = Axis::new(8_000);
        axis.pan(-20 * S, KEPT);
        axis.reach(36 * S);
        assert_eq!(axis.ends(60 * S), (32 * S, 40 * S));
        axis.reach(43 * S);
        assert_eq!(axis.ends(60 * S), (35 * S, 43 * S));
    }

    #[test]
    fn a_moment_is_brought_into_view_and_no_more() {
        let mut axis = Axis::new(8_000);
        axis.show(56 * S, KEPT);
        assert_eq!(axis.ends(60 * S), (52 * S, 60 * S), "it was in view");
        axis.show(30 * S, KEPT);
        let (from_us, to_us) = axis.ends(60 * S);
        assert!((from_us..to_us).contains(&(30 * S)) && from_us > 28 * S);
        axis.show(45 * S, KEPT);
        let (from_us, to_us) = axis.ends(60 * S);
        assert!((from_us..to_us).contains(&(45 * S)) && to_us < 47 * S);
    }
}
