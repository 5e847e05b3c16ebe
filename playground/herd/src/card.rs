//! What stands around the picture: the question above it, and what its marks mean.

use std::rc::Weak;

use standby_dom::{self as dom, Words};
use standby_figure::herd::sets_keep_alives;
use standby_trace::Scenario;
use web_sys::HtmlElement;

use crate::widget::{Widget, act};
use crate::words;

/// Where the reader is asked before the first run, and answered after it.
pub(crate) struct Card {
    pub(crate) word: Words,
    pub(crate) element: HtmlElement,
    pub(crate) buttons: HtmlElement,
}

/// To answer is to begin.
pub(crate) fn card(weak: &Weak<Widget>) -> Card {
    let says = dom::classed("p", "standby-what").set("aria-live", "polite").done();
    let word = Words::within(&says, words::ASK);
    let mut buttons =
        dom::classed("div", "standby-buttons").set("role", "group").set("aria-label", words::ASK);
    for guess in words::GUESSES {
        let press = act(weak, move |widget| {
            widget.guess.set(Some(guess));
            widget.begin(false);
            // The button goes: the focus would be nowhere.
            let _ = widget.page.stage.focus();
        });
        let text = format!("{guess}×");
        buttons = buttons.child(&dom::button("standby-guess", &text).on("click", move |_| press()).done());
    }
    let buttons = buttons.done();
    let element = dom::classed("div", "standby-herd-card").child(&says).child(&buttons).done();
    Card { word, element, buttons }
}

/// A mark of the picture, and what it means.
pub(crate) fn entry(class: &str, text: &str) -> HtmlElement {
    let swatch = dom::classed("i", &format!("standby-swatch {class}")).set("aria-hidden", "true").done();
    dom::html("span").child(&swatch).text(text).done()
}

pub(crate) fn legend(scenario: &Scenario, limit: &HtmlElement) -> HtmlElement {
    let mut marks = dom::classed("p", "standby-herd-legend")
        .child(&entry("standby-swatch-in", "let in"))
        .child(&entry("standby-swatch-away", "turned away"));
    if sets_keep_alives(scenario) {
        marks = marks.child(&entry("standby-swatch-keep", "keep-alives"));
    }
    marks.child(limit).child(&dom::html("span").text("Height: how many in 0.1 s, square root.").done()).done()
}
