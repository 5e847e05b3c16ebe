//! One experiment in the page: what the reader does, what happens, and what is shown of it.
//!
//! The decisions are [`crate::state`]'s, the run is [`Live`]'s, the parts are [`crate::view`]'s;
//! this is where they meet.
//!
//! - `act.rs`: what the reader sets and does
//! - `show.rs`: what is shown, and when
//! - `look.rs`: looking around in time
//! - `open.rs`: links and files
//! - `rows.rs`: live and simulated, in two rows if both
//! - `host.rs`: the second module's side

mod act;
pub(crate) mod host;
mod look;
pub(crate) mod open;
mod rows;
mod show;

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use standby_figure::Hit;
use standby_trace::recorder::Recorder;
use standby_trace::scenario::{Experiment, Scenario};
use standby_trace::{Ledger, Trace, json};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, HtmlElement, ResizeObserver, ResizeObserverEntry};

use crate::axis::Axis;
use crate::dom::Words;
use crate::inspector::Inspector;
use crate::live::{Live, News};
use crate::news::Spoken;
use crate::preferences;
use crate::presence::{self, Presence};
use crate::state::{Conduct, Effect, Happens, Pause, State, Step};
use crate::view::card::Card;
use crate::view::controls::Controls;
use crate::view::keymap::KeyMap;
use crate::view::label;
use crate::view::ledger::Table;
use crate::view::notice::Notice;
use crate::view::picture::Picture;
use crate::view::pill::Pill;
use crate::view::sentence::Sentence;
use crate::view::tabs::Tabs;
use crate::view::timebar::TimeBar;
use crate::{dom, page};
use act::{labels, new_controls};
use look::Looking;
use rows::Rows;

/// What is said of a run of the model.
const SIMULATED: &str = "Simulated: this book has no server here, so a model in the page plays the \
    browser, the network and the server, and no byte is on a wire. To run it live, clone the book's \
    repository and run in it: cargo xtask serve";

/// One experiment in the page.
pub(crate) struct Widget {
    element: HtmlElement,
    experiment: Experiment,
    /// The lanes' names.
    names: RefCell<Vec<String>>,
    /// The parameters as the reader has set them.
    scenario: RefCell<Scenario>,
    conduct: RefCell<Conduct>,
    step: RefCell<Step>,
    live: RefCell<Option<Rc<Live>>>,
    /// Which attempt to start is the last one: what an older one brings is too late.
    generation: Cell<u32>,
    /// What is drawn before there is a run.
    empty: RefCell<Recorder>,
    /// A trace from a file, while one is shown.
    recorded: RefCell<Option<Trace>>,
    /// How often another trace was put in the place of one.
    sources: Cell<u32>,
    /// Of all rows.
    looking: Rc<Looking>,
    rows: Rows,
    /// Where the picture stands still.
    rest_us: Cell<i64>,
    pill: Pill,
    card: Card,
    picture: Picture,
    sentence: Sentence,
    controls: RefCell<Controls>,
    bar: TimeBar,
    keys: KeyMap,
    notice: Notice,
    table: Table,
    tabs: Tabs,
    to_playground: HtmlElement,
    /// What is said to those who hear the page.
    live_region: Words,
    spoken: RefCell<Spoken>,
    shown: Shown,
    inspected: Inspected,
}

/// What the second module was told, once it is there.
#[derive(Default)]
struct Inspected {
    module: RefCell<Option<Inspector>>,
    /// The run and its revision when the number below last grew.
    seen: Cell<Option<(u32, u32, u64)>>,
    revision: Cell<f64>,
    /// The revision and the message that the panel was told of last.
    told: Cell<(f64, Option<u64>)>,
    /// It will be told soon.
    telling: Cell<bool>,
}

/// What the display calls with its time.
type Frame = Closure<dyn FnMut(f64)>;

/// When things were last shown, in the display's milliseconds.
#[derive(Default)]
struct Shown {
    frame: RefCell<Option<Frame>>,
    frame_is_due: Cell<bool>,
    picture_ms: Cell<f64>,
    words_ms: Cell<f64>,
    sentence_ms: Cell<f64>,
    notice: RefCell<Option<String>>,
}

impl Widget {
    /// Builds the widget in its placeholder. Nothing connects.
    ///
    /// # Errors
    /// What is wrong with the placeholder.
    pub(crate) fn mount(element: &HtmlElement) -> Result<Rc<Self>, String> {
        let json = element.get_attribute("data-experiment").ok_or("it has no `data-experiment`")?;
        let experiment: Experiment = standby_trace::json::read(&json).map_err(|e| e.to_string())?;
        experiment.scenario.check().map_err(|e| e.to_string())?;
        let widget = Self::new(element, experiment, None);
        widget.build();
        widget.listen();
        Ok(widget)
    }

