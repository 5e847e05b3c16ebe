//! `GET …/sse`.

use crate::client::Connection;
use crate::server::Server;

async fn open(server: &Server, query: &str, headers: &str) -> Connection {
    let mut stream = server.connect().await;
    stream.request(&format!("GET /api/topics/t/sse{query}\n{headers}"), "").await;
    let head = stream.head().await;
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    assert_eq!(head.header("cache-control"), Some("no-store"));
    assert_eq!(head.header("x-accel-buffering"), Some("no"));
    assert_eq!(head.header("content-encoding"), None);
    stream
}

#[tokio::test]
async fn a_stream_is_written_to_the_byte_as_the_contract_has_it() {
    let server = Server::start().await;
    let receipt = server.post("/api/topics/t/events", r#"{"data":{"price":1.0}}"#).await.json();
    let (epoch, at) = (server.epoch("t").await, &receipt["published_at"]);
    let mut stream = open(&server, "?after=0&retry_ms=1500", "").await;
    let opening = format!("event: hello\nid: {epoch}:0\ndata: {{\"epoch\":\"{epoch}\",\"last_id\":0}}\n\n");
    assert_eq!(stream.text_chunk().await, format!("retry: 1500\n\n{opening}"));
    let event = format!(r#"{{"id":1,"data":{{"price":1.0}},"published_at":{at}}}"#);
    assert_eq!(stream.text_chunk().await, format!("id: {epoch}:1\ndata: {event}\n\n"));
    // What comes later is a chunk each, and comes at once.
    for id in 2..=3 {
        server.publish("t", "null").await;
        assert!(stream.text_chunk().await.starts_with(&format!("id: {epoch}:{id}\ndata: {{\"id\":{id},")));
    }
}

#[tokio::test]
async fn without_a_position_a_stream_begins_with_what_is_published_from_now_on() {
    let server = Server::start().await;
    let epoch = server.publish_many("t", 2).await;
    let mut stream = open(&server, "", "").await;
    assert!(stream.text_chunk().await.contains(&format!("event: hello\nid: {epoch}:2\n")));
    server.publish("t", "3").await;
    assert!(stream.text_chunk().await.starts_with(&format!("id: {epoch}:3\n")));
}

#[tokio::test]
async fn a_topic_without_a_life_is_told_so_and_its_first_event_names_the_epoch() {
    let server = Server::start().await;
    let mut stream = open(&server, "?retry_ms=500", "").await;
    let opening = "event: hello\nid: 0\ndata: {\"epoch\":null,\"last_id\":0}\n\n";
    assert_eq!(stream.text_chunk().await, format!("retry: 500\n\n{opening}"));
    server.publish("t", "1").await;
    let epoch = server.epoch("t").await;
    assert!(stream.text_chunk().await.starts_with(&format!("id: {epoch}:1\ndata: {{\"id\":1,")));
}

#[tokio::test]
async fn a_reconnection_time_is_named_first_and_jittered() {
    let server = Server::with(|config| config.sse.jitter_ms = 60_000).await;
    let mut times = Vec::new();
    for _ in 0..8 {
        let opening = open(&server, "", "").await.text_chunk().await;
        let retry = opening.strip_prefix("retry: ").and_then(|rest| rest.split('\n').next()).unwrap();
        times.push(retry.parse::<u32>().unwrap());
    }
    assert!(times.iter().all(|ms| (2_000..=62_000).contains(ms)), "{times:?}");
    assert!(times.iter().any(|ms| *ms != times[0]), "{times:?}");
    for bad in ["499", "60001", "", "x"] {
        server.get(&format!("/api/topics/t/sse?retry_ms={bad}")).await.assert_problem(400);
    }
}

#[tokio::test]
async fn last_event_id_wins_over_after() {
    let server = Server::start().await;
    let epoch = server.publish_many("t", 3).await;
    let opening = async |query: &str, header: &str| {
        open(&server, query, &format!("Last-Event-ID:{header}")).await.text_chunk().await
    };
    let at = |id: u64| format!("event: hello\nid: {epoch}:{id}\n");
    assert!(opening("?after=0", &format!(" {epoch}:2")).await.contains(&at(2)));
    assert!(opening("", " 1").await.contains(&at(1)));
    // An empty one is as none.
    assert!(opening("?after=1", "").await.contains(&at(1)));
    assert!(opening("", " ").await.contains(&at(3)));
}

#[tokio::test]
async fn a_malformed_last_event_id_is_refused() {
    let server = Server::start().await;
    for headers in ["x", "1.0", "K:1", ":", "é", "1, 2", "1\nLast-Event-ID: 1", "1\nLast-Event-ID: 2"] {
        let answer = server.get_with("/api/topics/t/sse", &format!("Last-Event-ID: {headers}")).await;
        answer.assert_problem(400);
    }
    // A good one does not make up for a bad parameter.
    server.get_with("/api/topics/t/sse?after=x", "Last-Event-ID: 1").await.assert_problem(400);
    // Polls don't know it.
    assert_eq!(server.get_with("/api/topics/t/poll", "Last-Event-ID: x").await.status, 200);
}

#[tokio::test]
async fn a_silent_stream_gets_comments() {
    let server = Server::with(|config| config.keep_alive_ms = 100).await;
    let mut stream = open(&server, "", "").await;
    stream.text_chunk().await;
    for _ in 0..2 {
        assert_eq!(stream.text_chunk().await, ":\n\n");
    }
}

#[tokio::test]
async fn a_stream_gets_comments_as_often_as_its_subscriber_asks() {
    let server = Server::start().await;
    let mut stream = open(&server, "?keep_alive_ms=500", "").await;
    stream.text_chunk().await;
    assert_eq!(stream.text_chunk().await, ":\n\n");
}

#[tokio::test]
async fn a_stream_ends_in_order_when_the_server_stops() {
    let server = Server::start().await;
    let mut stream = open(&server, "", "").await;
    stream.text_chunk().await;
    server.stop().await;
    assert_eq!(stream.chunk().await, None);
    stream.ended().await;
}
