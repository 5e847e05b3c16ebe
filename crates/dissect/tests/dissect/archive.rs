//! HAR 1.2 against its published schema, and what stands in an archive of a small run.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};
use standby_dissect::har::har;
use standby_trace::tap::{Part, Via};
use standby_trace::{Direction, Kind, Message, Moment, Piece, Trace};

use crate::sample::{any_trace, empty};

/// HAR's schema as the npm package har-schema 2.0.0 has it, under the ISC licence beside it. Its files
/// name each other (`entry.json#`), and lie in one folder.
fn validator() -> jsonschema::Validator {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/har-schema");
    let mut registry = jsonschema::Registry::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|ext| ext == "json") {
            let mut schema: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let uri = format!("https://har.example/{}", path.file_name().unwrap().to_str().unwrap());
            schema["$id"] = json!(uri);
            registry = registry.add(uri, schema).unwrap();
        }
    }
    let registry = registry.prepare().unwrap();
    let root =
        json!({"$schema": "http://json-schema.org/draft-06/schema#", "$ref": "https://har.example/har.json"});
    jsonschema::options().with_registry(&registry).should_validate_formats(true).build(&root).unwrap()
}

fn assert_valid(validator: &jsonschema::Validator, archive: &Value) {
    let errors: Vec<String> =
        validator.iter_errors(archive).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{archive:#}");
}

#[test]
fn the_schema_finds_what_is_wrong() {
    let archive = serde_json::to_value(har(&run(), "Four ways")).unwrap();
    let validator = validator();
    assert_valid(&validator, &archive);
    for (pointer, wrong) in [
        ("/log/version", json!(1.2)),
        ("/log/pages/0/startedDateTime", json!("yesterday")),
        ("/log/entries/0/request/url", json!("not an address")),
        ("/log/entries/0/timings", json!({})),
        ("/log/entries/1/response/status", json!("101")),
    ] {
        let mut archive = archive.clone();
        *archive.pointer_mut(pointer).unwrap() = wrong;
        assert!(!validator.is_valid(&archive), "{pointer}");
    }
}

#[test]
fn an_archive_of_any_trace_is_valid() {
    let validator = validator();
    proptest!(|(trace in any_trace(), title in ".*")| {
        assert_valid(&validator, &serde_json::to_value(har(&trace, &title)).unwrap());
    });
}

/// A poll, a WebSocket and a stream, each with an event.
fn run() -> Trace {
    let mut run = empty();
    let event = r#"{"id":5,"data":"é","published_at":9}"#;
    let body = format!(r#"{{"epoch":"k3f9","last_id":5,"events":[{event}]}}"#);
    let (up, down) = (Direction::ToServer, Direction::ToClient);
    let poll = [
        (Part::ResponseHead, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n".to_vec()),
        (Part::ResponseBody, body.into_bytes()),
    ];
    add(&mut run, Via::ShortPoll, 0, up, Kind::Request, 1_000, &[get("/poll?after=4&sub=poll", "")]);
    let ws = get("/ws", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    add(&mut run, Via::WebSocket, 1, up, Kind::Request, 2_000, &[ws]);
    add(&mut run, Via::Sse, 2, up, Kind::Request, 3_000, &[get("/sse", "")]);
    add(&mut run, Via::ShortPoll, 0, down, Kind::Answer, 21_000, &poll);
    let open =
        (Part::ResponseHead, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n".to_vec());
    add(&mut run, Via::WebSocket, 1, down, Kind::Open, 22_000, &[open]);
    let open = (Part::ResponseHead, b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n".to_vec());
    add(&mut run, Via::Sse, 2, down, Kind::Open, 23_000, &[open]);
    let frame = [&[0x81, event.len() as u8], event.as_bytes()].concat();
    add(&mut run, Via::WebSocket, 1, down, Kind::Event, 32_000, &[(Part::Frame, frame)]);
    let send = vec![0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    add(&mut run, Via::WebSocket, 1, up, Kind::Send, 42_000, &[(Part::Frame, send)]);
    add(
        &mut run,
        Via::WebSocket,
        1,
        up,
        Kind::Pong,
        43_000,
        &[(Part::Frame, vec![0x8a, 0x81, 0, 0, 0, 0, 0xff])],
    );
    // The chunks' end lies in the middle of an event.
    let text = format!("event: hello\nid: k3f9:4\ndata: {{}}\n\nid: k3f9:5\ndata: {event}\n\n");
    let (first, second) = text.split_at(50);
    for (at_us, part) in [(33_000, first), (53_000, second)] {
        let chunk = format!("{:x}\r\n{part}\r\n", part.len()).into_bytes();
        add(&mut run, Via::Sse, 2, down, Kind::Event, at_us, &[(Part::Chunk, chunk)]);
    }
    run
}

fn get(target: &str, more: &str) -> (Part, Vec<u8>) {
    (Part::RequestHead, format!("GET {target} HTTP/1.1\r\nHost: localhost:3000\r\n{more}\r\n").into_bytes())
}

fn add(
    run: &mut Trace,
    via: Via,
    lane: u16,
    direction: Direction,
    kind: Kind,
    at_us: i64,
    parts: &[(Part, Vec<u8>)],
) {
    let mut pieces = Vec::new();
    for (part, bytes) in parts {
        let id = run.wire.len() as u64;
        run.wire.push(Piece { id, via, direction, part: *part, bytes: bytes.clone(), cut_bytes: 0 });
        pieces.push(id);
    }
    run.messages.push(Message {
        lane,
        n: 1,
        direction,
        kind,
        client: Some(Moment::measured(at_us)),
        server: None,
        socket_us: None,
        payload_bytes: 0,
        overhead_bytes: 0,
        events: Vec::new(),
        status: None,
        by_browser: false,
        lost: false,
        pieces,
    });
}

#[test]
fn an_entry_has_the_request_the_answer_and_its_times() {
    let archive = serde_json::to_value(har(&run(), "Four ways")).unwrap();
    assert_eq!(archive["log"]["pages"][0]["title"], "Four ways");
    let entry = &archive["log"]["entries"][0];
    assert_eq!(entry["startedDateTime"], "2025-11-24T16:00:05.901Z");
    assert_eq!(entry["time"], 20.0);
    assert_eq!(entry["timings"]["wait"], 20.0);
    assert_eq!(entry["request"]["url"], "http://localhost:3000/poll?after=4&sub=poll");
    assert_eq!(entry["request"]["queryString"][1], json!({"name": "sub", "value": "poll"}));
    assert_eq!(entry["request"]["headersSize"], 61);
    assert_eq!(entry["response"]["status"], 200);
    assert_eq!(entry["response"]["headers"][0], json!({"name": "Content-Type", "value": "application/json"}));
    let text = entry["response"]["content"]["text"].as_str().unwrap();
    assert!(text.contains("\"é\""), "{text}");
    assert_eq!(entry["response"]["content"]["size"], text.len());
}

#[test]
fn frames_and_events_stand_where_chromium_has_them() {
    let archive = serde_json::to_value(har(&run(), "")).unwrap();
    let socket = &archive["log"]["entries"][1];
    assert_eq!(
        (&socket["_resourceType"], &socket["request"]["url"]),
        (&json!("websocket"), &json!("ws://localhost:3000/ws"))
    );
    let messages = socket["_webSocketMessages"].as_array().unwrap();
    let of = |name: &str| -> Vec<&Value> { messages.iter().map(|message| &message[name]).collect() };
    assert_eq!(of("type"), ["receive", "send", "send"]);
    assert_eq!(of("opcode"), [1, 1, 10]);
    assert_eq!(of("time"), [1_764_000_005.932, 1_764_000_005.942, 1_764_000_005.943]);
    assert_eq!(messages[1]["data"], "Hello");
    assert_eq!(messages[2]["data"], "/w==");
    let stream = &archive["log"]["entries"][2];
    assert_eq!(stream["_resourceType"], "eventsource");
    assert_eq!(
        stream["_eventSourceMessages"],
        json!([
            {"time": 1_764_000_005.933, "eventName": "hello", "eventId": "k3f9:4", "data": "{}"},
            {"time": 1_764_000_005.953, "eventName": "message", "eventId": "k3f9:5",
             "data": r#"{"id":5,"data":"é","published_at":9}"#},
        ])
    );
}

#[test]
fn a_request_whose_bytes_are_gone_has_no_made_up_figures() {
    let mut run = run();
    run.wire.clear();
    let archive = serde_json::to_value(har(&run, "")).unwrap();
    let entry = &archive["log"]["entries"][0];
    assert_eq!(entry["request"]["url"], "about:blank");
    assert_eq!(entry["request"]["headersSize"], -1);
    assert_eq!(entry["comment"], "The bytes of this request were not kept.");
}
