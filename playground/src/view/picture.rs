//! The picture: a canvas, the lanes' words beside it, the second small picture below, and what is
//! pointed at.

use std::cell::{Cell, RefCell};

use standby_figure::format::length;
use standby_figure::{Figure, Hit, View, blank, hit, timeline};
use standby_trace::Trace;
use web_sys::{HtmlCanvasElement, HtmlElement};

use super::label::Label;
use crate::dom;
use crate::paint::Palette;
use crate::tiles::Canvas;

/// Below this width the lanes' words stand above their rails.
const NARROW: f32 = 560.0;
/// Before the page is laid out.
const ASSUMED_WIDTH: f32 = 720.0;

/// The picture.
pub(crate) struct Picture {
    element: HtmlElement,
    canvas_element: HtmlCanvasElement,
    canvas: Option<Canvas>,
    /// The second, small picture below.
    timeline_element: HtmlCanvasElement,
    timeline: Option<Canvas>,
    palette: RefCell<Palette>,
    width: Cell<f32>,
    /// What the reader has chosen. It stays while it is kept, wherever the axis goes.
    pinned: Cell<Option<Hit>>,
    /// What the pointer is over, while nothing is chosen.
    hovered: Cell<Option<Hit>>,
    /// What was drawn last: it is what the reader points at.
    view: RefCell<Option<View>>,
    /// Where the time axis begins, and how wide it is.
    plot: Cell<(f32, f32)>,
    labels: RefCell<Vec<Label>>,
    placed: Cell<Option<(f32, f32, usize)>>,
}

impl Picture {
    /// Builds it, without labels. `over` stands over it when there is something to say.
    pub(crate) fn new(over: &HtmlElement) -> Self {
        let canvas: HtmlCanvasElement = dom::html("canvas")
            .set("tabindex", "0")
            .set("role", "slider")
            .set("aria-label", "Time: what is pointed at in the picture")
            .set("aria-valuemin", "0")
            .set("aria-valuemax", "0")
            .set("aria-valuenow", "0")
            .into();
        // What it shows is said by the ledger, in figures.
        let timeline: HtmlCanvasElement = dom::html("canvas").set("aria-hidden", "true").into();
        let element =
            dom::classed("div", "standby-picture").child(&canvas).child(&timeline).child(over).done();
        Self {
            element,
            canvas: Canvas::new(canvas.clone()),
            canvas_element: canvas,
            timeline: Canvas::new(timeline.clone()),
            timeline_element: timeline,
            palette: RefCell::default(),
            width: Cell::new(ASSUMED_WIDTH),
            pinned: Cell::default(),
            hovered: Cell::default(),
            view: RefCell::default(),
            plot: Cell::default(),
            labels: RefCell::default(),
            placed: Cell::default(),
        }
    }

    /// Its element.
    pub(crate) fn element(&self) -> &HtmlElement {
        &self.element
    }

    /// The canvas, which takes the pointer and the keys.
    pub(crate) fn canvas(&self) -> &HtmlCanvasElement {
        &self.canvas_element
    }

    /// Its labels.
    pub(crate) fn labels(&self) -> &RefCell<Vec<Label>> {
        &self.labels
    }

    /// Takes in the width that the page gives it; says whether that is new.
    pub(crate) fn measure(&self, width: f32) -> bool {
        // Before it is laid out a page says 0.
        width > 1.0 && (self.width.replace(width) - width).abs() > 0.5
    }

    /// The page's theme changed.
    pub(crate) fn read_theme(&self) {
        self.palette.replace(Palette::of(&self.element));
    }

    /// Another trace comes: nothing of the one before it stays.
    pub(crate) fn forget(&self) {
        self.pin(None);
        if let Some(canvas) = &self.canvas {
            canvas.forget();
        }
    }

    /// Draws a trace, as far as it is known at `now_us`, with the cursor if there is one.
    pub(crate) fn draw(&self, trace: &Trace, ends_us: (i64, i64), now_us: i64, cursor_us: Option<i64>) {
        let width = self.width.get();
        let narrow = width < NARROW;
        self.forget_what_is_gone(trace, ends_us.0);
        let pointed = self.pointed();
        let view = View {
            from_us: ends_us.0,
            to_us: ends_us.1,
            now_us,
            width,
            narrow,
            labels: false,
            selected: event_of(pointed),
            message: message_of(pointed),
            crowd: crowd_of(pointed),
            cursor_us,
            ..View::default()
        };
        let below = timeline(trace, &view);
        self.place(&blank(trace, &view), &below, narrow);
        let palette = self.palette.borrow();
        if let Some(canvas) = &self.canvas {
            canvas.paint_trace(trace, &view, &palette);
        }
        if let Some(canvas) = &self.timeline {
            canvas.paint(&below, &palette);
        }
        self.view.replace(Some(view));
    }

    /// Draws nothing: what stands behind it is seen.
    pub(crate) fn wipe(&self) {
        [&self.canvas, &self.timeline].into_iter().flatten().for_each(Canvas::wipe);
    }

