//! The client programs that the book offers, their very text, against a real server: they receive,
//! and after a cut they miss nothing and double nothing.

use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use crate::server::{Server, until};

/// Only what `follow` needs is of use here.
macro_rules! program {
    ($name:ident, $path:literal) => {
        #[allow(dead_code, reason = "a program's own main is not called")]
        #[path = $path]
        mod $name;
    };
}

program!(short_poll, "../../../crates/transport/examples/short_poll.rs");
program!(long_poll, "../../../crates/transport/examples/long_poll.rs");
program!(websocket, "../../../crates/transport/examples/websocket.rs");
program!(sse, "../../../crates/transport/examples/sse.rs");

type Said = Arc<Mutex<Vec<String>>>;

fn events(said: &Said) -> Vec<String> {
    said.lock().unwrap().iter().filter(|line| line.starts_with("event ")).cloned().collect()
}

async fn recovers(follow: impl AsyncFnOnce(String, Said)) {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    // Published before anybody asks, so that the topic has a life and the client a place to start.
    server.publish(&experiment, &json!("before")).await;
    let said = Said::default();
    let url = format!("http://{}{}", server.addr, experiment.path());
    let try_it = async {
        // A client without a position gets what comes from now on: only its first answer says when.
        let n = Cell::new(0);
        until(async || {
            n.set(n.get() + 1);
            server.publish(&experiment, &json!(n.get())).await;
            !events(&said).is_empty()
        })
        .await;
        let seen = || events(&said).len();
        let first = events(&said)[0].clone();
        let first: usize = first.trim_start_matches("event ").split(':').next().unwrap().parse().unwrap();

        let before = said.lock().unwrap().len();
        server.fault(&experiment, json!({"kind": "unavailable", "for_ms": 1_200})).await;
        server.fault(&experiment, json!({"kind": "drop"})).await;
        server.publish(&experiment, &json!("<b>while it is away</b>")).await;
        until(async || said.lock().unwrap()[before..].iter().any(|line| line.starts_with("cut: "))).await;
        server.publish(&experiment, &json!({"price": 101.25})).await;
        let published = 1 + n.get() + 2;
        until(async || seen() >= published + 1 - first).await;
        let events = events(&said);
        for (id, line) in (first..=published).zip(&events) {
            assert!(line.starts_with(&format!("event {id}: ")), "{events:?}");
        }
        assert_eq!(events.len(), published + 1 - first, "{events:?}");
        assert!(events[events.len() - 2].ends_with(": \"<b>while it is away</b>\""), "{events:?}");
        assert!(events[events.len() - 1].ends_with(": {\"price\":101.25}"), "{events:?}");
    };
    tokio::select! {
        () = follow(url, Arc::clone(&said)) => panic!("a client that follows does not end"),
        done = tokio::time::timeout(Duration::from_secs(60), try_it) => {
            done.unwrap_or_else(|_| panic!("it does not come back: {:?}", said.lock().unwrap()));
        }
    }
}

macro_rules! recovers {
    ($($test:ident: $program:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $test() {
            recovers(async |url, said| {
                $program::follow(&url, |line| said.lock().unwrap().push(line)).await;
            })
            .await;
        })*
    };
}

recovers! {
    the_short_polling_program_misses_and_doubles_nothing: short_poll,
    the_long_polling_program_misses_and_doubles_nothing: long_poll,
    the_websocket_program_misses_and_doubles_nothing: websocket,
    the_sse_program_misses_and_doubles_nothing: sse,
}
