//! The recording of an experiment: the trace of a real run in a real browser, from which the page's
//! static figure is drawn. `cargo xtask record` writes `experiments/traces/NAME.json`.
//!
//! The file is a [`Trace`] with one member more, `recorded`, and it is written so that people can
//! read it and compare two of them: one record a line, members in a fixed order, times to a tenth of
//! a millisecond. Records stand by whose they are, and not by when they came, and what is no
//! information is made the same in every recording (`settle`): so two of the same seed differ only
//! in what was measured, line by line. [`Recording::other_than_times`] says where they don't.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use standby_trace::scenario::Scenario;
use standby_trace::trace::{MarkKind, Message, Source};
use standby_trace::{Moment, Trace};

/// Times are written to so many microseconds. A picture's pixel is ten milliseconds.
const ROUND_US: i64 = 100;

/// When and with what a trace was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// The day, `2026-11-24`.
    pub on: String,
    /// The browser and its version: `Chromium 150.0.7871.100`.
    pub browser: String,
    /// The server and its version.
    pub server: String,
    /// The machine, in general terms: `2 cores`.
    pub machine: String,
    /// How much higher than its picture the widget was: in a page as wide as text gets, and on a
    /// phone. So much room the page keeps, and nothing moves when the widget comes.
    pub room_px: Rooms,
}

/// The room of a widget, as wide as text gets and on a phone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rooms {
    /// In a page as wide as text gets.
    pub wide: Room,
    /// On a phone, whichever needs the most.
    pub narrow: Room,
}

/// What a widget has besides its title, its picture and its sentence, in CSS pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// From the picture to the sentence.
    pub between: u32,
    /// Below the sentence.
    pub below: u32,
}

impl Recorded {
    /// For a caption: `Recorded 24 November 2026 in Chromium 150.`
    #[must_use]
    pub fn caption(&self) -> String {
        let browser = self.browser.split('.').next().unwrap_or(&self.browser);
        format!("Recorded {} in {browser}.", day(&self.on).as_deref().unwrap_or(&self.on))
    }
}

/// `2026-11-24` as people write it.
fn day(on: &str) -> Option<String> {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let mut parts = on.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
    Some(format!("{} {month} {year}", day.parse::<u8>().ok()?))
}

/// A trace, and when and with what it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// When and with what.
    pub recorded: Recorded,
    /// What happened.
    pub trace: Trace,
}

impl Recording {
    /// Makes a recording of the first window of a run.
    #[must_use]
    pub fn of(recorded: Recorded, mut trace: Trace) -> Self {
        let until_us = i64::from(trace.scenario.window_ms) * 1_000;
        cut(&mut trace, until_us);
        settle(&mut trace);
        Self { recorded, trace }
    }

    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn from_json(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Head {
            recorded: Recorded,
        }
        let mut trace = Trace::from_json(text).map_err(|e| e.to_string())?;
        by_time(&mut trace);
        let Head { recorded } = serde_json::from_str(text).map_err(|e| e.to_string())?;
        Ok(Self { recorded, trace })
    }

