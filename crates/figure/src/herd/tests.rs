use standby_trace::Scenario;
use standby_trace::crowd::Tally;

use super::*;

/// Two sockets whose server restarts at 1 s and is down for 2 s; 1,000 clients, 100 a tenth.
fn scenario() -> Scenario {
    Scenario::from_json(
        r#"{"v":1,"lanes":[
            {"transport":"websocket","backoff":{"kind":"fixed","base_ms":3000}},
            {"transport":"sse","retry_ms":2000}],
            "publish":{"every_ms":1000},
            "faults":[{"at_ms":1000,"kind":"drop"},{"at_ms":1000,"kind":"refuse","for_ms":2000}],
            "clients":1000,"crowd":{"capacity_s":1000,"backlog":10,"servers":[{},{"retry_spread_ms":12000}]},
            "window_ms":10000}"#,
    )
    .unwrap()
}

/// All come at 4 s, and 900 are turned away; the others come by 50 a tenth from 3 s on.
fn rows() -> [Vec<Tally>; 2] {
    let tally = |arrivals, refused, open| Tally {
        arrivals,
        refused,
        open,
        served: arrivals - refused,
        ..Tally::default()
    };
    let fixed = (0..100).map(|at| match at {
        0..10 => tally(0, 0, 1_000),
        40 => tally(1_000, 900, 100),
        10..40 => tally(0, 0, 0),
        _ => tally(0, 0, 100),
    });
    let spread = (0..100).map(|at| match at {
        0..10 => tally(0, 0, 1_000),
        10..30 => tally(0, 0, 0),
        30..50 => tally(50, 0, (at - 29) * 50),
        _ => tally(0, 0, 1_000),
    });
    [fixed.collect(), spread.collect()]
}

fn look(shown: usize) -> Look {
    Look { width: 720.0, narrow: false, shown, row: None, at: None }
}

fn drawn(look: &Look) -> Picture {
    let [one, other] = rows();
    picture(&scenario(), &[&one, &other], look)
}

fn texts(picture: &Picture) -> Vec<&str> {
    let text = |part: &'_ Part| matches!(part, Part::Text { .. });
    let said = picture.parts.iter().filter(|part| text(part));
    said.map(|part| if let Part::Text { text, .. } = part { text.as_str() } else { "" }).collect()
}

#[test]
fn a_row_says_its_peak_and_when_all_are_back() {
    let scenario = scenario();
    let [one, other] = rows();
    let sums = sums(&scenario, &[&one, &other]);
    assert_eq!(stat(&scenario, 0, &sums[0]), ["10.0×", "not all back"]);
    assert_eq!(stat(&scenario, 1, &sums[1]), ["0.5×", "99 % back in 3.9 s"]);
    assert_eq!((sums[0].refused, sums[0].peak_at_us), (900, 4_000_000));
    assert_eq!(
        say(&scenario, 1, &sums[1]),
        "Server spreads (retry: 2 s to 14 s): at the peak 50 came within 0.1 s, 0.5× what the server can \
         take. Nobody was turned away. After 3.9 s 99 of 100 were back."
    );
    let table = table(&scenario, &sums);
    assert_eq!(table[0], ["Fixed delay, 3 s", "10.0×", "not all back", "900", "0", "0"]);
    assert!(describe(&scenario, &sums).contains("At 1 s: server restarts. Fixed delay, 3 s: peak 10.0×"));
    assert_eq!(
        say_at(&scenario, 0, 40, &one[40]),
        "Fixed delay at 4.0 s: 1,000 came, 100 answered, 900 turned away; 0 wait, 100 connected."
    );
}

