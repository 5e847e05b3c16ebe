//! What a browser sends of its own: the headers of each kind of request, in its order.
//!
//! Recorded from real browsers, or learned from a live run of the reader's own. What changes from
//! request to request stands as a placeholder: `{host}`, `{origin}`, `{referer}`, `{key}`,
//! `{length}`, `{etag}`, `{last-event-id}`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use standby_trace::scenario::{LaneSpec, SseClient};
use standby_trace::tap::{Part, Via};
use standby_trace::trace::{Direction, Kind, Trace};

/// A kind of request, as far as browsers send different headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// A poll, short or long: a fetch.
    Poll,
    /// One with `If-None-Match`.
    ConditionalPoll,
    /// A stream over fetch.
    Stream,
    /// One that goes on, with `Last-Event-ID`.
    StreamAgain,
    /// A stream of the browser's own `EventSource`.
    EventSource,
    /// One that it reconnects, with `Last-Event-ID`.
    EventSourceAgain,
    /// A WebSocket's handshake.
    Handshake,
    /// A POST that publishes.
    Publish,
}

impl Form {
    /// The form of a request. `event_source`: it is the browser's own.
    #[must_use]
    pub fn of(via: Via, head: &[u8], event_source: bool) -> Option<Self> {
        let head = std::str::from_utf8(head).ok()?;
        let has = |name| lines(head).any(|(line, _)| line.eq_ignore_ascii_case(name));
        Some(match (via, has("If-None-Match"), has("Last-Event-ID")) {
            (Via::ShortPoll | Via::LongPoll, false, _) => Self::Poll,
            (Via::ShortPoll | Via::LongPoll, true, _) => Self::ConditionalPoll,
            (Via::Sse, _, false) if event_source => Self::EventSource,
            (Via::Sse, _, true) if event_source => Self::EventSourceAgain,
            (Via::Sse, _, false) => Self::Stream,
            (Via::Sse, _, true) => Self::StreamAgain,
            (Via::WebSocket, ..) => Self::Handshake,
            (Via::Publish, ..) => Self::Publish,
            (Via::Preflight, ..) => return None,
        })
    }

    /// The form of a lane's first request.
    #[must_use]
    pub fn first_of(lane: &LaneSpec) -> Self {
        match lane {
            LaneSpec::ShortPoll { .. } | LaneSpec::LongPoll { .. } => Self::Poll,
            LaneSpec::WebSocket { .. } => Self::Handshake,
            LaneSpec::Sse { client: SseClient::EventSource, .. } => Self::EventSource,
            LaneSpec::Sse { client: SseClient::Fetch, .. } => Self::Stream,
        }
    }

    /// The form of the same request when it says where it stands.
    fn again(self) -> Option<Self> {
        match self {
            Self::Poll => Some(Self::ConditionalPoll),
            Self::Stream => Some(Self::StreamAgain),
            Self::EventSource => Some(Self::EventSourceAgain),
            _ => None,
        }
    }
}

/// What one browser sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Which browser, and its version.
    pub browser: String,
    /// So often it sends a cut request again on a connection that was new. On one that it had used
    /// before, all do.
    pub resends: u32,
    /// Between two WebSocket handshakes to one host, which browsers do one at a time.
    pub handshake_pause_ms: u32,
    /// The fields, as they stand in a head, by the kind of request.
    heads: BTreeMap<Form, Vec<String>>,
    /// The forms that were learned, and are not as they were recorded.
    #[serde(skip)]
    pub learned: Vec<Form>,
    #[serde(skip, default = "here")]
    host: String,
    #[serde(skip, default = "page_bytes")]
    page_bytes: usize,
}

fn here() -> String {
    "localhost:3000".to_owned()
}

fn page_bytes() -> usize {
    "http://localhost:3000/".len()
}

/// What of a request differs each time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked<'a> {
    pub(super) target: &'a str,
    pub(super) etag: Option<&'a str>,
    pub(super) last_event_id: Option<&'a str>,
    pub(super) key: &'a str,
    pub(super) body_bytes: usize,
}

