//! A slow network: what is sent later arrives later, in its order, and nothing is lost.
//!
//! Only least times are asserted: a machine may always be slower.

use std::time::{Duration, Instant};

use serde_json::json;
use standby_trace::tap::ToObserver;

use crate::server::Server;

const LATENCY: Duration = Duration::from_millis(60);

#[tokio::test]
async fn a_round_trip_takes_twice_the_latency_on_every_transport() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({"conditions": {"latency_ms": 60}})).await;
    let path = experiment.path();

    let mut poll = server.connect().await;
    let asked = Instant::now();
    poll.get_answer(&format!("{path}/poll")).await;
    assert!(asked.elapsed() >= 2 * LATENCY);

    let mut sse = server.connect().await;
    let asked = Instant::now();
    sse.get(&format!("{path}/sse"), "").await;
    sse.through("hello").await;
    assert!(asked.elapsed() >= 2 * LATENCY);

    let mut ws = server.connect().await;
    let asked = Instant::now();
    ws.upgrade(&format!("{path}/ws")).await;
    assert!(asked.elapsed() >= 2 * LATENCY);
    ws.text().await;
    let asked = Instant::now();
    ws.send_frame(0x89, b"?").await;
    assert_eq!(ws.frame().await.0, 0x8a);
    assert!(asked.elapsed() >= 2 * LATENCY, "a pong travels like everything else");

    let mut long_poll = server.connect().await;
    let asked = Instant::now();
    long_poll.get(&format!("{path}/long-poll?after=0"), "").await;
    server.publish(&experiment, &json!(1)).await;
    long_poll.answer().await;
    assert!(asked.elapsed() >= 2 * LATENCY);
}

#[tokio::test]
async fn observing_and_steering_are_not_slowed() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({"conditions": {"latency_ms": 5_000}})).await;
    let mut observer = server.observe(&experiment).await;
    observer.peer.send_frame(0x81, br#"{"clock":{"sent":125}}"#).await;
    observer.until(|record| matches!(record, ToObserver::Clock { echo, .. } if *echo == 125)).await;
    let in_force = server.steer(&experiment, json!({"conditions": {}})).await;
    assert_eq!(in_force["conditions"]["latency_ms"], 0);
}

#[tokio::test]
async fn bandwidth_counts_every_byte_of_a_socket() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut ws = server.connect().await;
    ws.upgrade(&format!("{}/ws", experiment.path())).await;
    ws.text().await;
    server.steer(&experiment, json!({"conditions": {"bandwidth_bytes_s": 10_000}})).await;
    let began = Instant::now();
    server.publish(&experiment, &json!("x".repeat(3_000))).await;
    ws.text().await;
    ws.text().await;
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn order_is_kept_while_conditions_change() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({"conditions": {"latency_ms": 20, "jitter_ms": 60}})).await;
    let path = experiment.path();
    let (mut ws, mut sse) = (server.connect().await, server.connect().await);
    ws.upgrade(&format!("{path}/ws?after=0")).await;
    sse.get(&format!("{path}/sse?after=0"), "").await;
    sse.through("hello").await;
    server.steer(&experiment, json!({"publish": {"every_ms": 50, "spread": "fixed"}})).await;
    for latency_ms in [300, 0, 80, 0] {
        server.steer(&experiment, json!({"conditions": {"latency_ms": latency_ms, "jitter_ms": 40}})).await;
        sse.through("\"price\"").await;
    }
    let mut ids = Vec::new();
    while ids.len() < 10 {
        let frame: serde_json::Value = serde_json::from_str(&ws.text().await).unwrap();
        ids.extend(frame["id"].as_u64());
    }
    assert_eq!(ids, (1..=10).collect::<Vec<_>>());
    while !String::from_utf8_lossy(&sse.got).contains("\"id\":10,") {
        sse.more().await.unwrap();
    }
    let text = String::from_utf8(sse.got).unwrap();
    let ids: Vec<u64> = text
        .split("{\"id\":")
        .skip(1)
        .map(|rest| rest.split(',').next().unwrap().parse().unwrap())
        .take(10)
        .collect();
    assert_eq!(ids, (1..=10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_socket_that_closes_gets_what_was_under_way() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({"conditions": {"latency_ms": 50}})).await;
    let mut ws = server.connect().await;
    ws.upgrade(&format!("{}/ws", experiment.path())).await;
    ws.text().await;
    ws.send_frame(0x88, &1000_u16.to_be_bytes()).await;
    assert_eq!(ws.frame().await, (0x88, 1000_u16.to_be_bytes().to_vec()));
    ws.until_end().await.unwrap();
}
