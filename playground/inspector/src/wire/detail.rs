//! One message: what its bytes are there for, and each of them. What it is stands below the picture.

use standby_dissect::{Context, Dissection, dissect, kinds};
use standby_dom as dom;
use standby_figure::format;
use standby_trace::tap::Part;
use standby_trace::{Piece, Trace};
use web_sys::{Element, HtmlElement};

use super::{bar, bits, fields, hex, mask};
use crate::host::Host;

/// What is shown of a message, with what is needed to mark it.
pub(crate) struct Detail {
    pub(crate) number: u64,
    pub(crate) pieces: Vec<u64>,
    pub(crate) dissections: Vec<Dissection>,
}

/// Builds what is to be seen of a message into an element.
pub(crate) fn build(element: &HtmlElement, host: &Host, trace: &Trace, number: u64) -> Detail {
    element.set_text_content(None);
    let pieces = host.pieces(number);
    let earlier = standby_dissect::earlier(trace, number).map_or_else(Vec::new, |n| host.pieces(n));
    let request = standby_dissect::request_of(trace, number).map_or_else(Vec::new, |n| host.pieces(n));
    let context = Context { earlier: &earlier, request: &request };

    if pieces.is_empty() {
        let why = "Its bytes are not here: nobody looked at the wire, or they have left the window.";
        let _ = element.append_child(&dom::classed("p", "standby-foot").text(why).done());
    } else {
        let _ = element.append_child(&bar::bar(&kinds(&pieces, context)));
    }
    let dissections: Vec<Dissection> = pieces.iter().map(|piece| dissect(piece, context)).collect();
    for (index, (piece, dissection)) in pieces.iter().zip(&dissections).enumerate() {
        let _ = element.append_child(&section(index, piece, dissection));
    }
    let pieces = trace.message(number).map_or_else(Vec::new, |message| message.pieces.clone());
    Detail { number, pieces, dissections }
}

fn section(index: usize, piece: &Piece, dissection: &Dissection) -> HtmlElement {
    let bytes = piece.bytes.len() as u64 + piece.cut_bytes;
    let title = format!("{}, {}", name(piece.part), format::of(bytes, "byte", "bytes"));
    let left = dom::classed("div", "standby-bytes-of").child(&hex::block(&piece.bytes, dissection)).done();
    if piece.bytes.len() > hex::SHOWN {
        let cut = format!("The first {} bytes are shown.", format::count(hex::SHOWN as u64));
        let _ = left.append_child(&dom::classed("p", "standby-foot").text(&cut).done());
    }
    let more = [bits::diagram(&piece.bytes, dissection), mask::undone(&piece.bytes, dissection)];
    for more in more.into_iter().flatten() {
        let _ = left.append_child(&more);
    }
    let right = dom::classed("div", "standby-fields-of").child(&fields::table(&title, dissection)).done();
    for remark in fields::remarks(dissection) {
        let _ = right.append_child(&dom::classed("p", "standby-foot").text(&remark).done());
    }
    dom::classed("section", "standby-piece")
        .set("data-piece", &index.to_string())
        .child(&dom::classed("p", "standby-sub").text(&title).done())
        .child(&dom::classed("div", "standby-both").child(&left).child(&right).done())
        .done()
}

fn name(part: Part) -> &'static str {
    match part {
        Part::RequestHead => "Request head",
        Part::RequestBody => "Request body",
        Part::ResponseHead => "Response head",
        Part::ResponseBody => "Response body",
        Part::Chunk => "Chunk",
        Part::LastChunk => "Last chunk",
        Part::Frame => "WebSocket frame",
    }
}

impl Detail {
    /// Marks what is pointed at, and what belongs to it: for a byte its field, for a field its bytes.
    pub(crate) fn point(&self, element: &HtmlElement, at: Option<&Element>) {
        each(element, "[data-on]", |marked| drop(marked.remove_attribute("data-on")));
        let Some((section, target)) = at.and_then(|at| {
            Some((at.closest("[data-piece]").ok()??, at.closest("[data-at],[data-field]").ok()??))
        }) else {
            return;
        };
        let number = |element: &Element, name: &str| element.get_attribute(name)?.parse::<usize>().ok();
        let Some(dissection) = number(&section, "data-piece").and_then(|i| self.dissections.get(i)) else {
            return;
        };
        let field = number(&target, "data-field")
            .or_else(|| number(&target, "data-at").and_then(|at| dissection.field_at(at)));
        let Some((index, field)) = field.and_then(|i| Some((i, dissection.fields.get(i)?))) else { return };
        let mark = |marked: Element| dom::set(&marked, "data-on", "");
        each(&section, &format!("[data-field=\"{index}\"]"), mark);
        each(&section, "[data-at]", |byte| {
            if number(&byte, "data-at").is_some_and(|at| field.at.contains(&at)) {
                mark(byte);
            }
        });
    }
}

fn each(within: &Element, selector: &str, act: impl Fn(Element)) {
    let Ok(found) = within.query_selector_all(selector) else { return };
    for i in 0..found.length() {
        if let Some(element) = found.item(i).and_then(|node| wasm_bindgen::JsCast::dyn_into(node).ok()) {
            act(element);
        }
    }
}