    /// What has left the trace is not chosen any more, and what went out of view is not under the
    /// pointer.
    fn forget_what_is_gone(&self, trace: &Trace, from_us: i64) {
        let last_us = |hit: Hit| match hit {
            Hit::Message(number) => trace.message(number).map(standby_trace::Message::last_us),
            Hit::Event(id) => trace.published.iter().rfind(|event| event.id == id).map(|event| event.at_us),
            Hit::Crowd { at_us, .. } => Some(at_us),
        };
        if self.pinned.get().is_some_and(|hit| last_us(hit).is_none()) {
            self.pinned.set(None);
        }
        if self.hovered.get().is_some_and(|hit| last_us(hit).is_none_or(|us| us < from_us)) {
            self.hovered.set(None);
        }
    }

    /// Reserves the height, and puts the labels in their places.
    fn place(&self, figure: &Figure, below: &Figure, narrow: bool) {
        let labels = self.labels.borrow();
        self.plot.set((figure.plot_x, figure.plot_w));
        // Another number of clients may be another height.
        let key = Some((figure.width, figure.height, labels.len()));
        if self.placed.replace(key) == key {
            return;
        }
        dom::set(&self.element, "style", &format!("height:{}px", length(figure.height + below.height)));
        for (canvas, figure) in [(&self.canvas_element, figure), (&self.timeline_element, below)] {
            dom::set(
                canvas,
                "style",
                &format!("width:{}px;height:{}px", length(figure.width), length(figure.height)),
            );
        }
        for (label, lane) in labels.iter().zip(&figure.lanes) {
            label.place(figure, lane, narrow);
        }
    }

    /// Adds a label for a lane that has appeared.
    pub(crate) fn add_label(&self, label: Label) {
        let _ = self.element.append_child(label.element());
        self.labels.borrow_mut().push(label);
    }

    /// Puts other labels in the place of all.
    pub(crate) fn set_labels(&self, labels: Vec<Label>) {
        self.keep_labels(0);
        for label in labels {
            self.add_label(label);
        }
        self.placed.set(None);
    }

    /// Keeps the labels of the first `lanes` only.
    pub(crate) fn keep_labels(&self, lanes: usize) {
        let mut labels = self.labels.borrow_mut();
        while labels.len() > lanes {
            if let Some(label) = labels.pop() {
                label.element().remove();
            }
        }
    }

    /// The last view that was drawn.
    pub(crate) fn view(&self) -> Option<View> {
        self.view.borrow().clone()
    }

    /// What is at a place.
    pub(crate) fn at(&self, trace: &Trace, x: f32, y: f32) -> Option<Hit> {
        self.view.borrow().as_ref().and_then(|view| hit(trace, view, x, y))
    }

    /// The moment at a place of the axis.
    pub(crate) fn time_at(&self, x: f32) -> Option<i64> {
        let (plot_x, plot_w) = self.plot.get();
        let view = self.view.borrow();
        let view = view.as_ref().filter(|_| plot_w > 0.0)?;
        let along = f64::from((x - plot_x) / plot_w);
        (0.0..=1.0)
            .contains(&along)
            .then(|| view.from_us.saturating_add((along * (view.to_us - view.from_us) as f64) as i64))
    }

    /// How much time so many pixels of the axis are, in microseconds.
    pub(crate) fn time_of(&self, pixels: f32) -> i64 {
        let (_, plot_w) = self.plot.get();
        let view = self.view.borrow();
        let window_us = view.as_ref().map_or(0, |view| view.to_us - view.from_us);
        if plot_w > 0.0 { (f64::from(pixels / plot_w) * window_us as f64) as i64 } else { 0 }
    }

    /// The pointer is over something, or over nothing; says whether that changes the picture.
    pub(crate) fn hover(&self, hit: Option<Hit>) -> bool {
        self.hovered.replace(hit) != hit && self.pinned.get().is_none()
    }

    /// Chooses something, or nothing; says whether that is something else.
    pub(crate) fn pin(&self, hit: Option<Hit>) -> bool {
        let before = self.pointed();
        self.pinned.set(hit);
        self.hovered.set(None);
        before != hit
    }

    /// What the reader points at.
    pub(crate) fn pointed(&self) -> Option<Hit> {
        self.pinned.get().or(self.hovered.get())
    }

    /// The number of the message that is pointed at.
    pub(crate) fn message(&self) -> Option<u64> {
        message_of(self.pointed())
    }

    /// Says in words what is pointed at and when, for those who don't see it. Times are in
    /// milliseconds.
    pub(crate) fn speak(&self, sentence: &str, (from_ms, at_ms, to_ms): (i64, i64, i64)) {
        dom::set(&self.canvas_element, "aria-valuemin", &from_ms.to_string());
        dom::set(&self.canvas_element, "aria-valuemax", &to_ms.max(from_ms).to_string());
        let at_ms = at_ms.clamp(from_ms, to_ms.max(from_ms));
        dom::set(&self.canvas_element, "aria-valuenow", &at_ms.to_string());
        dom::set(&self.canvas_element, "aria-valuetext", sentence);
    }
}

fn event_of(hit: Option<Hit>) -> Option<u64> {
    match hit {
        Some(Hit::Event(id)) => Some(id),
        _ => None,
    }
}

fn crowd_of(hit: Option<Hit>) -> Option<(u16, i64)> {
    match hit {
        Some(Hit::Crowd { lane, at_us }) => Some((lane, at_us)),
        _ => None,
    }
}

fn message_of(hit: Option<Hit>) -> Option<u64> {
    match hit {
        Some(Hit::Message(number)) => Some(number),
        _ => None,
    }
}
