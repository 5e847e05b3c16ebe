//! What the bytes mean, field by field.

use standby_dissect::{Class, Dissection, Field};
use standby_dom as dom;
use web_sys::HtmlElement;

/// So many fields are listed of one piece.
const SHOWN: usize = 200;

/// The table. Its rows take the focus, one stop for all of them.
pub(crate) fn table(title: &str, dissection: &Dissection) -> HtmlElement {
    let body = dom::html("tbody").done();
    for (index, field) in dissection.fields.iter().take(SHOWN).enumerate() {
        let _ = body.append_child(&row(index, field));
    }
    crate::walk::rows(&body, |_| {});
    let mut head = dom::html("tr");
    for (class, title) in
        [("standby-left", "field"), ("standby-left", "what it says"), ("standby-n", "bytes")]
    {
        head = head.child(&dom::classed("th", class).set("scope", "col").text(title).done());
    }
    dom::classed("table", "standby-fields")
        .set("role", "grid")
        .set("aria-label", title)
        .child(&dom::html("thead").child(&head.done()).done())
        .child(&body)
        .done()
}

fn row(index: usize, field: &Field) -> HtmlElement {
    let name = dom::classed("td", "standby-left standby-field")
        .set("style", &format!("--depth:{}", field.depth.min(4)))
        .child(&dom::classed("span", "standby-key").set("data-class", field.class.key()).done())
        .text(&field.name);
    let mut says = dom::classed("td", "standby-left standby-says");
    if !field.value.is_empty() {
        says = says.child(&dom::html("code").text(&short(&field.value)).done());
    }
    if field.class == Class::SameHeader {
        says = says.child(&dom::classed("span", "standby-same").text("as in the last one").done());
    }
    if !field.meaning.is_empty() {
        says = says.child(&dom::classed("span", "standby-meaning").text(&field.meaning).done());
    }
    // The parts of a header that a bit diagram shows have no bytes of their own.
    let cost = match &field.bits {
        Some(bits) if bits.len() == 1 => "1 bit".to_owned(),
        Some(bits) => format!("{} bits", bits.len()),
        None => field.at.len().to_string(),
    };
    dom::html("tr")
        .set("tabindex", if index == 0 { "0" } else { "-1" })
        .set("data-field", &index.to_string())
        .child(&name.done())
        .child(&says.done())
        .child(&dom::classed("td", "standby-n").text(&cost).done())
        .done()
}

/// A value that may be as long as its sender liked.
fn short(value: &str) -> String {
    const CHARS: usize = 400;
    match value.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

/// What is to be said of a piece besides its fields.
pub(crate) fn remarks(dissection: &Dissection) -> Vec<String> {
    let mut remarks = dissection.remarks.clone();
    if dissection.fields.len() > SHOWN {
        remarks.push(format!("The first {SHOWN} of {} fields are listed.", dissection.fields.len()));
    }
    remarks
}
