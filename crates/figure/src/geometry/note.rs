//! The words in the picture: they stand where a thing first happens, not in a legend.

use standby_trace::{
    Direction, Kind, LaneSpec, Mark, MarkKind, Message, Span, SpanKind, SseClient, Trace, Transport, Who,
};

use super::Frame;
use super::both_ends::{Believer, disagreement};
use super::place::{self, Note, Once, Row};
use super::run::Run;
use super::stale::{arrival_us, event_of};
use crate::format;
use crate::shape::{Anchor, Ink, Shape};
use crate::text;

/// A text from elsewhere is cut to this.
const ELSEWHERE_CHARS: usize = 40;
/// Of so many messages in the view and a little before it there are words about single ones.
const MOST_MESSAGES: usize = 50_000;
/// What is looked back for the request that an answer belongs to.
const REQUEST_BACK: usize = 64;

pub(super) fn draw(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    let since_us = place::since_us(frame);
    let end_us = frame.scale.end_us;
    let known = since_us..=end_us;
    // Of what becomes known at one moment the first has the first choice: marks say most. A mark of
    // all lanes is told once, at the first.
    let marks = frame.marks_between(since_us, end_us);
    let mut notes: Vec<Note> = marks.filter_map(|mark| of_mark(frame.trace, mark)).collect();
    let mut tried = Tried::new(frame, since_us);
    // Where there are more they are only counted, and words about single ones would say nothing.
    let has_words = frame.count_between(since_us, end_us) <= MOST_MESSAGES;
    for (number, message) in frame.messages_between(since_us, end_us).filter(|_| has_words) {
        notes.extend(of_message(frame, number, message, &mut tried));
        notes.extend(of_age(frame, message, &mut tried));
    }
    for span in frame.spans_between(since_us, end_us) {
        notes.extend(of_span(frame, span, &mut tried));
        notes.extend(of_disagreement(frame, span, &mut tried));
    }
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

fn of_message(frame: &Frame<'_>, number: u64, message: &Message, tried: &mut Tried) -> Option<Note> {
    let trace = frame.trace;
    let lane = trace.lanes.get(usize::from(message.lane))?;
    // Most messages have no words, and a busy view holds tens of thousands.
    let may_have_words = match message.kind {
        Kind::Request => message.by_browser,
        Kind::Answer => message.is_empty_answer(),
        Kind::Send | Kind::Publish | Kind::Refusal => true,
        _ => false,
    };
    if !may_have_words {
        return None;
    }
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
            if !tried.may(Once::Refused(at, message.status), run.to_us) {
                return None;
            }
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
    let known_us = if message.direction == Direction::ToClient { run.to_us } else { run.from_us };
    if !tried.may(once, known_us) {
        return None;
    }
    let index = usize::try_from(number.saturating_sub(trace.before)).unwrap_or(0);
    let answers_short_poll = message.kind == Kind::Answer && lane.transport == Transport::ShortPoll;
    let at_us = match answers_short_poll {
        true => request_us(trace.messages.get(..index).unwrap_or_default(), message).unwrap_or(run.from_us),
        false => run.from_us,
    };
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
fn of_age(frame: &Frame<'_>, message: &Message, tried: &mut Tried) -> Option<Note> {
    let &id = message.events.first()?;
    if !tried.is_open(Once::Stale, message.last_us()) {
        return None;
    }
    let at_us = arrival_us(frame, message).filter(|&at_us| tried.is_open(Once::Stale, at_us))?;
    let event = event_of(&frame.trace.published, id, at_us)?;
    let age_us = at_us.saturating_sub(event.at_us);
    let old_us = frame.latency_us.saturating_mul(3).saturating_add(100_000);
    if frame.layout.narrow || age_us < old_us || !tried.may(Once::Stale, at_us) {
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

fn of_span(frame: &Frame<'_>, span: &Span, tried: &mut Tried) -> Option<Note> {
    let lane = span.lane?;
    let from_us = span.from.at_us;
    match span.kind {
        SpanKind::Held => {
            if !tried.may(Once::Holds(usize::from(lane)), from_us) {
                return None;
            }
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

/// That one end believes in a connection that the other no longer has, and for how long.
fn of_disagreement(frame: &Frame<'_>, span: &Span, tried: &mut Tried) -> Option<Note> {
    let lane = span.lane?;
    let (believer, from_us, to_us) = disagreement(frame, span)?;
    let once = Once::OneSided(usize::from(lane), believer);
    if !tried.may(once, from_us) {
        return None;
    }
    let (long, short) = match believer {
        Believer::Server => ("the server still believes in it", "server believes in it"),
        Believer::Client => ("the client does not know yet", "client does not know"),
    };
    let with = |words: &str, us: i64| format!("{words}: {}", format::seconds(u64::try_from(us).unwrap_or(0)));
    let length_us = to_us.map(|to_us| to_us.saturating_sub(from_us));
    let texts = match length_us {
        Some(us) => [with(long, us), with(short, us)],
        None => [long.to_owned(), short.to_owned()],
    };
    // Room for the length, which will be told when it is known.
    let words = if frame.layout.narrow { short } else { long };
    let grows_to = length_us.is_none().then(|| with(words, 99_000_000));
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    Some(Note { aside: 4.0, ink: Ink::OneSided, once: Some(once), grows_to, ..below(lane, from_us, &texts) })
}

/// How often each kind of note was tried in each chunk of time. Of what is said once in a chunk the
/// first that has room is taken; where so many had none, the next won't either, and a busy trace
/// holds thousands.
struct Tried {
    span_us: i64,
    first: i64,
    lanes: usize,
    tries: Vec<u8>,
}

/// Kinds of note that a lane may have.
const KINDS: usize = 8;
/// What is looked at: the view's length and what may reach into it.
const CHUNKS: usize = 4;
const MOST_TRIES: u8 = 16;

impl Tried {
    fn new(frame: &Frame<'_>, since_us: i64) -> Self {
        let (span_us, lanes) = (frame.scale.span_us().max(1), frame.layout.lanes.len());
        let tries = vec![0; CHUNKS * (lanes * KINDS + 1)];
        Self { span_us, first: since_us.div_euclid(span_us), lanes, tries }
    }

    fn slot(&mut self, once: Once, known_us: i64) -> Option<&mut u8> {
        let (lane, kind) = match once {
            Once::NothingNew(lane) => (lane, 0),
            Once::TimeIsUp(lane) => (lane, 1),
            Once::Holds(lane) => (lane, 2),
            Once::Sends(lane) => (lane, 3),
            Once::Again(lane) => (lane, 4),
            Once::Refused(lane, _) => (lane, 5),
            Once::OneSided(lane, Believer::Server) => (lane, 6),
            Once::OneSided(lane, Believer::Client) => (lane, 7),
            Once::Stale => (self.lanes, 0),
        };
        let chunk = usize::try_from(known_us.div_euclid(self.span_us).checked_sub(self.first)?).ok()?;
        let of_chunk = self.lanes * KINDS + 1;
        (chunk < CHUNKS).then_some(())?;
        self.tries.get_mut(chunk * of_chunk + (lane * KINDS + kind).min(of_chunk - 1))
    }

    /// Whether a note of this kind may still find a place.
    fn is_open(&mut self, once: Once, known_us: i64) -> bool {
        self.slot(once, known_us).is_some_and(|tries| *tries < MOST_TRIES)
    }

    /// The same, and counts it.
    fn may(&mut self, once: Once, known_us: i64) -> bool {
        let slot = self.slot(once, known_us).filter(|tries| **tries < MOST_TRIES);
        slot.map(|tries| *tries += 1).is_some()
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
