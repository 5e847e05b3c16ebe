//! When a connection ends, at each of its two ends.

use super::*;

pub(super) fn ends(span: &crate::trace::Span) -> (Option<i64>, Option<i64>) {
    (span.to.map(|to| to.at_us), span.server_to.map(|to| to.at_us))
}

/// A socket that is open at both ends.
fn open_socket(run: &mut Run) -> Exchange {
    let on = exchange(Via::WebSocket, 7, 1, 1);
    run.recorder.sent(0, 1, 0);
    run.wire(&on, Direction::ToServer, 0, Part::RequestHead, 300, GET);
    run.app(&on, Direction::ToClient, 0, Part::ResponseHead, 100_000, (Kind::Open, &[]));
    run.recorder.hello(0, 1, Some("k3f9"), 0, 200_000);
    run.published(1, 300_000);
    on
}

fn comes_back(run: &mut Run, n: u64, at_us: i64) {
    let on = exchange(Via::WebSocket, 7 + n, 1, n);
    let server_us = u64::try_from(at_us).expect("positive");
    run.recorder.sent(0, n, at_us);
    run.wire(&on, Direction::ToServer, 0, Part::RequestHead, server_us + 300, GET);
    run.app(&on, Direction::ToClient, 0, Part::ResponseHead, server_us + 400, (Kind::Open, &[]));
    run.recorder.hello(0, n, Some("k3f9"), 0, at_us + 900);
}

pub(super) fn closed(run: &mut Run, on: &Exchange, at_us: u64, by: ClosedBy) {
    run.tap(&ToObserver::Closed { exchange: on.clone(), at_us: at_us + 1_000_000, by });
}

pub(super) fn open_spans(run: &Run) -> Vec<(Option<i64>, Option<i64>)> {
    run.recorder.trace().spans.iter().filter(|span| span.kind == SpanKind::Open).map(ends).collect()
}

#[test]
fn a_client_that_gives_up_a_dead_connection_is_back_while_the_server_still_believes_in_it() {
    let mut run = Run::of(Transport::WebSocket);
    let dead = open_socket(&mut run);
    run.recorder.cut(0, 1, "silent for 3.0 s", 6_000_000);
    run.recorder.waiting(0, Some(7_000_000), Who::Client, 6_000_000);
    comes_back(&mut run, 2, 7_000_000);
    run.recorder.advance(8_000_000);
    assert_eq!(open_spans(&run), [(Some(6_000_000), None), (None, None)]);
    // 5.9 s until the client's end, which is all that is known, and 1 s of the new one.
    assert_eq!(run.ledger().held_us, 5_900_000 + 999_600);
    closed(&mut run, &dead, 15_000_000, ClosedBy::Server);
    assert_eq!(open_spans(&run), [(Some(6_000_000), Some(15_000_000)), (None, None)]);
    assert_eq!(run.ledger().held_us, 14_900_000 + 999_600, "it was the server who held it");
}

#[test]
fn a_server_that_finds_a_dead_connection_by_its_ping_leaves_the_client_believing() {
    let mut run = Run::of(Transport::WebSocket);
    let dead = open_socket(&mut run);
    closed(&mut run, &dead, 6_000_000, ClosedBy::Server);
    run.recorder.advance(60_000_000);
    assert_eq!(open_spans(&run), [(None, Some(6_000_000))]);
    assert_eq!(run.ledger().held_us, 5_900_000);
    run.recorder.cut(0, 1, "close code 1006", 60_000_000);
    assert_eq!(open_spans(&run), [(Some(60_000_000), Some(6_000_000))]);
}

#[test]
fn a_connection_that_is_cut_for_both_has_two_ends_close_together() {
    for server_first in [true, false] {
        let mut run = Run::of(Transport::WebSocket);
        let cut = open_socket(&mut run);
        if server_first {
            closed(&mut run, &cut, 1_000_000, ClosedBy::Fault);
        }
        run.recorder.cut(0, 1, "close code 1006", 1_000_200);
        comes_back(&mut run, 2, 2_000_000);
        if !server_first {
            closed(&mut run, &cut, 1_000_000, ClosedBy::Fault);
        }
        assert_eq!(open_spans(&run), [(Some(1_000_200), Some(1_000_000)), (None, None)]);
    }
}

