//! The map of the keys: a small dialog, which Escape closes.

use web_sys::{HtmlDialogElement, HtmlElement, HtmlInputElement};

use crate::dom;
use crate::keys::MAP;

/// The dialog.
pub(crate) struct KeyMap {
    element: HtmlDialogElement,
    aloud: HtmlInputElement,
}

impl KeyMap {
    /// Builds it; `id` is the placeholder's. `set` is called with whether news is said aloud.
    pub(crate) fn new(id: &str, set: impl Fn(bool) + 'static) -> Self {
        let heading = format!("{id}-keys");
        let mut rows = dom::html("tbody");
        for (keys, what) in MAP {
            let mut names = dom::html("th").set("scope", "row");
            for key in keys {
                names = names.child(&dom::html("kbd").text(key).done()).text(" ");
            }
            let row = dom::html("tr").child(&names.done()).child(&dom::html("td").text(what).done());
            rows = rows.child(&row.done());
        }
        let aloud: HtmlInputElement = dom::html("input").set("type", "checkbox").into();
        let own = aloud.clone();
        dom::on(&aloud, "change", move |_| set(own.checked()));
        let label = dom::classed("label", "standby-aloud")
            .child(&aloud)
            .text(" Tell screen readers when something goes wrong or right, once in ten seconds at most")
            .done();
        let close = dom::button("", "Close").set("type", "submit").done();
        // The browser closes it for us, and gives the focus back to where it was.
        let form = dom::html("form").set("method", "dialog").child(&close).done();
        let element = dom::classed("dialog", "standby-keys")
            .set("aria-labelledby", &heading)
            .child(
                &dom::html("strong").set("id", &heading).text("Keys, while the picture has the focus").done(),
            )
            .child(&dom::html("table").child(&rows.done()).done())
            .child(&label)
            .child(&form)
            .into();
        Self { element, aloud }
    }

    /// Its element.
    pub(crate) fn element(&self) -> &HtmlElement {
        &self.element
    }

    /// Opens it. `aloud`: news is said aloud.
    pub(crate) fn open(&self, aloud: bool) {
        self.aloud.set_checked(aloud);
        if !self.element.open() {
            let _ = self.element.show_modal();
        }
    }
}
