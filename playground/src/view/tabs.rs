//! The tabs below the picture: the ledger, which is always there, and six panels that the second
//! module builds when they are first opened.
//!
//! They are the tabs of the ARIA pattern: one of them has the focus, the arrow keys go from one to
//! the next, and a tab is shown when it is pressed (its panel may have to be fetched first, so it
//! does not open by being passed).

use std::cell::{Cell, RefCell};

use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent};

use crate::dom;

/// A tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tab {
    /// The panel's name at the inspector; the ledger's is the widget's own.
    pub(crate) which: &'static str,
    text: &'static str,
    /// On a phone.
    short: &'static str,
    /// It stands on the right: something to take away.
    takes_away: bool,
}

const fn tab(which: &'static str, text: &'static str) -> Tab {
    Tab { which, text, short: text, takes_away: false }
}

const fn taken(which: &'static str, text: &'static str) -> Tab {
    Tab { which, text, short: text, takes_away: true }
}

/// All of them, in the row's order.
pub(crate) const ALL: [Tab; 7] = [
    tab("ledger", "Ledger"),
    tab("wire", "Wire"),
    tab("log", "Log"),
    Tab { short: "Code", ..tab("code", "Client code") },
    taken("link", "Link"),
    taken("curl", "curl"),
    taken("save", "Save"),
];

/// The row of tabs, and the panels below it.
pub(crate) struct Tabs {
    row: HtmlElement,
    panels: HtmlElement,
    parts: Vec<(HtmlElement, HtmlElement)>,
    chosen: Cell<usize>,
    /// Which panels have something in them.
    filled: RefCell<[bool; ALL.len()]>,
}

impl Tabs {
    /// Builds them; `id` is the placeholder's, `ledger` what the first shows. `choose` is called
    /// with the number of a tab that is pressed.
    pub(crate) fn new(
        id: &str,
        title: &str,
        ledger: &HtmlElement,
        choose: impl Fn(usize) + Clone + 'static,
    ) -> Self {
        let mut row = dom::classed("div", "standby-tabs")
            .set("role", "tablist")
            .set("aria-label", &format!("More about: {title}"));
        let mut panels = dom::classed("div", "standby-panels");
        let mut parts = Vec::new();
        for (i, tab) in ALL.iter().enumerate() {
            let class = if tab.takes_away { "standby-tab standby-take" } else { "standby-tab" };
            let mut label = dom::button(class, "")
                .set("role", "tab")
                .set("id", &format!("{id}-tab-{}", tab.which))
                .set("aria-controls", &format!("{id}-panel-{}", tab.which))
                .set("data-tab", tab.which);
            label = if tab.short == tab.text {
                label.text(tab.text)
            } else {
                label
                    .child(&dom::classed("span", "standby-wide").text(tab.text).done())
                    .child(&dom::classed("span", "standby-narrow").text(tab.short).done())
            };
            let choose = choose.clone();
            let label = label.on("click", move |_| choose(i)).done();
            let panel = dom::classed("div", "standby-panel")
                .set("role", "tabpanel")
                .set("id", &format!("{id}-panel-{}", tab.which))
                .set("aria-labelledby", &format!("{id}-tab-{}", tab.which))
                .set("data-panel", tab.which)
                // What scrolls must be within the keys' reach, and a panel is where they go next.
                .set("tabindex", "0")
                .done();
            row = row.child(&label);
            panels = panels.child(&panel);
            parts.push((label, panel));
        }
        let tabs = Self {
            row: row.done(),
            panels: panels.done(),
            parts,
            chosen: Cell::new(0),
            filled: RefCell::default(),
        };
        if let Some((_, panel)) = tabs.parts.first() {
            let _ = panel.append_child(ledger);
        }
        tabs.filled.borrow_mut()[0] = true;
        tabs.walk();
        tabs.choose(0);
        tabs
    }

    fn walk(&self) {
        let labels: Vec<HtmlElement> = self.parts.iter().map(|(label, _)| label.clone()).collect();
        dom::on(&self.row, "keydown", move |event| {
            let key = event.dyn_ref::<KeyboardEvent>().map(KeyboardEvent::key).unwrap_or_default();
            let Some(focus) = dom::document().active_element() else { return };
            let Some(at) = labels.iter().position(|label| label.is_same_node(Some(&focus))) else { return };
            if let Some(label) = walked(at, labels.len(), &key).and_then(|to| labels.get(to)) {
                event.prevent_default();
                let _ = label.focus();
            }
        });
    }

    /// The row.
    pub(crate) fn row(&self) -> &HtmlElement {
        &self.row
    }

    /// The panels.
    pub(crate) fn panels(&self) -> &HtmlElement {
        &self.panels
    }

    /// Shows a tab's panel.
    pub(crate) fn choose(&self, chosen: usize) {
        self.chosen.set(chosen);
        for (i, (label, panel)) in self.parts.iter().enumerate() {
            let on = i == chosen;
            dom::set(label, "aria-selected", if on { "true" } else { "false" });
            // One stop of the Tab key for the whole row.
            dom::set(label, "tabindex", if on { "0" } else { "-1" });
            dom::show(panel, on);
        }
    }

    /// The tab that is shown, its panel, and whether that has something in it.
    pub(crate) fn shown(&self) -> (Tab, &HtmlElement, bool) {
        let chosen = self.chosen.get();
        (ALL[chosen], &self.parts[chosen].1, self.filled.borrow()[chosen])
    }

    /// Notes whether the second module has built a panel.
    pub(crate) fn set_filled(&self, which: &str, filled: bool) {
        if let Some(i) = ALL.iter().position(|tab| tab.which == which) {
            self.filled.borrow_mut()[i] = filled;
        }
    }

    /// The panels that the second module has built.
    pub(crate) fn built(&self) -> Vec<(Tab, HtmlElement)> {
        let filled = self.filled.borrow();
        let built = ALL.iter().zip(&self.parts).zip(filled.iter()).skip(1);
        built.filter(|(_, filled)| **filled).map(|((tab, (_, panel)), _)| (*tab, panel.clone())).collect()
    }
}

/// Where a key leads from one tab.
fn walked(at: usize, count: usize, key: &str) -> Option<usize> {
    match key {
        "ArrowRight" => Some((at + 1) % count),
        "ArrowLeft" => Some((at + count - 1) % count),
        "Home" => Some(0),
        "End" => Some(count - 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arrow_keys_go_round_the_row() {
        assert_eq!(walked(0, 7, "ArrowRight"), Some(1));
        assert_eq!(walked(6, 7, "ArrowRight"), Some(0));
        assert_eq!(walked(0, 7, "ArrowLeft"), Some(6));
        assert_eq!((walked(3, 7, "Home"), walked(3, 7, "End")), (Some(0), Some(6)));
        assert_eq!(walked(3, 7, "Enter"), None);
    }
}
