//! The picture of known traces, held against the design's measures.

use standby_figure::{Figure, Hit, Ink, LaneBox, Shape, View, Weight, figure, hit, svg};
use standby_trace::{Moment, Trace};

use crate::sample;

fn wide(trace: &Trace) -> View {
    View { now_us: trace.until_us, ..View::default() }
}

fn narrow(trace: &Trace) -> View {
    View { width: 330.0, narrow: true, ..wide(trace) }
}

fn near(a: f32, b: f32) -> bool {
    (a - b).abs() < 0.1
}

/// Whether there is such a line, in a tenth of a pixel.
fn has_line(figure: &Figure, ink: Ink, ends: [f32; 4]) -> bool {
    lines(figure, ink).iter().any(|(line, ..)| line.iter().zip(ends).all(|(&a, b)| near(a, b)))
}

fn lines(figure: &Figure, of: Ink) -> Vec<([f32; 4], bool, Weight)> {
    let lines = figure.shapes.iter().filter_map(|shape| match *shape {
        Shape::Line { x1, y1, x2, y2, arrow, ink, weight } if ink == of => {
            Some(([x1, y1, x2, y2], arrow, weight))
        }
        _ => None,
    });
    lines.collect()
}

fn rects(figure: &Figure, of: Ink) -> Vec<[f32; 4]> {
    let rects = figure.shapes.iter().filter_map(|shape| match *shape {
        Shape::Rect { x, y, w, h, ink } if ink == of => Some([x, y, w, h]),
        _ => None,
    });
    rects.collect()
}

fn has_rect(figure: &Figure, ink: Ink, rect: [f32; 4]) -> bool {
    rects(figure, ink).iter().any(|other| other.iter().zip(rect).all(|(&a, b)| near(a, b)))
}

/// Every text with its place.
fn texts(figure: &Figure) -> Vec<(&str, f32, f32)> {
    let texts = figure.shapes.iter().filter_map(|shape| match shape {
        Shape::Text { x, y, text, .. } => Some((text.as_str(), *x, *y)),
        _ => None,
    });
    texts.collect()
}

fn at(figure: &Figure, text: &str) -> (f32, f32) {
    let found = texts(figure).into_iter().find(|(other, ..)| *other == text);
    found.map_or_else(|| panic!("no {text:?} in {:?}", texts(figure)), |(_, x, y)| (x, y))
}

#[test]
fn the_calm_trace_has_the_designs_measures() {
    let trace = sample::trace();
    let figure = figure(&trace, &wide(&trace));
    assert_eq!((figure.width, figure.height, figure.plot_x, figure.plot_w), (750.0, 456.0, 128.0, 612.0));
    let rails: Vec<_> = figure.lanes.iter().map(|lane| (lane.server_y, lane.client_y)).collect();
    assert_eq!(rails, [(56.0, 96.0), (152.0, 192.0), (248.0, 288.0), (344.0, 384.0)]);

    // The poller's third request, and what it brought.
    assert!(has_line(&figure, Ink::Request, [296.3, 96.0, 304.0, 56.0]));
    assert!(has_line(&figure, Ink::News, [304.0, 56.0, 311.6, 96.0]));
    assert!(has_line(&figure, Ink::Empty, [380.5, 56.0, 388.1, 96.0]));
    // The long poll's third hold, and the time that is up.
    assert!(has_rect(&figure, Ink::Held, [258.1, 152.0, 126.2, 40.0]));
    assert!(has_line(&figure, Ink::Empty, [560.2, 152.0, 567.9, 192.0]));
    // It holds until the end of what is known.
    assert!(has_rect(&figure, Ink::Held, [678.8, 152.0, 61.2, 40.0]));
    // The socket: opened, sent on, cut, waited for, and opened again.
    assert!(has_line(&figure, Ink::Open, [150.9, 248.0, 158.6, 288.0]));
    assert!(has_line(&figure, Ink::Client, [319.2, 288.0, 326.9, 248.0]));
    assert!(figure.shapes.contains(&Shape::Cross { x: 464.6, y: 268.0, r: 5.0, ink: Ink::Fault }));
    assert!(has_rect(&figure, Ink::Waiting, [464.6, 248.0, 68.9, 40.0]));
    assert!(has_rect(&figure, Ink::Held, [541.1, 248.0, 198.9, 40.0]));
    // The stream's replay.
    assert!(has_rect(&figure, Ink::Waiting, [365.2, 344.0, 114.8, 40.0]));
    assert!(has_line(&figure, Ink::News, [489.8, 344.0, 497.5, 384.0]));
    // Staleness: each event in each lane, from published until delivered.
    assert_eq!(lines(&figure, Ink::Stale).len(), 24);
    assert!(has_line(&figure, Ink::Stale, [196.9, 51.5, 235.1, 51.5]));
    assert!(has_line(&figure, Ink::Stale, [384.3, 339.5, 497.5, 339.5]));
    // Threads and the axis.
    assert!(has_line(&figure, Ink::Thread, [196.9, 22.0, 196.9, 420.0]));
    assert!(has_line(&figure, Ink::Grid, [204.5, 36.0, 204.5, 430.0]));
    assert_eq!(at(&figure, "8 s"), (740.0, 446.0));
}

