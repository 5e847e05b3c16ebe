//! The book's server: where it is, and the requests that start and steer an experiment or a crowd.
//!
//! A crate of its own, because two modules that a page loads ask: what runs an experiment, and what
//! shows a crowd.

use std::cell::RefCell;

use futures_util::future::{Either, select};
use gloo_net::http::{Request, RequestBuilder};
use gloo_timers::future::TimeoutFuture;
use serde::Serialize;
use standby_trace::json::{self, Members, Read, Value, Wrong};
use standby_trace::scenario::{Conditions, Fault, LaneSpec, Publish, Scenario, Spreading};
use standby_trace::tap::{ExperimentStarted, StartExperiment};
use web_sys::{AbortController, RequestCache};

/// So long may an answer take. The server answers each of these at once, so what takes longer
/// waits in the browser for a free connection.
const ANSWER_MS: u32 = 5_000;
/// So long where a crowd begins or ends: it is a process of its own, for each of which the server has
/// patience for ten seconds.
const CROWD_MS: u32 = 25_000;

/// Where the API is, as an absolute URL without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    base: String,
}

/// Why a request brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// Nobody is there, or the connection broke.
    Network,
    /// Nothing came in time.
    TooLate,
    /// The server refused.
    Refused {
        /// The status code.
        status: u16,
        /// What it said, if anything.
        said: String,
    },
}

/// `standby.json` at the book's root.
#[derive(Debug, Default, PartialEq, Eq)]
struct Standing {
    /// The API's path on the book's own server.
    api: Option<String>,
    /// Where else a server may be, on the reader's own machine.
    elsewhere: Option<String>,
}

/// Where to look for the server.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Where {
    /// At this base.
    Here(String),
    /// Perhaps at this origin; ask first.
    Perhaps(String),
    /// Nowhere.
    Nowhere,
}

impl Read for Standing {
    fn read(value: &Value<'_>) -> Result<Self, Wrong> {
        let of = Members::of("`standby.json`", value)?;
        let text = |name| of.maybe_text(name).map(|text| text.map(str::to_owned));
        Ok(Self { api: text("api")?, elsewhere: text("try")? })
    }
}

impl Standing {
    /// `root` is the book's root, `page_host` the host that the page came from.
    fn place(self, root: &str, page_host: &str) -> Where {
        match self {
            Self { api: Some(path), .. } => Where::Here(absolute(root, &path)),
            // A page of the public web never reaches for loopback by itself: browsers would prompt.
            Self { elsewhere: Some(origin), .. } if is_loopback(page_host) => Where::Perhaps(origin),
            _ => Where::Nowhere,
        }
    }
}

/// A path that begins with a slash stands at the origin of `root`; any other stands below `root`.
fn absolute(root: &str, path: &str) -> String {
    let origin_len = root.find("://").map_or(0, |at| {
        let host = at + "://".len();
        root[host..].find('/').map_or(root.len(), |slash| host + slash)
    });
    let url = if path.contains("://") {
        path.to_owned()
    } else if path.starts_with('/') {
        format!("{}{path}", &root[..origin_len])
    } else {
        format!("{}/{path}", root.trim_end_matches('/'))
    };
    url.trim_end_matches('/').to_owned()
}

/// Whether a host name, as `location.hostname` has it, is this machine's own.
fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

thread_local! {
    /// The server, once it was found.
    static FOUND: RefCell<Option<Api>> = const { RefCell::new(None) };
}

/// The API's URL, once the server was found.
pub fn known() -> Option<String> {
    FOUND.with_borrow(|found| found.as_ref().map(|api| api.base.clone()))
}

/// Whether the book whose root is `root`, a URL with a slash at its end, comes with a server, or may find
/// one. Asks no server.
pub async fn may_be_there(root: &str) -> bool {
    standing(root).await.is_ok_and(|place| place != Where::Nowhere)
}

async fn standing(root: &str) -> Result<Where, NoAnswer> {
    let standing: Standing = ask(Request::get(&format!("{root}standby.json"))).await?;
    let host = standby_dom::window().location().hostname().unwrap_or_default();
    Ok(standing.place(root, &host))
}

/// Finds the server of the book whose root is `root`, a URL with a slash at its end. Only called when the reader starts something.
///
/// # Errors
/// Where one was looked for; `None`: this book comes without one.
pub async fn find(root: &str) -> Result<Api, Option<String>> {
    if let Some(api) = FOUND.with_borrow(Clone::clone) {
        return Ok(api);
    }
    let api = match standing(root).await.map_err(|_| None)? {
        Where::Here(base) => Api { base },
        Where::Perhaps(origin) => {
            let api = Api { base: absolute(&origin, "/api") };
            if !api.is_there().await {
                return Err(Some(origin));
            }
            api
        }
        Where::Nowhere => return Err(None),
    };
    FOUND.with_borrow_mut(|found| *found = Some(api.clone()));
    Ok(api)
}

