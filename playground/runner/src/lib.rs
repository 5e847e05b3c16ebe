//! What a page loads when a reader is about to run something: the transports' machines over the
//! browser's own fetch, WebSocket and `EventSource`, and the observer of the server's half.
//!
//! It has no picture and no record. What its lanes do and see, and what the server tells, it passes
//! to the widget's [`Sink`]; the two modules have separate memories and meet in JavaScript.
//!
//! ```text
//! lane (machine + fetch, WebSocket, EventSource) ─┐
//!                                                 ├─► sink ─► the widget's recorder
//! observer (the server's half, and its clock) ────┘
//! ```
//!
//! - `live`: a run; `lane`: one subscriber; `observer`: the server's half
//! - `sink`: the widget's end; `hand`: what is published by hand

mod hand;
mod lane;
mod live;
mod observer;
mod sink;

use std::rc::Rc;

use standby_trace::json;
use standby_trace::scenario::{Fault, Scenario};
use wasm_bindgen::prelude::wasm_bindgen;

use live::Live;
use sink::{News, Run};

pub use sink::Sink;

/// A run, as the widget holds it. What it passes is JSON, made by the widget itself.
#[wasm_bindgen]
pub struct Handle(Rc<Live>);

/// Starts an experiment on the server of the book whose root is `root`; what keeps it from starting
/// is told to the sink. Nothing else connects before [`Handle::go_on`].
#[wasm_bindgen]
pub async fn start(scenario: String, root: String, sink: Sink) -> Option<Handle> {
    let scenario = match json::read::<Scenario>(&scenario) {
        Ok(scenario) => scenario,
        Err(e) => {
            sink.tell(&News::Refused(e.to_string()));
            return None;
        }
    };
    Live::start(scenario, &root, Run::new(sink)).await.map(Handle)
}

/// The API's URL, once a server was found.
#[wasm_bindgen]
#[must_use]
pub fn api() -> Option<String> {
    standby_api::known()
}

#[wasm_bindgen]
impl Handle {
    /// Connects, and keeps connected. `is_new`: it has just been started.
    pub fn go_on(&self, is_new: bool) {
        self.0.go_on(is_new);
    }

    /// Lets go of every connection.
    pub fn let_go(&self) {
        self.0.let_go();
    }

    /// The parameters were set: tells whom it concerns, when the slider rests.
    pub fn set(&self, scenario: &str) {
        if let Ok(scenario) = json::read::<Scenario>(scenario) {
            self.0.set(&scenario);
        }
    }

    /// Does something to the experiment's connections.
    pub fn fault(&self, fault: &str) {
        if let Ok(fault) = json::read::<Fault>(fault) {
            self.0.fault(fault);
        }
    }

    /// Publishes one event.
    pub fn publish(&self) {
        self.0.publish();
    }

    /// Opens a lane again that gave up.
    pub fn reopen(&self, lane: usize) {
        if let Some(lane) = self.0.lanes().get(lane) {
            lane.start();
        }
    }

    /// The topic that its lanes subscribe to.
    #[must_use]
    pub fn topic(&self) -> String {
        self.0.topic()
    }

    /// The last id that a lane has.
    #[must_use]
    pub fn last_id(&self, lane: usize) -> Option<f64> {
        self.0.lanes().get(lane)?.last_id().map(|id| id as f64)
    }

    /// Why a lane will not come back by itself.
    #[must_use]
    pub fn gave_up(&self, lane: usize) -> Option<String> {
        self.0.lanes().get(lane)?.gave_up()
    }
}
