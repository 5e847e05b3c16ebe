//! The picture: a canvas, the lanes' words beside it, and the event that is pointed at.

use std::cell::{Cell, RefCell};

use standby_figure::{Figure, Hit, View, blank, hit};
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
    palette: RefCell<Palette>,
    width: Cell<f32>,
    selected: Cell<Option<u64>>,
    /// What was drawn last: it is what the reader points at.
    view: RefCell<Option<View>>,
    labels: RefCell<Vec<Label>>,
    placed: Cell<Option<(f32, usize)>>,
}

impl Picture {
    /// Builds it. `over` stands over it when there is something to say.
    pub(crate) fn new(labels: Vec<Label>, over: &HtmlElement) -> Self {
        let canvas: HtmlCanvasElement = dom::html("canvas")
            .set("tabindex", "0")
            .set("role", "slider")
            .set("aria-label", "Event pointed at in the picture")
            .set("aria-valuemin", "0")
            .set("aria-valuemax", "0")
            .set("aria-valuenow", "0")
            .into();
        let element = dom::classed("div", "standby-picture").child(&canvas).child(over).done();
        for label in &labels {
            let _ = element.append_child(label.element());
        }
        Self {
            element,
            canvas: Canvas::new(canvas.clone()),
            canvas_element: canvas,
            palette: RefCell::default(),
            width: Cell::new(ASSUMED_WIDTH),
            selected: Cell::default(),
            view: RefCell::default(),
            labels: labels.into(),
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

    /// Draws a trace, as far as it is known at `now_us`.
    pub(crate) fn draw(&self, trace: &Trace, ends_us: (i64, i64), now_us: i64) {
        let width = self.width.get();
        let narrow = width < NARROW;
        let mut view = View {
            from_us: ends_us.0,
            to_us: ends_us.1,
            now_us,
            width,
            narrow,
            labels: false,
            selected: self.selected.get(),
            ..View::default()
        };
        // What went out of view is not pointed at any more.
        if let Some(id) = view.selected
            && !in_view(trace, &view).any(|known| known == id)
        {
            self.selected.set(None);
            view.selected = None;
        }
        self.place(&blank(trace, &view), narrow);
        if let Some(canvas) = &self.canvas {
            canvas.paint_trace(trace, &view, &self.palette.borrow());
        }
        self.view.replace(Some(view));
    }

    /// Reserves the height, and puts the labels in their places.
    fn place(&self, figure: &Figure, narrow: bool) {
        let labels = self.labels.borrow();
        let key = Some((figure.width, labels.len()));
        if self.placed.replace(key) == key {
            return;
        }
        dom::set(&self.element, "style", &format!("height:{}px", figure.height));
        let style = format!("width:{}px;height:{}px", figure.width, figure.height);
        dom::set(&self.canvas_element, "style", &style);
        for (label, lane) in labels.iter().zip(&figure.lanes) {
            label.place(figure, lane, narrow);
        }
    }

    /// Adds a label for a lane that has appeared.
    pub(crate) fn add_label(&self, label: Label) {
        let _ = self.element.append_child(label.element());
        self.labels.borrow_mut().push(label);
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

    /// Points at whatever event is at a place; says whether that is another one.
    pub(crate) fn point_at(&self, trace: &Trace, x: f32, y: f32) -> bool {
        let hit = self.view.borrow().as_ref().and_then(|view| hit(trace, view, x, y));
        let event = match hit {
            Some(Hit::Event(id)) => Some(id),
            Some(Hit::Message(number)) => trace.message(number).and_then(|of| of.events.last().copied()),
            None => None,
        };
        self.point(event)
    }

    /// Points at an event, or at none; says whether that is another one.
    pub(crate) fn point(&self, event: Option<u64>) -> bool {
        self.selected.replace(event) != event
    }

    /// Points at the next event in view, or the one before.
    pub(crate) fn walk(&self, trace: &Trace, step: Walk) -> bool {
        let Some(view) = self.view() else { return false };
        let ids: Vec<u64> = in_view(trace, &view).collect();
        self.point(walked(&ids, self.selected.get(), step))
    }

    /// Says in words what is pointed at, for those who don't see it.
    pub(crate) fn speak(&self, trace: &Trace, sentence: &str) {
        let ids = trace.published.iter().map(|event| event.id);
        let (first, last) = (ids.clone().min().unwrap_or(0), ids.max().unwrap_or(0));
        dom::set(&self.canvas_element, "aria-valuemin", &first.to_string());
        dom::set(&self.canvas_element, "aria-valuemax", &last.to_string());
        let now = self.selected.get().unwrap_or(first).clamp(first, last.max(first));
        dom::set(&self.canvas_element, "aria-valuenow", &now.to_string());
        dom::set(&self.canvas_element, "aria-valuetext", sentence);
    }
}

/// A step from one event to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walk {
    /// To the one before.
    Back,
    /// To the next.
    On,
    /// To the first in view.
    First,
    /// To the last in view.
    Last,
}

fn walked(ids: &[u64], from: Option<u64>, step: Walk) -> Option<u64> {
    let at = from.and_then(|id| ids.iter().position(|known| *known == id));
    let to = match (step, at) {
        (Walk::First, _) => 0,
        (Walk::Last, _) | (_, None) => ids.len().saturating_sub(1),
        (Walk::Back, Some(at)) => at.saturating_sub(1),
        (Walk::On, Some(at)) => (at + 1).min(ids.len().saturating_sub(1)),
    };
    ids.get(to).copied()
}

/// The events that a view shows, oldest first.
fn in_view<'a>(trace: &'a Trace, view: &View) -> impl Iterator<Item = u64> + use<'a> {
    let (from_us, to_us) = (view.from_us, view.to_us.min(view.now_us));
    trace.published.iter().filter(move |event| (from_us..=to_us).contains(&event.at_us)).map(|event| event.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arrow_keys_walk_over_the_events_in_view() {
        let ids = [3, 4, 5];
        assert_eq!(walked(&ids, None, Walk::Back), Some(5));
        assert_eq!(walked(&ids, Some(5), Walk::Back), Some(4));
        assert_eq!(walked(&ids, Some(3), Walk::Back), Some(3));
        assert_eq!(walked(&ids, Some(5), Walk::On), Some(5));
        assert_eq!(walked(&ids, Some(9), Walk::First), Some(3));
        assert_eq!(walked(&[], None, Walk::On), None);
    }
}
