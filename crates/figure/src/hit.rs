//! Which event or message is at a point of the picture.

use standby_trace::Trace;

use crate::geometry::run::Track;
use crate::geometry::{Frame, columns, run_of, spots};
use crate::layout::{BAND, EVENTS_Y};
use crate::shape::{Hit, View};

/// How far from a thing a point may be and still mean it: a target as large as a fingertip needs,
/// 24 pixels across (WCAG 2.2, 2.5.8).
const TOLERANCE: f32 = 12.0;
/// A circle and a message are meant rather than the long thread that runs past them.
const THREAD_YIELDS: f32 = 3.0;
/// A crowd's band is meant so far above and below it: 24 pixels, as all targets.
const BESIDE_BAND: f32 = 3.0;

/// What a crowd did, where its band is at a point; otherwise the event whose circle or thread is
/// there, or the message; the nearest within 12 pixels.
#[must_use]
pub fn hit(trace: &Trace, view: &View, x: f32, y: f32) -> Option<Hit> {
    if !x.is_finite() || !y.is_finite() {
        return None;
    }
    let frame = Frame::new(trace, view);
    if let Some(hit) = of_crowd(&frame, x, y) {
        return Some(hit);
    }
    let mut nearest: Option<(f32, Hit)> = None;
    let mut offer = |distance: f32, hit: Hit| {
        if distance <= TOLERANCE && nearest.is_none_or(|(least, _)| distance < least) {
            nearest = Some((distance, hit));
        }
    };
    for spot in spots(&frame) {
        let circle = ((x - spot.x).hypot(y - spot.y) - spot.r).max(0.0);
        offer(circle, Hit::Event(spot.event.id));
        if (EVENTS_Y..=frame.layout.threads_end).contains(&y) {
            offer((x - spot.x).abs() + THREAD_YIELDS, Hit::Event(spot.event.id));
        }
    }
    for (number, message) in frame.messages() {
        let Some((lane, run)) = run_of(&frame, message) else { continue };
        if let Some(track) = Track::of(&frame, lane, message, &run) {
            offer(to_segment(x, y, &track), Hit::Message(number));
        }
    }
    nearest.map(|(_, hit)| hit)
}

/// A band has nothing else in it but the threads, which run past it.
fn of_crowd(frame: &Frame<'_>, x: f32, y: f32) -> Option<Hit> {
    let lane = frame.layout.lanes.iter().position(|lane| {
        lane.crowd_y.is_some_and(|base| (base - BAND - BESIDE_BAND..=base + BESIDE_BAND).contains(&y))
    })?;
    let (left, right) = (frame.layout.plot_x, frame.layout.plot_right());
    let at_us = Some(x).filter(|x| (left..=right).contains(x)).map(|x| frame.scale.at(f64::from(x)))?;
    let column = columns(frame, lane, at_us, at_us).pop()?;
    Some(Hit::Crowd { lane: u16::try_from(lane).ok()?, at_us: column.from_us })
}

fn to_segment(x: f32, y: f32, track: &Track) -> f32 {
    let (dx, dy) = (track.x2 - track.x1, track.y2 - track.y1);
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 { ((x - track.x1) * dx + (y - track.y1) * dy) / length } else { 0.0 };
    let along = along.clamp(0.0, 1.0);
    (x - track.x1 - along * dx).hypot(y - track.y1 - along * dy)
}
