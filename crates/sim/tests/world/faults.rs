//! Each fault: what it does to whom, and that nobody loses an event or gets one twice.

use standby_trace::recorder::Fact;
use standby_trace::scenario::Scenario;
use standby_trace::tap::{ClosedBy, ToObserver};
use standby_trace::trace::{Kind, MarkKind, Who};

use standby_sim::{Profile, Told};

use crate::run::{Run, scenario};
use crate::transports::everything;

/// All four transports and our own client of streams, in lanes 0 to 4, with one fault at 3 s.
fn with(fault: &str) -> Scenario {
    let waits = r#""backoff":{"kind":"fixed","base_ms":500}"#;
    scenario(&format!(
        r#"{{"v":1,"lanes":[{{"transport":"short-poll","interval_ms":500}},
            {{"transport":"long-poll","timeout_ms":2000,{waits}}},
            {{"transport":"websocket",{waits},"keep_alive_ms":1000,"silence_ms":2000}},
            {{"transport":"sse","retry_ms":500}},
            {{"transport":"sse","retry_ms":500,"client":"fetch","silence_ms":2000}}],
            "publish":{{"every_ms":300}},"conditions":{{"latency_ms":50}},"seed":4,
            "faults":[{fault}]}}"#
    ))
}

const DROP: &str = r#"{"at_ms":3000,"kind":"drop"}"#;

fn run(fault: &str, until_ms: i64) -> Run {
    let mut run = Run::start(&with(fault));
    run.until_ms(until_ms);
    run
}

/// Everything came, once and in order, but for what is still under way.
fn whole(run: &Run, lane: usize) {
    let delivered = run.delivered(lane);
    assert!(delivered.iter().zip(1..).all(|(&id, expected)| id == expected), "lane {lane}: {delivered:?}");
    let missing = run.published().len() - delivered.len();
    assert!(missing <= 4, "lane {lane} lacks {missing}");
    assert_eq!(run.recorder.ledgers()[lane].lost, 0, "{lane}");
}

fn cuts(run: &Run, lane: usize) -> Vec<String> {
    let why = |fact: &&Fact| match fact {
        Fact::Cut { why, .. } => Some(why.clone()),
        _ => None,
    };
    run.facts(lane).iter().filter_map(why).collect()
}

#[test]
fn a_drop_cuts_every_stream_and_nothing_is_lost_or_doubled() {
    let run = run(DROP, 9_000);
    (0..5).for_each(|lane| whole(&run, lane));
    assert_eq!(cuts(&run, 0), Vec::<String>::new(), "nothing was under way");
    assert_eq!(cuts(&run, 2), ["close code 1006"]);
    assert_eq!(cuts(&run, 3), ["connection lost"]);
    assert_eq!(cuts(&run, 4), ["connection lost"]);
    let ledgers = run.recorder.ledgers();
    for lane in [2, 3, 4] {
        assert!(ledgers[lane].recovered > 0, "{lane}");
        assert_eq!(ledgers[lane].reconnects, 1, "{lane}");
    }
    let by_fault =
        |told: &&(i64, Told)| matches!(told.1, Told::Server(ToObserver::Closed { by: ClosedBy::Fault, .. }));
    assert!(run.told.iter().filter(by_fault).count() >= 4);
}

#[test]
fn a_browser_sends_a_held_request_again_without_telling_the_page() {
    let run = run(DROP, 9_000);
    assert_eq!(cuts(&run, 1), Vec::<String>::new());
    let again: Vec<_> =
        run.messages(1, Kind::Request).into_iter().filter(|message| message.by_browser).collect();
    assert_eq!(again.len(), 1);
}

