//! Crowds of real clients: they come, come back and go.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use standby_server::Config;
use standby_trace::crowd::Tally;
use standby_trace::tap::{App, CrowdTally, ToObserver, Via, Wire};

use crate::server::{Experiment, Observer, Server, until};

impl Server {
    async fn crowd(&self, experiment: &Experiment, crowd: Value) -> (String, Value) {
        let target = format!("{}/crowd?key={}", experiment.path(), experiment.key);
        let (head, body) = self.ask("POST", &target, &crowd.to_string()).await;
        (head, serde_json::from_str(&body).unwrap())
    }

    async fn starts_crowd(&self, experiment: &Experiment, crowd: Value) {
        let (head, body) = self.crowd(experiment, crowd).await;
        assert!(head.starts_with("HTTP/1.1 201 "), "{head}{body}");
    }

    async fn refuses_crowd(&self, experiment: &Experiment, crowd: Value, status: &str, says: &str) {
        let (head, body) = self.crowd(experiment, crowd).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}{body}");
        assert!(head.contains("application/problem+json"), "{head}");
        assert!(body["detail"].as_str().unwrap().contains(says), "{body}");
    }
}

fn told(record: &ToObserver) -> Option<&CrowdTally> {
    match record {
        ToObserver::Crowd(told) => Some(told),
        _ => None,
    }
}

fn tallies(observer: &Observer) -> impl Iterator<Item = &Tally> {
    observer.records.iter().filter_map(|record| told(record).map(|told| &told.tally))
}

fn sum(observer: &Observer, of: impl Fn(&Tally) -> u32) -> u32 {
    tallies(observer).map(of).sum()
}

impl Observer {
    /// Listens until a tally is what is waited for.
    async fn until_tally(&mut self, is_it: impl Fn(&Tally) -> bool) -> Tally {
        let record = self.until(|record| told(record).is_some_and(|told| is_it(&told.tally))).await;
        told(&record).unwrap().tally
    }

    /// Listens until what all tallies since `records` add up to is so much.
    async fn until_sum(&mut self, of: impl Fn(&Tally) -> u32, least: u32) {
        while sum(self, &of) < least {
            self.until_tally(|tally| of(tally) > 0).await;
        }
    }
}

/// What a crowd's clients say and hear is not told one by one; what publishes is.
fn shows_no_message(observer: &Observer) {
    let is_theirs = |record: &&ToObserver| match record {
        ToObserver::Wire(Wire { exchange, .. })
        | ToObserver::App(App { exchange, .. })
        | ToObserver::Closed { exchange, .. } => exchange.via != Via::Publish,
        _ => false,
    };
    assert_eq!(observer.records.iter().find(is_theirs), None);
    assert!(observer.wires().count() > 0);
}

const CLIENTS: u32 = 200;

/// Every one of them opens, hears what is published, is cut, and comes back to what it missed.
async fn comes_back(lane: Value) {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    // A topic without a life would give them nothing to come back to.
    server.publish(&experiment, &json!(1)).await;
    let mut observer = server.observe(&experiment).await;
    server.starts_crowd(&experiment, json!({"clients": CLIENTS, "lane": lane, "ramp_ms": 300})).await;
    observer.until_tally(|tally| tally.open == CLIENTS).await;
    server.publish(&experiment, &json!(2)).await;
    observer.until_sum(|tally| tally.delivered, CLIENTS).await;
    assert!(tallies(&observer).any(|tally| tally.staleness_p50_us.is_some()));

    observer.records.clear();
    server.fault(&experiment, json!({"kind": "drop"})).await;
    server.publish(&experiment, &json!(3)).await;
    observer.until_sum(|tally| tally.delivered, CLIENTS).await;
    observer.until_tally(|tally| tally.open == CLIENTS).await;
    assert_eq!(sum(&observer, |tally| tally.delivered), CLIENTS);
    assert_eq!(sum(&observer, |tally| tally.refetched), 0);
    assert!(sum(&observer, |tally| tally.recovered) > 0);
    shows_no_message(&observer);
}

