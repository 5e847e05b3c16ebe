use standby_transport::websocket::Config;
use standby_transport::{Backoff, Input, WebSocket};

use crate::harness::{Talk, event};

fn talk() -> Talk<WebSocket> {
    let backoff = Backoff::Exponential { base_ms: 1_000, cap_ms: 8_000 };
    Talk::new(WebSocket::new(
        Config { sub: "w".into(), backoff, seed: 1, keep_alive_ms: 0, silence_ms: 0 },
        None,
    ))
}

fn impatient(keep_alive_ms: u32) -> Talk<WebSocket> {
    let backoff = Backoff::Fixed { base_ms: 1_000 };
    let config = Config { sub: "w".into(), backoff, seed: 1, keep_alive_ms, silence_ms: 3_000 };
    Talk::new(WebSocket::new(config, None))
}

impl Talk<WebSocket> {
    fn text(&mut self, at_ms: u64, n: u64, text: &str) -> Vec<String> {
        self.tell(at_ms, Input::Text { n, text })
    }

    fn opened(&mut self, at_ms: u64, n: u64) {
        assert_eq!(self.tell(at_ms, Input::Opened { n }), [""; 0]);
        let hello = r#"{"hello":{"epoch":"k","last_id":4}}"#;
        assert_eq!(self.text(at_ms, n, hello), ["hello k:4"]);
    }
}

