//! Where the two ends of a connection disagree: one believes in it, and the other's end is gone.
//!
//! The upper half of a band is what the server believes, the lower half what the client believes.
//! While both agree the halves are one band; where one is alone, it is drawn alone.

use standby_trace::{Span, SpanKind};

use super::Frame;
use super::lane::lanes;
use crate::layout::RAILS;
use crate::shape::{Ink, Shape};

/// The news of an end takes as long as any message, and a moment of the server's and the page's own.
/// What is no longer than that is news on its way, and no disagreement.
const OWN_TIME_US: i64 = 50_000;

/// Who believes in a connection that the other end no longer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Believer {
    /// The client is gone.
    Server,
    /// The server is gone.
    Client,
}

/// Who believes in a span alone, from when until when, as far as that is known at `now_us`;
/// `None` for the end while it lasts. Nothing where they differ by less than the news of an end
/// takes and the clocks may be off.
pub(crate) fn disagreement(frame: &Frame<'_>, span: &Span) -> Option<(Believer, i64, Option<i64>)> {
    if !matches!(span.kind, SpanKind::Open | SpanKind::Held) {
        return None;
    }
    let now_us = frame.scale.now_us;
    let known = |us: &i64| *us <= now_us;
    let client_us = span.to.map(|to| to.at_us).filter(known);
    let server_us = span.server_to.map(|to| to.at_us).filter(known);
    let (believer, from_us, to_us) = match (client_us, server_us) {
        (Some(client_us), Some(server_us)) if client_us < server_us => {
            (Believer::Server, client_us, Some(server_us))
        }
        (Some(client_us), Some(server_us)) => (Believer::Client, server_us, Some(client_us)),
        (None, Some(server_us)) => (Believer::Client, server_us, None),
        // Its end at the server may have come before, or be unknown for good: not until it came
        // later is it known that the server still believed in it, unless it is still to come.
        (Some(client_us), None) if span.server_to.is_some() => (Believer::Server, client_us, None),
        _ => return None,
    };
    let clock_error_us = frame.trace.clock_error_us.and_then(|us| i64::try_from(us).ok()).unwrap_or(0);
    let least_us = frame.most_latency_us().saturating_add(clock_error_us).saturating_add(OWN_TIME_US);
    let length_us = to_us.unwrap_or(now_us).saturating_sub(from_us);
    (length_us > least_us).then_some((believer, from_us, to_us))
}

/// Until when a span's band is drawn whole.
pub(super) fn agreed_until_us(frame: &Frame<'_>, span: &Span) -> i64 {
    match disagreement(frame, span) {
        Some((_, from_us, _)) => from_us,
        None => span.to.map_or(i64::MAX, |to| to.at_us),
    }
}

/// The half bands. They stand on the ground: what is behind them belongs to the other end.
pub(super) fn draw(frame: &Frame<'_>, spans: &[&Span], shapes: &mut Vec<Shape>) {
    for span in spans {
        let Some((believer, from_us, to_us)) = disagreement(frame, span) else { continue };
        let Some((x1, x2)) = frame.scale.stretch(from_us, to_us.unwrap_or(i64::MAX)) else { continue };
        for lane in lanes(frame, span.lane) {
            let h = RAILS / 2.0;
            let y = if believer == Believer::Server { lane.server_y } else { lane.server_y + h };
            for ink in [Ink::Ground, Ink::OneSided] {
                shapes.push(Shape::Rect { x: x1, y, w: x2 - x1, h, ink });
            }
        }
    }
}