macro_rules! comes_back {
    ($($test:ident: $lane:expr),* $(,)?) => {
        $(#[tokio::test]
        async fn $test() {
            comes_back(serde_json::from_str($lane).unwrap()).await;
        })*
    };
}

comes_back! {
    a_crowd_comes_back_with_fixed_waits:
        r#"{"transport":"websocket","backoff":{"kind":"fixed","base_ms":500}}"#,
    a_crowd_comes_back_with_exponential_waits:
        r#"{"transport":"websocket","backoff":{"kind":"exponential","base_ms":200,"cap_ms":2000}}"#,
    a_crowd_comes_back_with_full_jitter:
        r#"{"transport":"websocket","backoff":{"kind":"full-jitter","base_ms":500,"cap_ms":2000}}"#,
    a_crowd_comes_back_with_equal_jitter:
        r#"{"transport":"websocket","backoff":{"kind":"equal-jitter","base_ms":500,"cap_ms":2000}}"#,
    a_crowd_comes_back_with_decorrelated_jitter:
        r#"{"transport":"websocket","backoff":{"kind":"decorrelated-jitter","base_ms":200,"cap_ms":2000}}"#,
    a_crowd_of_event_streams_comes_back: r#"{"transport":"sse","retry_ms":500}"#,
    a_crowd_of_held_polls_comes_back:
        r#"{"transport":"long-poll","timeout_ms":25000,"backoff":{"kind":"full-jitter","base_ms":500,"cap_ms":2000}}"#,
}

#[tokio::test]
async fn what_keeps_a_crowd_alive_is_counted() {
    for lane in [
        r#"{"transport":"websocket","keep_alive_ms":500,"backoff":{"kind":"fixed","base_ms":500}}"#,
        r#"{"transport":"sse","retry_ms":500,"keep_alive_ms":500}"#,
    ] {
        let server = Server::start().await;
        let experiment = server.experiment(json!({})).await;
        let mut observer = server.observe(&experiment).await;
        let lane: Value = serde_json::from_str(lane).unwrap();
        server.starts_crowd(&experiment, json!({"clients": 20, "lane": lane})).await;
        observer.until_sum(|tally| tally.keep_alives, 60).await;
        assert_eq!(sum(&observer, |tally| tally.delivered), 0);
    }
}

#[tokio::test]
async fn a_crowd_of_pollers_asks_again_and_again_and_shows_nobody_what() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    let lane = json!({"transport": "short-poll", "interval_ms": 500});
    server.starts_crowd(&experiment, json!({"clients": 50, "lane": lane})).await;
    observer.until_tally(|tally| tally.open == 50).await;
    server.publish(&experiment, &json!(1)).await;
    observer.until_sum(|tally| tally.delivered, 50).await;
    observer.until_sum(|tally| tally.served, 150).await;
    shows_no_message(&observer);
    // Its connections are kept from poll to poll.
    assert!(tallies(&observer).all(|tally| tally.refused == 0));
}

#[tokio::test]
async fn who_is_turned_away_is_counted_and_comes_back() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    server.fault(&experiment, json!({"kind": "unavailable", "for_ms": 700, "sub": "crowd-0"})).await;
    let lane = json!({"transport": "websocket", "backoff": {"kind": "fixed", "base_ms": 200}});
    server.starts_crowd(&experiment, json!({"clients": 20, "lane": lane})).await;
    observer.until_sum(|tally| tally.refused, 20).await;
    observer.until_tally(|tally| tally.open == 20).await;
}

