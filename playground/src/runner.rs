//! The module that runs experiments, which a page loads when a reader is about to press Run. It
//! tells what happens to a [`Sink`].

use std::cell::OnceCell;
use std::rc::Rc;

use js_sys::Promise;
use standby_trace::recorder::Recorder;
use standby_trace::{Source, json};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlElement;

use crate::live::News;
use crate::run::Run;
use crate::state::Trouble;
use crate::widget::host::Host;
use crate::{book, dom, module};

#[wasm_bindgen]
extern "C" {
    /// The loaded module.
    #[derive(Clone)]
    pub(crate) type Runner;

    /// Starts an experiment; gives its [`Handle`], or nothing where the sink was told why not.
    #[wasm_bindgen(method)]
    fn start(
        this: &Runner,
        scenario: String,
        root: String,
        simulated: bool,
        beside: bool,
        sink: Sink,
    ) -> Promise;

    /// Offers the choice between the sources behind a pill, where there is a server.
    #[wasm_bindgen(method)]
    fn offer(this: &Runner, pill: &HtmlElement, id: String, root: String, host: Host) -> Promise;

    /// Builds the tables of what two rows differ in into an empty element.
    #[wasm_bindgen(method)]
    pub(crate) fn compare(this: &Runner, element: &HtmlElement, root: &str) -> Comparison;

    /// Those tables.
    pub(crate) type Comparison;

    /// Shows the figures: for each lane its name and two lists, as JSON.
    #[wasm_bindgen(method)]
    pub(crate) fn show(this: &Comparison, json: &str);

    /// The API's URL, once a server was found.
    #[wasm_bindgen(method, js_name = "api")]
    fn found_api(this: &Runner) -> Option<String>;

    /// A run.
    pub(crate) type Handle;

    /// Connects, and keeps connected. `is_new`: it has just been started.
    #[wasm_bindgen(method)]
    pub(crate) fn go_on(this: &Handle, is_new: bool);

    /// Lets go of every connection.
    #[wasm_bindgen(method)]
    pub(crate) fn let_go(this: &Handle);

    /// The parameters as they are set now, as JSON.
    #[wasm_bindgen(method)]
    pub(crate) fn set(this: &Handle, scenario: &str);

    /// Does something to the experiment's connections: a fault as JSON.
    #[wasm_bindgen(method)]
    pub(crate) fn fault(this: &Handle, fault: &str);

    /// Publishes one event; `chance` decides what it says.
    #[wasm_bindgen(method)]
    pub(crate) fn publish(this: &Handle, chance: f64);

    /// Opens a lane again that gave up.
    #[wasm_bindgen(method)]
    pub(crate) fn reopen(this: &Handle, lane: usize);

    /// The topic that its lanes subscribe to; none where the model has it.
    #[wasm_bindgen(method)]
    pub(crate) fn topic(this: &Handle) -> Option<String>;

    /// The last id that a lane has.
    #[wasm_bindgen(method)]
    pub(crate) fn last_id(this: &Handle, lane: usize) -> Option<f64>;

    /// Why a lane will not come back by itself.
    #[wasm_bindgen(method)]
    pub(crate) fn gave_up(this: &Handle, lane: usize) -> Option<String>;
}

thread_local! {
    static LOADED: OnceCell<Runner> = const { OnceCell::new() };
}

/// Loads the module, once for all widgets of the page.
///
/// # Errors
/// What the browser says, for the reader.
pub(crate) async fn load() -> Result<Runner, String> {
    let runner: Runner = module::load("runner").await?.unchecked_into();
    Ok(LOADED.with(|loaded| loaded.get_or_init(|| runner).clone()))
}

/// The API's URL, once a server was found.
pub(crate) fn api() -> Option<String> {
    LOADED.with(|loaded| loaded.get()?.found_api())
}

/// What is to run an experiment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct By {
    /// The model.
    pub(crate) simulated: bool,
    /// Beside a live run of the same.
    pub(crate) beside: bool,
}

impl Runner {
    /// Starts an experiment of the book; `None` where `sink` was told why not.
    pub(crate) async fn begin(&self, scenario: String, by: By, sink: Sink) -> Option<Handle> {
        let started = self.start(scenario, book::root(), by.simulated, by.beside, sink);
        let handle: JsValue = JsFuture::from(started).await.ok()?;
        handle.is_object().then(|| handle.unchecked_into())
    }

    /// Offers a widget's reader the choice between the sources, where the book comes with a server; says
    /// whether it does.
    pub(crate) async fn offer_choice(&self, pill: &HtmlElement, id: String, host: Host) -> bool {
        let offered = JsFuture::from(self.offer(pill, id, book::root(), host)).await;
        offered.is_ok_and(|offered| offered.is_truthy())
    }
}

/// A run's record, as the module that runs it knows it. Moments are microseconds of the run.
#[wasm_bindgen]
pub struct Sink {
    run: Rc<Run>,
    tell: Box<dyn Fn(News)>,
}

impl Sink {
    /// For one run; `tell` is called with what is for its widget.
    pub(crate) fn new(run: &Rc<Run>, tell: impl Fn(News) + 'static) -> Self {
        Self { run: run.clone(), tell: Box::new(tell) }
    }
}

#[wasm_bindgen]
impl Sink {
    /// Time 0 of the run is now; says when that is, in microseconds of the page's clock. `simulated`:
    /// the model runs it.
    #[must_use]
    pub fn begin(&self, simulated: bool) -> f64 {
        let source = if simulated { Source::Simulated } else { Source::Live };
        self.run.begin(source) as f64
    }

    /// A lane did or saw something: a [`standby_trace::recorder::Fact`] as JSON.
    pub fn fact(&self, lane: usize, at_us: f64, fact: &str) {
        match json::read(fact) {
            Ok(fact) => self.run.record(|recorder, _| recorder.fact(lane, &fact, at_us as i64)),
            Err(e) => dom::complain(&e.to_string()),
        }
    }

    /// What the server's tap tells: a [`standby_trace::tap::ToObserver`] as JSON.
    pub fn tap(&self, at_us: f64, told: &str) {
        // What a newer server may say besides is not for us.
        if let Ok(told) = json::read(told) {
            self.run.tapped(&told, at_us as i64);
        }
    }

    /// Nobody observes any more: the server that comes next may be another process, with another
    /// clock.
    pub fn unobserved(&self) {
        self.run.forget_clock();
        self.run.record(Recorder::unobserved);
    }

    /// Something that concerns all lanes happened now.
    pub fn note(&self, text: &str) {
        self.run.record(|recorder, now_us| recorder.note(text, now_us));
    }

    /// Something of the run as a whole, or what keeps it from starting.
    pub fn news(&self, kind: &str, text: &str) {
        let text = text.to_owned();
        (self.tell)(match kind {
            "connected" => News::Connected,
            "lost" => News::Lost,
            "not-there" => News::Failed(Trouble::NotThere),
            "busy" => News::Failed(Trouble::Busy),
            "refused" => News::Failed(Trouble::Refused { said: text }),
            "notice" => News::Notice(text),
            _ => News::Refused(text),
        });
    }
}
