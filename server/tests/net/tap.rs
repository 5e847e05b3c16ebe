//! What observers are told of the wire: all of it, byte for byte, and nothing of anyone else.

use serde_json::json;
use standby_trace::tap::{ClosedBy, Part, ToObserver, Via};
use standby_trace::trace::{Direction, Kind};

use crate::server::Server;

#[tokio::test]
async fn every_byte_of_all_four_transports_is_told() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    let path = experiment.path();
    let (mut poll, mut long_poll, mut ws, mut sse) =
        (server.connect().await, server.connect().await, server.connect().await, server.connect().await);

    poll.get_answer(&format!("{path}/poll?after=0&sub=poll&n=1")).await;
    long_poll.get(&format!("{path}/long-poll?after=0&sub=long-poll"), "").await;
    ws.upgrade(&format!("{path}/ws?sub=ws")).await;
    ws.text().await;
    sse.get(&format!("{path}/sse?sub=sse"), "").await;
    sse.through("hello").await;
    ws.send_frame(0x89, b"ping").await;
    assert_eq!(ws.frame().await, (0x8a, b"ping".to_vec()));
    ws.send_frame(0x81, br#"{"data":{"price":101.25}}"#).await;
    // The topic comes to life: a second hello, and the event.
    ws.text().await;
    ws.text().await;
    sse.through("101.25").await;
    sse.through("\r\n").await;
    long_poll.answer().await;
    poll.get_answer(&format!("{path}/poll?after=0&sub=poll&n=2")).await;
    server.publish(&experiment, &json!("x".repeat(40_000))).await;
    ws.text().await;
    sse.through("xx\"").await;
    sse.through("\n\n\r\n").await;
    ws.send_frame(0x88, &1000_u16.to_be_bytes()).await;
    ws.frame().await;

    for (sub, peer) in [("poll", &poll), ("long-poll", &long_poll), ("ws", &ws), ("sse", &sse)] {
        observer.until_all_of(sub, peer).await;
        assert_eq!(observer.bytes(sub, Direction::ToServer), peer.sent, "{sub}");
        assert_eq!(observer.bytes(sub, Direction::ToClient), peer.got, "{sub}");
    }
    // What a poller asked for stands beside what it was.
    let ns: Vec<_> = observer.wires().filter(|w| w.exchange.sub.as_deref() == Some("poll")).collect();
    assert_eq!(ns.iter().map(|wire| wire.exchange.n).collect::<Vec<_>>()[..3], [Some(1), Some(1), Some(1)]);
    assert!(ns.iter().all(|wire| wire.exchange.via == Via::ShortPoll));
    assert!(ns.iter().any(|wire| wire.exchange.request == 2 && wire.exchange.n == Some(2)));
}

