use standby_transport::long_poll::Config;
use standby_transport::{Backoff, Input, LongPoll};

use crate::harness::{Talk, answer};

fn talk(change: impl FnOnce(&mut Config)) -> Talk<LongPoll> {
    let backoff = Backoff::Exponential { base_ms: 1_000, cap_ms: 8_000 };
    let mut config = Config { sub: "l".into(), timeout_ms: 25_000, backoff, seed: 1 };
    change(&mut config);
    Talk::new(LongPoll::new(config, Some("k:4".parse().unwrap())))
}

#[test]
fn it_asks_again_the_moment_it_is_answered() {
    let mut talk = talk(|_| {});
    assert_eq!(talk.start(0), ["GET long-poll?after=k:4&timeout_ms=25000&sub=l&n=1"]);
    let said = talk.answer(700, 1, &answer(&[5], 5));
    assert_eq!(said, ["+5", "GET long-poll?after=k:5&timeout_ms=25000&sub=l&n=2"]);
    let said = talk.answer(25_700, 2, &answer(&[], 5));
    assert_eq!(said, ["empty 2", "GET long-poll?after=k:5&timeout_ms=25000&sub=l&n=3"]);
}

#[test]
fn empty_answers_that_come_at_once_do_not_make_it_spin() {
    let mut talk = talk(|config| config.timeout_ms = 0);
    talk.start(0);
    assert_eq!(talk.answer(2, 1, &answer(&[], 4)), ["empty 1", "wait until 100 Client #0"]);
    assert_eq!(talk.wake(), (100, vec!["GET long-poll?after=k:4&timeout_ms=0&sub=l&n=2".to_owned()]));
    let said = talk.answer(102, 2, &answer(&[4], 4));
    assert_eq!(said, ["empty 2", "wait until 200 Client #0"], "an old event is no news");
}

#[test]
fn a_held_request_is_not_taken_for_a_dead_one() {
    let mut talk = talk(|_| {});
    talk.start(0);
    let (at_ms, said) = talk.wake();
    assert_eq!(at_ms, 55_000, "the server's time-out, and half a minute");
    assert_eq!(said, ["abort 1", "cut 1 Network", "wait until 56000 Client #1"]);
}

#[test]
fn cuts_in_a_row_are_waited_out_longer_and_longer_until_an_answer_comes() {
    let mut talk = talk(|_| {});
    talk.start(0);
    assert_eq!(talk.tell(0, Input::Failed { n: 1 }), ["cut 1 Network", "wait until 1000 Client #1"]);
    talk.wake();
    assert_eq!(talk.tell(1_000, Input::Failed { n: 2 }), ["cut 2 Network", "wait until 3000 Client #2"]);
    talk.wake();
    assert_eq!(talk.refuse(3_000, 3, 503, Some(9_000)), ["cut 3 Status(503)", "wait until 12811 Server #3"]);
    assert_eq!(talk.wake().1, ["GET long-poll?after=k:4&timeout_ms=25000&sub=l&n=4"]);
    talk.answer(12_500, 4, &answer(&[5], 5));
    assert_eq!(talk.tell(13_000, Input::Failed { n: 5 }), ["cut 5 Network", "wait until 14000 Client #1"]);
}

#[test]
fn a_cut_in_the_middle_of_an_answer_loses_and_doubles_nothing() {
    let whole = answer(&[5, 6, 7], 7);
    for cut in 0..whole.len() {
        let mut talk = talk(|_| {});
        talk.start(0);
        talk.head(1, 1, 200);
        assert_eq!(talk.tell(1, Input::Body { n: 1, bytes: &whole.as_bytes()[..cut] }), [""; 0]);
        talk.tell(2, Input::Failed { n: 1 });
        assert_eq!(talk.wake().1, ["GET long-poll?after=k:4&timeout_ms=25000&sub=l&n=2"]);
        assert_eq!(talk.answer(1_100, 2, &whole)[..3], ["+5", "+6", "+7"]);
    }
}

#[test]
fn it_gives_up_on_a_status_that_will_not_change() {
    let mut talk = talk(|_| {});
    talk.start(0);
    assert_eq!(talk.refuse(1, 1, 400, None), ["cut 1 Status(400)", "gave up Status(400)"]);
    assert_eq!(talk.start(2), ["GET long-poll?after=k:4&timeout_ms=25000&sub=l&n=2"]);
}

#[test]
fn stopped_while_it_waits_it_forgets_the_wait_and_the_failures() {
    let mut talk = talk(|_| {});
    talk.start(0);
    talk.tell(0, Input::Failed { n: 1 });
    assert_eq!(talk.stop(10), [""; 0]);
    assert_eq!(talk.tell(1_000, Input::Wake), [""; 0]);
    talk.start(2_000);
    assert_eq!(talk.tell(2_000, Input::Failed { n: 2 }), ["cut 2 Network", "wait until 3000 Client #1"]);
    talk.wake();
    assert_eq!(talk.stop(3_500), ["abort 3"]);
}
