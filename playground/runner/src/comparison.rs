//! In what two rows of one experiment differ: live and the model, figure by figure.

use std::cell::RefCell;

use standby_dom as dom;
use standby_figure::format;
use standby_trace::json::Value;
use standby_trace::trace::Kind;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{Element, HtmlElement};

/// What a figure counts, and so how a difference in it is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// Things or bytes: equal where each step waits for the one before.
    Count,
    /// Microseconds: never equal, in no two runs.
    Age,
}

/// The figures of a lane, in the order in which the widget tells them: messages by kind, and the ledger's.
fn figures() -> Vec<(&'static str, Unit)> {
    let kinds = Kind::ALL.map(|kind| match kind {
        Kind::Request => "requests",
        Kind::Preflight => "preflights",
        Kind::Publish => "publishing requests",
        Kind::Answer => "answers",
        Kind::Open => "openings",
        Kind::Event => "messages with events",
        Kind::Gap => "messages of a gap",
        Kind::Reset => "messages of a reset",
        Kind::Send => "messages sent",
        Kind::Ping => "pings",
        Kind::Pong => "pongs",
        Kind::Close => "closings",
        Kind::KeepAlive => "keep-alives",
        Kind::Refusal => "refusals",
        Kind::Other => "other messages",
    });
    let ledger = [
        "empty answers",
        "events delivered",
        "events recovered",
        "events lost",
        "bytes of news",
        "other bytes",
    ];
    let counts = kinds.into_iter().chain(ledger).map(|what| (what, Unit::Count));
    counts.chain([("age, p50", Unit::Age), ("age, p99", Unit::Age)]).collect()
}

/// One line of a lane's table.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    what: &'static str,
    live: String,
    model: String,
    difference: String,
    /// They differ where they could agree.
    differs: bool,
}

/// The lines of a lane; what neither row has is left out.
fn lines(live: &[Option<u64>], model: &[Option<u64>]) -> Vec<Line> {
    let at = |row: &[Option<u64>], i: usize| row.get(i).copied().flatten();
    let line = |(i, (what, unit)): (usize, (&'static str, Unit))| {
        let (live, model) = (at(live, i), at(model, i));
        let something = [live, model].iter().flatten().any(|n| *n > 0);
        // What a reader looks for first is there from the start.
        if !something && what != "events delivered" {
            return None;
        }
        let written = |n: Option<u64>| match (n, unit) {
            (None, _) => "–".to_owned(),
            (Some(n), Unit::Count) => format::count(n),
            (Some(us), Unit::Age) => format::age(us),
        };
        let difference = match (live, model) {
            (Some(live), Some(model)) => {
                let sign = match model.cmp(&live) {
                    std::cmp::Ordering::Less => "−",
                    std::cmp::Ordering::Equal => "",
                    std::cmp::Ordering::Greater => "+",
                };
                format!("{sign}{}", written(Some(model.abs_diff(live))))
            }
            _ => "–".to_owned(),
        };
        let differs = unit == Unit::Count && live != model;
        Some(Line { what, live: written(live), model: written(model), difference, differs })
    };
    figures().into_iter().enumerate().filter_map(line).collect()
}

/// A lane's name, and its figures in both rows.
type Lane = (String, [Vec<Option<u64>>; 2]);

/// Reads what the widget tells: for each lane its name, and the figures of both rows.
fn read(json: &str) -> Option<Vec<Lane>> {
    let tree = Value::parse(json).ok()?;
    let row = |value: &Value<'_>| Some(value.as_list()?.iter().map(Value::as_u64).collect());
    let lane = |lane: &Value<'_>| match lane.as_list()? {
        [name, live, model] => Some((name.as_str()?.to_owned(), [row(live)?, row(model)?])),
        _ => None,
    };
    tree.as_list()?.iter().map(lane).collect()
}

/// The tables below two rows, one a lane.
#[wasm_bindgen]
pub struct Comparison {
    tables: HtmlElement,
    shown: RefCell<Vec<Shown>>,
}

