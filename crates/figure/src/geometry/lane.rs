//! One lane: what lasted between its rails, the rails, and what went over the wire.

use standby_trace::{Mark, MarkKind, Message, Span, SpanKind};

use super::density::Density;
use super::run::{Run, Track, ink};
use super::stale::{Deliveries, arrival_us, bars};
use super::{Frame, both_ends};
use crate::layout::{EVENTS_Y, GRID_TOP, RAILS, within};
use crate::shape::Density::Auto;
use crate::shape::{Anchor, Ink, LaneBox, Shape, Weight};

/// The staleness bar stands so far above the server's rail.
pub(super) const STALE_ABOVE: f32 = 4.5;
const CUT_R: f32 = 5.0;
const LOST_R: f32 = 3.5;

pub(super) fn draw(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    let deliveries = Deliveries::of(frame);
    let density = Density::of(frame);
    let spans: Vec<&Span> = frame.spans_between(frame.scale.from_us, frame.scale.end_us).collect();
    bands(frame, &spans, shapes);
    both_ends::draw(frame, &spans, shapes);
    notes(frame, shapes);
    rails(frame, shapes);
    faults(frame, &spans, shapes);
    for (lane, deliveries) in frame.layout.lanes.iter().zip(&deliveries) {
        let y = lane.server_y - STALE_ABOVE;
        for (x1, x2) in bars(frame, deliveries) {
            let (ink, weight) = (Ink::Stale, Weight::Normal);
            shapes.push(Shape::Line { x1, y1: y, x2, y2: y, arrow: false, ink, weight });
        }
    }
    density.draw(frame, shapes);
    messages(frame, &density, shapes);
    marks(frame, shapes);
}

/// Which row is what and which rail is whose, said once.
pub(super) fn ends(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    if frame.layout.narrow {
        return;
    }
    let (left, right) = (frame.layout.plot_x - 8.0, frame.layout.plot_right());
    let mut write = |x: f32, y: f32, anchor: Anchor, text: &str| {
        let (size, strong, ink, text) = (9.5, false, Ink::Rail, text.to_owned());
        shapes.push(Shape::Text { x, y, anchor, size, strong, ink, text });
    };
    write(left, EVENTS_Y + 3.5, Anchor::End, "published");
    if let Some(lane) = frame.layout.lanes.first() {
        write(right, lane.server_y - 4.0, Anchor::End, "server");
        write(right, lane.client_y + 12.0, Anchor::End, "client");
    }
}

/// The lanes that a span or a mark belongs to.
pub(super) fn lanes<'a>(frame: &'a Frame<'_>, lane: Option<u16>) -> &'a [LaneBox] {
    let lanes = &frame.layout.lanes;
    match lane.map(usize::from) {
        None => lanes,
        Some(i) => lanes.get(i..=i).unwrap_or_default(),
    }
}

/// Two bands of one kind that are nearer than this, in pixels, are drawn as one.
const JOINED: f32 = 0.75;

/// What lasted between a lane's rails, as far as the client is concerned: where the two ends
/// disagree, [`both_ends`] says more.
fn bands(frame: &Frame<'_>, spans: &[&Span], shapes: &mut Vec<Shape>) {
    for kind in [SpanKind::Open, SpanKind::Held, SpanKind::Waiting] {
        // Where the last band of each lane ends, and its shape.
        let mut last: Vec<Option<usize>> = vec![None; frame.layout.lanes.len()];
        for span in spans.iter().filter(|span| span.kind == kind) {
            let to_us = both_ends::agreed_until_us(frame, span);
            let Some((x1, x2)) = frame.scale.stretch(span.from.at_us, to_us) else { continue };
            let ink = if kind == SpanKind::Waiting { Ink::Waiting } else { Ink::Held };
            let first = span.lane.map_or(0, usize::from);
            for (lane, last) in lanes(frame, span.lane).iter().zip(last.iter_mut().skip(first)) {
                let before = last.and_then(|at| shapes.get_mut(at));
                if frame.view.density == Auto
                    && let Some(Shape::Rect { x, w, .. }) = before
                    && (0.0..JOINED).contains(&(x1 - (*x + *w)))
                {
                    *w = x2 - *x;
                    continue;
                }
                *last = Some(shapes.len());
                shapes.push(Shape::Rect { x: x1, y: lane.server_y, w: x2 - x1, h: RAILS, ink });
            }
        }
    }
}

