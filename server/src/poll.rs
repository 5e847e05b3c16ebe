//! `GET /api/topics/{topic}/poll`: short polling. The answer comes at once, with news or without.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use standby_transport::PollAnswer;

use crate::AppState;
use crate::query::{After, TopicName};

/// Answers at once with what is new after a position.
#[utoipa::path(
    get,
    path = "/topics/{topic}/poll",
    tag = "topics",
    params(crate::openapi::Topic, crate::openapi::After, crate::openapi::Sub),
    responses(
        crate::openapi::PollAnswers,
        (status = 304, description = "`If-None-Match` names what this answer would be, and nothing is new"),
        crate::openapi::Problems,
    )
)]
// ANCHOR: handler
pub async fn poll(
    State(app): State<AppState>,
    TopicName(topic): TopicName,
    After(after): After,
    headers: HeaderMap,
) -> Response {
    let answer = app.topics.answer(&topic, after.as_ref());
    // A conditional request that has the current answer gets its head only (RFC 9110 §15.4.5).
    if !answer.has_news && names(&headers, &tag(&answer)) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag(&answer))]).into_response();
    }
    respond(answer)
}
// ANCHOR_END: handler

/// The answer to a short or a long poll.
pub fn respond(answer: PollAnswer) -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json), (header::ETAG, tag(&answer))], answer.json).into_response()
}

fn tag(answer: &PollAnswer) -> HeaderValue {
    HeaderValue::try_from(answer.etag()).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// Whether `If-None-Match` names this entity tag: `*`, or a list in which it stands, weak or strong
/// (RFC 9110 §13.1.2).
pub(crate) fn names(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    // Our tags hold no comma, so none of them is cut by splitting.
    lines
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == *etag)
}
