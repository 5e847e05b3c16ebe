//! What experiments look like in the OpenAPI document. The types themselves are in the trace crate,
//! which knows nothing of servers.

use std::collections::BTreeMap;

use utoipa::openapi::{RefOr, Response};
use utoipa::{IntoParams, IntoResponses, ToSchema};

/// `key`.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Key {
    /// What starting the experiment answered.
    #[param(pattern = "^[0-9a-f]{32}$")]
    pub key: String,
}

/// What is to be started.
#[derive(Debug, ToSchema)]
pub struct StartExperiment {
    /// The parameters, version 1, as the book's experiments have them: `{"v": 1, "lanes": […],
    /// "publish": {…}, "conditions": {…}, "faults": […], "seed": 1}`.
    pub scenario: serde_json::Map<String, serde_json::Value>,
    /// The key of an earlier start, for the same topic.
    #[schema(pattern = "^[0-9a-f]{32}$", nullable)]
    pub key: Option<String>,
}

/// It is at work.
#[derive(Debug, ToSchema)]
pub struct ExperimentStarted {
    /// The topic: `x-` and a digest of the key.
    #[schema(pattern = "^x-[0-9a-f]{32}$")]
    pub topic: String,
    /// Observes and steers.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub key: String,
}

/// The network between a subscriber and the server, each way.
#[derive(Debug, ToSchema)]
pub struct Conditions {
    /// Added to each message, one way, in milliseconds.
    #[schema(minimum = 0, maximum = 5_000)]
    pub latency_ms: Option<u32>,
    /// At most this much more, at random.
    #[schema(minimum = 0, maximum = 5_000)]
    pub jitter_ms: Option<u32>,
    /// Bytes a second on each connection, each way, 1,000 or more; 0: no limit.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub bandwidth_bytes_s: Option<u32>,
}

/// The publisher.
#[derive(Debug, ToSchema)]
pub struct Publisher {
    /// The mean time between two events in milliseconds, 50 or more; 0: only by hand.
    #[schema(minimum = 0, maximum = 600_000)]
    pub every_ms: u32,
    /// How the times between events spread around it: `fixed` or `poisson`.
    #[schema(pattern = "^(fixed|poisson)$", nullable = false)]
    pub spread: Option<String>,
    /// What the events carry: `price`, `chat` or `notification`.
    #[schema(pattern = "^(price|chat|notification)$", nullable = false)]
    pub what: Option<String>,
}

/// What is to be changed; what is left out stays.
#[derive(Debug, ToSchema)]
pub struct Steering {
    /// The network.
    pub conditions: Option<Conditions>,
    /// The publisher.
    pub publish: Option<Publisher>,
}

/// What is now in force.
#[derive(Debug, ToSchema)]
pub struct InForce {
    /// The network.
    pub conditions: Conditions,
    /// The publisher.
    pub publish: Publisher,
}

/// Something that goes wrong. `for_ms` belongs to all kinds but `drop` and `half-open`.
#[derive(Debug, ToSchema)]
pub struct Fault {
    /// `drop`, `half-open`, `refuse`, `stall` or `unavailable`.
    #[schema(pattern = "^(drop|half-open|refuse|stall|unavailable)$")]
    pub kind: String,
    /// Only the subscriber of this label.
    pub sub: Option<String>,
    /// How long, in milliseconds.
    #[schema(minimum = 100, maximum = 120_000, nullable = false)]
    pub for_ms: Option<u32>,
    /// Only for `unavailable`: `Retry-After`, in seconds.
    pub retry_after_s: Option<u32>,
}

/// What someone with a key may be answered besides.
pub struct KeyProblems;

impl IntoResponses for KeyProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut responses = crate::openapi::PublishProblems::responses();
        let more = [
            (403, "Not the topic's key, or a page of this origin may not do this here"),
            (404, "No experiment is at work on the topic"),
        ];
        for (status, description) in more {
            let mut response = responses.get("400").cloned();
            if let Some(RefOr::T(response)) = &mut response {
                response.description = description.to_owned();
            }
            responses.extend(response.map(|response| (status.to_string(), response)));
        }
        responses
    }
}
