//! The row of ready scenarios. What to look for in one stands below the row, when it is chosen and
//! while it is pointed at.

use std::cell::RefCell;
use std::rc::Rc;

use standby_dom::{self as dom, Words};
use standby_trace::scenario::{Experiment, Scenario};
use web_sys::HtmlElement;

use super::control::Act;
use super::draft::Edit;

/// What stands there while none is chosen.
const NONE: &str = "Each shows one thing. Point at one to read what to look for.";

/// The row.
pub(crate) struct Ready {
    element: HtmlElement,
    all: Rc<Vec<Experiment>>,
    buttons: Vec<HtmlElement>,
    look: Rc<Words>,
    /// The sentence of the chosen one.
    chosen: Rc<RefCell<String>>,
}

impl Ready {
    /// Builds it.
    pub(crate) fn new(all: Vec<Experiment>, id: &str, act: &Act) -> Self {
        let all: Vec<Experiment> = all.into_iter().filter(|one| one.scenario.check().is_ok()).collect();
        let says = dom::classed("p", "standby-ed-look").set("id", &format!("{id}-look")).done();
        let look = Rc::new(Words::within(&says, NONE));
        let chosen = Rc::new(RefCell::new(NONE.to_owned()));
        let mut row = dom::classed("div", "standby-ed-chips");
        let mut buttons = Vec::new();
        for one in &all {
            let (act, scenario) = (Rc::clone(act), one.scenario.clone());
            let mut button = dom::button("standby-ed-chip", &one.title)
                .set("aria-pressed", "false")
                .set("data-key", &format!("ready-{}", one.name))
                .set("aria-description", &one.look)
                .on("click", move |_| act(Edit::Take(Box::new(scenario.clone()))));
            for event in ["pointerenter", "focus"] {
                let (look, text) = (Rc::clone(&look), one.look.clone());
                button = button.on(event, move |_| look.say(&text));
            }
            for event in ["pointerleave", "blur"] {
                let (look, chosen) = (Rc::clone(&look), Rc::clone(&chosen));
                button = button.on(event, move |_| look.say(&chosen.borrow()));
            }
            let button = button.done();
            row = row.child(&button);
            buttons.push(button);
        }
        let element = dom::classed("div", "standby-ed-ready")
            .set("role", "group")
            .set("aria-label", "Ready scenarios")
            .child(
                &dom::classed("span", "standby-ed-name")
                    .set("aria-hidden", "true")
                    .text("Ready scenarios")
                    .done(),
            )
            .child(&row.done())
            .child(&says)
            .done();
        dom::show(&element, !all.is_empty());
        Self { element, all: all.into(), buttons, look, chosen }
    }

    /// Its element.
    pub(crate) fn element(&self) -> &HtmlElement {
        &self.element
    }

    /// Shows which of them is set, if one is.
    pub(crate) fn show(&self, scenario: &Scenario) {
        let mut says = NONE;
        for (one, button) in self.all.iter().zip(&self.buttons) {
            let is = one.scenario == *scenario;
            dom::set(button, "aria-pressed", if is { "true" } else { "false" });
            if is {
                says = &one.look;
            }
        }
        if *self.chosen.borrow() != says {
            says.clone_into(&mut self.chosen.borrow_mut());
            self.look.say(says);
        }
    }
}
