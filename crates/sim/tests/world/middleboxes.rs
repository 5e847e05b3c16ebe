//! A proxy in between: what it does to a stream, and what helps against it.

use standby_sim::{Middlebox, Profile, World};
use standby_trace::Scenario;
use standby_trace::recorder::Fact;

use crate::run::{BEGAN_AT_MS, Run, TOPIC, scenario};

fn through(middlebox: Middlebox, scenario: &Scenario) -> Run {
    let mut run = Run::new(scenario, &Profile::chromium());
    run.world = World::new(scenario, &Profile::chromium(), TOPIC, BEGAN_AT_MS).with_middlebox(middlebox);
    run.world.start();
    run
}

fn lanes(keep_alive_ms: u32, every_ms: u32) -> Scenario {
    scenario(&format!(
        r#"{{"v":1,"lanes":[{{"transport":"sse","retry_ms":500,"keep_alive_ms":{keep_alive_ms}}},
            {{"transport":"websocket","backoff":{{"kind":"fixed","base_ms":500}},"keep_alive_ms":{keep_alive_ms}}},
            {{"transport":"short-poll","interval_ms":500}}],
            "publish":{{"every_ms":{every_ms},"spread":"fixed"}}}}"#
    ))
}

#[test]
fn a_proxy_that_buffers_a_stream_delivers_its_events_late_and_together() {
    let kept = Middlebox::Buffers { bytes: 4_096, for_ms: 2_000 };
    let mut run = through(kept, &lanes(15_000, 500));
    run.until_ms(8_000);
    let at = |lane: usize| {
        let is_event = |told: &standby_sim::Told| matches!(told, standby_sim::Told::Page { lane: of, fact: Fact::Event { .. } } if *of == lane);
        run.told.iter().filter(|(_, told)| is_event(told)).map(|(at_us, _)| *at_us).collect::<Vec<_>>()
    };
    let (stream, socket) = (at(0), at(1));
    assert_eq!(run.delivered(0), run.delivered(1)[..stream.len()]);
    assert!(stream.windows(2).any(|pair| pair[0] == pair[1]), "together: {stream:?}");
    assert!(stream[0] > socket[0] + 1_000_000, "late: {} and {}", stream[0], socket[0]);
}

#[test]
fn a_large_part_goes_through_a_buffer_at_once() {
    let mut run = through(Middlebox::Buffers { bytes: 1, for_ms: 60_000 }, &lanes(15_000, 500));
    run.until_ms(4_000);
    assert_eq!(run.delivered(0), run.delivered(1));
}

fn cuts(run: &Run, lane: usize) -> usize {
    run.facts(lane).iter().filter(|fact| matches!(fact, Fact::Cut { .. })).count()
}

#[test]
fn a_proxy_cuts_what_is_quiet_and_a_keep_alive_prevents_it() {
    let impatient = Middlebox::CutsIdle { after_ms: 3_000 };
    let mut quiet = through(impatient, &lanes(15_000, 0));
    quiet.until_ms(10_000);
    assert!(cuts(&quiet, 0) >= 2 && cuts(&quiet, 1) >= 2, "{} {}", cuts(&quiet, 0), cuts(&quiet, 1));
    assert_eq!(cuts(&quiet, 2), 0, "a poll is never quiet");
    let mut kept = through(impatient, &lanes(1_000, 0));
    kept.until_ms(10_000);
    assert_eq!((cuts(&kept, 0), cuts(&kept, 1)), (0, 0));
}
