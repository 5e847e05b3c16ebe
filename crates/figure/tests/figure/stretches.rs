//! A picture cut into stretches is the same picture; and an index changes nothing but the time that
//! it takes.

use standby_figure::{Density, Figure, Index, Layers, Shape, View};
use standby_trace::Trace;

use crate::sample;

/// A shape as far as it lies between two places, in hundredths of a pixel; `None` for what lies
/// outside. Heads, circles and crosses are whole or not there.
fn cut(shape: &Shape, from_x: f32, to_x: f32) -> Option<String> {
    let hundredths = |length: f32| (length * 100.0).round() as i64;
    match *shape {
        Shape::Line { x1, y1, x2, y2, ink, weight, .. } => {
            let (left, right) = (x1.min(x2).max(from_x), x1.max(x2).min(to_x));
            if left > right || (left == right && x1 != x2) {
                return None;
            }
            let y = |x: f32| if x1 == x2 { y1 } else { y1 + (y2 - y1) * (x - x1) / (x2 - x1) };
            let ys = if x1 == x2 { (y1.min(y2), y1.max(y2)) } else { (y(left), y(right)) };
            // A slanted line may have been cut before: its ends are where they are to a tenth.
            let tenth = |y: f32| (y * 10.0).round() as i64;
            Some(format!(
                "{ink:?} {weight:?} {} {} {} {}",
                hundredths(left) / 10,
                hundredths(right) / 10,
                tenth(ys.0),
                tenth(ys.1)
            ))
        }
        Shape::Rect { x, y, w, h, ink } => {
            let (left, right) = (x.max(from_x), (x + w).min(to_x));
            (left < right).then(|| {
                format!(
                    "{ink:?} {} {} {} {}",
                    hundredths(left) / 10,
                    hundredths(right) / 10,
                    hundredths(y),
                    hundredths(h)
                )
            })
        }
        Shape::Circle { x, .. } | Shape::Cross { x, .. } | Shape::Text { x, .. } => (from_x..=to_x)
            .contains(&x)
            .then(|| format!("{shape:?}").replace(&format!("{x:?}"), &format!("{}", hundredths(x) / 10))),
    }
}

fn sorted(shapes: &[Shape], from_x: f32, to_x: f32) -> Vec<String> {
    let mut all: Vec<String> = shapes.iter().filter_map(|shape| cut(shape, from_x, to_x)).collect();
    all.sort();
    all.dedup();
    all
}

fn holds_together(trace: &Trace, view: &View) {
    let index = Index::of(trace);
    let layers = Layers::new(trace, &index, view);
    let Figure { plot_x, plot_w, .. } = layers.blank();
    let whole = layers.stretch(plot_x, plot_x + plot_w);
    let width = plot_w / 7.0;
    for part in 0..7 {
        let (left, right) = (plot_x + part as f32 * width, plot_x + (part + 1) as f32 * width);
        let stretch = layers.stretch(left, right);
        // A hair inside: what ends at the very edge may be in either.
        let (left, right) = (left + 0.3, right - 0.3);
        let (of_whole, of_stretch) = (sorted(&whole, left, right), sorted(&stretch, left, right));
        let missing: Vec<_> = of_whole.iter().filter(|shape| !of_stretch.contains(shape)).collect();
        let more: Vec<_> = of_stretch.iter().filter(|shape| !of_whole.contains(shape)).collect();
        assert!(missing.is_empty() && more.is_empty(), "{part}: missing {missing:#?}, more {more:#?}");
    }
}

#[test]
fn stretches_side_by_side_are_one_picture() {
    let calm = sample::trace;
    for trace in [
        calm(),
        sample::rough::trace(calm()),
        sample::half_open::trace(calm()),
        sample::crowd::trace(calm()),
        sample::company::trace(calm()),
    ] {
        for density in [Density::Auto, Density::Off] {
            for (width, narrow) in [(750.0, false), (330.0, true)] {
                let view = View { width, narrow, density, now_us: trace.until_us, ..View::default() };
                holds_together(&trace, &view);
                // Far out a column holds more than one tally of a crowd.
                holds_together(&trace, &View { to_us: 30_000_000, ..view });
            }
        }
    }
}

