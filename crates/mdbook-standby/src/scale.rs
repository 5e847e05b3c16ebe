//! The chart of what clients cost: `{{#scale NAME}}` becomes its place, with a static figure inside.
//!
//! It is arithmetic; what it takes from the world are bytes, which the book's recordings have, and
//! memory, which `cargo xtask bench crowd` measures and keeps in `experiments/costs.json`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use standby_figure::herd::svg;
use standby_figure::scale::{
    Constants, Look, Memory, Quantity, STANDARD_STOP, Settings, columns, describe, picture, say, sources,
    table,
};
use standby_trace::scenario::Transport;
use standby_trace::trace::{Kind, Message};

use crate::figure::{NARROW_PX, WIDE_PX, unsearched};
use crate::place::{attribute, text};
use crate::recording::Recording;

/// The file of what was measured, below the folder of the experiments.
pub const COSTS: &str = "costs.json";

/// What of that file is read.
#[derive(Deserialize)]
struct Costs {
    per_connection_bytes: BTreeMap<String, f64>,
    machine: String,
    measured: String,
}

/// The memory in `experiments/costs.json`.
///
/// # Errors
/// When it can't be read, or lacks a transport.
pub fn memory(json: &str) -> Result<Memory, String> {
    let costs: Costs = serde_json::from_str(json).map_err(|e| e.to_string())?;
    let mut bytes = [0; 4];
    for (transport, bytes) in Transport::ALL.into_iter().zip(&mut bytes) {
        let found = costs.per_connection_bytes.get(transport.name());
        let found = found.ok_or_else(|| format!("`per_connection_bytes` has no `{}`", transport.name()))?;
        // A cast of a number below 0 gives 0.
        *bytes = found.round() as u64;
    }
    Ok(Memory { bytes, machine: costs.machine, measured: costs.measured })
}

/// What the recordings have of each kind of message: its median.
///
/// # Errors
/// When none has a kind that is needed.
pub fn constants(recordings: &[Recording], memory: Option<Memory>) -> Result<Constants, String> {
    let median = |transport: Transport, what: &str, is: &dyn Fn(&Message) -> bool| {
        let mut found: Vec<u32> = Vec::new();
        for Recording { trace, .. } in recordings {
            let of = |message: &&Message| {
                let lane = trace.lanes.get(usize::from(message.lane));
                lane.is_some_and(|lane| lane.transport == transport) && is(message)
            };
            found.extend(trace.messages.iter().filter(of).map(|message| message.overhead_bytes));
        }
        found.sort_unstable();
        let middle = found.get(found.len() / 2).copied();
        middle.ok_or_else(|| format!("no recording has {what} of {}", transport.title()))
    };
    let kind = |transport, kind: Kind, what: &str| median(transport, what, &|message| message.kind == kind);
    let exchange = |transport| {
        Ok::<u32, String>(
            kind(transport, Kind::Request, "a request")? + kind(transport, Kind::Answer, "an answer")?,
        )
    };
    let mut browsers: Vec<&str> =
        recordings.iter().map(|one| one.recorded.browser.split('.').next().unwrap_or_default()).collect();
    browsers.sort_unstable();
    browsers.dedup();
    Ok(Constants {
        short_poll_bytes: exchange(Transport::ShortPoll)?,
        long_poll_bytes: exchange(Transport::LongPoll)?,
        websocket_event_bytes: kind(Transport::WebSocket, Kind::Event, "an event")?,
        websocket_ping_bytes: kind(Transport::WebSocket, Kind::Ping, "a ping")?
            + kind(Transport::WebSocket, Kind::Pong, "a pong")?,
        sse_event_bytes: kind(Transport::Sse, Kind::Event, "an event")?,
        sse_comment_bytes: kind(Transport::Sse, Kind::KeepAlive, "a comment")?,
        recorded_with: browsers.join(", "),
        memory,
    })
}

