//! Finds the experiments in a page of the book and brings them to life: the real transports, run
//! by this browser against the book's server, drawn as they happen.
//!
//! A placeholder is the element `<standby-experiment data-experiment='{…}'>` with a static figure
//! inside; its JSON is a [`standby_trace::Experiment`]. Loading the module mounts them all. Nothing
//! connects before the reader presses Run, or scrolls one into view where the chapter says so.
//!
//! Data goes one way: what the lanes and the observer see goes into a recorder, the recorder's trace
//! goes to the picture, the ledger and the sentence.
//!
//! ```text
//! the runner (lanes, observer) ─► sink ─► run (recorder) ─► widget ─► view
//! ```
//!
//! - `widget`: one experiment; `state`: what it does when something happens; `page`: all of them
//! - `runner`: the module that runs experiments, which comes with the first run; [`Sink`] is what it
//!   knows of one; `live`, `run`: a run as the widget has it
//! - `exclusive`, `presence`: one experiment at a time, and only while somebody can see it
//! - `view`, `paint`, `pen`, `tiles`: what is shown; `scale`, `words`: how
//! - `axis`, `player`, `walk`: looking around in time; `gesture`, `keys`: by pointer and by keys
//! - `news`, `preferences`: what is said aloud, and whether
//! - `book`, and the crate `standby-dom`: the page itself
//! - `herd`: hands experiments with a crowd over to the module that runs the model
//! - `inspector`: the module for whoever wants more than the picture, which comes on demand;
//!   [`Host`] is what it knows of a widget; `module`: how modules are loaded
//!
//! For style sheets and tests a placeholder says where it stands: `data-state` is `idle`,
//! `starting`, `live`, `reconnecting`, `paused` (`data-why`: `reader`, `stepped`, `away`,
//! `elsewhere`), `no-server`, `busy`, `not-loaded`, `refused` or `recorded`; `data-looks` is `follows` or `back`.
//! Each row of the ledger has `data-lane`, its
//! cells `data-lane` and `data-col`, and the row besides `data-events`, `data-last-id`,
//! `data-reconnects`, `data-recovered`, `data-lost`, `data-resets` and `data-gave-up`. [`trace`]
//! gives the whole record.

mod axis;
#[cfg(feature = "bench")]
mod bench;
mod book;
mod exclusive;
mod gesture;
mod herd;
mod inspector;
mod keys;
mod live;
mod module;
mod news;
mod page;
mod paint;
mod pen;
mod player;
mod preferences;
mod presence;
mod run;
mod runner;
mod scale;
mod state;
mod tiles;
mod view;
mod walk;
mod widget;
mod words;

use standby_dom as dom;
use wasm_bindgen::prelude::wasm_bindgen;

pub use runner::Sink;
pub use widget::host::Host;

#[wasm_bindgen]
extern "C" {
    /// Where this module was loaded from: `…/standby/standby.js`, below the book's root.
    #[wasm_bindgen(thread_local_v2, js_namespace = ["import", "meta"], js_name = "url")]
    static MODULE_URL: String;
}

/// Brings every placeholder of the page to life. Runs by itself when the module is loaded.
#[wasm_bindgen(start)]
pub fn mount() {
    let url = MODULE_URL.with(Clone::clone);
    book::set_root(dom::place::root_of(&url));
    page::mount();
}

/// The trace of a placeholder's experiment as JSON, as far back as its window goes; `undefined`
/// before its first run.
#[wasm_bindgen]
#[must_use]
pub fn trace(element: &web_sys::Element) -> Option<String> {
    page::widget_of(element)?.trace_json()
}
