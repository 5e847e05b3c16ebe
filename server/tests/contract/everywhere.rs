//! What holds for every request: problems, parameters, hosts, origins, headers.

use crate::client::HANDSHAKE;
use crate::server::Server;

/// One request of each kind that is answered at once.
const REQUESTS: [&str; 12] = [
    "GET /api/topics/t/poll",
    "GET /api/topics/t/long-poll?timeout_ms=0",
    "HEAD /api/topics/t/long-poll",
    "HEAD /api/topics/t/sse",
    "GET /api/topics/t/ws",
    "POST /api/topics/t/events",
    "GET /api/echo",
    "GET /api/health",
    "GET /api/openapi.json",
    "DELETE /api/topics/t/events",
    "GET /api/nothing",
    "OPTIONS /api/health",
];

#[tokio::test]
async fn nothing_under_the_api_may_be_stored_or_is_compressed() {
    let server = Server::start().await;
    for request in REQUESTS {
        let answer =
            server.ask(&format!("{request}\nAccept-Encoding: gzip, deflate, br"), r#"{"data":1}"#).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{request}");
        assert_eq!(answer.header("content-encoding"), None, "{request}");
        assert_eq!(answer.header("vary"), Some("Origin"), "{request}");
    }
}

#[tokio::test]
async fn a_bad_label_is_told_everywhere_and_a_good_one_is_fine() {
    let server = Server::start().await;
    let longest = "x".repeat(64);
    for request in REQUESTS.iter().filter(|request| !request.starts_with("OPTIONS")) {
        let with = |sub: &str| {
            let sign = if request.contains('?') { '&' } else { '?' };
            format!("{request}{sign}sub={sub}")
        };
        let plain = server.ask(request, r#"{"data":1}"#).await.status;
        for good in ["lane-1", "A_z", &longest] {
            assert_eq!(server.ask(&with(good), r#"{"data":1}"#).await.status, plain, "{request} {good}");
        }
        for bad in ["", "a%20b", "a.b", "%C3%A9", &format!("x{longest}"), "a&sub=a"] {
            let answer = server.ask(&with(bad), r#"{"data":1}"#).await;
            if request.starts_with("HEAD") {
                assert_eq!(answer.status, 400);
            } else {
                answer.assert_problem(400);
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_parameter_is_ignored() {
    let server = Server::start().await;
    for query in ["?x=1", "?x", "?x=%ff&x=2", "?n=abc&retry_ms=1", "?&&==&", "?after=0&AFTER=x"] {
        assert_eq!(server.get(&format!("/api/topics/t/poll{query}")).await.status, 200, "{query}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_404_and_what_is_not_done_a_405() {
    let server = Server::start().await;
    for path in ["/api", "/api/", "/api/topics", "/api/topics/t", "/api/topics/t/poll/"] {
        server.get(path).await.assert_problem(404);
    }
    for (request, allow) in [
        ("DELETE /api/topics/t/poll", "GET,HEAD"),
        ("POST /api/topics/t/sse", "GET,HEAD"),
        ("GET /api/topics/t/events", "POST"),
        ("POST /api/health", "GET,HEAD"),
        ("PURGE /api/health", "GET,HEAD"),
    ] {
        let answer = server.ask(request, "").await;
        answer.assert_problem(405);
        assert_eq!(answer.header("allow"), Some(allow), "{request}");
    }
}

#[tokio::test]
async fn a_path_that_is_not_utf_8_is_a_problem() {
    let server = Server::start().await;
    for path in ["/api/topics/%ff/poll", "/api/%c3%28", "/%ff"] {
        server.get(path).await.assert_problem(400);
    }
}

#[tokio::test]
async fn what_is_no_request_is_a_problem() {
    let server = Server::start().await;
    let host = "Host: localhost\r\n\r\n";
    let long = "x".repeat(70_000);
    for (request, status) in [
        (b"GET /api/topics/\xff/poll HTTP/1.1\r\n".to_vec(), 400),
        (b"GET /api/topics/t/poll?after=\xff HTTP/1.1\r\n".to_vec(), 400),
        (b"GET /api/health HTTP/1.1\r\nno field\r\n".to_vec(), 400),
        (b"GET /api/health HTTP/9.9\r\n".to_vec(), 400),
        (format!("GET /{long} HTTP/1.1\r\n").into_bytes(), 414),
        (format!("GET /api/health HTTP/1.1\r\n{}", "X: y\r\n".repeat(200)).into_bytes(), 431),
    ] {
        let mut connection = server.connect().await;
        connection.send(&[&request, host.as_bytes()].concat()).await;
        connection.answer(false).await.assert_problem(status);
    }
}

#[tokio::test]
async fn head_never_holds() {
    let server = Server::start().await;
    let answer = server.ask("HEAD /api/topics/t/sse", "").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/event-stream")));
    assert_eq!(answer.header("content-length"), None);
    let answer = server.ask("HEAD /api/topics/t/long-poll", "").await;
    assert_eq!((answer.status, answer.header("etag")), (200, Some("\"0\"")));
    for path in ["/api/topics/t/ws", "/api/echo"] {
        assert_eq!(server.ask(&format!("HEAD {path}\n{HANDSHAKE}"), "").await.status, 426);
    }
}

#[tokio::test]
async fn a_server_answers_to_addresses_to_localhost_and_to_allowed_hosts() {
    let server = Server::with(|config| config.allow_host = vec!["book.example".to_owned()]).await;
    for host in ["127.0.0.1:1", "10.1.2.3", "[::1]:3000", "localhost", "LOCALHOST:99", "book.example:80"] {
        assert_eq!(server.get_with("/api/health", &format!("Host: {host}")).await.status, 200, "{host}");
    }
    for host in ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io"] {
        for path in ["/api/health", "/", "/metrics", "/standby.json", "/api/nothing"] {
            server.get_with(path, &format!("Host: {host}")).await.assert_problem(421);
        }
    }
    server.get_with("/api/health", "Host: localhost\nHost: localhost").await.assert_problem(400);
    let mut connection = server.connect().await;
    connection.send(b"GET /api/health HTTP/1.1\r\n\r\n").await;
    connection.answer(false).await.assert_problem(400);
}

/// The origin's page may do all this, or none of it.
async fn assert_may(server: &Server, headers: &str, may: bool) {
    let post = server.ask(&format!("POST /api/topics/t/events\n{headers}"), r#"{"data":1}"#).await;
    let socket = server.get_with("/api/topics/t/ws", &format!("{HANDSHAKE}\n{headers}")).await;
    let echo = server.get_with("/api/echo", &format!("{HANDSHAKE}\n{headers}")).await;
    let long = server.get_with("/api/topics/t/long-poll?after=0", headers).await;
    let mut stream = server.connect().await;
    stream.request(&format!("GET /api/topics/t/sse\n{headers}"), "").await;
    let stream = stream.head().await;
    let statuses = [&post, &socket, &echo, &long, &stream].map(|answer| answer.status);
    if may {
        assert_eq!(statuses, [201, 101, 101, 200, 200], "{headers}");
    } else {
        assert_eq!(statuses, [403; 5], "{headers}");
        for answer in [post, socket, echo, long] {
            answer.assert_problem(403);
        }
    }
    // What is only read is answered either way; whether the page sees it is the browser's matter.
    assert_eq!(server.get_with("/api/topics/t/poll", headers).await.status, 200);
}

#[tokio::test]
async fn pages_of_allowed_origins_and_programs_may() {
    let server =
        Server::with(|config| config.allow_origin = vec!["https://book.example".parse().unwrap()]).await;
    server.publish("t", "1").await;
    let own = format!("Origin: http://{}", server.addr);
    for headers in [
        "",
        &own,
        "Host: 10.1.2.3:80\nOrigin: http://10.1.2.3",
        "Host: 10.1.2.3\nOrigin: https://10.1.2.3:443",
        "Origin: http://localhost:3000",
        "Origin: http://127.0.0.1",
        "Origin: https://[::1]:1",
        "Origin: https://book.example",
        "Sec-Fetch-Site: same-origin",
        "Sec-Fetch-Site: none",
        "Sec-Fetch-Site: cross-site\nOrigin: http://localhost:3000",
    ] {
        assert_may(&server, headers, true).await;
    }
}

#[tokio::test]
async fn pages_of_other_origins_may_not() {
    let server =
        Server::with(|config| config.allow_origin = vec!["https://book.example".parse().unwrap()]).await;
    for headers in [
        "Origin: null",
        "Origin: https://evil.example",
        "Origin: http://book.example",
        "Origin: https://book.example:8443",
        "Origin: http://10.1.2.3",
        "Origin: https://localhost.evil.example",
        "Sec-Fetch-Site: cross-site",
    ] {
        assert_may(&server, headers, false).await;
    }
}

#[tokio::test]
async fn cors_lets_allowed_pages_see_answers_and_errors() {
    let server = Server::start().await;
    for request in ["GET /api/topics/t/poll", "GET /api/nothing", "POST /api/topics/t/events"] {
        let answer = server.ask(&format!("{request}\nOrigin: http://localhost:1"), "").await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("http://localhost:1"), "{request}");
        assert_eq!(answer.header("access-control-expose-headers"), Some("ETag, Retry-After"));
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
    let stranger = server.get_with("/api/topics/t/poll", "Origin: https://evil.example").await;
    assert_eq!(stranger.header("access-control-allow-origin"), None);
    assert_eq!(stranger.header("vary"), Some("Origin"));
}

#[tokio::test]
async fn a_preflight_of_an_allowed_page_is_granted() {
    let server = Server::start().await;
    let preflight = "Access-Control-Request-Method: POST\nAccess-Control-Request-Headers: content-type";
    for path in [
        "/api/topics/t/events",
        "/api/topics/t/sse",
        "/api/health",
        "/api/nothing",
        "/api/topics/t/poll?sub=.",
    ] {
        let answer =
            server.ask(&format!("OPTIONS {path}\nOrigin: http://localhost:1\n{preflight}"), "").await;
        assert_eq!(answer.status, 204, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("http://localhost:1"));
        let allowed = answer.header("access-control-allow-headers").unwrap();
        assert_eq!(allowed, "Content-Type, If-None-Match, Last-Event-ID");
        assert!(answer.header("access-control-allow-methods").unwrap().contains("POST"));
        let max_age = answer.header("access-control-max-age").unwrap().parse::<u32>().unwrap();
        assert!(max_age >= 7_200);
        assert_eq!(answer.header("vary"), Some("Origin"));
        let stranger = server.ask(&format!("OPTIONS {path}\nOrigin: null\n{preflight}"), "").await;
        stranger.assert_problem(403);
        assert_eq!(stranger.header("access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn one_address_may_send_so_many_requests() {
    let server = Server::with(|config| config.requests_per_second = 1).await;
    // Programs on this machine are exempt.
    for _ in 0..5 {
        assert_eq!(server.get("/api/health").await.status, 200);
    }
    let from =
        async |address: &str| server.get_with("/api/health", &format!("X-Forwarded-For: {address}")).await;
    // Two at once; whoever stands before them in the list is not known.
    assert_eq!(from("10.0.0.1").await.status, 200);
    assert_eq!(from("1.1.1.1, 10.0.0.1").await.status, 200);
    let answer = from("2.2.2.2, 10.0.0.1").await;
    answer.assert_problem(429);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(from("10.0.0.2").await.status, 200);
    // A household has a /64.
    assert_eq!(from("2001:db8::1").await.status, 200);
    assert_eq!(from("2001:db8::2").await.status, 200);
    assert_eq!(from("2001:db8::3").await.status, 429);
    assert_eq!(from("2001:db8:0:1::3").await.status, 200);
}
