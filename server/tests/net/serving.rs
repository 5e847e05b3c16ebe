//! Bounds of connections, and their end.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::peer::HANDSHAKE;
use crate::server::{PATIENCE, Server, until};

#[tokio::test]
async fn a_head_that_does_not_end_is_cut_and_a_connection_without_a_request_is_not() {
    let server = Server::with(|config| config.limits.head_time_ms = 200).await;
    let mut idle = server.connect().await;
    let mut slow = server.connect().await;
    slow.send("GET /api/health HTTP/1.1\r\nHos").await;
    let began = Instant::now();
    slow.until_end().await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(200));
    // It has been open for longer than a head may take.
    let (head, _) = idle.get_answer("/api/health").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    // After an answer a connection is idle again, and a head that begins has its own time again.
    idle.send("GET /api/health HTTP/1.1\r\nHos").await;
    idle.until_end().await.unwrap();
}

#[tokio::test]
async fn a_connection_that_has_been_idle_too_long_is_closed() {
    let server = Server::with(|config| config.limits.idle_time_ms = 1_000).await;
    let mut fresh = server.connect().await;
    let mut used = server.connect().await;
    used.get_answer("/api/health").await;
    fresh.until_end().await.unwrap();
    used.until_end().await.unwrap();
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_and_its_connection_closed() {
    let server = Server::with(|config| config.limits.body_time_ms = 150).await;
    let mut peer = server.connect().await;
    peer.send("POST /api/topics/t/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{").await;
    let (head, _) = peer.answer().await;
    assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
    peer.until_end().await.unwrap();
}

#[tokio::test]
async fn a_connection_beyond_the_bound_is_told_so_and_when_to_come_back() {
    let server = Server::with(|config| config.limits.max_connections = 1).await;
    let mut first = server.connect().await;
    first.get_answer("/api/health").await;
    let (head, body) = server.connect().await.get_answer("/api/health").await;
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert!(head.contains("retry-after: ") && head.contains("connection: close"), "{head}");
    assert!(body.contains("\"detail\""), "{body}");
    // A place that is given up can be had.
    drop(first);
    until(async || server.connect().await.get_answer("/api/health").await.0.starts_with("HTTP/1.1 200 "))
        .await;
}

#[tokio::test]
async fn a_socket_keeps_its_place_after_its_upgrade() {
    let server = Server::with(|config| config.limits.max_connections = 1).await;
    let mut socket = server.connect().await;
    socket.upgrade("/api/topics/t/ws").await;
    socket.text().await;
    let (head, _) = server.connect().await.get_answer("/api/health").await;
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_cut_and_the_others_lose_nothing() {
    for target in ["/api/topics/t/sse", "/api/topics/t/ws", "EXPERIMENT/ws", "EXPERIMENT/sse"] {
        let server = Server::with(|config| config.limits.write_stall_ms = 300).await;
        let experiment = server.experiment(json!({})).await;
        let target = target.replace("EXPERIMENT", &experiment.path());
        let mut stuck = server.connect().await;
        stuck.get(&target, HANDSHAKE).await;
        stuck.through("hello").await;
        let mut reader = server.connect().await;
        reader.get(&target.replace("/ws", "/sse"), "").await;
        reader.through("hello").await;
        let events = target.rsplit_once('/').unwrap().0.to_owned() + "/events";
        let data = "x".repeat(60_000);
        let mut published = 0;
        // Until the kernel's buffers are full and the time is up.
        let held = |kind: &'static str| {
            let server = &server;
            async move {
                let (_, metrics) = server.connect().await.get_answer("/metrics").await;
                metrics.contains(&format!("standby_held{{kind=\"{kind}\"}} 1\n"))
                    && !metrics.contains("standby_held{kind=\"websocket\"} 1")
            }
        };
        let wait = async {
            while !held("sse").await {
                server.ask("POST", &events, &json!({"data": data}).to_string()).await;
                published += 1;
                reader.through(&format!("\"id\":{published},")).await;
                reader.forget();
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{target} is not cut"));
        assert!(published > 1);
    }
}

#[tokio::test]
async fn a_server_that_stops_ends_everything_in_order() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({"conditions": {"latency_ms": 30}})).await;
    let path = experiment.path();
    let (mut idle, mut sse, mut ws, mut long_poll) =
        (server.connect().await, server.connect().await, server.connect().await, server.connect().await);
    idle.get_answer("/api/health").await;
    sse.get(&format!("{path}/sse"), "").await;
    sse.through("hello").await;
    ws.upgrade(&format!("{path}/ws")).await;
    ws.text().await;
    long_poll.get("/api/topics/t/long-poll", "").await;
    let observer = server.observe(&experiment).await;
    server.state.shutdown.cancel();
    idle.until_end().await.unwrap();
    sse.through("0\r\n\r\n").await;
    sse.until_end().await.unwrap();
    let (first, payload) = ws.frame().await;
    assert_eq!((first, &payload[..2]), (0x88, &1001_u16.to_be_bytes()[..]));
    ws.send_frame(0x88, &1001_u16.to_be_bytes()).await;
    ws.until_end().await.unwrap();
    assert!(long_poll.answer().await.0.starts_with("HTTP/1.1 200 "));
    drop(observer);
    tokio::time::timeout(PATIENCE, server.serving).await.expect("it stops").unwrap().unwrap();
}

#[tokio::test]
async fn a_server_that_stops_does_not_wait_for_ever() {
    let server = Server::with(|config| config.limits.drain_ms = 100).await;
    let mut peer = server.connect().await;
    peer.send("POST /api/topics/t/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{").await;
    // The request is under way once a second one is answered.
    server.connect().await.get_answer("/api/health").await;
    server.state.shutdown.cancel();
    tokio::time::timeout(PATIENCE, server.serving).await.expect("it stops").unwrap().unwrap();
}
