//! The server put together: what handlers share, the routes, and what stands around them.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::book::{self, Book, NoBook};
use crate::crowd::{self, Crowds};
use crate::experiments::{self, Experiments};
use crate::metrics::Metrics;
use crate::openapi::Document;
use crate::rate::Rates;
use crate::{
    Config, Problem, Topics, echo, health, host, long_poll, metrics, net, openapi, origin, poll, publish,
    query, rate, reload, sse, ws,
};

/// What every handler shares. Cloning it clones references.
#[derive(Clone)]
pub struct AppState {
    /// Every topic.
    pub topics: Arc<Topics>,
    /// Every experiment, and the network of its topic.
    pub experiments: Experiments,
    /// Who may have many clients opened, and how many there are.
    pub crowds: Crowds,
    /// The flags that the server was started with.
    pub config: Arc<Config>,
    /// Where the book comes from.
    pub book: Arc<Book>,
    /// What was counted.
    pub metrics: Metrics,
    /// How much each address may still send.
    pub rates: Arc<Rates>,
    /// Open WebSockets: they outlive the requests that opened them, and are waited for at the end.
    pub tasks: TaskTracker,
    /// Cancelled when the server is to stop: held requests end, streams and sockets close.
    pub shutdown: CancellationToken,
}

/// The whole server, ready to be served by [`net::serve`].
///
/// # Errors
/// The book is not where the flags say.
pub fn app(config: Config) -> Result<(Router, AppState), NoBook> {
    let state = AppState {
        topics: Arc::new(Topics::new(config.topics)),
        experiments: Experiments::new(config.experiments),
        crowds: Crowds::default(),
        book: Arc::new(Book::find(config.book.as_deref())?),
        metrics: Metrics::default(),
        rates: Arc::new(Rates::new(config.requests_per_second)),
        tasks: TaskTracker::new(),
        shutdown: CancellationToken::new(),
        config: Arc::new(config),
    };
    let router = Router::new()
        .nest("/api", api(&state))
        .route("/metrics", get(metrics::metrics))
        .merge(book::router())
        .layer(from_fn_with_state(state.clone(), host::check))
        .layer(from_fn(path_is_text))
        .layer(from_fn_with_state(state.clone(), metrics::count))
        .with_state(state.clone());
    Ok((router, state))
}

/// Everything under `/api`. A layer that is added later stands further out.
fn api(state: &AppState) -> Router<AppState> {
    let at_once = OpenApiRouter::new()
        .routes(routes!(publish::publish))
        .routes(routes!(poll::poll))
        .routes(routes!(ws::ws));
    let held = OpenApiRouter::new()
        .routes(routes!(long_poll::long_poll))
        .routes(routes!(sse::sse))
        .route_layer(from_fn(origin::guard_held));
    let (router, document) = OpenApiRouter::with_openapi(Document::openapi())
        .merge(at_once)
        .merge(held)
        .merge(experiments::router())
        .merge(crowd::router())
        .merge(reload::router(state.config.book.clone(), state.config.live_reload))
        .routes(routes!(echo::echo))
        .routes(routes!(health::health))
        .routes(routes!(openapi::openapi))
        .split_for_parts();
    router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(Extension(Arc::new(document)))
        .layer(from_fn(check_sub))
        .layer(from_fn_with_state(state.clone(), rate::limit))
        .layer(from_fn_with_state(state.clone(), origin::guard))
        .layer(from_fn(no_store))
        // The network begins here: preflights and refusals go over it too, and the heads that it
        // delays and shows are whole.
        .layer(from_fn_with_state(state.clone(), net::shape))
        // A fault answers by itself; pages that may see answers see that too.
        .layer(from_fn_with_state(state.clone(), origin::expose))
}

/// Middleware: `sub` is known to every request, and so a bad one is told.
async fn check_sub(request: Request, next: Next) -> Response {
    match query::check_sub(request.uri().query()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Middleware: what the API answers is true for a moment only.
async fn no_store(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Middleware: a path is UTF-8 once its percent signs are read (RFC 3986 §2.5).
async fn path_is_text(request: Request, next: Next) -> Response {
    if percent_encoding::percent_decode_str(request.uri().path()).decode_utf8().is_err() {
        let detail = "The path is not UTF-8. Encode it as UTF-8, then as percent signs and digits.";
        return Problem::bad_request("Bad path", detail).into_response();
    }
    next.run(request).await
}

async fn not_found() -> Problem {
    let detail = "There is nothing here. GET /api/openapi.json lists what there is.";
    Problem::new(StatusCode::NOT_FOUND, "Not found", detail)
}

async fn method_not_allowed(method: Method) -> Problem {
    let detail = format!("{method} does nothing here. `Allow` lists what does.");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", detail)
}
