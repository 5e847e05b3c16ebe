//! The chart of what clients cost: what is shown, the settings, and where the reading line stands.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use standby_dom::{self as dom, Words};
use standby_figure::format::{bytes, count, decimal};
use standby_figure::scale::{
    Constants, Look, Quantity, STANDARD_STOP, STOPS, Settings, clients_at, columns, describe, nearest,
    picture, say, sources, table,
};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{Element, HtmlElement, KeyboardEvent, PointerEvent, ResizeObserver};

use crate::picture::Painted;
use crate::slider::{Slider, steps};
use crate::widget::NARROW_PX;

struct Chart {
    constants: Constants,
    settings: Cell<Settings>,
    what: Cell<Quantity>,
    at: Cell<usize>,
    /// Where the axis of the clients begins, and how long it is.
    plot: Cell<(f32, f32)>,
    stage: HtmlElement,
    painted: Painted,
    sentence: Words,
    switch: RefCell<Vec<(Quantity, HtmlElement)>>,
    table: Element,
}

/// Builds the chart into its placeholder.
pub(crate) fn mount(place: &HtmlElement) -> Result<(), String> {
    let json = place.get_attribute("data-scale").unwrap_or_default();
    let constants: Constants = serde_json::from_str(&json).map_err(|e| e.to_string())?;
    let chart = Rc::new_cyclic(|weak| build(weak, place, constants));
    chart.paint();
    dom::set(place, "data-state", "idle");
    let own = chart.clone();
    let changed = Closure::<dyn Fn()>::new(move || own.paint());
    if let Ok(observer) = ResizeObserver::new(changed.as_ref().unchecked_ref()) {
        observer.observe(&chart.stage);
        // As long as the page: nothing takes the chart out of it. Its closure holds the chart.
        std::mem::forget(observer);
    }
    changed.forget();
    Ok(())
}

fn build(weak: &Weak<Chart>, place: &HtmlElement, constants: Constants) -> Chart {
    let settings = Settings::default();
    let dot = dom::classed("i", "standby-dot").set("aria-hidden", "true").done();
    let head = dom::classed("div", "standby-head")
        .child(&dom::classed("strong", "standby-title").text("Cost at scale").done())
        .child(&dom::classed("span", "standby-pill").child(&dot).text("Calculated").done())
        .done();
    let painted = Painted::new();
    let stage = dom::classed("div", "standby-picture standby-herd-picture")
        .set("tabindex", "0")
        .set("role", "slider")
        .set("aria-label", "Clients")
        .set("aria-valuemin", "1")
        .set("aria-valuemax", &clients_at(STOPS).to_string())
        .child(painted.element())
        .done();
    reads(weak, &stage);
    let sentence_element =
        dom::classed("p", "standby-sentence standby-scale-sentence").set("aria-live", "polite").done();
    let sentence = Words::within(&sentence_element, "");

    let mut shown = vec![(Quantity::Requests, "Requests"), (Quantity::Bytes, "Bytes")];
    shown.extend(constants.memory.as_ref().map(|_| (Quantity::Memory, "Memory")));
    let mut switch = Vec::new();
    let mut buttons =
        dom::classed("div", "standby-buttons").set("role", "group").set("aria-label", "What is shown");
    for (what, name) in shown {
        let own = weak.clone();
        let button = dom::button("standby-scale-what", name)
            .on("click", move |_| {
                if let Some(chart) = own.upgrade() {
                    chart.what.set(what);
                    chart.paint();
                }
            })
            .done();
        buttons = buttons.child(&button);
        switch.push((what, button));
    }
    let mut controls = dom::classed("div", "standby-controls").child(&buttons.done());
    for slider in sliders(weak, settings) {
        controls = controls.child(&slider.element);
    }

    let table = dom::html("table").done();
    let scroll = dom::classed("div", "standby-herd-scroll")
        .set("tabindex", "0")
        .set("role", "region")
        .set("aria-label", "The lines in figures")
        .child(&table)
        .done();
    let sources = dom::classed("p", "standby-scale-sources").text(&sources(&constants)).done();
    let foot = dom::classed("div", "standby-scale-foot").child(&scroll).child(&sources).done();
    let chart_box = dom::classed("div", "standby-box standby-herd-box standby-scale-box")
        .child(&head)
        .child(&stage)
        .child(&sentence_element)
        .child(&controls.done())
        .child(&foot)
        .done();
    let _ = place.append_child(&chart_box);
    Chart {
        constants,
        settings: Cell::new(settings),
        what: Cell::new(Quantity::Bytes),
        at: Cell::new(STANDARD_STOP),
        plot: Cell::default(),
        stage,
        painted,
        sentence,
        switch: RefCell::new(switch),
        table: table.into(),
    }
}

