//! The figures of a comparison, as tables.

use standby_dom as dom;
use standby_figure::format::count;
use standby_sim::truth::{Ages, Row, Times};
use web_sys::HtmlElement;

use crate::words;

/// What is counted, live and in the model.
pub(crate) fn counts(rows: &[Row]) -> HtmlElement {
    let heads = ["counted", "equal?", "live", "bytes", "model", "bytes"];
    let body = rows.iter().map(|row| {
        let bytes = |bytes: Option<u64>| bytes.map_or(String::new(), count);
        let figures = [count(row.live.0), bytes(row.live.1), count(row.model.0), bytes(row.model.1)];
        let (class, verdict) = words::verdict(row.equal);
        let mut line = dom::html("tr")
            .child(&head("row", &row.what))
            .child(&dom::classed("td", class).text(verdict).done());
        for figure in figures {
            line = line.child(&dom::html("td").text(&figure).done());
        }
        line.done()
    });
    table("Counted: asked to be equal", &heads, body)
}

/// How old events were when they arrived.
pub(crate) fn times(times: &Times) -> HtmlElement {
    let heads = ["events that", "number", "live", "model", "apart, median", "apart, at most"];
    let both =
        [("came as they were published", times.at_once), ("were there when asked for", times.asked_for)];
    let body = both.into_iter().filter_map(|(what, ages)| {
        let Ages { events, live, model, apart } = ages?;
        let mut line = dom::html("tr").child(&head("row", what));
        let ages = [live.p50_us, model.p50_us, apart.p50_us, apart.max_us].map(words::age);
        for figure in [count(events as u64)].into_iter().chain(ages) {
            line = line.child(&dom::html("td").text(&figure).done());
        }
        Some(line.done())
    });
    table("Age on arrival, median: reported only", &heads, body)
}

fn table(caption: &str, heads: &[&str], body: impl Iterator<Item = HtmlElement>) -> HtmlElement {
    let mut line = dom::html("tr");
    for text in heads {
        line = line.child(&head("col", text));
    }
    let mut lines = dom::html("tbody");
    for row in body {
        lines = lines.child(&row);
    }
    let table = dom::html("table")
        .child(&dom::html("caption").text(caption).done())
        .child(&dom::html("thead").child(&line.done()).done())
        .child(&lines.done())
        .done();
    dom::classed("div", "standby-compare-scroll")
        .set("tabindex", "0")
        .set("role", "region")
        .set("aria-label", caption)
        .child(&table)
        .done()
}

fn head(scope: &str, text: &str) -> HtmlElement {
    dom::html("th").set("scope", scope).text(text).done()
}
