//! The cursor: a line through all lanes, and its time below them.

use super::Frame;
use super::axis;
use crate::layout::GRID_TOP;
use crate::shape::{Anchor, Ink, Shape, Weight};
use crate::text;

const SIZE: f32 = 10.0;
/// Around the time, on the axis' figures.
const AROUND: f32 = 4.0;

pub(super) fn draw(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    let (scale, layout, view) = (&frame.scale, &frame.layout, frame.view);
    let Some(at_us) = view.cursor_us.filter(|at_us| (view.from_us..=view.to_us).contains(at_us)) else {
        return;
    };
    let x = scale.x(at_us);
    shapes.push(Shape::Line {
        x1: x,
        y1: GRID_TOP,
        x2: x,
        y2: layout.grid_end,
        arrow: false,
        ink: Ink::Cursor,
        weight: Weight::Normal,
    });
    // As exact as a pixel is.
    let text = axis::figure(at_us, scale.us(1.0).max(1));
    let half = text::width(&text, SIZE, true) / 2.0;
    let middle = x.min(layout.width - half - AROUND).max(half + AROUND);
    shapes.push(Shape::Rect {
        x: middle - half - AROUND,
        y: layout.axis_y - SIZE,
        w: 2.0 * (half + AROUND),
        h: SIZE + 4.0,
        ink: Ink::Cursor,
    });
    shapes.push(Shape::Text {
        x: middle,
        y: layout.axis_y,
        anchor: Anchor::Middle,
        size: SIZE,
        strong: true,
        ink: Ink::Ground,
        text,
    });
}
