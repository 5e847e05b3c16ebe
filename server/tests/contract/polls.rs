//! `GET …/poll` and `GET …/long-poll`.

use std::time::Duration;

use tokio::time::Instant;

use crate::server::{Server, ids};

#[tokio::test]
async fn a_poll_is_answered_at_once_to_the_byte() {
    let server = Server::start().await;
    let receipt = server.post("/api/topics/t/events", r#"{"data":{"price":1.0}}"#).await.json();
    let (epoch, at) = (server.epoch("t").await, &receipt["published_at"]);
    let answer = server.get("/api/topics/t/poll?after=0").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("etag"), Some(&*format!("\"{epoch}:1\"")));
    let event = format!(r#"{{"id":1,"data":{{"price":1.0}},"published_at":{at}}}"#);
    assert_eq!(answer.body, format!(r#"{{"epoch":"{epoch}","events":[{event}],"last_id":1}}"#));
    let nothing = server.get(&format!("/api/topics/t/poll?after={epoch}:1")).await;
    assert_eq!(nothing.body, format!(r#"{{"epoch":"{epoch}","events":[],"last_id":1}}"#));
}

#[tokio::test]
async fn without_a_position_a_poll_gets_the_last_id_and_no_events() {
    let server = Server::start().await;
    server.publish_many("t", 3).await;
    let answer = server.get("/api/topics/t/poll").await.json();
    assert_eq!((ids(&answer), &answer["last_id"]), (vec![], &3.into()));
}

#[tokio::test]
async fn a_topic_that_nobody_has_published_to_has_no_epoch() {
    let server = Server::start().await;
    for path in ["poll", "poll?after=0", "long-poll?timeout_ms=0", "long-poll?timeout_ms=0&after=0"] {
        let answer = server.get(&format!("/api/topics/t/{path}")).await;
        assert_eq!(answer.body, r#"{"epoch":null,"events":[],"last_id":0}"#);
        assert_eq!(answer.header("etag"), Some("\"0\""));
    }
}

#[tokio::test]
async fn an_answer_is_bounded_and_the_next_goes_on() {
    let server = Server::with(|config| config.topics.answer_events = 2).await;
    server.publish_many("t", 5).await;
    let mut after = 0;
    let mut got = Vec::new();
    while got.len() < 5 {
        let answer = server.get(&format!("/api/topics/t/poll?after={after}")).await.json();
        assert!(ids(&answer).len() <= 2);
        got.extend(ids(&answer));
        after = answer["last_id"].as_u64().unwrap();
        assert_eq!(Some(&after), got.last());
    }
    assert_eq!(got, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn an_answer_is_bounded_in_bytes_but_holds_one_event_at_least() {
    let server = Server::with(|config| config.topics.answer_bytes = 1).await;
    server.publish_many("t", 2).await;
    assert_eq!(ids(&server.get("/api/topics/t/poll?after=0").await.json()), [1]);
}

#[tokio::test]
async fn a_conditional_poll_gets_304_if_nothing_is_new() {
    let server = Server::start().await;
    let epoch = server.publish_many("t", 2).await;
    let tag = format!("\"{epoch}:2\"");
    let poll = async |after: &str, tag: &str| {
        server.get_with(&format!("/api/topics/t/poll{after}"), &format!("If-None-Match: {tag}")).await
    };
    let here = format!("?after={epoch}:2");
    for matching in [&tag, &format!("W/{tag}"), &format!("\"x\", {tag}"), "*"] {
        for after in ["", "?after=2", &here] {
            let answer = poll(after, matching).await;
            assert_eq!((answer.status, answer.header("etag")), (304, Some(&*tag)), "{after} {matching}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
    // Another tag, an event, a reset.
    assert_eq!(poll("?after=2", "\"x:2\"").await.status, 200);
    assert_eq!(poll("?after=1", &tag).await.status, 200);
    assert_eq!(poll("?after=1", "*").await.status, 200);
    assert_eq!(poll("?after=dead:2", &tag).await.status, 200);
    let long = server
        .get_with("/api/topics/t/long-poll?after=2&timeout_ms=0", &format!("If-None-Match: {tag}"))
        .await;
    assert_eq!(long.status, 200, "long polls ignore it");
}

#[tokio::test]
async fn a_conditional_poll_gets_a_gap_whatever_its_tag() {
    let server = Server::with(|config| config.topics.history_events = 1).await;
    let epoch = server.publish_many("t", 3).await;
    let answer =
        server.get_with("/api/topics/t/poll?after=1", &format!("If-None-Match: \"{epoch}:3\", *")).await;
    assert_eq!((answer.status, answer.json()["gap"].to_string()), (200, r#"{"from":2,"to":2}"#.to_owned()));
}

#[tokio::test]
async fn a_long_poll_is_held_until_there_is_an_event() {
    let server = Server::start().await;
    for (topic, after) in [("a", "after=EPOCH:1"), ("b", "after=1"), ("c", "")] {
        let epoch = server.publish_many(topic, 1).await;
        let mut held = server.connect().await;
        let after = after.replace("EPOCH", &epoch);
        held.request(&format!("GET /api/topics/{topic}/long-poll?{after}"), "").await;
        server.until_held("long-poll", 1).await;
        server.publish(topic, "2").await;
        assert_eq!(ids(&held.answer(false).await.json()), [2], "{after}");
        server.until_held("long-poll", 0).await;
    }
}

#[tokio::test]
async fn a_long_poll_on_a_topic_that_has_no_life_yet_gets_its_first_event() {
    let server = Server::start().await;
    for (topic, after) in [("a", ""), ("b", "after=0")] {
        let mut held = server.connect().await;
        held.request(&format!("GET /api/topics/{topic}/long-poll?{after}"), "").await;
        server.until_held("long-poll", 1).await;
        server.publish(topic, "1").await;
        let answer = held.answer(false).await.json();
        assert_eq!(ids(&answer), [1]);
        assert!(answer["epoch"].is_string());
        server.until_held("long-poll", 0).await;
    }
}

#[tokio::test]
async fn a_long_poll_is_answered_when_its_time_is_up() {
    let server = Server::start().await;
    let epoch = server.publish_many("t", 2).await;
    let began = Instant::now();
    let answer = server.get(&format!("/api/topics/t/long-poll?after={epoch}:2&timeout_ms=300")).await;
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(answer.body, format!(r#"{{"epoch":"{epoch}","events":[],"last_id":2}}"#));
}

#[tokio::test]
async fn a_long_poll_with_news_a_gap_or_a_reset_is_answered_at_once() {
    let server = Server::with(|config| config.topics.history_events = 2).await;
    let epoch = server.publish_many("t", 4).await;
    for after in ["after=3", "after=0", "after=5", "after=dead:4", &format!("after={epoch}:9")] {
        // Would it be held, this would wait for 25 s.
        let answer = server.get(&format!("/api/topics/t/long-poll?{after}")).await;
        assert_eq!(*ids(&answer.json()).last().unwrap(), 4, "{after}");
    }
    let answer = server.get("/api/topics/none/long-poll?after=dead:4").await;
    assert_eq!(answer.body, r#"{"epoch":null,"reset":{"epoch":null,"last_id":0},"events":[],"last_id":0}"#);
}

#[tokio::test]
async fn a_time_out_is_0_to_60_000_ms() {
    let server = Server::start().await;
    for bad in ["", "-1", "60001", "1.5", "+1", "1e3", "x", "99999999999999999999", "%31%zz"] {
        server.get(&format!("/api/topics/t/long-poll?timeout_ms={bad}")).await.assert_problem(400);
    }
    assert_eq!(server.get("/api/topics/t/long-poll?timeout_ms=0").await.status, 200);
    // Not known to a poll, and so ignored.
    assert_eq!(server.get("/api/topics/t/poll?timeout_ms=x").await.status, 200);
}

#[tokio::test]
async fn a_held_poll_ends_in_order_when_the_server_stops() {
    let server = Server::start().await;
    let epoch = server.publish_many("t", 1).await;
    let mut held = server.connect().await;
    held.request("GET /api/topics/t/long-poll", "").await;
    server.until_held("long-poll", 1).await;
    server.stop().await;
    let answer = held.answer(false).await;
    assert_eq!(answer.body, format!(r#"{{"epoch":"{epoch}","events":[],"last_id":1}}"#));
    held.ended().await;
}
