//! What is asked of crowds. Whoever has an experiment's key may.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use standby_trace::scenario::{BadScenario, Crowd, LaneSpec, Spreading};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::keeper::Wish;
use crate::experiments::{Key, read, schema};
use crate::net::row::RowServer;
use crate::query::{self, TopicName};
use crate::{AppState, Problem};

/// As many as a scenario has lanes.
const ROWS: u16 = 8;
/// A minute is more than enough to see them come.
const LONGEST_RAMP_MS: u32 = 60_000;
const LONGEST_HOLD_MS: u32 = 600_000;

/// The routes, to be merged under `/api`.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(start, stop))
}

/// What is to be opened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StartCrowd {
    /// How many clients.
    #[schema(minimum = 1)]
    clients: u32,
    /// What each of them is, as a lane of a scenario: `{"transport": "sse", "retry_ms": 1500}`.
    #[schema(value_type = serde_json::Map<String, serde_json::Value>)]
    lane: LaneSpec,
    /// They begin one after another within so long, in milliseconds; 0: all at once.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 60_000)]
    ramp_ms: u32,
    /// How long they stay after that, in milliseconds. They go before, when nobody observes.
    #[serde(default = "a_minute")]
    #[schema(minimum = 0, maximum = 600_000, default = 60_000)]
    hold_ms: u32,
    /// Which of the topic's crowds it is; it takes the place of the one that was there.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 7)]
    row: u16,
    /// Pollers that begin together ask together; otherwise each has a moment of its own within the
    /// interval.
    #[serde(default)]
    in_phase: bool,
    /// What their server can take, and what it does so that they don't all come back at once. Without it
    /// they meet what everybody meets.
    #[schema(nullable = false)]
    server: Option<StartRowServer>,
}

/// The server of one crowd. Nobody but the clients of the crowd's label meets it.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct StartRowServer {
    /// Requests and handshakes that it answers a second; 0: as many as come. What is beyond that waits,
    /// and what can't wait is turned away: a stream's request is reset, a poll's answered 503. So that they can
    /// come before they come back, the first request of each does not count.
    #[schema(minimum = 0, maximum = 10_000_000)]
    capacity_s: u32,
    /// So many can wait.
    #[schema(minimum = 0, maximum = 1_000_000)]
    backlog: u32,
    /// Each event stream's `retry:` is longer by a random time of at most this, in milliseconds; 0: each
    /// is told what it asked for.
    #[schema(minimum = 0, maximum = 120_000)]
    retry_spread_ms: u32,
    /// Who is turned away is answered 503 with a random `Retry-After` of at most this, in milliseconds,
    /// rounded up to seconds; 0: without one.
    #[schema(minimum = 0, maximum = 120_000)]
    retry_after_ms: u32,
    /// A `drop` does not cut its connections, but lets them go one after another over so long, in
    /// milliseconds, each as its transport ends: an event stream with its last chunk, a held poll with an
    /// empty answer, a WebSocket with 1001. New ones are answered meanwhile, and `refuse` is not felt. 0:
    /// they are cut.
    #[schema(minimum = 0, maximum = 120_000)]
    drain_ms: u32,
}

impl StartRowServer {
    fn check(self) -> Result<(), BadScenario> {
        let Self { capacity_s, backlog, .. } = self;
        self.spreading().check()?;
        // As of a scenario's crowd, which has no "as many as come".
        Crowd { capacity_s: capacity_s.max(1), backlog, in_phase: false, servers: Vec::new() }.check(0)
    }

    fn spreading(self) -> Spreading {
        let Self { retry_spread_ms, retry_after_ms, drain_ms, .. } = self;
        Spreading { retry_spread_ms, retry_after_ms, drain_ms }
    }

    pub(super) fn build(self, clients: u32, seed: u64) -> RowServer {
        RowServer::new((self.capacity_s, self.backlog), self.spreading(), clients, seed)
    }
}

fn a_minute() -> u32 {
    60_000
}

/// They have begun.
#[derive(Debug, Serialize, ToSchema)]
struct CrowdStarted {
    /// The label of all its clients, for faults.
    #[schema(pattern = "^crowd-[0-7]$")]
    sub: String,
    /// How many clients.
    clients: u32,
    /// How many this server opens at most, in all.
    cap: u32,
}

/// Which crowd.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes the parameter")]
struct RowOf {
    /// Only the crowd of this row.
    #[param(minimum = 0, maximum = 7)]
    row: Option<u16>,
}

/// Has this machine open many real clients of an experiment's topic.
///
/// They come from a process of its own over loopback. Conditions and faults act on them as on all;
/// observers hear of them by `crowd` records, one each tenth of a second, and not message by message.
/// They end after their time, when nobody has observed for some seconds, and with the experiment.
#[utoipa::path(
    post,
    path = "/topics/{topic}/crowd",
    tag = "experiments",
    params(crate::openapi::Topic, schema::Key, crate::openapi::Sub),
    request_body = StartCrowd,
    responses((status = 201, description = "They have begun", body = CrowdStarted), schema::KeyProblems)
)]
async fn start(
    State(app): State<AppState>,
    TopicName(topic): TopicName,
    Key(key): Key,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<CrowdStarted>), Problem> {
    let experiment = app.experiments.of(&topic, key.as_deref())?;
    let StartCrowd { clients, lane, ramp_ms, hold_ms, row, in_phase, server } =
        read(body, &headers, "Not a crowd").await?;
    let bounds = [
        ("clients", clients, 1, u32::MAX),
        ("ramp_ms", ramp_ms, 0, LONGEST_RAMP_MS),
        ("hold_ms", hold_ms, 0, LONGEST_HOLD_MS),
        ("row", row.into(), 0, u32::from(ROWS - 1)),
    ];
    if let Some((name, value, least, most)) =
        bounds.into_iter().find(|(_, value, least, most)| !(least..=most).contains(&value))
    {
        let detail = format!("`{name}` is {value}; it must be {least} to {most}.");
        return Err(Problem::bad_request("Out of bounds", detail));
    }
    lane.check()
        .and_then(|()| server.map_or(Ok(()), StartRowServer::check))
        .map_err(|bad| Problem::bad_request("Out of bounds", format!("{bad}.")))?;
    let wish = Wish { row, clients, lane, ramp_ms, hold_ms, in_phase, server };
    let (sub, cap) = app.crowds.start(&app, &experiment, wish).await?;
    Ok((StatusCode::CREATED, Json(CrowdStarted { sub, clients, cap })))
}

/// Ends an experiment's crowds, or the one of a row.
#[utoipa::path(
    delete,
    path = "/topics/{topic}/crowd",
    tag = "experiments",
    params(crate::openapi::Topic, schema::Key, crate::openapi::Sub, RowOf),
    responses((status = 204, description = "They are gone"), schema::KeyProblems)
)]
async fn stop(
    State(app): State<AppState>,
    TopicName(topic): TopicName,
    Key(key): Key,
    uri: axum::http::Uri,
) -> Result<StatusCode, Problem> {
    let experiment = app.experiments.of(&topic, key.as_deref())?;
    let row = match query::value(uri.query(), "row")? {
        None => None,
        Some(row) => match row.parse::<u16>() {
            Ok(row) if row < ROWS => Some(row),
            _ => {
                let detail = format!("`row` must be 0 to {}.", ROWS - 1);
                return Err(Problem::bad_request("Out of bounds", detail));
            }
        },
    };
    experiment.crowd.end(row).await;
    Ok(StatusCode::NO_CONTENT)
}
