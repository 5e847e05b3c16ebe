//! `GET /api/openapi.json`: the whole API, as OpenAPI. What several operations have in common
//! stands here; each operation is described where it is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::IntoResponse as _;
use axum::{Extension, Json};
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoParams, IntoResponses, OpenApi, ToSchema};

use crate::Problem;
use crate::problem::ProblemBody;

/// What the document says besides the operations.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Standby",
        description = "Topics of numbered events over four transports, and the experiments that watch them. \
                       Errors are RFC 9457 problem details. An unknown query parameter is ignored; a known one \
                       with a bad value is a 400.",
        license(name = "MIT OR Apache-2.0"),
    ),
    components(schemas(ProblemBody<'static>, Answer, Event, Gap, Reset)),
    servers((url = "/api")),
    tags(
        (name = "topics", description = "Publishing, and the four ways to receive"),
        (name = "experiments", description = "A topic with its own publisher, network and observers"),
        (name = "besides", description = "Whether the server is there, and what it is"),
    ),
)]
pub struct Document;

/// The document itself.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "besides",
    params(Sub),
    responses((status = 200, description = "This document", body = serde_json::Value), Problems)
)]
pub async fn openapi(
    Extension(document): Extension<Arc<utoipa::openapi::OpenApi>>,
) -> axum::response::Response {
    Json(&*document).into_response()
}

/// `{topic}`.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct Topic {
    /// The topic's name.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "prices")]
    pub topic: String,
}

/// `sub`.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Sub {
    /// Names the subscriber to observers.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "lane-1")]
    pub sub: Option<String>,
}

/// `after`.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct After {
    /// The last id that the subscriber has, `n` or `epoch:n`. Without it: what is published from now on.
    #[param(pattern = "^([a-z0-9]{1,16}:)?[0-9]+$", example = "k3f9:17")]
    pub after: Option<String>,
}

/// `timeout_ms`.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TimeoutMs {
    /// How long the request may be held, in milliseconds.
    #[param(minimum = 0, maximum = 60_000, default = 25_000)]
    pub timeout_ms: Option<u32>,
}

/// `retry_ms`.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RetryMs {
    /// The reconnection time that the stream is to name, in milliseconds.
    #[param(minimum = 500, maximum = 60_000)]
    pub retry_ms: Option<u32>,
}

/// `keep_alive_ms` of a stream.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct KeepAliveMs {
    /// After so long without an event the stream gets a comment, in milliseconds; the server has a
    /// default. No comment is ever answered: that the client is gone only TCP can tell.
    #[param(minimum = 500, maximum = 120_000)]
    pub keep_alive_ms: Option<u32>,
}

/// `keep_alive_ms` and `heartbeat_ms` of a socket.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Pings {
    /// The server pings this often, in milliseconds, and closes the socket with 1011 where nothing
    /// has come from the client by the next ping; the server has a default.
    #[param(minimum = 500, maximum = 120_000)]
    pub keep_alive_ms: Option<u32>,
    /// After so long without another message the server sends `{"heartbeat": {"last_id"}}`, in
    /// milliseconds, because page code can't see a ping. Without it there are none.
    #[param(minimum = 500, maximum = 120_000)]
    pub heartbeat_ms: Option<u32>,
}

/// `Last-Event-ID`.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct LastEventId {
    /// The last `id:` that the browser got. It wins over `after`; an empty one is as none.
    #[param(rename = "Last-Event-ID", example = "k3f9:17")]
    pub last_event_id: Option<String>,
}

/// The answer to a poll.
#[derive(Debug, IntoResponses)]
#[response(
    status = 200,
    description = "What is new after the position, an empty list if nothing is; go on from `last_id`",
    headers(("ETag" = String, description = "The answer's epoch and `last_id`"))
)]
pub struct PollAnswers(#[to_schema] pub Answer);

/// The body of an answer to a short or a long poll.
#[derive(Debug, ToSchema)]
pub struct Answer {
    /// The topic's life now; null where no one has published to it yet.
    #[schema(pattern = "^[a-z0-9]{1,16}$", example = "k3f9")]
    pub epoch: Option<String>,
    /// Only where something that was asked for is no longer held.
    #[schema(nullable = false)]
    pub gap: Option<Gap>,
    /// Only where the position belongs to another life of the topic.
    #[schema(nullable = false)]
    pub reset: Option<Reset>,
    /// What is new, oldest first.
    pub events: Vec<Event>,
    /// Go on from here.
    #[schema(example = 17)]
    pub last_id: u64,
}

/// An event.
#[derive(Debug, ToSchema)]
pub struct Event {
    /// Its number in the topic.
    #[schema(example = 17)]
    pub id: u64,
    /// What was published.
    pub data: serde_json::Value,
    /// When the server took it, in milliseconds since 1970.
    #[schema(example = 1_764_000_005_900_u64)]
    pub published_at: u64,
}

/// Events that history no longer holds.
#[derive(Debug, ToSchema)]
pub struct Gap {
    /// The first missing id.
    pub from: u64,
    /// The last missing id.
    pub to: u64,
}

/// The topic began a new life; all that history holds follows.
#[derive(Debug, ToSchema)]
pub struct Reset {
    /// The topic's life now; null where no one has published to it yet.
    pub epoch: Option<String>,
    /// The id before the first event that follows.
    pub last_id: u64,
}

/// What any request may be answered.
#[derive(Debug)]
pub struct Problems;

/// What is no WebSocket handshake is answered besides.
#[derive(Debug)]
pub struct SocketProblems;

/// What a request that is held may be answered besides.
#[derive(Debug)]
pub struct HeldProblems;

/// What a request that publishes may be answered besides.
#[derive(Debug)]
pub struct PublishProblems;

const ANY: &[(u16, &str)] = &[
    (400, "A known parameter has a bad value, or the topic's name is none"),
    (421, "The server does not answer to this `Host`"),
    (429, "Too many requests from one address; `Retry-After` says when to come back"),
    (503, "The server is at capacity; `Retry-After` says when to come back"),
];

const STRANGER: (u16, &str) = (403, "A page of this origin may not do this here");

fn problems(list: &[(u16, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let problem = |(status, description): &(u16, &str)| {
        let body = Content::new(Some(Ref::from_schema_name(ProblemBody::name())));
        let response = ResponseBuilder::new().description(*description);
        (status.to_string(), response.content(Problem::MEDIA_TYPE, body).build().into())
    };
    list.iter().map(problem).collect()
}

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(ANY)
    }
}

impl IntoResponses for HeldProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[ANY, &[STRANGER]].concat())
    }
}

impl IntoResponses for SocketProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[ANY, &[STRANGER, (426, "Not a WebSocket handshake")]].concat())
    }
}

impl IntoResponses for PublishProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let more = [
            STRANGER,
            (408, "The body did not come in time"),
            (413, "The body is larger than 64 KiB"),
            (415, "The body is not JSON"),
        ];
        problems(&[ANY, &more].concat())
    }
}
