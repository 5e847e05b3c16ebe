//! What was published: numbered circles above the lanes, each with a thread down through all of them.

use standby_trace::Published;

use super::{Frame, density};
use crate::layout::EVENTS_Y;
use crate::shape::{Anchor, Density, Ink, Shape, Weight};
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
    weight: Weight,
}

/// The events in view, in order.
///
/// Where circles would touch, the later event becomes a dot. That looks only back, and begins
/// anew at fixed numbers, so an event keeps its shape while the view scrolls.
pub(crate) fn spots<'a>(frame: &Frame<'a>) -> Vec<Spot<'a>> {
    let (scale, published) = (&frame.scale, &frame.trace.published);
    let (radius, weight) = (radius(frame), Weight::Normal);
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
                spots.push(Spot { event, x, y: EVENTS_Y, r, number: Some((text, size)), weight });
            } else {
                spots.push(Spot { event, x, y: DOT_Y, r: DOT_R, number: None, weight });
            }
        }
    }
    spots
}

fn radius(frame: &Frame<'_>) -> f32 {
    if frame.layout.narrow { 6.5 } else { 7.5 }
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

/// Where so many events stand in 64 pixels, their threads would be a curtain.
const CURTAIN: usize = 16;

pub(super) fn draw(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    let spots = spots(frame);
    // Threads, dots, rings and numbers each in one go: a page paints them far quicker so.
    for spot in spots.iter().filter(|spot| !is_crowded(frame, spot.event)) {
        shapes.push(thread(frame, spot, Weight::Normal));
    }
    let mut dot_at = None;
    for spot in spots.iter().filter(|spot| spot.number.is_none()) {
        // Of dots that would cover each other one is enough.
        let column = density::column(frame, spot.event.at_us);
        if frame.view.density == Density::Off || dot_at.replace(column) != Some(column) {
            shapes.push(circle(spot, true, Weight::Normal));
        }
    }
    let numbered = || spots.iter().filter(|spot| spot.number.is_some());
    shapes.extend(numbered().map(|spot| circle(spot, false, Weight::Normal)));
    shapes.extend(numbered().filter_map(|spot| number_in(spot, Ink::News)));
}

fn is_crowded(frame: &Frame<'_>, event: &Published) -> bool {
    let published = &frame.trace.published;
    let half_us = frame.scale.us(32.0);
    let start = published.partition_point(|other| other.at_us < event.at_us.saturating_sub(half_us));
    let crowd = published.get(start..).unwrap_or_default().iter().take(CURTAIN + 1);
    crowd.take_while(|other| other.at_us <= event.at_us.saturating_add(half_us)).count() > CURTAIN
}

/// What is pointed at always has its number, in a filled circle, and its neighbours make room.
pub(super) fn draw_selected(frame: &Frame<'_>, most: usize, shapes: &mut Vec<Shape>) {
    let radius = radius(frame);
    let mut spots = spots(frame);
    let selected: Vec<usize> =
        (0..spots.len()).filter(|&at| frame.selection.event(spots[at].event.id)).take(most).collect();
    shapes.extend(selected.iter().map(|&at| thread(frame, &spots[at], Weight::Selected)));
    // Of several the last has its number for certain, as it would have alone.
    for &at in selected.iter().rev() {
        let (text, size, r) = number(spots[at].event.id, radius);
        let x = spots[at].x;
        let near = |spot: &Spot<'_>, r: f32| (spot.x - x).abs() < spot.r + r + BETWEEN;
        let has_room = selected
            .iter()
            .all(|&other| other == at || spots[other].weight != Weight::Selected || !near(&spots[other], r));
        if !has_room {
            continue;
        }
        for (other, spot) in spots.iter_mut().enumerate() {
            if other != at && spot.number.is_some() && spot.weight == Weight::Normal && near(spot, r) {
                let (ground, weight) = (spot.r + BETWEEN, Weight::Normal);
                let (x, y, ink) = (spot.x, spot.y, Ink::Ground);
                shapes.push(Shape::Circle { x, y, r: ground, filled: true, ink, weight });
                (spot.y, spot.r, spot.number) = (DOT_Y, DOT_R, None);
                shapes.push(circle(spot, true, Weight::Normal));
            }
        }
        let spot = &mut spots[at];
        (spot.y, spot.r, spot.number) = (EVENTS_Y, r, Some((text, size)));
        spot.weight = Weight::Selected;
    }
    for &at in &selected {
        let spot = &spots[at];
        shapes.push(circle(spot, true, Weight::Selected));
        shapes.extend(number_in(spot, Ink::Ground));
    }
}

fn thread(frame: &Frame<'_>, spot: &Spot<'_>, weight: Weight) -> Shape {
    let (x1, x2, y1, y2) = (spot.x, spot.x, spot.y + 4.0, frame.layout.threads_end);
    Shape::Line { x1, y1, x2, y2, arrow: false, ink: Ink::Thread, weight }
}

fn circle(spot: &Spot<'_>, filled: bool, weight: Weight) -> Shape {
    let &Spot { x, y, r, .. } = spot;
    Shape::Circle { x, y, r, filled, ink: Ink::News, weight }
}

fn number_in(spot: &Spot<'_>, ink: Ink) -> Option<Shape> {
    let (text, size) = spot.number.clone()?;
    let (x, y) = (spot.x, spot.y + size * 0.36);
    Some(Shape::Text { x, y, anchor: Anchor::Middle, size, strong: true, ink, text })
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
