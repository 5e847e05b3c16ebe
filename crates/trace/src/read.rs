//! Reading a trace from a file that someone drops on the page: it may hold anything, and nothing
//! of it is used before it was checked.

use crate::crowd::{self, CrowdRun, cost, tally};
use crate::json::{Members, Value, Wrong, read_by_hand};
use crate::scenario::{self, read::scenario};
use crate::tap::base64_bytes;
use crate::trace::{Lane, Mark, MarkKind, Message, Moment, Piece, Published, Span, Trace, VERSION};

/// A file that is larger is not read.
pub const LARGEST_BYTES: usize = 32 << 20;
/// Lanes of a trace: those of a scenario, and some from outside.
pub const LANES: usize = 12;
/// The earliest and the latest time in a trace: some 12 days each way. A live window holds minutes.
const FAR_US: i64 = 1 << 40;
/// Messages, spans, marks, events, pieces: at most so many of each.
const ITEMS: usize = 200_000;

/// What is wrong with a trace, in words for whoever dropped it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadTrace(pub String);

impl std::fmt::Display for BadTrace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadTrace {}

impl Trace {
    /// Reads a trace from JSON and checks it. A version of the future is told apart from nonsense.
    ///
    /// # Errors
    /// The first thing that is wrong, in words for whoever brought the file.
    pub fn from_json(text: &str) -> Result<Self, BadTrace> {
        if text.len() > LARGEST_BYTES {
            return Err(BadTrace("This file is too large: at most 32 MB are read.".to_owned()));
        }
        let bad = |e: &dyn std::fmt::Display| BadTrace(format!("This file is not a trace: {e}."));
        let tree = Value::parse(text).map_err(|e| bad(&e))?;
        if let Some(v) = tree.get("v").filter(|v| v.is_number() && v.as_u64() != Some(VERSION.into())) {
            let v = v.text();
            return Err(BadTrace(format!("This trace has version {v}; this book reads version {VERSION}.")));
        }
        let trace = trace(&tree).map_err(|e| bad(&e))?;
        trace.check()?;
        Ok(trace)
    }

    /// Holds what others rely on: lanes that exist, times that can be added up, order.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), BadTrace> {
        let bad = |why: String| Err(BadTrace(format!("This trace can't be shown: {why}.")));
        if let Err(e) = self.scenario.check() {
            return bad(format!("its scenario is wrong: {e}"));
        }
        if !(1..=LANES).contains(&self.lanes.len()) {
            return bad(format!("it has {} lanes; it must have 1 to {LANES}", self.lanes.len()));
        }
        for (what, count) in [
            ("messages", self.messages.len()),
            ("spans", self.spans.len()),
            ("marks", self.marks.len()),
            ("events", self.published.len()),
            ("pieces", self.wire.len()),
            ("tallies", self.crowd.iter().map(|run| run.tallies.len()).sum()),
        ] {
            if count > ITEMS {
                return bad(format!("it has {count} {what}; at most {ITEMS} are shown"));
            }
        }
        let lanes = self.messages.iter().map(|message| message.lane);
        let lanes = lanes.chain(self.spans.iter().filter_map(|span| span.lane));
        let mut lanes = lanes.chain(self.marks.iter().filter_map(|mark| mark.lane));
        if let Some(lane) = lanes.find(|lane| usize::from(*lane) >= self.lanes.len()) {
            return bad(format!("it speaks of lane {lane}, and has {}", self.lanes.len()));
        }
        if self.crowd.len() > crowd::RUNS {
            return bad(format!("it has {} crowds; at most {} are shown", self.crowd.len(), crowd::RUNS));
        }
        if let Some(Err(e)) = self.crowd.iter().map(|run| run.lane.check()).find(Result::is_err) {
            return bad(format!("a crowd of it is wrong: {e}"));
        }
        // Numbers of messages are numbers of a page's script, too.
        if self.before > 1 << 52 {
            return bad("its messages are numbered too high".to_owned());
        }
        if !(0..=FAR_US).contains(&self.until_us) || self.times().any(|us| !(-FAR_US..=FAR_US).contains(&us))
        {
            return bad("its times are out of bounds".to_owned());
        }
        if !self.wire.is_sorted_by(|a, b| a.id < b.id) {
            return bad("its pieces are out of order".to_owned());
        }
        if !self.published.is_sorted_by_key(|event| event.life) {
            return bad("its events are out of order".to_owned());
        }
        Ok(())
    }

    fn times(&self) -> impl Iterator<Item = i64> {
        let at = |moment: Option<Moment>| moment.map(|moment| moment.at_us);
        let messages = self
            .messages
            .iter()
            .flat_map(move |message| [at(message.client), at(message.server), message.socket_us]);
        let spans = self
            .spans
            .iter()
            .flat_map(move |span| [Some(span.from.at_us), at(span.to), at(span.server_to), span.until_us]);
        let marks = self.marks.iter().map(|mark| Some(mark.at.at_us));
        let published = self.published.iter().map(|event| Some(event.at_us));
        let crowd = self.crowd.iter().map(|run| Some(run.from_us));
        messages.chain(spans).chain(marks).chain(published).chain(crowd).flatten()
    }
}