#[test]
fn words_stand_where_a_thing_first_happens() {
    let trace = sample::trace();
    let figure = figure(&trace, &wide(&trace));
    for (text, x, y) in [
        ("published", 120.0, 21.5),
        ("Short polling", 0.0, 61.0),
        ("asks every 1.0 s", 0.0, 78.0),
        ("held up to 1.7 s", 0.0, 174.0),
        ("reconnect full jitter", 0.0, 270.0),
        ("retry 1.5 s", 0.0, 366.0),
        ("server", 740.0, 52.0),
        ("client", 740.0, 108.0),
        ("asks: nothing new", 137.3, 109.0),
        ("event 1 is 500 ms old when it gets here", 196.9, 46.0),
        ("the server holds it", 284.1, 176.0),
        ("the client sends, too", 282.7, 301.0),
        ("Last-Event-ID: k3f9:2 → 3, 4 replayed", 505.3, 397.0),
    ] {
        let (found_x, found_y) = at(&figure, text);
        assert!(near(found_x, x) && near(found_y, y), "{text}: {found_x}, {found_y}");
    }
    let _ = (at(&figure, "your code waits 0.9 s"), at(&figure, "the browser waits 1.5 s"));
    let of = |text: &str| texts(&figure).iter().filter(|(other, ..)| *other == text).count();
    assert_eq!(of("asks: nothing new"), 1);
    assert_eq!((of("500 ms"), of("100 ms")), (1, 3), "how old each lane's news is");
}

#[test]
fn a_live_picture_leaves_the_labels_to_the_page() {
    let trace = sample::trace();
    let live = figure(&trace, &View { labels: false, ..wide(&trace) });
    assert!(texts(&live).iter().all(|(_, x, _)| *x >= 120.0), "{:?}", texts(&live));
    let fixed = figure(&trace, &wide(&trace));
    assert_eq!((live.height, live.lanes), (fixed.height, fixed.lanes));
}

#[test]
fn on_a_phone_labels_stand_above_the_rails() {
    let trace = sample::trace();
    let figure = figure(&trace, &narrow(&trace));
    let first = LaneBox { top: 42.0, server_y: 72.0, client_y: 112.0, crowd_y: None, bottom: 148.0 };
    assert_eq!((figure.lanes[0], figure.plot_w), (first, 328.0));
    assert!(near(at(&figure, "Short polling").1, 57.5));
    let _ = (at(&figure, "you wait 0.9 s"), at(&figure, "browser waits 1.5 s"));
    assert!(texts(&figure).iter().all(|(text, ..)| !text.contains("your code")));
}

