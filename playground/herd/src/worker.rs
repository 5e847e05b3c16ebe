//! The worker's side: runs one row after another, and tells of each as it grows.
//!
//! One row is in memory at a time. With a worker for each, eight rows of ten million clients would
//! take two gigabytes, and still share the same few cores.

use js_sys::Date;
use serde::{Deserialize, Serialize};
use standby_sim::herd::Herd;
use standby_trace::Scenario;
use standby_trace::crowd::Tally;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

/// Of virtual time, between two reports.
const REPORT_US: i64 = 500_000;
/// Or so many events, whichever comes first.
const REPORT_EVENTS: u64 = 2_000_000;

/// What the worker says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Says {
    /// It listens.
    Ready,
    /// More of a row.
    More {
        /// Which row.
        lane: usize,
        /// What came after what was told before.
        tallies: Vec<Tally>,
        /// What has happened in this row.
        events: u64,
        /// How long that took, in milliseconds.
        took_ms: f64,
    },
    /// All rows are there. How much memory it has used, in bytes.
    Done(f64),
    /// It can't be run.
    Failed(String),
}

pub(crate) fn work() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let own = scope.clone();
    let hears = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let asked = event.data().as_string().unwrap_or_default();
        if let Err(why) = run(&own, &asked) {
            say(&own, &Says::Failed(why));
        }
    });
    scope.set_onmessage(Some(hears.as_ref().unchecked_ref()));
    // It listens for as long as the worker lives.
    hears.forget();
    // Only now: what is sent to a worker while its module still loads is lost.
    say(&scope, &Says::Ready);
}

fn run(scope: &DedicatedWorkerGlobalScope, asked: &str) -> Result<(), String> {
    let scenario = Scenario::from_json(asked).map_err(|e| e.to_string())?;
    for lane in 0..scenario.lanes.len() {
        let began_ms = Date::now();
        let mut herd = Herd::new(&scenario, lane)?;
        let mut told = 0;
        let mut until_us = REPORT_US;
        let length_us = i64::from(scenario.window_ms) * 1_000;
        loop {
            let progress = herd.run_until(until_us, REPORT_EVENTS);
            let tallies = herd.tallies()[told..].to_vec();
            told += tallies.len();
            let took_ms = Date::now() - began_ms;
            say(scope, &Says::More { lane, tallies, events: progress.events, took_ms });
            if progress.now_us >= length_us {
                break;
            }
            if progress.done {
                until_us += REPORT_US;
            }
        }
    }
    say(scope, &Says::Done(memory_bytes()));
    Ok(())
}

/// All tallies of one row as JSON.
pub(crate) fn tallies(scenario: &str, lane: usize) -> Result<String, String> {
    let scenario = Scenario::from_json(scenario).map_err(|e| e.to_string())?;
    let mut herd = Herd::new(&scenario, lane)?;
    herd.run_until(i64::MAX, u64::MAX);
    serde_json::to_string(herd.tallies()).map_err(|e| e.to_string())
}

/// How much this module's memory has grown to.
fn memory_bytes() -> f64 {
    let buffer = js_sys::Reflect::get(&wasm_bindgen::memory(), &JsValue::from_str("buffer"));
    buffer
        .ok()
        .and_then(|buffer| buffer.dyn_into::<js_sys::ArrayBuffer>().ok())
        .map_or(0.0, |buffer| buffer.byte_length().into())
}

fn say(scope: &DedicatedWorkerGlobalScope, says: &Says) {
    let text = serde_json::to_string(says).unwrap_or_default();
    let _ = scope.post_message(&JsValue::from_str(&text));
}
