//! What holds for every trace, however odd: a picture always comes out, of a size that is known
//! before, and all of it lies inside.

use proptest::collection::vec;
use proptest::prelude::*;
use standby_figure::{
    Anchor, Density, Index, Layers, Shape, View, describe, figure, hit, say, say_message, svg, timeline,
};
use standby_trace::crowd::{CrowdRun, Tally};
use standby_trace::{
    Direction, Kind, Lane, LaneSpec, Mark, MarkKind, Message, Moment, Published, Span, SpanKind, Trace,
    Transport, Who,
};

use crate::sample;

/// Mostly within a few seconds, now and then far away.
fn time(far_us: i64) -> impl Strategy<Value = i64> {
    prop_oneof![8 => -1_000_000i64..20_000_000, 1 => -far_us..=far_us]
}

fn moment(far_us: i64) -> impl Strategy<Value = Moment> {
    (time(far_us), any::<bool>()).prop_map(|(at_us, inferred)| Moment { at_us, inferred })
}

fn id(far_us: i64) -> impl Strategy<Value = u64> {
    prop_oneof![9 => 0u64..40, 1 => 0..=far_us.cast_unsigned() * 2]
}

/// Some 1,100 years: sums of such times still fit a ledger.
const FAR_US: i64 = 1 << 55;

fn kind() -> impl Strategy<Value = Kind> {
    use Kind::*;
    prop::sample::select(vec![
        Request, Preflight, Publish, Answer, Open, Event, Gap, Reset, Send, Ping, Pong, Close, KeepAlive,
        Refusal, Other,
    ])
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just("k3f9".to_owned()), ".{0,80}"]
}

prop_compose! {
    fn message(far_us: i64)(
        lane in 0u16..6,
        n in 0u64..5,
        up in any::<bool>(),
        kind in kind(),
        client in prop::option::of(moment(far_us)),
        server in prop::option::of(moment(far_us)),
        socket_us in prop::option::of(time(far_us)),
        events in vec(id(far_us), 0..4),
        (status, by_browser, lost) in (prop::option::of(100u16..600), any::<bool>(), any::<bool>()),
    ) -> Message {
        let direction = if up { Direction::ToServer } else { Direction::ToClient };
        Message {
            pieces: Vec::new(),
            lane, n, direction, kind, client, server, socket_us, events, status, by_browser, lost,
            payload_bytes: 1, overhead_bytes: 1,
        }
    }
}

prop_compose! {
    fn span(far_us: i64)(
        lane in prop::option::of(0u16..6),
        kind in prop::sample::select(vec![SpanKind::Open, SpanKind::Held, SpanKind::Waiting, SpanKind::Fault]),
        who in prop::sample::select(vec![Who::Client, Who::Browser, Who::Server]),
        from in moment(far_us),
        to in prop::option::of(moment(far_us)),
        until_us in prop::option::of(time(far_us)),
    ) -> Span {
        Span { lane, n: 1, kind, who, from, to, server_to: None, until_us }
    }
}

fn mark_kind(far_us: i64) -> impl Strategy<Value = MarkKind> {
    prop_oneof![
        text().prop_map(|why| MarkKind::Cut { why }),
        (id(far_us), id(far_us)).prop_map(|(from, to)| MarkKind::Gap { from, to }),
        prop::option::of(text()).prop_map(|epoch| MarkKind::Reset { epoch }),
        (text(), id(far_us), id(far_us)).prop_map(|(after, from, to)| MarkKind::Recovered {
            after,
            from,
            to
        }),
        text().prop_map(|why| MarkKind::GaveUp { why }),
        text().prop_map(|text| MarkKind::Note { text }),
    ]
}

prop_compose! {
    fn mark(far_us: i64)(lane in prop::option::of(0u16..6), at in moment(far_us), kind in mark_kind(far_us)) -> Mark {
        Mark { lane, at, kind }
    }
}

prop_compose! {
    fn lane()(
        transport in prop::sample::select(Transport::ALL.to_vec()),
        sub in text(),
        outside in any::<bool>(),
    ) -> Lane {
        Lane { sub, transport, outside }
    }
}

prop_compose! {
    fn published(far_us: i64)(id in id(far_us), at_us in time(far_us), life in 0u32..3) -> Published {
        Published { id, at_us, life }
    }
}

