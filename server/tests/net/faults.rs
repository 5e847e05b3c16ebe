//! What goes wrong on purpose, and that it is over when it should be.

use std::time::{Duration, Instant};

use serde_json::json;
use standby_trace::tap::{ClosedBy, Part, ToObserver};
use standby_trace::trace::Direction;

use crate::peer::HANDSHAKE;
use crate::server::Server;

#[tokio::test]
async fn a_drop_is_a_reset_of_every_connection_that_serves_the_topic() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    let path = experiment.path();
    let mut peers = Vec::new();
    for target in ["poll", "long-poll", "ws", "sse"] {
        let mut peer = server.connect().await;
        peer.get(&format!("{path}/{target}?sub={target}"), if target == "ws" { HANDSHAKE } else { "" }).await;
        if target == "poll" {
            peer.answer().await;
        } else if target != "long-poll" {
            peer.through("hello").await;
        }
        peers.push(peer);
    }
    // A long poll says nothing while it is held, but its request has been told of.
    let held = |record: &ToObserver| matches!(record, ToObserver::App(app) if app.exchange.sub.as_deref() == Some("long-poll"));
    observer.until(held).await;
    let mut elsewhere = server.connect().await;
    elsewhere.get("/api/topics/other/sse", "").await;
    elsewhere.through("hello").await;

    server.fault(&experiment, json!({"kind": "drop"})).await;
    for peer in &mut peers {
        peer.assert_reset().await;
    }
    let mut by_fault = 0;
    while by_fault < peers.len() {
        let closed = observer.until(|record| matches!(record, ToObserver::Closed { .. })).await;
        by_fault += usize::from(matches!(closed, ToObserver::Closed { by: ClosedBy::Fault, .. }));
    }
    let told = observer.records.iter().find_map(|record| match record {
        ToObserver::Fault { connections, .. } => Some(*connections),
        _ => None,
    });
    assert_eq!(told, Some(4));
    // Other topics, and the observer, go on.
    server.ask("POST", "/api/topics/other/events", r#"{"data":1}"#).await;
    elsewhere.through("\"data\":1").await;
    server.publish(&experiment, &json!(1)).await;
    observer.until(|record| matches!(record, ToObserver::Published { id: 1, .. })).await;
}

#[tokio::test]
async fn a_drop_of_one_subscriber_leaves_the_others() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let (mut one, mut other) = (server.connect().await, server.connect().await);
    one.get(&format!("{}/sse?sub=one", experiment.path()), "").await;
    other.get(&format!("{}/sse?sub=other", experiment.path()), "").await;
    one.through("hello").await;
    other.through("hello").await;
    server.fault(&experiment, json!({"kind": "drop", "sub": "one"})).await;
    one.assert_reset().await;
    server.publish(&experiment, &json!("still here")).await;
    other.through("still here").await;
}

#[tokio::test]
async fn a_refused_request_is_reset_without_an_answer_until_the_fault_is_over() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let target = format!("{}/poll", experiment.path());
    let began = Instant::now();
    server.fault(&experiment, json!({"kind": "refuse", "for_ms": 400})).await;
    loop {
        let mut peer = server.connect().await;
        peer.get(&target, "").await;
        if let Err(error) = peer.more().await {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
            assert!(peer.got.is_empty());
            // Publishing goes on.
            server.publish(&experiment, &json!(1)).await;
        } else {
            break;
        }
    }
    assert!(began.elapsed() >= Duration::from_millis(400));
}

#[tokio::test]
async fn an_unavailable_topic_says_when_to_come_back_if_it_is_to() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    for (retry_after_s, line) in [(json!(7), Some("retry-after: 7")), (json!(null), None)] {
        let fault = json!({"kind": "unavailable", "for_ms": 100_000, "retry_after_s": retry_after_s});
        server.fault(&experiment, fault).await;
        for target in ["poll", "long-poll", "ws", "sse"] {
            let mut peer = server.connect().await;
            peer.get(&format!("{}/{target}", experiment.path()), HANDSHAKE).await;
            let (head, body) = peer.answer().await;
            assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
            assert!(head.contains("application/problem+json"), "{head}");
            assert!(head.contains("cache-control: no-store"), "{head}");
            assert_eq!(head.lines().find(|line| line.starts_with("retry-after")), line);
            assert!(body.contains("\"detail\""), "{body}");
        }
    }
}

#[tokio::test]
async fn a_stall_holds_everything_back_and_loses_nothing() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let path = experiment.path();
    let (mut ws, mut sse) = (server.connect().await, server.connect().await);
    ws.upgrade(&format!("{path}/ws")).await;
    ws.text().await;
    sse.get(&format!("{path}/sse"), "").await;
    sse.through("hello").await;

    let stall = Duration::from_millis(400);
    let began = Instant::now();
    server.fault(&experiment, json!({"kind": "stall", "for_ms": 400})).await;
    for n in 1..=3 {
        server.publish(&experiment, &json!(n)).await;
    }
    let mut late = server.connect().await;
    late.upgrade(&format!("{path}/ws?after=0")).await;
    let mut poll = server.connect().await;
    poll.get(&format!("{path}/poll?after=0"), "").await;

    ws.text().await;
    for n in 1..=3 {
        assert!(ws.text().await.contains(&format!("\"data\":{n}")));
        assert!(began.elapsed() >= stall);
        sse.through(&format!("\"data\":{n}")).await;
    }
    late.text().await;
    assert!(late.text().await.contains("\"data\":1"));
    assert!(poll.answer().await.1.contains("\"last_id\":3"));
    assert!(began.elapsed() >= stall);
}

#[tokio::test]
async fn planned_faults_come_by_themselves() {
    let server = Server::start().await;
    let experiment = server
        .experiment(json!({"faults": [
            {"at_ms": 300, "kind": "unavailable", "for_ms": 100_000},
            {"at_ms": 200, "kind": "drop"},
        ]}))
        .await;
    let mut observer = server.observe(&experiment).await;
    let mut sse = server.connect().await;
    sse.get(&format!("{}/sse", experiment.path()), "").await;
    sse.through("hello").await;
    sse.assert_reset().await;
    observer
        .until(|record| matches!(record, ToObserver::Fault { until_us, at_us, .. } if until_us > at_us))
        .await;
    let (head, _) = server.connect().await.get_answer(&format!("{}/poll", experiment.path())).await;
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
}

#[tokio::test]
async fn a_socket_gets_its_101_during_a_stall_and_nothing_behind_it() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    // Longer than any test waits.
    server.fault(&experiment, json!({"kind": "stall", "for_ms": 100_000})).await;
    let mut ws = server.connect().await;
    ws.upgrade(&format!("{}/ws?sub=ws", experiment.path())).await;
    ws.send_frame(0x81, br#"{"data":"held back"}"#).await;
    // The hello has been sent, and the frame has come, but neither has arrived.
    observer.until(|record| matches!(record, ToObserver::App(app) if app.part == Part::Frame)).await;
    observer.until_wire(Part::Frame, 1).await;
    assert!(observer.wires().all(|wire| wire.part != Part::Frame || wire.direction == Direction::ToServer));
    assert!(!observer.records.iter().any(|record| matches!(record, ToObserver::Published { .. })));
    server.fault(&experiment, json!({"kind": "drop"})).await;
    ws.assert_reset().await;
}
