//! The sentences below the picture.

use standby_figure::{View, Words, describe, say, say_message};
use standby_trace::{Kind, Lane, Message, Moment, Trace};

use crate::sample;

fn view(trace: &Trace, selected: Option<u64>) -> View {
    View { now_us: trace.until_us, selected, ..View::default() }
}

/// The words on one line; what is strong between `*`, what is bad between `!`.
fn line(words: &[Words]) -> String {
    let mark = |words: &Words| match (words.strong, words.bad) {
        (true, true) => "!",
        (true, false) => "*",
        (false, _) => "",
    };
    words.iter().map(|words| format!("{0}{1}{0}", mark(words), words.text)).collect()
}

fn only(lane: u16) -> Trace {
    let mut trace = sample::trace();
    let lanes: Vec<Lane> = trace.lanes.drain(usize::from(lane)..=usize::from(lane)).collect();
    let specs = trace.scenario.lanes.drain(usize::from(lane)..=usize::from(lane)).collect();
    (trace.lanes, trace.scenario.lanes) = (lanes, specs);
    trace.messages.retain(|message| message.lane == lane);
    trace.spans.retain(|span| span.lane == Some(lane));
    trace.marks.retain(|mark| mark.lane == Some(lane));
    trace.messages.iter_mut().for_each(|message| message.lane = 0);
    trace.spans.iter_mut().for_each(|span| span.lane = Some(0));
    trace.marks.iter_mut().for_each(|mark| mark.lane = Some(0));
    trace
}

#[test]
fn the_calm_trace_says_what_the_design_says() {
    let trace = sample::trace();
    assert_eq!(
        line(&say(&trace, &view(&trace, Some(5)))),
        "Event 5 reached the socket *100 ms* after it was published, the poller !500 ms!. \
         In these eight seconds polling asked 8 times, 3 of them for nothing."
    );
    assert_eq!(
        line(&say(&trace, &view(&trace, None))),
        "In these eight seconds polling asked 8 times, 3 of them for nothing."
    );
}

#[test]
fn each_transport_alone_has_its_sentence() {
    let alone = [0, 1, 2, 3].map(|lane| {
        let trace = only(lane);
        line(&say(&trace, &view(&trace, None)))
    });
    assert_eq!(
        alone,
        [
            "In these eight seconds the poller asked 8 times, 3 of them for nothing. Its news was !500 ms! old \
             on arrival.",
            "In these eight seconds the server held each request until there was news, once until the time was \
             up: 6 events for 8 requests.",
            "In these eight seconds the socket brought 6 events for 2 requests, and 3 messages went the other \
             way.",
            "In these eight seconds the stream brought 6 events for 2 requests.",
        ]
    );
}

#[test]
fn without_a_poller_the_requests_are_compared() {
    let mut trace = sample::trace();
    trace.lanes[0].outside = true;
    assert_eq!(
        line(&say(&trace, &view(&trace, None))),
        "In these eight seconds the long poll asked 8 times, the socket twice and the stream twice, for 6 \
         events."
    );
}

#[test]
fn lanes_that_are_set_alike_are_taken_together() {
    let mut trace = only(0);
    for lane in 1..3 {
        let again = only(0);
        trace.lanes.extend(again.lanes);
        trace.scenario.lanes.extend(again.scenario.lanes);
        trace.messages.extend(again.messages.into_iter().map(|message| Message { lane, ..message }));
    }
    assert_eq!(
        line(&say(&trace, &view(&trace, None))),
        "In these eight seconds three pollers asked 24 times, 9 of them for nothing."
    );
}

#[test]
fn whoever_is_cut_off_is_named() {
    let trace = sample::trace();
    let at = |now_us| line(&say(&trace, &View { now_us, ..view(&trace, None) }));
    assert_eq!(
        at(4_000_000),
        "The stream is !cut off!: the browser waits 1.5 s. So far polling asked 4 times, 2 of them for nothing."
    );
    assert!(
        at(4_500_000).starts_with("The socket and the stream are !cut off! and wait to come back. So far")
    );
}

