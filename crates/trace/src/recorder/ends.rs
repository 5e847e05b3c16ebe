//! Both ends of what lasts: when a span ends at the client, and when at the server.

use crate::trace::{Moment, Span, SpanKind, Who};

use super::{ExchangeRef, Recorder};

/// What a connection or a held request is drawn as: both ends have a part in it.
const SHARED: [SpanKind; 2] = [SpanKind::Open, SpanKind::Held];

impl Recorder {
    /// A span begins that the page alone knows of.
    pub(super) fn span(&mut self, lane: usize, n: u64, kind: SpanKind, who: Who, from: Moment) {
        let lane = u16::try_from(lane).ok();
        self.window.push_span(Span { lane, n, kind, who, from, to: None, server_to: None, until_us: None });
        self.touch();
    }

    /// A connection opens or a request is held: the span of an exchange begins. Where the page has
    /// seen the exchange's end already, its end of it is over with that.
    pub(super) fn shared_span(&mut self, at: ExchangeRef, kind: SpanKind, who: Who, from: Moment) {
        let Some(exchange) = self.exchange_turn(at) else { return };
        exchange.span_us = Some(from.at_us);
        let to = exchange.over_us.map(|over_us| Moment::measured(over_us.max(from.at_us)));
        let (lane, n) = (Some(at.lane), at.n);
        self.window.push_span(Span { lane, n, kind, who, from, to, server_to: None, until_us: None });
        self.touch();
    }

    /// The client's end of spans that still last there; `n`: only those of this exchange.
    pub(super) fn end_spans(&mut self, lane: usize, n: Option<u64>, kinds: &[SpanKind], to: Moment) {
        let Ok(lane) = u16::try_from(lane) else { return };
        for span in &mut self.window.trace_mut().spans {
            let matches = span.lane == Some(lane) && span.to.is_none() && n.is_none_or(|n| span.n == n);
            if matches && kinds.contains(&span.kind) {
                span.to = Some(not_before(span, to));
            }
        }
        self.touch();
    }

    /// The server's end of an exchange's span. A page that has not noticed still believes in it.
    pub(super) fn end_at_server(&mut self, at: ExchangeRef, to: Moment) {
        let Some(span_us) = self.exchange_turn(at).and_then(|exchange| exchange.span_us) else { return };
        let outside = self.trace().lanes.get(usize::from(at.lane)).is_some_and(|lane| lane.outside);
        let is_it = |span: &&mut Span| {
            span.lane == Some(at.lane)
                && span.n == at.n
                && span.from.at_us == span_us
                && SHARED.contains(&span.kind)
                // What was inferred while nobody told gives way to what is told.
                && span.server_to.is_none_or(|to| to.inferred)
        };
        if let Some(span) = self.window.trace_mut().spans.iter_mut().rev().find(is_it) {
            let to = not_before(span, to);
            span.server_to = Some(to);
            if outside {
                // What its client believes, nobody tells.
                span.to = span.to.or(Some(to));
            }
        }
        self.touch();
    }

    /// The observer's connection is gone: nobody tells any more when the server lets go of a
    /// connection. A server that was killed never will, so this moment stands for its end, until
    /// `Recorder::observed_again` knows better.
    pub fn unobserved(&mut self, now_us: i64) {
        let lanes: Vec<bool> = self.trace().lanes.iter().map(|lane| lane.outside).collect();
        for span in &mut self.window.trace_mut().spans {
            if SHARED.contains(&span.kind) && span.server_to.is_none() {
                let to = not_before(span, Moment::inferred(now_us));
                span.server_to = Some(to);
                if span.lane.is_some_and(|lane| lanes.get(usize::from(lane)).is_some_and(|outside| *outside))
                {
                    span.to = span.to.or(Some(to));
                }
            }
        }
        self.touch();
    }

    /// The same life of the server is observed again: what the page still believes in was only out
    /// of sight. Its end will be told, or the page will notice it.
    pub(super) fn observed_again(&mut self) {
        for span in &mut self.window.trace_mut().spans {
            let lasts = SHARED.contains(&span.kind) && span.to.is_none();
            if lasts && span.server_to.is_some_and(|to| to.inferred) {
                span.server_to = None;
            }
        }
        self.touch();
    }
}

/// Never before its start: two clocks can disagree by their error.
fn not_before(span: &Span, to: Moment) -> Moment {
    Moment { at_us: to.at_us.max(span.from.at_us), ..to }
}