/// Faults happen in the server: its rail is red as long as they last.
fn faults(frame: &Frame<'_>, spans: &[&Span], shapes: &mut Vec<Shape>) {
    for span in spans.iter().filter(|span| span.kind == SpanKind::Fault) {
        let to_us = span.to.map_or(i64::MAX, |to| to.at_us);
        let Some((x1, x2)) = frame.scale.stretch(span.from.at_us, to_us) else { continue };
        for lane in lanes(frame, span.lane) {
            let (y1, y2) = (lane.server_y, lane.server_y);
            let weight = Weight::Normal;
            shapes.push(Shape::Line { x1, y1, x2, y2, arrow: false, ink: Ink::Fault, weight });
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
    let (from_us, end_us) = frame.bounds_us();
    for mark in frame.marks_between(from_us, end_us) {
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

/// In which order messages are painted: what tells most comes last. Those of one ink are painted
/// together, which is far quicker.
const ORDER: [Ink; 8] =
    [Ink::Empty, Ink::Browser, Ink::Open, Ink::Request, Ink::Client, Ink::News, Ink::Fault, Ink::Overhead];

fn messages(frame: &Frame<'_>, density: &Density, shapes: &mut Vec<Shape>) {
    let mut lines: [Vec<Shape>; ORDER.len()] = Default::default();
    let mut inferred: [Vec<Shape>; ORDER.len()] = Default::default();
    // Dots after all lines: an event's dot is never crossed by the next request.
    let (mut crosses, mut dots) = (Vec::new(), Vec::new());
    for (_, message) in frame.messages() {
        let Some((lane, run)) = run_of(frame, message) else { continue };
        if density.counts(frame, message, run.from_us) {
            continue;
        }
        let weight = if run.inferred { Weight::Inferred } else { Weight::Normal };
        let ink = ink(message);
        let of_ink = ORDER.iter().position(|&other| other == ink).unwrap_or(0);
        let lines = if run.inferred { &mut inferred[of_ink] } else { &mut lines[of_ink] };
        draw_message(frame, lane, message, &run, weight, lines, &mut crosses, &mut dots);
    }
    shapes.extend(inferred.into_iter().flatten());
    shapes.extend(lines.into_iter().flatten());
    shapes.append(&mut crosses);
    shapes.append(&mut dots);
}

/// One message: its line with its head, the cross where it got lost, the dot where its news arrived.
#[expect(clippy::too_many_arguments, reason = "each kind of mark goes to its own place")]
pub(super) fn draw_message(
    frame: &Frame<'_>,
    lane: &LaneBox,
    message: &Message,
    run: &Run,
    weight: Weight,
    lines: &mut Vec<Shape>,
    crosses: &mut Vec<Shape>,
    dots: &mut Vec<Shape>,
) {
    if let Some(Track { x1, y1, x2, y2, tip }) = Track::of(frame, lane, message, run) {
        let arrow = tip && !message.lost;
        lines.push(Shape::Line { x1, y1, x2, y2, arrow, ink: ink(message), weight });
        if message.lost && frame.scale.shows(run.half_us()) {
            crosses.push(Shape::Cross { x: x2, y: y2, r: LOST_R, ink: Ink::Fault });
        }
    }
    if let Some(at_us) = arrival_us(frame, message)
        && frame.scale.shows(at_us)
    {
        let (x, y) = (frame.scale.x(at_us), lane.client_y);
        let r = if weight == Weight::Selected { 4.6 } else { 3.4 };
        dots.push(Shape::Circle { x, y, r, filled: true, ink: Ink::News, weight });
    }
}

/// A message's lane and its way, as far as anything is known.
pub(crate) fn run_of<'a>(frame: &'a Frame<'_>, message: &Message) -> Option<(&'a LaneBox, Run)> {
    let lane = usize::from(message.lane);
    let outside = frame.trace.lanes.get(lane)?.outside;
    let run = Run::of(message, outside, frame.latency_us, frame.scale.now_us)?;
    Some((frame.layout.lanes.get(lane)?, run))
}

fn marks(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    let (from_us, end_us) = frame.bounds_us();
    for Mark { lane, at, kind } in frame.marks_between(from_us, end_us) {
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
    Shape::Line {
        x1: within(x1, left, right),
        y1,
        x2: within(x2, left, right),
        y2,
        arrow: false,
        ink,
        weight,
    }
}
