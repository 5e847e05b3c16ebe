//! Where a subscriber stands in a topic: the last id that it has, and the life of the topic that
//! the id belongs to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One life of a topic: 1 to 16 of `a-z 0-9`.
///
/// Ids start again at 1 when a topic is born again (the server restarted, or the topic was let go).
/// The epoch keeps an id of the dead life from being taken for one of the new.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(Box<str>);

impl Epoch {
    /// The longest epoch, in characters.
    pub const MAX_LEN: usize = 16;

    /// The epoch as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Epoch {
    type Err = BadPosition;

    fn from_str(text: &str) -> Result<Self, BadPosition> {
        let good = (1..=Self::MAX_LEN).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if good { Ok(Self(text.into())) } else { Err(BadPosition) }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Epoch({})", self.0)
    }
}

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The last id that a subscriber has, written `n` or `epoch:n`.
///
/// A bare `n` can't give away a dead life of the topic, so clients name the epoch as soon as they
/// know it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The life of the topic that `id` belongs to, where the subscriber knows it.
    pub epoch: Option<Epoch>,
    /// The last id that the subscriber has; 0 before the first event.
    pub id: u64,
}

impl Position {
    /// The position before the first event of whatever life the topic is in.
    pub const START: Self = Self { epoch: None, id: 0 };

    /// A position in a known life of the topic.
    #[must_use]
    pub fn new(epoch: Epoch, id: u64) -> Self {
        Self { epoch: Some(epoch), id }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.epoch {
            Some(epoch) => write!(f, "{epoch}:{}", self.id),
            None => write!(f, "{}", self.id),
        }
    }
}

impl FromStr for Position {
    type Err = BadPosition;

    /// Reads `n` or `epoch:n`. Signs, spaces and ids past `u64` are errors.
    fn from_str(text: &str) -> Result<Self, BadPosition> {
        let (epoch, id) = match text.split_once(':') {
            Some((epoch, id)) => (Some(epoch.parse()?), id),
            None => (None, text),
        };
        // `u64::from_str` would take a leading `+`.
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(BadPosition);
        }
        Ok(Self { epoch, id: id.parse().map_err(|_| BadPosition)? })
    }
}

/// A text that is neither `n` nor `epoch:n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadPosition;

impl fmt::Display for BadPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a position is the last id that you have, as `n` or `epoch:n` (an epoch is 1 to 16 of a-z 0-9)",
        )
    }
}

impl std::error::Error for BadPosition {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_as_it_was_written() {
        for text in ["0", "17", "k3f9:0", "k3f9:18446744073709551615"] {
            assert_eq!(text.parse::<Position>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_position_is_refused() {
        for text in [
            "",
            ":",
            ":1",
            "k:",
            "K:1",
            "k:1:2",
            "+1",
            "-1",
            " 1",
            "1 ",
            "1.0",
            "18446744073709551616",
            "abcdefghijklmnopq:1",
            "é:1",
        ] {
            assert_eq!(text.parse::<Position>(), Err(BadPosition), "{text:?}");
        }
    }
}
