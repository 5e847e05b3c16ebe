//! `POST /api/topics/{topic}/events`: publishing by a request.

use std::error::Error;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use standby_transport::Receipt;

use crate::net::BodyTooSlow;
use crate::query::TopicName;
use crate::topics::{Full, Topics};
use crate::{AppState, Problem};

/// What is published.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct NewEvent<'a> {
    /// Any JSON; null is data too.
    #[serde(borrow)]
    #[schema(value_type = serde_json::Value)]
    pub data: &'a RawValue,
    /// While history holds an event with this key, publishing it again answers the same and
    /// publishes nothing. At most 64 characters.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 64)]
    pub key: Option<String>,
}

/// A member that may be left out, but is a string where it stands.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// The answer to a publisher.
#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
pub struct Published {
    /// The event's number in the topic.
    #[schema(example = 17)]
    pub id: u64,
    /// When the server took it, in milliseconds since 1970.
    #[schema(example = 1_764_000_005_900_u64)]
    pub published_at: u64,
}

/// Publishes an event. The topic comes to life with its first one.
#[utoipa::path(
    post,
    path = "/topics/{topic}/events",
    tag = "topics",
    params(crate::openapi::Topic, crate::openapi::Sub),
    request_body = NewEvent<'static>,
    responses(
        (status = 201, description = "Published, or published before with the same key", body = Published),
        crate::openapi::PublishProblems,
    )
)]
// ANCHOR: handler
pub async fn publish(
    State(app): State<AppState>,
    TopicName(topic): TopicName,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Published>), Problem> {
    check_type(&headers)?;
    let body = read_body(body, &headers, app.config.publish_bytes).await?;
    let Receipt { id, published_at, .. } = publish_json(&app.topics, &topic, &body)?;
    Ok((StatusCode::CREATED, Json(Published { id, published_at })))
}
// ANCHOR_END: handler

/// Publishes what a body or a WebSocket's text frame says.
///
/// # Errors
/// It is not what the contract says, or there is no room for another topic.
pub fn publish_json(topics: &Topics, topic: &str, json: &[u8]) -> Result<Receipt, Problem> {
    let event = parse(json)?;
    let receipt = topics.pin(topic).and_then(|topic| topic.publish(event.data, event.key.as_deref()));
    receipt.map_err(Problem::from)
}

impl From<Full> for Problem {
    fn from(full: Full) -> Self {
        let detail =
            format!("There is no room for another topic: {full}. Use a topic that lives, or try again.");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "No room for another topic", detail).retry_after(5)
    }
}

fn parse(json: &[u8]) -> Result<NewEvent<'_>, Problem> {
    let bad = |detail: String| Problem::bad_request("Not an event", detail);
    const SHAPE: &str = r#"Send {"data": any JSON, "key"?: string}"#;
    // A `RawValue` is JSON text, so all of the body has to be UTF-8 (RFC 8259 §8.1).
    let text = std::str::from_utf8(json).map_err(|e| bad(format!("{SHAPE} in UTF-8: {e}.")))?;
    if !text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
        // serde would take an array for a struct, member by member.
        return Err(bad(format!("{SHAPE}: this is not an object.")));
    }
    let event: NewEvent<'_> = serde_json::from_str(text).map_err(|e| bad(format!("{SHAPE}: {e}.")))?;
    match &event.key {
        Some(key) if key.chars().count() > 64 => Err(bad("`key`: at most 64 characters.".to_owned())),
        _ => Ok(event),
    }
}

/// JSON, or nothing said. A form or plain text, which a page may send anywhere without asking, is
/// refused (RFC 9110 §15.5.16).
pub(crate) fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let unsupported = |detail: &'static str| {
        Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type", detail))
    };
    if headers.get_all(header::CONTENT_ENCODING).iter().any(|coding| coding != "identity") {
        return unsupported("Send the body as it is, without a Content-Encoding.");
    }
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let is_json = essence.get(..12).is_some_and(|start| start.eq_ignore_ascii_case("application/"))
        && (essence[12..].eq_ignore_ascii_case("json") || essence.to_ascii_lowercase().ends_with("+json"));
    if is_json { Ok(()) } else { unsupported("Send JSON, with `Content-Type: application/json`.") }
}

/// The whole body, if it is within its bound.
pub(crate) async fn read_body(body: Body, headers: &HeaderMap, most_bytes: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = format!("The body may be at most {most_bytes} bytes.");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "Body too large", detail)
    };
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    let swallow_bytes = most_bytes.saturating_mul(16);
    if declared.is_some_and(|bytes| bytes > swallow_bytes) {
        return Err(too_large());
    }
    let mut body = Limited::new(body, swallow_bytes);
    let mut whole = Vec::new();
    let mut fits = true;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| if e.is::<LengthLimitError>() { too_large() } else { broken(&*e) })?;
        let Ok(data) = frame.into_data() else { continue };
        fits = fits && whole.len() + data.len() <= most_bytes;
        // One that is a little too large is read to its end, and thrown away: closing the
        // connection on what is still to come would lose the answer that says so.
        if fits {
            whole.extend_from_slice(&data);
        }
    }
    if fits { Ok(whole.into()) } else { Err(too_large()) }
}

/// What a body that does not come to its end is answered, if anyone is still there.
fn broken(e: &(dyn Error + Send + Sync + 'static)) -> Problem {
    let mut cause: Option<&(dyn Error + 'static)> = Some(e);
    while let Some(e) = cause {
        if e.is::<BodyTooSlow>() {
            let detail = "Send the whole body, and do so in time.";
            return Problem::new(StatusCode::REQUEST_TIMEOUT, "Body too slow", detail);
        }
        cause = e.source();
    }
    tracing::debug!("a body was broken: {e}");
    Problem::bad_request("Broken body", "Send the body whole, as `Content-Length` or its chunks say.")
}
