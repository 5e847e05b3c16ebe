//! `POST …/events`.

use crate::server::{Server, ids};

const PATH: &str = "/api/topics/t/events";

#[tokio::test]
async fn events_are_numbered_from_1_and_dated() {
    let server = Server::start().await;
    let began = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    for id in 1..=3 {
        let answer = server.post(PATH, r#"{"data":{"price":101.250}}"#).await;
        assert_eq!(answer.status, 201);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let published_at = answer.json()["published_at"].as_u64().unwrap();
        assert_eq!(answer.body, format!(r#"{{"id":{id},"published_at":{published_at}}}"#));
        assert!(u128::from(published_at) >= began);
    }
}

#[tokio::test]
async fn data_may_be_any_json_and_comes_back_as_it_was_written() {
    let server = Server::start().await;
    let all = [
        "null",
        "false",
        "0",
        "-1.50e+300",
        "123456789012345678901234567890",
        r#""""#,
        r#""\u0000\ud800<script>\n""#,
        "[]",
        r#"{"a":{"a":[1,2,{}]},"a":2}"#,
    ];
    for data in all {
        server.publish("t", data).await;
    }
    let answer = server.get("/api/topics/t/poll?after=0").await;
    for data in all {
        assert!(answer.body.contains(&format!(r#""data":{data},"published_at""#)), "{data}");
    }
}

#[tokio::test]
async fn whitespace_between_tokens_is_left_out() {
    let server = Server::start().await;
    server.post(PATH, "\r\n{ \"data\" :\t[ 1 ,\r\n\"a b\" ] }\n").await;
    let answer = server.get("/api/topics/t/poll?after=0").await;
    assert!(answer.body.contains(r#""data":[1,"a b"],"published_at""#), "{}", answer.body);
}

#[tokio::test]
async fn what_is_no_event_is_refused_and_publishes_nothing() {
    let server = Server::start().await;
    for body in [
        "",
        "null",
        "[1]",
        r#"[1,"key"]"#,
        "5",
        "{",
        "{}",
        r#"{"key":"k"}"#,
        r#"{"data":}"#,
        r#"{"data":1} x"#,
        r#"{"data":1,"data":2}"#,
        r#"{"data":1,"key":5}"#,
        r#"{"data":1,"key":null}"#,
        r#"{"data":NaN}"#,
        r#"{'data':1}"#,
        "\u{feff}{\"data\":1}",
    ] {
        server.post(PATH, body).await.assert_problem(400);
    }
    let long_key = format!(r#"{{"data":1,"key":"{}"}}"#, "é".repeat(65));
    server.post(PATH, &long_key).await.assert_problem(400);
    assert!(server.get("/api/topics/t/poll").await.json()["epoch"].is_null());
}

#[tokio::test]
async fn a_body_that_is_not_utf_8_is_refused() {
    let server = Server::start().await;
    let mut connection = server.connect().await;
    connection.request(&format!("POST {PATH}\nContent-Length: 12"), "").await;
    connection.send(b"{\"data\":\"\xff\"}").await;
    connection.answer(false).await.assert_problem(400);
}

#[tokio::test]
async fn unknown_members_are_ignored() {
    let server = Server::start().await;
    let answer = server.post(PATH, r#"{"id":9,"data":1,"published_at":0,"x":[{}]}"#).await;
    assert_eq!((answer.status, answer.json()["id"].as_u64()), (201, Some(1)));
}

#[tokio::test]
async fn a_body_of_64_kib_is_taken_and_a_larger_one_is_not() {
    let server = Server::start().await;
    let body = |bytes: usize| format!(r#"{{"data":"{}"}}"#, "x".repeat(bytes - r#"{"data":""}"#.len()));
    assert_eq!(server.post(PATH, &body(64 * 1024)).await.status, 201);
    server.post(PATH, &body(64 * 1024 + 1)).await.assert_problem(413);
    // Far larger, and announced: not even read.
    let mut connection = server.connect().await;
    connection.request(&format!("POST {PATH}\nContent-Length: 1000000000"), "{").await;
    connection.answer(false).await.assert_problem(413);
    // The same without saying how long it is.
    let mut connection = server.connect().await;
    connection.request(&format!("POST {PATH}\nTransfer-Encoding: chunked"), "").await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..2 {
        connection.send(chunk.as_bytes()).await;
    }
    connection.send(b"0\r\n\r\n").await;
    connection.answer(false).await.assert_problem(413);
    assert_eq!(server.get("/api/topics/t/poll").await.json()["last_id"], 1);
}

#[tokio::test]
async fn a_body_that_is_broken_or_too_slow_is_told_so() {
    let server = Server::with(|config| config.limits.body_time_ms = 200).await;
    let mut connection = server.connect().await;
    connection.request(&format!("POST {PATH}\nTransfer-Encoding: chunked"), "").await;
    connection.send(b"no size\r\n").await;
    connection.answer(false).await.assert_problem(400);
    let mut connection = server.connect().await;
    connection.request(&format!("POST {PATH}\nContent-Length: 10"), "{").await;
    connection.answer(false).await.assert_problem(408);
}

#[tokio::test]
async fn only_json_is_taken() {
    let server = Server::start().await;
    let post = async |headers: &str| server.ask(&format!("POST {PATH}{headers}"), r#"{"data":1}"#).await;
    for headers in [
        "",
        "\nContent-Type: application/json",
        "\nContent-Type: Application/JSON; charset=utf-8",
        "\nContent-Type: application/vnd.x+json",
        "\nContent-Encoding: identity",
    ] {
        assert_eq!(post(headers).await.status, 201, "{headers}");
    }
    for headers in [
        "\nContent-Type: text/plain",
        "\nContent-Type: application/x-www-form-urlencoded",
        "\nContent-Type: multipart/form-data; boundary=json",
        "\nContent-Type: application/jsonp",
        "\nContent-Type: json",
        "\nContent-Type: ",
        "\nContent-Encoding: gzip",
    ] {
        post(headers).await.assert_problem(415);
    }
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer_and_publishes_nothing() {
    let server = Server::start().await;
    let first = server.post(PATH, r#"{"data":1,"key":"k"}"#).await;
    let again = server.post(PATH, r#"{"data":2,"key":"k"}"#).await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(server.post(PATH, r#"{"data":3,"key":"K"}"#).await.json()["id"], 2);
    // A key is its topic's own.
    assert_eq!(server.post("/api/topics/u/events", r#"{"data":4,"key":"k"}"#).await.json()["id"], 1);
    assert_eq!(ids(&server.get("/api/topics/t/poll?after=0").await.json()), [1, 2]);
    let longest = format!(r#"{{"data":1,"key":"{}"}}"#, "é".repeat(64));
    assert_eq!(server.post(PATH, &longest).await.status, 201);
}

#[tokio::test]
async fn a_key_is_forgotten_with_its_event() {
    let server = Server::with(|config| config.topics.history_events = 2).await;
    server.post(PATH, r#"{"data":1,"key":"k"}"#).await;
    server.publish("t", "2").await;
    assert_eq!(server.post(PATH, r#"{"data":1,"key":"k"}"#).await.json()["id"], 1);
    server.publish("t", "3").await;
    assert_eq!(server.post(PATH, r#"{"data":1,"key":"k"}"#).await.json()["id"], 4);
}