/// The reader's own parameters.
fn sliders(weak: &Weak<Chart>, settings: Settings) -> [Slider; 6] {
    let seconds: fn(u32) -> String = |ms| match ms {
        0..1_000 => format!("{ms} ms"),
        _ => format!("{} s", decimal(ms.into(), 1_000, u32::from(ms % 1_000 > 0))),
    };
    let slider = |name, from, to, own: u32, written: fn(u32) -> String, set: fn(&mut Settings, u32)| {
        let weak = weak.clone();
        let slider = Slider::new(name, steps(&[1, 2, 5], from, to, own), written, move |value, _| {
            if let Some(chart) = weak.upgrade() {
                let mut settings = chart.settings.get();
                set(&mut settings, value);
                chart.settings.set(settings);
                chart.paint();
            }
        });
        slider.set(own);
        slider
    };
    [
        slider("a poll every", 100, 100_000, settings.interval_ms, seconds, |s, v| s.interval_ms = v),
        slider(
            "events a second",
            1,
            100_000,
            settings.events_ks,
            |ks| match ks {
                0..1_000 => decimal(
                    ks.into(),
                    1_000,
                    if ks < 10 {
                        3
                    } else if ks < 100 {
                        2
                    } else {
                        1
                    },
                ),
                _ => count(u64::from(ks / 1_000)),
            },
            |s, v| s.events_ks = v,
        ),
        slider(
            "an event has",
            10,
            100_000,
            settings.event_bytes,
            |n| bytes(n.into()),
            |s, v| s.event_bytes = v,
        ),
        slider("long polls held up to", 1_000, 100_000, settings.timeout_ms, seconds, |s, v| {
            s.timeout_ms = v;
        }),
        slider("a sign of life every", 1_000, 100_000, settings.keep_alive_ms, seconds, |s, v| {
            s.keep_alive_ms = v;
        }),
        slider("round trip", 10, 1_000, settings.round_trip_ms, seconds, |s, v| s.round_trip_ms = v),
    ]
}

/// Pointer and keys move the reading line.
fn reads(weak: &Weak<Chart>, stage: &HtmlElement) {
    for event in ["pointermove", "pointerdown"] {
        let own = weak.clone();
        dom::on(stage, event, move |event| {
            if let (Some(chart), Some(pointer)) = (own.upgrade(), event.dyn_ref::<PointerEvent>()) {
                let left = chart.stage.get_bounding_client_rect().left();
                let (from, long) = chart.plot.get();
                chart
                    .look_at(nearest(((f64::from(pointer.client_x()) - left) as f32 - from) / long.max(1.0)));
            }
        });
    }
    let own = weak.clone();
    dom::on(stage, "keydown", move |event| {
        let (Some(chart), Some(key)) = (own.upgrade(), event.dyn_ref::<KeyboardEvent>()) else { return };
        if key.ctrl_key() || key.meta_key() || key.alt_key() {
            return;
        }
        let at = chart.at.get();
        let to = match key.key().as_str() {
            "ArrowRight" | "ArrowUp" => at + 1,
            "ArrowLeft" | "ArrowDown" => at.saturating_sub(1),
            // Ten times as many, or a tenth.
            "PageUp" => at + 3,
            "PageDown" => at.saturating_sub(3),
            "Home" => 0,
            "End" => STOPS,
            _ => return,
        };
        chart.look_at(to.min(STOPS - 1));
        // The book's own keys turn the page.
        key.prevent_default();
        key.stop_propagation();
    });
}

impl Chart {
    fn look_at(&self, stop: usize) {
        if self.at.replace(stop) != stop {
            self.paint();
        }
    }

    fn paint(&self) {
        let width = self.stage.client_width() as f32;
        if width <= 0.0 {
            return;
        }
        let (settings, what, at) = (self.settings.get(), self.what.get(), self.at.get());
        let look = Look { width, narrow: width < NARROW_PX, what, at };
        let drawn = picture(&settings, &self.constants, &look);
        self.plot.set((drawn.plot_x, drawn.plot_w));
        self.painted.show(drawn, &describe(what, &settings, &self.constants));
        self.sentence.say(&say(what, &settings, &self.constants));
        for (of, button) in self.switch.borrow().iter() {
            dom::set(button, "aria-pressed", if *of == what { "true" } else { "false" });
        }
        let clients = clients_at(at);
        let words = format!("{} {}", count(clients.into()), if clients == 1 { "client" } else { "clients" });
        dom::set(&self.stage, "aria-valuenow", &clients.to_string());
        dom::set(&self.stage, "aria-valuetext", &words);
        self.fill(&words, at);
    }

    fn fill(&self, caption: &str, at: usize) {
        let mut head = dom::html("tr");
        for column in columns(&self.constants) {
            head = head.child(&dom::html("th").set("scope", "col").text(column).done());
        }
        let mut body = dom::html("tbody");
        for cells in table(&self.settings.get(), &self.constants, at) {
            let mut row = dom::html("tr");
            for (column, cell) in cells.iter().enumerate() {
                let of = if column == 0 { dom::html("th").set("scope", "row") } else { dom::html("td") };
                row = row.child(&of.text(cell).done());
            }
            body = body.child(&row.done());
        }
        self.table.set_text_content(None);
        for part in [
            dom::html("caption").text(caption).done(),
            dom::html("thead").child(&head.done()).done(),
            body.done(),
        ] {
            let _ = self.table.append_child(&part);
        }
    }
}