    /// Makes its parts; with `above`, as the row beneath that one.
    fn new(element: &HtmlElement, experiment: Experiment, above: Option<&Rc<Self>>) -> Rc<Self> {
        let widget = Rc::new_cyclic(|me: &Weak<Self>| {
            let scenario = experiment.scenario.clone();
            let names = label::names(&scenario.lanes);
            let run = me.clone();
            let card = Card::new(move || with(&run, |widget| widget.happens(Happens::Run)));
            let table = Table::new(&element.id(), &experiment.title);
            let choose = me.clone();
            let tabs = Tabs::new(&element.id(), &experiment.title, table.element(), move |tab| {
                with(&choose, |widget| widget.choose(tab));
            });
            let spoken = dom::classed("p", "standby-unseen").set("aria-live", "polite").done();
            Self {
                element: element.clone(),
                picture: Picture::new(card.element()),
                controls: new_controls(me, &experiment, &scenario).into(),
                sentence: Sentence::new(&experiment.look),
                pill: Pill::new(),
                looking: above
                    .map_or_else(|| Rc::new(Looking::new(scenario.window_ms)), |above| above.looking.clone()),
                rows: Rows::of(above),
                bar: TimeBar::new({
                    let me = me.clone();
                    move |does| with(&me, |widget| widget.look(does))
                }),
                keys: KeyMap::new(&element.id(), preferences::set_aloud),
                notice: Notice::new(),
                recorded: RefCell::default(),
                sources: Cell::default(),
                spoken: RefCell::default(),
                to_playground: to_playground(),
                conduct: Conduct::new(experiment.autostart).into(),
                empty: Recorder::new(scenario.clone(), 0).into(),
                scenario: scenario.into(),
                step: RefCell::default(),
                live: RefCell::default(),
                generation: Cell::default(),
                rest_us: Cell::default(),
                shown: Shown::default(),
                inspected: Inspected::default(),
                live_region: Words::within(&spoken, ""),
                names: names.into(),
                tabs,
                table,
                card,
                experiment,
            }
        });
        let own = || labels(&Rc::downgrade(&widget), &widget.names.borrow(), &widget.scenario.borrow());
        widget.picture.set_labels(if above.is_some() { widget.labels_beneath() } else { own() });
        widget.listen_to_looks();
        widget.listen_to_width();
        widget
    }

    fn build(self: &Rc<Self>) {
        let title = dom::classed("strong", "standby-title").text(&self.experiment.title).done();
        let head = dom::classed("div", "standby-head").child(&title).child(self.pill.element()).done();
        let mut body = dom::classed("div", "standby-box")
            .set("role", "group")
            .set("aria-label", &self.experiment.title)
            .child(&head);
        if self.is_playground() {
            let editor = dom::classed("div", "standby-editor").done();
            body = body.child(&editor);
            self.build_editor(&editor);
        }
        let mut row = dom::classed("div", "standby-row").child(self.tabs.row());
        if !self.is_playground() {
            row = row.child(&self.to_playground);
        }
        let body = body
            .child(self.notice.element())
            .child(self.picture.element())
            .child(self.bar.element())
            .child(self.sentence.element())
            .child(self.controls.borrow().element())
            .child(&row.done())
            .child(self.tabs.panels())
            .child(self.keys.element())
            .child(&self.live_region.parent())
            .done();
        let _ = self.element.append_child(&body);
        self.show_first();
        self.show_playground_link();

        let me = Rc::downgrade(self);
        let frame = Frame::new(move |at_ms| with(&me, |widget| widget.frame(at_ms)));
        self.shown.frame.replace(Some(frame));
    }

    /// Shows it for the first time.
    fn show_first(&self) {
        self.picture.measure(self.picture.element().client_width() as f32);
        self.picture.read_theme();
        self.show_state();
        self.show_words();
        self.show_bar();
        self.paint();
    }

    /// Sets it up with other parameters, in place. If it ran, it runs again.
    fn set_up(self: &Rc<Self>, scenario: Scenario) {
        let ran = self.runs();
        self.happens(Happens::SetUp);
        // What a start under way brings is too late.
        self.generation.set(self.generation.get().wrapping_add(1));
        self.live.take();
        self.notice.clear();
        self.step.take();
        self.recorded.take();
        let me = Rc::downgrade(self);
        let names = label::names(&scenario.lanes);
        self.picture.set_labels(labels(&me, &names, &scenario));
        let controls = new_controls(&me, &self.experiment, &scenario);
        let _ = self.controls.borrow().element().replace_with_with_node_1(controls.element());
        self.controls.replace(controls);
        self.table.clear();
        self.names.replace(names);
        self.empty.replace(Recorder::new(scenario.clone(), 0));
        self.looking.begin(Axis::new(scenario.window_ms));
        self.rest_us.set(0);
        self.scenario.replace(scenario);
        self.picture.forget();
        self.close_panels();
        self.set_rows();
        self.show_state();
        self.show_playground_link();
        self.looked();
        self.sentence.say_plain(&self.experiment.look);
        if ran {
            self.happens(Happens::Run);
        }
    }