read_by_hand! {
    Trace: trace,
    Piece: piece,
}

fn trace(value: &Value<'_>) -> Result<Trace, Wrong> {
    let of = Members::of("the trace", value)?;
    Ok(Trace {
        v: of.u32("v")?,
        source: of.name("source")?,
        scenario: scenario(of.need("scenario")?)?,
        began_at_ms: of.u64("began_at_ms")?,
        until_us: of.i64("until_us")?,
        clock_error_us: of.maybe_u64("clock_error_us")?,
        lanes: of.list("lanes", lane)?,
        published: of.list("published", published)?,
        before: of.maybe_u64("before")?.unwrap_or(0),
        messages: of.list("messages", message)?,
        spans: of.list("spans", span)?,
        marks: of.list("marks", mark)?,
        crowd: of.list("crowd", crowd_run)?,
        wire: of.list("wire", piece)?,
    })
}

fn lane(value: &Value<'_>) -> Result<Lane, Wrong> {
    let of = Members::of("a lane", value)?;
    Ok(Lane {
        sub: of.text("sub")?.to_owned(),
        transport: of.name("transport")?,
        outside: of.flag("outside")?,
    })
}

fn moment(value: &Value<'_>) -> Result<Moment, Wrong> {
    let of = Members::of("a moment", value)?;
    Ok(Moment { at_us: of.i64("at_us")?, inferred: of.flag("inferred")? })
}

fn maybe_moment(of: &Members<'_>, name: &str) -> Result<Option<Moment>, Wrong> {
    of.get(name).map(moment).transpose()
}

fn published(value: &Value<'_>) -> Result<Published, Wrong> {
    let of = Members::of("a published event", value)?;
    Ok(Published { id: of.u64("id")?, at_us: of.i64("at_us")?, life: of.maybe_u32("life")?.unwrap_or(0) })
}

fn message(value: &Value<'_>) -> Result<Message, Wrong> {
    let of = Members::of("a message", value)?;
    Ok(Message {
        lane: of.maybe_u16("lane")?.ok_or_else(|| Wrong::new("a message has no `lane`"))?,
        n: of.u64("n")?,
        direction: of.name("direction")?,
        kind: of.name("kind")?,
        client: maybe_moment(&of, "client")?,
        server: maybe_moment(&of, "server")?,
        socket_us: of.maybe_i64("socket_us")?,
        payload_bytes: of.u32("payload_bytes")?,
        overhead_bytes: of.u32("overhead_bytes")?,
        events: of.numbers("events")?,
        status: of.maybe_u16("status")?,
        by_browser: of.flag("by_browser")?,
        lost: of.flag("lost")?,
        pieces: of.numbers("pieces")?,
    })
}

fn span(value: &Value<'_>) -> Result<Span, Wrong> {
    let of = Members::of("a span", value)?;
    Ok(Span {
        lane: of.maybe_u16("lane")?,
        n: of.u64("n")?,
        kind: of.name("kind")?,
        who: of.name("who")?,
        from: moment(of.need("from")?)?,
        to: maybe_moment(&of, "to")?,
        server_to: maybe_moment(&of, "server_to")?,
        until_us: of.maybe_i64("until_us")?,
    })
}