    /// Writes it, one record a line.
    ///
    /// # Errors
    /// None that a trace can cause: serde's, if it has any.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let mut trace = self.trace.clone();
        by_owner(&mut trace);
        // All members by name: one that is added to a trace later can't be forgotten here.
        let Trace {
            v,
            source,
            scenario,
            began_at_ms,
            until_us,
            clock_error_us,
            lanes,
            published,
            before,
            messages,
            spans,
            marks,
            crowd,
            wire,
        } = &trace;
        let mut out = String::from("{\n");
        member(&mut out, "recorded", &self.recorded)?;
        member(&mut out, "v", v)?;
        member(&mut out, "source", source)?;
        member(&mut out, "scenario", scenario)?;
        member(&mut out, "began_at_ms", began_at_ms)?;
        member(&mut out, "until_us", until_us)?;
        if let Some(clock_error_us) = clock_error_us {
            member(&mut out, "clock_error_us", clock_error_us)?;
        }
        if *before > 0 {
            member(&mut out, "before", before)?;
        }
        list(&mut out, "lanes", lanes)?;
        list(&mut out, "published", published)?;
        list(&mut out, "messages", messages)?;
        list(&mut out, "spans", spans)?;
        list(&mut out, "marks", marks)?;
        if !crowd.is_empty() {
            list(&mut out, "crowd", crowd)?;
        }
        if !wire.is_empty() {
            list(&mut out, "wire", wire)?;
        }
        // The last member has no comma.
        out.truncate(out.trim_end_matches([',', '\n']).len());
        out.push_str("\n}\n");
        Ok(out)
    }

    /// The first record in which it differs from another recording of the same scenario otherwise
    /// than in its times, with the other's; none if times are all.
    ///
    /// # Errors
    /// None that a trace can cause: serde's, if it has any.
    pub fn other_than_times(&self, other: &Self) -> serde_json::Result<Option<[String; 2]>> {
        let [own, other] = [self.without_times()?, other.without_times()?];
        let longest = own.len().max(other.len());
        let line = |lines: &[String], at: usize| lines.get(at).cloned().unwrap_or_default();
        let differs = (0..longest).find(|at| own.get(*at) != other.get(*at));
        Ok(differs.map(|at| [line(&own, at), line(&other, at)]))
    }

    /// Its records without what was measured.
    fn without_times(&self) -> serde_json::Result<Vec<String>> {
        let mut trace = self.trace.clone();
        by_owner(&mut trace);
        let mut lines = Vec::new();
        for (list, records) in [
            ("published", serde_json::to_value(&trace.published)?),
            ("message", serde_json::to_value(&trace.messages)?),
            ("span", serde_json::to_value(&trace.spans)?),
            ("mark", serde_json::to_value(&trace.marks)?),
        ] {
            for mut record in records.as_array().cloned().unwrap_or_default() {
                forget_times(&mut record);
                lines.push(format!("{list} {record}"));
            }
        }
        Ok(lines)
    }

    /// Which of a scenario's members it was recorded with otherwise; none if it is the scenario's
    /// recording.
    #[must_use]
    pub fn differs_from(&self, scenario: &Scenario) -> Option<&'static str> {
        let Scenario { v, lanes, publish, conditions, faults, clients, crowd, seed, window_ms } =
            &self.trace.scenario;
        let same = [
            ("v", *v == scenario.v),
            ("lanes", *lanes == scenario.lanes),
            ("publish", *publish == scenario.publish),
            ("conditions", *conditions == scenario.conditions),
            ("faults", *faults == scenario.faults),
            ("clients", *clients == scenario.clients),
            ("crowd", *crowd == scenario.crowd),
            ("seed", *seed == scenario.seed),
            ("window_ms", *window_ms == scenario.window_ms),
        ];
        same.into_iter().find(|(_, same)| !same).map(|(name, _)| name)
    }
}

/// In the order in which things happened: what a trace has.
fn by_time(trace: &mut Trace) {
    trace.published.sort_by_key(|event| (event.life, event.id));
    trace.messages.sort_by_key(|message| (message.first_us(), message.lane, message.n, message.last_us()));
    trace.spans.sort_by_key(|span| (span.from.at_us, span.lane, span.n));
    trace.marks.sort_by_key(|mark| (mark.at.at_us, mark.lane));
}

/// By lane, exchange, direction and kind, and then in order of time: what two lanes do at about the
/// same moment stands in the same order in every recording. So do a ping and an event.
fn by_owner(trace: &mut Trace) {
    by_time(trace);
    trace.messages.sort_by_key(|message| {
        let Message { lane, n, direction, kind, .. } = message;
        (*lane, *n, *direction as u8, *kind as u8)
    });
    trace.spans.sort_by_key(|span| (span.lane, span.n));
    trace.marks.sort_by_key(|mark| mark.lane);
}

/// Takes every time out of a record: each name of one ends with its unit.
fn forget_times(record: &mut Value) {
    match record {
        Value::Object(members) => {
            members.retain(|name, _| !name.ends_with("_us"));
            members.values_mut().for_each(forget_times);
        }
        Value::Array(records) => records.iter_mut().for_each(forget_times),
        _ => {}
    }
}

fn member(out: &mut String, name: &str, value: &impl Serialize) -> serde_json::Result<()> {
    let _ = writeln!(out, "\"{name}\": {},", serde_json::to_string(value)?);
    Ok(())
}

fn list(out: &mut String, name: &str, records: &[impl Serialize]) -> serde_json::Result<()> {
    let records = records.iter().map(serde_json::to_string).collect::<serde_json::Result<Vec<_>>>()?;
    match records.as_slice() {
        [] => {
            let _ = writeln!(out, "\"{name}\": [],");
        }
        records => {
            let _ = writeln!(out, "\"{name}\": [\n{}\n],", records.join(",\n"));
        }
    }
    Ok(())
}

