//! Bytes in hexadecimal and as text, each marked with what it is there for.

use standby_dissect::Dissection;
use standby_dom as dom;
use web_sys::HtmlElement;

/// So many bytes are shown: each is two elements of the page.
pub(crate) const SHOWN: usize = 1_024;
/// A group of so many is never parted between two lines.
const GROUP: usize = 8;

/// The bytes. Whoever hears the page has the fields beside it, which say the same.
pub(crate) fn block(bytes: &[u8], dissection: &Dissection) -> HtmlElement {
    let mut block = dom::classed("div", "standby-hex").set("aria-hidden", "true");
    for (group, bytes) in bytes[..bytes.len().min(SHOWN)].chunks(GROUP).enumerate() {
        let mut hex = dom::classed("span", "standby-hexes");
        let mut text = dom::classed("span", "standby-chars");
        for (i, byte) in bytes.iter().enumerate() {
            let at = group * GROUP + i;
            let class = dissection.class_at(at).map_or("", |class| class.key());
            let part = |tag: &str, text: &str| {
                dom::html(tag).set("data-at", &at.to_string()).set("data-class", class).text(text).done()
            };
            hex = hex.child(&part("b", &format!("{byte:02x}")));
            text = text.child(&part("i", &shown(*byte).to_string()));
        }
        block =
            block.child(&dom::classed("span", "standby-group").child(&hex.done()).child(&text.done()).done());
    }
    block.done()
}

/// A byte as a character that stands in one column.
fn shown(byte: u8) -> char {
    match byte {
        b' '..=b'~' => char::from(byte),
        b'\r' => '␍',
        b'\n' => '␊',
        _ => '·',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_has_one_column() {
        let shown: String = (0..=255).map(shown).collect();
        assert_eq!(shown.chars().count(), 256);
        assert!(shown.chars().all(|c| !c.is_control()));
    }
}
