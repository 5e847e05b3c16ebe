use standby_transport::sse::event_source::Config;
use standby_transport::{EventSource, Input};

use crate::harness::{Talk, event};

fn talk() -> Talk<EventSource> {
    Talk::new(EventSource::new(Config { sub: "e".into(), retry_ms: 1_500, keep_alive_ms: 0 }, None))
}

impl Talk<EventSource> {
    fn dispatch(&mut self, n: u64, event_type: &str, data: &str, last_event_id: &str) -> Vec<String> {
        self.tell(0, Input::Dispatched { n, event_type, data, last_event_id })
    }

    fn hello(&mut self, n: u64) -> Vec<String> {
        self.dispatch(n, "hello", r#"{"epoch":"k","last_id":4}"#, "k:4")
    }
}

#[test]
fn the_browser_reconnects_by_itself_and_the_lane_only_tells() {
    let mut talk = talk();
    assert_eq!(talk.start(0), ["open sse?sub=e&n=1&retry_ms=1500"]);
    assert_eq!(talk.tell(1, Input::Opened { n: 1 }), [""; 0]);
    assert_eq!(talk.hello(1), ["hello k:4"]);
    assert_eq!(talk.dispatch(1, "message", &event(5), "k:5"), ["+5"]);
    let errored = Input::Errored { n: 1, gave_up: false };
    assert_eq!(talk.tell(2, errored), ["cut 1 Network", "wait Browser #1"]);
    assert_eq!(talk.tell(3, errored), ["cut 1 Network", "wait Browser #2"]);
    assert_eq!(talk.machine_wakes(), None);
    assert_eq!(talk.dispatch(1, "hello", r#"{"epoch":"k","last_id":5}"#, "k:5"), ["hello k:5"]);
    assert_eq!(talk.dispatch(1, "message", &event(6), "k:6"), ["+6"]);
    assert_eq!(talk.tell(9, errored)[1], "wait Browser #1");
}

#[test]
fn where_the_browser_gives_up_start_opens_a_new_one_from_the_position_reached() {
    let mut talk = talk();
    talk.start(0);
    talk.hello(1);
    talk.dispatch(1, "message", &event(5), "k:5");
    let said = talk.tell(1, Input::Errored { n: 1, gave_up: true });
    assert_eq!(said, ["cut 1 Network", "close 1", "gave up Network"]);
    assert_eq!(talk.dispatch(1, "message", &event(6), "k:6"), [""; 0], "late words of the old one");
    assert_eq!(talk.start(2), ["open sse?after=k:5&sub=e&n=2&retry_ms=1500"]);
    assert_eq!(talk.tell(3, Input::Errored { n: 1, gave_up: true }), [""; 0]);
    assert_eq!(talk.dispatch(2, "message", &event(6), "k:6"), ["+6"]);
}

#[test]
fn a_message_that_can_not_be_read_closes_it() {
    let mut talk = talk();
    talk.start(0);
    talk.hello(1);
    let said = talk.dispatch(1, "message", "{", "k:5");
    assert_eq!(said, ["cut 1 Malformed", "close 1", "gave up Malformed"]);
    assert_eq!(talk.start(1), ["open sse?after=k:4&sub=e&n=2&retry_ms=1500"]);
}

#[test]
fn another_life_is_told_whether_the_server_says_so_or_only_its_ids_do() {
    let mut talk = talk();
    talk.start(0);
    talk.hello(1);
    assert_eq!(talk.dispatch(1, "reset", r#"{"epoch":"m","last_id":2}"#, "m:2"), ["reset m:2"]);
    assert_eq!(talk.dispatch(1, "message", &event(1), "p:1"), ["reset p:0", "+1"]);
}

#[test]
fn a_topic_comes_to_life_on_an_open_stream() {
    let mut talk = talk();
    talk.start(0);
    assert_eq!(talk.dispatch(1, "hello", r#"{"epoch":null,"last_id":0}"#, "0"), ["hello null:0"]);
    assert_eq!(talk.dispatch(1, "message", &event(1), "k:1"), ["+1"]);
    assert_eq!(talk.position().as_deref(), Some("k:1"));
}

#[test]
fn stopped_it_is_closed_and_started_it_goes_on() {
    let mut talk = talk();
    talk.start(0);
    talk.hello(1);
    assert_eq!(talk.stop(1), ["close 1"]);
    assert_eq!(talk.stop(1), [""; 0]);
    assert_eq!(talk.tell(2, Input::Errored { n: 1, gave_up: false }), [""; 0]);
    assert_eq!(talk.start(3), ["open sse?after=k:4&sub=e&n=2&retry_ms=1500"]);
    assert_eq!(talk.start(3), [""; 0]);
}
