//! A lane's crowd in words.

use standby_trace::crowd::TALLY_US;
use standby_trace::{Trace, Transport};

use super::{Said, name};
use crate::format;
use crate::geometry::{Column, Frame, columns, moment, total};
use crate::shape::View;

/// What the crowd of a lane did within the column at a moment.
pub(super) fn about_column(frame: &Frame<'_>, lane: usize, at_us: i64, said: &mut Said) {
    let Some(column) = columns(frame, lane, at_us, at_us).pop() else { return };
    said.plain(&format!("{} more {}: ", format::count(column.clients.into()), when(&column)));
    let open = open(frame.trace, lane, &column).map(|open| format!("{open}, ")).unwrap_or_default();
    said.plain(&open);
    said.plain(&format!("{} came, ", format::count(column.arrivals)));
    let away = format!("{} turned away", format::count(column.refused));
    if column.refused > 0 {
        said.strong(&away, true);
    } else {
        said.plain(&away);
    }
    said.plain(&ages(&column));
    said.plain(".");
}

/// What all crowds did where the cursor stands, which is put by keys, too: in short, because there are
/// several.
pub(super) fn about_cursor(frame: &Frame<'_>, said: &mut Said) {
    let Some(at_us) = frame.view.cursor_us else { return };
    let mut is_first = true;
    for (lane, at) in frame.layout.lanes.iter().enumerate() {
        let column = columns(frame, lane, at_us, at_us).pop().filter(|_| at.crowd_y.is_some());
        let Some(column) = column else { continue };
        if std::mem::take(&mut is_first) {
            said.next();
            said.plain(&format!("The others {}: ", when(&column)));
        } else {
            said.plain("; ");
        }
        let came = (column.arrivals > 0).then(|| format!("{} came", format::count(column.arrivals)));
        let facts: Vec<String> = open(frame.trace, lane, &column).into_iter().chain(came).collect();
        let facts = if facts.is_empty() { "nobody came".to_owned() } else { facts.join(", ") };
        said.plain(&format!("{} {facts}", name(frame.trace, lane)));
        if column.refused > 0 {
            said.plain(", ");
            said.strong(&format!("{} turned away", format::count(column.refused)), true);
        }
    }
    if !is_first {
        said.plain(".");
    }
}

/// A whole run, for those who don't see its picture.
pub(super) fn describe(trace: &Trace, lane: usize, out: &mut String) {
    let view = View { now_us: trace.until_us, ..View::default() };
    let frame = Frame::new(trace, &view);
    let has_band = frame.layout.lanes.get(lane).is_some_and(|lane| lane.crowd_y.is_some());
    let Some(total) = total(&frame, lane).filter(|_| has_band) else { return };
    let open = open(trace, lane, &total).map(|open| format!(", {open} at the end")).unwrap_or_default();
    out.push_str(&format!(
        " Beside it {} more: {} came, {} turned away{open}{}.",
        format::count(total.clients.into()),
        format::count(total.arrivals),
        format::count(total.refused),
        ages(&total)
    ));
}

/// `at 3.2 s`, or from when until when.
fn when(column: &Column) -> String {
    let [from, to] = [column.from_us, column.to_us].map(|us| moment(us, TALLY_US));
    if column.tallies > 1 { format!("from {from} to {to}") } else { format!("at {from}") }
}

/// Whoever polls at fixed times holds nothing.
fn open(trace: &Trace, lane: usize, column: &Column) -> Option<String> {
    let what = match trace.lanes.get(lane)?.transport {
        Transport::ShortPoll => return None,
        Transport::LongPoll => "held",
        Transport::WebSocket | Transport::Sse => "connected",
    };
    Some(format!("{} {what}", format::count(column.open.into())))
}

/// How old what was delivered was, where anything was.
fn ages(column: &Column) -> String {
    let (Some(p50_us), Some(p99_us)) = (column.p50_us, column.p99_us) else { return String::new() };
    let [p50, p99] = [p50_us, p99_us].map(|us| format::age(us.into()));
    let worst = if column.tallies > 1 { " at worst" } else { "" };
    format!("; news{worst} {p50} old at the median, {p99} at p99")
}
