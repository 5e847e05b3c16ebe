//! The log's panel.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use standby_dom::{self as dom, Words};
use standby_figure::format;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement, HtmlSelectElement};

use super::lines::{self, Columns, Filter, Line};
use crate::host::Host;
use crate::panel::Panel;
use crate::rows::{self, Row, Rows};
use crate::{copy, words};

/// So many lines are shown: more would make the page slow, and nobody reads them.
const SHOWN: usize = 500;

/// The log's panel.
pub(crate) struct Log(Rc<Inner>);

struct Inner {
    host: Host,
    filter: RefCell<Filter>,
    lanes: RefCell<Vec<String>>,
    lines: RefCell<Vec<Line>>,
    rows: Rows<Shown>,
    scroller: HtmlElement,
    note: Words,
    lane: HtmlSelectElement,
    kind: HtmlSelectElement,
    seen: Cell<f64>,
}

/// A line with its lane's name.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    line: Line,
    lane: String,
}

impl Row for Shown {
    fn is_same(&self, other: &Self) -> bool {
        let key = |row: &Self| (row.line.at_us, row.line.lane, row.line.kind);
        key(self) == key(other)
    }

    fn cells(&self) -> Vec<(&'static str, String)> {
        let bytes = if self.line.bytes > 0 { format::count(self.line.bytes) } else { String::new() };
        vec![
            ("standby-n", words::at(self.line.at_us)),
            ("standby-left", self.lane.clone()),
            ("standby-left", self.line.kind.to_owned()),
            ("standby-left standby-wraps", self.line.what.clone()),
            ("standby-n", bytes),
        ]
    }

    fn mark(&self, row: &Element) {
        dom::set(row, "data-kind", self.line.kind);
    }
}

impl Log {
    /// Builds it.
    pub(crate) fn new(element: &HtmlElement, host: Host) -> Self {
        let text: HtmlInputElement = dom::html("input")
            .set("type", "search")
            .set("placeholder", "Filter")
            .set("aria-label", "Only lines with this text")
            .into();
        let choice = |what: &str| -> HtmlSelectElement { dom::html("select").set("aria-label", what).into() };
        let (lane, kind) = (choice("Only this lane"), choice("Only this kind"));
        let body = dom::html("tbody").done();
        let mut head = dom::html("tr");
        for (class, title) in [
            ("standby-n", "time"),
            ("standby-left", "lane"),
            ("standby-left", "kind"),
            ("standby-left", "what"),
            ("standby-n", "bytes"),
        ] {
            head = head.child(&dom::classed("th", class).set("scope", "col").text(title).done());
        }
        let table = dom::classed("table", "standby-log")
            .child(&dom::classed("caption", "standby-unseen").text("What happened, newest last").done())
            .child(&dom::html("thead").child(&head.done()).done())
            .child(&body)
            .done();
        let scroller = dom::classed("div", "standby-scroller")
            .set("tabindex", "0")
            .set("role", "region")
            .set("aria-label", "Log")
            .child(&table)
            .done();
        let foot = dom::classed("p", "standby-foot").done();
        let inner = Rc::new(Inner {
            host,
            filter: RefCell::default(),
            lanes: RefCell::default(),
            lines: RefCell::default(),
            rows: Rows::new(body),
            scroller: scroller.clone(),
            note: Words::within(&foot, ""),
            lane: lane.clone(),
            kind: kind.clone(),
            seen: Cell::new(-1.0),
        });
        for (control, event) in [
            (text.unchecked_ref::<HtmlElement>(), "input"),
            (lane.unchecked_ref(), "change"),
            (kind.unchecked_ref(), "change"),
        ] {
            let (me, text) = (Rc::downgrade(&inner), text.clone());
            dom::on(control, event, move |_| {
                if let Some(me) = me.upgrade() {
                    me.choose(&text.value());
                }
            });
        }
        let me = Rc::downgrade(&inner);
        let copy = copy::button("Copy as TSV", move || me.upgrade().map_or_else(String::new, |me| me.tsv()));
        let bar =
            dom::classed("div", "standby-bar").child(&text).child(&lane).child(&kind).child(&copy).done();
        for part in [&bar, &scroller, &foot] {
            let _ = element.append_child(part);
        }
        Self(inner)
    }
}

