//! What is pointed at: the same marks once more, larger, on top of all others.

use super::lane::{STALE_ABOVE, draw_message};
use super::stale::{Deliveries, bar};
use super::{Frame, published, run_of};
use crate::shape::{Ink, Shape, Weight};

/// An answer may carry a thousand events; so many of them stand out.
const MOST_EVENTS: usize = 64;

pub(super) fn draw(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    if frame.selection.is_empty() {
        return;
    }
    published::draw_selected(frame, MOST_EVENTS, shapes);
    let (from_us, end_us) = frame.bounds_us();
    let deliveries = Deliveries::of(frame);
    let published = &frame.trace.published;
    // What was published left of the view may still be missing in it.
    let end = published.partition_point(|event| event.at_us <= end_us);
    let events = published[..end].iter().rev().filter(|event| frame.selection.event(event.id));
    for event in events.take(MOST_EVENTS).take_while(|event| event.at_us >= from_us) {
        for (lane, deliveries) in frame.layout.lanes.iter().zip(&deliveries) {
            if let Some((x1, x2)) = bar(frame, deliveries, event) {
                let y = lane.server_y - STALE_ABOVE;
                let (ink, weight) = (Ink::Stale, Weight::Selected);
                shapes.push(Shape::Line { x1, y1: y, x2, y2: y, arrow: false, ink, weight });
            }
        }
    }
    let (mut lines, mut crosses, mut dots) = (Vec::new(), Vec::new(), Vec::new());
    for (number, message) in frame.messages() {
        if frame.selection.message(number, message)
            && let Some((lane, run)) = run_of(frame, message)
        {
            let weight = Weight::Selected;
            draw_message(frame, lane, message, &run, weight, &mut lines, &mut crosses, &mut dots);
        }
    }
    shapes.append(&mut lines);
    shapes.append(&mut crosses);
    shapes.append(&mut dots);
}
