//! The model against the recorded live runs of the book's experiments: the same messages, carrying
//! the same events, of the same sizes.
//!
//! A recording's clock begins a little after the server's task; how much is seen by its first event.

use std::path::Path;

use standby_sim::Profile;
use standby_trace::Transport;
use standby_trace::trace::{Direction, Kind, Message, Trace};

use crate::run::Run;

/// A live page and its network need this much longer for what the model does at once. What falls
/// within so much of the window's end may be on either side of it.
const SLACK_US: i64 = 250_000;

#[test]
fn the_model_has_the_messages_of_every_recorded_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/traces");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() > 15);
    let mut wrong = Vec::new();
    for path in paths {
        let mut live = Trace::from_json(&std::fs::read_to_string(&path).unwrap()).unwrap();
        // The file has them by lane.
        live.messages.sort_by_key(|m| (m.first_us(), m.lane, m.n, m.last_us()));
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        compare(&name, &live, &mut wrong);
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A live page's timers are late by some milliseconds each time, and what is polled for drifts. An
/// event that comes to the topic between the model's moment of an answer and the live one is news in
/// one of them only.
const RACE_US: i64 = 30_000;
const DRIFT_US: i64 = 200_000;

fn compare(name: &str, live: &Trace, wrong: &mut Vec<String>) {
    if live.scenario.crowd.is_some() {
        return;
    }
    let (model, ahead_us) = modelled(live);
    let model = model.trace();
    assert_eq!(model.published.len(), live.published.len(), "{name}");
    for lane in 0..live.lanes.len() {
        let (live_list, model_list) = (list(live, lane), list(model, lane));
        let common = live_list.len().min(model_list.len());
        let differs = (0..common).find(|&at| !live_list[at].1.is(&model_list[at].1));
        // A request at the very end may be in one of them only.
        let longer = live_list.len().abs_diff(model_list.len()) > 2;
        let Some(at) = differs.or(longer.then_some(common)) else { continue };
        let (found, expected) = (live_list.get(at), model_list.get(at));
        if let (Some(found), Some(expected)) = (found, expected)
            && is_race(live, found, expected, ahead_us)
        {
            println!("{name}, lane {lane}, message {at}: a race");
            // From here on answers may carry other events, but all of them, and in their order; the
            // last may be beyond the window's end.
            let (live, model) = (delivered(&live_list), delivered(&model_list));
            let common = live.len().min(model.len());
            assert_eq!(live[..common], model[..common], "{name}, lane {lane}");
            assert!(live.len().abs_diff(model.len()) < 3, "{name}, lane {lane}");
            continue;
        }
        let lengths = (live_list.len(), model_list.len());
        wrong.push(format!(
            "{name}, lane {lane}, message {at} of {lengths:?}, {ahead_us} us ahead:\n  live  {found:?}\n  model {expected:?}"
        ));
    }
}

/// A run of the model on the recording's schedule, and how much later its clock is.
fn modelled(live: &Trace) -> (Run, i64) {
    let mut run = Run::new(&live.scenario, &profile(live));
    let by_hand = live.scenario.publish.every_ms == 0;
    let ahead_us = match live.published.first() {
        Some(event) if !by_hand => run.world.next_us().unwrap() - event.at_us,
        _ => 0,
    };
    let sent_us = live.messages.first().map_or(0, Message::first_us);
    run.until_us(ahead_us + sent_us);
    run.world.start();
    for event in live.published.iter().filter(|_| by_hand) {
        run.until_us(ahead_us + event.at_us);
        run.world.publish_at_server(r#"{"from":"terminal","text":"tea is ready"}"#);
    }
    run.until_us(live.until_us + ahead_us);
    (run, ahead_us)
}

/// Whether two messages differ only in that an event came at the moment of the answer.
fn is_race(live: &Trace, found: &(i64, Line), expected: &(i64, Line), ahead_us: i64) -> bool {
    let moments = [found.0, expected.0 - ahead_us];
    let between = moments[0].min(moments[1]) - RACE_US..moments[0].max(moments[1]) + RACE_US;
    let same = |line: &Line| (line.n, line.kind, line.direction, line.status);
    let near = |id: u64| {
        let event = live.published.iter().find(|event| event.id == id);
        event.is_some_and(|event| between.contains(&event.at_us))
    };
    let differing = |one: &Line, other: &Line| {
        one.events.iter().copied().filter(|id| !other.events.contains(id)).collect::<Vec<_>>()
    };
    let mut ids = differing(&found.1, &expected.1);
    ids.extend(differing(&expected.1, &found.1));
    let drifted = between.end - between.start > DRIFT_US;
    !drifted && same(&found.1) == same(&expected.1) && !ids.is_empty() && ids.into_iter().all(near)
}

fn delivered(list: &[(i64, Line)]) -> Vec<u64> {
    list.iter().flat_map(|(_, line)| line.events.clone()).collect()
}

/// What is compared of a message.
#[derive(Debug)]
struct Line {
    n: u64,
    kind: Kind,
    direction: Direction,
    events: Vec<u64>,
    status: Option<u16>,
    payload_bytes: u32,
    overhead_bytes: u32,
    by_browser: bool,
    lost: bool,
    /// It was on its way at the window's end, so that the tap may not have seen all of it yet.
    under_way: bool,
}

impl Line {
    fn is(&self, other: &Self) -> bool {
        let key = |line: &Self| {
            (line.n, line.kind, line.direction, line.events.clone(), line.status, line.by_browser, line.lost)
        };
        let bytes = |line: &Self| (line.payload_bytes, line.overhead_bytes);
        let counted = !self.under_way && !other.under_way;
        key(self) == key(other) && (!counted || bytes(self) == bytes(other))
    }
}

/// A lane's messages in the order of their exchanges, each way for itself: what two ends do within a
/// millisecond has no order. With each, its moment at the server.
fn list(trace: &Trace, lane: usize) -> Vec<(i64, Line)> {
    let until_us = trace.until_us - SLACK_US;
    let mut lines: Vec<(i64, Line)> = trace
        .messages
        .iter()
        .filter(|m| usize::from(m.lane) == lane && m.first_us() < until_us)
        .map(|m| {
            let line = Line {
                n: m.n,
                kind: m.kind,
                direction: m.direction,
                events: m.events.clone(),
                status: m.status,
                payload_bytes: m.payload_bytes,
                overhead_bytes: m.overhead_bytes,
                by_browser: m.by_browser,
                lost: m.lost,
                // Of what only the browser sees, as a ping, the socket tells.
                under_way: !m.lost
                    && m.client.map(|client| client.at_us).or(m.socket_us).is_none_or(|us| us >= until_us),
            };
            (m.server.map_or(m.first_us(), |server| server.at_us), line)
        })
        .collect();
    lines.sort_by_key(|(_, line)| (line.n, line.direction == Direction::ToClient));
    lines
}

/// Chromium's, with the page's address as long as it was: it is told with each request.
fn profile(live: &Trace) -> Profile {
    let at = |page_bytes: usize| Profile::chromium().at("127.0.0.1:40000", &"p".repeat(page_bytes));
    let says_page = |m: &&Message| m.kind == Kind::Request && m.overhead_bytes > 0 && !is_socket(live, m);
    let Some(first) = live.messages.iter().find(says_page) else { return at(0) };
    let mut run = Run::new(&live.scenario, &at(0));
    run.world.start();
    run.until_ms(2_000);
    let same = |m: &&Message| (m.lane, m.n, m.kind) == (first.lane, first.n, first.kind);
    let bare = run.trace().messages.iter().find(same).unwrap();
    at(usize::try_from(first.overhead_bytes - bare.overhead_bytes).unwrap())
}

fn is_socket(trace: &Trace, message: &Message) -> bool {
    trace.lanes[usize::from(message.lane)].transport == Transport::WebSocket
}
