//! `GET /api/topics/{topic}/sse`: Server-Sent Events (HTML §9.2). One response that does not end.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::response::{IntoResponse, Response};
use http_body::Frame as BodyFrame;
use standby_transport::encode::{SSE_KEEP_ALIVE, sse_retry};
use standby_transport::{Frame, Position};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::metrics::Held;
use crate::net::Served;
use crate::query::{After, KeepAliveMs, RetryMs, TopicName};
use crate::subscriber::{Delivery, Subscriber};
use crate::{AppState, Problem};

/// Streams what is published after a position.
#[utoipa::path(
    get,
    path = "/topics/{topic}/sse",
    tag = "topics",
    params(
        crate::openapi::Topic,
        crate::openapi::After,
        crate::openapi::LastEventId,
        crate::openapi::RetryMs,
        crate::openapi::KeepAliveMs,
        crate::openapi::Sub,
    ),
    responses(
        (status = 200, description = "An event stream: `retry:`, then `event: hello` or `event: reset`, \
            then `event: gap` and events as they come, with `id: epoch:n`",
            content_type = "text/event-stream", body = String),
        crate::openapi::HeldProblems,
    )
)]
// ANCHOR: handler
#[expect(clippy::too_many_arguments, reason = "each is a part of the request")]
pub async fn sse(
    State(app): State<AppState>,
    TopicName(topic): TopicName,
    After(after): After,
    RetryMs(retry_ms): RetryMs,
    KeepAliveMs(keep_alive_ms): KeepAliveMs,
    served: Served,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // A browser that reconnects opens the same URL, and says in a header where it got to.
    let after = last_event_id(&headers)?.or(after);
    let body = if method == Method::HEAD {
        // Of no length, like the stream itself.
        Body::from_stream(futures_util::stream::empty::<Result<Bytes, std::convert::Infallible>>())
    } else {
        let retry_ms = served.retry_ms(retry_ms.unwrap_or_else(|| app.config.sse.retry_ms()));
        let (subscriber, opening) = Subscriber::open(app.topics.pin(&topic)?, after.as_ref());
        // In one piece: whoever has read the hello has the reconnection time too.
        let opening = sse_retry(retry_ms) + &opening.to_sse(subscriber.epoch());
        Body::new(EventStream::new(&app, subscriber, opening.into(), keep_alive_ms, served.leaving))
    };
    Ok(([(header::CONTENT_TYPE, "text/event-stream"), (ACCEL_BUFFERING, "no")], body).into_response())
}

/// Where the browser got to, if it says so. An empty header is as none.
fn last_event_id(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    let mut values = headers.get_all("last-event-id").iter();
    let (Some(value), more) = (values.next(), values.next()) else { return Ok(None) };
    let position = match (value.to_str(), more) {
        (Ok(""), None) => return Ok(None),
        (Ok(text), None) => text.parse().ok(),
        _ => None,
    };
    let detail = "Give the last `id:` that you got, `n` or `epoch:n`, once; or leave the header out.";
    position.map(Some).ok_or_else(|| Problem::bad_request("Bad Last-Event-ID", detail))
}
// ANCHOR_END: handler

/// Tells nginx, and what took it over from there, not to collect the stream before passing it on.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

// ANCHOR: stream
/// The body of an event stream: what its subscriber is told, a comment when there was nothing for a
/// while, and an end in order when the server lets it go. Nobody answers a comment: that the client is
/// gone the server hears from TCP, or not at all.
///
/// Written by hand over the topic's history, because a subscriber then costs a cursor and a place in
/// the list of those who wait, instead of a queue of its own.
struct EventStream {
    opening: Option<Bytes>,
    subscriber: Subscriber,
    keep_alive: Duration,
    quiet: Pin<Box<Sleep>>,
    leaving: Pin<Box<WaitForCancellationFutureOwned>>,
    _held: Held,
}

impl EventStream {
    fn new(
        app: &AppState,
        subscriber: Subscriber,
        opening: Bytes,
        keep_alive_ms: Option<u32>,
        leaving: CancellationToken,
    ) -> Self {
        let keep_alive = app.config.keep_alive(keep_alive_ms);
        Self {
            opening: Some(opening),
            subscriber,
            keep_alive,
            quiet: Box::pin(tokio::time::sleep(keep_alive)),
            leaving: Box::pin(leaving.cancelled_owned()),
            _held: app.metrics.held("sse"),
        }
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(opening) = self.opening.take() {
            return Poll::Ready(Some(opening));
        }
        while let Poll::Ready(delivery) = self.subscriber.poll_next(cx) {
            // A topic that comes to life needs no second hello here: each `id:` names its epoch.
            if !matches!(delivery, Delivery::Frame(Frame::Hello(_))) {
                return Poll::Ready(Some(delivery.sse(self.subscriber.epoch())));
            }
        }
        if self.leaving.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        self.quiet.as_mut().poll(cx).map(|()| Some(Bytes::from_static(SSE_KEEP_ALIVE.as_bytes())))
    }
}

impl http_body::Body for EventStream {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, Self::Error>>> {
        let next = self.next(cx);
        if let Poll::Ready(Some(_)) = next {
            let again = Instant::now() + self.keep_alive;
            self.quiet.as_mut().reset(again);
        }
        next.map(|bytes| bytes.map(|bytes| Ok(BodyFrame::data(bytes))))
    }
}
// ANCHOR_END: stream
