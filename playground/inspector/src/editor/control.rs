//! One control of the editor: a value to type, a list to choose from, a box to tick.
//!
//! A value is taken when it is left or confirmed, not with every key: what is half typed is not wrong
//! yet. The arrow keys up and down go to the next round number, Escape gives it up.

use std::cell::RefCell;
use std::rc::Rc;

use standby_dom::{self as dom, Words};
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlElement, HtmlInputElement, HtmlSelectElement, KeyboardEvent};

use super::draft::{Draft, Edit, Part};
use super::field::{Field, Pick};
use super::value;

/// What is called with what the reader does.
pub(crate) type Act = Rc<dyn Fn(Edit)>;

/// Marks a field in which something is typed that was not taken yet.
pub(crate) const TYPING: &str = "data-typing";

/// A control on the page.
pub(crate) enum Control {
    /// A value to type.
    Value {
        /// Which.
        field: Field,
        /// Where it is typed.
        input: HtmlInputElement,
        /// What is wrong with it.
        wrong: Words,
        /// What it stands in.
        cell: HtmlElement,
    },
    /// A list to choose from.
    Choice {
        /// Which.
        pick: Pick,
        /// The list.
        select: HtmlSelectElement,
        /// What it offers.
        options: RefCell<Vec<(String, String)>>,
    },
    /// Yes or no.
    Check {
        /// Which.
        pick: Pick,
        /// The box.
        input: HtmlInputElement,
    },
}

impl Control {
    /// Builds it. `of` says what it belongs to, for those who hear the page: `Lane 2`.
    pub(crate) fn new(part: Part, id: &str, of: &str, act: &Act) -> (HtmlElement, Self) {
        let key = key(part);
        match part {
            Part::Value(field) => value_of(field, &format!("{id}-{key}"), &key, of, act),
            Part::Choice(pick) => choice_of(pick, &key, of, act),
            Part::Check(pick) => check_of(pick, &key, of, act),
        }
    }

    /// Shows what it is set to.
    pub(crate) fn show(&self, draft: &Draft) {
        match self {
            Self::Value { field, input, wrong, cell } => {
                let bad = draft.bad().get(field);
                let text = draft.text(*field);
                if !input.has_attribute(TYPING) && input.value() != text {
                    input.set_value(&text);
                }
                wrong.say(bad.map_or("", |bad| &bad.why));
                dom::show(&wrong.parent(), bad.is_some());
                dom::set(input, "aria-invalid", if bad.is_some() { "true" } else { "false" });
                dom::set(cell, "data-bad", if bad.is_some() { "true" } else { "false" });
                if let Some(now) = field.get(draft.scenario()) {
                    dom::set(input, "aria-valuenow", &now.to_string());
                    dom::set(input, "aria-valuetext", &text);
                }
            }
            Self::Choice { pick, select, options } => {
                let offers = pick.options(draft.scenario());
                if *options.borrow() != offers {
                    select.set_text_content(None);
                    for (value, text) in &offers {
                        let option = dom::html("option").set("value", value).text(text).done();
                        let _ = select.append_child(&option);
                    }
                    options.replace(offers);
                }
                let chosen = pick.get(draft.scenario()).unwrap_or_default();
                if select.value() != chosen {
                    select.set_value(&chosen);
                }
            }
            Self::Check { pick, input } => {
                input.set_checked(pick.get(draft.scenario()).as_deref() == Some("yes"));
            }
        }
    }

    /// The field, where a value can't be taken.
    pub(crate) fn bad<'a>(&'a self, draft: &Draft) -> Option<&'a HtmlInputElement> {
        match self {
            Self::Value { field, input, .. } => draft.bad().contains_key(field).then_some(input),
            Self::Choice { .. } | Self::Check { .. } => None,
        }
    }
}

/// A control's name within the editor: `lane-0-interval`.
fn key(part: Part) -> String {
    let name = match part {
        Part::Value(field) => format!("{field:?}"),
        Part::Choice(pick) | Part::Check(pick) => format!("{pick:?}"),
    };
    let words: Vec<&str> =
        name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("-").to_lowercase()
}

/// A name for those who hear the page. It holds the words that are seen.
fn spoken(of: &str, label: &str) -> String {
    if of.is_empty() { label.to_owned() } else { format!("{of}: {label}") }
}