prop_compose! {
    fn tally()(
        (arrivals, refused, open) in prop_oneof![
            3 => (0u32..300, 0u32..300, 0u32..300),
            1 => (any::<u32>(), any::<u32>(), any::<u32>()),
        ],
        (staleness_p50_us, staleness_p99_us) in any::<(Option<u32>, Option<u32>)>(),
    ) -> Tally {
        Tally { arrivals, refused, open, staleness_p50_us, staleness_p99_us, ..Tally::default() }
    }
}

prop_compose! {
    fn crowd(far_us: i64)(
        row in 0u16..6,
        clients in prop_oneof![0u32..300, any::<u32>()],
        from_us in time(far_us),
        tallies in vec(tally(), 0..120),
    ) -> CrowdRun {
        let lane = LaneSpec::default_for(Transport::Sse);
        CrowdRun { row, lane, clients, from_us, tallies, costs: Vec::new() }
    }
}

prop_compose! {
    /// In order as a trace promises, or not.
    fn trace(far_us: i64)(
        lanes in vec(lane(), 0..6),
        mut published in vec(published(far_us), 0..60),
        mut messages in vec(message(far_us), 0..60),
        spans in vec(span(far_us), 0..20),
        marks in vec(mark(far_us), 0..20),
        (latency_ms, jitter_ms) in prop_oneof![Just((100, 0)), (0u32..6_000, 0u32..6_000)],
        in_order in prop::bool::weighted(0.8),
        until_us in time(far_us),
        (clients, crowd) in (prop::sample::select(vec![1u32, 2, 200, u32::MAX]), vec(crowd(far_us), 0..5)),
    ) -> Trace {
        if in_order {
            published.sort_by_key(|event| event.at_us);
            messages.sort_by_key(Message::first_us);
        }
        let mut trace = sample::trace();
        trace.scenario.conditions.latency_ms = latency_ms;
        trace.scenario.conditions.jitter_ms = jitter_ms;
        trace.scenario.clients = clients;
        Trace { lanes, published, messages, spans, marks, crowd, until_us, ..trace }
    }
}

prop_compose! {
    fn view(far_us: i64)(
        (from_us, to_us) in prop_oneof![
            3 => (0i64..9_000_000, 1i64..12_000_000).prop_map(|(from, span)| (from, from + span)),
            1 => (time(far_us), time(far_us)),
        ],
        now_us in time(far_us),
        (width, narrow) in prop_oneof![
            3 => Just((750.0, false)),
            3 => Just((330.0, true)),
            1 => (prop::num::f32::ANY, any::<bool>()),
        ],
        labels in any::<bool>(),
        selected in prop::option::of(id(far_us)),
        message in prop::option::of(id(far_us)),
        crowd in prop::option::of((0u16..7, time(far_us))),
        cursor_us in prop::option::of(time(far_us)),
        density in prop::sample::select(vec![Density::Auto, Density::Off]),
    ) -> View {
        View { from_us, to_us, now_us, width, narrow, labels, selected, message, crowd, cursor_us, density }
    }
}

fn points(shape: &Shape) -> Vec<(f32, f32)> {
    match *shape {
        Shape::Line { x1, y1, x2, y2, .. } => vec![(x1, y1), (x2, y2)],
        Shape::Rect { x, y, w, h, .. } => vec![(x, y), (x + w, y + h)],
        Shape::Circle { x, y, .. } | Shape::Cross { x, y, .. } | Shape::Text { x, y, .. } => vec![(x, y)],
    }
}

