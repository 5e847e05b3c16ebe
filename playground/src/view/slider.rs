//! Sliders over a [`Scale`]: one with its label for the row below the picture, and one that is a
//! value within a lane's words.
//!
//! Both are the browser's own range input, so keys, names and values are what every reader and
//! every screen reader knows.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlElement, HtmlInputElement, PointerEvent};

use crate::dom::{self, Build, Words};
use crate::scale::Scale;

/// How a value is written, and how it is spoken.
pub(crate) type Said = fn(u32) -> String;

/// So far the pointer goes for one step of a value that is dragged.
const PIXELS_A_STEP: f64 = 6.0;

/// What is chosen with a slider.
pub(crate) struct Choice {
    /// What it is, for readers and screen readers.
    pub(crate) name: String,
    /// What it can be.
    pub(crate) scale: Scale,
    /// What it is now.
    pub(crate) value: u32,
    /// As text.
    pub(crate) written: Said,
    /// As speech.
    pub(crate) spoken: Said,
}

/// A slider with its name and value above it.
pub(crate) fn labelled(choice: Choice, change: impl Fn(u32) + 'static) -> HtmlElement {
    let label = dom::classed("label", "standby-slider");
    let output: HtmlElement = dom::html("output").into();
    let shown = Words::within(&output, &(choice.written)(choice.value));
    let name = choice.name.clone();
    let written = choice.written;
    let input = range(choice, move |value| {
        shown.say(&written(value));
        change(value);
    });
    label.child(&dom::html("span").text(&name).done()).child(&output).child(&input).done()
}

/// A value in a line of words: underlined, and set in place by dragging or by keys.
pub(crate) fn inline(choice: Choice, change: impl Fn(u32) + 'static) -> HtmlElement {
    let text: HtmlElement = dom::html("span").set("aria-hidden", "true").done();
    let shown = Words::within(&text, &(choice.written)(choice.value));
    let written = choice.written;
    let input = range(choice, move |value| {
        shown.say(&written(value));
        change(value);
    });
    let label = dom::classed("label", "standby-adjust")
        .set("title", "Drag to the left or right, or use the arrow keys")
        .child(&text)
        .child(&input)
        .done();
    drag(&label, &input);
    label
}

fn range(choice: Choice, change: impl Fn(u32) + 'static) -> HtmlInputElement {
    let Choice { name, scale, value, spoken, .. } = choice;
    let input: HtmlInputElement = dom::html("input")
        .set("type", "range")
        .set("min", "0")
        .set("max", &scale.last().to_string())
        .set("step", "1")
        .set("aria-label", &name)
        .set("aria-valuetext", &spoken(value))
        .into();
    // Only after `max`: a value beyond it would be cut.
    input.set_value(&scale.index(value).to_string());
    let before = Cell::new(value);
    let own = input.clone();
    Build::from(input.clone()).on("input", move |_: &Event| {
        let value = scale.value(own.value().parse().unwrap_or(0));
        if before.replace(value) != value {
            dom::set(&own, "aria-valuetext", &spoken(value));
            change(value);
        }
    });
    input
}

/// Makes a label draggable: its input moves with the pointer.
fn drag(label: &HtmlElement, input: &HtmlInputElement) {
    let from: Rc<Cell<Option<(f64, f64)>>> = Rc::default();

    let (grips, grip_input, grip_label) = (from.clone(), input.clone(), label.clone());
    dom::on(label, "pointerdown", move |event| {
        let Some(pointer) = event.dyn_ref::<PointerEvent>() else { return };
        grips.set(Some((f64::from(pointer.client_x()), grip_input.value_as_number())));
        let _ = grip_label.set_pointer_capture(pointer.pointer_id());
        let _ = grip_input.focus();
    });
    let (moves, input) = (from.clone(), input.clone());
    dom::on(label, "pointermove", move |event| {
        let (Some(pointer), Some((x, index))) = (event.dyn_ref::<PointerEvent>(), moves.get()) else {
            return;
        };
        let steps = ((f64::from(pointer.client_x()) - x) / PIXELS_A_STEP).round();
        // The input holds it within its bounds.
        input.set_value_as_number(index + steps);
        if let Ok(event) = Event::new("input") {
            let _ = input.dispatch_event(&event);
        }
    });
    for over in ["pointerup", "pointercancel"] {
        let from = from.clone();
        dom::on(label, over, move |_| from.set(None));
    }
}
