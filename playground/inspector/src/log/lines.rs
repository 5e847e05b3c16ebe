//! A trace as lines of a log, and those as text to take away. Pure.

use standby_dissect::kind_words;
use standby_figure::format;
use standby_trace::{Mark, MarkKind, Span, SpanKind, Trace, Who};

use crate::words;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// When, in microseconds since the run's start.
    pub(crate) at_us: i64,
    /// Which lane; `None` for what concerns all.
    pub(crate) lane: Option<u16>,
    /// What kind of thing it is, in a word.
    pub(crate) kind: &'static str,
    /// The rest, in words.
    pub(crate) what: String,
    /// A message's bytes; 0 for what is none.
    pub(crate) bytes: u64,
}

/// All lines of a trace, in order of time.
pub(crate) fn lines(trace: &Trace) -> Vec<Line> {
    let line = |at_us, lane, kind, what: String| Line { at_us, lane, kind, what, bytes: 0 };
    let mut lines = Vec::with_capacity(trace.messages.len() + trace.published.len() + trace.marks.len());
    for event in &trace.published {
        lines.push(line(event.at_us, None, "published", format!("event {}", event.id)));
    }
    for message in &trace.messages {
        let bytes = u64::from(message.payload_bytes) + u64::from(message.overhead_bytes);
        let what = format!("{} {}", words::arrow(message.direction), words::besides(message));
        let kind = words::kind(kind_words(message.kind), &message.events, message.lost);
        lines.push(Line {
            at_us: message.first_us(),
            lane: Some(message.lane),
            kind,
            what: what.trim_end().to_owned(),
            bytes,
        });
    }
    lines.extend(trace.spans.iter().filter_map(span));
    lines.extend(trace.marks.iter().map(mark));
    lines.sort_by_key(|line| line.at_us);
    lines
}

/// What lasts is a line where it begins, if no message says so already.
fn span(span: &Span) -> Option<Line> {
    let (kind, what) = match span.kind {
        SpanKind::Open | SpanKind::Held => return None,
        SpanKind::Waiting => {
            let who = match span.who {
                Who::Client => "the client",
                Who::Browser => "the browser",
                Who::Server => "as the server asked",
            };
            let until_us = span.to.map(|to| to.at_us).or(span.until_us);
            let what = match until_us.and_then(|until| u64::try_from(until - span.from.at_us).ok()) {
                Some(us) => format!("{who}, {}", format::seconds(us)),
                None => who.to_owned(),
            };
            ("waits", what)
        }
        SpanKind::Fault => ("fault", "begins".to_owned()),
    };
    Some(Line { at_us: span.from.at_us, lane: span.lane, kind, what, bytes: 0 })
}

fn mark(mark: &Mark) -> Line {
    let (kind, what) = match &mark.kind {
        MarkKind::Cut { why } => ("cut", why.clone()),
        MarkKind::Gap { from, to } => ("gap", format!("{} lost", format::range(*from, *to))),
        MarkKind::Reset { epoch } => {
            ("reset", epoch.as_ref().map_or_else(String::new, |epoch| format!("epoch {epoch}")))
        }
        MarkKind::Recovered { after, from: 0, .. } => ("recovered", format!("after {after}: nothing missed")),
        MarkKind::Recovered { after, from, to } => {
            ("recovered", format!("after {after}: {} replayed", format::range(*from, *to)))
        }
        MarkKind::GaveUp { why } => ("gave up", why.clone()),
        MarkKind::Note { text } => ("note", text.clone()),
    };
    Line { at_us: mark.at.at_us, lane: mark.lane, kind, what, bytes: 0 }
}

/// What a reader wants to see of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// A part of any of its words.
    pub(crate) text: String,
    /// A lane.
    pub(crate) lane: Option<u16>,
    /// A kind.
    pub(crate) kind: String,
}

impl Filter {
    /// Whether a line is wanted.
    pub(crate) fn takes(&self, line: &Line, lanes: &[String]) -> bool {
        let text = self.text.trim().to_lowercase();
        (self.lane.is_none() || line.lane == self.lane)
            && (self.kind.is_empty() || line.kind == self.kind)
            && (text.is_empty()
                || [lane(line, lanes), line.kind, &line.what]
                    .iter()
                    .any(|words| words.to_lowercase().contains(&text)))
    }
}

