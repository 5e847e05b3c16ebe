//! The crowd of a lane: the others of its kind, as counts over time in a band below it.
//!
//! The band stands on the lanes' time axis. A pale area is how many connections are open; its full
//! height is all of the crowd. On its base stand those that came, requests and handshakes: what was
//! let in solid, what was turned away as stripes on top of it. These grow with the square root: one
//! that comes back alone is to be seen beside two hundred that come at once.
//!
//! A column holds one tally, or as many as are to be wide enough to be seen; which ones are together
//! does not depend on how far the view has scrolled.

use standby_trace::Source;
use standby_trace::crowd::{CrowdRun, TALLY_US, Tally};

use super::Frame;
use crate::format;
use crate::layout::{BAND, others};
use crate::shape::{Anchor, Ink, Shape, Weight};

/// No column is narrower: a stripe would not be told from what is solid.
const LEAST_COLUMN: f64 = 3.0;
/// However far out the view is zoomed, no more tallies are one column.
const MOST_TOGETHER: i64 = 1_000_000;
/// What is there at all is so high at least.
const LEAST_HEIGHT: f32 = 1.5;
/// How much of a column's width a stripe takes.
const STRIPE: f32 = 0.55;
const LABEL_SIZE: f32 = 11.0;

/// What a crowd did within a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// When its first tally begins.
    pub(crate) from_us: i64,
    /// When its last one ends.
    pub(crate) to_us: i64,
    /// How many tallies it sums up.
    pub(crate) tallies: u32,
    /// How many the crowd is.
    pub(crate) clients: u32,
    /// Requests and handshakes that came.
    pub(crate) arrivals: u64,
    /// Those of them that were turned away.
    pub(crate) refused: u64,
    /// Connections that are open at its end, or polls that are held.
    pub(crate) open: u32,
    /// The highest median of the ages on arrival within one tally.
    pub(crate) p50_us: Option<u32>,
    /// The highest 99th percentile.
    pub(crate) p99_us: Option<u32>,
}

impl Column {
    fn new(clients: u32, from_us: i64) -> Self {
        Self {
            from_us,
            to_us: from_us,
            tallies: 0,
            clients,
            arrivals: 0,
            refused: 0,
            open: 0,
            p50_us: None,
            p99_us: None,
        }
    }

    fn add(&mut self, tally: &Tally) {
        self.to_us = self.to_us.saturating_add(TALLY_US);
        self.tallies = self.tallies.saturating_add(1);
        self.arrivals += u64::from(tally.arrivals);
        self.refused += u64::from(tally.refused);
        self.open = tally.open;
        self.p50_us = self.p50_us.max(tally.staleness_p50_us);
        self.p99_us = self.p99_us.max(tally.staleness_p99_us);
    }
}