fn mark(value: &Value<'_>) -> Result<Mark, Wrong> {
    let of = Members::of("a mark", value)?;
    let text = |name: &str| of.text(name).map(str::to_owned);
    let kind = match of.text("kind")? {
        "cut" => MarkKind::Cut { why: text("why")? },
        "gap" => MarkKind::Gap { from: of.u64("from")?, to: of.u64("to")? },
        "reset" => MarkKind::Reset { epoch: of.maybe_text("epoch")?.map(str::to_owned) },
        "recovered" => {
            MarkKind::Recovered { after: text("after")?, from: of.u64("from")?, to: of.u64("to")? }
        }
        "gave-up" => MarkKind::GaveUp { why: text("why")? },
        "note" => MarkKind::Note { text: text("text")? },
        other => return Err(Wrong::new(format!("a mark has the unknown kind {other:?}"))),
    };
    Ok(Mark { lane: of.maybe_u16("lane")?, at: moment(of.need("at")?)?, kind })
}

fn crowd_run(value: &Value<'_>) -> Result<CrowdRun, Wrong> {
    let of = Members::of("a crowd's run", value)?;
    Ok(CrowdRun {
        row: of.maybe_u16("row")?.unwrap_or(0),
        lane: scenario::read::lane(of.need("lane")?)?,
        clients: of.u32("clients")?,
        from_us: of.i64("from_us")?,
        tallies: of.list("tallies", tally)?,
        costs: of.list("costs", cost)?,
    })
}

