//! From a trace and a view to shapes. Pure: the same trace and view give the same shapes.
//!
//! A picture has three layers. The time axis is below. Then comes what happened, stretch by
//! stretch: what was published with its threads, what lasted, and what went over the wire. A
//! stretch does not depend on the rest, nor on what is pointed at: what lies far enough back stays
//! as it is, and a page can keep it. Above is what is pointed at, the words and the cursor.
//!
//! The cost goes by what is in view: what is out of view is passed over by an [`Index`].

mod axis;
mod both_ends;
mod crowd;
mod cursor;
mod density;
mod digest;
mod label;
mod lane;
mod note;
mod place;
mod published;
pub(crate) mod run;
mod selected;
mod stale;

use std::ops::Range;

use standby_trace::{Mark, Message, Span, Trace};

pub(crate) use axis::{figure as moment, round_step};
pub(crate) use both_ends::{Believer, disagreement};
pub(crate) use crowd::{Column, columns, total};
pub(crate) use density::is_counted;
pub use label::setting;
pub(crate) use lane::run_of;
pub(crate) use note::by_event_source;
pub(crate) use published::spots;
pub(crate) use stale::{Deliveries, arrival_us};

use crate::index::Index;
use crate::layout::{Layout, Scale};
use crate::shape::{Figure, Shape, View};

/// The picture of a trace, as far as it is in view.
#[must_use]
pub fn figure(trace: &Trace, view: &View) -> Figure {
    let index = Index::of(trace);
    let layers = Layers::new(trace, &index, view);
    let Figure { plot_x, plot_w, .. } = layers.blank();
    let mut shapes = layers.below();
    shapes.extend(layers.stretch(plot_x, plot_x + plot_w));
    let labels = layers.put_above(&mut shapes);
    Figure { shapes, labels, ..layers.blank() }
}

/// The picture before anything happened: where its plot and its lanes lie, and no shapes.
#[must_use]
pub fn blank(trace: &Trace, view: &View) -> Figure {
    let Layout { width, height, plot_x, plot_w, lanes, .. } = Layout::new(trace, view);
    Figure { width, height, plot_x, plot_w, lanes, shapes: Vec::new(), labels: 0..0 }
}

/// A picture in its layers, for a page that keeps what no longer changes.
#[derive(Debug)]
pub struct Layers<'a> {
    frame: Frame<'a>,
}

/// A stretch knows of what lies so far beside it, in pixels: no mark reaches farther.
const BESIDE: f32 = 24.0;

impl<'a> Layers<'a> {
    /// The layers of a trace's picture. The index must be up to date.
    #[must_use]
    pub fn new(trace: &'a Trace, index: &'a Index, view: &'a View) -> Self {
        Self { frame: Frame { index: Some(index), ..Frame::new(trace, view) } }
    }

    /// The picture's measures, without shapes.
    #[must_use]
    pub fn blank(&self) -> Figure {
        blank(self.frame.trace, self.frame.view)
    }

    /// The lowest layer: the time axis.
    #[must_use]
    pub fn below(&self) -> Vec<Shape> {
        let mut shapes = Vec::new();
        axis::draw(&self.frame, &mut shapes);
        crowd::draw_bases(&self.frame, &mut shapes);
        shapes
    }

    /// What happened between two places of the picture, in its coordinates. The places may lie
    /// beside the plot. Shapes may reach over the stretch's ends, and those of what lies across an
    /// end are in both stretches: cut at their ends, stretches side by side are one picture.
    #[must_use]
    pub fn stretch(&self, from_x: f32, to_x: f32) -> Vec<Shape> {
        let frame = self.frame.stretch(from_x, to_x);
        let mut shapes = Vec::with_capacity(256);
        published::draw(&frame, &mut shapes);
        lane::draw(&frame, &mut shapes);
        crowd::draw(&frame, &mut shapes);
        shapes
    }

    /// The highest layer: what is pointed at, the words, and the cursor.
    #[must_use]
    pub fn above(&self) -> Vec<Shape> {
        let mut shapes = Vec::new();
        self.put_above(&mut shapes);
        shapes
    }

    /// Adds the highest layer; says which of the shapes are the lanes' labels.
    fn put_above(&self, shapes: &mut Vec<Shape>) -> Range<usize> {
        let frame = &self.frame;
        selected::draw(frame, shapes);
        lane::ends(frame, shapes);
        crowd::draw_words(frame, shapes);
        let start = shapes.len();
        if frame.view.labels {
            label::draw(frame, shapes);
        }
        let labels = start..shapes.len();
        note::draw(frame, shapes);
        cursor::draw(frame, shapes);
        labels
    }

