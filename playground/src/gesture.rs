//! What pointers on the picture mean: a tap, a drag, a pinch. It knows positions only.

/// A pointer that moves less than this was pressed, not dragged; in pixels. A finger is less steady
/// than a mouse.
const STEADY: (f32, f32) = (4.0, 9.0);

/// What a movement means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Moves {
    /// Nothing yet.
    Nothing,
    /// The picture goes with the pointer, by so many pixels.
    Drag {
        /// To the right.
        dx: f32,
    },
    /// Two fingers: the picture goes with them, and is spread.
    Pinch {
        /// To the right.
        dx: f32,
        /// Fingers so many times as far apart as before.
        spread: f32,
        /// Between the fingers.
        x: f32,
    },
}

/// The pointers that are pressed on the picture.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gesture {
    /// At most two: each one's number and where it is.
    pointers: Vec<(i32, f32)>,
    /// Where the first was pressed.
    began: (f32, f32),
    is_finger: bool,
    /// It is no tap any more.
    dragged: bool,
}

impl Gesture {
    /// A pointer is pressed.
    pub(crate) fn down(&mut self, id: i32, (x, y): (f32, f32), is_finger: bool) {
        self.pointers.retain(|(known, _)| *known != id);
        if self.pointers.is_empty() {
            self.began = (x, y);
            self.is_finger = is_finger;
            self.dragged = false;
        }
        if self.pointers.len() < 2 {
            self.pointers.push((id, x));
        }
        self.dragged |= self.pointers.len() == 2;
    }

    /// A pointer moves.
    pub(crate) fn moved(&mut self, id: i32, (x, y): (f32, f32)) -> Moves {
        let Some(at) = self.pointers.iter().position(|(known, _)| *known == id) else {
            return Moves::Nothing;
        };
        let steady = if self.is_finger { STEADY.1 } else { STEADY.0 };
        if !self.dragged && (x - self.began.0).hypot(y - self.began.1) < steady {
            return Moves::Nothing;
        }
        self.dragged = true;
        let before = self.pointers.clone();
        self.pointers[at].1 = x;
        match (before.as_slice(), self.pointers.as_slice()) {
            ([(_, was)], [(_, is)]) => Moves::Drag { dx: is - was },
            ([(_, a), (_, b)], [(_, c), (_, d)]) => {
                let apart = |a: f32, b: f32| (a - b).abs().max(1.0);
                Moves::Pinch {
                    dx: (c + d - a - b) / 2.0,
                    spread: apart(*c, *d) / apart(*a, *b),
                    x: (c + d) / 2.0,
                }
            }
            _ => Moves::Nothing,
        }
    }

    /// A pointer is lifted; says whether that was a tap.
    pub(crate) fn up(&mut self, id: i32) -> bool {
        let known = self.pointers.iter().any(|(known, _)| *known == id);
        self.pointers.retain(|(known, _)| *known != id);
        known && !self.dragged && self.pointers.is_empty()
    }

    /// The browser took a pointer for itself, to scroll the page.
    pub(crate) fn cancel(&mut self, id: i32) {
        self.pointers.retain(|(known, _)| *known != id);
        self.dragged = true;
    }

    /// A pointer is pressed and has moved.
    pub(crate) fn drags(&self) -> bool {
        self.dragged && !self.pointers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_press_that_trembles_is_a_tap() {
        let mut gesture = Gesture::default();
        gesture.down(1, (100.0, 50.0), false);
        assert_eq!(gesture.moved(1, (102.0, 51.0)), Moves::Nothing);
        assert!(gesture.up(1));
        assert!(!gesture.up(1), "it was lifted");
    }

    #[test]
    fn a_finger_may_tremble_more() {
        for (is_finger, taps) in [(false, false), (true, true)] {
            let mut gesture = Gesture::default();
            gesture.down(1, (100.0, 50.0), is_finger);
            gesture.moved(1, (106.0, 50.0));
            assert_eq!(gesture.up(1), taps);
        }
    }

    #[test]
    fn a_drag_takes_the_picture_along_from_where_it_was_pressed() {
        let mut gesture = Gesture::default();
        gesture.down(1, (100.0, 50.0), false);
        assert_eq!(gesture.moved(1, (110.0, 50.0)), Moves::Drag { dx: 10.0 });
        assert_eq!(gesture.moved(1, (105.0, 50.0)), Moves::Drag { dx: -5.0 });
        assert!(!gesture.up(1));
    }

    #[test]
    fn two_fingers_spread_the_picture_around_their_middle() {
        let mut gesture = Gesture::default();
        gesture.down(1, (100.0, 50.0), true);
        gesture.down(2, (200.0, 50.0), true);
        assert_eq!(gesture.moved(2, (300.0, 50.0)), Moves::Pinch { dx: 50.0, spread: 2.0, x: 200.0 });
        gesture.up(2);
        // The finger that stays drags on, and was no tap.
        assert_eq!(gesture.moved(1, (90.0, 50.0)), Moves::Drag { dx: -10.0 });
        assert!(!gesture.up(1));
    }

    #[test]
    fn what_the_browser_scrolls_with_is_no_tap() {
        let mut gesture = Gesture::default();
        gesture.down(1, (100.0, 50.0), true);
        gesture.cancel(1);
        assert!(!gesture.up(1));
        assert!(!gesture.drags());
    }

    #[test]
    fn a_pointer_that_only_passes_means_nothing() {
        assert_eq!(Gesture::default().moved(1, (9.0, 9.0)), Moves::Nothing);
    }
}
