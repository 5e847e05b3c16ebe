use standby_transport::short_poll::Config;
use standby_transport::{Input, ShortPoll};

use crate::harness::{Talk, answer};

fn talk(change: impl FnOnce(&mut Config)) -> Talk<ShortPoll> {
    let mut config = Config { sub: "s".into(), interval_ms: 1_000, phase_ms: 0, conditional: false };
    change(&mut config);
    Talk::new(ShortPoll::new(config, None))
}

#[test]
fn it_asks_on_its_interval_from_start_to_start() {
    let mut talk = talk(|_| {});
    assert_eq!(talk.start(0), ["GET poll?sub=s&n=1"]);
    assert_eq!(talk.answer(150, 1, &answer(&[], 4)), ["empty 1", "wait until 1000 Client #0"]);
    assert_eq!(talk.wake(), (1_000, vec!["GET poll?after=k:4&sub=s&n=2".to_owned()]));
    assert_eq!(talk.answer(1_400, 2, &answer(&[5, 6], 6)), ["+5", "+6", "wait until 2000 Client #0"]);
    assert_eq!(talk.wake(), (2_000, vec!["GET poll?after=k:6&sub=s&n=3".to_owned()]));
}

#[test]
fn an_answer_slower_than_the_interval_is_waited_for_and_then_it_asks_at_once() {
    let mut talk = talk(|_| {});
    talk.start(0);
    assert_eq!(talk.tell(1_000, Input::Wake), [""; 0], "never two requests at once");
    assert_eq!(talk.answer(2_500, 1, &answer(&[], 0)), ["empty 1", "GET poll?after=k:0&sub=s&n=2"]);
}

#[test]
fn the_first_request_waits_for_its_phase_and_no_other_does() {
    let mut talk = talk(|config| config.phase_ms = 300);
    assert_eq!(talk.start(0), ["wait until 300 Client #0"]);
    assert_eq!(talk.wake(), (300, vec!["GET poll?sub=s&n=1".to_owned()]));
    talk.stop(400);
    assert_eq!(talk.start(500), ["GET poll?sub=s&n=2"]);
}

#[test]
fn a_cut_answer_is_asked_for_again_from_the_same_position() {
    let mut talk = talk(|_| {});
    talk.start(0);
    talk.answer(10, 1, &answer(&[], 4));
    talk.wake();
    talk.head(1_010, 2, 200);
    let whole = answer(&[5], 5);
    talk.tell(1_010, Input::Body { n: 2, bytes: &whole.as_bytes()[..30] });
    assert_eq!(talk.tell(1_020, Input::Failed { n: 2 }), ["cut 2 Network", "wait until 2000 Client #1"]);
    assert_eq!(talk.wake().1, ["GET poll?after=k:4&sub=s&n=3"]);
    assert_eq!(talk.tell(2_005, Input::Failed { n: 3 }), ["cut 3 Network", "wait until 3000 Client #2"]);
    talk.wake();
    assert_eq!(talk.answer(3_010, 4, &whole), ["+5", "wait until 4000 Client #0"]);
}

#[test]
fn a_conditional_poll_takes_a_304_for_an_empty_answer() {
    let mut talk = talk(|config| config.conditional = true);
    assert_eq!(talk.start(0), ["GET poll?sub=s&n=1"]);
    let etag = Some("\"k:4\"");
    let head = |n, status| Input::Head { n, status, content_type: None, etag, retry_after_ms: None };
    talk.tell(5, head(1, 200));
    talk.tell(5, Input::Body { n: 1, bytes: answer(&[], 4).as_bytes() });
    talk.tell(5, Input::End { n: 1 });
    assert_eq!(talk.wake().1, ["GET poll?after=k:4&sub=s&n=2 If-None-Match: \"k:4\""]);
    talk.tell(1_005, head(2, 304));
    assert_eq!(talk.tell(1_005, Input::End { n: 2 }), ["empty 2", "wait until 2000 Client #0"]);
    assert_eq!(talk.wake().1, ["GET poll?after=k:4&sub=s&n=3 If-None-Match: \"k:4\""]);
}

