//! JSON texts: an event, an answer that holds some, what a stream says of itself.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::Class;
use crate::field::{Notes, count, text};

/// A JSON text that begins at `base`. `class` is what it is if it turns out to be nothing else.
pub(crate) fn document(notes: &mut Notes, bytes: &[u8], base: usize, class: Class) {
    let whole = base..base + bytes.len();
    if notes.is_news(&whole) {
        event(notes, bytes, base);
        return;
    }
    let Some(members) = std::str::from_utf8(bytes).ok().and_then(members) else {
        let meaning = "Text that is no JSON object.";
        notes.field(whole, class, "body", text(bytes), meaning);
        return;
    };
    let has = |name: &str| members.iter().any(|member| member.name == name);
    let (class, name, meaning) = match class {
        Class::Envelope if has("hello") => {
            (Class::Hello, "hello", "The first message: which life of the topic this is, and its last id.")
        }
        Class::Envelope if has("gap") && !has("events") => {
            (Class::Notice, "gap", "Events that were asked for and that history no longer holds.")
        }
        Class::Envelope if has("reset") && !has("events") => {
            (Class::Notice, "reset", "The topic began a new life, and its ids start again.")
        }
        Class::Envelope if has("error") => (Class::Notice, "error", "Why the server refuses."),
        Class::Envelope if has("events") => {
            (class, "answer", "What carries the events: the topic's life, its last id, and the list.")
        }
        Class::Publishing => {
            (class, "what is published", "The publisher's JSON. The server makes an event of `data`.")
        }
        _ => (Class::Body, "body", "A JSON object that carries no events."),
    };
    notes.field(whole, class, name, count(bytes.len()), meaning);
    notes.inside(|notes| {
        for member in members {
            member.note(notes, base, class);
        }
    });
}

/// One event, as the topic keeps it.
pub(crate) fn event(notes: &mut Notes, bytes: &[u8], base: usize) {
    let meaning =
        "The news itself: what the ledger counts as payload. All other bytes are there to bring it.";
    notes.field(base..base + bytes.len(), Class::News, "event", text(bytes), meaning);
    notes.inside(|notes| {
        for member in std::str::from_utf8(bytes).ok().and_then(members).unwrap_or_default() {
            member.note(notes, base, Class::News);
        }
    });
}

/// The JSON of an SSE event that is not news.
pub(crate) fn inside(notes: &mut Notes, bytes: &[u8], base: usize, class: Class) {
    for member in std::str::from_utf8(bytes).ok().and_then(members).unwrap_or_default() {
        member.note(notes, base, class);
    }
}

/// A member of an object.
struct Member<'a> {
    name: String,
    value: &'a str,
    /// Where the value stands in the object's text.
    at: Range<usize>,
}

impl Member<'_> {
    fn note(&self, notes: &mut Notes, base: usize, class: Class) {
        let at = base + self.at.start..base + self.at.end;
        let list = if self.name == "events" { list(self.value) } else { None };
        let Some(items) = list else {
            notes.field(at, class, self.name.clone(), self.value, meaning(&self.name, class));
            return;
        };
        let number = match items.len() {
            0 => "none".to_owned(),
            1 => "1 event".to_owned(),
            many => format!("{many} events"),
        };
        notes.field(at.clone(), class, self.name.clone(), number, meaning(&self.name, class));
        notes.inside(|notes| {
            for item in items {
                let from = at.start + offset(self.value, item);
                if notes.is_news(&(from..from + item.len())) {
                    event(notes, item.as_bytes(), from);
                }
            }
        });
    }
}

fn meaning(name: &str, class: Class) -> Cow<'static, str> {
    let known = match (name, class) {
        ("id", Class::News) => "The event's number in its topic.",
        ("id", _) => "The number that the event was given.",
        ("data", _) => "What the publisher sent, as it was sent.",
        ("published_at", _) => "When the server took the event, in milliseconds since 1970.",
        ("epoch", _) => "Which life of the topic this is. Ids start again with each.",
        ("last_id", _) => "The topic's last id: where the subscriber stands after this.",
        ("events", _) => "The events after the position that was asked for.",
        ("hello", _) => "The life of the topic, and the id before the first event that follows.",
        ("gap", _) => "The ids from and to which are no longer held.",
        ("reset", _) => "The new life of the topic.",
        ("from", Class::Notice) => "The first missing id.",
        ("to", Class::Notice) => "The last missing id.",
        ("error", _) => "What is wrong.",
        ("title", _) => "What is wrong, the same for every problem of its kind (RFC 9457 §3.1.3).",
        ("status", _) => "The status code once more (RFC 9457 §3.1.2).",
        ("detail", _) => "What to do about it (RFC 9457 §3.1.4).",
        _ => "A member of the object.",
    };
    Cow::Borrowed(known)
}

fn offset(whole: &str, part: &str) -> usize {
    // `part` is borrowed from `whole`, so their addresses tell where it stands.
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize)
}

/// The members of an object, in order. `None`: it is no object.
fn members(text: &str) -> Option<Vec<Member<'_>>> {
    struct Members<'a>(Vec<(String, &'a RawValue)>);
    struct Read;
    impl<'de> Visitor<'de> for Read {
        type Value = Members<'de>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(Members(members))
        }
    }
    impl<'de> Deserialize<'de> for Members<'de> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Read)
        }
    }
    let Members(members) = serde_json::from_str(text).ok()?;
    let place = |(name, value): (String, &'_ RawValue)| {
        let from = offset(text, value.get());
        (name, from..from + value.get().len())
    };
    Some(
        members
            .into_iter()
            .map(place)
            .filter_map(|(name, at)| Some(Member { name, value: text.get(at.clone())?, at }))
            .collect(),
    )
}

/// The items of an array. `None`: it is none.
fn list(text: &str) -> Option<Vec<&str>> {
    let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    Some(items.into_iter().map(RawValue::get).collect())
}