    /// Says something to those who hear the page, because they did something.
    fn announce(&self, text: &str) {
        self.live_region.say(text);
    }

    /// Says what there is to say by itself, if it is time and wanted.
    fn speak_news(&self) {
        let now_ms = dom::window().performance().map_or(0.0, |performance| performance.now());
        let names = self.names.borrow();
        let said = self.with_trace(|trace| self.spoken.borrow_mut().next(now_ms, trace, &names));
        if let Some(said) = said
            && preferences::aloud()
        {
            self.live_region.say(&said);
        }
    }

    fn open_keys(&self) {
        self.keys.open(preferences::aloud());
    }

    fn listen(self: &Rc<Self>) {
        // Whoever comes near may press Run next.
        for near in ["pointerenter", "focusin"] {
            let me = Rc::downgrade(self);
            dom::on(&self.element, near, move |_| with(&me, Self::near));
        }
        let me = Rc::downgrade(self);
        presence::watch(&self.element, move |presence| with(&me, |widget| widget.presence(presence)));
    }

    fn listen_to_width(self: &Rc<Self>) {
        let me = Rc::downgrade(self);
        let resized = Closure::<dyn Fn(js_sys::Array)>::new(move |entries: js_sys::Array| {
            let entry = entries.pop().unchecked_into::<ResizeObserverEntry>();
            let width = entry.content_rect().width() as f32;
            with(&me, |widget| {
                if widget.picture.measure(width) {
                    widget.paint();
                }
            });
        });
        if let Ok(observer) = ResizeObserver::new(resized.as_ref().unchecked_ref()) {
            observer.observe(self.picture.element());
        }
        resized.forget();
    }

    /// Whether this is the widget of a placeholder.
    pub(crate) fn is_at(&self, element: &Element) -> bool {
        self.element.is_same_node(Some(element))
    }

    /// Whether something of the page is within it.
    pub(crate) fn holds(&self, node: &web_sys::Node) -> bool {
        self.element.contains(Some(node))
    }

    /// It has or wants connections.
    pub(crate) fn runs(&self) -> bool {
        self.conduct.borrow().runs()
    }

    /// The trace as JSON, as far back as the window goes.
    pub(crate) fn trace_json(&self) -> Option<String> {
        let shown = self.recorded.borrow().is_some() || self.live.borrow().is_some();
        shown.then(|| self.with_trace(json::write))
    }

    fn presence(self: &Rc<Self>, presence: Presence) {
        self.happens(Happens::Present(presence.present));
        let moves = !dom::media("(prefers-reduced-motion: reduce)");
        if presence.in_sight && moves && !page::any_runs() {
            self.happens(Happens::InSight);
        }
    }

    /// Something happened: decides what follows, does it, and shows it.
    pub(crate) fn happens(self: &Rc<Self>, happens: Happens) {
        let before = self.conduct.borrow().state().clone();
        let effect = self.conduct.borrow_mut().on(happens);
        let state = self.conduct.borrow().state().clone();
        if before == State::Recorded && state != State::Recorded {
            self.unload();
        }
        match effect {
            Effect::None => {}
            Effect::Start => self.start(),
            Effect::GoOn => self.go_on(),
            Effect::LetGo => {
                self.let_go(note_of(&state));
                if let Some(row) = self.beneath() {
                    row.happens(Happens::Pause);
                }
            }
        }
        if effect != Effect::None || before != state {
            if before != state {
                self.spoken.borrow_mut().say(&Pill::spoken(&state));
                self.speak_news();
            }
            self.show_state();
            self.show_bar();
            self.next_frame();
        }
    }

    fn start(self: &Rc<Self>) {
        self.let_go("restarted");
        if self.above().is_none() {
            page::claim(self);
            self.near();
            self.clear_row();
        }
        self.live.take();
        self.step.take();
        self.table.forget();
        self.picture.keep_labels(self.scenario.borrow().lanes.len());
        self.rest_us.set(0);
        self.spoken.borrow_mut().begin();
        let scenario = self.scenario.borrow().clone();
        if self.above().is_none() {
            self.looking.begin(Axis::new(scenario.window_ms));
        }
        self.picture.forget();
        self.show_words();
        self.paint();

        let by = self.by();
        let generation = self.generation.get().wrapping_add(1);
        self.generation.set(generation);
        let me = Rc::downgrade(self);
        spawn_local(async move {
            let news = me.clone();
            let started = Live::start(scenario, by, move |told| {
                with(&news, |widget| widget.news(generation, told));
            })
            .await;
            with(&me, |widget| widget.started(generation, started));
        });
    }

