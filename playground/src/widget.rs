//! One experiment in the page: what the reader does, what happens, and what is shown of it.
//!
//! The decisions are [`crate::state`]'s, the run is [`Live`]'s, the parts are [`crate::view`]'s;
//! this is where they meet.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use standby_figure::{describe, say};
use standby_trace::recorder::Recorder;
use standby_trace::scenario::{Experiment, Scenario};
use standby_trace::{Ledger, Trace};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, HtmlElement, KeyboardEvent, PointerEvent, ResizeObserver, ResizeObserverEntry};

use crate::axis::Axis;
use crate::live::{Live, News};
use crate::presence::{self, Presence};
use crate::server::Change;
use crate::state::{Conduct, Effect, Happens, Pause, State, Step, Trouble};
use crate::view::card::Card;
use crate::view::controls::{self, Controls};
use crate::view::label::{self, Label};
use crate::view::ledger::{Standing, Table};
use crate::view::picture::{Picture, Walk};
use crate::view::pill::Pill;
use crate::view::sentence::Sentence;
use crate::{dom, page};

/// The figures and words beside the picture change this often at most: faster can't be read.
const WORDS_MS: f64 = 200.0;
/// The sentence, which takes longer to read.
const SENTENCE_MS: f64 = 1_000.0;
/// With `prefers-reduced-motion` the picture moves in steps, this often.
const STILL_MS: f64 = 500.0;
/// News that is older than this beside a lane is written in the colour of age.
const OLD_US: u64 = 300_000;

/// One experiment in the page.
pub(crate) struct Widget {
    element: HtmlElement,
    experiment: Experiment,
    names: Vec<String>,
    /// The parameters as the reader has set them.
    scenario: RefCell<Scenario>,
    conduct: RefCell<Conduct>,
    step: RefCell<Step>,
    live: RefCell<Option<Rc<Live>>>,
    /// Which attempt to start is the last one: what an older one brings is too late.
    generation: Cell<u32>,
    /// What is drawn before there is a run.
    empty: Recorder,
    axis: Cell<Axis>,
    /// Where the picture stands still.
    rest_us: Cell<i64>,
    pill: Pill,
    card: Card,
    picture: Picture,
    sentence: Sentence,
    controls: Controls,
    table: Table,
    shown: Shown,
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

