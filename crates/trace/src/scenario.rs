//! The parameters of an experiment.

pub mod bounds;
mod check;
pub(crate) mod read;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::json::{Read, Value};

/// The version that this code reads and writes.
pub const VERSION: u32 = 1;

/// How a subscriber receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Asks again and again, on an interval.
    ShortPoll,
    /// Asks, and the server holds the request until there is news or the time is up.
    LongPoll,
    /// One connection, both ways (RFC 6455).
    #[serde(rename = "websocket")]
    WebSocket,
    /// One response that never ends (HTML §9.2).
    Sse,
}

impl Transport {
    /// All four, in the book's order.
    pub const ALL: [Self; 4] = [Self::ShortPoll, Self::LongPoll, Self::WebSocket, Self::Sse];

    /// Its name in the API and in scenarios.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ShortPoll => "short-poll",
            Self::LongPoll => "long-poll",
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
        }
    }

    /// Its name for readers.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::ShortPoll => "Short polling",
            Self::LongPoll => "Long polling",
            Self::WebSocket => "WebSocket",
            Self::Sse => "SSE",
        }
    }
}

/// How long to wait before attempt number `k` (from 1) after a cut.
/// All times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Backoff {
    /// Always `base_ms`.
    Fixed {
        /// The wait.
        base_ms: u32,
    },
    /// `min(cap, base · 2^(k-1))`.
    Exponential {
        /// The first wait.
        base_ms: u32,
        /// The longest wait.
        cap_ms: u32,
    },
    /// Random between 0 and what exponential would wait.
    FullJitter {
        /// The first wait's upper bound.
        base_ms: u32,
        /// The largest upper bound.
        cap_ms: u32,
    },
    /// Half of what exponential would wait, and a random part of the other half.
    EqualJitter {
        /// The first wait's upper bound.
        base_ms: u32,
        /// The largest upper bound.
        cap_ms: u32,
    },
    /// Random between `base` and three times the wait before, at most `cap`.
    DecorrelatedJitter {
        /// The shortest wait.
        base_ms: u32,
        /// The longest wait.
        cap_ms: u32,
    },
}

/// Who speaks SSE in the browser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SseClient {
    /// The browser's own `EventSource`.
    #[default]
    EventSource,
    /// Our client, over fetch.
    Fetch,
}