/// The trace as it stood at a moment: what became known later is not in it.
fn cut(trace: &mut Trace, until_us: i64) {
    let known = |at_us: i64| at_us <= until_us;
    let moment = |moment: &mut Option<Moment>| *moment = moment.filter(|moment| known(moment.at_us));
    trace.until_us = until_us;
    trace.published.retain(|event| known(event.at_us));
    for message in &mut trace.messages {
        moment(&mut message.client);
        moment(&mut message.server);
        message.socket_us = message.socket_us.filter(|us| known(*us));
    }
    trace.messages.retain(|message| {
        message.client.is_some() || message.server.is_some() || message.socket_us.is_some()
    });
    trace.spans.retain(|span| known(span.from.at_us));
    for span in &mut trace.spans {
        moment(&mut span.to);
        moment(&mut span.server_to);
    }
    trace.marks.retain(|mark| known(mark.at.at_us));
}

/// Makes the same in every recording what says nothing: the names of epochs, which are random, the
/// order of records that became known in another order, and digits that no picture shows. The bytes
/// are left out.
fn settle(trace: &mut Trace) {
    trace.source = Source::Recorded;
    trace.before = 0;
    trace.wire.clear();

    let us = |at_us: &mut i64| *at_us = (*at_us + ROUND_US / 2).div_euclid(ROUND_US) * ROUND_US;
    let moments = |moments: [&mut Option<Moment>; 2]| {
        for moment in moments.into_iter().flatten() {
            us(&mut moment.at_us);
        }
    };
    for event in &mut trace.published {
        us(&mut event.at_us);
    }
    for message in &mut trace.messages {
        message.pieces.clear();
        moments([&mut message.client, &mut message.server]);
        message.socket_us.iter_mut().for_each(us);
    }
    for span in &mut trace.spans {
        us(&mut span.from.at_us);
        moments([&mut span.to, &mut span.server_to]);
        span.until_us.iter_mut().for_each(us);
    }
    for mark in &mut trace.marks {
        us(&mut mark.at.at_us);
    }

    by_time(trace);

    let mut epochs = Epochs::default();
    for mark in &mut trace.marks {
        match &mut mark.kind {
            MarkKind::Reset { epoch: Some(epoch) } => epochs.settle(epoch),
            MarkKind::Recovered { after, .. } => {
                if let Some((epoch, id)) = after.split_once(':') {
                    let (mut epoch, id) = (epoch.to_owned(), id.to_owned());
                    epochs.settle(&mut epoch);
                    *after = format!("{epoch}:{id}");
                }
            }
            _ => {}
        }
    }
}

/// Names of epochs, in the order in which they appear.
#[derive(Default)]
struct Epochs(BTreeMap<String, String>);