        let widget = Rc::new_cyclic(|me: &Weak<Self>| {
            let scenario = experiment.scenario.clone();
            let names = label::names(&scenario.lanes);
            let labels = scenario.lanes.iter().enumerate().map(|(i, spec)| {
                let me = me.clone();
                Label::own(&names[i], *spec, move |does| with(&me, |widget| widget.act_on_lane(i, does)))
            });
            let labels = labels.collect();
            let (run, act) = (me.clone(), me.clone());
            let card = Card::new(move || with(&run, |widget| widget.happens(Happens::Run)));
            let controls = Controls::new(&experiment.controls, &scenario, move |does| {
                with(&act, |widget| widget.act(does));
            });
            Self {
                element: element.clone(),
                picture: Picture::new(labels, card.element()),
                sentence: Sentence::new(&experiment.look),
                table: Table::new(&experiment.title),
                pill: Pill::new(),
                axis: Axis::new(scenario.window_ms).into(),
                conduct: Conduct::new(experiment.autostart).into(),
                empty: Recorder::new(scenario.clone(), 0),
                scenario: scenario.into(),
                step: RefCell::default(),
                live: RefCell::default(),
                generation: Cell::default(),
                rest_us: Cell::default(),
                shown: Shown::default(),
                card,
                controls,
                names,
                experiment,
            }
        });
        widget.build();
        widget.listen();
        Ok(widget)
    }

    fn build(self: &Rc<Self>) {
        let title = dom::classed("strong", "standby-title").text(&self.experiment.title).done();
        let head = dom::classed("div", "standby-head").child(&title).child(self.pill.element()).done();
        let tab = dom::classed("div", "standby-tabs")
            .child(&dom::classed("span", "standby-tab standby-on").text("Ledger").done())
            .done();
        let panel = dom::classed("div", "standby-panel").child(self.table.element()).done();
        let body = dom::classed("div", "standby-box")
            .set("role", "group")
            .set("aria-label", &self.experiment.title)
            .child(&head)
            .child(self.picture.element())
            .child(self.sentence.element())
            .child(self.controls.element())
            .child(&tab)
            .child(&panel)
            .done();
        let _ = self.element.append_child(&body);
        self.picture.measure(self.picture.element().client_width() as f32);
        self.picture.read_theme();
        self.show_state();
        self.show_words();
        self.paint();

        let me = Rc::downgrade(self);
        let frame = Frame::new(move |at_ms| with(&me, |widget| widget.frame(at_ms)));
        self.shown.frame.replace(Some(frame));
    }

    fn listen(self: &Rc<Self>) {
        // No key that is pressed in here turns mdBook's page, opens its search or its help.
        dom::on(&self.element, "keydown", web_sys::Event::stop_propagation);

        let canvas = self.picture.canvas();
        for event in ["pointermove", "pointerdown"] {
            let me = Rc::downgrade(self);
            dom::on(canvas, event, move |event| {
                if let Some(pointer) = event.dyn_ref::<PointerEvent>() {
                    let (x, y) = (pointer.offset_x() as f32, pointer.offset_y() as f32);
                    with(&me, |widget| widget.point(|picture, trace| picture.point_at(trace, x, y)));
                }
            });
        }
        for event in ["pointerleave", "blur"] {
            let me = Rc::downgrade(self);
            dom::on(canvas, event, move |_| {
                with(&me, |widget| widget.point(|picture, _| picture.point(None)));
            });
        }
        let me = Rc::downgrade(self);
        gloo_events::EventListener::new_with_options(
            canvas,
            "keydown",
            gloo_events::EventListenerOptions::enable_prevent_default(),
            move |event| {
                let key = event.dyn_ref::<KeyboardEvent>().map(KeyboardEvent::key).unwrap_or_default();
                let step = match key.as_str() {
                    "ArrowLeft" | "ArrowDown" => Walk::Back,
                    "ArrowRight" | "ArrowUp" => Walk::On,
                    "Home" => Walk::First,
                    "End" => Walk::Last,
                    "Escape" => {
                        return with(&me, |widget| widget.point(|picture, _| picture.point(None)));
                    }
                    _ => return,
                };
                event.prevent_default();
                with(&me, |widget| widget.point(|picture, trace| picture.walk(trace, step)));
            },
        )
        .forget();

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

        let me = Rc::downgrade(self);
        presence::watch(&self.element, move |presence| with(&me, |widget| widget.presence(presence)));
    }

    /// Whether this is the widget of a placeholder.
    pub(crate) fn is_at(&self, element: &Element) -> bool {
        self.element.is_same_node(Some(element))
    }

    /// It has or wants connections.
    pub(crate) fn runs(&self) -> bool {
        self.conduct.borrow().runs()
    }

    /// The trace as JSON, as far back as the window goes.
    pub(crate) fn trace_json(&self) -> Option<String> {
        let live = self.live.borrow().clone()?;
        live.run().read(|recorder| serde_json::to_string(recorder.trace()).ok())
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
        match effect {
            Effect::None => {}
            Effect::Start => self.start(),
            Effect::GoOn => self.go_on(),
            Effect::LetGo => self.let_go(note_of(&state)),
        }
        if effect != Effect::None || before != state {
            self.show_state();
            self.next_frame();
        }
    }

    fn start(self: &Rc<Self>) {
        self.let_go("restarted");
        page::claim(self);
        self.live.take();
        self.step.take();
        self.table.forget();
        self.picture.keep_labels(self.experiment.scenario.lanes.len());
        self.rest_us.set(0);
        let scenario = self.scenario.borrow().clone();
        self.axis.set(Axis::new(scenario.window_ms));
        self.show_words();
        self.paint();

        let generation = self.generation.get().wrapping_add(1);
        self.generation.set(generation);
        let me = Rc::downgrade(self);
        spawn_local(async move {
            let news = me.clone();
            let started = Live::start(scenario, move |told| {
                with(&news, |widget| widget.news(generation, told));
            })
            .await;
            with(&me, |widget| widget.started(generation, started));
        });
    }

    /// The server has started the experiment, or not.
    fn started(self: &Rc<Self>, generation: u32, started: Result<Rc<Live>, Trouble>) {
        if self.generation.get() != generation || !self.runs() {
            // Too late. The server stops an experiment that nobody looks at.
            return;
        }
        match started {
            Ok(live) => {
                live.go_on(true);
                self.live.replace(Some(live));
            }
            Err(trouble) => self.happens(Happens::Failed(trouble)),
        }
    }

    fn news(self: &Rc<Self>, generation: u32, news: News) {
        if self.generation.get() != generation {
            return;
        }
        match news {
            News::Connected => self.happens(Happens::Connected),
            News::Lost => self.happens(Happens::Lost),
            News::Failed(trouble) => self.happens(Happens::Failed(trouble)),
            News::Refused(said) => {
                self.shown.notice.replace(Some(said));
                self.shown.sentence_ms.set(0.0);
                self.next_frame();
            }
        }
    }

    fn go_on(self: &Rc<Self>) {
        page::claim(self);
        self.step.take();
        if let Some(live) = self.live.borrow().clone() {
            let mut axis = self.axis.get();
            axis.go_on(self.rest_us.get(), live.run().now_us());
            self.axis.set(axis);
            live.go_on(false);
        }
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

    fn act(self: &Rc<Self>, does: controls::Does) {
        use controls::Does;
        let live = self.live.borrow().clone();
        match does {
            Does::RunOrPause if self.runs() => self.happens(Happens::Pause),
            Does::RunOrPause => self.happens(Happens::Run),
            Does::Step => self.happens(Happens::Step),
            Does::Restart => self.happens(Happens::Restart),
            Does::Publish => {
                if let Some(live) = live {
                    live.publish();
                }
            }
            Does::Fault(fault) => {
                if let Some(live) = live {
                    live.fault(fault);
                }
            }
            Does::Every(_) | Does::RoundTrip(_) | Does::Bandwidth(_) => {
                let change = {
                    let mut scenario = self.scenario.borrow_mut();
                    match does {
                        Does::Every(ms) => scenario.publish.every_ms = ms,
                        Does::RoundTrip(ms) => scenario.conditions.latency_ms = ms / 2,
                        Does::Bandwidth(bytes_s) => scenario.conditions.bandwidth_bytes_s = bytes_s,
                        _ => {}
                    }
                    Change { conditions: Some(scenario.conditions), publish: Some(scenario.publish) }
                };
                if let Some(live) = live {
                    live.steer(change);
                }
                self.show_state();
            }
        }
    }

    fn act_on_lane(&self, index: usize, does: label::Does) {
        let live = self.live.borrow().clone();
        match does {
            label::Does::Set(spec) => {
                if let Some(kept) = self.scenario.borrow_mut().lanes.get_mut(index) {
                    *kept = spec;
                }
                if let Some(live) = live {
                    live.set_lane(index, spec);
                }
            }
            label::Does::Reopen => {
                if let Some(lane) = live.as_ref().and_then(|live| live.lanes().get(index)) {
                    lane.start();
                }
            }
        }
    }

    /// The reader points at something.
    fn point(self: &Rc<Self>, point: impl FnOnce(&Picture, &Trace) -> bool) {
        if self.with_trace(|trace| point(&self.picture, trace)) {
            self.paint();
            self.show_sentence();
        }
    }

    fn with_trace<T>(&self, read: impl FnOnce(&Trace) -> T) -> T {
        match self.live.borrow().as_ref() {
            Some(live) => live.run().read(|recorder| read(recorder.trace())),
            None => read(self.empty.trace()),
        }
    }

    /// The page's theme changed.
    pub(crate) fn theme_changed(&self) {
        self.picture.read_theme();
        self.paint();
    }

    fn show_state(&self) {
        let conduct = self.conduct.borrow();
        let state = conduct.state();
        let (name, why) = state_names(state);
        dom::set(&self.element, "data-state", name);
        dom::set(&self.element, "data-why", why);
        let latency_ms = self.scenario.borrow().conditions.latency_ms;
        let live = self.live.borrow();
        self.pill.show(state, latency_ms, live.as_ref().map(|live| live.run()));
        self.card.show(state);
        self.controls.show(state);
    }

    /// Asks for the next frame, as long as there is something to draw.
    fn next_frame(&self) {
        if !self.runs() || self.shown.frame_is_due.replace(true) {
            return;
        }
        if let Some(frame) = self.shown.frame.borrow().as_ref() {
            let _ = dom::window().request_animation_frame(frame.as_ref().unchecked_ref());
        }
    }

    fn frame(self: &Rc<Self>, at_ms: f64) {
        self.shown.frame_is_due.set(false);
        if !self.runs() {
            return;
        }
        let still = dom::media("(prefers-reduced-motion: reduce)");
        let due = |shown: &Cell<f64>, each_ms: f64| {
            let due = at_ms - shown.get() >= each_ms;
            if due {
                shown.set(at_ms);
            }
            due
        };
        if due(&self.shown.picture_ms, if still { STILL_MS } else { 0.0 }) {
            if let Some(live) = self.live.borrow().as_ref() {
                live.run().record(Recorder::advance);
            }
            self.paint();
        }
        if due(&self.shown.words_ms, if still { STILL_MS } else { WORDS_MS }) {
            self.show_words();
            self.show_state();
        }
        if due(&self.shown.sentence_ms, SENTENCE_MS) {
            self.show_sentence();
        }
        if self.conduct.borrow().stepping() && self.step_is_over() {
            self.happens(Happens::Stepped);
        }
        self.next_frame();
    }

    fn step_is_over(&self) -> bool {
        let Some(live) = self.live.borrow().clone() else { return false };
        let ledgers = live.run().read(Recorder::ledgers);
        let delivered: Vec<Option<u64>> = live
            .lanes()
            .iter()
            .zip(&ledgers)
            .map(|(lane, ledger)| lane.gave_up().is_none().then_some(ledger.events))
            .collect();
        self.step.borrow_mut().over(&delivered)
    }

    fn paint(&self) {
        let now_us = match self.live.borrow().as_ref() {
            Some(live) if self.runs() => live.run().now_us(),
            _ => self.rest_us.get(),
        };
        let ends_us = self.axis.get().ends(now_us);
        self.with_trace(|trace| self.picture.draw(trace, ends_us, now_us));
    }

    fn show_words(&self) {
        let live = self.live.borrow().clone();
        let Some(live) = live else {
            let ledgers = vec![Ledger::default(); self.names.len()];
            self.table.show(self.empty.trace(), &ledgers, &self.names, &[], u64::MAX);
            for label in self.picture.labels().borrow().iter() {
                label.show(None, false, None);
            }
            return;
        };
        let gave_up: Vec<Option<String>> = live.lanes().iter().map(|lane| lane.gave_up()).collect();
        live.run().read(|recorder| {
            let (trace, ledgers) = (recorder.trace(), recorder.ledgers());
            let standing: Vec<Standing> = live
                .lanes()
                .iter()
                .map(|lane| Standing { last_id: lane.last_id(), gave_up: lane.gave_up().is_some() })
                .collect();
            self.table.show(trace, &ledgers, &self.names, &standing, recorder.revision());
            let known = self.picture.labels().borrow().len();
            for lane in trace.lanes.iter().skip(known) {
                self.picture.add_label(Label::outside(lane));
            }
            for (i, (label, ledger)) in self.picture.labels().borrow().iter().zip(&ledgers).enumerate() {
                let age_us = ledger.staleness.p50_us();
                let age = age_us.map(standby_figure::format::age);
                let gave_up = gave_up.get(i).and_then(|why| why.as_deref());
                label.show(age.as_deref(), age_us.is_some_and(|us| us > OLD_US), gave_up);
            }
        });
    }

    fn show_sentence(&self) {
        if let Some(notice) = self.shown.notice.take() {
            return self.sentence.say_plain(&notice);
        }
        let Some(view) = self.picture.view() else { return };
        let words = self.with_trace(|trace| say(trace, &view));
        if words.is_empty() {
            self.sentence.say_plain(&self.experiment.look);
        } else {
            self.sentence.say(words);
        }
        let selected = view.selected.is_some();
        self.with_trace(|trace| {
            let spoken = if selected { self.sentence.text() } else { describe(trace) };
            self.picture.speak(trace, &spoken);
        });
    }
}