/// A line's lane in words.
pub(crate) fn lane<'a>(line: &Line, lanes: &'a [String]) -> &'a str {
    line.lane.map_or("all", |lane| lanes.get(usize::from(lane)).map_or("", String::as_str))
}

/// What stands between the columns of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Columns {
    /// A tab. What is copied goes into a spreadsheet as it is.
    Tabs,
    /// A comma, with quotes (RFC 4180).
    Commas,
}

/// The lines as text, with a heading.
pub(crate) fn text<'a>(lines: impl Iterator<Item = &'a Line>, lanes: &[String], columns: Columns) -> String {
    let mut out = String::new();
    let mut row = |cells: [&str; 5]| {
        let cells = cells.map(|text| cell(text, columns));
        match columns {
            Columns::Tabs => out.push_str(&(cells.join("\t") + "\n")),
            Columns::Commas => out.push_str(&(cells.join(",") + "\r\n")),
        }
    };
    row(["time_ms", "lane", "kind", "what", "bytes"]);
    for line in lines {
        let time = format!("{:.3}", line.at_us as f64 / 1e3);
        let bytes = if line.bytes > 0 { line.bytes.to_string() } else { String::new() };
        row([&time, lane(line, lanes), line.kind, &line.what, &bytes]);
    }
    out
}

/// A text in a cell, and a text only: a spreadsheet takes what begins with one of these for a
/// formula, and a number for a number.
fn cell(text: &str, columns: Columns) -> String {
    let is_formula =
        text.starts_with(['=', '+', '@', '\t']) || (text.starts_with('-') && text.parse::<f64>().is_err());
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    match columns {
        Columns::Tabs => text.replace(['\t', '\n', '\r'], " "),
        Columns::Commas if text.contains([',', '"', '\n', '\r']) => {
            format!("\"{}\"", text.replace('"', "\"\""))
        }
        Columns::Commas => text,
    }
}

/// The kinds that a log holds, each once, in order of the alphabet.
pub(crate) fn kinds(lines: &[Line]) -> Vec<&'static str> {
    let mut kinds: Vec<&'static str> = lines.iter().map(|line| line.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

#[cfg(test)]
mod tests {
    use standby_trace::trace::Moment;

    use super::*;

    fn line(what: &str) -> Line {
        Line { at_us: 1_500_000, lane: Some(0), kind: "cut", what: what.to_owned(), bytes: 0 }
    }

    #[test]
    fn a_filter_takes_what_holds_all_that_it_asks_for() {
        let lanes = ["WebSocket".to_owned()];
        let cut = line("close code 1001");
        let takes = |text: &str, lane, kind: &str| {
            Filter { text: text.to_owned(), lane, kind: kind.to_owned() }.takes(&cut, &lanes)
        };
        assert!(takes("", None, "") && takes("CODE 1001", Some(0), "cut") && takes("websock", None, ""));
        assert!(!takes("1002", None, "") && !takes("", Some(1), "") && !takes("", None, "gap"));
    }

    #[test]
    fn what_others_wrote_stays_in_its_cell_and_is_no_formula() {
        let lanes = ["WebSocket".to_owned()];
        let evil = line("=HYPERLINK(\"x\"),\t\nnext");
        let tabs = text([evil.clone()].iter(), &lanes, Columns::Tabs);
        assert_eq!(tabs.lines().count(), 2);
        assert_eq!(tabs.lines().nth(1), Some("1500.000\tWebSocket\tcut\t'=HYPERLINK(\"x\"),  next\t"));
        let commas = text([evil].iter(), &lanes, Columns::Commas);
        assert!(commas.ends_with("\"'=HYPERLINK(\"\"x\"\"),\t\nnext\",\r\n"), "{commas}");
        assert_eq!(cell("-1.5", Columns::Commas), "-1.5");
    }

    #[test]
    fn a_log_is_in_order_of_time_whatever_it_is_made_of() {
        let mut trace = crate::sample::trace();
        trace.marks.push(Mark {
            lane: Some(0),
            at: Moment::measured(1),
            kind: MarkKind::Cut { why: "connection reset".to_owned() },
        });
        let lines = lines(&trace);
        assert!(lines.is_sorted_by_key(|line| line.at_us));
        let kinds: Vec<_> = lines.iter().map(|line| line.kind).collect();
        assert_eq!(kinds.first(), Some(&"cut"));
        assert!(kinds.contains(&"published") && kinds.contains(&"request") && kinds.contains(&"answer"));
    }
}
