//! The model's bytes against those of real browsers and the real server, as its tap recorded them
//! (`tests/data`): every form of request, of answer, of chunk and of frame.

use std::path::Path;

use standby_sim::world::Form;
use standby_sim::{Profile, Told};
use standby_trace::recorder::Recorder;
use standby_trace::tap::{Part, ToObserver, Via, Wire};
use standby_trace::trace::{Direction, Piece};
use standby_trace::{Clock, Scenario};

use crate::run::{self, Run};

const BROWSERS: [&str; 3] = ["chromium", "firefox", "webkit"];

fn records(browser: &str) -> Vec<ToObserver> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/{browser}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn wires(browser: &str) -> Vec<Wire> {
    let wire = |record| if let ToObserver::Wire(wire) = record { Some(wire) } else { None };
    records(browser).into_iter().filter_map(wire).collect()
}

fn built_in(browser: &str) -> Profile {
    match browser {
        "chromium" => Profile::chromium(),
        "firefox" => Profile::firefox(),
        _ => Profile::webkit(),
    }
}

/// Where the page of a recording and its server were.
fn at_home(browser: &str, profile: Profile) -> Profile {
    let wires = wires(browser);
    let heads: Vec<String> = wires.iter().map(|wire| text(&wire.bytes)).collect();
    let said = |name| heads.iter().find_map(|head| value(head, name)).unwrap();
    profile.at(said("host"), &"p".repeat(said("referer").len()))
}

/// In the recordings the labels say who asked.
fn is_event_source(wire: &Wire) -> bool {
    wire.exchange.sub.as_deref() == Some("sse")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn value<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (known, value) = line.split_once(": ")?;
        known.eq_ignore_ascii_case(name).then_some(value)
    })
}

#[test]
fn every_browsers_requests_are_composed_to_the_byte() {
    for browser in BROWSERS {
        let profile = at_home(browser, built_in(browser));
        let mut forms = std::collections::BTreeSet::new();
        for wire in wires(browser).iter().filter(|wire| wire.part == Part::RequestHead) {
            let head = text(&wire.bytes);
            forms.insert(Form::of(wire.exchange.via, &wire.bytes, is_event_source(wire)).unwrap());
            assert_eq!(text(&profile.recompose(wire.exchange.via, &wire.bytes, is_event_source(wire))), head);
        }
        assert_eq!(forms.len(), 8, "{browser}: {forms:?}");
    }
}

#[test]
fn a_profile_that_is_learned_from_requests_is_the_built_in_one() {
    for browser in BROWSERS {
        let built_in = built_in(browser);
        let mut learned = Profile::empty(built_in.browser.clone());
        learned.resends = built_in.resends;
        learned.handshake_pause_ms = built_in.handshake_pause_ms;
        for wire in wires(browser).iter().filter(|wire| wire.part == Part::RequestHead) {
            assert!(learned.learn(wire.exchange.via, &wire.bytes, is_event_source(wire)));
        }
        // Equal in all but how it came to it.
        learned.learned.clear();
        assert_eq!(learned, at_home(browser, built_in));
    }
}

#[test]
fn the_profile_of_a_readers_own_run_is_learned_from_its_trace() {
    let scenario = run::scenario(
        r#"{"v":1,"lanes":[{"transport":"short-poll","interval_ms":500,"conditional":true},
            {"transport":"sse","retry_ms":500},{"transport":"websocket","backoff":{"kind":"fixed","base_ms":500}}],
            "publish":{"every_ms":600},"faults":[{"at_ms":2500,"kind":"drop","sub":"sse"}]}"#,
    );
    let firefox = at_home("firefox", Profile::firefox());
    let mut run = Run::new(&scenario, &firefox);
    run.world.start();
    run.until_ms(4_000);
    let learned = Profile::empty(firefox.browser.clone()).learned_from(run.trace());
    // What this run had no occasion for is not known.
    for via in [Via::ShortPoll, Via::WebSocket] {
        let is_it = |piece: &&Piece| piece.via == via && piece.part == Part::RequestHead;
        let head = &run.trace().wire.iter().rfind(is_it).unwrap().bytes;
        assert_eq!(text(&learned.recompose(via, head, false)), text(head));
    }
    let again =
        run.trace().wire.iter().rfind(|piece| piece.via == Via::Sse && piece.part == Part::RequestHead);
    let again = &again.unwrap().bytes;
    assert!(text(again).contains("Last-Event-ID"));
    assert_eq!(text(&learned.recompose(Via::Sse, again, true)), text(again));
}

