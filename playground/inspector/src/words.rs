//! Words for what a trace holds.

use standby_figure::format;
use standby_trace::{Direction, Message, Trace};

/// What a message is: the dissector's word, and whether it was for nothing.
pub(crate) fn kind(kind: &'static str, events: &[u64], lost: bool) -> &'static str {
    if kind == "answer" && events.is_empty() && !lost { "empty answer" } else { kind }
}

/// An arrow that shows which way, as the picture has it: the server is above.
pub(crate) fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::ToServer => "↑",
        Direction::ToClient => "↓",
    }
}

/// A moment of a trace: `3.214 s`.
pub(crate) fn at(us: i64) -> String {
    format!("{:.3} s", us as f64 / 1e6)
}

/// The names of a trace's lanes: the transport's, and the label where that does not tell them apart.
pub(crate) fn lanes(trace: &Trace) -> Vec<String> {
    let name = |lane: &standby_trace::Lane| {
        let alike = trace.lanes.iter().filter(|other| other.transport == lane.transport).count();
        match (lane.outside, alike) {
            (true, _) => format!("{} ({}, outside)", lane.transport.title(), lane.sub),
            (false, 1) => lane.transport.title().to_owned(),
            (false, _) => format!("{} ({})", lane.transport.title(), lane.sub),
        }
    };
    trace.lanes.iter().map(name).collect()
}

/// What else is to be said of a message.
pub(crate) fn besides(message: &Message) -> String {
    let mut said = Vec::new();
    if let Some(status) = message.status {
        said.push(status.to_string());
    }
    match message.events.as_slice() {
        [] => {}
        [one] => said.push(format!("event {one}")),
        ids => said.push(format!("events {}", format::ids(ids))),
    }
    if message.by_browser {
        said.push("by the browser".to_owned());
    }
    if message.lost {
        said.push("lost on its way".to_owned());
    }
    said.join(", ")
}
