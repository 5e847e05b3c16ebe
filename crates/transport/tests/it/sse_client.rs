use standby_transport::sse::client::Config;
use standby_transport::{Backoff, Input, SseClient};

use crate::harness::{Talk, event};

fn talk() -> Talk<SseClient> {
    let backoff = Backoff::Exponential { base_ms: 1_000, cap_ms: 60_000 };
    let config =
        Config { sub: "e".into(), retry_ms: 1_500, backoff, seed: 1, keep_alive_ms: 0, silence_ms: 0 };
    Talk::new(SseClient::new(config, Some("k:4".parse().unwrap())))
}

const HELLO: &str = "retry: 3000\n\nevent: hello\nid: k:4\ndata: {\"epoch\":\"k\",\"last_id\":4}\n\n";

impl Talk<SseClient> {
    fn stream_head(&mut self, at_ms: u64, n: u64) -> Vec<String> {
        let content_type = Some("Text/Event-Stream; charset=utf-8");
        self.tell(at_ms, Input::Head { n, status: 200, content_type, etag: None, retry_after_ms: None })
    }

    fn body(&mut self, at_ms: u64, n: u64, text: &str) -> Vec<String> {
        self.tell(at_ms, Input::Body { n, bytes: text.as_bytes() })
    }

    fn opened(&mut self, at_ms: u64, n: u64) {
        assert_eq!(self.stream_head(at_ms, n), [""; 0]);
        assert_eq!(self.body(at_ms, n, HELLO), ["hello k:4"]);
    }
}

fn message(id: u64) -> String {
    format!("id: k:{id}\ndata: {}\n\n", event(id))
}

#[test]
fn it_goes_on_after_a_cut_from_the_last_id_on_the_stream() {
    let mut talk = talk();
    let said = talk.start(0);
    assert_eq!(said, ["GET sse?after=k:4&sub=e&n=1&retry_ms=1500 Accept: text/event-stream"]);
    talk.opened(10, 1);
    assert_eq!(talk.machine_wakes(), None, "an open stream waits for nothing");
    let both = message(5) + &message(6);
    let (whole, cut) = both.split_at(both.len() - 1);
    assert_eq!(talk.body(20, 1, whole), ["+5"], "the second one lacks its empty line");
    assert_eq!(talk.tell(20_000, Input::Failed { n: 1 }), ["cut 1 Network", "wait until 23000 Server #1"]);
    assert_eq!(talk.body(20_001, 1, cut), [""; 0]);
    let (at_ms, said) = talk.wake();
    assert_eq!(at_ms, 23_000, "the stream's own reconnection time");
    assert_eq!(said, ["GET sse?sub=e&n=2&retry_ms=1500 Accept: text/event-stream Last-Event-ID: k:5"]);
    talk.stream_head(23_010, 2);
    assert_eq!(talk.body(23_010, 2, &message(6)), ["+6"], "sent again, told once");
}

#[test]
fn every_cut_of_a_stream_loses_and_doubles_nothing() {
    let stream = format!("{HELLO}{}:\n\n{}{}", message(5), message(6), message(7));
    for cut in 0..=stream.len() {
        let mut talk = talk();
        talk.start(0);
        talk.stream_head(1, 1);
        let mut told = talk.body(2, 1, &stream[..cut]);
        talk.tell(3, Input::End { n: 1 });
        let said = talk.wake().1;
        let next: u64 = 1 + talk.position().unwrap().strip_prefix("k:").unwrap().parse::<u64>().unwrap();
        assert!(said[0].contains(&format!("k:{}", next - 1)), "{said:?}");
        talk.stream_head(60_000, 2);
        for id in next..=7 {
            told.extend(talk.body(60_000, 2, &message(id)));
        }
        told.retain(|word| word.starts_with('+') || word.starts_with("gap"));
        assert_eq!(told, ["+5", "+6", "+7"], "cut at {cut}");
    }
}

#[test]
fn it_comes_back_where_an_event_source_would_have_given_up() {
    let mut talk = talk();
    talk.start(0);
    let said = talk.refuse(10, 1, 503, Some(20_000));
    assert_eq!(said, ["abort 1", "cut 1 Status(503)", "wait until 20821 Server #1"]);
    talk.wake();
    assert_eq!(talk.refuse(20_010, 2, 502, None)[2], "wait until 22010 Client #2");
    talk.wake();
    assert_eq!(talk.tell(22_010, Input::Failed { n: 3 })[1], "wait until 26010 Client #3");
}

#[test]
fn a_204_another_type_or_a_status_that_will_not_change_ends_it() {
    let mut none = talk();
    none.start(0);
    assert_eq!(none.refuse(1, 1, 204, None), ["abort 1", "cut 1 Status(204)", "gave up Status(204)"]);
    let mut forbidden = talk();
    forbidden.start(0);
    assert_eq!(forbidden.refuse(1, 1, 403, None)[2], "gave up Status(403)");
    let mut html = talk();
    html.start(0);
    let content_type = Some("text/event-streams");
    let head = Input::Head { n: 1, status: 200, content_type, etag: None, retry_after_ms: None };
    assert_eq!(html.tell(1, head), ["abort 1", "cut 1 Malformed", "gave up Malformed"]);
    assert_eq!(html.machine_wakes(), None);
    assert_eq!(html.start(2), ["GET sse?after=k:4&sub=e&n=2&retry_ms=1500 Accept: text/event-stream"]);
}

