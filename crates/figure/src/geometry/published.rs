//! What was published: numbered circles above the lanes, each with a thread down through all of them.

use standby_trace::Published;

use super::Frame;
use crate::layout::EVENTS_Y;
use crate::shape::{Anchor, Ink, Shape, Weight};
use crate::text;

/// Space between two circles.
const BETWEEN: f32 = 1.0;
/// An event without a number stands a little lower, so that it never touches a circle.
const DOT_Y: f32 = EVENTS_Y + 12.5;
const DOT_R: f32 = 2.2;
/// No circle is larger than this.
const WIDEST_R: f32 = 12.0;
/// So many events in a row may hang together; then numbers begin anew. It bounds how far back one
/// must look to know which of them has its number.
const TOGETHER: u64 = 64;

/// One event as it is drawn.
pub(crate) struct Spot<'a> {
    pub(crate) event: &'a Published,
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) r: f32,
    /// What stands in its circle; `None` for a dot.
    number: Option<(String, f32)>,
}

/// The events in view, in order.
///
/// Where circles would touch, the later event becomes a dot. That looks only back, and begins
/// anew at fixed numbers, so an event keeps its shape while the view scrolls.
pub(crate) fn spots<'a>(frame: &Frame<'a>) -> Vec<Spot<'a>> {
    let (scale, published) = (&frame.scale, &frame.trace.published);
    let radius = if frame.layout.narrow { 6.5 } else { 7.5 };
    let end = published.partition_point(|event| event.at_us <= scale.end_us);
    let in_view = published.partition_point(|event| event.at_us < scale.from_us).min(end);
    let mut start = in_view;
    let apart_us = scale.us(f64::from(2.0 * WIDEST_R + BETWEEN));
    while start > 0 && start < published.len() {
        let (before, event) = (&published[start - 1], &published[start]);
        if event.id.is_multiple_of(TOGETHER) || event.at_us.saturating_sub(before.at_us) > apart_us {
            break;
        }
        start -= 1;
    }
    // Counted in time, not in pixels of this view: the outcome does not depend on how far it scrolled.
    let mut taken_until_us = i64::MIN;
    let mut last_numbered: Option<usize> = None;
    let mut spots: Vec<Spot<'a>> = Vec::with_capacity(end - in_view);
    for (i, event) in published[start..end].iter().enumerate() {
        let (text, size, r) = number(event.id, radius);
        let half_us = scale.us(f64::from(r + BETWEEN / 2.0));
        let free = event.at_us.saturating_sub(half_us) >= taken_until_us;
        let numbered = free || event.id.is_multiple_of(TOGETHER);
        if numbered {
            taken_until_us = event.at_us.saturating_add(half_us);
            if let (false, Some(before)) = (free, last_numbered.take()) {
                let before = &mut spots[before];
                (before.y, before.r, before.number) = (DOT_Y, DOT_R, None);
            }
        }
        if start + i >= in_view && scale.shows(event.at_us) {
            let x = scale.x(event.at_us);
            if numbered {
                last_numbered = Some(spots.len());
                spots.push(Spot { event, x, y: EVENTS_Y, r, number: Some((text, size)) });
            } else {
                spots.push(Spot { event, x, y: DOT_Y, r: DOT_R, number: None });
            }
        }
    }
    show_selected(frame, radius, &mut spots);
    spots
}

/// What is pointed at always has its number; for as long, its neighbours make room.
fn show_selected(frame: &Frame<'_>, radius: f32, spots: &mut [Spot<'_>]) {
    let Some(id) = frame.view.selected else { return };
    let Some(at) = spots.iter().position(|spot| spot.event.id == id && spot.number.is_none()) else { return };
    let (text, size, r) = number(id, radius);
    let x = spots[at].x;
    for spot in spots.iter_mut() {
        if (spot.x - x).abs() < spot.r + r + BETWEEN {
            (spot.y, spot.r, spot.number) = (DOT_Y, DOT_R, None);
        }
    }
    (spots[at].y, spots[at].r, spots[at].number) = (EVENTS_Y, r, Some((text, size)));
}

/// A number's text, font size, and its circle's radius.
fn number(id: u64, radius: f32) -> (String, f32, f32) {
    let text = match id {
        0..10_000 => id.to_string(),
        _ => format!("…{:03}", id % 1_000),
    };
    let size = match text.chars().count() {
        1 | 2 => 9.5,
        3 => 8.0,
        _ => 7.0,
    };
    let r = radius.max(text::width(&text, size, true) / 2.0 + 1.0);
    (text, size, r)
}

pub(super) fn draw(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    if !frame.layout.narrow {
        shapes.push(Shape::Text {
            x: frame.layout.plot_x - 8.0,
            y: EVENTS_Y + 3.5,
            anchor: Anchor::End,
            size: 9.5,
            strong: false,
            ink: Ink::Rail,
            text: "published".to_owned(),
        });
    }
    for Spot { event, x, y, r, number } in spots(frame) {
        let selected = frame.selection.event(event.id);
        let weight = if selected { Weight::Selected } else { Weight::Normal };
        shapes.push(Shape::Line {
            x1: x,
            y1: y + 4.0,
            x2: x,
            y2: frame.layout.threads_end,
            arrow: false,
            ink: Ink::Thread,
            weight,
        });
        let filled = selected || number.is_none();
        shapes.push(Shape::Circle { x, y, r, filled, ink: Ink::News, weight });
        if let Some((text, size)) = number {
            shapes.push(Shape::Text {
                x,
                y: y + size * 0.36,
                anchor: Anchor::Middle,
                size,
                strong: true,
                ink: if selected { Ink::Ground } else { Ink::News },
                text,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_number_still_fits_its_circle() {
        for id in [5, 42, 512, 4_096, 123_456, u64::MAX] {
            let (text, size, r) = number(id, 7.5);
            assert!(text::width(&text, size, true) <= 2.0 * r, "{text}");
            assert!(r < WIDEST_R, "{text}");
        }
    }
}