#[test]
fn a_stretch_does_not_change_when_more_becomes_known_elsewhere() {
    let trace = sample::crowd::trace(sample::trace());
    let stretch = |now_us| {
        let view = View { now_us, ..View::default() };
        let index = Index::of(&trace);
        Layers::new(&trace, &index, &view).stretch(200.0, 300.0)
    };
    assert_eq!(stretch(4_000_000), stretch(8_000_000));
}

#[test]
fn an_index_that_grew_with_its_trace_gives_the_same_picture() {
    let whole = sample::crowd::trace(sample::trace());
    let mut trace =
        Trace { messages: vec![], published: vec![], spans: vec![], marks: vec![], ..whole.clone() };
    let mut index = Index::default();
    for now_us in (0..=8_000_000).step_by(40_000) {
        let known = |us: i64| us <= now_us;
        trace.messages = whole.messages.iter().filter(|message| known(message.first_us())).cloned().collect();
        trace.published = whole.published.iter().filter(|event| known(event.at_us)).copied().collect();
        trace.marks = whole.marks.iter().filter(|mark| known(mark.at.at_us)).cloned().collect();
        trace.spans = whole.spans.iter().filter(|span| known(span.from.at_us)).cloned().collect();
        for span in &mut trace.spans {
            span.to = span.to.filter(|to| known(to.at_us));
        }
        // Live, the oldest leave.
        let old = trace.messages.len().saturating_sub(700);
        trace.messages.drain(..old);
        trace.before = old as u64;
        index.update(&trace);
        let view = View { from_us: now_us - 2_000_000, to_us: now_us, now_us, ..View::default() };
        let (grown, anew) = (Layers::new(&trace, &index, &view), Index::of(&trace));
        assert_eq!(grown.stretch(128.0, 740.0), Layers::new(&trace, &anew, &view).stretch(128.0, 740.0));
    }
}

#[test]
fn a_digest_tells_when_a_stretch_has_changed() {
    let digest = |trace: &Trace| {
        let index = Index::of(trace);
        Layers::new(trace, &index, &View::default()).digest(2_000_000, 5_000_000)
    };
    let calm = sample::trace();
    let before = digest(&calm);
    let mut elsewhere = sample::trace();
    elsewhere.published.push(standby_trace::Published { id: 7, at_us: 7_500_000, life: 0 });
    elsewhere.messages.pop();
    assert_eq!(digest(&elsewhere), before);
    let company = sample::company::trace(sample::trace());
    let before_crowd = digest(&company);
    for change in [
        |trace: &mut Trace| trace.crowd[2].tallies[30].open = 1,
        |trace: &mut Trace| trace.crowd[2].tallies[30].arrivals = 1,
        |trace: &mut Trace| trace.crowd[2].tallies[30].refused = 1,
        |trace: &mut Trace| trace.crowd[2].tallies.truncate(30),
    ] {
        let mut changed = company.clone();
        change(&mut changed);
        assert_ne!(digest(&changed), before_crowd);
    }
    for change in [
        |trace: &mut Trace| trace.messages.retain(|message| message.events != [3]),
        |trace: &mut Trace| trace.messages.iter_mut().for_each(|message| message.lost = true),
        |trace: &mut Trace| trace.messages.iter_mut().for_each(|message| message.client = None),
        |trace: &mut Trace| trace.marks.clear(),
        |trace: &mut Trace| trace.spans[2].to = None,
        |trace: &mut Trace| trace.spans.iter_mut().for_each(|span| span.server_to = span.to),
        |trace: &mut Trace| trace.published[2].at_us += 1_000,
    ] {
        let mut changed = sample::trace();
        change(&mut changed);
        assert_ne!(digest(&changed), before);
    }
}