#[test]
fn a_503_is_waited_out_for_as_long_as_the_server_asks() {
    let mut talk = talk(|_| {});
    talk.start(0);
    assert_eq!(talk.refuse(10, 1, 503, Some(5_000)), ["cut 1 Status(503)", "wait until 5010 Server #1"]);
    talk.wake();
    assert_eq!(talk.refuse(5_020, 2, 503, None), ["cut 2 Status(503)", "wait until 6010 Client #2"]);
    talk.wake();
    let capped = talk.refuse(6_020, 3, 429, Some(u64::MAX));
    assert_eq!(capped, ["cut 3 Status(429)", "wait until 606020 Server #3"]);
}

#[test]
fn a_status_that_will_not_change_ends_it_until_it_is_started_again() {
    let mut talk = talk(|_| {});
    talk.start(0);
    assert_eq!(talk.refuse(10, 1, 404, None), ["cut 1 Status(404)", "gave up Status(404)"]);
    assert_eq!(talk.machine_wakes(), None);
    assert_eq!(talk.start(9_000), ["GET poll?sub=s&n=2"]);
}

#[test]
fn an_answer_that_is_none_is_a_cut() {
    for body in ["", "<html>", "null", "[]", r#"{"epoch":"k","events":[{"id":1}],"last_id":1}"#] {
        let mut talk = talk(|_| {});
        talk.start(0);
        let said = talk.answer(10, 1, body);
        assert_eq!(said, ["cut 1 Malformed", "wait until 1000 Client #1"], "{body}");
        assert_eq!(talk.position(), None);
    }
}

#[test]
fn a_server_that_says_nothing_is_given_half_a_minute() {
    let mut talk = talk(|_| {});
    talk.start(0);
    let (at_ms, said) = talk.wake();
    assert_eq!(at_ms, 30_000);
    assert_eq!(said, ["abort 1", "cut 1 Network", "GET poll?sub=s&n=2"]);
    talk.head(30_500, 2, 200);
    assert_eq!(talk.wake().0, 60_500, "each sign of life buys as much again");
}

#[test]
fn stopped_it_is_silent_and_started_it_goes_on_from_where_it_was() {
    let mut talk = talk(|_| {});
    talk.start(0);
    talk.answer(10, 1, &answer(&[5], 5));
    talk.wake();
    assert_eq!(talk.stop(1_100), ["abort 2"]);
    assert_eq!(talk.machine_wakes(), None);
    assert_eq!(talk.answer(1_200, 2, &answer(&[6], 6)), [""; 0], "late words of a dead exchange");
    assert_eq!(talk.tell(1_300, Input::Failed { n: 2 }), [""; 0]);
    assert_eq!(talk.start(5_000), ["GET poll?after=k:5&sub=s&n=3"]);
    assert_eq!(talk.start(5_001), [""; 0], "started twice is started once");
    assert_eq!(talk.answer(5_010, 2, &answer(&[6], 6)), [""; 0]);
    assert_eq!(talk.answer(5_020, 3, &answer(&[6], 6)), ["+6", "wait until 6000 Client #0"]);
}

#[test]
fn what_is_said_twice_is_told_once_and_what_is_left_out_is_told() {
    let mut talk = talk(|_| {});
    talk.start(0);
    talk.answer(10, 1, &answer(&[5], 5));
    talk.wake();
    assert_eq!(
        talk.answer(1_010, 2, &answer(&[4, 5, 6, 6, 9], 10))[..4],
        ["+6", "gap 7..8", "+9", "gap 10..10"]
    );
    assert_eq!(talk.position().as_deref(), Some("k:10"));
}

#[test]
fn a_gap_and_a_reset_beside_the_events_are_told_first() {
    let mut talk = talk(|_| {});
    talk.start(0);
    talk.answer(10, 1, &answer(&[5], 5));
    talk.wake();
    let event = crate::harness::event(9);
    let body = format!(r#"{{"epoch":"k","gap":{{"from":6,"to":8}},"events":[{event}],"last_id":9}}"#);
    assert_eq!(talk.answer(1_010, 2, &body)[..2], ["gap 6..8", "+9"]);
    talk.wake();
    let event = crate::harness::event(3);
    let body =
        format!(r#"{{"epoch":"m","reset":{{"epoch":"m","last_id":2}},"events":[{event}],"last_id":3}}"#);
    assert_eq!(talk.answer(2_010, 3, &body)[..2], ["reset m:2", "+3"]);
    assert_eq!(talk.wake().1, ["GET poll?after=m:3&sub=s&n=4"]);
}
