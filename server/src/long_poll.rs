//! `GET /api/topics/{topic}/long-poll`: the server holds the request until there is news, or the
//! time is up.

use std::pin::pin;
use std::time::Duration;

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use standby_transport::Position;
use tokio::time::Instant;

use crate::net::Served;
use crate::poll::respond;
use crate::query::{After, TimeoutMs, TopicName};
use crate::{AppState, Problem};

/// Answers with what is new after a position, as soon as there is something.
#[utoipa::path(
    get,
    path = "/topics/{topic}/long-poll",
    tag = "topics",
    params(crate::openapi::Topic, crate::openapi::After, crate::openapi::TimeoutMs, crate::openapi::Sub),
    responses(crate::openapi::PollAnswers, crate::openapi::HeldProblems)
)]
// ANCHOR: handler
pub async fn long_poll(
    State(app): State<AppState>,
    TopicName(topic): TopicName,
    After(after): After,
    TimeoutMs(timeout_ms): TimeoutMs,
    served: Served,
    method: Method,
) -> Result<Response, Problem> {
    let topic = app.topics.pin(&topic)?;
    let until = Instant::now() + Duration::from_millis(timeout_ms.into());
    let mut time_up = pin!(tokio::time::sleep_until(until));

    // Without a position it waits for what is published from now on: later looks must not move on
    // with the topic.
    let after = after.unwrap_or_else(|| {
        let (epoch, id) = topic.head();
        Position { epoch, id }
    });
    let _held = app.metrics.held("long-poll");
    loop {
        // First the ticket, then the look: what is published in between is not missed.
        let news = topic.news();
        let answer = topic.answer(Some(&after));
        if answer.has_news || method == Method::HEAD {
            return Ok(respond(answer));
        }
        tokio::select! {
            () = news => {}
            () = &mut time_up => return Ok(respond(answer)),
            () = served.leaving.cancelled() => return Ok(respond(answer)),
        }
    }
}
// ANCHOR_END: handler
