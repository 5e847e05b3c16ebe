//! What is said aloud of a run by itself, to those who hear the page: one sentence in ten seconds
//! at most, and only of what goes wrong or right again. Everything else they ask for.

use standby_trace::{MarkKind, Trace};

/// No more than one sentence in so many milliseconds.
const BETWEEN_MS: f64 = 10_000.0;

/// What was said so far.
#[derive(Clone, Debug)]
pub(crate) struct Spoken {
    said_ms: f64,
    /// What happened until then has been told, or is too old to be.
    told_us: i64,
    /// What is to be said of the run as a whole, as soon as it may.
    waits: Option<String>,
}

impl Default for Spoken {
    fn default() -> Self {
        Self { said_ms: f64::NEG_INFINITY, told_us: i64::MIN, waits: None }
    }
}

impl Spoken {
    /// Something of the run as a whole: where it stands. The last word counts.
    pub(crate) fn say(&mut self, text: &str) {
        self.waits = Some(text.to_owned());
    }

    /// Another run begins: its times begin anew.
    pub(crate) fn begin(&mut self) {
        self.told_us = i64::MIN;
    }

    /// What is to be said now, at `now_ms` on the display's clock.
    pub(crate) fn next(&mut self, now_ms: f64, trace: &Trace, names: &[String]) -> Option<String> {
        if now_ms - self.said_ms < BETWEEN_MS {
            return None;
        }
        let text = self.waits.take().or_else(|| {
            let told_us = self.told_us;
            let fresh = trace.marks.iter().filter(|mark| mark.at.at_us > told_us);
            let said = fresh.clone().filter_map(|mark| {
                let name = mark.lane.and_then(|lane| names.get(usize::from(lane)))?;
                let (weight, what) = words(&mark.kind)?;
                Some((weight, mark.at.at_us, format!("{name}: {what}.")))
            });
            // The weightiest, and of those the newest. What is not said now is old news later.
            let said = said.max_by_key(|(weight, at_us, _)| (*weight, *at_us));
            self.told_us = fresh.map(|mark| mark.at.at_us).max().unwrap_or(told_us);
            said.map(|(_, _, text)| text)
        })?;
        self.said_ms = now_ms;
        Some(text)
    }
}

fn words(kind: &MarkKind) -> Option<(u8, String)> {
    Some(match kind {
        MarkKind::GaveUp { .. } => (5, "it gave up and will not come back by itself".to_owned()),
        MarkKind::Gap { from, to } if from == to => (4, format!("event {from} is lost")),
        MarkKind::Gap { from, to } => (4, format!("events {from} to {to} are lost")),
        MarkKind::Reset { .. } => (3, "the topic began a new life".to_owned()),
        MarkKind::Cut { .. } => (2, "its connection was cut".to_owned()),
        MarkKind::Recovered { from: 0, .. } => (1, "it is back, and missed nothing".to_owned()),
        MarkKind::Recovered { from, to, .. } if from == to => {
            (1, format!("it is back, with event {from} from history"))
        }
        MarkKind::Recovered { from, to, .. } => {
            (1, format!("it is back, with events {from} to {to} from history"))
        }
        MarkKind::Note { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use standby_trace::{Mark, Moment, Recorder, Scenario};

    use super::*;

    fn trace(marks: &[(i64, MarkKind)]) -> Trace {
        let scenario = r#"{"v":1,"lanes":[{"transport":"sse","retry_ms":1000}],"publish":{"every_ms":0}}"#;
        let mut trace = Recorder::new(Scenario::from_json(scenario).unwrap(), 0).trace().clone();
        trace.marks = marks
            .iter()
            .map(|(at_us, kind)| Mark { lane: Some(0), at: Moment::measured(*at_us), kind: kind.clone() })
            .collect();
        trace
    }

    fn cut() -> MarkKind {
        MarkKind::Cut { why: "connection reset".to_owned() }
    }

    #[test]
    fn one_sentence_in_ten_seconds_and_the_weightiest() {
        let names = ["SSE".to_owned()];
        let mut spoken = Spoken::default();
        let trace = trace(&[(1, cut()), (2, MarkKind::Gap { from: 3, to: 7 }), (3, cut())]);
        assert_eq!(spoken.next(0.0, &trace, &names).as_deref(), Some("SSE: events 3 to 7 are lost."));
        // The cuts were not said, and are not said later.
        assert_eq!(spoken.next(60_000.0, &trace, &names), None);
    }

    #[test]
    fn what_comes_too_soon_waits_for_its_turn() {
        let names = ["SSE".to_owned()];
        let mut spoken = Spoken::default();
        assert!(spoken.next(0.0, &trace(&[(1, cut())]), &names).is_some());
        let more = trace(&[(1, cut()), (5, cut())]);
        assert_eq!(spoken.next(9_999.0, &more, &names), None);
        assert!(spoken.next(10_000.0, &more, &names).is_some());
    }

    #[test]
    fn where_the_run_stands_goes_before_and_only_its_last_word_counts() {
        let mut spoken = Spoken::default();
        spoken.say("Connecting");
        spoken.say("Live");
        assert_eq!(spoken.next(0.0, &trace(&[(1, cut())]), &["SSE".to_owned()]).as_deref(), Some("Live"));
    }

    #[test]
    fn a_run_in_which_nothing_happens_is_silent() {
        assert_eq!(Spoken::default().next(0.0, &trace(&[]), &["SSE".to_owned()]), None);
    }
}