impl Profile {
    /// Chromium, as it was recorded.
    #[must_use]
    pub fn chromium() -> Self {
        Self::built_in(include_str!("../../profiles/chromium.json"))
    }

    /// Firefox, as it was recorded.
    #[must_use]
    pub fn firefox() -> Self {
        Self::built_in(include_str!("../../profiles/firefox.json"))
    }

    /// WebKit, as it was recorded.
    #[must_use]
    pub fn webkit() -> Self {
        Self::built_in(include_str!("../../profiles/webkit.json"))
    }

    /// The one that is nearest to a browser with this `User-Agent`.
    #[must_use]
    pub fn nearest(user_agent: &str) -> Self {
        if user_agent.contains("Firefox/") {
            Self::firefox()
        } else if user_agent.contains("Chrome/") {
            Self::chromium()
        } else {
            Self::webkit()
        }
    }

    fn built_in(json: &str) -> Self {
        // A test reads each of them.
        serde_json::from_str(json).unwrap_or_else(|_| Self::empty(String::new()))
    }

    /// One that is still to be learned.
    #[must_use]
    pub fn empty(browser: String) -> Self {
        Self {
            browser,
            resends: 0,
            handshake_pause_ms: 0,
            heads: BTreeMap::new(),
            learned: Vec::new(),
            host: here(),
            page_bytes: page_bytes(),
        }
    }

    /// What a browser sent in a recorded run, on top of `self`: a form that the run had no occasion
    /// for stays as it was. A trace has no requests that publish.
    #[must_use]
    pub fn learned_from(mut self, trace: &Trace) -> Self {
        for message in &trace.messages {
            let lane = usize::from(message.lane);
            let event_source = matches!(
                trace.scenario.lanes.get(lane),
                Some(LaneSpec::Sse { client: SseClient::EventSource, .. })
            );
            let outside = trace.lanes.get(lane).is_some_and(|lane| lane.outside);
            if message.direction != Direction::ToServer || message.kind != Kind::Request || outside {
                continue;
            }
            let pieces = message.pieces.iter().filter_map(|&id| trace.piece(id));
            for piece in pieces.filter(|piece| piece.part == Part::RequestHead) {
                self.learn(piece.via, &piece.bytes, event_source);
            }
        }
        self
    }

    /// What a browser sent in one request. Says whether it is one that a profile knows.
    pub fn learn(&mut self, via: Via, head: &[u8], event_source: bool) -> bool {
        let Some(form) = Form::of(via, head, event_source) else { return false };
        let Ok(text) = std::str::from_utf8(head) else { return false };
        let mut fields = Vec::new();
        for (name, value) in lines(text) {
            let value = match name.to_ascii_lowercase().as_str() {
                "host" => {
                    value.clone_into(&mut self.host);
                    "{host}"
                }
                "referer" => {
                    self.page_bytes = value.len();
                    "{referer}"
                }
                "origin" => "{origin}",
                "content-length" => "{length}",
                "sec-websocket-key" => "{key}",
                "if-none-match" => "{etag}",
                "last-event-id" => "{last-event-id}",
                _ => value,
            };
            fields.push(format!("{name}: {value}"));
        }
        self.learn_again(form, &fields);
        self.heads.insert(form, fields);
        if !self.learned.contains(&form) {
            self.learned.push(form);
        }
        true
    }

    /// Whether a form was learned.
    #[must_use]
    pub fn knows(&self, form: Form) -> bool {
        self.learned.contains(&form)
    }

    /// A browser that comes back sends what it sent before, with one field more: until that is seen, the
    /// field stands where it stands in what was recorded.
    fn learn_again(&mut self, form: Form, fields: &[String]) {
        let Some(again) = form.again().filter(|again| !self.knows(*again)) else { return };
        let Some(recorded) = self.heads.get_mut(&again) else { return };
        let is_more = |field: &String| field.ends_with("{last-event-id}") || field.ends_with("{etag}");
        let Some(at) = recorded.iter().position(is_more) else { return };
        let name = |field: &str| field.split(':').next().unwrap_or_default().to_owned();
        let before = at.checked_sub(1).map(|at| name(&recorded[at]));
        let place = fields.iter().position(|field| Some(name(field)) == before);
        let more = recorded[at].clone();
        *recorded = fields.to_vec();
        recorded.insert(place.map_or(fields.len(), |place| place + 1), more);
    }

