//! What could not be done with a link or a file that someone brought: over the picture, until it is
//! read.

use web_sys::HtmlElement;

use crate::dom::{self, Words};

/// The notice.
pub(crate) struct Notice {
    element: HtmlElement,
    says: Words,
}

impl Notice {
    /// Builds it, hidden.
    pub(crate) fn new() -> Self {
        let text: HtmlElement = dom::html("span").set("role", "alert").done();
        let says = Words::within(&text, "");
        let element = dom::classed("div", "standby-notice").child(&text).done();
        let own = element.clone();
        let close = dom::button("standby-small", "✕")
            .set("aria-label", "Close this notice")
            .on("click", move |_| dom::show(&own, false))
            .done();
        let _ = element.append_child(&close);
        dom::show(&element, false);
        Self { element, says }
    }

    /// Its element.
    pub(crate) fn element(&self) -> &HtmlElement {
        &self.element
    }

    /// Says what is wrong.
    pub(crate) fn say(&self, text: &str) {
        // Shown first: what changes while it is hidden is not read out.
        dom::show(&self.element, true);
        self.says.say(text);
    }

    /// Goes away.
    pub(crate) fn clear(&self) {
        dom::show(&self.element, false);
        self.says.say("");
    }
}