#[test]
fn a_reconnection_time_has_its_bounds() {
    for (retry, wait_ms) in
        [("0", 1_000), ("99999999999999999999999", 600_000), ("2000", 2_000), ("2e3", 1_500)]
    {
        let mut talk = talk();
        talk.start(0);
        talk.stream_head(0, 1);
        talk.body(0, 1, &format!("retry: {retry}\n\n"));
        talk.tell(0, Input::End { n: 1 });
        assert_eq!(talk.wake().0, wait_ms, "retry: {retry}; our own first wait is 1000 ms");
    }
}

#[test]
fn a_stream_that_opens_and_says_nothing_is_given_half_a_minute() {
    let mut talk = talk();
    talk.start(0);
    talk.stream_head(20_000, 1);
    talk.body(20_001, 1, ":\n\n");
    let (at_ms, said) = talk.wake();
    assert_eq!(at_ms, 50_000);
    assert_eq!(said, ["abort 1", "cut 1 Network", "wait until 51500 Server #1"]);
}

#[test]
fn a_message_that_can_not_be_read_is_asked_for_again() {
    let mut talk = talk();
    talk.start(0);
    talk.opened(0, 1);
    let said = talk.body(1, 1, &format!("{}id: k:6\ndata: {{\n\n{}", message(5), message(7)));
    assert_eq!(said, ["+5", "abort 1", "cut 1 Malformed", "wait until 3001 Server #1"]);
    assert!(talk.wake().1[0].ends_with("Last-Event-ID: k:5"));
}

#[test]
fn a_line_without_end_is_let_go() {
    let mut talk = talk();
    talk.start(0);
    talk.opened(0, 1);
    let part = "x".repeat(512 << 10);
    assert_eq!(talk.body(1, 1, &part), [""; 0]);
    assert_eq!(talk.body(1, 1, &part), [""; 0]);
    assert_eq!(talk.body(1, 1, &part)[..2], ["abort 1", "cut 1 Malformed"]);
}

#[test]
fn a_gap_a_reset_and_a_type_that_nobody_knows() {
    let mut talk = talk();
    talk.start(0);
    talk.opened(0, 1);
    assert_eq!(talk.body(1, 1, "event: gap\nid: k:6\ndata: {\"from\":5,\"to\":6}\n\n"), ["gap 5..6"]);
    assert_eq!(talk.body(1, 1, "event: weather\ndata: rain\n\n"), [""; 0]);
    assert_eq!(talk.body(1, 1, &message(7)), ["+7"]);
    talk.tell(2, Input::End { n: 1 });
    talk.wake();
    talk.stream_head(9_000, 2);
    let reset = "event: reset\nid: m:0\ndata: {\"epoch\":\"m\",\"last_id\":0}\n\n";
    assert_eq!(talk.body(9_000, 2, reset), ["reset m:0"]);
    assert_eq!(talk.position().as_deref(), Some("m:0"));
}

#[test]
fn stopped_it_lets_go_and_late_bytes_are_ignored() {
    let mut talk = talk();
    talk.start(0);
    talk.opened(0, 1);
    talk.body(1, 1, &message(5));
    assert_eq!(talk.stop(2), ["abort 1"]);
    assert_eq!(talk.body(3, 1, &message(6)), [""; 0]);
    assert!(talk.start(4)[0].ends_with("Last-Event-ID: k:5"));
    assert_eq!(talk.body(5, 1, &message(6)), [""; 0]);
    assert_eq!(talk.tell(5, Input::Failed { n: 1 }), [""; 0]);
}

#[test]
fn a_stream_that_is_silent_for_too_long_is_given_up_and_a_comment_breaks_the_silence() {
    let backoff = Backoff::Fixed { base_ms: 1_000 };
    for (keep_alive_ms, asked_ms) in [(0, 700), (900, 900)] {
        let config =
            Config { sub: "e".into(), retry_ms: 1_500, backoff, seed: 1, keep_alive_ms, silence_ms: 2_100 };
        let mut talk = Talk::new(SseClient::new(config, None));
        let said = talk.start(0);
        let target = format!("GET sse?sub=e&n=1&retry_ms=1500&keep_alive_ms={asked_ms}");
        assert_eq!(said, [format!("{target} Accept: text/event-stream")]);
        talk.opened(10, 1);
        assert_eq!(talk.body(2_000, 1, ":\n\n"), [""; 0]);
        assert_eq!(talk.body(4_000, 1, ":"), [""; 0], "a part of a comment is a sign too");
        let (at_ms, said) = talk.wake();
        assert_eq!(at_ms, 6_100);
        assert_eq!(said, ["abort 1", "cut 1 Silent(2100)", "wait until 9100 Server #1"]);
        assert!(talk.wake().1[0].ends_with("Last-Event-ID: k:4"));
    }
}

#[test]
fn a_head_alone_is_not_waited_on_for_longer_than_silence_is_borne() {
    let backoff = Backoff::Fixed { base_ms: 1_000 };
    let config =
        Config { sub: "e".into(), retry_ms: 1_500, backoff, seed: 1, keep_alive_ms: 0, silence_ms: 2_000 };
    let mut talk = Talk::new(SseClient::new(config, None));
    talk.start(0);
    talk.stream_head(500, 1);
    let (at_ms, said) = talk.wake();
    assert_eq!((at_ms, said[1].as_str()), (2_500, "cut 1 Silent(2000)"));
}