impl Panel for Log {
    fn changed(&self) {
        self.0.look();
    }
}

impl Inner {
    fn look(&self) {
        let revision = self.host.revision();
        if self.seen.replace(revision) == revision {
            return;
        }
        let Some(trace) = self.host.trace() else { return };
        let lanes = words::lanes(&trace);
        if *self.lanes.borrow() != lanes {
            let options = std::iter::once(("", "all lanes".to_owned()));
            let subs = trace.lanes.iter().zip(&lanes).map(|(lane, name)| (lane.sub.as_str(), name.clone()));
            offer(&self.lane, options.chain(subs));
            self.lanes.replace(lanes);
        }
        let lines = lines::lines(&trace);
        let kinds = std::iter::once(("", "all kinds".to_owned()));
        offer(&self.kind, kinds.chain(lines::kinds(&lines).into_iter().map(|kind| (kind, kind.to_owned()))));
        self.lines.replace(lines);
        self.show();
    }

    /// The reader chose what to see.
    fn choose(&self, text: &str) {
        let lane = self.lane.selected_index();
        self.filter.replace(Filter {
            text: text.to_owned(),
            lane: u16::try_from(lane - 1).ok(),
            kind: self.kind.value(),
        });
        self.show();
    }

    fn wanted<T>(&self, act: impl FnOnce(Vec<&Line>, &[String]) -> T) -> T {
        let (filter, lines, lanes) = (self.filter.borrow(), self.lines.borrow(), self.lanes.borrow());
        act(lines.iter().filter(|line| filter.takes(line, &lanes)).collect(), &lanes)
    }

    fn show(&self) {
        self.wanted(|wanted, lanes| {
            let left_out = wanted.len().saturating_sub(SHOWN);
            let shown: Vec<Shown> = wanted[left_out..]
                .iter()
                .map(|&line| Shown { line: line.clone(), lane: lines::lane(line, lanes).to_owned() })
                .collect();
            rows::following(&self.scroller, || self.rows.show(&shown));
            self.note.say(&match (shown.len(), left_out) {
                (0, _) if self.lines.borrow().is_empty() => "Nothing has happened yet.".to_owned(),
                (0, _) => "No line is like that.".to_owned(),
                (n, 0) => format!("{}.", format::of(n as u64, "line", "lines")),
                (n, _) => format!(
                    "The last {} of {} lines. All of them are copied, and in what is saved.",
                    format::count(n as u64),
                    format::count(wanted.len() as u64)
                ),
            });
        });
    }

    fn tsv(&self) -> String {
        self.wanted(|wanted, lanes| lines::text(wanted.into_iter(), lanes, Columns::Tabs))
    }
}

/// Offers these values, and keeps what is chosen.
fn offer<'a>(select: &HtmlSelectElement, values: impl Iterator<Item = (&'a str, String)>) {
    let chosen = select.value();
    let mut values: Vec<_> = values.collect();
    // What is chosen stays, even if the last one of its kind has left the window.
    if !values.iter().any(|(value, _)| *value == chosen) {
        values.push((&chosen, chosen.clone()));
    }
    let signature: String = values.iter().map(|(value, _)| format!("{value}\n")).collect();
    if select.get_attribute("data-offers").as_deref() == Some(&signature) {
        return;
    }
    dom::set(select, "data-offers", &signature);
    select.set_text_content(None);
    for (value, text) in &values {
        let option = dom::html("option").set("value", value).text(text);
        let option = if *value == chosen { option.set("selected", "") } else { option };
        let _ = select.append_child(&option.done());
    }
}
