//! Where messages stand closer than can be told apart, they are counted.
//!
//! Time is cut into chunks, and those into columns, at places that don't depend on how far the view
//! has scrolled. In a chunk where a lane's messages touch, its columns are drawn as bars instead.
//! So the same stretch looks the same from wherever it is looked at, until one zooms in.

use standby_trace::Message;

use super::Frame;
use super::run::{Run, ink};
use crate::layout::RAILS;
use crate::shape::{self, Ink, Shape};

/// How wide a column is.
const COLUMN: f64 = 2.0;
/// And a chunk, in columns.
const COLUMNS: usize = 32;
/// From so many messages on a lane's chunk is counted: one a column. A line with its head takes
/// more room than that.
const CROWDED: u32 = COLUMNS as u32;
/// So many messages in a column fill the space between the rails.
const FULL: f32 = 1_000.0;
/// What stays free below and above the bars.
const FREE: f32 = 1.0;
/// No view is wider than this in chunks.
const MOST_CHUNKS: usize = 2_000;

/// From below to above: what is counted together.
const STACK: [Ink; 6] = [Ink::Request, Ink::Client, Ink::Open, Ink::Browser, Ink::Empty, Ink::News];

/// What a stretch holds, chunk by chunk.
#[derive(Debug, Default)]
pub(super) struct Density {
    first: i64,
    chunks: usize,
    /// For each lane and chunk how many messages there are.
    counts: Vec<u32>,
}

fn chunk_px() -> f64 {
    COLUMN * COLUMNS as f64
}

/// The column that a moment lies in, since time 0.
pub(super) fn column(frame: &Frame<'_>, at_us: i64) -> i64 {
    (frame.scale.world_x(at_us) / COLUMN).floor() as i64
}

fn chunk(frame: &Frame<'_>, at_us: i64) -> i64 {
    (frame.scale.world_x(at_us) / chunk_px()).floor() as i64
}

/// From when to when the chunks last that a stretch touches, and which is the first.
pub(super) fn around(frame: &Frame<'_>) -> (i64, i64, i64) {
    let (from_us, end_us) = frame.bounds_us();
    let (first, last) = (chunk(frame, from_us), chunk(frame, end_us));
    let us = |chunk: i64| frame.scale.us(chunk as f64 * chunk_px());
    let end_us = us(last.saturating_add(1)).saturating_add(1).min(frame.scale.now_us).max(end_us);
    (us(first).saturating_sub(1).min(from_us), end_us, first)
}

impl Density {
    pub(super) fn of(frame: &Frame<'_>) -> Self {
        let (from_us, end_us) = frame.bounds_us();
        if frame.view.density == shape::Density::Off || from_us > end_us {
            return Self::default();
        }
        let (from_us, to_us, first) = around(frame);
        let chunks = chunk(frame, end_us).saturating_sub(first).saturating_add(1);
        let chunks = usize::try_from(chunks).unwrap_or(0).min(MOST_CHUNKS);
        let mut density = Self { first, chunks, counts: vec![0; chunks * frame.layout.lanes.len()] };
        // Most of the time there are not enough of them to be crowded anywhere.
        if frame.messages_between(from_us, to_us).take(CROWDED as usize).count() < CROWDED as usize {
            return density;
        }
        for (_, message) in frame.messages_between(from_us, to_us) {
            let Some(run) = super::run_of(frame, message).map(|(_, run)| run) else { continue };
            if run.from_us > frame.scale.now_us {
                continue;
            }
            let at = density.at(frame, message, &run);
            if let Some(count) = at.and_then(|at| density.counts.get_mut(at)) {
                *count += 1;
            }
        }
        density
    }

    /// Where a message's chunk is counted.
    fn at(&self, frame: &Frame<'_>, message: &Message, run: &Run) -> Option<usize> {
        let chunk = usize::try_from(chunk(frame, run.from_us).checked_sub(self.first)?).ok()?;
        (chunk < self.chunks).then(|| usize::from(message.lane) * self.chunks + chunk)
    }

    /// Whether a message is counted, not drawn. Faults are always drawn.
    pub(super) fn counts(&self, frame: &Frame<'_>, message: &Message, run: &Run) -> bool {
        let crowded = self.at(frame, message, run).and_then(|at| self.counts.get(at));
        crowded.is_some_and(|&count| count > CROWDED) && !message.lost && ink(message) != Ink::Fault
    }

    /// The bars of the crowded chunks.
    pub(super) fn draw(&self, frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
        if self.counts.iter().all(|&count| count <= CROWDED) {
            return;
        }
        let columns = self.chunks * COLUMNS;
        let mut bars = vec![[0u32; STACK.len()]; columns * frame.layout.lanes.len()];
        let first_column = self.first.saturating_mul(COLUMNS as i64);
        let (from_us, to_us, _) = around(frame);
        for (_, message) in frame.messages_between(from_us, to_us) {
            let Some((_, run)) = super::run_of(frame, message) else { continue };
            if run.from_us > frame.scale.now_us || !self.counts(frame, message, &run) {
                continue;
            }
            let column = column(frame, run.from_us).checked_sub(first_column);
            let column = column.and_then(|column| usize::try_from(column).ok()).filter(|&at| at < columns);
            let of_ink = STACK.iter().position(|&other| other == ink(message)).unwrap_or(0);
            if let Some(bar) = column.and_then(|at| bars.get_mut(usize::from(message.lane) * columns + at)) {
                bar[of_ink] += 1;
            }
        }
        let left = frame.scale.x_of_world(first_column as f64 * COLUMN);
        let (start, end) = (frame.layout.plot_x, frame.scale.x(frame.scale.end_us));
        for (of_ink, &ink) in STACK.iter().enumerate() {
            for (lane, bars) in frame.layout.lanes.iter().zip(bars.chunks(columns.max(1))) {
                for (at, bar) in bars.iter().enumerate().filter(|(_, bar)| bar[of_ink] > 0) {
                    let x = (left + at as f64 * COLUMN) as f32;
                    let (x1, x2) = (x.max(start), (x + COLUMN as f32).min(end));
                    let all: u32 = bar.iter().sum();
                    let below: u32 = bar[..of_ink].iter().sum();
                    let each = height(all) / all as f32;
                    let (h, bottom) = (each * bar[of_ink] as f32, lane.client_y - FREE - each * below as f32);
                    if x1 < x2 {
                        shapes.push(Shape::Rect { x: x1, y: bottom - h, w: x2 - x1, h, ink });
                    }
                }
            }
        }
    }
}

/// How high a column of so many messages is. Ten times as many are a third of the space more: a
/// minute and a day both have a shape.
fn height(count: u32) -> f32 {
    let most = RAILS - 2.0 * FREE;
    ((1.0 + count as f32).ln() / (1.0 + FULL).ln() * most).min(most)
}

/// Whether anything in view is counted, not drawn.
pub(crate) fn is_counted(frame: &Frame<'_>) -> bool {
    Density::of(frame).counts.iter().any(|&count| count > CROWDED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_bar_is_more_messages() {
        let heights: Vec<f32> = [1, 2, 10, 100, 1_000, 100_000].into_iter().map(height).collect();
        assert!(heights.is_sorted(), "{heights:?}");
        assert!(heights[0] >= 3.0, "one is still to be seen");
        assert!((heights[5] - (RAILS - 2.0 * FREE)).abs() < 0.01);
    }
}