#[tokio::test]
async fn each_part_has_its_moment_at_both_ends_and_one_number() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({"conditions": {"latency_ms": 20}})).await;
    let mut observer = server.observe(&experiment).await;
    let path = experiment.path();
    let mut ws = server.connect().await;
    ws.upgrade(&format!("{path}/ws?sub=ws")).await;
    ws.text().await;
    ws.send_frame(0x81, br#"{"data":1}"#).await;
    ws.text().await;
    ws.text().await;
    let mut sse = server.connect().await;
    sse.get(&format!("{path}/sse?sub=sse&after=0"), "").await;
    sse.through("\"data\":1").await;
    sse.through("\r\n").await;
    let mut poll = server.connect().await;
    poll.get_answer(&format!("{path}/poll?after=0&sub=poll")).await;
    poll.send_body("POST", &format!("{path}/events?sub=poll"), r#"{"data":2}"#).await;
    poll.answer().await;
    for (sub, peer) in [("ws", &ws), ("sse", &sse), ("poll", &poll)] {
        observer.until_all_of(sub, peer).await;
    }
    let is_body =
        |record: &ToObserver| matches!(record, ToObserver::App(app) if app.part == Part::RequestBody);
    if !observer.records.iter().any(is_body) {
        observer.until(is_body).await;
    }

    let latency_us = 20_000;
    for wire in observer.wires() {
        let same = |app: &&standby_trace::tap::App| {
            (app.exchange.conn, app.direction, app.seq) == (wire.exchange.conn, wire.direction, wire.seq)
        };
        let app = observer.apps().find(same).unwrap_or_else(|| panic!("no other end of {wire:?}"));
        assert_eq!((app.part, &app.exchange), (wire.part, &wire.exchange));
        let (first, second) = match wire.direction {
            Direction::ToServer => (wire.at_us, app.at_us),
            Direction::ToClient => (app.at_us, wire.at_us),
        };
        assert!(second >= first + latency_us, "{first} {second} {wire:?}");
    }
    let kinds = |sub: &str| {
        let apps = observer.apps().filter(|app| app.exchange.sub.as_deref() == Some(sub));
        apps.map(|app| (app.kind, app.events.clone())).collect::<Vec<_>>()
    };
    assert_eq!(
        kinds("ws")[..6],
        [
            (Kind::Request, vec![]),
            (Kind::Open, vec![]),
            (Kind::Open, vec![]),
            (Kind::Send, vec![]),
            (Kind::Open, vec![]),
            (Kind::Event, vec![1]),
        ]
    );
    assert_eq!(
        kinds("poll")[..3],
        [(Kind::Request, vec![]), (Kind::Answer, vec![]), (Kind::Answer, vec![1]),]
    );
    let events: Vec<_> = kinds("sse").into_iter().flat_map(|(_, events)| events).collect();
    assert_eq!(events, [1, 2]);
}

#[tokio::test]
async fn who_someone_is_and_where_they_come_from_is_masked() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    let mut peer = server.connect().await;
    let private = "Cookie: session=1\r\nAuthorization: Basic eDp5\r\nreferer: http://localhost/secret\r\n\
                   X-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\n";
    peer.get(&format!("{}/poll?sub=a", experiment.path()), private).await;
    peer.answer().await;
    observer.until_all_of("a", &peer).await;
    let told = String::from_utf8(observer.bytes("a", Direction::ToServer)).unwrap();
    let expected = "Cookie: *********\r\nAuthorization: **********\r\nreferer: ***********************\r\n\
                    X-Forwarded-For: *********\r\nForwarded: *************\r\n\r\n";
    assert!(told.ends_with(expected), "{told}");
    assert_eq!(told.len(), peer.sent.len());
}

#[tokio::test]
async fn a_connection_from_before_is_followed_from_its_next_request() {
    let server = Server::start().await;
    let mut peer = server.connect().await;
    peer.get_answer("/api/health").await;
    peer.get_answer("/api/topics/other/poll").await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    let before = (peer.sent.len(), peer.got.len());
    peer.get_answer("/api/topics/other/poll").await;
    let other = (peer.sent.len(), peer.got.len());
    peer.get_answer(&format!("{}/poll?sub=a", experiment.path())).await;
    assert!(before < other);
    observer.until_wire(Part::ResponseBody, 1).await;
    assert_eq!(observer.bytes("a", Direction::ToServer), peer.sent[other.0..]);
    assert_eq!(observer.bytes("a", Direction::ToClient), peer.got[other.1..]);
    assert!(observer.wires().all(|wire| wire.exchange.request == 4));
}

#[tokio::test]
async fn nobody_else_is_told_of() {
    let server = Server::start().await;
    let (one, other) = (server.experiment(json!({})).await, server.experiment(json!({})).await);
    let mut observer = server.observe(&one).await;
    let mut others_observer = server.observe(&other).await;
    let mut peer = server.connect().await;
    peer.get_answer(&format!("{}/poll?sub=x", other.path())).await;
    peer.get_answer("/api/health").await;
    peer.get_answer(&format!("{}/poll?sub=a", one.path())).await;
    observer.until_wire(Part::ResponseBody, 1).await;
    others_observer.until_wire(Part::ResponseBody, 1).await;
    assert!(observer.wires().all(|wire| wire.exchange.sub.as_deref() == Some("a")));
    assert!(others_observer.wires().all(|wire| wire.exchange.sub.as_deref() == Some("x")));
    // The observers' own sockets least of all.
    assert!(observer.wires().all(|wire| wire.part != Part::Frame));
}

#[tokio::test]
async fn a_preflight_is_told_as_what_it_is() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    let mut peer = server.connect().await;
    let target = format!("{}/poll?sub=a", experiment.path());
    peer.send(format!(
        "OPTIONS {target} HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:4000\r\n\
         Access-Control-Request-Method: GET\r\n\r\n"
    ))
    .await;
    let head = peer.head().await;
    assert!(head.starts_with("HTTP/1.1 204 "), "{head}");
    observer.until_wire(Part::ResponseHead, 1).await;
    assert!(observer.wires().all(|wire| wire.exchange.via == Via::Preflight));
    assert_eq!(observer.bytes("a", Direction::ToClient), peer.got);
}