#[test]
fn everything_of_the_selected_event_stands_out() {
    let trace = sample::trace();
    let figure = figure(&trace, &View { selected: Some(5), ..wide(&trace) });
    for ink in [Ink::Thread, Ink::News, Ink::Stale] {
        let selected = lines(&figure, ink).into_iter().filter(|(.., weight)| *weight == Weight::Selected);
        assert_eq!(selected.count(), if ink == Ink::Thread { 1 } else { 4 }, "{ink:?}");
    }
    assert!(
        figure.shapes.iter().any(|shape| matches!(
            shape,
            Shape::Circle { r: 7.5, filled: true, weight: Weight::Selected, .. }
        ))
    );
}

#[test]
fn nothing_is_drawn_right_of_now() {
    let trace = sample::trace();
    for now_us in (0..8_000_000).step_by(37_000) {
        let figure = figure(&trace, &View { now_us, ..wide(&trace) });
        let now_x = 128.0 + 612.0 * now_us as f32 / 8_000_000.0 + 0.1;
        for shape in &figure.shapes {
            let right = match *shape {
                Shape::Line { ink: Ink::Grid | Ink::Rail, .. } | Shape::Text { .. } => continue,
                Shape::Line { x1, x2, .. } => x1.max(x2),
                Shape::Rect { x, w, .. } => x + w,
                Shape::Circle { x, .. } | Shape::Cross { x, .. } => x,
            };
            assert!(right <= now_x, "at {now_us}: {shape:?}");
        }
    }
}

#[test]
fn a_message_whose_other_end_is_not_known_is_under_way() {
    let mut trace = sample::trace();
    let last = trace.messages.iter_mut().rfind(|message| message.lane == 0).unwrap();
    last.client = None;
    // Sent at 7.3 s; a way takes 100 ms by the conditions.
    let at = |now_us| figure(&trace, &View { now_us, ..wide(&trace) });
    let (end, arrow, weight) =
        *lines(&at(7_350_000), Ink::News).iter().find(|line| line.0[1] == 56.0 && line.0[0] > 680.0).unwrap();
    assert!(near(end[2], 690.3) && near(end[3], 76.0), "half-way down: {end:?}");
    assert!(arrow && weight == Weight::Normal);
    let end = lines(&at(7_420_000), Ink::News);
    let end = end.iter().find(|line| line.0[1] == 56.0 && line.0[0] > 680.0).unwrap();
    assert!(near(end.0[2], 694.1) && near(end.0[3], 96.0), "it waits where it aims: {end:?}");
    let overdue = lines(&at(7_900_000), Ink::News);
    let overdue = overdue.iter().find(|line| line.0[1] == 56.0 && line.0[0] > 680.0).unwrap();
    assert_eq!(overdue.2, Weight::Inferred, "nobody has seen it arrive");
    // And its news is still missing there.
    assert!(has_line(&at(7_900_000), Ink::Stale, [663.5, 51.5, 732.3, 51.5]));
}

#[test]
fn an_inferred_end_is_drawn_as_one() {
    let mut trace = sample::trace();
    trace.messages[0].client = Some(Moment::inferred(200_000));
    let figure = figure(&trace, &wide(&trace));
    assert_eq!(lines(&figure, Ink::Request)[0].2, Weight::Inferred);
}

#[test]
fn what_goes_wrong_is_drawn_as_such() {
    let trace = sample::rough::trace(sample::trace());
    let figure = figure(&trace, &wide(&trace));
    for text in [
        "refused: 503",
        "the browser sends it again",
        "the server asked to wait 2.0 s",
        "gap: 3–5 are gone",
        "new life: p2x8",
        "the browser gave up: 503",
        "dropped all connections",
        "server back <b>",
        "curl",
        "outside",
    ] {
        at(&figure, text);
    }
    // Lost half-way up: a small cross.
    assert!(figure.shapes.iter().any(|shape| matches!(shape, Shape::Cross { r: 3.5, y: 172.0, .. })));
    // A fault is at work: every server rail is red.
    assert_eq!(lines(&figure, Ink::Fault).iter().filter(|line| line.0[1] == line.0[3]).count(), 5);
    assert!(lines(&figure, Ink::Browser).iter().any(|line| line.2 == Weight::Inferred));
    // The gap ends the staleness of what will never come; the stream that gave up stays stale.
    assert!(has_line(&figure, Ink::Stale, [163.2, 243.5, 244.3, 243.5]), "{:?}", lines(&figure, Ink::Stale));
    let end = 128.0 + 612.0 * 7.05 / 8.0;
    assert!(lines(&figure, Ink::Stale).iter().any(|line| near(line.0[1], 339.5) && near(line.0[2], end)));
}