/// A run of the model that has every form of answer that the recordings have.
fn all_forms() -> Vec<Wire> {
    let scenario = run::scenario(
        r#"{"v":1,"lanes":[{"transport":"short-poll","interval_ms":500,"conditional":true},
            {"transport":"long-poll","timeout_ms":300,"backoff":{"kind":"fixed","base_ms":500}},
            {"transport":"websocket","backoff":{"kind":"fixed","base_ms":500},"keep_alive_ms":500,"silence_ms":1500,"send_every_ms":700},
            {"transport":"sse","retry_ms":500,"keep_alive_ms":500},
            {"transport":"sse","retry_ms":1000,"client":"fetch","keep_alive_ms":500}],
            "publish":{"every_ms":0},
            "faults":[{"at_ms":4000,"kind":"unavailable","for_ms":700},{"at_ms":4100,"kind":"drop"},
            {"at_ms":5000,"kind":"unavailable","for_ms":700,"retry_after_s":2},{"at_ms":5100,"kind":"drop"}]}"#,
    );
    let mut run = Run::new(&scenario, &at_home("chromium", Profile::chromium()));
    run.world.start();
    run.until_ms(1_200).world.publish(r#"{"price":99.96}"#);
    // Other settings close a socket, while someone observes.
    run.until_ms(8_000).world.set_lane(2, scenario.lanes[2]);
    run.until_ms(9_000);
    let wire = |told| match told {
        (_, Told::Server(ToObserver::Wire(wire))) => Some(wire),
        _ => None,
    };
    run.told.into_iter().filter_map(wire).collect()
}

/// A head without what differs from one to the next: dates, proofs, tags, lengths, the port.
fn bare(head: &[u8]) -> String {
    let mut text = text(head);
    for name in ["date", "access-control-allow-origin", "sec-websocket-accept", "etag", "content-length"] {
        if let Some(value) = value(&text, name).map(str::to_owned) {
            text = text.replace(&format!("{name}: {value}"), &format!("{name}: *"));
        }
    }
    text
}

#[test]
fn every_recorded_form_of_answer_is_one_of_the_models() {
    let model: Vec<(Via, String)> = all_forms()
        .iter()
        .filter(|wire| wire.part == Part::ResponseHead)
        .map(|wire| (wire.exchange.via, bare(&wire.bytes)))
        .collect();
    for browser in BROWSERS {
        for wire in wires(browser).iter().filter(|wire| wire.part == Part::ResponseHead) {
            let head = bare(&wire.bytes);
            let is_it =
                |(via, known): &(Via, String)| *known == head && family(*via) == family(wire.exchange.via);
            assert!(model.iter().any(is_it), "{browser} {:?}: {head}", wire.exchange.via);
        }
    }
}

/// Both kinds of poll are answered alike.
fn family(via: Via) -> u8 {
    match via {
        Via::ShortPoll | Via::LongPoll => 0,
        Via::WebSocket => 1,
        Via::Sse => 2,
        _ => 3,
    }
}

/// Bytes without what differs: numbers and names of lives, and the mask with what it masks.
fn form_of(part: Part, direction: Direction, bytes: &[u8]) -> String {
    if part == Part::Frame && direction == Direction::ToServer {
        let masked = &bytes[6.min(bytes.len())..];
        let mask = &bytes[2..6];
        let plain: Vec<u8> = masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        return format!("{:02x} {}", bytes[0], shape(&plain));
    }
    shape(bytes)
}

