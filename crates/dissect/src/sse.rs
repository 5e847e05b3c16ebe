//! Event streams, by HTML §9.2.5 (what may stand in them) and §9.2.6 (what it means).

use std::borrow::Cow;
use std::ops::Range;

use crate::field::{Notes, count, text};
use crate::{Class, json};

/// One line of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Without its end.
    pub(crate) text: Range<usize>,
    /// CRLF, LF or CR; empty where the stream stops in the line's middle.
    pub(crate) end: Range<usize>,
}

impl Line {
    /// Name and value of a field: the colon parts them, and one blank behind it belongs to it. A line
    /// without a colon is a name with an empty value.
    fn parts(&self, bytes: &[u8]) -> (Range<usize>, Range<usize>) {
        let content = bytes.get(self.text.clone()).unwrap_or_default();
        let Some(colon) = content.iter().position(|&byte| byte == b':') else {
            return (self.text.clone(), self.text.end..self.text.end);
        };
        let blank = usize::from(content.get(colon + 1) == Some(&b' '));
        (self.text.start..self.text.start + colon, self.text.start + colon + 1 + blank..self.text.end)
    }
}

/// The lines of a stream: they end in CRLF, LF or CR.
pub(crate) fn lines(bytes: &[u8]) -> Vec<Line> {
    let (mut lines, mut from, mut at) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        let end = match bytes[at] {
            b'\r' if bytes.get(at + 1) == Some(&b'\n') => at + 2,
            b'\r' | b'\n' => at + 1,
            _ => {
                at += 1;
                continue;
            }
        };
        lines.push(Line { text: from..at, end: at..end });
        (from, at) = (end, end);
    }
    if from < bytes.len() {
        lines.push(Line { text: from..bytes.len(), end: bytes.len()..bytes.len() });
    }
    lines
}

/// What an empty line dispatches (HTML §9.2.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its type; empty stands for `message`.
    pub(crate) name: String,
    /// Its `id`, where it has one.
    pub(crate) id: Option<String>,
    /// Its data: the values of its `data` lines, with a line feed between. `None`: no such line, so
    /// that nothing is dispatched.
    pub(crate) data: Option<String>,
}

/// What the lines before an empty line amount to.
pub(crate) fn block(bytes: &[u8], lines: &[Line]) -> Event {
    let mut event = Event::default();
    for line in lines {
        let (name, value) = line.parts(bytes);
        let value = text(&bytes[value]);
        match &bytes[name] {
            b"event" => event.name = value,
            // A NULL in it would not survive in a header, so such an id is passed over.
            b"id" if !value.contains('\0') => event.id = Some(value),
            b"data" => match &mut event.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(&value);
                }
                data => *data = Some(value),
            },
            _ => {}
        }
    }
    event
}

/// A piece of a stream that begins at `base` in the message's piece.
pub(crate) fn stream(notes: &mut Notes, bytes: &[u8], base: usize) {
    let lines = lines(bytes);
    let mut rest = &lines[..];
    while !rest.is_empty() {
        let end = rest.iter().position(|line| line.text.is_empty()).unwrap_or(rest.len());
        let event = block(bytes, &rest[..end]);
        for line in &rest[..end] {
            one_line(notes, bytes, base, line, &event);
        }
        let Some(empty) = rest.get(end) else {
            notes.remark("The event goes on in what follows: the empty line that dispatches it is not here.");
            break;
        };
        let meaning: Cow<'static, str> = match &event {
            Event { data: Some(data), name, .. } => {
                let name = if name.is_empty() { "message" } else { name };
                let id = event
                    .id
                    .as_ref()
                    .map_or_else(String::new, |id| format!(", and `{id}` is the last event ID from now on"));
                format!(
                    "It dispatches an event of the type `{name}` with {} of data{id} (HTML §9.2.6).",
                    count(data.len())
                )
                .into()
            }
            Event { id: Some(_), .. } => {
                "There is no data, so nothing is dispatched, but the last event ID is set (HTML §9.2.6)."
                    .into()
            }
            _ => "There is no data, so nothing is dispatched (HTML §9.2.6).".into(),
        };
        notes.field(moved(&empty.end, base), Class::LineEnd, "empty line", "", meaning);
        rest = &rest[end + 1..];
    }
}

fn moved(at: &Range<usize>, base: usize) -> Range<usize> {
    base + at.start..base + at.end
}

fn one_line(notes: &mut Notes, bytes: &[u8], base: usize, line: &Line, event: &Event) {
    let content = &bytes[line.text.clone()];
    let at = moved(&(line.text.start..line.end.end), base);
    let end = moved(&line.end, base);
    if content.first() == Some(&b':') {
        let meaning = "A comment: no page ever sees it. It shows everyone on the way that the stream lives (HTML §9.2.7).";
        notes.field(at, Class::Comment, "comment", text(&content[1..]), meaning);
        notes.paint(end, Class::LineEnd);
        return;
    }
    let (name_at, value_at) = line.parts(bytes);
    let (name, value) = (text(&bytes[name_at]), &bytes[value_at.clone()]);
    let is_news = notes.is_news(&moved(&value_at, base));
    let (class, meaning) = match name.as_str() {
        "data" if is_news => {
            (Class::News, "A line of the event's data; here, all of it, and that is the news.")
        }
        "data" => match event.name.as_str() {
            "hello" => (Class::Hello, "What the first event carries: the topic's life and its last id."),
            "gap" | "reset" | "refused" => (Class::Notice, "What the stream says of itself."),
            _ => (Class::Body, "A line of the event's data."),
        },
        "event" => (Class::SseField, "The type of the event. Without it, it is `message`."),
        "id" if value.contains(&0) => (Class::SseField, "It holds a NULL, so it is passed over."),
        "id" => (Class::SseField, "The browser keeps it, and sends it as Last-Event-ID when it comes back."),
        "retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
            (Class::Retry, "The browser is to wait so many milliseconds before it reconnects.")
        }
        "retry" => (Class::Retry, "It is no number of ASCII digits, so it is passed over."),
        _ => (Class::SseField, "No field that the standard knows, so it is passed over."),
    };
    notes.field(at, if class == Class::Retry { class } else { Class::SseField }, name, text(value), meaning);
    let value_at = moved(&value_at, base);
    notes.paint(value_at.clone(), class);
    notes.inside(|notes| match class {
        Class::News => json::event(notes, value, value_at.start),
        Class::Hello | Class::Notice => json::inside(notes, value, value_at.start, class),
        _ => {}
    });
    notes.paint(end, Class::LineEnd);
}