#[tokio::test]
async fn a_crowd_takes_the_place_of_the_one_in_its_row_and_stops_when_told() {
    let server = Server::with(|config| config.crowd = Some(30)).await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    let lane = json!({"transport": "sse", "retry_ms": 500});
    server.starts_crowd(&experiment, json!({"clients": 30, "lane": lane})).await;
    observer.until_tally(|tally| tally.open == 30).await;
    server.starts_crowd(&experiment, json!({"clients": 20, "lane": lane})).await;
    observer.until_tally(|tally| tally.open == 20).await;
    // Another row's is beside it, as far as the cap goes.
    server
        .refuses_crowd(&experiment, json!({"clients": 11, "lane": lane, "row": 1}), "503", "10 are left")
        .await;
    server.starts_crowd(&experiment, json!({"clients": 10, "lane": lane, "row": 1})).await;
    observer.until_tally(|tally| tally.open == 10).await;
    let target = format!("{}/crowd?key={}", experiment.path(), experiment.key);
    let (head, _) = server.ask("DELETE", &target, "").await;
    assert!(head.starts_with("HTTP/1.1 204 "), "{head}");
    server.starts_crowd(&experiment, json!({"clients": 30, "lane": lane})).await;
}

#[tokio::test]
async fn what_cannot_be_is_told_with_what_to_change() {
    let server = Server::with(|config| config.crowd = Some(30)).await;
    let experiment = server.experiment(json!({})).await;
    let lane = json!({"transport": "sse", "retry_ms": 500});
    for (crowd, says) in [
        (json!({"clients": 31, "lane": lane}), "--crowd 31"),
        (json!({"clients": 0, "lane": lane}), "`clients`"),
        (json!({"clients": 1, "lane": lane, "ramp_ms": 60_001}), "`ramp_ms`"),
        (json!({"clients": 1, "lane": lane, "row": 8}), "`row`"),
        (json!({"clients": 1, "lane": {"transport": "sse", "retry_ms": 1}}), "retry_ms"),
        (json!({"clients": 1, "lane": lane, "more": 1}), "more"),
        (json!({"clients": 1}), "lane"),
    ] {
        server.refuses_crowd(&experiment, crowd, "400", says).await;
    }
    let stranger = Experiment { topic: experiment.topic.clone(), key: "0".repeat(32) };
    server.refuses_crowd(&stranger, json!({"clients": 1, "lane": lane}), "403", "key").await;
    let none = Server::with(|config| config.crowd = Some(0)).await;
    let experiment = none.experiment(json!({})).await;
    none.refuses_crowd(&experiment, json!({"clients": 1, "lane": lane}), "503", "--crowd").await;
}

#[tokio::test]
async fn a_crowd_ends_when_nobody_looks_any_more() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    let lane = json!({"transport": "sse", "retry_ms": 500});
    // Of the whole cap: only when they are gone there is room for one more.
    let all = json!({"clients": 2_000, "lane": lane, "ramp_ms": 60_000, "row": 1});
    server.starts_crowd(&experiment, all).await;
    observer.until_tally(|tally| tally.open > 0).await;
    drop(observer);
    until(async || {
        let (head, _) = server.crowd(&experiment, json!({"clients": 1, "lane": lane})).await;
        head.starts_with("HTTP/1.1 201 ")
    })
    .await;
}

/// Only for a program of its own can there be few files.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn too_few_files_are_told_with_how_many_it_takes() {
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -n 300 && exec \"$0\" serve --addr :0", env!("CARGO_BIN_EXE_standby")])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let addr = line.trim().split("http://").nth(1).unwrap().parse().unwrap();
    // Its address is all that is used of it; the state is of another that nobody asks.
    let (_, state) = standby_server::app(Config::default()).unwrap();
    let server = Server { addr, state, serving: tokio::spawn(async { Ok(()) }) };
    let experiment = server.experiment(json!({})).await;
    let lane = json!({"transport": "sse", "retry_ms": 500});
    server.refuses_crowd(&experiment, json!({"clients": 1_000, "lane": lane}), "503", "ulimit -n").await;
    child.kill().unwrap();
    child.wait().unwrap();
}
