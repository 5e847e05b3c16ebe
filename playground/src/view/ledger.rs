//! The ledger as a table: what each lane cost, and what it got for it.

use std::cell::{Cell, RefCell};

use standby_figure::format;
use standby_trace::{Ledger, Trace};
use web_sys::{Element, HtmlElement};

use crate::dom::{self, Words};

/// How wide the bars and the dots are drawn, in pixels.
const WIDTH: f64 = 118.0;
const HEIGHT: f64 = 14.0;
/// What is left free at both ends of the dots' line.
const MARGIN: f64 = 4.0;
/// So many of the newest ages are drawn as dots.
const DOTS: usize = 24;

/// The table.
pub(crate) struct Table {
    element: HtmlElement,
    body: HtmlElement,
    scale: Words,
    rows: RefCell<Vec<Row>>,
    drawn: Cell<Option<u64>>,
}

struct Row {
    element: Element,
    requests: Words,
    empty: (Element, Words),
    overhead: Element,
    news: Element,
    per_event: Words,
    dots: Vec<Element>,
    median: Words,
}

/// What the ledger does not know of a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The last id that it has.
    pub(crate) last_id: Option<u64>,
    /// It will not come back by itself.
    pub(crate) gave_up: bool,
}

impl Table {
    /// Builds it without rows.
    pub(crate) fn new(title: &str) -> Self {
        let column = |class: &str, text: &str, hint: &str| {
            dom::classed("th", class).set("scope", "col").set("title", hint).text(text)
        };
        let key = |class: &str| dom::classed("i", class).done();
        let age = column(
            "standby-left standby-ages",
            "age on arrival, 0 to ",
            "How old each event was when it arrived",
        )
        .done();
        let scale = Words::within(&age, "2 s");
        let head = dom::html("tr")
            .child(&dom::html("td").done())
            .child(&column("", "requests", "Polls, handshakes and streams that were asked for").done())
            .child(&column("", "empty", "Answers that brought nothing").done())
            .child(
                &column(
                    "standby-left standby-bytes",
                    "bytes ",
                    "News: the events' JSON. Overhead: all other bytes above TCP, both ways",
                )
                .child(&key("standby-key standby-key-overhead"))
                .text(" overhead ")
                .child(&key("standby-key standby-key-news"))
                .text(" news")
                .done(),
            )
            .child(&column("", "bytes/event", "All bytes, for each event that arrived").done())
            .child(&age)
            .child(
                &column("", "median", "Half of the events were younger than this when they arrived").done(),
            )
            .done();
        let body = dom::html("tbody").done();
        let element = dom::html("table")
            .set("aria-label", &format!("Ledger: {title}"))
            .child(&dom::html("thead").child(&head).done())
            .child(&body)
            .done();
        Self { element, body, scale, rows: RefCell::default(), drawn: Cell::default() }
    }

    /// Its element.
    pub(crate) fn element(&self) -> &HtmlElement {
        &self.element
    }

    /// Shows a trace's ledgers. `names` are the lanes' names, `standing` what else is known of
    /// them. The same `revision` is not shown twice.
    pub(crate) fn show(
        &self,
        trace: &Trace,
        ledgers: &[Ledger],
        names: &[String],
        standing: &[Standing],
        revision: u64,
    ) {
        if self.drawn.replace(Some(revision)) == Some(revision) {
            return;
        }
        let mut rows = self.rows.borrow_mut();
        // A new run may have fewer lanes: those from outside are gone.
        while rows.len() > trace.lanes.len() {
            if let Some(row) = rows.pop() {
                row.element.remove();
            }
        }
        for lane in trace.lanes.iter().skip(rows.len()) {
            let name = names.get(rows.len()).unwrap_or(&lane.sub);
            let row = Row::new(name, &lane.sub);
            let _ = self.body.append_child(&row.element);
            rows.push(row);
        }
        let most_bytes = ledgers.iter().map(|l| l.payload_bytes + l.overhead_bytes).max().unwrap_or(0);
        let oldest_us = ledgers.iter().flat_map(recent).max().unwrap_or(0);
        let scale_us = round_up(oldest_us);
        self.scale.say(&scale(scale_us));
        for (i, (row, ledger)) in rows.iter().zip(ledgers).enumerate() {
            row.show(ledger, standing.get(i).copied().unwrap_or_default(), most_bytes, scale_us);
        }
    }

    /// Forgets all lanes: others come.
    pub(crate) fn clear(&self) {
        for row in self.rows.take() {
            row.element.remove();
        }
        self.forget();
    }

    /// Forgets what was shown: another run begins.
    pub(crate) fn forget(&self) {
        self.drawn.set(None);
    }
}

