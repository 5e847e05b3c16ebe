//! What the widget is asked for. It implements these functions; here stands how they are called.
//!
//! Numbers of messages are JavaScript's: all of ours fit into one exactly.

use serde::Deserialize;
use standby_trace::link::{self, Sources};
use standby_trace::{Piece, Scenario, Trace, json};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// The widget that a panel belongs to.
    #[derive(Clone, Debug)]
    pub type Host;

    #[wasm_bindgen(method, catch, js_name = "trace")]
    fn trace_json(this: &Host) -> Result<String, JsValue>;
    #[wasm_bindgen(method, catch, js_name = "file")]
    fn file_json(this: &Host) -> Result<String, JsValue>;
    #[wasm_bindgen(method, catch, js_name = "pieces")]
    fn pieces_json(this: &Host, number: f64) -> Result<String, JsValue>;
    #[wasm_bindgen(method, catch, js_name = "revision")]
    fn js_revision(this: &Host) -> Result<f64, JsValue>;
    #[wasm_bindgen(method, catch, js_name = "selected")]
    fn js_selected(this: &Host) -> Result<Option<f64>, JsValue>;
    #[wasm_bindgen(method, catch, js_name = "select")]
    fn js_select(this: &Host, number: Option<f64>) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = "view")]
    fn view_json(this: &Host) -> Result<String, JsValue>;
    #[wasm_bindgen(method, catch, js_name = "scenario")]
    fn scenario_json(this: &Host) -> Result<String, JsValue>;
    #[wasm_bindgen(method, catch, js_name = "run")]
    fn js_run(this: &Host, scenario: &str) -> Result<Option<String>, JsValue>;
    #[wasm_bindgen(method, catch, js_name = "place")]
    fn place_json(this: &Host) -> Result<String, JsValue>;
    #[wasm_bindgen(method, catch, js_name = "load")]
    fn js_load(this: &Host, trace: &str) -> Result<Option<String>, JsValue>;
    #[wasm_bindgen(method, catch, js_name = "announce")]
    fn js_announce(this: &Host, text: &str) -> Result<(), JsValue>;
}

/// Where a widget stands, and what it runs against.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Place {
    /// The topic of the run; none before one.
    pub topic: Option<String>,
    /// The server's origin: `http://localhost:3000`.
    pub origin: String,
    /// The path of its API: `/api`.
    pub api: String,
    /// The page's URL, without a fragment.
    pub page: String,
    /// The placeholder's id.
    pub id: String,
    /// The experiment's title.
    pub title: String,
    /// `live`, `simulated` or `recorded`.
    pub source: String,
    /// What the reader wants it run by, as links have it.
    pub sources: String,
}

impl Place {
    /// A scenario's fragment, with what is to run it.
    #[must_use]
    pub fn fragment(&self, name: Option<&str>, scenario: &Scenario) -> String {
        let sources = Sources::named(&self.sources).unwrap_or_default();
        sources.in_fragment(link::to_fragment(name, scenario))
    }
}

/// The picture as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Seen {
    /// The left edge, in microseconds since the run's start.
    pub from_us: i64,
    /// The right edge.
    pub to_us: i64,
    /// How far the run has come.
    pub now_us: i64,
    /// The picture's width, in CSS pixels.
    pub width: f32,
    /// It is drawn as for a phone.
    pub narrow: bool,
    /// Where the cursor stands.
    #[serde(default)]
    pub cursor_us: Option<i64>,
}

/// What can go wrong at a host is that its widget is gone: then there is nothing to show.
impl Host {
    /// The trace, without its bytes.
    #[must_use]
    pub fn trace(&self) -> Option<Trace> {
        json::read(&self.trace_json().ok()?).ok()
    }

    /// The trace with its bytes, as it is saved.
    #[must_use]
    pub fn file(&self) -> Option<String> {
        self.file_json().ok().filter(|json| !json.is_empty())
    }

    /// The bytes of a message, piece by piece, as far as they are kept.
    #[must_use]
    pub fn pieces(&self, number: u64) -> Vec<Piece> {
        let json = self.pieces_json(number as f64).unwrap_or_default();
        json::read(&json).unwrap_or_default()
    }

    /// Grows with every change of the trace.
    #[must_use]
    pub fn revision(&self) -> f64 {
        self.js_revision().unwrap_or_default()
    }

    /// The number of the message that is pointed at.
    #[must_use]
    pub fn selected(&self) -> Option<u64> {
        self.js_selected().ok().flatten().map(|number| number as u64)
    }

    /// Points at a message, or at none.
    pub fn select(&self, number: Option<u64>) {
        let _ = self.js_select(number.map(|number| number as f64));
    }

    /// The picture as it stands; none before it was drawn.
    #[must_use]
    pub fn view(&self) -> Option<Seen> {
        serde_json::from_str(&self.view_json().ok()?).ok()
    }

    /// The parameters as they are set now, as JSON.
    #[must_use]
    pub fn scenario(&self) -> String {
        self.scenario_json().unwrap_or_default()
    }

    /// Sets the widget up with other parameters.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn run(&self, scenario: &str) -> Result<(), String> {
        said(self.js_run(scenario))
    }

    /// Where the widget stands.
    #[must_use]
    pub fn place(&self) -> Place {
        serde_json::from_str(&self.place_json().unwrap_or_default()).unwrap_or_default()
    }

    /// Shows a trace from a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn load(&self, trace: &str) -> Result<(), String> {
        said(self.js_load(trace))
    }

    /// Says something to those who hear the page.
    pub fn announce(&self, text: &str) {
        let _ = self.js_announce(text);
    }
}

fn said(answer: Result<Option<String>, JsValue>) -> Result<(), String> {
    match answer {
        Ok(None) => Ok(()),
        Ok(Some(wrong)) => Err(wrong),
        Err(_) => Err("the experiment is no longer on the page".to_owned()),
    }
}
