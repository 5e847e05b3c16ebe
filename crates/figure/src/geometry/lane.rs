//! One lane: what lasted between its rails, the rails, and what went over the wire.

use standby_trace::{Mark, MarkKind, Message, SpanKind};

use super::Frame;
use super::run::{Run, Track, ink};
use super::stale::{Deliveries, arrival_us, bars};
use crate::layout::{GRID_TOP, RAILS};
use crate::shape::{Anchor, Ink, LaneBox, Shape, Weight};

/// The staleness bar stands so far above the server's rail.
const STALE_ABOVE: f32 = 4.5;
const CUT_R: f32 = 5.0;
const LOST_R: f32 = 3.5;

pub(super) fn draw(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    let deliveries = Deliveries::of(frame);
    spans(frame, SpanKind::Open, shapes);
    spans(frame, SpanKind::Held, shapes);
    spans(frame, SpanKind::Waiting, shapes);
    notes(frame, shapes);
    rails(frame, shapes);
    spans(frame, SpanKind::Fault, shapes);
    for (lane, deliveries) in frame.layout.lanes.iter().zip(&deliveries) {
        let y = lane.server_y - STALE_ABOVE;
        for (x1, x2, selected) in bars(frame, deliveries) {
            let weight = if selected { Weight::Selected } else { Weight::Normal };
            shapes.push(Shape::Line { x1, y1: y, x2, y2: y, arrow: false, ink: Ink::Stale, weight });
        }
    }
    messages(frame, shapes);
    marks(frame, shapes);
    ends(frame, shapes);
}

/// Which rail is whose, said once.
fn ends(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    let Some(lane) = frame.layout.lanes.first().filter(|_| !frame.layout.narrow) else { return };
    for (text, y) in [("server", lane.server_y - 4.0), ("client", lane.client_y + 12.0)] {
        shapes.push(Shape::Text {
            x: frame.layout.plot_right(),
            y,
            anchor: Anchor::End,
            size: 9.5,
            strong: false,
            ink: Ink::Rail,
            text: text.to_owned(),
        });
    }
}

/// The lanes that a span or a mark belongs to.
fn lanes<'a>(frame: &'a Frame<'_>, lane: Option<u16>) -> &'a [LaneBox] {
    let lanes = &frame.layout.lanes;
    match lane.map(usize::from) {
        None => lanes,
        Some(i) => lanes.get(i..=i).unwrap_or_default(),
    }
}

fn spans(frame: &Frame<'_>, kind: SpanKind, shapes: &mut Vec<Shape>) {
    for span in frame.trace.spans.iter().filter(|span| span.kind == kind) {
        let to_us = span.to.map_or(i64::MAX, |to| to.at_us);
        let Some((x1, x2)) = frame.scale.stretch(span.from.at_us, to_us) else { continue };
        for lane in lanes(frame, span.lane) {
            shapes.push(match kind {
                SpanKind::Open | SpanKind::Held | SpanKind::Waiting => Shape::Rect {
                    x: x1,
                    y: lane.server_y,
                    w: x2 - x1,
                    h: RAILS,
                    ink: if kind == SpanKind::Waiting { Ink::Waiting } else { Ink::Held },
                },
                // Faults happen in the server: its rail is red as long as they last.
                SpanKind::Fault => Shape::Line {
                    x1,
                    y1: lane.server_y,
                    x2,
                    y2: lane.server_y,
                    arrow: false,
                    ink: Ink::Fault,
                    weight: Weight::Normal,
                },
            });
        }
    }
}

fn rails(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    for lane in &frame.layout.lanes {
        for y in [lane.server_y, lane.client_y] {
            shapes.push(Shape::Line {
                x1: frame.layout.plot_x,
                y1: y,
                x2: frame.layout.plot_right(),
                y2: y,
                arrow: false,
                ink: Ink::Rail,
                weight: Weight::Normal,
            });
        }
    }
}

