//! Server-Sent Events (HTML §9.2): one response that never ends, in a text format that a browser
//! reads by itself.
//!
//! - [`parser`]: the format.
//! - [`client`]: a reconnecting client over fetch, which sees everything and decides everything.
//! - [`event_source`]: the browser's own client. It does the reconnecting, with `Last-Event-ID`, and
//!   tells little of it.

pub mod client;
pub mod event_source;
pub mod parser;

pub use client::SseClient;
pub use event_source::EventSource;

use serde::de::DeserializeOwned;

use crate::exchange::Target;
use crate::machine::Output;
use crate::position::{Epoch, Position};
use crate::progress::Progress;

/// The URL of a stream. Both clients ask for the same.
fn target(after: Option<&Position>, sub: &str, n: u64, retry_ms: u32, keep_alive_ms: u32) -> String {
    let target = Target::new("sse").after(after).sub(sub).with("n", n).with("retry_ms", retry_ms);
    match keep_alive_ms {
        0 => target.finish(),
        keep_alive_ms => target.with("keep_alive_ms", keep_alive_ms).finish(),
    }
}

// ANCHOR: take
/// Takes in what a stream dispatched: the type says what it is, the id which life it belongs to.
fn take(
    progress: &mut Progress,
    event_type: &str,
    data: &str,
    last_event_id: &str,
    out: &mut Vec<Output>,
) -> Result<(), String> {
    let epoch: Option<Epoch> = last_event_id.parse().ok().and_then(|position: Position| position.epoch);
    match event_type {
        "hello" => progress.hello(&read(event_type, data)?, out),
        "message" => progress.event(epoch.as_ref(), read(event_type, data)?, out),
        "gap" => progress.gap(epoch.as_ref(), read(event_type, data)?, out),
        "reset" => progress.reset(read(event_type, data)?, out),
        // A type that nobody listens to: the format's own way to say more later.
        _ => {}
    }
    Ok(())
}
// ANCHOR_END: take

fn read<T: DeserializeOwned>(event_type: &str, data: &str) -> Result<T, String> {
    serde_json::from_str(data).map_err(|e| format!("the data of this `{event_type}` can't be read: {e}"))
}
