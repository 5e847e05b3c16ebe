//! The crowd of a lane: the others of its kind, in a band below it.

use standby_figure::{Figure, Hit, Ink, Shape, View, describe, figure, hit, say, svg};
use standby_trace::scenario::Crowd;
use standby_trace::{Source, Trace};

use crate::sample::{self, company};

fn trace() -> Trace {
    company::trace(sample::trace())
}

/// The band's height, in pixels.
const BAND: f32 = 18.0;
/// A tally's width, in pixels: of eight seconds in 612.
const TALLY: f32 = 612.0 / 80.0;

/// The bars of one ink in a lane's band: left, width, and how far above its base they begin and end.
fn bars(figure: &Figure, lane: usize, ink: Ink) -> Vec<[f32; 4]> {
    let base = figure.lanes[lane].crowd_y.unwrap_or(f32::NAN);
    let of_ink = figure.shapes.iter().filter_map(|shape| match *shape {
        Shape::Rect { x, y, w, h, ink: of } if of == ink && (base - BAND - 0.1..base).contains(&y) => {
            Some([x, w, base - y - h, base - y])
        }
        _ => None,
    });
    of_ink.collect()
}

fn text(figure: &Figure, wanted: &str) -> Vec<(f32, f32)> {
    let texts = figure.shapes.iter().filter_map(|shape| match shape {
        Shape::Text { x, y, text, .. } if text == wanted => Some((*x, *y)),
        _ => None,
    });
    texts.collect()
}

fn near(a: f32, b: f32) -> bool {
    (a - b).abs() < 0.05
}

fn said(trace: &Trace, view: &View) -> String {
    say(trace, view).into_iter().map(|words| words.text).collect()
}

#[test]
fn a_lane_that_is_alone_has_no_band_and_neither_has_a_herd() {
    let alone = figure(&sample::trace(), &View::default());
    let mut herd = trace();
    herd.scenario.crowd = Some(Crowd { capacity_s: 900, backlog: 128, in_phase: false, servers: Vec::new() });
    let mut one = trace();
    one.scenario.clients = 1;
    for trace in [&herd, &one] {
        let figure = figure(trace, &View::default());
        assert_eq!((figure.height, &figure.lanes), (alone.height, &alone.lanes));
        assert!(figure.lanes.iter().all(|lane| lane.crowd_y.is_none()));
        assert!(svg(&figure, "").matches("sb-herd").next().is_none());
        assert!(!describe(trace).contains("more"), "{}", describe(trace));
        assert!(!matches!(hit(trace, &View::default(), 300.0, 140.0), Some(Hit::Crowd { .. })));
    }
}

#[test]
fn a_band_makes_room_for_itself_within_its_lane() {
    for (narrow, more) in [(false, 24.0), (true, 36.0)] {
        let view = View { narrow, ..View::default() };
        let (alone, company) = (figure(&sample::trace(), &view), figure(&trace(), &view));
        assert!(near(company.height, alone.height + 4.0 * more));
        for (i, lane) in company.lanes.iter().enumerate() {
            assert!(near(lane.server_y, alone.lanes[i].server_y + more * i as f32));
            let base = lane.crowd_y.unwrap();
            // Two lines of notes stand within 29 pixels of the rail.
            assert!(base - BAND > lane.client_y + 29.0 && base < lane.bottom);
        }
    }
    let mut trace = trace();
    trace.lanes[3].outside = true;
    let figure = figure(&trace, &View::default());
    assert_eq!(figure.lanes[3].crowd_y, None, "nobody knows of others of someone elsewhere");
}

#[test]
fn the_lanes_own_messages_are_the_same_with_a_crowd() {
    let messages = |trace: &Trace| {
        let figure = figure(trace, &View::default());
        let arrows = figure.shapes.iter().filter_map(|shape| match *shape {
            Shape::Line { x1, x2, arrow: true, ink, .. } => Some((x1, x2, ink)),
            _ => None,
        });
        arrows.collect::<Vec<_>>()
    };
    assert_eq!(messages(&trace()), messages(&sample::trace()));
}

