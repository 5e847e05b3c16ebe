//! A short run for tests: a poller asks twice, the second time there is news.

use standby_trace::{Recorder, Scenario, Trace};

pub(crate) fn trace() -> Trace {
    let scenario = r#"{"v": 1, "publish": {"every_ms": 1200},
        "lanes": [{"transport": "short-poll", "interval_ms": 1000}]}"#;
    let scenario = Scenario::from_json(scenario).unwrap();
    let mut recorder = Recorder::new(scenario, 1_764_000_000_000);
    recorder.sent(0, 1, 200_000);
    recorder.answered(0, 1, 200, &[], 400_000);
    recorder.sent(0, 2, 1_200_000);
    recorder.answered(0, 2, 200, &[1], 1_400_000);
    recorder.advance(8_000_000);
    let mut trace = recorder.trace().clone();
    trace.published.push(standby_trace::Published { id: 1, at_us: 900_000, life: 0 });
    trace
}