/// Digits become `0` and a topic's life `*`; so does what counts them.
fn shape(bytes: &[u8]) -> String {
    let text = text(bytes);
    let text = match text.split_once("\r\n") {
        // A chunk's size.
        Some((size, rest)) if size.len() < 5 => format!("#\r\n{rest}"),
        _ => text,
    };
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\u{0}']) {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            word.push(c);
            continue;
        }
        let life = word.len() == 12 && word != "published_at";
        if life {
            out.push('*');
        } else if word.chars().all(|c| c.is_ascii_digit()) && !word.is_empty() {
            out.push('0');
        } else {
            out.push_str(&word);
        }
        word.clear();
        out.push(c);
    }
    let out = out.replace("0.0", "0");
    // What makes a request that is sent again no other event.
    match out.split_once("\"key\":\"") {
        Some((before, _)) => before.to_owned(),
        None => out,
    }
}

#[test]
fn every_recorded_form_of_body_chunk_and_frame_is_one_of_the_models() {
    let carries = |part| !matches!(part, Part::RequestHead | Part::ResponseHead);
    let model: Vec<String> = all_forms()
        .iter()
        .filter(|piece| carries(piece.part))
        .map(|piece| after_length(piece.part, piece.direction, &piece.bytes))
        .collect();
    let mut seen = 0;
    for browser in BROWSERS {
        for wire in wires(browser).iter().filter(|wire| carries(wire.part)) {
            let form = after_length(wire.part, wire.direction, &wire.bytes);
            // What the model's page never says: it asks for no life that is over, and sends no nonsense.
            if form.contains("reset") || form.contains("daxta") || form.contains("error") {
                continue;
            }
            seen += 1;
            assert!(model.contains(&form), "{browser} {:?}: {form:?}\n{model:#?}", wire.part);
        }
    }
    assert!(seen > 60, "{seen}");
}

/// The form, without a frame's length.
fn after_length(part: Part, direction: Direction, bytes: &[u8]) -> String {
    match (part, direction) {
        (Part::Frame, Direction::ToClient) => {
            let header = if bytes[1] & 0x7f == 126 { 4 } else { 2 };
            let payload = &bytes[header..];
            // A close frame's code is no text.
            if bytes[0] == 0x88 {
                format!("88 {payload:?}")
            } else {
                format!("{:02x} {}", bytes[0], shape(payload))
            }
        }
        (Part::Frame, Direction::ToServer) if bytes[0] == 0x88 => "close".to_owned(),
        _ => form_of(part, direction, bytes),
    }
}

#[test]
fn the_records_of_a_simulated_run_are_a_tap_of_their_own() {
    // What the recorder makes of the recording and of the model must not differ in kind: each part has
    // both its moments, and each number is used once.
    let scenario: Scenario =
        run::scenario(r#"{"v":1,"lanes":[{"transport":"sse","retry_ms":500}],"publish":{"every_ms":500}}"#);
    let mut run = Run::start(&scenario);
    run.until_ms(5_000);
    let mut apps = Vec::new();
    let mut wires = Vec::new();
    for (_, told) in &run.told {
        match told {
            Told::Server(ToObserver::App(app)) => apps.push((app.exchange.conn, app.direction, app.seq)),
            Told::Server(ToObserver::Wire(wire)) => {
                wires.push((wire.exchange.conn, wire.direction, wire.seq));
            }
            _ => {}
        }
    }
    let sorted = |mut list: Vec<(u64, Direction, u64)>| {
        list.sort_by_key(|&(conn, direction, seq)| (conn, direction == Direction::ToClient, seq));
        list
    };
    let (apps, wires) = (sorted(apps), sorted(wires));
    assert_eq!(apps, wires);
    assert!(apps.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn a_recording_of_a_real_run_goes_through_the_recorder_as_the_models_does() {
    for browser in BROWSERS {
        let scenario = run::scenario(
            r#"{"v":1,"lanes":[{"transport":"short-poll","interval_ms":1000}],"publish":{"every_ms":0}}"#,
        );
        let mut recorder = Recorder::new(scenario, 0);
        let mut clock = Clock::default();
        clock.answer(0, 0, 0);
        for record in records(browser) {
            recorder.tap(&record, &clock);
        }
        assert!(recorder.trace().messages.len() > 20);
        let learned = Profile::empty(String::new()).learned_from(recorder.trace());
        assert_ne!(learned, Profile::empty(String::new()));
    }
}