impl Row {
    fn new(name: &str, sub: &str) -> Self {
        let cell = |column: &str, class: &str| {
            dom::classed("td", class).set("data-lane", sub).set("data-col", column)
        };
        let words = |column: &str, class: &str| {
            let cell: Element = cell(column, class).into();
            let words = Words::within(&cell, "");
            (cell, words)
        };
        let drawing = |parts: &[Element]| {
            let mut svg = dom::svg("svg")
                .set("width", &WIDTH.to_string())
                .set("height", &HEIGHT.to_string())
                .set("aria-hidden", "true");
            for part in parts {
                svg = svg.child(part);
            }
            svg.done()
        };
        let bar = |class: &str| {
            dom::svg("rect").set("y", "2").set("height", "10").set("width", "0").set("class", class).done()
        };
        let (overhead, news) = (bar("standby-bar-overhead"), bar("standby-bar-news"));
        let line = dom::svg("line")
            .set("x1", &MARGIN.to_string())
            .set("x2", &(WIDTH - MARGIN).to_string())
            .set("y1", "7")
            .set("y2", "7")
            .set("class", "standby-line")
            .done();
        let dots: Vec<Element> = (0..DOTS)
            .map(|_| {
                dom::svg("circle")
                    .set("r", "3")
                    .set("cy", "7")
                    .set("visibility", "hidden")
                    .set("class", "standby-age-dot")
                    .done()
            })
            .collect();
        let (requests_cell, requests) = words("requests", "");
        let empty = words("empty", "");
        let (per_event_cell, per_event) = words("bytes-per-event", "");
        let (median_cell, median) = words("median", "");
        let mut ages = vec![line];
        ages.extend(dots.iter().cloned());
        let element = dom::html("tr")
            .set("data-lane", sub)
            .child(&dom::html("th").set("scope", "row").text(name).done())
            .child(&requests_cell)
            .child(&empty.0)
            .child(
                &cell("bytes", "standby-left standby-bytes")
                    .child(&drawing(&[overhead.clone(), news.clone()]))
                    .done(),
            )
            .child(&per_event_cell)
            .child(&cell("ages", "standby-left standby-ages").child(&drawing(&ages)).done())
            .child(&median_cell)
            .done();
        Self { element: element.into(), requests, empty, overhead, news, per_event, dots, median }
    }

    fn show(&self, ledger: &Ledger, standing: Standing, most_bytes: u64, scale_us: u64) {
        self.requests.say(&format::count(ledger.requests));
        self.empty.1.say(&format::count(ledger.empty));
        dom::set(&self.empty.0, "class", if ledger.empty > 0 { "standby-bad" } else { "" });
        let pixels = |bytes: u64| (bytes as f64 / most_bytes.max(1) as f64 * WIDTH).round();
        let overhead = pixels(ledger.overhead_bytes);
        // However little it is, news that came is there to see.
        let news = pixels(ledger.payload_bytes).max(f64::from(u8::from(ledger.payload_bytes > 0)));
        let overhead = overhead.min(WIDTH - news);
        dom::set(&self.overhead, "width", &overhead.to_string());
        dom::set(&self.news, "x", &overhead.to_string());
        dom::set(&self.news, "width", &news.to_string());
        self.per_event.say(&ledger.bytes_per_event().map_or_else(dash, format::count));
        self.median.say(&ledger.staleness.p50_us().map_or_else(dash, format::age));

        let ages = recent(ledger);
        for (i, dot) in self.dots.iter().enumerate() {
            match ages.get(i) {
                Some(age_us) => {
                    let x = MARGIN + *age_us as f64 / scale_us as f64 * (WIDTH - 2.0 * MARGIN);
                    dom::set(dot, "cx", &format!("{x:.1}"));
                    dom::set(dot, "visibility", "visible");
                }
                None => dom::set(dot, "visibility", "hidden"),
            }
        }

        let last_id = standing.last_id.map_or_else(String::new, |id| id.to_string());
        for (name, value) in [
            ("data-events", ledger.events.to_string()),
            ("data-last-id", last_id),
            ("data-reconnects", ledger.reconnects.to_string()),
            ("data-recovered", ledger.recovered.to_string()),
            ("data-lost", ledger.lost.to_string()),
            ("data-resets", ledger.resets.to_string()),
            ("data-gave-up", standing.gave_up.to_string()),
        ] {
            dom::set(&self.element, name, &value);
        }
    }
}

fn dash() -> String {
    "–".to_owned()
}

/// The newest ages, as many as there are dots.
fn recent(ledger: &Ledger) -> Vec<u64> {
    let mut ages = ledger.staleness.recent_us();
    ages.split_off(ages.len().saturating_sub(DOTS))
}

/// The end of the ages' scale: 1, 2 or 5 of a unit, and 2 s at least, so that it rests.
fn round_up(us: u64) -> u64 {
    const STEPS: [u64; 9] = [
        2_000_000,
        5_000_000,
        10_000_000,
        20_000_000,
        50_000_000,
        100_000_000,
        200_000_000,
        500_000_000,
        1_000_000_000,
    ];
    STEPS.into_iter().find(|step| us <= *step).unwrap_or(us)
}

fn scale(us: u64) -> String {
    format!("{} s", us / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_of_ages_rests_on_round_numbers() {
        assert_eq!(round_up(0), 2_000_000);
        assert_eq!(round_up(2_000_000), 2_000_000);
        assert_eq!(round_up(2_000_001), 5_000_000);
        assert_eq!(round_up(u64::MAX), u64::MAX);
        assert_eq!(scale(round_up(7_000_000)), "10 s");
    }
}
