//! The words in the picture: they stand where a thing first happens, not in a legend.

use standby_trace::ledger::published_before;
use standby_trace::{
    Direction, Kind, LaneSpec, Mark, MarkKind, Message, Span, SpanKind, SseClient, Trace, Transport, Who,
};

use super::Frame;
use super::place::{self, Note, Once, Row};
use super::run::Run;
use super::stale::arrival_us;
use crate::format;
use crate::shape::{Anchor, Ink, Shape};
use crate::text;

/// A text from elsewhere is cut to this.
const ELSEWHERE_CHARS: usize = 40;
/// What is looked back for the request that an answer belongs to.
const REQUEST_BACK: usize = 64;

pub(super) fn draw(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    let since_us = place::since_us(frame);
    let known = since_us..=frame.scale.now_us;
    // Of what becomes known at one moment the first has the first choice: marks say most. A mark of
    // all lanes is told once, at the first.
    let mut notes: Vec<Note> =
        frame.trace.marks.iter().filter_map(|mark| of_mark(frame.trace, mark)).collect();
    let range = frame.messages_since(since_us.saturating_sub(frame.reach_us()));
    let first = range.start;
    for (i, message) in frame.trace.messages[range].iter().enumerate() {
        notes.extend(of_message(frame, first + i, message));
        notes.extend(of_age(frame, message));
    }
    notes.extend(frame.trace.spans.iter().filter_map(|span| of_span(frame, span)));
    notes.retain(|note| known.contains(&note.known_us));
    if frame.layout.narrow {
        for note in &mut notes {
            // The longest of several forms is for wide pictures.
            let long = usize::from(note.texts.len() > 1);
            note.texts.drain(..long);
        }
    }
    place::draw(frame, notes, shapes);
}

/// A note below a lane, that begins at a moment.
fn below(lane: u16, at_us: i64, texts: &[&str]) -> Note {
    Note {
        lane: usize::from(lane),
        row: Row::Below,
        known_us: at_us,
        at_us,
        aside: -6.0,
        anchor: Anchor::Start,
        ink: Ink::Note,
        texts: texts.iter().map(|&text| text.to_owned()).collect(),
        grows_to: None,
        until_us: None,
        once: None,
    }
}

fn transport(trace: &Trace, lane: u16) -> Option<Transport> {
    trace.lanes.get(usize::from(lane)).map(|lane| lane.transport)
}

/// Whether the browser's own `EventSource` runs this lane.
pub(crate) fn by_event_source(trace: &Trace, lane: u16) -> bool {
    let spec = trace.scenario.lanes.get(usize::from(lane));
    matches!(spec, Some(LaneSpec::Sse { client: SseClient::EventSource, .. }))
}

fn of_message(frame: &Frame<'_>, index: usize, message: &Message) -> Option<Note> {
    let trace = frame.trace;
    let lane = trace.lanes.get(usize::from(message.lane))?;
    let run = Run::of(message, lane.outside, frame.latency_us, frame.scale.now_us)?;
    let at = usize::from(message.lane);
    let (text, once): (&[&str], Once) = match message.kind {
        Kind::Request if message.by_browser => {
            (&["the browser sends it again", "sent again"], Once::Again(at))
        }
        Kind::Send | Kind::Publish if !lane.outside => {
            (&["the client sends, too", "client sends"], Once::Sends(at))
        }
        Kind::Answer if message.is_empty_answer() && run.arrived => match lane.transport {
            Transport::ShortPoll => (&["asks: nothing new", "nothing new"], Once::NothingNew(at)),
            Transport::LongPoll => (&["time is up: nothing new", "time is up"], Once::TimeIsUp(at)),
            Transport::WebSocket | Transport::Sse => return None,
        },
        Kind::Refusal if run.arrived => {
            let text =
                message.status.map_or_else(|| "refused".to_owned(), |status| format!("refused: {status}"));
            return Some(Note {
                ink: Ink::Fault,
                known_us: run.to_us,
                once: Some(Once::Refused(at, message.status)),
                ..below(message.lane, run.from_us, &[&text])
            });
        }
        _ => return None,
    };
    let answers_short_poll = message.kind == Kind::Answer && lane.transport == Transport::ShortPoll;
    let at_us = match answers_short_poll {
        true => request_us(&trace.messages[..index], message).unwrap_or(run.from_us),
        false => run.from_us,
    };
    let known_us = if message.direction == Direction::ToClient { run.to_us } else { run.from_us };
    let ink = if matches!(once, Once::Sends(_)) { Ink::Client } else { Ink::Note };
    Some(Note { once: Some(once), ink, known_us, ..below(message.lane, at_us, text) })
}

/// When the request left that this answers.
fn request_us(before: &[Message], answer: &Message) -> Option<i64> {
    before
        .iter()
        .rev()
        .take(REQUEST_BACK)
        .find(|message| message.kind == Kind::Request && (message.lane, message.n) == (answer.lane, answer.n))
        .and_then(|request| request.client)
        .map(|client| client.at_us)
}

