//! Runs as the page and the tap would tell them.

mod ends;

use ends::{closed, ends, hello, open_spans};

use super::*;
use crate::clock::Clock;
use crate::scenario::{Conditions, LaneSpec, Publish};
use crate::tap::{App, ClosedBy, Part, ToObserver, Via, Wire};
use crate::trace::{SpanKind, Who};

const EVENT: &str = r#"{"id":1,"data":{"price":101.25},"published_at":1764000005900}"#;

/// A run of one lane, whose server's clock is one second ahead of the page's.
struct Run {
    recorder: Recorder,
    clock: Clock,
}

impl Run {
    fn of(transport: Transport) -> Self {
        let scenario = Scenario {
            v: 1,
            lanes: vec![LaneSpec::default_for(transport)],
            publish: Publish { every_ms: 1_000, spread: Default::default(), what: Default::default() },
            conditions: Conditions { latency_ms: 100, ..Default::default() },
            faults: Vec::new(),
            clients: 1,
            crowd: None,
            seed: 1,
            window_ms: 8_000,
        };
        let mut clock = Clock::default();
        clock.answer(0, 200, 1_000_100);
        Self { recorder: Recorder::new(scenario, 1_764_000_000_000), clock }
    }

    fn tap(&mut self, record: &ToObserver) {
        self.recorder.tap(record, &self.clock);
    }

    fn published(&mut self, id: u64, at_us: u64) {
        self.tap(&ToObserver::Published {
            id,
            published_at: 0,
            at_us: at_us + 1_000_000,
            epoch: "k3f9".into(),
        });
    }

    fn app(
        &mut self,
        exchange: &Exchange,
        direction: Direction,
        seq: u64,
        part: Part,
        at_us: u64,
        carried: (Kind, &[u64]),
    ) {
        self.tap(&ToObserver::App(App {
            exchange: exchange.clone(),
            direction,
            seq,
            part,
            at_us: at_us + 1_000_000,
            kind: carried.0,
            events: carried.1.to_vec(),
            status: None,
        }));
    }

    fn wire(
        &mut self,
        exchange: &Exchange,
        direction: Direction,
        seq: u64,
        part: Part,
        at_us: u64,
        bytes: &str,
    ) {
        self.tap(&ToObserver::Wire(Wire {
            exchange: exchange.clone(),
            direction,
            seq,
            part,
            at_us: at_us + 1_000_000,
            bytes: bytes.as_bytes().to_vec(),
            cut_bytes: 0,
        }));
    }

    fn messages(&self) -> &[Message] {
        &self.recorder.trace().messages
    }

    fn ledger(&self) -> Ledger {
        self.recorder.ledgers()[0].clone()
    }
}

fn exchange(via: Via, conn: u64, request: u64, n: u64) -> Exchange {
    let sub = via.transport().map(|transport| transport.name().to_owned());
    Exchange { conn, request, via, sub, n: Some(n) }
}

