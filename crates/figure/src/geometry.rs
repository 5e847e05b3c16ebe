//! From a trace and a view to shapes. Pure: the same trace and view give the same shapes.
//!
//! The order of painting is the order of these modules: the time axis, what was published with its
//! threads, then in each lane what lasted and what went over the wire, and at last the words.
//!
//! The cost goes by what is in view. Messages are in order of their first moment, so the stretch
//! that matters is found by bisection; only what lasts (spans, marks, the lanes' positions) is
//! looked through from end to end, and the trace bounds those.

mod axis;
mod cursor;
mod label;
mod lane;
mod note;
mod place;
mod published;
pub(crate) mod run;
mod stale;

use std::ops::Range;

use standby_trace::{Message, Trace};

pub(crate) use axis::round_step;
pub use label::setting;
pub(crate) use lane::run_of;
pub(crate) use note::by_event_source;
pub(crate) use published::spots;
pub(crate) use stale::{Deliveries, arrival_us};

use crate::layout::{Layout, Scale};
use crate::shape::{Figure, View};

/// The picture of a trace, as far as it is in view.
#[must_use]
pub fn figure(trace: &Trace, view: &View) -> Figure {
    let frame = Frame::new(trace, view);
    let mut shapes = Vec::with_capacity(256);
    axis::draw(&frame, &mut shapes);
    published::draw(&frame, &mut shapes);
    lane::draw(&frame, &mut shapes);
    if view.labels {
        label::draw(&frame, &mut shapes);
    }
    note::draw(&frame, &mut shapes);
    cursor::draw(&frame, &mut shapes);
    let Layout { width, height, plot_x, plot_w, lanes, .. } = frame.layout;
    Figure { width, height, plot_x, plot_w, lanes, shapes }
}

/// The picture before anything happened: where its plot and its lanes lie, and no shapes.
#[must_use]
pub fn blank(trace: &Trace, view: &View) -> Figure {
    let Layout { width, height, plot_x, plot_w, lanes, .. } = Layout::new(trace.lanes.len(), view);
    Figure { width, height, plot_x, plot_w, lanes, shapes: Vec::new() }
}

/// What all parts of one picture know.
pub(crate) struct Frame<'a> {
    pub(crate) trace: &'a Trace,
    pub(crate) view: &'a View,
    pub(crate) layout: Layout,
    pub(crate) scale: Scale,
    /// How long a message is under way by the conditions.
    pub(crate) latency_us: i64,
    /// What is pointed at.
    pub(crate) selection: Selection<'a>,
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

    /// Whether an event stands out.
    pub(crate) fn event(&self, id: u64) -> bool {
        self.event == Some(id) || self.message.is_some_and(|(_, message)| message.events.contains(&id))
    }

    /// Whether a message stands out: the one that is meant, and all that carry one of its events.
    pub(crate) fn message(&self, number: u64, message: &Message) -> bool {
        self.message.is_some_and(|(selected, _)| selected == number)
            || ((self.event.is_some() || self.message.is_some())
                && message.events.iter().any(|&id| self.event(id)))
    }
}

impl<'a> Frame<'a> {
    pub(crate) fn new(trace: &'a Trace, view: &'a View) -> Self {
        let layout = Layout::new(trace.lanes.len(), view);
        let scale = Scale::new(&layout, view);
        let conditions = &trace.scenario.conditions;
        let latency_us = i64::from(conditions.latency_ms) * 1_000 + i64::from(conditions.jitter_ms) * 500;
        let selection = Selection::of(trace, view);
        Self { trace, view, layout, scale, latency_us, selection }
    }

    /// How long before its first known moment's end a message may still be in view.
    pub(crate) fn reach_us(&self) -> i64 {
        self.scale.span_us().max(self.latency_us.saturating_mul(6))
    }

    /// The messages that were first seen from then on, until the end of what is drawn.
    pub(crate) fn messages_since(&self, from_us: i64) -> Range<usize> {
        let messages = &self.trace.messages;
        let start = messages.partition_point(|message| message.first_us() < from_us);
        // Where only the far end is known, the near one is drawn earlier; and live a message stands
        // where it became known, a little out of order.
        let end_us = self.scale.end_us.saturating_add(self.reach_us());
        let end = messages.partition_point(|message| message.first_us() <= end_us);
        start..end.max(start)
    }

    /// The messages that may be in view.
    pub(crate) fn messages(&self) -> &'a [Message] {
        let range = self.messages_since(self.scale.from_us.saturating_sub(self.reach_us()));
        &self.trace.messages[range]
    }

    /// The same, each with its number.
    pub(crate) fn numbered_messages(&self) -> impl Iterator<Item = (u64, &'a Message)> + use<'a> {
        let range = self.messages_since(self.scale.from_us.saturating_sub(self.reach_us()));
        let first = self.trace.before.saturating_add(range.start as u64);
        (first..).zip(&self.trace.messages[range])
    }
}