    /// The same browser, with the server at `host` and its page at the URL `page`.
    #[must_use]
    pub fn at(mut self, host: &str, page: &str) -> Self {
        host.clone_into(&mut self.host);
        // A fragment is never sent.
        self.page_bytes = page.split('#').next().unwrap_or_default().len();
        self
    }

    /// The head that this profile has for what another head asks: for holding the two against each
    /// other. Nothing, where it is none of its forms.
    #[must_use]
    pub fn recompose(&self, via: Via, head: &[u8], event_source: bool) -> Vec<u8> {
        let (Some(form), Ok(text)) = (Form::of(via, head, event_source), std::str::from_utf8(head)) else {
            return Vec::new();
        };
        let value = |wanted: &str| {
            lines(text).find_map(|(name, value)| name.eq_ignore_ascii_case(wanted).then_some(value))
        };
        self.head(
            form,
            &Asked {
                target: text.split(' ').nth(1).unwrap_or_default(),
                etag: value("If-None-Match"),
                last_event_id: value("Last-Event-ID"),
                key: value("Sec-WebSocket-Key").unwrap_or_default(),
                body_bytes: value("Content-Length").and_then(|length| length.parse().ok()).unwrap_or(0),
            },
        )
    }

    /// The page's own origin: the server's.
    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.host)
    }

    /// Whether it says the page's origin with such a request.
    pub(super) fn says_origin(&self, form: Form) -> bool {
        self.heads.get(&form).is_some_and(|fields| fields.iter().any(|field| field.ends_with(": {origin}")))
    }

    /// A request's head. The page's URL is masked, as the server's tap does it.
    pub(super) fn head(&self, form: Form, asked: &Asked<'_>) -> Vec<u8> {
        let method = if form == Form::Publish { "POST" } else { "GET" };
        let mut head = format!("{method} {} HTTP/1.1\r\n", asked.target);
        for field in self.heads.get(&form).into_iter().flatten() {
            let (name, value) = field.split_once(": ").unwrap_or((field, ""));
            let value = match value {
                "{host}" => self.host.clone(),
                "{origin}" => self.origin(),
                "{referer}" => "*".repeat(self.page_bytes),
                "{length}" => asked.body_bytes.to_string(),
                "{key}" => asked.key.to_owned(),
                "{etag}" => asked.etag.unwrap_or_default().to_owned(),
                "{last-event-id}" => asked.last_event_id.unwrap_or_default().to_owned(),
                other => other.to_owned(),
            };
            // Writing to a `String` cannot fail.
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

/// The fields of a head.
fn lines(head: &str) -> impl Iterator<Item = (&str, &str)> {
    head.lines().skip(1).filter_map(|line| line.split_once(':').map(|(name, value)| (name, value.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_sends_when_it_comes_back_follows_from_what_it_sent() {
        let mut profile = Profile::chromium();
        assert!(!profile.knows(Form::EventSource));
        let head = b"GET /a HTTP/1.1\r\nHost: example.org\r\nsec-ch-ua-mobile: ?1\r\nX-Mine: 7\r\n\r\n";
        assert!(profile.learn(Via::Sse, head, true));
        assert!(profile.knows(Form::EventSource) && !profile.knows(Form::EventSourceAgain));
        let again = b"GET /a HTTP/1.1\r\nHost: example.org\r\nsec-ch-ua-mobile: ?1\r\nLast-Event-ID: e:7\r\nX-Mine: 7\r\n\r\n";
        assert_eq!(profile.recompose(Via::Sse, again, true), again);
        // What was seen stays, whatever comes before it again.
        let seen = b"GET /a HTTP/1.1\r\nHost: example.org\r\nLast-Event-ID: e:7\r\nX-Mine: 7\r\n\r\n";
        profile.learn(Via::Sse, seen, true);
        profile.learn(Via::Sse, head, true);
        assert_eq!(profile.recompose(Via::Sse, seen, true), seen);
    }
}
