//! Walking through a table's rows with the keys. The table is one stop of the Tab key.

use std::rc::Rc;

use standby_dom as dom;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

/// Where a key leads from row `at` of `count`; without a row, to the last or the first.
pub(crate) fn walked(at: Option<usize>, count: usize, key: &str) -> Option<usize> {
    /// Rows that PageUp and PageDown pass.
    const PAGE: usize = 10;
    let last = count.checked_sub(1)?;
    let at = at.map(|at| at.min(last));
    match key {
        "ArrowDown" => Some(at.map_or(0, |at| (at + 1).min(last))),
        "ArrowUp" => Some(at.map_or(last, |at| at.saturating_sub(1))),
        "PageDown" => Some(at.map_or(0, |at| (at + PAGE).min(last))),
        "PageUp" => Some(at.map_or(last, |at| at.saturating_sub(PAGE))),
        "Home" => Some(0),
        "End" => Some(last),
        _ => None,
    }
}

/// Lets the keys walk through the rows of a table's body. `went` is told of the row that has the
/// focus now.
pub(crate) fn rows(body: &HtmlElement, went: impl Fn(&Element) + 'static) {
    let went = Rc::new(went);
    let within = body.clone();
    dom::on(body, "keydown", move |event| {
        let Some(key) = event.dyn_ref::<KeyboardEvent>() else { return };
        if key.ctrl_key() || key.alt_key() || key.meta_key() {
            return;
        }
        let rows = within.children();
        let count = rows.length();
        let focus = dom::document().active_element();
        let at = (0..count)
            .find(|&i| rows.item(i).is_some_and(|row| focus.as_ref().is_some_and(|f| row.contains(Some(f)))));
        let to = walked(at.map(|at| at as usize), count as usize, &key.key());
        let Some(row) = to.and_then(|to| rows.item(u32::try_from(to).ok()?)) else { return };
        event.prevent_default();
        // What these keys do elsewhere in the widget or the book is not meant here.
        event.stop_propagation();
        went(&row);
        let _ = row.unchecked_ref::<HtmlElement>().focus();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stop_at_the_ends() {
        assert_eq!(walked(Some(0), 3, "ArrowUp"), Some(0));
        assert_eq!(walked(Some(2), 3, "ArrowDown"), Some(2));
        assert_eq!((walked(Some(1), 30, "PageDown"), walked(Some(1), 30, "PageUp")), (Some(11), Some(0)));
        assert_eq!((walked(None, 3, "ArrowDown"), walked(None, 3, "ArrowUp")), (Some(0), Some(2)));
        assert_eq!(walked(None, 0, "End"), None);
        assert_eq!(walked(Some(1), 3, "ArrowRight"), None);
    }
}