#[test]
fn it_goes_on_after_a_cut_from_the_last_event_that_it_has() {
    let mut talk = talk();
    assert_eq!(talk.start(0), ["open ws?sub=w&n=1"]);
    talk.opened(10, 1);
    assert_eq!(talk.text(20, 1, &event(5)), ["+5"]);
    assert_eq!(talk.machine_wakes(), None, "an open socket waits for nothing");
    assert_eq!(
        talk.tell(9_000, Input::Closed { n: 1, code: 1006 }),
        ["cut 1 Code(1006)", "wait until 10000 Client #1"]
    );
    assert_eq!(talk.wake(), (10_000, vec!["open ws?after=k:5&sub=w&n=2".to_owned()]));
    assert_eq!(talk.text(10_010, 2, r#"{"hello":{"epoch":"k","last_id":5}}"#), ["hello k:5"]);
    assert_eq!(talk.text(10_010, 2, &event(6)), ["+6"]);
}

#[test]
fn failed_handshakes_are_waited_out_longer_and_longer() {
    let mut talk = talk();
    talk.start(0);
    assert_eq!(talk.tell(0, Input::Closed { n: 1, code: 1006 })[1], "wait until 1000 Client #1");
    talk.wake();
    assert_eq!(talk.tell(1_000, Input::Failed { n: 2 })[1], "wait until 3000 Client #2");
    talk.wake();
    // A hello alone is no success: the next cut comes too soon after it.
    talk.opened(3_000, 3);
    assert_eq!(talk.tell(3_500, Input::Closed { n: 3, code: 1001 })[1], "wait until 7500 Client #3");
    talk.wake();
    talk.opened(7_500, 4);
    assert_eq!(talk.tell(12_500, Input::Closed { n: 4, code: 1001 })[1], "wait until 13500 Client #1");
}

#[test]
fn a_topic_that_comes_to_life_says_hello_twice() {
    let mut talk = talk();
    talk.start(0);
    assert_eq!(talk.text(1, 1, r#"{"hello":{"epoch":null,"last_id":0}}"#), ["hello null:0"]);
    assert_eq!(talk.position().as_deref(), Some("0"));
    assert_eq!(talk.text(2, 1, r#"{"hello":{"epoch":"k","last_id":0}}"#), ["hello k:0"]);
    assert_eq!(talk.text(2, 1, &event(1)), ["+1"]);
    assert_eq!(talk.position().as_deref(), Some("k:1"));
}

#[test]
fn a_gap_and_a_reset_are_told() {
    let mut talk = talk();
    talk.start(0);
    talk.opened(1, 1);
    assert_eq!(talk.text(2, 1, r#"{"gap":{"from":5,"to":7}}"#), ["gap 5..7"]);
    assert_eq!(talk.text(2, 1, &event(8)), ["+8"]);
    talk.tell(3, Input::Closed { n: 1, code: 1001 });
    talk.wake();
    assert_eq!(talk.text(2_000, 2, r#"{"reset":{"epoch":"m","last_id":0}}"#), ["reset m:0"]);
    assert_eq!(talk.text(2_000, 2, &event(1)), ["+1"]);
    assert_eq!(talk.position().as_deref(), Some("m:1"));
}

#[test]
fn an_old_event_is_dropped_and_a_hole_is_told() {
    let mut talk = talk();
    talk.start(0);
    talk.opened(1, 1);
    assert_eq!(talk.text(2, 1, &event(4)), [""; 0]);
    assert_eq!(talk.text(2, 1, &event(6)), ["gap 5..5", "+6"]);
}

#[test]
fn a_message_that_is_no_frame_ends_the_socket_and_not_the_subscriber() {
    for text in ["", "hi", "{}", r#"{"id":5}"#, &" ".repeat((1 << 20) + 1)] {
        let mut talk = talk();
        talk.start(0);
        talk.opened(0, 1);
        let said = talk.text(0, 1, text);
        assert_eq!(said, ["close 1 4007", "cut 1 Malformed", "wait until 1000 Client #1"]);
        assert_eq!(talk.wake().1, ["open ws?after=k:4&sub=w&n=2"]);
    }
}

#[test]
fn a_policy_violation_ends_it() {
    let mut talk = talk();
    talk.start(0);
    talk.opened(1, 1);
    assert_eq!(talk.tell(2, Input::Closed { n: 1, code: 1008 }), ["cut 1 Code(1008)", "gave up Code(1008)"]);
    assert_eq!(talk.machine_wakes(), None);
    assert_eq!(talk.start(3), ["open ws?after=k:4&sub=w&n=2"]);
}

#[test]
fn a_server_that_takes_the_handshake_and_says_nothing_is_given_half_a_minute() {
    let mut talk = talk();
    talk.start(0);
    talk.tell(5, Input::Opened { n: 1 });
    let (at_ms, said) = talk.wake();
    assert_eq!(at_ms, 30_000);
    assert_eq!(said, ["close 1 4008", "cut 1 Network", "wait until 31000 Client #1"]);
}

#[test]
fn it_publishes_on_an_open_socket_and_refuses_to_on_any_other() {
    let mut talk = talk();
    let publish = Input::Publish { data: r#"{"a":1}"# };
    assert_eq!(talk.tell(0, publish), ["refused: The socket is not open"]);
    talk.start(0);
    assert_eq!(talk.tell(1, publish), ["refused: The socket is not open"], "the server may not be there");
    talk.opened(2, 1);
    assert_eq!(talk.tell(3, publish), [r#"send 1 {"data":{"a":1}}"#]);
    assert_eq!(talk.tell(3, Input::Publish { data: "{" }), ["refused: The data is not JSON"]);
    assert_eq!(talk.tell(3, Input::Publish { data: r#"1,"key":"x""# }), ["refused: The data is not JSON"]);
    let large = format!("\"{}\"", "x".repeat(64 << 10));
    assert_eq!(talk.tell(3, Input::Publish { data: &large }), ["refused: The message is too large"]);
    let error = r#"{"error":{"title":"Not JSON","detail":"Send JSON."}}"#;
    assert_eq!(talk.text(4, 1, error), ["refused: Not JSON"]);
}

#[test]
fn stopped_it_closes_and_late_words_of_the_old_socket_are_ignored() {
    let mut talk = talk();
    talk.start(0);
    talk.opened(1, 1);
    assert_eq!(talk.stop(2), ["close 1 1000"]);
    assert_eq!(talk.text(3, 1, &event(5)), [""; 0]);
    assert_eq!(talk.tell(3, Input::Closed { n: 1, code: 1000 }), [""; 0]);
    assert_eq!(talk.start(4), ["open ws?after=k:4&sub=w&n=2"]);
    assert_eq!(talk.text(5, 1, &event(5)), [""; 0]);
    assert_eq!(talk.tell(5, Input::Closed { n: 1, code: 1006 }), [""; 0]);
    assert_eq!(talk.text(6, 2, r#"{"hello":{"epoch":"k","last_id":4}}"#), ["hello k:4"]);
}

#[test]
fn a_socket_that_is_silent_for_too_long_is_given_up_and_what_was_missed_is_asked_for() {
    let mut talk = impatient(0);
    assert_eq!(talk.start(0), ["open ws?sub=w&n=1&heartbeat_ms=1000"]);
    talk.opened(100, 1);
    assert_eq!(talk.machine_wakes(), Some(3_100_000));
    assert_eq!(talk.text(2_000, 1, &event(5)), ["+5"]);
    let (at_ms, said) = talk.wake();
    assert_eq!(at_ms, 5_000);
    assert_eq!(said, ["close 1 4009", "cut 1 Silent(3000)", "wait until 6000 Client #1"]);
    assert_eq!(talk.wake().1, ["open ws?after=k:5&sub=w&n=2&heartbeat_ms=1000"]);
    assert_eq!(talk.text(6_100, 1, &event(6)), [""; 0], "the old socket may yet speak");
}

#[test]
fn a_heartbeat_keeps_a_silent_socket_and_is_told_to_nobody() {
    let mut talk = impatient(2_000);
    assert_eq!(talk.start(0), ["open ws?sub=w&n=1&keep_alive_ms=2000&heartbeat_ms=1000"]);
    talk.opened(0, 1);
    for at_ms in [1_000, 3_900, 6_800] {
        assert_eq!(talk.text(at_ms, 1, r#"{"heartbeat":{"last_id":4}}"#), [""; 0]);
    }
    assert_eq!(talk.machine_wakes(), Some(9_800_000));
    assert_eq!(talk.position().as_deref(), Some("k:4"));
}
