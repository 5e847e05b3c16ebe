//! What is shown: the script, step by step, and what came out.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use standby_dom::{self as dom, Words, time};
use standby_sim::Profile;
use standby_sim::truth::{self, Script, Times};
use standby_trace::Trace;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, HtmlElement, HtmlSelectElement};

use crate::live::Progress;
use crate::{live, table, words};

/// The script that is shown first: everyone is cut off, and catches up from history.
const FIRST: usize = 6;

/// One line of the script's list.
struct Line {
    row: Element,
    mark: Words,
    live: Words,
    model: Words,
}

struct Widget {
    place: HtmlElement,
    scripts: Vec<Script>,
    chosen: Cell<usize>,
    /// Set to have the run under way end.
    stopped: RefCell<Option<Rc<Cell<bool>>>>,
    dot: HtmlElement,
    pill: Words,
    select: HtmlSelectElement,
    button: Words,
    list: Element,
    lines: RefCell<Vec<Line>>,
    sentence: Words,
    /// What is awaited, and afterwards how long it took. Not said aloud: it changes many times a second.
    waits: Words,
    /// Where there is no server: what to do.
    command: HtmlElement,
    result: HtmlElement,
}

/// Builds the comparison into its place.
pub(crate) fn mount(place: HtmlElement) {
    let scripts = Script::all();
    let dot = dom::classed("i", "standby-dot").set("aria-hidden", "true").done();
    let pill_element = dom::classed("span", "standby-pill").child(&dot).done();
    let pill = Words::within(&pill_element, "");
    let head = dom::classed("div", "standby-head")
        .child(&dom::classed("strong", "standby-title").text("Live beside the model").done())
        .child(&pill_element)
        .done();

    let mut select = dom::html("select").set("id", "standby-compare-script");
    for (number, script) in scripts.iter().enumerate() {
        let option = dom::html("option").set("value", &number.to_string()).text(&script.name);
        let option = if number == FIRST { option.set("selected", "") } else { option };
        select = select.child(&option.done());
    }
    let select: HtmlSelectElement = select.into();
    let label = dom::classed("label", "standby-compare-choice")
        .set("for", "standby-compare-script")
        .text("What happens")
        .done();
    let run = dom::button("standby-primary standby-run", "").done();
    let button = Words::within(&run, "");
    let controls = dom::classed("div", "standby-controls").child(&label).child(&select).child(&run).done();

    let list = dom::html("table").set("class", "standby-compare-steps").done();
    let says = dom::classed("p", "standby-sentence").set("aria-live", "polite").done();
    let sentence = Words::within(&says, "");
    let waits_element = dom::classed("p", "standby-compare-waits").done();
    let waits = Words::within(&waits_element, "");
    let command = dom::classed("code", "standby-command").text("cargo xtask serve").done();
    let result = dom::classed("div", "standby-compare-result").done();
    let built = dom::classed("div", "standby-box standby-compare-box")
        .child(&head)
        .child(&controls)
        .child(&says)
        .child(&waits_element)
        .child(&command)
        .child(&list)
        .child(&result)
        .done();
    let _ = place.append_child(&built);

    let widget = Rc::new(Widget {
        place,
        scripts,
        dot,
        chosen: Cell::new(FIRST),
        stopped: RefCell::default(),
        pill,
        select,
        button,
        list: list.into(),
        lines: RefCell::default(),
        sentence,
        waits,
        command,
        result,
    });
    let own = widget.clone();
    dom::on(&widget.select, "change", move |_| {
        own.chosen.set(own.select.value().parse().unwrap_or(FIRST));
        own.reset();
    });
    let own = widget.clone();
    dom::on(&run, "click", move |_| own.pressed());
    // No key that is pressed in here turns mdBook's page, opens its search or its help.
    dom::on(&built, "keydown", web_sys::Event::stop_propagation);
    widget.reset();
}

impl Widget {
    fn script(&self) -> &Script {
        // What is chosen is one of them.
        &self.scripts[self.chosen.get().min(self.scripts.len() - 1)]
    }

    fn state(&self, state: &str, pill: &str) {
        dom::set(&self.place, "data-state", state);
        self.pill.say(pill);
        dom::set(
            &self.dot,
            "class",
            if state == "running" { "standby-dot standby-on" } else { "standby-dot" },
        );
        let runs = state == "running";
        self.waits.say("");
        self.button.say(if runs { "Stop" } else { "Run both" });
        dom::enable(&self.select, !runs);
        dom::show(&self.command, state == "no-server");
    }