#[test]
fn a_picture_is_the_same_every_time_and_of_the_same_parts_however_much_is_shown() {
    assert_eq!(drawn(&look(100)), drawn(&look(100)));
    let kinds = |picture: Picture| {
        let kind = |part: &Part| match part {
            Part::Path { class, .. } | Part::Text { class, .. } => *class,
        };
        picture.parts.iter().map(kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(drawn(&look(0))), kinds(drawn(&look(100))));
    assert_eq!(kinds(drawn(&look(100))), kinds(drawn(&Look { row: Some(1), at: Some(3), ..look(100) })));
    assert_ne!(drawn(&look(40)), drawn(&look(41)));
}

#[test]
fn nothing_is_said_before_it_is_known() {
    assert!(texts(&drawn(&look(30))).iter().all(|text| !text.contains("peak")));
    let later = drawn(&look(60));
    assert!(texts(&later).contains(&"peak 10.0×"), "{:?}", texts(&later));
    assert!(texts(&drawn(&look(100))).contains(&"peak 10.0× · not all back"));
}

#[test]
fn what_is_let_in_is_an_area_and_what_is_turned_away_stripes_on_top() {
    let picture = drawn(&look(100));
    let path = |wanted: &str| {
        let path = |part: &Part| matches!(part, Part::Path { class, .. } if *class == wanted);
        let found = picture.parts.iter().filter(|part| path(part));
        found
            .map(|part| if let Part::Path { d, .. } = part { d.clone() } else { String::new() })
            .collect::<Vec<_>>()
    };
    let (let_in, away) = (path("sb-fill sb-herd-in"), path("sb-fill sb-herd-away"));
    assert_eq!((away[0].matches('M').count(), away[1].matches('M').count()), (1, 0));
    // Twenty bars side by side are one area.
    assert_eq!((let_in[1].matches('M').count(), let_in[1].matches('H').count()), (1, 20));
}

#[test]
fn past_thirty_times_the_capacity_a_bar_is_broken_off_and_says_how_much_it_was() {
    let mut scenario = scenario();
    scenario.crowd.as_mut().unwrap().capacity_s = 100;
    let [one, other] = rows();
    let picture = picture(&scenario, &[&one, &other], &look(100));
    assert!(texts(&picture).contains(&"1,000 within 0.1 s"));
    let top = picture.rows[0].y;
    let text = picture.parts.iter().find_map(|part| match part {
        Part::Text { y, text, .. } if text.contains("within") => Some(*y),
        _ => None,
    });
    assert!(text.unwrap() > top);
}

#[test]
fn on_a_phone_everything_is_within_the_width() {
    let picture = drawn(&Look { width: 310.0, narrow: true, ..look(100) });
    for part in &picture.parts {
        if let Part::Text { x, anchor, size, text, .. } = part {
            let w = crate::text::width(text, *size, false);
            let left = match anchor {
                crate::Anchor::Start => *x,
                crate::Anchor::Middle => x - w / 2.0,
                crate::Anchor::End => x - w,
            };
            assert!(left >= -8.0 && left + w <= 318.0, "{text} at {left} of {w}");
        }
    }
    let svg = svg(&picture, "a \"b\"");
    assert!(svg.contains("viewBox=\"0 0 310 ") && svg.contains("a &quot;b&quot;"), "{svg}");
    assert!(!svg.contains(" id=") && !svg.contains('\n'));
}

#[test]
fn live_rows_have_no_capacity_and_what_only_the_model_does_stays_empty() {
    let mut scenario = scenario();
    if let Some(crowd) = &mut scenario.crowd {
        crowd.capacity_s = 0;
        crowd.servers.push(Default::default());
    }
    let [one, _] = rows();
    let rows: [&[Tally]; 2] = [&one, &[]];
    let picture = picture(&scenario, &rows, &look(usize::MAX));
    let texts = texts(&picture);
    assert!(texts.contains(&"peak 1,000 · not all back"), "{texts:?}");
    assert!(texts.contains(&"only in the model"), "{texts:?}");
    assert!(!texts.iter().any(|text| text.contains("capacity")), "{texts:?}");
    let lines = picture.parts.iter().filter(
        |part| matches!(part, Part::Path { class, d } if class.contains("capacity") && !d.is_empty()),
    );
    assert_eq!(lines.count(), 0);
    // All at once is as high as a row can be.
    let sums = sums(&scenario, &rows);
    assert_eq!(table(&scenario, &sums)[0][1], "1,000");
    assert_eq!(table(&scenario, &sums)[1][1], "only in the model");
    assert!(say(&scenario, 0, &sums[0]).contains("1,000 came within 0.1 s. 900 attempts"));
    assert!(say(&scenario, 1, &sums[1]).contains("in the model only"));
    assert!(
        describe(&scenario, &sums).starts_with("Live: 1,000 clients in each row, on a time axis of 10 s.")
    );
}

#[test]
fn while_live_rows_grow_the_scale_stays() {
    let mut scenario = scenario();
    if let Some(crowd) = &mut scenario.crowd {
        crowd.capacity_s = 0;
    }
    let one = [Tally { arrivals: 40, served: 40, ..Tally::default() }];
    let two = [one[0], Tally { arrivals: 700, served: 700, ..Tally::default() }];
    let bar = |rows: &[Tally]| {
        let picture = picture(&scenario, &[rows, &[]], &look(usize::MAX));
        let path = picture.parts.iter().find_map(|part| match part {
            Part::Path { class, d } if class.contains("sb-herd-in") => Some(d.clone()),
            _ => None,
        });
        path.unwrap_or_default().split('H').next().map(str::to_owned)
    };
    assert_eq!(bar(&one), bar(&two));
}

/// One socket and one stream, each kept alive once a second, for 2 s.
fn idle() -> (Scenario, [Vec<Tally>; 2]) {
    let scenario = Scenario::from_json(
        r#"{"v":1,"lanes":[
            {"transport":"websocket","keep_alive_ms":1000,"backoff":{"kind":"fixed","base_ms":3000}},
            {"transport":"sse","retry_ms":2000,"keep_alive_ms":1000}],
            "publish":{"every_ms":0},"clients":1000,"crowd":{"capacity_s":1000,"backlog":10},"window_ms":2000}"#,
    )
    .unwrap();
    let tally = |keep_alives| Tally { keep_alives, open: 1_000, ..Tally::default() };
    let even = vec![tally(100); 20];
    let together = (0..20).map(|at| tally(if at % 10 == 5 { 1_000 } else { 0 })).collect();
    (scenario, [even, together])
}