fn value_of(field: Field, id: &str, key: &str, of: &str, act: &Act) -> (HtmlElement, Control) {
    let kind = field.kind();
    let wrong = dom::classed("span", "standby-ed-wrong").set("id", id).set("role", "alert").done();
    let words = Words::within(&wrong, "");
    let input: HtmlInputElement = dom::html("input")
        .set("type", "text")
        .set("role", "spinbutton")
        .set("inputmode", "text")
        .set("autocomplete", "off")
        .set("autocapitalize", "off")
        .set("spellcheck", "false")
        .set("data-key", key)
        .set("aria-label", &spoken(of, kind.label))
        .set("aria-describedby", id)
        .set("aria-valuemin", &if kind.zero.is_some() { 0 } else { *kind.bounds.start() }.to_string())
        .set("aria-valuemax", &kind.bounds.end().to_string())
        .set("title", &kind.range())
        .into();
    let take = {
        let (act, input) = (Rc::clone(act), input.clone());
        move || {
            if input.has_attribute(TYPING) {
                let _ = input.remove_attribute(TYPING);
                act(Edit::Type(field, input.value()));
            }
        }
    };
    let typing = input.clone();
    dom::on(&input, "input", move |_| dom::set(&typing, TYPING, ""));
    for event in ["change", "blur"] {
        let take = take.clone();
        dom::on(&input, event, move |_| take());
    }
    let (act, own) = (Rc::clone(act), input.clone());
    dom::on(&input, "keydown", move |event| {
        let Some(pressed) = event.dyn_ref::<KeyboardEvent>() else { return };
        match pressed.key().as_str() {
            "Enter" => take(),
            "Escape" => {
                let _ = own.remove_attribute(TYPING);
                // What it was set to is what the next drawing of it shows.
                act(Edit::Type(field, own.get_attribute("aria-valuetext").unwrap_or_default()));
            }
            up @ ("ArrowUp" | "ArrowDown") => {
                event.prevent_default();
                let _ = own.remove_attribute(TYPING);
                let kind = field.kind();
                // What can't be read steps from where it was.
                let now = kind
                    .read(&own.value())
                    .ok()
                    .or_else(|| own.get_attribute("aria-valuenow").and_then(|now| now.parse().ok()));
                let next = next(&kind, now.unwrap_or(*kind.bounds.start()), up == "ArrowUp");
                act(Edit::Type(field, kind.write(next)));
            }
            _ => {}
        }
    });
    let cell = dom::classed("span", "standby-ed-cell")
        .child(
            &dom::classed("label", "standby-ed-value")
                .child(&dom::html("span").text(kind.label).done())
                .child(&input)
                .done(),
        )
        .child(&wrong)
        .done();
    (cell.clone(), Control::Value { field, input, wrong: words, cell })
}

/// The next value by an arrow key. A seed goes one by one; a value that may be 0 has it below its
/// least one.
fn next(kind: &super::field::Kind, now: u64, up: bool) -> u64 {
    let (least, most) = (*kind.bounds.start(), *kind.bounds.end());
    match kind.unit {
        value::Unit::Count if up => (now + 1).min(most),
        value::Unit::Count => now.saturating_sub(1).max(least),
        _ if kind.zero.is_some() && !up && now <= least => 0,
        _ => value::step(now, up, least, most),
    }
}

fn choice_of(pick: Pick, key: &str, of: &str, act: &Act) -> (HtmlElement, Control) {
    let label = pick.label();
    let select: HtmlSelectElement =
        dom::html("select").set("data-key", key).set("aria-label", &spoken(of, label)).into();
    let (act, own) = (Rc::clone(act), select.clone());
    dom::on(&select, "change", move |_: &Event| act(Edit::Pick(pick, own.value())));
    let cell = dom::classed("label", "standby-ed-value");
    // What a lane is and what goes wrong need no word before them.
    let cell = match pick {
        Pick::Transport(_) | Pick::Kind(_) => cell,
        _ => cell.child(&dom::html("span").text(label).done()),
    };
    (cell.child(&select).done(), Control::Choice { pick, select, options: RefCell::default() })
}

fn check_of(pick: Pick, key: &str, of: &str, act: &Act) -> (HtmlElement, Control) {
    let label = pick.label();
    let input: HtmlInputElement = dom::html("input")
        .set("type", "checkbox")
        .set("data-key", key)
        .set("aria-label", &spoken(of, label))
        .into();
    let (act, own) = (Rc::clone(act), input.clone());
    dom::on(&input, "change", move |_: &Event| {
        act(Edit::Pick(pick, if own.checked() { "yes" } else { "no" }.to_owned()));
    });
    let cell = dom::classed("label", "standby-ed-value standby-ed-check")
        .child(&input)
        .child(&dom::html("span").text(label).done())
        .done();
    (cell, Control::Check { pick, input })
}