    /// How many messages are about in view; no more exact than it is cheap.
    #[must_use]
    pub fn messages_in_view(&self) -> usize {
        let (from_us, to_us) = self.frame.bounds_us();
        self.frame.count_between(from_us, to_us)
    }

    /// Tells whether a stretch of time is still the same: another number, another picture.
    #[must_use]
    pub fn digest(&self, from_us: i64, to_us: i64) -> u64 {
        digest::of(&self.frame, from_us, to_us)
    }

    /// The moment at a place of the picture, in microseconds.
    #[must_use]
    pub fn us_at(&self, x: f32) -> i64 {
        self.frame.scale.at(f64::from(x))
    }

    /// How far the picture's left edge is from time 0, in its own pixels: what moves with the trace
    /// keeps its distance from there.
    #[must_use]
    pub fn world_x(&self) -> f64 {
        -self.frame.scale.x_of_world(0.0)
    }
}

/// What all parts of one picture know.
#[derive(Clone, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) trace: &'a Trace,
    pub(crate) view: &'a View,
    pub(crate) layout: Layout,
    pub(crate) scale: Scale,
    /// How long a message is under way by the conditions.
    pub(crate) latency_us: i64,
    /// What is pointed at.
    pub(crate) selection: Selection<'a>,
    /// Without one, spans and marks are looked through from end to end.
    index: Option<&'a Index>,
}

/// What stands out: an event, or a message and the events that it carries.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Selection<'a> {
    event: Option<u64>,
    message: Option<(u64, &'a Message)>,
}

impl<'a> Selection<'a> {
    fn of(trace: &'a Trace, view: &View) -> Self {
        let message = view.message.and_then(|number| Some((number, trace.message(number)?)));
        Self { event: view.selected, message }
    }

    /// Nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.event.is_none() && self.message.is_none()
    }

    /// Whether an event stands out.
    pub(crate) fn event(&self, id: u64) -> bool {
        self.event == Some(id) || self.message.is_some_and(|(_, message)| message.events.contains(&id))
    }

    /// Whether a message stands out: the one that is meant, and all that carry one of its events.
    pub(crate) fn message(&self, number: u64, message: &Message) -> bool {
        self.message.is_some_and(|(selected, _)| selected == number)
            || message.events.iter().any(|&id| self.event(id))
    }
}

impl<'a> Frame<'a> {
    pub(crate) fn new(trace: &'a Trace, view: &'a View) -> Self {
        let layout = Layout::new(trace, view);
        let scale = Scale::new(&layout, view);
        let conditions = &trace.scenario.conditions;
        let latency_us = i64::from(conditions.latency_ms) * 1_000 + i64::from(conditions.jitter_ms) * 500;
        let selection = Selection::of(trace, view);
        Self { trace, view, layout, scale, latency_us, selection, index: None }
    }

    /// A part of the same picture. What lies in view stays where it is.
    fn stretch(&self, from_x: f32, to_x: f32) -> Self {
        let mut frame = self.clone();
        let (left, right) = (self.layout.plot_x, self.layout.plot_right());
        // At the plot's own ends nothing is beside.
        let from_x = if from_x <= left && from_x >= left - 0.01 { left } else { from_x - BESIDE };
        if from_x != left {
            frame.scale.begin_at(from_x);
            frame.layout.plot_x = from_x;
        }
        let to_x = if (to_x - right).abs() <= 0.01 { right } else { to_x + BESIDE };
        if to_x != right {
            frame.scale.end_us = self.scale.at(f64::from(to_x)).min(self.scale.now_us);
        }
        frame.layout.plot_w = to_x - from_x;
        frame
    }

    /// How long before its first known moment's end a message may still be in view.
    fn reach_us(&self) -> i64 {
        self.scale.span_us().max(self.latency_us.saturating_mul(6))
    }

    /// The longest that a message is under way by the conditions.
    pub(crate) fn most_latency_us(&self) -> i64 {
        let conditions = &self.trace.scenario.conditions;
        (i64::from(conditions.latency_ms) + i64::from(conditions.jitter_ms)) * 1_000
    }

    /// How far a message may reach over what is known of it: where only the far end is known, the
    /// near one is drawn earlier.
    fn slack_us(&self) -> i64 {
        self.latency_us.saturating_mul(2)
    }

