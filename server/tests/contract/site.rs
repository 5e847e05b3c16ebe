//! What there is besides topics: health, metrics, the API's description, and the book.

use std::path::PathBuf;

use crate::client::Answer;
use crate::server::Server;

#[tokio::test]
async fn health_is_200() {
    let server = Server::start().await;
    assert_eq!(server.get("/api/health").await.json()["status"], "ok");
}

#[tokio::test]
async fn metrics_are_for_this_machine_and_without_topic_names() {
    let server = Server::start().await;
    server.publish("secret", "1").await;
    server.get("/api/topics/secret/poll?sub=secret").await;
    server.get("/secret").await;
    let answer = server.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    assert!(answer.body.contains("\nstandby_topics 1\n"), "{}", answer.body);
    assert!(answer.body.contains("\nstandby_events_published_total 1\n"));
    let polls = r#"standby_requests_total{route="/api/topics/{topic}/poll",status="200"} 1"#;
    assert!(answer.body.contains(polls), "{}", answer.body);
    assert!(!answer.body.contains("secret"));
    for header in ["X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "X-Real-IP: ::1", "Via: 1.1 x"] {
        server.get_with("/metrics", header).await.assert_problem(403);
    }
    let public = Server::with(|config| config.public_metrics = true).await;
    assert_eq!(public.get_with("/metrics", "X-Forwarded-For: 10.0.0.1").await.status, 200);
}

#[tokio::test]
async fn the_whole_api_is_described() {
    let server = Server::start().await;
    let document = server.get("/api/openapi.json").await;
    assert_eq!(document.header("content-type"), Some("application/json"));
    let document = document.json();
    assert_eq!(document["servers"][0]["url"], "/api");
    for (path, method, statuses) in [
        (
            "/topics/{topic}/events",
            "post",
            &["201", "400", "403", "408", "413", "415", "421", "429", "503"][..],
        ),
        ("/topics/{topic}/poll", "get", &["200", "304", "400", "421", "429", "503"]),
        ("/topics/{topic}/long-poll", "get", &["200", "400", "403", "421", "429", "503"]),
        ("/topics/{topic}/ws", "get", &["101", "400", "403", "421", "426", "429", "503"]),
        ("/topics/{topic}/sse", "get", &["200", "400", "403", "421", "429", "503"]),
        ("/echo", "get", &["101", "400", "403", "421", "426", "429", "503"]),
        ("/health", "get", &["200", "400", "421", "429", "503"]),
        ("/openapi.json", "get", &["200", "400", "421", "429", "503"]),
    ] {
        let operation = &document["paths"][path][method];
        let described: Vec<_> =
            operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(described, statuses, "{path}");
        let parameters = operation["parameters"].as_array().unwrap();
        assert!(parameters.iter().any(|parameter| parameter["name"] == "sub"), "{path}");
    }
    // Whatever is referred to is there.
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name}");
    }
}

/// A directory with these files, gone with the value.
struct Book(PathBuf);

impl Book {
    fn new(name: &str) -> Self {
        let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&root);
        std::fs::create_dir_all(root.join("part")).unwrap();
        let book = Self(root);
        book.write("index.html", "<p>start");
        book.write("404.html", "<p>lost");
        book.write("part/index.html", "<p>part");
        book.write("part/page one.html", "<p>one");
        book.write("app.wasm", "\0asm");
        book.write(".hidden", "hidden");
        book.write("standby.json", r#"{"api": null}"#);
        book
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.0.join(path), text).unwrap();
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn serving(book: &Book) -> Server {
    let root = book.0.clone();
    Server::with(|config| config.book = Some(root)).await
}

#[tokio::test]
async fn a_book_is_served_with_types_and_tags() {
    let book = Book::new("types");
    let server = serving(&book).await;
    for (path, media_type, body) in [
        ("/", "text/html; charset=utf-8", "<p>start"),
        ("/index.html", "text/html; charset=utf-8", "<p>start"),
        ("/index.html?theme=navy", "text/html; charset=utf-8", "<p>start"),
        ("/part/", "text/html; charset=utf-8", "<p>part"),
        ("/part/page%20one.html", "text/html; charset=utf-8", "<p>one"),
        ("/app.wasm", "application/wasm", "\0asm"),
    ] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, &*answer.body), (200, body), "{path}");
        assert_eq!(answer.header("content-type"), Some(media_type));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let tag = answer.header("etag").unwrap().to_owned();
        assert_eq!(server.get_with(path, &format!("If-None-Match: {tag}")).await.status, 304);
    }
    let head = server.ask("HEAD /index.html", "").await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("8")));
    let old = server.get("/index.html").await.header("etag").unwrap().to_owned();
    book.write("index.html", "<p>fresh");
    let answer = server.get_with("/index.html", &format!("If-None-Match: {old}")).await;
    assert_eq!((answer.status, &*answer.body), (200, "<p>fresh"));
    let redirect = server.get("/part?x=1").await;
    assert_eq!((redirect.status, redirect.header("location")), (308, Some("/part/?x=1")));
    server.ask("POST /index.html", "").await.assert_problem(405);
}

#[tokio::test]
async fn a_page_that_is_not_there_gets_the_books_own_404() {
    let book = Book::new("missing");
    let server = serving(&book).await;
    for path in [
        "/nothing.html",
        "/part/nothing/deep",
        "/.hidden",
        "/../Cargo.toml",
        "/part/../index.html",
        "/%2e%2e/%2e%2e/Cargo.toml",
        "/part%2f..%2findex.html",
        "/part%5c..%5cindex.html",
        "//index.html",
        "/index.html%00",
        "/index.html/",
    ] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, &*answer.body), (404, "<p>lost"), "{path}");
    }
    // The API keeps its own.
    server.get("/api/nothing").await.assert_problem(404);
}

#[tokio::test]
async fn widgets_find_the_server_in_standby_json() {
    let book = Book::new("json");
    for server in [Server::start().await, serving(&book).await] {
        let Answer { status, body, .. } = server.get("/standby.json").await;
        assert_eq!((status, &*body), (200, r#"{"api": "/api"}"#));
    }
}

#[tokio::test]
async fn without_a_book_the_start_page_says_how_to_get_one() {
    let server = Server::start().await;
    let answer = server.get("/").await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("cargo xtask build"));
    server.get("/chapter.html").await.assert_problem(404);
}

#[tokio::test]
async fn a_directory_without_a_book_is_told_at_the_start() {
    let book = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("no-such-book");
    let config = standby_server::Config { book: Some(book), ..Default::default() };
    let error = standby_server::app(config).err().unwrap().to_string();
    assert!(error.contains("no-such-book") && error.contains("index.html"), "{error}");
}

#[tokio::test]
async fn pages_are_told_when_the_book_was_built_again() {
    let book = Book::new("reload");
    let server = serving(&book).await;
    server.get("/api/dev/reload").await.assert_problem(404);
    let root = book.0.clone();
    let server = Server::with(|config| (config.book, config.live_reload) = (Some(root), true)).await;
    let mut page = server.connect().await;
    page.upgrade("/api/dev/reload").await;
    for n in 0..2 {
        // A clock may step in seconds: the file is gone in between.
        let _ = std::fs::remove_file(book.0.join(".reload"));
        if n > 0 {
            assert_eq!(page.text().await, "reload");
        }
        book.write(".reload", "");
        assert_eq!(page.text().await, "reload");
    }
}
