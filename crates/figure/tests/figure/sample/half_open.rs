//! Two connections that one end believes in longer than the other: the socket's client gives up at
//! 4 s, and the server finds out at 7.2 s; the stream's server is gone at 3 s, and the client finds
//! out at 4.1 s.

use standby_trace::{Moment, SpanKind, Trace};

/// The trace: as the calm one, with other ends.
pub(crate) fn trace(calm: Trace) -> Trace {
    let mut trace = calm;
    trace.marks.retain(|mark| !matches!(mark.lane, Some(2 | 3)));
    trace.messages.retain(|message| !matches!((message.lane, message.n), (2 | 3, 2)));
    trace.messages.retain(|message| message.lane != 2 || message.first_us() < 2_000_000);
    trace.spans.retain(|span| !matches!((span.lane, span.n), (Some(2 | 3), 2)));
    for span in &mut trace.spans {
        match (span.lane, span.kind) {
            (Some(2), SpanKind::Open) => ends(span, 4_000, 7_200),
            (Some(3), SpanKind::Open) => ends(span, 4_100, 3_000),
            (Some(2), SpanKind::Waiting) => (span.from, span.to) = (at(4_000), Some(at(4_900))),
            (Some(3), SpanKind::Waiting) => (span.from, span.to) = (at(4_100), Some(at(5_600))),
            _ => {}
        }
    }
    trace
}

fn ends(span: &mut standby_trace::Span, client_ms: i64, server_ms: i64) {
    (span.to, span.server_to) = (Some(at(client_ms)), Some(at(server_ms)));
}

fn at(ms: i64) -> Moment {
    Moment::measured(ms * 1_000)
}
