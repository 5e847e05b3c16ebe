//! Starting, steering, observing and ending experiments.

use serde_json::{Value, json};
use standby_trace::tap::{Part, ToObserver};

use crate::server::{Server, scenario, until};

#[tokio::test]
async fn an_experiment_publishes_by_itself_and_its_observer_hears_of_it() {
    let server = Server::start().await;
    let experiment =
        server.experiment(json!({"publish": {"every_ms": 100, "spread": "fixed", "what": "chat"}})).await;
    let mut observer = server.observe(&experiment).await;
    let published = observer.until(|record| matches!(record, ToObserver::Published { id: 3, .. })).await;
    let ToObserver::Published { epoch, .. } = published else { unreachable!() };
    let (_, body) = server.connect().await.get_answer(&format!("{}/poll?after=0", experiment.path())).await;
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["epoch"], epoch);
    assert!(answer["events"][0]["data"]["from"].is_string(), "{answer}");
}

#[tokio::test]
async fn the_topic_alone_neither_observes_nor_steers() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let path = experiment.path();
    let wrong = "00000000000000000000000000000000";
    for key in ["", "?key=", "?key=x", &format!("?key={wrong}")] {
        let requests = [
            ("PATCH", format!("{path}/experiment{key}"), "{}"),
            ("POST", format!("{path}/faults{key}"), r#"{"kind":"drop"}"#),
        ];
        for (method, target, body) in requests {
            let (head, body) = server.ask(method, &target, body).await;
            assert!(head.starts_with("HTTP/1.1 403 "), "{target} {head}");
            assert!(body.contains("\"detail\""), "{body}");
        }
        let mut peer = server.connect().await;
        peer.get(&format!("{path}/observe{key}"), crate::peer::HANDSHAKE).await;
        assert!(peer.answer().await.0.starts_with("HTTP/1.1 403 "));
    }
}

#[tokio::test]
async fn a_server_that_has_forgotten_an_experiment_still_knows_its_key() {
    let before = Server::start().await;
    let experiment = before.experiment(json!({})).await;
    let after = Server::start().await;
    let target = format!("{}/faults?key={}", experiment.path(), experiment.key);
    let (head, body) = after.ask("POST", &target, r#"{"kind":"drop"}"#).await;
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
    assert!(body.contains("/api/experiments"), "{body}");
    let again = json!({"scenario": scenario(json!({})), "key": experiment.key});
    assert_eq!(after.start_experiment(&again).await.topic, experiment.topic);
    after.fault(&experiment, json!({"kind": "drop"})).await;
}

#[tokio::test]
async fn those_who_were_there_before_the_experiment_are_seen_too() {
    let before = Server::start().await;
    let experiment = before.experiment(json!({})).await;
    let after = Server::start().await;
    // An EventSource reconnects sooner than the page has started its experiment again.
    let target = format!("{}/sse?sub=sse", experiment.path());
    let mut early = after.connect().await;
    early.get(&target, "").await;
    early.through("hello").await;
    after.start_experiment(&json!({"scenario": scenario(json!({})), "key": experiment.key})).await;
    let mut observer = after.observe(&experiment).await;
    // It is reset, unless other experiments of this process had it recorded anyway.
    after.publish(&experiment, &json!("seen")).await;
    while !String::from_utf8_lossy(&early.got).contains("seen") {
        if early.more().await.is_err() {
            early = after.connect().await;
            early.get(&format!("{target}&after=0"), "").await;
        }
    }
    let is_event = |record: &ToObserver| {
        matches!(record, ToObserver::Wire(wire) if wire.part == Part::Chunk
            && wire.exchange.sub.as_deref() == Some("sse") && String::from_utf8_lossy(&wire.bytes).contains("seen"))
    };
    observer.until(is_event).await;
}

#[tokio::test]
async fn the_same_key_again_takes_over_the_scenario_and_no_other_publisher_goes_on() {
    let server = Server::start().await;
    let publishing = |every_ms| scenario(json!({"publish": {"every_ms": every_ms, "spread": "fixed"}}));
    let started = server.start_experiment(&json!({"scenario": publishing(50)})).await;
    for every_ms in [50, 50, 0] {
        let again = json!({"scenario": publishing(every_ms), "key": started.key});
        assert_eq!(server.start_experiment(&again).await, started);
    }
    assert_eq!(server.state.experiments.at_work(), 1);
    let experiment = crate::server::Experiment { topic: started.topic, key: started.key };
    let mut observer = server.observe(&experiment).await;
    // What was due before may still come before the second of these.
    let mut ids = Vec::new();
    for n in 0..2 {
        server.publish(&experiment, &json!(n)).await;
        let published = observer.until(|record| matches!(record, ToObserver::Published { .. })).await;
        let ToObserver::Published { id, .. } = published else { unreachable!() };
        ids.push(id);
    }
    // Silence is held against another publisher of the same rate: while that one publishes ten times,
    // one that went on here would, too.
    let pace = server.experiment(json!({"publish": {"every_ms": 50, "spread": "fixed"}})).await;
    let mut pace = server.observe(&pace).await;
    pace.until(|record| matches!(record, ToObserver::Published { id: 10.., .. })).await;
    let (_, body) = server.connect().await.get_answer(&format!("{}/poll?after=0", experiment.path())).await;
    let answer: Value = serde_json::from_str(&body).unwrap();
    let by_itself =
        |event: &&Value| event["data"]["price"].is_number() && event["id"].as_u64() > Some(ids[1]);
    assert_eq!(answer["events"].as_array().unwrap().iter().filter(by_itself).count(), 0, "{answer}");
}

#[tokio::test]
async fn what_is_changed_is_told_to_observers_and_holds() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    server
        .steer(&experiment, json!({"publish": {"every_ms": 50, "spread": "fixed", "what": "notification"}}))
        .await;
    observer
        .until(|record| matches!(record, ToObserver::Changed { publish, .. } if publish.every_ms == 50))
        .await;
    observer.until(|record| matches!(record, ToObserver::Published { id: 2, .. })).await;
    server.steer(&experiment, json!({"publish": {"every_ms": 0}})).await;
    observer
        .until(|record| matches!(record, ToObserver::Changed { publish, .. } if publish.every_ms == 0))
        .await;
}

