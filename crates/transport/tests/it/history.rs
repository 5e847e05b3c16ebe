use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::value::RawValue;
use standby_transport::{
    Answer, AnswerBounds, Epoch, Frame, Gap, Hello, History, Limits, Position, Replay, Reset,
};

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

fn epoch() -> Epoch {
    "k".parse().unwrap()
}

/// A history that has published `last_id` events, one a second, and holds those from `first_id` on.
fn history(first_id: u64, last_id: u64) -> History {
    let mut history = History::new(epoch(), Limits { events: 100, bytes: 1 << 20, age_ms: 1_000_000 });
    for id in 1..=last_id {
        history.publish(&raw(&format!("{id}")), Some(&format!("key-{id}")), id * 1_000);
    }
    while history.first_id() < first_id {
        history.drop_oldest();
    }
    history
}

fn at(text: &str) -> Option<Position> {
    Some(text.parse().unwrap())
}

fn ids(history: &History, replay: &Replay) -> Vec<u64> {
    history.after(replay.cursor()).map(|event| event.id()).collect()
}

#[test]
fn every_position_gets_what_the_contract_says() {
    let history = history(4, 6);
    let hello = |last_id| Frame::Hello(Hello { epoch: Some(epoch()), last_id });
    let reset = Frame::Reset(Reset { epoch: Some(epoch()), last_id: 3 });
    let gap = |from, to| Some(Gap { from, to });
    for (after, opening, missing, follow) in [
        (None, hello(6), None, vec![]),
        (at("6"), hello(6), None, vec![]),
        (at("k:6"), hello(6), None, vec![]),
        (at("k:4"), hello(4), None, vec![5, 6]),
        (at("3"), hello(3), None, vec![4, 5, 6]),
        (at("k:2"), hello(2), gap(3, 3), vec![4, 5, 6]),
        (at("0"), hello(0), gap(1, 3), vec![4, 5, 6]),
        (at("k:0"), hello(0), gap(1, 3), vec![4, 5, 6]),
        (at("7"), reset.clone(), None, vec![4, 5, 6]),
        (at("k:7"), reset.clone(), None, vec![4, 5, 6]),
        (at("dead:5"), reset.clone(), None, vec![4, 5, 6]),
        (at("dead:0"), reset.clone(), None, vec![4, 5, 6]),
        (at("18446744073709551615"), reset, None, vec![4, 5, 6]),
    ] {
        let replay = history.replay(after.as_ref());
        assert_eq!(replay.opening(), opening, "{after:?}");
        assert_eq!(replay.gap(), missing, "{after:?}");
        assert_eq!(ids(&history, &replay), follow, "{after:?}");
    }
}

#[test]
fn where_nothing_is_held_any_more_the_gap_reaches_to_the_last_id() {
    let history = history(7, 6);
    assert!(history.is_empty());
    let replay = history.replay(at("k:4").as_ref());
    assert_eq!(replay.gap(), Some(Gap { from: 5, to: 6 }));
    assert_eq!(replay.cursor(), 6);
    let reset = history.replay(at("dead:4").as_ref()).reset();
    assert_eq!(reset, Some(Reset { epoch: Some(epoch()), last_id: 6 }));
    assert_eq!(history.replay(at("k:6").as_ref()).gap(), None);
}

#[test]
fn a_topic_without_a_life_knows_no_position_but_zero() {
    let hello = Frame::Hello(Hello { epoch: None, last_id: 0 });
    let reset = Frame::Reset(Reset { epoch: None, last_id: 0 });
    for (after, opening) in [
        (None, hello.clone()),
        (at("0"), hello),
        (at("1"), reset.clone()),
        (at("k:0"), reset.clone()),
        (at("k:9"), reset),
    ] {
        assert_eq!(Replay::unborn(after.as_ref()).opening(), opening, "{after:?}");
    }
}

#[test]
fn the_bounds_let_the_oldest_go() {
    let limits = Limits { events: 3, bytes: 1 << 20, age_ms: 10_000 };
    let mut history = History::new(epoch(), limits);
    for second in 1..=5 {
        history.publish(&raw("1"), None, second * 1_000);
    }
    assert_eq!((history.first_id(), history.last_id(), history.len()), (3, 5, 3));
    assert_eq!(history.expires_at(), Some(13_000));
    history.expire(12_999);
    assert_eq!(history.len(), 3);
    history.expire(14_000);
    assert_eq!(history.first_id(), 5);
    history.publish(&raw("1"), None, 99_000);
    assert_eq!((history.first_id(), history.last_id()), (6, 6), "publishing looks at the age, too");
}

#[test]
fn the_newest_event_is_held_even_if_it_alone_passes_the_bound() {
    let mut history = History::new(epoch(), Limits { events: 10, bytes: 100, age_ms: 10_000 });
    history.publish(&raw("1"), None, 0);
    history.publish(&raw(&format!("\"{}\"", "x".repeat(200))), None, 0);
    assert_eq!((history.first_id(), history.len()), (2, 1));
    assert!(history.drop_oldest().is_some_and(|bytes| bytes > 200));
    assert_eq!((history.bytes(), history.drop_oldest()), (0, None));
}

#[test]
fn a_key_publishes_once_while_its_event_is_held() {
    let mut history = history(1, 2);
    let repeated = history.publish(&raw("\"other\""), Some("key-2"), 9_000);
    assert_eq!((repeated.id, repeated.published_at, repeated.repeated), (2, 2_000, true));
    assert_eq!(history.last_id(), 2);
    history.drop_oldest();
    let again = history.publish(&raw("1"), Some("key-1"), 9_000);
    assert_eq!((again.id, again.repeated), (3, false), "history no longer knows that key");
}

