//! The wire's panel.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use standby_dissect::rows;
use standby_dom::{self as dom, Words};
use standby_figure::format;
use standby_trace::{Source, Trace};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::detail::{self, Detail};
use super::list::{self, Listed};
use crate::host::Host;
use crate::panel::Panel;
use crate::rows::{self as table, Rows};
use crate::{walk, words};

/// The wire's panel.
pub(crate) struct Wire(Rc<Inner>);

struct Inner {
    host: Host,
    rows: Rows<Listed>,
    scroller: HtmlElement,
    total: Words,
    news: Words,
    note: Words,
    detail: HtmlElement,
    hint: HtmlElement,
    shown: RefCell<Option<Detail>>,
    trace: RefCell<Option<Trace>>,
    seen: Cell<f64>,
}

/// What is said of bytes that nobody sent.
const MODEL: &str = "These are the model's bytes; none of them was on a wire.";

impl Wire {
    /// Builds it.
    pub(crate) fn new(element: &HtmlElement, host: Host) -> Self {
        let body = dom::html("tbody").done();
        let columns = [
            ("standby-n", "time"),
            ("standby-left", "lane"),
            ("standby-arrow", ""),
            ("standby-left", "message"),
            ("standby-n", "bytes"),
            ("standby-n standby-wide-cell", "news"),
        ];
        let mut head = dom::html("tr");
        for (class, title) in columns {
            let cell = dom::classed("th", class).set("scope", "col").text(title);
            let cell = if title.is_empty() {
                cell.child(&dom::classed("span", "standby-unseen").text("which way").done())
            } else {
                cell
            };
            head = head.child(&cell.done());
        }
        let sum = |class: &str| {
            let cell = dom::classed("td", class).done();
            let words = Words::within(&cell, "");
            (cell, words)
        };
        let ((total, total_words), (news, news_words)) =
            (sum("standby-n"), sum("standby-n standby-wide-cell"));
        let foot = dom::html("tr")
            .child(
                &dom::classed("th", "standby-left")
                    .set("scope", "row")
                    .set("colspan", "4")
                    .text("All of them")
                    .done(),
            )
            .child(&total)
            .child(&news)
            .done();
        let grid = dom::classed("table", "standby-messages")
            .set("role", "grid")
            .set("aria-label", "Messages, newest last")
            .child(&dom::html("thead").child(&head.done()).done())
            .child(&body)
            .child(&dom::html("tfoot").child(&foot).done())
            .done();
        let scroller = dom::classed("div", "standby-scroller").set("tabindex", "-1").child(&grid).done();
        let note = dom::classed("p", "standby-foot").done();
        let detail = dom::classed("div", "standby-detail").done();
        let hint = dom::classed("p", "standby-foot standby-hint")
            .text("Choose a message, here or in the picture, to see its bytes.")
            .done();
        let list = dom::classed("div", "standby-list").child(&scroller).child(&note).done();
        let _ = element.append_child(
            &dom::classed("div", "standby-wire")
                .child(&list)
                .child(&dom::classed("div", "standby-one").child(&hint).child(&detail).done())
                .done(),
        );
        let inner = Rc::new(Inner {
            host,
            rows: Rows::new(body.clone()),
            scroller,
            total: total_words,
            news: news_words,
            note: Words::within(&note, ""),
            detail: detail.clone(),
            hint,
            shown: RefCell::default(),
            trace: RefCell::default(),
            seen: Cell::new(-1.0),
        });
        inner.listen(&body, &detail);
        Self(inner)
    }
}

impl Panel for Wire {
    fn changed(&self) {
        self.0.look();
    }
}

