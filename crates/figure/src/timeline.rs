//! The second small picture, under the lanes and on their time axis: how many connections are open
//! or held, and how many bytes pass.

use standby_trace::{SpanKind, Trace, order};

use crate::format;
use crate::geometry::Frame;
use crate::geometry::round_step;
use crate::layout::within;
use crate::shape::{Anchor, Figure, Ink, Shape, View, Weight};
use crate::text;

/// How high a timeline is, in pixels.
pub const HEIGHT: f32 = 64.0;
/// Where the line of open connections stands at 0 and how high it may rise, and the same of the
/// bytes' columns. On a phone the words stand above them.
struct Rows {
    open: (f32, f32),
    bytes: (f32, f32),
}

const WIDE: Rows = Rows { open: (24.0, 16.0), bytes: (62.0, 30.0) };
const NARROW: Rows = Rows { open: (25.0, 11.0), bytes: (63.0, 21.0) };

fn rows(frame: &Frame<'_>) -> &'static Rows {
    if frame.layout.narrow { &NARROW } else { &WIDE }
}

/// A column is at least so wide.
const COLUMN: f64 = 5.0;
/// And leaves so much free.
const BETWEEN: f32 = 1.0;
const SIZE: f32 = 11.0;
const FIGURE_SIZE: f32 = 9.5;
/// No picture has more columns, however wide it is said to be.
const MOST_COLUMNS: usize = 20_000;

/// Bytes for each column of time, overhead and news on top of each other, and the number of open
/// connections and held requests as a line of steps. It has no lanes; its plot lies where that of
/// the lanes' picture does.
#[must_use]
pub fn timeline(trace: &Trace, view: &View) -> Figure {
    let frame = Frame::new(trace, view);
    let mut shapes = Vec::with_capacity(256);
    let step_us = round_step(frame.scale.us(COLUMN));
    let columns = columns(&frame, step_us);
    let most_bytes = round_up(columns.iter().map(|column| column.overhead + column.news).max().unwrap_or(0));
    base_lines(&frame, &mut shapes);
    bars(&frame, &columns, step_us, most_bytes, &mut shapes);
    let steps = steps(&frame);
    let most_open = steps.iter().map(|&(_, open)| open).max().unwrap_or(0);
    open_line(&frame, &steps, most_open, &mut shapes);
    words(&frame, step_us, most_bytes, most_open, &mut shapes);
    let layout = frame.layout;
    Figure {
        width: layout.width,
        height: HEIGHT,
        plot_x: layout.plot_x,
        plot_w: layout.plot_w,
        lanes: Vec::new(),
        shapes,
        labels: 0..0,
    }
}

/// What passed in one column of time.
#[derive(Clone, Copy, Default)]
struct Column {
    overhead: u64,
    news: u64,
}

/// The columns in view. They are cut at fixed times, so they move with the picture.
fn columns(frame: &Frame<'_>, step_us: i64) -> Vec<Column> {
    let scale = &frame.scale;
    let first = scale.from_us.div_euclid(step_us);
    let last = scale.end_us.div_euclid(step_us);
    let count = last.saturating_sub(first).saturating_add(1).max(0);
    let count = usize::try_from(count).unwrap_or(0).min(MOST_COLUMNS);
    let mut columns = vec![Column::default(); count];
    if scale.end_us < scale.from_us {
        return Vec::new();
    }
    for (_, message) in frame.messages() {
        let column = message.first_us().div_euclid(step_us).checked_sub(first);
        let column = column.and_then(|at| usize::try_from(at).ok()).and_then(|at| columns.get_mut(at));
        if let Some(column) = column {
            column.news += u64::from(message.payload_bytes);
            column.overhead += u64::from(message.overhead_bytes);
        }
    }
    columns
}

fn base_lines(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    let Rows { open, bytes } = rows(frame);
    for (y, ink) in [(open.0, Ink::Grid), (bytes.0, Ink::Rail)] {
        shapes.push(Shape::Line {
            x1: frame.layout.plot_x,
            y1: y,
            x2: frame.layout.plot_right(),
            y2: y,
            arrow: false,
            ink,
            weight: Weight::Normal,
        });
    }
}

fn bars(frame: &Frame<'_>, columns: &[Column], step_us: i64, most: u64, shapes: &mut Vec<Shape>) {
    let scale = &frame.scale;
    let (base, rise) = rows(frame).bytes;
    let first = scale.from_us.div_euclid(step_us);
    let height = |bytes: u64| (bytes as f64 / most.max(1) as f64) as f32 * rise;
    for (at, column) in (first..).zip(columns) {
        let from_us = at.saturating_mul(step_us);
        let Some((left, right)) = scale.stretch(from_us, from_us.saturating_add(step_us)) else { continue };
        let w = (right - left - BETWEEN).max(0.5).min(right - left);
        let (overhead, news) = (height(column.overhead), height(column.news));
        for (bottom, h, ink) in [(base, overhead, Ink::Overhead), (base - overhead, news, Ink::News)] {
            if h > 0.0 {
                shapes.push(Shape::Rect { x: left, y: bottom - h, w, h, ink });
            }
        }
    }
}

/// How many connections are open from which place on, from left to right.
fn steps(frame: &Frame<'_>) -> Vec<(f32, u64)> {
    let scale = &frame.scale;
    let mut changes: Vec<(f32, i64)> = Vec::new();
    for span in &frame.trace.spans {
        if matches!(span.kind, SpanKind::Open | SpanKind::Held) {
            let to_us = span.to.map_or(i64::MAX, |to| to.at_us);
            if let Some((left, right)) = scale.stretch(span.from.at_us, to_us) {
                changes.push((left, 1));
                if to_us <= scale.end_us {
                    changes.push((right, -1));
                }
            }
        }
    }
    // By place, and at one place what opens before what closes.
    order::by(&mut changes, |&(x, change)| (f64::from(x) * 256.0) as i64 * 2 + i64::from(change < 0));
    let mut steps: Vec<(f32, u64)> = vec![(frame.layout.plot_x, 0)];
    let mut open = 0i64;
    for (x, change) in changes {
        open += change;
        let now_open = u64::try_from(open).unwrap_or(0);
        match steps.last_mut() {
            // What happens within a pixel is one step.
            Some(last) if x - last.0 < 0.5 => last.1 = now_open,
            Some(last) if last.1 == now_open => {}
            _ => steps.push((x, now_open)),
        }
    }
    steps
}

fn open_line(frame: &Frame<'_>, steps: &[(f32, u64)], most: u64, shapes: &mut Vec<Shape>) {
    let (base, rise) = rows(frame).open;
    let y = |open: u64| base - (open as f64 / most.max(1) as f64) as f32 * rise;
    let end = within(frame.scale.x(frame.scale.end_us), frame.layout.plot_x, frame.layout.plot_right());
    let mut line = |x1, y1, x2, y2| {
        let (ink, weight) = (Ink::Request, Weight::Normal);
        shapes.push(Shape::Line { x1, y1, x2, y2, arrow: false, ink, weight });
    };
    let mut before: Option<u64> = None;
    for (i, &(x, open)) in steps.iter().enumerate() {
        let until = steps.get(i + 1).map_or(end, |next| next.0);
        if let Some(before) = before.filter(|&before| before != open) {
            line(x, y(before), x, y(open));
        }
        if until > x {
            line(x, y(open), until, y(open));
        }
        before = Some(open);
    }
}

fn words(frame: &Frame<'_>, step_us: i64, most_bytes: u64, most_open: u64, shapes: &mut Vec<Shape>) {
    let layout = &frame.layout;
    let mut write = |x: f32, y: f32, anchor: Anchor, size: f32, ink: Ink, text: String| {
        shapes.push(Shape::Text { x, y, anchor, size, strong: false, ink, text });
    };
    let each = format::age(u64::try_from(step_us).unwrap_or(0));
    let Rows { open, bytes } = rows(frame);
    let (open_top, bytes_top) = (open.0 - open.1, bytes.0 - bytes.1);
    let most_bytes = if most_bytes > 0 { format::bytes(most_bytes) } else { String::new() };
    let most_open = if most_open > 0 { format::count(most_open) } else { String::new() };
    if layout.narrow {
        let up_to = |most: &str| if most.is_empty() { String::new() } else { format!(", up to {most}") };
        let x = layout.plot_x + 2.0;
        let texts = [
            (open_top - 4.0, format!("open connections{}", up_to(&most_open))),
            (bytes_top - 4.0, format!("bytes each {each}{}", up_to(&most_bytes))),
        ];
        for (y, text) in texts {
            write(x, y, Anchor::Start, FIGURE_SIZE, Ink::Note, text);
        }
        return;
    }
    write(0.0, open.0 - 1.0, Anchor::Start, SIZE, Ink::Note, "open connections".to_owned());
    write(0.0, bytes.0 - 6.0, Anchor::Start, SIZE, Ink::Note, format!("bytes each {each}"));
    let x = layout.plot_x - 6.0;
    for (y, text) in [(open_top + 4.0, most_open), (bytes_top + 4.0, most_bytes)] {
        if text::width(&text, FIGURE_SIZE, false) > 0.0 {
            write(x, y, Anchor::End, FIGURE_SIZE, Ink::Axis, text);
        }
    }
}

/// The next number of the kind 1, 2, 5, 10, 20: so the scale changes seldom.
fn round_up(most: u64) -> u64 {
    let mut unit = 1u64;
    while most > unit.saturating_mul(10) {
        unit = unit.saturating_mul(10);
    }
    [1, 2, 5, 10].map(|n| unit.saturating_mul(n)).into_iter().find(|&n| n >= most).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_ends_at_a_round_number() {
        assert_eq!([0, 1, 3, 10, 11, 420, 9_100].map(round_up), [1, 1, 5, 10, 20, 500, 10_000]);
        assert_eq!(round_up(u64::MAX), u64::MAX);
    }
}