/// What somebody did to the whole run: a line through all lanes.
fn notes(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    for mark in &frame.trace.marks {
        if matches!(mark.kind, MarkKind::Note { .. }) && frame.scale.shows(mark.at.at_us) {
            let x = frame.scale.x(mark.at.at_us);
            let (y1, y2) = match lanes(frame, mark.lane) {
                [lane] if mark.lane.is_some() => (lane.server_y, lane.client_y),
                _ => (GRID_TOP, frame.layout.threads_end),
            };
            let weight = Weight::Normal;
            shapes.push(Shape::Line { x1: x, y1, x2: x, y2, arrow: false, ink: Ink::Rail, weight });
        }
    }
}

fn messages(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    // Heads and dots after all lines: an event's dot is never crossed by the next request.
    let mut dots = Vec::new();
    for (number, message) in frame.numbered_messages() {
        let Some((lane, run)) = run_of(frame, message) else { continue };
        let selected = frame.selection.message(number, message);
        let weight = match run.inferred {
            _ if selected => Weight::Selected,
            true => Weight::Inferred,
            false => Weight::Normal,
        };
        if let Some(Track { x1, y1, x2, y2, tip }) = Track::of(frame, lane, message, &run) {
            let arrow = tip && !message.lost;
            shapes.push(Shape::Line { x1, y1, x2, y2, arrow, ink: ink(message), weight });
            if message.lost && frame.scale.shows(run.half_us()) {
                dots.push(Shape::Cross { x: x2, y: y2, r: LOST_R, ink: Ink::Fault });
            }
        }
        if let Some(at_us) = arrival_us(frame, message)
            && frame.scale.shows(at_us)
        {
            let (x, y) = (frame.scale.x(at_us), lane.client_y);
            let r = if selected { 4.6 } else { 3.4 };
            dots.push(Shape::Circle { x, y, r, filled: true, ink: Ink::News, weight });
        }
    }
    shapes.append(&mut dots);
}

/// A message's lane and its way, as far as anything is known.
pub(crate) fn run_of<'a>(frame: &'a Frame<'_>, message: &Message) -> Option<(&'a LaneBox, Run)> {
    let lane = usize::from(message.lane);
    let outside = frame.trace.lanes.get(lane)?.outside;
    let run = Run::of(message, outside, frame.latency_us, frame.scale.now_us)?;
    Some((frame.layout.lanes.get(lane)?, run))
}

fn marks(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    for Mark { lane, at, kind } in &frame.trace.marks {
        if !frame.scale.shows(at.at_us) {
            continue;
        }
        let x = frame.scale.x(at.at_us);
        for lane in lanes(frame, *lane) {
            let client_y = lane.client_y;
            match kind {
                MarkKind::Cut { .. } => {
                    let y = lane.server_y + RAILS / 2.0;
                    shapes.push(Shape::Cross { x, y, r: CUT_R, ink: Ink::Fault });
                }
                // Two strokes across the rail, as where an axis leaves something out.
                MarkKind::Gap { .. } => shapes.extend([-2.0, 2.0].map(|aside| {
                    let (x1, x2) = (x + aside - 2.5, x + aside + 2.5);
                    let (y1, y2) = (client_y + 5.0, client_y - 5.0);
                    clipped(frame, x1, y1, x2, y2, Ink::Fault)
                })),
                MarkKind::Reset { .. } => {
                    shapes.push(clipped(frame, x, lane.server_y, x, client_y, Ink::Rail));
                    let (r, weight) = (2.6, Weight::Normal);
                    shapes.push(Shape::Circle { x, y: client_y, r, filled: false, ink: Ink::Rail, weight });
                }
                MarkKind::GaveUp { .. } => {
                    shapes.push(Shape::Cross { x, y: client_y, r: CUT_R, ink: Ink::Fault });
                }
                MarkKind::Recovered { .. } | MarkKind::Note { .. } => {}
            }
        }
    }
}

fn clipped(frame: &Frame<'_>, x1: f32, y1: f32, x2: f32, y2: f32, ink: Ink) -> Shape {
    let (left, right) = (frame.layout.plot_x, frame.layout.plot_right());
    let weight = Weight::Normal;
    Shape::Line { x1: x1.clamp(left, right), y1, x2: x2.clamp(left, right), y2, arrow: false, ink, weight }
}