#[tokio::test]
async fn what_is_out_of_bounds_or_no_json_is_told() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let (path, key) = (experiment.path(), &experiment.key);
    let far = scenario(json!({"conditions": {"latency_ms": 5_001}}));
    let requests = [
        ("POST", "/api/experiments".to_owned(), "{".to_owned()),
        ("POST", "/api/experiments".to_owned(), json!({"scenario": far}).to_string()),
        (
            "POST",
            "/api/experiments".to_owned(),
            json!({"scenario": scenario(json!({})), "key": "k"}).to_string(),
        ),
        ("PATCH", format!("{path}/experiment?key={key}"), r#"{"conditions":{"latency_ms":5001}}"#.to_owned()),
        ("PATCH", format!("{path}/experiment?key={key}"), r#"{"publish":{"every_ms":1}}"#.to_owned()),
        ("PATCH", format!("{path}/experiment?key={key}"), r#"{"latency":1}"#.to_owned()),
        ("POST", format!("{path}/faults?key={key}"), r#"{"kind":"stall","for_ms":1}"#.to_owned()),
        ("POST", format!("{path}/faults?key={key}"), r#"{"kind":"flood"}"#.to_owned()),
    ];
    for (method, target, body) in requests {
        let (head, answer) = server.ask(method, &target, &body).await;
        assert!(head.starts_with("HTTP/1.1 400 "), "{target} {body}: {head}");
        assert!(answer.contains("\"detail\""), "{answer}");
    }
    let (head, _) = server.ask("POST", "/api/experiments", &"x".repeat(70_000)).await;
    assert!(head.starts_with("HTTP/1.1 413 "), "{head}");
}

#[tokio::test]
async fn beyond_the_bound_a_start_gets_503_until_one_has_ended() {
    let server = Server::with(|config| {
        config.experiments.max_experiments = 1;
        // Longer than it takes to observe.
        config.experiments.experiment_idle_ms = 3_000;
    })
    .await;
    let first = server.experiment(json!({})).await;
    let observer = server.observe(&first).await;
    let body = json!({"scenario": scenario(json!({}))}).to_string();
    let (head, _) = server.ask("POST", "/api/experiments", &body).await;
    assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("retry-after: "), "{head}");
    // Once nobody has observed it for a while it is let go, and its topic may make room.
    drop(observer);
    until(async || server.state.experiments.at_work() == 0).await;
    let (head, _) = server.ask("POST", "/api/experiments", &body).await;
    assert!(head.starts_with("HTTP/1.1 201 "), "{head}");
}

#[tokio::test]
async fn an_experiment_that_is_let_go_takes_its_faults_and_conditions_with_it() {
    let server = Server::with(|config| config.experiments.experiment_idle_ms = 100).await;
    let experiment = server.experiment(json!({"conditions": {"latency_ms": 5_000}})).await;
    server.fault(&experiment, json!({"kind": "unavailable", "for_ms": 100_000})).await;
    until(async || server.state.experiments.at_work() == 0).await;
    let (head, _) = server.connect().await.get_answer(&format!("{}/poll", experiment.path())).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
}

#[tokio::test]
async fn what_an_observer_says_wrongly_is_told_and_it_goes_on() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    for text in ["{", r#"{"clock":{}}"#, r#"{"clock":{"sent":1,"more":2}}"#, "7"] {
        observer.peer.send_frame(0x81, text.as_bytes()).await;
        assert!(observer.peer.text().await.contains("\"error\""), "{text}");
    }
    observer.peer.send_frame(0x81, br#"{"clock":{"sent":1}}"#).await;
    observer.until(|record| matches!(record, ToObserver::Clock { .. })).await;
}

#[tokio::test]
async fn an_observer_behind_a_proxy_is_told_that_it_is() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut peer = server.connect().await;
    let headers = format!("X-Forwarded-For: 127.0.0.1\r\n{}", crate::peer::HANDSHAKE);
    peer.get(&format!("{}/observe?key={}", experiment.path(), experiment.key), &headers).await;
    peer.head().await;
    let hello: ToObserver = serde_json::from_str(&peer.text().await).unwrap();
    assert!(matches!(hello, ToObserver::Hello { proxied: true, .. }));
}
