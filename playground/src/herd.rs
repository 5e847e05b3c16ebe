//! Experiments with a crowd are another module's: it runs the model, and is loaded only by pages that
//! have one.

use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlElement;

use crate::{dom, module};

#[wasm_bindgen]
extern "C" {
    /// The loaded module.
    type Herd;

    /// Brings a placeholder to life.
    #[wasm_bindgen(method, catch)]
    fn mount(this: &Herd, place: &HtmlElement) -> Result<(), JsValue>;
}

/// Brings the placeholders of a page to life. Where that fails their figures stay.
pub(crate) async fn mount(places: Vec<HtmlElement>) {
    let herd: Herd = match module::load("herd").await {
        Ok(module) => module.unchecked_into(),
        Err(why) => return dom::complain(&format!("the experiments of this page can't run: {why}")),
    };
    for place in places {
        if let Err(why) = herd.mount(&place) {
            dom::complain(&format!("an experiment of this page can't run: {}", module::words(&why)));
        }
    }
}