#[test]
fn open_connections_are_an_area_as_high_as_they_are_many() {
    let figure = figure(&trace(), &View::default());
    let areas = bars(&figure, 2, Ink::Held);
    assert!(near(areas[0][0], 128.0 + 612.0 * 0.25 / 8.0));
    assert!(near(areas[0][1], 42.0 * TALLY), "4.2 s all are there: one area");
    assert!(near(areas[0][3], BAND));
    // Nobody is there within a tenth of a second.
    assert!(near(areas[1][0], areas[0][0] + 43.0 * TALLY));
    assert!(near(areas[1][3], BAND * 10.0 / 199.0));
    assert_eq!(bars(&figure, 0, Ink::Held), [] as [[f32; 4]; 0], "a poller holds nothing");
}

#[test]
fn who_comes_is_a_bar_and_who_is_turned_away_is_a_stripe_on_it() {
    let figure = figure(&trace(), &View::default());
    let let_in = bars(&figure, 2, Ink::LetIn);
    assert!(near(let_in[0][1], TALLY) && near(let_in[0][3], BAND), "all at once");
    let (taken, came) = (BAND * (10.0f32 / 199.0).sqrt(), BAND * (60.0f32 / 199.0).sqrt());
    assert!(near(let_in[1][3], taken), "ten a tenth of a second, in one with those after them");
    let away = bars(&figure, 2, Ink::TurnedAway);
    assert_eq!(away.len(), 5);
    for (i, [x, w, from, to]) in away.into_iter().enumerate() {
        assert!(near(w, TALLY * 0.55));
        assert!(near(x + w / 2.0, let_in[1][0] + (i as f32 + 0.5) * TALLY), "in the middle of its tally");
        assert!(near(from, taken) && near(to, came));
    }
    // One alone is to be seen, too, also where all of the band is taken.
    let mut trace = trace();
    trace.crowd[2].tallies[20].arrivals = 1;
    trace.crowd[2].tallies[0].refused = 1;
    let figure = standby_figure::figure(&trace, &View::default());
    assert!(near(bars(&figure, 2, Ink::LetIn)[1][3], 1.5));
    let [_, _, from, to] = bars(&figure, 2, Ink::TurnedAway)[0];
    assert!(near(from, BAND - 1.5) && near(to, BAND));
}

#[test]
fn far_out_tallies_are_summed_up_and_all_of_them_are_still_there() {
    let trace = trace();
    // Thirty seconds in 612 pixels: two tallies a column.
    let far = View { to_us: 30_000_000, now_us: 30_000_000, ..View::default() };
    let away = bars(&figure(&trace, &far), 2, Ink::TurnedAway);
    assert!(away.iter().all(|[_, w, ..]| *w >= 1.2), "a stripe is still to be seen: {away:?}");
    let mut turned_away = 0;
    let mut at_us = 200_000;
    while at_us < 8_000_000 {
        let words = said(&trace, &View { crowd: Some((2, at_us)), ..far.clone() });
        turned_away += words
            .split(" turned away")
            .next()
            .and_then(|before| before.rsplit(' ').next()?.parse::<u32>().ok())
            .unwrap_or(0);
        at_us += 200_000;
    }
    assert_eq!(turned_away, 250);
    // Where the view is scrolled to makes no difference to what is together.
    let hit = |from_us, x| {
        let view = View { from_us, to_us: from_us + 30_000_000, ..far.clone() };
        standby_figure::hit(&trace, &view, x, figure(&trace, &view).lanes[2].crowd_y.unwrap() - 5.0)
    };
    let at = |from_us: i64, us: i64| 128.0 + (us - from_us) as f32 / 30e6 * 612.0;
    assert!(hit(0, at(0, 4_700_000)).is_some());
    assert_eq!(hit(0, at(0, 4_700_000)), hit(1_100_000, at(1_100_000, 4_700_000)));
}

#[test]
fn nothing_of_a_crowd_is_shown_before_it_is_known() {
    let trace = trace();
    let view = View { now_us: 4_690_000, ..View::default() };
    let figure = figure(&trace, &view);
    assert_eq!(bars(&figure, 2, Ink::TurnedAway).len(), 1, "the second tally ends at 4.75 s");
    let known = 128.0 + 612.0 * 4.69 / 8.0;
    for ink in [Ink::Held, Ink::LetIn, Ink::TurnedAway] {
        assert!(bars(&figure, 2, ink).iter().all(|[x, w, ..]| x + w <= known + 0.01));
    }
}

