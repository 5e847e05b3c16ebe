//! The module that runs experiments, and the record of what it tells. The two have separate memories
//! and meet in JavaScript.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Error, Promise};
use standby_dom::time;
use standby_trace::recorder::Recorder;
use standby_trace::scenario::{Fault, Scenario};
use standby_trace::{Clock, json, tap};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    /// JavaScript's own `import(…)`.
    #[wasm_bindgen(js_name = "import")]
    fn import_module(url: &str) -> Promise;

    /// The loaded module.
    type Runner;

    #[wasm_bindgen(method, catch, js_name = "default")]
    fn init(this: &Runner) -> Result<Promise, JsValue>;

    /// Not `simulated`, nor `beside` another run.
    #[wasm_bindgen(method)]
    fn start(
        this: &Runner,
        scenario: String,
        root: String,
        simulated: bool,
        beside: bool,
        sink: Sink,
    ) -> Promise;

    /// A run.
    pub(crate) type Handle;

    /// Connects, and keeps connected. `is_new`: it has just been started.
    #[wasm_bindgen(method)]
    pub(crate) fn go_on(this: &Handle, is_new: bool);

    /// Lets go of every connection.
    #[wasm_bindgen(method)]
    pub(crate) fn let_go(this: &Handle);

    #[wasm_bindgen(method)]
    fn fault(this: &Handle, fault: &str);

    /// The topic that its lanes subscribe to.
    #[wasm_bindgen(method)]
    pub(crate) fn topic(this: &Handle) -> Option<String>;
}

impl Handle {
    /// Does something to all connections of the experiment.
    pub(crate) fn hit(&self, fault: &Fault) {
        // A fault has no map whose keys are not text: this can't fail.
        self.fault(&serde_json::to_string(fault).unwrap_or_default());
    }
}

/// Loads the module, and has it start a scenario. Nothing connects before [`Handle::go_on`].
///
/// # Errors
/// What the browser says, or what the run was told.
pub(crate) async fn start(scenario: &Scenario, run: &Rc<Run>) -> Result<Handle, String> {
    let words = |thrown: JsValue| match thrown.dyn_ref::<Error>() {
        Some(error) => String::from(error.message()),
        None => "it failed without a word".to_owned(),
    };
    let module = JsFuture::from(import_module(&crate::beside("runner.js"))).await.map_err(words)?;
    let runner: Runner = module.unchecked_into();
    JsFuture::from(runner.init().map_err(words)?).await.map_err(words)?;
    // As a fault.
    let json = serde_json::to_string(scenario).unwrap_or_default();
    let sink = Sink { run: run.clone() };
    let handle =
        JsFuture::from(runner.start(json, crate::root(), false, false, sink)).await.map_err(words)?;
    if handle.is_object() {
        return Ok(handle.unchecked_into());
    }
    Err(run.trouble().unwrap_or_else(|| "the run could not be started".to_owned()))
}

/// What is known of the live run.
pub(crate) struct Run {
    recorder: RefCell<Recorder>,
    clock: RefCell<Clock>,
    began_us: Cell<i64>,
    trouble: RefCell<Option<String>>,
}

impl Run {
    /// A run that has not begun.
    pub(crate) fn new(scenario: &Scenario) -> Self {
        Self {
            recorder: Recorder::new(scenario.clone(), time::wall_ms()).into(),
            clock: RefCell::default(),
            began_us: time::now_us().into(),
            trouble: RefCell::default(),
        }
    }

    /// Reads the record as it is now.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Recorder) -> T) -> T {
        self.recorder.borrow_mut().advance(self.now_us());
        read(&self.recorder.borrow())
    }

    /// Microseconds since its start.
    pub(crate) fn now_us(&self) -> i64 {
        time::now_us() - self.began_us.get()
    }

    /// What keeps it from going on.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.borrow().clone()
    }

    /// Something keeps it from going on.
    pub(crate) fn stop(&self, why: &str) {
        *self.trouble.borrow_mut() = Some(why.to_owned());
    }
}

/// A run's record, as the module that runs it knows it. Moments are microseconds of the run.
#[wasm_bindgen]
pub struct Sink {
    run: Rc<Run>,
}

#[wasm_bindgen]
impl Sink {
    /// Time 0 of the run is now; says when that is, in microseconds of the page's clock.
    #[must_use]
    pub fn begin(&self, simulated: bool) -> f64 {
        if simulated {
            self.run.stop("the server is gone");
        }
        let mut recorder = self.run.recorder.borrow_mut();
        *recorder = Recorder::new(recorder.trace().scenario.clone(), time::wall_ms());
        self.run.began_us.set(time::now_us());
        self.run.began_us.get() as f64
    }

    /// A lane did or saw something: a [`standby_trace::recorder::Fact`] as JSON.
    pub fn fact(&self, lane: usize, at_us: f64, fact: &str) {
        if let Ok(fact) = json::read(fact) {
            self.run.recorder.borrow_mut().fact(lane, &fact, at_us as i64);
        }
    }

    /// What the server's tap tells: a [`standby_trace::tap::ToObserver`] as JSON.
    pub fn tap(&self, at_us: f64, told: &str) {
        // What a newer server may say besides is not for us.
        let Ok(told) = json::read(told) else { return };
        let mut clock = self.run.clock.borrow_mut();
        if let tap::ToObserver::Clock { echo, server_us } = told {
            clock.answer(echo, at_us as i64, server_us);
        }
        self.run.recorder.borrow_mut().tap(&told, &clock);
    }

    /// Nobody observes any more: who observes next sets the clock anew.
    pub fn unobserved(&self) {
        self.run.clock.borrow_mut().forget();
        self.run.recorder.borrow_mut().unobserved(self.run.now_us());
    }

    /// Something that concerns all lanes happened now.
    pub fn note(&self, text: &str) {
        self.run.recorder.borrow_mut().note(text, self.run.now_us());
    }

    /// Something of the run as a whole, or what keeps it from starting.
    pub fn news(&self, kind: &str, text: &str) {
        match kind {
            "connected" => {}
            "lost" => self.run.stop("the server went away"),
            "not-there" => self.run.stop("the server does not answer"),
            "busy" => self.run.stop("the browser has no connection free: another tab uses them"),
            _ => self.run.stop(text),
        }
    }
}
