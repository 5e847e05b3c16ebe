//! What the page on the model loads: it runs a script of the comparison live, then in the model, and
//! shows what came out of both.
//!
//! The live half is run by the module that runs the book's experiments, over the very lanes and the
//! observer that they have; what that tells is recorded here ([`Sink`]). Script, model and comparison
//! are the same code that the browser tests use.
//!
//! - `widget`: what is shown; `words`: in which words; `table`: the figures
//! - `live`: the live half; `runner`: the module that runs it, and what it tells
//! - [`model_trace`]: a run of the model as text, so that it can be held against another machine's

mod live;
mod runner;
mod table;
mod widget;
mod words;

use standby_sim::{Profile, truth};
use standby_trace::Scenario;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

pub use runner::Sink;

#[wasm_bindgen]
extern "C" {
    /// Where this module was loaded from: `…/standby/compare.js`.
    #[wasm_bindgen(thread_local_v2, js_namespace = ["import", "meta"], js_name = "url")]
    static MODULE_URL: String;
}

/// Brings the page's place for a comparison to life. Runs by itself when the module is loaded.
#[wasm_bindgen(start)]
pub fn mount() {
    let Ok(places) = standby_dom::document().query_selector_all("standby-compare:not([data-state])") else {
        return;
    };
    for i in 0..places.length() {
        if let Some(place) = places.item(i) {
            widget::mount(wasm_bindgen::JsCast::unchecked_into(place));
        }
    }
}

/// What the model makes of a scenario within `for_ms`, as a trace's JSON: by a browser like Chromium,
/// with time 0 at `began_at_ms` since 1970. The same text on every machine.
///
/// # Errors
/// When the scenario can't be run.
#[wasm_bindgen]
pub fn model_trace(scenario: &str, began_at_ms: f64, for_ms: u32) -> Result<String, JsValue> {
    let scenario = Scenario::from_json(scenario).map_err(|e| js_sys::Error::new(&e.to_string()))?;
    let trace = truth::watch(&scenario, &Profile::chromium(), began_at_ms as u64, for_ms);
    serde_json::to_string(&trace).map_err(|e| js_sys::Error::new(&e.to_string()).into())
}

/// The book's root: a URL with a slash at its end.
fn root() -> String {
    MODULE_URL.with(|url| standby_dom::place::root_of(url).to_owned())
}

/// Where a file beside this module is.
fn beside(name: &str) -> String {
    MODULE_URL.with(|url| standby_dom::place::beside(url, name))
}
