//! The time axis: lines through all lanes, and their figures below.

use super::{Frame, cursor};
use crate::format;
use crate::layout::GRID_TOP;
use crate::shape::{Anchor, Ink, Shape, Weight};
use crate::text;

const SIZE: f32 = 10.0;
/// Figures stand at least so far apart.
const APART: f64 = 60.0;
const MILLISECOND: i64 = 1_000;
const SECOND: i64 = 1_000_000;
const STEPS: [i64; 22] = [
    MILLISECOND,
    2 * MILLISECOND,
    5 * MILLISECOND,
    10 * MILLISECOND,
    20 * MILLISECOND,
    50 * MILLISECOND,
    100 * MILLISECOND,
    200 * MILLISECOND,
    500 * MILLISECOND,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    60 * SECOND,
    120 * SECOND,
    300 * SECOND,
    600 * SECOND,
    1_800 * SECOND,
    3_600 * SECOND,
    7_200 * SECOND,
];

pub(super) fn draw(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    let (scale, layout, view) = (&frame.scale, &frame.layout, frame.view);
    let apart_us = scale.us(APART);
    let step = round_step(apart_us);
    let mut figures = Vec::new();
    // Time begins at 0: there is nothing to read left of it.
    let first = view.from_us.max(0).div_euclid(step) * step;
    for tick in (0..).map_while(|i| first.checked_add(step.checked_mul(i)?)) {
        if tick > view.to_us {
            break;
        }
        if tick < view.from_us {
            continue;
        }
        let x = scale.x(tick);
        let (y1, y2) = (GRID_TOP, layout.grid_end);
        shapes.push(Shape::Line {
            x1: x,
            y1,
            x2: x,
            y2,
            arrow: false,
            ink: Ink::Grid,
            weight: Weight::Normal,
        });
        let text = figure(tick, step);
        let half = text::width(&text, SIZE, false) / 2.0;
        let middle = x.min(layout.width - half).max(half);
        if !cursor::leaves_free(frame, middle - half, middle + half) {
            continue;
        }
        figures.push(Shape::Text {
            x: middle,
            y: layout.axis_y,
            anchor: Anchor::Middle,
            size: SIZE,
            strong: false,
            ink: Ink::Axis,
            text,
        });
    }
    shapes.append(&mut figures);
}

/// The least round length of time that is no shorter.
pub(crate) fn round_step(least_us: i64) -> i64 {
    STEPS.into_iter().find(|&step| step >= least_us).unwrap_or_else(|| least_us.max(SECOND))
}

/// A moment with no more digits than the step needs: `2 s`, `0.5 s`, `2:05 min`, `1:00:00 h`.
pub(crate) fn figure(us: i64, step: i64) -> String {
    let seconds = us / SECOND;
    match us {
        _ if step < 10 * MILLISECOND => in_seconds(us, 3),
        _ if step < 100 * MILLISECOND => in_seconds(us, 2),
        _ if step < SECOND => in_seconds(us, 1),
        _ if seconds < 120 => format!("{seconds} s"),
        _ if seconds < 3_600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02} h", seconds / 3_600, seconds / 60 % 60, seconds % 60),
    }
}

fn in_seconds(us: i64, places: u32) -> String {
    let sign = if us < 0 { "-" } else { "" };
    format!("{sign}{} s", format::decimal(us.unsigned_abs(), 1_000_000, places))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_has_the_digits_that_its_step_needs() {
        assert_eq!(figure(2 * SECOND, SECOND), "2 s");
        assert_eq!(figure(500 * MILLISECOND, 500 * MILLISECOND), "0.5 s");
        assert_eq!(figure(125 * SECOND, SECOND), "2:05 min");
        assert_eq!(figure(3_600 * SECOND, 60 * SECOND), "1:00:00 h");
    }
}
