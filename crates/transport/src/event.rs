//! What goes over the wire between a topic and its subscribers, as JSON. The same types write it in
//! the server and read it in the machines.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::position::Epoch;

/// One item of a topic. Its JSON is the same on every transport:
/// `{"id":5,"data":{"price":101.25},"published_at":1764000005900}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Its number in the topic: +1 each, from 1.
    pub id: u64,
    /// What was published, kept as the JSON text that it came as.
    pub data: Arc<RawValue>,
    /// When the server took it, in milliseconds since 1970.
    pub published_at: u64,
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        (self.id, self.published_at, self.data.get()) == (other.id, other.published_at, other.data.get())
    }
}

/// Where a subscription goes on from: the first thing that a stream says.
/// A topic that nobody has published to has no epoch yet, and `last_id` 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The topic's life, or `None` where it has none yet.
    pub epoch: Option<Epoch>,
    /// The id before the first event that follows.
    pub last_id: u64,
}

/// Events that a subscriber asked for and that history no longer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The first missing id.
    pub from: u64,
    /// The last missing id.
    pub to: u64,
}

/// The position asked for belongs to another life of the topic; all that history holds follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset {
    /// The topic's life now, or `None` where it has none yet.
    pub epoch: Option<Epoch>,
    /// The id before the first event that follows.
    pub last_id: u64,
}

/// The body of an answer to a short or a long poll.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The topic's life now, or `None` where it has none yet.
    pub epoch: Option<Epoch>,
    /// What was asked for and is no longer held.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gap: Option<Gap>,
    /// The position asked for belongs to another life.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reset: Option<Reset>,
    /// What is new, oldest first.
    pub events: Vec<Event>,
    /// Go on from here.
    pub last_id: u64,
}

/// A text frame from the server, and equally what an SSE event carries: one JSON object.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// `{"hello": {…}}`
    Hello(Hello),
    /// `{"id": …, "data": …, "published_at": …}`
    Event(Event),
    /// `{"gap": {…}}`
    Gap(Gap),
    /// `{"reset": {…}}`
    Reset(Reset),
    /// `{"heartbeat": {…}}`: there is nothing to say, and the connection is there. Only to those who
    /// asked for it (`heartbeat_ms`), because page code can't see a ping.
    Heartbeat(Heartbeat),
    /// `{"error": {…}}`: the server could not use what we sent.
    Error {
        /// What is wrong.
        title: String,
        /// What to change.
        detail: String,
    },
}

impl Frame {
    /// The frame as the server writes it on a WebSocket.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers, strings and JSON text always have a JSON form")
    }

    /// Reads a frame. Members that we don't know are ignored, so that a later server may say more;
    /// a frame without any that we know is an error, because what it meant would be lost in silence.
    ///
    /// # Errors
    /// The text is not one of the six kinds of frame.
    pub fn from_json(text: &str) -> Result<Self, BadFrame> {
        // Not serde's `untagged`: that reads a value into a buffer first, and a `RawValue` can only
        // be had from the text itself.
        let any: AnyFrame = serde_json::from_str(text).map_err(|e| BadFrame(e.to_string()))?;
        if let Some(hello) = any.hello {
            Ok(Self::Hello(hello))
        } else if let Some(gap) = any.gap {
            Ok(Self::Gap(gap))
        } else if let Some(reset) = any.reset {
            Ok(Self::Reset(reset))
        } else if let Some(heartbeat) = any.heartbeat {
            Ok(Self::Heartbeat(heartbeat))
        } else if let Some(Refusal { title, detail }) = any.error {
            Ok(Self::Error { title, detail })
        } else if let (Some(id), Some(data), Some(published_at)) = (any.id, any.data, any.published_at) {
            Ok(Self::Event(Event { id, data, published_at }))
        } else {
            Err(BadFrame("neither an event nor a hello, gap, reset, heartbeat or error".to_owned()))
        }
    }
}

impl Serialize for Frame {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Hello(hello) => serializer.serialize_newtype_variant("Frame", 0, "hello", hello),
            // An event stands bare: it is most of the traffic, and a wrapper would be paid each time.
            Self::Event(event) => event.serialize(serializer),
            Self::Gap(gap) => serializer.serialize_newtype_variant("Frame", 2, "gap", gap),
            Self::Reset(reset) => serializer.serialize_newtype_variant("Frame", 3, "reset", reset),
            Self::Heartbeat(heartbeat) => {
                serializer.serialize_newtype_variant("Frame", 5, "heartbeat", heartbeat)
            }
            Self::Error { title, detail } => {
                let refusal = Refusal { title: title.clone(), detail: detail.clone() };
                serializer.serialize_newtype_variant("Frame", 4, "error", &refusal)
            }
        }
    }
}

