//! What a frame of the picture costs: for `cargo xtask bench picture` only. It paints made-up traces
//! by the code that paints a run.

use standby_figure::{Density, View};
use standby_trace::{
    Direction, Kind, LaneSpec, Message, Moment, Published, Recorder, Scenario, Span, SpanKind, Trace,
    Transport, Who,
};
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::HtmlCanvasElement;

use crate::paint::Palette;
use crate::tiles::Canvas;

const WINDOW_US: i64 = 8_000_000;
const WAY_US: i64 = 100_000;
/// Each event makes so many messages: one on the socket, one on the stream, an answer and a request
/// of the long poll, and a request and an answer of the poller.
const EACH: i64 = 6;

/// A picture that is painted frame by frame.
#[wasm_bindgen]
pub struct Bench {
    canvas: Canvas,
    palette: Palette,
    view: View,
    /// The whole of it, and what of it has happened.
    whole: Trace,
    trace: Trace,
}

#[wasm_bindgen]
impl Bench {
    /// A picture on a canvas with so many messages in its eight seconds, of a trace that is so long.
    pub fn create(
        element: HtmlCanvasElement,
        width: f32,
        marks: u32,
        length_s: u32,
        counts: bool,
        keeps: bool,
    ) -> Option<Bench> {
        let palette = Palette::of(&element);
        let canvas = Canvas::new(element)?;
        canvas.keep(keeps);
        let whole = trace(i64::from(marks), i64::from(length_s) * 1_000_000)?;
        let trace = Trace { messages: vec![], published: vec![], spans: vec![], ..whole.clone() };
        let density = if counts { Density::Auto } else { Density::Off };
        let view = View { width, density, labels: false, ..View::default() };
        Some(Self { canvas, palette, view, whole, trace })
    }

    /// Takes in all that has happened until a moment, in milliseconds.
    pub fn advance(&mut self, now_ms: f64) {
        let now_us = (now_ms * 1_000.0) as i64;
        let (whole, trace) = (&self.whole, &mut self.trace);
        let new = whole.messages[trace.messages.len()..].iter().take_while(|m| m.first_us() <= now_us);
        trace.messages.extend(new.cloned());
        let new = whole.published[trace.published.len()..].iter().take_while(|e| e.at_us <= now_us);
        trace.published.extend(new);
        let new = whole.spans[trace.spans.len()..].iter().take_while(|s| s.from.at_us <= now_us);
        trace.spans.extend(new.cloned());
        trace.until_us = now_us;
    }

    /// Paints eight seconds from a moment on, with what is known at another.
    pub fn paint(&mut self, from_ms: f64, now_ms: f64) {
        let from_us = (from_ms * 1_000.0) as i64;
        let view = View {
            from_us,
            to_us: from_us + WINDOW_US,
            now_us: (now_ms * 1_000.0) as i64,
            ..self.view.clone()
        };
        self.canvas.paint_trace(&self.trace, &view, &self.palette);
    }

    /// How many messages are in the whole trace.
    pub fn messages(&self) -> usize {
        self.whole.messages.len()
    }
}

fn moment(us: i64) -> Option<Moment> {
    Some(Moment::measured(us))
}

fn message(lane: u16, n: i64, kind: Kind, left_us: i64, events: &[u64]) -> Message {
    let up = kind == Kind::Request;
    let (left, came) = (moment(left_us), moment(left_us + WAY_US));
    Message {
        lane,
        n: n.unsigned_abs(),
        direction: if up { Direction::ToServer } else { Direction::ToClient },
        kind,
        client: if up { left } else { came },
        server: if up { came } else { left },
        socket_us: None,
        payload_bytes: 61 * events.len() as u32,
        overhead_bytes: 240,
        events: events.to_vec(),
        status: None,
        by_browser: false,
        lost: false,
        pieces: Vec::new(),
    }
}

fn span(lane: u16, n: i64, kind: SpanKind, from_us: i64, to_us: Option<i64>) -> Span {
    Span {
        lane: Some(lane),
        n: n.unsigned_abs(),
        kind,
        who: Who::Server,
        from: Moment::measured(from_us),
        to: to_us.map(Moment::measured),
        server_to: None,
        until_us: None,
    }
}

/// Four lanes, `marks` messages each eight seconds, for `length_us`.
fn trace(marks: i64, length_us: i64) -> Option<Trace> {
    let mut scenario = Scenario::from_json(
        r#"{"v": 1, "publish": {"every_ms": 1200}, "conditions": {"latency_ms": 100},
            "lanes": [{"transport": "short-poll", "interval_ms": 1000}]}"#,
    )
    .ok()?;
    scenario.lanes = Transport::ALL.into_iter().map(LaneSpec::default_for).collect();
    let mut trace = Recorder::new(scenario, 1_764_000_000_000).trace().clone();
    let apart_us = WINDOW_US * EACH / marks.max(1);
    let mut messages = Vec::new();
    trace.spans.push(span(2, 1, SpanKind::Open, 0, None));
    trace.spans.push(span(3, 1, SpanKind::Open, 0, None));
    let mut polled_us = apart_us / 2;
    for id in 1..=length_us / apart_us.max(1) {
        let event = id.unsigned_abs();
        // Not quite even, as a run is not; and the same each time.
        let at_us = id * apart_us + (id * 7_919 % 101 - 50) * apart_us / 150;
        trace.published.push(Published { id: event, at_us, life: 0 });
        messages.push(message(2, 1, Kind::Event, at_us, &[event]));
        messages.push(message(3, 1, Kind::Event, at_us, &[event]));
        messages.push(message(1, id, Kind::Answer, at_us, &[event]));
        messages.push(message(1, id + 1, Kind::Request, at_us + WAY_US, &[]));
        if apart_us > 2 * WAY_US {
            let next_us = (id + 1) * apart_us - apart_us / 2;
            trace.spans.push(span(1, id, SpanKind::Held, at_us + 2 * WAY_US, Some(next_us)));
        }
        messages.push(message(0, id, Kind::Request, polled_us, &[]));
        let answered_us = polled_us + WAY_US;
        let news = if at_us <= answered_us { &[event][..] } else { &[] };
        messages.push(message(0, id, Kind::Answer, answered_us, news));
        polled_us += apart_us;
    }
    messages.sort_by_key(Message::first_us);
    trace.published.sort_by_key(|event| event.at_us);
    trace.messages = messages;
    Some(trace)
}
