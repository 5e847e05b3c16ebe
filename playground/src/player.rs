//! Plays what is kept of a run again, as if it happened then: where it stands after so much of the
//! display's time. It knows no clock and no picture.

/// How fast it can play.
pub(crate) const SPEEDS: [(f64, &str); 7] =
    [(0.1, "0.1×"), (0.25, "0.25×"), (0.5, "0.5×"), (1.0, "1×"), (2.0, "2×"), (5.0, "5×"), (10.0, "10×")];
/// As fast as it was.
pub(crate) const AS_IT_WAS: usize = 3;

/// A display that shows no frame for longer than this was not looked at: nothing is skipped.
const LONGEST_FRAME_MS: f64 = 250.0;

/// A moment of a run that is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Player {
    at_us: f64,
    /// When it was there, in the display's milliseconds; none while it rests.
    since_ms: Option<f64>,
    plays: bool,
}

impl Player {
    /// Plays from a moment on.
    pub(crate) fn from(at_us: i64) -> Self {
        Self { at_us: at_us as f64, since_ms: None, plays: true }
    }

    /// The moment that it shows.
    pub(crate) fn at_us(&self) -> i64 {
        self.at_us as i64
    }

    /// It moves.
    pub(crate) fn plays(&self) -> bool {
        self.plays
    }

    /// Rests, or goes on.
    pub(crate) fn set_plays(&mut self, plays: bool) {
        self.plays = plays;
        self.since_ms = None;
    }

    /// The display shows its next frame at `at_ms`. It goes no farther than `end_us`; says whether
    /// it came there.
    pub(crate) fn frame(&mut self, at_ms: f64, speed: f64, end_us: i64) -> bool {
        if !self.plays {
            return false;
        }
        let passed_ms = self.since_ms.map_or(0.0, |since_ms| at_ms - since_ms);
        self.since_ms = Some(at_ms);
        self.at_us += passed_ms.clamp(0.0, LONGEST_FRAME_MS) * 1_000.0 * speed;
        let over = self.at_us >= end_us as f64;
        if over {
            self.at_us = end_us as f64;
            self.plays = false;
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_plays_as_fast_as_it_is_told() {
        for (speed, moved_us) in [(1.0, 100_000), (0.1, 10_000), (10.0, 1_000_000)] {
            let mut player = Player::from(5_000_000);
            assert!(!player.frame(40.0, speed, 60_000_000));
            assert!(!player.frame(140.0, speed, 60_000_000));
            assert_eq!(player.at_us(), 5_000_000 + moved_us, "at {speed}");
        }
        assert_eq!(SPEEDS[AS_IT_WAS].0, 1.0);
    }

    #[test]
    fn the_first_frame_moves_nothing_however_long_ago_the_display_began() {
        let mut player = Player::from(5_000_000);
        player.frame(9_999_999.0, 1.0, 60_000_000);
        assert_eq!(player.at_us(), 5_000_000);
    }

    #[test]
    fn at_the_end_it_rests() {
        let mut player = Player::from(0);
        player.frame(0.0, 1.0, 100_000);
        assert!(player.frame(200.0, 1.0, 100_000));
        assert_eq!((player.at_us(), player.plays()), (100_000, false));
        assert!(!player.frame(300.0, 1.0, 100_000), "it is there once");
    }

    #[test]
    fn while_it_rests_no_time_passes() {
        let mut player = Player::from(0);
        player.frame(0.0, 1.0, 60_000_000);
        player.set_plays(false);
        player.frame(100.0, 1.0, 60_000_000);
        player.set_plays(true);
        player.frame(200.0, 1.0, 60_000_000);
        assert_eq!(player.at_us(), 0);
        player.frame(216.0, 1.0, 60_000_000);
        assert_eq!(player.at_us(), 16_000);
    }

    #[test]
    fn a_tab_that_was_hidden_skips_nothing() {
        let mut player = Player::from(0);
        player.frame(0.0, 1.0, 60_000_000);
        player.frame(30_000.0, 1.0, 60_000_000);
        assert_eq!(player.at_us(), 250_000);
        player.frame(29_000.0, 1.0, 60_000_000);
        assert_eq!(player.at_us(), 250_000, "and it never goes back");
    }
}