/// One subscriber: its transport, and what is set for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "transport", rename_all = "kebab-case")]
pub enum LaneSpec {
    /// Short polling.
    ShortPoll {
        /// From one request's start to the next one's.
        interval_ms: u32,
        /// Whether it sends `If-None-Match`, so that an empty answer is a 304 without a body.
        #[serde(skip_serializing_if = "is_false")]
        conditional: bool,
    },
    /// Long polling.
    LongPoll {
        /// How long the server may hold a request.
        timeout_ms: u32,
        /// The wait after a cut.
        backoff: Backoff,
    },
    /// A WebSocket.
    #[serde(rename = "websocket")]
    WebSocket {
        /// The wait after a cut.
        backoff: Backoff,
        /// The client publishes by itself this often; 0: it does not.
        #[serde(skip_serializing_if = "is_zero")]
        send_every_ms: u32,
        /// The server sends a ping this often, and closes where nothing has come back by the next one;
        /// 0: the server's default.
        #[serde(skip_serializing_if = "is_zero")]
        keep_alive_ms: u32,
        /// The client gives a socket up after so long without a message; 0: never. A page can't see
        /// pings, so with it the client asks for messages that show that the connection is there.
        #[serde(skip_serializing_if = "is_zero")]
        silence_ms: u32,
    },
    /// Server-Sent Events.
    Sse {
        /// The reconnection time that the server sends (`retry:`).
        retry_ms: u32,
        /// Who speaks it.
        client: SseClient,
        /// The server sends a comment after so long without an event; 0: the server's default. No
        /// comment is ever answered: that the client is gone only TCP can tell the server.
        #[serde(skip_serializing_if = "is_zero")]
        keep_alive_ms: u32,
        /// The client gives a stream up after so long without a byte; 0: never. For
        /// [`SseClient::Fetch`] only: an `EventSource` has no such setting.
        #[serde(skip_serializing_if = "is_zero")]
        silence_ms: u32,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(b: &bool) -> bool {
    !b
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl LaneSpec {
    /// The lane's transport.
    #[must_use]
    pub fn transport(&self) -> Transport {
        match self {
            Self::ShortPoll { .. } => Transport::ShortPoll,
            Self::LongPoll { .. } => Transport::LongPoll,
            Self::WebSocket { .. } => Transport::WebSocket,
            Self::Sse { .. } => Transport::Sse,
        }
    }

    /// A lane as the book sets it where nothing else is said.
    #[must_use]
    pub fn default_for(transport: Transport) -> Self {
        let backoff = Backoff::FullJitter { base_ms: 1_000, cap_ms: 30_000 };
        match transport {
            Transport::ShortPoll => Self::ShortPoll { interval_ms: 1_000, conditional: false },
            Transport::LongPoll => Self::LongPoll { timeout_ms: 25_000, backoff },
            Transport::WebSocket => {
                Self::WebSocket { backoff, send_every_ms: 0, keep_alive_ms: 0, silence_ms: 0 }
            }
            Transport::Sse => {
                Self::Sse { retry_ms: 1_500, client: SseClient::EventSource, keep_alive_ms: 0, silence_ms: 0 }
            }
        }
    }
}

/// How long between two events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spread {
    /// Always the same.
    Fixed,
    /// Independent of each other, as a Poisson process: `every_ms` is the mean.
    #[default]
    Poisson,
}

/// What the experiment's publisher publishes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A price that moves: `{"price": 101.25}`.
    #[default]
    Price,
    /// A line in a chat: `{"from": "ada", "text": "…"}`.
    Chat,
    /// A notification: `{"title": "…"}`.
    Notification,
}

/// The experiment's own publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Publish {
    /// The mean time between two events, in milliseconds; 0: only by hand.
    pub every_ms: u32,
    /// How the times between events spread around it.
    pub spread: Spread,
    /// What the events carry.
    pub what: What,
}

/// The network between a subscriber and the server, each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Conditions {
    /// Added to each message, one way, in milliseconds: half a round trip.
    pub latency_ms: u32,
    /// At most this much more, at random, in milliseconds. Order is kept.
    #[serde(skip_serializing_if = "is_zero")]
    pub jitter_ms: u32,
    /// Bytes a second on each connection, each way; 0: no limit.
    #[serde(skip_serializing_if = "is_zero")]
    pub bandwidth_bytes_s: u32,
}

/// Something that goes wrong on a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fault {
    /// Every connection that serves the topic at this moment is reset (TCP RST).
    Drop {
        /// Only the subscriber of this label.
        #[serde(skip_serializing_if = "Option::is_none")]
        sub: Option<String>,
    },
    /// Every connection that serves the topic at this moment goes dead: what either end sends
    /// vanishes, and nothing is reset. Neither end is told; new connections work.
    HalfOpen {
        /// Only the subscriber of this label.
        #[serde(skip_serializing_if = "Option::is_none")]
        sub: Option<String>,
    },
    /// For a while new requests are reset without an answer.
    Refuse {
        /// Only the subscriber of this label.
        #[serde(skip_serializing_if = "Option::is_none")]
        sub: Option<String>,
        /// How long.
        for_ms: u32,
    },
    /// For a while nothing is answered and nothing is sent; a socket's after its 101.
    Stall {
        /// Only the subscriber of this label.
        #[serde(skip_serializing_if = "Option::is_none")]
        sub: Option<String>,
        /// How long.
        for_ms: u32,
    },
    /// For a while new requests are answered 503.
    Unavailable {
        /// Only the subscriber of this label.
        #[serde(skip_serializing_if = "Option::is_none")]
        sub: Option<String>,
        /// How long.
        for_ms: u32,
        /// `Retry-After` in seconds, if it is to be sent.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_s: Option<u32>,
    },
}