/// News that is much older when it arrives than the way takes.
fn of_age(frame: &Frame<'_>, message: &Message) -> Option<Note> {
    let at_us = arrival_us(frame, message)?;
    let &id = message.events.first()?;
    let event = published_before(&frame.trace.published, id, at_us)?;
    let age_us = at_us.saturating_sub(event.at_us);
    if frame.layout.narrow || age_us < frame.latency_us.saturating_mul(3).saturating_add(100_000) {
        return None;
    }
    let age = format::age(u64::try_from(age_us).unwrap_or(0));
    let long = format!("event {id} is {age} old when it gets here");
    Some(Note {
        row: Row::Above,
        known_us: at_us,
        aside: 0.0,
        ink: Ink::Stale,
        once: Some(Once::Stale),
        ..below(message.lane, event.at_us, &[&long, &format!("{age} old")])
    })
}

fn of_span(frame: &Frame<'_>, span: &Span) -> Option<Note> {
    let lane = span.lane?;
    let from_us = span.from.at_us;
    match span.kind {
        SpanKind::Held => {
            let now_us = frame.scale.now_us;
            let to_us = span.to.map(|to| to.at_us).filter(|&to_us| to_us <= now_us);
            // While it lasts there may yet be room for the long form.
            let texts: &[&str] = match (to_us, frame.layout.narrow) {
                (None, false) => &["the server holds it"],
                _ => &["the server holds it", "held"],
            };
            Some(Note {
                row: Row::Inside,
                aside: 26.0,
                until_us: Some(to_us.unwrap_or(now_us)),
                once: Some(Once::Holds(usize::from(lane))),
                ..below(lane, from_us, texts)
            })
        }
        SpanKind::Waiting => {
            let now_us = frame.scale.now_us;
            let known_to_us = span.to.map(|to| to.at_us).filter(|&to_us| to_us <= now_us).or(span.until_us);
            let expected_us = match frame.trace.scenario.lanes.get(usize::from(lane)) {
                Some(LaneSpec::Sse { retry_ms, .. }) => i64::from(*retry_ms) * 1_000,
                _ => 1_000_000,
            };
            let to_us = known_to_us.unwrap_or(from_us.saturating_add(expected_us));
            let (long, short) = match span.who {
                Who::Client => ("your code waits", "you wait"),
                Who::Browser => ("the browser waits", "browser waits"),
                Who::Server => ("the server asked to wait", "asked to wait"),
            };
            let length_us = u64::try_from(to_us.saturating_sub(from_us)).unwrap_or(0);
            let length = format::seconds(length_us);
            let [whole, whole_short] = [long, short].map(|words| format!("{words} {length}"));
            let texts: &[&str] = match known_to_us {
                Some(_) => &[&whole, &whole_short, short],
                None => &[long, short],
            };
            let grows_to = if frame.layout.narrow { &whole_short } else { &whole };
            Some(Note {
                at_us: from_us.saturating_add(to_us.saturating_sub(from_us) / 2),
                known_us: from_us,
                aside: 0.0,
                anchor: Anchor::Middle,
                grows_to: known_to_us.is_none().then(|| grows_to.clone()),
                ..below(lane, from_us, texts)
            })
        }
        SpanKind::Open | SpanKind::Fault => None,
    }
}

fn of_mark(trace: &Trace, mark: &Mark) -> Option<Note> {
    let (lane, at_us) = (mark.lane.unwrap_or(0), mark.at.at_us);
    let note = |ink: Ink, texts: &[&str]| Note { ink, aside: 4.0, ..below(lane, at_us, texts) };
    match &mark.kind {
        MarkKind::Cut { .. } => None,
        MarkKind::Gap { from, to } => {
            let gone = if from == to { "is gone" } else { "are gone" };
            let ids = format::range(*from, *to);
            Some(note(Ink::Fault, &[&format!("gap: {ids} {gone}"), &format!("gap: {ids}")]))
        }
        MarkKind::Reset { epoch } => {
            let text = match epoch {
                Some(epoch) => format!("new life: {}", text::short(epoch, ELSEWHERE_CHARS)),
                None => "new life".to_owned(),
            };
            Some(note(Ink::Note, &[&text, "new life"]))
        }
        MarkKind::Recovered { after, from, to } => {
            let replayed = match from {
                0 => "nothing missed".to_owned(),
                _ => format!("{} replayed", format::range(*from, *to)),
            };
            let sent = match transport(trace, lane) {
                Some(Transport::Sse) => "Last-Event-ID: ",
                _ => "after=",
            };
            let after = text::short(after, ELSEWHERE_CHARS);
            Some(note(Ink::Note, &[&format!("{sent}{after} → {replayed}"), &replayed]))
        }
        MarkKind::GaveUp { why } => {
            let who = if by_event_source(trace, lane) { "the browser gave up" } else { "gave up" };
            let long = format!("{who}: {}", text::short(why, ELSEWHERE_CHARS));
            Some(note(Ink::Fault, &[&long, who, "gave up"]))
        }
        MarkKind::Note { text } => {
            let text = text::short(text, ELSEWHERE_CHARS);
            let row = if mark.lane.is_some() { Row::Below } else { Row::Bottom };
            Some(Note { row, ..note(Ink::Note, &[&text]) })
        }
    }
}
