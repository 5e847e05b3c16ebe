//! The server of a crowd's row, byte for byte: what its clients are told, and how they are let go.

use serde_json::{Value, json};

use crate::peer::Peer;
use crate::server::{Experiment, Server, until};

/// A crowd of one socket, whose row has this server. Whoever says its label meets it too.
async fn row(server: &Server, row: Value) -> Experiment {
    let experiment = server.experiment(json!({"seed": 5})).await;
    server.publish(&experiment, &json!(1)).await;
    let mut observer = server.observe(&experiment).await;
    let lane = json!({"transport": "websocket", "backoff": {"kind": "fixed", "base_ms": 60_000}});
    server.starts_crowd(&experiment, json!({"clients": 1, "lane": lane, "server": row})).await;
    observer.until_tally(|tally| tally.open == 1).await;
    // It would end when nobody looks.
    tokio::spawn(async move {
        loop {
            observer.next().await;
            observer.records.clear();
        }
    });
    experiment
}

async fn get(server: &Server, experiment: &Experiment, target: &str) -> Peer {
    let mut peer = server.connect().await;
    peer.get(&format!("{}/{target}", experiment.path()), "").await;
    peer
}

#[tokio::test]
async fn each_event_stream_of_a_row_that_spreads_is_told_a_retry_of_its_own() {
    let server = Server::start().await;
    let experiment = row(&server, json!({"retry_spread_ms": 12_000})).await;
    let mut told = Vec::new();
    for _ in 0..4 {
        let mut peer = get(&server, &experiment, "sse?sub=crowd-0&retry_ms=2000").await;
        peer.through("\r\n\r\n").await;
        // The chunk's size first.
        peer.through("\r\n").await;
        told.push(peer.through("\n\n").await);
        assert!(peer.through("\n\n").await.starts_with("event: hello\nid: "));
    }
    // By the experiment's seed, in the order in which they come.
    assert_eq!(told, ["retry: 5504\n\n", "retry: 9337\n\n", "retry: 3175\n\n", "retry: 2703\n\n"]);
    let mut other = get(&server, &experiment, "sse?sub=other&retry_ms=2000").await;
    other.through("\r\n\r\n").await;
    other.through("\r\n").await;
    assert_eq!(other.through("\n\n").await, "retry: 2000\n\n");
}

/// Asks again and again until one is turned away, which is when two came within a second; `ask` says
/// whether it was.
async fn until_turned_away<T>(ask: impl AsyncFn() -> Option<T>) -> T {
    loop {
        if let Some(away) = ask().await {
            return away;
        }
    }
}

#[tokio::test]
async fn who_finds_no_room_in_a_row_is_told_whole_seconds_after_which_to_come_back() {
    let server = Server::start().await;
    let experiment = row(&server, json!({"capacity_s": 1, "retry_after_ms": 12_000})).await;
    let mut told = Vec::new();
    for target in ["sse", "long-poll?timeout_ms=0", "poll"] {
        let sign = if target.contains('?') { '&' } else { '?' };
        let head = until_turned_away(async || {
            let mut peer = get(&server, &experiment, &format!("{target}{sign}sub=crowd-0")).await;
            let head = peer.head().await;
            head.starts_with("HTTP/1.1 503 ").then_some(head)
        })
        .await;
        assert!(head.contains("\r\ncontent-type: application/problem+json\r\n"), "{head}");
        assert!(head.contains("\r\ncache-control: no-store\r\n"), "{head}");
        let seconds = head.lines().find_map(|line| line.strip_prefix("retry-after: ")).unwrap();
        told.push(seconds.parse::<u32>().unwrap());
    }
    assert!(told.iter().all(|seconds| *seconds <= 12), "{told:?}");
    // Whoever is not of the row has all the room there is.
    for _ in 0..3 {
        let (head, _) = get(&server, &experiment, "poll?sub=other").await.answer().await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    }
}

#[tokio::test]
async fn without_a_word_for_those_who_find_no_room_streams_are_reset_and_polls_answered() {
    let server = Server::start().await;
    let experiment = row(&server, json!({"capacity_s": 1})).await;
    until_turned_away(async || {
        let mut peer = get(&server, &experiment, "sse?sub=crowd-0").await;
        // A stream has no end: it says something, or it is reset.
        let error = peer.more().await.err()?;
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        assert!(peer.got.is_empty());
        Some(())
    })
    .await;
    let head = until_turned_away(async || {
        let head = get(&server, &experiment, "poll?sub=crowd-0").await.head().await;
        head.starts_with("HTTP/1.1 503 ").then_some(head)
    })
    .await;
    assert!(!head.contains("retry-after"), "{head}");
}

#[tokio::test]
async fn a_row_that_drains_ends_each_transport_as_it_ends_and_answers_all_the_while() {
    let server = Server::start().await;
    let experiment = row(&server, json!({"drain_ms": 300})).await;
    let mut socket = server.connect().await;
    socket.upgrade(&format!("{}/ws?sub=crowd-0", experiment.path())).await;
    assert!(socket.text().await.starts_with(r#"{"hello":"#));
    let mut stream = get(&server, &experiment, "sse?sub=crowd-0").await;
    stream.through("event: hello").await;
    stream.through("\n\n").await;
    let mut poll = get(&server, &experiment, "long-poll?sub=crowd-0").await;
    let mut other = get(&server, &experiment, "sse?sub=other").await;
    other.through("event: hello").await;
    let held = "standby_held{kind=\"long-poll\"} 1\n";
    until(async || server.ask("GET", "/metrics", "").await.1.contains(held)).await;

    server.fault(&experiment, json!({"kind": "refuse", "for_ms": 100_000})).await;
    server.fault(&experiment, json!({"kind": "drop"})).await;
    let (first, payload) = socket.frame().await;
    assert_eq!((first, &payload[..2]), (0x88, &1_001_u16.to_be_bytes()[..]));
    assert_eq!(&payload[2..], b"the server is stopping");
    assert_eq!(stream.through("0\r\n\r\n").await, "\r\n0\r\n\r\n");
    stream.until_end().await.unwrap();
    let (head, body) = poll.answer().await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("\r\nconnection: close\r\n"), "{head}");
    assert!(body.contains(r#""events":[],"last_id":1"#), "{body}");
    poll.until_end().await.unwrap();
    // Others are cut, and find nobody.
    other.assert_reset().await;
    get(&server, &experiment, "sse?sub=other").await.assert_reset().await;
    let mut again = get(&server, &experiment, "sse?sub=crowd-0").await;
    again.through("event: hello").await;
}

#[tokio::test]
async fn when_a_crowd_has_gone_its_label_meets_what_everybody_meets() {
    let server = Server::start().await;
    let experiment = row(&server, json!({"retry_spread_ms": 12_000})).await;
    let target = format!("{}/crowd?key={}", experiment.path(), experiment.key);
    let (head, _) = server.ask("DELETE", &target, "").await;
    assert!(head.starts_with("HTTP/1.1 204 "), "{head}");
    for _ in 0..3 {
        let mut peer = get(&server, &experiment, "sse?sub=crowd-0&retry_ms=2000").await;
        peer.through("\r\nretry: 2000\n\n").await;
    }
}