/// A fault and when it comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedFault {
    /// Milliseconds after the experiment's start.
    pub at_ms: u32,
    /// What goes wrong.
    #[serde(flatten)]
    pub fault: Fault,
}

/// Many clients instead of one a lane: what their server can take, and what it does to spread them.
///
/// Each lane is a row of its own: [`Scenario::clients`] clients of its settings, with a server of
/// their own, so that rows can be held against each other on one axis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Crowd {
    /// Requests and handshakes that a row's server answers a second.
    pub capacity_s: u32,
    /// Requests and handshakes that can wait for it; what comes on top is turned away.
    pub backlog: u32,
    /// Pollers ask in the same instant; otherwise each begins at a moment of its own.
    #[serde(skip_serializing_if = "is_false")]
    pub in_phase: bool,
    /// What each row's server does, in the order of the lanes; a missing one does nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<Spreading>,
}

/// What a server does so that its clients don't all come back at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Spreading {
    /// It tells each client a wait of its own beforehand, random between 0 and this on top of
    /// [`LaneSpec::Sse::retry_ms`].
    #[serde(skip_serializing_if = "is_zero")]
    pub retry_spread_ms: u32,
    /// Whom it turns away it tells to come back after a random time of at most this (`Retry-After`).
    #[serde(skip_serializing_if = "is_zero")]
    pub retry_after_ms: u32,
    /// Before it stops, it closes the connections one after another over so long. A new one answers
    /// from the drain's beginning on, so that the restart is a handover.
    #[serde(skip_serializing_if = "is_zero")]
    pub drain_ms: u32,
}

/// The parameters of an experiment, version 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Scenario {
    /// Always 1.
    pub v: u32,
    /// The subscribers, 1 to 8.
    pub lanes: Vec<LaneSpec>,
    /// The publisher.
    pub publish: Publish,
    /// The network.
    pub conditions: Conditions,
    /// What goes wrong by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<PlannedFault>,
    /// Clients a lane stands for. Without [`Scenario::crowd`] the lane is one of them, and the others, live
    /// only, are a crowd of the lane's own settings on the same topic.
    #[serde(skip_serializing_if = "is_one")]
    pub clients: u32,
    /// The lanes stand for many clients each, shown as counts over time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crowd: Option<Crowd>,
    /// Of every random choice: the same seed publishes the same events at the same intervals.
    /// At most 2^53 - 1.
    pub seed: u64,
    /// How much time the picture shows, in milliseconds.
    pub window_ms: u32,
}

fn one() -> u32 {
    1
}

fn one_u64() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_one(n: &u32) -> bool {
    *n == 1
}

fn eight_seconds() -> u32 {
    8_000
}

/// What is wrong with a scenario, and what to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadScenario(pub String);

impl fmt::Display for BadScenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadScenario {}

impl Scenario {
    /// Reads a scenario from JSON and checks it. A version of the future is told apart from
    /// nonsense.
    ///
    /// # Errors
    /// The first thing that is wrong, in words for whoever wrote it.
    pub fn from_json(text: &str) -> Result<Self, BadScenario> {
        let bad = |e: &dyn fmt::Display| BadScenario(format!("this is not a scenario: {e}"));
        let tree = Value::parse(text).map_err(|e| bad(&e))?;
        if let Some(v) = tree.get("v").filter(|v| v.is_number() && v.as_u64() != Some(VERSION.into())) {
            return Err(BadScenario(format!(
                "this scenario has version {}; this book reads version {VERSION}",
                v.text()
            )));
        }
        let scenario = Self::read(&tree).map_err(|e| bad(&e))?;
        scenario.check()?;
        Ok(scenario)
    }