struct Shown {
    body: HtmlElement,
    lines: Vec<(&'static str, Element)>,
}

/// Builds it into an empty element of a widget. `root`: the book's.
#[wasm_bindgen]
#[must_use]
pub fn compare(element: &HtmlElement, root: &str) -> Comparison {
    let tables = dom::classed("div", "standby-difference-tables").done();
    let more = dom::html("a")
        .set("href", &format!("{root}how-far-to-trust-the-model.html"))
        .text("How far to trust the model")
        .done();
    let note = dom::html("p")
        .text(
            "Where each step waits for the one before, counts and bytes come out equal. They may differ by \
             chance: a poll that falls just before an event in one row and just after it in the other, or what \
             is under way at this moment. Times always differ: the model leaves out what browser and machine \
             take. ",
        )
        .child(&more)
        .done();
    let heading = dom::classed("p", "standby-of").text("In what they differ").done();
    let _ = element.append_with_node_3(&heading, &tables, &note);
    Comparison { tables, shown: RefCell::default() }
}

#[wasm_bindgen]
impl Comparison {
    /// Shows the figures: for each lane its name and two lists, as JSON.
    pub fn show(&self, json: &str) {
        let Some(lanes) = read(json) else { return };
        let mut shown = self.shown.borrow_mut();
        if shown.len() != lanes.len() {
            self.tables.set_text_content(None);
            *shown = lanes.iter().map(|(name, _)| table(&self.tables, name)).collect();
        }
        for (shown, (_, [live, model])) in shown.iter_mut().zip(&lanes) {
            shown.show(&lines(live, model));
        }
    }
}

fn table(within: &HtmlElement, name: &str) -> Shown {
    let mut head = dom::html("tr").child(&dom::html("td").done());
    for column in ["live", "model", "difference"] {
        head = head.child(&dom::html("th").set("scope", "col").text(column).done());
    }
    let body = dom::html("tbody").done();
    let table = dom::html("table")
        .child(&dom::html("caption").text(name).done())
        .child(&dom::html("thead").child(&head.done()).done())
        .child(&body)
        .done();
    let _ = within.append_child(&table);
    Shown { body, lines: Vec::new() }
}

impl Shown {
    fn show(&mut self, lines: &[Line]) {
        let known = lines.iter().map(|line| line.what).eq(self.lines.iter().map(|(what, _)| *what));
        if !known {
            self.body.set_text_content(None);
            self.lines = lines.iter().map(|line| (line.what, row(&self.body, line.what))).collect();
        }
        for (line, (_, row)) in lines.iter().zip(&self.lines) {
            dom::set(row, "data-differs", if line.differs { "yes" } else { "no" });
            for (i, text) in [&line.live, &line.model, &line.difference].into_iter().enumerate() {
                let cell = row.children().item(i as u32 + 1);
                if let Some(cell) = cell.filter(|cell| cell.text_content().as_deref() != Some(text)) {
                    cell.set_text_content(Some(text));
                }
            }
        }
    }
}

fn row(body: &HtmlElement, what: &str) -> Element {
    let mut row =
        dom::html("tr").set("data-what", what).child(&dom::html("th").set("scope", "row").text(what).done());
    for _ in 0..3 {
        row = row.child(&dom::html("td").done());
    }
    let row: Element = row.done().into();
    let _ = body.append_child(&row);
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(set: &[(&str, u64)]) -> Vec<Option<u64>> {
        figures()
            .iter()
            .map(|(what, unit)| {
                let set = set.iter().find(|(name, _)| name == what).map(|(_, n)| *n);
                if *unit == Unit::Count { Some(set.unwrap_or(0)) } else { set }
            })
            .collect()
    }

    fn of<'a>(lines: &'a [Line], what: &str) -> &'a Line {
        lines.iter().find(|line| line.what == what).unwrap()
    }

    #[test]
    fn what_differs_is_told_by_how_much_and_which_way() {
        let live = row(&[("requests", 12), ("answers", 12), ("other bytes", 4_100), ("events delivered", 3)]);
        let model =
            row(&[("requests", 12), ("answers", 11), ("other bytes", 4_220), ("events delivered", 3)]);
        let lines = lines(&live, &model);
        let told = |what| (of(&lines, what).difference.as_str(), of(&lines, what).differs);
        assert_eq!(told("requests"), ("0", false));
        assert_eq!(told("answers"), ("−1", true));
        assert_eq!(told("other bytes"), ("+120", true));
        assert!(!lines.iter().any(|line| line.what == "pings"), "what neither has is not there");
    }

    #[test]
    fn times_are_told_and_never_held_against_either() {
        let lines = lines(&row(&[("age, p50", 101_000)]), &row(&[("age, p50", 100_000)]));
        assert_eq!(of(&lines, "age, p50").live, "101 ms");
        assert!(of(&lines, "age, p50").difference.starts_with('−') && !of(&lines, "age, p50").differs);
    }

    #[test]
    fn before_anything_came_the_first_figure_is_there() {
        let lines = lines(&row(&[]), &row(&[]));
        assert_eq!(lines.len(), 1);
        assert_eq!((of(&lines, "events delivered").live.as_str(), lines[0].differs), ("0", false));
    }

    #[test]
    fn what_the_widget_tells_is_read() {
        let lanes = read(r#"[["SSE",[1,null],[2,3]]]"#).unwrap();
        assert_eq!(lanes, [("SSE".to_owned(), [vec![Some(1), None], vec![Some(2), Some(3)]])]);
        assert_eq!(read("[[1,2,3]]"), None);
    }
}
