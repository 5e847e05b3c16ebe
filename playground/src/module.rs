//! The modules that come on demand, each with a memory of its own: what this one gives them and
//! takes from them are values of JavaScript.

use std::cell::{Cell, RefCell};

use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise};

use crate::book;

#[wasm_bindgen]
extern "C" {
    /// JavaScript's own `import(…)`.
    #[wasm_bindgen(js_name = "import")]
    fn import_module(url: &str) -> Promise;

    type Module;

    #[wasm_bindgen(method, catch, js_name = "default")]
    fn init(this: &Module) -> Result<Promise, JsValue>;
}

thread_local! {
    /// What was asked for, by name: one request for all widgets of the page.
    static ASKED: RefCell<Vec<(&'static str, Promise)>> = const { RefCell::new(Vec::new()) };
    static FAILED: Cell<u32> = const { Cell::new(0) };
}

/// Loads `standby/NAME.js`, once for all widgets of the page. After a failure it can be asked for
/// again.
///
/// # Errors
/// What the browser says, for the reader.
pub(crate) async fn load(name: &'static str) -> Result<JsValue, String> {
    let asked = ASKED.with_borrow(|asked| asked.iter().find(|(of, _)| *of == name).map(|(_, it)| it.clone()));
    let asked = asked.unwrap_or_else(|| {
        let promise = future_to_promise(fetch(name));
        ASKED.with_borrow_mut(|asked| asked.push((name, promise.clone())));
        promise
    });
    JsFuture::from(asked.clone()).await.map_err(|e| {
        FAILED.set(FAILED.get() + 1);
        ASKED.with_borrow_mut(|all| all.retain(|(_, other)| !js_sys::Object::is(other, &asked)));
        words(&e)
    })
}

async fn fetch(name: &'static str) -> Result<JsValue, JsValue> {
    // A browser remembers that an import failed, and does not ask again for the same address.
    let again = match FAILED.get() {
        0 => String::new(),
        failed => format!("?again={failed}"),
    };
    let url = format!("{}standby/{name}.js{again}", book::root());
    let module: Module = JsFuture::from(import_module(&url)).await?.unchecked_into();
    JsFuture::from(module.init()?).await?;
    Ok(module.into())
}

/// What a thrown value says.
pub(crate) fn words(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => thrown.as_string().unwrap_or_else(|| "it failed without a word".to_owned()),
    }
}
