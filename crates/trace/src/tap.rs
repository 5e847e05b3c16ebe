//! What the server tells an observer of a topic: its half of a live trace.
//!
//! One JSON object a text frame, each with one member that says what it is (`{"wire": {…}}`).
//! Times are microseconds on the server's own monotonic clock; `clock` brings them onto another.
//!
//! A message has two moments in the server: when the application sent or got it (`app`), and when
//! the socket took or gave it (`wire`). Between them lie the conditions. `app` is told at once, so
//! that a picture can show a message under way; `wire` brings the bytes. The two are joined by
//! `(conn, direction, seq)`.

use serde::{Deserialize, Serialize};

use crate::crowd::{Cost, Tally, cost, tally};
use crate::json::{Members, Value, Wrong, read_by_hand};
use crate::scenario::read::{conditions, fault, lane, publish};
use crate::scenario::{Conditions, Fault, LaneSpec, Publish, Transport};
use crate::trace::{Direction, Kind};

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// `…/poll`
    ShortPoll,
    /// `…/long-poll`
    LongPoll,
    /// `…/ws`
    #[serde(rename = "websocket")]
    WebSocket,
    /// `…/sse`
    Sse,
    /// `POST …/events`
    Publish,
    /// A browser's question before a request (`OPTIONS`).
    Preflight,
}

impl Via {
    /// The transport, where it is one.
    #[must_use]
    pub fn transport(self) -> Option<Transport> {
        match self {
            Self::ShortPoll => Some(Transport::ShortPoll),
            Self::LongPoll => Some(Transport::LongPoll),
            Self::WebSocket => Some(Transport::WebSocket),
            Self::Sse => Some(Transport::Sse),
            Self::Publish | Self::Preflight => None,
        }
    }
}

/// Which exchange a record belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// The TCP connection: a number of the server's, never used twice in one life of it.
    pub conn: u64,
    /// Which request on that connection, from 1.
    pub request: u64,
    /// What it is for.
    pub via: Via,
    /// The subscriber's label, where it gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The subscriber's own number of the exchange (`n=` in the query), where it gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<u64>,
}

/// A part of the conversation as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Request line and headers, to the empty line.
    RequestHead,
    /// A request's body, or as much of it as arrived together.
    RequestBody,
    /// Status line and headers, to the empty line.
    ResponseHead,
    /// A body whose length the head told.
    ResponseBody,
    /// One chunk with its size line and both line ends (RFC 9112 §7.1).
    Chunk,
    /// The last chunk and the empty line.
    LastChunk,
    /// One WebSocket frame (RFC 6455 §5.2).
    Frame,
}

/// The application's end of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct App {
    /// Which exchange.
    #[serde(flatten)]
    pub exchange: Exchange,
    /// Which way.
    pub direction: Direction,
    /// Its number on this connection and way, from 0.
    pub seq: u64,
    /// What part of the conversation it is.
    pub part: Part,
    /// When the application sent or got it.
    pub at_us: u64,
    /// What it is.
    pub kind: Kind,
    /// The ids of the events that it carries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<u64>,
    /// A response head's status code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// The socket's end of a message, with its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wire {
    /// Which exchange.
    #[serde(flatten)]
    pub exchange: Exchange,
    /// Which way.
    pub direction: Direction,
    /// Its number on this connection and way, from 0.
    pub seq: u64,
    /// What part of the conversation it is.
    pub part: Part,
    /// When the socket gave or took its last byte.
    pub at_us: u64,
    /// The bytes, in base64 (RFC 4648 §4). The values of Cookie, Authorization, Referer and
    /// forwarding headers are masked by as many `*`.
    #[serde(serialize_with = "base64_bytes::serialize")]
    pub bytes: Vec<u8>,
    /// Bytes of it that were not kept, because it is larger than what the tap holds.
    #[serde(skip_serializing_if = "is_zero")]
    pub cut_bytes: u64,
}

fn is_zero<N: Default + PartialEq>(n: &N) -> bool {
    *n == N::default()
}

pub(crate) mod base64_bytes {
    use serde::Serializer;

    use crate::base64::STANDARD;
    use crate::json::{Members, Wrong};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(crate) fn read(of: &Members<'_>, name: &str) -> Result<Vec<u8>, Wrong> {
        let text = of.text(name)?;
        STANDARD.decode(text).ok_or_else(|| Wrong::new(format!("`{name}` is not base64")))
    }
}