    fn message_ranges(&self, from_us: i64, to_us: i64) -> Vec<Range<usize>> {
        let messages = &self.trace.messages;
        let slack_us = self.slack_us();
        if let Some(index) = self.index {
            let (from_us, to_us) = (from_us.saturating_sub(slack_us), to_us.saturating_add(slack_us));
            return index.messages(self.trace, from_us, to_us);
        }
        let from_us = from_us.saturating_sub(self.reach_us());
        let to_us = to_us.saturating_add(self.reach_us());
        // Live a message stands where it became known, a little out of order.
        let start = messages.partition_point(|message| message.first_us() < from_us);
        let end = messages.partition_point(|message| message.first_us() <= to_us);
        std::iter::once(start..end.max(start)).collect()
    }

    /// The messages that may have to do with a stretch of time, each with its number.
    pub(crate) fn messages_between(
        &self,
        from_us: i64,
        to_us: i64,
    ) -> impl Iterator<Item = (u64, &'a Message)> + use<'a> {
        let trace = self.trace;
        self.message_ranges(from_us, to_us).into_iter().flat_map(move |range| {
            let first = trace.before.saturating_add(range.start as u64);
            (first..).zip(trace.messages.get(range).unwrap_or_default())
        })
    }

    /// About how many they are.
    pub(crate) fn count_between(&self, from_us: i64, to_us: i64) -> usize {
        self.message_ranges(from_us, to_us).iter().map(Range::len).sum()
    }

    /// Those that may be in view.
    pub(crate) fn messages(&self) -> impl Iterator<Item = (u64, &'a Message)> + use<'a> {
        self.messages_between(self.scale.from_us, self.scale.end_us)
    }

    /// The spans that may have to do with a stretch of time.
    pub(crate) fn spans_between(&self, from_us: i64, to_us: i64) -> impl Iterator<Item = &'a Span> + use<'a> {
        let spans = &self.trace.spans;
        let all = || std::iter::once(0..spans.len()).collect();
        let ranges = self.index.map_or_else(all, |index| index.spans(self.trace, from_us, to_us));
        ranges.into_iter().flat_map(|range| spans.get(range).unwrap_or_default())
    }

    /// The marks that may have to do with a stretch of time.
    pub(crate) fn marks_between(&self, from_us: i64, to_us: i64) -> impl Iterator<Item = &'a Mark> + use<'a> {
        let marks = &self.trace.marks;
        let all = || std::iter::once(0..marks.len()).collect();
        let ranges = self.index.map_or_else(all, |index| index.marks(self.trace, from_us, to_us));
        ranges.into_iter().flat_map(|range| marks.get(range).unwrap_or_default())
    }

    /// The moments between which things are drawn.
    pub(crate) fn bounds_us(&self) -> (i64, i64) {
        (self.scale.from_us, self.scale.end_us)
    }

    /// A lane's messages that may have brought events since one moment and before another, newest
    /// first.
    pub(crate) fn receipts(&self, lane: u16, since_us: i64, to_us: i64) -> Vec<&'a Message> {
        let trace = self.trace;
        let of_lane = |message: &&Message| {
            message.lane == lane && !message.events.is_empty() && message.first_us() <= to_us
        };
        let since_us = since_us.saturating_sub(self.slack_us());
        match self.index {
            Some(index) => {
                let at = index.receipts(trace, lane, since_us, to_us);
                at.filter_map(|at| trace.messages.get(at)).filter(of_lane).take(RECEIPTS).collect()
            }
            None => {
                let start = trace.messages.partition_point(|message| message.first_us() < to_us);
                let before = trace.messages.get(..start).unwrap_or_default().iter().rev();
                let before = before.take_while(|message| message.first_us() >= since_us);
                before.filter(of_lane).take(RECEIPTS).collect()
            }
        }
    }

    /// A lane's first message.
    pub(crate) fn first_message(&self, lane: u16) -> Option<&'a Message> {
        match self.index {
            Some(index) => self.trace.messages.get(index.first_message(self.trace, lane)?),
            None => self.trace.messages.iter().find(|message| message.lane == lane),
        }
    }

    /// When something first lasted in a lane.
    pub(crate) fn first_span_us(&self, lane: u16) -> Option<i64> {
        match self.index {
            Some(index) => index.first_span_us(usize::from(lane)),
            None => {
                let of_lane =
                    self.trace.spans.iter().filter(|span| span.lane == Some(lane) && stale::lasts(span));
                of_lane.map(|span| span.from.at_us).min()
            }
        }
    }
}

/// So many of a lane's last messages with events tell where it stands. The last one does, but for
/// those that were lost or are still under way.
const RECEIPTS: usize = 16;
