//! Where messages stand closer than can be told apart, they are counted.
//!
//! Time is cut into columns of two pixels, at places that don't depend on how far the view has
//! scrolled. A lane's column is crowded if it and its neighbours hold more than one message each;
//! then its messages are a bar. So the same moment looks the same from wherever it is looked at,
//! until one zooms in.

use standby_trace::Message;

use super::Frame;
use super::run::{Run, ink};
use crate::layout::RAILS;
use crate::shape::{self, Ink, Shape};

/// How wide a column is. A line with its head takes more room than that.
const COLUMN: f64 = 2.0;
/// So many columns on either side tell whether one is crowded.
const BESIDE: usize = 4;
/// From so many messages on in a column and its neighbours.
const CROWDED: u32 = 2 * BESIDE as u32 + 1;
/// So many messages in a column fill the space between the rails.
const FULL: f32 = 1_000.0;
/// What stays free below and above the bars.
const FREE: f32 = 1.0;
/// No view is wider than this in columns.
const MOST_COLUMNS: usize = 60_000;

/// From below to above: what is counted together.
const STACK: [Ink; 6] = [Ink::Request, Ink::Client, Ink::Open, Ink::Browser, Ink::Empty, Ink::News];

/// What a stretch holds, column by column.
#[derive(Debug, Default)]
pub(super) struct Density {
    /// The first column, counted from time 0, and how many there are.
    first: i64,
    columns: usize,
    /// For each lane and column whether it is crowded; empty where none is.
    crowded: Vec<bool>,
}

/// The column that a moment lies in, since time 0.
pub(super) fn column(frame: &Frame<'_>, at_us: i64) -> i64 {
    (frame.scale.world_x(at_us) / COLUMN).floor() as i64
}

impl Density {
    pub(super) fn of(frame: &Frame<'_>) -> Self {
        let (from_us, end_us) = frame.bounds_us();
        if frame.view.density == shape::Density::Off || from_us > end_us {
            return Self::default();
        }
        let beside = BESIDE as i64;
        let first = column(frame, from_us).saturating_sub(beside);
        let columns = column(frame, end_us).saturating_sub(first).saturating_add(beside + 1);
        let columns = usize::try_from(columns).unwrap_or(0).min(MOST_COLUMNS);
        let mut density = Self { first, columns, crowded: Vec::new() };
        // Most of the time there are not enough of them to be crowded anywhere.
        if density.messages(frame).take(CROWDED as usize + 1).count() <= CROWDED as usize {
            return density;
        }
        let mut counts = vec![0u32; columns * frame.layout.lanes.len()];
        for (message, at_us) in density.messages(frame) {
            if let Some(count) = density.at(frame, message, at_us).and_then(|at| counts.get_mut(at)) {
                *count += 1;
            }
        }
        density.crowded = counts.chunks(columns.max(1)).flat_map(crowded).collect();
        density
    }

    /// The messages of its columns, each with the moment that it is counted at.
    fn messages<'a>(&self, frame: &Frame<'a>) -> impl Iterator<Item = (&'a Message, i64)> {
        let (from_us, end_us) = frame.bounds_us();
        let beside_us = frame.scale.us(COLUMN * (BESIDE + 1) as f64).saturating_add(1);
        let now_us = frame.scale.now_us;
        let latency_us = frame.latency_us;
        let lanes = &frame.trace.lanes;
        let messages =
            frame.messages_between(from_us.saturating_sub(beside_us), end_us.saturating_add(beside_us));
        messages.filter_map(move |(_, message)| {
            let outside = lanes.get(usize::from(message.lane))?.outside;
            let run = Run::of(message, outside, latency_us, now_us)?;
            (run.from_us <= now_us).then_some((message, run.from_us))
        })
    }

    /// Where a message's column is.
    fn at(&self, frame: &Frame<'_>, message: &Message, at_us: i64) -> Option<usize> {
        let at = usize::try_from(column(frame, at_us).checked_sub(self.first)?).ok()?;
        (at < self.columns).then(|| usize::from(message.lane) * self.columns + at)
    }

    /// Whether a message is counted, not drawn. Faults are always drawn.
    pub(super) fn counts(&self, frame: &Frame<'_>, message: &Message, from_us: i64) -> bool {
        !self.crowded.is_empty()
            && !message.lost
            && ink(message) != Ink::Fault
            && self.at(frame, message, from_us).is_some_and(|at| self.crowded.get(at) == Some(&true))
    }

    /// Whether anything at all is counted.
    fn is_crowded(&self) -> bool {
        self.crowded.contains(&true)
    }

    /// The bars of the crowded columns.
    pub(super) fn draw(&self, frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
        if !self.is_crowded() {
            return;
        }
        let mut bars = vec![[0u32; STACK.len()]; self.crowded.len()];
        for (message, at_us) in self.messages(frame) {
            let at = self.at(frame, message, at_us).filter(|_| self.counts(frame, message, at_us));
            let of_ink = STACK.iter().position(|&other| other == ink(message)).unwrap_or(0);
            if let Some(bar) = at.and_then(|at| bars.get_mut(at)) {
                bar[of_ink] += 1;
            }
        }
        let left = frame.scale.x_of_world(self.first as f64 * COLUMN);
        let (start, end) = (frame.layout.plot_x, frame.scale.x(frame.scale.end_us));
        for (of_ink, &ink) in STACK.iter().enumerate() {
            for (lane, bars) in frame.layout.lanes.iter().zip(bars.chunks(self.columns.max(1))) {
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

/// Which of a lane's columns are crowded.
fn crowded(counts: &[u32]) -> Vec<bool> {
    let around = |at: usize| {
        let from = at.saturating_sub(BESIDE);
        let to = (at + BESIDE + 1).min(counts.len());
        counts[from..to].iter().sum::<u32>()
    };
    (0..counts.len()).map(|at| counts[at] > 0 && around(at) > CROWDED).collect()
}

/// How high a column of so many messages is. Ten times as many are a third of the space more: a
/// minute and a day both have a shape.
fn height(count: u32) -> f32 {
    let most = RAILS - 2.0 * FREE;
    ((1.0 + count as f32).ln() / (1.0 + FULL).ln() * most).min(most)
}

/// Whether anything in view is counted, not drawn.
pub(crate) fn is_counted(frame: &Frame<'_>) -> bool {
    Density::of(frame).is_crowded()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_crowded_by_its_neighbours() {
        let mut counts = [0, 0, 0, 0, 0, 0, 5, 0, 5, 0, 0, 0, 0, 1];
        let at: Vec<usize> = (0..).zip(crowded(&counts)).filter(|(_, is)| *is).map(|(at, _)| at).collect();
        assert_eq!(at, [6, 8], "ten in nine columns");
        counts[8] = 4;
        assert!(!crowded(&counts).contains(&true), "nine are one each");
    }

    #[test]
    fn a_higher_bar_is_more_messages() {
        let heights: Vec<f32> = [1, 2, 10, 100, 1_000, 100_000].into_iter().map(height).collect();
        assert!(heights.is_sorted(), "{heights:?}");
        assert!(heights[0] >= 3.0, "one is still to be seen");
        assert!((heights[5] - (RAILS - 2.0 * FREE)).abs() < 0.01);
    }
}
