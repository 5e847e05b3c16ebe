//! The exchange list's rows and sums. Pure.

use standby_dissect::Row;
use standby_figure::format;
use standby_trace::{Direction, Trace};
use web_sys::Element;

use crate::{rows, words};
use standby_dom as dom;

/// So many rows are shown: a page with more becomes slow.
pub(crate) const SHOWN: usize = 500;

/// A row with its lane's name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Listed {
    pub(crate) row: Row,
    pub(crate) lane: String,
}

impl rows::Row for Listed {
    fn is_same(&self, other: &Self) -> bool {
        self.row.number == other.row.number
    }

    fn cells(&self) -> Vec<(&'static str, String)> {
        let row = &self.row;
        let arrow = match row.direction {
            Direction::ToServer => "standby-arrow standby-up",
            Direction::ToClient => "standby-arrow standby-down",
        };
        vec![
            ("standby-n", words::at(row.at_us)),
            ("standby-left", self.lane.clone()),
            (arrow, words::arrow(row.direction).to_owned()),
            ("standby-left standby-wraps", what(row)),
            ("standby-n", format::count(row.total_bytes)),
            ("standby-n standby-wide-cell", format::count(row.payload_bytes)),
        ]
    }

    fn mark(&self, row: &Element) {
        dom::set(row, "data-number", &self.row.number.to_string());
    }
}

/// What a row's message is.
fn what(row: &Row) -> String {
    let mut said = vec![words::kind(row.kind, &row.events, row.lost).to_owned()];
    if let Some(status) = row.status {
        said.push(status.to_string());
    }
    match row.events.as_slice() {
        [] => {}
        ids if row.kind == "event" => {
            said.clear();
            said.push(format!("{} {}", if ids.len() == 1 { "event" } else { "events" }, format::ids(ids)));
        }
        ids => said.push(format!("{} {}", if ids.len() == 1 { "event" } else { "events" }, format::ids(ids))),
    }
    if row.by_browser {
        said.push("by the browser".to_owned());
    }
    if row.lost {
        said.push("lost".to_owned());
    }
    said.join(" · ")
}

/// What the list comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) messages: u64,
    pub(crate) total_bytes: u64,
    pub(crate) payload_bytes: u64,
    /// Messages that have left the window.
    pub(crate) before: u64,
}

/// The sums over all rows of a trace, shown or not.
pub(crate) fn sums(rows: &[Row], trace: &Trace) -> Sums {
    Sums {
        messages: rows.len() as u64,
        total_bytes: rows.iter().map(|row| row.total_bytes).sum(),
        payload_bytes: rows.iter().map(|row| row.payload_bytes).sum(),
        before: trace.before,
    }
}

impl Sums {
    /// What is to be said of a list that shows `shown` of them.
    pub(crate) fn note(&self, shown: usize) -> String {
        let mut said = Vec::new();
        if (shown as u64) < self.messages {
            said.push(format!("The last {} are listed; the sums are of all.", format::count(shown as u64)));
        }
        if self.before > 0 {
            let count = format::count(self.before);
            said.push(format!("Earlier ones have left the window ({count}); the ledger still counts them."));
        }
        said.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use standby_dissect::rows;
    use standby_trace::Ledger;

    use super::*;

    #[test]
    fn the_lists_sums_are_the_ledgers() {
        let trace = crate::sample::trace();
        let sums = sums(&rows(&trace), &trace);
        let ledgers = Ledger::of(&trace);
        let total: u64 = ledgers.iter().map(|ledger| ledger.payload_bytes + ledger.overhead_bytes).sum();
        assert_eq!(sums.total_bytes, total);
        assert_eq!(sums.payload_bytes, ledgers.iter().map(|ledger| ledger.payload_bytes).sum::<u64>());
        assert_eq!(sums.messages, 4);
    }

    #[test]
    fn what_is_not_listed_is_told() {
        let sums = Sums { messages: 700, total_bytes: 1, payload_bytes: 1, before: 1 };
        assert_eq!(
            sums.note(500),
            "The last 500 are listed; the sums are of all. Earlier ones have left the window (1); the ledger \
             still counts them."
        );
        assert_eq!(Sums { before: 0, messages: 3, ..sums }.note(3), "");
    }

    #[test]
    fn a_row_says_what_it_is_and_what_it_carries() {
        let trace = crate::sample::trace();
        let said: Vec<String> = rows(&trace).iter().map(what).collect();
        assert_eq!(said, ["request", "empty answer · 200", "request", "answer · 200 · event 1"]);
    }
}
