//! The element that a directive becomes, with a static figure inside. Print, search engines and
//! readers without JavaScript have the figure; the widget takes its place.

use std::fmt::Write as _;

use standby_trace::scenario::{Backoff, Experiment, LaneSpec, Publish, Scenario, Spread, SseClient};

use crate::figure;
use crate::recording::{Recording, Rooms};

/// The element. Without a blank line: Markdown would take what follows it for text.
///
/// The figure has the widget's own frame, title, picture and sentence, in the same places, and below
/// them as much room as the widget takes. So nothing moves when the widget comes.
#[must_use]
pub fn html(id: &str, experiment: &Experiment, name: &str, recording: Option<&Recording>) -> String {
    let json = serde_json::to_string(experiment).unwrap_or_default();
    let caption = recording.map(|recording| recording.recorded.caption());
    let caption = caption.as_deref().unwrap_or_default();
    let (picture, below, rooms) = match recording {
        Some(recording) => {
            let pictures = format!("<div class=\"standby-still\">{}</div>", figure::pictures(recording));
            let below = below(&experiment.scenario, caption);
            (figure::unsearched(&pictures), figure::unsearched(&below), recording.recorded.room_px)
        }
        None => (String::new(), figure::unsearched(&below(&experiment.scenario, "")), Rooms::default()),
    };
    format!(
        "\n<standby-experiment id=\"{id}\" data-recording=\"{name}\"{recorded} data-experiment='{json}'>\n\
         <figure class=\"standby-static\" style=\"{rooms}\">\n\
         <div class=\"standby-still-head\"><strong class=\"standby-still-title\">{title}</strong>{pill}</div>\n\
         {picture}\n\
         <p class=\"standby-still-sentence\">{look}</p>\n\
         {below}\n\
         </figure>\n\
         </standby-experiment>\n",
        recorded = match caption {
            "" => String::new(),
            _ => format!(" data-recorded=\"{}\"", attribute(caption)),
        },
        json = attribute(&json),
        title = text(&experiment.title),
        // Unseen: the widget's own takes as much of a long title's line.
        pill = figure::unsearched(&format!(
            "<span class=\"standby-still-pill\" aria-hidden=\"true\"><i class=\"standby-dot\"></i>\
             <span class=\"standby-wide\">{}</span><span class=\"standby-narrow\">Recorded</span></span>",
            text(caption)
        )),
        look = text(&experiment.look),
        rooms = room_style(rooms),
    )
}

/// The room that the widget needs, for the style sheet. The timeline is part of the figure.
fn room_style(Rooms { wide, narrow }: Rooms) -> String {
    let beside_timeline = |between: u32| between.saturating_sub(standby_figure::TIMELINE_HEIGHT as u32);
    format!(
        "--wide-between:{}px;--wide-below:{}px;--narrow-between:{}px;--narrow-below:{}px",
        beside_timeline(wide.between),
        wide.below,
        beside_timeline(narrow.between),
        narrow.below
    )
}

/// What stands where the widget has its controls: when the picture was recorded, and what everything
/// was set to.
fn below(scenario: &Scenario, recorded: &str) -> String {
    let mut rows = String::new();
    for lane in &scenario.lanes {
        let name = lane.transport().title();
        let _ = write!(rows, "<tr><th scope=\"row\">{name}</th><td>{}</td></tr>", text(&settings(lane)));
    }
    format!(
        "<figcaption class=\"standby-below\"><p>{recorded} \
         It runs in the page: that needs JavaScript and a server.</p>\
         <details><summary>What it is set to</summary>\
         <p>{publishes}; the round trip is {rtt}.</p>\
         <table><thead><tr><th scope=\"col\">Lane</th><th scope=\"col\">Set to</th></tr></thead>\
         <tbody>{rows}</tbody></table></details></figcaption>",
        recorded = text(recorded),
        publishes = publishes(&scenario.publish),
        rtt = time(scenario.conditions.latency_ms.saturating_mul(2)),
    )
}

/// What is set for a lane, in words.
fn settings(lane: &LaneSpec) -> String {
    match *lane {
        LaneSpec::ShortPoll { interval_ms, conditional } => {
            let with = if conditional { ", with If-None-Match" } else { "" };
            format!("asks every {}{with}", time(interval_ms))
        }
        LaneSpec::LongPoll { timeout_ms, .. } => format!("held up to {}", time(timeout_ms)),
        LaneSpec::WebSocket { backoff, send_every_ms, keep_alive_ms, silence_ms } => {
            let sends = also("; sends every", send_every_ms);
            let pings = also("; the server pings every", keep_alive_ms);
            let silence = also("; gives up after silence of", silence_ms);
            format!("reconnects with {}{sends}{pings}{silence}", waits(backoff))
        }
        LaneSpec::Sse { retry_ms, client, keep_alive_ms, silence_ms } => {
            let client = match client {
                SseClient::EventSource => "the browser's EventSource",
                SseClient::Fetch => "our client over fetch",
            };
            let comments = also("; a comment after", keep_alive_ms);
            let silence = also("; gives up after silence of", silence_ms);
            format!("{client}, retry {}{comments}{silence}", time(retry_ms))
        }
    }
}

