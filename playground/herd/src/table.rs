//! The rows in figures, for whoever can't use the picture.

use standby_dom as dom;
use standby_figure::herd;
use standby_trace::Scenario;
use web_sys::Element;

/// Fills the table; without figures it says that there are none.
pub(crate) fn fill(table: &Element, scenario: &Scenario, sums: &[herd::Sum]) {
    let fills = if sums.is_empty() { "0" } else { "1" };
    // Only with a result that is new: a table that is read must not change under the reader.
    let key = format!("{fills} {sums:?}");
    if table.get_attribute("data-of").as_deref() == Some(&key) {
        return;
    }
    dom::set(table, "data-of", &key);
    table.set_text_content(None);
    if sums.is_empty() {
        let cell = dom::html("td").text("Nothing has run yet.").done();
        let _ = table.append_child(&dom::html("tr").child(&cell).done());
        return;
    }
    let mut head = dom::html("tr");
    for column in herd::columns(scenario, sums) {
        head = head.child(&dom::html("th").set("scope", "col").text(column).done());
    }
    let _ = table.append_child(&dom::html("thead").child(&head.done()).done());
    let mut body = dom::html("tbody");
    for [first, others @ ..] in herd::table(scenario, sums) {
        let mut row = dom::html("tr").child(&dom::html("th").set("scope", "row").text(&first).done());
        for cell in others {
            row = row.child(&dom::html("td").text(&cell).done());
        }
        body = body.child(&row.done());
    }
    let _ = table.append_child(&body.done());
}
