//! Connections that go dead: bytes of both ways vanish, and nothing is reset.

use std::time::Duration;

use serde_json::json;
use standby_trace::tap::{ClosedBy, Part, ToObserver, Via, Wire};
use standby_trace::trace::{Direction, Kind};
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use crate::peer::{HANDSHAKE, Peer};
use crate::server::{Observer, Server};

/// Long enough for everything that is under way on this machine: the observer has heard of what was
/// sent after it. What it proves can only fail to be found, never be found wrongly.
const A_WHILE: Duration = Duration::from_millis(100);

async fn assert_nothing_comes(peer: &mut Peer) {
    let before = peer.got.len();
    let heard = timeout(A_WHILE, peer.more()).await;
    assert!(heard.is_err(), "{heard:?}: {:?}", String::from_utf8_lossy(&peer.got[before..]));
}

async fn until_closed(observer: &mut Observer, via: Via) -> ClosedBy {
    let is_it =
        |record: &ToObserver| matches!(record, ToObserver::Closed { exchange, .. } if exchange.via == via);
    match observer.until(is_it).await {
        ToObserver::Closed { by, .. } => by,
        _ => unreachable!("it is one"),
    }
}

#[tokio::test]
async fn a_dead_connection_swallows_both_ways_and_new_ones_work() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    let path = experiment.path();
    let (mut ws, mut sse) = (server.connect().await, server.connect().await);
    ws.upgrade(&format!("{path}/ws?sub=ws&heartbeat_ms=500")).await;
    ws.text().await;
    sse.get(&format!("{path}/sse?sub=sse"), "").await;
    sse.through("hello").await;

    server.fault(&experiment, json!({"kind": "half-open"})).await;
    let told = observer.until(|record| matches!(record, ToObserver::Fault { .. })).await;
    assert!(matches!(told, ToObserver::Fault { connections: 2, at_us, until_us, .. } if at_us == until_us));
    ws.send_frame(0x81, br#"{"data":"from the dead"}"#).await;
    server.publish(&experiment, &json!("to the dead")).await;
    // The application has sent it, on both; and a heartbeat besides.
    for kind in [Kind::Event, Kind::Event, Kind::KeepAlive] {
        let sent = |record: &ToObserver| matches!(record, ToObserver::App(app) if app.direction == Direction::ToClient && app.kind == kind);
        observer.until(sent).await;
    }
    assert_nothing_comes(&mut ws).await;
    assert_nothing_comes(&mut sse).await;
    let on_the_wire = |wire: &Wire| {
        // The publisher's own request holds it too.
        wire.exchange.via != Via::Publish && String::from_utf8_lossy(&wire.bytes).contains("dead")
    };
    assert!(!observer.wires().any(on_the_wire), "the tap tells what was on the wire");

    // What the one said in death nobody has heard.
    let (_, answer) = server.connect().await.get_answer(&format!("{path}/poll?after=0")).await;
    assert!(answer.contains("to the dead") && !answer.contains("from the dead"), "{answer}");
    let mut again = server.connect().await;
    again.upgrade(&format!("{path}/ws?sub=ws&after=0")).await;
    assert!(again.text().await.contains("hello"));
    assert!(again.text().await.contains("to the dead"));
    // A later fault does not reach it either.
    server.fault(&experiment, json!({"kind": "drop"})).await;
    again.assert_reset().await;
    assert_nothing_comes(&mut ws).await;
    assert_nothing_comes(&mut sse).await;
}

#[tokio::test]
async fn a_server_finds_out_by_its_ping_and_the_client_does_not() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    let mut ws = server.connect().await;
    ws.upgrade(&format!("{}/ws?sub=ws&keep_alive_ms=500", experiment.path())).await;
    ws.text().await;
    assert_eq!(ws.frame().await.0, 0x89, "a ping");
    ws.send_frame(0x8a, b"").await;
    server.fault(&experiment, json!({"kind": "half-open", "sub": "ws"})).await;
    // Events alone would never tell it.
    server.publish(&experiment, &json!(1)).await;
    assert_eq!(until_closed(&mut observer, Via::WebSocket).await, ClosedBy::Server);
    let pings = observer.apps().filter(|app| app.kind == Kind::Ping).count();
    assert!((2..=3).contains(&pings), "one is answered, one is not: {pings}");
    let closes = observer.apps().filter(|app| app.kind == Kind::Close).count();
    assert_eq!(closes, 1, "the application says goodbye, in vain");
    assert_nothing_comes(&mut ws).await;
}

#[tokio::test]
async fn a_clients_close_is_answered_by_the_network_and_not_seen_by_the_application() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    let path = experiment.path();
    let (mut ws, mut sse) = (server.connect().await, server.connect().await);
    ws.upgrade(&format!("{path}/ws?sub=ws&keep_alive_ms=500")).await;
    ws.text().await;
    sse.get(&format!("{path}/sse?sub=sse&keep_alive_ms=500"), "").await;
    sse.through("hello").await;
    server.fault(&experiment, json!({"kind": "half-open"})).await;
    for peer in [&mut ws, &mut sse] {
        peer.stream.shutdown().await.unwrap();
        peer.until_end().await.expect("the end is orderly");
    }
    assert_eq!(until_closed(&mut observer, Via::WebSocket).await, ClosedBy::Server);
    // By now an application that had seen the stream's end would have let go of it.
    for _ in 0..2 {
        let comments = |record: &ToObserver| matches!(record, ToObserver::App(app) if app.exchange.via == Via::Sse && app.kind == Kind::KeepAlive);
        observer.until(comments).await;
    }
    let sse_closed = |record: &ToObserver| matches!(record, ToObserver::Closed { exchange, .. } if exchange.via == Via::Sse);
    assert!(!observer.records.iter().any(sse_closed), "nobody answers a comment");
}

#[tokio::test]
async fn a_held_poll_is_answered_into_nothing() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    let mut poll = server.connect().await;
    poll.get(&format!("{}/long-poll?sub=poll", experiment.path()), "").await;
    observer.until(|record| matches!(record, ToObserver::App(app) if app.part == Part::RequestHead)).await;
    server.fault(&experiment, json!({"kind": "half-open"})).await;
    server.publish(&experiment, &json!(1)).await;
    observer.until(|record| matches!(record, ToObserver::App(app) if app.kind == Kind::Answer)).await;
    assert_nothing_comes(&mut poll).await;
    // A connection that was kept for another request is as dead.
    poll.get(&format!("{}/poll", experiment.path()), "").await;
    assert_nothing_comes(&mut poll).await;
}

#[tokio::test]
async fn a_dead_connection_counts_as_a_connection_until_both_ends_have_let_go() {
    let server = Server::with(|config| config.limits.max_connections = 3).await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    let mut ws = server.connect().await;
    ws.get(&format!("{}/ws?sub=ws&keep_alive_ms=500", experiment.path()), HANDSHAKE).await;
    ws.head().await;
    ws.text().await;
    server.fault(&experiment, json!({"kind": "half-open"})).await;
    until_closed(&mut observer, Via::WebSocket).await;
    let is_full = async || {
        let mut third = server.connect().await;
        let mut fourth = server.connect().await;
        third.get("/api/healthz", "").await;
        third.head().await;
        fourth.get("/api/healthz", "").await;
        fourth.head().await.starts_with("HTTP/1.1 503 ")
    };
    assert!(is_full().await, "the application has let go, the socket is still there");
    ws.stream.shutdown().await.unwrap();
    ws.until_end().await.expect("the end is orderly");
    crate::server::until(async || !is_full().await).await;
}
