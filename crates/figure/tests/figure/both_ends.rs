//! Where the two ends of a connection disagree.

use standby_figure::{Figure, Ink, Shape, View, describe, figure, say, svg};
use standby_trace::Trace;

use crate::sample;

fn trace() -> Trace {
    sample::half_open::trace(sample::trace())
}

fn view(now_us: i64) -> View {
    View { now_us, ..View::default() }
}

fn rects(figure: &Figure, of: Ink) -> Vec<[i32; 4]> {
    let rects = figure.shapes.iter().filter_map(|shape| match *shape {
        Shape::Rect { x, y, w, h, ink } if ink == of => {
            Some([x, y, w, h].map(|length| length.round() as i32))
        }
        _ => None,
    });
    rects.collect()
}

fn notes(figure: &Figure) -> Vec<&str> {
    let texts = figure.shapes.iter().filter_map(|shape| match shape {
        Shape::Text { ink: Ink::OneSided, text, .. } => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

fn words(trace: &Trace, view: &View) -> String {
    say(trace, view).into_iter().map(|words| words.text).collect()
}

#[test]
fn the_end_that_believes_alone_has_its_half_of_the_band() {
    let figure = figure(&trace(), &view(8_000_000));
    // The server's half above, from the client's end on; the client's half below.
    assert_eq!(rects(&figure, Ink::OneSided), [[434, 248, 245, 20], [358, 364, 84, 20]]);
    // The whole band ends where they begin to disagree.
    let held = rects(&figure, Ink::Held);
    assert!(held.contains(&[151, 248, 283, 40]) && held.contains(&[151, 344, 207, 40]), "{held:?}");
    assert_eq!(
        notes(&figure),
        ["the client does not know yet: 1.1 s", "the server still believes in it: 3.2 s"]
    );
}

#[test]
fn it_is_drawn_and_said_while_it_lasts() {
    let at = |now_us| (figure(&trace(), &view(now_us)), words(&trace(), &view(now_us)));
    let (before, said) = at(3_050_000);
    assert_eq!(rects(&before, Ink::OneSided), [] as [[i32; 4]; 0], "no news is so quick");
    assert!(!said.contains("believes"), "{said}");
    let (during, said) = at(3_500_000);
    assert_eq!(rects(&during, Ink::OneSided), [[358, 364, 38, 20]]);
    assert_eq!(notes(&during), ["the client does not know yet"]);
    assert!(
        said.contains("The client still believes in the stream: the server's end has been gone for 0.5 s."),
        "{said}"
    );
    let (_, said) = at(6_000_000);
    assert!(
        said.contains("The server still believes in the socket: the client's end has been gone for 2.0 s."),
        "{said}"
    );
}

#[test]
fn what_is_less_than_a_way_is_no_disagreement() {
    let mut trace = trace();
    trace.clock_error_us = Some(2_000_000);
    let figure = figure(&trace, &view(8_000_000));
    assert_eq!(rects(&figure, Ink::OneSided), [[434, 248, 245, 20]], "1.1 s may be the clocks' error");
    // The band goes on to where the client's end was.
    assert!(rects(&figure, Ink::Held).contains(&[151, 344, 291, 40]));
}

#[test]
fn the_text_alternative_tells_how_long() {
    let said = describe(&trace());
    for (lane, length) in [("WebSocket", "3.2 s"), ("SSE", "1.1 s")] {
        let of_lane = said.split_once(lane).map(|(_, rest)| rest.split('.').take(2).collect::<String>());
        assert!(said.contains(&format!("the two ends disagreed for {length}")), "{of_lane:?}");
    }
}

#[test]
fn it_is_hatched_the_other_way() {
    let svg = svg(&figure(&trace(), &view(8_000_000)), "");
    let paths = |class: &str| -> Vec<Vec<f32>> {
        let paths = svg.split(class).skip(1).filter_map(|rest| rest.split("d=\"").nth(1)?.split('"').next());
        paths.map(|path| path.split(['M', 'L', ' ']).filter_map(|n| n.parse().ok()).collect()).collect()
    };
    let falls = |path: &Vec<f32>| path.chunks(4).all(|line| line[2] > line[0] && line[3] > line[1]);
    assert_eq!(paths("sb-hatch sb-one-sided").iter().filter(|path| falls(path)).count(), 2);
    assert_eq!(paths("sb-hatch sb-waiting").iter().filter(|path| falls(path)).count(), 0);
}
