//! Masking undone: the payload's bytes, the key's below them, and what comes of each two by XOR.

use std::time::Duration;

use standby_dissect::{Dissection, MaskStep};
use standby_dom as dom;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, HtmlElement};

/// So many bytes are shown one by one; the rest goes on in the same way.
const SHOWN: usize = 24;
/// From one byte to the next, when it is played.
const STEP: Duration = Duration::from_millis(180);

/// The table, and a button that plays it; `None` for what is not masked.
pub(crate) fn undone(bytes: &[u8], dissection: &Dissection) -> Option<HtmlElement> {
    let steps: Vec<MaskStep> = (0..SHOWN).map_while(|i| dissection.mask_step(bytes, i)).collect();
    let payload = dissection.mask.as_ref()?.payload_at.len();
    if steps.is_empty() {
        return None;
    }
    let row = |name: &str, class: &str, cell: &dyn Fn(&MaskStep) -> String| {
        let mut row = dom::classed("tr", class).child(&dom::html("th").set("scope", "row").text(name).done());
        for step in &steps {
            row = row.child(&dom::html("td").set("data-at", &step.at.to_string()).text(&cell(step)).done());
        }
        row.done()
    };
    let binary = |byte: u8| format!("{byte:02x}");
    let table = dom::classed("table", "standby-mask")
        .child(&dom::classed("caption", "standby-unseen").text("How the masking is undone").done())
        .child(
            &dom::html("tbody")
                .child(&row("on the wire", "", &|step| binary(step.masked)))
                .child(&row("XOR key", "standby-mask-key", &|step| binary(step.key)))
                .child(&row("is", "standby-clear", &|step| binary(step.clear)))
                .child(&row("as text", "standby-clear", &|step| character(step.clear)))
                .done(),
        )
        .done();
    let across = dom::classed("div", "standby-across")
        .set("tabindex", "0")
        .set("role", "group")
        .set("aria-label", "How the masking is undone")
        .child(&table)
        .done();
    let mut whole = dom::classed("div", "standby-unmasking").child(
        &dom::html("p")
            .text("Byte i of the payload XOR byte i mod 4 of the key. The same again would mask it.")
            .done(),
    );
    // Where motion is not wanted, all of it stands there anyway.
    if !dom::media("(prefers-reduced-motion: reduce)") {
        let table = table.clone();
        let play = dom::button("standby-play", "▶ Step by step").on("click", move |_| play(&table));
        whole = whole.child(&play.done());
    }
    whole = whole.child(&across);
    if payload > steps.len() {
        let rest = format!("And so on for the other {} bytes.", payload - steps.len());
        whole = whole.child(&dom::classed("p", "standby-foot").text(&rest).done());
    }
    Some(whole.done())
}

fn character(byte: u8) -> String {
    match byte {
        b' ' => "␣".to_owned(),
        b'!'..=b'~' => char::from(byte).to_string(),
        _ => "·".to_owned(),
    }
}

/// Hides what comes of it, and shows it column by column.
fn play(table: &HtmlElement) {
    let Ok(rows) = table.query_selector_all("tr") else { return };
    let rows: Vec<Element> =
        (0..rows.length()).filter_map(|i| wasm_bindgen::JsCast::dyn_into(rows.item(i)?).ok()).collect();
    let columns: Vec<Vec<Element>> = (1..=SHOWN as u32)
        .map(|column| rows.iter().filter_map(|row| row.children().item(column)).collect())
        .take_while(|column: &Vec<Element>| !column.is_empty())
        .collect();
    // A second press begins anew, and ends what the first one plays.
    let turn = table.get_attribute("data-turn").and_then(|turn| turn.parse().ok()).unwrap_or(0_u32) + 1;
    dom::set(table, "data-turn", &turn.to_string());
    for cell in columns.iter().flatten() {
        dom::set(cell, "data-step", "later");
    }
    let table = table.clone();
    spawn_local(async move {
        let mut before: Option<Vec<Element>> = None;
        for column in columns {
            gloo_timers::future::sleep(STEP).await;
            if !table.is_connected() || table.get_attribute("data-turn") != Some(turn.to_string()) {
                return;
            }
            for cell in before.iter().flatten() {
                let _ = cell.remove_attribute("data-step");
            }
            for cell in &column {
                dom::set(cell, "data-step", "now");
            }
            before = Some(column);
        }
        gloo_timers::future::sleep(STEP).await;
        for cell in before.iter().flatten() {
            let _ = cell.remove_attribute("data-step");
        }
    });
}