#[test]
fn an_event_source_waits_as_it_was_told_and_asks_from_where_it_was() {
    let run = run(DROP, 9_000);
    let waits =
        run.facts(3).iter().any(|fact| matches!(fact, Fact::Waiting { until_us: None, who: Who::Browser }));
    assert!(waits);
    let heads: Vec<String> = run
        .told
        .iter()
        .filter_map(|(at_us, told)| match told {
            Told::Server(ToObserver::Wire(wire))
                if wire.exchange.sub.as_deref() == Some("sse") && wire.bytes.starts_with(b"GET") =>
            {
                Some(format!("{at_us} {}", String::from_utf8_lossy(&wire.bytes)))
            }
            _ => None,
        })
        .collect();
    assert_eq!(heads.len(), 2);
    assert!(heads[1].contains("Last-Event-ID: "), "{}", heads[1]);
    // Cut at 3 s, seen a hop later, then `retry:`, and the way to the server.
    assert!(heads[1].starts_with("3501"), "{}", heads[1]);
    let request = |head: &str| head.split(' ').nth(2).unwrap().to_owned();
    assert_eq!(request(&heads[0]), request(&heads[1]), "the same URL");
}

#[test]
fn a_drop_of_one_lane_leaves_the_others_alone() {
    let run = run(r#"{"at_ms":3000,"kind":"drop","sub":"websocket"}"#, 9_000);
    (0..5).for_each(|lane| whole(&run, lane));
    assert_eq!(cuts(&run, 2).len(), 1);
    assert!([0, 1, 3, 4].into_iter().all(|lane| cuts(&run, lane).is_empty()));
}

#[test]
fn what_is_refused_comes_back_when_it_is_over() {
    let run = run(r#"{"at_ms":3000,"kind":"refuse","for_ms":2000},{"at_ms":3001,"kind":"drop"}"#, 9_000);
    (0..5).for_each(|lane| whole(&run, lane));
    assert!((0..5).all(|lane| !cuts(&run, lane).is_empty()));
    // A failed handshake looks like any other, and the status of none is seen.
    assert!(cuts(&run, 2).iter().all(|why| why == "close code 1006"));
    assert!(run.gave_up().is_empty());
}

#[test]
fn a_503_ends_an_event_source_for_good_and_nobody_else() {
    let mut run =
        run(r#"{"at_ms":3000,"kind":"unavailable","for_ms":2000},{"at_ms":3001,"kind":"drop"}"#, 9_000);
    [0, 1, 2, 4].into_iter().for_each(|lane| whole(&run, lane));
    assert!(cuts(&run, 0).contains(&"503".to_owned()));
    assert!(cuts(&run, 4).contains(&"503".to_owned()));
    assert_eq!(run.gave_up(), [3]);
    // The reader opens it again, and it goes on from where it stood.
    run.world.reopen(3);
    run.until_ms(12_000);
    assert_eq!(run.gave_up(), Vec::<usize>::new());
    whole(&run, 3);
}

#[test]
fn retry_after_says_how_long_to_stay_away() {
    let run = run(
        r#"{"at_ms":3000,"kind":"unavailable","for_ms":1000,"retry_after_s":2},{"at_ms":3001,"kind":"drop"}"#,
        9_000,
    );
    for lane in [1, 4] {
        let by_server = |fact: &Fact| matches!(fact, Fact::Waiting { who: Who::Server, .. });
        assert!(run.facts(lane).iter().any(|fact| by_server(fact)), "{lane}");
        whole(&run, lane);
    }
}

#[test]
fn a_stall_holds_everything_back_and_then_lets_it_go_in_order() {
    let run = run(r#"{"at_ms":3000,"kind":"stall","for_ms":1500}"#, 9_000);
    (0..5).for_each(|lane| whole(&run, lane));
    let delivered = |told: &&(i64, Told)| matches!(told.1, Told::Page { fact: Fact::Event { .. }, .. });
    let during = |at_us: i64| (3_001_000..4_500_000).contains(&at_us);
    assert!(!run.told.iter().filter(delivered).any(|(at_us, _)| during(*at_us)));
}

#[test]
fn a_half_open_connection_is_noticed_only_by_who_looks() {
    let run = run(r#"{"at_ms":3000,"kind":"half-open"}"#, 12_000);
    // The page's own client notices the silence, the server the missing pong.
    assert!(cuts(&run, 2)[0].starts_with("silent for 2"), "{:?}", cuts(&run, 2));
    assert!(cuts(&run, 4)[0].starts_with("silent for 2"), "{:?}", cuts(&run, 4));
    whole(&run, 2);
    whole(&run, 4);
    // An `EventSource` looks at nothing.
    assert!(cuts(&run, 3).is_empty());
    assert!(run.delivered(3).len() < run.published().len() / 2);
    let closed = run.told.iter().any(|(_, told)| {
        matches!(told, Told::Server(ToObserver::Closed { by: ClosedBy::Server, exchange, .. })
            if exchange.sub.as_deref() == Some("websocket"))
    });
    assert!(closed, "the server gave the socket up");
    // After two minutes all find out.
    let mut run = run;
    run.until_ms(130_000);
    assert_eq!(cuts(&run, 3), ["connection lost"]);
    whole(&run, 3);
}

#[test]
fn after_a_failed_handshake_the_page_asks_by_fetch_before_it_tries_another() {
    let fault =
        r#"{"at_ms":3000,"kind":"unavailable","for_ms":1200},{"at_ms":3001,"kind":"drop","sub":"websocket"}"#;
    let run = run(fault, 9_000);
    whole(&run, 2);
    let sent: Vec<i64> = run
        .told
        .iter()
        .filter(|(_, told)| matches!(told, Told::Page { lane: 2, fact: Fact::Sent { .. } }))
        .map(|(at_us, _)| *at_us)
        .collect();
    let arrived: Vec<i64> = run
        .told
        .iter()
        .filter(|(_, told)| {
            matches!(told, Told::Server(ToObserver::Wire(wire))
                if wire.exchange.sub.as_deref() == Some("websocket") && wire.bytes.starts_with(b"GET"))
        })
        .map(|(at_us, _)| *at_us)
        .collect();
    assert!(sent.len() >= 3);
    let took: Vec<i64> = arrived.iter().zip(&sent).map(|(arrived, sent)| arrived - sent).collect();
    // The first two go at once, with TCP's handshake; the third asks first.
    assert_eq!(took[..3], [1_500, 1_500, 2_500]);
}

#[test]
fn through_every_fault_at_once_nothing_is_lost_or_doubled() {
    for seed in 0..12 {
        for profile in [Profile::chromium(), Profile::firefox()] {
            let mut scenario = everything();
            scenario.seed = seed;
            let mut run = Run::new(&scenario, &profile);
            run.world.start();
            run.until_ms(20_000);
            for lane in run.gave_up() {
                run.world.reopen(lane);
            }
            run.until_ms(30_000);
            // Two minutes is how long a dead connection may take one in without a sign.
            run.until_ms(150_000);
            for lane in 0..5 {
                let delivered = run.delivered(lane);
                assert!(
                    delivered.iter().zip(1..).all(|(&id, expected)| id == expected),
                    "seed {seed}, lane {lane}: {delivered:?}"
                );
                let missing = run.published().len() - delivered.len();
                assert!(missing < 40, "seed {seed}, lane {lane} lacks {missing}");
            }
        }
    }
}

#[test]
fn the_picture_is_told_of_every_fault() {
    let run = run(&format!(r#"{DROP},{{"at_ms":5000,"kind":"stall","for_ms":500}}"#), 9_000);
    let notes = run.trace().marks.iter().filter(|mark| matches!(mark.kind, MarkKind::Note { .. })).count();
    let faults =
        run.told.iter().filter(|(_, told)| matches!(told, Told::Server(ToObserver::Fault { .. }))).count();
    assert_eq!(faults, 2);
    assert!(notes + run.trace().spans.len() > 2);
}