#[test]
fn the_end_of_an_old_turn_is_not_taken_for_the_new_ones() {
    let mut run = Run::of(Transport::Sse);
    let first = exchange(Via::Sse, 7, 1, 1);
    run.recorder.sent(0, 1, 0);
    run.wire(&first, Direction::ToServer, 0, Part::RequestHead, 300, GET);
    run.app(&first, Direction::ToClient, 0, Part::ResponseHead, 100_000, (Kind::Open, &[]));
    run.recorder.hello(0, 1, Some("k3f9"), 0, 200_000);
    run.recorder.cut(0, 1, "connection lost", 1_000_000);
    let again = exchange(Via::Sse, 8, 1, 1);
    run.wire(&again, Direction::ToServer, 0, Part::RequestHead, 2_000_000, GET);
    run.app(&again, Direction::ToClient, 0, Part::ResponseHead, 2_100_000, (Kind::Open, &[]));
    run.recorder.hello(0, 1, Some("k3f9"), 0, 2_200_000);
    closed(&mut run, &first, 9_000_000, ClosedBy::Server);
    assert_eq!(open_spans(&run), [(Some(1_000_000), Some(9_000_000)), (None, None)]);
}

#[test]
fn a_killed_server_never_says_that_it_is_gone_so_it_is_inferred() {
    let mut run = Run::of(Transport::WebSocket);
    open_socket(&mut run);
    run.recorder.unobserved(5_000_000);
    run.recorder.cut(0, 1, "close code 1006", 5_000_100);
    let span = run.recorder.trace().spans[0].clone();
    assert_eq!(span.server_to, Some(Moment::inferred(5_000_000)));
    assert_eq!(span.to, Some(Moment::measured(5_000_100)));
    // The next one is another process, and has nothing to say of the old one's connections.
    hello(&mut run, None);
    assert_eq!(run.recorder.trace().spans[0], span);
}

#[test]
fn an_observer_that_comes_back_to_the_same_server_takes_back_what_it_inferred() {
    let mut run = Run::of(Transport::WebSocket);
    let on = open_socket(&mut run);
    run.recorder.unobserved(5_000_000);
    assert_eq!(open_spans(&run), [(None, Some(5_000_000))]);
    hello(&mut run, Some("k3f9"));
    assert_eq!(open_spans(&run), [(None, None)]);
    closed(&mut run, &on, 9_000_000, ClosedBy::Server);
    assert_eq!(open_spans(&run), [(None, Some(9_000_000))]);
}

pub(super) fn hello(run: &mut Run, epoch: Option<&str>) {
    run.tap(&ToObserver::Hello {
        topic: "x-1".into(),
        epoch: epoch.map(str::to_owned),
        last_id: 0,
        server_us: 5,
        conditions: Conditions::default(),
        publish: run.recorder.trace().scenario.publish,
        proxied: false,
    });
}

#[test]
fn of_a_connection_from_elsewhere_the_servers_end_is_the_only_one() {
    let mut run = Run::of(Transport::WebSocket);
    let curl = Exchange { conn: 9, request: 1, via: Via::Sse, sub: None, n: None };
    run.wire(&curl, Direction::ToServer, 0, Part::RequestHead, 300_000, GET);
    run.app(&curl, Direction::ToClient, 0, Part::ResponseHead, 400_000, (Kind::Open, &[]));
    closed(&mut run, &curl, 900_000, ClosedBy::Client);
    assert_eq!(open_spans(&run), [(Some(900_000), Some(900_000))]);
}

#[test]
fn a_server_that_says_open_after_the_page_has_given_up_believes_alone() {
    let mut run = Run::of(Transport::WebSocket);
    let on = exchange(Via::WebSocket, 7, 1, 1);
    run.recorder.sent(0, 1, 0);
    run.wire(&on, Direction::ToServer, 0, Part::RequestHead, 300, GET);
    run.recorder.cut(0, 1, "connection lost", 50_000);
    run.app(&on, Direction::ToClient, 0, Part::ResponseHead, 100_000, (Kind::Open, &[]));
    assert_eq!(open_spans(&run), [(Some(100_000), None)]);
}

#[test]
fn a_span_whose_other_end_is_awaited_stays_in_the_window_and_not_for_ever() {
    let mut run = Run::of(Transport::WebSocket);
    open_socket(&mut run);
    run.recorder.cut(0, 1, "silent for 3.0 s", 1_000_000);
    run.recorder.advance(400_000_000);
    assert_eq!(open_spans(&run).len(), 1);
    run.recorder.advance(500_000_000);
    assert_eq!(open_spans(&run), []);
    assert_eq!(run.ledger().held_us, 900_000);
}