#[test]
fn a_later_run_takes_the_place_of_an_earlier_one() {
    let mut trace = trace();
    let mut again = trace.crowd[2].clone();
    again.from_us = 4_250_000;
    again.clients = 50;
    again.tallies.truncate(10);
    trace.crowd.push(again);
    let figure = figure(&trace, &View::default());
    assert_eq!(bars(&figure, 2, Ink::TurnedAway).len(), 0, "those were to come later");
    assert_eq!((text(&figure, "199 more").len(), text(&figure, "50 more").len()), (3, 1));
}

#[test]
fn a_band_says_how_many_they_are_and_where_they_are_not() {
    let mut trace = trace();
    for narrow in [false, true] {
        let figure = figure(&trace, &View { narrow, labels: false, ..View::default() });
        let labels = text(&figure, "199 more");
        assert_eq!(labels.len(), 4);
        for ((x, y), lane) in labels.into_iter().zip(&figure.lanes) {
            let base = lane.crowd_y.unwrap();
            let stands = if narrow { base - BAND - 12.0..base - BAND } else { base - BAND..base };
            assert!(x == 0.0 && stands.contains(&y), "{y} at {base}");
        }
    }
    // The model has the lanes' own clients only.
    trace.source = Source::Simulated;
    trace.crowd.clear();
    assert_eq!(text(&figure(&trace, &View::default()), "199 more, live only").len(), 4);
    assert!(!describe(&trace).contains("more"));
}

#[test]
fn a_band_can_be_pointed_at_and_says_what_happened() {
    let trace = trace();
    let view = View::default();
    let lanes = figure(&trace, &view).lanes;
    let x = |us: f32| 128.0 + 612.0 * us / 8e6;
    // Three pixels beside the band still mean it: 24 in all.
    for aside in [2.5, -BAND - 2.5] {
        let y = lanes[2].crowd_y.unwrap() + aside;
        let pointed = hit(&trace, &view, x(4_800_000.0), y);
        assert_eq!(pointed, Some(Hit::Crowd { lane: 2, at_us: 4_750_000 }));
        assert_eq!(hit(&trace, &view, x(4_845_000.0), y), pointed, "it is the same column");
    }
    let y = lanes[1].crowd_y.unwrap() - 9.0;
    assert!(!matches!(hit(&trace, &view, x(100_000.0), y), Some(Hit::Crowd { .. })), "not there yet");
    let at = |lane, us| said(&trace, &View { crowd: Some((lane, us)), ..View::default() });
    assert_eq!(at(2, 4_750_000), "199 more at 4.8 s: 30 connected, 60 came, 50 turned away.");
    assert_eq!(
        at(2, 1_450_000),
        "199 more at 1.5 s: 199 connected, 0 came, 0 turned away; news 101 ms old at the median, 130 ms at p99."
    );
    assert!(at(1, 1_000_000).starts_with("199 more at 1.0 s: 199 held, 0 came"), "{}", at(1, 1_000_000));
    assert!(at(0, 1_000_000).starts_with("199 more at 1.0 s: 20 came, 0 turned away; news 480 ms old"));
    assert_eq!(at(9, 1_000_000), "");
    // What is pointed at is marked.
    let marked = figure(&trace, &View { crowd: Some((2, 4_750_000)), ..View::default() });
    let base = lanes[2].crowd_y.unwrap();
    assert!(marked.shapes.iter().any(|shape| {
        matches!(*shape, Shape::Line { ink: Ink::Cursor, x1, y2, .. } if y2 == base && near(x1, x(4_800_000.0)))
    }));
}

#[test]
fn the_cursor_tells_of_all_crowds_where_it_stands() {
    let trace = trace();
    let words = said(&trace, &View { cursor_us: Some(4_800_000), ..View::default() });
    assert!(
        words.ends_with(
            " The others at 4.8 s: the poller 20 came; the long poll 199 held; the socket 30 connected, 60 \
             came, 50 turned away; the stream 30 connected, 60 came, 50 turned away."
        ),
        "{words}"
    );
    let calm = said(&sample::trace(), &View { cursor_us: Some(4_800_000), ..View::default() });
    assert!(!calm.contains("others"), "{calm}");
}

#[test]
fn the_text_alternative_holds_the_crowds() {
    let words = describe(&trace());
    assert!(
        words.contains(
            " WebSocket: 2 requests, 6 events delivered, 100 ms old on arrival (median), cut and back once. \
             Beside it 199 more: 649 came, 250 turned away, 199 connected at the end; news at worst 101 ms \
             old at the median, 130 ms at p99."
        ),
        "{words}"
    );
}
