//! One experiment with a crowd.

mod address;

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use standby_dom::{self as dom, Words};
use standby_figure::format::{count, decimal};
use standby_figure::herd::{self, Look, Picture};
use standby_trace::crowd::{TALLY_US, Tally};
use standby_trace::scenario::bounds;
use standby_trace::{Experiment, LaneSpec, Scenario};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{Element, HtmlElement, ResizeObserver};

use crate::card::{Card, card, entry, legend};
use crate::live::{self, View};
use crate::picture::Painted;
use crate::run::Run;
use crate::slider::{Slider, steps};
use crate::worker::Says;
use crate::{reading, table, words};

/// A run is shown within so long, however long it takes in its own time.
const PLAY_MS: f64 = 5_000.0;
/// Up to so many clients in all rows a change of a slider is run at once.
const AT_ONCE_CLIENTS: u64 = 2_000_000;
/// As narrow as the static figure of a phone.
pub(crate) const NARROW_PX: f32 = 560.0;

/// What of a run is there, and what is shown of it.
#[derive(Default)]
pub(crate) struct Shown {
    pub(crate) rows: Vec<Vec<Tally>>,
    /// When the first of it came, by the page's clock; `None`: nothing is played.
    since_ms: Option<f64>,
    /// So many tallies are shown.
    pub(crate) tallies: usize,
    /// All rows are there.
    pub(crate) complete: bool,
    pub(crate) row: Option<usize>,
    pub(crate) at: Option<usize>,
    /// What has happened in each row, and how long that took.
    events: Vec<(u64, f64)>,
}

pub(crate) struct Widget {
    place: HtmlElement,
    name: String,
    look: String,
    pub(crate) scenario: RefCell<Scenario>,
    pub(crate) shown: RefCell<Shown>,
    run: RefCell<Option<Run>>,
    /// What is shown is live.
    pub(crate) live: RefCell<Option<View>>,
    /// How many live runs there were.
    pub(crate) turns: Cell<u32>,
    /// There may be a server for one.
    pub(crate) offers_live: Cell<bool>,
    /// Why the last run has failed.
    pub(crate) trouble: RefCell<String>,
    /// What the reader said before the first run.
    pub(crate) guess: Cell<Option<u32>>,
    pub(crate) has_run: Cell<bool>,
    framed: Cell<bool>,
    /// The picture as it is painted, for where a pointer is.
    pub(crate) picture: RefCell<Option<Picture>>,
    pub(crate) page: Page,
}

/// The parts that change.
pub(crate) struct Page {
    pub(crate) stage: HtmlElement,
    painted: Painted,
    card: Card,
    pill: Words,
    dot: Element,
    sentence: Words,
    begin: HtmlElement,
    pub(crate) cancel: HtmlElement,
    cancel_word: Words,
    pub(crate) try_live: HtmlElement,
    try_live_word: Words,
    limit: HtmlElement,
    progress: Element,
    progress_word: Words,
    notice: HtmlElement,
    notice_word: Words,
    clients: Slider,
    capacity: Slider,
    every: Option<Slider>,
    table: Element,
    link: Element,
    speed: Words,
}

/// Builds the widget into its placeholder.
pub(crate) fn mount(place: &HtmlElement) -> Result<(), String> {
    let json = place.get_attribute("data-experiment").unwrap_or_default();
    let experiment: Experiment = serde_json::from_str(&json).map_err(|e| e.to_string())?;
    experiment.scenario.check().map_err(|e| e.to_string())?;
    if experiment.scenario.crowd.is_none() {
        return Err("it has no crowd".to_owned());
    }
    let widget = Rc::new_cyclic(|weak| build(weak, place, experiment));
    widget.say_link();
    widget.settle();
    widget.paint();
    dom::set(place, "data-state", "idle");
    widget.take_link();
    let linked = widget.clone();
    dom::on(&dom::window(), "hashchange", move |_| linked.take_link());
    watch_width(&widget);
    widget.offer_live();
    Ok(())
}

