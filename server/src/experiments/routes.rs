//! What is asked of experiments. All of it is exempt from their conditions and faults.

use axum::Json;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use standby_trace::tap::{ExperimentStarted, StartExperiment};
use standby_trace::{Conditions, Fault, Publish};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{observe, schema};
use crate::publish::{check_type, read_body};
use crate::query::{self, TopicName};
use crate::rate::{Client, is_forwarded};
use crate::socket::Handshake;
use crate::{AppState, Problem};

/// A scenario is far smaller than this.
const BODY_BYTES: usize = 64 * 1024;
/// What an observer says is far smaller than this.
const MESSAGE_BYTES: usize = 4 * 1024;

/// The routes, to be merged under `/api`.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(steer))
        .routes(routes!(fault))
        .routes(routes!(observe))
}

/// Starts an experiment.
///
/// Its topic is unguessable; its key observes and steers it. With the `key` of an earlier start the
/// topic is the same: an experiment that is still at work takes over the scenario, another begins
/// again. It ends when nobody has observed it for a while.
#[utoipa::path(
    post,
    path = "/experiments",
    tag = "experiments",
    params(crate::openapi::Sub),
    request_body = schema::StartExperiment,
    responses(
        (status = 201, description = "At work", body = schema::ExperimentStarted),
        crate::openapi::PublishProblems,
    )
)]
async fn start(
    State(app): State<AppState>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<ExperimentStarted>), Problem> {
    let start: StartExperiment = read(body, &headers, "Not an experiment").await?;
    let (topic, key) = app.experiments.start(&app, start)?;
    Ok((StatusCode::CREATED, Json(ExperimentStarted { topic, key })))
}

/// What of an experiment can be changed while it is at work; what is left out stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Steering {
    conditions: Option<Conditions>,
    publish: Option<Publish>,
}

/// What is now in force.
#[derive(Debug, Serialize)]
struct InForce {
    conditions: Conditions,
    publish: Publish,
}

/// Changes an experiment's conditions or its publisher.
///
/// Conditions hold for messages that are sent from now on; what is under way arrives as it would
/// have, and none overtakes another.
#[utoipa::path(
    patch,
    path = "/topics/{topic}/experiment",
    tag = "experiments",
    params(crate::openapi::Topic, schema::Key, crate::openapi::Sub),
    request_body = schema::Steering,
    responses(
        (status = 200, description = "What is now in force", body = schema::InForce),
        schema::KeyProblems,
    )
)]
async fn steer(
    State(app): State<AppState>,
    TopicName(topic): TopicName,
    Key(key): Key,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<InForce>, Problem> {
    let experiment = app.experiments.of(&topic, key.as_deref())?;
    let Steering { conditions, publish } = read(body, &headers, "Not a change").await?;
    let checked = conditions.map_or(Ok(()), |conditions| conditions.check());
    checked
        .and_then(|()| publish.map_or(Ok(()), |publish| publish.check()))
        .map_err(|bad| Problem::bad_request("Out of bounds", format!("{bad}.")))?;
    let (conditions, publish) = experiment.change(conditions, publish);
    Ok(Json(InForce { conditions, publish }))
}

/// Lets something go wrong on an experiment's topic.
///
/// `drop` resets the connections that serve it now. `half-open` lets them go dead: what either end
/// sends vanishes, and neither is told. `refuse` resets new requests, `stall` lets
/// nothing out, `unavailable` answers 503, each for a while. Publishing goes on meanwhile.
#[utoipa::path(
    post,
    path = "/topics/{topic}/faults",
    tag = "experiments",
    params(crate::openapi::Topic, schema::Key, crate::openapi::Sub),
    request_body = schema::Fault,
    responses((status = 204, description = "It has begun"), schema::KeyProblems)
)]
async fn fault(
    State(app): State<AppState>,
    TopicName(topic): TopicName,
    Key(key): Key,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let experiment = app.experiments.of(&topic, key.as_deref())?;
    let fault: Fault = read(body, &headers, "Not a fault").await?;
    fault.check().map_err(|bad| Problem::bad_request("Out of bounds", format!("{bad}.")))?;
    experiment.link.begin(&fault);
    Ok(StatusCode::NO_CONTENT)
}

/// Observes an experiment's topic, over a WebSocket.
///
/// Server to client, one JSON object a text frame, with one member that says what it is: first
/// `hello`; then `published` for each event, `app` and `wire` for each message at the application
/// and at the socket, `closed`, `fault`, `changed`, `crowd`; and `missed` where this observer was too slow.
/// Client to server: `{"clock": {"sent": number}}` asks for the server's clock.
#[utoipa::path(
    get,
    path = "/topics/{topic}/observe",
    tag = "experiments",
    params(crate::openapi::Topic, schema::Key, crate::openapi::Sub),
    responses(
        (status = 101, description = "The WebSocket is open"),
        (status = 426, description = "Not a WebSocket handshake", body = crate::problem::ProblemBody<'_>,
            content_type = "application/problem+json"),
        schema::KeyProblems,
    )
)]
async fn observe(
    State(app): State<AppState>,
    TopicName(topic): TopicName,
    Key(key): Key,
    headers: HeaderMap,
    client: Client,
    handshake: Handshake,
) -> Result<Response, Problem> {
    let experiment = app.experiments.of(&topic, key.as_deref())?;
    let proxied = is_forwarded(&headers);
    let tasks = app.tasks.clone();
    Ok(handshake.accept(&tasks, MESSAGE_BYTES, move |socket| {
        observe::observe(app, experiment, client, proxied, socket)
    }))
}

/// `key=`.
pub(crate) struct Key(pub(crate) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(Self(query::value(parts.uri.query(), "key")?.map(std::borrow::Cow::into_owned)))
    }
}

/// A body in JSON, within bounds.
pub(crate) async fn read<T: DeserializeOwned>(
    body: Body,
    headers: &HeaderMap,
    title: &'static str,
) -> Result<T, Problem> {
    check_type(headers)?;
    let body = read_body(body, headers, BODY_BYTES).await?;
    serde_json::from_slice(&body).map_err(|error| Problem::bad_request(title, format!("{error}.")))
}
