//! How a few shapes are made of strokes: the same on a canvas and in SVG.

use crate::shape::{Ink, Weight};

/// An arrow's head with its tip at the line's second end: the tip and the two corners of its base.
/// It is shorter where the line is.
#[must_use]
pub fn head(from: (f32, f32), to: (f32, f32), ink: Ink, weight: Weight) -> Option<[(f32, f32); 3]> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy);
    if length < 0.5 {
        return None;
    }
    let (long, half) = match (ink, weight) {
        (_, Weight::Selected) => (10.5, 5.25),
        (Ink::News, _) => (7.6, 3.8),
        _ => (5.5, 2.75),
    };
    let scale = (length / long).min(1.0);
    let (ux, uy) = (dx / length * scale, dy / length * scale);
    let (bx, by) = (to.0 - ux * long, to.1 - uy * long);
    Some([to, (bx - uy * half, by + ux * half), (bx + uy * half, by - ux * half)])
}

/// The strokes that fill a rectangle (left, top, width, height), cut at its sides; each as two
/// points. [`Ink::Waiting`] rises to the right, [`Ink::OneSided`] falls.
///
/// `origin_x` is how far the picture has moved to the left: strokes keep their place in the trace,
/// and those of rectangles side by side are in step.
pub fn hatching([x, y, w, h]: [f32; 4], origin_x: f64, ink: Ink) -> impl Iterator<Item = [f32; 4]> {
    let (apart, falls) = if ink == Ink::OneSided { (6.0f64, true) } else { (8.5, false) };
    let (right, bottom) = (x + w, y + h);
    // All along a stroke that rises x + y is the same, and along one that falls x - y.
    let (least, most) = if falls { (x - bottom, right - y) } else { (x + y, right + bottom) };
    let before = (f64::from(least) + origin_x).rem_euclid(apart) as f32;
    let first = least - before;
    let strokes = ((most - first) / apart as f32).max(0.0) as usize;
    (0..=strokes).filter_map(move |at| {
        let sum = first + at as f32 * apart as f32;
        let (x1, x2) = match falls {
            true => ((sum + y).max(x), (sum + bottom).min(right)),
            false => ((sum - bottom).max(x), (sum - y).min(right)),
        };
        let y_at = |x: f32| if falls { x - sum } else { sum - x };
        (x1 < x2).then(|| [x1, y_at(x1), x2, y_at(x2)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECT: [f32; 4] = [10.0, 5.0, 30.0, 40.0];

    #[test]
    fn hatching_stays_inside_its_rectangle() {
        for ink in [Ink::Waiting, Ink::OneSided] {
            let strokes: Vec<_> = hatching(RECT, 3.0, ink).collect();
            assert!(strokes.len() >= 5, "{strokes:?}");
            for [x1, y1, x2, y2] in strokes {
                for (x, y) in [(x1, y1), (x2, y2)] {
                    assert!((9.9..=40.1).contains(&x) && (4.9..=45.1).contains(&y), "{x}, {y}");
                }
                assert_eq!(y2 > y1, ink == Ink::OneSided, "the two slant to different sides");
            }
        }
    }

    #[test]
    fn hatching_moves_with_what_it_fills() {
        for ink in [Ink::Waiting, Ink::OneSided] {
            let here: Vec<_> = hatching(RECT, 0.0, ink).collect();
            let there: Vec<_> = hatching([3.0, 5.0, 30.0, 40.0], 7.0, ink).collect();
            assert_eq!(here.len(), there.len());
            for (here, there) in here.iter().zip(&there) {
                assert!((here[0] - there[0] - 7.0).abs() < 0.01, "{here:?} {there:?}");
            }
        }
    }

    #[test]
    fn a_head_is_no_longer_than_its_line() {
        let tip = (3.0, 0.0);
        let [at, left, right] = head((0.0, 0.0), tip, Ink::News, Weight::Normal).unwrap();
        assert_eq!(at, tip);
        assert!(left.0.abs() < 0.01 && right.0.abs() < 0.01 && left.1 == -right.1);
        assert_eq!(head(tip, tip, Ink::News, Weight::Normal), None);
    }
}
