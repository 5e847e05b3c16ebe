//! The ledger as a table: what each lane cost, and what it got for it.

use std::cell::{Cell, RefCell};

use standby_figure::format;
use standby_trace::{Ledger, MarkKind, Trace};
use web_sys::{Element, HtmlElement};

use super::about::{COLUMNS, Column};
use crate::dom::{self, Words};

/// How wide the bars and the dots are drawn, in pixels.
const WIDTH: f64 = 82.0;
const HEIGHT: f64 = 14.0;
/// What is left free at both ends of the dots' line.
const MARGIN: f64 = 4.0;
/// So many of the newest ages are drawn as dots.
const DOTS: usize = 24;

/// The table.
pub(crate) struct Table {
    element: HtmlElement,
    body: HtmlElement,
    until: Words,
    scale: Words,
    rows: RefCell<Vec<Row>>,
    /// The revision and the moment that were shown last.
    drawn: Cell<Option<(u64, Option<i64>)>>,
}

struct Row {
    element: Element,
    requests: Words,
    empty: (Element, Words),
    overhead: Element,
    news: Element,
    /// The bar, for those who don't see it.
    bytes: Words,
    per_event: Words,
    held: Words,
    dots: Vec<Element>,
    median: Words,
    p99: Words,
    reconnects: Words,
    recovered: Words,
    lost: (Element, Words),
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
    /// Builds it without rows; `id` is the placeholder's.
    pub(crate) fn new(id: &str, title: &str) -> Self {
        let since: HtmlElement = dom::html("td").set("class", "standby-until").done();
        let until = Words::within(&since, "");
        let scale_of: HtmlElement = dom::html("span").done();
        let scale = Words::within(&scale_of, "2 s");
        let mut head = dom::html("tr").child(&since);
        // Widths that do not depend on the figures, so that nothing jumps when they change.
        let mut columns = dom::html("colgroup").child(&dom::classed("col", "standby-col-name").done());
        let mut abouts = Vec::new();
        for column in COLUMNS {
            let class = format!("standby-col-{}", column.name);
            columns = columns.child(&dom::classed("col", &class).done());
            let (button, about) = explained(id, &column);
            let class = if column.drawn { format!("standby-left {class}") } else { class };
            let mut cell = dom::classed("th", &class).set("scope", "col").child(&button);
            if column.name == "bytes" {
                let key = |class: &str| dom::classed("i", class).done();
                let legend = dom::classed("span", "standby-legend")
                    .child(&key("standby-key standby-key-news"))
                    .text(" news ")
                    .child(&key("standby-key standby-key-overhead"))
                    .text(" rest");
                cell = cell.child(&legend.done());
            }
            if column.name == "ages" {
                cell = cell.text(" ").child(&scale_of);
            }
            head = head.child(&cell.done());
            abouts.push(about);
        }
        let body = dom::html("tbody").done();
        let table = dom::classed("table", "standby-ledger")
            .set("aria-label", &format!("Ledger: {title}"))
            .child(&columns.done())
            .child(&dom::html("thead").child(&head.done()).done())
            .child(&body)
            .done();
        let element = abouts.iter().fold(dom::html("div").child(&table), dom::Build::child);
        Self { element: element.done(), body, until, scale, rows: RefCell::default(), drawn: Cell::default() }
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
        shown: (u64, Option<i64>),
    ) {
        if self.drawn.replace(Some(shown)) == Some(shown) {
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
        self.until.say(&shown.1.map_or_else(
            || "since the start".to_owned(),
            |at_us| format!("until {}", format::seconds(u64::try_from(at_us).unwrap_or(0))),
        ));
        let most_bytes = ledgers.iter().map(|l| l.payload_bytes + l.overhead_bytes).max().unwrap_or(0);
        let oldest_us = ledgers.iter().flat_map(recent).max().unwrap_or(0);
        let scale_us = round_up(oldest_us);
        self.scale.say(&scale(scale_us));
        for (i, (row, ledger)) in rows.iter().zip(ledgers).enumerate() {
            row.show(ledger, standing.get(i).copied().unwrap_or_default(), most_bytes, scale_us);
            row.show_lost(ledger.lost, newest_gap(trace, i, shown.1));
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
                .set("width", &format::length(WIDTH as f32))
                .set("height", &format::length(HEIGHT as f32))
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
            .set("x1", &format::length(MARGIN as f32))
            .set("x2", &format::length((WIDTH - MARGIN) as f32))
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
        let unseen: HtmlElement = dom::classed("span", "standby-unseen").done();
        let bytes = Words::within(&unseen, "");
        let (per_event_cell, per_event) = words("bytes-per-event", "");
        let (held_cell, held) = words("held", "");
        let (median_cell, median) = words("median", "");
        let (p99_cell, p99) = words("p99", "");
        let (reconnects_cell, reconnects) = words("reconnects", "");
        let (recovered_cell, recovered) = words("recovered", "");
        let lost = words("lost", "");
        let mut ages = vec![line];
        ages.extend(dots.iter().cloned());
        let bars = drawing(&[overhead.clone(), news.clone()]);
        let element = dom::html("tr")
            .set("data-lane", sub)
            .child(&dom::html("th").set("scope", "row").text(name).done())
            .child(&requests_cell)
            .child(&empty.0)
            .child(&cell("bytes", "standby-left standby-col-bytes").child(&bars).child(&unseen).done())
            .child(&per_event_cell)
            .child(&held_cell)
            .child(&cell("ages", "standby-left standby-col-ages").child(&drawing(&ages)).done())
            .child(&median_cell)
            .child(&p99_cell)
            .child(&reconnects_cell)
            .child(&recovered_cell)
            .child(&lost.0)
            .done();
        Self {
            element: element.into(),
            requests,
            empty,
            overhead,
            news,
            bytes,
            per_event,
            held,
            dots,
            median,
            p99,
            reconnects,
            recovered,
            lost,
        }
    }

    /// 0, or which ones; and how many, where the gap is not in the trace any more.
    fn show_lost(&self, lost: u64, gap: Option<(u64, u64)>) {
        let text = match gap {
            Some((from, to)) if lost > 0 => format::range(from, to),
            _ => format::count(lost),
        };
        self.lost.1.say(&text);
        dom::set(&self.lost.0, "class", if lost > 0 { "standby-lost" } else { "" });
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
        dom::set(&self.overhead, "width", &format::length(overhead as f32));
        dom::set(&self.news, "x", &format::length(overhead as f32));
        dom::set(&self.news, "width", &format::length(news as f32));
        self.per_event.say(&ledger.bytes_per_event().map_or_else(dash, format::count));
        self.bytes.say(&format!(
            "{} overhead, {} news",
            format::count(ledger.overhead_bytes),
            format::count(ledger.payload_bytes)
        ));
        self.held.say(&held(ledger.held_us));
        self.median.say(&ledger.staleness.p50_us().map_or_else(dash, format::age));
        self.p99.say(&ledger.staleness.p99_us().map_or_else(dash, format::age));
        self.reconnects.say(&format::count(ledger.reconnects));
        self.recovered.say(&format::count(ledger.recovered));

        let ages = recent(ledger);
        for (i, dot) in self.dots.iter().enumerate() {
            match ages.get(i) {
                Some(age_us) => {
                    let x = MARGIN + *age_us as f64 / scale_us as f64 * (WIDTH - 2.0 * MARGIN);
                    dom::set(dot, "cx", &format::length(x as f32));
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

/// A heading as a button, and what it opens.
fn explained(id: &str, column: &Column) -> (HtmlElement, HtmlElement) {
    let about_id = format!("{id}-about-{}", column.name);
    let about = dom::classed("div", "standby-about")
        .set("id", &about_id)
        // The browser closes it with Escape, and when something else is pressed.
        .set("popover", "auto")
        .child(&dom::html("p").text(column.means).done())
        .child(&dom::html("p").text(column.formula).done())
        .done();
    let button = dom::button("standby-means", column.heading).set("popovertarget", &about_id).done();
    let (by, own) = (button.clone(), about.clone());
    dom::on(&button, "click", move |_| {
        let at = by.get_bounding_client_rect();
        let wide = dom::document().document_element().map_or(0, |root| root.client_width());
        let left = at.left().min(f64::from(wide) - ABOUT_WIDTH - 8.0).max(8.0);
        let [left, top, width] = [left, at.bottom() + 4.0, ABOUT_WIDTH].map(|px| format::length(px as f32));
        let style = format!("left:{left}px;top:{top}px;width:{width}px");
        dom::set(&own, "style", &style);
    });
    (button, about)
}

/// How wide the explanation of a figure is, in pixels.
const ABOUT_WIDTH: f64 = 260.0;

/// The newest gap of a lane, of those that were told until a moment.
fn newest_gap(trace: &Trace, lane: usize, until_us: Option<i64>) -> Option<(u64, u64)> {
    let known = trace.marks.iter().rev().filter(|mark| until_us.is_none_or(|us| mark.at.at_us <= us));
    known.filter(|mark| mark.lane.map(usize::from) == Some(lane)).find_map(|mark| match mark.kind {
        MarkKind::Gap { from, to } => Some((from, to)),
        _ => None,
    })
}

/// Connection-seconds: `0.0 s`, `12.3 s`, `1,234 s`.
fn held(us: u64) -> String {
    match us {
        0..=99_950_000 => {
            let tenths = (us + 50_000) / 100_000;
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
        _ => format!("{} s", format::count(us / 1_000_000)),
    }
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
    fn connection_seconds_keep_their_width() {
        assert_eq!(held(0), "0.0 s");
        assert_eq!(held(9_960_000), "10.0 s");
        assert_eq!(held(99_950_000), "100.0 s");
        assert_eq!(held(1_234_500_000), "1,234 s");
    }

    #[test]
    fn the_newest_gap_is_told_until_the_cursor() {
        let scenario = r#"{"v":1,"lanes":[{"transport":"sse","retry_ms":1000}],"publish":{"every_ms":0}}"#;
        let scenario = standby_trace::Scenario::from_json(scenario).unwrap();
        let mut trace = standby_trace::Recorder::new(scenario, 0).trace().clone();
        for (at_us, from, to) in [(10, 3, 7), (20, 9, 9)] {
            let at = standby_trace::Moment::measured(at_us);
            let kind = MarkKind::Gap { from, to };
            trace.marks.push(standby_trace::Mark { lane: Some(0), at, kind });
        }
        assert_eq!(newest_gap(&trace, 0, None), Some((9, 9)));
        assert_eq!(newest_gap(&trace, 0, Some(19)), Some((3, 7)));
        assert_eq!(newest_gap(&trace, 0, Some(9)), None);
        assert_eq!(newest_gap(&trace, 1, None), None);
    }

    #[test]
    fn the_scale_of_ages_rests_on_round_numbers() {
        assert_eq!(round_up(0), 2_000_000);
        assert_eq!(round_up(2_000_000), 2_000_000);
        assert_eq!(round_up(2_000_001), 5_000_000);
        assert_eq!(round_up(u64::MAX), u64::MAX);
        assert_eq!(scale(round_up(7_000_000)), "10 s");
    }
}
