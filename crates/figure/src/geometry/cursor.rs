//! The cursor: a line through all lanes, and its time below them.

use super::Frame;
use super::axis;
use crate::layout::GRID_TOP;
use crate::shape::{Anchor, Ink, Shape, Weight};
use crate::text;

const SIZE: f32 = 10.0;
/// Around the time, on the axis' figures.
const AROUND: f32 = 4.0;

/// The cursor's place, its time, and from where to where that is written.
fn label(frame: &Frame<'_>) -> Option<(f32, String, f32, f32)> {
    let (scale, view) = (&frame.scale, frame.view);
    let at_us = view.cursor_us.filter(|at_us| (view.from_us..=view.to_us).contains(at_us))?;
    let x = scale.x(at_us);
    // As exact as a pixel is.
    let text = axis::figure(at_us, scale.us(1.0).max(1));
    let half = text::width(&text, SIZE, true) / 2.0 + AROUND;
    let middle = x.min(frame.layout.width - half).max(half);
    Some((x, text, middle - half, middle + half))
}

/// Whether an axis' figure from there to there leaves the cursor's time free.
pub(super) fn leaves_free(frame: &Frame<'_>, from: f32, to: f32) -> bool {
    label(frame).is_none_or(|(_, _, left, right)| to + AROUND < left || right + AROUND < from)
}

pub(super) fn draw(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    let Some((x, text, left, right)) = label(frame) else { return };
    let layout = &frame.layout;
    shapes.push(Shape::Line {
        x1: x,
        y1: GRID_TOP,
        x2: x,
        y2: layout.grid_end,
        arrow: false,
        ink: Ink::Cursor,
        weight: Weight::Normal,
    });
    let (y, h) = (layout.axis_y - SIZE, SIZE + 4.0);
    shapes.push(Shape::Rect { x: left, y, w: right - left, h, ink: Ink::Cursor });
    shapes.push(Shape::Text {
        x: left.midpoint(right),
        y: layout.axis_y,
        anchor: Anchor::Middle,
        size: SIZE,
        strong: true,
        ink: Ink::Ground,
        text,
    });
}
