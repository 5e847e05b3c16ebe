//! Where messages stand closer than can be told apart.

use standby_figure::{Density, Figure, Hit, Ink, Shape, View, figure, hit, say};

use crate::sample;

fn view() -> View {
    View { labels: false, ..View::default() }
}

/// The bars of counts in the socket's lane: left, width, ink.
fn bars(figure: &Figure) -> Vec<(f32, f32, f32, Ink)> {
    let lane = figure.lanes[2];
    let bars = figure.shapes.iter().filter_map(|shape| match *shape {
        Shape::Rect { x, y, w, h, ink: ink @ (Ink::News | Ink::Empty | Ink::Request) }
            if (lane.server_y..lane.client_y).contains(&y) =>
        {
            Some((x, w, h, ink))
        }
        _ => None,
    });
    bars.collect()
}

fn arrows(figure: &Figure) -> usize {
    let lane = figure.lanes[2];
    let arrows = figure.shapes.iter().filter(|shape| {
        matches!(shape, Shape::Line { arrow: true, y1, .. } if (lane.server_y..=lane.client_y).contains(y1))
    });
    arrows.count()
}

#[test]
fn messages_that_touch_are_counted_and_faults_are_not() {
    let trace = sample::crowd::trace(sample::trace());
    let figure = figure(&trace, &view());
    let bars = bars(&figure);
    assert!(bars.iter().any(|bar| bar.3 == Ink::News) && bars.iter().any(|bar| bar.3 == Ink::Empty));
    let (left, right) = (128.0 + 612.0 * 3.0 / 8.0, 128.0 + 612.0 * 5.0 / 8.0);
    for (x, w, h, _) in &bars {
        assert!((1.0..=2.0).contains(w) && *h > 0.0 && *h < 40.0);
        assert!(*x > left - 2.0 && *x < right + 2.0, "{x}");
    }
    let lane = figure.lanes[2];
    let refused = figure.shapes.iter().any(
        |shape| matches!(shape, Shape::Line { ink: Ink::Fault, y1, arrow: true, .. } if *y1 == lane.server_y),
    );
    let lost = figure.shapes.iter().any(|shape| matches!(shape, Shape::Cross { r: 3.5, .. }));
    assert!(refused && lost);
    assert!(arrows(&figure) < 60, "{}", arrows(&figure));
}

#[test]
fn zooming_in_brings_the_messages_back_and_so_does_density_off() {
    let trace = sample::crowd::trace(sample::trace());
    let near = View { from_us: 3_000_000, to_us: 3_400_000, ..view() };
    assert_eq!(bars(&figure(&trace, &near)), []);
    assert!(arrows(&figure(&trace, &near)) > 150);
    let each = View { density: Density::Off, ..view() };
    assert_eq!(bars(&figure(&trace, &each)), []);
    assert!(arrows(&figure(&trace, &each)) > 990);
}

#[test]
fn a_stretch_looks_the_same_from_wherever_it_is_looked_at() {
    let trace = sample::crowd::trace(sample::trace());
    // Eighty columns to the right: whole pixels, so that the bars can be laid over each other.
    let moved_us = (8e6 / 612.0 * 160.0) as i64;
    let there = View { from_us: moved_us, to_us: moved_us + 8_000_000, ..view() };
    let (here, there) = (bars(&figure(&trace, &view())), bars(&figure(&trace, &there)));
    let mut compared = 0;
    for (x, w, h, ink) in here.iter().filter(|bar| bar.0 > 290.0) {
        let same = there.iter().any(|other| {
            (other.0 - (x - 160.0)).abs() < 0.1
                && (other.1 - w).abs() < 0.1
                && (other.2 - h).abs() < 0.01
                && other.3 == *ink
        });
        assert!(same, "{x} {w} {h} {ink:?}");
        compared += 1;
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn what_is_counted_can_still_be_pointed_at_and_the_sentence_says_so() {
    let trace = sample::crowd::trace(sample::trace());
    assert!(matches!(hit(&trace, &view(), 430.0, 268.0), Some(Hit::Message(_))));
    let said: String = say(&trace, &view()).into_iter().map(|words| words.text).collect();
    assert!(
        said.ends_with("Where messages stand too close, they are counted: zoom in to see each."),
        "{said}"
    );
    let calm: String = say(&sample::trace(), &view()).into_iter().map(|words| words.text).collect();
    assert!(!calm.contains("counted"), "{calm}");
}