/// Who ended a connection, as the server's end saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClosedBy {
    /// The client closed it or vanished.
    Client,
    /// The server closed it in order.
    Server,
    /// A fault reset it.
    Fault,
}

/// What an observer is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToObserver {
    /// The first frame.
    Hello {
        /// The topic.
        topic: String,
        /// Its life, or `None` where nothing was published yet.
        epoch: Option<String>,
        /// Its last id.
        last_id: u64,
        /// The server's clock now.
        server_us: u64,
        /// The conditions in force.
        conditions: Conditions,
        /// The publisher.
        publish: Publish,
        /// The observer came through a proxy: the bytes are those between proxy and server.
        proxied: bool,
    },
    /// The answer to a question about the clock.
    Clock {
        /// What the observer sent, unchanged.
        echo: i64,
        /// The server's clock when it got the question.
        server_us: u64,
    },
    /// An event came to the topic.
    Published {
        /// Its number.
        id: u64,
        /// Its time on the wall, in milliseconds since 1970.
        published_at: u64,
        /// The server's clock at that moment.
        at_us: u64,
        /// The life of the topic that it belongs to.
        epoch: String,
    },
    /// The application's end of a message.
    App(App),
    /// The socket's end of a message.
    Wire(Wire),
    /// A connection that served the topic ended.
    Closed {
        /// The exchange that it served last.
        #[serde(flatten)]
        exchange: Exchange,
        /// When.
        at_us: u64,
        /// Who ended it.
        by: ClosedBy,
    },
    /// A fault began.
    Fault {
        /// Which.
        fault: Fault,
        /// When.
        at_us: u64,
        /// When it will be over; the same for what has no length.
        until_us: u64,
        /// How many connections it hit at once.
        connections: u32,
    },
    /// Conditions or publisher were changed.
    Changed {
        /// The conditions now in force.
        conditions: Conditions,
        /// The publisher now.
        publish: Publish,
    },
    /// What a crowd did within one tenth of a second.
    Crowd(CrowdTally),
    /// This observer was too slow, and so many records were left out here.
    Missed {
        /// How many.
        records: u64,
    },
}

/// One tally of a crowd. Each says all that is needed to place it, so that none depends on another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CrowdTally {
    /// Which row it is, from 0.
    pub row: u16,
    /// How many clients there are.
    pub clients: u32,
    /// What each of them is.
    pub lane: LaneSpec,
    /// When the crowd's first tally began.
    pub from_us: u64,
    /// Which tally it is, from 0.
    pub index: u32,
    /// What happened.
    pub tally: Tally,
    /// What the server used, about once a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

read_by_hand! {
    ToObserver: to_observer,
    ExperimentStarted: started,
}

fn to_observer(value: &Value<'_>) -> Result<ToObserver, Wrong> {
    let record = value.as_object().and_then(|record| record.first());
    let (name, value) = record.ok_or_else(|| Wrong::new("a record has one member that says what it is"))?;
    let of = Members::of("a record", value)?;
    Ok(match name.as_ref() {
        "hello" => ToObserver::Hello {
            topic: of.text("topic")?.to_owned(),
            epoch: of.maybe_text("epoch")?.map(str::to_owned),
            last_id: of.u64("last_id")?,
            server_us: of.u64("server_us")?,
            conditions: conditions(of.need("conditions")?)?,
            publish: publish(of.need("publish")?)?,
            proxied: of.flag("proxied")?,
        },
        "clock" => ToObserver::Clock { echo: of.i64("echo")?, server_us: of.u64("server_us")? },
        "published" => ToObserver::Published {
            id: of.u64("id")?,
            published_at: of.u64("published_at")?,
            at_us: of.u64("at_us")?,
            epoch: of.text("epoch")?.to_owned(),
        },
        "app" => ToObserver::App(App {
            exchange: exchange(&of)?,
            direction: of.name("direction")?,
            seq: of.u64("seq")?,
            part: of.name("part")?,
            at_us: of.u64("at_us")?,
            kind: of.name("kind")?,
            events: of.numbers("events")?,
            status: of.maybe_u16("status")?,
        }),
        "wire" => ToObserver::Wire(Wire {
            exchange: exchange(&of)?,
            direction: of.name("direction")?,
            seq: of.u64("seq")?,
            part: of.name("part")?,
            at_us: of.u64("at_us")?,
            bytes: base64_bytes::read(&of, "bytes")?,
            cut_bytes: of.maybe_u64("cut_bytes")?.unwrap_or(0),
        }),
        "closed" => {
            ToObserver::Closed { exchange: exchange(&of)?, at_us: of.u64("at_us")?, by: of.name("by")? }
        }
        "fault" => ToObserver::Fault {
            fault: fault(of.need("fault")?)?,
            at_us: of.u64("at_us")?,
            until_us: of.u64("until_us")?,
            connections: of.u32("connections")?,
        },
        "changed" => ToObserver::Changed {
            conditions: conditions(of.need("conditions")?)?,
            publish: publish(of.need("publish")?)?,
        },
        "crowd" => ToObserver::Crowd(CrowdTally {
            row: of.maybe_u16("row")?.unwrap_or(0),
            clients: of.u32("clients")?,
            lane: lane(of.need("lane")?)?,
            from_us: of.u64("from_us")?,
            index: of.u32("index")?,
            tally: tally(of.need("tally")?)?,
            cost: of.get("cost").map(cost).transpose()?,
        }),
        "missed" => ToObserver::Missed { records: of.u64("records")? },
        other => return Err(Wrong::new(format!("an observer knows no record {other:?}"))),
    })
}

