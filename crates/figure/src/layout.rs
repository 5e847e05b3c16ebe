//! Where things stand before anything happened: the plot, the lanes, and the scale of its axis.

use standby_trace::{Scenario, Trace};

use crate::shape::{LaneBox, View};

/// Between the server's rail and the client's.
pub(crate) const RAILS: f32 = 40.0;
/// The centre line of the numbered events.
pub(crate) const EVENTS_Y: f32 = 18.0;
/// Where the lines of the axis and the threads' dotted part begin.
pub(crate) const GRID_TOP: f32 = 36.0;

/// How high the band of a lane's crowd is.
pub(crate) const BAND: f32 = 18.0;
/// What stays free below it.
const BELOW_BAND: f32 = 10.0;

/// How many clients there are beside each of the lanes' own; `None` where a lane is alone, or where
/// the scenario is a herd's, which has a picture of its own.
pub(crate) fn others(scenario: &Scenario) -> Option<u32> {
    (scenario.crowd.is_none() && scenario.clients > 1).then(|| scenario.clients - 1)
}

/// The measures that differ between a page and a phone.
struct Measures {
    /// The first lane's server rail.
    first_rail: f32,
    /// From one lane's server rail to the next one's.
    pitch: f32,
    /// How far a lane's place reaches above its server rail.
    above: f32,
    /// How much higher a lane is that has a crowd: its band, and on a phone its label above it.
    crowd: f32,
    /// From the last client rail to the threads' end, to the axis lines' end, to its figures' base
    /// line, and to the bottom of the picture.
    below: [f32; 4],
    /// What stands left of the plot and right of it.
    sides: (f32, f32),
}

const WIDE: Measures = Measures {
    first_rail: 56.0,
    pitch: 96.0,
    above: 20.0,
    crowd: 24.0,
    below: [36.0, 46.0, 62.0, 72.0],
    sides: (128.0, 10.0),
};

const NARROW: Measures = Measures {
    first_rail: 72.0,
    pitch: 106.0,
    above: 30.0,
    crowd: 36.0,
    below: [30.0, 40.0, 56.0, 66.0],
    sides: (1.0, 1.0),
};

/// A picture without its contents.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) width: f32,
    pub(crate) height: f32,
    pub(crate) plot_x: f32,
    pub(crate) plot_w: f32,
    pub(crate) lanes: Vec<LaneBox>,
    pub(crate) threads_end: f32,
    pub(crate) grid_end: f32,
    pub(crate) axis_y: f32,
    /// The base line of what is said of the whole run.
    pub(crate) bottom_note_y: f32,
    pub(crate) narrow: bool,
}

impl Layout {
    pub(crate) fn new(trace: &Trace, view: &View) -> Self {
        let measures = if view.narrow { NARROW } else { WIDE };
        // Whatever width a page reports before it is laid out, the picture stays one.
        let width = if view.width.is_finite() { view.width.clamp(200.0, 100_000.0) } else { 750.0 };
        let (left, right) = measures.sides;
        let plot_x = left.min(width / 2.0);
        let plot_w = (width - plot_x - right).max(width / 4.0).min(width - plot_x);
        let others = others(&trace.scenario);
        let mut top = measures.first_rail - measures.above;
        let lanes = trace.lanes.iter().map(|lane| {
            let server_y = top + measures.above;
            let crowd = others.filter(|_| !lane.outside).map_or(0.0, |_| measures.crowd);
            let bottom = top + measures.pitch + crowd;
            let crowd_y = (crowd > 0.0).then_some(bottom - BELOW_BAND);
            LaneBox {
                top: std::mem::replace(&mut top, bottom),
                server_y,
                client_y: server_y + RAILS,
                crowd_y,
                bottom,
            }
        });
        let lanes: Vec<LaneBox> = lanes.collect();
        // A crowd moves down all that is below its lane.
        let below_rail = measures.pitch - measures.above - RAILS;
        let last_rail = lanes.last().map_or(measures.first_rail, |lane| lane.bottom - below_rail);
        let [threads_end, grid_end, axis_y, height] = measures.below.map(|below| last_rail + below);
        // Below the second line of the last lane's notes, above the axis.
        let bottom_note_y = last_rail + 38.5;
        let narrow = view.narrow;
        Self { width, height, plot_x, plot_w, lanes, threads_end, grid_end, axis_y, bottom_note_y, narrow }
    }