impl Api {
    /// Whether the server answers now.
    pub async fn is_there(&self) -> bool {
        send(Request::get(&format!("{}/health", self.base)), None).await.is_ok()
    }

    /// Starts an experiment, or starts it again under the key that it had.
    pub async fn start(&self, scenario: &Scenario, key: Option<&str>) -> Result<ExperimentStarted, NoAnswer> {
        let body = StartExperiment { scenario: scenario.clone(), key: key.map(str::to_owned) };
        let request = Request::post(&format!("{}/experiments", self.base));
        read(send(request, Some(json::write(&body))).await?).await
    }

    /// Whether the server runs the experiment now.
    pub async fn is_at_work(&self, of: &ExperimentStarted) -> Result<bool, NoAnswer> {
        // A change of nothing.
        match self.steer(of, &Change::default()).await {
            Ok(()) => Ok(true),
            Err(NoAnswer::Refused { status: 404, .. }) => Ok(false),
            Err(no_answer) => Err(no_answer),
        }
    }

    /// Changes conditions or publisher of a running experiment.
    pub async fn steer(&self, of: &ExperimentStarted, change: &Change) -> Result<(), NoAnswer> {
        let request = Request::patch(&self.with_key(of, "experiment"));
        send(request, Some(json::write(change))).await.map(drop)
    }

    /// Does something to a running experiment's topic.
    pub async fn fault(&self, of: &ExperimentStarted, fault: &Fault) -> Result<(), NoAnswer> {
        send(Request::post(&self.with_key(of, "faults")), Some(json::write(fault))).await.map(drop)
    }

    /// Has the server's machine open a crowd. Answers how many clients the server opens in all.
    pub async fn start_crowd(&self, of: &ExperimentStarted, crowd: &StartCrowd) -> Result<u32, NoAnswer> {
        let request = Request::post(&self.with_key(of, "crowd"));
        let CrowdStarted { cap } =
            read(send_within(CROWD_MS, request, Some(json::write(crowd))).await?).await?;
        Ok(cap)
    }

    /// Ends all crowds of an experiment. They are gone when this is answered.
    pub async fn end_crowds(&self, of: &ExperimentStarted) -> Result<(), NoAnswer> {
        send_within(CROWD_MS, Request::delete(&self.with_key(of, "crowd")), None).await.map(drop)
    }

    /// Publishes an event, whose `data` is JSON. `once` is its key, of letters and digits: a browser may
    /// send a cut request again by itself.
    pub async fn publish(&self, topic: &str, data: &str, once: &str) -> Result<(), NoAnswer> {
        let request = Request::post(&format!("{}events", self.topic(topic)));
        send(request, Some(format!(r#"{{"data":{data},"key":"{once}"}}"#))).await.map(drop)
    }

    /// The URL that a topic's transports stand below.
    pub fn topic(&self, topic: &str) -> String {
        format!("{}/topics/{topic}/", self.base)
    }

    /// The URL of the observer's socket.
    pub fn observe(&self, of: &ExperimentStarted) -> String {
        web_socket(&self.with_key(of, "observe"))
    }

    fn with_key(&self, of: &ExperimentStarted, what: &str) -> String {
        format!("{}{what}?key={}", self.topic(&of.topic), of.key)
    }
}

/// Many clients that the server's machine is to open.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StartCrowd {
    /// Which of the experiment's crowds it is; it takes the place of the one that was there.
    pub row: u16,
    /// How many.
    pub clients: u32,
    /// What each of them is.
    pub lane: LaneSpec,
    /// They begin one after another within so long.
    pub ramp_ms: u32,
    /// They stay so long after that, if nobody ends them before.
    pub hold_ms: u32,
    /// Pollers ask in the same instant.
    pub in_phase: bool,
    /// What their server can take, and does to spread them.
    pub server: RowServer,
}

/// The server that the clients of one row meet.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RowServer {
    /// Requests and handshakes that it answers a second.
    pub capacity_s: u32,
    /// So many can wait.
    pub backlog: u32,
    /// What it does so that they don't all come back at once.
    #[serde(flatten)]
    pub spreading: Spreading,
}

struct CrowdStarted {
    cap: u32,
}

impl Read for CrowdStarted {
    fn read(value: &Value<'_>) -> Result<Self, Wrong> {
        Ok(Self { cap: Members::of("a crowd", value)?.u32("cap")? })
    }
}

/// What is changed of a running experiment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Change {
    /// The network, if it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Conditions>,
    /// The publisher, if it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish: Option<Publish>,
}

