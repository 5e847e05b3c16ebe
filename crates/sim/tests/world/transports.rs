//! Each transport over a quiet network: what is asked, told and delivered.

use standby_sim::world::fingerprint;
use standby_sim::{Profile, Told};
use standby_trace::recorder::Fact;
use standby_trace::scenario::{Conditions, Fault, LaneSpec, Publish};
use standby_trace::tap::ToObserver;
use standby_trace::trace::{Kind, SpanKind};

use crate::run::{Run, scenario};

fn one(lane: &str, rest: &str) -> standby_trace::Scenario {
    scenario(&format!(r#"{{"v":1,"lanes":[{lane}],{rest}}}"#))
}

const WAITS: &str = r#""backoff":{"kind":"fixed","base_ms":1000}"#;
const SLOW: &str = r#""publish":{"every_ms":1000,"spread":"fixed"},"conditions":{"latency_ms":100}"#;

#[test]
fn short_polling_asks_on_its_interval_and_most_answers_are_empty() {
    let scenario = one(
        r#"{"transport":"short-poll","interval_ms":500}"#,
        r#""publish":{"every_ms":2000,"spread":"fixed"},"conditions":{"latency_ms":50}"#,
    );
    let mut run = Run::start(&scenario);
    run.until_ms(7_900);
    let asked: Vec<i64> =
        run.messages(0, Kind::Request).iter().map(|message| message.client.unwrap().at_us).collect();
    assert_eq!(asked.len(), 16);
    assert!(asked.iter().zip(0..).all(|(&at_us, k)| at_us == k * 500_000), "{asked:?}");
    let answers = run.messages(0, Kind::Answer);
    let empty = answers.iter().filter(|answer| answer.is_empty_answer()).count();
    assert_eq!((answers.len(), empty), (16, 12));
    assert_eq!(run.delivered(0), [1, 2, 3, 4]);
}

#[test]
fn a_conditional_poll_without_news_is_answered_without_a_body() {
    let scenario = one(
        r#"{"transport":"short-poll","interval_ms":500,"conditional":true}"#,
        r#""publish":{"every_ms":2000,"spread":"fixed"}"#,
    );
    let mut run = Run::start(&scenario);
    run.until_ms(7_900);
    let not_modified = run.messages(0, Kind::Answer).iter().filter(|m| m.status == Some(304)).count();
    // The first tells the tag, and each after an event another.
    assert_eq!(not_modified, 11);
    assert_eq!(run.delivered(0), [1, 2, 3, 4]);
}

#[test]
fn a_long_poll_is_held_until_there_is_news_or_its_time_is_up() {
    let lane = format!(r#"{{"transport":"long-poll","timeout_ms":1500,{WAITS}}}"#);
    let mut run = Run::start(&one(
        &lane,
        r#""publish":{"every_ms":2000,"spread":"fixed"},"conditions":{"latency_ms":100}"#,
    ));
    run.until_ms(7_900);
    assert_eq!(run.delivered(0), [1, 2, 3, 4]);
    let held = run.trace().spans.iter().filter(|span| span.kind == SpanKind::Held);
    assert!(held.filter_map(|span| Some(span.server_to?.at_us - span.from.at_us)).all(|us| us <= 1_500_000));
    let empty = run.messages(0, Kind::Answer).iter().filter(|answer| answer.is_empty_answer()).count();
    assert!(empty >= 2, "{empty}");
}

#[test]
fn a_stream_and_a_socket_deliver_an_event_one_way_after_it_was_published() {
    let lanes = format!(
        r#"{{"transport":"websocket",{WAITS}}},{{"transport":"sse","retry_ms":1000}},{{"transport":"sse","retry_ms":1000,"client":"fetch"}}"#
    );
    let mut run = Run::start(&one(&lanes, SLOW));
    run.until_ms(7_900);
    for lane in 0..3 {
        assert_eq!(run.delivered(usize::from(lane)), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(run.messages(lane, Kind::Request).len(), 1);
        for event in run.messages(lane, Kind::Event) {
            let took_us = event.client.unwrap().at_us - event.server.unwrap().at_us;
            assert_eq!(took_us, 100_500, "the conditions, and the hop between two sockets");
        }
    }
}

#[test]
fn jitter_and_bandwidth_slow_messages_and_keep_their_order() {
    let lanes = format!(r#"{{"transport":"websocket",{WAITS}}},{{"transport":"sse","retry_ms":1000}}"#);
    let rest = r#""publish":{"every_ms":50,"spread":"fixed"},"conditions":{"latency_ms":100,"jitter_ms":300,"bandwidth_bytes_s":4000}"#;
    let mut run = Run::start(&one(&lanes, rest));
    run.until_ms(5_000);
    for lane in 0..2 {
        let delivered = run.delivered(usize::from(lane));
        assert!(delivered.len() > 60, "{}", delivered.len());
        assert!(delivered.iter().zip(1..).all(|(&id, expected)| id == expected), "{delivered:?}");
        let took = |m: &&standby_trace::Message| Some(m.client?.at_us - m.server?.at_us);
        let events = run.messages(lane, Kind::Event);
        assert!(events.iter().filter_map(took).all(|us| us >= 100_000));
        assert!(events.iter().filter_map(took).any(|us| us >= 250_000));
    }
}

#[test]
fn a_lane_that_publishes_over_its_socket_gets_its_own_events_back() {
    let lane = format!(r#"{{"transport":"websocket",{WAITS},"send_every_ms":1000}}"#);
    let mut run = Run::start(&one(&lane, r#""publish":{"every_ms":0,"what":"chat"}"#));
    run.until_ms(5_500);
    assert_eq!(run.messages(0, Kind::Send).len(), 5);
    assert_eq!(run.delivered(0), [1, 2, 3, 4, 5]);
}

#[test]
fn what_is_published_by_hand_reaches_every_lane() {
    let lanes =
        format!(r#"{{"transport":"short-poll","interval_ms":500}},{{"transport":"websocket",{WAITS}}}"#);
    let mut run = Run::start(&one(&lanes, r#""publish":{"every_ms":0}"#));
    run.until_ms(1_100).world.publish(r#"{"price":1.00}"#);
    run.until_ms(3_000);
    assert_eq!((run.delivered(0), run.delivered(1)), (vec![1], vec![1]));
    assert!(
        run.told.iter().any(|(_, told)| matches!(told, Told::Server(ToObserver::Published { id: 1, .. })))
    );
}

#[test]
fn quiet_connections_show_that_they_are_there() {
    let lanes = format!(
        r#"{{"transport":"websocket",{WAITS},"keep_alive_ms":1000}},{{"transport":"sse","retry_ms":1000,"keep_alive_ms":1000}}"#
    );
    let mut run = Run::start(&one(&lanes, r#""publish":{"every_ms":0}"#));
    run.until_ms(5_500);
    assert_eq!((run.messages(0, Kind::Ping).len(), run.messages(0, Kind::Pong).len()), (5, 5));
    assert_eq!(run.messages(1, Kind::KeepAlive).len(), 5);
}

#[test]
fn a_pause_lets_go_of_everything_and_what_was_published_meanwhile_is_recovered() {
    let lanes = format!(
        r#"{{"transport":"long-poll","timeout_ms":5000,{WAITS}}},{{"transport":"websocket",{WAITS}}},{{"transport":"sse","retry_ms":1000}}"#
    );
    let mut run = Run::start(&one(&lanes, SLOW));
    run.until_ms(3_200).world.let_go();
    let before = run.told.len();
    run.until_ms(6_200);
    let server = |(_, told): &(i64, Told)| matches!(told, Told::Server(_));
    assert!(!run.told[before..].iter().any(server), "nobody observes");
    run.world.start();
    run.until_ms(7_500);
    for lane in 0..3 {
        assert_eq!(run.delivered(lane), [1, 2, 3, 4, 5, 6, 7], "{lane}");
    }
    assert_eq!(run.facts(0).iter().filter(|fact| matches!(fact, Fact::LetGo)).count(), 1);
}

#[test]
fn an_experiment_that_nobody_observes_ends_and_is_started_anew() {
    let mut run = Run::start(&one(r#"{"transport":"sse","retry_ms":1000}"#, SLOW));
    run.until_ms(2_500).world.let_go();
    run.until_ms(100_000).world.start();
    run.until_ms(100_900);
    let delivered = run.delivered(0);
    // Thirty seconds' worth, and no more.
    assert_eq!((delivered.first(), delivered.len()), (Some(&1), 32));
    run.until_ms(103_900);
    assert_eq!(run.delivered(0).len(), 35);
}

#[test]
fn other_settings_go_on_from_where_a_lane_stands() {
    let mut run = Run::start(&one(r#"{"transport":"short-poll","interval_ms":500}"#, SLOW));
    run.until_ms(2_250).world.set_lane(0, LaneSpec::ShortPoll { interval_ms: 2_000, conditional: false });
    run.until_ms(8_000);
    let delivered = run.delivered(0);
    assert_eq!(delivered, (1..=6).collect::<Vec<u64>>());
    let numbers: Vec<u64> = run.messages(0, Kind::Request).iter().map(|message| message.n).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

#[test]
fn conditions_and_publisher_change_under_way() {
    let mut run = Run::start(&one(r#"{"transport":"sse","retry_ms":1000}"#, SLOW));
    run.until_ms(3_500);
    let publish = Publish { every_ms: 100, ..run.trace().scenario.publish };
    run.world.steer(Conditions::default(), publish);
    run.until_ms(4_500);
    assert!(run.delivered(0).len() > 10);
    assert_eq!(run.trace().scenario.publish.every_ms, 100);
    let events = run.messages(0, Kind::Event);
    let last = events.iter().rfind(|event| event.client.is_some()).unwrap();
    assert_eq!(last.client.unwrap().at_us - last.server.unwrap().at_us, 500);
}

#[test]
fn beyond_six_connections_a_request_waits_for_its_turn() {
    let lane = format!(r#"{{"transport":"long-poll","timeout_ms":2000,{WAITS}}}"#);
    let lanes = vec![lane; 7].join(",");
    let mut run = Run::start(&one(&lanes, r#""publish":{"every_ms":0}"#));
    run.until_ms(1_900);
    let arrived = (0..7).filter(|&lane| run.messages(lane, Kind::Request)[0].server.is_some()).count();
    assert_eq!(arrived, 6);
    run.until_ms(2_900);
    assert!(run.messages(6, Kind::Request)[0].server.is_some());
}

#[test]
fn who_is_too_slow_falls_out_of_history_and_is_told_so() {
    let lanes = format!(
        r#"{{"transport":"websocket",{WAITS},"keep_alive_ms":120000}},{{"transport":"sse","retry_ms":1000}}"#
    );
    let rest = r#""publish":{"every_ms":50,"spread":"fixed","what":"chat"},"conditions":{"latency_ms":10,"bandwidth_bytes_s":1000}"#;
    let mut run = Run::start(&one(&lanes, rest));
    run.until_ms(350_000);
    for lane in 0..2 {
        let mut next = 1;
        let mut gaps = 0;
        for fact in run.facts(lane) {
            match *fact {
                Fact::Event { id, .. } => {
                    assert_eq!(id, next, "{lane}");
                    next = id + 1;
                }
                Fact::Gap { from, to, .. } => {
                    assert_eq!(from, next, "{lane}");
                    next = to + 1;
                    gaps += 1;
                }
                _ => {}
            }
        }
        assert!(gaps > 0 && next > 1_000, "{lane}: {gaps} gaps, to {next}");
    }
}

/// Every transport and every fault, once each.
pub(crate) fn everything() -> standby_trace::Scenario {
    scenario(include_str!("../data/everything.json"))
}

#[test]
fn the_same_seed_gives_the_same_run_bit_for_bit() {
    let run = |step_ms: i64| {
        let mut run = Run::start(&everything());
        for at_ms in (step_ms..=20_000).step_by(usize::try_from(step_ms).unwrap()) {
            run.until_ms(at_ms);
        }
        (fingerprint(&run.told), run.told.len())
    };
    // However finely it is looked at.
    assert_eq!(run(20_000), run(10));
    let mut other = everything();
    other.seed = 22;
    let mut other = Run::start(&other);
    other.until_ms(20_000);
    assert_ne!(fingerprint(&other.told), run(20_000).0);
}

#[test]
fn these_runs_do_not_change_from_one_version_to_the_next_by_accident() {
    let mut run = Run::start(&everything());
    run.until_ms(20_000);
    // A change of the model changes this on purpose; another machine, or a page, doesn't.
    assert_eq!(format!("{:016x}", fingerprint(&run.told)), "b861448b89fac6bb");
}

#[test]
fn every_profile_runs_everything() {
    for profile in [Profile::chromium(), Profile::firefox(), Profile::webkit()] {
        let mut run = Run::new(&everything(), &profile);
        run.world.start();
        run.until_ms(20_000);
        for lane in 0..5 {
            let delivered = run.delivered(lane);
            assert!(
                delivered.windows(2).all(|pair| pair[1] == pair[0] + 1),
                "{}: {delivered:?}",
                profile.browser
            );
        }
    }
}

#[test]
fn a_fault_by_hand_is_a_fault_like_any_other() {
    let mut run = Run::start(&one(r#"{"transport":"sse","retry_ms":1000}"#, SLOW));
    run.until_ms(2_000).world.fault(&Fault::Drop { sub: None });
    run.until_ms(6_500);
    assert_eq!(run.facts(0).iter().filter(|fact| matches!(fact, Fact::Cut { .. })).count(), 1);
    assert_eq!(run.delivered(0), [1, 2, 3, 4, 5, 6]);
}
