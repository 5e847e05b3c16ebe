//! From a trace and a view to shapes. Pure: the same trace and view give the same shapes.
//!
//! The order of painting is the order of these modules: the time axis, what was published with its
//! threads, then in each lane what lasted and what went over the wire, and at last the words.
//!
//! The cost goes by what is in view. Messages are in order of their first moment, so the stretch
//! that matters is found by bisection; only what lasts (spans, marks, the lanes' positions) is
//! looked through from end to end, and the trace bounds those.

mod axis;
mod label;
mod lane;
mod note;
mod place;
mod published;
pub(crate) mod run;
mod stale;

use std::ops::Range;

use standby_trace::{Message, Trace};

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
    let Layout { width, height, plot_x, plot_w, lanes, .. } = frame.layout;
    Figure { width, height, plot_x, plot_w, lanes, shapes }
}

/// What all parts of one picture know.
pub(crate) struct Frame<'a> {
    pub(crate) trace: &'a Trace,
    pub(crate) view: &'a View,
    pub(crate) layout: Layout,
    pub(crate) scale: Scale,
    /// How long a message is under way by the conditions.
    pub(crate) latency_us: i64,
}

impl<'a> Frame<'a> {
    pub(crate) fn new(trace: &'a Trace, view: &'a View) -> Self {
        let layout = Layout::new(trace.lanes.len(), view);
        let scale = Scale::new(&layout, view);
        let conditions = &trace.scenario.conditions;
        let latency_us = i64::from(conditions.latency_ms) * 1_000 + i64::from(conditions.jitter_ms) * 500;
        Self { trace, view, layout, scale, latency_us }
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

    /// Whether a message carries the event that is pointed at.
    pub(crate) fn is_selected(&self, message: &Message) -> bool {
        self.view.selected.is_some_and(|id| message.events.contains(&id))
    }
}
