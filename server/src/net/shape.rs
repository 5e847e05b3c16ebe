//! The middleware that makes an experiment's topic a slow and faulty place: it claims each exchange
//! for the topic's observers, holds messages back as the conditions say, and lets the faults at work
//! have their way. Observing and steering a topic isn't touched by it.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body::Body as _;
use standby_trace::tap::{Exchange, Via};
use tokio::time::{Instant, sleep_until};

use super::ConnHandle;
use super::body::{ShapedBody, Watched};
use super::faults::Verdict;
use super::pipe::Pipe;
use super::row::Served;
use crate::experiments::PREFIX;
use crate::{AppState, Problem, crowd, query};

/// Middleware for all that is under `/api`, outermost: so preflights and refusals are seen too, and
/// the heads that it delays are whole. Requests that are not for an experiment's topic pass.
pub async fn shape(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    let Some((topic, via)) = target(&request) else { return next.run(request).await };
    let Some(ConnHandle(conn)) = request.extensions().get::<ConnHandle>().cloned() else {
        return next.run(request).await;
    };
    let link = app.experiments.link(topic);
    let sub = parameter(&request, "sub").filter(|label| query::is_name(label)).map(Cow::into_owned);
    let n = parameter(&request, "n").and_then(|n| n.parse().ok());
    let exchange = Exchange { conn: 0, request: 0, via, sub: sub.clone(), n };
    // Nobody could look at what a crowd says.
    let seen = !request.headers().get(crowd::HEADER).is_some_and(|secret| app.crowds.is_theirs(secret));
    let number = conn.serve(&link, exchange, seen);

    // On its way to the server. Each exchange has jitter of its own.
    let seed = conn.id << 20 | number << 1;
    let arrives = {
        let now = Instant::now();
        Pipe::new(now, seed).send(now, request_bytes(&request), &link.conditions())
    };
    sleep_until(arrives).await;
    let mut verdict = link.verdict(via, sub.as_deref());
    if let Some(row) = link.row(sub.as_deref()) {
        verdict = row.look_at(verdict, via).await;
        request.extensions_mut().insert(Served::by(row, &conn, &app.shutdown));
    }
    if verdict == Verdict::Refuse {
        conn.reset();
        // Nobody will read it: the connection ends before.
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    conn.app_got_head(number);
    let (method, version) = (request.method().clone(), request.version());
    let response = match verdict {
        Verdict::Unavailable { retry_after_s } => unavailable(retry_after_s).into_response(),
        _ => {
            if !request.body().is_end_stream() {
                let conn = Arc::clone(&conn);
                request = request.map(|inner| Body::new(Watched { inner, conn, request: number }));
            }
            next.run(request).await
        }
    };

    // And on its way back.
    let (parts, body) = response.into_parts();
    let pipe = Pipe::new(Instant::now(), seed | 1);
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        conn.upgrade(Arc::clone(&link), sub.clone());
    }
    let mut body = ShapedBody::new(body, conn, link, sub, number, pipe);
    body.send_head(&parts, &method, version).await;
    Response::from_parts(parts, Body::new(body))
}

fn unavailable(retry_after_s: Option<u32>) -> Problem {
    let problem = Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "Unavailable on purpose",
        "This experiment has the server answer 503 for a while. Try again later.",
    );
    match retry_after_s {
        Some(seconds) => problem.retry_after(seconds),
        None => problem,
    }
}

/// The experiment's topic that a request is for, and what it does there.
fn target(request: &Request) -> Option<(&str, Via)> {
    let mut segments = request.uri().path().rsplit('/');
    let (verb, topic, topics) = (segments.next()?, segments.next()?, segments.next()?);
    if topics != "topics" || !topic.starts_with(PREFIX) || !query::is_name(topic) {
        return None;
    }
    let via = match verb {
        "poll" => Via::ShortPoll,
        "long-poll" => Via::LongPoll,
        "ws" => Via::WebSocket,
        "sse" => Via::Sse,
        "events" => Via::Publish,
        _ => return None,
    };
    Some((topic, if request.method() == Method::OPTIONS { Via::Preflight } else { via }))
}

/// A parameter of the query; a bad one is the handler's to complain of.
fn parameter<'a>(request: &'a Request, name: &str) -> Option<Cow<'a, str>> {
    query::value(request.uri().query(), name).ok().flatten()
}

/// How long the request is, with its body.
fn request_bytes(request: &Request) -> usize {
    let target = request.uri().path_and_query().map_or(1, |target| target.as_str().len());
    let line = request.method().as_str().len() + target + " HTTP/1.1\r\n".len() + 1;
    let fields: usize =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let length = request.headers().get(header::CONTENT_LENGTH);
    let body = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok()).unwrap_or(0);
    // A body is bounded by its handler; what it is not allowed to have does not slow it down.
    line + fields + 2 + body.min(1 << 20)
}