#[test]
fn where_keep_alives_are_set_they_are_drawn_and_told() {
    let (scenario, [even, together]) = idle();
    let rows: [&[Tally]; 2] = [&even, &together];
    let sums = sums(&scenario, &rows);
    assert_eq!(stat(&scenario, 0, &sums[0]), ["0.0×", "1,000 pings/s"]);
    assert_eq!(
        say(&scenario, 1, &sums[1]),
        "SSE (a comment every 1 s): at the peak 0 came within 0.1 s, 0.0× what the server can take. Nobody was \
         turned away. Over the whole run 1,000 comments a second, 1,000 at most within 0.1 s."
    );
    assert_eq!(columns(&scenario, &sums)[4..], ["Keep-alives", "Most in 0.1 s"]);
    assert_eq!(table(&scenario, &sums)[1][4..], ["2,000", "1,000"]);
    assert!(say_at(&scenario, 1, 5, &together[5]).ends_with("1,000 connected, 1,000 comments."));

    let picture = picture(&scenario, &rows, &look(20));
    let lines: Vec<&str> = picture
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Path { class: "sb-line sb-herd-keep", d } => Some(d.as_str()),
            _ => None,
        })
        .collect();
    // One that stays as it is, and one that goes up and down twice.
    assert_eq!(lines.iter().map(|d| d.matches('V').count()).collect::<Vec<_>>(), [0, 4]);
}

#[test]
fn where_no_keep_alives_are_set_none_are_drawn() {
    let [mut one, other] = rows();
    one[3].keep_alives = 500;
    let drawn = picture(&scenario(), &[&one, &other], &look(100));
    let keep =
        |part: &&Part| matches!(part, Part::Path { class: "sb-line sb-herd-keep", d } if !d.is_empty());
    assert_eq!(drawn.parts.iter().filter(keep).count(), 0);
    assert_eq!(columns(&scenario(), &[])[4..], ["Recovered", "Refetched"]);
}