    /// The same with fewer clients in each row, whose servers can take less in proportion. Some can always
    /// wait: what comes by chance varies the more the fewer they are.
    #[must_use]
    pub fn with_fewer(&self, clients: u32) -> Self {
        const LEAST_BACKLOG: u32 = 10;
        let part = |n: u32| (u64::from(n) * u64::from(clients)).div_ceil(self.clients.max(1).into()) as u32;
        let mut fewer = Self { clients, ..self.clone() };
        if let Some(crowd) = &mut fewer.crowd {
            let least = LEAST_BACKLOG.min(crowd.backlog);
            (crowd.capacity_s, crowd.backlog) =
                (part(crowd.capacity_s).max(1), part(crowd.backlog).max(least));
        }
        fewer
    }

    /// The label (`sub`) of lane number `index`: its transport's name, with a number from the
    /// second of its kind on (`sse`, `sse-2`).
    #[must_use]
    pub fn sub(&self, index: usize) -> String {
        let transport = self.lanes[index].transport();
        let before = self.lanes[..index].iter().filter(|lane| lane.transport() == transport).count();
        match before {
            0 => transport.name().to_owned(),
            n => format!("{}-{}", transport.name(), n + 1),
        }
    }
}

impl Fault {
    /// The label that this fault is for; `None`: for every subscriber.
    #[must_use]
    pub fn sub(&self) -> Option<&str> {
        match self {
            Self::Drop { sub }
            | Self::HalfOpen { sub }
            | Self::Refuse { sub, .. }
            | Self::Stall { sub, .. }
            | Self::Unavailable { sub, .. } => sub.as_deref(),
        }
    }
}

/// A control in the row below the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// How often the publisher publishes.
    Every,
    /// The round trip.
    RoundTrip,
    /// Bytes a second.
    Bandwidth,
    /// Publish one event now.
    Publish,
    /// Reset all connections.
    Drop,
    /// Let all connections go dead.
    HalfOpen,
    /// Reset new requests for a while.
    Refuse,
    /// Answer nothing for a while.
    Stall,
    /// Answer 503 for a while.
    Unavailable,
}

