//! What goes over the wire between a topic and its subscribers, as JSON. The same types write it in
//! the server and read it in the machines.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
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
    /// `{"error": {…}}`: the server could not use what we sent.
    Error {
        /// What is wrong.
        title: String,
        /// What to change.
        detail: String,
    },
}