/// The runs of a lane's crowd, each with the moment that the next one took its place.
fn runs<'a>(frame: &Frame<'a>, lane: usize) -> impl Iterator<Item = (&'a CrowdRun, i64)> + use<'a> {
    let of_lane = move |run: &&CrowdRun| usize::from(run.row) == lane;
    let runs = &frame.trace.crowd;
    (0..).zip(runs).filter(move |(_, run)| of_lane(run)).map(move |(at, run)| {
        let next = runs.iter().skip(at + 1).find(of_lane);
        (run, next.map_or(i64::MAX, |next| next.from_us))
    })
}

/// How many tallies are one column.
fn together(frame: &Frame<'_>) -> i64 {
    let tally_w = frame.scale.world_x(TALLY_US);
    // A cast of a float stops at the ends of the integers.
    ((LEAST_COLUMN / tally_w).ceil() as i64).clamp(1, MOST_TOGETHER)
}

/// The columns of a lane's crowd that have to do with a stretch of time, as far as they are known.
pub(crate) fn columns(frame: &Frame<'_>, lane: usize, from_us: i64, to_us: i64) -> Vec<Column> {
    let together = together(frame);
    let mut columns: Vec<Column> = Vec::new();
    if from_us > to_us {
        return columns;
    }
    for (run, until_us) in runs(frame, lane) {
        let known_us = frame.scale.now_us.min(until_us);
        // Counted from time 0, as a live run loses its first tallies in the end.
        let slot = run.from_us.div_euclid(TALLY_US);
        let after = |us: i64| us.saturating_sub(run.from_us).div_euclid(TALLY_US);
        let first = ((slot + after(from_us)).div_euclid(together) * together - slot).max(0);
        let end = (slot + after(to_us)).div_euclid(together) * together + together - slot;
        let tallies = usize::try_from(first).ok().and_then(|first| run.tallies.get(first..));
        let mut in_column = None;
        for (at, tally) in (first..end).zip(tallies.unwrap_or_default()) {
            let at_us = run.from_us.saturating_add(at.saturating_mul(TALLY_US));
            if at_us.saturating_add(TALLY_US) > known_us {
                break;
            }
            let number = (slot + at).div_euclid(together);
            if in_column.replace(number) != Some(number) {
                columns.push(Column::new(run.clients, at_us));
            }
            if let Some(column) = columns.last_mut() {
                column.add(tally);
            }
        }
    }
    columns
}

/// All that is known of a lane's crowd in one; `None` where there was none.
pub(crate) fn total(frame: &Frame<'_>, lane: usize) -> Option<Column> {
    let mut total: Option<Column> = None;
    for (run, _) in runs(frame, lane).filter(|(run, _)| !run.tallies.is_empty()) {
        let total = total.get_or_insert(Column::new(run.clients, run.from_us));
        total.clients = run.clients;
        run.tallies.iter().for_each(|tally| total.add(tally));
    }
    total
}

/// Where the bands stand, before there is anything in them.
pub(super) fn draw_bases(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    let (x1, x2) = (frame.layout.plot_x, frame.layout.plot_right());
    for y in frame.layout.lanes.iter().filter_map(|lane| lane.crowd_y) {
        let (ink, weight) = (Ink::Grid, Weight::Normal);
        shapes.push(Shape::Line { x1, y1: y, x2, y2: y, arrow: false, ink, weight });
    }
}

/// What the bands hold.
pub(super) fn draw(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    let Some(all) = others(&frame.trace.scenario) else { return };
    let (from_us, end_us) = frame.bounds_us();
    let (mut let_in, mut away) = (Vec::new(), Vec::new());
    for (lane, at) in frame.layout.lanes.iter().enumerate() {
        let Some(base) = at.crowd_y else { continue };
        for column in columns(frame, lane, from_us, end_us) {
            let (x1, x2) = (frame.scale.x(column.from_us), frame.scale.x(column.to_us));
            let open = share(u64::from(column.open), all) * BAND;
            bar(frame, shapes, (x1, x2), (base - open, base), Ink::Held);
            let came = height(column.arrivals, all);
            let taken = height(column.arrivals.saturating_sub(column.refused), all);
            let taken = if column.refused > 0 { taken.min(BAND - LEAST_HEIGHT) } else { taken };
            bar(frame, &mut let_in, (x1, x2), (base - taken, base), Ink::LetIn);
            if column.refused > 0 {
                let aside = (x2 - x1) * (1.0 - STRIPE) / 2.0;
                let top = base - came.max(taken + LEAST_HEIGHT);
                bar(frame, &mut away, (x1 + aside, x2 - aside), (top, base - taken), Ink::TurnedAway);
            }
        }
    }
    shapes.append(&mut let_in);
    shapes.append(&mut away);
}

/// A bar as far as it is in view; one of its height that it follows grows by it.
fn bar(frame: &Frame<'_>, shapes: &mut Vec<Shape>, (x1, x2): (f32, f32), (y, base): (f32, f32), ink: Ink) {
    let (start, end) = (frame.layout.plot_x, frame.scale.x(frame.scale.end_us));
    let (x1, x2) = (x1.max(start), x2.min(end));
    if x1 >= x2 || y >= base {
        return;
    }
    match shapes.last_mut() {
        Some(Shape::Rect { x, y: its_y, w, ink: its_ink, .. })
            if *its_ink == ink && *its_y == y && (*x + *w - x1).abs() < 0.01 =>
        {
            *w = x2 - *x;
        }
        _ => shapes.push(Shape::Rect { x: x1, y, w: x2 - x1, h: base - y, ink }),
    }
}

fn share(n: u64, all: u32) -> f32 {
    (n as f32 / all.max(1) as f32).min(1.0)
}

/// How high a bar of so many is.
fn height(n: u64, all: u32) -> f32 {
    if n == 0 { 0.0 } else { (share(n, all).sqrt() * BAND).max(LEAST_HEIGHT) }
}

/// How many the others are, beside their band; and a line through what is pointed at.
pub(super) fn draw_words(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    let Some(all) = others(&frame.trace.scenario) else { return };
    for (lane, at) in frame.layout.lanes.iter().enumerate() {
        let Some(base) = at.crowd_y else { continue };
        // A server may allow fewer than the scenario has.
        let clients = runs(frame, lane).last().map_or(all, |(run, _)| run.clients);
        let live_only = if frame.trace.source == Source::Simulated { ", live only" } else { "" };
        let text = format!("{} more{live_only}", format::count(clients.into()));
        let (x, y) = match frame.layout.narrow {
            true => (0.0, base - BAND - 4.0),
            false => (0.0, base - BAND / 2.0 + 4.0),
        };
        let (anchor, size, strong, ink) = (Anchor::Start, LABEL_SIZE, false, Ink::Note);
        shapes.push(Shape::Text { x, y, anchor, size, strong, ink, text });
    }
    if let Some((lane, at_us)) = frame.view.crowd
        && let Some(base) = frame.layout.lanes.get(usize::from(lane)).and_then(|lane| lane.crowd_y)
        && let Some(column) = columns(frame, lane.into(), at_us, at_us).last()
    {
        let middle_us = column.from_us.midpoint(column.to_us);
        if frame.scale.shows(middle_us) {
            let (x, ink, weight) = (frame.scale.x(middle_us), Ink::Cursor, Weight::Normal);
            shapes.push(Shape::Line { x1: x, y1: base - BAND, x2: x, y2: base, arrow: false, ink, weight });
        }
    }
}