impl Inner {
    /// One listener for all rows, and one for all bytes and fields: they come and go.
    fn listen(self: &Rc<Self>, body: &HtmlElement, detail: &HtmlElement) {
        let me = Rc::downgrade(self);
        dom::on(body, "click", move |event| {
            let row =
                event.target().and_then(|target| target.dyn_into::<Element>().ok()?.closest("tr").ok()?);
            if let (Some(me), Some(row)) = (me.upgrade(), row) {
                me.choose(&row);
                let _ = row.unchecked_ref::<HtmlElement>().focus();
            }
        });
        let me = Rc::downgrade(self);
        walk::rows(body, move |row| {
            if let Some(me) = me.upgrade() {
                me.choose(row);
            }
        });
        for (event, comes) in
            [("pointerover", true), ("focusin", true), ("pointerleave", false), ("focusout", false)]
        {
            let me = Rc::downgrade(self);
            dom::on(detail, event, move |event| {
                let Some(me) = me.upgrade() else { return };
                let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
                if let Some(shown) = me.shown.borrow().as_ref() {
                    shown.point(&me.detail, target.as_ref().filter(|_| comes));
                }
            });
        }
    }

    fn choose(&self, row: &Element) {
        let number = row.get_attribute("data-number").and_then(|number| number.parse().ok());
        self.host.select(number);
        // The widget tells of it in its own time; the list is not to lag behind the keys.
        self.select(number);
    }

    fn look(&self) {
        let revision = self.host.revision();
        if self.seen.replace(revision) != revision
            && let Some(trace) = self.host.trace()
        {
            self.list(&trace);
            self.trace.replace(Some(trace));
        }
        self.select(self.host.selected());
    }

    fn list(&self, trace: &Trace) {
        let rows = rows(trace);
        let lanes = words::lanes(trace);
        let shown: Vec<Listed> = rows[rows.len().saturating_sub(list::SHOWN)..]
            .iter()
            .map(|row| Listed {
                row: row.clone(),
                lane: lanes.get(usize::from(row.lane)).cloned().unwrap_or_default(),
            })
            .collect();
        let sums = list::sums(&rows, trace);
        // A list that moves on under a reader who looks at one of its rows is of no use.
        if self.host.selected().is_some() {
            self.rows.show(&shown);
        } else {
            table::following(&self.scroller, || self.rows.show(&shown));
        }
        self.total.say(&format::count(sums.total_bytes));
        self.news.say(&format::count(sums.payload_bytes));
        let note = sums.note(shown.len());
        self.note.say(&match trace.source {
            Source::Simulated => format!("{MODEL} {note}"),
            Source::Live | Source::Recorded => note,
        });
    }

    /// Marks a message in the list and shows its bytes.
    fn select(&self, number: Option<u64>) {
        self.rows.each(|row, element| {
            let on = Some(row.row.number) == number;
            dom::set(element, "aria-selected", if on { "true" } else { "false" });
            dom::set(element, "tabindex", if on { "0" } else { "-1" });
        });
        let trace = self.trace.borrow();
        let message = trace.as_ref().zip(number).and_then(|(trace, n)| Some((trace, n, trace.message(n)?)));
        let was = self.shown.borrow().as_ref().map(|shown| (shown.number, shown.pieces.clone()));
        match message {
            Some((trace, number, message)) => {
                if was.as_ref() != Some(&(number, message.pieces.clone())) {
                    self.shown.replace(Some(detail::build(&self.detail, &self.host, trace, number)));
                }
                if was.is_none_or(|(was, _)| was != number) {
                    self.bring_into_view(number);
                }
            }
            // It has left the window: what was shown of it stays, until another is chosen.
            None if number.is_some() && was.as_ref().is_some_and(|(was, _)| Some(*was) == number) => {}
            None => {
                self.detail.set_text_content(None);
                self.shown.replace(None);
                // Without a chosen row the last one takes the focus.
                if let Some(last) = self.scroller.query_selector("tbody tr:last-child").ok().flatten() {
                    dom::set(&last, "tabindex", "0");
                }
            }
        }
        dom::show(&self.hint, self.shown.borrow().is_none());
    }

    /// Scrolls the list, and only the list, to a row.
    fn bring_into_view(&self, number: u64) {
        let Some(row) = self.rows.find(|row| row.row.number == number) else { return };
        let row: HtmlElement = row.unchecked_into();
        let (top, height) = (row.offset_top(), row.offset_height());
        let (from, visible) = (self.scroller.scroll_top(), self.scroller.client_height());
        // The heading and the sums stand over the rows at both ends.
        let edge = 2 * height;
        if top < from + edge || top + height > from + visible - edge {
            self.scroller.set_scroll_top(top - visible / 2);
        }
    }
}
