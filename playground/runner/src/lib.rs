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
//! - `live`: a run; `simulated`: one of the model; `lane`: one subscriber; `others`: the crowd that it is one
//!   of; `observer`: the server's half
//! - `sink`: the widget's end; `hand`: what is published by hand; `own`: what this browser sends
//!   of its own
//! - `choice`: the choice between the two sources, where there is a server; `comparison`: in what two
//!   rows of one experiment differ. They need nothing of a run, but nobody needs them before one.

mod choice;
mod comparison;
mod hand;
mod lane;
mod live;
mod observer;
mod others;
mod own;
mod simulated;
mod sink;

use std::rc::Rc;

use standby_trace::json;
use standby_trace::scenario::{Fault, Scenario};
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::HtmlElement;

use live::Live;
use simulated::{Model, Simulated};
use sink::{News, Run};

pub use choice::Chooser;
pub use comparison::{Comparison, compare};
pub use sink::Sink;

/// A run, as the widget holds it. What it passes is JSON, made by the widget itself.
#[wasm_bindgen]
pub struct Handle(Runs);

enum Runs {
    Live(Rc<Live>),
    Simulated(Rc<Simulated>),
}

/// Starts an experiment: on the server of the book whose root is `root`; in the model where there
/// is none, and where it is to be `simulated`, alone or `beside` a live run. What keeps it from starting
/// is told to the sink. Nothing connects before [`Handle::go_on`].
#[wasm_bindgen]
pub async fn start(
    scenario: String,
    root: String,
    simulated: bool,
    beside: bool,
    sink: Sink,
) -> Option<Handle> {
    let run = Rc::new(Run::new(sink));
    let scenario = match json::read::<Scenario>(&scenario) {
        Ok(scenario) => scenario,
        Err(e) => {
            run.sink().tell(&News::Refused(e.to_string()));
            return None;
        }
    };
    let model = if simulated { Model::Chosen { beside } } else { Model::Alone };
    let api = if simulated { None } else { standby_api::find(&root).await.ok() };
    let Some(api) = api else {
        return Some(Handle(Runs::Simulated(Simulated::start(scenario, model, &run))));
    };
    // A server that was there and does not answer is told; one that was never there is not missed.
    match Live::start(&scenario, api, &run).await {
        Ok(live) => Some(Handle(Runs::Live(live))),
        Err(trouble) => {
            run.sink().tell(&trouble);
            None
        }
    }
}

/// Makes a widget's pill the button that opens the choice between the sources, where the book whose root
/// is `root` comes with a server; says whether it does. Asks no server. `id` is the placeholder's.
#[wasm_bindgen]
pub async fn offer(pill: HtmlElement, id: String, root: String, chooser: Chooser) -> bool {
    let there = standby_api::may_be_there(&root).await;
    if there {
        choice::build(&pill, &id, chooser);
    }
    there
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
        match &self.0 {
            Runs::Live(live) => live.go_on(is_new),
            Runs::Simulated(run) => run.go_on(),
        }
    }

    /// Lets go of every connection.
    pub fn let_go(&self) {
        match &self.0 {
            Runs::Live(live) => live.let_go(),
            Runs::Simulated(run) => run.let_go(),
        }
    }

    /// The parameters were set: tells whom it concerns, a server when the slider rests.
    pub fn set(&self, scenario: &str) {
        let Ok(scenario) = json::read::<Scenario>(scenario) else { return };
        match &self.0 {
            Runs::Live(live) => live.set(&scenario),
            Runs::Simulated(run) => run.set(&scenario),
        }
    }

    /// Does something to the experiment's connections.
    pub fn fault(&self, fault: &str) {
        let Ok(fault) = json::read::<Fault>(fault) else { return };
        match &self.0 {
            Runs::Live(live) => live.fault(fault),
            Runs::Simulated(run) => run.fault(&fault),
        }
    }

    /// Publishes one event. `chance` decides what it says: a whole number below 2^53.
    pub fn publish(&self, chance: f64) {
        match &self.0 {
            Runs::Live(live) => live.publish(chance as u64),
            Runs::Simulated(run) => run.publish(chance as u64),
        }
    }

    /// Opens a lane again that gave up.
    pub fn reopen(&self, lane: usize) {
        match &self.0 {
            Runs::Live(live) => {
                if let Some(lane) = live.lanes().get(lane) {
                    lane.start();
                }
            }
            Runs::Simulated(run) => run.reopen(lane),
        }
    }

    /// The topic that its lanes subscribe to; none where the model has it.
    #[must_use]
    pub fn topic(&self) -> Option<String> {
        match &self.0 {
            Runs::Live(live) => Some(live.topic()),
            Runs::Simulated(_) => None,
        }
    }

    /// The last id that a lane has.
    #[must_use]
    pub fn last_id(&self, lane: usize) -> Option<f64> {
        let id = match &self.0 {
            Runs::Live(live) => live.lanes().get(lane)?.last_id(),
            Runs::Simulated(run) => run.last_id(lane),
        };
        id.map(|id| id as f64)
    }

    /// Why a lane will not come back by itself.
    #[must_use]
    pub fn gave_up(&self, lane: usize) -> Option<String> {
        match &self.0 {
            Runs::Live(live) => live.lanes().get(lane)?.gave_up(),
            Runs::Simulated(run) => run.gave_up(lane),
        }
    }
}