proptest! {
    #[test]
    fn a_picture_always_comes_out_and_all_of_it_lies_inside(trace in trace(FAR_US), view in view(FAR_US)) {
        let drawn = figure(&trace, &view);
        for shape in &drawn.shapes {
            for (x, y) in points(shape) {
                prop_assert!(
                    (-0.1..=drawn.width + 0.1).contains(&x) && (-0.1..=drawn.height + 0.1).contains(&y),
                    "{shape:?} of {} x {}", drawn.width, drawn.height
                );
            }
        }
        prop_assert_eq!(&figure(&trace, &view), &drawn, "the same trace, another picture");
        let svg = svg(&drawn, &describe(&trace));
        prop_assert!(!svg.contains('\n') && !svg.contains("NaN"));
        let _ = say(&trace, &view);
        let _ = hit(&trace, &view, 300.0, 80.0);
        let _ = hit(&trace, &view, 300.0, 140.0);
        let _ = say_message(&trace, 3);
    }

    #[test]
    fn the_small_picture_always_comes_out_and_all_of_it_lies_inside(trace in trace(FAR_US), view in view(FAR_US)) {
        let (drawn, lanes) = (timeline(&trace, &view), figure(&trace, &view));
        prop_assert_eq!((drawn.width, drawn.plot_x, drawn.plot_w), (lanes.width, lanes.plot_x, lanes.plot_w));
        for shape in &drawn.shapes {
            for (x, y) in points(shape) {
                prop_assert!(
                    (-0.1..=drawn.width + 0.1).contains(&x) && (-0.1..=drawn.height + 0.1).contains(&y),
                    "{shape:?} of {} x {}", drawn.width, drawn.height
                );
            }
        }
    }

    /// Times and ids to the end of their types. Without labels: those show sums of them.
    #[test]
    fn no_time_is_too_far(trace in trace(i64::MAX), view in view(i64::MAX)) {
        let drawn = figure(&trace, &View { labels: false, ..view.clone() });
        prop_assert!(drawn.shapes.iter().flat_map(points).all(|(x, y)| x.is_finite() && y.is_finite()));
        let _ = say(&trace, &view);
        let _ = hit(&trace, &view, 300.0, 80.0);
        let _ = hit(&trace, &view, 300.0, 140.0);
        let _ = say_message(&trace, 3);
        let small = timeline(&trace, &view);
        prop_assert!(small.shapes.iter().flat_map(points).all(|(x, y)| x.is_finite() && y.is_finite()));
    }

    /// A page asks for stretches that lie beside the plot, too.
    #[test]
    fn a_stretch_always_comes_out(
        trace in trace(i64::MAX),
        view in view(i64::MAX),
        from_x in -600f32..1_200.0,
        width in 0f32..600.0,
    ) {
        let index = Index::of(&trace);
        let layers = Layers::new(&trace, &index, &view);
        let shapes = layers.stretch(from_x, from_x + width);
        prop_assert!(shapes.iter().flat_map(points).all(|(x, y)| x.is_finite() && y.is_finite()));
        prop_assert_eq!(layers.stretch(from_x, from_x + width), shapes);
        let (from_us, to_us) = (layers.us_at(from_x), layers.us_at(from_x + width));
        prop_assert_eq!(layers.digest(from_us, to_us), layers.digest(from_us, to_us));
    }

    #[test]
    fn the_height_is_known_before_anything_happened(trace in trace(FAR_US), view in view(FAR_US)) {
        let mut empty = trace.clone();
        empty.published.clear();
        empty.messages.clear();
        empty.spans.clear();
        empty.marks.clear();
        empty.crowd.clear();
        let (before, after) = (figure(&empty, &view), figure(&trace, &view));
        prop_assert_eq!((before.height, before.plot_x, before.plot_w), (after.height, after.plot_x, after.plot_w));
        prop_assert_eq!(before.lanes, after.lanes);
    }

    #[test]
    fn notes_never_touch_each_other(trace in trace(FAR_US), mut view in view(FAR_US)) {
        view.width = if view.narrow { 330.0 } else { 750.0 };
        let drawn = figure(&trace, &view);
        let notes: Vec<(f32, f32, &str)> = drawn.shapes.iter().filter_map(|shape| match shape {
            Shape::Text { x, y, size: 10.5, anchor: Anchor::Start, text, .. } => Some((*x, *y, text.as_str())),
            _ => None,
        }).collect();
        for (i, &(x, y, text)) in notes.iter().enumerate() {
            for &(other_x, other_y, other) in &notes[i + 1..] {
                if (y - other_y).abs() < 11.0 {
                    // No text is narrower than this.
                    let (left, right, first) = if x < other_x { (x, other_x, text) } else { (other_x, x, other) };
                    let least = 10.5 * 0.22 * first.chars().count() as f32;
                    prop_assert!(left + least < right, "{text:?} at {x} and {other:?} at {other_x}, {y}");
                }
            }
        }
    }
}
