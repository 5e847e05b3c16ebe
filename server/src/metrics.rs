//! `GET /metrics`: what an operator watches, in the Prometheus text format. No topic's name is in
//! it: names are chosen by whoever publishes, and there may be any number of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use tokio::time::Instant;

use crate::rate::Client;
use crate::{AppState, Problem};

/// Counters of one server.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Requests by route and status.
    requests: BTreeMap<(Arc<str>, u16), u64>,
    /// What is held open, by kind.
    held: BTreeMap<&'static str, u64>,
}

/// Something is held open as long as this lives.
#[derive(Debug)]
pub struct Held {
    metrics: Metrics,
    kind: &'static str,
}

impl Metrics {
    /// Counts something that is held open.
    #[must_use]
    pub fn held(&self, kind: &'static str) -> Held {
        *self.counts().held.entry(kind).or_default() += 1;
        Held { metrics: self.clone(), kind }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(n) = self.metrics.counts().held.get_mut(self.kind) {
            *n -= 1;
        }
    }
}

/// Middleware around everything: counts requests by route, of which there are few, never by path;
/// and says in the log, at the level `debug`, what each was answered.
pub async fn count(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let route: Arc<str> = match request.extensions().get::<MatchedPath>() {
        Some(path) => path.as_str().into(),
        None => "".into(),
    };
    let (method, path, began) = (request.method().clone(), request.uri().path().to_owned(), Instant::now());
    let response = next.run(request).await;
    let (status, took) = (response.status().as_u16(), began.elapsed());
    tracing::debug!(%method, path, status, ?took, "answered");
    *app.metrics.counts().requests.entry((route, status)).or_default() += 1;
    response
}

/// The counters, for this machine unless a flag says otherwise.
pub async fn metrics(State(app): State<AppState>, client: Client) -> Result<Response, Problem> {
    if !client.is_this_machine() && !app.config.public_metrics {
        let detail = "Metrics are for programs on the server's own machine. Start it with `--public-metrics` to \
                      show them to everyone.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "Metrics are not public", detail));
    }
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, render(&app)).into_response())
}

fn render(app: &AppState) -> String {
    let mut out = String::new();
    let totals = app.topics.totals();
    let mut one = |name: &str, kind: &str, help: &str, value: u64| {
        // Writing to a `String` cannot fail.
        let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
    };
    one("standby_topics", "gauge", "Topics that live.", totals.topics as u64);
    one("standby_history_bytes", "gauge", "Bytes that all histories hold.", totals.history_bytes as u64);
    one("standby_events_published_total", "counter", "Events published.", totals.published);
    let counts = app.metrics.counts();
    out.push_str(
        "# HELP standby_held Requests, streams and sockets that are held open.\n# TYPE standby_held gauge\n",
    );
    for (kind, n) in &counts.held {
        let _ = writeln!(out, "standby_held{{kind=\"{kind}\"}} {n}");
    }
    out.push_str("# HELP standby_requests_total Answers, by route and status.\n# TYPE standby_requests_total counter\n");
    for ((route, status), n) in &counts.requests {
        let _ = writeln!(out, "standby_requests_total{{route=\"{route}\",status=\"{status}\"}} {n}");
    }
    out
}