fn piece(value: &Value<'_>) -> Result<Piece, Wrong> {
    let of = Members::of("a piece", value)?;
    Ok(Piece {
        id: of.u64("id")?,
        via: of.name("via")?,
        direction: of.name("direction")?,
        part: of.name("part")?,
        bytes: base64_bytes::read(&of, "bytes")?,
        cut_bytes: of.maybe_u64("cut_bytes")?.unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENARIO: &str =
        r#"{"v":1,"lanes":[{"transport":"short-poll","interval_ms":1000}],"publish":{"every_ms":1200}}"#;

    /// A file with other members in the place of some, or beside them.
    fn file(others: &[(&str, &str)]) -> String {
        let mut members = vec![
            ("v", "1"),
            ("source", r#""live""#),
            ("scenario", SCENARIO),
            ("began_at_ms", "1764000000000"),
            ("until_us", "8000000"),
            ("lanes", r#"[{"sub":"short-poll","transport":"short-poll"}]"#),
            ("published", r#"[{"id":1,"at_us":900000}]"#),
            (
                "messages",
                r#"[{"lane":0,"n":1,"direction":"to-server","kind":"request","client":{"at_us":1000},"payload_bytes":0,"overhead_bytes":300}]"#,
            ),
            ("spans", "[]"),
            ("marks", "[]"),
        ];
        for &(name, value) in others {
            members.retain(|(known, _)| *known != name);
            members.push((name, value));
        }
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    }

    fn wrong(others: &[(&str, &str)]) -> String {
        Trace::from_json(&file(others)).unwrap_err().0
    }

    #[test]
    fn a_saved_trace_is_read_as_it_was() {
        let trace = Trace::from_json(&file(&[])).unwrap();
        assert_eq!((trace.lanes.len(), trace.messages.len()), (1, 1));
        let again = serde_json::to_string(&trace).unwrap();
        assert_eq!(Trace::from_json(&again).unwrap(), trace);
    }

    #[test]
    fn a_trace_of_the_future_is_told_from_nonsense() {
        assert!(wrong(&[("v", "2")]).contains("version 2"));
        for nonsense in ["", "[]", "{}", "\u{0}", &file(&[])[..200]] {
            let said = Trace::from_json(nonsense).unwrap_err().0;
            assert!(said.starts_with("This file is not a trace"), "{said}");
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let said = Trace::from_json(&" ".repeat(LARGEST_BYTES + 1)).unwrap_err().0;
        assert!(said.contains("32 MB"), "{said}");
    }

    #[test]
    fn a_lane_that_is_not_there_is_refused_wherever_it_is_named() {
        let message = r#"[{"lane":1,"n":1,"direction":"to-server","kind":"request","payload_bytes":0,"overhead_bytes":0}]"#;
        let span = r#"[{"lane":7,"n":1,"kind":"open","who":"server","from":{"at_us":0}}]"#;
        let mark = r#"[{"lane":9,"at":{"at_us":0},"kind":"gave-up","why":"x"}]"#;
        for (name, value, lane) in
            [("messages", message, "lane 1"), ("spans", span, "lane 7"), ("marks", mark, "lane 9")]
        {
            let said = wrong(&[(name, value)]);
            assert!(said.contains(lane), "{said}");
        }
    }

    #[test]
    fn times_that_could_not_be_added_up_are_refused() {
        let far = i64::MAX.to_string();
        let event = format!(r#"[{{"id":1,"at_us":{far}}}]"#);
        for (name, value) in [("until_us", "-1"), ("until_us", far.as_str()), ("published", event.as_str())] {
            let said = wrong(&[(name, value)]);
            assert!(said.contains("times"), "{name}: {said}");
        }
    }

    #[test]
    fn as_many_lanes_as_can_be_shown_and_no_more() {
        let lane = r#"{"sub":"a","transport":"sse"}"#;
        for (count, fits) in [(0, false), (1, true), (LANES, true), (LANES + 1, false)] {
            // Nothing speaks of a lane, so none is missing.
            let lanes = format!("[{}]", vec![lane; count].join(","));
            let read = Trace::from_json(&file(&[("lanes", &lanes), ("messages", "[]")]));
            assert_eq!(read.is_ok(), fits, "{count} lanes: {read:?}");
        }
    }

    #[test]
    fn pieces_must_be_in_order_to_be_found() {
        let piece = |id: u32| {
            format!(r#"{{"id":{id},"via":"sse","direction":"to-client","part":"chunk","bytes":"YQ=="}}"#)
        };
        let said = wrong(&[("wire", &format!("[{},{}]", piece(2), piece(1)))]);
        assert!(said.contains("pieces"), "{said}");
        assert!(Trace::from_json(&file(&[("wire", &format!("[{},{}]", piece(1), piece(2)))])).is_ok());
    }

    #[test]
    fn a_crowd_reads_back_and_a_wrong_one_is_refused() {
        let run = |interval_ms: u32, from_us: i64| {
            let tally = r#"{"arrivals":3,"refused":1,"served":2,"open":2,"queued":0,"delivered":5,"recovered":1,"refetched":0,"staleness_p50_us":900}"#;
            let cost = r#"{"after_us":1000000,"span_us":1000000,"open":2,"alone":true,"served":2,"delivered":5,"memory_bytes":9000,"memory_before_bytes":1000,"cpu_us":50}"#;
            format!(
                r#"{{"row":1,"lane":{{"transport":"short-poll","interval_ms":{interval_ms}}},"clients":2,"from_us":{from_us},"tallies":[{tally}],"costs":[{cost}]}}"#
            )
        };
        let crowd = |run: &str, count: usize| format!("[{}]", vec![run; count].join(","));
        let trace = Trace::from_json(&file(&[("crowd", &crowd(&run(1_000, 5), 1))])).unwrap();
        assert_eq!(trace.crowd[0].tallies[0].staleness_p50_us, Some(900));
        assert_eq!(trace.crowd[0].costs[0].per_connection_bytes(), Some(4_000));
        assert_eq!(trace.crowd[0].costs[0].per_delivery_us(), Some(10));
        assert_eq!(Trace::from_json(&serde_json::to_string(&trace).unwrap()).unwrap(), trace);
        assert!(wrong(&[("crowd", &crowd(&run(1, 5), 1))]).contains("interval_ms"));
        assert!(wrong(&[("crowd", &crowd(&run(1_000, i64::MAX), 1))]).contains("times"));
        assert!(wrong(&[("crowd", &crowd(&run(1_000, 5), crowd::RUNS + 1))]).contains("crowds"));
    }

    #[test]
    fn a_scenario_out_of_its_bounds_is_refused() {
        let said = wrong(&[("scenario", &SCENARIO.replace("1000", "5"))]);
        assert!(said.contains("interval_ms"), "{said}");
    }
}
