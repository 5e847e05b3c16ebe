//! What a request's path and query may say. An unknown parameter is ignored; a known one with a bad
//! value, or given twice, is a 400 that says what to change.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use standby_transport::Position;

use crate::Problem;

/// What a topic's name and a subscriber's label look like.
pub const NAME: &str = "1 to 64 of `A-Z a-z 0-9 _ -`";

/// Whether a text is a topic's name or a subscriber's label.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// The one value of a parameter, percent-decoded.
///
/// # Errors
/// It stands there more than once: whichever we took, someone would have meant the other.
pub fn value<'a>(query: Option<&'a str>, name: &str) -> Result<Option<Cow<'a, str>>, Problem> {
    let mut values = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .filter_map(|(key, value)| (key == name).then_some(value));
    let first = values.next();
    if values.next().is_some() {
        return Err(bad(name, "it stands there more than once; give it once."));
    }
    Ok(first)
}

fn bad(name: &str, detail: &str) -> Problem {
    Problem::bad_request("Bad query parameter", format!("`{name}`: {detail}"))
}

/// A whole number within bounds.
fn number(parts: &Parts, name: &str, bounds: &RangeInclusive<u32>) -> Result<Option<u32>, Problem> {
    let Some(text) = value(parts.uri.query(), name)? else { return Ok(None) };
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(n) if digits && bounds.contains(&n) => Ok(Some(n)),
        _ => {
            let (least, most) = (bounds.start(), bounds.end());
            Err(bad(name, &format!("give a whole number from {least} to {most}.")))
        }
    }
}

/// `{topic}` in the path.
#[derive(Clone, Debug)]
pub struct TopicName(pub String);

impl<S: Send + Sync> FromRequestParts<S> for TopicName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let name = Path::<String>::from_request_parts(parts, state).await;
        match name {
            Ok(Path(name)) if is_name(&name) => Ok(Self(name)),
            Ok(_) | Err(PathRejection::FailedToDeserializePathParams(_)) => {
                Err(Problem::bad_request("Bad topic name", format!("A topic's name is {NAME}.")))
            }
            Err(_) => Err(Problem::bad_request("Bad path", format!("A topic's name is {NAME}."))),
        }
    }
}

/// `after=P`: the last id that the subscriber has.
#[derive(Clone, Debug)]
pub struct After(pub Option<Position>);

impl<S: Send + Sync> FromRequestParts<S> for After {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Some(text) = value(parts.uri.query(), "after")? else { return Ok(Self(None)) };
        match text.parse() {
            Ok(position) => Ok(Self(Some(position))),
            Err(e) => Err(bad("after", &format!("{e}."))),
        }
    }
}

/// `timeout_ms=`: how long a long poll may be held.
#[derive(Clone, Copy, Debug)]
pub struct TimeoutMs(pub u32);

impl TimeoutMs {
    /// Where the request says nothing.
    pub const DEFAULT: u32 = 25_000;
}

impl<S: Send + Sync> FromRequestParts<S> for TimeoutMs {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let timeout_ms = number(parts, "timeout_ms", &standby_trace::scenario::bounds::TIMEOUT_MS)?;
        Ok(Self(timeout_ms.unwrap_or(Self::DEFAULT)))
    }
}

/// `retry_ms=`: the reconnection time that an event stream is to name.
#[derive(Clone, Copy, Debug)]
pub struct RetryMs(pub Option<u32>);

impl<S: Send + Sync> FromRequestParts<S> for RetryMs {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        number(parts, "retry_ms", &standby_trace::scenario::bounds::RETRY_MS).map(Self)
    }
}

/// `keep_alive_ms=`: how soon the server keeps a silent connection alive.
#[derive(Clone, Copy, Debug)]
pub struct KeepAliveMs(pub Option<u32>);

impl<S: Send + Sync> FromRequestParts<S> for KeepAliveMs {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        number(parts, "keep_alive_ms", &standby_trace::scenario::bounds::KEEP_ALIVE_MS).map(Self)
    }
}

/// `heartbeat_ms=`: how soon a silent socket is to carry a message that a page can see.
#[derive(Clone, Copy, Debug)]
pub struct HeartbeatMs(pub Option<u32>);

impl<S: Send + Sync> FromRequestParts<S> for HeartbeatMs {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        number(parts, "heartbeat_ms", &standby_trace::scenario::bounds::KEEP_ALIVE_MS).map(Self)
    }
}

/// `sub=`: how the subscriber is named to observers. Known to every request.
///
/// # Errors
/// It is no label.
pub fn check_sub(query: Option<&str>) -> Result<(), Problem> {
    match value(query, "sub")? {
        Some(sub) if !is_name(&sub) => Err(bad("sub", &format!("a label is {NAME}."))),
        _ => Ok(()),
    }
}