/// An act on the widget that does nothing once it is gone.
pub(crate) fn act(weak: &Weak<Widget>, act: impl Fn(&Rc<Widget>) + 'static) -> impl Fn() + 'static {
    let weak = weak.clone();
    move || {
        if let Some(widget) = weak.upgrade() {
            act(&widget);
        }
    }
}

fn build(weak: &Weak<Widget>, place: &HtmlElement, experiment: Experiment) -> Widget {
    let Experiment { name, title, look, scenario, .. } = experiment;
    let dot = dom::classed("i", "standby-dot").set("aria-hidden", "true").done();
    let pill_element = dom::classed("span", "standby-pill").child(&dot).done();
    let pill = Words::within(&pill_element, "");
    let head = dom::classed("div", "standby-head")
        .child(&dom::classed("strong", "standby-title").text(&title).done())
        .child(&pill_element)
        .done();

    let painted = Painted::new();
    let card = card(weak);
    let stage = dom::classed("div", "standby-picture standby-herd-picture")
        .set("tabindex", "0")
        .set("role", "group")
        .set("aria-label", "Picture. Up and down choose a row, left and right a moment, Escape neither.")
        .child(painted.element())
        .done();
    reading::reads(weak, &stage);

    let sentence_element = dom::classed("p", "standby-sentence").set("aria-live", "polite").done();
    let sentence = Words::within(&sentence_element, &look);
    let notice = dom::classed("div", "standby-notice").set("role", "status").done();
    let notice_text = dom::html("span").done();
    let notice_word = Words::within(&notice_text, "");
    let _ = notice.append_child(&notice_text);

    let press = act(weak, |widget| widget.begin(false));
    let begin = dom::button("standby-primary standby-begin", words::begin(&scenario))
        .on("click", move |_| press())
        .done();
    let press = act(weak, Widget::cancel);
    let cancel = dom::button("standby-cancel", "").set("hidden", "").on("click", move |_| press()).done();
    let cancel_word = Words::within(&cancel, "Cancel");
    let press = act(weak, Widget::try_live);
    let try_live = dom::button("standby-live", "").set("hidden", "").on("click", move |_| press()).done();
    let try_live_word = Words::within(&try_live, "");
    let progress = dom::html("progress").set("max", "100").done();
    let progress_text = dom::html("span").done();
    let progress_word = Words::within(&progress_text, "");
    let progress_box = dom::classed("span", "standby-herd-progress")
        .set("hidden", "")
        .child(&progress)
        .child(&progress_text)
        .done();

    let (low, high) = bounds::CLIENTS.into_inner();
    let own = weak.clone();
    let clients = Slider::new(
        "clients in each row",
        steps(&[1, 2, 5], low.max(100), high, scenario.clients),
        |n| count(n.into()),
        move |value, stays| changed(&own, stays, |scenario| scenario.clients = value),
    );
    let (low, high) = bounds::CAPACITY_S.into_inner();
    let own = weak.clone();
    let own_capacity = scenario.crowd.as_ref().map_or(1, |crowd| crowd.capacity_s);
    let capacity = Slider::new(
        "capacity",
        steps(&[1, 2, 3, 5, 7, 9], low.max(10), high.min(1_000_000), own_capacity),
        |n| format!("{}/s", count(n.into())),
        move |value, stays| {
            changed(&own, stays, |scenario| {
                if let Some(crowd) = &mut scenario.crowd {
                    crowd.capacity_s = value;
                }
            });
        },
    );
    // Only polls that are answered by events ask more often the more of them there are. Where nothing
    // is published, that is what the experiment is about.
    let by_events = scenario.publish.every_ms > 0
        && scenario.lanes.iter().any(|lane| matches!(lane, LaneSpec::LongPoll { .. }));
    let own = weak.clone();
    let every = by_events.then(|| {
        let (low, high) = bounds::EVERY_MS.into_inner();
        let steps = steps(&[1, 2, 5], low.max(100), high.min(20_000), scenario.publish.every_ms);
        let written: fn(u32) -> String = |ms| format!("{} s", decimal(ms.into(), 1_000, 1));
        Slider::new("an event about every", steps, written, move |value, stays| {
            changed(&own, stays, |scenario| scenario.publish.every_ms = value);
        })
    });
    let mut controls = dom::classed("div", "standby-controls")
        .child(&dom::classed("div", "standby-buttons").child(&begin).child(&try_live).child(&cancel).done())
        .child(&progress_box)
        .child(&clients.element)
        .child(&capacity.element);
    if let Some(every) = &every {
        controls = controls.child(&every.element);
    }
    let controls = controls.done();

    let table = dom::html("table").done();
    let speed_element = dom::classed("p", "standby-herd-speed").done();
    let speed = Words::within(&speed_element, "");
    let link = dom::classed("a", "standby-herd-link").text("Link to these settings").done();
    let details = dom::classed("details", "standby-herd-figures")
        .child(&dom::html("summary").text("In figures").done())
        .child(
            &dom::classed("div", "standby-herd-scroll")
                .set("tabindex", "0")
                .set("role", "region")
                .set("aria-label", "The rows in figures")
                .child(&table)
                .done(),
        )
        .child(&speed_element)
        .done();
    let foot = dom::classed("div", "standby-herd-foot").child(&details).child(&link).done();

    let limit = entry("standby-swatch-limit", "what the server can take");
    let widget_box = dom::classed("div", "standby-box standby-herd-box")
        .child(&head)
        .child(&stage)
        .child(&legend(&scenario, &limit))
        .child(&sentence_element)
        .child(&notice)
        .child(&controls)
        .child(&foot)
        .done();
    // Above the picture, not in it: what is in it is no control of its own.
    let _ = stage.after_with_node_1(&card.element);
    let _ = place.append_child(&widget_box);

    Widget {
        place: place.clone(),
        name,
        look,
        scenario: RefCell::new(scenario),
        shown: RefCell::default(),
        run: RefCell::default(),
        live: RefCell::default(),
        turns: Cell::new(0),
        offers_live: Cell::new(false),
        trouble: RefCell::default(),
        guess: Cell::new(None),
        has_run: Cell::new(false),
        framed: Cell::new(false),
        picture: RefCell::default(),
        page: Page {
            stage,
            painted,
            card,
            pill,
            dot: dot.into(),
            sentence,
            begin,
            cancel,
            cancel_word,
            try_live,
            try_live_word,
            limit,
            progress: progress.into(),
            progress_word,
            notice,
            notice_word,
            clients,
            capacity,
            every,
            table: table.into(),
            link: link.into(),
            speed,
        },
    }
}

/// A slider has changed the scenario.
fn changed(weak: &Weak<Widget>, stays: bool, change: impl Fn(&mut Scenario)) {
    let Some(widget) = weak.upgrade() else { return };
    change(&mut widget.scenario.borrow_mut());
    widget.forget_run();
    let all = { u64::from(widget.scenario.borrow().clients) * widget.scenario.borrow().lanes.len() as u64 };
    if stays && widget.has_run.get() && all <= AT_ONCE_CLIENTS {
        widget.begin(true);
    }
    widget.say_link();
    widget.settle();
    widget.paint();
}

/// A picture is as wide as its place.
fn watch_width(widget: &Rc<Widget>) {
    let repaint = act(&Rc::downgrade(widget), |widget| widget.paint());
    let changed = Closure::<dyn Fn()>::new(repaint);
    if let Ok(observer) = ResizeObserver::new(changed.as_ref().unchecked_ref()) {
        observer.observe(&widget.page.stage);
        // As long as the page: no experiment is ever taken out of it. The listener on the window holds
        // the widget for as long.
        std::mem::forget(observer);
    }
    changed.forget();
}

impl Widget {
    /// Starts a run from its beginning. `at_once`: without playing it.
    pub(crate) fn begin(self: &Rc<Self>, at_once: bool) {
        self.forget_run();
        let scenario = self.scenario.borrow().clone();
        let before = words::before(&scenario);
        if standby_sim::herd::Herd::memory_bytes(&scenario) > words::MOST_BYTES {
            self.say_notice(&before);
            return;
        }
        self.has_run.set(true);
        {
            let mut shown = self.shown.borrow_mut();
            shown.rows = vec![Vec::new(); scenario.lanes.len()];
            shown.events = vec![(0, 0.0); scenario.lanes.len()];
            if at_once || dom::media("(prefers-reduced-motion: reduce)") {
                shown.tallies = usize::MAX;
            }
        }
        let weak = Rc::downgrade(self);
        let text = serde_json::to_string(&scenario).unwrap_or_default();
        let run = Run::start(text, move |says| {
            if let Some(widget) = weak.upgrade() {
                widget.heard(says);
            }
        });
        match run {
            Ok(run) => *self.run.borrow_mut() = Some(run),
            Err(why) => *self.trouble.borrow_mut() = why,
        }
        self.settle();
        self.frame_soon();
    }

    fn heard(self: &Rc<Self>, says: Says) {
        match says {
            Says::Ready => {}
            Says::More { lane, tallies, events, took_ms } => {
                let mut shown = self.shown.borrow_mut();
                if let Some(row) = shown.rows.get_mut(lane) {
                    row.extend(tallies);
                    shown.events[lane] = (events, took_ms);
                    if shown.since_ms.is_none() && shown.tallies == 0 {
                        shown.since_ms = Some(now_ms());
                    }
                }
            }
            Says::Done(memory_bytes) => {
                self.end_run();
                let mut shown = self.shown.borrow_mut();
                shown.complete = true;
                let all = shown.events.iter().fold((0, 0.0), |all, one| (all.0 + one.0, all.1 + one.1));
                self.page.speed.say(&words::speed(all.0, all.1, memory_bytes));
            }
            Says::Failed(why) => {
                self.end_run();
                *self.trouble.borrow_mut() = why;
            }
        }
        self.settle();
        self.frame_soon();
    }

    /// The worker is let go of from its own callback: not before that has returned.
    fn end_run(&self) {
        let run = self.run.borrow_mut().take();
        let later = Closure::once_into_js(move || drop(run));
        let _ = dom::window().set_timeout_with_callback(later.unchecked_ref());
    }

    fn cancel(self: &Rc<Self>) {
        if self.live.borrow().is_some() {
            return self.stop_live();
        }
        self.forget_run();
        self.settle();
        self.paint();
        let _ = self.page.begin.focus();
    }

    /// No run, and nothing of one.
    pub(crate) fn forget_run(&self) {
        self.run.borrow_mut().take();
        self.live.borrow_mut().take();
        self.trouble.borrow_mut().clear();
        let row = self.shown.borrow().row;
        *self.shown.borrow_mut() = Shown { row, ..Shown::default() };
        self.page.speed.say("");
    }

    /// One picture with the page's next frame.
    pub(crate) fn frame_soon(self: &Rc<Self>) {
        if self.framed.replace(true) {
            return;
        }
        let own = Rc::downgrade(self);
        let frame = Closure::once_into_js(move || {
            if let Some(widget) = own.upgrade() {
                widget.framed.set(false);
                widget.frame();
            }
        });
        if dom::window().request_animation_frame(frame.unchecked_ref()).is_err() {
            self.framed.set(false);
        }
    }

    fn frame(self: &Rc<Self>) {
        let all = self.all();
        let plays = {
            let mut shown = self.shown.borrow_mut();
            if let Some(since_ms) = shown.since_ms {
                let part = ((now_ms() - since_ms) / PLAY_MS).min(1.0);
                shown.tallies = (part * all as f64) as usize;
                if part >= 1.0 {
                    shown.since_ms = None;
                    shown.tallies = usize::MAX;
                }
            }
            shown.since_ms.is_some()
        };
        self.paint();
        if plays {
            self.frame_soon();
        } else {
            self.settle();
        }
    }

    /// The tallies of a whole row.
    pub(crate) fn all(&self) -> usize {
        (i64::from(self.scenario.borrow().window_ms) * 1_000 / TALLY_US) as usize
    }

    /// What the picture is of: live there are fewer clients than were asked for.
    fn drawn(&self) -> Scenario {
        self.live
            .borrow()
            .as_ref()
            .map_or_else(|| self.scenario.borrow().clone(), |live| live.scenario.clone())
    }

    pub(crate) fn paint(&self) {
        let scenario = self.drawn();
        let shown = self.shown.borrow();
        let width = self.page.stage.get_bounding_client_rect().width() as f32;
        if width < 1.0 {
            return;
        }
        let rows: Vec<&[Tally]> = shown.rows.iter().map(Vec::as_slice).collect();
        let look =
            Look { width, narrow: width < NARROW_PX, shown: shown.tallies, row: shown.row, at: shown.at };
        let picture = herd::picture(&scenario, &rows, &look);
        let words = if self.is_over(&shown) {
            herd::describe(&scenario, &herd::sums(&scenario, &rows))
        } else {
            format!("{} rows on a time axis.", scenario.lanes.len())
        };
        self.page.painted.show(picture.clone(), &words);
        *self.picture.borrow_mut() = Some(picture);
    }

    /// All of a run is there and shown.
    fn is_over(&self, shown: &Shown) -> bool {
        shown.complete && shown.since_ms.is_none()
    }

    /// All but the picture, as things stand.
    pub(crate) fn settle(&self) {
        let asked = self.scenario.borrow();
        let scenario = self.drawn();
        let shown = self.shown.borrow();
        let live = self.live.borrow();
        let runs = self.run.borrow().is_some() || live.as_ref().is_some_and(View::runs);
        let over = self.is_over(&shown);
        let state = match (runs, over) {
            (true, _) => "running",
            (false, true) => "done",
            (false, false) if shown.since_ms.is_some() => "playing",
            _ => "idle",
        };
        dom::set(&self.place, "data-state", state);
        dom::set(
            &self.page.dot,
            "class",
            if state == "idle" { "standby-dot" } else { "standby-dot standby-on" },
        );
        self.page.pill.say(&match live.as_ref() {
            Some(live) => format!("Live · {} clients", count(live.clients().into())),
            None => format!("Simulated · {} clients", count(scenario.clients.into())),
        });
        let crowd = asked.crowd.as_ref();
        self.page.clients.set(asked.clients);
        self.page.capacity.set(crowd.map_or(1, |crowd| crowd.capacity_s));

        if let Some(every) = &self.page.every {
            every.set(asked.publish.every_ms);
        }

        let rows = live::rows(&asked).len() as u32;
        self.page.try_live_word.say(&words::try_live(live::each(&asked, live::MOST_CLIENTS) * rows));
        dom::show(&self.page.try_live, self.offers_live.get() && !runs);
        dom::show(&self.page.limit, live.is_none());
        dom::show(&self.page.cancel, runs);
        self.page.cancel_word.say(if live.is_some() { "Stop" } else { "Cancel" });
        let progress_box = self.page.progress.parent_element();
        if let Some(progress_box) = progress_box {
            dom::show(&progress_box, runs);
        }
        let all = (shown.rows.len() * (scenario.window_ms as usize / 100)).max(1);
        let there: usize = shown.rows.iter().map(Vec::len).sum();
        let (part, label, word) = match live.as_ref() {
            Some(live) => {
                let drawn = shown.rows.iter().map(Vec::len).max().unwrap_or(0);
                let (part, word) = live.progress(drawn, self.all());
                (part, "Progress of the live run", word)
            }
            None => {
                let row = shown.rows.iter().filter(|row| !row.is_empty()).count().max(1);
                let word = format!("row {row} of {}", scenario.lanes.len());
                (there * 100 / all, "Progress of the model", word)
            }
        };
        dom::set(&self.page.progress, "value", &part.to_string());
        dom::set(&self.page.progress, "aria-label", label);
        self.page.progress_word.say(&word);
        let trouble = self.trouble.borrow();
        let before = words::before(&asked);
        if state == "idle" {
            self.say_notice(if trouble.is_empty() { &before } else { &trouble });
        } else if over {
            self.say_notice("");
        }

        let rows: Vec<&[Tally]> = shown.rows.iter().map(Vec::as_slice).collect();
        let sums = if over { herd::sums(&scenario, &rows) } else { Vec::new() };
        let said = match (shown.row, shown.at) {
            (Some(row), Some(at)) => {
                let tally = rows.get(row).and_then(|row| row.get(at)).filter(|_| at < shown.tallies);
                tally.map(|tally| herd::say_at(&scenario, row, at, tally))
            }
            (Some(row), None) if over => sums.get(row).map(|sum| herd::say(&scenario, row, sum)),
            _ if over => Some(words::whole(&scenario, &sums)),
            _ if live.is_some() => Some(words::live(&scenario)),
            _ => None,
        };
        self.page.sentence.say(said.as_deref().unwrap_or(&self.look));
        let answered = self.has_run.get();
        dom::show(&self.page.card.buttons, !answered);
        let used = live.as_ref().and_then(|live| live.used.as_ref());
        match answered {
            _ if live.is_some() => {
                self.page.card.word.say(&used.map_or_else(|| words::LIVE.to_owned(), words::cost));
            }
            true => self.page.card.word.say(&words::answer(&scenario, &sums, self.guess.get())),
            false => self.page.card.word.say(words::ASK),
        }
        table::fill(&self.page.table, &scenario, &sums);
    }

    fn say_notice(&self, said: &str) {
        self.page.notice_word.say(said);
        dom::show(&self.page.notice, !said.is_empty());
    }
}

fn now_ms() -> f64 {
    dom::window().performance().map_or_else(js_sys::Date::now, |clock| clock.now())
}