/// Does something with a widget that is still there.
fn with(widget: &Weak<Widget>, act: impl FnOnce(&Rc<Widget>)) {
    if let Some(widget) = widget.upgrade() {
        act(&widget);
    }
}

/// What stands in the picture where an experiment let go.
fn note_of(state: &State) -> &'static str {
    match state {
        State::Paused(Pause::Away) => "out of view",
        State::Paused(Pause::Elsewhere { .. }) => "another experiment runs",
        _ => "paused",
    }
}

/// A state for style sheets and tests: `data-state` and `data-why`.
fn state_names(state: &State) -> (&'static str, &'static str) {
    match state {
        State::Idle => ("idle", ""),
        State::Starting => ("starting", ""),
        State::Live => ("live", ""),
        State::Reconnecting => ("reconnecting", ""),
        State::Paused(Pause::Reader) => ("paused", "reader"),
        State::Paused(Pause::Stepped) => ("paused", "stepped"),
        State::Paused(Pause::Away) => ("paused", "away"),
        State::Paused(Pause::Elsewhere { .. }) => ("paused", "elsewhere"),
        State::Stopped(Trouble::NoServer) => ("no-server", "none"),
        State::Stopped(Trouble::NotThere { .. }) => ("no-server", "away"),
        State::Stopped(Trouble::Busy) => ("busy", ""),
        State::Stopped(Trouble::Refused { .. }) => ("refused", ""),
    }
}