/// The same URL for a WebSocket.
pub fn web_socket(url: &str) -> String {
    // `http` becomes `ws`, and so `https` `wss`.
    url.strip_prefix("http").map_or_else(|| url.to_owned(), |rest| format!("ws{rest}"))
}

async fn ask<T: Read>(request: RequestBuilder) -> Result<T, NoAnswer> {
    read(send(request, None).await?).await
}

async fn read<T: Read>(answer: gloo_net::http::Response) -> Result<T, NoAnswer> {
    let text = answer.text().await.map_err(|_| NoAnswer::Network)?;
    json::read(&text).map_err(|_| NoAnswer::Refused {
        status: answer.status(),
        said: "its answer is not what this book understands".to_owned(),
    })
}

/// Problem details (RFC 9457).
struct Problem {
    title: String,
    detail: Option<String>,
}

impl Read for Problem {
    fn read(value: &Value<'_>) -> Result<Self, Wrong> {
        let of = Members::of("a problem", value)?;
        let detail = of.maybe_text("detail")?.map(str::to_owned);
        Ok(Self { title: of.text("title")?.to_owned(), detail })
    }
}

/// Sends a request and waits for the head of its answer, but not for ever.
async fn send(request: RequestBuilder, body: Option<String>) -> Result<gloo_net::http::Response, NoAnswer> {
    send_within(ANSWER_MS, request, body).await
}

async fn send_within(
    within_ms: u32,
    request: RequestBuilder,
    body: Option<String>,
) -> Result<gloo_net::http::Response, NoAnswer> {
    let controller = AbortController::new().map_err(|_| NoAnswer::Network)?;
    let request = request.cache(RequestCache::NoStore).abort_signal(Some(&controller.signal()));
    let request = match body {
        Some(body) => request.header("Content-Type", "application/json").body(body),
        None => request.build(),
    };
    let request = request.map_err(|_| NoAnswer::Network)?;
    let answer = match select(Box::pin(request.send()), TimeoutFuture::new(within_ms)).await {
        Either::Left((answer, _)) => answer.map_err(|_| NoAnswer::Network)?,
        Either::Right(((), _)) => {
            controller.abort();
            return Err(NoAnswer::TooLate);
        }
    };
    if answer.ok() {
        return Ok(answer);
    }
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    let said = match json::read(&text) {
        Ok(Problem { title, detail: None }) => title,
        Ok(Problem { title, detail: Some(detail) }) => format!("{title}: {detail}"),
        Err(_) => format!("status {status}"),
    };
    Err(NoAnswer::Refused { status, said })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "https://example.org/books/standby/";

    fn place(json: &str, host: &str) -> Where {
        json::read::<Standing>(json).unwrap().place(ROOT, host)
    }

    #[test]
    fn the_books_own_server_is_on_its_own_origin() {
        assert_eq!(
            place(r#"{"api": "/api"}"#, "example.org"),
            Where::Here("https://example.org/api".to_owned())
        );
        assert_eq!(absolute("http://localhost:3000/", "/api"), "http://localhost:3000/api");
        assert_eq!(absolute("http://localhost:4000", "/api"), "http://localhost:4000/api");
        assert_eq!(absolute(ROOT, "api/"), "https://example.org/books/standby/api");
    }

    #[test]
    fn a_static_book_has_no_server() {
        assert_eq!(place(r#"{"api": null}"#, "localhost"), Where::Nowhere);
    }

    #[test]
    fn only_a_page_on_loopback_looks_for_one_on_loopback() {
        let json = r#"{"api": null, "try": "http://localhost:4000"}"#;
        let found = Where::Perhaps("http://localhost:4000".to_owned());
        for host in ["localhost", "127.0.0.1", "127.8.0.1", "[::1]", "book.localhost"] {
            assert_eq!(place(json, host), found, "{host}");
        }
        for host in ["example.org", "localhost.example.org", "10.0.0.1", "notlocalhost", ""] {
            assert_eq!(place(json, host), Where::Nowhere, "{host}");
        }
    }

    #[test]
    fn a_socket_is_as_secure_as_its_page() {
        assert_eq!(web_socket("http://a/b"), "ws://a/b");
        assert_eq!(web_socket("https://a/b"), "wss://a/b");
    }

    #[test]
    fn a_rows_server_is_sent_with_what_it_does_to_spread_its_clients() {
        let spreading = Spreading { drain_ms: 12_000, ..Spreading::default() };
        let server = RowServer { capacity_s: 23, backlog: 10, spreading };
        assert_eq!(json::write(&server), r#"{"capacity_s":23,"backlog":10,"drain_ms":12000}"#);
    }

    #[test]
    fn only_what_changes_is_sent() {
        let change = Change { conditions: Some(Conditions::default()), publish: None };
        assert_eq!(json::write(&change), r#"{"conditions":{"latency_ms":0}}"#);
    }
}