/// A sign that the connection is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// The last id that was told on this connection.
    pub last_id: u64,
}

#[derive(Serialize, Deserialize)]
struct Refusal {
    title: String,
    #[serde(default)]
    detail: String,
}

/// Every member that any frame has.
#[derive(Deserialize)]
struct AnyFrame {
    hello: Option<Hello>,
    gap: Option<Gap>,
    reset: Option<Reset>,
    heartbeat: Option<Heartbeat>,
    error: Option<Refusal>,
    id: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    data: Option<Arc<RawValue>>,
    published_at: Option<u64>,
}

/// `null` is data too; serde's `Option` would take it for a missing member.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Arc<RawValue>>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// A text that is no frame, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFrame(pub String);

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is not a frame: {}", self.0)
    }
}

impl std::error::Error for BadFrame {}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Arc<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap().into()
    }

    fn frames() -> Vec<(Frame, &'static str)> {
        let epoch: Epoch = "k3f9".parse().unwrap();
        vec![
            (
                Frame::Hello(Hello { epoch: Some(epoch.clone()), last_id: 4 }),
                r#"{"hello":{"epoch":"k3f9","last_id":4}}"#,
            ),
            (Frame::Hello(Hello { epoch: None, last_id: 0 }), r#"{"hello":{"epoch":null,"last_id":0}}"#),
            (
                Frame::Event(Event {
                    id: 5,
                    data: raw(r#"{"price":101.250}"#),
                    published_at: 1_764_000_005_900,
                }),
                r#"{"id":5,"data":{"price":101.250},"published_at":1764000005900}"#,
            ),
            (
                Frame::Event(Event { id: 6, data: raw("null"), published_at: 0 }),
                r#"{"id":6,"data":null,"published_at":0}"#,
            ),
            (Frame::Gap(Gap { from: 5, to: 9 }), r#"{"gap":{"from":5,"to":9}}"#),
            (
                Frame::Reset(Reset { epoch: Some(epoch), last_id: 0 }),
                r#"{"reset":{"epoch":"k3f9","last_id":0}}"#,
            ),
            (Frame::Heartbeat(Heartbeat { last_id: 9 }), r#"{"heartbeat":{"last_id":9}}"#),
            (
                Frame::Error { title: "Not JSON".into(), detail: "Send one JSON object.".into() },
                r#"{"error":{"title":"Not JSON","detail":"Send one JSON object."}}"#,
            ),
        ]
    }

    #[test]
    fn a_frame_is_written_to_the_byte_as_the_contract_has_it() {
        for (frame, json) in frames() {
            assert_eq!(frame.to_json(), json);
        }
    }

    #[test]
    fn a_frame_reads_back_as_it_was_written() {
        for (frame, json) in frames() {
            assert_eq!(Frame::from_json(json), Ok(frame));
        }
    }

    #[test]
    fn members_of_a_later_server_are_ignored() {
        let later = r#"{"hello":{"epoch":"a","last_id":1,"server":"x"},"more":[1]}"#;
        assert!(matches!(Frame::from_json(later), Ok(Frame::Hello(Hello { last_id: 1, .. }))));
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for text in [
            "",
            "null",
            "[]",
            "{}",
            "5",
            r#"{"id":5}"#,
            r#"{"id":5,"data":1}"#,
            r#"{"id":-1,"data":1,"published_at":1}"#,
            r#"{"hello":{"epoch":"NOT AN EPOCH","last_id":1}}"#,
            r#"{"hello":{"epoch":"a"}}"#,
            r#"{"gap":{"from":1}}"#,
            r#"{"id":5,"data":1,"published_at":1} trailing"#,
        ] {
            assert!(Frame::from_json(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_answer_to_a_poll_leaves_out_the_gap_and_the_reset_that_it_has_not() {
        let mut answer = Answer { epoch: None, gap: None, reset: None, events: vec![], last_id: 0 };
        assert_eq!(serde_json::to_string(&answer).unwrap(), r#"{"epoch":null,"events":[],"last_id":0}"#);
        answer.epoch = Some("k3f9".parse().unwrap());
        answer.gap = Some(Gap { from: 1, to: 4 });
        answer.events.push(Event { id: 5, data: raw("1"), published_at: 7 });
        answer.last_id = 5;
        let json = serde_json::to_string(&answer).unwrap();
        let expected = concat!(
            r#"{"epoch":"k3f9","gap":{"from":1,"to":4},"#,
            r#""events":[{"id":5,"data":1,"published_at":7}],"last_id":5}"#
        );
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<Answer>(&json).unwrap(), answer);
    }
}