    /// The server has started the experiment, or the news said why not.
    fn started(self: &Rc<Self>, generation: u32, started: Option<Rc<Live>>) {
        if self.generation.get() != generation || !self.runs() {
            // Too late. The server stops an experiment that nobody looks at.
            return;
        }
        if let Some(live) = started {
            // Kept first: the model connects at once.
            self.live.replace(Some(live.clone()));
            if live.run().is_simulated() && !self.wants_model() {
                self.stand_alone();
            }
            self.begin_row();
            if self.may_connect() {
                live.go_on(true);
            }
        }
    }

    fn news(self: &Rc<Self>, generation: u32, news: News) {
        if self.generation.get() != generation {
            return;
        }
        match news {
            News::Connected => {
                let simulated = self.live.borrow().as_ref().is_some_and(|live| live.run().is_simulated());
                if simulated && !self.wants_model() {
                    self.notice.say(SIMULATED);
                }
                self.happens(Happens::Connected);
                self.connect_row();
            }
            News::Lost => self.happens(Happens::Lost),
            News::Failed(trouble) => self.happens(Happens::Failed(trouble)),
            News::Notice(text) if text.is_empty() => self.notice.clear(),
            News::Notice(text) => self.notice.say(&text),
            News::Refused(said) => {
                self.shown.notice.replace(Some(said));
                self.shown.sentence_ms.set(0.0);
                self.next_frame();
            }
        }
    }

    fn go_on(self: &Rc<Self>) {
        self.step.take();
        let Some(live) = self.live.borrow().clone() else { return };
        if self.above().is_none() {
            page::claim(self);
            let mut axis = self.looking.axis.get();
            axis.go_on(self.rest_us.get(), live.run().now_us());
            self.looking.axis.set(axis);
        }
        live.go_on(false);
    }

    fn let_go(&self, why: &str) {
        if let Some(live) = self.live.borrow().clone() {
            live.let_go(why);
            live.run().record(|recorder, now_us| {
                recorder.advance(now_us);
                self.rest_us.set(now_us);
            });
        }
        self.show_words();
        self.paint();
    }

    fn with_trace<T>(&self, read: impl FnOnce(&Trace) -> T) -> T {
        match self.recorded.borrow().as_ref() {
            Some(trace) => read(trace),
            None => self.with_recorder(|recorder| read(recorder.trace())),
        }
    }

    /// The totals, or those up to a moment.
    fn ledgers(&self, until_us: Option<i64>) -> Vec<Ledger> {
        match (self.recorded.borrow().as_ref(), until_us) {
            (Some(trace), until_us) => Ledger::until(trace, until_us.unwrap_or(i64::MAX)),
            (None, Some(until_us)) => self.with_recorder(|recorder| recorder.ledgers_until(until_us)),
            (None, None) => self.with_recorder(Recorder::ledgers),
        }
    }

    /// Now, on the axis of what is shown.
    fn now_us(&self) -> i64 {
        if let Some(trace) = self.recorded.borrow().as_ref() {
            return trace.until_us;
        }
        match self.live.borrow().as_ref() {
            Some(live) if self.runs() => live.run().now_us(),
            _ => self.rest_us.get(),
        }
    }

    fn with_recorder<T>(&self, read: impl FnOnce(&Recorder) -> T) -> T {
        match self.live.borrow().as_ref() {
            Some(live) => live.run().read(read),
            None => read(&self.empty.borrow()),
        }
    }

    /// Points at the message of a number, or at none.
    fn select(self: &Rc<Self>, message: Option<u64>) {
        self.point(|picture, _| picture.pin(message.map(Hit::Message)));
    }

    /// The page's theme changed.
    pub(crate) fn theme_changed(&self) {
        self.picture.read_theme();
        self.paint();
        if let Some(row) = self.beneath() {
            row.theme_changed();
        }
    }
}

/// Does something with a widget that is still there.
fn with(widget: &Weak<Widget>, act: impl FnOnce(&Rc<Widget>)) {
    if let Some(widget) = widget.upgrade() {
        act(&widget);
    }
}

/// The way to the page where the same experiment can be set freely.
fn to_playground() -> HtmlElement {
    dom::classed("a", "standby-open")
        .set("aria-label", "Open in the playground")
        .child(&dom::classed("span", "standby-wide").text("Playground ").done())
        .child(&dom::html("span").set("aria-hidden", "true").text("↗").done())
        .done()
}

/// What stands in the picture where an experiment let go.
fn note_of(state: &State) -> &'static str {
    match state {
        State::Paused(Pause::Away) => "out of view",
        State::Paused(Pause::Elsewhere { .. }) => "another experiment runs",
        _ => "paused",
    }
}
