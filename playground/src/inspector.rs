//! The second module, which a page loads only when a reader wants more than the picture: the bytes,
//! the log, the client's code, and what can be taken away.
//!
//! The two modules have separate memories and meet in JavaScript: what the inspector needs of a
//! widget it asks its [`Host`] for.

use std::cell::{Cell, RefCell};

use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlElement;

use crate::server;
use crate::widget::host::Host;

#[wasm_bindgen]
extern "C" {
    /// JavaScript's own `import(…)`.
    #[wasm_bindgen(js_name = "import")]
    fn import_module(url: &str) -> Promise;

    /// The loaded module.
    #[derive(Clone)]
    pub(crate) type Inspector;

    #[wasm_bindgen(method, catch, js_name = "default")]
    fn init(this: &Inspector) -> Result<Promise, JsValue>;

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

thread_local! {
    static LOADED: RefCell<Option<Inspector>> = const { RefCell::new(None) };
    static TRIES: Cell<u32> = const { Cell::new(0) };
}

/// Loads the module, once for all widgets of the page.
///
/// # Errors
/// What the browser says, for the reader.
pub(crate) async fn load() -> Result<Inspector, String> {
    if let Some(loaded) = LOADED.with_borrow(Clone::clone) {
        return Ok(loaded);
    }
    let tries = TRIES.replace(TRIES.get() + 1);
    // A browser remembers that an import failed, and does not ask again for the same address.
    let again = if tries == 0 { String::new() } else { format!("?again={tries}") };
    let url = format!("{}standby/inspector.js{again}", server::root());
    let module: Inspector = import(&url).await?.unchecked_into();
    // Two widgets may have asked at the same time: the first one's stays.
    Ok(LOADED.with_borrow_mut(|loaded| loaded.get_or_insert(module).clone()))
}

/// Imports one of our modules, and has it set itself up.
///
/// # Errors
/// What the browser says, for the reader.
pub(crate) async fn import(url: &str) -> Result<JsValue, String> {
    let module = JsFuture::from(import_module(url)).await.map_err(|e| words(&e))?;
    let init = module.unchecked_ref::<Inspector>().init().map_err(|e| words(&e))?;
    JsFuture::from(init).await.map_err(|e| words(&e))?;
    Ok(module)
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

/// What a thrown value says.
pub(crate) fn words(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => thrown.as_string().unwrap_or_else(|| "it failed without a word".to_owned()),
    }
}
