//! Below the form: undo, redo, reset; what is to be known before a run; Apply; and the scenario as a
//! file.

use std::cell::RefCell;
use std::rc::Rc;

use standby_dom::{self as dom, Words};
use web_sys::{HtmlElement, HtmlTextAreaElement};

use super::advice::{self, Advice};
use super::control::Act;
use super::session::{Session, Standing};
use super::toml;
use crate::copy;

/// What the reader does here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// Goes back by one edit.
    Undo,
    /// Does it again.
    Redo,
    /// Goes back to what the page came with.
    Reset,
    /// Hands the draft over.
    Apply,
}

/// It.
pub(crate) struct Bar {
    element: HtmlElement,
    act: Act,
    back: [HtmlElement; 3],
    apply: (HtmlElement, Words),
    says: Words,
    advice: (HtmlElement, RefCell<Vec<Advice>>),
    file: HtmlTextAreaElement,
    complaint: (HtmlElement, Words),
}

impl Bar {
    /// Builds it.
    pub(crate) fn new(act: &Act, does: impl Fn(Does) + Clone + 'static) -> Self {
        let button = |text: &str, keys: &str, what: Does| {
            let does = does.clone();
            let button = dom::button("standby-ed-back", text)
                .set("data-key", &text.to_lowercase())
                .on("click", move |_| does(what));
            if keys.is_empty() { button } else { button.set("aria-keyshortcuts", keys) }
        };
        let back = [
            button("Undo", "Control+Z", Does::Undo).set("title", "Ctrl+Z").done(),
            button("Redo", "Control+Shift+Z", Does::Redo).set("title", "Ctrl+Shift+Z").done(),
            button("Reset", "", Does::Reset).set("title", "As the page came").done(),
        ];
        let pressed = does.clone();
        let apply = dom::button("standby-primary standby-ed-apply", "")
            .set("data-key", "apply")
            .on("click", move |_| pressed(Does::Apply))
            .done();
        let apply_says = Words::within(&apply, "");
        let says = dom::classed("span", "standby-ed-says").set("role", "status").done();
        let words = Words::within(&says, "");
        let row = dom::classed("div", "standby-ed-row");
        let row = back.iter().fold(row, dom::Build::child).child(&says).child(&apply).done();

        let complaint =
            dom::classed("p", "standby-ed-complaint").set("role", "alert").set("hidden", "").done();
        let complains = Words::within(&complaint, "");
        let advice = dom::classed("div", "standby-ed-advice").done();
        let (file, details) = file();
        let element = dom::classed("div", "standby-ed-bar")
            .child(&complaint)
            .child(&advice)
            .child(&row)
            .child(&details)
            .done();
        Self {
            element,
            act: Rc::clone(act),
            back,
            apply: (apply, apply_says),
            says: words,
            advice: (advice, RefCell::default()),
            file,
            complaint: (complaint, complains),
        }
    }

    /// Its element.
    pub(crate) fn element(&self) -> &HtmlElement {
        &self.element
    }

    /// A button that can't be pressed any more loses the focus: the next one that can be has it.
    pub(crate) fn keep_focus(&self) {
        let lost = dom::document()
            .active_element()
            .is_none_or(|active| active.tag_name() == "BODY" || active.has_attribute("disabled"));
        let can = self.back.iter().find(|button| !button.has_attribute("disabled"));
        if let Some(button) = can.filter(|_| lost) {
            let _ = button.focus();
        }
    }

    /// Says what is wrong with what the widget was given.
    pub(crate) fn complain(&self, wrong: &str) {
        self.complaint.1.say(&format!("Not set up: {wrong}."));
        dom::show(&self.complaint.0, true);
    }

    /// What was wrong is over: something else was set.
    pub(crate) fn forgive(&self) {
        dom::show(&self.complaint.0, false);
    }

    /// Shows what can be done now.
    pub(crate) fn show(&self, session: &Session, standing: Standing) {
        for (button, can) in self.back.iter().zip(session.can()) {
            dom::enable(button, can);
        }
        let draft = session.draft();
        let wrong = draft.bad().len();
        let waits = session.waits() && standing != Standing::Fresh;
        self.says.say(&match (wrong, waits, standing) {
            (1, _, _) => "One value can’t be used: see the field.".to_owned(),
            (2.., _, _) => format!("{wrong} values can’t be used: see the fields."),
            (0, true, Standing::Runs) => "Changed. The experiment still runs as it was.".to_owned(),
            (0, true, _) => "Changed. The picture is still of what it was.".to_owned(),
            (0, false, _) => String::new(),
        });
        self.apply.1.say(if standing == Standing::Runs { "Apply and restart" } else { "Apply" });
        dom::show(&self.apply.0, waits);
        dom::enable(&self.apply.0, wrong == 0);
        self.show_advice(advice::of(draft.scenario()));
        let file = toml::file(draft.scenario(), "What it shows", "What to look for.");
        if self.file.value() != file {
            self.file.set_value(&file);
        }
    }

    fn show_advice(&self, all: Vec<Advice>) {
        if *self.advice.1.borrow() == all {
            return;
        }
        self.advice.0.set_text_content(None);
        for one in &all {
            let mut row = dom::classed("div", "standby-ed-advise")
                .set("role", "status")
                .child(&dom::html("span").text(&one.text).done());
            for (words, edit) in &one.offers {
                let (act, edit) = (Rc::clone(&self.act), edit.clone());
                let offer = dom::button("", words).on("click", move |_| act(edit.clone()));
                row = row.child(&offer.done());
            }
            let _ = self.advice.0.append_child(&row.done());
        }
        self.advice.1.replace(all);
    }
}

/// The file, folded away, and its text.
fn file() -> (HtmlTextAreaElement, HtmlElement) {
    let text: HtmlTextAreaElement = dom::html("textarea")
        .set("readonly", "")
        .set("rows", "12")
        .set("spellcheck", "false")
        .set("aria-label", "The scenario as a file, experiments/NAME.toml")
        .into();
    let own = text.clone();
    let details = dom::classed("details", "standby-ed-file")
        .child(&dom::html("summary").text("As a file for a chapter").done())
        .child(&text)
        .child(&copy::button("Copy", move || own.value()))
        .done();
    (text, details)
}