#[test]
fn where_circles_would_touch_the_later_event_is_a_dot() {
    let trace = sample::rough::trace(sample::trace());
    let figure = figure(&trace, &wide(&trace));
    let mut right = f32::MIN;
    let (mut circles, mut dots) = (0, 0);
    for shape in &figure.shapes {
        if let Shape::Circle { x, y, r, ink: Ink::News, .. } = *shape {
            if y == 18.0 {
                assert!(x - r >= right, "{x} touches {right}");
                (right, circles) = (x + r, circles + 1);
            } else if y < 36.0 {
                dots += 1;
            }
        }
    }
    assert_eq!((circles, dots), (7, 4));
}

#[test]
fn a_crowded_event_has_its_number_while_it_is_pointed_at() {
    let trace = sample::rough::trace(sample::trace());
    // What is painted last is what is seen.
    let number = |selected| {
        let mut seen: Vec<(String, f32)> = Vec::new();
        for shape in figure(&trace, &View { selected, ..wide(&trace) }).shapes {
            match shape {
                Shape::Text { x, y, text, .. } if near(y, 21.4) => seen.push((text, x)),
                Shape::Circle { x, y: 18.0, r, filled: true, .. } => {
                    seen.retain(|(_, other)| (other - x).abs() > r);
                }
                _ => {}
            }
        }
        seen.sort_by(|a, b| a.1.total_cmp(&b.1));
        seen.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(number(None), "1 4 6 8 1 2 3");
    assert_eq!(number(Some(7)), "1 4 7 8 1 2 3");
}

#[test]
fn who_left_from_outside_is_owed_nothing() {
    let trace = sample::rough::trace(sample::trace());
    let figure = figure(&trace, &wide(&trace));
    let after_it_left = 128.0 + 612.0 * 2.7 / 8.0 + 1.0;
    let curl_y = figure.lanes[4].server_y - 4.5;
    let bars = lines(&figure, Ink::Stale).into_iter().filter(|line| line.0[1] == curl_y);
    let right = bars.map(|line| line.0[2]).fold(0.0, f32::max);
    assert!(right > 330.0 && right < after_it_left, "{right}");
}

/// The message that brought an event to a lane.
fn message_of(trace: &Trace, lane: u16, event: u64) -> Hit {
    let at = trace.messages.iter().position(|m| m.lane == lane && m.events.contains(&event));
    Hit::Message(at.map_or(u64::MAX, |at| trace.before + at as u64))
}

#[test]
fn a_point_means_the_nearest_event() {
    let trace = sample::trace();
    let view = wide(&trace);
    let poller = message_of(&trace, 0, 5);
    let later = message_of(&trace, 3, 4);
    assert_eq!(hit(&trace, &view, 196.9, 18.0), Some(Hit::Event(1)), "its circle");
    assert_eq!(hit(&trace, &view, 205.0, 130.0), Some(Hit::Event(1)), "its thread");
    assert_eq!(hit(&trace, &view, 614.0, 80.0), Some(poller), "the poller's answer, far from the thread");
    assert_eq!(hit(&trace, &view, 500.5, 376.0), Some(later), "the later of two messages close by");
    assert_eq!(hit(&trace, &view, 300.0, 130.0), None, "nothing is near");
    assert_eq!(hit(&trace, &view, f32::NAN, 18.0), None);
    assert_eq!(hit(&trace, &View { now_us: 800_000, ..view }, 196.9, 18.0), None, "not published yet");
}

#[test]
fn the_svg_can_stand_in_markdown() {
    let trace = sample::rough::trace(sample::trace());
    let svg = svg(&figure(&trace, &wide(&trace)), "a trace");
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"));
    assert!(!svg.contains('\n') && !svg.contains(" id=") && !svg.contains("url(") && !svg.contains("<b>"));
    assert!(!svg.contains("NaN") && !svg.contains("inf,"));
}

/// The calm trace, again and again.
fn repeated(times: i64) -> Trace {
    let calm = sample::trace();
    let mut trace = sample::trace();
    for round in 1..times {
        let later_us = round * 8_000_000;
        let later = |moment: &mut Moment| moment.at_us += later_us;
        let ids = calm.published.len() as u64 * round as u64;
        trace.published.extend(calm.published.iter().copied().map(|mut event| {
            event.at_us += later_us;
            event.id += ids;
            event
        }));
        trace.messages.extend(calm.messages.iter().cloned().map(|mut message| {
            message.client.iter_mut().chain(&mut message.server).for_each(later);
            message.events.iter_mut().for_each(|id| *id += ids);
            message
        }));
        trace.spans.extend(calm.spans.iter().cloned().map(|mut span| {
            later(&mut span.from);
            span.to.iter_mut().for_each(later);
            span
        }));
        trace.marks.extend(calm.marks.iter().cloned().map(|mut mark| {
            later(&mut mark.at);
            mark
        }));
    }
    // What lasts to the end of one round ends there.
    for span in &mut trace.spans {
        let round_end_us = (span.from.at_us / 8_000_000 + 1) * 8_000_000;
        span.to.get_or_insert(Moment::measured(round_end_us));
    }
    trace.until_us = times * 8_000_000;
    trace
}

/// A note comes when its reason does, moves with the picture, and goes at the left end: it does not
/// come and go in between. The sums of this test are over a live run that scrolls.
#[test]
fn notes_do_not_flicker_while_the_view_scrolls() {
    const STEP_US: i64 = 50_000;
    let trace = repeated(4);
    for (width, is_narrow) in [(750.0, false), (330.0, true)] {
        let mut before: Vec<(String, f32, f32)> = Vec::new();
        let mut came = 0;
        for now_us in (8_000_000..trace.until_us).step_by(STEP_US as usize) {
            let view = View {
                from_us: now_us - 8_000_000,
                to_us: now_us,
                now_us,
                width,
                narrow: is_narrow,
                labels: false,
                ..View::default()
            };
            let figure = figure(&trace, &view);
            let scrolled = figure.plot_w * STEP_US as f32 / 8e6;
            let notes: Vec<(String, f32, f32)> = figure
                .shapes
                .iter()
                .filter_map(|shape| match shape {
                    Shape::Text { x, y, size: 10.5, text, .. } => Some((text.clone(), *x, *y)),
                    _ => None,
                })
                .collect();
            for (text, x, y) in &before {
                // The same, moved; or with its length of time, now that it is known.
                let goes_on = notes.iter().any(|(later, later_x, later_y)| {
                    later.starts_with(text.as_str())
                        && later_y == y
                        && (x - scrolled - 0.5..=x + 0.5).contains(later_x)
                });
                let gone = *x < figure.plot_x + scrolled + 0.5;
                assert!(goes_on || gone, "{text:?} at {x} vanished at {now_us} ({width})");
            }
            came += notes.len().saturating_sub(before.len());
            before = notes;
        }
        assert!(came > 10, "{came} notes came at {width}");
    }
}

#[test]
fn the_cursor_stands_at_its_time() {
    let trace = sample::trace();
    let cursor = |cursor_us| figure(&trace, &View { cursor_us: Some(cursor_us), ..wide(&trace) });
    let at_five = cursor(5_900_000);
    assert!(has_line(&at_five, Ink::Cursor, [579.4, 36.0, 579.4, 430.0]));
    let (x, _) = at(&at_five, "5.90 s");
    assert!(near(x, 579.4), "{x}");
    assert_eq!(lines(&cursor(9_000_000), Ink::Cursor), [], "it is out of view");
}
