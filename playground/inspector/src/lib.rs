//! What a page loads when a reader wants more than the picture: the bytes on the wire, the log, the
//! client's code, what can be taken away, and the editor of the playground page.
//!
//! It is a module of its own, so that a chapter that is only read stays small. The widget imports it
//! when one of these panels is first opened, hands it an empty element and a [`host::Host`], and
//! tells it of changes. The two modules have separate memories: what passes between them is text.
//!
//! - [`host`]: what the widget is asked for; `panel`: the panels that are open
//! - `wire`: every message in a list, and the bytes of one beside what they mean
//! - `log`: what happened, line by line
//! - `code`: programs that do what a lane does
//! - `take`: the link, commands for a terminal, files
//! - `rows`, `walk`, `copy`, `words`: what several of them need
//! - [`mod@editor`]: the playground page's editor

mod code;
mod copy;
pub mod editor;
pub mod host;
mod log;
mod panel;
mod rows;
#[cfg(test)]
mod sample;
mod take;
mod walk;
mod wire;
mod words;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::HtmlElement;

use host::Host;

/// Builds a panel into an empty element.
///
/// # Errors
/// When there is no panel of that name.
#[wasm_bindgen]
pub fn open(panel: HtmlElement, which: &str, host: Host) -> Result<(), JsValue> {
    panel::open(panel, which, host).map_err(|e| js_sys::Error::new(&e).into())
}

/// What a panel shows may have changed.
#[wasm_bindgen]
pub fn changed(panel: &HtmlElement) {
    panel::changed(panel);
}

/// Forgets a panel.
#[wasm_bindgen]
pub fn close(panel: &HtmlElement) {
    panel::close(panel);
}

/// Builds the playground page's editor into an empty element.
#[wasm_bindgen]
#[expect(clippy::needless_pass_by_value, reason = "JavaScript hands its objects over")]
pub fn editor(element: HtmlElement, host: Host) {
    editor::build(&element, &host);
}
