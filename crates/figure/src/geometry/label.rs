//! A lane's name, what is set for it, and the one number that tells it apart: how old its news is.

use standby_trace::{Backoff, LaneSpec, Ledger};

use super::Frame;
use crate::format;
use crate::shape::{Anchor, Ink, Shape};
use crate::text;

const NAME_SIZE: f32 = 12.5;
const SIZE: f32 = 11.0;
/// The space that a blank takes.
const BLANK: f32 = 0.26;
/// An outside lane's label is cut to this width.
const NAME_WIDTH: f32 = 116.0;

/// What is set for a lane, in words: what it is, and its value (`asks every`, `1.0 s`).
#[must_use]
pub fn setting(spec: &LaneSpec) -> (&'static str, String) {
    let ms = |ms: u32| format::seconds(u64::from(ms) * 1_000);
    match *spec {
        LaneSpec::ShortPoll { interval_ms, .. } => ("asks every", ms(interval_ms)),
        LaneSpec::LongPoll { timeout_ms, .. } => ("held up to", ms(timeout_ms)),
        LaneSpec::WebSocket { backoff, .. } => match backoff {
            Backoff::Fixed { base_ms } => ("reconnect after", ms(base_ms)),
            Backoff::Exponential { .. } => ("reconnect", "exponential".to_owned()),
            Backoff::FullJitter { .. } => ("reconnect", "full jitter".to_owned()),
            Backoff::EqualJitter { .. } => ("reconnect", "equal jitter".to_owned()),
            Backoff::DecorrelatedJitter { .. } => ("reconnect", "decorrelated".to_owned()),
        },
        LaneSpec::Sse { retry_ms, .. } => ("retry", ms(retry_ms)),
    }
}

pub(super) fn draw(frame: &Frame<'_>, shapes: &mut Vec<Shape>) {
    let trace = frame.trace;
    let ledgers = Ledger::of(trace);
    for (i, lane) in trace.lanes.iter().enumerate() {
        let Some(at) = frame.layout.lanes.get(i) else { continue };
        let (name, set) = match (lane.outside, trace.scenario.lanes.get(i)) {
            (true, _) => (text::fit(&lane.sub, NAME_SIZE, true, NAME_WIDTH), "outside".to_owned()),
            (false, Some(spec)) => {
                let (what, value) = setting(spec);
                (lane.transport.title().to_owned(), format!("{what} {value}"))
            }
            (false, None) => (lane.transport.title().to_owned(), String::new()),
        };
        let age = ledgers.get(i).and_then(|ledger| ledger.staleness.p50_us()).map(format::age);
        if frame.layout.narrow {
            let y = at.server_y - 14.5;
            let end = line(shapes, 0.0, y, &[(&name, NAME_SIZE, true, Ink::Name)]);
            line(shapes, end + 8.0, y, &[(&set, SIZE, false, Ink::Note)]);
            if let Some(age) = &age {
                let width = text::width(age, SIZE, true) + text::width(" old", SIZE, false);
                let x = frame.layout.plot_right() - width;
                line(shapes, x, y, &[(age, SIZE, true, Ink::Name), ("old", SIZE, false, Ink::Note)]);
            }
        } else {
            line(shapes, 0.0, at.server_y + 5.0, &[(&name, NAME_SIZE, true, Ink::Name)]);
            line(shapes, 0.0, at.server_y + 22.0, &[(&set, SIZE, false, Ink::Note)]);
            if let Some(age) = &age {
                let news = [
                    ("news", SIZE, false, Ink::Note),
                    (age.as_str(), SIZE, true, Ink::Name),
                    ("old", SIZE, false, Ink::Note),
                ];
                line(shapes, 0.0, at.server_y + 40.0, &news);
            }
        }
    }
}

/// Writes words side by side, each in its own manner; returns where they end.
fn line(shapes: &mut Vec<Shape>, x: f32, y: f32, words: &[(&str, f32, bool, Ink)]) -> f32 {
    let mut end = x;
    for (i, &(word, size, strong, ink)) in words.iter().enumerate() {
        if word.is_empty() {
            continue;
        }
        if i > 0 {
            end += BLANK * size;
        }
        let (anchor, text) = (Anchor::Start, word.to_owned());
        shapes.push(Shape::Text { x: end, y, anchor, size, strong, ink, text });
        end += text::width(word, size, strong);
    }
    end
}
