//! A run, as the page sees it: a worker that is asked once, and ended when nobody wants it any more.

use js_sys::Function;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::worker::Says;

/// A run under way. To drop it is to cancel it.
pub(crate) struct Run {
    worker: Worker,
    _hears: Closure<dyn FnMut(MessageEvent)>,
    _fails: Closure<dyn FnMut(ErrorEvent)>,
}

impl Run {
    /// Starts a worker and asks it for a scenario. `tell` gets what it says.
    pub(crate) fn start(scenario: String, tell: impl Fn(Says) + Clone + 'static) -> Result<Self, String> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(&crate::beside("herd-worker.js"), &options)
            .map_err(|_| "this browser starts no module in a worker".to_owned())?;
        let (asked, fails_tell) = (worker.clone(), tell.clone());
        let hears = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let said = event.data().as_string().unwrap_or_default();
            match serde_json::from_str(&said) {
                Ok(Says::Ready) => {
                    let _ = asked.post_message(&JsValue::from_str(&scenario));
                }
                Ok(says) => tell(says),
                Err(e) => tell(Says::Failed(format!("the worker can't be understood: {e}"))),
            }
        });
        let fails = Closure::<dyn FnMut(ErrorEvent)>::new(move |event: ErrorEvent| {
            event.prevent_default();
            fails_tell(Says::Failed(match event.message() {
                said if said.is_empty() => "the model could not be loaded".to_owned(),
                said => format!("the model stopped: {said}"),
            }));
        });
        let function = |closure: &JsValue| closure.unchecked_ref::<Function>().clone();
        worker.set_onmessage(Some(&function(hears.as_ref())));
        worker.set_onerror(Some(&function(fails.as_ref())));
        Ok(Self { worker, _hears: hears, _fails: fails })
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}