/// A time that is said only where it is set.
fn also(what: &str, ms: u32) -> String {
    if ms == 0 { String::new() } else { format!("{what} {}", time(ms)) }
}

/// A backoff in words.
fn waits(backoff: Backoff) -> String {
    match backoff {
        Backoff::Fixed { base_ms } => format!("a fixed wait of {}", time(base_ms)),
        Backoff::Exponential { base_ms, cap_ms } => {
            format!("exponential backoff, {} to {}", time(base_ms), time(cap_ms))
        }
        Backoff::FullJitter { base_ms, cap_ms } => {
            format!("full jitter, {} to {}", time(base_ms), time(cap_ms))
        }
        Backoff::EqualJitter { base_ms, cap_ms } => {
            format!("equal jitter, {} to {}", time(base_ms), time(cap_ms))
        }
        Backoff::DecorrelatedJitter { base_ms, cap_ms } => {
            format!("decorrelated jitter, {} to {}", time(base_ms), time(cap_ms))
        }
    }
}

fn publishes(publish: &Publish) -> String {
    match (publish.every_ms, publish.spread) {
        (0, _) => "Events are published by hand".to_owned(),
        (ms, Spread::Fixed) => format!("An event is published every {}", time(ms)),
        (ms, Spread::Poisson) => format!("An event is published about every {}", time(ms)),
    }
}

/// A time as readers have it: `200 ms`, `1.2 s`, `30 s`.
fn time(ms: u32) -> String {
    if ms < 1_000 {
        format!("{ms} ms")
    } else if ms >= 10_000 && ms.is_multiple_of(1_000) {
        format!("{} s", ms / 1_000)
    } else {
        format!("{:.1} s", f64::from(ms) / 1_000.0)
    }
}

/// Text for HTML. An opening brace is written as a reference too: mdBook's own directives are
/// expanded after this one.
pub(crate) fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '{' => out.push_str("&#123;"),
            c => out.push(c),
        }
    }
    out
}

/// JSON for an attribute in single quotes.
pub(crate) fn attribute(json: &str) -> String {
    json.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\'', "&#39;")
        .replace("{{", "&#123;&#123;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Library;
    use crate::recording::tests::recording;

    fn experiment() -> Experiment {
        let mut library = Library::default();
        library.add(
            "x",
            "title = \"Fish & <chips>\"\nlook = \"It's {{#include a}}\\n\\nhere\"\ncontrols = []\n\
             publish = { every_ms = 1200 }\nconditions = { latency_ms = 100 }\n\
             [[lanes]]\ntransport = \"short-poll\"\n[[lanes]]\ntransport = \"websocket\"\n",
        );
        library.get("x").unwrap().clone()
    }

    #[test]
    fn what_the_author_wrote_stays_text() {
        let html = html("x", &experiment(), "x", Some(&recording()));
        assert!(
            html.contains("<strong class=\"standby-still-title\">Fish &amp; &lt;chips&gt;</strong>"),
            "{html}"
        );
        assert!(!html.contains("{{#include") && !html.contains("It's"), "{html}");
        assert!(!html.trim().contains("\n\n"), "a blank line ends the block: {html}");
    }

    #[test]
    fn the_attribute_reads_back_as_the_experiment() {
        let experiment = experiment();
        let html = html("x", &experiment, "x", Some(&recording()));
        let json = html.split('\'').nth(1).unwrap();
        let json =
            json.replace("&#39;", "'").replace("&#123;", "{").replace("&lt;", "<").replace("&gt;", ">");
        let back: Experiment = serde_json::from_str(&json.replace("&amp;", "&")).unwrap();
        assert_eq!(back, experiment);
    }

    #[test]
    fn the_settings_stand_in_words() {
        let html = html("x", &experiment(), "x", Some(&recording()));
        assert!(html.contains("<td>asks every 1.0 s</td>"), "{html}");
        assert!(html.contains("reconnects with full jitter, 1.0 s to 30 s"), "{html}");
        assert!(html.contains("about every 1.2 s; the round trip is 200 ms."), "{html}");
    }
}
