//! Positions, gaps and resets, the same on all four transports.

use serde_json::{Value, json};

use crate::server::{Server, ids};

/// What a transport says for a position, as JSON: the hello or reset, the gap, and the ids.
#[derive(Debug, PartialEq)]
struct Told {
    opening: Value,
    gap: Value,
    ids: Vec<u64>,
}

async fn by_poll(server: &Server, path: &str, after: &str) -> Told {
    let answer = server.get(&format!("/api/topics/t/{path}?{after}")).await.json();
    let opening = if answer["reset"].is_null() { json!({}) } else { json!({"reset": answer["reset"]}) };
    Told { opening, gap: answer["gap"].clone(), ids: ids(&answer) }
}

async fn by_socket(server: &Server, after: &str, last_id: u64) -> Told {
    let mut socket = server.connect().await;
    socket.upgrade(&format!("/api/topics/t/ws?{after}")).await;
    let mut told = Told { opening: socket.json().await, gap: Value::Null, ids: vec![] };
    while told.ids.last() != Some(&last_id) {
        let frame = socket.json().await;
        match (frame.get("gap"), frame.get("hello")) {
            (Some(gap), _) => told.gap = gap.clone(),
            // The topic came to life.
            (_, Some(_)) => {}
            _ => told.ids.push(frame["id"].as_u64().unwrap()),
        }
    }
    told
}

/// Of a stream, where each id names its epoch too.
async fn by_stream(server: &Server, after: &str, last_id: u64, epoch: &str) -> Told {
    let mut stream = server.connect().await;
    stream.request(&format!("GET /api/topics/t/sse?{after}"), "").await;
    assert_eq!(stream.head().await.status, 200);
    let mut told = Told { opening: Value::Null, gap: Value::Null, ids: vec![] };
    while told.ids.last() != Some(&last_id) {
        for event in stream.text_chunk().await.split_terminator("\n\n") {
            let field =
                |name: &str| event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            let data: Value = field("data").map_or(Value::Null, |data| serde_json::from_str(data).unwrap());
            let id = |n: &Value| assert_eq!(field("id"), Some(&*format!("{epoch}:{n}")), "{event}");
            match field("event") {
                Some(name @ ("hello" | "reset")) => {
                    id(&data["last_id"]);
                    told.opening = json!({name: data});
                }
                Some("gap") => {
                    id(&data["to"]);
                    told.gap = data;
                }
                Some(other) => panic!("{other}"),
                None if field("retry").is_some() => {}
                None => {
                    id(&data["id"]);
                    told.ids.push(data["id"].as_u64().unwrap());
                }
            }
        }
    }
    told
}

/// History holds 3 to 5 of five events. All four transports are told the same.
async fn told(after: &str) -> (String, Told) {
    let server = Server::with(|config| config.topics.history_events = 3).await;
    let epoch = server.publish_many("t", 5).await;
    let after = after.replace("EPOCH", &epoch);
    let socket = by_socket(&server, &after, 5).await;
    assert_eq!(by_stream(&server, &after, 5, &epoch).await, socket);
    for path in ["poll", "long-poll"] {
        let poll = by_poll(&server, path, &after).await;
        // A poll has no hello: what it would say stands in its epoch and the ids.
        assert_eq!(
            (poll.opening["reset"].clone(), &poll.gap, &poll.ids),
            (socket.opening["reset"].clone(), &socket.gap, &socket.ids)
        );
    }
    (epoch, socket)
}

#[tokio::test]
async fn a_position_gets_what_follows_it() {
    for after in ["after=3", "after=EPOCH:3", "after=EPOCH%3A3"] {
        let (epoch, told) = told(after).await;
        let opening = json!({"hello": {"epoch": epoch, "last_id": 3}});
        assert_eq!(told, Told { opening, gap: Value::Null, ids: vec![4, 5] });
    }
}

#[tokio::test]
async fn what_history_no_longer_holds_is_a_gap() {
    for after in ["after=0", "after=EPOCH:0"] {
        let (epoch, told) = told(after).await;
        let opening = json!({"hello": {"epoch": epoch, "last_id": 0}});
        assert_eq!(told, Told { opening, gap: json!({"from": 1, "to": 2}), ids: vec![3, 4, 5] });
    }
    let (_, told) = told("after=1").await;
    assert_eq!((told.gap, told.ids), (json!({"from": 2, "to": 2}), vec![3, 4, 5]));
}