fn started(value: &Value<'_>) -> Result<ExperimentStarted, Wrong> {
    let of = Members::of("what was started", value)?;
    Ok(ExperimentStarted { topic: of.text("topic")?.to_owned(), key: of.text("key")?.to_owned() })
}

fn exchange(of: &Members<'_>) -> Result<Exchange, Wrong> {
    Ok(Exchange {
        conn: of.u64("conn")?,
        request: of.u64("request")?,
        via: of.name("via")?,
        sub: of.maybe_text("sub")?.map(str::to_owned),
        n: of.maybe_u64("n")?,
    })
}

/// What an observer may say.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FromObserver {
    /// Asks for the server's clock.
    Clock {
        /// The observer's own clock, in any unit; sent back unchanged.
        sent: i64,
    },
}

/// `POST /api/experiments`: starts one, or starts it again after the server was away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StartExperiment {
    /// The parameters. The server uses its publisher, conditions, faults and seed.
    pub scenario: crate::scenario::Scenario,
    /// The key of an experiment that this server no longer knows: the same key gives the same
    /// topic, so that the lanes can go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// The answer to [`StartExperiment`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExperimentStarted {
    /// The topic, unguessable: a digest of the key.
    pub topic: String,
    /// Observes and steers the topic. Whoever knows only the topic can't.
    pub key: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(record: &ToObserver, json: &str) {
        assert_eq!(serde_json::to_string(record).unwrap(), json);
        assert_eq!(&serde_json::from_str::<ToObserver>(json).unwrap(), record);
    }

    #[test]
    fn a_record_is_one_object_that_says_what_it_is() {
        let exchange =
            Exchange { conn: 7, request: 2, via: Via::LongPoll, sub: Some("long-poll".into()), n: Some(3) };
        round_trip(
            &ToObserver::Wire(Wire {
                exchange: exchange.clone(),
                direction: Direction::ToClient,
                seq: 4,
                part: Part::Chunk,
                at_us: 12,
                bytes: b"0\r\n\r\n".to_vec(),
                cut_bytes: 0,
            }),
            r#"{"wire":{"conn":7,"request":2,"via":"long-poll","sub":"long-poll","n":3,"direction":"to-client","seq":4,"part":"chunk","at_us":12,"bytes":"MA0KDQo="}}"#,
        );
        round_trip(
            &ToObserver::Closed { exchange, at_us: 9, by: ClosedBy::Fault },
            r#"{"closed":{"conn":7,"request":2,"via":"long-poll","sub":"long-poll","n":3,"at_us":9,"by":"fault"}}"#,
        );
        round_trip(
            &ToObserver::Fault { fault: Fault::Drop { sub: None }, at_us: 1, until_us: 1, connections: 4 },
            r#"{"fault":{"fault":{"kind":"drop"},"at_us":1,"until_us":1,"connections":4}}"#,
        );
        assert_eq!(
            serde_json::from_str::<FromObserver>(r#"{"clock":{"sent":15}}"#).unwrap(),
            FromObserver::Clock { sent: 15 }
        );
    }
}
