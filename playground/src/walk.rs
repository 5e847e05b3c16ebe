//! From one thing of a trace to the next: by message, by event, by a frame of time.
//!
//! Messages are walked in the order in which they were over: so the totals up to where the cursor
//! stands grow by one message with each step.

use standby_trace::Trace;

/// What a step goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Unit {
    /// To the next message, in all lanes.
    #[default]
    Message,
    /// To the next event that was published.
    Event,
    /// By a film's frame of time.
    Frame,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To the past.
    Back,
    /// To the present.
    On,
}

/// A sixtieth of a second, in microseconds.
pub(crate) const FRAME_US: i64 = 16_667;

/// Where a walk stands: at a thing, or at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// At a message or an event, by its number.
    Thing(u64),
    /// At a moment.
    Moment(i64),
}

/// The number of the next message that was over by `until_us`, or of the one before.
pub(crate) fn message(trace: &Trace, at: At, way: Way, until_us: i64) -> Option<u64> {
    let known = |message: &standby_trace::Message| {
        message.client.is_some() || message.server.is_some() || message.socket_us.is_some()
    };
    let here = match at {
        At::Thing(number) => (trace.message(number)?.last_us(), number),
        At::Moment(at_us) => (at_us, u64::MAX),
    };
    let all = (trace.before..).zip(&trace.messages).filter(|(_, message)| known(message));
    let all = all.map(|(number, message)| (message.last_us(), number));
    match way {
        Way::On => all.filter(|key| *key > here && key.0 <= until_us).min(),
        // At a moment, what was over at that very moment is the one before it.
        Way::Back => all.filter(|key| *key < here).max(),
    }
    .map(|(_, number)| number)
}

/// The next event that was published by `until_us`, or the one before: its number, and when.
pub(crate) fn event(trace: &Trace, at: At, way: Way, until_us: i64) -> Option<(u64, i64)> {
    let events = &trace.published;
    let index = match at {
        At::Thing(id) => {
            let at = events.iter().rposition(|event| event.id == id)?;
            match way {
                Way::On => at + 1,
                Way::Back => at.checked_sub(1)?,
            }
        }
        At::Moment(at_us) => {
            let after = events.partition_point(|event| event.at_us <= at_us);
            match way {
                Way::On => after,
                Way::Back => after.checked_sub(1)?,
            }
        }
    };
    let event = events.get(index).filter(|event| event.at_us <= until_us)?;
    Some((event.id, event.at_us))
}

#[cfg(test)]
mod tests {
    use standby_trace::{Published, Recorder, Scenario};

    use super::*;

    /// Two polls, the first of which is over after the second: 0 asks at 1 ms, 1 at 2 ms; 1 is
    /// answered at 5 ms, 0 at 9 ms.
    fn trace() -> Trace {
        let scenario = r#"{"v":1,"lanes":[{"transport":"short-poll","interval_ms":1000},{"transport":"short-poll","interval_ms":1000}],"publish":{"every_ms":1000}}"#;
        let mut recorder = Recorder::new(Scenario::from_json(scenario).unwrap(), 0);
        recorder.sent(0, 1, 1_000);
        recorder.sent(1, 1, 2_000);
        recorder.answered(0, 1, 200, &[], 9_000);
        recorder.answered(1, 1, 200, &[], 5_000);
        recorder.advance(20_000);
        let mut trace = recorder.trace().clone();
        for (id, at_us) in [(3, 2_500), (4, 4_000), (5, 15_000)] {
            trace.published.push(Published { id, at_us, life: 0 });
        }
        trace
    }

    fn last_us(trace: &Trace, number: u64) -> i64 {
        trace.message(number).unwrap().last_us()
    }

    #[test]
    fn messages_are_walked_in_the_order_in_which_they_were_over() {
        let trace = trace();
        let mut at = At::Moment(0);
        let mut walked = Vec::new();
        while let Some(number) = message(&trace, at, Way::On, 20_000) {
            walked.push(last_us(&trace, number));
            at = At::Thing(number);
        }
        assert_eq!(walked, [1_000, 2_000, 5_000, 9_000]);
        let mut back = Vec::new();
        at = At::Moment(20_000);
        while let Some(number) = message(&trace, at, Way::Back, 20_000) {
            back.push(last_us(&trace, number));
            at = At::Thing(number);
        }
        assert_eq!(back, [9_000, 5_000, 2_000, 1_000]);
    }

    #[test]
    fn numbers_stay_names_when_the_window_has_moved() {
        let mut trace = trace();
        trace.before = 100;
        let number = message(&trace, At::Moment(0), Way::On, 20_000).unwrap();
        assert!(number >= 100);
        assert_eq!(last_us(&trace, number), 1_000);
        assert_eq!(message(&trace, At::Thing(3), Way::On, 20_000), None, "it left the window");
    }

    #[test]
    fn a_replay_walks_no_farther_than_it_has_come() {
        let trace = trace();
        assert_eq!(message(&trace, At::Moment(2_000), Way::On, 4_999), None);
        assert_eq!(event(&trace, At::Moment(4_000), Way::On, 14_999), None);
    }

    #[test]
    fn events_are_walked_as_they_were_published() {
        let trace = trace();
        assert_eq!(event(&trace, At::Moment(0), Way::On, 20_000), Some((3, 2_500)));
        assert_eq!(event(&trace, At::Thing(3), Way::On, 20_000), Some((4, 4_000)));
        assert_eq!(event(&trace, At::Thing(3), Way::Back, 20_000), None);
        assert_eq!(event(&trace, At::Moment(20_000), Way::Back, 20_000), Some((5, 15_000)));
        assert_eq!(event(&trace, At::Thing(9), Way::On, 20_000), None);
    }
}
