//! How much is held, and who makes room.

use crate::server::{Server, ids};

#[tokio::test]
async fn history_is_bounded_in_events() {
    let server = Server::with(|config| config.topics.history_events = 3).await;
    server.publish_many("t", 5).await;
    let answer = server.get("/api/topics/t/poll?after=0").await.json();
    assert_eq!((ids(&answer), answer["gap"].to_string()), (vec![3, 4, 5], r#"{"from":1,"to":2}"#.to_owned()));
}

#[tokio::test]
async fn history_is_bounded_in_bytes_but_holds_the_newest_event() {
    let server = Server::with(|config| config.topics.history_bytes = 1_000).await;
    for size in [300, 300, 300, 300, 5_000] {
        server.publish("t", &format!("\"{}\"", "x".repeat(size))).await;
        let held = ids(&server.get("/api/topics/t/poll?after=0").await.json());
        assert!(held.len() < 4 && !held.is_empty(), "{held:?}");
    }
    assert_eq!(ids(&server.get("/api/topics/t/poll?after=0").await.json()), [5]);
}

#[tokio::test]
async fn the_topic_that_was_idle_longest_makes_room_for_a_new_one() {
    let server = Server::with(|config| config.topics.topics = 3).await;
    for topic in ["a", "b", "c"] {
        server.publish(topic, "1").await;
    }
    // A poll is a use too.
    server.get("/api/topics/a/poll").await;
    server.publish("d", "1").await;
    let epoch =
        async |topic: &str| server.get(&format!("/api/topics/{topic}/poll")).await.json()["epoch"].clone();
    assert!(epoch("b").await.is_null());
    for topic in ["c", "a", "d"] {
        assert!(epoch(topic).await.is_string(), "{topic}");
    }
    server.publish("b", "2").await;
    assert!(epoch("c").await.is_null());
    // It is another life: ids begin again, and the epoch says so.
    assert_eq!(ids(&server.get("/api/topics/b/poll?after=0").await.json()), [1]);
}

#[tokio::test]
async fn a_topic_in_use_never_makes_room_and_with_none_idle_a_new_one_gets_503() {
    let server = Server::with(|config| config.topics.topics = 4).await;
    for topic in ["poll", "sse", "ws", "experiment"] {
        server.publish(topic, "1").await;
    }
    let (mut poll, mut stream, mut socket) =
        (server.connect().await, server.connect().await, server.connect().await);
    poll.request("GET /api/topics/poll/long-poll", "").await;
    stream.request("GET /api/topics/sse/sse", "").await;
    socket.upgrade("/api/topics/ws/ws").await;
    let pinned = server.state.topics.pin("experiment").unwrap();
    for kind in ["long-poll", "sse", "websocket"] {
        server.until_held(kind, 1).await;
    }

    let refused = server.post("/api/topics/new/events", r#"{"data":1}"#).await;
    refused.assert_problem(503);
    assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    let mut publisher = server.connect().await;
    publisher.upgrade("/api/topics/new/ws").await;
    publisher.text().await;
    publisher.send_text(r#"{"data":1}"#).await;
    assert!(publisher.json().await["error"]["detail"].is_string());
    // Those that live go on. (Publishing to the first would answer its poll, and leave it idle.)
    for topic in ["sse", "ws", "experiment"] {
        assert_eq!(server.publish(topic, "2").await, 2);
    }

    // As soon as one is idle it makes room, and it is that one.
    drop(pinned);
    assert_eq!(server.publish("new", "1").await, 1);
    assert!(server.get("/api/topics/experiment/poll").await.json()["epoch"].is_null());
    assert_eq!(server.publish("ws", "3").await, 3);
}

#[tokio::test]
async fn a_topic_without_a_life_uses_up_no_bound_and_is_forgotten() {
    let server = Server::with(|config| config.topics.topics = 1).await;
    server.publish("t", "1").await;
    let mut waiting = Vec::new();
    for n in 0..5 {
        let mut socket = server.connect().await;
        socket.upgrade(&format!("/api/topics/unborn-{n}/ws")).await;
        socket.text().await;
        waiting.push(socket);
        server.get(&format!("/api/topics/polled-{n}/poll?after=0")).await;
    }
    assert!(server.state.topics.get("unborn-0").is_some());
    assert!(server.state.topics.get("polled-0").is_none());
    assert_eq!(server.publish("t", "2").await, 2);
    drop(waiting);
    server.until_held("websocket", 0).await;
    server.until(async || server.state.topics.get("unborn-0").is_none()).await;
}

#[tokio::test]
async fn for_bytes_idle_topics_go_first_and_then_the_publishing_topics_oldest_events() {
    let server = Server::with(|config| config.topics.total_bytes = 10_000).await;
    let large = format!("\"{}\"", "x".repeat(2_900));
    for topic in ["idle-1", "idle-2"] {
        server.publish(topic, &large).await;
    }
    let held = server.state.topics.pin("held").unwrap();
    server.publish("held", &large).await;
    // A fourth is too much: the one that was idle longest goes.
    server.publish("new", &large).await;
    let epoch =
        async |topic: &str| server.get(&format!("/api/topics/{topic}/poll")).await.json()["epoch"].clone();
    assert!(epoch("idle-1").await.is_null());
    for topic in ["idle-2", "held", "new"] {
        assert!(epoch(topic).await.is_string(), "{topic}");
    }
    let _new = server.state.topics.pin("new").unwrap();
    server.publish("new", &large).await;
    assert!(epoch("idle-2").await.is_null());
    // None is idle any more: its own oldest go, and what others hold stays.
    server.publish("new", &large).await;
    let answer = server.get("/api/topics/new/poll?after=0").await.json();
    assert_eq!((ids(&answer), answer["gap"]["to"].as_u64()), (vec![2, 3], Some(1)));
    assert_eq!(ids(&server.get("/api/topics/held/poll?after=0").await.json()), [1]);
    assert!(server.state.topics.totals().history_bytes <= 10_000);
    drop(held);
}

#[tokio::test]
async fn who_goes_away_is_let_go_of() {
    let server = Server::start().await;
    let (mut poll, mut stream, mut socket) =
        (server.connect().await, server.connect().await, server.connect().await);
    poll.request("GET /api/topics/t/long-poll", "").await;
    stream.request("GET /api/topics/t/sse", "").await;
    socket.upgrade("/api/topics/t/ws").await;
    for (kind, connection) in [("long-poll", poll), ("sse", stream), ("websocket", socket)] {
        server.until_held(kind, 1).await;
        drop(connection);
        server.until_held(kind, 0).await;
    }
    assert!(server.state.topics.get("t").is_none());
}
