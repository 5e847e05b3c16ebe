//! A place for each note: first come, first served, and none where it would touch another.
//!
//! A note must stay where it is while the view scrolls, and must not come and go. So its place is
//! found without regard to the scroll position, in pixels since time 0. Time is cut into chunks as
//! long as the view. The notes of a chunk are placed among themselves, in the order in which their
//! reasons became known; then those give way that touch a note of the chunk before. The outcome for
//! a chunk depends on it and the one before, never on the whole run.

use standby_trace::order;

use super::Frame;
use super::both_ends::Believer;
use crate::shape::{Anchor, Ink, Shape};
use crate::text;

/// The notes' font size.
const SIZE: f32 = 10.5;
/// Space between two notes in a row.
const BETWEEN: f64 = 8.0;

/// Where a note stands in its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// Above the server's rail.
    Above,
    /// Between the rails.
    Inside,
    /// Below the client's rail, in the first line that is free.
    Below,
    /// Below all lanes.
    Bottom,
}

/// A note that wants a place.
#[derive(Clone, Debug)]
pub(super) struct Note {
    /// Its lane; of no matter for [`Row::Bottom`].
    pub(super) lane: usize,
    pub(super) row: Row,
    /// The moment that it became true. An earlier note goes before a later one.
    pub(super) known_us: i64,
    /// The moment that it stands at.
    pub(super) at_us: i64,
    /// Pixels from there.
    pub(super) aside: f32,
    pub(super) anchor: Anchor,
    pub(super) ink: Ink,
    /// The texts that it may have, the best first.
    pub(super) texts: Vec<String>,
    /// What its text will be when more is known: it gets room for that from the start, and so stays
    /// where it is.
    pub(super) grows_to: Option<String>,
    /// Until where it may reach, where it has to fit into something.
    pub(super) until_us: Option<i64>,
    /// Where it says what is said once in a chunk: what.
    pub(super) once: Option<Once>,
}

/// What is said only where it first happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Once {
    NothingNew(usize),
    TimeIsUp(usize),
    Holds(usize),
    Sends(usize),
    Again(usize),
    Refused(usize, Option<u16>),
    Stale,
    OneSided(usize, Believer),
}

/// A note in its place.
#[derive(Clone, Debug)]
struct Placed {
    /// Which line of which lane.
    line: (usize, Row, u8),
    /// Left end and width, in pixels since time 0.
    left: f64,
    width: f64,
    known_us: i64,
    y: f32,
    ink: Ink,
    text: String,
}

impl Placed {
    fn touches(&self, other: &Self) -> bool {
        self.line == other.line && overlap(self.left, self.width, other.left, other.width)
    }
}

fn overlap(left: f64, width: f64, other_left: f64, other_width: f64) -> bool {
    left < other_left + other_width + BETWEEN && other_left < left + width + BETWEEN
}

/// The first moment whose notes may matter to this view. Chunks are counted from time 0; a note may
/// reach into the view from the chunk before, and one before that may have pushed it aside.
pub(super) fn since_us(frame: &Frame<'_>) -> i64 {
    let span_us = frame.scale.span_us().max(1);
    frame.scale.from_us.div_euclid(span_us).saturating_sub(2).saturating_mul(span_us)
}

/// Draws the notes that have a place. `notes` are those since [`since_us`].
pub(super) fn draw(frame: &Frame<'_>, mut notes: Vec<Note>, shapes: &mut Vec<Shape>) {
    let span_us = frame.scale.span_us().max(1);
    order::by(&mut notes, |note| note.known_us);
    let mut before: Vec<Placed> = Vec::new();
    let mut shown: Vec<(usize, Row, u8, f64, f64)> = Vec::new();
    for chunk in notes.chunk_by(|a, b| a.known_us.div_euclid(span_us) == b.known_us.div_euclid(span_us)) {
        // Few: a list is as quick as a set, and a tenth of the code.
        let mut said = Vec::new();
        let mut placed: Vec<Placed> = Vec::new();
        for note in chunk {
            if note.once.is_some_and(|once| said.contains(&once)) {
                continue;
            }
            if let Some(note_placed) = place(frame, note, &placed) {
                said.extend(note.once);
                placed.push(note_placed);
            }
        }
        for note in placed.iter().filter(|note| !before.iter().any(|other| other.touches(note))) {
            show(frame, note, &mut shown, shapes);
        }
        before = placed;
    }
}

/// The first line and text with which a note touches no other.
fn place(frame: &Frame<'_>, note: &Note, placed: &[Placed]) -> Option<Placed> {
    let at = frame.scale.world_x(note.at_us) + f64::from(note.aside);
    let lane = frame.layout.lanes.get(note.lane);
    let lines: &[f32] = match note.row {
        Row::Below => &[13.0, 26.0],
        _ => &[0.0],
    };
    for text in &note.texts {
        let text_width = f64::from(text::width(text, SIZE, false));
        let room = note.grows_to.as_deref().map_or(0.0, |text| f64::from(text::width(text, SIZE, false)));
        let width = text_width.max(room);
        if note.until_us.is_some_and(|until_us| at + width + BETWEEN > frame.scale.world_x(until_us)) {
            continue;
        }
        if width > f64::from(frame.layout.plot_w) {
            continue;
        }
        let left = match note.anchor {
            Anchor::Start => at,
            Anchor::Middle => at - width / 2.0,
            Anchor::End => at - width,
        };
        // Nothing stands left of time 0.
        let left = left.max(0.0);
        for (line, &below) in (0..).zip(lines) {
            let y = match (note.row, lane) {
                (Row::Above, Some(lane)) => lane.server_y - 10.0,
                (Row::Inside, Some(lane)) => lane.server_y + 24.0,
                (Row::Below, Some(lane)) => lane.client_y + below,
                (Row::Bottom, _) => frame.layout.bottom_note_y,
                _ => return None,
            };
            let line = (if note.row == Row::Bottom { 0 } else { note.lane }, note.row, line);
            let (known_us, ink, text) = (note.known_us, note.ink, text.clone());
            let candidate = Placed { line, left, width, known_us, y, ink, text };
            if !placed.iter().any(|other| other.touches(&candidate)) {
                return Some(candidate);
            }
        }
    }
    None
}

/// Brings a note into the view. At the right end, where now is, it waits inside until there is room
/// for it at its own place; at the left it goes with its place.
fn show(
    frame: &Frame<'_>,
    note: &Placed,
    shown: &mut Vec<(usize, Row, u8, f64, f64)>,
    shapes: &mut Vec<Shape>,
) {
    let (lane, row, line) = note.line;
    let layout = &frame.layout;
    let shift = frame.scale.x_of_world(0.0);
    let (start, end) = (f64::from(layout.plot_x), f64::from(layout.plot_right()));
    // The words at the rails' right end: `server`, `client`.
    let rail_words = if lane == 0 && !layout.narrow && (row == Row::Above || line == 0) { 38.0 } else { 0.0 };
    let left = (note.left + shift).min(end - rail_words - note.width);
    if left < start - 0.5 || note.known_us > frame.scale.end_us {
        return;
    }
    let taken = shown.iter().any(|&(of, in_row, in_line, other_left, other_width)| {
        (of, in_row, in_line) == note.line && overlap(left, note.width, other_left, other_width)
    });
    if taken {
        return;
    }
    shown.push((lane, row, line, left, note.width));
    shapes.push(Shape::Text {
        x: left as f32,
        y: note.y,
        anchor: Anchor::Start,
        size: SIZE,
        strong: false,
        ink: note.ink,
        text: note.text.clone(),
    });
}