    pub(crate) fn plot_right(&self) -> f32 {
        self.plot_x + self.plot_w
    }
}

/// From time to the plot's x.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// The left end.
    pub(crate) from_us: i64,
    span_us: f64,
    plot_x: f64,
    plot_w: f64,
    /// The last moment that is drawn: what is known and in view.
    pub(crate) end_us: i64,
    /// How far the trace is known.
    pub(crate) now_us: i64,
}

impl Scale {
    pub(crate) fn new(layout: &Layout, view: &View) -> Self {
        let span_us = (i128::from(view.to_us) - i128::from(view.from_us)).max(1) as f64;
        Self {
            from_us: view.from_us,
            span_us,
            plot_x: f64::from(layout.plot_x),
            plot_w: f64::from(layout.plot_w),
            end_us: view.to_us.max(view.from_us).min(view.now_us),
            now_us: view.now_us,
        }
    }

    /// Where a time stands; outside of the plot for what is out of view.
    pub(crate) fn x(&self, at_us: i64) -> f32 {
        // In 64 bits until the end: the picture of the tenth hour is as exact as the first second's.
        let since = (i128::from(at_us) - i128::from(self.from_us)) as f64;
        (self.plot_x + since / self.span_us * self.plot_w) as f32
    }

    /// The moment at a place.
    pub(crate) fn at(&self, x: f64) -> i64 {
        let since = (x - self.plot_x) * self.span_us / self.plot_w;
        // A cast of a float stops at the ends of the integers.
        self.from_us.saturating_add(since.round() as i64)
    }

    /// Lets what is drawn begin elsewhere; everything stays where it stands.
    pub(crate) fn begin_at(&mut self, x: f32) {
        let from_us = self.at(f64::from(x));
        let since = (i128::from(from_us) - i128::from(self.from_us)) as f64;
        self.plot_x += since / self.span_us * self.plot_w;
        self.from_us = from_us;
    }

    /// Pixels since time 0, which don't depend on how far the view has scrolled.
    pub(crate) fn world_x(&self, at_us: i64) -> f64 {
        at_us as f64 / self.span_us * self.plot_w
    }

    /// Where such a place stands in this view.
    pub(crate) fn x_of_world(&self, world_x: f64) -> f64 {
        world_x - self.world_x(self.from_us) + self.plot_x
    }

    /// How much time that many pixels are.
    pub(crate) fn us(&self, pixels: f64) -> i64 {
        (pixels * self.span_us / self.plot_w) as i64
    }

    pub(crate) fn span_us(&self) -> i64 {
        self.span_us as i64
    }

    /// A stretch of time as far as it is in view and known: left and right.
    pub(crate) fn stretch(&self, from_us: i64, to_us: i64) -> Option<(f32, f32)> {
        let (from, to) = (from_us.max(self.from_us), to_us.min(self.end_us));
        (from < to).then(|| (self.x(from), self.x(to)))
    }

    /// Whether a moment is in view and known.
    pub(crate) fn shows(&self, at_us: i64) -> bool {
        (self.from_us..=self.end_us).contains(&at_us)
    }
}

/// The nearest to `x` between two places. `clamp` would panic where they are in the wrong order, and
/// print both: what prints floating-point numbers is a fourteenth of what a page loads.
pub(crate) fn within(x: f32, from: f32, to: f32) -> f32 {
    x.max(from).min(to)
}
