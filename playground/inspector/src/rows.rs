//! The rows of a table that grows at its end and loses rows at its beginning.
//!
//! Only what changed is touched: a table that is written anew four times a second would take the
//! reader's focus and selection with it.

use std::cell::RefCell;

use standby_dom as dom;
use web_sys::{Element, HtmlElement};

/// What one row shows.
pub(crate) trait Row: Clone + PartialEq {
    /// Whether it is the same row, though it may have changed.
    fn is_same(&self, other: &Self) -> bool;
    /// Its cells, one after the other: a class and a text.
    fn cells(&self) -> Vec<(&'static str, String)>;
    /// Attributes of the row itself.
    fn mark(&self, row: &Element);
}

/// A table's body.
pub(crate) struct Rows<R> {
    body: HtmlElement,
    shown: RefCell<Vec<(R, Element)>>,
}

impl<R: Row> Rows<R> {
    /// The rows of an empty `<tbody>`.
    pub(crate) fn new(body: HtmlElement) -> Self {
        Self { body, shown: RefCell::default() }
    }

    /// Shows these.
    pub(crate) fn show(&self, rows: &[R]) {
        let mut shown = self.shown.borrow_mut();
        let gone = match rows.first() {
            Some(first) => shown.iter().position(|(row, _)| row.is_same(first)).unwrap_or(shown.len()),
            None => shown.len(),
        };
        for (_, element) in shown.drain(..gone) {
            element.remove();
        }
        for (i, row) in rows.iter().enumerate() {
            match shown.get_mut(i) {
                Some((old, element)) => {
                    if old != row {
                        fill(element, row);
                        *old = row.clone();
                    }
                }
                None => {
                    let element: Element = dom::html("tr").into();
                    fill(&element, row);
                    let _ = self.body.append_child(&element);
                    shown.push((row.clone(), element));
                }
            }
        }
        for (_, element) in shown.drain(rows.len()..) {
            element.remove();
        }
    }

    /// The element of the row that `is` picks.
    pub(crate) fn find(&self, is: impl Fn(&R) -> bool) -> Option<Element> {
        self.shown.borrow().iter().find(|(row, _)| is(row)).map(|(_, element)| element.clone())
    }

    /// Calls `act` on each row.
    pub(crate) fn each(&self, act: impl Fn(&R, &Element)) {
        self.shown.borrow().iter().for_each(|(row, element)| act(row, element));
    }
}

fn fill(element: &Element, row: &impl Row) {
    let cells = row.cells();
    let old = element.children();
    if old.length() as usize == cells.len() {
        for (i, (class, text)) in cells.iter().enumerate() {
            let Some(cell) = u32::try_from(i).ok().and_then(|i| old.item(i)) else { continue };
            dom::set(&cell, "class", class);
            if cell.text_content().as_deref() != Some(text) {
                cell.set_text_content(Some(text));
            }
        }
    } else {
        element.set_text_content(None);
        for (class, text) in &cells {
            let _ = element.append_child(&dom::classed("td", class).text(text).done());
        }
    }
    row.mark(element);
}

/// A list that follows its end, until the reader scrolls up.
pub(crate) fn following(scroller: &HtmlElement, change: impl FnOnce()) {
    let follows = scroller.scroll_top() + scroller.client_height() >= scroller.scroll_height() - 8;
    change();
    if follows {
        scroller.set_scroll_top(scroller.scroll_height());
    }
}