/// The element, with the figure inside.
#[must_use]
pub fn html(id: &str, constants: &Constants) -> String {
    let settings = Settings::default();
    let json = serde_json::to_string(constants).unwrap_or_default();
    // The one with a line for every transport: without scripts nothing can be switched.
    let what = Quantity::Bytes;
    let draw = |width: f32, narrow: bool, class: &str| {
        let look = Look { width, narrow, what, at: STANDARD_STOP };
        let picture = picture(&settings, constants, &look);
        format!("<div class=\"{class}\">{}</div>", svg(&picture, &describe(what, &settings, constants)))
    };
    let pictures = format!(
        "<div class=\"standby-still\">{}{}</div>",
        draw(WIDE_PX, false, "standby-drawn standby-drawn-wide"),
        draw(NARROW_PX, true, "standby-drawn standby-drawn-narrow")
    );
    format!(
        "\n<standby-experiment id=\"{id}\" data-crowd data-scale='{json}'>\n\
         <figure class=\"standby-static standby-scale-static\">\n\
         <div class=\"standby-still-head\"><strong class=\"standby-still-title\">Cost at scale</strong>{pill}</div>\n\
         {pictures}\n\
         <p class=\"standby-still-sentence\">{sentence}</p>\n\
         {below}\n\
         </figure>\n\
         </standby-experiment>\n",
        json = attribute(&json),
        pill = unsearched(
            "<span class=\"standby-still-pill\" aria-hidden=\"true\"><i class=\"standby-dot\"></i>Calculated</span>"
        ),
        pictures = unsearched(&pictures),
        sentence = text(&say(what, &settings, constants)),
        below = unsearched(&below(&settings, constants)),
    )
}

fn below(settings: &Settings, constants: &Constants) -> String {
    let mut head = String::new();
    for column in columns(constants) {
        let _ = write!(head, "<th scope=\"col\">{column}</th>");
    }
    let mut body = String::new();
    for row in table(settings, constants, STANDARD_STOP) {
        for (at, cell) in row.iter().enumerate() {
            let cell = text(cell);
            let _ = match at {
                0 => write!(body, "<tr><th scope=\"row\">{cell}</th>"),
                _ => write!(body, "<td>{cell}</td>"),
            };
        }
        body.push_str("</tr>");
    }
    format!(
        "<figcaption class=\"standby-below\"><p class=\"standby-scale-set\">{asks}</p>\
         <div class=\"standby-scale-foot\"><div class=\"standby-herd-scroll\"><table>\
         <caption>10,000 clients</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>\
         <p class=\"standby-scale-sources\">{sources}</p></div></figcaption>",
        asks = text(&set(settings)),
        sources = text(&sources(constants)),
    )
}

/// What the figure is drawn for.
fn set(settings: &Settings) -> String {
    use standby_figure::format::{decimal, seconds};
    let time = |ms: u32| seconds(u64::from(ms) * 1_000);
    format!(
        "Drawn for {} events a second of {} bytes, a poll every {}, long polls held up to {}, a sign of life every \
         {} and a round trip of {}. To set your own needs JavaScript.",
        decimal(settings.events_ks.into(), 1_000, 1),
        settings.event_bytes,
        time(settings.interval_ms),
        time(settings.timeout_ms),
        time(settings.keep_alive_ms),
        time(settings.round_trip_ms),
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::recording::tests::recording;

    pub(crate) fn measured() -> Constants {
        Constants {
            short_poll_bytes: 850,
            long_poll_bytes: 860,
            websocket_event_bytes: 2,
            websocket_ping_bytes: 8,
            sse_event_bytes: 33,
            sse_comment_bytes: 8,
            recorded_with: "Chromium 156".into(),
            memory: None,
        }
    }

    #[test]
    fn the_figure_says_what_it_is_drawn_for_and_where_its_bytes_are_from() {
        let html = html("x", &measured());
        assert_eq!(html.matches("<svg class=\"sb-figure sb-herd\"").count(), 2, "{html}");
        assert!(html.contains("Drawn for 0.2 events a second of 61 bytes, a poll every 2.0 s"), "{html}");
        assert!(html.contains("recordings with Chromium 156: 850 for a short poll"), "{html}");
        assert!(html.contains("<th scope=\"row\">Short polling</th><td>5,000</td>"), "{html}");
        assert!(!html.contains(">memory<") && !html.trim().contains("\n\n"), "{html}");
    }

    #[test]
    fn what_no_recording_has_is_told() {
        let told = constants(&[recording()], None).unwrap_err();
        assert!(told.starts_with("no recording has a"), "{told}");
    }

    #[test]
    fn memory_is_read_for_every_transport_or_not_at_all() {
        let json = r#"{"per_connection_bytes": {"short-poll": 10.4, "long-poll": 20, "websocket": 30, "sse": 40},
            "per_delivery_us": {}, "machine": "2 cores", "measured": "2026-11-24"}"#;
        assert_eq!(memory(json).unwrap().bytes, [10, 20, 30, 40]);
        assert!(memory(&json.replace("\"sse\"", "\"ssh\"")).unwrap_err().contains("no `sse`"));
        assert!(memory("{").is_err());
    }
}