#[test]
fn what_did_not_arrive_is_said() {
    let trace = sample::trace();
    let said = line(&say(&trace, &View { now_us: 4_200_000, ..view(&trace, Some(3)) }));
    assert!(
        said.starts_with(
            "Event 3 reached the socket *100 ms* after it was published. It has not reached the poller and the \
             stream !for 850 ms!."
        ),
        "{said}"
    );
    let rough = sample::rough::trace(sample::trace());
    let said = line(&say(&rough, &view(&rough, Some(4))));
    assert!(said.contains("The socket !will never have it!."), "{said}");
    assert!(said.contains("The browser !gave up! on the stream (503); it will not come back by itself."));
    assert!(said.contains("The socket lost !events 3–5!: history no longer held them."), "{said}");
}

#[test]
fn before_anything_happened_nothing_is_said() {
    let mut trace = sample::trace();
    trace.published.clear();
    trace.messages.clear();
    trace.spans.clear();
    trace.marks.clear();
    assert_eq!(say(&trace, &View { now_us: 0, ..view(&trace, Some(1)) }), []);
}

#[test]
fn the_text_alternative_holds_the_figures() {
    assert_eq!(
        describe(&sample::trace()),
        "8.0 s on a time axis; 6 events were published. Short polling: 8 requests, 3 answered with nothing new, \
         6 events delivered, 500 ms old on arrival (median). Long polling: 8 requests, 1 answered with nothing \
         new, 6 events delivered, 100 ms old on arrival (median). WebSocket: 2 requests, 6 events delivered, \
         100 ms old on arrival (median), cut and back once. SSE: 2 requests, 6 events delivered, 100 ms old on \
         arrival (median), cut and back once."
    );
    assert!(describe(&sample::rough::trace(sample::trace())).contains("curl (outside)"));
}

/// The number of the first message that is meant.
fn number(trace: &Trace, meant: impl Fn(&Message) -> bool) -> u64 {
    let at = trace.messages.iter().position(meant);
    at.map_or(u64::MAX, |at| trace.before + at as u64)
}

#[test]
fn a_message_is_said_with_what_it_cost() {
    let mut trace = sample::trace();
    trace.before = 1_000;
    let said = |lane, kind, event: Option<u64>| {
        let meant = |m: &Message| {
            (m.lane, m.kind) == (lane, kind) && event.is_none_or(|event| m.events.contains(&event))
        };
        line(&say_message(&trace, number(&trace, meant)))
    };
    assert_eq!(
        said(0, Kind::Request, None),
        "The poller asks: *330 bytes*, of which 0 are news. It was 100 ms under way."
    );
    assert_eq!(
        said(0, Kind::Answer, Some(5)),
        "The poller gets event 5: *301 bytes*, of which 61 are news. It was 100 ms under way. Event 5 reached \
         the socket *100 ms* after it was published, the poller !500 ms!."
    );
    assert_eq!(
        said(2, Kind::Send, None),
        "The socket publishes: *34 bytes*, of which 0 are news. It was 100 ms under way."
    );
    assert_eq!(say_message(&trace, 3), [], "it has left the window");
}

#[test]
fn what_a_message_went_through_is_said() {
    let rough = sample::rough::trace(sample::trace());
    let said = |meant: fn(&Message) -> bool| line(&say_message(&rough, number(&rough, meant)));
    assert_eq!(
        said(|m| m.kind == Kind::Refusal),
        "The poller is refused: 503: *40 bytes*, of which 0 are news. It was 100 ms under way."
    );
    assert_eq!(
        said(|m| m.lost && m.events.is_empty()),
        "The long poll asks: *40 bytes*, of which 0 are news. It !never arrived!: its connection was cut."
    );
    assert_eq!(
        said(|m| m.by_browser),
        "The browser sends the request of the long poll again: *40 bytes*, of which 0 are news. Only the \
         server's end of it is known."
    );
    let mut guessed = sample::trace();
    guessed.messages[0].client = Some(Moment::inferred(200_000));
    assert!(line(&say_message(&guessed, 0)).ends_with("the client's end is inferred, not seen."));
}
