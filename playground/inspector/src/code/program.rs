//! The programs, and how a lane's settings come into them. Pure.
//!
//! They are whole files that tests run against a real server. Only what their constants are set to is
//! changed here, so what the reader copies is what was tested.

use standby_trace::scenario::{Backoff, LaneSpec, SseClient};

/// A language that a program is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// Rust.
    Rust,
    /// JavaScript.
    JavaScript,
}

/// A program, ready to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// Its text.
    pub(crate) text: String,
    /// How to run it.
    pub(crate) run: &'static str,
}

const SHORT_POLL_RS: &str = include_str!("../../../../crates/transport/examples/short_poll.rs");
const LONG_POLL_RS: &str = include_str!("../../../../crates/transport/examples/long_poll.rs");
const WEBSOCKET_RS: &str = include_str!("../../../../crates/transport/examples/websocket.rs");
const SSE_RS: &str = include_str!("../../../../crates/transport/examples/sse.rs");
const SHORT_POLL_MJS: &str = include_str!("../../code/short-poll.mjs");
const LONG_POLL_MJS: &str = include_str!("../../code/long-poll.mjs");
const WEBSOCKET_MJS: &str = include_str!("../../code/websocket.mjs");
const SSE_EVENT_SOURCE_MJS: &str = include_str!("../../code/sse-event-source.mjs");
const SSE_FETCH_MJS: &str = include_str!("../../code/sse-fetch.mjs");

const RUN_RS: &str = "cargo add reqwest serde_json tokio -F tokio/full && cargo run";
const RUN_WEBSOCKET_RS: &str =
    "cargo add futures-util serde_json tokio tokio-tungstenite -F tokio/full && cargo run";
const RUN_MJS: &str = "node client.mjs (Node 20 or newer), or paste it into this page's console";
const RUN_WEBSOCKET_MJS: &str = "node client.mjs (Node 22 or newer), or paste it into this page's console";
const RUN_BROWSER: &str = "paste it into this page's console: only browsers have an EventSource";

/// The program for a lane of a topic: `topic_url` is `http://…/api/topics/NAME`.
pub(crate) fn program(lane: &LaneSpec, language: Language, topic_url: &str) -> Program {
    let rust = language == Language::Rust;
    let url = format!("{topic_url:?}");
    let (text, run, constants) = match *lane {
        LaneSpec::ShortPoll { interval_ms, conditional, .. } => (
            if rust { SHORT_POLL_RS } else { SHORT_POLL_MJS },
            if rust { RUN_RS } else { RUN_MJS },
            vec![("INTERVAL_MS", interval_ms.to_string()), ("CONDITIONAL", conditional.to_string())],
        ),
        LaneSpec::LongPoll { timeout_ms, backoff, .. } => (
            if rust { LONG_POLL_RS } else { LONG_POLL_MJS },
            if rust { RUN_RS } else { RUN_MJS },
            vec![("TIMEOUT_MS", timeout_ms.to_string()), ("BACKOFF", waits(backoff, language))],
        ),
        LaneSpec::WebSocket { backoff, .. } => (
            if rust { WEBSOCKET_RS } else { WEBSOCKET_MJS },
            if rust { RUN_WEBSOCKET_RS } else { RUN_WEBSOCKET_MJS },
            vec![("BACKOFF", waits(backoff, language))],
        ),
        LaneSpec::Sse { retry_ms, client, .. } => (
            match client {
                _ if rust => SSE_RS,
                SseClient::EventSource => SSE_EVENT_SOURCE_MJS,
                SseClient::Fetch => SSE_FETCH_MJS,
            },
            match client {
                _ if rust => RUN_RS,
                SseClient::EventSource => RUN_BROWSER,
                SseClient::Fetch => RUN_MJS,
            },
            vec![("RETRY_MS", retry_ms.to_string())],
        ),
    };
    let constants = constants.into_iter().chain([("TOPIC_URL", url)]);
    let text = constants.fold(text.to_owned(), |text, (name, value)| set(&text, name, &value));
    Program { text, run }
}

/// A backoff as the program has it.
fn waits(backoff: Backoff, language: Language) -> String {
    let (kind, base_ms, cap_ms) = match backoff {
        Backoff::Fixed { base_ms } => ("fixed", base_ms, base_ms),
        Backoff::Exponential { base_ms, cap_ms } => ("exponential", base_ms, cap_ms),
        Backoff::FullJitter { base_ms, cap_ms } => ("full-jitter", base_ms, cap_ms),
        Backoff::EqualJitter { base_ms, cap_ms } => ("equal-jitter", base_ms, cap_ms),
        Backoff::DecorrelatedJitter { base_ms, cap_ms } => ("decorrelated-jitter", base_ms, cap_ms),
    };
    match language {
        Language::Rust => format!("({kind:?}, {base_ms}, {cap_ms})"),
        Language::JavaScript => format!("{{ kind: {kind:?}, base_ms: {base_ms}, cap_ms: {cap_ms} }}"),
    }
}

