//! The first two bytes of a WebSocket frame, bit by bit, as RFC 6455 §5.2 draws them.

use standby_dissect::{Dissection, Field};
use standby_dom as dom;
use web_sys::HtmlElement;

/// The diagram; `None` for what has no bits.
pub(crate) fn diagram(bytes: &[u8], dissection: &Dissection) -> Option<HtmlElement> {
    let fields: Vec<(usize, &Field)> =
        dissection.fields.iter().enumerate().filter(|(_, field)| field.bits.is_some()).collect();
    if fields.is_empty() {
        return None;
    }
    let (mut values, mut names) = (dom::html("tr"), dom::html("tr"));
    for (index, field) in fields {
        let Some(bits) = field.bits.clone() else { continue };
        let byte = bytes.get(field.at.start).copied().unwrap_or_default();
        let index = index.to_string();
        for bit in bits.clone() {
            let value = if byte & (0x80 >> bit) == 0 { "0" } else { "1" };
            values = values.child(&dom::html("td").set("data-field", &index).text(value).done());
        }
        let width = bits.len().to_string();
        names = names.child(
            &dom::html("th")
                .set("scope", "colgroup")
                .set("colspan", &width)
                .set("data-field", &index)
                .child(&dom::html("span").text(short(&field.name)).done())
                .child(&dom::html("b").text(&field.value).done())
                .done(),
        );
    }
    let table = dom::classed("table", "standby-bits")
        .child(&dom::classed("caption", "standby-unseen").text("The bits of the frame's header").done())
        .child(&dom::html("tbody").child(&values.done()).child(&names.done()).done())
        .done();
    Some(
        dom::classed("div", "standby-across")
            .set("tabindex", "0")
            .set("role", "group")
            .set("aria-label", "The bits of the frame's header")
            .child(&table)
            .done(),
    )
}

/// A name that fits under one bit.
fn short(name: &str) -> &str {
    match name {
        "RSV1" => "R1",
        "RSV2" => "R2",
        "RSV3" => "R3",
        "payload length" => "length",
        name => name,
    }
}
