//! `GET …/ws` and `GET /api/echo`.

use serde_json::json;

use crate::client::{BINARY, CLOSE, Connection, HANDSHAKE, PING, PONG, TEXT};
use crate::server::{Server, ids};

async fn open(server: &Server, query: &str) -> Connection {
    let mut socket = server.connect().await;
    socket.upgrade(&format!("/api/topics/t/ws{query}")).await;
    socket
}

async fn echo(server: &Server) -> Connection {
    let mut socket = server.connect().await;
    socket.upgrade("/api/echo").await;
    socket
}

#[tokio::test]
async fn a_socket_says_hello_and_then_each_event_in_a_frame() {
    let server = Server::start().await;
    let receipt = server.post("/api/topics/t/events", r#"{"data":{"price":1.0}}"#).await.json();
    let (epoch, at) = (server.epoch("t").await, &receipt["published_at"]);
    let mut socket = open(&server, "?after=0").await;
    assert_eq!(socket.text().await, format!(r#"{{"hello":{{"epoch":"{epoch}","last_id":0}}}}"#));
    assert_eq!(socket.text().await, format!(r#"{{"id":1,"data":{{"price":1.0}},"published_at":{at}}}"#));
    server.publish("t", "2").await;
    assert_eq!(socket.json().await["id"], 2);
}

#[tokio::test]
async fn a_second_hello_comes_before_the_first_event_of_a_topic() {
    let server = Server::start().await;
    for (query, opening) in [("", "hello"), ("?after=0", "hello"), ("?after=dead:7", "reset")] {
        let mut socket = server.connect().await;
        let topic = format!("t{}", query.len());
        socket.upgrade(&format!("/api/topics/{topic}/ws{query}")).await;
        assert_eq!(socket.json().await, json!({opening: {"epoch": null, "last_id": 0}}));
        server.publish(&topic, "1").await;
        let epoch = server.epoch(&topic).await;
        assert_eq!(socket.json().await, json!({"hello": {"epoch": epoch, "last_id": 0}}));
        assert_eq!(socket.json().await["id"], 1);
        server.publish(&topic, "2").await;
        assert_eq!(socket.json().await["id"], 2);
    }
}

#[tokio::test]
async fn a_socket_publishes_and_the_event_comes_back_like_any_other() {
    let server = Server::start().await;
    let (mut one, mut other) = (open(&server, "").await, open(&server, "").await);
    one.text().await;
    other.text().await;
    one.send_text(r#"{"data":{"x":1.50},"more":true}"#).await;
    for socket in [&mut one, &mut other] {
        assert!(socket.json().await["hello"]["epoch"].is_string());
        assert!(socket.text().await.starts_with(r#"{"id":1,"data":{"x":1.50},"published_at":"#));
    }
    // The same key publishes nothing, and says nothing.
    one.send_text(r#"{"data":2,"key":"k"}"#).await;
    one.send_text(r#"{"data":3,"key":"k"}"#).await;
    one.send_text(r#"{"data":4}"#).await;
    assert_eq!(one.json().await["data"], 2);
    assert_eq!(one.json().await["data"], 4);
}

#[tokio::test]
async fn anything_else_gets_an_error_and_the_socket_goes_on() {
    let server = Server::start().await;
    let mut socket = open(&server, "").await;
    socket.text().await;
    for text in ["", "x", "5", "[]", "{}", r#"{"key":"k"}"#, r#"{"data":1,"key":1}"#] {
        socket.send_text(text).await;
        let frame = socket.json().await;
        assert_eq!(frame.as_object().unwrap().len(), 1, "{frame}");
        for member in ["title", "detail"] {
            assert!(frame["error"][member].as_str().is_some_and(|text| !text.is_empty()), "{frame}");
        }
    }
    socket.send_frame(BINARY, br#"{"data":1}"#).await;
    assert!(socket.json().await["error"].is_object());
    socket.send_text(r#"{"data":1}"#).await;
    assert!(socket.json().await["hello"].is_object());
    assert_eq!(socket.json().await["id"], 1);
}

#[tokio::test]
async fn a_message_in_fragments_with_a_ping_between_is_one_message() {
    let server = Server::start().await;
    let mut socket = open(&server, "").await;
    socket.text().await;
    socket.send_frame(0x01, br#"{"da"#).await;
    socket.send_frame(PING, b"here?").await;
    socket.send_frame(0x80, br#"ta":1}"#).await;
    assert_eq!(socket.frame().await, (PONG, b"here?".to_vec()));
    assert!(socket.json().await["hello"].is_object());
    assert_eq!(socket.json().await["data"], 1);
}

#[tokio::test]
async fn a_request_that_is_no_handshake_is_told_to_upgrade() {
    let server = Server::start().await;
    for path in ["/api/topics/t/ws", "/api/echo"] {
        for headers in ["", "Upgrade: websocket", "Connection: Upgrade\nUpgrade: h2c"] {
            let answer = server.get_with(path, headers).await;
            answer.assert_problem(426);
            assert_eq!(answer.header("upgrade"), Some("websocket"));
        }
        let old = server.get_with(path, &HANDSHAKE.replace("13", "8")).await;
        old.assert_problem(426);
        assert_eq!(old.header("sec-websocket-version"), Some("13"));
        for key in ["", "dGhl", "not base64 at all!"] {
            let answer = server.get_with(path, &HANDSHAKE.replace("dGhlIHNhbXBsZSBub25jZQ==", key)).await;
            answer.assert_problem(400);
        }
    }
}

#[tokio::test]
async fn a_message_over_the_limit_closes_with_1009_and_the_close_frame_arrives() {
    let server = Server::start().await;
    let mut socket = open(&server, "").await;
    socket.text().await;
    let body = |bytes: usize| format!(r#"{{"data":"{}"}}"#, "x".repeat(bytes - r#"{"data":""}"#.len()));
    socket.send_text(&body(64 * 1024)).await;
    assert!(socket.json().await["hello"].is_object());
    assert_eq!(socket.json().await["id"], 1);
    socket.send_text(&body(64 * 1024 + 1)).await;
    // Much more is on its way by then.
    socket.send_text(&body(1024 * 1024)).await;
    socket.closed_with(1009).await;
    // In fragments too.
    let mut socket = open(&server, "").await;
    socket.text().await;
    socket.send_frame(0x01, &[b' '; 40_000]).await;
    socket.send_frame(0x80, &[b' '; 40_000]).await;
    socket.closed_with(1009).await;
}

#[tokio::test]
async fn a_frame_that_breaks_the_protocol_closes_with_1002() {
    let server = Server::start().await;
    let frames: [(&str, Vec<u8>); 9] = [
        ("not masked", vec![TEXT, 2, b'{', b'}']),
        ("reserved bits", vec![0xc1, 0x80, 0, 0, 0, 0]),
        ("an unknown opcode", vec![0x83, 0x80, 0, 0, 0, 0]),
        ("an unknown control opcode", vec![0x8b, 0x80, 0, 0, 0, 0]),
        ("a continuation of nothing", vec![0x80, 0x80, 0, 0, 0, 0]),
        ("a new message inside another", vec![0x01, 0x80, 0, 0, 0, 0, 0x81, 0x80, 0, 0, 0, 0]),
        ("a ping in fragments", vec![0x09, 0x80, 0, 0, 0, 0]),
        ("a ping of 126 bytes", [vec![PING, 0xfe, 0, 126, 0, 0, 0, 0], vec![0; 126]].concat()),
        ("a close code that is none", vec![CLOSE, 0x82, 0, 0, 0, 0, 0x03, 0xed]),
    ];
    for (what, frame) in frames {
        let mut socket = echo(&server).await;
        socket.send(&frame).await;
        let (first, payload) = socket.frame().await;
        assert_eq!((first, &payload[..2]), (CLOSE, &1002_u16.to_be_bytes()[..]), "{what}");
    }
}

#[tokio::test]
async fn text_that_is_not_utf_8_closes_with_1007() {
    let server = Server::start().await;
    let mut socket = echo(&server).await;
    socket.send_frame(TEXT, b"\xff").await;
    socket.closed_with(1007).await;
}

#[tokio::test]
async fn a_close_is_answered_with_its_code() {
    let server = Server::start().await;
    for code in [1000_u16, 1001, 3000, 4999] {
        let mut socket = open(&server, "").await;
        socket.text().await;
        socket.send_frame(CLOSE, &code.to_be_bytes()).await;
        socket.closed_with(code).await;
        socket.ended().await;
    }
    let mut socket = open(&server, "").await;
    socket.text().await;
    socket.send_frame(CLOSE, b"").await;
    assert_eq!(socket.frame().await, (CLOSE, vec![]));
    socket.ended().await;
}

#[tokio::test]
async fn a_socket_closes_with_1001_when_the_server_stops() {
    let server = Server::start().await;
    let (mut topic, mut other) = (open(&server, "").await, echo(&server).await);
    topic.text().await;
    server.until_held("echo", 1).await;
    let stopping = tokio::spawn(server.stop());
    for socket in [&mut topic, &mut other] {
        socket.closed_with(1001).await;
        socket.send_frame(CLOSE, &1001_u16.to_be_bytes()).await;
        socket.ended().await;
    }
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_silent_socket_gets_pings() {
    let server = Server::with(|config| config.keep_alive_ms = 100).await;
    let mut socket = open(&server, "").await;
    socket.text().await;
    for _ in 0..2 {
        assert_eq!(socket.frame().await, (PING, vec![]));
        socket.send_frame(PONG, b"").await;
    }
}

#[tokio::test]
async fn a_socket_that_answers_no_ping_is_given_up() {
    let server = Server::start().await;
    let mut socket = open(&server, "?keep_alive_ms=500").await;
    socket.text().await;
    assert_eq!(socket.frame().await, (PING, vec![]));
    // News that goes out is no answer.
    server.publish("t", "1").await;
    while socket.json().await.get("id").is_none() {}
    socket.closed_with(1011).await;
    socket.ended().await;
}

#[tokio::test]
async fn whoever_asks_for_heartbeats_gets_them_where_there_is_nothing_else_to_say() {
    let server = Server::start().await;
    let mut socket = open(&server, "?heartbeat_ms=500").await;
    assert!(socket.json().await.get("hello").is_some());
    assert_eq!(socket.text().await, r#"{"heartbeat":{"last_id":0}}"#);
    server.publish("t", "1").await;
    while socket.json().await.get("id").is_none() {}
    for _ in 0..2 {
        assert_eq!(socket.text().await, r#"{"heartbeat":{"last_id":1}}"#);
    }
}

#[tokio::test]
async fn what_is_asked_of_keep_alives_has_bounds() {
    let server = Server::start().await;
    for bad in
        ["keep_alive_ms=499", "keep_alive_ms=120001", "keep_alive_ms=", "heartbeat_ms=0", "heartbeat_ms=x"]
    {
        server.get_with(&format!("/api/topics/t/ws?{bad}"), HANDSHAKE).await.assert_problem(400);
    }
    server.get("/api/topics/t/sse?keep_alive_ms=499").await.assert_problem(400);
}

#[tokio::test]
async fn echo_sends_back_every_message() {
    let server = Server::start().await;
    let mut socket = echo(&server).await;
    let large = vec![b'x'; 16 * 1024 * 1024];
    for (kind, payload) in [(TEXT, "é".as_bytes()), (TEXT, b""), (BINARY, b"\x00\xff"), (BINARY, &large)] {
        socket.send_frame(kind, payload).await;
        let (first, echoed) = socket.frame().await;
        assert!((first, &*echoed) == (kind, payload), "{} bytes", payload.len());
    }
    socket.send_frame(PING, b"p").await;
    assert_eq!(socket.frame().await, (PONG, b"p".to_vec()));
    // One byte more, announced.
    socket.send(&[BINARY, 0xff, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0]).await;
    socket.closed_with(1009).await;
}

#[tokio::test]
async fn a_socket_that_is_too_slow_is_told_what_it_missed() {
    let server = Server::with(|config| config.topics.history_events = 4).await;
    let mut socket = open(&server, "").await;
    socket.text().await;
    // Far more than the network between holds.
    let large = format!("\"{}\"", "x".repeat(60_000));
    let topic = server.state.topics.pin("t").unwrap();
    let data = serde_json::value::RawValue::from_string(large).unwrap();
    for _ in 0..1_000 {
        topic.publish(&data, None).unwrap();
        tokio::task::yield_now().await;
    }
    let mut last_id = 0;
    let mut missed = 0;
    socket.text().await;
    while last_id < 1_000 {
        let frame = socket.json().await;
        if let Some(gap) = frame.get("gap") {
            assert_eq!(gap["from"].as_u64(), Some(last_id + 1));
            last_id = gap["to"].as_u64().unwrap();
            missed += 1;
        } else {
            assert_eq!(frame["id"].as_u64(), Some(last_id + 1), "nothing is skipped in silence");
            last_id += 1;
        }
    }
    assert!(missed > 0);
    assert_eq!(ids(&server.get("/api/topics/t/poll?after=998").await.json()), [999, 1000]);
}