fn answer(events: &str) -> String {
    format!(r#"{{"epoch":"k3f9","events":[{events}],"last_id":1}}"#)
}

const HEAD: &str = "HTTP/1.1 200 OK\r\n\r\n";
const GET: &str = "GET / HTTP/1.1\r\n\r\n";

fn poll(run: &mut Run, page_first: bool) {
    let on = exchange(Via::ShortPoll, 7, 1, 1);
    run.recorder.sent(0, 1, 0);
    run.wire(&on, Direction::ToServer, 0, Part::RequestHead, 300, GET);
    run.app(&on, Direction::ToServer, 0, Part::RequestHead, 100_300, (Kind::Request, &[]));
    run.published(1, 50_000);
    let page = |run: &mut Run| {
        run.recorder.answered(0, 1, 200, &[1], 200_500);
        run.recorder.event(0, 1, 1, 200_500);
    };
    run.app(&on, Direction::ToClient, 0, Part::ResponseHead, 100_400, (Kind::Answer, &[]));
    run.app(&on, Direction::ToClient, 1, Part::ResponseBody, 100_400, (Kind::Answer, &[1]));
    if page_first {
        page(run);
    }
    run.wire(&on, Direction::ToClient, 0, Part::ResponseHead, 200_400, HEAD);
    run.wire(&on, Direction::ToClient, 1, Part::ResponseBody, 200_400, &answer(EVENT));
    if !page_first {
        page(run);
    }
}

#[test]
fn a_poll_is_two_messages_whichever_end_tells_first() {
    for page_first in [true, false] {
        let mut run = Run::of(Transport::ShortPoll);
        poll(&mut run, page_first);
        let [request, answered] = run.messages() else { panic!("{:?}", run.messages()) };
        assert_eq!(request.client, Some(Moment::measured(0)));
        assert_eq!(request.server, Some(Moment::measured(100_300)));
        assert_eq!(request.overhead_bytes as usize, GET.len());
        assert_eq!((answered.kind, answered.events.as_slice()), (Kind::Answer, &[1][..]));
        assert_eq!(answered.server, Some(Moment::measured(100_400)));
        assert_eq!(answered.client, Some(Moment::measured(200_500)));
        assert_eq!(answered.payload_bytes as usize, EVENT.len());
        let total = GET.len() + HEAD.len() + answer(EVENT).len();
        let ledger = run.ledger();
        assert_eq!((ledger.payload_bytes + ledger.overhead_bytes) as usize, total);
        assert_eq!((ledger.requests, ledger.empty, ledger.events), (1, 0, 1));
        assert_eq!(ledger.staleness.p50_us(), Some(150_500));
    }
}

#[test]
fn a_request_that_comes_again_is_the_browsers_own() {
    let mut run = Run::of(Transport::ShortPoll);
    run.recorder.sent(0, 1, 0);
    run.wire(&exchange(Via::ShortPoll, 7, 3, 1), Direction::ToServer, 2, Part::RequestHead, 300, GET);
    run.wire(&exchange(Via::ShortPoll, 8, 1, 1), Direction::ToServer, 0, Part::RequestHead, 900, GET);
    let by_browser: Vec<bool> = run.messages().iter().map(|message| message.by_browser).collect();
    assert_eq!(by_browser, [false, true]);
    assert!(run.messages()[1].client.is_some_and(|client| client.inferred));
    assert_eq!(run.ledger().requests, 2);
}

/// The browser sent a stream's request twice, and both times the connection was reset without an
/// answer. The page can be the first to know of that, and of the stream being back.
#[test]
fn a_stream_that_is_back_is_not_taken_for_a_request_that_was_reset() {
    let mut run = Run::of(Transport::Sse);
    run.recorder.sent(0, 1, 0);
    run.recorder.cut(0, 1, "the connection broke", 1_200);
    for (conn, at_us) in [(7, 300), (8, 900)] {
        let refused = exchange(Via::Sse, conn, 1, 1);
        run.wire(&refused, Direction::ToServer, 0, Part::RequestHead, at_us, GET);
        closed(&mut run, &refused, at_us + 100, ClosedBy::Fault);
    }
    run.recorder.hello(0, 1, Some("k3f9"), 0, 5_000_900);
    let back = exchange(Via::Sse, 9, 1, 1);
    run.wire(&back, Direction::ToServer, 0, Part::RequestHead, 5_000_300, GET);
    run.app(&back, Direction::ToClient, 0, Part::ResponseHead, 5_000_400, (Kind::Open, &[]));
    let opens: Vec<bool> =
        run.messages().iter().filter(|m| m.kind == Kind::Open).map(|m| m.server.is_some()).collect();
    assert_eq!(opens, [true], "one, and the tap's");
}

#[test]
fn a_preflight_is_told_apart_from_the_request_it_asks_for() {
    let mut run = Run::of(Transport::ShortPoll);
    run.recorder.sent(0, 1, 0);
    let asks = Exchange { via: Via::Preflight, ..exchange(Via::ShortPoll, 7, 1, 1) };
    run.wire(
        &Exchange { sub: Some("short-poll".into()), ..asks },
        Direction::ToServer,
        0,
        Part::RequestHead,
        200,
        GET,
    );
    run.wire(&exchange(Via::ShortPoll, 7, 2, 1), Direction::ToServer, 1, Part::RequestHead, 400, GET);
    let kinds: Vec<(Kind, bool)> = run.messages().iter().map(|m| (m.kind, m.by_browser)).collect();
    assert_eq!(kinds, [(Kind::Request, false), (Kind::Preflight, false)]);
    assert_eq!(run.ledger().requests, 1);
}

/// Opens the stream, cuts it, and lets the browser come back for what it missed.
fn stream_with_a_cut(run: &mut Run, page_first: bool) {
    let first = exchange(Via::Sse, 7, 1, 1);
    run.recorder.sent(0, 1, 0);
    run.wire(&first, Direction::ToServer, 0, Part::RequestHead, 300, GET);
    run.app(&first, Direction::ToClient, 0, Part::ResponseHead, 100_000, (Kind::Open, &[]));
    run.wire(&first, Direction::ToClient, 0, Part::ResponseHead, 200_000, HEAD);
    run.recorder.hello(0, 1, Some("k3f9"), 0, 200_100);
    run.recorder.advance(1_000_000);
    run.tap(&ToObserver::Closed { exchange: first, at_us: 2_000_000, by: ClosedBy::Fault });
    run.recorder.cut(0, 1, "connection lost", 1_000_100);
    run.recorder.waiting(0, None, Who::Browser, 1_000_100);
    run.published(1, 1_500_000);
    let again = exchange(Via::Sse, 8, 1, 1);
    let chunk = format!("id: k3f9:1\ndata: {EVENT}\n\n");
    let chunk = format!("{:x}\r\n{chunk}\r\n", chunk.len());
    run.recorder.advance(2_500_000);
    run.wire(&again, Direction::ToServer, 0, Part::RequestHead, 2_500_000, GET);
    run.app(&again, Direction::ToClient, 0, Part::ResponseHead, 2_600_000, (Kind::Open, &[]));
    run.app(&again, Direction::ToClient, 1, Part::Chunk, 2_600_100, (Kind::Event, &[1]));
    let page = |run: &mut Run| {
        run.recorder.hello(0, 1, Some("k3f9"), 0, 2_700_000);
        run.recorder.event(0, 1, 1, 2_700_200);
    };
    if page_first {
        page(run);
    }
    run.wire(&again, Direction::ToClient, 0, Part::ResponseHead, 2_700_000, HEAD);
    run.wire(&again, Direction::ToClient, 1, Part::Chunk, 2_700_100, &chunk);
    if !page_first {
        page(run);
    }
}

#[test]
fn a_browsers_reconnect_is_drawn_from_what_the_socket_saw() {
    for page_first in [true, false] {
        let mut run = Run::of(Transport::Sse);
        stream_with_a_cut(&mut run, page_first);
        let kinds: Vec<Kind> = run.messages().iter().map(|message| message.kind).collect();
        assert_eq!(kinds, [Kind::Request, Kind::Open, Kind::Request, Kind::Open, Kind::Event]);
        let again = &run.messages()[2];
        assert!(!again.by_browser, "a reconnect is no repeat");
        assert_eq!(again.client, Some(Moment::inferred(2_499_900)));
        assert_eq!(run.messages()[4].client, Some(Moment::measured(2_700_200)));
        let ledger = run.ledger();
        assert_eq!((ledger.requests, ledger.reconnects, ledger.recovered, ledger.lost), (2, 1, 1, 0));
        let open: Vec<_> = run.recorder.trace().spans.iter().filter(|s| s.kind == SpanKind::Open).collect();
        assert_eq!(open.len(), 2);
        assert_eq!(open[0].server_to, Some(Moment::measured(1_000_000)), "the server was the first to know");
        assert_eq!(open[0].to, Some(Moment::measured(1_000_100)));
        assert_eq!(open[1].server_to, None);
        assert_eq!(open[1].to, None);
    }
}

#[test]
fn what_came_from_history_is_told_with_the_position_it_was_asked_from() {
    let mut run = Run::of(Transport::Sse);
    stream_with_a_cut(&mut run, false);
    let recovered = MarkKind::Recovered { after: "k3f9:0".into(), from: 1, to: 1 };
    assert!(run.recorder.trace().marks.iter().any(|mark| mark.kind == recovered));
}

#[test]
fn a_long_poll_is_held_from_the_applications_moment_to_its_answer() {
    let mut run = Run::of(Transport::LongPoll);
    let on = exchange(Via::LongPoll, 7, 1, 1);
    run.recorder.sent(0, 1, 0);
    run.wire(&on, Direction::ToServer, 0, Part::RequestHead, 300, GET);
    run.app(&on, Direction::ToServer, 0, Part::RequestHead, 100_000, (Kind::Request, &[]));
    run.recorder.advance(600_000);
    assert_eq!(run.ledger().held_us, 500_000, "so far");
    run.app(&on, Direction::ToClient, 0, Part::ResponseHead, 900_000, (Kind::Answer, &[]));
    run.recorder.answered(0, 1, 200, &[], 1_000_000);
    run.recorder.advance(2_000_000);
    assert_eq!((run.ledger().held_us, run.ledger().empty), (800_000, 1));
    let span = &run.recorder.trace().spans[0];
    assert_eq!(ends(span), (Some(1_000_000), Some(900_000)), "answered at one end, received at the other");
}

#[test]
fn a_subscriber_from_a_terminal_gets_a_lane_of_its_own() {
    let mut run = Run::of(Transport::Sse);
    let curl = Exchange { conn: 9, request: 1, via: Via::ShortPoll, sub: None, n: None };
    run.published(1, 100_000);
    run.wire(&curl, Direction::ToServer, 0, Part::RequestHead, 300_000, GET);
    run.app(&curl, Direction::ToClient, 0, Part::ResponseHead, 400_000, (Kind::Answer, &[]));
    run.app(&curl, Direction::ToClient, 1, Part::ResponseBody, 400_000, (Kind::Answer, &[1]));
    run.wire(&curl, Direction::ToClient, 0, Part::ResponseHead, 500_000, HEAD);
    run.wire(&curl, Direction::ToClient, 1, Part::ResponseBody, 500_000, &answer(EVENT));
    let lane = &run.recorder.trace().lanes[1];
    assert!(lane.outside && lane.sub == "outside" && lane.transport == Transport::ShortPoll);
    assert!(run.messages().iter().all(|message| message.client.is_some_and(|client| client.inferred)));
    assert_eq!(run.recorder.ledgers()[1].staleness.p50_us(), Some(400_000));
}

#[test]
fn a_server_that_was_started_anew_counts_its_connections_anew() {
    let mut run = Run::of(Transport::Sse);
    stream_with_a_cut(&mut run, false);
    run.recorder.cut(0, 1, "connection lost", 3_000_000);
    hello(&mut run, None);
    // The same connection and part numbers as the first life's.
    let again = exchange(Via::Sse, 8, 1, 1);
    run.wire(&again, Direction::ToServer, 0, Part::RequestHead, 4_000_000, GET);
    run.app(&again, Direction::ToClient, 0, Part::ResponseHead, 4_100_000, (Kind::Open, &[]));
    run.recorder.reset(0, 1, Some("n7"), 0, 4_200_000);
    run.app(&again, Direction::ToClient, 1, Part::Chunk, 4_300_000, (Kind::Event, &[1]));
    run.recorder.event(0, 1, 1, 4_400_000);
    let news = run.messages().last().expect("the event");
    assert_eq!((news.kind, news.lost), (Kind::Event, false));
    assert_eq!(news.client, Some(Moment::measured(4_400_000)));
}

#[test]
fn what_comes_after_a_server_was_away_is_not_taken_for_what_the_cut_swallowed() {
    let mut run = Run::of(Transport::Sse);
    // Nobody is there: the browser tries, and tries again, with the same number.
    run.recorder.sent(0, 1, 0);
    run.recorder.cut(0, 1, "connection lost", 100_000);
    run.recorder.waiting(0, None, Who::Browser, 100_000);
    let on = exchange(Via::Sse, 1, 1, 1);
    run.wire(&on, Direction::ToServer, 0, Part::RequestHead, 2_000_000, GET);
    run.app(&on, Direction::ToClient, 0, Part::ResponseHead, 2_100_000, (Kind::Open, &[]));
    run.app(&on, Direction::ToClient, 1, Part::Chunk, 2_100_000, (Kind::Event, &[1]));
    run.recorder.hello(0, 1, Some("k3f9"), 0, 2_200_000);
    run.recorder.event(0, 1, 1, 2_200_000);
    let again = &run.messages()[1];
    assert!(again.kind == Kind::Request && !again.by_browser && !again.lost);
    let news = run.messages().last().expect("the event");
    assert_eq!((news.kind, news.lost), (Kind::Event, false));
    assert_eq!(run.ledger().events, 1);
}

#[test]
fn what_a_cut_swallowed_is_lost_and_paid_for() {
    let mut run = Run::of(Transport::WebSocket);
    let on = exchange(Via::WebSocket, 7, 1, 1);
    run.recorder.sent(0, 1, 0);
    run.wire(&on, Direction::ToServer, 0, Part::RequestHead, 300, GET);
    run.app(&on, Direction::ToClient, 0, Part::ResponseHead, 100_000, (Kind::Open, &[]));
    run.recorder.opened(0, 1, 200_000);
    run.app(&on, Direction::ToClient, 1, Part::Frame, 300_000, (Kind::Event, &[1]));
    run.recorder.cut(0, 1, "close code 1006", 350_000);
    let news = run.messages().iter().find(|message| message.kind == Kind::Event).expect("the frame");
    assert!(news.lost);
    assert_eq!(run.ledger().events, 0);
}

#[test]
fn the_window_is_bounded_and_the_totals_keep_everything() {
    let mut run = Run::of(Transport::ShortPoll);
    let rounds = 3_000u32;
    for round in 0..rounds {
        let at_us = i64::from(round) * 1_000_000;
        let on = exchange(Via::ShortPoll, 7, u64::from(round) + 1, u64::from(round) + 1);
        let seq = u64::from(round);
        let server_us = u64::try_from(at_us).expect("positive");
        run.recorder.sent(0, on.n.expect("ours"), at_us);
        run.wire(&on, Direction::ToServer, seq, Part::RequestHead, server_us + 300, GET);
        run.wire(&on, Direction::ToClient, 2 * seq, Part::ResponseHead, server_us + 500, HEAD);
        run.wire(&on, Direction::ToClient, 2 * seq + 1, Part::ResponseBody, server_us + 500, &answer(""));
        run.recorder.answered(0, on.n.expect("ours"), 200, &[], at_us + 900);
        run.recorder.advance(at_us + 900);
    }
    assert!(run.messages().len() < 650, "{} messages are kept", run.messages().len());
    let ledger = run.ledger();
    assert_eq!((ledger.requests, ledger.empty), (3_000, 3_000));
    assert_eq!(ledger.overhead_bytes as usize, 3_000 * (GET.len() + HEAD.len() + answer("").len()));
}

#[test]
fn the_bytes_of_a_message_are_kept_and_add_up_to_its_sums() {
    let mut run = Run::of(Transport::ShortPoll);
    poll(&mut run, true);
    let trace = run.recorder.trace();
    assert!(!trace.wire.is_empty());
    for message in &trace.messages {
        let bytes: usize = message.pieces.iter().map(|&id| trace.piece(id).unwrap().bytes.len()).sum();
        assert_eq!(bytes as u32, message.payload_bytes + message.overhead_bytes);
    }
    let answer = trace.message(1).unwrap();
    assert_eq!(trace.piece(answer.pieces[0]).unwrap().bytes, HEAD.as_bytes());
}

#[test]
fn the_oldest_bytes_make_room_and_the_sums_stay() {
    let mut run = Run::of(Transport::ShortPoll);
    let on = exchange(Via::ShortPoll, 7, 1, 1);
    let part = "x".repeat(10_000);
    run.recorder.sent(0, 1, 0);
    for seq in 0..1_000 {
        run.wire(&on, Direction::ToServer, seq, Part::RequestBody, seq, &part);
    }
    let trace = run.recorder.trace();
    let kept: usize = trace.wire.iter().map(|piece| piece.bytes.len()).sum();
    assert!((1 << 20..=2 << 20).contains(&kept), "{kept}");
    assert_eq!(trace.wire.last().map(|piece| piece.id), Some(999));
    assert_eq!(trace.piece(0), None);
    assert_eq!(run.ledger().overhead_bytes, 10_000_000);
}

#[test]
fn an_answer_that_the_page_hears_before_the_tap_tells_of_the_repeat_is_the_repeats() {
    let mut run = Run::of(Transport::Sse);
    let first = exchange(Via::Sse, 7, 1, 1);
    run.recorder.sent(0, 1, 0);
    run.wire(&first, Direction::ToServer, 0, Part::RequestHead, 300, GET);
    // The first is reset, the browser sends it again, and the page hears of that at once.
    run.recorder.hello(0, 1, Some("k3f9"), 0, 900_000);
    closed(&mut run, &first, 400_000, ClosedBy::Fault);
    let again = exchange(Via::Sse, 8, 1, 1);
    run.wire(&again, Direction::ToServer, 0, Part::RequestHead, 500_000, GET);
    run.app(&again, Direction::ToClient, 0, Part::ResponseHead, 600_000, (Kind::Open, &[]));
    run.wire(&again, Direction::ToClient, 0, Part::ResponseHead, 700_000, HEAD);
    run.recorder.advance(2_000_000);
    let kinds: Vec<Kind> = run.messages().iter().map(|message| message.kind).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == Kind::Request).count(), 2, "{kinds:?}");
    let open: Vec<_> = run.messages().iter().filter(|message| message.kind == Kind::Open).collect();
    assert_eq!(open.len(), 1, "{open:?}");
    assert!(open[0].client.is_some() && open[0].server.is_some() && open[0].overhead_bytes > 0);
    // It is open at both ends.
    assert_eq!(open_spans(&run), [(None, None)]);
}

#[test]
fn what_is_written_to_a_stream_that_is_over_asks_nothing_again() {
    let mut run = Run::of(Transport::Sse);
    let dead = exchange(Via::Sse, 7, 1, 1);
    run.recorder.sent(0, 1, 0);
    run.wire(&dead, Direction::ToServer, 0, Part::RequestHead, 300, GET);
    run.app(&dead, Direction::ToClient, 0, Part::ResponseHead, 100_000, (Kind::Open, &[]));
    run.wire(&dead, Direction::ToClient, 0, Part::ResponseHead, 200_000, HEAD);
    run.recorder.hello(0, 1, Some("k3f9"), 0, 200_100);
    run.recorder.cut(0, 1, "silent for 2.0 s", 3_000_000);
    closed(&mut run, &dead, 4_000_000, ClosedBy::Server);
    run.app(&dead, Direction::ToClient, 1, Part::Chunk, 5_000_000, (Kind::Event, &[1]));
    let requests = run.messages().iter().filter(|message| message.kind == Kind::Request).count();
    assert_eq!(requests, 1, "{:?}", run.messages());
}
