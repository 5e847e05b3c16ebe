//! A burst: between 3 and 5 s so many messages that they touch.

use standby_trace::{Kind, Message, Moment, Trace};

/// The trace: the calm one, with a message each 2 ms for two seconds on the socket's lane, one
/// refusal and one lost message among them.
pub(crate) fn trace(calm: Trace) -> Trace {
    let mut trace = calm;
    let model = trace.messages.iter().find(|m| m.lane == 2 && m.kind == Kind::Event).cloned();
    trace.messages.extend((0..1_000i64).filter_map(|i| {
        let us = 3_000_000 + i * 2_000;
        let (kind, lost) = match i {
            400 => (Kind::Refusal, false),
            600 => (Kind::Event, true),
            _ if i % 2 == 0 => (Kind::Event, false),
            _ => (Kind::Pong, false),
        };
        // The newest there is, again and again.
        let newest = if us < 3_700_000 { 3 } else { 4 };
        let events = if kind == Kind::Event { vec![newest] } else { Vec::new() };
        let (client, server) = (Some(Moment::measured(us + 100_000)), Some(Moment::measured(us)));
        Some(Message { kind, lost, events, client, server, ..model.clone()? })
    }));
    trace.messages.sort_by_key(Message::first_us);
    trace
}
