//! One message in words: what it is, and what it cost.

use standby_trace::{Direction, Kind, Message, Trace, Transport};

use super::{Said, Words, about_event, capital, name};
use crate::format;
use crate::geometry::{Deliveries, Frame};
use crate::shape::View;

/// An event that has not reached everybody after so long will not be waited for.
const DELIVERED_WITHIN_US: i64 = 60_000_000;

/// What the message of a number is, what it cost, and how soon its news came to be where. Empty
/// where there is no such message.
#[must_use]
pub fn say_message(trace: &Trace, number: u64) -> Vec<Words> {
    let mut said = Said::default();
    let Some(message) = trace.message(number) else { return said.words };
    said.plain(&what(trace, message));
    cost(message, &mut said);
    way(message, &mut said);
    if let Some(event) = message
        .events
        .last()
        .and_then(|&id| standby_trace::ledger::published_before(&trace.published, id, message.last_us()))
    {
        let to_us = message.last_us().saturating_add(DELIVERED_WITHIN_US);
        let view = View { from_us: event.at_us, to_us, now_us: trace.until_us, ..View::default() };
        let frame = Frame::new(trace, &view);
        said.next();
        about_event(&frame, &Deliveries::of(&frame), event, &mut said);
    }
    said.words
}

/// `The poller asks`.
fn what(trace: &Trace, message: &Message) -> String {
    let lane = usize::from(message.lane);
    let who = capital(&name(trace, lane));
    let streams = trace
        .lanes
        .get(lane)
        .is_some_and(|lane| matches!(lane.transport, Transport::WebSocket | Transport::Sse));
    let up = message.direction == Direction::ToServer;
    let events = match message.events.as_slice() {
        [] => String::new(),
        [id] => format!("event {id}"),
        many => format!("events {}", format::ids(many)),
    };
    let refused = message.status.map_or_else(String::new, |status| format!(": {status}"));
    match message.kind {
        Kind::Request if message.by_browser => {
            format!("The browser sends the request of {} again", lower(&who))
        }
        Kind::Request if streams => format!("{who} asks to be opened"),
        Kind::Request => format!("{who} asks"),
        Kind::Preflight => format!("The browser asks whether {} may ask", lower(&who)),
        Kind::Publish | Kind::Send => format!("{who} publishes"),
        Kind::Answer if message.events.is_empty() => match message.status {
            Some(status @ 201..=299) => format!("The server answers {}: {status}", lower(&who)),
            Some(304) => format!("{who} is told that nothing is new: 304"),
            _ => format!("{who} is told that nothing is new"),
        },
        Kind::Answer => format!("{who} gets {events}"),
        Kind::Open => format!("{who} is open"),
        Kind::Event if message.events.is_empty() => format!("{who} gets a message without an event"),
        Kind::Event => format!("{who} brings {events}"),
        Kind::Gap => format!("{who} is told of a gap"),
        Kind::Reset => format!("{who} is told of a new life of the topic"),
        Kind::Ping if up => format!("{who} asks whether the server is still there"),
        Kind::Ping => format!("The server asks whether {} is still there", lower(&who)),
        Kind::Pong if up => format!("{who} says that it is still there"),
        Kind::Pong => format!("The server says to {} that it is still there", lower(&who)),
        Kind::Close if up => format!("{who} says goodbye"),
        Kind::Close => format!("The server says goodbye to {}", lower(&who)),
        Kind::KeepAlive => format!("The server keeps {} alive with a comment", lower(&who)),
        Kind::Refusal => format!("{who} is refused{refused}"),
        Kind::Other if up => format!("{who} sends something else"),
        Kind::Other => format!("{who} gets something else"),
    }
}

/// A lane's name within a sentence: as it is, but for the article.
fn lower(who: &str) -> String {
    match who.strip_prefix("The ") {
        Some(noun) => format!("the {noun}"),
        None => who.to_owned(),
    }
}

/// `: 412 bytes, of which 0 are news.`
fn cost(message: &Message, said: &mut Said) {
    let (news, all) = (
        u64::from(message.payload_bytes),
        u64::from(message.payload_bytes) + u64::from(message.overhead_bytes),
    );
    said.plain(": ");
    said.strong(&format::of(all, "byte", "bytes"), false);
    let are = if news == 1 { "is" } else { "are" };
    said.plain(&format!(", of which {} {are} news.", format::count(news)));
}

/// How long it was under way, and what of that is not known.
fn way(message: &Message, said: &mut Said) {
    if message.lost {
        said.next();
        said.plain("It ");
        said.strong("never arrived", true);
        said.plain(": its connection was cut.");
        return;
    }
    let (Some(client), Some(server)) = (message.client, message.server) else {
        let seen = match (message.client.is_some(), message.server.is_some()) {
            (true, false) => " Only the client's end of it is known.",
            (false, true) => " Only the server's end of it is known.",
            _ => " When it passed is known from the server's socket only.",
        };
        return said.plain(seen);
    };
    let way_us = match message.direction {
        Direction::ToServer => server.at_us.saturating_sub(client.at_us),
        Direction::ToClient => client.at_us.saturating_sub(server.at_us),
    };
    let way = format::age(u64::try_from(way_us).unwrap_or(0));
    said.plain(&format!(" It was {way} under way"));
    let inferred = match (client.inferred, server.inferred) {
        (false, false) => ".",
        (true, false) => "; the client's end is inferred, not seen.",
        (false, true) => "; the server's end is inferred, not seen.",
        (true, true) => "; both ends are inferred, not seen.",
    };
    said.plain(inferred);
}
