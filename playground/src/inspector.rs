//! The module that a page loads only when a reader wants more than the picture: the bytes,
//! the log, the client's code, and what can be taken away.
//!
//! The modules have separate memories and meet in JavaScript: what the inspector needs of a
//! widget it asks its [`Host`] for.

use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlElement;

use crate::module::{self, words};
use crate::widget::host::Host;

#[wasm_bindgen]
extern "C" {
    /// The loaded module.
    #[derive(Clone)]
    pub(crate) type Inspector;

    /// Builds a panel into an empty element.
    #[wasm_bindgen(method, catch)]
    fn open(this: &Inspector, panel: &HtmlElement, which: &str, host: Host) -> Result<(), JsValue>;

    /// What a panel shows may have changed.
    #[wasm_bindgen(method, catch)]
    fn changed(this: &Inspector, panel: &HtmlElement) -> Result<(), JsValue>;

    /// Forgets a panel.
    #[wasm_bindgen(method, catch)]
    fn close(this: &Inspector, panel: &HtmlElement) -> Result<(), JsValue>;

    /// Builds the playground page's editor into an empty element.
    #[wasm_bindgen(method, catch)]
    fn editor(this: &Inspector, element: &HtmlElement, host: Host) -> Result<(), JsValue>;
}

/// Loads the module, once for all widgets of the page.
///
/// # Errors
/// What the browser says, for the reader.
pub(crate) async fn load() -> Result<Inspector, String> {
    module::load("inspector").await.map(JsCast::unchecked_into)
}

impl Inspector {
    /// Builds a panel; says what went wrong.
    pub(crate) fn build(&self, panel: &HtmlElement, which: &str, host: Host) -> Result<(), String> {
        self.open(panel, which, host).map_err(|e| words(&e))
    }

    /// Builds the editor; says what went wrong.
    pub(crate) fn build_editor(&self, element: &HtmlElement, host: Host) -> Result<(), String> {
        self.editor(element, host).map_err(|e| words(&e))
    }

    /// Tells a panel that there may be something new.
    pub(crate) fn tell(&self, panel: &HtmlElement) {
        if let Err(e) = self.changed(panel) {
            crate::dom::complain(&words(&e));
        }
    }

    /// Lets go of a panel.
    pub(crate) fn forget(&self, panel: &HtmlElement) {
        if let Err(e) = self.close(panel) {
            crate::dom::complain(&words(&e));
        }
    }
}