impl Epochs {
    /// Another name of the same length: a picture must look as the live one does.
    fn settle(&mut self, epoch: &mut String) {
        let next = self.0.len() + 1;
        let digits = epoch.len().saturating_sub(1);
        let name = self.0.entry(epoch.clone()).or_insert_with(|| format!("e{next:0>digits$}"));
        epoch.clone_from(name);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use standby_trace::trace::{Mark, Span, SpanKind, Who};
    use standby_trace::{LaneSpec, Recorder, Transport};

    use super::*;

    /// A run of two lanes, with what a real one has: a clock's odd microseconds, a cut, an epoch.
    fn run(epoch: &str, off_us: i64) -> Trace {
        let scenario = r#"{"v": 1, "publish": {"every_ms": 1200}, "seed": 7, "lanes": [
            {"transport": "short-poll", "interval_ms": 1000}, {"transport": "sse", "retry_ms": 1500}]}"#;
        let scenario = Scenario::from_json(scenario).unwrap();
        let mut recorder = Recorder::new(scenario, 1_764_000_000_000);
        for n in 0..10 {
            recorder.sent(0, n + 1, i64::try_from(n).unwrap() * 1_000_000 + 12_340 + off_us);
            recorder.answered(0, n + 1, 200, &[], i64::try_from(n).unwrap() * 1_000_000 + 212_340 + off_us);
        }
        recorder.advance(10_000_000);
        let mut trace = recorder.trace().clone();
        trace.spans.push(Span {
            lane: Some(1),
            n: 1,
            kind: SpanKind::Open,
            who: Who::Client,
            from: Moment::measured(200_000),
            to: Some(Moment::measured(9_000_000)),
            server_to: None,
            until_us: None,
        });
        let mark = |at_us, kind| Mark { lane: Some(1), at: Moment::measured(at_us), kind };
        trace.marks = vec![
            mark(7_000_000, MarkKind::Recovered { after: format!("{epoch}:4"), from: 5, to: 6 }),
            mark(5_000_000, MarkKind::Reset { epoch: Some(epoch.to_owned()) }),
            mark(9_000_000, MarkKind::Cut { why: "too late".to_owned() }),
        ];
        trace
    }

    fn recorded() -> Recorded {
        Recorded {
            on: "2026-11-24".to_owned(),
            browser: "Chromium 150.0.7871.100".to_owned(),
            server: "standby 0.1.0".to_owned(),
            machine: "2 cores".to_owned(),
            room_px: Rooms::default(),
        }
    }

    /// A recording, for other tests.
    pub(crate) fn recording() -> Recording {
        Recording::of(recorded(), run("k3x9a7", 0))
    }

    #[test]
    fn written_twice_it_is_the_same_and_it_reads_back() {
        let text = recording().to_json().unwrap();
        let back = Recording::from_json(&text).unwrap();
        assert_eq!(back, recording());
        assert_eq!(back.to_json().unwrap(), text);
        // What was cut and settled once stays as it is.
        let Recording { recorded, trace } = back;
        assert_eq!(Recording::of(recorded, trace).to_json().unwrap(), text);
    }

    #[test]
    fn a_record_is_a_line() {
        let recording = recording();
        let text = recording.to_json().unwrap();
        let Trace { lanes, published, messages, spans, marks, .. } = &recording.trace;
        let records = lanes.len() + published.len() + messages.len() + spans.len() + marks.len();
        let lines = text.lines().filter(|line| line.starts_with('{') && line.len() > 1).count();
        assert_eq!(lines, records, "{text}");
    }

    #[test]
    fn two_recordings_differ_only_in_what_was_measured() {
        let one = recording().to_json().unwrap();
        let other = Recording::of(recorded(), run("zzzzzz", 4_700)).to_json().unwrap();
        assert!(one.contains("\"after\":\"e00001:4\""), "{one}");
        let differ: Vec<_> = one.lines().zip(other.lines()).filter(|(one, other)| one != other).collect();
        assert_eq!(one.lines().count(), other.lines().count());
        assert!(!differ.is_empty());
        for (one, other) in differ {
            let plain = |line: &str| line.replace(|c: char| c.is_ascii_digit(), "");
            assert_eq!(plain(one), plain(other));
        }
    }

    #[test]
    fn the_order_in_which_two_lanes_do_something_is_no_difference() {
        let one = recording();
        let mut other = recording();
        // One lane's records a little later: they change places with the other's.
        for span in &mut other.trace.spans {
            span.from.at_us += 30_000_000;
        }
        other.trace.messages.reverse();
        assert_eq!(one.other_than_times(&other).unwrap(), None);
        let lines = |recording: &Recording| {
            let text = recording.to_json().unwrap();
            text.lines().map(|line| line.replace(|c: char| c.is_ascii_digit(), "")).collect::<Vec<_>>()
        };
        assert_eq!(lines(&one), lines(&other));
    }

    #[test]
    fn another_event_in_an_answer_is_a_difference_and_it_is_told() {
        let one = recording();
        let mut other = recording();
        other.trace.messages[3].events.push(9);
        let [own, others] = one.other_than_times(&other).unwrap().unwrap();
        assert!(own.starts_with("message {") && !own.contains("events"), "{own}");
        assert!(others.contains("\"events\":[9]"), "{others}");
        other = recording();
        other.trace.marks.pop();
        assert!(one.other_than_times(&other).unwrap().is_some());
    }

    #[test]
    fn what_came_later_is_unknown_and_stays_so() {
        let trace = recording().trace;
        assert_eq!(trace.until_us, 8_000_000);
        assert!(trace.messages.iter().all(|message| message.first_us() <= 8_000_000));
        assert_eq!(trace.spans[0].to, None);
        assert_eq!(trace.marks.len(), 2);
        let text = recording().to_json().unwrap();
        assert!(!text.contains("null") && !text.contains("too late"), "{text}");
    }

    #[test]
    fn a_recording_of_another_scenario_is_told_by_what_differs() {
        let recording = recording();
        let own = recording.trace.scenario.clone();
        assert_eq!(recording.differs_from(&own), None);
        let lanes = vec![LaneSpec::default_for(Transport::Sse)];
        for (differs, other) in [
            ("lanes", Scenario { lanes, ..own.clone() }),
            ("seed", Scenario { seed: 8, ..own.clone() }),
            ("window_ms", Scenario { window_ms: 9_000, ..own.clone() }),
        ] {
            assert_eq!(recording.differs_from(&other), Some(differs));
        }
    }

    #[test]
    fn the_caption_says_the_day_and_the_browser() {
        assert_eq!(recorded().caption(), "Recorded 24 November 2026 in Chromium 150.");
    }
}
