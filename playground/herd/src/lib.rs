//! What a page loads for an experiment with a crowd: the model of many clients, and its widget.
//!
//! It is a module of its own, because few pages have one. The widget's module imports it and hands
//! it the placeholders ([`mount`]). In the background the very same module is the worker that runs
//! the model ([`work`]): so the page keeps its full rate, and a run is cancelled by ending the worker,
//! whatever it is doing.
//!
//! - `widget`: one experiment; `card`, `picture`, `reading`, `slider`, `table`, `words`: its parts
//! - `scale`: the chart of what clients cost
//! - `run`: a run as the page sees it; `worker`: what runs it
//! - `live`: the same with real clients of the book's server

mod card;
mod live;
mod picture;
mod reading;
mod run;
mod scale;
mod slider;
mod table;
mod widget;
mod words;
mod worker;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::HtmlElement;

#[wasm_bindgen]
extern "C" {
    /// Where this module was loaded from: `…/standby/herd.js`.
    #[wasm_bindgen(thread_local_v2, js_namespace = ["import", "meta"], js_name = "url")]
    static MODULE_URL: String;
}

/// Brings a placeholder to life.
///
/// # Errors
/// When what it holds is neither an experiment with a crowd nor the chart's figures.
#[wasm_bindgen]
pub fn mount(place: &HtmlElement) -> Result<(), JsValue> {
    // The chart of what clients cost is no experiment, and runs nothing.
    let mounted = if place.has_attribute("data-scale") { scale::mount(place) } else { widget::mount(place) };
    mounted.map_err(|e| js_sys::Error::new(&e).into())
}

/// Makes this worker run what the page sends it.
#[wasm_bindgen]
pub fn work() {
    worker::work();
}

/// What the model makes of one row of a crowd: all its tallies as JSON. The same text on every machine.
///
/// # Errors
/// When the scenario can't be run.
#[wasm_bindgen]
pub fn model_tallies(scenario: &str, lane: usize) -> Result<String, JsValue> {
    worker::tallies(scenario, lane).map_err(|e| js_sys::Error::new(&e).into())
}

/// The book's root: a URL with a slash at its end.
fn root() -> String {
    MODULE_URL.with(|url| standby_dom::place::root_of(url).to_owned())
}

/// Where a file beside this module is.
fn beside(name: &str) -> String {
    MODULE_URL.with(|url| standby_dom::place::beside(url, name))
}