/// Sets a constant to something else; what stands behind it in its line stays.
fn set(text: &str, name: &str, value: &str) -> String {
    let mut out = String::with_capacity(text.len() + value.len());
    for line in text.split_inclusive('\n') {
        match constant(line, name) {
            Some((before, behind)) => {
                out.push_str(before);
                out.push_str(value);
                out.push_str(behind);
            }
            None => out.push_str(line),
        }
    }
    out
}

/// What stands before and behind the value of `const NAME… = VALUE;`.
fn constant<'a>(line: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let rest = line.strip_prefix("const ")?.strip_prefix(name)?;
    if !rest.starts_with([':', ' ']) {
        return None;
    }
    let value = line.find(" = ")? + 3;
    let end = value + line.get(value..)?.find(';')?;
    Some((line.get(..value)?, line.get(end..)?))
}

#[cfg(test)]
mod tests {
    use standby_trace::Transport;

    use super::*;

    const URL: &str = "https://example.org/api/topics/k3f9";

    fn lanes() -> Vec<LaneSpec> {
        let mut lanes: Vec<LaneSpec> = Transport::ALL.into_iter().map(LaneSpec::default_for).collect();
        let fetch = r#"{"transport": "sse", "retry_ms": 2000, "client": "fetch"}"#;
        lanes.push(serde_json::from_str(fetch).unwrap());
        lanes
    }

    #[test]
    fn with_the_files_own_settings_a_program_is_the_tested_file() {
        let file = |text: &str, name: &str, value: &str| {
            assert_eq!(text.lines().filter(|line| constant(line, name).is_some()).count(), 1, "{name}");
            assert_eq!(set(text, name, value), text, "{name}");
        };
        let url = "\"http://127.0.0.1:3000/api/topics/news\"";
        let backoff = Backoff::FullJitter { base_ms: 1_000, cap_ms: 30_000 };
        for text in [SHORT_POLL_RS, LONG_POLL_RS, WEBSOCKET_RS, SSE_RS, SHORT_POLL_MJS, LONG_POLL_MJS]
            .into_iter()
            .chain([WEBSOCKET_MJS, SSE_EVENT_SOURCE_MJS, SSE_FETCH_MJS])
        {
            file(text, "TOPIC_URL", url);
        }
        for text in [LONG_POLL_MJS, WEBSOCKET_MJS] {
            file(text, "BACKOFF", &waits(backoff, Language::JavaScript));
        }
        for text in [LONG_POLL_RS, WEBSOCKET_RS] {
            file(&text.replace('_', ""), "BACKOFF", &waits(backoff, Language::Rust).replace('_', ""));
        }
    }

    #[test]
    fn every_program_is_for_the_topic_and_set_as_the_lane() {
        for lane in lanes() {
            for language in [Language::Rust, Language::JavaScript] {
                let text = program(&lane, language, URL).text;
                assert!(text.contains(&format!("= {URL:?};")), "{text}");
                assert!(!text.contains("127.0.0.1"), "{text}");
            }
        }
        let lane = LaneSpec::ShortPoll { interval_ms: 250, conditional: false };
        let text = program(&lane, Language::Rust, URL).text;
        assert!(text.contains("const INTERVAL_MS: u64 = 250;\n"), "{text}");
        assert!(text.contains("const CONDITIONAL: bool = false;\n"), "{text}");
        let text = program(&lane, Language::JavaScript, URL).text;
        assert!(text.contains("const CONDITIONAL = false; // An answer"), "{text}");
    }

    #[test]
    fn every_way_to_wait_is_one_that_the_programs_know() {
        for (backoff, kind) in [
            (Backoff::Fixed { base_ms: 500 }, "fixed"),
            (Backoff::Exponential { base_ms: 500, cap_ms: 9_000 }, "exponential"),
            (Backoff::FullJitter { base_ms: 500, cap_ms: 9_000 }, "full-jitter"),
            (Backoff::EqualJitter { base_ms: 500, cap_ms: 9_000 }, "equal-jitter"),
        ] {
            for text in [LONG_POLL_RS, LONG_POLL_MJS, WEBSOCKET_RS, WEBSOCKET_MJS] {
                assert!(text.contains(&format!("{kind:?}")), "{kind}");
            }
            assert!(waits(backoff, Language::Rust).starts_with(&format!("({kind:?}, 500, ")));
        }
    }

    #[test]
    fn a_topics_url_stays_within_its_quotes() {
        let text = program(&lanes()[0], Language::JavaScript, "http://x\"; alert(1); \"").text;
        assert!(text.contains(r#"= "http://x\"; alert(1); \"";"#), "{text}");
    }
}