#[tokio::test]
async fn a_position_in_another_life_is_a_reset_and_no_gap() {
    for after in ["after=dead:4", "after=dead:0", "after=6", "after=EPOCH:6", "after=18446744073709551615"] {
        let (epoch, told) = told(after).await;
        let opening = json!({"reset": {"epoch": epoch, "last_id": 2}});
        assert_eq!(told, Told { opening, gap: Value::Null, ids: vec![3, 4, 5] });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everyone_gets_every_event_once_and_in_order_while_many_publish() {
    const EVENTS: u64 = 200;
    let server = Server::start().await;
    let all: Vec<u64> = (1..=EVENTS).collect();
    let publishers = async {
        let publish = async || {
            let mut connection = server.connect().await;
            for _ in 0..EVENTS / 4 {
                let head = "POST /api/topics/t/events";
                assert_eq!(connection.ask(head, r#"{"data":"x"}"#).await.status, 201);
            }
        };
        tokio::join!(publish(), publish(), publish(), publish());
    };
    let poll = async |path: &str| {
        let (mut connection, mut got, mut after) = (server.connect().await, vec![], "0".to_owned());
        while got.last() != Some(&EVENTS) {
            let answer = connection.ask(&format!("GET /api/topics/t/{path}?after={after}"), "").await.json();
            got.extend(ids(&answer));
            let id = &answer["last_id"];
            after = answer["epoch"].as_str().map_or(id.to_string(), |epoch| format!("{epoch}:{id}"));
        }
        got
    };
    let stream = async {
        let mut stream = server.connect().await;
        stream.request("GET /api/topics/t/sse", "").await;
        stream.head().await;
        assert!(stream.text_chunk().await.contains("event: hello"));
        let mut got = vec![];
        while got.last() != Some(&EVENTS) {
            let event = stream.text_chunk().await;
            let id = event.lines().next().unwrap().rsplit(':').next().unwrap();
            got.push(id.parse::<u64>().unwrap());
        }
        got
    };
    let (socket, stream, long, short, ()) =
        tokio::join!(by_socket(&server, "after=0", EVENTS), stream, poll("long-poll"), poll("poll"), async {
            server.until_held("websocket", 1).await;
            server.until_held("sse", 1).await;
            publishers.await;
        });
    assert_eq!(socket.ids, all);
    assert_eq!((stream, long, short), (all.clone(), all.clone(), all));
}

#[tokio::test]
async fn a_malformed_position_is_refused() {
    let server = Server::start().await;
    for path in ["poll", "long-poll", "ws", "sse"] {
        for after in [
            "",
            "x",
            "-1",
            "+1",
            "1.0",
            ":1",
            "a:",
            "A:1",
            "a:b:1",
            "1%20",
            "%ff",
            "abcdefghijklmnopq:1",
            "18446744073709551616",
            "1&after=1",
            "1&after=2",
        ] {
            server.get(&format!("/api/topics/t/{path}?after={after}")).await.assert_problem(400);
        }
    }
}

#[tokio::test]
async fn a_topics_name_is_1_to_64_letters_digits_and_two_signs() {
    let server = Server::start().await;
    let longest = "x".repeat(64);
    for name in ["a", "A-Z_09", "-", "%61", &longest] {
        assert_eq!(server.get(&format!("/api/topics/{name}/poll")).await.status, 200, "{name}");
    }
    let too_long = "x".repeat(65);
    for name in ["a.b", "a%20b", "%C3%A9", "a%2Fb", "a%00", "*", "", &too_long] {
        for path in ["poll", "long-poll", "ws", "sse"] {
            server.get(&format!("/api/topics/{name}/{path}")).await.assert_problem(400);
        }
        server.post(&format!("/api/topics/{name}/events"), r#"{"data":1}"#).await.assert_problem(400);
    }
}

#[tokio::test]
async fn what_is_too_old_is_gone_and_told() {
    let server = Server::with(|config| config.topics.history_age_ms = 1).await;
    let epoch = server.publish_many("t", 2).await;
    server.until(async || ids(&server.get("/api/topics/t/poll?after=0").await.json()).is_empty()).await;
    let answer = server.get("/api/topics/t/poll?after=0").await;
    // Without an event the position is the gap's end.
    assert_eq!(
        answer.body,
        format!(r#"{{"epoch":"{epoch}","gap":{{"from":1,"to":2}},"events":[],"last_id":2}}"#)
    );
    let answer = server.get("/api/topics/t/poll?after=dead:1").await;
    let reset = format!(r#""reset":{{"epoch":"{epoch}","last_id":2}}"#);
    assert_eq!(answer.body, format!(r#"{{"epoch":"{epoch}",{reset},"events":[],"last_id":2}}"#));
}