#[test]
fn an_answer_to_a_poll_has_the_contract_s_bytes() {
    let history = history(4, 5);
    let bounds = AnswerBounds::default();
    let event = |id: u64| format!(r#"{{"id":{id},"data":{id},"published_at":{}}}"#, id * 1_000);
    let (four, five) = (event(4), event(5));
    for (after, json) in [
        (None, r#"{"epoch":"k","events":[],"last_id":5}"#.to_owned()),
        (at("k:3"), format!(r#"{{"epoch":"k","events":[{four},{five}],"last_id":5}}"#)),
        (
            at("1"),
            format!(r#"{{"epoch":"k","gap":{{"from":2,"to":3}},"events":[{four},{five}],"last_id":5}}"#),
        ),
        (
            at("m:5"),
            format!(
                r#"{{"epoch":"k","reset":{{"epoch":"k","last_id":3}},"events":[{four},{five}],"last_id":5}}"#
            ),
        ),
    ] {
        let answer = history.answer(after.as_ref(), &bounds);
        assert_eq!(answer.json, json);
        assert_eq!(answer.etag(), "\"k:5\"");
        assert_eq!(answer.has_news, after.is_some());
    }
    let unborn = Replay::unborn(at("m:5").as_ref()).answer(std::iter::empty(), &bounds);
    assert_eq!(unborn.json, r#"{"epoch":null,"reset":{"epoch":null,"last_id":0},"events":[],"last_id":0}"#);
    assert_eq!(unborn.etag(), "\"0\"");
}

#[test]
fn an_answer_is_bounded_and_the_next_one_goes_on() {
    let history = history(1, 9);
    let small = AnswerBounds { events: 2, bytes: 1 << 20 };
    let answer: Answer = serde_json::from_str(&history.answer(at("k:3").as_ref(), &small).json).unwrap();
    assert_eq!(answer.events.iter().map(|event| event.id).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(answer.last_id, 5);
    let tiny = AnswerBounds { events: 100, bytes: 1 };
    let answer: Answer = serde_json::from_str(&history.answer(at("k:5").as_ref(), &tiny).json).unwrap();
    assert_eq!(answer.last_id, 6, "one always fits, or nobody would get past it");
}

/// What can happen to a history.
#[derive(Clone, Debug)]
enum Op {
    Publish { size: usize, key: Option<u8> },
    Sleep { ms: u64 },
    DropOldest,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => (0..80_usize, prop::option::of(0..6_u8)).prop_map(|(size, key)| Op::Publish { size, key }),
        2 => (0..4_000_u64).prop_map(|ms| Op::Sleep { ms }),
        1 => Just(Op::DropOldest),
    ]
}

proptest! {
    /// A plain list beside the history says what was published; for every position there is, what a
    /// replay says is missing and what follows must together be all of it.
    #[test]
    fn no_replay_loses_doubles_or_skips_in_silence(ops in prop::collection::vec(op(), 1..60)) {
        let limits = Limits { events: 8, bytes: 900, age_ms: 5_000 };
        let mut history = History::new(epoch(), limits);
        let mut published: Vec<String> = Vec::new();
        let mut keys: HashMap<u8, u64> = HashMap::new();
        let mut now_ms = 1_000;
        for op in ops {
            match op {
                Op::Publish { size, key } => {
                    history.expire(now_ms);
                    let held = key.and_then(|key| keys.get(&key)).filter(|id| **id >= history.first_id()).copied();
                    let data = format!("\"{}\"", "x".repeat(size));
                    let name = key.map(|key| format!("key-{key}"));
                    let receipt = history.publish(&raw(&data), name.as_deref(), now_ms);
                    if let Some(id) = held {
                        prop_assert_eq!((receipt.id, receipt.repeated), (id, true));
                    } else {
                        published.push(data);
                        prop_assert_eq!((receipt.id, receipt.repeated), (published.len() as u64, false));
                        key.map(|key| keys.insert(key, receipt.id));
                    }
                }
                Op::Sleep { ms } => {
                    now_ms += ms;
                    history.expire(now_ms);
                }
                Op::DropOldest => {
                    history.drop_oldest();
                }
            }

            let last_id = published.len() as u64;
            prop_assert_eq!(history.last_id(), last_id);
            prop_assert!(history.len() <= limits.events);
            prop_assert!(history.bytes() <= limits.bytes || history.len() == 1);
            let encoded: usize = history.after(0).map(|event| event.bytes()).sum();
            prop_assert!(encoded <= history.bytes());
            prop_assert_eq!(history.is_empty(), history.bytes() == 0);
            for after in 0..=last_id + 1 {
                let replay = history.replay(Some(&Position::new(epoch(), after)));
                let events: Vec<_> = history.after(replay.cursor()).collect();
                let from = match (replay.reset(), replay.gap()) {
                    (Some(reset), None) => {
                        prop_assert!(after > last_id);
                        reset.last_id
                    }
                    (None, Some(gap)) => {
                        prop_assert_eq!(gap.from, after + 1);
                        prop_assert!(gap.from <= gap.to && gap.to < history.first_id());
                        gap.to
                    }
                    (None, None) => after,
                    (Some(_), Some(_)) => return Err(TestCaseError::fail("a reset has no gap")),
                };
                prop_assert_eq!(events.len() as u64, last_id - from);
                for (at, event) in events.iter().enumerate() {
                    let id = from + 1 + at as u64;
                    prop_assert_eq!(event.id(), id);
                    let data = format!("\"data\":{},", published[id as usize - 1]);
                    prop_assert!(event.json().contains(&data));
                }
            }
        }
    }
}