#[tokio::test]
async fn a_body_that_is_waited_for_is_told_with_the_interim_answer() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    let mut peer = server.connect().await;
    let target = format!("{}/events?sub=a", experiment.path());
    peer.send(format!(
        "POST {target} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n"
    ))
    .await;
    assert!(peer.head().await.starts_with("HTTP/1.1 100 "));
    peer.send(r#"{"data":1}"#).await;
    assert!(peer.answer().await.0.starts_with("HTTP/1.1 201 "));
    observer.until_all_of("a", &peer).await;
    assert_eq!(observer.bytes("a", Direction::ToServer), peer.sent);
    assert_eq!(observer.bytes("a", Direction::ToClient), peer.got);
}

#[tokio::test]
async fn a_chunked_request_is_told_chunk_by_chunk() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    let mut peer = server.connect().await;
    let target = format!("{}/events?sub=a", experiment.path());
    peer.send(format!("POST {target} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"))
        .await;
    peer.send("5\r\n{\"dat\r\n5;x=y\r\na\":1}\r\n0\r\n\r\n").await;
    assert!(peer.answer().await.0.starts_with("HTTP/1.1 201 "));
    observer.until_all_of("a", &peer).await;
    assert_eq!(observer.bytes("a", Direction::ToServer), peer.sent);
    let parts: Vec<_> =
        observer.wires().filter(|w| w.direction == Direction::ToServer).map(|w| w.part).collect();
    assert_eq!(parts, [Part::RequestHead, Part::Chunk, Part::Chunk, Part::LastChunk]);
}

#[tokio::test]
async fn the_end_of_a_connection_is_told_with_who_ended_it() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    let mut peer = server.connect().await;
    peer.get_answer(&format!("{}/poll?sub=a", experiment.path())).await;
    drop(peer);
    let closed = observer.until(|record| matches!(record, ToObserver::Closed { .. })).await;
    assert!(
        matches!(closed, ToObserver::Closed { by: ClosedBy::Client, exchange, .. } if exchange.request == 1)
    );

    let mut peer = server.connect().await;
    peer.get(&format!("{}/poll?sub=a", experiment.path()), "Connection: close\r\n").await;
    peer.until_end().await.unwrap();
    let closed = observer.until(|record| matches!(record, ToObserver::Closed { .. })).await;
    assert!(matches!(closed, ToObserver::Closed { by: ClosedBy::Server, .. }), "{closed:?}");
}

#[tokio::test]
async fn requests_that_come_together_are_told_apart() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    let mut peer = server.connect().await;
    let path = experiment.path();
    let request = |n| format!("GET {path}/poll?sub=a&n={n} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    peer.send(request(1) + &request(2) + &request(3)).await;
    for _ in 0..3 {
        peer.answer().await;
    }
    observer.until_all_of("a", &peer).await;
    assert_eq!(observer.bytes("a", Direction::ToClient), peer.got);
    for n in 1..=3 {
        assert_eq!(observer.wires().filter(|wire| wire.exchange.n == Some(n)).count(), 3);
    }
}

#[tokio::test]
async fn an_observer_that_does_not_read_is_told_what_it_missed_and_the_others_hear_all() {
    let server = Server::with(|config| config.limits.write_stall_ms = 60_000).await;
    let experiment = server.experiment(json!({})).await;
    let (mut slow, mut quick) = (server.observe(&experiment).await, server.observe(&experiment).await);
    // Far more than the kernel's buffers and the queue hold together: each event is told of with its
    // request and its answer.
    let data = json!("x".repeat(60_000));
    for id in 1..=400 {
        server.publish(&experiment, &data).await;
        let is_it =
            |record: &ToObserver| matches!(record, ToObserver::Published { id: told, .. } if *told == id);
        quick.until(is_it).await;
        assert!(!quick.records.iter().any(|record| matches!(record, ToObserver::Missed { .. })));
        quick.records.clear();
        quick.peer.forget();
    }
    let missed = slow.until(|record| matches!(record, ToObserver::Missed { .. })).await;
    assert!(matches!(missed, ToObserver::Missed { records } if records > 0));
    server.publish(&experiment, &json!("again")).await;
    slow.until(|record| matches!(record, ToObserver::Published { id: 401, .. })).await;
}