    /// As before a run: the script's steps, none of them done.
    fn reset(&self) {
        self.result.set_text_content(None);
        self.sentence.say(&words::before(self.script()));
        self.list.set_text_content(None);
        let mut lines = Vec::new();
        let mut heads = dom::html("tr");
        for text in ["", "step", "live", "model"] {
            let cell = dom::html(if text.is_empty() { "td" } else { "th" });
            let cell = if text.is_empty() { cell } else { cell.set("scope", "col") };
            heads = heads.child(&cell.text(text).done());
        }
        let mut body = dom::html("tbody");
        for step in &self.script().steps {
            let mark_cell = dom::html("td").done();
            let [live_cell, model_cell] = [(); 2].map(|()| dom::html("td").done());
            let row = dom::html("tr")
                .child(&mark_cell)
                .child(&dom::html("th").set("scope", "row").text(&step.words()).done())
                .child(&live_cell)
                .child(&model_cell)
                .done();
            body = body.child(&row);
            lines.push(Line {
                row: row.into(),
                mark: Words::within(&mark_cell, "○"),
                live: Words::within(&live_cell, ""),
                model: Words::within(&model_cell, ""),
            });
        }
        let caption = dom::html("caption").text("When each step had come to rest, since the start").done();
        let _ = self.list.append_child(&caption);
        let _ = self.list.append_child(&dom::html("thead").child(&heads.done()).done());
        let _ = self.list.append_child(&body.done());
        *self.lines.borrow_mut() = lines;
        self.state("idle", "Not run yet");
    }

    fn pressed(self: &Rc<Self>) {
        if let Some(stopped) = self.stopped.take() {
            stopped.set(true);
            return;
        }
        self.reset();
        let stopped = Rc::new(Cell::new(false));
        *self.stopped.borrow_mut() = Some(stopped.clone());
        self.state("running", "Live");
        let widget = self.clone();
        spawn_local(async move {
            let done = widget.run(&stopped).await;
            widget.stopped.take();
            match done {
                Ok(both) => widget.show(&both),
                Err(Stop::Here) => {
                    widget.reset();
                    widget.sentence.say("Stopped. What was recorded of it says nothing.");
                }
                Err(Stop::NoServer) => {
                    widget.state("no-server", "No server");
                    widget.sentence.say(
                        "There is no server behind this page, so there is nothing to hold the model against: the \
                         recorded comparison below stands. This command, in the book's folder, makes it live:",
                    );
                }
                Err(Stop::Failed(why)) => {
                    widget.state("failed", "Not compared");
                    widget.sentence.say(&format!("The live run did not come to its end: {why}."));
                }
            }
        });
    }

    async fn run(&self, stopped: &Rc<Cell<bool>>) -> Result<Both, Stop> {
        let Ok(api) = standby_api::find(&crate::root()).await else { return Err(Stop::NoServer) };
        let script = self.script();
        let tell = |progress: Progress<'_>| self.progress(script, &progress);
        let (live, topic) =
            live::run(script, &api, stopped, tell).await.map_err(|why| match why.as_str() {
                "" => Stop::Here,
                _ => Stop::Failed(why),
            })?;
        let location = dom::window().location();
        let (host, page) = (location.host().unwrap_or_default(), location.href().unwrap_or_default());
        // What this browser sends of its own is learned from the live run, whatever browser it is.
        let profile = Profile::empty(String::new()).learned_from(&live).at(&host, &page);
        let lines = self.lines.borrow();
        let began_us = time::now_us();
        let model = truth::run_and_tell(script, &profile, &topic, live.began_at_ms, &mut |over, at_us| {
            if let Some(line) = over.checked_sub(1).and_then(|at| lines.get(at)) {
                line.model.say(&words::age(at_us));
            }
        });
        Ok(Both { live, model: model.map_err(Stop::Failed)?, took_us: time::now_us() - began_us })
    }

    fn progress(&self, script: &Script, progress: &Progress<'_>) {
        for (number, line) in self.lines.borrow().iter().enumerate() {
            let (state, mark) = match number {
                number if number < progress.over => ("done", "✓"),
                number if number == progress.over => ("now", "▸"),
                _ => ("", "○"),
            };
            if state == "done" && line.row.get_attribute("data-step").as_deref() != Some("done") {
                line.live.say(&words::age(progress.at_us));
            }
            dom::set(&line.row, "data-step", state);
            line.mark.say(mark);
        }
        self.sentence.say(&words::under_way(progress.over, script));
        self.waits.say(&if progress.waits.is_empty() {
            String::new()
        } else {
            format!("Waits: {}", progress.waits)
        });
    }

    fn show(&self, both: &Both) {
        let Both { live, model, took_us } = both;
        let rows = truth::rows(live, model);
        let times = Times::of(live, model);
        self.state("done", "Compared");
        dom::set(&self.place, "data-equal", if rows.iter().all(|row| row.equal) { "true" } else { "false" });
        self.sentence.say(&words::whole(&rows));
        self.waits.say(&words::took(live.until_us, *took_us));
        let clocks = dom::classed("p", "standby-compare-clocks").text(&words::clocks(&times)).done();
        for part in [table::counts(&rows), table::times(&times), clocks] {
            let _ = self.result.append_child(&part);
        }
        let differences = truth::differences(live, model);
        if !differences.is_empty() {
            let mut list = dom::classed("ul", "standby-compare-differences");
            for difference in differences {
                list = list.child(&dom::html("li").text(&difference).done());
            }
            let _ = self.result.append_child(&list.done());
        }
    }
}

/// Both runs of the script.
struct Both {
    live: Trace,
    model: Trace,
    /// How long the model ran, by the page's clock.
    took_us: i64,
}

/// Why there is nothing to show.
enum Stop {
    /// The reader wanted it.
    Here,
    /// There is no server.
    NoServer,
    /// Something went wrong.
    Failed(String),
}