/// An experiment of the book: a scenario, and how a page presents it. This is what stands, as
/// JSON, in the placeholder's `data-experiment`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Experiment {
    /// Its name in the directive, and its anchor in the page: `a-z 0-9 -`.
    pub name: String,
    /// Its heading.
    pub title: String,
    /// One sentence: what to look at.
    pub look: String,
    /// Its controls, in this order.
    pub controls: Vec<Control>,
    /// Whether it starts when it is scrolled into view; otherwise it waits for Run.
    #[serde(skip_serializing_if = "is_false")]
    pub autostart: bool,
    /// Its parameters.
    pub scenario: Scenario,
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUR: &str = r#"{"v":1,"lanes":[{"transport":"short-poll","interval_ms":1000},{"transport":"long-poll","timeout_ms":25000,"backoff":{"kind":"full-jitter","base_ms":1000,"cap_ms":30000}},{"transport":"websocket","backoff":{"kind":"fixed","base_ms":1000}},{"transport":"sse","retry_ms":1500,"client":"event-source"}],"publish":{"every_ms":1200,"spread":"poisson","what":"price"},"conditions":{"latency_ms":100},"faults":[{"at_ms":3000,"kind":"drop","sub":"sse"}],"seed":7,"window_ms":8000}"#;

    #[test]
    fn version_1_reads_back_as_it_was_written() {
        let scenario = Scenario::from_json(FOUR).unwrap();
        assert_eq!(serde_json::to_string(&scenario).unwrap(), FOUR);
    }

    #[test]
    fn a_scenario_of_the_future_is_told_from_nonsense() {
        let future = Scenario::from_json(&FOUR.replace("\"v\":1", "\"v\":2")).unwrap_err();
        assert_eq!(future.0, "this scenario has version 2; this book reads version 1");
        assert!(Scenario::from_json("{}").unwrap_err().0.starts_with("this is not a scenario"));
    }

    #[test]
    fn what_is_out_of_bounds_is_named_with_its_bounds() {
        let bad =
            Scenario::from_json(&FOUR.replace("\"interval_ms\":1000", "\"interval_ms\":5")).unwrap_err();
        assert_eq!(bad.0, "`interval_ms` is 5; it must be 100 to 60000");
    }

    #[test]
    fn a_keep_alive_reads_back_and_an_event_source_takes_no_silence() {
        let fetch = FOUR.replace(
            r#""client":"event-source""#,
            r#""client":"fetch","keep_alive_ms":2000,"silence_ms":3000"#,
        );
        let fetch = fetch.replace(r#""kind":"drop""#, r#""kind":"half-open""#);
        let scenario = Scenario::from_json(&fetch).unwrap();
        assert_eq!(serde_json::to_string(&scenario).unwrap(), fetch);
        assert_eq!(scenario.faults[0].fault, Fault::HalfOpen { sub: Some("sse".into()) });
        let bad = Scenario::from_json(&fetch.replace(r#""silence_ms":3000"#, r#""silence_ms":999"#));
        assert_eq!(bad.unwrap_err().0, "`silence_ms` is 999; it must be 1000 to 120000");
        let bad = Scenario::from_json(&fetch.replace(r#""client":"fetch""#, r#""client":"event-source""#));
        assert!(bad.unwrap_err().0.contains("EventSource"));
    }

    #[test]
    fn a_crowd_reads_back_and_has_no_more_servers_than_lanes() {
        let crowd = r#""clients":1000,"crowd":{"capacity_s":900,"backlog":128,"servers":[{},{"retry_spread_ms":12000}]},"seed""#;
        let many = FOUR.replace(r#""seed""#, crowd);
        let scenario = Scenario::from_json(&many).unwrap();
        assert_eq!(serde_json::to_string(&scenario).unwrap(), many);
        let bad = Scenario::from_json(&many.replace("[{},", "[{},{},{},{},{},"));
        assert_eq!(bad.unwrap_err().0, "`servers` has 6 entries; there are 4 lanes");
        let bad = Scenario::from_json(&many.replace(r#""capacity_s":900"#, r#""capacity_s":0"#));
        assert_eq!(bad.unwrap_err().0, "`capacity_s` is 0; it must be 1 to 10000000");
    }

    #[test]
    fn without_a_crowd_a_lane_is_one_of_as_many_as_a_server_opens() {
        let of =
            |clients: &str| Scenario::from_json(&FOUR.replace(r#""seed""#, &format!("{clients},\"seed\"")));
        assert_eq!(of(r#""clients":200"#).unwrap().clients, 200);
        for clients in ["0", "2001"] {
            let bad = of(&format!("\"clients\":{clients}")).unwrap_err();
            assert_eq!(bad.0, format!("`clients` without `crowd` is {clients}; it must be 1 to 2000"));
        }
        assert!(of(r#""clients":2001,"crowd":{"capacity_s":900,"backlog":128}"#).is_ok());
    }

    #[test]
    fn with_fewer_clients_the_servers_take_less_in_proportion_and_some_can_still_wait() {
        let crowd = r#""clients":100000,"crowd":{"capacity_s":9000,"backlog":512},"seed""#;
        let many = Scenario::from_json(&FOUR.replace(r#""seed""#, crowd)).unwrap();
        let of = |clients| {
            let fewer = many.with_fewer(clients);
            let Crowd { capacity_s, backlog, .. } = fewer.crowd.unwrap();
            (fewer.clients, capacity_s, backlog)
        };
        assert_eq!(of(2_000), (2_000, 180, 11));
        assert_eq!(of(250), (250, 23, 10));
        assert_eq!(of(1), (1, 1, 10));
        assert_eq!(of(100_000), (100_000, 9_000, 512));
    }

    #[test]
    fn lanes_of_one_kind_are_told_apart_by_their_labels() {
        let mut scenario = Scenario::from_json(FOUR).unwrap();
        scenario.lanes.push(LaneSpec::default_for(Transport::Sse));
        assert_eq!(scenario.sub(0), "short-poll");
        assert_eq!((scenario.sub(3), scenario.sub(4)), ("sse".into(), "sse-2".into()));
    }
}
